"""Runs made without torch: a session fed by an observer that says what it is told to.

A told event is (kind, name, digest, line).
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from samebits.model import events
from samebits.observe.plan import Plan
from samebits.observe.session import Session
from samebits.record.run import inventory

Told = tuple[str, str, int, int]
_PACKED = {name: "B" if code == "B" else "I" for name, code in events.STRUCTURE}


class Teller(ModuleType):
    """The observer's interface; its events are those put into `waiting`, as (thread, events) pairs."""

    def __init__(self) -> None:
        super().__init__("teller")
        self.waiting: list[tuple[int, list[Told]]] = []
        self._names = [""]
        self._sites: list[tuple[str, int]] = [("", 0)]
        self._sent = (1, 1)
        self._done: dict[int, int] = {}

    def operations(self, on: bool) -> None:
        pass

    def draws(self, n: int) -> None:
        pass

    def drawn(self) -> list[Any]:
        return []

    def position(self) -> int:
        return self._done.get(0, 0)

    def _name(self, text: str) -> int:
        if text not in self._names:
            self._names.append(text)
        return self._names.index(text)

    def _site(self, place: tuple[str, int]) -> int:
        if place not in self._sites:
            self._sites.append(place)
        return self._sites.index(place)

    def drain(self) -> list[tuple[Any, ...]]:
        rows = []
        for thread, told in self.waiting:
            columns = {
                "kind": [events.KINDS.index(kind) for kind, *_ in told],
                "phase": [2] * len(told),
                "flags": [0] * len(told),
                "name": [self._name(name) for _, name, *_ in told],
                "site": [self._site(("train.py", line)) for *_, line in told],
                "module": [self._name(f"layer.{line}") for *_, line in told],
                "node": [0] * len(told),
            }
            packed = [struct.pack(f"<{len(told)}{_PACKED[name]}", *columns[name]) for name in columns]
            digests = struct.pack(f"<{len(told)}Q", *(digest for _, _, digest, _ in told))
            start = self._done.get(thread, 0)
            self._done[thread] = start + len(told)
            rows.append((thread, start, len(told), *packed, digests, None, None, None, None))
        self.waiting.clear()
        return rows

    def tables(self) -> tuple[list[tuple[int, str]], list[tuple[int, str, int, str]]]:
        names, sites = self._sent
        self._sent = (len(self._names), len(self._sites))
        return (
            [(i, self._names[i]) for i in range(names, len(self._names))],
            [(i, *self._sites[i], "<module>") for i in range(sites, len(self._sites))],
        )


Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """``write(steps, flushes=...)``: a run of these events, each step flushed in as many pieces."""
    monkeypatch.setenv("SAMEBITS_PROCESS", "")
    made: list[Path] = []

    def writing(steps: Sequence[Sequence[Told]], *, pieces: Sequence[int] = (1,)) -> Path:
        monkeypatch.setenv("SAMEBITS_PROCESS", "")
        folder = tmp_path / f"run-{len(made)}"
        folder.mkdir()
        made.append(folder)
        session, teller = Session(Plan(str(folder), level="op")), Teller()
        session.begin(teller, {"torch": "2"})
        for number, told in enumerate(steps):
            count = pieces[number % len(pieces)]
            size = -(-len(told) // count) or 1
            for at in range(0, len(told), size):
                teller.waiting.append((0, list(told[at : at + size])))
                if at + size < len(told):
                    session.flush()
            session.advance()
        session.end("finished")
        info = {"format": "samebits.run", "version": 1, "status": "finished", "records": inventory(folder)}
        (folder / "run.json").write_text(json.dumps(info), encoding="utf-8")
        return folder

    return writing
