"use strict";
// What a chart shows, as plain data: lines, the words for them, and how its y axis is divided. chart.js draws it.
//
// A plot: `title`, `sentence`, `words` (for who does not see it), `unit`, `steps`, `first` (a step or null),
// `lines` ({run, values, odd}: `odd` are the values that are no number, by index), `height`, `stepped`,
// `y` ({range, splits, label} or null), `read(line, index)`: a line's value in words.

const LOSS_HEIGHT = 164;
const DIFFERENCE_HEIGHT = 140;
const NORM_HEIGHT = 100;
const SMALL_HEIGHT = 116;
const FLAT = 72; // the height of a chart of differences that has none

/** The values of all runs of a curve. */
function valuesPlot(curve, runs, height) {
  const lines = curve.values.slice(0, MOST_RUNS).map((values, run) => line_(run, values));
  const notes = lines.flatMap(({ run }) =>
    oddities(curve.steps, curve.values[run], curve.unit).map((words) => `${labelOf(runs, run)} is ${words}`),
  );
  return {
    title: visible(curve.name),
    sentence: curve.sentence,
    odd: notes,
    words: sentences(
      `${brief(curve.name)}, ${count(curve.total, "point")} by ${brief(curve.unit)}, ` +
        `of ${listed(runs.map((run) => `${brief(run.label, 12)} (${brief(run.name, 40)})`))}`,
      brief(curve.sentence, 300),
      empty(curve.first)
        ? "No value differs"
        : `First difference at ${span(curve.first, curve.first, brief(curve.unit))}`,
      rangeInWords(curve),
      listed(notes),
    ),
    unit: curve.unit,
    steps: curve.steps,
    first: curve.first,
    lines,
    height,
    y: null,
    read: ({ run }, index) => valueInWords(curve.values[run][index], curve.values[0][index], run),
  };
}

function valueInWords(value, ofA, run) {
  if (value === null || value === undefined) return "–";
  const differs = run > 0 && ofA !== null && ofA !== undefined && !Object.is(value, ofA);
  return (Object.is(value, -0) ? "-0" : visible(value)) + (differs ? " ≠" : "");
}

function rangeInWords(curve) {
  const range = extent(curve.values);
  return range && `Values from ${rounded(range[0])} to ${rounded(range[1])}`;
}

function sentences(...parts) {
  return parts
    .filter(Boolean)
    .map((part) => (part.endsWith(".") ? part : part + "."))
    .join(" ");
}

function line_(run, values) {
  const odd = new Map();
  values.forEach((value, index) => {
    if (typeof value === "string") odd.set(index, value);
  });
  return { run, values: values.map(drawable), odd };
}

/**
 * How far each run is from A. The axis is logarithmic, and what agrees has no logarithm: it lies on a line of its
 * own below, a decade under the smallest difference there is.
 */
function differencePlot(curve, runs, measure, height) {
  const sizes = curve.values
    .slice(0, MOST_RUNS)
    .map((values) => values.map((value, index) => apart(curve.values[0][index], value, curve.dtype, measure)));
  sizes.shift();
  const positive = extent(sizes.map((list) => list.filter((size) => size > 0)));
  const low = positive ? Math.floor(Math.log10(positive[0])) : 0;
  const high = positive ? Math.max(Math.ceil(Math.log10(positive[1])), low + 1) : 1;
  const bottom = low - 1;
  const height_ = (size) => (size > 0 ? Math.log10(size) : size === 0 ? bottom : size);
  const ulp = measure === "ulp";
  const splits = positive ? decades(bottom, high) : [bottom];
  const lines = sizes.map((list, index) => ({
    run: index + 1,
    values: list.map(height_),
    odd: new Map(list.flatMap((size, at) => (size === null ? [[at, "no number"]] : []))),
  }));
  const summary = lines.map(({ run }) => differenceInWords(curve, labelOf(runs, run), sizes[run - 1], ulp));
  return {
    title: `${visible(curve.name)}: difference to ${labelOf(runs, 0)}${ulp ? ", in ulp" : ""}`,
    sentence: listed(summary, 3),
    odd: [],
    words: sentences(
      `Difference of ${brief(curve.name)} to run ${labelOf(runs, 0)}, logarithmic` +
        `${ulp ? ", in units in the last place" : ""}`,
      listed(summary, MOST_RUNS),
    ),
    unit: curve.unit,
    steps: curve.steps,
    first: curve.first,
    lines,
    height: positive ? height : Math.min(height, FLAT),
    y: { range: [bottom - 0.35, high + 0.1], splits, label: (at) => decade(at, bottom, ulp) },
    read: ({ run }, index) => {
      const size = sizes[run - 1][index];
      if (size === undefined) return "–";
      if (size === null) return "no number";
      if (size === 0) return "0";
      const other = apart(curve.values[0][index], curve.values[run][index], curve.dtype, "ulp");
      return ulp ? `${grouped(size)} ulp` : `${rounded(size)}, ${grouped(other)} ulp`;
    },
  };
}

function differenceInWords(curve, label, sizes, ulp) {
  const both = sizes.filter((size) => size !== undefined).length;
  const agree = sizes.filter((size) => size === 0).length;
  if (!both) return `${label} has no ${brief(curve.unit)} in common`;
  if (agree === both) return `${label} agrees in all ${grouped(both)}`;
  let most = 0,
    at = -1;
  sizes.forEach((size, index) => {
    if (size > most) [most, at] = [size, index];
  });
  const words = `${label} agrees in ${grouped(agree)} of ${count(both, "point")}`;
  if (at < 0) return words;
  const size = ulp ? `${grouped(most)} ulp` : rounded(most);
  return `${words}, at most ${size} at ${span(curve.steps[at], curve.steps[at], visible(curve.unit))}`;
}

function decades(bottom, high) {
  const step = Math.max(1, Math.ceil((high - bottom) / 5));
  const splits = [bottom];
  for (let at = high; at > bottom + step / 2; at -= step) splits.splice(1, 0, at);
  return splits;
}

function decade(at, bottom, ulp) {
  if (at === bottom) return "equal";
  return ulp && at < 6 ? grouped(10 ** at) : at >= 0 && at < 4 ? String(10 ** at) : `1e${at}`;
}

/** How many random operations used a generator, by step. */
function drawsPlot(generator, runs, height) {
  const pair = [generator.a, generator.b];
  const steps = generator.columns.map(([start]) => start);
  const parted = steps.findIndex((_, index) => pair[0][index] !== pair[1][index]);
  const words =
    parted < 0
      ? "as many random operations in both"
      : `${count(pair[0][parted] ?? 0, "random operation")} in ${labelOf(runs, 0)} and ` +
        `${grouped(pair[1][parted] ?? 0)} in ${labelOf(runs, 1)} at ${span(...generator.columns[parted])}`;
  return {
    title: visible(generator.name),
    sentence: words,
    odd: [],
    words: sentences(`Random operations of generator ${brief(generator.name)} by step`, words),
    unit: "step",
    steps,
    first: parted < 0 ? null : steps[parted],
    lines: pair.map((values, run) => line_(run, values)),
    height,
    stepped: true,
    y: null,
    read: ({ run }, index) => (pair[run][index] === null ? "–" : grouped(pair[run][index])),
  };
}
