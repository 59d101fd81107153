"""The portable arithmetic's kernels compile for GPUs, and round as they are written.

No multiplication is fused with an addition but where a kernel says so; nothing is approximate, or flushed.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
import torch

import samebits.arithmetic._triton
from samebits.arithmetic.terms import Term
from samebits.arithmetic.windows import Convolution

from .targets import compile_for, faults, kernels

KERNELS = kernels(samebits.arithmetic._triton)
#: Of the elementwise kernel's functions a few where the others are left to the deep form.
SOME = (
    "exp",
    "log1p",
    "tanh",
    "gelu",
    "gelu_backward",
    "sigmoid_backward",
    "addcdiv",
    "add",
    "pow",
    "sin",
    "rsqrt",
)
DTYPES = (torch.float32, torch.float64, torch.bfloat16)


def elementwise(names: list[str]) -> None:
    from samebits.arithmetic._triton import elementwise

    from .test_arithmetic_elementwise import OPERATIONS

    for dtype in DTYPES[:2]:
        for name in names:
            a = torch.ones(64, dtype=dtype)
            elementwise.run(name, a, (a,) * OPERATIONS[name], (0.5, 0.7, 2.0))


def others() -> None:
    from samebits.arithmetic import sums
    from samebits.arithmetic._triton import norms, products, scans, softmax
    from samebits.arithmetic._triton import sums as on_cuda

    window = Convolution((1, 8, 8), (1, 3, 3), (1, 1, 1), (0, 1, 1), (1, 1, 1)).window()
    for dtype in DTYPES:
        for n in (1, 40, 2000):
            a, b, out = (torch.empty(shape, dtype=dtype) for shape in ((n, 30), (30, n), (n, n)))
            products.matrices(a, b, out, out, 0.5, 2.0)
            products.matrices(a, b, out, None, 1.0, 1.0)
        x, y, weight = (
            torch.empty(shape, dtype=dtype) for shape in ((2, 3, 8, 8), (2, 4, 8, 8), (4, 3, 3, 3))
        )
        products.convolve(y, x, weight.view(1, 4, 27), None, window, 1)
        products.correlate(weight, y, x, window, 1)
    for dtype in DTYPES[:2]:
        x, few = torch.ones(3, 300, dtype=dtype), torch.ones(3, dtype=dtype)
        for term in (one for one in Term if one is not Term.STANDARD):
            given: dict[str, Any] = {
                "y": x if term in (Term.PRODUCTS, Term.COVARIANCE) else None,
                "m": few if term in (Term.DEVIATIONS, Term.COVARIANCE) else None,
            }
            on_cuda.total(term, x, sums.plan((3, 300), (300, 1), (1,)), **given)
            on_cuda.total(term, x, sums.plan((3, 30), (30, 1), (1,)), divisor=3.0, root=True, **given)
        for kind in range(3):
            scans.scan(kind, x, x, 0)
            scans.scan(kind, x, x, 1)
        softmax.softmax(x, 1)
        softmax.log_softmax(x, 1)
        softmax.softmax_backward(x, x, 1)
        softmax.log_softmax_backward(x, x, 1)
        row, channel = torch.ones(300, dtype=dtype), torch.ones(4, dtype=dtype)
        for given_weight, given_bias in ((None, None), (row, None), (row, row), (None, row)):
            norms.layer_norm(x, given_weight, given_bias, 1e-5, 3, 300)
        norms.layer_norm_backward(x, x, few, few, row, 3, 300)
        x = torch.ones(2, 4, 9, dtype=dtype)
        norms.group_norm_backward(x, x, channel, channel, channel, 2, 4, 9, 2)
        norms.batch_norm_backward(x, x, channel, channel, channel, channel, channel, True, 1e-5, 2, 4, 9)
        norms.batch_norm_backward(x, x, None, None, channel, channel, channel, False, 1e-5, 2, 4, 9)
        norms.batch_norm(x, channel, channel, channel, channel, True, 0.1, 1e-5, 2, 4, 9)


@pytest.fixture(
    scope="module",
    params=[("80", False), pytest.param(("90", True), marks=pytest.mark.deep)],
    ids=["sm 80", "sm 90, all functions"],
)
def compiled(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    from .launches import Launches
    from .test_arithmetic_elementwise import EXACT, OPERATIONS

    target, all_of_them = request.param
    with Launches() as noted:
        elementwise([name for name in OPERATIONS if name not in EXACT and (all_of_them or name in SOME)])
        others()
    launches = sorted(noted.found)
    assert {(one["module"], one["kernel"]) for one in map(json.loads, launches)} == KERNELS
    lines = compile_for((target, "each"), launches, tmp_path_factory.mktemp("compiled"))
    assert len(lines) == len(launches)
    return lines


def test_kernels_compile_and_round_as_they_are_written(compiled: list[str]) -> None:
    assert faults(compiled) == {}
