"""What a run held at each step, from what has changed."""

from __future__ import annotations

from .histories import history, loaded, saved


def test_values_are_there_until_they_change_or_go() -> None:
    one, two = ("counter", "a"), ("generator", "torch")
    run = history([{one: "=1", two: "x"}, {one: "=1", two: "y"}, {two: "y"}, {one: "=3", two: "y"}])
    assert [run.value(one, step) for step in range(4)] == ["=1", "=1", None, "=3"]
    assert run.at(2) == {two: "y"}
    assert run.changed(two, 0, 1)
    assert not run.changed(two, 1, 3)
    assert run.values(one) == ["=1", "=3"]
    assert run.taken == [0, 1, 2, 3]


def test_losses_and_checkpoints_by_step() -> None:
    run = history([{}, {}], ["aa", "bb"], checkpoints=[(0, loaded("d")), (1, saved("e"))])
    assert run.losses == {0: ("aa",), 1: ("bb",)}
    assert [fact.step for fact in run.saves()] == [1]
    assert [fact.detail.digest for fact in run.loads()] == ["d"]
    assert run.final == {}  # it was killed
