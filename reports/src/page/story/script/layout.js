// Where things stand in a diagram: which part of time is shown, which lane is whose, and what is
// too close together to be drawn apart.

const SHAPES = {
  crash: { path: 'M-5.5-5.5L5.5 5.5M-5.5 5.5L5.5-5.5', words: 'crashes' },
  panic: { path: 'M0-7.5L8 6H-8Z', words: 'panics' },
  exit: { path: 'M-5-5H5V5H-5Z', words: 'ends' },
  up: { path: 'M-4.5-6.5L7 0L-4.5 6.5Z', words: 'starts' },
  lead: { path: 'M0-8.5L2.4-2.9 8.1-2.6 3.7 1.4 5 7 0 4-5 7-3.7 1.4-8.1-2.6-2.4-2.9Z', words: 'leads' },
  step_down: { path: 'M0-8.5L2.4-2.9 8.1-2.6 3.7 1.4 5 7 0 4-5 7-3.7 1.4-8.1-2.6-2.4-2.9Z', words: 'no longer leads' },
};
const FLAG = { path: 'M-.5 8V-8H8L5.5-5 8-2H.5V8Z', words: 'the run itself' };
const FLAGS = new Set(['offered', 'healed', 'converged', 'deadline']);

function shapeOf(kind) {
  return Object.hasOwn(SHAPES, kind) ? SHAPES[kind] : FLAGS.has(kind) ? FLAG : null;
}

/** The part of time in which all of these records are, with some room around. */
function around(records, trace) {
  if (!records.length) return everything(trace);
  let from = records[0].at;
  let to = from;
  for (const record of records) {
    from = Math.min(from, record.at);
    to = Math.max(to, record.at);
  }
  const room = Math.max((to - from) * 0.12, 45000);
  return { from: from - room, to: to + room };
}

function everything(trace) {
  const room = Math.max(trace.ends * 0.02, 1000);
  return { from: -room, to: trace.ends + room };
}

/** What passes the filter; `subject` are the events that the cause is about, and `*` is the filter by them. Who acts on an
    event or a key is kept with the messages of that moment. */
function filtered(trace, filter, subject) {
  const life = kind => shapeOf(kind) !== null;
  const narrow = filter.event !== '' || filter.key !== '';
  const event = filter.event === '*' ? r => subject.has(r.event) : r => r.event === filter.event;
  const records = trace.records.filter(r =>
    (filter.node === '' || r.node === Number(filter.node)) &&
    (filter.event === '' || event(r) || life(r.kind)) &&
    (filter.key === '' || r.key === filter.key || life(r.kind)));
  if (!filter.messages) return { records, messages: [] };
  const moments = new Set(narrow ? records.filter(r => !life(r.kind)).map(r => r.node + '@' + r.at) : []);
  const messages = trace.messages.filter(m =>
    (filter.node === '' || m.from === Number(filter.node) || m.to === Number(filter.node)) &&
    (!narrow || moments.has(m.from + '@' + m.at) || moments.has(m.to + '@' + m.read)));
  return { records, messages };
}

/** The lanes of what is shown: without a filter all of them, else those of nodes that have a part in it. */
function lanesOf(trace, shown, filter, all) {
  if (filter.event === '' && filter.key === '' && filter.node === '') return all;
  const has = new Set(shown.records.filter(r => shapeOf(r.kind) === null).map(r => r.node));
  for (const message of shown.messages) has.add(message.from).add(message.to);
  const lanes = all.filter(node => has.has(node));
  return lanes.length ? lanes : all;
}

/** The stretches of each node's time in which it is down, and in which it leads. */
function stretches(trace) {
  const all = [];
  const open = (map, node, at) => { if (!map.has(node)) map.set(node, at); };
  const close = (map, node, at, what) => {
    if (map.has(node)) all.push({ what, node, from: map.get(node), to: at });
    map.delete(node);
  };
  const down = new Map();
  const leads = new Map();
  for (const { kind, node, at } of trace.records) {
    if (node < 0) continue;
    if (kind === 'lead') open(leads, node, at);
    if (kind === 'step_down') close(leads, node, at, 'leads');
    if (kind === 'crash' || kind === 'exit' || kind === 'panic') {
      close(leads, node, at, 'leads');
      open(down, node, at);
    }
    if (kind === 'up') close(down, node, at, 'down');
  }
  for (const node of [...leads.keys()]) close(leads, node, trace.ends, 'leads');
  for (const node of [...down.keys()]) close(down, node, trace.ends, 'down');
  return all;
}

/** Rows for the faults' names, so that those of one time stand under each other. */
function faultRows(faults, most) {
  const ends = [];
  return faults.map(fault => {
    let row = ends.findIndex(end => end <= fault.from);
    if (row < 0) row = ends.length < most ? ends.length : most - 1;
    ends[row] = Math.max(ends[row] ?? 0, fault.to ?? Infinity);
    return row;
  });
}

/** Records in view, those that would cover each other gathered into one mark. */
function marks(records, laneOf, x, width) {
  const all = [];
  const last = new Map();
  for (const record of records) {
    const at = x(record.at);
    const lane = laneOf(record);
    if (lane === undefined || at < -4 || at > width + 4) continue;
    const shape = shapeOf(record.kind);
    const name = `${lane} ${record.proof ? 'proof' : shape ? record.kind : ''}`;
    const mark = last.get(name);
    if (mark && at - mark.x < (record.proof ? 12 : 11)) {
      mark.records.push(record);
      continue;
    }
    const made = { type: 'mark', id: 'r' + record.index, x: at, lane, shape, proof: record.proof, kind: record.kind, records: [record] };
    last.set(name, made);
    all.push(made);
  }
  return all;
}

/** Round times for the axis. */
function ticks(view, width) {
  const least = (view.to - view.from) / Math.max(2, width / 90);
  const power = 10 ** Math.floor(Math.log10(Math.max(least, 1)));
  const step = [1, 2, 5, 10].map(n => n * power).find(n => n >= least);
  const all = [];
  for (let at = Math.ceil(Math.max(view.from, 0) / step) * step; at <= view.to; at += step) all.push(at);
  const digits = Math.max(0, 6 - Math.floor(Math.log10(step)));
  return all.map(at => ({ at, words: (at / 1e6).toFixed(Math.min(digits, 6)) + ' s' }));
}
