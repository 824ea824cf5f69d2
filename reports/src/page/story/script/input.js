// What pointers, the wheel and keys do to a diagram.

Object.assign(Diagram.prototype, {
  listen() {
    const { plot } = this;
    const item = event => event.target.closest?.('.item');
    plot.addEventListener('pointerover', event => { if (item(event)) this.tip(item(event)); });
    plot.addEventListener('pointerout', () => this.hide());
    plot.addEventListener('focusin', event => { if (item(event)) { this.current = item(event).dataset.id; this.tip(item(event)); } });
    plot.addEventListener('focusout', () => this.hide());
    plot.addEventListener('pointerdown', event => this.down(event));
    plot.addEventListener('pointermove', event => this.drag(event));
    for (const end of ['pointerup', 'pointercancel']) plot.addEventListener(end, event => this.up(event));
    plot.addEventListener('wheel', event => this.wheel(event), { passive: false });
    plot.addEventListener('keydown', event => this.key(event));
  },

  place(clientX) {
    const { gutter, inner } = this.state.geometry;
    return (clientX - this.plot.getBoundingClientRect().left - gutter) / inner;
  },

  down(event) {
    this.pointers.set(event.pointerId, event.clientX);
    this.start = { view: this.view, xs: [...this.pointers.values()], moved: false };
    const item = event.target.closest?.('.item');
    if (item) this.focus(item.dataset.id);
    else this.focus(this.plot.querySelector('.item[tabindex="0"]')?.dataset.id);
    if (item) event.preventDefault();
  },

  drag(event) {
    if (!this.pointers.has(event.pointerId)) return;
    this.pointers.set(event.pointerId, event.clientX);
    const { view, xs } = this.start;
    const now = [...this.pointers.values()];
    const span = view.to - view.from;
    if (now.length === 1) {
      const by = (now[0] - xs[0]) / this.state.geometry.inner;
      if (!this.start.moved && Math.abs(now[0] - xs[0]) < 4) return;
      if (!this.start.moved) this.plot.setPointerCapture(event.pointerId);
      this.start.moved = true;
      this.plot.classList.add('drags');
      this.later({ from: view.from - by * span, to: view.to - by * span });
    } else if (now.length === 2 && xs.length === 2) {
      const [was, is] = [Math.abs(xs[0] - xs[1]), Math.abs(now[0] - now[1])];
      const factor = Math.max(was, 10) / Math.max(is, 10);
      const at = view.from + span * this.place((xs[0] + xs[1]) / 2);
      const middle = this.place((now[0] + now[1]) / 2);
      this.later({ from: at - span * factor * middle, to: at + span * factor * (1 - middle) });
    }
  },

  up(event) {
    this.pointers.delete(event.pointerId);
    this.plot.classList.remove('drags');
    this.start = { view: this.view, xs: [...this.pointers.values()], moved: true };
  },

  /** Once per frame is enough. */
  later(view) {
    if (!this.next) requestAnimationFrame(() => { const next = this.next; this.next = null; this.show(next); });
    this.next = view;
  },

  /** The page scrolls, unless the diagram was clicked or Ctrl is held. */
  wheel(event) {
    const active = this.plot.contains(document.activeElement);
    if (!active && !event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    const view = this.next ?? this.view;
    const span = view.to - view.from;
    if (Math.abs(event.deltaX) > Math.abs(event.deltaY) || event.shiftKey) {
      const by = span * (event.deltaX || event.deltaY) / 1000;
      this.later({ from: view.from + by, to: view.to + by });
      return;
    }
    const factor = 1.0016 ** Math.max(-600, Math.min(600, event.deltaY * (event.deltaMode ? 16 : 1)));
    const at = view.from + span * this.place(event.clientX);
    this.later({ from: at - (at - view.from) * factor, to: at + (view.to - at) * factor });
  },

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const act = {
      '+': () => this.zoom(1 / 1.6), '=': () => this.zoom(1 / 1.6), '-': () => this.zoom(1.6),
      '0': () => this.home(),
      ArrowRight: () => this.step(1), ArrowLeft: () => this.step(-1),
      ArrowDown: () => this.lane(1), ArrowUp: () => this.lane(-1),
      Home: () => this.focus(this.drawn.items[0]?.dataset.id),
      End: () => this.focus(this.drawn.items.at(-1)?.dataset.id),
      Escape: () => { this.hide(); this.choose(null); },
    }[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  },

  /** To the next or the last item in time, which may be out of sight. */
  step(by) {
    const { items, marks } = this.drawn;
    const next = items[items.findIndex(item => item.dataset.id === this.current) + by];
    if (next) return this.focus(next.dataset.id);
    const seen = new Set(marks.flatMap(mark => mark.records));
    const beyond = this.state.shown.records.filter(r => !seen.has(r) && (by > 0 ? r.at >= this.view.to : r.at <= this.view.from));
    const record = by > 0 ? beyond[0] : beyond.at(-1);
    if (!record) return;
    const half = (this.view.to - this.view.from) / 2;
    this.show({ from: record.at - half, to: record.at + half });
    this.focus(this.drawn.marks.find(mark => mark.records.includes(record))?.id);
  },

  /** To the mark nearest in time on the next lane that has one. */
  lane(by) {
    const { marks } = this.drawn;
    const from = marks.find(mark => mark.id === this.current) ?? marks[0];
    if (!from) return;
    const beyond = marks.filter(mark => (mark.lane - from.lane) * by > 0);
    beyond.sort((a, b) => (a.lane - b.lane) * by || Math.abs(a.x - from.x) - Math.abs(b.x - from.x));
    if (beyond[0]) this.focus(beyond[0].id);
  },
});
