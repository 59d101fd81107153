"""Apply the fix that the product prints, and see whether the script is the same then: `run.py --apply`.

The edits of the first cause are made in a copy of the script, as the verdict gives them, and the copy is
verified.  A fix must not buy sameness by making what the script trains on less varied: the script and the
mended one are run plainly under `watch.py`, which counts distinct batches, rows and weights.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import corpus

WATCH = Path(__file__).with_name("watch.py")
TARGET = 90.0  # percent of those that have edits become the same, and none collapses
LEAST = 0.9  # of the plain run's number of distinct ones; less is a collapse

Judge = Callable[[corpus.Entry, Path, float], tuple[int, dict[str, Any]]]
Counts = dict[str, list[int]]  # what -> how many were distinct, of how many


@dataclass
class Applied:
    """What became of one script with the product's fix."""

    name: str
    cause: str | None
    found: str | None
    edits: int
    same: bool | None  # None where there was nothing to apply
    collapsed: list[str] = field(default_factory=list)
    plain: Counts = field(default_factory=dict)
    mended: Counts = field(default_factory=dict)
    seconds: float = 0.0
    note: str = ""


def make(edits: list[dict[str, Any]], folder: Path) -> None:
    """Make edits in the files of a folder."""
    for file in {edit["file"] for edit in edits}:
        path = folder / file
        lines = path.read_text().split("\n")
        for edit in edits:
            if edit["file"] == file:
                lines[edit["line"] - 1] = edit["replacement"]
        path.write_text("\n".join(lines))


def counted(entry: corpus.Entry, folder: Path, env: dict[str, str], timeout: float) -> Counts:
    """Run the script in a folder plainly, and count what it trains on; nothing where it fails."""
    out = folder.with_name(f"{folder.name}.json")
    command = [sys.executable, str(WATCH), str(out), entry.script, *entry.script_args]
    try:
        subprocess.run(
            command, cwd=folder, env={**os.environ, **env}, capture_output=True, timeout=timeout, check=False
        )
    except subprocess.TimeoutExpired:
        return {}
    return json.loads(out.read_text()) if out.exists() else {}


def collapsed(plain: Counts, mended: Counts) -> list[str]:
    """What is less varied in the mended run, by the number of distinct ones."""
    return [
        kind for kind, (distinct, _) in plain.items() if kind in mended and mended[kind][0] < LEAST * distinct
    ]


def apply(
    entry: corpus.Entry, judge: Judge, keep: Path | None, timeout: float, verdicts: Path | None
) -> Applied:
    """Apply the fix of one script's first cause to a copy, and verify that.

    `verdicts` has what was said of it before; without that it is verified first.
    """
    base = Path(tempfile.mkdtemp(prefix=f"faults-{entry.name}-"))
    start = time.monotonic()

    def folder(name: str) -> Path:
        made = base / name / "work"  # its verdict and log lie beside it
        made.mkdir(parents=True)
        entry.copy_to(made)
        return made

    row = Applied(entry.name, entry.cause, None, 0, None)
    try:
        if verdicts is None:
            _, said = judge(entry, folder("first"), timeout)
        else:
            said = json.loads((verdicts / entry.name / "verdict.json").read_text())
        first = (said.get("causes") or [{}])[0]
        row.found, edits = first.get("name"), first.get("edits") or []
        row.edits = len(edits)
        if edits:
            second = folder("second")
            make(edits, second)
            _, then = judge(entry, second, timeout)
            row.same = then.get("verdict") == "same"
            if not row.same:
                again = (then.get("causes") or [{}])[0]
                row.note = (
                    f"then {then.get('verdict')}: {again.get('name')} {again.get('file')}:{again.get('line')}"
                )
            if entry.command != "torchrun":
                row.plain = counted(entry, folder("plain"), entry.env_a, timeout)
                third = folder("mended")
                make(edits, third)
                row.mended = counted(entry, third, entry.env_a, timeout)
                row.collapsed = collapsed(row.plain, row.mended)
                if row.plain and not row.mended:
                    row.note += " the mended script fails"
    except Exception as error:  # one script must not end the table
        row.same, row.note = False if row.edits else None, f"{type(error).__name__}: {error}"
    row.seconds = time.monotonic() - start
    if keep:
        shutil.copytree(base, keep / entry.name, dirs_exist_ok=True, symlinks=True)
    shutil.rmtree(base, ignore_errors=True)
    return row


def table(rows: Iterator[Applied]) -> tuple[list[Applied], dict[str, Any]]:
    """Print a row for each script as it arrives, and how many fixes work."""
    kept = []
    said = {True: "SAME", False: "DIVERGES", None: "text"}
    print(f"{'script':22} {'cause':26} {'edits':>5} {'fix':>9} {'collapsed':>9} {'time':>6}  distinct of all")
    for row in rows:
        shares = [
            f"{kind} {plain[0]}/{plain[1]}>{'/'.join(map(str, row.mended.get(kind, ['?'])))}"
            for kind, plain in row.plain.items()
            if plain[1]
        ]
        print(
            f"{row.name:22} {row.found or '-':26} {row.edits:5} {said[row.same]:>9} "
            f"{','.join(row.collapsed) or 'no':>9} {row.seconds:5.1f}s  {' '.join(shares)} {row.note}",
            flush=True,
        )
        kept.append(row)
    with_edits = [row for row in kept if row.same is not None]
    same = sum(row.same is True for row in with_edits)
    share = 100.0 * same / len(with_edits) if with_edits else 100.0
    lost = [row.name for row in kept if row.collapsed]
    met = share >= TARGET and not lost
    print(
        f"\nmade the same by their fix {same:3} of {len(with_edits):3}  {share:5.1f} %  (>= {TARGET:.0f} %)"
    )
    print(f"collapsed {len(lost)} {' '.join(lost)}; fix in words alone: {len(kept) - len(with_edits)}")
    print("targets met" if met else "targets missed")
    result = {"applied": {"same": same, "of": len(with_edits), "percent": round(share, 1)}, "collapsed": lost}
    return kept, {**result, "met": met}
