"use strict";
// What is said in words: the verdict, the runs, the first difference, its causes, and the tables.

const MEANINGS = {
  cured: "it repeats with what is listed",
  ok: "every change reaches what it should",
  findings: "a change reaches what it should not, or not what it should",
  complete: "it goes on as if it had not been interrupted",
  loses: "it does not go on as it would have",
  same: "every bit that was compared agrees",
  diverged: "the runs diverge",
  failed: "a run failed",
  incomplete: "something is missing",
};
const CHANGES = {
  missing: "only the first run did this; the second went on without it",
  extra: "only the second run did this; the first went on without it",
  replaced: "the second run did something else in its place",
  end: "one run ended here and the other went on",
};
const MOST_ROWS = 300;

/** A section with a heading; `id` for the bar above, which lists those that have `short`. */
function section(id, heading, short = heading) {
  const made = el(
    "section",
    { id, "aria-labelledby": `${id}-heading`, "data-short": short },
    el("h2", { id: `${id}-heading` }, heading),
  );
  return made;
}

function verdictPanel(report) {
  const word = Object.hasOwn(MEANINGS, report.word) ? report.word : "incomplete";
  return el(
    "header",
    { class: "verdict" },
    el(
      "div",
      { class: "said" },
      el(
        "h1",
        {},
        el("span", { class: `word ${word}`, title: MEANINGS[word] }, brief(report.word).toUpperCase()),
        " ",
        text(report.headline, "span", { class: "headline" }),
      ),
      report.rests_on ? el("p", { class: "rests" }, "Compared: ", text(report.rests_on)) : null,
    ),
    report.runs.length ? runsTable(report.runs) : null,
  );
}

function runsTable(runs) {
  const rows = runs.map((run, index) => {
    const about = [
      run.kind,
      run.status,
      empty(run.steps) ? null : count(run.steps, "step"),
      typeof run.created === "string" ? run.created.slice(0, 16).replace("T", " ") : null,
    ]
      .filter((value) => !empty(value))
      .map((value) => visible(value));
    const more = [
      ["command", run.command],
      ["path", run.path],
      ["created", run.created],
    ].filter(([, value]) => !empty(value));
    return el(
      "tr",
      {},
      el("th", { scope: "row" }, index < MOST_RUNS ? swatch(index) : null, " ", visible(run.label)),
      el("td", { class: "name" }, text(run.name, "b")),
      el("td", { class: "about" }, about.join(" · ").slice(0, 400)),
      el(
        "td",
        { class: "command" },
        more.length
          ? el(
              "details",
              {},
              el("summary", {}, "details"),
              el(
                "dl",
                {},
                more.map(([name, value]) => [el("dt", {}, name), text(value, "dd")]),
              ),
            )
          : null,
      ),
    );
  });
  return el("table", { class: "runs" }, el("caption", { class: "unseen" }, "Runs"), el("tbody", {}, rows));
}

/** Lines of the user's source, the one that is meant marked. */
function sourceBlock(source) {
  if (!source) return null;
  const lines = visible(source.text, true).split("\n");
  if (lines.at(-1) === "") lines.pop();
  const margin = Math.min(...lines.filter((words) => words.trim()).map((words) => words.search(/\S/)));
  const code = el("ol", { class: "code" });
  lines.forEach((words, index) => {
    const number = source.start + index,
      meant = number === source.line;
    code.append(
      el(
        "li",
        { class: meant ? "meant" : null },
        el("span", { class: "line-number" }, `${meant ? "▶" : ""}${number}`),
        meant ? el("span", { class: "unseen" }, "this line: ") : null,
        el("code", {}, words.slice(Number.isFinite(margin) ? margin : 0).slice(0, 2000) || " "),
      ),
    );
  });
  return el(
    "div",
    {
      class: "scroll source",
      tabindex: 0,
      role: "region",
      "aria-label": `Source of ${brief(source.file)}, line ${source.line}`,
    },
    code,
  );
}

function place(file, line) {
  if (empty(file)) return "a line that was not seen";
  if (empty(line)) return visible(file);
  return visible(file) + (/^cell \d+( of .+)?$/.test(file) ? `, line ${line}` : `:${line}`);
}

function firstPanel(first) {
  const made = section("first", "First difference");
  const rows = el("dl", { class: "facts" });
  const row = (name, ...words) => rows.append(el("dt", {}, name), el("dd", {}, words));
  row("operation", text(first.op, "b", { class: "mono" }));
  const where = [`step ${grouped(first.step)}`, visible(first.phase)];
  if (first.rank) where.push(`rank ${first.rank}`);
  if (!empty(first.process) && first.process !== "main") where.push(`process ${brief(first.process)}`);
  row("at", where.join(", "));
  const within = empty(first.function) || first.function === "<module>" ? "" : ` in ${visible(first.function)}`;
  row(
    "line",
    text(place(first.file, first.line) + within, "b", { class: "mono" }),
    first.phase === "backward" && first.node
      ? el("small", {}, " the forward line whose backward is ", text(first.node))
      : null,
  );
  if (first.module) row("module", text(first.module, "span", { class: "mono" }));
  if (Object.hasOwn(CHANGES, first.change)) row("how", CHANGES[first.change]);
  const inputs = { agree: "agree in every bit", differ: "differ already" }[first.inputs];
  if (inputs) row("inputs", el("b", { class: first.inputs === "agree" ? "agrees" : "parts" }, inputs));
  else if (first.inputs) row("inputs", text(first.inputs));
  if (first.differs) row("differs", text(first.differs, "b", { class: "parts" }));
  made.append(rows, sourceBlock(first.source) ?? "");
  return made;
}

