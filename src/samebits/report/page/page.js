"use strict";
// Puts the page together: what is seen first is drawn first, the rest when there is time.

const report = JSON.parse(document.getElementById("document").textContent);
const runs = list(report.runs);
const axes = new Map(); // unit of the x axis -> Axis

/** A list of the document, if it is one: sections of a document that are not there do not appear. */
function list(value) {
  return Array.isArray(value) ? value : [];
}

/** The axis of a unit, over all that the document has of it. */
function axisOf(unit) {
  if (!axes.has(unit)) {
    let low = Infinity, high = -Infinity;
    const take = (first, last) => {
      low = Math.min(low, first);
      high = Math.max(high, last);
    };
    for (const curve of list(report.curves)) if (curve.unit === unit && curve.steps.length) take(curve.steps[0], curve.steps.at(-1));
    if (unit === "step") {
      for (const [first, steps] of list(report.strip)) take(first, first + steps - 1);
      for (const { steps: [first, last] } of list(report.weights)) take(first, last);
      for (const [first, last] of list(report.modules?.columns)) take(first, last);
      for (const generator of list(report.generators)) for (const [first, last] of list(generator.columns)) take(first, last);
    }
    axes.set(unit, low <= high ? new Axis(unit, low, high) : new Axis(unit, 0, 1));
  }
  return axes.get(unit);
}

function toggle(names, words, choose) {
  const buttons = names.map((name, index) => el("button", { type: "button", "aria-pressed": String(index === 0), title: words[index],
    onclick: () => {
      buttons.forEach((button, at) => button.setAttribute("aria-pressed", String(at === index)));
      choose(name);
    } }, name));
  return buttons;
}

const LOSS_HEIGHT = 164, DIFFERENCE_HEIGHT = 140, NORM_HEIGHT = 100, SMALL_HEIGHT = 116;
const drawnCurves = list(report.curves).filter((curve) => curve.steps.length);
const loss = drawnCurves[0];
const norm = drawnCurves.find((curve, index) => index > 0 && curve.name === "gradient norm");

function differenceChart(parent, curve) {
  const show = (measure) => differencePlot(curve, runs, measure, DIFFERENCE_HEIGHT);
  const tools = toggle(["log", "ulp"], ["size of the difference", "units in the last place"],
    (name) => chart.set(show(name === "ulp" ? "ulp" : "size")));
  const chart = new Chart(parent, axisOf(curve.unit), runs, show("size"), { soon: true, tools });
}

function stripPanel(parent) {
  const layers = list(report.layers);
  const stretches = list(report.strip).map(([first, steps, layer]) => [first, first + steps - 1, layer]);
  const kinds = [AGREEMENT[0], { ...AGREEMENT[1], key: -1, name: "every layer agrees" }, ...layers.map((name, index) => ({
    key: index, name: brief(name, 40), fill: `layer-${Math.min(index, 6)}`, ink: "layer-ink",
    pattern: ["solid", "rising", "dots", "falling", "upright", "level", "grid"][index % 7],
  }))];
  kinds[0] = { ...kinds[0], name: "not observed in both" };
  const parted = stretches.find(([, , layer]) => layer !== null && layer >= 0);
  const words = stripWords(stretches, layers, parted);
  const made = parent.appendChild(el("figure", { class: "chart strip" }, el("div", { class: "head" },
    el("h3", {}, "First layer to differ"), el("p", { class: "sentence" }, words))));
  return new Lanes(made, axisOf("step"), {
    rows: [{ name: "layer", stretches }], kinds, words, over: [null, -1, ...layers.map((_, index) => index).reverse()], first: report.first ? report.first.step : parted ? parted[0] : null,
    read: (kind) => !kind ? "not observed" : kind.key === null || kind.key === -1 ? kind.name : `${kind.name} differs first`,
  });
}

function stripWords(stretches, layers, parted) {
  const steps = new Map();
  for (const [first, last, layer] of stretches) steps.set(layer, (steps.get(layer) ?? 0) + last - first + 1);
  const parts = layers.flatMap((name, layer) => steps.has(layer) ? [`${brief(name, 40)} in ${grouped(steps.get(layer))}`] : []);
  const all = [...steps.values()].reduce((sum, part) => sum + part, 0);
  const agree = steps.get(-1) ?? 0, unseen = steps.get(null) ?? 0;
  return [
    parted ? `The first step that differs is ${grouped(parted[0])}, in ${brief(layers[parted[2]], 40)}.` : "No step differs.",
    parts.length ? `First to differ: ${listed(parts, 8)} of ${count(all, "step")}.` : "",
    agree ? `${count(agree, "step")} ${agree === 1 ? "agrees" : "agree"} in every layer.` : "",
    unseen ? `${count(unseen, "step")} not observed in both.` : "",
  ].filter(Boolean).join(" ");
}

