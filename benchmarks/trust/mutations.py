"""Records and run.json files that someone has changed: one line, or a verdict that is true, and nothing else.

A few real records are made.  Each is then changed in one of four ways: a cell of the database by another
value with its checksums made anew, so that only checks of type and range can notice; the JSON in a cell;
the bytes of the file; run.json.  The changed run is compared with the original, both ways, and listed.
Wrong is an exception other than `RecordError`, more than `LIMIT` seconds, more than `MEMORY` bytes, and
"same" where what the two runs hold of results differs or the changed run does not say that it ended well.

    python -m benchmarks.trust.mutations --count 10000
"""

from __future__ import annotations

import json
import random
import resource
import shutil
import signal
import sqlite3
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from benchmarks.trust.rows import Row, main
from samebits.compare import compare
from samebits.errors import RecordError
from samebits.model.events import PARTIAL
from samebits.record import log
from samebits.record.run import Run, inventory, list_runs

LIMIT = 30
MEMORY = 300 << 20
_SCRIPT = """
import os, random, time, torch
from torch.utils.data import DataLoader, TensorDataset
torch.manual_seed(0); random.seed(time.time_ns()); random.random()
os.listdir('.'); {1, 'a'} and list({'a', 'b'})
data = TensorDataset(torch.randn(8, 3))
model = torch.nn.Linear(3, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for (batch,) in DataLoader(data, batch_size=2, num_workers=WORKERS):
    optimizer.zero_grad(); loss = model(batch).sum(); loss.backward(); optimizer.step(); loss.item()
torch.save(model.state_dict(), 'model.pt'); torch.load('model.pt')
"""
_NUMBERS = (0, 1, -1, 2, 7, 255, 256, 65536, 2**31 - 1, 2**31, 2**32, 2**40, 2**62, 2**63 - 1, -(2**63))
_TEXTS = (
    "", "x", "\x1b[31mred", "\0", "../../etc/passwd", "é" * 300, "\ud800", "[" * 3000, "null", "[]", "{}",
    "1e999", "NaN",
    '{"a": {"b": ' * 60 + "1" + "}" * 120, "9" * 5000, "x" * 20000, "finished", "running", "stopped", "rank1",
    "a/b",
)  # fmt: skip
_VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2**63, 2**64, -(10**30), 1.5, float("nan"), float("inf"), "", "x", "\x1b[2J",
    "\ud800",
    [], [1], ["a"], [[]], [[1, 2]], [[-1, 0]], [None], {}, {"a": 1}, {"a": {"b": [1]}}, "../../etc/passwd",
    "9" * 400,
)  # fmt: skip


# -- the records -------------------------------------------------------------------------------------------


def originals(folder: Path) -> list[Path]:
    """Records of one script: per step, per operation with workers, and with inputs and outputs kept."""
    from samebits.launch.process import start
    from samebits.launch.program import Program
    from samebits.observe.plan import Plan

    made = []
    for name, workers, options in (
        ("step", 0, {"level": "step"}),
        ("op", 1, {"level": "op"}),
        ("zoom", 0, {"level": "op", "zoom": (0, 9), "capture_bytes": 4096}),
    ):
        script = folder / f"{name}.py"
        script.write_text(_SCRIPT.replace("WORKERS", str(workers)))
        run = folder / name
        made.append(run)
        if run.is_dir():  # of an earlier call
            continue
        run.mkdir()
        plan = Plan(folder=str(run), **options)
        start(Program("script", (str(script),)), plan, quiet=True, timeout=None, progress=None, verify=None)
    return made


# -- the changes -------------------------------------------------------------------------------------------


def _decoded(cell: Any) -> Any:
    try:
        return cell.decode("utf-8", "surrogatepass") if isinstance(cell, bytes) else cell
    except UnicodeDecodeError:  # whatever its checksum, no reader takes it for a text
        return ""


def _resealed(connection: sqlite3.Connection, table: log.Table, row: int, salt: int) -> None:
    """Make the checksums of a row right for what it holds now."""
    names = [column.name for column in table.columns]
    cells = connection.execute(f"SELECT {', '.join(names)} FROM {table.name} WHERE id = ?", (row,)).fetchone()
    plain = cells[: len(table.plain)]
    blobs = [b if b is None or isinstance(b, bytes) else b"" for b in cells[len(table.plain) :]]
    text = [_decoded(c) for c in plain]
    head = log.head(table.name, salt, row, text, blobs)
    connection.execute(f"UPDATE {table.name} SET head = ? WHERE id = ?", (head, row))
    if table.blobs:
        body = log.body(head, blobs)
        connection.execute(f"UPDATE {table.name} SET body = ? WHERE id = ?", (body, row))


