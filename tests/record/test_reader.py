"""Reading on any medium, without torch, by chunks; finding a run by what a person types."""

from __future__ import annotations

import json
import math
import os
import shutil
import sqlite3
import struct
import subprocess
import sys
import threading
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from samebits.errors import RecordError
from samebits.model.events import KIND, PARTIAL, RANDOM, STRUCTURE, VIEW
from samebits.record import store
from samebits.record.reader import Record
from samebits.record.run import Run, find_run, list_runs
from samebits.record.values import norms
from samebits.record.writer import Writer


def columns(**given: list[int]) -> dict[str, bytes]:
    count = len(given["name"])
    full = {name: given.get(name, [0] * count) for name, _ in STRUCTURE}
    return {name: struct.pack(f"<{count}{code}", *full[name]) for name, code in STRUCTURE}


def start(path: Path, names: list[str], process: str = "main") -> Writer:
    writer = Writer(path, process=process, rank=0, manifest={}, plan={})
    writer.names(enumerate(names, 1))
    return writer


def steps(writer: Writer, count: int) -> None:
    for step in range(count):
        digests = struct.pack("<3Q", step, step + 1, step + 2)
        writer.chunk(thread=0, step=step, columns=columns(name=[1, 2, 1]), digests=digests)
        writer.commit(steps=step + 1)


def test_identity_is_of_the_texts_not_their_numbers(tmp_path: Path) -> None:
    def chunk(writer: Writer, *names: int, flags: int = VIEW, **more: list[int]) -> None:
        packed = columns(name=list(names), flags=[0, flags], **more)
        writer.chunk(thread=0, step=0, columns=packed, digests=bytes(16))

    first = start(tmp_path / "a.db", ["aten::add", "aten::mul"])
    chunk(first, 1, 2)
    chunk(first, 1, 2, flags=0)
    chunk(first, 1, 2, flags=VIEW | RANDOM | PARTIAL)
    chunk(first, 1, 2, site=[0, 0])
    first.finish("finished")
    second = start(tmp_path / "b.db", ["aten::mul", "aten::add"])
    chunk(second, 2, 1)
    chunk(second, 1, 2)
    second.finish("finished")
    with Record.open(tmp_path / "a.db") as a, Record.open(tmp_path / "b.db") as b:
        one = [a.identity(chunk.structure) for chunk in a.chunks(0)]
        two = [b.identity(chunk.structure) for chunk in b.chunks(0)]
    assert one[0] == one[2] == one[3] == two[0]
    assert len({one[0], one[1], two[1]}) == 3


def test_names_cannot_be_confused_at_their_borders(tmp_path: Path) -> None:
    writer = start(tmp_path / "a.db", ["ab", "c", "a", "bc", "a0 0 1 b"])
    for names in ([1, 2], [3, 4], [5, 5]):
        writer.chunk(thread=0, step=0, columns=columns(name=names), digests=bytes(16))
    writer.finish("finished")
    with Record.open(tmp_path / "a.db") as record:
        assert len({record.identity(chunk.structure) for chunk in record.chunks(0)}) == 3


