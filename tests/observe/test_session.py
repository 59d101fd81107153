"""A session: who the process is, what is written when, and that its plan survives the trip to a process."""

from __future__ import annotations

import json
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from samebits import random
from samebits.control.settings import Control
from samebits.model.facts import Clock, Listing
from samebits.model.sites import Site
from samebits.observe.plan import Plan
from samebits.observe.record_key import PROCESS
from samebits.observe.session import Session
from samebits.random import custom_ops
from samebits.record.reader import Record


class Silent(SimpleNamespace):
    """An observer that has nothing to say; it counts."""

    def __init__(self) -> None:
        super().__init__(on=False, forks=0, zooms=[])

    def operations(self, on: bool) -> None:
        self.on = on

    def zoom(self, on: bool, capture: int) -> None:
        self.zooms.append((on, capture))

    def position(self) -> int:
        return 0

    def draws(self, n: int) -> None:
        pass

    def drawn(self) -> list[Any]:
        return []

    def drain(self) -> list[Any]:
        return []

    def tables(self) -> tuple[list[Any], list[Any]]:
        return [], []

    def captured(self) -> list[Any]:
        return []

    def after_fork(self) -> None:
        self.forks += 1


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(PROCESS, "")
    monkeypatch.delenv("RANK", raising=False)
    return tmp_path


def started(folder: Path, **plan: Any) -> tuple[Session, Silent]:
    session, observer = Session(Plan(str(folder), **plan)), Silent()
    session.begin(observer, {"python": "3"})  # type: ignore[arg-type]
    return session, observer


@pytest.mark.parametrize(
    "plan",
    [
        Plan("/runs/ä b"),
        Plan("/r", level="op", steps=3, zoom=(1, 2), capture_bytes=5),
        Plan("/r", schedule={"main": [(4, 2)], "main/Process-1": []}),
        Plan("/r", level="auto", until={"main": 7, "rank1": None}),
    ],
)
def test_a_plan_survives_the_environment(plan: Plan) -> None:
    again = Plan.from_json(plan.to_json())
    assert again.zoom == plan.zoom
    assert json.loads(again.to_json()) == json.loads(plan.to_json())


def test_a_record_is_there_before_the_first_step(folder: Path) -> None:
    session, _ = started(folder)
    with Record.open(folder / "main.db") as record:
        assert (record.steps, record.status) == (0, "running")
        assert record.manifest == {"python": "3"}
    session.end("finished")


def test_the_record_says_what_was_changed_beside_what_was_observed(folder: Path) -> None:
    session = Session(Plan(str(folder), steps=3), Control(2**127, True).as_json())
    session.begin(Silent(), {})  # type: ignore[arg-type]
    session.end("finished")
    with Record.open(folder / "main.db") as record:
        assert record.plan == {
            "folder": str(folder), "level": "step", "steps": 3, "zoom": None, "capture_bytes": 0,
            "schedule": None, "until": None, "rewrite": True, "draws": None,
            "census": False, "kill": None,
            "seed": 2**127, "deterministic": True, "portable": False,
        }  # fmt: skip


def test_steps_notes_and_status(folder: Path) -> None:
    session, observer = started(folder, level="op")
    assert observer.on
    session.note("schedule", [(4, 2)])
    session.not_observed("a thing")
    session.not_observed("a thing")
    for _ in range(3):
        session.advance()
    assert int.from_bytes((folder / "progress").read_bytes(), "little") == 3
    session.end("stopped")
    assert not observer.on
    session.end("finished")
    with Record.open(folder / "main.db") as record:
        assert (record.steps, record.status) == (3, "stopped")
        assert record.notes["left_out"] == ["a thing"]
        assert record.notes["schedule"] == [[4, 2]]


def test_draws_are_operations_until_the_end(folder: Path) -> None:
    key = random.key(0)
    session, _ = started(folder, level="op")
    assert not custom_ops.can_skip_dispatcher(key)
    session.end("finished")
    assert custom_ops.can_skip_dispatcher(key)


def test_facts_before_torch_are_kept_until_it_comes(folder: Path) -> None:
    session = Session(Plan(str(folder)))
    session.fact(Clock(call="time.time", value=1), Site("train.py", 3))
    assert list(folder.iterdir()) == []
    session.begin(Silent(), {})  # type: ignore[arg-type]
    session.advance()
    session.fact(Listing(call="os.listdir"), None)
    session.end("finished")
    session.fact(Clock(), None)  # too late, and harmless
    with Record.open(folder / "main.db") as record:
        early, late = record.facts()
    assert (early.kind, early.step, early.site) == ("clock", 0, Site("train.py", 3))
    assert (late.kind, late.step, late.site) == ("listing", 1, None)


