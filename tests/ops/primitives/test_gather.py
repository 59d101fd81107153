"""Tap gathers: the definition to the bit, whatever the layout, the blocks and the way taps are read."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from samebits._runtime import triton_launch
from samebits.ops.primitives import gather as gathering
from samebits.ops.primitives import reading
from samebits.ops.primitives.exact import accumulated
from samebits.ops.primitives.gather import chain, gather
from samebits.ops.primitives.taps import Taps, of, transposed

DTYPES = [torch.float64, torch.float32, torch.bfloat16, torch.float16]


@pytest.fixture(autouse=True, scope="module")
def eager() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(triton_launch, "triton_for", lambda tensor: False)
        yield


def normal(*shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(0))


def matrix(map_: Taps) -> Tensor:
    """(rows, source), float64."""
    dense = torch.zeros(map_.rows, map_.source, dtype=torch.float64)
    for row, count in enumerate(map_.count):
        for k in range(count):
            weight = 1.0 if map_.weight is None else map_.weight[row, k]
            dense[row, map_.index[row, k]] += weight / map_.divisor
    return dense


def defined(x: Tensor, map_: Taps) -> Tensor:
    """(outer, source, inner) -> (outer, rows, inner): the sentence of the module, element by element."""
    work = {torch.float64: np.float64}.get(x.dtype, np.float32)
    values = x.to(accumulated(x.dtype)).numpy()
    made = np.zeros((x.shape[0], map_.rows, x.shape[2]), work)
    for row, count in enumerate(map_.count):
        for k in range(count):
            term = values[:, map_.index[row, k]]
            if map_.weight is not None:
                term = term * work(map_.weight[row, k])
            made[:, row] = term if k == 0 else made[:, row] + term
    return torch.from_numpy(made / work(map_.divisor))


def random_map(seed: int, rows: int, source: int, width: int, weighted: bool, divisor: int = 1) -> Taps:
    draw = np.random.default_rng(seed)
    index = np.where(draw.random((rows, width)) < 0.4, -1, draw.integers(0, source, (rows, width)))
    return of(index, draw.normal(size=index.shape) if weighted else None, source=source, divisor=divisor)


def window(rows: int, step: int, width: int, weighted: bool) -> Taps:
    """A map whose taps advance evenly: it is read as views."""
    index = np.arange(rows)[:, None] * step + np.arange(width)
    weight = np.random.default_rng(rows).normal(size=index.shape) if weighted else None
    return of(index, weight, source=(rows - 1) * step + width)


def same(a: Tensor, b: Tensor) -> bool:
    """Bitwise, NaN being NaN and -0.0 not being 0.0."""
    nan = a.isnan() & b.isnan()
    return bool((nan | ((a == b) & (a.signbit() == b.signbit()))).all())


maps = st.builds(
    random_map,
    st.integers(0, 2**31),
    st.integers(1, 17),
    st.integers(1, 17),
    st.integers(1, 4),
    st.booleans(),
    st.sampled_from([1, 3]),
) | st.builds(window, st.integers(1, 17), st.integers(0, 3), st.integers(1, 4), st.booleans())


@settings(max_examples=50, deadline=None)
@given(maps, st.integers(1, 3), st.sampled_from([1, 2, 7]), st.sampled_from(DTYPES))
def test_bits_are_those_of_the_definition(map_: Taps, outer: int, inner: int, dtype: torch.dtype) -> None:
    x = normal(outer, map_.source, inner).to(dtype)
    assert same(gather(x, 1, map_), defined(x, map_))


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**31), st.integers(1, 13), st.integers(1, 13), st.integers(1, 4), st.booleans())
def test_transposed_is_the_transpose(seed: int, rows: int, source: int, width: int, weighted: bool) -> None:
    draw = np.random.default_rng(seed)
    index = draw.integers(-1, source, (rows, width))
    weight = draw.normal(size=index.shape) if weighted else None
    there, back = of(index, weight, source=source), transposed(index, weight, source=source)
    assert torch.allclose(matrix(there).T, matrix(back), rtol=1e-15, atol=0)
    assert (back.rows, back.source) == (source, rows)


def test_both_ways_of_reading_are_reached() -> None:
    device = torch.device("cpu"), torch.float32
    for step in reading.plan(window(40, 2, 3, True), 8, *device):
        assert not isinstance(step, reading.Rows)
        assert len(step) == 1
    assert all(
        isinstance(step, reading.Rows) for step in reading.plan(random_map(0, 40, 40, 3, True), 2, *device)
    )


@pytest.mark.parametrize("views", [0, 100])
@pytest.mark.parametrize("inner", [1, 3])
def test_both_ways_give_the_same_bits(views: int, inner: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "VIEWS", {1 << 62: views})
    for map_ in (random_map(1, 20, 9, 3, True), random_map(2, 20, 9, 3, False), window(9, 2, 3, True)):
        x = normal(2, map_.source, inner)
        assert same(gather(x, 1, map_), defined(x, map_))


@pytest.mark.parametrize(
    "map_", [window(40, 2, 3, False), random_map(0, 40, 40, 4, True)], ids=["views", "copied"]
)
@pytest.mark.parametrize("inner", [1, 5])
def test_taps_that_are_not_there_are_not_read(map_: Taps, inner: int) -> None:
    map_ = transposed(map_.index[:30, :2], None, source=map_.source + 3)
    x = normal(2, map_.source, inner)
    for value in (torch.inf, torch.nan):
        spoiled = x.clone()
        spoiled[:, 7] = value
        reached = (matrix(map_)[:, 7] != 0)[None, :, None].expand(2, map_.rows, inner)
        made = gather(spoiled, 1, map_)
        assert same(made[reached], torch.full_like(made[reached], value))
        assert same(made[~reached], gather(x, 1, map_)[~reached])


@pytest.mark.parametrize("inner", [1, 3])
def test_negative_zero_is_kept_where_taps_are_ragged(inner: int) -> None:
    map_ = random_map(3, 40, 20, 3, True)
    assert map_.count.min() == 0 < map_.count.max()
    made = gather(torch.zeros(1, 20, inner), 1, map_)
    assert same(made, defined(torch.zeros(1, 20, inner), map_))
    assert bool(made.signbit().any())
    assert not bool(made[:, map_.count == 0].signbit().any())


def test_weights_on_one_element_are_joined_and_taps_of_weight_one_are_not() -> None:
    index = [[0, 0, 1]]
    joined, apart = of(index, [[0.25, 0.5, 0.0]], source=2), of(index, source=2, divisor=4)
    assert joined.count.tolist() == [1]
    assert apart.count.tolist() == [3]
    x = torch.tensor([8.0, torch.inf])
    assert gather(x, 0, joined).tolist() == [6.0]  # a tap of weight 0 is no tap
    assert gather(torch.tensor([8.0, 4.0]), 0, apart).tolist() == [5.0]


def test_the_divisor_divides() -> None:
    x = torch.tensor([[1.0, 2.0, 4.0]])
    assert same(gather(x, 1, of([[0, 1, 2]], source=3, divisor=3)), torch.tensor([[7.0]]) / 3)


@pytest.mark.parametrize("shape", [(6, 5, 8, 9), (2, 3, 4, 8, 9)])
@pytest.mark.parametrize("dtype", DTYPES)
def test_bits_do_not_depend_on_layout_blocks_or_the_order_of_passes(
    shape: tuple[int, ...], dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    x = normal(*shape).to(dtype)
    passes = [(-1, random_map(0, 4, 9, 3, True)), (-2, window(3, 2, 4, True))]
    expected = chain(x, passes)
    assert expected.is_contiguous()
    last = torch.channels_last if len(shape) == 4 else torch.channels_last_3d
    others = [
        chain(x, passes[::-1]),
        chain(x.contiguous(memory_format=last), passes),
        chain(x.transpose(0, 1).contiguous().transpose(0, 1), passes),
        torch.cat([chain(part, passes) for part in x.split(1)]),
    ]
    assert others[1].is_contiguous(memory_format=last)
    for name, size in {"BLOCK": 100, "SMALL": 100, "NARROW": 2}.items():
        monkeypatch.setattr(gathering, name, size)
    others += [
        chain(x, passes),
        chain(x.contiguous(memory_format=last), passes),
        chain(x, passes, dtype).to(expected.dtype),
    ]
    expected_rounded = expected.to(dtype).to(expected.dtype)
    assert same(others.pop(), expected_rounded)
    assert all(same(expected, other) for other in others)


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_result_is_rounded_once(dtype: torch.dtype) -> None:
    x, map_ = normal(3, 9, 2).to(dtype), random_map(0, 5, 9, 3, True)
    wide = gather(x, 1, map_)
    assert wide.dtype == accumulated(dtype)
    assert same(gather(x, 1, map_, dtype), wide.to(dtype))


def test_an_identity_gives_a_copy() -> None:
    x = normal(4, 3)
    made = gather(x, 1, of([[0], [1], [2]], [[1.0], [1.0], [1.0]], source=3))
    assert torch.equal(x, made)
    assert made.data_ptr() != x.data_ptr()
    assert not of([[0], [1], [2]], source=3, divisor=2).identity
    assert not of([[0], [2], [1]], source=3).identity


@pytest.mark.parametrize("shape", [(0, 3, 4), (2, 3, 0), (0, 3, 0)])
def test_empty_tensors(shape: tuple[int, ...]) -> None:
    assert gather(normal(*shape), 1, of([[0, 2]], source=3)).shape == (shape[0], 1, shape[2])


def test_rows_without_any_tap_are_zero() -> None:
    assert gather(torch.full((2, 3), torch.nan), 1, of([[-1], [-1]], source=3)).tolist() == [[0, 0], [0, 0]]