def test_equal_chunks_are_compared_without_unpacking_events(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in "ab":
        writer = start(tmp_path / f"{name}.db", ["x", "y"])
        steps(writer, 1000)
        writer.finish("finished")
    unpacked = []
    original = Record._unpack
    monkeypatch.setattr(Record, "_unpack", lambda self, s: (unpacked.append(s), original(self, s))[1])
    with Record.open(tmp_path / "a.db") as a, Record.open(tmp_path / "b.db") as b:
        for one, two in zip(a.chunks(0), b.chunks(0), strict=True):
            assert a.identity(one.structure) == b.identity(two.structure)
            assert one.digests == two.digests
        assert len(unpacked) == 2  # each record's one structure, for its identity


def test_slices_of_a_stream(tmp_path: Path) -> None:
    writer = start(tmp_path / "a.db", ["x", "y"])
    steps(writer, 5)
    writer.finish("finished")
    with Record.open(tmp_path / "a.db") as record:
        every = list(record.events(0))
        assert len(every) == 15
        for first in range(17):
            assert list(record.events(0, first)) == every[first:]
            for last in range(first, 17):
                assert list(record.events(0, first, last)) == every[first:last]
        assert list(record.events(9)) == []
        for index in (-1, 15, 2**70):
            with pytest.raises(RecordError, match="no event"):
                record.event(0, index)


def killed(tmp_path: Path) -> Path:
    """A record as kill -9 leaves it, in a directory of its own."""
    writer = start(tmp_path / "live" / "main.db", ["x", "y"])
    steps(writer, 5)
    shutil.copytree(tmp_path / "live", tmp_path / "killed")
    writer.finish("finished")
    return tmp_path / "killed" / "main.db"


def test_a_killed_record_is_read_without_a_trace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    path = killed(tmp_path)
    before = {file.name: (file.read_bytes(), file.stat().st_mtime_ns) for file in path.parent.iterdir()}
    assert set(before) == {"main.db", "main.db-wal", "main.db.why"}
    with Record.open(path) as record:
        assert (record.steps, record.status) == (5, "running")
        assert "did not close" in record.notes["incomplete"]
        assert len(list(record.events(0))) == 15
        assert len(list(scratch.iterdir())) == 1
    assert {
        file.name: (file.read_bytes(), file.stat().st_mtime_ns) for file in path.parent.iterdir()
    } == before
    assert list(scratch.iterdir()) == []


def test_a_failed_open_leaves_no_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    path = killed(tmp_path)
    path.write_bytes(path.read_bytes()[:16] + bytes(8192))
    with pytest.raises(RecordError):
        Record.open(path)
    assert list(scratch.iterdir()) == []


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
@pytest.mark.parametrize("finished", [True, False], ids=["finished", "killed"])
def test_a_read_only_medium(tmp_path: Path, finished: bool) -> None:
    """In a child that gives up root, which may write anywhere, in a directory that everybody may enter."""
    made = killed(tmp_path).parent
    if finished:
        made = tmp_path / "live"
    with TemporaryDirectory() as place:
        os.chmod(place, 0o755)
        directory = Path(shutil.copytree(made, Path(place, "run")))
        for file in directory.iterdir():
            file.chmod(0o444)
        directory.chmod(0o555)
        child = os.fork()
        if child == 0:
            right = False
            try:
                if os.geteuid() == 0:
                    os.setuid(65534)
                with Record.open(directory / "main.db") as record:
                    right = (record.steps, record.events_total) == (5, 15)
                right = right and not os.access(directory, os.W_OK)
            finally:
                os._exit(0 if right else 1)
        status = os.waitpid(child, 0)[1]
        directory.chmod(0o755)
        assert os.waitstatus_to_exitcode(status) == 0
        assert len(list(directory.iterdir())) == (1 if finished else 3)


def test_a_log_begun_anew_while_it_is_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The owner folds its log into the file between the two copies; the reader notices and copies again."""
    path = tmp_path / "main.db"
    writer = start(path, ["x", "y"])
    steps(writer, 5)
    copied = shutil.copyfile
    folded = []

    def copy(source: Path, target: Path) -> object:
        done = copied(source, target)
        if source == path and len(folded) < 3:
            folded.append(source)
            assert writer._connection is not None
            writer._connection.execute("PRAGMA wal_checkpoint(RESTART)").fetchall()
            steps_done = 5 + len(folded)
            writer.chunk(thread=0, step=steps_done - 1, columns=columns(name=[1]), digests=bytes(8))
            writer.commit(steps=steps_done)
        return done

    monkeypatch.setattr(store.shutil, "copyfile", copy)
    with Record.open(path) as record:
        assert record.steps == 8
        assert record.events_total == 18
    writer.finish("finished")


def test_reading_while_another_thread_writes(tmp_path: Path) -> None:
    path = tmp_path / "main.db"
    writer = start(path, ["x", "y"])
    writer.commit(steps=0)
    work = threading.Thread(target=steps, args=(writer, 3000))
    work.start()
    last = 0
    for _ in range(20):
        with Record.open(path) as record:
            assert record.events_total == 3 * len(record.chunks(0))
            assert last <= record.steps
            last = record.steps
            assert len(list(record.events(0))) == record.events_total
    work.join()
    writer.finish("finished")
    with Record.open(path) as record:
        assert record.steps == 3000


def test_reading_needs_no_torch_and_no_numpy(tmp_path: Path) -> None:
    writer = start(tmp_path / "main.db", ["x", "y"])
    steps(writer, 2)
    writer.finish("finished")
    code = (
        "import sys; sys.modules['torch'] = sys.modules['numpy'] = None; from pathlib import Path; from "
        "samebits.record.run import Run; run = Run.open(Path(sys.argv[1])); "
        "print(len(list(run.records['main'].events(0)))); assert 'pickle' not in sys.modules"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        env={"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "6\n", done.stderr


def test_hostile_paths(tmp_path: Path) -> None:
    for name in ("a?b#c%20d", "quote'\"", "line\nbreak", os.fsdecode(b"\xff"), "ü"):
        directory = tmp_path / name
        writer = start(directory / "main.db", ["x", "y"])
        steps(writer, 1)
        with Record.open(directory / "main.db") as record:
            assert record.steps == 1
        writer.finish("finished")
        with Run.open(directory) as run:
            assert run.records["main"].steps == 1
    with pytest.raises(RecordError):
        Record.open(Path("a\0b"))


def keep(out: Path, name: str, created: str | None, **extra: object) -> Path:
    directory = out / name
    writer = start(directory / "main.db", ["x"])
    writer.finish("finished")
    if created is not None:
        info = {"format": "samebits.run", "version": 1, "id": name, "created": created} | extra
        (directory / "run.json").write_text(json.dumps(info))
    return directory


def test_runs_are_listed_newest_first(tmp_path: Path) -> None:
    keep(tmp_path, "b", "2026-01-02T00:00:00+00:00", status="finished", argv=["train.py"])
    keep(tmp_path, "a", "2026-01-03T00:00:00+00:00", status=5, argv="x")
    keep(tmp_path, "c", "2026-01-01T00:00:00+00:00")
    (tmp_path / "no run").mkdir()
    (tmp_path / "file").touch()
    runs = list_runs(tmp_path)
    assert [run.id for run in runs] == ["a", "b", "c"]
    assert [run.status for run in runs] == ["unknown", "finished", "unknown"]
    assert [run.argv for run in runs] == [(), ("train.py",), ()]
    assert list_runs(tmp_path / "missing") == []
    os.utime(keep(tmp_path, "0", None), (0, 0))
    assert list_runs(tmp_path)[-1].id == "0"


def test_a_run_is_found_by_what_is_unique(tmp_path: Path) -> None:
    out = tmp_path / "out"
    for name in ("red-1", "red-12", "blue-1"):
        keep(out, name, "2026-01-01T00:00:00+00:00")
    assert find_run(out, "blue") == out / "blue-1"
    assert find_run(out, "red-1") == out / "red-1"
    assert find_run(out, str(out / "red-12")) == out / "red-12"
    with pytest.raises(
        RecordError, match=r"'red' is the beginning of 2 runs in .*: red-1, red-12; give more"
    ):
        find_run(out, "red")
    for text in ("green", "", "../out/red", "\x1b[2J", "a\0b", "x" * 5000):
        with pytest.raises(RecordError, match=r"no run .*lists the 3 there are") as caught:
            find_run(out, text)
        assert str(caught.value).isprintable()
    with pytest.raises(RecordError, match="there are no runs there yet"):
        find_run(tmp_path / "missing", "red")


def test_a_run_of_several_processes(tmp_path: Path) -> None:
    directory = keep(tmp_path, "run", "2026-01-01T00:00:00+00:00")
    for process in ("rank1", "main/Process-1"):
        writer = start(directory / f"{process.replace('/', '~')}.db", ["x"], process)
        writer.finish("finished")
    (directory / "rank2.db.part").write_bytes(b"killed while it was made")
    with Run.open(directory) as run:
        assert sorted(run.records) == ["main", "main/Process-1", "rank1"]
        assert run.id == "run"
    shutil.copy(directory / "rank1.db", directory / "again.db")
    with pytest.raises(RecordError, match="two records of rank1"):
        Run.open(directory)
    with pytest.raises(RecordError, match="there is no run"):
        Run.open(tmp_path / "missing")
    (tmp_path / "empty").mkdir()
    with pytest.raises(RecordError, match=r"neither run\.json nor records"):
        Run.open(tmp_path / "empty")


def test_a_record_of_version_1() -> None:
    """Made by the version before norms were kept."""
    with Record.open(Path(__file__).parent / "files" / "version-1.db") as record:
        assert (record.status, record.steps, record.process) == ("finished", 2, "main")
        assert [event.digest for event in record.events(0)] == [10, 20, 30, 40, 11, 21, 31, 41]
        assert [loss.value for loss in record.losses()] == [0.5, 0.25]
        for chunk in record.chunks(0):
            assert chunk.inputs is not None
            assert chunk.norms is None
            assert [math.isnan(norm) for norm in norms(record, chunk)] == [True, True]


def test_norms_of_another_number_than_tensors_are_refused(tmp_path: Path) -> None:
    writer = start(tmp_path / "a.db", ["weight"])
    gradients = columns(name=[1, 1, 1], kind=[KIND["loss"], KIND["gradient"], KIND["parameter"]])
    writer.chunk(
        thread=0, step=0, columns=gradients, digests=bytes(24), norms=struct.pack("<2d", 1.5, math.inf)
    )
    writer.chunk(thread=0, step=1, columns=gradients, digests=bytes(24), norms=bytes(24))
    writer.finish("finished")
    with Record.open(tmp_path / "a.db") as record:
        first, second = record.chunks(0)
        assert norms(record, first).tolist() == [1.5, math.inf]
        with pytest.raises(RecordError, match="chunk 2 has 24 bytes of norms for 2 tensors"):
            norms(record, second)


@pytest.mark.parametrize("count", [0, 1, 2, 3, 47, 48, 49, 1000])
@pytest.mark.parametrize("most", [1, 2, 3, 48])
def test_some_losses_of_many(tmp_path: Path, count: int, most: int) -> None:
    """In order, at most so many, the first and the last among them, and no stretch left out."""
    writer = start(tmp_path / "main.db", ["x"])
    for step in range(count):
        writer.loss(step=step, index=0, value=float(step), bits="00000000")
    writer.finish("finished")
    with Record.open(tmp_path / "main.db") as record:
        found = [int(loss.value or 0) for loss in record.losses(most)]
        assert [int(loss.value or 0) for loss in record.losses()] == list(range(count))
    assert len(found) == min(count, most)
    assert found == sorted(set(found))
    if count:
        assert found[0] == 0
    if most > 1 and count:
        assert found[-1] == count - 1
        gaps = [after - before for before, after in pairwise(found)]
        assert max(gaps, default=0) <= 1 + count // max(1, len(found) - 1)


def test_some_losses_of_a_record_that_lacks_one(tmp_path: Path) -> None:
    """A row that is missing among those asked for is damage, not a hole."""
    writer = start(tmp_path / "main.db", ["x"])
    for step in range(9):
        writer.loss(step=step, index=0, value=float(step), bits="00000000")
    writer.finish("finished")
    with closing(sqlite3.connect(tmp_path / "main.db", isolation_level=None)) as connection:
        connection.execute("DELETE FROM losses WHERE id = 5")
    with Record.open(tmp_path / "main.db") as record, pytest.raises(RecordError, match="row 5 of losses is"):
        record.losses(3)