def test_a_program_that_never_imports_torch_leaves_nothing(folder: Path) -> None:
    session = Session(Plan(str(folder)))
    session.fact(Clock(), None)
    session.end("finished")
    assert list(folder.iterdir()) == []


def test_two_children_of_one_name_have_a_record_each(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PROCESS, "main")
    for _ in range(3):
        monkeypatch.setenv(PROCESS, "main")
        session, _observer = started(folder)
        session.end("finished")
    assert sorted(p.name for p in folder.glob("*.db")) == [
        "main~child#2.db", "main~child#3.db", "main~child.db",
    ]  # fmt: skip
    with Record.open(folder / "main~child#2.db") as record:
        assert record.process == "main/child#2"


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_forked_child_has_a_record_of_its_own(folder: Path) -> None:
    session, observer = started(folder)
    session.advance()
    child = os.fork()
    if child == 0:
        try:
            session.after_fork()
            assert observer.forks == 1
            session.advance()
            session.advance()
            session.end("finished")
            os._exit(0)
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    session.end("finished")
    with Record.open(folder / "main.db") as mine, Record.open(folder / "main~child.db") as other:
        assert (mine.steps, mine.process) == (1, "main")
        assert (other.steps, other.process, other.status) == (2, "main/child", "finished")
    assert int.from_bytes((folder / "progress").read_bytes(), "little") == 1  # the main process counts


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_forked_children_are_numbered_as_they_are_made(folder: Path) -> None:
    """And not as they come to write a record, which is a matter of time."""
    session = Session(Plan(str(folder)))
    os.register_at_fork(
        before=lambda: session.key.before_fork() if made < 3 else None,
        after_in_child=lambda: session.after_fork() if made < 3 else None,
    )
    doors = [os.pipe() for _ in range(2)]
    children = []
    for made, (wait, _) in enumerate(doors):  # the hooks look at it
        child = os.fork()
        if child == 0:
            try:
                os.read(wait, 1)
                session.begin(Silent(), {})  # type: ignore[arg-type]
                session.note("made", made)
                session.end("finished")
                os._exit(0)
            finally:
                os._exit(1)
        children.append(child)
    for number in (1, 0):
        os.write(doors[number][1], b"x")
        assert os.waitstatus_to_exitcode(os.waitpid(children[number], 0)[1]) == 0
    made = 3
    for key, number in (("main~child", 0), ("main~child#2", 1)):
        with Record.open(folder / f"{key}.db") as record:
            assert record.notes["made"] == number


def test_what_was_handed_over_stays_whole_while_its_process_ends(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pool may end its worker by a signal after the worker found that there is no more to do."""
    session, _ = started(folder)
    session.advance()
    session.mark_complete()
    monkeypatch.setattr(session.writer(), "finish", lambda status: None)  # the signal comes before it
    session.end("finished")
    with Record.open(folder / "main.db") as record:
        assert (record.status, record.steps) == ("finished", 1)


def test_the_texts_of_the_users_files_are_kept(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "train.py").write_text("pass\n")
    monkeypatch.chdir(folder)
    session, _ = started(folder)
    elsewhere = folder / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)  # os.chdir in the script changes nothing
    session.fact(Clock(), Site("train.py", 1))
    session.fact(Clock(), Site("missing.py", 1))
    session.end("finished")
    with Record.open(folder / "main.db") as record:
        assert record.sources() == {"train.py": "pass\n"}


def test_the_zoom_opens_and_closes_with_the_steps(folder: Path) -> None:
    session, observer = started(folder, zoom=(1, 2), capture_bytes=64)
    for _ in range(3):
        session.advance()
    session.end("finished")
    assert observer.zooms == [(False, 0), (True, 64), (True, 64), (False, 0)]


def test_the_schedule_is_that_of_this_process(folder: Path) -> None:
    session, _ = started(folder, schedule={"main": [(4, 2)], "rank1": []})
    assert session.schedule == [(4, 2)]
    session.end("finished")
    other = Session(Plan(str(folder)))
    assert other.schedule is None


def test_a_folder_that_cannot_be_written_does_not_stop_the_program(tmp_path: Path, folder: Path) -> None:
    (tmp_path / "gone").write_text("a file where the folder should be")
    session, _ = started(tmp_path / "gone")
    session.fact(Clock(), None)
    session.advance()
    session.end("finished")
    assert session.writer().incomplete
