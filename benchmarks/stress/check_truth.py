"""Prove the truth of the corpus without the product.

Each program is run plainly, and with one change at a time that is made by hand (`changes.py`); the
fingerprints of the final weights that it prints last are compared.  A change that is said to reach the
weights must make them others, by more than rounding unless it is said to be rounding; every other must leave
each bit, but for those that may round.  Where the truth has a mend, the planted changes must leave the mended
program as it is.  And workers must have the same streams in the programs that are said to have twins, and in
no other.  Exit 1 if one of these does not hold.

`--quick` is for a busy machine: the first plain run is a fresh process, the others are forked
(`siblings.py`).
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import changes
import corpus
import numpy as np
import siblings

#: The largest difference of two weights, by the largest weight, that is called rounding.
ROUNDING = 1e-4


@dataclass(frozen=True)
class Ran:
    """One run of a program."""

    fingerprint: str
    weights: np.ndarray
    twins: tuple[str, ...]  # generators that two workers had the same stream of
    seconds: float

    def off(self, other: Ran) -> float:
        """0 if every bit is the same, else the largest difference by the largest weight; inf for others."""
        if self.fingerprint == other.fingerprint:
            return 0.0
        if self.weights.shape != other.weights.shape:
            return float("inf")
        difference = np.abs(self.weights - other.weights).max() / np.abs(self.weights).max()
        return float(difference) if np.isfinite(difference) else float("inf")


@dataclass
class Checked:
    """What came of a program's runs."""

    entry: corpus.Entry
    off: dict[str, float] = field(default_factory=dict)  # a variant -> how far its weights are from the plain
    twins: tuple[str, ...] = ()
    seconds: float = 0.0  # the plain run's
    wrong: list[str] = field(default_factory=list)

    def row(self) -> dict[str, object]:
        """For JSON."""
        off = {name: value if np.isfinite(value) else None for name, value in self.off.items()}
        return {
            "name": self.entry.name,
            "off": off,
            "twins": self.twins,
            "seconds": round(self.seconds, 1),
            "wrong": self.wrong,
        }


class Servers:
    """The processes that fork, by what is decided as they start; each is asked by one thread."""

    def __init__(self) -> None:
        self._open: dict[tuple[object, ...], siblings.Server] = {}

    def run(self, script: Path, environment: dict[str, str], out: Path) -> tuple[int, str, str]:
        """As `siblings.Server.run`; a process that was ended from outside is replaced once."""
        key = (threading.get_ident(), *(environment.get(name) for name in siblings.AT_START))
        for is_last in (False, True):
            if key not in self._open:
                self._open[key] = siblings.Server(environment)
            try:
                return self._open[key].run(script, environment, out)
            except siblings.EndedError:
                self._open.pop(key).close()
                if is_last:
                    raise
        raise AssertionError

    def close(self) -> None:
        for server in self._open.values():
            server.close()


class Place:
    """Two folders for the runs of one program, and a third for what is seen of them."""

    def __init__(self, entry: corpus.Entry, top: Path, servers: Servers | None) -> None:
        self.entry, self.top, self.servers = entry, top, servers

    def run(
        self, variant: changes.Variant | None, mend: changes.Edit | None = None, fresh: bool = False
    ) -> Ran:
        """Run the program in its folder, or in the other one, with a change or none.

        Raises:
            RuntimeError: it failed, or printed no fingerprint last.
            subprocess.TimeoutExpired: it took five minutes.
        """
        folder = self.top / ("another/place/with/the/same" if variant and variant.elsewhere else "here")
        out = self.top / "out"
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir()
        folder.mkdir(parents=True, exist_ok=True)
        script = self.entry.copy_to(folder)
        for path in [folder / source.name for source in self.entry.sources()]:
            for edit in (mend, variant.edit if variant else None):
                if edit is not None:
                    path.write_text(edit(path.read_text("utf-8")), "utf-8")
        inherited = {key: value for key, value in os.environ.items() if key not in changes.CLEARED}
        paths = [str(changes.OUTSIDE), os.environ.get("PYTHONPATH", "")]
        environment = {
            **inherited,
            **changes.COMMON,
            "PYTHONPATH": os.pathsep.join(filter(None, paths)),
            "PYTHONDONTWRITEBYTECODE": "1",
            "STRESS_OUT": str(out),
            **(variant.environment if variant else {}),
        }
        start = time.monotonic()
        if self.servers is None or fresh:
            code, printed, errors = _fresh(script, environment)
        else:
            code, printed, errors = self.servers.run(script, environment, out)
        seconds = time.monotonic() - start
        last = re.search(r"^fingerprint ([0-9a-f]{64})\s*\Z", printed, re.MULTILINE)
        if code or not last:
            raise RuntimeError(f"exit {code}: {(errors or printed)[-800:]}")
        return Ran(last[1], np.load(out / "weights.npy"), tuple(_twins(out)), seconds)


