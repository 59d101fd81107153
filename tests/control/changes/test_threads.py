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
        ({"OMP_NUM_THREADS": "x"}, None),
        ({}, None),
    ],
)
def test_there_are_half_as_many_and_of_one_two(given: dict[str, str], expected: str | None) -> None:
    cores = os.cpu_count() or 1
    expected = expected or str(cores // 2 if cores > 1 else 2)
    assert changes.environment(["threads"], given) == {
        "OMP_NUM_THREADS": expected,
        "MKL_NUM_THREADS": expected,
    }


def test_one_is_one() -> None:
    assert changes.environment(["one-thread"], {"OMP_NUM_THREADS": "8"})["OMP_NUM_THREADS"] == "1"
