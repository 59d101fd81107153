"""Whatever is written is read again, and whatever goes wrong stays out of the script."""

from __future__ import annotations

import os
import resource
import sqlite3
import sys
import threading
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from samebits.model.events import KINDS, PHASES, STRUCTURE, Event
from samebits.model.facts import KINDS as FACTS
from samebits.model.facts import Detail, Draw, Fact, Unknown
from samebits.model.sites import Site
from samebits.record.reader import Record
from samebits.record.values import Loss, Value
from samebits.record.writer import Writer

HOSTILE = [
    "",
    "\0",
    "a\0b",
    "'; DROP TABLE chunks; --",
    '"; DELETE FROM names; --',
    "\x1b[2J\x1b]0;owned\x07",
    "../../../../etc/passwd",
    "..\\..\\windows",
    "/dev/null",
    "\ud800",
    "file\udcff.py",
    "\u202egnp.exe",
    '{"a": [',
    "%s%n{0.__class__}",
    "\x1f|-",
    "None",
    "é" * 100,
    "😀",
    "x" * (1 << 20),
]
texts = st.one_of(st.sampled_from(HOSTILE[:-1]), st.text(st.characters(), max_size=20))
small = st.integers(0, 2**31 - 1)
quick = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])


def pack(values: list[int], width: int) -> bytes:
    return b"".join(value.to_bytes(width, "little") for value in values)


def make(path: Path, **extra: Any) -> Writer:
    given = {"process": "main", "rank": 0, "manifest": {}, "plan": {}} | extra
    return Writer(path, **given)


def columns(count: int, name: int = 1) -> dict[str, bytes]:
    filled = {column: bytes(count if code == "B" else 4 * count) for column, code in STRUCTURE}
    return filled | {"name": pack([name] * count, 4)}


@st.composite
def streams(draw: st.DrawFn) -> tuple[list[str], list[Site], list[dict[str, Any]]]:
    names = draw(st.lists(texts, min_size=1, max_size=5))
    sites = draw(st.lists(st.builds(Site, texts, small, texts), min_size=1, max_size=4))
    chunks = []
    for _ in range(draw(st.integers(0, 4))):
        n = draw(st.integers(0, 5))

        def some(top: int, n: int = n) -> list[int]:
            return draw(st.lists(st.integers(0, top), min_size=n, max_size=n))

        chunks.append(
            {
                "thread": draw(st.integers(0, 2)),
                "step": draw(small),
                "kind": some(len(KINDS) - 1),
                "phase": some(len(PHASES) - 1),
                "flags": some(255),
                "name": some(len(names)),
                "site": some(len(sites)),
                "module": some(len(names)),
                "node": some(len(names)),
                "digests": some(2**64 - 1),
                "inputs": draw(st.none() | st.just(some(2**64 - 1))),
                "generators": draw(st.none() | st.just(some(2**64 - 1))),
                "sources": draw(st.none() | st.just(some(len(sites)))),
            }
        )
    return names, sites, chunks


@given(streams(), st.booleans())
@quick
def test_events_are_read_as_written(
    stream: tuple[list[str], list[Site], list[dict[str, Any]]], finished: bool
) -> None:
    names, sites, chunks = stream
    with TemporaryDirectory() as directory:
        path = Path(directory, "main.db")
        writer = make(path)
        writer.names(enumerate(names, 1))
        writer.sites((i, s.file, s.line, s.function) for i, s in enumerate(sites, 1))
        expected: dict[int, list[Event]] = {}
        text = ["", *names]
        places = [None, *sites]
        for step, c in enumerate(chunks, 1):
            writer.chunk(
                thread=c["thread"],
                step=c["step"],
                columns={n: pack(c[n], 1 if code == "B" else 4) for n, code in STRUCTURE},
                digests=pack(c["digests"], 8),
                inputs=None if c["inputs"] is None else pack(c["inputs"], 8),
                generators=None if c["generators"] is None else pack(c["generators"], 8),
                sources=None if c["sources"] is None else pack(c["sources"], 4),
            )
            writer.commit(steps=step)
            done = expected.setdefault(c["thread"], [])
            for i, digest in enumerate(c["digests"]):
                event = Event(
                    index=len(done),
                    kind=KINDS[c["kind"][i]],
                    name=text[c["name"][i]],
                    phase=PHASES[c["phase"][i]],
                    step=c["step"],
                    flags=c["flags"][i],
                    digest=digest,
                    thread=c["thread"],
                    site=places[c["site"][i]],
                    module=text[c["module"][i]] if c["module"][i] else None,
                    node=text[c["node"][i]] if c["node"][i] else None,
                    inputs=None if c["inputs"] is None else c["inputs"][i],
                    generator=None if c["generators"] is None else c["generators"][i] or None,
                    source=None if c["sources"] is None else places[c["sources"][i]],
                )
                done.append(event)
        if finished:
            writer.finish("finished")
            assert os.listdir(directory) == ["main.db"]
        elif chunks:
            writer.commit(steps=len(chunks))
        else:
            writer.commit(steps=0)
        assert writer.incomplete is None
        with Record.open(path) as record:
            assert record.threads() == sorted(expected)
            assert record.steps == (len(chunks))
            assert record.status == ("finished" if finished else "running")
            assert record.events_total == sum(map(len, expected.values()))
            for thread, events in expected.items():
                assert list(record.events(thread)) == events
                for event in events:
                    assert record.event(thread, event.index) == event
        writer.finish("finished")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
