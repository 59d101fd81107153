"""The kernel of the CTC loss's backward gives the bits of the plain one."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from samebits._runtime import triton_launch
from samebits.ops import ctc


def _arguments(dtype: torch.dtype) -> tuple[object, ...]:
    draw = torch.Generator().manual_seed(3)
    log_probs = torch.randn(9, 3, 4, generator=draw, dtype=dtype).log_softmax(-1)
    targets = torch.randint(1, 4, (3, 3), generator=draw)
    lengths = [9, 6, 7], [3, 0, 2]
    loss, alpha = torch.ops.aten._ctc_loss(log_probs, targets, *lengths)
    return torch.rand(3, generator=draw, dtype=dtype), log_probs, targets, *lengths, loss, alpha, 0


def _plain(arguments: tuple[object, ...], monkeypatch: pytest.MonkeyPatch) -> Tensor:
    with monkeypatch.context() as patched:
        patched.setattr(triton_launch, "triton_for", lambda _: False)
        return ctc._ctc_loss_backward(*arguments)  # type: ignore[arg-type]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_kernel_gives_the_plain_bits(dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch) -> None:
    arguments = _arguments(dtype)
    expected = _plain(arguments, monkeypatch)
    assert torch.equal(ctc._ctc_loss_backward(*arguments), expected)  # type: ignore[arg-type]
    assert expected.count_nonzero() > 0


def test_times_may_be_done_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    arguments = _arguments(torch.float32)
    expected = _plain(arguments, monkeypatch)
    monkeypatch.setattr(ctc, "CHUNK", {"cpu": 81, "cuda": 81})
    assert torch.equal(ctc._ctc_loss_backward(*arguments), expected)  # type: ignore[arg-type]


def test_a_row_longer_than_a_block_is_done_in_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    from samebits.ops._triton import ctc as kernels

    arguments = _arguments(torch.float32)
    expected = _plain(arguments, monkeypatch)
    monkeypatch.setattr(kernels, "BLOCK", 4)
    assert torch.equal(ctc._ctc_loss_backward(*arguments), expected)  # type: ignore[arg-type]
