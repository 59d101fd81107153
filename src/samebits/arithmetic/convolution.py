"""Convolutions and their derivatives: products over windows, in the order of (channel, place in the kernel).

A place outside the input is a zero there, as in a padded input.  What a derivative's stride skips is not in
its chain.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any, Final, NamedTuple

import torch
from torch import Tensor

from samebits.arithmetic import core
from samebits.arithmetic.rows import Defined
from samebits.arithmetic.windows import Convolution, Window, three

Result = Any

_LAST: Final = {4: torch.channels_last, 5: torch.channels_last_3d}


class _Image(NamedTuple):
    """A tensor (images, channels, ...) in three dimensions: sizes and strides."""

    shape: tuple[int, ...]
    strides: tuple[int, ...]

    @classmethod
    def of(cls, tensor: Tensor) -> _Image:
        missing = 5 - tensor.dim()
        shape, strides = tensor.shape, tensor.stride()
        return cls((*shape[:2], *(1,) * missing, *shape[2:]), (*strides[:2], *(0,) * missing, *strides[2:]))


def convolution(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    transposed: bool,
    output_padding: Sequence[int],
    groups: int,
) -> Result:
    """Of (images, channels, ...) with (outputs, channels / groups, ...): P over (channel, kernel), + bias."""
    if not _is_ours(input, weight, bias, stride, padding, dilation, transposed, output_padding, groups):
        return NotImplemented
    dimensions = weight.dim() - 2
    if transposed:
        size = _transposed_size(input, weight, stride, padding, dilation, output_padding)
        shape = (input.shape[0], weight.shape[1] * groups, *size)
    else:
        size = tuple(input.shape[2:])
        shape = (input.shape[0], weight.shape[0])
    geometry = _geometry(tuple(size), tuple(weight.shape[2:]), tuple(stride), tuple(padding), tuple(dilation))
    if not transposed:
        shape = (*shape, *geometry.results()[3 - dimensions :])
    out = _empty(shape, input, weight)
    if out.numel() == 0:
        return out
    if transposed:
        _input_gradient(out, input, weight, bias, geometry, groups)
    else:
        rows = weight.reshape(groups, weight.shape[0] // groups, -1).contiguous()
        _convolve(out, input, rows, bias, geometry.window(), groups)
    return out


def convolution_backward(
    grad_output: Tensor,
    input: Tensor,
    weight: Tensor,
    bias_sizes: Sequence[int] | None,
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    transposed: bool,
    output_padding: Sequence[int],
    groups: int,
    output_mask: Sequence[bool],
) -> Result:
    """The derivatives with respect to input, weight and bias, as far as `output_mask` asks for them."""
    if not _is_ours(input, weight, None, stride, padding, dilation, transposed, output_padding, groups):
        return NotImplemented
    if grad_output.dtype is not input.dtype or grad_output.dim() != input.dim():
        return NotImplemented
    # A transposed convolution is the derivative of one whose input is its output.
    wide, narrow = (grad_output, input) if transposed else (input, grad_output)
    geometry = _geometry(
        tuple(wide.shape[2:]), tuple(weight.shape[2:]), tuple(stride), tuple(padding), tuple(dilation)
    )
    if tuple(grad_output.shape) != _shape_of_result(input, weight, geometry, transposed, groups, grad_output):
        return NotImplemented
    # With enough output padding the wide side has places that no position of the narrow one covers.
    places = three(tuple(narrow.shape[2:]), 1, narrow.dim() - 2)
    window = replace(geometry.window(), places=places)
    to_input = to_weight = to_bias = None
    if output_mask[0]:
        to_input = _empty(tuple(input.shape), input, weight)
        if to_input.numel() == 0:
            pass
        elif grad_output.numel() == 0:
            to_input.zero_()
        elif transposed:
            rows = weight.reshape(groups, weight.shape[0] // groups, -1).contiguous()
            _convolve(to_input, grad_output, rows, None, window, groups)
        else:
            _input_gradient(to_input, grad_output, weight, None, geometry, groups)
    if output_mask[1]:
        to_weight = torch.empty(weight.shape, dtype=weight.dtype, device=weight.device)
        if narrow.numel() == 0 or wide.numel() == 0:
            to_weight.zero_()
        else:
            _correlate(to_weight, narrow, wide, window, groups)
        if (last := _LAST.get(weight.dim())) is not None and _is_last(weight):
            to_weight = to_weight.contiguous(memory_format=last)
    if output_mask[2]:
        to_bias = grad_output.sum((0, *range(2, grad_output.dim())))
    return to_input, to_weight, to_bias


def _is_ours(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    transposed: bool,
    output_padding: Sequence[int],
    groups: int,
) -> bool:
    """Whether there is a result; of arguments that cannot be meant torch says what is wrong."""
    n = weight.dim() - 2
    if input.dtype not in core.DTYPES or weight.dtype is not input.dtype or not 1 <= n <= 3:
        return False
    if input.dim() != weight.dim() or groups < 1 or weight.shape[0] % groups or 0 in weight.shape:
        return False
    every = [
        values if len(values) == n else values * n
        for values in map(tuple, (stride, padding, dilation, output_padding))
    ]
    if any(len(values) != n for values in every):
        return False
    steps, zeros, apart, more = every
    if min(steps) < 1 or min(zeros) < 0 or min(apart) < 1 or min(more) < 0:
        return False
    outputs = weight.shape[1] * groups if transposed else weight.shape[0]
    if input.shape[1] != (weight.shape[0] if transposed else weight.shape[1] * groups):
        return False
    if bias is not None and (bias.shape != (outputs,) or bias.dtype is not input.dtype):
        return False
    if transposed:
        return all(m < max(s, a) for m, s, a in zip(more, steps, apart, strict=True))
    reach = [a * (k - 1) + 1 for a, k in zip(apart, weight.shape[2:], strict=True)]
    return all(size + 2 * z >= r for size, z, r in zip(input.shape[2:], zeros, reach, strict=True))


def _shape_of_result(
    input: Tensor, weight: Tensor, geometry: Convolution, transposed: bool, groups: int, given: Tensor
) -> tuple[int, ...]:
    """What a gradient of the result must have; the sizes of a transposed one are the geometry's own."""
    if transposed:
        return (input.shape[0], weight.shape[1] * groups, *given.shape[2:])
    return (input.shape[0], weight.shape[0], *geometry.results()[5 - input.dim() :])


