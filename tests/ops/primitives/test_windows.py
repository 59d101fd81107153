"""Pooling windows: none that holds an input is missed, and every way to a sum gives the same bits."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from samebits.ops import adaptive_pool, pool
from samebits.ops.primitives import windows
from samebits.ops.primitives.gather import gather


@given(st.integers(1, 3), st.integers(1, 9), st.integers(1, 60), st.integers(0, 2**31))
@settings(max_examples=25, deadline=None)
def test_rounds_give_the_bits_of_one_thread_in_order(lanes: int, bins: int, count: int, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    index = torch.randint(-1, bins, (lanes, count), generator=generator)
    terms = torch.randn(lanes, count, generator=generator)
    ordered, rounds = torch.zeros(lanes, bins + 1), torch.zeros(lanes, bins)
    windows._in_order(ordered, torch.where(index < 0, bins, index), terms)
    windows._in_rounds(rounds, index, terms)
    ordered = ordered[:, :bins]
    assert torch.equal(ordered, rounds)


@pytest.mark.parametrize(
    ("inputs", "kernel", "stride", "padding"), [(11, 3, 2, 1), (12, 2, 2, 0), (9, 2, 4, 0), (8, 2, 1, 1)]
)
def test_sums_made_once_are_the_gathered_ones(inputs: int, kernel: int, stride: int, padding: int) -> None:
    one = pool._spread(inputs, kernel, stride, padding, False, True)
    assert one.rows is not None
    x = torch.randn(3, one.taps.source, 5, generator=torch.Generator().manual_seed(0))
    assert torch.equal(windows._selected(x, 1, one, None), gather(x, 1, one.taps))


def reached(plan: windows.Windows, i: int) -> range:
    first, last = ((plan.factor * i + shift) // plan.divisor for shift in (plan.low, plan.high))
    return range(max(first, 0), min(last, plan.outputs - 1) + 1)


@given(st.integers(1, 30), st.integers(1, 5), st.integers(1, 5), st.integers(0, 2), st.integers(1, 3))
def test_no_window_that_holds_an_input_is_missed(
    inputs: int, kernel: int, stride: int, padding: int, dilation: int
) -> None:
    reach = (kernel - 1) * dilation + 1
    outputs = (inputs + 2 * padding - reach) // stride + 1
    assume(outputs > 0)
    plan = windows.strided(inputs, outputs, reach, stride, padding)
    for i in range(inputs):
        starts = [o * stride - padding for o in range(outputs)]
        holding = [o for o, start in enumerate(starts) if start <= i < start + reach]
        assert list(reached(plan, i)) == holding
        assert len(holding) <= plan.most


@given(
    st.integers(1, 4), st.integers(1, 40), st.integers(0, 3000), st.floats(0, 1, exclude_max=True, width=32)
)
@settings(max_examples=200)
def test_no_fractional_window_that_holds_an_input_is_missed(
    kernel: int, outputs: int, more: int, sample: float
) -> None:
    inputs = outputs + kernel - 1 + more
    plan = windows.fractional(inputs, outputs, kernel)
    step = np.float32(inputs - kernel) / np.float32(max(outputs - 1, 1))
    u = np.float32(sample)
    for o in range(outputs):  # the forward's arithmetic, in the precision it has on CUDA
        start = int((np.float32(o) + u) * step) - int(u * step)
        if o == outputs - 1:
            start = inputs - kernel
        for i in range(start, min(start + kernel, inputs)):
            assert o in reached(plan, i)
            assert len(reached(plan, i)) <= plan.most


@given(st.integers(1, 60), st.integers(1, 60))
def test_no_adaptive_window_that_holds_an_input_is_missed(inputs: int, outputs: int) -> None:
    plan = adaptive_pool.adaptive(inputs, outputs)
    for i in range(inputs):
        holding = [o for o in range(outputs) if o * inputs // outputs <= i < -(-(o + 1) * inputs // outputs)]
        assert list(reached(plan, i)) == holding
        assert len(holding) <= plan.most
