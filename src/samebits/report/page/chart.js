"use strict";
// A chart: uPlot, with our readout, keys, marks and shared x axis.

const Y_TICKS = 34; // least distance of two ticks, in pixels

class Chart {
  /** Appends itself to `parent` and draws when it is nearly seen; `plot` as in plots.js. */
  constructor(parent, axis, runs, plot, { soon = false, tools = [] } = {}) {
    this.axis = axis;
    this.runs = runs;
    this.title = el("h3", {});
    this.sentence = el("p", { class: "sentence" });
    this.readout = el("p", { class: "readout" });
    this.box = el("div", {
      class: "plot",
      tabindex: 0,
      role: "group",
      "aria-roledescription": "chart",
      onkeydown: (event) => this.key(event),
      onblur: () => axis.point(null, this),
    });
    this.root = el(
      "figure",
      { class: "chart" },
      el(
        "div",
        { class: "head" },
        this.title,
        this.sentence,
        tools.length ? el("div", { class: "choice" }, tools) : null,
      ),
      this.readout,
      this.box,
    );
    parent.append(this.root);
    axis.views.add(this);
    repaints.add(() => this.drawn?.redraw(false));
    this.set(plot);
    const start = () => onWidth(this.box, (width) => this.resize(width));
    if (soon) start();
    else whenSeen(this.box, start);
  }

  /** Shows another plot in its place. */
  set(plot) {
    this.plot = plot;
    this.title.textContent = brief(plot.title, 300);
    this.title.title = brief(plot.title, 300);
    this.sentence.replaceChildren(
      text([plot.sentence, ...plot.odd].filter(Boolean).join("; "), "span", {}, false, 180),
    );
    this.box.setAttribute("aria-label", plot.words);
    this.box.style.height = `${plot.height}px`;
    this.at = el("span", { class: "at" });
    this.numbers = plot.lines.map(() => el("span", { class: "number" }));
    this.readout.replaceChildren(
      this.at,
      ...plot.lines.map(({ run }, index) =>
        el(
          "span",
          { class: "chip" },
          swatch(run, this.dash(run)),
          el("b", {}, labelOf(this.runs, run)),
          this.numbers[index],
        ),
      ),
    );
    this.read(null);
    if (this.drawn) {
      this.drawn.destroy();
      this.drawn = null;
      this.resize(this.width);
    }
  }

  resize(width) {
    this.width = width;
    if (this.drawn) this.drawn.setSize({ width, height: this.plot.height });
    else
      this.drawn = new uPlot(this.options(), [this.plot.steps, ...this.plot.lines.map((one) => one.values)], this.box);
  }

  options() {
    const { plot, axis } = this;
    const grid = { stroke: () => colour("grid"), width: 1 };
    const ticks = { show: false };
    const common = { stroke: () => colour("soft"), grid, ticks, font: FONT };
    return {
      width: this.width,
      height: plot.height,
      padding: [8, MARGIN, 0, 0],
      legend: { show: false },
      scales: {
        x: {
          time: false,
          range: (_, low, high) => (low === null ? [0, 1] : [low, high]),
          min: axis.range[0],
          max: axis.range[1],
          auto: false,
        },
        y: plot.y ? { range: plot.y.range } : { range: (_, low, high) => roomy(low, high) },
      },
      series: [{}, ...plot.lines.map(({ run }) => this.series(run))],
      axes: [
        {
          ...common,
          size: 18,
          gap: 2,
          space: 56,
          ...(axis.unit === "epoch" ? {} : { incrs: WHOLE }),
          values: (_, splits) => splits.map((at) => (at === null ? "" : grouped(Number(at.toPrecision(12))))),
        },
        {
          ...common,
          size: GUTTER,
          gap: 4,
          space: Y_TICKS,
          ...(plot.stepped ? { incrs: WHOLE } : {}),
          ...(plot.y
            ? { splits: () => plot.y.splits, values: (_, splits) => splits.map((at) => plot.y.label(at)) }
            : { values: (_, splits) => splits.map(tick) }),
        },
      ],
      cursor: {
        y: false,
        drag: { x: true, y: false, setScale: false, dist: 4 },
        points: { size: 6, width: 1 },
        bind: {
          dblclick: () => () => {
            axis.reset();
            return null;
          },
        },
      },
      hooks: {
        setCursor: [(u) => this.moved(u)],
        setSelect: [(u) => this.selected(u)],
        drawClear: [],
        draw: [(u) => this.marks(u)],
      },
    };
  }

  /** A line that is alone has no gaps: a single step must be seen. */
  dash(run) {
    return this.plot.lines.length > 1 ? DASHES[run] : [];
  }

  series(run) {
    const { plot } = this;
    return {
      stroke: () => colour(`run-${run}`),
      width: run === 0 ? 2.2 : 1.4,
      dash: this.dash(run),
      paths: plot.stepped ? uPlot.paths.stepped({ align: 1 }) : undefined,
      points: {
        show: plot.steps.length < 2 || undefined,
        size: 4,
        stroke: () => colour(`run-${run}`),
        fill: () => colour(`run-${run}`),
      },
    };
  }

  ranged() {
    const [min, max] = this.axis.range;
    this.drawn?.setScale("x", { min, max });
  }

  /** The pointer moved in this chart: the axis tells all the others. */
  moved(u) {
    if (this.led) return;
    const { left } = u.cursor;
    this.axis.point(left >= 0 ? u.posToVal(left, "x") : null, this);
  }

