"use strict";
// Lanes: stretches of steps, each of a kind that has a colour, a pattern and a name. The strip of layers, the
// weights beside the loss and the states of generators are lanes.
//
// `rows`: {name, stretches: [[first step, last step, kind's key]]}; `kinds`: {key, name, fill, pattern, ink}, in
// the order of the legend; `over`: keys, of which a later one is painted over those before it where they share a pixel.

class Lanes {
  constructor(parent, axis, { rows, kinds, words, over, first = null, height = 22, read }) {
    Object.assign(this, { axis, rows, kinds, first, height, readStep: read });
    this.order = new Map(kinds.map((kind, index) => [kind.key, index]));
    this.over = (over ?? [...this.order.keys()]).map((key) => kinds[this.order.get(key)]);
    this.readout = el("p", { class: "readout" });
    this.canvas = el("canvas", { "aria-hidden": "true" });
    this.needle = el("div", { class: "needle", hidden: true });
    this.box = el(
      "div",
      {
        class: "lanes",
        tabindex: 0,
        role: "group",
        "aria-roledescription": "strip of steps",
        "aria-label": words,
        onkeydown: (event) => this.key(event),
        onpointermove: (event) => axis.point(this.stepAt(event), this),
        onpointerleave: () => axis.point(null, this),
        onblur: () => axis.point(null, this),
        ondblclick: () => axis.reset(),
      },
      this.canvas,
      this.needle,
    );
    this.legend = el("ul", { class: "legend" });
    parent.append(this.box, el("div", { class: "below" }, this.legend, this.readout));
    axis.views.add(this);
    repaints.add(() => this.paint());
    this.pointed(null, this);
    whenSeen(this.box, () =>
      onWidth(this.box, (width) => {
        this.width = width;
        this.paint();
      }),
    );
  }

  stepAt(event) {
    const x = event.clientX - this.box.getBoundingClientRect().left;
    const [low, high] = this.axis.range;
    const part = (x - GUTTER) / (this.width - GUTTER - MARGIN);
    return part < 0 || part > 1 ? null : Math.round(low + part * (high - low));
  }

  xOf(step) {
    const [low, high] = this.axis.range;
    return GUTTER + ((step - low) / (high - low)) * (this.width - GUTTER - MARGIN);
  }

  ranged() {
    this.paint();
  }

  pointed(x) {
    const gone = x === null;
    this.step = gone ? null : Math.round(x);
    this.needle.hidden = gone || x < this.axis.range[0] || x > this.axis.range[1];
    if (!gone) this.needle.style.transform = `translateX(${this.xOf(this.step)}px)`;
    this.readout.textContent = gone ? "" : this.read(this.step);
  }

  read(step) {
    const found = this.rows.flatMap(({ name, stretches }) => {
      const stretch = stretches[this.find(stretches, step)];
      const kind = stretch && this.kinds[this.order.get(stretch[2])];
      if (this.readStep) return [this.readStep(kind)];
      return kind ? [`${name}: ${kind.name}`] : [];
    });
    return `step ${grouped(step)}: ${found.join(", ") || "nothing observed"}`;
  }

  /** Index of the stretch that holds a step, or -1; stretches are in order. */
  find(stretches, step) {
    let low = 0,
      high = stretches.length - 1;
    while (low <= high) {
      const middle = (low + high) >> 1;
      const [first, last] = stretches[middle];
      if (step < first) high = middle - 1;
      else if (step > last) low = middle + 1;
      else return middle;
    }
    return -1;
  }

  key(event) {
    const { axis } = this;
    if (axis.key(event, this.step)) return;
    const way = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!way || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    const [low, high] = axis.full.map((end, index) => (index ? Math.floor(end) : Math.ceil(end)));
    let next = this.step === null ? (this.first ?? Math.ceil(axis.range[0])) : this.step + way;
    if (event.shiftKey && this.step !== null) next = this.edge(this.step, way); // to where something changes
    next = Math.min(Math.max(next, low), high);
    if (next < axis.range[0] || next > axis.range[1]) axis.pan(next < axis.range[0] ? -0.5 : 0.5);
    axis.point(next, this);
    announce(this.read(next));
  }