objects = st.dictionaries(texts, json_values, max_size=4)
unknown = texts.filter(lambda name: name not in FACTS)
details = st.builds(Unknown, name=unknown, values=objects) | st.builds(
    Draw, generator=texts, call=st.none() | texts, n=st.integers(), seeded=st.none() | st.booleans()
)
facts = st.builds(
    Fact,
    site=st.none() | st.builds(Site, texts, small, texts),
    at=small,
    step=small,
    detail=details,
    process=st.just("main"),
)
values = st.builds(lambda dtype, data: Value(dtype, (1, len(data)), data), texts, st.binary(max_size=50))
bits = st.binary(max_size=16).map(bytes.hex)


@given(
    manifest=objects,
    plan=objects,
    notes=objects,
    evidence=st.lists(facts, max_size=5),
    losses=st.lists(st.builds(Loss, small, small, st.none() | st.floats(), bits), max_size=5),
    outputs=st.dictionaries(st.tuples(small, small, small), values, max_size=4),
    sources=st.dictionaries(texts, texts, max_size=4),
    status=texts,
)
@quick
def test_everything_else_is_read_as_written(
    manifest: dict[str, Any],
    plan: dict[str, Any],
    notes: dict[str, Any],
    evidence: list[Fact[Detail]],
    losses: list[Loss],
    outputs: dict[tuple[int, int, int], Value],
    sources: dict[str, str],
    status: str,
) -> None:
    with TemporaryDirectory() as directory:
        path = Path(directory, "main.db")
        writer = make(path, manifest=manifest, plan=plan, rank=3)
        writer.facts(evidence)
        for loss in losses:
            writer.loss(step=loss.step, index=loss.index, value=loss.value, bits=loss.bits)
        for (thread, index, part), v in outputs.items():
            writer.value(thread=thread, index=index, part=part, dtype=v.dtype, shape=v.shape, data=v.data)
        for name, text in sources.items():
            writer.source(name, text)
        for key, value in notes.items():
            writer.note(key, value)
        writer.finish(status)
        assert writer.incomplete is None
        with Record.open(path) as record:
            assert (record.process, record.rank, record.status) == ("main", 3, status)
            assert (record.manifest, record.plan, record.notes) == (manifest, plan, notes)
            assert record.facts() == evidence
            assert repr(record.losses()) == repr(losses)  # NaN and the sign of zero included
            assert record.sources() == sources
            for key, v in outputs.items():
                assert record.value(*key) == v
            middle = 2**30
            assert record.facts(upto=middle) == [fact for fact in evidence if fact.at <= middle]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_text_in_every_field(tmp_path: Path, text: str) -> None:
    path = tmp_path / "main.db"
    writer = make(path, process=text, manifest={text: text}, plan={text: [text]})
    writer.names([(1, text)])
    writer.sites([(1, text, 1, text)])
    writer.chunk(thread=0, step=0, columns=columns(2) | {"site": pack([1, 1], 4)}, digests=bytes(16))
    fact = Fact(Unknown(name=text, values={text: text}), Site(text, 7, text), 0, 0, text)
    writer.facts([fact])
    data = text.encode("utf-8", "surrogatepass")
    writer.value(thread=0, index=0, part=0, dtype=text, shape=[len(data)], data=data)
    writer.source(text, text)
    writer.note(text, text)
    writer.finish(text)
    assert writer.incomplete is None
    with Record.open(path) as record:
        assert record.process == record.status == text
        assert record.manifest == {text: text}
        assert record.event(0, 1).name == text
        assert record.event(0, 1).site == Site(text, 1, text)
        assert record.facts() == [fact]
        value = record.value(0, 0)
        assert value is not None
        assert (value.dtype, value.data) == (text, data)
        assert record.sources() == {text: text}
        assert record.notes == {text: text}
    assert os.listdir(tmp_path) == ["main.db"]


