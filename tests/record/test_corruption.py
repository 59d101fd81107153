"""A record that was truncated, corrupted, forged or is none gives what was written or a RecordError.

Never a crash, a hang, or memory beyond the file's own size: the fuzzed files
are read in this process, and its memory is watched.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import sqlite3
import struct
import tracemalloc
import zlib
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from samebits.errors import RecordError
from samebits.model.events import STRUCTURE
from samebits.model.facts import Draw, Fact
from samebits.model.sites import Site
from samebits.record import log
from samebits.record.reader import Record
from samebits.record.run import Run
from samebits.record.writer import Writer

STEPS = 12


def everything(path: Path) -> dict[str, Any]:
    """All that a reader can ask of a record."""
    with Record.open(path) as record:
        return {
            "head": (record.process, record.rank, record.manifest, record.plan),
            "end": (record.status, record.steps),
            "notes": record.notes,
            "events": {thread: list(record.events(thread)) for thread in record.threads()},
            "total": record.events_total,
            "identities": [record.identity(c.structure) for t in record.threads() for c in record.chunks(t)],
            "digests": [c.digests for t in record.threads() for c in record.chunks(t)],
            "facts": record.facts(),
            "losses": record.losses(),
            "values": [record.value(0, index) for index in range(STEPS)],
            "sources": record.sources(),
        }


def write(directory: Path, *, salt: int) -> tuple[Path, Path, list[dict[str, Any]]]:
    """A finished record, the same as a kill would have left it, and all that it held at each commit."""
    chance = random.Random(salt)
    live = directory / "live"
    writer = Writer(live / "main.db", process="main", rank=0, manifest={"a": [1, "x"]}, plan={"level": "op"})
    writer.names([(i, f"aten::operation_{i}") for i in range(1, 40)])
    writer.sites([(i, f"train_{i}.py", i, "main") for i in range(1, 10)])
    writer.source("train.py", "print(1)\n" * 300)
    writer.commit(steps=0)
    states = [everything(live / "main.db")]
    for step in range(STEPS):
        for thread in (0, 1):
            count = chance.randrange(1, 40)
            columns = {
                name: b"".join(
                    chance.randrange(1, 5).to_bytes(1 if code == "B" else 4, "little") for _ in range(count)
                )
                for name, code in STRUCTURE
            }
            packed = chance.randbytes(8 * count)
            writer.chunk(thread=thread, step=step, columns=columns, digests=packed, inputs=packed[::-1])
        writer.facts([Fact(Draw(n=n), Site("a.py", n, "f"), n, step) for n in range(chance.randrange(9))])
        writer.loss(step=step, index=step, value=chance.random(), bits="0011")
        writer.value(thread=0, index=step, part=0, dtype="float32", shape=[1000], data=chance.randbytes(4000))
        writer.note("left_out", [str(step)])
        writer.commit(steps=step + 1)
        states.append(everything(live / "main.db"))
        if step == STEPS // 2:  # the file holds a part, the log the rest
            assert writer._connection is not None
            writer._connection.execute("PRAGMA wal_checkpoint").fetchall()
    shutil.copytree(live, directory / "killed")
    writer.finish("finished")
    assert writer.incomplete is None
    states.append(everything(live / "main.db"))
    return live / "main.db", directory / "killed" / "main.db", states


def flip(data: bytearray, chance: random.Random) -> None:
    for _ in range(chance.choice((1, 1, 1, 2, 8, 64))):
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)


def truncate(data: bytearray, chance: random.Random) -> None:
    del data[chance.randrange(len(data)) :]


def zero_a_page(data: bytearray, chance: random.Random) -> None:
    start = 4096 * chance.randrange(len(data) // 4096)
    data[start : start + 4096] = bytes(4096)


def zero_a_sector(data: bytearray, chance: random.Random) -> None:
    start = 512 * chance.randrange(len(data) // 512)
    data[start : start + 512] = bytes(512)


def noise(data: bytearray, chance: random.Random) -> None:
    start = chance.randrange(len(data))
    size = min(chance.choice((4, 64, 4096)), len(data) - start)
    data[start : start + size] = chance.randbytes(size)


def swap_pages(data: bytearray, chance: random.Random) -> None:
    a, b = (4096 * chance.randrange(len(data) // 4096) for _ in range(2))
    data[a : a + 4096], data[b : b + 4096] = data[b : b + 4096], data[a : a + 4096]


def repeat_a_page(data: bytearray, chance: random.Random) -> None:
    a, b = (4096 * chance.randrange(len(data) // 4096) for _ in range(2))
    data[a : a + 4096] = data[b : b + 4096]


def huge_varints(data: bytearray, chance: random.Random) -> None:
    page = 4096 * chance.randrange(len(data) // 4096)
    (start,) = struct.unpack(">H", data[page + 5 : page + 7])
    data[page + start : page + start + 8] = b"\xff" * 8 if page + start + 8 <= len(data) else b""


def append(data: bytearray, chance: random.Random) -> None:
    data += chance.randbytes(chance.randrange(1, 10000))


DAMAGE = (
    flip,
    flip,
    flip,
    truncate,
    zero_a_page,
    zero_a_sector,
    noise,
    swap_pages,
    repeat_a_page,
    huge_varints,
    append,
)


@pytest.mark.parametrize("files", [200, pytest.param(1000, marks=pytest.mark.deep)])
def test_damaged_files(tmp_path: Path, files: int) -> None:
    finished, killed, states = write(tmp_path / "a", salt=1)
    _, other, other_states = write(tmp_path / "b", salt=2)
    assert everything(finished) == states[-1]
    assert everything(killed) == states[-2]
    file, log_file = killed.read_bytes(), Path(f"{killed}-wal").read_bytes()
    whole = finished.read_bytes()
    other_file, other_log = other.read_bytes(), Path(f"{other}-wal").read_bytes()
    refused = 0
    for seed in range(files):
        chance = random.Random(seed)
        path = tmp_path / "damaged.db"
        beside = Path(f"{path}-wal")
        beside.unlink(missing_ok=True)
        damage = chance.choice(DAMAGE)
        where = seed % 4
        if where < 2:
            data = bytearray(whole)
            damage(data, chance)
            path.write_bytes(data)
        elif where == 2:
            data = bytearray(file)
            damage(data, chance)
            path.write_bytes(data)
            if seed % 3:
                beside.write_bytes(log_file)
        else:
            data = bytearray(log_file)
            damage(data, chance)
            if seed % 20 == 3:
                data = bytearray(other_log)
            path.write_bytes(other_file if seed % 20 == 7 else file)
            beside.write_bytes(data)
        tracemalloc.start()
        try:
            found = everything(path)
        except RecordError as error:
            refused += 1
            said = str(error)
        else:
            said = "damaged.db"
            # An unreadable log leaves what the file held when it was begun.
            assert found in states or (seed % 20 == 7 and found in other_states), (
                seed,
                damage.__name__,
                where,
            )
        finally:
            _, peak = tracemalloc.get_traced_memory()
            tracemalloc.stop()
        assert peak < 64 << 20, seed
        assert said.isprintable()
        assert "damaged.db" in said
    assert refused > files // 2


def forge(path: Path, change: Callable[[sqlite3.Connection, int], None]) -> None:
    """Changes a finished record with SQLite and lets ``change`` seal the rows again."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        (salt,) = connection.execute("SELECT salt FROM record").fetchone()
        change(connection, salt)


