"""Records and run.json files that someone made or changed: one line and exit status 2, or a true verdict.

The whole of it, 10,000 changes: benchmarks/trust/mutations.py.
"""

import json
import os
import random
import shutil
import sqlite3
import sys
import time
import zlib
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from samebits.cli.main import main
from samebits.compare import compare
from samebits.errors import RecordError
from samebits.model.events import STRUCTURE
from samebits.model.facts import Clock, Fact
from samebits.record import fields, log
from samebits.record.reader import Record
from samebits.record.run import Run, inventory, list_runs
from samebits.record.writer import Writer

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from benchmarks.trust import mutations

WAYS = {"cells": 60, "json": 40, "bytes": 25, "run.json": 25}


def make(folder: Path, **extra: Any) -> Path:
    """A small run of one process, as the launcher leaves it."""
    folder.mkdir(parents=True)
    given: dict[str, Any] = {"manifest": {"torch": {"threads": 2}}, "plan": {"level": "op", "steps": None}}
    writer = Writer(folder / "main.db", process="main", rank=0, **given | extra)
    writer.names([(1, "loss"), (2, "weight"), (3, "aten::add")])
    writer.sites([(1, "train.py", 7, "main")])
    writer.source("train.py", "x = 1\n")
    for step in range(3):
        numbers = {
            "kind": [0, 4, 6],
            "phase": [2, 2, 4],
            "flags": [0, 0, 0],
            "name": [3, 1, 2],
            "site": [1, 1, 0],
        }
        columns = {
            name: b"".join(
                n.to_bytes(1 if code == "B" else 4, "little") for n in numbers.get(name, [0, 0, 0])
            )
            for name, code in STRUCTURE
        }
        digests = b"".join((step * 3 + i + 1).to_bytes(8, "little") for i in range(3))
        writer.chunk(thread=0, step=step, columns=columns, digests=digests)
        writer.facts([Fact(Clock(call="time.time", value=1.5), None, step, step)])
        writer.loss(step=step, index=step * 3 + 1, value=1.0, bits="0000803f")
        writer.value(thread=0, index=step * 3, part=0, dtype="float32", shape=[1], data=b"\0\0\x80\x3f")
        writer.commit(steps=step + 1)
    writer.note("observer", "native")
    writer.finish("finished")
    info = {
        "format": "samebits.run", "version": 1, "status": "finished", "exit_code": 0, "argv": ["train.py"],
        "seconds": 1.0, "level": "op", "created": "2025-01-02T03:04:05+00:00", "records": inventory(folder),
    }  # fmt: skip
    (folder / "run.json").write_text(json.dumps(info))
    return folder


def forge(run: Path, table: log.Table, row: int, **cells: Any) -> None:
    """Change cells of a record, and make its checksums and run.json right for what it holds then."""
    with closing(sqlite3.connect(run / "main.db")) as connection:
        (salt,) = connection.execute("SELECT salt FROM record").fetchone()
        for name, value in cells.items():
            connection.execute(f"UPDATE {table.name} SET {name} = ? WHERE id = ?", (value, row))
        mutations._resealed(connection, table, row, salt)
        connection.commit()
    info = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps({**info, "records": inventory(run)}))


@pytest.mark.parametrize("way", WAYS)
def test_changed_runs(tmp_path: Path, way: str) -> None:
    original = make(tmp_path / "runs" / "original")
    known = mutations.truth(original)
    refused = 0
    for number in range(WAYS[way]):
        changed = tmp_path / "changed" / "run"
        shutil.rmtree(changed.parent, ignore_errors=True)
        shutil.copytree(original, changed)
        said = mutations.mutate(changed, way, random.Random(f"{way} {number}"))
        outcome, fault = mutations.judged(original, changed, known)
        assert fault is None, f"{number}: {said}: {fault}"
        refused += outcome in ("refused", "incomplete")
    assert refused


