"""Scores `samebits stress` on the corpus: is each row right, and is the line named where the change enters?

    python benchmarks/stress/run.py [--only PATTERN] [--changes planted|all|NAMES] [--jobs N] [--out FILE]

Each program runs in a fresh folder.  A row is right if the weights differ exactly where the truth says so
(a change that may round is right either way, unless it is called a finding), and if it is a finding exactly
where the truth has more than rounding.  Random streams that repeat are right where the truth has them, at a
line that it marks.  The line is right if the row's own place, or that of its first
causes, is one that the truth allows.  One line of JSON a program is added to FILE, beside what is printed.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from corpus import CHANGES, Entry, add_options, load

ROOT = Path(__file__).resolve().parents[2]
#: Of the causes of a row, so many are looked at for a line.
_CAUSES = 3
_VARIABLES = {"PYTHONHASHSEED": "0", "OMP_NUM_THREADS": "1", "LANG": "C.UTF-8", "TZ": "UTC0"}
_EITHER = ("extra-draw", "unused-layer")  # "may": never a finding


def stressed(entry: Entry, names: list[str], jobs: int) -> tuple[dict[str, Any] | None, str]:
    """The document of a program's matrix, None where there is none; and what was said."""
    with tempfile.TemporaryDirectory(prefix="stress-") as folder:
        script = entry.copy_to(Path(folder))
        words = ["-j", str(jobs), "--only", ",".join(names), "--json", "matrix.json", "-q", script.name]
        done = subprocess.run(
            [sys.executable, "-m", "samebits", "stress", *words],
            cwd=folder,
            env={**os.environ, **_VARIABLES, "PYTHONPATH": str(ROOT / "src")},
            capture_output=True,
            text=True,
            check=False,
        )
        path = Path(folder, "matrix.json")
        document = json.loads(path.read_text("utf-8")) if path.is_file() else None
    return document, done.stderr


def row_is_right(entry: Entry, row: dict[str, Any]) -> bool:
    """Whether a row says what the truth says."""
    name = row["name"]
    reached = bool(row["reach"] and row["reach"]["weights"])
    if name in entry.may_round and row["word"] == "ok":
        return True
    if row["word"] in ("failed", "missing") or reached != (name in entry.reaches):
        return False
    is_finding = name in entry.reaches and name not in entry.rounding and name not in _EITHER
    return (row["word"] == "finding") == is_finding


def line_is_right(entry: Entry, row: dict[str, Any]) -> bool | None:
    """Whether it names a line that the truth allows; None: that is not scored."""
    allowed = entry.places(row["name"])
    if not allowed or not (row["reach"] and row["reach"]["weights"]):
        return None
    places = [row["place"] or {}, *row["causes"][:_CAUSES]]
    named = {(os.path.basename(place.get("file") or ""), place.get("line")) for place in places}
    said = {tuple(did.rpartition(", ")[2].rpartition(":")[::2]) for did in row["did"]}
    named |= {(os.path.basename(file), int(line)) for file, line in said if line.isdigit()}
    return bool(named & allowed)


def twins_are_right(entry: Entry, twins: list[dict[str, Any]]) -> bool:
    """Whether random streams that repeat are told exactly where there are some, at a line that is right."""
    if not entry.twins:
        return not twins
    sites = [site for one in twins for site in (one["site"], one["seeded"]) if site]
    return bool({(os.path.basename(site["file"]), site["line"]) for site in sites} & {*entry.marked("twin")})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    add_options(parser)
    parser.add_argument("--changes", default="planted", help="planted, all, or names with commas")
    parser.add_argument("--jobs", type=int, default=1, metavar="N")
    parser.add_argument("--out", type=Path, metavar="FILE")
    options = parser.parse_args()
    score: Counter[str] = Counter()
    for entry in load(options.corpus, options.only):
        known = {"planted": entry.planted, "all": CHANGES}
        names = list(known.get(options.changes, tuple(options.changes.split(","))))
        if not names:
            continue
        began = time.monotonic()
        document, said = stressed(entry, names, options.jobs)
        rows = [] if document is None else document["rows"]
        print(f"{entry.name}  {time.monotonic() - began:.0f} s", flush=True)
        score["programs"] += 1
        if not rows:
            score["programs without rows"] += 1
            print(f"    no rows: {document and document['reason']} {said.strip()[-200:]}", flush=True)
        for row in rows:
            right, line = row_is_right(entry, row), line_is_right(entry, row)
            score["rows"] += 1
            score["rows that are right"] += right
            score["lines"] += line is not None
            score["lines that are right"] += bool(line)
            where = {True: "line", False: "OTHER LINE", None: ""}[line]
            print(
                f"    {'' if right else 'WRONG '}{row['name']}: {row['word']} {where} {row['at']}", flush=True
            )
        if document is not None and rows:
            right = twins_are_right(entry, document["twins"])
            score["programs with twins" if entry.twins else "programs without twins"] += 1
            score["of them right" if entry.twins else "of them called so"] += right
            for one in document["twins"]:
                print(f"    {'' if right else 'WRONG '}twins: {one['sentence']}", flush=True)
            if not right and not document["twins"]:
                print("    WRONG twins: none told", flush=True)
        if options.out is not None:
            with open(options.out, "a", encoding="utf-8") as file:
                file.write(json.dumps({"name": entry.name, "matrix": document}) + "\n")
    for what, number in score.items():
        print(f"{what}: {number}")


if __name__ == "__main__":
    main()
