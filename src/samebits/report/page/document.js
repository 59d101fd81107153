"use strict";
// The document, and the axes of all that it has.

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
    let low = Infinity,
      high = -Infinity;
    const take = (first, last) => {
      low = Math.min(low, first);
      high = Math.max(high, last);
    };
    for (const curve of list(report.curves))
      if (curve.unit === unit && curve.steps.length) take(curve.steps[0], curve.steps.at(-1));
    if (unit === "step") {
      for (const [first, steps] of list(report.strip)) take(first, first + steps - 1);
      for (const stretch of list(report.weights)) take(...stretch.steps);
      for (const [first, last] of list(report.modules?.columns)) take(first, last);
      for (const generator of list(report.generators))
        for (const [first, last] of list(generator.columns)) take(first, last);
    }
    axes.set(unit, low <= high ? new Axis(unit, low, high) : new Axis(unit, 0, 1));
  }
  return axes.get(unit);
}

const drawnCurves = list(report.curves).filter((curve) => curve.steps.length);
const loss = drawnCurves[0];
const norm = drawnCurves.find((curve, index) => index > 0 && curve.name === "gradient norm");
