"use strict";
// Colours, patterns, light and dark, and paper. The colours stand in page.css alone; canvases ask for them here.

// Run 0 is drawn first, wide and whole; those after it are dashed, so that the one below shows where they agree.
const DASHES = [[], [6, 3], [2, 2], [9, 3, 2, 3], [4, 4], [12, 4], [1, 3], [8, 2, 2, 2, 2, 2]];
const MOST_RUNS = DASHES.length;

const repaints = new Set(); // functions that draw a canvas anew when its colours change
const printers = new Set(); // functions that are told when the page is printed (true) and after (false)

/** A colour of the page by its name in page.css, as it is in the theme that is on. */
function colour(name) {
  colour.known ??= new Map();
  if (!colour.known.has(name)) {
    const { style } = document.documentElement; // a property nobody sees: it resolves light-dark()
    style.outlineColor = `var(--${name})`;
    colour.known.set(name, getComputedStyle(document.documentElement).outlineColor);
    style.outlineColor = "";
  }
  return colour.known.get(name);
}

function recolour() {
  colour.known = new Map();
  pattern.known = new Map();
  for (const repaint of repaints) repaint();
}

function isDark() {
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
}

function themeButton() {
  const words = () => (isDark() ? "light" : "dark");
  const button = el(
    "button",
    {
      type: "button",
      class: "theme",
      onclick: () => {
        document.documentElement.dataset.theme = words();
        recolour();
        button.textContent = words();
      },
      title: "Change between light and dark",
    },
    words(),
  );
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    recolour();
    button.textContent = words();
  });
  return button;
}

/** Both ways to paper: the browser's print, and whoever sets the medium. On paper the page is light and whole. */
function watchPrinting() {
  let printing = false,
    chosen;
  const turn = (on) => {
    if (on === printing) return;
    printing = on;
    const root = document.documentElement;
    root.classList.toggle("printing", on);
    if (on) {
      chosen = root.dataset.theme;
      root.dataset.theme = "light";
    } else if (chosen) root.dataset.theme = chosen;
    else delete root.dataset.theme;
    for (const button of document.querySelectorAll("button.more")) button.click(); // paper has no buttons
    for (const details of document.querySelectorAll("details")) details.open = on;
    for (const printer of printers) printer(on);
    recolour();
  };
  addEventListener("beforeprint", () => turn(true));
  addEventListener("afterprint", () => turn(false));
  matchMedia("print").addEventListener("change", (event) => turn(event.matches));
}

const PATTERNS = {
  solid: () => {},
  blank: (pen) => pen.strokeRect(-1, -1, 10, 10),
  rising: (pen) => {
    line(pen, 0, 8, 8, 0);
    line(pen, -2, 2, 2, -2);
    line(pen, 6, 10, 10, 6);
  },
  falling: (pen) => {
    line(pen, 0, 0, 8, 8);
    line(pen, -2, 6, 2, 10);
    line(pen, 6, -2, 10, 2);
  },
  upright: (pen) => line(pen, 4, 0, 4, 8),
  level: (pen) => line(pen, 0, 4, 8, 4),
  dots: (pen) => {
    pen.beginPath();
    pen.arc(4, 4, 1.4, 0, 7);
    pen.fill();
  },
  grid: (pen) => {
    line(pen, 4, 0, 4, 8);
    line(pen, 0, 4, 8, 4);
  },
};

function line(pen, ...[x0, y0, x1, y1]) {
  pen.beginPath();
  pen.moveTo(x0, y0);
  pen.lineTo(x1, y1);
  pen.stroke();
}

/** What fills a stretch: a colour and a pattern over it, for colours alone tell some people nothing. */
function pattern(pen, fill, kind, ink) {
  pattern.known ??= new Map();
  const key = `${fill} ${kind} ${ink}`;
  if (!pattern.known.has(key)) {
    const tile = el("canvas", { width: 16, height: 16 });
    const draw = tile.getContext("2d");
    draw.scale(2, 2);
    draw.fillStyle = colour(fill);
    draw.fillRect(0, 0, 8, 8);
    draw.strokeStyle = draw.fillStyle = colour(ink);
    draw.lineWidth = 1.1;
    PATTERNS[kind](draw);
    const made = pen.createPattern(tile, "repeat");
    made.setTransform(new DOMMatrix([0.5, 0, 0, 0.5, 0, 0]));
    pattern.known.set(key, made);
  }
  return pattern.known.get(key);
}

/** Sets a canvas to a size on the screen, and gives a pen in the screen's units. */
function penOf(canvas, width, height) {
  const ratio = devicePixelRatio || 1;
  canvas.width = Math.max(1, Math.round(width * ratio));
  canvas.height = Math.max(1, Math.round(height * ratio));
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
  const pen = canvas.getContext("2d");
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.font = FONT;
  return pen;
}

const FONT = '11px system-ui, -apple-system, "Segoe UI", Roboto, sans-serif';

/** The line of a run, as in the charts. */
function swatch(run, dash = DASHES[run]) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const stroke = document.createElementNS("http://www.w3.org/2000/svg", "line");
  for (const [name, value] of Object.entries({ class: "swatch", width: 22, height: 8, "aria-hidden": "true" })) {
    svg.setAttribute(name, value);
  }
  const attributes = { x1: 0, x2: 22, y1: 4, y2: 4, class: `run-${run}`, "stroke-dasharray": dash.join(" ") };
  for (const [name, value] of Object.entries(attributes)) if (value !== "") stroke.setAttribute(name, value);
  svg.append(stroke);
  return svg;
}
