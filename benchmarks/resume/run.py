"""Score `samebits resume` on the corpus: what a checkpoint lacks is named, a complete one is called so.

Each script is copied into a fresh folder and given to the command with its resume words, as anybody would.
A lossy script is right if the first state that is named is its own, and every other that is named is of the
same kind; a complete one if it is called complete.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import corpus

#: The command's kinds -> the truth's.
KINDS = {
    "python-generator": {"python"},
    "numpy-generator": {"numpy"},
    "torch-generator": {"torch"},
    "generator-object": {"generator"},
    "augmentation": {"generator"},
    "worker-streams": {"workers"},
    "loader-position": {"loader-position"},
    "sampler-epoch": {"sampler-epoch"},
    "scheduler": {"scheduler"},
    "optimizer": {"optimizer"},
    "scaler": {"scaler"},
    "ema": {"ema"},
    "buffers": {"buffers"},
    "model-part": {"model"},
    "counter": {"counter"},
    "value": {"other"},
    "gradients": {"other"},
    "data": {"other"},
}
HOW = {"not saved": "not saved", "not loaded": "not loaded", "changed": "not loaded"}
LIMIT = 1800


def tried(entry: corpus.Entry, trials: int, kill: str, keep: Path | None) -> dict[str, Any]:
    """The command's document for one script."""
    with tempfile.TemporaryDirectory(prefix="resume-") as name:
        folder = Path(name) / "work"
        folder.mkdir()
        entry.copy_to(folder)
        answer = Path(name) / "answer.json"
        out = keep or Path(name) / "runs"
        words = [
            sys.executable,
            "-m",
            "samebits",
            "resume",
            "--quiet",
            "--trials",
            str(trials),
            "--kill",
            kill,
        ]
        words += ["--json", str(answer), "--out", str(out)]
        if entry.resume:
            words += ["--resume-with", entry.resume]
        began = time.monotonic()
        try:
            done = subprocess.run(
                [*words, entry.script], cwd=folder, capture_output=True, text=True, timeout=LIMIT, check=False
            )
        except subprocess.TimeoutExpired:
            return {
                "verdict": "error",
                "reason": f"it took more than {LIMIT} s",
                "missing": [],
                "took": LIMIT,
            }
        document: dict[str, Any] = {"verdict": "error", "reason": done.stderr[-2000:], "missing": []}
        if answer.is_file():
            document = json.loads(answer.read_text())
        return document | {"took": round(time.monotonic() - began, 1), "exit": done.returncode}


def judged(entry: corpus.Entry, found: dict[str, Any]) -> tuple[bool, bool, bool]:
    """(right, how it is lost is right, the line that saves is right)."""
    if entry.lost is None:
        right = found["verdict"] == "complete"
        return right, right, right
    missing = found["missing"]
    right = (
        found["verdict"] == "loses"
        and bool(missing)
        and all(entry.lost in KINDS[one["kind"]] for one in missing)
    )
    first = missing[0] if missing else {}
    line = str(first.get("saved_at") or "").rpartition(":")
    saved = any(line[0].endswith(name) and line[2].split(" ")[0] == str(n) for name, n in entry.saves)
    return right, right and HOW.get(first.get("how", "")) == entry.how, right and saved


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="*", metavar="PATTERN", help="name or lost state, or `complete`")
    parser.add_argument("--trials", type=int, default=1)
    parser.add_argument("--kill", default="kill")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="keep the runs there")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    entries = corpus.load_runnable(args.only)
    rows = []
    with ThreadPoolExecutor(args.jobs) as pool:
        every = pool.map(lambda one: tried(one, args.trials, args.kill, args.keep), entries)
        for entry, found in zip(entries, every, strict=True):
            right, how, line = judged(entry, found)
            said = [f"{one['kind']} {one['name']} ({one['how']})" for one in found["missing"]]
            rows.append(
                {"name": entry.name, "lost": entry.lost, "how": entry.how, "right": right, "how_right": how}
                | {"line_right": line, "verdict": found["verdict"], "said": said, "took": found["took"]}
                | {"reason": found.get("reason") or [one.get("reason") for one in found.get("trials", [])]}
                | {"runs": found.get("runs"), "parts": [one["parts_in"] for one in found.get("trials", [])]}
            )
            mark = "right" if right else "WRONG"
            head = f"{entry.name:20} {entry.lost or 'complete':16} {mark}  {found['verdict']:10}"
            print(f"{head} {'; '.join(said)}")
            if not right and not said:
                print(f"    {rows[-1]['reason']}")
            sys.stdout.flush()
            if args.json:
                args.json.write_text(json.dumps(rows, indent=1))
    lossy = [row for row in rows if row["lost"]]
    whole = [row for row in rows if not row["lost"]]
    print(
        f"\n{sum(row['right'] for row in lossy)} of {len(lossy)} losses named "
        f"({len({row['lost'] for row in lossy})} states), "
        f"{sum(row['how_right'] for row in lossy)} with how they are lost, "
        f"{sum(row['line_right'] for row in lossy)} with the line that saves; "
        f"{sum(row['right'] for row in whole)} of {len(whole)} complete ones called so"
    )
    return 0 if all(row["right"] for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
