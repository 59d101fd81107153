"use strict";
// The aligned list of operations. Only the rows that are seen are in the page: there may be thousands.

const LINE = 24,
  SEEN = 17,
  SPARE = 10;

class Operations {
  constructor(parent, operations, runs) {
    this.labels = [0, 1].map((run) => labelOf(runs, run));
    this.all = operations;
    this.texts = operations.map(searched);
    this.rows = operations.map((_, index) => index);
    this.filter = el("input", { type: "search", placeholder: "name, file, module", oninput: () => this.select() });
    this.only = el("input", { type: "checkbox", onchange: () => this.select() });
    this.counted = el("span", { class: "counted", role: "status" });
    const first = operations.findIndex((operation) => operation.first);
    const jump =
      first < 0 ? null : el("button", { type: "button", onclick: () => this.jump() }, "go to the first difference");
    this.body = el("tbody", {});
    const [a, b] = this.labels;
    const heads = [
      ["mark", ""],
      ["index", `${a} #`],
      ["index", `${b} #`],
      ["step", "step"],
      ["phase", "phase"],
      ["name", "operation"],
      ["place", "line"],
      ["module", "module"],
      ["inputs", "inputs"],
      ["digest", `result of ${a}`],
      ["digest", `result of ${b}`],
      ["state", "compared"],
    ];
    this.table = el(
      "table",
      { class: "operations", "aria-rowcount": operations.length + 1 },
      el("caption", { class: "unseen" }, "Operations of both runs around the first difference, in order"),
      el(
        "colgroup",
        {},
        heads.map(([kind]) => el("col", { class: `col-${kind}` })),
      ),
      el(
        "thead",
        {},
        el(
          "tr",
          {},
          heads.map(([kind, words]) =>
            words ? el("th", { scope: "col", class: kind }, words) : el("td", { class: kind }),
          ),
        ),
      ),
      this.body,
    );
    this.box = el(
      "div",
      {
        class: "scroll rows",
        tabindex: 0,
        role: "region",
        "aria-label": "List of operations",
        onscroll: () => this.show(),
      },
      this.table,
    );
    parent.append(
      el(
        "div",
        { class: "controls" },
        el("label", {}, "filter ", this.filter),
        el("label", {}, this.only, " only differences"),
        jump,
        this.counted,
      ),
      this.box,
    );
    printers.add((on) => {
      this.whole = on;
      this.box.classList.toggle("whole", on);
      this.show(true);
    });
    this.select();
    let laidOut = false; // a box scrolls only when it is in the page
    onWidth(this.box, () => {
      if (!laidOut) this.jump();
      laidOut = true;
    });
  }

  /** Keeps the rows that the filter and the box ask for. */
  select() {
    const words = this.filter.value.toLowerCase().split(/\s+/).filter(Boolean);
    this.rows = this.all.flatMap((operation, index) =>
      (!this.only.checked || differs(operation)) && words.every((word) => this.texts[index].includes(word))
        ? [index]
        : [],
    );
    this.counted.textContent =
      this.rows.length === this.all.length
        ? count(this.all.length, "row")
        : `${grouped(this.rows.length)} of ${count(this.all.length, "row")}`;
    this.box.style.height = `${(Math.min(Math.max(this.rows.length, 1), SEEN) + 1.5) * LINE}px`;
    this.show(true);
  }

  jump() {
    const at = this.rows.findIndex((index) => this.all[index].first);
    if (at < 0) return;
    this.box.scrollTop = Math.max(0, (at - 5) * LINE);
    this.show(true);
  }

  show(anew = false) {
    const most = this.rows.length;
    const from = this.whole ? 0 : Math.max(0, Math.min(Math.floor(this.box.scrollTop / LINE) - SPARE, most - SEEN));
    const to = this.whole ? most : Math.min(most, from + SEEN + 2 * SPARE);
    if (!anew && from === this.from) return;
    this.from = from;
    this.body.replaceChildren(
      space(from * LINE),
      ...this.rows.slice(from, to).map((index) => this.row(this.all[index], index)),
      space((most - to) * LINE),
    );
  }

  row(operation, index) {
    const { a, b } = operation;
    const [labelA, labelB] = this.labels;
    const either = a ?? b;
    const state = !a
      ? `only in ${labelB}`
      : !b
        ? `only in ${labelA}`
        : { true: "same", false: "differs", null: "not compared" }[String(operation.same ?? null)];
    const inputs = !a || !b || empty(a.inputs) || empty(b.inputs) ? "" : a.inputs === b.inputs ? "agree" : "differ";
    const cell = (kind, value, words) =>
      el("td", { class: kind, title: value && value.length > 12 ? value.slice(0, 500) : null }, words ?? value);
    const name = a && b && a.name !== b.name ? `${visible(a.name)} | ${visible(b.name)}` : visible(either.name);
    const place = empty(either.file) ? "" : `${visible(either.file)}${empty(either.line) ? "" : `:${either.line}`}`;
    const kinds = ["row", operation.first ? "first" : "", differs(operation) ? "differs" : "", !a || !b ? "alone" : ""];
    return el(
      "tr",
      { class: kinds.filter(Boolean).join(" "), "aria-rowindex": index + 2 },
      cell("mark", operation.first ? "▶" : ""),
      cell("index", a ? visible(a.index) : ""),
      cell("index", b ? visible(b.index) : ""),
      cell("step", shownOr(either.step)),
      cell("phase", shownOr(either.phase)),
      cell("name", name.slice(0, 500)),
      cell("place", place.slice(-300)),
      cell("module", shownOr(either.module).slice(0, 300)),
      cell("inputs", inputs),
      cell("digest", a ? shownOr(a.digest).slice(0, 40) : ""),
      cell("digest", b ? shownOr(b.digest).slice(0, 40) : ""),
      cell("state", operation.first ? `${state}: the first` : state),
    );
  }
}

function shownOr(value, other = "") {
  return empty(value) ? other : visible(value);
}

function differs(operation) {
  return !operation.a || !operation.b || operation.same === false;
}

function searched({ a, b }) {
  return [a, b]
    .flatMap((operation) =>
      operation
        ? [operation.name, operation.module ?? "", `${operation.file ?? ""}:${operation.line ?? ""}`, operation.phase]
        : [],
    )
    .map((value) => visible(value))
    .join(" ")
    .toLowerCase();
}

function space(height) {
  const row = el("tr", { class: "space", "aria-hidden": "true" }, el("td", { colspan: 12 }));
  row.firstChild.style.height = `${height}px`;
  row.hidden = height <= 0;
  return row;
}