@pytest.mark.parametrize(
    ("table", "row", "cells", "message"),
    [
        (log.RECORD, 1, {"rank": -1}, "a rank is -1"),
        (log.RECORD, 1, {"plan": '{"level": 5}'}, "plan has 5 as its level"),
        (log.RECORD, 1, {"manifest": "[" * 100 + "]" * 100}, "manifest is not JSON: it is nested too deep"),
        (log.RECORD, 1, {"manifest": "[" * 99999}, "manifest is not JSON"),
        (log.RECORD, 1, {"manifest": '{"a": 1, "a": 2}'}, "it names a field twice"),
        (log.NOTES, 1, {"value": "[1]"}, "its note observer is [1]"),
        (log.CHUNKS, 2, {"thread": -1}, "chunk 2 has thread -1"),
        (log.CHUNKS, 2, {"step": -5}, "step -5"),
        (log.CHUNKS, 2, {"count": -1}, "chunk 2 has"),
        (log.CHUNKS, 2, {"structure": 99}, "a structure that does not fit"),
        (log.STRUCTURES, 1, {"columns": zlib.compress(bytes([9] * 3) + bytes(16 * 3 + 6))}, "has a kind"),
        (log.STRUCTURES, 1, {"columns": zlib.compress(bytes(1 << 24))}, "it does not hold 3 events"),
        (log.FACTS, 1, {"detail": '{"call": ["x"]}'}, "a fact of kind clock has ['x'] as its call"),
        (log.FACTS, 1, {"detail": '{"value": {"a": 1}}'}, "as its value"),
        (log.FACTS, 1, {"detail": "5"}, "a fact of kind clock is not an object"),
        (log.FACTS, 1, {"at": -1}, "the place of a fact is -1"),
        (log.LOSSES, 1, {"bits": "zz"}, "the bits of a loss are zz"),
        (log.LOSSES, 1, {"step": -1}, "the step of a loss is -1"),
        (log.OUTPUTS, 1, {"shape": "[9999999999, 9999999999]"}, "an output of shape"),
        (log.OUTPUTS, 1, {"shape": str([2] * 5000)}, "a shape is"),
        (log.OUTPUTS, 1, {"part": -1}, "an output has the place"),
        (log.SITES, 1, {"line": -7}, "a line is -7"),
        (log.NAMES, 2, {"number": 1}, "two of its names have one number"),
        (log.NAMES, 2, {"number": -4}, "the number of a name is -4"),
    ],
)
def test_forged_cells(
    tmp_path: Path, table: log.Table, row: int, cells: dict[str, Any], message: str
) -> None:
    run = make(tmp_path / "run")
    forge(run, table, row, **cells)
    with pytest.raises(RecordError) as raised:
        _read(run / "main.db")
    assert message in str(raised.value)
    assert str(raised.value).isprintable()


def _read(path: Path) -> None:
    with Record.open(path) as record:
        list(record.events(0))
        record.facts()
        record.losses()
        record.value(0, 0)


@pytest.mark.parametrize("change", ["status", "exit", "digest", "unattached"])
def test_what_was_changed_is_never_same(tmp_path: Path, change: str) -> None:
    a, b = make(tmp_path / "a"), make(tmp_path / "b")
    with Run.open(a) as one, Run.open(b) as two:
        assert compare(one, two).verdict == "same"
    info = json.loads((b / "run.json").read_text())
    if change == "digest":
        forge(b, log.CHUNKS, 3, digests=bytes(24))
    else:
        info |= {
            "status": {"status": "running"},
            "exit": {"exit_code": 1},
            "unattached": {"unattached": [{"command": ["python"], "why": "-I"}]},
        }[change]
        (b / "run.json").write_text(json.dumps(info))
    with Run.open(a) as one, Run.open(b) as two:
        assert compare(one, two).verdict == {"digest": "diverged", "exit": "failed"}.get(change, "incomplete")


