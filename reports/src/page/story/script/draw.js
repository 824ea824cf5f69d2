// Draws a part of a trace: lanes, faults, messages, marks.

// The namespace of SVG, as the page has it: the file holds no address.
const SVG = document.querySelector('svg').namespaceURI;

function svg(parent, name, attributes, text) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes ?? {})) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  return parent ? parent.appendChild(made) : made;
}

function html(parent, name, attributes, text) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes ?? {})) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  return parent ? parent.appendChild(made) : made;
}

const AXIS = 22;
const FAULT = 17;

/** Fills a plot. Gives back what is drawn, in the order of time, for the keyboard. */
function draw(plot, state) {
  const { trace, view, shown, width } = state;
  const small = width < 560;
  const gutter = small ? 8 : state.gutter;
  const rows = trace.faults.length ? Math.max(...state.rows) + 1 : 0;
  const laneHeight = small ? 50 : 42;
  const top = AXIS + rows * FAULT + 6;
  const height = top + state.lanes.length * laneHeight + 8;
  const inner = width - gutter - 10;
  const scale = inner / (view.to - view.from);
  // Beyond these no picture needs precision, and some browsers draw nothing.
  const x = at => Math.max(-1e5, Math.min(1e5, (at - view.from) * scale));
  const y = lane => top + (lane + (small ? 0.66 : 0.5)) * laneHeight;
  plot.replaceChildren();
  plot.setAttribute('viewBox', `0 0 ${width} ${height}`);
  plot.setAttribute('height', height);
  const clip = svg(svg(plot, 'clipPath', { id: state.clip }), 'rect', { x: gutter, y: 0, width: inner + 10, height });
  state.geometry = { gutter, inner, height, scale, clip };

  const back = svg(plot, 'g', { 'clip-path': `url(#${state.clip})` });
  const field = svg(back, 'g', { transform: `translate(${gutter} 0)` });
  for (const { at, words } of ticks(view, inner)) {
    svg(field, 'path', { class: 'grid', d: `M${x(at)} ${AXIS - 4}V${height}` });
    svg(field, 'text', { x: x(at) + 3, y: 13 }, words);
  }
  drawFaults(field, state, { x, y, inner, laneHeight, top });
  if (state.moment) {
    const from = x(state.moment.from);
    svg(field, 'rect', { class: 'moment', x: from, y: AXIS, width: Math.max(x(state.moment.to) - from, 2), height: height - AXIS });
  }
  for (let lane = 0; lane < state.lanes.length; lane++) {
    const start = Math.max(x(0), 0);
    svg(field, 'rect', { class: 'lane', x: start, y: y(lane) - 0.5, width: inner + 10 - start, height: 1 });
  }
  for (const { what, node, from, to } of state.stretches) {
    const lane = state.laneOf.get(node);
    if (lane === undefined) continue;
    svg(field, 'path', { class: what, d: `M${x(from)} ${y(lane)}H${x(to)}` });
  }
  const items = [];
  const put = (at, element) => items.push({ at, element });
  const visible = shown.messages.filter(m => {
    const end = m.read ?? m.at;
    return x(end) > -4 && x(m.at) < inner + 4;
  });
  const named = [];
  for (const message of visible) put(message.at, drawMessage(field, state, message, { x, y, named }));
  const all = marks(shown.records, r => state.laneOf.get(r.node), x, inner);
  all.sort((a, b) => Number(a.proof) - Number(b.proof));
  for (const mark of all) put(mark.records[0].at, drawMark(field, state, mark, y(mark.lane)));
  drawLabels(field, all, mark => y(mark.lane), named, inner);
  for (let lane = 0; lane < state.lanes.length; lane++) {
    const node = state.lanes[lane];
    const name = trace.nodes[node] ?? 'squall';
    const most = small ? 40 : 16;
    const words = [...name].length > most ? [...name].slice(0, most - 1).join('') + '…' : name;
    const at = small ? { x: 6, y: y(lane) - 14 } : { x: 10, y: y(lane) + 4 };
    const text = svg(plot, 'text', { class: 'name', ...at }, words);
    if (words !== name) svg(text, 'title', {}, name);
  }
  items.sort((a, b) => a.at - b.at);
  return { items: items.map(item => item.element), marks: all, messages: visible };
}

function drawFaults(field, state, { x, y, inner, laneHeight, top }) {
  // As one, so that occurrences that overlap grow no darker.
  const bands = svg(field, 'g', { class: 'bands' });
  state.trace.faults.forEach((fault, place) => {
    const from = Math.max(x(fault.from), -10);
    const to = Math.min(fault.to === null ? inner + 10 : x(fault.to), inner + 10);
    if (to < 0 || from > inner + 10) return;
    const width = Math.max(to - from, 2);
    const row = AXIS + state.rows[place] * FAULT;
    const words = faultWords(fault);
    const group = svg(field, 'g', { class: 'item', role: 'img', 'aria-label': words, tabindex: '-1', 'data-id': 'f' + place });
    state.words.set(group, [words]);
    svg(group, 'rect', { class: 'fault', x: from, y: row, width, height: FAULT - 3, rx: 2 });
    svg(group, 'rect', { class: 'ring', x: from, y: row, width, height: FAULT - 3, rx: 2 });
    // About as much of its name as it has room for.
    const room = Math.floor((Math.min(to, inner) - Math.max(from, 0) - 8) / 6.1);
    if (room > 3) {
      const text = [...fault.text];
      const name = text.length > room ? text.slice(0, room - 1).join('') + '…' : fault.text;
      svg(group, 'text', { class: 'faultname', x: Math.max(from, 0) + 4, y: row + 11 }, name);
    }
    for (const node of fault.nodes) {
      const lane = state.laneOf.get(node);
      if (lane === undefined) continue;
      const box = { x: from, y: top + lane * laneHeight + 2, width, height: laneHeight - 4 };
      svg(bands, 'rect', { class: 'band', ...box });
      svg(field, 'rect', { class: 'hatched', ...box });
    }
  });
}

