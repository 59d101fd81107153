"""kill -9 at any moment: all that a commit acknowledged is readable, and nothing is half there."""

from __future__ import annotations

import os
import random
import signal
import struct
import time
from pathlib import Path

import pytest

from samebits.model.events import STRUCTURE
from samebits.record.reader import Record
from samebits.record.writer import Writer


def write_steps(path: Path, acknowledge: int) -> None:
    """The child: steps of changing size until it is killed, each acknowledged once committed."""
    writer = Writer(path, process="main", rank=0, manifest={"a": 1}, plan={})
    writer.names([(1, "aten::add")])
    step = 0
    while True:
        count = step % 40
        columns = {name: bytes(count if code == "B" else 4 * count) for name, code in STRUCTURE}
        writer.chunk(
            thread=0, step=step, columns=columns, digests=struct.pack(f"<{count}Q", *([step] * count))
        )
        writer.loss(step=step, index=0, value=float(step), bits="00")
        if step % 7 == 0:
            writer.source(f"{step}.py", "pass\n" * 500)
        step += 1
        writer.commit(steps=step)
        os.write(acknowledge, struct.pack("<I", step))


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")  # the threads are pytest's own
@pytest.mark.parametrize("trials", [20, pytest.param(100, marks=pytest.mark.deep)])
def test_everything_acknowledged_survives_kill_9(tmp_path: Path, trials: int) -> None:
    chance = random.Random(0)
    seen = set()
    for trial in range(trials):
        directory = tmp_path / str(trial)
        path = directory / "main.db"
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reading)
            try:
                write_steps(path, writing)
            finally:
                os._exit(1)
        os.close(writing)
        # A tenth is killed while the file is being made, the others anywhere in the steps after that.
        wanted = 0 if trial % 10 == 0 else chance.randrange(1, 2500)
        acknowledged = b""
        while len(acknowledged) < 4 * wanted:
            acknowledged += os.read(reading, 4096)
        time.sleep(chance.random() * (0.01 if wanted == 0 else 0.0005))
        os.kill(child, signal.SIGKILL)
        assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL
        while more := os.read(reading, 65536):
            acknowledged += more
        os.close(reading)
        steps = len(acknowledged) // 4
        if not path.exists():
            assert steps == 0
            continue
        before = {file.name: file.read_bytes() for file in directory.iterdir()}
        with Record.open(path) as record:
            assert record.manifest == {"a": 1}
            assert record.status == "running"
            assert record.notes["incomplete"]
            assert record.steps in (steps, steps + 1)  # it may die between the commit and the word
            assert [chunk.step for chunk in record.chunks(0)] == list(range(record.steps))
            for chunk in record.chunks(0):
                assert chunk.digests == struct.pack(f"<{chunk.count}Q", *([chunk.step] * chunk.count))
                assert len(record.identity(chunk.structure)) == 16
            assert [loss.step for loss in record.losses()] == list(range(record.steps))
            assert len(record.sources()) == -(-record.steps // 7)
            seen.add(record.steps)
        assert {file.name: file.read_bytes() for file in directory.iterdir()} == before
    assert len(seen) > trials // 2