def _fifo(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def _link(path: Path) -> None:
    path.unlink()
    path.symlink_to("/dev/zero")


def _folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _sparse(path: Path) -> None:
    with open(path, "r+b") as file:
        file.truncate(2 << 30)


STRANGE = [_fifo, _link, _folder, _sparse, lambda path: path.write_bytes(b"\xff\xfe\x00" * 1000)]
TEXTS = [
    "[" * 100_000, '{"format": "samebits.run", "version": 1e999}', '{"format": NaN}', "null", "\x00",
    '{"format": "samebits.run", "version": 1, "status": ["finished"]}',
    '{"format": "samebits.run", "version": 1, "status": "finished", "argv": {"a": 1}}',
    '{"format": "samebits.run", "version": 1, "status": "finished", "seconds": "long"}',
    '{"format": "samebits.run", "version": 1, "status": "finished", "seconds": 1e999}',
    '{"format": "samebits.run", "version": 1, "status": "finished", "records": [{"file": 5}]}',
    '{"format": "samebits.run", "version": 1, "status": "finished", "records": "../../etc/passwd"}',
    '{"format": "samebits.run", "version": 1, "status": "finished", "status": "failed"}',
    '{"format": "samebits.run", "version": 1, "status": "finished", "unattached": [{"command": "x"}]}',
]  # fmt: skip


@pytest.mark.parametrize("name", ["main.db", "run.json"])
@pytest.mark.parametrize("change", range(len(STRANGE)))
def test_strange_files(tmp_path: Path, name: str, change: int) -> None:
    a, b = make(tmp_path / "runs" / "a"), make(tmp_path / "runs" / "b")
    STRANGE[change](b / name)
    began = time.monotonic()
    _every_command(tmp_path, a, b)
    assert time.monotonic() - began < 60  # it does not hang


@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
def test_strange_descriptions(tmp_path: Path, text: str) -> None:
    a, b = make(tmp_path / "runs" / "a"), make(tmp_path / "runs" / "b")
    (b / "run.json").write_text(text)
    _every_command(tmp_path, a, b)
    assert [run.status for run in list_runs(tmp_path / "runs") if run.path == b] == ["unknown"]


def _every_command(tmp_path: Path, a: Path, b: Path) -> None:
    """`compare` ends with 2, whichever of the two it is, and `runs` still lists what there is."""
    for words in (["compare", str(a), str(b)], ["compare", str(b), str(a)]):
        with pytest.raises(SystemExit) as left:
            main(words)
        assert left.value.code == 2
    with pytest.raises(SystemExit) as left:
        main(["runs", "--out", str(tmp_path / "runs")])
    assert left.value.code in (0, None)


@pytest.mark.parametrize(
    ("value", "table", "field"),
    [
        ({"keys": ["a", 1]}, fields.of_fact("load"), "keys"),
        ({"value": 1 << 5000}, fields.of_fact("seed"), "value"),
        ({"n": "3"}, fields.of_fact("draw"), "n"),
        ({"schedule": [[0, 1], [2]]}, fields.NOTES, "schedule"),
        ({"schedule": [[0, -1]]}, fields.NOTES, "schedule"),
        ({"exception": "x"}, fields.NOTES, "exception"),
        ({"zoom": [1]}, fields.PLAN, "zoom"),
        ({"anything": object()}, fields.of_fact("seed"), None),
    ],
)
def test_fields(value: dict[str, Any], table: dict[str, Callable[[Any], bool]], field: str | None) -> None:
    assert fields.wrong(value, table) == field


def test_a_small_file_that_claims_much(tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    writer = Writer(run / "main.db", process="main", rank=0, manifest={}, plan={})
    columns = {name: bytes(1 if code == "B" else 4) for name, code in STRUCTURE}
    for _ in range(20_000):  # a chunk an event
        writer.chunk(thread=0, step=0, columns=columns, digests=bytes(8))
    writer.finish("finished")
    (run / "run.json").write_text('{"format": "samebits.run", "version": 1, "status": "finished"}')
    began = time.monotonic()
    with Run.open(run) as one, Run.open(run) as two:
        assert compare(one, two).verdict in ("same", "incomplete")
    assert time.monotonic() - began < 60
