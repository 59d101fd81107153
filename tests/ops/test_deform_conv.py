"""Backward of deform_conv2d, against autograd of a forward of reads between pixels and one product."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from samebits._runtime import triton_launch
from samebits.ops import deform_conv
from samebits.ops.deform_conv import _deform_conv2d_backward


@pytest.fixture(autouse=True, scope="module")
def eager() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(triton_launch, "triton_for", lambda tensor: False)
        yield


class Task(NamedTuple):
    """The arguments of a backward."""

    grad: Tensor
    input: Tensor
    weight: Tensor
    offset: Tensor
    mask: Tensor
    bias: Tensor
    stride: tuple[int, int] = (1, 1)
    pad: tuple[int, int] = (0, 0)
    dilation: tuple[int, int] = (1, 1)
    groups: int = 1
    offset_groups: int = 1
    masked: bool = True

    def ours(self) -> Any:
        return _deform_conv2d_backward(
            *self[:6], *self.stride, *self.pad, *self.dilation, self.groups, self.offset_groups, self.masked
        )

    def to(self, dtype: torch.dtype) -> Task:
        return Task(*(each.to(dtype) for each in self[:6]), *self[6:])


def task(
    shape: tuple[int, int, int, int] = (2, 4, 7, 6),
    kernel: tuple[int, int] = (3, 2),
    out: int = 2,
    stride: tuple[int, int] = (1, 1),
    pad: tuple[int, int] = (1, 1),
    dilation: tuple[int, int] = (1, 1),
    groups: int = 1,
    offset_groups: int = 1,
    masked: bool = True,
    seed: int = 0,
) -> Task:
    generator = torch.Generator().manual_seed(seed)

    def noise(*sizes: int) -> Tensor:
        return torch.randn(sizes, generator=generator, dtype=torch.float64)

    images, channels, *size = shape
    pixels = [
        (n + 2 * p - d * (k - 1) - 1) // s + 1
        for n, p, d, k, s in zip(size, pad, dilation, kernel, stride, strict=True)
    ]
    taps = kernel[0] * kernel[1] * offset_groups
    return Task(
        noise(images, out * groups, *pixels),
        noise(*shape),
        noise(out * groups, channels // groups, *kernel),
        noise(images, 2 * taps, *pixels) * 1.5,
        noise(images, taps, *pixels) if masked else torch.zeros((images, 1), dtype=torch.float64),
        noise(out * groups),
        stride, pad, dilation, groups, offset_groups, masked,
    )  # fmt: skip


def read(input: Tensor, y: Tensor, x: Tensor) -> Tensor:
    """`input` (B, C, H, W) at points (B, P), zero outside: (B, C, P)."""
    height, width = input.shape[2:]
    top, left = y.detach().floor(), x.detach().floor()
    total = torch.zeros((*input.shape[:2], y.shape[1]), dtype=input.dtype)
    inside = (y > -1) & (y < height) & (x > -1) & (x < width)
    for down in (0, 1):
        for right in (0, 1):
            row, column = top + down, left + right
            there = inside & (row >= 0) & (row < height) & (column >= 0) & (column < width)
            place = torch.where(there, row * width + column, 0).long()
            share = (1 - (y - row).abs()) * (1 - (x - column).abs()) * there
            value = input.flatten(2).gather(2, place[:, None].expand(-1, input.shape[1], -1))
            total = total + share[:, None] * value
    return total


def forward(task: Task, input: Tensor, weight: Tensor, offset: Tensor, mask: Tensor, bias: Tensor) -> Tensor:
    images, channels, *_ = input.shape
    tall, wide = weight.shape[2:]
    rows, columns = task.grad.shape[2:]
    each = channels // task.offset_groups
    reads = []
    for group in range(task.offset_groups):
        mine = input[:, group * each : (group + 1) * each]
        for i in range(tall):
            for j in range(wide):
                tap = (group * tall + i) * wide + j
                y = torch.arange(rows)[:, None] * task.stride[0] - task.pad[0] + i * task.dilation[0]
                x = torch.arange(columns) * task.stride[1] - task.pad[1] + j * task.dilation[1]
                value = read(
                    mine, (offset[:, 2 * tap] + y).flatten(1), (offset[:, 2 * tap + 1] + x).flatten(1)
                )
                reads.append(value * mask[:, tap].flatten(1)[:, None] if task.masked else value)
    sampled = torch.stack(reads).view(task.offset_groups, tall * wide, images, each, rows * columns)
    sampled = sampled.permute(2, 0, 3, 1, 4).reshape(images, task.groups, -1, rows * columns)
    product = weight.view(task.groups, weight.shape[0] // task.groups, -1) @ sampled
    return product.view(images, weight.shape[0], rows, columns) + bias[:, None, None]


def expected(task: Task) -> list[Tensor]:
    """Autograd's gradients, in float64."""
    leaves = [each.double().clone().requires_grad_() for each in task[1:6]]
    result = forward(task, *leaves)
    gradients = torch.autograd.grad(result, leaves, task.grad.double(), allow_unused=True)
    return [
        torch.zeros_like(leaf) if each is None else each for each, leaf in zip(gradients, leaves, strict=True)
    ]


pairs = st.tuples(st.integers(1, 2), st.integers(1, 2))