def test_equal_columns_are_stored_once(tmp_path: Path) -> None:
    writer = make(tmp_path / "main.db")
    writer.names([(1, "a"), (2, "b")])
    for step in range(30):
        writer.chunk(thread=step % 2, step=step, columns=columns(5, 1 + step % 3 % 2), digests=bytes(40))
        writer.commit(steps=step + 1)
    writer.finish("finished")
    with closing(sqlite3.connect(tmp_path / "main.db")) as connection:
        assert connection.execute("SELECT count(*) FROM structures").fetchone() == (2,)


def test_much_without_a_commit_goes_to_disk_all_the_same(tmp_path: Path) -> None:
    writer = make(tmp_path / "main.db")
    writer.names([(1, "a")])
    for step in range(3):
        writer.chunk(thread=0, step=step, columns=columns(500_000), digests=bytes(4_000_000))
    with Record.open(tmp_path / "main.db") as record:
        assert record.events_total >= 1_000_000
        assert record.steps == 0
    writer.finish("finished")


def test_what_json_cannot_say_becomes_a_word(tmp_path: Path) -> None:
    class Odd:
        def __repr__(self) -> str:
            raise AssertionError("the writer runs no code of the user's objects")

    loop: list[Any] = []
    loop.append(loop)
    writer = make(tmp_path / "main.db")
    writer.facts([Fact(Draw(value=cast(Any, Odd())), None, 0, 0)])
    writer.note("loop", loop)
    writer.note("huge", 10**5000)
    writer.finish("finished")
    assert writer.incomplete is None
    with Record.open(tmp_path / "main.db") as record:
        assert record.facts()[0].detail == Draw(value="<Odd>")
        assert record.notes == {"loop": {"unwritable": "ValueError"}, "huge": {"unwritable": "ValueError"}}


@pytest.mark.parametrize(
    "mistake",
    [
        lambda w: w.chunk(thread=0, step=0, columns=columns(2), digests=bytes(8)),
        lambda w: w.chunk(thread=0, step=0, columns={}, digests=bytes(8)),
        lambda w: w.chunk(thread=0, step=0, columns=columns(1), digests=bytes(8), sources=bytes(8)),
        lambda w: w.chunk(thread=2**70, step=0, columns=columns(1), digests=bytes(8)),
        lambda w: w.names([(1, None)]),
        lambda w: w.facts([None]),
    ],
    ids=["count", "columns", "sources", "number", "text", "fact"],
)
def test_a_mistake_stops_the_record_not_the_script(tmp_path: Path, mistake: Any) -> None:
    writer = make(tmp_path / "main.db")
    writer.names([(1, "a")])
    writer.chunk(thread=0, step=0, columns=columns(1), digests=bytes(8))
    writer.commit(steps=1)
    mistake(writer)
    writer.commit(steps=2)
    writer.chunk(thread=0, step=3, columns=columns(1), digests=bytes(8))
    writer.commit(steps=3)
    writer.finish("finished")
    assert writer.incomplete is not None
    with Record.open(tmp_path / "main.db") as record:
        assert record.notes["incomplete"] == writer.incomplete
        assert record.events_total == 1


def test_a_file_that_exists_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "main.db"
    path.write_bytes(b"precious")
    writer = make(path)
    writer.commit(steps=1)
    writer.finish("finished")
    assert writer.incomplete is not None
    assert path.read_bytes() == b"precious"


def test_a_directory_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    writer = make(tmp_path / "file" / "main.db")
    writer.commit(steps=1)
    writer.finish("finished")
    assert writer.incomplete is not None


