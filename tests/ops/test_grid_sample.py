"""`grid_sample`'s backward: against PyTorch's, against the order of points, and at the edges."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import product
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from samebits.determinism.overrides import InstalledOverrides
from samebits.model.operators import OPERATIONS
from samebits.ops import grid_sample
from samebits.ops.primitives.sampling import BICUBIC, BILINEAR, BORDER, NEAREST, REFLECTION, ZEROS

ROWS = [row for row in OPERATIONS if row.file == "grid_sample" and "cudnn" not in row.schema]
few = settings(max_examples=30, deadline=None)

NATIVE = {
    2: torch.ops.aten.grid_sampler_2d_backward.default,
    3: torch.ops.aten.grid_sampler_3d_backward.default,
}
OURS = {2: grid_sample.grid_sampler_2d_backward, 3: grid_sample.grid_sampler_3d_backward}
MODES = [(d, mode) for d in (2, 3) for mode in (BILINEAR, NEAREST, BICUBIC) if (d, mode) != (3, BICUBIC)]
PADDINGS = (ZEROS, BORDER, REFLECTION)


def arguments(
    seed: int, n: int, c: int, size: tuple[int, ...], points: tuple[int, ...], dtype: torch.dtype
) -> tuple[Tensor, Tensor, Tensor]:
    """grad_output, input and a grid that leaves the image on all sides."""
    generator = torch.Generator().manual_seed(seed)

    def normal(*shape: int) -> Tensor:
        return torch.randn(shape, generator=generator, dtype=torch.float64)

    grid = torch.rand((n, *points, len(size)), generator=generator, dtype=torch.float64) * 3 - 1.5
    return normal(n, c, *points).to(dtype), normal(n, c, *size).to(dtype), grid.to(dtype)


def both(d: int, given: tuple[Tensor, Tensor, Tensor], *how: Any) -> Iterator[tuple[Tensor, Tensor]]:
    return zip(OURS[d](*given, *how), NATIVE[d](*given, *how), strict=True)


@few
@given(
    seed=st.integers(0, 1000),
    mode=st.sampled_from(MODES),
    padding=st.sampled_from(PADDINGS),
    align=st.booleans(),
    n=st.integers(0, 3),
    c=st.sampled_from([0, 1, 3, 7, 8, 9, 17]),
    size=st.tuples(*[st.sampled_from([1, 2, 5, 7])] * 3),
    points=st.tuples(*[st.sampled_from([0, 1, 3, 11])] * 3),
)
def test_values_are_pytorchs(
    seed: int,
    mode: tuple[int, int],
    padding: int,
    align: bool,
    n: int,
    c: int,
    size: tuple[int, ...],
    points: tuple[int, ...],
) -> None:
    d, interpolation = mode
    given_ = arguments(seed, n, c, size[-d:], points[-d:], torch.float64)
    for ours, native in both(d, given_, interpolation, padding, align, [True, True]):
        assert ours.shape == native.shape
        assert ours.stride() == native.stride()
        torch.testing.assert_close(ours, native, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(("d", "mode"), MODES)
@pytest.mark.parametrize("padding", PADDINGS)
@pytest.mark.parametrize("align", [False, True])
def test_error_is_at_most_twice_pytorchs(d: int, mode: int, padding: int, align: bool) -> None:
    exact = arguments(1, 2, 19, (6, 11, 17)[-d:], (2, 19, 21)[-d:], torch.float32)
    how = (mode, padding, align, [True, True])
    # The places themselves are rounded to float32 by both; a reference of float64 places would see only that.
    truth = NATIVE[d](*(x.double() for x in exact), *how)
    for (ours, native), true in zip(both(d, exact, *how), truth, strict=True):
        worst = (native - true).abs().max()
        assert (ours - true).abs().max() <= 2 * worst + 1e-6 * true.abs().max() * 0.5


def test_what_an_image_has_in_common_cancels_before_it_is_rounded() -> None:
    g, x, grid = arguments(2, 1, 16, (9, 9), (20, 20), torch.float32)
    grid = grid * 0.5
    plain = OURS[2](g, x, grid, BILINEAR, ZEROS, False, [False, True])[1]
    raised = OURS[2](g, x + 1024, grid, BILINEAR, ZEROS, False, [False, True])[1]
    # An image of 1024 and more is rounded to 2**-13.
    assert (plain - raised).abs().max() < 9 * 16 * 2.0**-13


@pytest.mark.parametrize(("d", "mode"), MODES)
@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64])
def test_the_order_of_the_points_does_not_matter(d: int, mode: int, dtype: torch.dtype) -> None:
    """Many points share few pixels; permuted points leave `grad_input` as it is, to the bit."""
    points = (1, 1, 500)[-d:]
    g, x, grid = arguments(3, 2, 9, (2, 3, 2)[-d:], points, dtype)
    order = torch.randperm(500, generator=torch.Generator().manual_seed(0))
    how = (mode, BORDER, False, [True, True])
    once = OURS[d](g, x, grid, *how)
    again = OURS[d](g[..., order], x, grid[..., order, :], *how)
    assert torch.equal(once[0], again[0])
    assert torch.equal(once[1][..., order, :], again[1])


def test_pytorchs_own_depends_on_the_order() -> None:
    """The property above could fail."""
    g, x, grid = arguments(3, 2, 9, (2, 3), (1, 500), torch.float32)
    order = torch.randperm(500, generator=torch.Generator().manual_seed(0))
    how = (BILINEAR, BORDER, False, [True, True])
    assert not torch.equal(
        NATIVE[2](g, x, grid, *how)[0], NATIVE[2](g[..., order], x, grid[..., order, :], *how)[0]
    )


@pytest.mark.parametrize(("d", "mode"), MODES)
def test_threads_and_parts_do_not_show(monkeypatch: pytest.MonkeyPatch, d: int, mode: int) -> None:
    given_ = arguments(4, 3, 19, (5, 13, 12)[-d:], (2, 20, 30)[-d:], torch.float32)
    how = (mode, ZEROS, False, [True, True])
    before = torch.get_num_threads()
    results = []
    try:
        for threads, work, cells in (
            (1, 1 << 18, 1 << 20),
            (2, 1 << 18, 1 << 20),
            (2, 1 << 12, 1),
            (1, 1, 1 << 14),
        ):
            torch.set_num_threads(threads)
            monkeypatch.setattr(grid_sample, "WORK", work)
            monkeypatch.setattr(grid_sample, "CELLS", cells)
            results.append(OURS[d](*given_, *how))
    finally:
        torch.set_num_threads(before)
    for result in results[1:]:
        assert all(torch.equal(x, y) for x, y in zip(results[0], result, strict=True))


@pytest.mark.parametrize(("d", "mode"), MODES)
@pytest.mark.parametrize("padding", PADDINGS)
def test_places_that_are_no_numbers_or_far_away(d: int, mode: int, padding: int) -> None:
    g, x, grid = arguments(5, 1, 2, (3, 4, 5)[-d:], (1, 1, 7)[-d:], torch.float32)
    strange = torch.tensor([math.nan, math.inf, -math.inf, 1e20, -1e20, 4e9, 0.1])
    grid[..., 0] = strange
    ours = OURS[d](g, x, grid, mode, padding, True, [True, True])
    if mode == BICUBIC:
        native = NATIVE[d](g, x, grid, mode, padding, True, [True, True])
        assert all(torch.equal(a.isnan(), b.isnan()) for a, b in zip(ours, native, strict=True))
        known = ~native[0].isnan()
        torch.testing.assert_close(ours[0][known], native[0][known])
        return
    assert all(bool(result.isfinite().all()) for result in ours)
    sent = g[..., 0, :].sum((0, 1)).flatten() if d == 2 else g[0, :, 0, 0].sum(0)
    kept = {ZEROS: [6], BORDER: [1, 2, 3, 4, 5, 6], REFLECTION: [3, 4, 5, 6]}[padding]
    if padding != ZEROS:
        inside = grid.clone()[..., kept, :].clamp(-1, 1)
        if padding == BORDER:
            expected = NATIVE[d](g[..., kept].contiguous(), x, inside, mode, padding, True, [True, True])
            torch.testing.assert_close(ours[0], expected[0])
        torch.testing.assert_close(ours[0].sum(), sent[kept].sum())
    nowhere = [at for at in range(7) if at not in kept]
    assert not ours[1][..., nowhere, :].any()


def test_infinite_gradients_reach_their_taps_alone() -> None:
    g, x, grid = arguments(6, 1, 1, (4, 4), (1, 3), torch.float32)
    grid[0, 0] = torch.tensor(
        [[-1.0, -1.0], [0.3, 0.2], [1.0, 1.0]]
    )  # the first lies on the corner, all taps but one outside
    g[0, 0, 0, 0] = math.inf
    ours, native = (f(g, x, grid, BILINEAR, ZEROS, False, [True, True]) for f in (OURS[2], NATIVE[2]))
    torch.testing.assert_close(ours[0], native[0], equal_nan=True)
    assert ours[0].isinf().sum() == 1
    assert not ours[1].isnan().any()


@pytest.mark.parametrize(("d", "mode"), MODES)
def test_memory_formats(d: int, mode: int) -> None:
    g, x, grid = arguments(7, 2, 5, (4, 6, 7)[-d:], (3, 8, 5)[-d:], torch.float32)
    last = torch.channels_last if d == 2 else torch.channels_last_3d
    how = (mode, REFLECTION, True, [True, True])
    plain = OURS[d](g, x, grid, *how)
    strided = grid.transpose(1, -2).contiguous().transpose(1, -2)
    for given_ in (
        (g, x.contiguous(memory_format=last), grid),
        (g.contiguous(memory_format=last), x, grid),
        (g, x, strided),
        (g[:, :, :1].expand_as(g), x, grid),
    ):
        expected = plain if given_[0].stride(2) else OURS[d](given_[0].contiguous(), x, grid, *how)
        native = NATIVE[d](*given_, *how)
        for a, b, c in zip(OURS[d](*given_, *how), expected, native, strict=True):
            assert torch.equal(a, b)
            assert a.stride() == c.stride()


@pytest.mark.parametrize("wanted", list(product([False, True], repeat=2)))
def test_the_mask_of_outputs_is_honoured(wanted: tuple[bool, bool]) -> None:
    given_ = arguments(8, 1, 3, (4, 5), (6, 2), torch.float64)
    whole = OURS[2](*given_, BILINEAR, ZEROS, False, [True, True])
    for want, part, full in zip(wanted, OURS[2](*given_, BILINEAR, ZEROS, False, wanted), whole, strict=True):
        assert (part is not None) is want
        assert part is None or torch.equal(part, full)


def test_cudnns_is_bilinear_with_aligned_corners() -> None:
    g, x, grid = arguments(9, 2, 3, (5, 6), (4, 7), torch.float32)
    ours = grid_sample.cudnn_grid_sampler_backward(x, grid, g)
    assert all(
        torch.equal(a, b)
        for a, b in zip(ours, OURS[2](g, x, grid, BILINEAR, ZEROS, True, [True, True]), strict=True)
    )


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_small_types_are_computed_in_float32_and_rounded_once(dtype: torch.dtype) -> None:
    given_ = arguments(10, 2, 9, (5, 6), (40, 7), dtype)
    how = (BILINEAR, BORDER, False, [True, True])
    wide = OURS[2](*(x.float() for x in given_), *how)
    for a, b in zip(OURS[2](*given_, *how), wide, strict=True):
        assert torch.equal(a, b.to(dtype))


@pytest.mark.parametrize("mode", ["bilinear", "nearest", "bicubic"])
@pytest.mark.parametrize("padding", ["zeros", "border", "reflection"])
def test_derivatives_through_unmodified_calls(mode: str, padding: str) -> None:
    _, x, grid = arguments(11, 1, 2, (4, 3), (2, 3), torch.float64)
    x.requires_grad_()
    grid.requires_grad_(mode != "nearest")
    with InstalledOverrides(ROWS, "cpu"):
        assert torch.autograd.gradcheck(
            lambda x, grid: F.grid_sample(x, grid, mode=mode, padding_mode=padding, align_corners=False),
            (x, grid),
        )
        for wanted in (x,) if mode == "nearest" else (x, grid):
            (one,) = torch.autograd.grad(F.grid_sample(x, grid, mode=mode, align_corners=False).sum(), wanted)
            assert one.shape == wanted.shape


def test_wrong_arguments_raise_pytorchs_error() -> None:
    g, x, grid = arguments(12, 1, 2, (4, 3), (2, 3), torch.float32)
    wrong: list[tuple[Tensor, Tensor, Tensor]] = [
        (g, x, grid[..., :1]),
        (g, x[0], grid),
        (g, x, grid.expand(2, -1, -1, -1)),
    ]
    for given_ in wrong:
        assert OURS[2](*given_, BILINEAR, ZEROS, False, [True, True]) is NotImplemented
        with pytest.raises(RuntimeError) as native:
            NATIVE[2](*given_, BILINEAR, ZEROS, False, [True, True])
        with InstalledOverrides(ROWS, "cpu"), pytest.raises(RuntimeError) as ours:
            NATIVE[2](*given_, BILINEAR, ZEROS, False, [True, True])
        assert str(ours.value).splitlines()[0] == str(native.value).splitlines()[0]
    assert (
        OURS[3](*arguments(0, 1, 1, (2, 2, 2), (2, 2, 2), torch.float32), BICUBIC, ZEROS, False, [True] * 2)
        is NotImplemented
    )