function causesPanel(causes, first) {
  const made = section("causes", causes.length > 1 ? "Probable causes" : "Probable cause", "Causes");
  const list = el("ol", { class: "causes" });
  causes.forEach((cause) => {
    const fix = el("pre", {}, el("code", {}, visible(cause.fix, true)));
    const elsewhere = !first || cause.file !== first.file || cause.line !== first.line;
    list.append(
      el(
        "li",
        {},
        el(
          "h3",
          {},
          text(cause.name, "span", { class: "cause" }),
          " ",
          el("small", {}, `${Math.round(cause.confidence * 100)}% sure`),
          " ",
          empty(cause.file) ? null : el("small", { class: "mono" }, brief(place(cause.file, cause.line))),
        ),
        text(cause.why, "p", {}, true),
        elsewhere ? sourceBlock(cause.source) : null,
        cause.fix
          ? el(
              "div",
              { class: "fix" },
              el("div", { class: "head" }, el("h4", {}, "Fix"), copyButton(fix, `the fix of ${brief(cause.name)}`)),
              el(
                "div",
                { class: "scroll", tabindex: 0, role: "region", "aria-label": `Fix of ${brief(cause.name)}` },
                fix,
              ),
            )
          : null,
      ),
    );
  });
  made.append(list);
  return made;
}

/** A table that scrolls by itself, with at most so many rows. */
function tableOf(caption, heads, rows, kind) {
  const shown = rows.slice(0, MOST_ROWS);
  const table = el(
    "table",
    { class: kind },
    el("caption", { class: "unseen" }, caption),
    el(
      "thead",
      {},
      el(
        "tr",
        {},
        heads.map((head) =>
          head ? el("th", { scope: "col", class: head === "points" ? "number" : null }, head) : el("td", {}),
        ),
      ),
    ),
    el("tbody", {}, shown),
  );
  return [
    el("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": caption }, table),
    rows.length > shown.length
      ? el("p", { class: "soft" }, `and ${count(rows.length - shown.length, "row")} more`)
      : null,
  ];
}

function metricsPanel(metrics) {
  const made = section("metrics", "Metrics compared", "Metrics");
  const words = { identical: "identical", within: "within tolerance", differs: "differs" };
  const rows = metrics.map((metric) =>
    el(
      "tr",
      { class: metric.verdict === "differs" ? "differs" : null },
      el("th", { scope: "row" }, text(metric.name)),
      el("td", { class: "number" }, grouped(metric.points)),
      el(
        "td",
        { class: `state ${metric.verdict === "differs" ? "parts" : metric.verdict === "identical" ? "agrees" : ""}` },
        Object.hasOwn(words, metric.verdict) ? words[metric.verdict] : brief(metric.verdict),
      ),
      text(metric.sentence, "td"),
    ),
  );
  made.append(
    ...tableOf("Metrics, and whether they agree", ["metric", "points", "", "in words"], rows, "metrics").filter(
      Boolean,
    ),
  );
  return made;
}

/** A table of what cure, stress or resume found, as the document has it. */
function trialsPanel(table) {
  const made = section(`trials-${brief(table.name, 20)}`, visible(table.title), brief(table.title, 24));
  if (table.sentence) made.append(text(table.sentence, "p", { class: "sentence" }));
  const cell = (value, index) => {
    const [words, tone] = typeof value === "string" ? [value, ""] : [value?.text, value?.tone];
    const kind = { class: tone === "agrees" || tone === "parts" ? `state ${tone}` : null };
    return index === 1 ? el("th", { scope: "row" }, text(words)) : text(words, "td", kind, true);
  };
  const rows = list(table.rows).map((row) => el("tr", {}, list(row).map(cell)));
  if (rows.length) {
    made.append(...tableOf(visible(table.title), list(table.head).map(visible), rows, "trials").filter(Boolean));
  }
  if (table.code) {
    const code = el("pre", {}, el("code", {}, visible(table.code, true)));
    made.append(
      el(
        "div",
        { class: "fix" },
        el("div", { class: "head" }, el("h4", {}, "To paste"), copyButton(code, "what is to paste")),
        el("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "To paste" }, code),
      ),
    );
  }
  for (const note of list(table.notes)) made.append(text(note, "p", { class: "parts" }));
  return made;
}

function environmentPanel(environment, runs) {
  const made = section("environment", "What the runs ran on differs", "Environment");
  const rows = environment.map((row) =>
    el(
      "tr",
      { class: row.matters ? "matters" : null },
      el("th", { scope: "row" }, text(row.key, "span", { class: "mono" })),
      text(row.a, "td", { class: "mono" }),
      text(row.b, "td", { class: "mono" }),
      el("td", { class: "state" }, row.matters ? "can change bits" : ""),
    ),
  );
  const [a, b] = [0, 1].map((run) => labelOf(runs, run));
  made.append(
    ...tableOf("Differences of what the runs ran on, what matters first", ["", a, b, ""], rows, "environment").filter(
      Boolean,
    ),
  );
  return made;
}

function notesPanel(notes) {
  const made = section("notes", "Notes");
  made.append(
    el(
      "ul",
      { class: "notes" },
      notes.slice(0, MOST_ROWS).map((note) => text(note, "li")),
    ),
  );
  return made;
}