def test_a_full_database(tmp_path: Path) -> None:
    writer = make(tmp_path / "main.db")
    writer.names([(1, "a")])
    writer.commit(steps=0)
    assert writer._connection is not None
    writer._connection.execute("PRAGMA max_page_count = 40")
    for step in range(100):
        writer.chunk(thread=0, step=step, columns=columns(200), digests=os.urandom(1600))
        writer.commit(steps=step + 1)
    writer.finish("finished")
    assert "full" in str(writer.incomplete)
    with Record.open(tmp_path / "main.db") as record:
        assert "full" in record.notes["incomplete"]
        assert 5 < record.steps < 100
        assert record.events_total == 200 * record.steps


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")  # the threads are pytest's own
def test_a_full_disk(tmp_path: Path) -> None:
    """The kernel's own limit, in a child: no byte goes into any file beyond it."""
    path = tmp_path / "main.db"
    child = os.fork()
    if child == 0:
        code = 1
        try:
            resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))
            writer = make(path)
            writer.names([(1, "a")])
            for step in range(200):
                writer.chunk(thread=0, step=step, columns=columns(1000), digests=os.urandom(8000))
                writer.commit(steps=step + 1)
            writer.finish("finished")
            code = 0 if writer.incomplete else 2
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    with Record.open(path) as record:
        assert record.notes["incomplete"]
        assert 0 < record.steps < 200
        assert record.events_total == 1000 * record.steps
        assert len(list(record.events(0))) == record.events_total


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")  # the threads are pytest's own
@pytest.mark.parametrize("leave", ["exit", "collect"])
def test_a_fork_leaves_its_parents_record_alone(tmp_path: Path, leave: str) -> None:
    path = tmp_path / "main.db"
    writer = make(path)
    writer.names([(1, "a")])
    writer.chunk(thread=0, step=0, columns=columns(1), digests=bytes(8))
    writer.commit(steps=1)
    before = {name: (tmp_path / name).read_bytes() for name in os.listdir(tmp_path)}
    child = os.fork()
    if child == 0:
        if leave == "exit":
            writer.abandon()
        writer.names([(2, "child")])  # notices the fork by itself, too
        writer.commit(steps=7)
        writer.finish("finished")
        own = make(tmp_path / "main~Process-1.db", process="main/Process-1")
        own.commit(steps=1)
        own.finish("finished")
        del writer
        os._exit(0 if own.incomplete is None else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert {name: (tmp_path / name).read_bytes() for name in before} == before
    writer.chunk(thread=0, step=1, columns=columns(1), digests=bytes(8))
    writer.commit(steps=2)
    writer.finish("finished")
    assert writer.incomplete is None
    with Record.open(path) as record, Record.open(tmp_path / "main~Process-1.db") as other:
        assert (record.steps, record.events_total) == (2, 2)
        assert other.process == "main/Process-1"


def test_threads_may_share_a_writer(tmp_path: Path) -> None:
    writer = make(tmp_path / "main.db")
    writer.names([(1, "a")])

    def work(thread: int) -> None:
        for step in range(50):
            writer.chunk(
                thread=thread, step=step, columns=columns(3 + thread), digests=bytes(24 + 8 * thread)
            )
            writer.facts([Fact(Draw(n=thread), None, 0, step)])
            writer.commit(steps=step)

    workers = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    writer.finish("finished")
    assert writer.incomplete is None
    with Record.open(tmp_path / "main.db") as record:
        assert record.threads() == [0, 1, 2, 3]
        assert record.events_total == 50 * (3 + 4 + 5 + 6)
        assert len(record.facts()) == 200


def test_ctrl_c_anywhere_in_a_commit_loses_nothing(tmp_path: Path) -> None:
    """KeyboardInterrupt is raised at every traced line of the writer in turn, as a signal would."""
    interrupted = 0
    for stop in range(400):
        path = tmp_path / f"{stop}.db"
        writer = make(path)
        writer.names([(1, "a")])
        writer.chunk(thread=0, step=0, columns=columns(2), digests=bytes(16))
        writer.commit(steps=1)
        writer.chunk(thread=0, step=1, columns=columns(3), digests=bytes(24))
        left = stop

        def trace(frame: Any, event: str, argument: object) -> Any:
            nonlocal left
            if frame.f_code.co_filename.endswith("writer.py") and event == "line":
                left -= 1
                if left < 0:
                    sys.settrace(None)
                    raise KeyboardInterrupt
            return trace

        kept = sys.gettrace()
        sys.settrace(trace)
        try:
            writer.commit(steps=2)
            ended = True
        except KeyboardInterrupt:
            ended = False
            interrupted += 1
        finally:
            sys.settrace(kept)
        writer.chunk(thread=0, step=2, columns=columns(4), digests=bytes(32))
        writer.finish("interrupted")
        assert writer.incomplete is None
        with Record.open(path) as record:
            assert record.events_total == 9, stop
            assert [chunk.count for chunk in record.chunks(0)] == [2, 3, 4]
        if ended:
            break
    assert interrupted > 20
    assert ended


def test_why_a_record_ends_early_stands_beside_it_where_the_disk_takes_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from samebits.record import writer as module

    writer = make(tmp_path / "main.db")
    writer.commit(steps=2)
    beside = tmp_path / "main.db.why"
    assert beside.read_bytes() == bytes(512)

    def full(*_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(module.Writer, "_flush", full)
    writer.commit(steps=3)
    writer.finish("finished")
    assert writer.incomplete == "the disk is full"
    assert beside.read_bytes().rstrip(b"\0") == b"the disk is full"
    with Record.open(tmp_path / "main.db") as record:
        assert (record.steps, record.status) == (2, "running")
        assert record.notes["incomplete"] == "the disk is full"


def test_a_record_that_was_closed_leaves_no_reason(tmp_path: Path) -> None:
    writer = make(tmp_path / "main.db")
    writer.commit(steps=2)
    writer.finish("finished")
    assert [file.name for file in tmp_path.iterdir()] == ["main.db"]
