// A diagram that can be zoomed, moved, filtered, and read with the keyboard.

let diagrams = 0;

class Diagram {
  constructor(figure, trace) {
    this.figure = figure;
    this.trace = trace;
    this.filter = { node: '', event: '', key: '', messages: true };
    const used = new Set(trace.records.map(r => r.node));
    const lanes = trace.nodes.map((_, node) => node);
    if (used.has(-1)) lanes.push(-1);
    const longest = Math.max(6, ...trace.nodes.map(name => Math.min(16, [...name].length)));
    this.state = {
      trace, lanes, laneOf: new Map(lanes.map((node, lane) => [node, lane])), gutter: 24 + longest * 6.6,
      rows: faultRows(trace.faults, 4), stretches: stretches(trace), words: new Map(), clip: 'clip' + diagrams++,
    };
    this.proof = trace.records.filter(record => record.proof);
    this.view = around(this.proof, trace);
    this.pointers = new Map();
    this.build();
    this.evidence();
    new ResizeObserver(() => { if (figure.clientWidth !== this.state.width) this.redraw(); }).observe(figure);
    this.redraw();
  }

  build() {
    const { figure, trace } = this;
    const tools = html(figure, 'div', { class: 'tools' });
    const zoom = html(tools, 'span', { class: 'zoom', role: 'group', 'aria-label': 'Zoom' });
    const button = (words, label, act) => {
      html(zoom, 'button', { type: 'button', title: label, 'aria-label': label }, words).addEventListener('click', act);
    };
    button('−', 'Zoom out', () => this.zoom(1.6));
    button('+', 'Zoom in', () => this.zoom(1 / 1.6));
    button('◂', 'Earlier', () => this.move(-0.4));
    button('▸', 'Later', () => this.move(0.4));
    if (this.proof.length) button('Evidence', 'Show the evidence', () => this.show(around(this.proof, trace)));
    button('All', 'Show the whole run', () => this.show(everything(trace)));
    const distinct = of => [...new Set(trace.records.map(of).filter(value => value !== null))]
      .sort((a, b) => a.length - b.length || (a < b ? -1 : 1));
    this.select(tools, 'node', trace.nodes.map((name, node) => [String(node), name]));
    this.select(tools, 'event', distinct(r => r.event).map(event => [event, 'e' + event]));
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
    html(figure, 'p', { class: 'status', id: this.hint },
      'Drag to move. Click it, and the wheel zooms; Ctrl and the wheel, or two fingers, zoom always. With the keyboard: arrows go from record to record and, up and down, between lanes, + and − zoom, 0 shows the evidence.');
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

  /** Records of evidence in the list beside lead to their place. */
  evidence() {
    const story = this.figure.closest('.story');
    this.proofs = new Map();
    for (const line of story?.querySelectorAll('li[data-i]') ?? []) {
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
    const shown = filtered(this.trace, this.filter);
    this.state.words.clear();
    Object.assign(this.state, { width, view: this.view, shown });
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
    const all = [
      ...this.drawn.marks.flatMap(mark => mark.records).map(r => [r.at, recordWords(r, trace.nodes)]),
      ...this.drawn.messages.map(m => [m.at, messageWords(m, trace.nodes)]),
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
