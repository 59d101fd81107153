"use strict";
// Numbers of a curve: what is drawn of them, and how far two are apart, in size or in units in the last place.

const DOUBLE = new Float64Array(1);
const DOUBLE_BITS = new BigInt64Array(DOUBLE.buffer);
const SINGLE = new Float32Array(1);
const SINGLE_BITS = new Int32Array(SINGLE.buffer);

/** The number's place among all of its type, in ascending order; both zeros have the place 0. */
function place32(number) {
  SINGLE[0] = number;
  const bits = SINGLE_BITS[0];
  return bits < 0 ? -(bits & 0x7fffffff) : bits;
}

function place64(number) {
  DOUBLE[0] = number;
  const bits = DOUBLE_BITS[0];
  return bits < 0n ? -(bits & 0x7fffffffffffffffn) : bits;
}

/** Units in the last place between two numbers of a type. */
function ulps(a, b, dtype) {
  if (dtype === "float32") return Math.abs(place32(a) - place32(b));
  const apart = place64(a) - place64(b);
  return Number(apart < 0n ? -apart : apart);
}

/**
 * How far b is from a: a number, 0 where they agree; undefined where one was not logged; null where only one is a
 * number, or they are of "nan", "inf" and "-inf" and not the same.
 */
function apart(a, b, dtype, measure) {
  if (a === null || b === null || a === undefined || b === undefined) return undefined;
  if (typeof a !== "number" || typeof b !== "number") return a === b ? 0 : null;
  if (measure === "ulp") return ulps(a, b, dtype);
  return dtype === "float32" ? Math.abs(Math.fround(a) - Math.fround(b)) : Math.abs(a - b);
}

/** For uPlot: a number; null breaks the line (it is marked); undefined does not (nothing was logged). */
function drawable(value) {
  return typeof value === "number" ? value : value === null ? undefined : null;
}

/** Where a list has what is no number, in words: "nan in steps 40 to 80"; at most a few stretches. */
function oddities(steps, values, unit) {
  const stretches = [];
  values.forEach((value, index) => {
    if (typeof value !== "string") return;
    const last = stretches.at(-1);
    if (last && last.word === value && last.end === index - 1) last.end = index;
    else stretches.push({ word: value, start: index, end: index });
  });
  return stretches.map(({ word, start, end }) => `${visible(word)} in ${span(steps[start], steps[end], unit)}`);
}

/** Smallest and largest number of many lists, or null where there is none. */
function extent(lists) {
  let low = Infinity,
    high = -Infinity;
  for (const list of lists) {
    for (const value of list) {
      if (typeof value !== "number") continue;
      if (value < low) low = value;
      if (value > high) high = value;
    }
  }
  return low <= high ? [low, high] : null;
}
