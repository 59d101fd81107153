"""Compiled by inductor: where an operation stays a call, ours answers; the bits repeat on one thread and two.

Decompositions take some operations apart before any kernel is called (`APART`), and
what inductor makes of them is deterministic by torch's own flag.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest
import torch

from samebits.observe import observer
from samebits.ops.case import Case
from samebits.ops.cases import CASES

from .contract import installed, parted, results, same_bits, threads

#: Operations that inductor takes apart: none of their calls is left to answer.
APART = {"interpolate bilinear"}
CHOSEN = {
    *APART,
    "index_put, table[index]",
    "interpolate bilinear, antialias",
    "adaptive_avg_pool 2d",
    "adaptive_max_pool 2d",
    "adaptive_max_pool 3d",
    "grid_sample 2d, bilinear, zeros",
    "scatter_reduce, sum",
    "pad 2d, replicate",
}

pytestmark = [
    pytest.mark.skipif(observer.compiler() is None, reason="needs a C++ compiler"),
    pytest.mark.skipif(" " in sys.prefix, reason="torch's own compiler breaks where its path has a space"),
    pytest.mark.filterwarnings("ignore"),  # of inductor, about itself
    pytest.mark.usefixtures("inductor", "generators_restored", "flag"),
]


@pytest.fixture(scope="module")
def inductor() -> None:
    """At its first use it sets variables and lengthens the path."""
    path = list(sys.path)
    torch.compile(lambda x: x.cos())(torch.zeros(3))
    sys.path[:] = path


@pytest.fixture
def flag() -> Iterator[None]:
    """torch's own switch, and nothing compiled before or kept after."""
    before = torch.are_deterministic_algorithms_enabled()
    torch.compiler.reset()
    torch.use_deterministic_algorithms(True)
    yield
    torch.use_deterministic_algorithms(before)
    torch.compiler.reset()


def test_the_names_are_cases() -> None:
    assert {case.name for case in CASES} >= CHOSEN


@pytest.mark.parametrize("case", [case for case in CASES if case.name in CHOSEN], ids=lambda case: case.name)
def test_compiled(case: Case) -> None:
    task = parted(case, torch.float32, "cpu")
    compiled = type(task)(torch.compile(task.call, fullgraph=True), task.inputs)
    with installed(case.schemas, "cpu") as counted:
        eager = results(case, task)
        counted.answers.clear()
        first = results(case, compiled)
        answered = counted.answers.total()
        for count in (1, 2):
            with threads(count):
                for _ in range(5):
                    assert same_bits(results(case, compiled), first), f"differs on {count} threads"
    assert bool(answered) is (case.name not in APART)
    for mine, theirs in zip(first, eager, strict=True):
        torch.testing.assert_close(mine, theirs)
    if answered:
        assert same_bits(first[-1:], eager[-1:])
