// The traces of the page, as `pack.rs` packed them.
'use strict';

const packed = JSON.parse(document.getElementById('traces').textContent);

/** Finds the trace of a run, unpacked; null if there is none. */
function traceOf(number) {
  const p = packed.r[number];
  if (!p) return null;
  const text = at => packed.s[at] ?? '';
  let index = 0;
  let at = 0;
  const records = p.r.map(([by, after, node, kind, template, proof, event, key, ...numbers]) => {
    index += by;
    at += after;
    let next = 0;
    return {
      type: 'record', index, at, node, kind: text(kind), proof: proof === 1,
      text: text(template).replace(/\u0001/g, () => numbers[next++]),
      event: event === -1 ? null : String(event), key: key === -1 ? null : String(key),
    };
  });
  let sent = 0;
  const messages = p.m.map(([from, to, after, takes, kind], place) => {
    sent += after;
    return { type: 'message', place, from, to, at: sent, read: takes < 0 ? null : sent + takes, kind: text(kind) };
  });
  const faults = p.f.map(([name, line, from, lasts, nodes]) =>
    ({ text: text(name), line, from, to: lasts < 0 ? null : from + lasts, nodes }));
  const nodes = p.n.map(text);
  const times = [...records.map(r => r.at), ...messages.map(m => m.read ?? m.at),
    ...faults.map(f => f.to ?? f.from)];
  let course = null;
  if (p.c) {
    const [part, published, applied, latency, lag] = p.c;
    course = { part, published, applied, latency, lag };
    times.push(part * Math.max(...[published, applied, latency, lag].map(list => list.length)));
  }
  const ends = times.reduce((most, time) => Math.max(most, time), 0);
  return { nodes, faults, records, messages, course, ends, omitted: p.o, leftOut: p.l };
}

/** A time as in the evidence beside the diagram: `0.456 s`. */
function seconds(us) {
  return (us / 1e6).toFixed(us % 1000 ? 6 : 3) + ' s';
}

/** A length of time in few characters: `18 ms`, `1.4 s`. */
function length(us) {
  return us < 1e3 ? us + ' us' : us < 1e6 ? Math.floor(us / 1e3) + ' ms' : (us / 1e6).toFixed(1) + ' s';
}

/** A fault in words. */
function faultWords(fault) {
  const until = fault.to === null ? 'never healed' : 'until ' + seconds(fault.to);
  return `fault: ${fault.text}, from ${seconds(fault.from)} ${until}` + (fault.line ? ` (line ${fault.line})` : '');
}

/** A message in words. */
function messageWords(message, nodes) {
  const between = `${nodes[message.from]} to ${nodes[message.to]}`;
  return message.read === null
    ? `${seconds(message.at)} ${message.kind} from ${between}, never read`
    : `${seconds(message.at)} ${message.kind} from ${between}, read at ${seconds(message.read)}`;
}

/** A record in words. */
function recordWords(record, nodes) {
  const of = record.key === null ? '' : `, key ${record.key}`;
  return `${seconds(record.at)} ${nodes[record.node] ?? 'squall'}: ${record.text}${of}` + (record.proof ? ' (evidence)' : '');
}
