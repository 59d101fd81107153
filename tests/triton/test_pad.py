"""Folding in Triton under its interpreter: the bits of plain torch."""

from __future__ import annotations

import pytest
import torch

from samebits._runtime import triton_launch
from samebits.ops import pad

DTYPES = [torch.float16, torch.float32, torch.float64, torch.complex64]


def gradient(shape: list[int], dtype: torch.dtype) -> torch.Tensor:
    wide = torch.complex128 if dtype.is_complex else torch.float64
    return torch.randn(shape, generator=torch.Generator().manual_seed(0), dtype=wide).to(dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("kind", "sizes", "padding"),
    [
        ("reflection", [17], [3, 5]),
        ("reflection", [1], [0, 0]),
        ("reflection", [5], [4, -2]),
        ("reflection", [5, 6, 7], [6, 2, 1, 5, 4, 3]),
        ("reflection", [2, 3, 4], [-1, 3, 0, 0, 1, -1]),
        ("replication", [9], [0, 31]),
        ("replication", [1], [2, 3]),
        ("replication", [4], [40, 33]),
        ("replication", [5, 7], [1, 2, 3, 0]),
        ("replication", [1, 1], [1, 2, 3, 4]),
        ("replication", [3, 4, 5], [2, 1, -1, 3, 0, 2]),
    ],
)
def test_bits_are_those_of_plain_torch(
    kind: str, sizes: list[int], padding: list[int], dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    x = torch.empty([2, 3, *sizes], dtype=dtype)
    padded = [n + padding[2 * i] + padding[2 * i + 1] for i, n in enumerate(reversed(sizes))]
    grad = gradient([2, 3, *reversed(padded)], dtype)
    backward = getattr(pad, f"{kind}_pad{len(sizes)}d_backward")
    found = backward(grad, x, padding)
    monkeypatch.setattr(triton_launch, "triton_for", lambda tensor: False)
    wanted = backward(grad, x, padding)
    assert found.stride() == wanted.stride()
    assert torch.equal(found, wanted)


def test_channels_last(monkeypatch: pytest.MonkeyPatch) -> None:
    x = torch.empty([2, 3, 4, 5]).contiguous(memory_format=torch.channels_last)
    grad = gradient([2, 3, 7, 6], torch.float32)
    found = pad.replication_pad2d_backward(grad, x, [0, 1, 2, 1])
    monkeypatch.setattr(triton_launch, "triton_for", lambda tensor: False)
    wanted = pad.replication_pad2d_backward(grad, x, [0, 1, 2, 1])
    assert torch.equal(found, wanted)
    assert found.stride() == wanted.stride()
