"use strict";
// The x axis that all drawings of one unit share: which stretch is seen, and where the pointer is.

/** Where a plot begins and ends within its element; lanes and heat map keep the same, so that steps line up. */
const GUTTER = 62,
  MARGIN = 12;

class Axis {
  constructor(unit, low, high) {
    const pad = unit === "epoch" ? 0 : 0.5;
    this.unit = unit;
    this.full = low < high || pad ? [low - pad, high + pad] : [low - 0.5, high + 0.5];
    this.range = [...this.full];
    this.views = new Set(); // each has ranged() and pointed(x, source)
  }

  get zoomed() {
    return this.range[0] !== this.full[0] || this.range[1] !== this.full[1];
  }

  show(low, high) {
    const [least, most] = this.full;
    const smallest = Math.min((most - least) / 2, this.unit === "epoch" ? (most - least) / 1e4 : 2);
    const width = Math.min(Math.max(high - low, smallest), most - least);
    const start = Math.min(Math.max(low, least), most - width);
    this.range = [start, start + width];
    for (const view of this.views) view.ranged();
  }

  reset() {
    this.show(...this.full);
  }

  /** A factor under 1 shows less; what is at `center` stays where it is. */
  zoom(factor, center) {
    const [low, high] = this.range;
    const at = center ?? (low + high) / 2;
    this.show(at - (at - low) * factor, at + (high - at) * factor);
  }

  pan(part) {
    const [low, high] = this.range;
    this.show(low + (high - low) * part, high + (high - low) * part);
  }

  /** The pointer is at x, or gone (null); at most once a frame. */
  point(x, source) {
    this.pointer = { x, source };
    this.frame ??= requestAnimationFrame(() => {
      this.frame = null;
      for (const view of this.views) view.pointed(this.pointer.x, this.pointer.source);
    });
  }

  inWords() {
    const ends =
      this.unit === "epoch"
        ? this.range.map(rounded).map(Number)
        : [Math.ceil(this.range[0]), Math.floor(this.range[1])];
    return span(ends[0], Math.max(...ends), this.unit);
  }

  /** The keys of every drawing: + and - zoom, 0 and Home show all; false if it is another key. */
  key(event, center) {
    if (event.ctrlKey || event.metaKey || event.altKey) return false;
    switch (event.key) {
      case "+":
      case "=":
        this.zoom(0.5, center);
        break;
      case "-":
      case "_":
        this.zoom(2, center);
        break;
      case "0":
      case "Home":
        this.reset();
        break;
      default:
        return false;
    }
    event.preventDefault();
    announce(`Shown: ${this.inWords()}`);
    return true;
  }
}

const measures = new Set();

/** Calls back with an element's width, now and when it changes. */
function onWidth(element, callback) {
  let last = 0;
  const measure = () => {
    const width = Math.floor(element.clientWidth);
    if (!width || width === last) return;
    last = width;
    callback(width);
  };
  measures.add(measure);
  measure();
  new ResizeObserver(() => requestAnimationFrame(measure)).observe(element);
}

const waiting = new Map(); // element -> what to do when it comes into view
const watcher = new IntersectionObserver(
  (entries) => {
    for (const { isIntersecting, target } of entries) if (isIntersecting) arrive(target);
  },
  { rootMargin: "300px" },
);

function arrive(element) {
  const act = waiting.get(element);
  waiting.delete(element);
  watcher.unobserve(element);
  act?.();
}

/** Waits with a drawing until it is nearly seen: a page may have hundreds. Paper sees all. */
function whenSeen(element, act) {
  waiting.set(element, act);
  watcher.observe(element);
}

// A browser prints as soon as it has been told that it is to: nothing may wait for a frame.
printers.add((on) => {
  if (on) for (const element of [...waiting.keys()]) arrive(element);
  for (const measure of measures) measure();
});
