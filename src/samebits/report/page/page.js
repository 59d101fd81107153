"use strict";
// Puts the page together: what is seen first is drawn first, the rest when there is time.

function differenceChart(parent, curve) {
  const show = (measure) => differencePlot(curve, runs, measure, DIFFERENCE_HEIGHT);
  const tools = toggle(["log", "ulp"], ["size of the difference", "units in the last place"], (name) =>
    chart.set(show(name === "ulp" ? "ulp" : "size")),
  );
  const chart = new Chart(parent, axisOf(curve.unit), runs, show("size"), { soon: true, tools });
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
    made.append(
      el(
        "div",
        { class: "choice", role: "group", "aria-label": "What the charts show" },
        toggle(
          Object.keys(plots),
          ["values of all runs", "size of the difference", "units in the last place"],
          (name) => charts.forEach(([chart, curve]) => chart.set(plots[name](curve))),
        ),
      ),
    );
  }
  const grid = made.appendChild(el("div", { class: "grid" }));
  for (const curve of curves) charts.push([new Chart(grid, axisOf(curve.unit), runs, plots.values(curve)), curve]);
  return made;
}

/** The bar that stays on top: sections, the stretch that is seen, zoom, light and dark. */
function bar(links) {
  const seen = el("span", { class: "seen" });
  const each = (act) => () => [...axes.values()].forEach(act);
  const button = (words, label, act) =>
    el("button", { type: "button", "aria-label": label, title: label, onclick: each(act) }, words);
  const reset = button("reset", "Show all steps", (axis) => axis.reset());
  const made = el(
    "nav",
    { class: "bar", "aria-label": "Sections and zoom" },
    links,
    el(
      "div",
      { class: "zoom" },
      seen,
      button("−", "Zoom out", (axis) => axis.zoom(2)),
      button("+", "Zoom in", (axis) => axis.zoom(0.5)),
      reset,
      el(
        "button",
        {
          type: "button",
          "aria-label": "Keys",
          "aria-expanded": "false",
          onclick: (event) => {
            help.hidden = !help.hidden;
            event.currentTarget.setAttribute("aria-expanded", String(!help.hidden));
          },
        },
        "keys",
      ),
      themeButton(),
    ),
  );
  const help = el(
    "p",
    { class: "help", hidden: true },
    "Drag in a chart to zoom, double-click to see all. In a chart that has the focus: + and − zoom, ← → move the " +
      "stretch that is seen (or the pointer, where all is seen; with Shift always), 0 or Home show all. In the " +
      "strip ← → go step by step, with Shift to the next change. In the heat map the arrows go cell by cell.",
  );
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
  ]
    .filter(([there]) => there)
    .map(([, make]) => attempt(make));
}

function tables(metricsShown) {
  return [
    [list(report.environment).length, () => environmentPanel(report.environment, runs)],
    [list(report.metrics).length && !metricsShown, () => metricsPanel(report.metrics)],
    [list(report.notes).length, () => notesPanel(report.notes)],
  ]
    .filter(([there]) => there)
    .map(([, make]) => attempt(make));
}

/** What is seen first. */
function start() {
  document.title = `${brief(report.word).toUpperCase()} ${brief(report.headline, 80)} – samebits report`;
  watchPrinting();
  const links = el("ul", { class: "links" });
  const top = bar(links);
  const main = el(
    "main",
    {},
    attempt(() => verdictPanel({ ...report, runs })),
  );
  document.body.append(top.made, main);
  const first = el("div", { class: "top" }),
    side = sidePanels();
  const charts = el("section", {
    id: "charts",
    class: "charts",
    "aria-labelledby": "charts-heading",
    "data-short": "Loss",
  });
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
  main.append(...list(report.tables).map((table) => attempt(() => trialsPanel(table))), ...panels());
  const rest = tables(first.querySelector("#metrics"));
  if (rest.length) main.append(el("div", { class: "pair" }, rest));
  const origin = [
    ["samebits", report.samebits],
    ["", report.created],
    ["format", report.format],
    ["version", report.version],
  ];
  main.append(
    el(
      "footer",
      {},
      origin
        .filter(([, value]) => !empty(value))
        .map(([name, value]) => `${name} ${brief(value)}`.trim())
        .join(" · "),
    ),
  );
  for (const made of main.querySelectorAll("section[data-short]")) {
    links.append(el("li", {}, el("a", { href: `#${made.id}` }, made.dataset.short)));
  }
  for (const axis of axes.values()) axis.views.add({ ranged: top.ranged, pointed() {} });
  top.ranged();
  performance.mark("page-built");
}

start();