def _fresh(script: Path, environment: dict[str, str]) -> tuple[int, str, str]:
    """Exit code, standard output and errors; a run that takes too long is ended with its workers."""
    run = subprocess.Popen(
        [sys.executable, script.name],
        cwd=script.parent,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        printed, errors = run.communicate(timeout=siblings.LIMIT)
    except subprocess.TimeoutExpired:
        os.killpg(run.pid, signal.SIGKILL)
        run.communicate()
        raise
    return run.returncode, printed, errors


def _twins(out: Path) -> Iterator[str]:
    """Names of generators of which two workers had the same stream."""
    streams: dict[str, dict[str, set[str]]] = {}
    for path in out.glob("streams-*.jsonl"):
        for line in path.read_text("utf-8").splitlines():
            worker, drawn = json.loads(line)
            for name, stream in drawn.items():
                streams.setdefault(name, {}).setdefault(worker, set()).add(stream)
    for name, workers in sorted(streams.items()):
        had = [stream for seen in workers.values() for stream in seen]
        if len(had) > len(set(had)):
            yield name


def check(entry: corpus.Entry, only: str | None, plain: int, servers: Servers | None) -> Checked:
    """Run a program plainly `plain` times, then with every change, or with `only` one."""
    checked = Checked(entry)
    with tempfile.TemporaryDirectory(prefix="stress-") as name:
        place = Place(entry, Path(name), servers)
        try:
            base = place.run(None, fresh=True)
            checked.seconds, checked.twins = base.seconds, base.twins
            for _ in range(plain - 1):
                if place.run(None).fingerprint != base.fingerprint:
                    checked.wrong.append("two plain runs differ")
            if bool(base.twins) != entry.twins:
                checked.wrong.append(f"twins: {', '.join(base.twins) or 'none'}")
            for variant in changes.variants(entry):
                if only in (None, variant.change):
                    checked.off[variant.name] = base.off(place.run(variant))
            checked.wrong += _compared(entry, checked.off)
            if entry.mend:
                checked.wrong += _mended(place, only)
        except (RuntimeError, siblings.EndedError, subprocess.TimeoutExpired, ValueError) as error:
            checked.wrong.append(f"after {list(checked.off)[-1:]}: {error}")
    return checked


def _compared(entry: corpus.Entry, off: dict[str, float]) -> Iterator[str]:
    """What of the differences does not fit the truth."""
    changed = {variant.name: variant.change for variant in changes.variants(entry)}
    for change in sorted({changed[name] for name in off}):
        most = max(value for name, value in off.items() if changed[name] == change)
        if change in entry.rounding:
            if not 0 < most <= ROUNDING:
                yield f"{change}: off by {most:.1e}, which should be rounding"
        elif change in entry.reaches:
            if most <= ROUNDING:
                yield f"{change}: off by {most:.1e}, which should be more"
        elif most > (ROUNDING if change in entry.may_round else 0):
            yield f"{change}: off by {most:.1e}, which should not reach"


def _mended(place: Place, only: str | None) -> Iterator[str]:
    """What still reaches the weights of the mended program of that which is planted."""
    mend = changes.replaced(place.entry.mend)
    base = place.run(None, mend)
    for variant in changes.variants(place.entry):
        if variant.change in place.entry.planted and only in (None, variant.change):
            off = base.off(place.run(variant, mend))
            if off > (ROUNDING if variant.change in corpus.ROUNDING else 0):
                yield f"mended, {variant.name}: off by {off:.1e}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    corpus.add_options(parser)
    parser.add_argument("--change", choices=corpus.CHANGES, help="this one alone")
    parser.add_argument("--plain", type=int, default=2, help="plain runs of each program")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--quick", action="store_true", help="fork the runs after the first")
    parser.add_argument("--json", type=Path, help="write every difference here")
    args = parser.parse_args()

    entries = corpus.load(args.corpus, args.only)
    rows = []
    servers = Servers() if args.quick else None
    print(f"{'program':24} {'s':>5}  what its weights depend on")
    with ThreadPoolExecutor(args.jobs) as pool:
        for checked in pool.map(lambda entry: check(entry, args.change, args.plain, servers), entries):
            rows.append(checked)
            seen = [f"{name} {off:.0e}" for name, off in checked.off.items() if off]
            seen += [f"twins of {name}" for name in checked.twins]
            print(f"{checked.entry.name:24} {checked.seconds:5.1f}  {', '.join(seen) or '-'}", flush=True)
            for text in checked.wrong:
                print(f"{'':31} <-- {text}", flush=True)
    if servers is not None:
        servers.close()
    if args.json:
        args.json.write_text(json.dumps([checked.row() for checked in rows], indent=1) + "\n", "utf-8")
    wrong = [checked.entry.name for checked in rows if checked.wrong]
    runs = sum(len(checked.off) + args.plain for checked in rows)
    clean = sum(entry.is_clean for entry in entries)
    print(
        f"\n{len(entries) - clean} planted, {clean} clean; {runs} runs beside those of mended programs: "
        + ("all as the truth says" if not wrong else "wrong: " + ", ".join(wrong))
    )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