def _is_last(tensor: Tensor) -> bool:
    return tensor.is_contiguous(memory_format=_LAST[tensor.dim()]) and not tensor.is_contiguous()


def _empty(shape: tuple[int, ...], input: Tensor, weight: Tensor) -> Tensor:
    """Laid out as torch does it: with the channels last if the input or the weight is."""
    last = _LAST.get(len(shape))
    wanted = last is not None and (_is_last(input) or _is_last(weight))
    layout = last if wanted and last is not None else torch.contiguous_format
    return torch.empty(shape, dtype=input.dtype, device=input.device, memory_format=layout)


def _transposed_size(
    input: Tensor,
    weight: Tensor,
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    output_padding: Sequence[int],
) -> tuple[int, ...]:
    given = [
        (*values,) * (weight.dim() - 2 if len(values) == 1 else 1)
        for values in (stride, padding, dilation, output_padding)
    ]
    return tuple(
        (size - 1) * s - 2 * p + d * (kernel - 1) + more + 1
        for size, kernel, s, p, d, more in zip(input.shape[2:], weight.shape[2:], *given, strict=True)
    )


@lru_cache(1024)
def _geometry(
    size: tuple[int, ...],
    kernel: tuple[int, ...],
    stride: tuple[int, ...],
    padding: tuple[int, ...],
    dilation: tuple[int, ...],
) -> Convolution:
    n = len(size)
    return Convolution(
        three(size, 1, n),
        three(kernel, 1, n),
        three(stride, 1, n),
        three(padding, 0, n),
        three(dilation, 1, n),
    )


