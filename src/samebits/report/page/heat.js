"use strict";
// The heat map: a row a module, a column a stretch of steps, and by how much the two runs differ there.
// It is painted as far as it is seen: there may be thousands of modules.

const ROW = 16;
const ONLY_BITS = 1e-300; // the document's value where bits differ and the norms do not

class Heat {
  constructor(parent, axis, modules) {
    Object.assign(this, { axis, modules });
    this.kinds = ["parameter", "gradient"].filter((kind) => Array.isArray(modules[kind]) && modules[kind].length);
    this.kind = this.kinds.includes("gradient") ? "gradient" : this.kinds[0];
    const sizes = this.kinds.flatMap((kind) => modules[kind].map((row) => row.filter((value) => value > ONLY_BITS)));
    const range = extent(sizes) ?? [1e-8, 1];
    this.low = Math.floor(Math.log10(range[0]));
    this.high = Math.max(Math.ceil(Math.log10(range[1])), this.low + 1);
    this.cell = null; // [row, column]

    this.canvas = el("canvas", { "aria-hidden": "true" });
    this.tall = el("div", { class: "tall" }, this.canvas);
    this.box = el(
      "div",
      {
        class: "heat",
        tabindex: 0,
        role: "group",
        "aria-roledescription": "heat map",
        onkeydown: (event) => this.key(event),
        onpointermove: (event) => this.hover(event),
        onpointerleave: () => {
          this.hide();
          axis.point(null, this);
        },
        onblur: () => this.hide(),
        ondblclick: () => axis.reset(),
        onscroll: () => this.paint(),
      },
      this.tall,
    );
    this.tip = el("div", { class: "tip", hidden: true });
    this.readout = el("p", { class: "readout" });
    this.legend = el("ul", { class: "legend" });
    this.choice = el(
      "div",
      { class: "choice", role: "group", "aria-label": "What the heat map shows" },
      this.kinds.map((kind) => el("button", { type: "button", onclick: () => this.choose(kind) }, `${kind}s`)),
    );
    parent.append(
      el("div", { class: "below" }, this.kinds.length > 1 ? this.choice : null, this.legend),
      this.box,
      this.readout,
      this.tip,
    );
    axis.views.add(this);
    repaints.add(() => this.paint());
    printers.add((on) => {
      this.whole = on;
      this.size();
    });
    this.choose(this.kind);
    this.size();
    whenSeen(this.box, () =>
      onWidth(this.box, (width) => {
        this.width = width;
        this.paint();
      }),
    );
  }

  /** Where the names end and the cells begin. */
  get left() {
    return Math.min(190, Math.round(this.width * 0.38));
  }

  get values() {
    return this.modules[this.kind];
  }

  size() {
    const rows = this.modules.names.length;
    this.tall.style.height = `${rows * ROW}px`;
    this.seen = this.whole ? rows * ROW : Math.min(rows * ROW, 30 * ROW);
    this.box.style.height = `${this.seen}px`;
    this.paint();
  }

  choose(kind) {
    this.kind = kind;
    [...this.choice.children].forEach((button, index) =>
      button.setAttribute("aria-pressed", String(this.kinds[index] === kind)),
    );
    this.box.setAttribute("aria-label", this.words());
    this.paint();
  }

  /** Which modules differ first and most, for who does not see the colours. */
  words() {
    const { names, columns } = this.modules;
    let first = null,
      most = null;
    this.values.forEach((row, module) =>
      row.forEach((value, column) => {
        if (!value) return;
        if (first === null || column < first.column) first = { module, column };
        if (most === null || value > most.value) most = { module, column, value };
      }),
    );
    const kind = this.kind;
    if (first === null) return `Heat map of ${count(names.length, "module")}: no ${kind} differs.`;
    return (
      `Heat map of ${count(names.length, "module")}, by steps. The first ${kind} that differs is that of ` +
      `${brief(names[first.module])}, at ${span(...columns[first.column])}; the one that differs most is that of ` +
      `${brief(names[most.module])}, at ${span(...columns[most.column])}: ${this.inWords(most.value)}.`
    );
  }

  inWords(value) {
    if (value === null || value === undefined) return "not read";
    if (value === 0) return "every bit agrees";
    if (value === ONLY_BITS) return "bits differ, the norm does not";
    return `norms differ by ${rounded(value)} of the larger`;
  }

  edges(column) {
    const [low, high] = this.axis.range;
    const [first, last] = this.modules.columns[column];
    const scale = (this.width - this.left - MARGIN) / (high - low);
    return [this.left + (first - 0.5 - low) * scale, this.left + (last + 0.5 - low) * scale];
  }

  ranged() {
    this.paint();
  }

  pointed() {}

  colourOf(value) {
    const part = (Math.log10(value) - this.low) / (this.high - this.low);
    const step = Math.min(HEAT_STEPS - 1, Math.max(0, Math.floor(part * HEAT_STEPS)));
    return colour(`heat-${step}`);
  }

  fill(pen, value) {
    if (value === null || value === undefined) return pattern(pen, "panel", "rising", "line");
    if (value === 0) return colour("calm");
    if (value === ONLY_BITS) return pattern(pen, "heat-0", "dots", "ink");
    return this.colourOf(value);
  }

