// The diagram of a story, which can be zoomed, moved, filtered and read with the keyboard, and the steps beside it: each that
// is chosen narrows what is shown to the time until the next.

let diagrams = 0;
document.documentElement.classList.add('js');

class Diagram {
  constructor(story, trace) {
    const figure = story.querySelector('.diagram');
    this.story = story;
    this.figure = figure;
    this.trace = trace;
    this.subject = new Set((story.dataset.events ?? '').split(' ').filter(event => event));
    this.filter = { node: '', event: this.subject.size ? '*' : '', key: '', messages: true };
    const used = new Set(trace.records.map(r => r.node));
    const lanes = trace.nodes.map((_, node) => node);
    if (used.has(-1)) lanes.push(-1);
    this.lanes = lanes;
    const longest = Math.max(6, ...trace.nodes.map(name => Math.min(16, [...name].length)));
    this.state = {
      trace, gutter: 24 + longest * 6.6,
      rows: faultRows(trace.faults, 4), stretches: stretches(trace), words: new Map(), clip: 'clip' + diagrams++,
      subject: this.subject, moment: null, now: null,
    };
    this.proof = trace.records.filter(record => record.proof);
    // What proves the cause; other violations have their evidence elsewhere.
    const told = new Set([...story.querySelectorAll('.steps .proof')].map(line => line.dataset.i));
    this.cause = trace.records.filter(record => told.has(String(record.index)));
    // What is about no event is about a node, if its evidence is of one.
    const places = new Set(this.cause.map(record => record.node));
    if (!this.subject.size && places.size === 1 && !places.has(-1)) this.filter.node = String([...places][0]);
    this.pointers = new Map();
    this.view = this.homeView();
    this.build();
    this.listSteps();
    this.evidence();
    new ResizeObserver(() => { if (figure.clientWidth !== this.state.width) this.redraw(); }).observe(figure);
    this.redraw();
  }

  homeView() {
    const proof = this.cause.length ? this.cause : this.proof;
    if (proof.length) return around(proof, this.trace);
    // Of a run in which nothing is wrong: how the first fault was met.
    const [fault] = this.trace.faults;
    if (!fault) return everything(this.trace);
    const away = record => Math.abs(record.at - fault.from);
    const near = [...this.trace.records].sort((a, b) => away(a) - away(b)).slice(0, 40);
    return around([{ at: fault.from }, ...near], this.trace);
  }

  /** What the cause is about, as the story opens. */
  home() {
    this.choose(null);
    this.show(this.homeView());
  }

  build() {
    const { figure, trace } = this;
    this.strip = svg(figure, 'svg', {
      class: 'strip', role: 'group', tabindex: '0',
      'aria-label': 'The whole run. Drag over a part of it, or use the arrows, to choose what the diagram shows',
    });
    this.listenStrip();
    const tools = html(figure, 'div', { class: 'tools' });
    const zoom = html(tools, 'span', { class: 'zoom', role: 'group', 'aria-label': 'Zoom' });
    const button = (words, label, act) => {
      html(zoom, 'button', { type: 'button', title: label, 'aria-label': label }, words).addEventListener('click', act);
    };
    button('−', 'Zoom out', () => this.zoom(1.6));
    button('+', 'Zoom in', () => this.zoom(1 / 1.6));
    button('◂', 'Earlier', () => this.move(-0.4));
    button('▸', 'Later', () => this.move(0.4));
    if (this.proof.length) button('Cause', 'Show what the cause is about', () => this.home());
    else if (trace.faults.length) button('Fault', 'Show the first fault', () => this.home());
    button('All', 'Show the whole run', () => this.show(everything(trace)));
    const distinct = of => [...new Set(trace.records.map(of).filter(value => value !== null))]
      .sort((a, b) => a.length - b.length || (a < b ? -1 : 1));
    this.select(tools, 'node', trace.nodes.map((name, node) => [String(node), name]));
    const about = this.subject.size ? [['*', [...this.subject].slice(0, 2).map(event => 'e' + event).join(', ') + (this.subject.size > 2 ? ', …' : '') + ' (the cause)']] : [];
    this.select(tools, 'event', [...about, ...distinct(r => r.event).map(event => [event, 'e' + event])]);
    this.select(tools, 'key', distinct(r => r.key).map(key => [key, key]));
    if (trace.messages.length) {
      const label = html(tools, 'label');
      const box = html(label, 'input', { type: 'checkbox', checked: '' });
      label.append('messages');
      box.addEventListener('change', () => { this.filter.messages = box.checked; this.redraw(); });
    }
    this.hint = `h${this.state.clip}`;
    this.plot = svg(figure, 'svg', {
      class: 'plot', role: 'group', 'aria-label': 'Space-time diagram: a lane for each node, time to the right', 'aria-describedby': this.hint,
    });
    this.tooltip = html(figure, 'div', { class: 'tooltip', hidden: '', 'aria-hidden': 'true' });
    this.legend();
    this.status = html(figure, 'p', { class: 'status', 'aria-live': 'polite' });
    const keys = html(figure, 'details', { class: 'listed' });
    html(keys, 'summary', {}, 'Keys and gestures');
    html(keys, 'p', { class: 'status', id: this.hint },
      'j and k go through the steps, and each narrows the diagram to the time until the next; Escape lets go. Drag over the strip above, which tells the whole run (publishes as a line and effects as an area, each per second; the longest latency; events that wait), to choose a part of it. Drag the diagram to move it; Ctrl and the wheel, or two fingers, zoom. In the diagram arrows go from record to record and between lanes, + and − zoom, 0 shows the cause.');
    this.listed = html(figure, 'details', { class: 'listed' });
    html(this.listed, 'summary', {}, 'What is shown, as a list');
    this.list = html(this.listed, 'ol');
    this.listed.addEventListener('toggle', () => this.fillList());
    this.listen();
  }

