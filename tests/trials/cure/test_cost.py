"""What a remedy costs: told only where runs with it and without it do not overlap."""

from __future__ import annotations

from samebits.trials.cure.cost import cost, noise


def test_a_step_that_takes_longer_in_every_pair_is_told() -> None:
    found = cost([[1.0] * 9, [1.02] * 9], [[1.2] * 9, [1.22] * 9])
    assert found is not None
    assert found.told
    assert (round(found.low, 3), round(found.high, 3)) == (0.176, 0.22)
    assert str(found) == "+19.8% a step (+17.6% to +22.0%)"


def test_runs_that_differ_among_themselves_as_much_say_nothing() -> None:
    found = cost([[1.0] * 9, [1.3] * 9], [[1.1] * 9, [1.2] * 9])
    assert found is not None
    assert not found.told
    assert str(found) == "inconclusive (-15.4% to +20.0%)"


def test_one_slow_step_is_no_cost() -> None:
    found = cost([[1.0] * 9], [[1.0] * 8 + [50.0]])
    assert found is not None
    assert (found.change, found.told) == (0.0, False)


def test_few_steps_say_nothing_at_all() -> None:
    assert cost([[1.0] * 7], [[1.0] * 9]) is None
    assert cost([], [[1.0] * 9]) is None


def test_runs_that_agree_by_chance_are_not_surer_than_the_others() -> None:
    pairs = [[1.0] * 9, [1.001] * 9], [[1.1] * 9, [1.101] * 9]
    between = noise([*pairs, [[1.0] * 9, [1.2] * 9], [[1.0] * 9], [[1.0] * 2, [9.0] * 2]])
    assert round(between, 3) == 0.2
    alone, among = cost(*pairs), cost(*pairs, between)
    assert alone is not None
    assert among is not None
    assert (alone.told, among.told) == (True, False)
    assert noise([]) == 0.0
