"""Observes code of a test in the test's own process, as a script's would be, and undoes it afterwards."""

from __future__ import annotations

import gc
import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from samebits.model.events import Event
from samebits.model.facts import Fact
from samebits.record.run import Run, inventory


@dataclass
class Recording:
    """One observed stretch of a test; what was recorded is there once its `with` block has ended."""

    folder: Path
    trace: Any = None
    run: Run | None = None
    events: list[Event] = field(default_factory=list)
    facts: list[Fact] = field(default_factory=list)

    def read(self) -> None:
        self.run = Run.open(self.folder)
        record = self.run.records["main"]
        self.events = list(record.events(0))
        self.facts = record.facts()

    def thread(self, number: int) -> list[Event]:
        assert self.run is not None
        return list(self.run.records["main"].events(number))

    def threads(self) -> list[int]:
        assert self.run is not None
        return self.run.records["main"].threads()

    def operations(self) -> list[Event]:
        return [event for event in self.events if event.kind != "generator"]

    def named(self, name: str) -> list[Event]:
        return [event for event in self.events if event.name == name]

    def one(self, name: str) -> Event:
        found = self.named(name)
        assert len(found) == 1, f"{name}: {len(found)} of {[event.name for event in self.events]}"
        return found[0]


Record = Callable[..., AbstractContextManager[Recording]]


def _describe(folder: Path) -> None:
    """run.json, as the launcher writes it after a run that ended by itself."""
    info = {"format": "samebits.run", "version": 1, "status": "finished", "records": inventory(folder)}
    (folder / "run.json").write_text(json.dumps(info), encoding="utf-8")


@pytest.fixture
def own_modules() -> Iterator[None]:
    """The search for models finds those of the test, none that another test has left alive."""
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture
def observe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own_modules: None) -> Iterator[Record]:
    """``with observe(level="op", ...) as seen: ...``: what the block does is recorded into ``seen``."""
    from samebits._runtime import imports
    from samebits.observe.hooks import Trace
    from samebits.observe.plan import Plan
    from samebits.observe.record_key import PROCESS
    from samebits.observe.session import Session

    monkeypatch.setenv(PROCESS, "")
    made: list[Recording] = []

    @contextmanager
    def observing(**plan: Any) -> Iterator[Recording]:
        folder = tmp_path / f"recording-{len(made)}"
        folder.mkdir()
        seen = Recording(folder)
        made.append(seen)
        with monkeypatch.context() as undo, imports.restored():
            undo.setenv(PROCESS, "")
            session = Session(Plan(str(folder), **({"level": "op"} | plan)))
            seen.trace = Trace(session)
            seen.trace.observer.after_fork()  # nothing of an earlier recording
            seen.trace.observer.zoom(False, 0)
            seen.trace.install()
            try:
                yield seen
            finally:
                seen.trace.finish("finished")
                seen.trace.uninstall()
        _describe(folder)
        seen.read()

    yield observing
    for recording in made:
        if recording.run is not None:
            recording.run.close()