def _put(path: Path, chance: random.Random, change: Callable[..., str]) -> str:
    with closing(sqlite3.connect(path)) as connection:
        (salt,) = connection.execute("SELECT salt FROM record").fetchone()
        table = chance.choice(
            [t for t in log.TABLES if connection.execute(f"SELECT 1 FROM {t.name}").fetchone()]
        )
        rows = connection.execute(f"SELECT count(*) FROM {table.name}").fetchone()[0]
        row = rows if table is log.COMMITS else chance.randint(1, rows)
        said = change(connection, table, row, chance)
        if table is log.RECORD:
            (salt,) = connection.execute("SELECT salt FROM record").fetchone()
        if isinstance(salt, int):
            _resealed(connection, table, row, salt)
        connection.commit()
    return said


def _stored(value: Any) -> Any:
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            return value.encode("utf-8", "surrogatepass")
    return value


def cell(connection: sqlite3.Connection, table: log.Table, row: int, chance: random.Random) -> str:
    """Another value in one cell."""
    column = chance.choice([c for c in table.columns if c.name != "salt"])
    (old,) = connection.execute(f"SELECT {column.name} FROM {table.name} WHERE id = ?", (row,)).fetchone()
    value: Any
    if column.kind == "integer":
        value = chance.choice(
            (*_NUMBERS, *((old + 1, old - 1) if isinstance(old, int) and abs(old) < 2**62 else ()))
        )
    elif column.kind == "text":
        value = chance.choice(_TEXTS)
    elif isinstance(old, bytes) and old:
        data = bytearray(old)
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        value = chance.choice((bytes(data), bytes(data), old[:-8], old + bytes(8), b""))
    else:
        value = chance.choice((b"", bytes(8), None))
    if chance.random() < 0.1:
        value = chance.choice((None, "text", b"\xff\xfe", 1.5))
    try:
        connection.execute(f"UPDATE {table.name} SET {column.name} = ? WHERE id = ?", (_stored(value), row))
    except sqlite3.IntegrityError:
        pass
    return f"{table.name}.{column.name} = {str(value)[:40]!r}"


def inner(connection: sqlite3.Connection, table: log.Table, row: int, chance: random.Random) -> str:
    """Another value inside the JSON of a cell."""
    names = [c.name for c in table.plain if c.name in ("manifest", "plan", "detail", "value", "shape")]
    if not names:
        return cell(connection, table, row, chance)
    name = chance.choice(names)
    (old,) = connection.execute(f"SELECT {name} FROM {table.name} WHERE id = ?", (row,)).fetchone()
    try:
        value, said = changed(json.loads(old), chance)
    except (TypeError, ValueError):
        return cell(connection, table, row, chance)
    connection.execute(f"UPDATE {table.name} SET {name} = ? WHERE id = ?", (json.dumps(value), row))
    return f"{table.name}.{name}{said}"


def changed(value: Any, chance: random.Random) -> tuple[Any, str]:
    """Plain data with one value somewhere inside it replaced, added or taken out."""
    if isinstance(value, dict) and value and chance.random() < 0.85:
        key = chance.choice(list(value))
        if chance.random() < 0.1:
            return {k: v for k, v in value.items() if k != key}, f" without {key}"
        new, said = changed(value[key], chance)
        return {**value, key: new}, f"[{key}]{said}"
    if isinstance(value, list) and value and chance.random() < 0.7:
        at = chance.randrange(len(value))
        new, said = changed(value[at], chance)
        return [*value[:at], new, *value[at + 1 :]], f"[{at}]{said}"
    new = chance.choice(_VALUES)
    return new, f" = {str(new)[:30]!r}"


def damage(path: Path, chance: random.Random) -> str:
    """Other bytes."""
    data = bytearray(path.read_bytes())
    how = chance.choice(("flip", "cut", "zero", "swap"))
    at = chance.randrange(len(data))
    if how == "flip":
        data[at] ^= 1 << chance.randrange(8)
    elif how == "cut":
        del data[at:]
    elif how == "zero":
        data[at : at + 512] = bytes(len(data[at : at + 512]))
    else:
        other = chance.randrange(len(data) // 4096 + 1) * 4096
        page = at // 4096 * 4096
        data[page : page + 4096], data[other : other + 4096] = (
            data[other : other + 4096],
            data[page : page + 4096],
        )
    path.write_bytes(data)
    return f"{how} at {at}"


def described(path: Path, chance: random.Random) -> str:
    """run.json, changed as data or as text."""
    file = path / "run.json"
    text = file.read_text()
    if chance.random() < 0.75:
        value, said = changed(json.loads(text), chance)
        file.write_text(json.dumps(value))
        return f"run.json{said}"
    at = chance.randrange(len(text))
    what = chance.choice(("cut", '"', "[" * 5000, "NaN", "1e999", "\x00", '{"status": "finished"}', "}"))
    file.write_text(text[:at] if what == "cut" else text[:at] + what + text[at + len(what) :])
    return f"run.json text {what[:10]!r} at {at}"


def mutate(run: Path, way: str, chance: random.Random) -> str:
    """Change a run in one way; what else run.json says of its records is made right again."""
    if way == "run.json":
        return described(run, chance)
    path = chance.choice(sorted(run.glob("*.db")))
    if way == "bytes":
        said = damage(path, chance)
    else:
        said = _put(path, chance, cell if way == "cells" else inner)
    info = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps({**info, "records": inventory(run)}))
    return f"{path.name}: {said}"