function weightsPanel() {
  const weights = list(report.weights);
  const made = section("weights", "Parameters beside the loss", "Weights");
  const silent = weights.filter((stretch) => stretch.loss === true && stretch.parameters === false);
  const known = weights.some((stretch) => stretch.loss !== null && stretch.parameters !== null);
  const words = silent.length
    ? `The loss agrees and the parameters do not in ${listed(silent.map(({ steps }) => span(...steps)))}.`
    : known ? "Wherever the loss agrees, the parameters agree too." : "Loss and parameters were not both read.";
  made.append(el("p", { class: silent.length ? "parts" : null }, words));
  const lane = (name, what) => ({ name, stretches: weights.map((stretch) => [...stretch.steps, what(stretch)]) });
  const rows = [lane("loss", (stretch) => stretch.loss), lane("weights", (stretch) => stretch.parameters)];
  const hidden = { key: "silent", name: "the loss agrees, the parameters do not", fill: "layer-0", pattern: "solid", ink: "layer-ink" };
  if (silent.length) rows.push({ name: "unseen", stretches: silent.map(({ steps }) => [...steps, "silent"]) });
  new Lanes(made, axisOf("step"), { rows, kinds: [...AGREEMENT, hidden], words: `Parameters beside the loss, by step. ${words}`, height: 16 });
  const say = (value) => el("td", { class: value === true ? "agrees" : value === false ? "parts" : "soft" },
    value === true ? "agrees" : value === false ? "differs" : "not known");
  const table = weights.map((stretch) => el("tr", { class: silent.includes(stretch) ? "differs" : null },
    el("th", { scope: "row", class: "number" }, span(...stretch.steps)), say(stretch.loss), say(stretch.parameters),
    el("td", { class: "mono" }, shownOr(stretch.a, "–").slice(0, 40)), el("td", { class: "mono" }, shownOr(stretch.b, "–").slice(0, 40))));
  const [a, b] = [0, 1].map((run) => labelOf(runs, run));
  made.append(...tableOf("Loss and parameters, and the digests of the parameters at the first step of each stretch",
    ["", "loss", "parameters", `digest of ${a}`, `digest of ${b}`], table, "weights").filter(Boolean));
  return made;
}

function generatorsPanel() {
  const made = section("generators", "Random operations of each generator", "Generators");
  const grid = made.appendChild(el("div", { class: "grid" }));
  for (const generator of list(report.generators)) {
    if (!list(generator.columns).length) continue;
    const part = grid.appendChild(el("div", {}));
    new Chart(part, axisOf("step"), runs, drawsPlot(generator, runs, SMALL_HEIGHT));
    const stretches = generator.columns.map(([first, last], index) => [first, last, generator.same[index]]);
    const parted = stretches.find(([, , same]) => same === false);
    const words = parted ? `Its state differs first at ${span(parted[0], parted[1])}.`
      : stretches.some(([, , same]) => same) ? "Its state agrees wherever it was read." : "Its state was not read in both.";
    part.append(el("p", { class: "sentence" }, words));
    new Lanes(part, axisOf("step"), { rows: [{ name: "state", stretches }], kinds: AGREEMENT, height: 12,
      words: `State of generator ${brief(generator.name)}, by step. ${words}` });
  }
  return made;
}

function curvesPanel(curves) {
  const made = section("curves", "Other curves", "Curves");
  const charts = [];
  const plots = {
    values: (curve) => valuesPlot(curve, runs, SMALL_HEIGHT),
    difference: (curve) => differencePlot(curve, runs, "size", SMALL_HEIGHT),
    ulp: (curve) => differencePlot(curve, runs, "ulp", SMALL_HEIGHT),
  };
  if (runs.length > 1) {
    made.append(el("div", { class: "choice", role: "group", "aria-label": "What the charts show" },
      toggle(Object.keys(plots), ["values of all runs", "size of the difference", "units in the last place"],
        (name) => charts.forEach(([chart, curve]) => chart.set(plots[name](curve))))));
  }
  const grid = made.appendChild(el("div", { class: "grid" }));
  for (const curve of curves) charts.push([new Chart(grid, axisOf(curve.unit), runs, plots.values(curve)), curve]);
  return made;
}

/** The bar that stays on top: sections, the stretch that is seen, zoom, light and dark. */
function bar(links) {
  const seen = el("span", { class: "seen", role: "status" });
  const each = (act) => () => [...axes.values()].forEach(act);
  const button = (words, label, act) => el("button", { type: "button", "aria-label": label, title: label, onclick: each(act) }, words);
  const reset = button("reset", "Show all steps", (axis) => axis.reset());
  const made = el("nav", { class: "bar", "aria-label": "Sections and zoom" }, links,
    el("div", { class: "zoom" }, seen,
      button("−", "Zoom out", (axis) => axis.zoom(2)), button("+", "Zoom in", (axis) => axis.zoom(0.5)), reset,
      el("button", { type: "button", "aria-label": "Keys", "aria-expanded": "false", onclick: (event) => {
        help.hidden = !help.hidden;
        event.currentTarget.setAttribute("aria-expanded", String(!help.hidden));
      } }, "keys"), themeButton()));
  const help = el("p", { class: "help", hidden: true }, "Drag in a chart to zoom, double-click to see all. In a chart that " +
    "has the focus: + and − zoom, ← → move the stretch that is seen (or the pointer, where all is seen; with Shift always), " +
    "0 or Home show all. In the strip ← → go step by step, with Shift to the next change. In the heat map the arrows go cell by cell.");
  made.append(help);
  const ranged = () => {
    const axis = axes.get(loss?.unit ?? "step") ?? [...axes.values()][0];
    seen.textContent = axis ? axis.inWords() : "";
    reset.disabled = [...axes.values()].every((one) => !one.zoomed);
  };
  return { made, ranged };
}

