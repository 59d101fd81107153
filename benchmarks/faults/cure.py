"""Score `samebits cure` on the fault corpus: `python benchmarks/faults/cure.py` (`make cures`).

For each script that diverges: does cure find a set that makes it the same, is the set minimal (without any
member the script parts), does the patch apply to the plain script by `git apply`, and is that the same then,
and how many runs did it take.  The patch is applied to another copy, and that is verified.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

import corpus

TARGETS = {"cured": 95.0, "minimal": 95.0, "patched": 85.0}
MOST_RUNS = 8


@dataclass
class Row:
    """What became of one script."""

    name: str
    cause: str
    verdict: str = ""
    needed: tuple[str, ...] = ()
    outside: tuple[str, ...] = ()  # of these, what no edit does
    runs: int = 0
    proved: bool = False
    minimal: bool | None = None  # None: not cured
    patched: bool | None = None  # the patch alone, applied to a copy; None: there is none
    seconds: float = 0.0
    note: str = ""


def samebits(
    words: list[str], folder: Path, env: dict[str, str], timeout: float
) -> tuple[int, dict[str, Any]]:
    """Run a command of the product; its exit code and its JSON."""
    out = folder.with_name(f"{folder.name}.json")
    out.unlink(missing_ok=True)
    command = [sys.executable, "-m", "samebits", words[0], "--json", str(out), *words[1:]]
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env={**os.environ, **env},
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return 2, {}
    said = json.loads(out.read_text()) if out.exists() else {"verdict": "none", "stderr": done.stderr[-400:]}
    return done.returncode, said


def program(entry: corpus.Entry) -> list[str]:
    if entry.command == "torchrun":
        return ["--", "torchrun", "--nproc-per-node", "2", entry.script, *entry.script_args]
    return [entry.script, *entry.script_args]


def _steps(entry: corpus.Entry) -> tuple[str, ...]:
    """Of the product's arguments those that `cure` has, too."""
    at = entry.args.index("--steps") if "--steps" in entry.args else len(entry.args)
    return entry.args[at : at + 2]


def tried(entry: corpus.Entry, timeout: float, keep: Path | None) -> Row:
    row = Row(entry.name, entry.cause or "")
    base = Path(tempfile.mkdtemp(prefix=f"cure-{entry.name}-"))
    start = time.monotonic()

    def folder(name: str) -> Path:
        made = base / name
        made.mkdir()
        entry.copy_to(made)
        return made

    try:
        _, said = samebits(["cure", *_steps(entry), *program(entry)], folder("plain"), entry.env_a, timeout)
        row.verdict, row.runs = said.get("verdict", "none"), said.get("runs", 0)
        row.needed = tuple(each["name"] for each in said.get("needed", ()))
        row.outside = tuple(each["name"] for each in said.get("needed", ()) if not each["edits"])
        row.proved = bool(said.get("proof") and said["proof"]["holds"])
        if row.verdict == "cured":
            row.minimal = all(each["shown"] for each in said["needed"])
            if said["patch"]:
                _patched(row, entry, said, folder("patched"), timeout)
        elif said.get("left"):
            causes = said["left"].get("causes") or [{}]
            row.note = f"left: {causes[0].get('name')} {causes[0].get('file')}:{causes[0].get('line')}"
        else:
            row.note = str(said.get("stderr", ""))[-120:]
    except Exception as error:  # one script must not end the table
        row.note += f" {type(error).__name__}: {error}"
    row.seconds = time.monotonic() - start
    if keep:
        shutil.copytree(base, keep / entry.name, dirs_exist_ok=True, symlinks=True)
    shutil.rmtree(base, ignore_errors=True)
    return row


def _patched(row: Row, entry: corpus.Entry, said: dict[str, Any], folder: Path, timeout: float) -> None:
    """Apply the patch to a plain copy by git, and verify that."""
    done = subprocess.run(
        ["git", "apply", "-"], cwd=folder, input=said["patch"].encode(), capture_output=True, check=False
    )
    if done.returncode:
        row.patched, row.note = False, done.stderr.decode()[-100:]
        return
    if row.outside:
        row.patched = None
        return
    _, then = samebits(["verify", *entry.args, *program(entry)], folder, entry.env_a, timeout)
    row.patched = then.get("verdict") == "same"
    if not row.patched:
        row.note = f"patched: {then.get('verdict')}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    corpus.add_options(parser)
    parser.add_argument("--every", type=int, default=1, metavar="N", help="each Nth script alone")
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--json", type=Path, dest="json_path")
    parser.add_argument("--timeout", type=float, default=900.0)
    arguments = parser.parse_args()
    found = corpus.load_runnable(arguments.corpus, arguments.only)
    entries = [entry for entry in found if entry.verdict == "diverged"][:: arguments.every]
    able = [entry for entry in entries if entry.command != "compare"]
    print(
        f"{len(able)} scripts; {len(entries) - len(able)} more differ by the machine's settings, with no cure"
    )
    rows = []
    for entry in able:
        row = tried(entry, arguments.timeout, arguments.keep)
        rows.append(row)
        said = {True: "yes", False: "NO", None: "-"}
        print(
            f"{row.name:22} {row.cause:26} {row.verdict:10} {row.runs:3} runs {row.seconds:5.0f}s  "
            f"proved {said[row.proved]:3} minimal {said[row.minimal]:3} patch {said[row.patched]:3} "
            f"{', '.join(row.needed)} {row.note}",
            flush=True,
        )
    cured = [row for row in rows if row.verdict == "cured"]
    shares = {
        "cured": (len(cured), len(rows)),
        "minimal": (sum(bool(row.minimal) for row in cured), len(cured)),
        "patched": (sum(bool(row.patched) for row in rows), len(rows)),
    }
    met = True
    for name, (good, of) in shares.items():
        share = 100.0 * good / of if of else 100.0
        met &= share >= TARGETS[name]
        print(f"{name:8} {good:3} of {of:3}  {share:5.1f} %  (>= {TARGETS[name]:.0f} %)")
    middle = median(row.runs for row in cured) if cured else 0
    outside = sum(bool(row.outside) for row in cured)
    print(f"runs, median {middle:g}  (<= {MOST_RUNS}); controlled from outside: {outside}")
    if arguments.json_path:
        arguments.json_path.write_text(json.dumps([asdict(row) for row in rows], indent=1))
    return 0 if met and middle <= MOST_RUNS else 1


if __name__ == "__main__":
    sys.exit(main())
