"""The backward of the CTC loss: what each frame's characters contribute to the loss.

PyTorch's CUDA kernel adds the contributions of equal labels with atomics, and raises
in deterministic mode.  Here the posterior of every state is carried backwards in time,
in linear space, and a character's share is an exact sum over its states.

With states s = 0 … 2L, the labels between blanks (Graves et al., section 4), and
α the forward variables, the posterior that a path is in state s at time t is

    γ(t, s) = Σ_i γ(t+1, s+i) · w_i(t, s+i)          i = 0, 1, 2
    w_i(t, s) = α(t, s-i) / Σ_j α(t, s-j)            over the states that lead to s
    grad(t, c) = (exp(log_probs(t, c)) - Σ_{s: label c} γ(t, s)) · grad

The weights depend on α alone, so they are found for many times at once, and a step
of the recursion is three products and two sums: no backward variable, no logarithm,
no scale that could underflow.  The posteriors of a time sum to 1 as far as their
additions round.

A character of probability 0 has gradient 0; PyTorch gives NaN or 0, by the size of
the problem.  A loss that is infinite or NaN gives NaN, or 0 with `zero_infinity`.

Graves, Fernández, Gomez, Schmidhuber, "Connectionist temporal classification", ICML
2006, https://www.cs.toronto.edu/~graves/icml_2006.pdf
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import NotImplementedType
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from samebits._runtime import triton_launch
from samebits.model.operators import Operation, Recipe, Torch, Why
from samebits.ops.case import Build, Case, Maker, Shape, Task, sizes
from samebits.ops.primitives.exact import Bins, Magnitude

#: A row of states begins with two that no path visits: where the taps of its first states end.
EDGE = 2

#: States whose weights are held at once, at most: on CUDA what keeps it busy, on a CPU what
#: torch gives one thread, and its caches hold, for every thread.
CHUNK = {"cpu": 2**15, "cuda": 2**20}

#: On CUDA in how many parts at most, for launches cost time; the weights of one are then
#: less than the backward variables that PyTorch holds.
PARTS = 8


@dataclass(frozen=True, slots=True)
class _Problem:
    """A batch of label sequences against log probabilities.

    T times, N items, C characters, S = 2 * (longest target) + 1 states, R = S + EDGE a row.

    Attributes:
        alpha: (T, N, S), the forward variables' logarithms; undefined past an item's lengths.
        characters: (N, R) int64, the character of every state; blank where there is none.
        skips: (N * R,), 0 where a path may come from two states before, else -inf.
        end: (N, R), the posterior at an item's last time.
        last: (N,) int64 on the device, the last time of each item.
        times: T, or fewer where no item is as long.
    """

    alpha: Tensor
    characters: Tensor
    skips: Tensor
    end: Tensor
    last: Tensor
    times: int


def _ctc_loss_backward(
    grad: Tensor,
    log_probs: Tensor,
    targets: Tensor,
    input_lengths: Sequence[int],
    target_lengths: Sequence[int],
    neg_log_likelihood: Tensor,
    log_alpha: Tensor,
    blank: int,
    zero_infinity: bool = False,
) -> Tensor | NotImplementedType:
    """aten::_ctc_loss_backward: the gradient for `log_probs`.

    Args:
        grad: (N,), of the loss.
        log_probs: (T, N, C), float32 or float64.
        targets: (N, at least the longest) or all concatenated, int32 or int64.
        input_lengths: N times, at most T.
        target_lengths: N numbers of labels.
        neg_log_likelihood: (N,), the loss.
        log_alpha: (N, T, S), the forward variables' logarithms.
        blank: the character of the blank.
        zero_infinity: items with an infinite loss have gradient 0.
    """
    if log_probs.numel() == 0 or log_probs.dtype not in (torch.float32, torch.float64):
        return NotImplemented  # type: ignore[no-any-return]
    device = log_probs.device
    times = max(input_lengths)
    problem = _problem(
        targets,
        torch.tensor(input_lengths, device=device),
        torch.tensor(target_lengths, device=device),
        log_alpha,
        blank,
        times,
    )
    loss = neg_log_likelihood
    factor = torch.where(loss.isfinite(), grad, torch.nan)
    if zero_infinity:
        factor = factor.masked_fill_(loss == torch.inf, 0)
    result = _gradient(problem, log_probs, factor)
    outside = torch.arange(times, device=device).unsqueeze(1) > problem.last
    if zero_infinity:
        outside |= loss == torch.inf
    if zero_infinity or min(input_lengths) < times:
        result[:times].masked_fill_(outside.unsqueeze(-1), 0)
    return result


def _ctc_loss_backward_Tensor(
    grad: Tensor,
    log_probs: Tensor,
    targets: Tensor,
    input_lengths: Tensor,
    target_lengths: Tensor,
    neg_log_likelihood: Tensor,
    log_alpha: Tensor,
    blank: int,
    zero_infinity: bool = False,
) -> Tensor | NotImplementedType:
    """aten::_ctc_loss_backward.Tensor: `_ctc_loss_backward` with lengths in integer tensors."""
    if input_lengths.is_floating_point() or target_lengths.is_floating_point():
        return NotImplemented  # type: ignore[no-any-return]
    return _ctc_loss_backward(
        grad,
        log_probs,
        targets,
        input_lengths.tolist(),
        target_lengths.tolist(),
        neg_log_likelihood,
        log_alpha,
        blank,
        zero_infinity,
    )


def _problem(
    targets: Tensor, input_lengths: Tensor, target_lengths: Tensor, log_alpha: Tensor, blank: int, times: int
) -> _Problem:
    items, _, states = log_alpha.shape
    device = log_alpha.device
    column = torch.arange(states // 2, device=device)
    if targets.dim() == 1:
        start = (target_lengths.cumsum(0) - target_lengths).unsqueeze(1)
        place = (start + column).clamp_(max=max(targets.numel() - 1, 0))
        labels = targets[place] if targets.numel() else place
    else:
        labels = targets[:, : states // 2]
    labels = torch.where(column < target_lengths.unsqueeze(1), labels.long(), blank)
    characters = torch.full((items, EDGE + states), blank, dtype=torch.int64, device=device)
    characters[:, EDGE + 1 :: 2] = labels
    # A path may leave out a blank between two different labels.
    skips = torch.full((items, EDGE + states), -torch.inf, dtype=log_alpha.dtype, device=device)
    skips[:, EDGE + 3 :: 2].masked_fill_(labels[:, 1:] != labels[:, :-1], 0)
    return _Problem(
        log_alpha.transpose(0, 1),
        characters,
        skips.view(-1),
        _end(log_alpha, input_lengths, target_lengths),
        input_lengths - 1,
        times,
    )


def _end(log_alpha: Tensor, input_lengths: Tensor, target_lengths: Tensor) -> Tensor:
    """The posterior (N, R) at the last time of each item: its last label or the blank after it."""
    items, _, states = log_alpha.shape
    row = log_alpha[torch.arange(items, device=log_alpha.device), (input_lengths - 1).clamp_(min=0)]
    column = torch.arange(-EDGE, states, device=log_alpha.device)
    behind = column - 2 * target_lengths.unsqueeze(1)
    row = F.pad(_finite(row), (EDGE, 0), value=-torch.inf)
    row = row.masked_fill_((behind > 0) | (behind < -1), -torch.inf)
    top = row.amax(1, keepdim=True).clamp_(min=torch.finfo(row.dtype).min)
    share = row.sub_(top).exp_()
    # Two terms at most are not 0, so the order of the sum does not matter.
    return share.div_(share.sum(1, keepdim=True).clamp_(min=1))


def _finite(alpha: Tensor, out: Tensor | None = None) -> Tensor:
    """`alpha` where memory that was never written gives weights of 0 to 1 too, which posteriors of 0 meet."""
    return torch.nan_to_num(
        alpha, nan=-torch.inf, posinf=torch.finfo(alpha.dtype).max, neginf=-torch.inf, out=out
    )


def _weights(alpha: Tensor, skips: Tensor) -> Tensor:
    """w_i of the module's formula, (3, times, N * R).

    A row of states follows the other in memory, so a tap is the same memory, one or two places on.
    """
    steps, items, states = alpha.shape
    memory = alpha.new_full((EDGE + steps * items * (EDGE + states),), -torch.inf)
    _finite(alpha, out=memory[EDGE:].view(steps, items, EDGE + states)[..., EDGE:])
    stay, step, jump = (memory[EDGE - i : memory.numel() - i].view(steps, -1) for i in range(3))
    weights = alpha.new_empty(3, *stay.shape)
    torch.add(jump, skips, out=weights[2])
    top = torch.maximum(stay, step)
    torch.maximum(top, weights[2], out=top).clamp_(min=torch.finfo(alpha.dtype).min)
    torch.sub(stay, top, out=weights[0])
    torch.sub(step, top, out=weights[1])
    weights[2].sub_(top)
    weights.exp_()
    total = torch.add(weights[0], weights[1], out=top).add_(weights[2])
    return weights.div_(total.clamp_(min=1))


def _posteriors(weights: Tensor, ahead: Tensor, problem: _Problem, first: int) -> Tensor:
    """γ from time `first` on, (times, N * R), before `ahead`, the posterior (N * R,) of the time after."""
    if triton_launch.triton_for(weights):
        from samebits.ops._triton import ctc as kernels

        return kernels.posteriors(weights, ahead, problem.end, problem.last, first)
    _, steps, width = weights.shape
    ends = defaultdict(list)
    for item, last in enumerate(problem.last.tolist()):
        ends[last].append(item)
    posteriors = weights.new_empty(steps, width)
    terms = weights.new_zeros(3, width + EDGE)
    taps = terms[:, :width]
    stay, step, jump = (terms[i, i : i + width] for i in range(3))
    rows, steps_weights = posteriors.unbind(0), weights.unbind(1)
    for t in reversed(range(steps)):
        torch.mul(ahead, steps_weights[t], out=taps)
        ahead = torch.add(stay, step, out=rows[t])
        ahead.add_(jump)
        if first + t in ends:
            ending = ends[first + t]
            ahead.view_as(problem.end)[ending] = problem.end[ending]
    return posteriors


def _gradient(problem: _Problem, log_probs: Tensor, factor: Tensor) -> Tensor:
    """The gradient (T, N, C), `factor` (N,) being that of the loss."""
    result = torch.empty_like(log_probs, memory_format=torch.contiguous_format)
    result[problem.times :] = 0
    items, row = problem.characters.shape
    place, lookup, bins = _places(problem.characters, log_probs.size(2))
    parts = _parts(problem.times, items * row, log_probs)
    one = Magnitude(log_probs.new_ones(1, 1, 1), finite=True)
    ahead = problem.skips.new_zeros(items * row)
    for part in reversed(range(parts)):
        first, after = part * problem.times // parts, (part + 1) * problem.times // parts
        weights = _weights(problem.alpha[first:after], problem.skips)
        posteriors = _posteriors(weights, ahead, problem, first)
        del weights
        ahead = posteriors[0]
        sums = Bins((after - first, items, bins), one, row, log_probs.dtype)
        sums.add(place, posteriors.view(-1, items, row))
        share = sums.value()
        if lookup is not None:
            share = F.pad(share, (0, 1)).gather(-1, lookup.expand(after - first, -1, -1))
        into = torch.exp(log_probs[first:after], out=result[first:after])
        into.sub_(share).mul_(factor.unsqueeze(-1))
    return result


def _parts(times: int, states: int, like: Tensor) -> int:
    """In how many parts `times` rows of `states` are done."""
    held = CHUNK["cuda"] if like.is_cuda else CHUNK["cpu"] * torch.get_num_threads()
    parts = -(-times // max(held // states, 1))
    return min(parts, PARTS) if like.is_cuda else parts


def _places(characters: Tensor, size: int) -> tuple[Tensor, Tensor | None, int]:
    """Where a state's posterior is summed: a place for each character that occurs.

    Returns:
        the place of every state (N, R); the place of every character (N, C), or None where it is
        the character; how many places there are, those of characters that do not occur being one more.
    """
    items = characters.size(0)
    labels = torch.cat((characters[:, :1], characters[:, EDGE + 1 :: 2]), dim=1)
    bins = min(labels.size(1), size)
    lookup = None
    if bins == size:
        place = characters.clone()
    else:
        labels = labels.sort(dim=1).values
        place = torch.searchsorted(labels, characters)
        every = torch.arange(size, device=characters.device).expand(items, -1).contiguous()
        lookup = torch.searchsorted(labels, every)
        known = labels.gather(1, lookup.clamp(max=bins - 1)) == every
        lookup = torch.where(known, lookup, bins)
    place[:, :EDGE] = bins
    return place, lookup, bins


REPLACES = tuple(
    Operation("ctc_loss", f"aten::_ctc_loss_backward{overload}", Why.ATOMICS, Torch.RAISES, Recipe.EXACT)
    for overload in ("", ".Tensor")
)

#: Steps, sequences, classes.
_SPEECH = sizes((5, 2, 3), (60, 8, 96), (64, 4, 256), (256, 16, 512), (512, 32, 1024))


def _ctc(call: Callable[..., Tensor], lengths: str) -> Build:
    """(T, N, C) log probabilities; targets are short of the input, and repeat labels."""

    def build(make: Maker, shape: Shape) -> Task:
        steps, batch, classes = shape
        longest = max(steps // 4, 1)
        targets = make.index(classes - 1, batch, longest) + 1
        given, wanted = [steps] * batch, [max(longest - i % 3, 1) for i in range(batch)]
        if lengths == "tensors":
            sizes: Any = torch.tensor(given, device=make.device), torch.tensor(wanted, device=make.device)
        else:
            sizes = given, wanted
        return Task(lambda x: call(x.log_softmax(-1), targets, *sizes), (make.normal(*shape),))

    return build


def _ctc_operation(x: Tensor, targets: Tensor, given: Tensor, wanted: Tensor) -> Tensor:
    loss: Tensor = torch._ctc_loss(x, targets, given, wanted)[0]
    return loss


CASES = (
    Case("ctc_loss", ("aten::_ctc_loss_backward",), _ctc(F.ctc_loss, "numbers"), _SPEECH, derivatives=1),
    Case(
        "ctc_loss, lengths are tensors",
        ("aten::_ctc_loss_backward.Tensor",),
        _ctc(_ctc_operation, "tensors"),
        _SPEECH,
        derivatives=1,
    ),
)