  edge(step, way) {
    const { stretches } = this.rows[0];
    const at = this.find(stretches, step);
    if (at < 0) return step + way;
    return way > 0 ? stretches[at][1] + 1 : stretches[at][0] - 1;
  }

  paint() {
    if (!this.width) return;
    const top = this.first === null ? 0 : 8,
      gap = 3;
    const pen = penOf(this.canvas, this.width, top + this.rows.length * (this.height + gap));
    pen.textBaseline = "middle";
    const right = this.width - MARGIN;
    this.rows.forEach(({ name, stretches }, row) => {
      const y = top + row * (this.height + gap);
      pen.fillStyle = colour("soft");
      pen.textAlign = "right";
      pen.fillText(name, GUTTER - 6, y + this.height / 2);
      pen.save();
      pen.beginPath();
      pen.rect(GUTTER, y, right - GUTTER, this.height);
      pen.clip();
      for (const kind of this.over) this.stretch(pen, stretches, kind, y);
      pen.restore();
    });
    if (this.first !== null) this.marker(pen, top);
    this.paintLegend();
  }

  /** All stretches of a kind; a single step among 100,000 is two pixels wide all the same. */
  stretch(pen, stretches, kind, y) {
    pen.fillStyle = pattern(pen, kind.fill, kind.pattern, kind.ink);
    const [low, high] = this.axis.range;
    let painted = -Infinity; // stretches that fall on painted pixels are left out
    for (const [first, last, key] of stretches) {
      if (key !== kind.key || last + 0.5 < low || first - 0.5 > high) continue;
      const x = Math.max(this.xOf(first - 0.5), GUTTER - 2),
        end = Math.min(this.xOf(last + 0.5), this.width);
      if (end < painted) continue;
      painted = Math.max(end, x + 2);
      pen.fillRect(x, y, painted - x, this.height);
      const room = pen.measureText(kind.name).width + 12;
      if (kind.label !== false && end - x > room) this.label(pen, kind, x, y);
    }
  }

  label(pen, kind, x, y) {
    const width = pen.measureText(kind.name).width;
    const fill = pen.fillStyle;
    pen.fillStyle = colour("panel");
    pen.fillRect(x + 4, y + 4, width + 6, this.height - 8);
    pen.fillStyle = colour("ink");
    pen.textAlign = "left";
    pen.fillText(kind.name, x + 7, y + this.height / 2 + 0.5);
    pen.fillStyle = fill;
  }

  marker(pen, top) {
    const x = this.xOf(this.first);
    if (x < GUTTER - 1 || x > this.width - MARGIN + 1) return;
    pen.fillStyle = pen.strokeStyle = colour("differs");
    pen.beginPath();
    pen.moveTo(x - 5, 0);
    pen.lineTo(x + 5, 0);
    pen.lineTo(x, top - 1);
    pen.fill();
    pen.lineWidth = 1;
  }

  paintLegend() {
    const used = new Set(this.rows.flatMap(({ stretches }) => stretches.map((stretch) => stretch[2])));
    this.legend.replaceChildren(
      ...this.kinds
        .filter((kind) => used.has(kind.key))
        .map((kind) => {
          const canvas = el("canvas", { class: "key", "aria-hidden": "true" });
          const pen = penOf(canvas, 16, 12);
          pen.fillStyle = pattern(pen, kind.fill, kind.pattern, kind.ink);
          pen.fillRect(0, 0, 16, 12);
          return el("li", {}, canvas, kind.name);
        }),
    );
  }
}

/** Do two things agree: yes, no, not known. The kinds of most lanes. */
const AGREEMENT = [
  { key: null, name: "not known", fill: "panel", pattern: "blank", ink: "line", label: false },
  { key: true, name: "agrees", fill: "calm", pattern: "solid", ink: "calm", label: false },
  { key: false, name: "differs", fill: "layer-1", pattern: "rising", ink: "layer-ink", label: false },
];
