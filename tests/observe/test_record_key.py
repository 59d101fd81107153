"""The key of a process, which is the same in every run."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from samebits.observe.record_key import PROCESS, RecordKey


@pytest.fixture(autouse=True)
def no_parent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PROCESS, "")
    monkeypatch.delenv("RANK", raising=False)


def test_a_name_comes_from_the_rank_or_from_the_parent(monkeypatch: pytest.MonkeyPatch) -> None:
    assert RecordKey().name == "main"
    monkeypatch.setenv("RANK", "3")
    assert ((ranked := RecordKey()).name, ranked.rank, ranked.is_child) == ("rank3", 3, False)
    monkeypatch.setenv(PROCESS, "rank3")
    assert RecordKey().name == "rank3/child"
    monkeypatch.setenv(PROCESS, "main")
    monkeypatch.setenv("RANK", "no number")
    assert ((child := RecordKey()).name, child.rank, child.is_child) == ("main/child", 0, True)
    monkeypatch.setattr("multiprocessing.current_process", lambda: SimpleNamespace(name="Process-2"))
    monkeypatch.setattr("multiprocessing.process.current_process", lambda: SimpleNamespace(name="Process-2"))
    assert not child.text
    assert ((named := RecordKey()).name, named.is_named) == ("main/Process-2", True)


def test_children_of_one_name_are_numbered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PROCESS, "main")
    chosen = []
    for _ in range(2):
        key = RecordKey()
        key.choose(tmp_path).touch()
        chosen.append((key.text, key.is_named))
    assert chosen == [("main/child", False), ("main/child#2", False)]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["main~child#2.db", "main~child.db"]


def test_a_forked_child_has_the_number_that_its_parent_counted(tmp_path: Path) -> None:
    key = RecordKey()
    key.choose(tmp_path)
    key.before_fork()
    key.before_fork()
    key.after_fork()  # as the second child runs it
    assert (key.text, key.name) == ("", "main/child")
    key.choose(tmp_path)
    assert key.text == "main/child#2"