def replace(table: log.Table, row: int, *cells: Any, blobs: tuple[Any, ...] = ()) -> Any:
    """A change that puts a row with right checksums in the place of another."""

    def change(connection: sqlite3.Connection, salt: int) -> None:
        head = log.head(table.name, salt, row, cells, blobs)
        checks = (head, log.body(head, blobs)) if blobs else (head,)
        connection.execute(table.insert, (row, *cells, *checks, *blobs))

    return change


def statement(text: str) -> Any:
    return lambda connection, salt: connection.execute(text)


def bomb(count: int) -> bytes:
    squeeze = zlib.compressobj(9)
    return b"".join(squeeze.compress(bytes(1 << 20)) for _ in range(64)) + squeeze.flush() + bytes(count)


WIDTH = log.STRUCTURE_WIDTH


def structure(column: str, number: int) -> bytes:
    return zlib.compress(
        b"".join(
            number.to_bytes(1 if code == "B" else 4, "little")
            if name == column
            else bytes(1 if code == "B" else 4)
            for name, code in STRUCTURE
        )
    )


FORGERIES = {
    "a view": statement("CREATE VIEW evil AS SELECT 1"),
    "a view for a table": lambda c, s: [
        c.execute("DROP TABLE facts"),
        c.execute(
            "CREATE VIEW facts AS WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t) SELECT n "
            "FROM t"
        ),
    ],
    "a trigger": statement("CREATE TRIGGER evil AFTER INSERT ON facts BEGIN DELETE FROM facts; END"),
    "an index": statement("CREATE INDEX evil ON facts(kind)"),
    "a table more": statement("CREATE TABLE evil (a)"),
    "a table less": statement("DROP TABLE losses"),
    "another schema": lambda c, s: [c.execute("DROP TABLE losses"), c.execute("CREATE TABLE losses (id)")],
    "a newer format": statement("PRAGMA user_version = 99"),
    "no format": statement("PRAGMA user_version = 0"),
    "a negative format": statement("PRAGMA user_version = -1"),
    "another application": statement("PRAGMA application_id = 5"),
    "a bomb": replace(log.STRUCTURES, 1, 1, blobs=(bomb(0),)),
    "a bomb with a tail": replace(log.STRUCTURES, 1, 1, blobs=(structure("name", 1) + b"x",)),
    "a cut structure": replace(log.STRUCTURES, 1, 1, blobs=(structure("name", 1)[:-3],)),
    "an absurd count": replace(log.STRUCTURES, 1, 1 << 60, blobs=(bomb(0),)),
    "a negative count": replace(log.STRUCTURES, 1, -1, blobs=(b"",)),
    "an absurd chunk": replace(log.CHUNKS, 1, 0, 0, 1, 1 << 60, blobs=(bytes(8), *[None] * 4)),
    "a chunk of no structure": replace(log.CHUNKS, 1, 0, 0, 77, 1, blobs=(bytes(8), *[None] * 4)),
    "unequal columns": replace(log.CHUNKS, 1, 0, 0, 1, 1, blobs=(bytes(8), bytes(4), *[None] * 3)),
    "a dangling name": replace(log.STRUCTURES, 1, 1, blobs=(structure("name", 99),)),
    "a dangling site": replace(log.STRUCTURES, 1, 1, blobs=(structure("site", 99),)),
    "a dangling module": replace(log.STRUCTURES, 1, 1, blobs=(structure("module", 99),)),
    "an unknown kind": replace(log.STRUCTURES, 1, 1, blobs=(structure("kind", 200),)),
    "an unknown phase": replace(log.STRUCTURES, 1, 1, blobs=(structure("phase", 200),)),
    "a text for a number": replace(log.NAMES, 1, "one", "a"),
    "a blob for a number": statement("UPDATE names SET number = x'00'"),
    "a number for a text": statement("UPDATE names SET content = 5"),
    "a text for a blob": statement("UPDATE structures SET columns = 'text'"),
    "a check that is a text": statement("UPDATE names SET head = 'x'"),
    "a blob that is no text": statement("UPDATE names SET content = x'ff'"),
    "a text that is no UTF-8": statement("UPDATE names SET content = CAST(x'ff' AS TEXT)"),
    "a gap": statement("UPDATE names SET id = 7"),
    "a row less": statement("DELETE FROM names"),
    "no header": statement("DELETE FROM record"),
    "two headers": statement(
        "INSERT INTO record SELECT 2, salt, process, rank, manifest, plan, head FROM record"
    ),
    "a salt that is none": statement("UPDATE record SET salt = -5"),
    "a negative total": replace(log.COMMITS, 2, 1, "finished", *([-1] * len(log.COUNTED))),
    "an absurd total": replace(log.COMMITS, 2, 1, "finished", *([1 << 60] * len(log.COUNTED))),
    "a detail that is no object": replace(log.FACTS, 1, "draw", 0, 0, None, None, None, "[1]"),
    "a detail that is no JSON": replace(log.FACTS, 1, "draw", 0, 0, None, None, None, "{"),
    "a deep detail": replace(log.FACTS, 1, "draw", 0, 0, None, None, None, "[" * 200_000),
    "a long number": replace(log.FACTS, 1, "draw", 0, 0, None, None, None, '{"a":' + "9" * 100_000 + "}"),
    "a note that is no JSON": replace(log.NOTES, 1, "a", "nope"),
    "a manifest that is no object": lambda c, s: replace(log.RECORD, 1, s, "main", 0, "[]", "{}")(c, s),
    "a loss that is no number": replace(log.LOSSES, 1, 0, 0, "import os", "00"),
    "a shape that is none": replace(log.OUTPUTS, 1, 0, 0, 0, "f", '{"a":1}', blobs=(b"",)),
    "a negative shape": replace(log.OUTPUTS, 1, 0, 0, 0, "f", "[-1]", blobs=(b"",)),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_forgeries(tmp_path: Path, name: str) -> None:
    path = tmp_path / "main.db"
    writer = Writer(path, process="main", rank=0, manifest={}, plan={})
    writer.names([(1, "a")])
    columns = {column: bytes(1 if code == "B" else 4) for column, code in STRUCTURE}
    writer.chunk(thread=0, step=0, columns=columns, digests=bytes(8))
    writer.facts([Fact(Draw(), None, 0, 0)])
    writer.loss(step=0, index=0, value=1.0, bits="00")
    writer.value(thread=0, index=0, part=0, dtype="f", shape=[1], data=b"1")
    writer.note("a", 1)
    writer.commit(steps=1)
    writer.finish("finished")
    everything(path)
    forge(path, FORGERIES[name])
    tracemalloc.start()
    try:
        with pytest.raises(RecordError) as caught:
            everything(path)
        assert tracemalloc.get_traced_memory()[1] < 16 << 20
    finally:
        tracemalloc.stop()
    assert str(caught.value).isprintable()
    assert "main.db" in str(caught.value)


def foreign(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE moz_places (id INTEGER PRIMARY KEY, url TEXT)")
        connection.commit()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: None, "there is no record"),
        (lambda path: path.write_bytes(b""), "is not a record: it is empty"),
        (lambda path: path.write_bytes(b"SQLite format 3\0"), "damaged"),
        (lambda path: path.write_bytes(b"PK\3\4" + bytes(5000)), "is not a record"),
        (lambda path: path.mkdir(), "is not a file"),
        (lambda path: os.mkfifo(path), "is not a file"),
        (lambda path: path.symlink_to("/dev/zero"), "is not a file"),
        (lambda path: path.symlink_to(path), "cannot read the record"),
        (foreign, "is an SQLite file, but not a record"),
    ],
    ids=["missing", "empty", "header", "zip", "directory", "fifo", "device", "loop", "foreign"],
)
def test_what_is_no_record(tmp_path: Path, make: Callable[[Path], object], message: str) -> None:
    path = tmp_path / "main.db"
    make(path)
    with pytest.raises(RecordError, match=message):
        Record.open(path)


def test_a_fifo_for_a_log(tmp_path: Path) -> None:
    finished, _, _ = write(tmp_path, salt=3)
    os.mkfifo(f"{finished}-wal")
    with pytest.raises(RecordError, match="is not a file"):
        Record.open(finished)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", "[" * 100_000, '{"format": "other"}', "\0\xff"], ids=range(7)
)
def test_a_bad_run_json_does_not_hide_the_records(tmp_path: Path, text: str) -> None:
    (tmp_path / "run.json").write_text(text, encoding="latin-1")
    with pytest.raises(RecordError):
        Run.open(tmp_path)
    writer = Writer(tmp_path / "main.db", process="main", rank=0, manifest={}, plan={})
    writer.finish("finished")
    with Run.open(tmp_path) as run:
        assert list(run.records) == ["main"]
        assert run.info == {}
        assert run.id == tmp_path.name


def test_an_id_that_leaves_the_directory_is_not_believed(tmp_path: Path) -> None:
    info = {"format": "samebits.run", "version": 1, "id": "../../etc"}
    (tmp_path / "run.json").write_text(json.dumps(info))
    with Run.open(tmp_path) as run:
        assert run.id == tmp_path.name
