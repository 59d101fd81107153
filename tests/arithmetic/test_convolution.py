"""Convolutions: the reference's bits in every tier, layout and number of threads; torch's numbers nearly."""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

import pytest
import torch
from tests.arithmetic.bits import THREADS, same_bits, threads
from tests.arithmetic.replaced import replaced
from torch import Tensor

from samebits.arithmetic import convolution as ours
from samebits.arithmetic import core
from samebits.arithmetic.reference import convolution as reference


class Case(NamedTuple):
    """Images, channels, outputs, sizes, kernel, stride, padding, dilation, groups."""

    images: int
    channels: int
    outputs: int
    size: tuple[int, ...]
    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[int, ...]
    dilation: tuple[int, ...]
    groups: int = 1

    @property
    def how(self) -> tuple[Any, ...]:
        zeros = (0,) * len(self.size)
        return self.stride, self.padding, self.dilation, False, zeros, self.groups

    def tensors(self, dtype: torch.dtype = torch.float32) -> tuple[Tensor, Tensor, Tensor]:
        generator = torch.Generator().manual_seed(3)
        shapes = (
            (self.images, self.channels, *self.size),
            (self.outputs, self.channels // self.groups, *self.kernel),
            (self.outputs,),
        )
        a, b, c = (torch.randn(s, generator=generator, dtype=torch.float64).to(dtype) for s in shapes)
        return a, b, c


CASES = {
    "plain": Case(2, 3, 4, (7, 9), (3, 3), (1, 1), (1, 1), (1, 1)),
    "strided groups": Case(2, 4, 6, (8, 9), (3, 2), (2, 2), (1, 0), (1, 2), 2),
    "two chunks": Case(3, 30, 5, (5, 5), (3, 3), (2, 1), (2, 1), (1, 1)),
    "depthwise": Case(1, 4, 4, (9, 8), (3, 3), (2, 3), (1, 2), (1, 1), 4),
    "depthwise, more channels than lanes": Case(3, 19, 19, (7, 9), (3, 3), (2, 1), (1, 1), (1, 1), 19),
    "depthwise, two chunks of positions": Case(20, 18, 18, (4, 5), (3, 2), (1, 1), (1, 1), (1, 2), 18),
    "one dimension": Case(2, 3, 5, (11,), (4,), (3,), (2,), (1,)),
    "three dimensions": Case(2, 2, 3, (4, 5, 6), (2, 3, 2), (1, 2, 2), (1, 0, 1), (1, 1, 2)),
    "one by one, strided": Case(2, 6, 17, (6, 6), (1, 1), (2, 2), (0, 0), (1, 1)),
    "one by one": Case(3, 20, 33, (5, 7), (1, 1), (1, 1), (0, 0), (1, 1)),
    "more zeros than image": Case(2, 3, 4, (5, 5), (5, 5), (1, 1), (3, 3), (1, 1)),
    "one place": Case(20, 3, 33, (3, 3), (3, 3), (1, 1), (0, 0), (1, 1)),
    "a stride larger than the kernel": Case(2, 3, 4, (17, 5), (3, 3), (4, 4), (0, 1), (1, 1)),
}


@cache
def _expected(case: Case) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The output without a bias, a gradient of it, and the two derivatives."""
    x, w, _ = case.tensors()
    how = (case.stride, case.padding, case.dilation, case.groups)
    y = torch.from_numpy(reference.convolution(x.numpy(), w.numpy(), *how))
    g = torch.randn(y.shape, generator=torch.Generator().manual_seed(4))
    to_x = torch.from_numpy(reference.to_input(g.numpy(), w.numpy(), tuple(x.shape), *how))
    to_w = torch.from_numpy(reference.to_weight(g.numpy(), x.numpy(), tuple(w.shape), *how))
    return y, g, to_x, to_w


def _last(x: Tensor) -> Tensor:
    formats = {4: torch.channels_last, 5: torch.channels_last_3d}
    return x.contiguous(memory_format=formats.get(x.dim(), torch.contiguous_format))


@pytest.mark.parametrize("name", CASES)
def test_every_tier_layout_and_number_of_threads_has_the_references_bits(name: str) -> None:
    case = CASES[name]
    x, w, b = case.tensors()
    y, g, to_x, to_w = _expected(case)
    whole = y + b.reshape(1, -1, *(1,) * len(case.size))
    for tier in core.tiers():
        for laid in (torch.Tensor.contiguous, _last):
            for number in THREADS:
                with core.using(tier), threads(number):
                    same_bits(ours.convolution(laid(x), w, b, *case.how), whole)
                    found = ours.convolution_backward(
                        laid(g), laid(x), w, None, *case.how, (True, True, False)
                    )
                    same_bits(found[0], to_x)
                    same_bits(found[1], to_w)


@pytest.mark.parametrize("name", CASES)
def test_the_reference_computes_convolutions(name: str) -> None:
    case = CASES[name]
    x, w, _ = case.tensors()
    y, g, to_x, to_w = (one.double() for one in _expected(case))
    torch.testing.assert_close(
        torch.ops.aten.convolution(x.double(), w.double(), None, *case.how), y, atol=1e-4, rtol=0
    )
    found = torch.ops.aten.convolution_backward(
        g, x.double(), w.double(), None, *case.how, (True, True, False)
    )
    torch.testing.assert_close(found[0], to_x, atol=1e-4, rtol=0)
    torch.testing.assert_close(found[1], to_w, atol=1e-4, rtol=0)


@pytest.mark.parametrize("name", CASES)
def test_a_transposed_convolution_is_a_derivative(name: str) -> None:
    case = CASES[name]
    x, w, _ = case.tensors()
    y, g, to_x, to_w = _expected(case)
    n = len(case.size)
    more = [
        (case.size[d] + 2 * case.padding[d] - case.dilation[d] * (case.kernel[d] - 1) - 1) % case.stride[d]
        for d in range(n)
    ]
    how = (case.stride, case.padding, case.dilation, True, more, case.groups)
    same_bits(ours.convolution(g, w, None, *how), to_x)
    found = ours.convolution_backward(x, g, w, None, *how, (True, True, False))
    same_bits(found[0], y)
    same_bits(found[1], to_w)


@pytest.mark.parametrize("dimensions", [1, 2, 3])
def test_more_output_padding_than_stride(dimensions: int) -> None:
    """torch allows it where the dilation is larger: places of the output that nothing covers."""
    generator = torch.Generator().manual_seed(3)
    x = torch.randn(2, 2, *(4,) * dimensions, generator=generator, dtype=torch.float64, requires_grad=True)
    w = torch.randn(2, 2, *(3,) * dimensions, generator=generator, dtype=torch.float64, requires_grad=True)
    transposed = [torch.conv_transpose1d, torch.conv_transpose2d, torch.conv_transpose3d][dimensions - 1]
    with replaced(ours.ROWS):
        assert torch.autograd.gradcheck(
            lambda x, w: transposed(x, w, stride=2, output_padding=3, dilation=4), (x, w), fast_mode=True
        )


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16, torch.bfloat16])
def test_other_types(dtype: torch.dtype) -> None:
    """Half numbers are computed in float32 and rounded once, also in the bias' sum."""
    for name in ("strided groups", "depthwise, more channels than lanes"):
        case = CASES[name]
        x, w, b = case.tensors(dtype)
        wide = dtype if dtype is torch.float64 else torch.float32
        how = (case.stride, case.padding, case.dilation, case.groups)
        y = torch.from_numpy(reference.convolution(x.to(wide).numpy(), w.to(wide).numpy(), *how))
        whole = (y + b.to(wide).reshape(1, -1, 1, 1)).to(dtype)
        for tier in core.tiers():
            with core.using(tier):
                same_bits(ours.convolution(x, w, b, *case.how), whole)
                same_bits(ours.convolution(_last(x), w, b, *case.how), whole)


def test_an_image_does_not_depend_on_the_images_beside_it() -> None:
    case = Case(9, 20, 33, (11, 13), (3, 3), (1, 1), (1, 1), (1, 1))
    x, w, b = case.tensors()
    whole = ours.convolution(x, w, b, *case.how)
    same_bits(ours.convolution(x[4:5], w, b, *case.how), whole[4:5])
    same_bits(ours.convolution(x[2:8], w[5:6], b[5:6], *case.how), whole[2:8, 5:6])


def test_a_layout_is_torchs() -> None:
    case = CASES["plain"]
    x, w, b = case.tensors()
    for laid in (x, _last(x)):
        native = torch.ops.aten.convolution(laid, w, b, *case.how)
        assert ours.convolution(laid, w, b, *case.how).stride() == native.stride()


@pytest.mark.parametrize("name", ["plain", "strided groups", "one dimension", "three dimensions"])
def test_gradients_are_those_of_differences(name: str) -> None:
    case = CASES[name]
    x, w, b = (one.requires_grad_() for one in case.tensors(torch.float64))
    with replaced(ours.ROWS):
        assert torch.autograd.gradcheck(
            lambda x, w, b: torch.ops.aten.convolution(x, w, b, *case.how), (x, w, b), fast_mode=True
        )


def test_nothing_to_compute() -> None:
    x, w = torch.ones(0, 3, 5, 5), torch.ones(4, 3, 3, 3)
    with replaced(ours.ROWS):
        assert torch.nn.functional.conv2d(x, w).shape == (0, 4, 3, 3)
        x.requires_grad_()
        w.requires_grad_()
        torch.nn.functional.conv2d(x, w).sum().backward()
    assert x.grad is not None
    assert w.grad is not None
    assert x.grad.shape == x.shape
    assert not w.grad.any()
