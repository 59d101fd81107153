"use strict";
// What was seen of the runs step by step: layers, weights, generators, modules, operations.

function stripPanel(parent) {
  const layers = list(report.layers);
  const stretches = list(report.strip).map(([first, steps, layer]) => [first, first + steps - 1, layer]);
  const kinds = [
    AGREEMENT[0],
    { ...AGREEMENT[1], key: -1, name: "every layer agrees" },
    ...layers.map((name, index) => ({
      key: index,
      name: brief(name, 40),
      fill: `layer-${Math.min(index, 6)}`,
      ink: "layer-ink",
      pattern: ["solid", "rising", "dots", "falling", "upright", "level", "grid"][index % 7],
    })),
  ];
  kinds[0] = { ...kinds[0], name: "not observed in both" };
  const parted = stretches.find(([, , layer]) => layer !== null && layer >= 0);
  const words = stripWords(stretches, layers, parted);
  const made = parent.appendChild(
    el(
      "figure",
      { class: "chart strip" },
      el("div", { class: "head" }, el("h3", {}, "First layer to differ"), el("p", { class: "sentence" }, words)),
    ),
  );
  return new Lanes(made, axisOf("step"), {
    rows: [{ name: "layer", stretches }],
    kinds,
    words,
    over: [null, -1, ...layers.map((_, index) => index).reverse()],
    first: report.first ? report.first.step : parted ? parted[0] : null,
    read: (kind) =>
      !kind ? "not observed" : kind.key === null || kind.key === -1 ? kind.name : `${kind.name} differs first`,
  });
}

function stripWords(stretches, layers, parted) {
  const steps = new Map();
  for (const [first, last, layer] of stretches) steps.set(layer, (steps.get(layer) ?? 0) + last - first + 1);
  const parts = layers.flatMap((name, layer) =>
    steps.has(layer) ? [`${brief(name, 40)} in ${grouped(steps.get(layer))}`] : [],
  );
  const all = [...steps.values()].reduce((sum, part) => sum + part, 0);
  const agree = steps.get(-1) ?? 0,
    unseen = steps.get(null) ?? 0;
  return [
    parted
      ? `The first step that differs is ${grouped(parted[0])}, in ${brief(layers[parted[2]], 40)}.`
      : "No step differs.",
    parts.length ? `First to differ: ${listed(parts, 8)} of ${count(all, "step")}.` : "",
    agree ? `${count(agree, "step")} ${agree === 1 ? "agrees" : "agree"} in every layer.` : "",
    unseen ? `${count(unseen, "step")} not observed in both.` : "",
  ]
    .filter(Boolean)
    .join(" ");
}

function weightsPanel() {
  const weights = list(report.weights);
  const made = section("weights", "Parameters beside the loss", "Weights");
  const silent = weights.filter((stretch) => stretch.loss === true && stretch.parameters === false);
  const known = weights.some((stretch) => stretch.loss !== null && stretch.parameters !== null);
  const alike = weights.some((stretch) => stretch.loss === true && stretch.parameters !== null);
  const words = silent.length
    ? `The loss agrees and the parameters do not in ${listed(silent.map(({ steps }) => span(...steps)))}.`
    : known
      ? alike
        ? "Wherever the loss agrees, the parameters agree too."
        : "The loss agrees nowhere."
      : "Loss and parameters were not both read.";
  made.append(el("p", { class: silent.length ? "parts" : null }, words));
  const lane = (name, what) => ({ name, stretches: weights.map((stretch) => [...stretch.steps, what(stretch)]) });
  const rows = [lane("loss", (stretch) => stretch.loss), lane("weights", (stretch) => stretch.parameters)];
  const hidden = {
    key: "silent",
    name: "the loss agrees, the parameters do not",
    fill: "layer-0",
    pattern: "solid",
    ink: "layer-ink",
  };
  if (silent.length) rows.push({ name: "unseen", stretches: silent.map(({ steps }) => [...steps, "silent"]) });
  new Lanes(made, axisOf("step"), {
    rows,
    kinds: [...AGREEMENT, hidden],
    words: `Parameters beside the loss, by step. ${words}`,
    height: 16,
  });
  const say = (value) =>
    el(
      "td",
      { class: value === true ? "agrees" : value === false ? "parts" : "soft" },
      value === true ? "agrees" : value === false ? "differs" : "not known",
    );
  const table = weights.map((stretch) =>
    el(
      "tr",
      { class: silent.includes(stretch) ? "differs" : null },
      el("th", { scope: "row", class: "number" }, span(...stretch.steps)),
      say(stretch.loss),
      say(stretch.parameters),
      el("td", { class: "mono" }, shownOr(stretch.a, "–").slice(0, 40)),
      el("td", { class: "mono" }, shownOr(stretch.b, "–").slice(0, 40)),
    ),
  );
  const [a, b] = [0, 1].map((run) => labelOf(runs, run));
  made.append(
    ...tableOf(
      "Loss and parameters, and the digests of the parameters at the first step of each stretch",
      ["", "loss", "parameters", `digest of ${a}`, `digest of ${b}`],
      table,
      "weights",
    ).filter(Boolean),
  );
  return made;
}

function generatorsPanel() {
  const made = section("generators", "Random operations of each generator", "Generators");
  const grid = made.appendChild(el("div", { class: "grid" }));
  for (const generator of list(report.generators)) {
    if (!list(generator.columns).length) continue;
    const part = grid.appendChild(el("div", {}));
    if (generator.a && generator.b) new Chart(part, axisOf("step"), runs, drawsPlot(generator, runs, SMALL_HEIGHT));
    else part.append(el("h3", {}, visible(generator.name)));
    const stretches = generator.columns.map(([first, last], index) => [first, last, generator.same[index]]);
    const parted = stretches.find(([, , same]) => same === false);
    const words = parted
      ? `Its state differs first at ${span(parted[0], parted[1])}.`
      : stretches.some(([, , same]) => same)
        ? "Its state agrees wherever it was read."
        : "Its state was not read in both.";
    part.append(el("p", { class: "sentence" }, words));
    new Lanes(part, axisOf("step"), {
      rows: [{ name: "state", stretches }],
      kinds: AGREEMENT,
      height: 12,
      words: `State of generator ${brief(generator.name)}, by step. ${words}`,
    });
  }
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