  paint() {
    if (!this.width) return;
    const { names } = this.modules;
    const pen = penOf(this.canvas, this.width, this.seen);
    const top = this.whole ? 0 : this.box.scrollTop;
    const from = Math.floor(top / ROW),
      to = Math.min(names.length, Math.ceil((top + this.seen) / ROW));
    pen.textBaseline = "middle";
    for (let row = from; row < to; row++) {
      const y = row * ROW - top;
      pen.fillStyle = colour("ink");
      pen.textAlign = "right";
      pen.fillText(fitted(pen, visible(names[row]).slice(-200), this.left - 14), this.left - 6, y + ROW / 2 + 0.5);
      pen.save();
      pen.beginPath();
      pen.rect(this.left, y, this.width - this.left - MARGIN, ROW - 1);
      pen.clip();
      this.values[row].forEach((value, column) => {
        const [start, end] = this.edges(column);
        if (end < this.left || start > this.width) return;
        pen.fillStyle = this.fill(pen, value);
        pen.fillRect(start, y, Math.max(end - start - (end - start > 6 ? 1 : 0), 1), ROW - 1);
      });
      pen.restore();
    }
    if (this.cell) {
      const [row, column] = this.cell;
      const [start, end] = this.edges(column);
      pen.strokeStyle = colour("ink");
      pen.lineWidth = 2;
      pen.strokeRect(start, row * ROW - top, Math.max(end - start - 1, 3), ROW - 1);
    }
    this.paintLegend();
  }

  paintLegend() {
    const { low, high } = this;
    const item = (value, ...words) => {
      const canvas = el("canvas", { class: "key", "aria-hidden": "true" });
      const pen = penOf(canvas, 16, 12);
      pen.fillStyle = this.fill(pen, value);
      pen.fillRect(0, 0, 16, 12);
      return el("li", {}, canvas, ...words);
    };
    const ramp = el("canvas", { class: "key", "aria-hidden": "true" });
    const pen = penOf(ramp, 18 * HEAT_STEPS, 12);
    for (let step = 0; step < HEAT_STEPS; step++) {
      pen.fillStyle = colour(`heat-${step}`);
      pen.fillRect(step * 18, 0, 18, 12);
    }
    this.legend.replaceChildren(
      item(0, "every bit agrees"),
      item(ONLY_BITS, "bits differ, the norm does not"),
      el("li", {}, `norms differ by 1e${low}`, ramp, `1e${high}`),
      item(null, "not read"),
    );
  }

  cellAt(event) {
    const box = this.box.getBoundingClientRect();
    const x = event.clientX - box.left,
      y = event.clientY - box.top + this.box.scrollTop;
    const row = Math.floor(y / ROW);
    if (x < this.left || x > this.width - MARGIN || row < 0 || row >= this.modules.names.length) return null;
    const column = this.modules.columns.findIndex((_, index) => x <= this.edges(index)[1]);
    return column < 0 ? null : [row, column];
  }

  hover(event) {
    const cell = this.cellAt(event);
    if (!cell) {
      this.hide();
      return;
    }
    this.cell = cell;
    this.paint();
    this.tip.textContent = this.describe();
    this.tip.hidden = false;
    const right = event.clientX + 16 + this.tip.offsetWidth > innerWidth;
    this.tip.style.left = `${Math.max(4, right ? event.clientX - 12 - this.tip.offsetWidth : event.clientX + 14)}px`;
    this.tip.style.top = `${event.clientY + 16}px`;
    this.axis.point(this.modules.columns[cell[1]][0], this);
  }

  hide() {
    this.tip.hidden = true;
    if (!this.cell) return;
    this.cell = null;
    this.readout.textContent = "";
    this.paint();
  }

  describe() {
    const [row, column] = this.cell;
    const words =
      `${brief(this.modules.names[row])}, ${span(...this.modules.columns[column])}: ` +
      this.inWords(this.values[row][column]);
    this.readout.textContent = words;
    return words;
  }

  key(event) {
    const { axis, modules } = this;
    const columns = modules.columns.length;
    if (event.key === "Escape") this.hide();
    if (axis.key(event, this.cell && modules.columns[this.cell[1]][0])) return;
    const way = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
    if (!way || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    const [row, column] = this.cell ?? [-way[0], -way[1]];
    this.cell = [
      Math.min(Math.max(row + way[0], 0), modules.names.length - 1),
      Math.min(Math.max(column + way[1], 0), columns - 1),
    ];
    const y = this.cell[0] * ROW;
    if (y < this.box.scrollTop) this.box.scrollTop = y;
    if (y + ROW > this.box.scrollTop + this.seen) this.box.scrollTop = y + ROW - this.seen;
    const [first] = modules.columns[this.cell[1]];
    if (first < axis.range[0] || first > axis.range[1]) axis.pan(first < axis.range[0] ? -0.5 : 0.5);
    announce(this.describe());
    this.paint();
  }
}

const HEAT_STEPS = 7;

/** A name that fits a width, cut in front: the end of a module's name says which it is. */
function fitted(pen, words, width) {
  if (pen.measureText(words).width <= width) return words;
  let shown = words.slice(-Math.floor(width / 4));
  while (shown && pen.measureText("…" + shown).width > width) shown = shown.slice(1);
  return "…" + shown;
}