  select(tools, name, options) {
    if (!options.length) return;
    const label = html(tools, 'label', {}, name);
    const select = html(label, 'select');
    html(select, 'option', { value: '' }, 'all');
    for (const [value, words] of options) html(select, 'option', { value }, words);
    select.dataset.filter = name;
    select.value = this.filter[name];
    select.addEventListener('change', () => { this.filter[name] = select.value; this.redraw(); });
  }

  legend() {
    const legend = html(this.figure, 'div', { class: 'legend' });
    const entry = (words, width, fill) => {
      const span = html(legend, 'span');
      fill(svg(span, 'svg', { width, height: 20, viewBox: `${-width / 2} -10 ${width} 20`, 'aria-hidden': 'true' }));
      span.append(words);
    };
    const kinds = new Set(this.trace.records.map(r => r.kind));
    if (this.proof.length) entry('evidence', 20, at => svg(at, 'circle', { class: 'halo', r: 7 }));
    for (const [kind, shape] of Object.entries(SHAPES)) {
      if (kinds.has(kind)) entry(shape.words, 20, at => svg(at, 'path', { class: 'shape ' + kind, d: shape.path }));
    }
    if ([...FLAGS].some(kind => kinds.has(kind))) entry(FLAG.words, 20, at => svg(at, 'path', { class: 'shape flag', d: FLAG.path }));
    entry('record', 10, at => svg(at, 'circle', { class: 'shape plain', r: 3.6 }));
    if (this.trace.messages.length) {
      entry('message', 26, at => svg(at, 'path', { class: 'key-msg', d: 'M-11 0H10' }));
    }
    if (this.trace.messages.some(m => m.read === null)) {
      entry('never read', 26, at => svg(at, 'path', { class: 'key-lost', d: 'M-11 0H4M3-4l8 8m0-8l-8 8' }));
    }
    if (this.trace.faults.length) {
      entry('fault, and the nodes it acts on', 22, at => {
        svg(at, 'rect', { class: 'key-fault', x: -10, y: -6, width: 20, height: 12, rx: 2 });
      });
    }
    if (this.state.stretches.some(s => s.what === 'leads')) {
      entry('leader', 22, at => svg(at, 'path', { class: 'key-leads', d: 'M-10 0H10' }));
    }
    if (this.state.stretches.some(s => s.what === 'down')) {
      entry('down', 22, at => svg(at, 'path', { class: 'key-down', d: 'M-10 0H10' }));
    }
  }

