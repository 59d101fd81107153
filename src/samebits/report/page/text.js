"use strict";
// Texts and elements. What a document says is shown through here, as text and never as markup.

// What a reader cannot see and a browser acts upon: control characters, those that turn the direction of writing,
// halves of surrogate pairs, private use. They are shown as escapes, as in a terminal.
const UNSEEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}]/gu;
const LONG = 400;

function escaped(character) {
  const code = character.codePointAt(0);
  if (character === "\t") return "    ";
  if (character === "\n") return "\\n";
  if (code < 0x100) return "\\x" + code.toString(16).padStart(2, "0");
  return code < 0x10000 ? "\\u" + code.toString(16).padStart(4, "0") : "\\U" + code.toString(16).padStart(8, "0");
}

/** Is it not there? What a document does not know is null, and what its version does not have is undefined. */
function empty(value) {
  return value === null || value === undefined;
}

/** Any value of a document as text that shows all of itself; line breaks stay where `lines` allows them. */
function visible(value, lines = false) {
  const raw = empty(value) ? "none" : typeof value === "object" ? JSON.stringify(value) : String(value);
  return raw.replace(UNSEEN, (character) => (lines && character === "\n" ? character : escaped(character)));
}

/** The same, cut: for labels and titles. */
function brief(value, most = 120) {
  const text = visible(value);
  return text.length > most ? text.slice(0, most - 1) + "…" : text;
}

/** An element. Attributes that begin with "on" are listeners; false, null and undefined are left out. */
function el(tag, attributes, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) node.setAttribute(name, value);
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return node;
}

/** A text of a document in an element of its own; a long one is cut, with a button that shows the rest. */
function text(value, kind = "span", attributes = {}, lines = false, most = LONG) {
  const whole = visible(value, lines);
  const node = el(kind, { ...attributes, dir: "auto" });
  if (whole.length <= most) {
    node.textContent = whole;
    return node;
  }
  const shown = document.createTextNode(whole.slice(0, most) + "… ");
  const more = el(
    "button",
    {
      class: "more",
      type: "button",
      onclick: () => {
        shown.data = whole;
        more.remove();
      },
    },
    `all ${count(whole.length, "character")}`,
  );
  node.append(shown, more);
  return node;
}

/** What a run is called: "A". */
function labelOf(runs, run) {
  return brief(runs[run]?.label ?? "ABCDEFGH"[run], 12);
}

/** "1 step", "1,200 steps". */
function count(number, noun) {
  return `${number.toLocaleString("en-US")} ${number === 1 ? noun : noun + "s"}`;
}

/** "step 3", "steps 3 to 11". */
function span(first, last, unit = "step") {
  return first === last ? `${unit} ${grouped(first)}` : `${unit}s ${grouped(first)} to ${grouped(last)}`;
}

function grouped(number) {
  if (number === 0) return "0"; // also where rounding made it -0
  return Number.isInteger(number) ? number.toLocaleString("en-US") : String(number);
}

/** "a, b and c", of at most a few. */
function listed(items, most = 4) {
  const shown = items.slice(0, most);
  if (items.length > most) shown.push(`${items.length - most} more`);
  return shown.length < 2 ? shown.join("") : shown.slice(0, -1).join(", ") + " and " + shown.at(-1);
}

/** A size, rounded for reading: "3.05e-5". */
function rounded(number) {
  if (number === 0) return "0";
  const size = Math.abs(number);
  return size >= 1e-3 && size < 1e6 ? String(Number(number.toPrecision(3))) : number.toExponential(2);
}

/** Tells people who do not see the page what a key has just done. */
function announce(words) {
  announce.place ??= document.body.appendChild(el("p", { class: "unseen", role: "status" }));
  announce.place.textContent = words;
}

/** A button that copies what `node` shows: what is pasted is what was seen. */
function copyButton(node, what) {
  const button = el(
    "button",
    {
      type: "button",
      class: "copy",
      "aria-label": `Copy ${what}`,
      onclick: async () => {
        const words = node.textContent;
        try {
          await navigator.clipboard.writeText(words);
        } catch {
          getSelection().selectAllChildren(node);
          document.execCommand("copy");
        }
        button.textContent = "copied";
        announce("Copied");
        setTimeout(() => (button.textContent = "copy"), 1500);
      },
    },
    "copy",
  );
  return button;
}

/** Buttons of which one is pressed: the first, to begin with. */
function toggle(names, words, choose) {
  const buttons = names.map((name, index) =>
    el(
      "button",
      {
        type: "button",
        "aria-pressed": String(index === 0),
        title: words[index],
        onclick: () => {
          buttons.forEach((button, at) => button.setAttribute("aria-pressed", String(at === index)));
          choose(name);
        },
      },
      name,
    ),
  );
  return buttons;
}
