"""The CTC loss: its forward variables, one time after the other, for all sequences at once.

With states 0 .. 2 L, the L labels between blanks, and lp the log probability of a state's character:

    alpha(t, s) = (log((exp(a - m) + exp(b - m)) + exp(c - m)) + m) + lp(t, s)

a, b, c are alpha(t - 1) of s, s - 1 and, where a label follows another, s - 2; m is the largest of them, or 0
if that is -inf.  The loss is -(log(exp(a - m) + exp(b - m)) + m) of the last two states at the last time.
The gradient is that of `samebits.ops.ctc`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import torch
from torch import Tensor

from samebits.arithmetic.rows import Defined
from samebits.ops import ctc

#: Tensors, or NotImplemented.
Result = Any


def _ctc_loss(
    log_probs: Tensor,
    targets: Tensor,
    input_lengths: Sequence[int],
    target_lengths: Sequence[int],
    blank: int = 0,
    zero_infinity: bool = False,
) -> Result:
    """The loss of each sequence, and the logarithms of the forward variables.

    Args:
        log_probs: (T, N, C), float32 or float64.
        targets: (N, at least the longest), or all concatenated; int32 or int64.
        input_lengths: N times, at most T.
        target_lengths: N numbers of labels.
        blank: the character of the blank.
        zero_infinity: of effect in the gradient alone.

    Returns:
        (N,), and (N, T, 2 * the longest + 1), undefined past a sequence's lengths.
    """
    lengths, labels = list(map(int, input_lengths)), list(map(int, target_lengths))
    if not _understood(log_probs, targets, lengths, labels, blank):
        return NotImplemented
    times, items, _ = log_probs.shape
    longest = max(labels)
    device = log_probs.device
    padded = targets.long()
    if targets.dim() == 1:
        rows = torch.split(padded, labels)
        padded = torch.nn.utils.rnn.pad_sequence(list(rows), batch_first=True, padding_value=blank)
    padded = padded[:, :longest]
    there = torch.arange(longest, device=device) < torch.tensor(labels, device=device)[:, None]
    padded = torch.where(there, padded, blank)
    characters = padded.new_full((items, 2 * longest + 1), blank)
    characters[:, 1::2] = padded
    skips = torch.full(characters.shape, -torch.inf, dtype=log_probs.dtype, device=device)
    skips[:, 2:].masked_fill_((characters[:, 2:] != blank) & (characters[:, 2:] != characters[:, :-2]), 0)
    found = log_probs.gather(2, characters.expand(times, -1, -1))
    # Two states before the first, which no path visits.
    alpha = found.new_full((times, items, 2 * longest + 3), -torch.inf)
    alpha[0, :, 2:4] = found[0, :, :2]
    for t in range(1, times):
        before = alpha[t - 1]
        step = _log_sum(before[:, 2:], before[:, 1:-1], before[:, :-2] + skips)
        alpha[t, :, 2:] = step + found[t]
    last = torch.tensor(lengths, device=device).sub(1).clamp(min=0)
    ends = alpha[last, torch.arange(items, device=device)]
    end = 2 * torch.tensor(labels, device=device)[:, None] + 2
    final, label = ends.gather(1, end)[:, 0], ends.gather(1, end - 1)[:, 0]
    loss = -_log_sum(final, label)
    none = torch.tensor([length == 0 for length in lengths], device=device)
    empty = torch.tensor([0.0 if count == 0 else torch.inf for count in labels], device=device)
    return torch.where(none, empty.to(loss.dtype), loss), alpha[:, :, 2:].transpose(0, 1).contiguous()


def _log_sum(*values: Tensor) -> Tensor:
    most = values[0]
    for value in values[1:]:
        most = torch.where(value > most, value, most)
    most = most.masked_fill(most == -torch.inf, 0)
    total = (values[0] - most).exp_()
    for value in values[1:]:
        total += (value - most).exp_()
    return total.log_().add_(most)


def _understood(
    log_probs: Tensor, targets: Tensor, lengths: list[int], labels: list[int], blank: int
) -> bool:
    """Whether these are arguments without mistakes; torch words those of others."""
    if log_probs.dim() != 3 or log_probs.numel() == 0 or targets.dtype not in (torch.int32, torch.int64):
        return False
    times, items, classes = log_probs.shape
    if log_probs.dtype not in (torch.float32, torch.float64) or not 0 <= blank < classes:
        return False
    if not len(lengths) == len(labels) == items or min(*lengths, *labels, 0) < 0 or max(lengths) > times:
        return False
    if targets.dim() == 1:
        return sum(labels) == targets.numel()
    return targets.dim() == 2 and len(targets) == items and max(labels) <= targets.shape[1]


def _ctc_loss_tensor(
    log_probs: Tensor,
    targets: Tensor,
    input_lengths: Tensor,
    target_lengths: Tensor,
    blank: int = 0,
    zero_infinity: bool = False,
) -> Result:
    """`_ctc_loss` with lengths in integer tensors."""
    if input_lengths.is_floating_point() or target_lengths.is_floating_point():
        return NotImplemented
    return _ctc_loss(
        log_probs, targets, input_lengths.tolist(), target_lengths.tolist(), blank, zero_infinity
    )


ROWS: Final = (
    Defined("aten::_ctc_loss", _ctc_loss, "the forward variables, by log(S(exp))"),
    Defined("aten::_ctc_loss.Tensor", _ctc_loss_tensor, "the forward variables, by log(S(exp))"),
    Defined("aten::_ctc_loss_backward", ctc._ctc_loss_backward, "the posteriors, from the last time"),
    Defined("aten::_ctc_loss_backward.Tensor", ctc._ctc_loss_backward_Tensor, "the posteriors"),
)