  /** The steps of the life beside, which are gone through with j and k. */
  listSteps() {
    const list = this.story.querySelector('.steps');
    this.steps = [...list?.querySelectorAll('li') ?? []];
    if (!list) return;
    list.setAttribute('role', 'listbox');
    list.setAttribute('aria-label', this.story.querySelector('.life h5').textContent);
    this.steps.forEach((line, place) => {
      line.setAttribute('role', 'option');
      line.setAttribute('aria-selected', 'false');
      line.tabIndex = place ? -1 : 0;
      line.addEventListener('click', () => this.choose(place));
    });
    list.addEventListener('keydown', event => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const go = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (go) { event.preventDefault(); event.stopPropagation(); this.walk(go); }
      if (event.key === 'Enter' || event.key === ' ') { event.preventDefault(); this.choose(this.steps.indexOf(event.target)); }
      if (event.key === 'Escape') this.home();
    });
  }

  /** To the next step, or the one before. */
  walk(by) {
    const at = this.chosen === undefined || this.chosen === null ? (by > 0 ? 0 : this.steps.length - 1) : this.chosen + by;
    if (at >= 0 && at < this.steps.length) this.choose(at);
  }

  /** Chooses a step: the diagram and the list below it show the time until the next one. None lets go. */
  choose(place) {
    const line = place === null ? null : this.steps[place];
    this.chosen = line ? place : null;
    this.steps.forEach(other => {
      other.classList.toggle('on', other === line);
      other.setAttribute('aria-selected', String(other === line));
      if (line) other.tabIndex = other === line ? 0 : -1;
    });
    if (!line) {
      Object.assign(this.state, { moment: null, now: null });
      this.redraw();
      return;
    }
    line.focus({ preventScroll: true });
    const list = line.parentElement;
    list.scrollTop = Math.min(Math.max(list.scrollTop, line.offsetTop + line.offsetHeight - list.clientHeight - list.offsetTop), line.offsetTop - list.offsetTop);
    const at = Number(line.dataset.at);
    const later = this.steps.slice(place + 1).map(other => Number(other.dataset.at)).find(time => time > at);
    const earlier = this.steps.slice(0, place).map(other => Number(other.dataset.at)).findLast(time => time < at);
    const to = later ?? at + 20000;
    const record = this.trace.records.find(r => String(r.index) === line.dataset.i);
    Object.assign(this.state, { moment: { from: at, to }, now: record ?? { at } });
    const room = Math.max((to - at) * 0.25, 4000);
    // A little of what was before is seen, so that nobody loses the way.
    this.show({ from: at - Math.min(Math.max(at - (earlier ?? at), room), (to - at) + room), to: to + room });
    this.listed.open = true;
    this.fillList();
  }

  /** Records of evidence in other lists lead to their place. */
  evidence() {
    const run = this.story.closest('.run');
    for (const line of run?.querySelectorAll('.violation li[data-i]') ?? []) {
      const record = this.trace.records.find(r => String(r.index) === line.dataset.i);
      if (!record) continue;
      line.tabIndex = 0;
      line.setAttribute('role', 'button');
      line.title = 'Show it in the diagram';
      const go = () => {
        const half = Math.min((this.view.to - this.view.from) / 2, 60000);
        this.show({ from: record.at - half, to: record.at + half });
        this.focus(this.drawn.marks.find(mark => mark.records.includes(record))?.id);
      };
      line.addEventListener('click', go);
      line.addEventListener('keydown', event => {
        if (event.key === 'Enter' || event.key === ' ') { event.preventDefault(); go(); }
      });
    }
  }

  /** Draws what is to be seen, and keeps the focus where it is. */
  redraw() {
    const width = Math.round(this.figure.clientWidth);
    if (!width) return;
    const had = this.plot.contains(document.activeElement) ? document.activeElement.dataset.id : null;
    this.hide();
    const shown = filtered(this.trace, this.filter, this.subject);
    this.state.words.clear();
    const lanes = lanesOf(this.trace, shown, this.filter, this.lanes);
    Object.assign(this.state, { width, view: this.view, shown, lanes, laneOf: new Map(lanes.map((node, lane) => [node, lane])) });
    this.onStrip = drawStrip(this.strip, this.state);
    this.drawn = draw(this.plot, this.state);
    const items = this.drawn.items;
    const kept = items.find(item => item.dataset.id === (had ?? this.current));
    const first = kept ?? items.find(item => item.classList.contains('proof')) ?? items[0];
    first?.setAttribute('tabindex', '0');
    if (had) (kept ?? first)?.focus({ preventScroll: true });
    this.tell(shown);
    this.fillList();
  }

  tell(shown) {
    const { trace, drawn } = this;
    const records = drawn.marks.reduce((sum, mark) => sum + mark.records.length, 0);
    let words = `${records} of ${trace.records.length} records`;
    if (trace.messages.length) words += ` and ${drawn.messages.length} of ${trace.messages.length} messages`;
    words += ` shown, ${seconds(Math.round(Math.max(0, this.view.from) / 1000) * 1000)} to ${seconds(Math.round(this.view.to / 1000) * 1000)}.`;
    const without = this.lanes.length - this.state.lanes.length;
    if (without) words += ` ${without} ${without === 1 ? 'node has' : 'nodes have'} no part in it.`;
    const hidden = trace.records.length - shown.records.length;
    if (hidden) words += ` The filter hides ${hidden} records.`;
    const [r, m] = trace.omitted;
    if (r + m) words += ` To keep the page small, ${r} records and ${m} messages of this trace are not in it.`;
    if (trace.leftOut) words += ` The whole run has ${trace.leftOut.toLocaleString('en')} more; its command tells them.`;
    this.status.textContent = words;
  }

  fillList() {
    if (!this.listed.open || !this.drawn) return;
    this.list.replaceChildren();
    const { trace } = this;
    const { moment } = this.state;
    const within = at => at >= moment.from && at <= moment.to;
    const [records, messages] = moment
      ? [trace.records.filter(r => within(r.at)), trace.messages.filter(m => within(m.at))]
      : [this.drawn.marks.flatMap(mark => mark.records), this.drawn.messages];
    this.listed.firstChild.textContent = moment ? 'Everything from this step to the next, whatever the filter' : 'What is shown, as a list';
    const all = [
      ...records.map(r => [r.at, recordWords(r, trace.nodes)]),
      ...messages.map(m => [m.at, messageWords(m, trace.nodes)]),
    ].sort((a, b) => a[0] - b[0]);
    for (const [, words] of all) html(this.list, 'li', {}, words);
  }

  /** Shows a part of time, neither smaller than ten microseconds nor longer than all of it. */
  show(view) {
    const all = everything(this.trace);
    const span = Math.min(Math.max(view.to - view.from, 10), (all.to - all.from) * 1.2);
    const middle = Math.min(Math.max((view.from + view.to) / 2, all.from), all.to);
    this.view = { from: middle - span / 2, to: middle + span / 2 };
    this.redraw();
  }

  /** Zooms around a place between 0, the left, and 1, the right. */
  zoom(factor, place = 0.5) {
    const { from, to } = this.view;
    const at = from + (to - from) * place;
    this.show({ from: at - (at - from) * factor, to: at + (to - at) * factor });
  }

  move(share) {
    const by = (this.view.to - this.view.from) * share;
    this.show({ from: this.view.from + by, to: this.view.to + by });
  }

  focus(id) {
    const item = this.drawn.items.find(element => element.dataset.id === id);
    if (!item) return;
    this.plot.querySelector('[tabindex="0"]')?.setAttribute('tabindex', '-1');
    item.setAttribute('tabindex', '0');
    this.current = id;
    item.focus({ preventScroll: true });
    const box = this.plot.getBoundingClientRect();
    if (box.bottom < 40 || box.top > innerHeight - 40) this.figure.scrollIntoView({ block: 'nearest' });
  }

  hide() { this.tooltip.hidden = true; }

  tip(element) {
    const words = this.state.words.get(element);
    if (!words) return this.hide();
    this.tooltip.replaceChildren();
    for (const line of words.slice(0, 8)) html(this.tooltip, 'p', {}, line);
    if (words.length > 8) html(this.tooltip, 'p', { class: 'soft' }, `and ${words.length - 8} more: zoom in to see them`);
    this.tooltip.hidden = false;
    const [box, figure, tip] = [element, this.figure, this.tooltip].map(e => e.getBoundingClientRect());
    const plot = this.plot.getBoundingClientRect();
    const middle = Math.min(Math.max(box.left + box.width / 2, plot.left), plot.right) - figure.left;
    const left = Math.min(Math.max(middle - tip.width / 2, 0), Math.max(0, figure.width - tip.width));
    const above = box.top - figure.top - tip.height - 8;
    this.tooltip.style.left = left + 'px';
    this.tooltip.style.top = (above < 0 ? box.bottom - figure.top + 8 : above) + 'px';
  }
}
