// The strip of the whole run above a diagram: how much was published and applied, how long that took, what still waited,
// the faults as bands; and the part of time that the diagram shows, which is chosen here.

const ROW = 30;

/** Rows of a strip: its name, and its values by part. */
function stripRows(course) {
  if (!course) return [];
  const rate = course.part / 1e6;
  const perSecond = values => values.map(value => value / rate);
  const all = [
    { name: 'rate', lines: [['published', perSecond(course.published)], ['effects', perSecond(course.applied)]], words: most => Math.round(most) + '/s' },
    { name: 'latency', lines: [['latency', course.latency]], words: length },
    { name: 'lag', lines: [['lag', course.lag]], words: most => String(most) },
  ];
  return all.filter(row => row.lines.some(([, values]) => values.some(value => value > 0)));
}

/** Fills a strip. Gives back where time is in it. */
function drawStrip(plot, { trace, view, width, subject, now, gutter: wanted }) {
  const gutter = width < 560 ? 8 : wanted;
  const inner = width - gutter - 10;
  const rows = stripRows(trace.course);
  const height = 18 + Math.max(rows.length, 1) * ROW + 14;
  const all = everything(trace);
  const x = at => gutter + (at - all.from) / (all.to - all.from) * inner;
  plot.replaceChildren();
  plot.setAttribute('viewBox', `0 0 ${width} ${height}`);
  plot.setAttribute('height', height);
  for (const { at, words } of ticks(all, inner)) {
    if (x(at) + 40 < width) svg(plot, 'text', { x: x(at) + 3, y: 12 }, words);
    svg(plot, 'path', { class: 'grid', d: `M${x(at)} 4V${height - 10}` });
  }
  // As one, so that occurrences that overlap grow no darker.
  const bands = svg(plot, 'g', { class: 'bands' });
  for (const fault of trace.faults) {
    const from = x(fault.from);
    const to = x(fault.to ?? all.to);
    const band = svg(bands, 'rect', { class: 'band', x: from, y: 16, width: Math.max(to - from, 2), height: height - 28 });
    svg(band, 'title', {}, faultWords(fault));
  }
  rows.forEach((row, place) => {
    const foot = 18 + (place + 1) * ROW - 4;
    const most = row.lines.reduce((max, [, values]) => values.reduce((a, b) => Math.max(a, b), max), 0) || 1;
    svg(plot, 'path', { class: 'lane-line', d: `M${gutter} ${foot}H${gutter + inner}` });
    for (const [name, values] of row.lines) {
      const points = values.map((value, part) => `${x(part * trace.course.part).toFixed(1)} ${(foot - value / most * (ROW - 9)).toFixed(1)}`);
      if (!points.length) continue;
      const end = x(values.length * trace.course.part).toFixed(1);
      const steps = points.map((point, part) => (part ? 'H' + point.split(' ')[0] + 'V' + point.split(' ')[1] : 'M' + point)).join('') + 'H' + end;
      const area = name === 'lag' || name === 'effects';
      svg(plot, 'path', { class: 'curve ' + name, d: area ? `${steps}V${foot}H${x(0).toFixed(1)}Z` : steps });
    }
    const words = `${row.name}, at most ${row.words(most)}`;
    if (gutter > 60) {
      svg(plot, 'text', { class: 'name', x: 4, y: foot - 9 }, row.name);
      svg(plot, 'text', { x: 4, y: foot + 2 }, '≤ ' + row.words(most));
    } else {
      svg(plot, 'text', { class: 'over', x: gutter + 2, y: foot - 11 }, words);
    }
  });
  const foot = height - 10;
  for (const record of trace.records) {
    if (record.proof || subject.has(record.event)) {
      svg(plot, 'path', { class: record.proof ? 'tick proves' : 'tick', d: `M${x(record.at)} ${foot - 2}v8` });
    }
  }
  if (now) svg(plot, 'path', { class: 'cursor', d: `M${x(now.at)} 16V${foot}` });
  const [from, to] = [view.from, view.to].map(at => Math.min(Math.max(x(at), gutter), gutter + inner));
  svg(plot, 'rect', { class: 'window', x: from, y: 15, width: Math.max(to - from, 3), height: foot - 15, rx: 2 });
  return { at: clientX => all.from + (clientX - plot.getBoundingClientRect().left - gutter) / inner * (all.to - all.from), x };
}

Object.assign(Diagram.prototype, {
  /** A part of time is chosen by dragging over it; a click goes there. */
  listenStrip() {
    const { strip } = this;
    let start = null;
    strip.addEventListener('pointerdown', event => {
      start = { x: event.clientX, at: this.onStrip.at(event.clientX) };
      strip.setPointerCapture(event.pointerId);
    });
    strip.addEventListener('pointermove', event => {
      if (!start || Math.abs(event.clientX - start.x) < 5) return;
      const at = this.onStrip.at(event.clientX);
      this.later({ from: Math.min(start.at, at), to: Math.max(start.at, at) });
    });
    strip.addEventListener('pointerup', event => {
      if (start && Math.abs(event.clientX - start.x) < 5) {
        const half = (this.view.to - this.view.from) / 2;
        this.show({ from: start.at - half, to: start.at + half });
      }
      start = null;
    });
    strip.addEventListener('pointercancel', () => { start = null; });
    strip.addEventListener('keydown', event => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const act = {
        ArrowLeft: () => this.move(-0.4), ArrowRight: () => this.move(0.4),
        '+': () => this.zoom(1 / 1.6), '=': () => this.zoom(1 / 1.6), '-': () => this.zoom(1.6), '0': () => this.home(),
        Home: () => this.show(everything(this.trace)),
      }[event.key];
      if (!act) return;
      event.preventDefault();
      act();
    });
  },
});