def _input_gradient(
    out: Tensor, gradient: Tensor, weight: Tensor, bias: Tensor | None, geometry: Convolution, groups: int
) -> None:
    outputs, channels = weight.shape[0] // groups, weight.shape[1]
    # (groups, channels, outputs, kernel): a row for each channel of the input.
    turned = weight.reshape(groups, outputs, channels, *geometry.kernel).transpose(1, 2)
    for part, window in geometry.derivatives():
        rows = turned[(..., *part)].reshape(groups, channels, -1).contiguous()
        _convolve(out, gradient, rows, bias, window, groups)


def _convolve(
    out: Tensor, source: Tensor, rows: Tensor, bias: Tensor | None, window: Window, groups: int
) -> None:
    """`out` at the window's positions: rows (groups, m, channels * taps) with what the window covers."""
    bias = None if bias is None else bias.contiguous()
    if not out.is_cpu:
        from samebits.arithmetic._triton import products as on_cuda

        on_cuda.convolve(out, source, rows, bias, window, groups)
        return
    dtype = core.DTYPES[out.dtype]
    numbers = _convolve_numbers(_Image.of(source), _Image.of(out), tuple(rows.shape), window, groups, dtype)
    core.check(
        core.bound("sb_convolve", "pppppi")(
            rows.data_ptr(),
            source.data_ptr(),
            out.data_ptr(),
            None if bias is None else bias.data_ptr(),
            numbers,
            core.threads(),
        )
    )


@lru_cache(1024)
def _convolve_numbers(
    source: _Image, out: _Image, rows: tuple[int, ...], window: Window, groups: int, dtype: int
) -> Any:
    _, m, k = rows
    channels = source.shape[1] // groups
    return _array(
        *(groups, m, k, m * k, channels * source.strides[1], m * out.strides[1], m, out.strides[1]),
        *(dtype, dtype, dtype),
        *_window_numbers(source, channels, out, window, dtype),
    )


def _correlate(out: Tensor, narrow: Tensor, wide: Tensor, window: Window, groups: int) -> None:
    """`out` (m, channels / groups, kernel): each channel of `narrow` with what it met of `wide`."""
    if not out.is_cpu:
        from samebits.arithmetic._triton import products as on_cuda

        on_cuda.correlate(out, narrow, wide, window, groups)
        return
    dtype = core.DTYPES[out.dtype]
    numbers = _correlate_numbers(_Image.of(narrow), _Image.of(wide), window, groups, dtype)
    core.check(
        core.bound("sb_correlate", "ppppi")(
            narrow.data_ptr(), wide.data_ptr(), out.data_ptr(), numbers, core.threads()
        )
    )


@lru_cache(1024)
def _correlate_numbers(narrow: _Image, wide: _Image, window: Window, groups: int, dtype: int) -> Any:
    m, channels = narrow.shape[1] // groups, wide.shape[1] // groups
    return _array(
        *(groups, m, narrow.strides[1], m * narrow.strides[1], channels * wide.strides[1]),
        *(dtype, dtype),
        *_window_numbers(wide, channels, narrow, window, dtype),
    )


def _window_numbers(
    source: _Image, channels: int, out: _Image, window: Window, dtype: int
) -> tuple[int, ...]:
    """In the order of native/products.h."""
    at = sum(start * stride for start, stride in zip(window.starts, out.strides[2:], strict=True))
    apart = (stride * every for stride, every in zip(out.strides[2:], window.apart, strict=True))
    return (
        *(dtype, source.shape[0], channels, *source.shape[2:], *source.strides),
        *(*window.low, *window.padded(), *window.step, *window.places),
        *(len(window.taps), out.strides[0], at, *apart),
        *(number for tap in window.taps for number in tap),
    )


def _array(*numbers: int) -> Any:
    return (ctypes.c_int64 * len(numbers))(*numbers)


ROWS: Final = (
    Defined(
        "aten::convolution",
        convolution,
        "P over (channel, kernel), + bias",
        ("aten::convolution.out",),
        may_ask_others=True,
    ),
    Defined(
        "aten::convolution_backward",
        convolution_backward,
        "P over (output, kernel); P over positions; S",
        ("aten::convolution_backward.out",),
        may_ask_others=True,
    ),
)