/** A part of the page; one that cannot be drawn, since its document is of another version, says so alone. */
function attempt(make) {
  try {
    return make() ?? "";
  } catch (error) {
    console.error(error);
    return el("p", { class: "parts" }, "A part of this report could not be drawn.");
  }
}

/** The first of the charts, which stand one above the other, so that steps line up. */
function lossChart(charts) {
  charts.append(el("h2", { class: "unseen", id: "charts-heading" }, "Loss and difference"));
  if (loss) new Chart(charts, axisOf(loss.unit), runs, valuesPlot(loss, runs, LOSS_HEIGHT), { soon: true });
}

/** Those below it: how far the runs are apart, the norm of the gradients, the strip. */
function moreCharts(charts) {
  if (loss && runs.length > 1) differenceChart(charts, loss);
  if (norm) new Chart(charts, axisOf(norm.unit), runs, valuesPlot(norm, runs, NORM_HEIGHT));
  if (list(report.strip).length) stripPanel(charts);
}

function sidePanels() {
  const made = [];
  if (report.first) made.push(attempt(() => firstPanel(report.first)));
  if (list(report.causes).length) made.push(attempt(() => causesPanel(report.causes, report.first)));
  if (!made.length && list(report.metrics).length) made.push(attempt(() => metricsPanel(report.metrics)));
  return made;
}

function modulesPanel() {
  const made = section("modules", "Modules over time", "Modules");
  new Heat(made, axisOf("step"), report.modules);
  return made;
}

function operationsPanel() {
  const made = section("operations", "Operations around the first difference", "Operations");
  new Operations(made, report.operations, runs);
  return made;
}

/** What comes below: one after the other, if the document has it. */
function panels() {
  const others = drawnCurves.filter((curve) => curve !== loss && curve !== norm);
  const { modules } = report;
  const rows = list(modules?.names).length && list(modules.columns).length;
  return [
    [others.length, () => curvesPanel(others)],
    [list(report.weights).length, weightsPanel],
    [rows && (list(modules.gradient).length || list(modules.parameter).length), modulesPanel],
    [list(report.generators).length, generatorsPanel],
    [list(report.operations).length, operationsPanel],
  ].filter(([there]) => there).map(([, make]) => attempt(make));
}

function tables(metricsShown) {
  return [
    [list(report.environment).length, () => environmentPanel(report.environment, runs)],
    [list(report.metrics).length && !metricsShown, () => metricsPanel(report.metrics)],
    [list(report.notes).length, () => notesPanel(report.notes)],
  ].filter(([there]) => there).map(([, make]) => attempt(make));
}

/** What is seen first. */
function start() {
  document.title = `${brief(report.word).toUpperCase()} ${brief(report.headline, 80)} – samebits report`;
  watchPrinting();
  const links = el("ul", { class: "links" });
  const top = bar(links);
  const main = el("main", {}, attempt(() => verdictPanel({ ...report, runs })));
  document.body.append(top.made, main);
  const first = el("div", { class: "top" }), side = sidePanels();
  const charts = el("section", { id: "charts", class: "charts", "aria-labelledby": "charts-heading", "data-short": "Loss" });
  main.append(first);
  if (loss || list(report.strip).length) first.append(charts); // before it is filled: a chart is drawn to its width
  if (side.length) first.append(el("div", { class: "side" }, side));
  if (!first.children.length) first.remove();
  if (charts.isConnected) charts.append(attempt(() => lossChart(charts)));
  top.ranged();
  performance.mark("first-curve");
  // The browser shows this much before the rest is made.
  requestAnimationFrame(() => setTimeout(() => finish(main, charts, first, links, top)));
}

function finish(main, charts, first, links, top) {
  if (charts.isConnected) charts.append(attempt(() => moreCharts(charts)));
  main.append(...panels());
  const rest = tables(first.querySelector("#metrics"));
  if (rest.length) main.append(el("div", { class: "pair" }, rest));
  const origin = [["samebits", report.samebits], ["", report.created], ["format", report.format], ["version", report.version]];
  main.append(el("footer", {}, origin.filter(([, value]) => !empty(value))
    .map(([name, value]) => `${name} ${brief(value)}`.trim()).join(" · ")));
  for (const made of main.querySelectorAll("section[data-short]")) {
    links.append(el("li", {}, el("a", { href: `#${made.id}` }, made.dataset.short)));
  }
  for (const axis of axes.values()) axis.views.add({ ranged: top.ranged, pointed() {} });
  top.ranged();
  performance.mark("page-built");
}

start();