# -- the truth ---------------------------------------------------------------------------------------------


def truth(run: Path) -> tuple[bool, dict[tuple[str, int], list[tuple[str, str, int | None]]]]:
    """Whether a run ended well, and the events that decide, of each process and thread."""
    whole = True
    events: dict[tuple[str, int], list[tuple[str, str, int | None]]] = {}
    with Run.open(run) as opened:
        info = opened.info
        whole = info.get("status") == "finished" and info.get("exit_code") in (0, None)
        listed = info.get("records")
        if isinstance(listed, list) and listed:
            whole = whole and listed == inventory(run)
        whole = whole and not info.get("unattached")
        for key, record in opened.records.items():
            if "/" in key:
                continue
            whole = whole and record.status in ("finished", "stopped", "failed")
            for thread in record.threads():
                found = events[key, thread] = []
                drawn = (
                    -6
                )  # the last draw that may be the seed of a loader's workers, which is read and not compared
                for number, e in enumerate(record.events(thread)):
                    drawn = number if e.name.startswith("aten::random_") else drawn
                    unread = e.flags & PARTIAL or (e.kind == "read" and number - drawn <= 5)
                    found.append((e.kind, e.name, None if unread else e.digest))
    return whole, events


#: A difference in these always counts (docs/reference/verdict.md, "What counts"); one in an operation does
#: not where nothing that the program computes or shows has read it, nor does a value that one run alone
#: reads.
_RESULTS = frozenset({"batch", "loss", "gradient", "parameter"})


def _alike(a: dict[Any, list[Any]], b: dict[Any, list[Any]]) -> bool:
    """Whether the results of the main thread of every process agree, but for what was left unread."""
    for key in {key for key in a.keys() | b.keys() if key[1] == 0}:
        if key not in a or key not in b:
            return False
        for kinds in (_RESULTS, {"read"}):
            left = [event for event in a[key] if event[0] in kinds]
            right = [event for event in b[key] if event[0] in kinds]
            if len(left) != len(right):
                if kinds is _RESULTS:
                    return False
                continue
            for (*one, x), (*two, y) in zip(left, right, strict=True):
                if one != two and kinds is not _RESULTS:
                    continue  # two reads of other names: each run has one alone
                if one != two or (x != y and None not in (x, y)):
                    return False
    return True


@contextmanager
def _limited() -> Iterator[None]:
    def late(*_: object) -> None:
        raise TimeoutError(f"more than {LIMIT} s")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(LIMIT)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def judged(original: Path, mutated: Path, known: Any) -> tuple[str, str | None]:
    """What came of comparing the two, and what was wrong with that."""
    outcome = "refused"
    try:
        with _limited():
            list_runs(mutated.parent)
            for first, second in ((original, mutated), (mutated, original)):
                try:
                    with Run.open(first) as a, Run.open(second) as b:
                        verdict = compare(a, b)
                        json.dumps(verdict.as_json(), allow_nan=False)
                        outcome = verdict.verdict
                except RecordError as error:
                    if "\n" in str(error) or not str(error).isprintable():
                        return "refused", f"the error is not one line: {str(error)[:80]!r}"
            if outcome == "same":
                whole, events = truth(mutated)
                if not whole or not _alike(known[1], events):
                    return outcome, "a false SAME"
    except Exception:
        return "raised", "\n".join(traceback.format_exc().strip().split("\n")[-3:])
    return outcome, None


def run(count: int | None, seed: int, folder: Path) -> list[Row]:
    """``count`` changes of records, and a tenth as many of run.json."""
    made = originals(folder)
    known = {path: truth(path) for path in made}
    count = 10_000 if count is None else count
    chance = random.Random(f"mutations {seed}")
    rows = []
    for way, tries in (
        ("cells", count // 2),
        ("json", count // 4),
        ("bytes", count // 4),
        ("run.json", count // 10),
    ):
        outcomes: Counter[str] = Counter()
        wrong: list[str] = []
        began = time.monotonic()
        for number in range(tries):
            original = chance.choice(made)
            work = folder / "changed" / "run"
            shutil.rmtree(work.parent, ignore_errors=True)
            shutil.copytree(original, work)
            said = mutate(work, way, random.Random(f"{seed} {way} {number}"))
            outcome, fault = judged(original, work, known[original])
            outcomes[outcome] += 1
            if fault is not None:
                wrong.append(f"{original.name} {said}: {fault}")
        used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
        if used > MEMORY:
            wrong.append(f"{used >> 20} MB of memory")
        words = ", ".join(f"{n:,} {name}" for name, n in sorted(outcomes.items()))
        detail = f"{words}; {used >> 20} MB at most, {time.monotonic() - began:.0f} s"
        rows.append(Row(f"records changed: {way}", tries, len(wrong), "\n".join([detail, *wrong[:20]])))
    return rows


if __name__ == "__main__":
    sys.exit(main(run, __doc__))
