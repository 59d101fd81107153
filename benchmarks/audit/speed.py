"""How long an audit of a tree takes, beside what comes nearest: `python -m benchmarks.audit.speed TREE`.

Each tool is started as a person starts it, one after the other, in rounds, with nothing that it keeps from
run to run ("cold"); samebits also with its cache of the round before ("again").  The median of the rounds
counts.  The rivals are looked for as in `benchmarks.audit.run` (`--bin`); one that is not there is left out.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.machine import describe, write

_LIMIT = 600.0


def _commands(tree: str, files: Sequence[str], path: str) -> dict[str, list[str]]:
    """Tool -> its words, of those that are there."""
    found = {
        "samebits": [sys.executable, "-m", "samebits", "audit", "--no-cache", "--quiet", tree],
        "samebits -j 1": [
            *(sys.executable, "-m", "samebits", "audit", "--no-cache", "--quiet", "--jobs", "1", tree)
        ],
        "samebits again": [sys.executable, "-m", "samebits", "audit", "--quiet", tree],
    }
    rivals = {
        "ruff": ["check", "--isolated", "--no-cache", "--exit-zero", "--quiet", tree],
        "torchfix": ["--select", "ALL", tree],
        "dslinter": [
            "--load-plugins=dslinter",
            "--disable=all",
            "--enable=W5507,W5508,W5509,W5511,W5512",
            *files,
        ],
        "torchdetscan": [tree],
    }
    for name, words in rivals.items():
        command = shutil.which("pylint" if name == "dslinter" else name, path=path)
        if command is not None:
            found[name] = [command, *words]
    return found


def _seconds(words: Sequence[str], cache: str) -> float:
    started = time.perf_counter()
    subprocess.run(
        words,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        timeout=_LIMIT,
        env={**os.environ, "XDG_CACHE_HOME": cache},
        check=False,
    )
    return time.perf_counter() - started


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("tree")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--bin", default="", help="where the rivals are looked for first")
    parser.add_argument("--only", default="", help="tools, separated by commas")
    parser.add_argument("--csv", type=Path)
    args = parser.parse_args(argv)
    files = [str(path) for path in sorted(Path(args.tree).rglob("*.py"))]
    lines = sum(Path(file).read_bytes().count(b"\n") for file in files)
    path = os.pathsep.join(filter(None, [args.bin, os.environ.get("PATH", "")]))
    commands = _commands(args.tree, files, path)
    if args.only:
        commands = {name: words for name, words in commands.items() if name in args.only.split(",")}
    taken: dict[str, list[float]] = {name: [] for name in commands}
    with tempfile.TemporaryDirectory() as cache:
        for _ in range(args.rounds):
            for name, words in commands.items():
                taken[name].append(_seconds(words, cache))
    rows = []
    print(f"{len(files)} files, {lines} lines; {describe()}")
    for name, seconds in taken.items():
        middle = statistics.median(seconds)
        rows.append(
            {"tool": name, "files": len(files), "lines": lines, "seconds": middle, "rounds": len(seconds)}
        )
        print(f"{name:24} {middle:8.2f} s {lines / middle:12,.0f} lines/s")
    if args.csv:
        write(args.csv, rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