function drawMessage(field, state, message, { x, y, named }) {
  const lost = message.read === null;
  const words = messageWords(message, state.trace.nodes);
  const [from, to] = [y(state.laneOf.get(message.from)), y(state.laneOf.get(message.to))];
  const start = x(message.at);
  // Of a lost one nobody knows how far it came.
  const end = lost ? start + 14 : Math.max(x(message.read), start + 0.5);
  const [endX, endY] = lost ? [end, from + (to - from) * 0.6] : [end, to + Math.sign(from - to) * 3];
  const line = from === to && !lost
    ? `M${start} ${from}Q${(start + end) / 2} ${from - 14} ${end} ${from}`
    : `M${start} ${from}L${endX} ${endY}`;
  const group = svg(field, 'g', {
    class: lost ? 'item msg lost' : 'item msg', role: 'img', 'aria-label': words, tabindex: '-1', 'data-id': 'm' + message.place,
  });
  state.words.set(group, [words]);
  svg(group, 'path', { class: 'hit', d: line });
  svg(group, 'path', { d: line });
  if (lost) {
    svg(group, 'path', { class: 'end', d: `M${endX - 4} ${endY - 4}l8 8m0-8l-8 8` });
  }
  named.push({ words: message.kind.replaceAll('_', ' '), x: (start + endX) / 2, y: (from + endY) / 2 + 3 });
  return group;
}

/** What each mark is, beside it, where there is room: above it, else below; then what each message is. */
function drawLabels(field, marks, y, messages, inner) {
  const taken = [];
  const put = (words, at, places, name) => {
    const wide = words.length * 5.4 + 6;
    const x = Math.min(Math.max(at, wide / 2), Math.max(inner - wide / 2, wide / 2));
    const place = places.map(foot => ({ from: x - wide / 2, to: x + wide / 2, foot }))
      .find(box => !taken.some(other => Math.abs(other.foot - box.foot) < 11 && other.from < box.to && box.from < other.to));
    if (!place) return;
    taken.push(place);
    svg(field, 'text', { class: name, x, y: place.foot }, words);
  };
  const all = marks.filter(mark => !FLAGS.has(mark.kind) && mark.x > -2 && mark.x < inner + 2);
  for (const mark of all) taken.push({ from: mark.x - 7, to: mark.x + 7, foot: y(mark) + 4 });
  for (const mark of all.sort((a, b) => Number(b.proof) - Number(a.proof) || a.x - b.x)) {
    const kinds = new Set(mark.records.map(record => record.kind));
    const words = [...kinds].slice(0, 2).join(', ').replaceAll('_', ' ') + (kinds.size > 2 ? ', …' : '');
    put(words, mark.x, [y(mark) - 12, y(mark) + 19], mark.proof ? 'what proves' : 'what');
  }
  for (const { words, x, y } of messages.slice(0, 60)) put(words, x, [y], 'what of');
}

function drawMark(field, state, mark, y) {
  const words = mark.records.map(record => recordWords(record, state.trace.nodes));
  const label = words.length > 1 ? `${words.length} records: ${words.slice(0, 6).join('; ')}` : words[0];
  const group = svg(field, 'g', {
    class: 'item mark' + (mark.proof ? ' proof' : '') + (mark.records.includes(state.now) ? ' now' : ''), role: 'img', 'aria-label': label, tabindex: '-1',
    'data-id': mark.id, transform: `translate(${mark.x} ${y})`,
  });
  state.words.set(group, words);
  const many = mark.records.length;
  const size = mark.shape ? 9 : many > 1 ? 6.5 : 3.6;
  if (mark.proof) svg(group, 'circle', { class: 'halo', r: size + 4 });
  if (mark.shape) {
    const name = mark.shape === FLAG ? 'flag' : mark.kind;
    svg(group, 'path', { class: 'shape ' + name, d: mark.shape.path });
  } else {
    svg(group, 'circle', { class: 'shape plain', r: size });
  }
  if (many > 1) {
    // A number beside a shape, or in a dot.
    const beside = mark.shape !== null;
    svg(group, 'text', { class: beside ? '' : 'many', x: beside ? 10 : 0, y: beside ? -6 : 3.3 }, many > 99 ? '99+' : many);
  }
  svg(group, 'circle', { class: 'ring', r: size + (mark.proof ? 7 : 4) });
  return group;
}
