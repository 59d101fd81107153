"""The number of threads, as OpenMP reads it."""

from __future__ import annotations

import os

import pytest

from samebits.control import changes


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"OMP_NUM_THREADS": "4"}, "2"),
        ({"OMP_NUM_THREADS": "1"}, "2"),
    ],
)
def test_there_are_half_as_many_and_of_one_two(given: dict[str, str], expected: str) -> None:
    assert changes.environment(["threads"], given) == {
        "OMP_NUM_THREADS": expected,
        "MKL_NUM_THREADS": expected,
    }


@pytest.mark.parametrize("processors", range(1, 65))
@pytest.mark.parametrize("given", [{}, {"OMP_NUM_THREADS": "x"}])
def test_where_none_are_given_it_is_no_number_that_torch_may_choose(
    processors: int, given: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: processors)
    found = int(changes.environment(["threads"], given)["OMP_NUM_THREADS"])
    assert found >= 1
    assert found != processors
    assert found != processors / 2 or processors == 2  # of two there is no other


def test_one_is_one() -> None:
    assert changes.environment(["one-thread"], {"OMP_NUM_THREADS": "8"})["OMP_NUM_THREADS"] == "1"