@settings(max_examples=40, deadline=None)
@given(
    st.tuples(st.integers(1, 3), st.just(4), st.sampled_from([3, 5]), st.sampled_from([3, 7])),
    st.tuples(st.integers(1, 3), st.integers(1, 3)),
    pairs,
    st.tuples(st.integers(0, 2), st.integers(0, 2)),
    st.tuples(st.sampled_from([1, 2, 4]), st.sampled_from([1, 2, 4])),
    st.booleans(),
    st.integers(0, 1000),
)
def test_is_the_forward_s_gradient(
    shape: tuple[int, int, int, int],
    kernel: tuple[int, int],
    stride: tuple[int, int],
    pad: tuple[int, int],
    groups: tuple[int, int],
    masked: bool,
    seed: int,
) -> None:
    made = task(shape, kernel, 2, stride, pad, (1, 1), *groups, masked, seed)
    for mine, wanted in zip(made.ours(), expected(made), strict=True):
        torch.testing.assert_close(mine, wanted, rtol=1e-11, atol=1e-11)


def test_dilation() -> None:
    made = task((2, 2, 9, 8), (2, 3), dilation=(3, 2))
    for mine, wanted in zip(made.ours(), expected(made), strict=True):
        torch.testing.assert_close(mine, wanted, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
def test_low_precision_is_rounded_once(dtype: torch.dtype) -> None:
    made = task((2, 8, 9, 8), out=3)
    made = made._replace(offset=(made.offset * 8).round() / 8 + 1 / 16).to(dtype)
    for mine, wanted in zip(made.ours(), expected(made), strict=True):
        assert mine.dtype == dtype
        largest = float(wanted.abs().max())
        assert (mine.double() - wanted).abs().max() <= (torch.finfo(dtype).eps + 1e-6) * largest


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_images_at_once_do_not_show_in_the_input_and_its_points(
    monkeypatch: pytest.MonkeyPatch, dtype: torch.dtype
) -> None:
    made = task((5, 8, 9, 8), out=3, offset_groups=2).to(dtype)
    together = made.ours()
    order = torch.tensor([3, 1, 4, 0, 2])
    moved = [each[order] for each in (made.grad, made.input)]
    shuffled = made._replace(
        grad=moved[0], input=moved[1], offset=made.offset[order], mask=made.mask[order]
    ).ours()
    for name, mine in (("bias", 4), ("input", 0), ("offset", 2), ("mask", 3)):
        assert torch.equal(shuffled[mine], together[mine] if name == "bias" else together[mine][order]), name
    monkeypatch.setattr(deform_conv, "_COLUMNS", 1)
    assert torch.equal(made.ours()[0], together[0])


def test_no_share_of_infinity_reaches_a_corner_beside_it() -> None:
    made = task((1, 1, 5, 5), (1, 1), 1, pad=(0, 0))
    offset, grad = torch.zeros_like(made.offset), made.grad.clone()
    grad[0, 0, 2, 2] = math.inf
    by_input = made._replace(offset=offset, grad=grad).ours()[0]
    assert by_input.isinf().sum() == 1
    assert by_input.isfinite().sum() == 24


def test_point_on_the_edge_still_has_a_slope() -> None:
    """A pixel outside, on the row before the first: nothing is read, but moving it down would."""
    made = task((1, 1, 3, 3), (1, 1), 1, pad=(0, 0), masked=False)
    offset = torch.zeros_like(made.offset)
    offset[0, 0, 0, 1] = -1
    result = made._replace(offset=offset).ours()
    wanted = made.grad[0, 0, 0, 1] * made.weight.flatten()[0] * made.input[0, 0, 0, 1]
    torch.testing.assert_close(result[2][0, 0, 0, 1], wanted)


@pytest.mark.parametrize("special", [math.nan, math.inf, -math.inf])
def test_points_nowhere_give_nothing(special: float) -> None:
    made = task((1, 2, 4, 4), (1, 1), 2, pad=(0, 0))
    offset = made.offset.clone()
    offset[0, :, 1, 1] = special
    without = made.grad.clone()
    without[0, :, 1, 1] = 0
    results = made._replace(offset=offset).ours(), made._replace(grad=without).ours()
    for mine, wanted in zip(results[0][:4], results[1][:4], strict=True):
        torch.testing.assert_close(mine, wanted)


def test_layouts() -> None:
    made = task((2, 4, 7, 6)).to(torch.float32)
    last = [each.to(memory_format=torch.channels_last) for each in made[:5]]
    for mine, wanted in zip(Task(*last, *made[5:]).ours(), made.ours(), strict=True):
        assert mine.is_contiguous()
        torch.testing.assert_close(mine, wanted)


def test_native_answers_what_it_would_refuse() -> None:
    made = task()
    assert made.to(torch.bfloat16).ours() is NotImplemented
    assert made._replace(weight=made.weight.float()).ours() is NotImplemented
    assert made._replace(offset=made.offset[:, 1:]).ours() is NotImplemented
    assert made._replace(mask=made.mask[:, 1:]).ours() is NotImplemented
    assert made._replace(groups=3).ours() is NotImplemented
    assert made._replace(grad=made.grad[:1]).ours() is NotImplemented
    assert made._replace(grad=made.grad[:0], input=made.input[:0]).ours() is NotImplemented
