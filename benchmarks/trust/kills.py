"""samebits killed at random moments: nothing that it started stays, and nothing of the user's is touched.

    python -m benchmarks.trust.kills [--count 200] [--seed 0]

A small training with a DataLoader's worker and a daemon, in a folder with files of the user's, is verified
(it differs, so each pair is run again) and recorded.  At a random moment samebits gets SIGKILL, SIGTERM,
SIGINT or SIGHUP, in turn.  Afterwards

- no process that it started lives for more than 3 s (found by a mark in their variables);
- every file of the folder is what it was, but for those the program writes and what is in `.samebits`;
- `samebits runs` and `samebits compare` say what there is, without a traceback.

Exit code: 0 if all of that held each time, else 1.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import random
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from benchmarks.trust.rows import Row, main

SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
COMMANDS = (("verify",), ("record", "--level", "step"), ("verify", "--level", "op"))
#: Seconds that a process may outlive samebits.
LIMIT = 3.0
#: What the program writes itself.
WRITTEN = {"log.txt", "weights.txt"}
PROGRAM = """
import os, subprocess, sys, time
import torch
from torch.utils.data import DataLoader

if __name__ == "__main__":
    daemon = subprocess.Popen(
        [sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True
    )
    model = torch.nn.Linear(1, 1)
    optimizer = torch.optim.SGD(model.parameters(), 0.01)
    for (batch,) in DataLoader(torch.arange(24.0).reshape(24, 1, 1), batch_size=1, num_workers=1):
        model(batch).sum().backward()
        optimizer.step()
        with open("log.txt", "a") as log:
            log.write("step\\n")
        time.sleep(0.02)
    with open("weights.txt", "w") as file:
        file.write(repr(model.weight.item()))
    daemon.kill()
"""


def tree(folder: Path) -> dict[str, str]:
    """A hash of every file and the target of every link, but for what is below `.samebits`."""
    found = {}
    for place, folders, files in os.walk(folder):
        if ".samebits" in folders:
            folders.remove(".samebits")
        for name in [*files, *folders]:
            path = Path(place, name)
            if path.is_file():
                found[str(path.relative_to(folder))] = hashlib.sha256(path.read_bytes()).hexdigest()
            else:
                found[str(path.relative_to(folder))] = "folder"
    return found


def prepare(folder: Path) -> None:
    (folder / "train.py").write_text(PROGRAM)
    for name in (
        "notes.txt",
        "data/one.bin",
        "cache/old.pkl",
        "checkpoints/last.pt",
        ".git/objects/aa/b",
        "log.txt",
    ):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(name.encode() * 100)


def marked(mark: str) -> dict[int, str]:
    """The living processes that carry ``mark`` in their variables."""
    found = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if mark.encode() not in (entry / "environ").read_bytes():
                continue
            if (entry / "stat").read_bytes().rpartition(b")")[2].split()[0] not in (b"Z", b"X"):
                found[int(entry.name)] = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()[:150]
        except OSError:
            continue
    return found


def phase(folder: Path) -> str:
    """What samebits is doing: which run, or what is between them."""
    runs = sorted((folder / ".samebits").glob("*/run.json")) if (folder / ".samebits").exists() else []
    if not runs:
        return "starting"
    if any(json.loads(run.read_text())["status"] == "running" for run in runs):
        started = any((run.parent / "main.db").exists() for run in runs[-1:])
        return f"run {len(runs)}, " + ("training" if started else "importing")
    return f"after run {len(runs)}"


def samebits(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "samebits", *words], cwd=folder, capture_output=True, text=True, timeout=120
    )


def start(folder: Path, command: tuple[str, ...], mark: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "samebits", *command, "train.py"],
        cwd=folder,
        env=os.environ | {"SAMEBITS_KILLS": mark, "OMP_NUM_THREADS": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        preexec_fn=_hear,
    )


def _hear() -> None:
    """What was started in the background or by nohup ignores signals, and so would samebits."""
    for number in SIGNALS:
        if number != signal.SIGKILL:
            signal.signal(number, signal.SIG_DFL)


def runs(folder: Path) -> int:
    return len(list((folder / ".samebits").glob("*/run.json")))


def whole(command: tuple[str, ...]) -> tuple[int, float]:
    """How many runs it makes when nobody kills it, and the seconds each takes."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        prepare(folder)
        began = time.monotonic()
        with start(folder, command, "none") as process:
            process.communicate(timeout=600)
        return runs(folder), (time.monotonic() - began) / (runs(folder) + 1)


def one(number: int, command: tuple[str, ...], nth: int, seconds: float) -> tuple[str, list[str]]:
    """Kill it so long after the begin of its nth run; in which phase that was, and what was wrong then."""
    wrong = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        prepare(folder)
        before, mark = tree(folder), secrets.token_hex(16)
        with start(folder, command, mark) as process:
            while runs(folder) < nth and process.poll() is None:
                time.sleep(0.01)
            time.sleep(seconds)
            during = phase(folder) if process.poll() is None else "had ended"
            process.send_signal(number)
            try:
                _, err = process.communicate(timeout=120)
            except subprocess.TimeoutExpired:
                wrong.append("samebits did not end within 120 s")
                process.kill()
                _, err = process.communicate()
        deadline = time.monotonic() + LIMIT
        while (left := marked(mark)) and time.monotonic() < deadline:
            time.sleep(0.05)
        for pid, words in left.items():
            wrong.append(f"still there: {words}")
            os.kill(pid, signal.SIGKILL)
        if b"fault of samebits" in err:
            wrong.append(err.decode(errors="replace"))
        after = tree(folder)
        changed = {n for n in before.keys() | after.keys() if before.get(n) != after.get(n)} - WRITTEN
        if changed:
            wrong.append(f"changed: {', '.join(sorted(changed))}")
        if not (folder / "log.txt").read_bytes().startswith(b"log.txt" * 100):
            wrong.append("log.txt has lost what it began with")
        wrong += commands(folder)
    return during, wrong


def commands(folder: Path) -> list[str]:
    """What is wrong with what the other commands say of what is left."""
    ids = (
        sorted(run.name for run in (folder / ".samebits").glob("2*"))
        if (folder / ".samebits").exists()
        else []
    )
    asked: list[tuple[str, ...]] = [("runs",)]
    if ids:
        asked += [("compare", ids[0], ids[-1]), *(("show", run) for run in ids)]
    wrong = []
    for words in asked:
        done = samebits(folder, *words)
        if done.returncode not in (0, 1, 2) or "Traceback" in done.stderr:
            wrong.append(f"samebits {' '.join(words)}: exit code {done.returncode}: {done.stderr[-500:]}")
    return wrong


def run(count: int | None, seed: int, folder: Path) -> list[Row]:
    """``count`` kills, each in a folder of its own."""
    count = 200 if count is None else count
    chance = random.Random(seed)
    used = COMMANDS[: math.ceil(count / len(SIGNALS))]
    takes = {command: whole(command) for command in used}
    tried: Counter[str] = Counter()
    phases: Counter[str] = Counter()
    failures: dict[str, list[str]] = {number.name: [] for number in SIGNALS}
    for n in range(count):
        number, command = SIGNALS[n % len(SIGNALS)], used[n // len(SIGNALS) % len(used)]
        nth = chance.randint(0, takes[command][0])
        seconds = chance.random() * takes[command][1]
        during, wrong = one(number, command, nth, seconds)
        tried[number.name] += 1
        phases[during] += 1
        if wrong:
            what = f"{' '.join(command)}, {seconds:.2f} s into run {nth} ({during}): "
            failures[number.name].append(what + "; ".join(wrong))
        print(f"\r{n + 1} of {count}", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    rows = [
        Row(f"kills: {name}", tried[name], len(failures[name]), "\n".join(failures[name]))
        for name in failures
    ]
    spread = ", ".join(f"{phase} {number}" for phase, number in sorted(phases.items()))
    return [*rows, Row("kills: phases seen", len(phases), 0, spread)]


if __name__ == "__main__":
    sys.exit(main(run, __doc__))