  /** The pointer is at x somewhere: read there, and show the line. */
  pointed(x, source) {
    this.read(x === null ? null : nearest(this.plot.steps, x));
    if (!this.drawn || source === this) return;
    this.led = true;
    this.drawn.setCursor({ left: x === null ? -10 : this.drawn.valToPos(x, "x"), top: x === null ? -10 : 0 });
    this.led = false;
  }

  read(index) {
    const { plot } = this;
    const at = index ?? plot.steps.length - 1;
    if (at < 0) return;
    this.index = at;
    this.at.textContent = `${visible(plot.unit)} ${grouped(plot.steps[at])}`;
    plot.lines.forEach((one, number) => (this.numbers[number].textContent = plot.read(one, at)));
  }

  selected(u) {
    const { left, width } = u.select;
    if (width <= 0) return;
    const ends = [u.posToVal(left, "x"), u.posToVal(left + width, "x")];
    u.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
    this.axis.show(...ends);
  }

  key(event) {
    const { axis } = this;
    const here = axis.pointer?.x ?? null;
    if (axis.key(event, here)) return;
    const way = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!way || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    if (axis.zoomed && !event.shiftKey) {
      axis.pan(way / 8);
      announce(`Shown: ${axis.inWords()}`);
      return;
    }
    const steps = this.plot.steps;
    const next =
      here === null
        ? way > 0
          ? nearest(steps, axis.range[0])
          : nearest(steps, axis.range[1])
        : Math.min(Math.max(this.index + way, 0), steps.length - 1);
    axis.point(steps[next], null);
    this.read(next);
    announce(
      [
        this.at.textContent,
        ...this.plot.lines.map((one, index) => `${labelOf(this.runs, one.run)} ${this.numbers[index].textContent}`),
      ].join(", "),
    );
  }

  /** Marks: where the first difference is, and what is no number, at the edge where it would lie. */
  marks(u) {
    const { plot } = this;
    const pen = u.ctx,
      ratio = devicePixelRatio || 1;
    const { left, top, width, height } = u.bbox;
    pen.save();
    pen.beginPath();
    pen.rect(left, top - 8 * ratio, width, height + 8 * ratio);
    pen.clip();
    pen.font = `${11 * ratio}px system-ui, sans-serif`;
    if (plot.first !== null && plot.first !== undefined) {
      const x = Math.round(u.valToPos(plot.first, "x", true)) + 0.5;
      pen.strokeStyle = pen.fillStyle = colour("differs");
      pen.lineWidth = ratio;
      pen.setLineDash([3 * ratio, 3 * ratio]);
      line(pen, x, top, x, top + height);
      pen.setLineDash([]);
      pen.beginPath();
      pen.moveTo(x - 4 * ratio, top - 6 * ratio);
      pen.lineTo(x + 4 * ratio, top - 6 * ratio);
      pen.lineTo(x, top);
      pen.fill();
    }
    const [from, to] = u.series[0].idxs ?? [0, plot.steps.length - 1];
    for (const { run, odd } of plot.lines) {
      if (!odd.size) continue;
      pen.fillStyle = pen.strokeStyle = colour(`run-${run}`);
      pen.lineWidth = 1.5 * ratio;
      let last = -Infinity,
        before;
      for (let index = from; index <= to; index++) {
        const word = odd.get(index);
        if (word === undefined) continue;
        const x = u.valToPos(plot.steps[index], "x", true);
        if (word === before && x - last < 7 * ratio) continue;
        last = x;
        const size = 3.5 * ratio;
        const y = word === "-inf" ? top + height - size - ratio : top + size + ratio + run * 9 * ratio;
        mark(pen, word, x, y, size);
        pen.textAlign = x - left > 60 * ratio ? "right" : "left";
        if (before === undefined)
          pen.fillText(brief(word, 12), x + (pen.textAlign === "right" ? -2 : 2) * size, y + size);
        before = word;
      }
    }
    pen.restore();
  }
}

const WHOLE = Array.from({ length: 14 }, (_, power) => [1, 2, 5].map((lead) => lead * 10 ** power)).flat();

/** What is no number: a cross; an arrow towards an infinity. */
function mark(pen, word, x, y, size) {
  const up = { inf: 1, "-inf": -1 }[word];
  if (!up) {
    line(pen, x - size, y - size, x + size, y + size);
    line(pen, x - size, y + size, x + size, y - size);
    return;
  }
  pen.beginPath();
  pen.moveTo(x - size, y + up * size);
  pen.lineTo(x + size, y + up * size);
  pen.lineTo(x, y - up * size);
  pen.fill();
}

/** A range with room at its ends; a single value gets some too. */
function roomy(low, high) {
  if (low === null || low === undefined) return [0, 1];
  const pad = (high - low) * 0.06 || Math.abs(low) * 0.05 || 1;
  return [low - pad, high + pad];
}

function tick(at) {
  if (at === null) return "";
  const size = Math.abs(at);
  return size !== 0 && (size < 1e-4 || size >= 1e6)
    ? at.toExponential(size < 1e-4 ? 1 : 2).replace(/\.?0+e/, "e")
    : String(Number(at.toPrecision(10)));
}

/** Index of the step nearest to x, in ascending steps. */
function nearest(steps, x) {
  let low = 0,
    high = steps.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (steps[middle] < x) low = middle + 1;
    else high = middle;
  }
  return low > 0 && x - steps[low - 1] <= steps[low] - x ? low - 1 : low;
}
