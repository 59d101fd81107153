"""The CTC loss: the formula's bits, torch's results nearly, and gradients."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from tests.arithmetic.bits import THREADS, same_bits, threads
from tests.arithmetic.replaced import replaced
from torch import Tensor

from samebits.arithmetic import activations, compound, core, ctc, elementwise, reductions, scans, softmax
from samebits.arithmetic.reference.functions import exp, log

ROWS = (
    *(*ctc.ROWS, *reductions.ROWS, *softmax.ROWS, *scans.ROWS),
    *(*elementwise.ROWS, *activations.ROWS, *compound.ROWS),
)
_ctc: Any = F.ctc_loss
TIMES, ITEMS, CLASSES = 12, 3, 5
LENGTHS, LABELS = (12, 7, 9), (4, 0, 3)


def _scores(dtype: torch.dtype = torch.float32) -> Tensor:
    made = torch.Generator().manual_seed(1)
    return torch.randn(TIMES, ITEMS, CLASSES, generator=made, dtype=torch.float64).to(dtype)


def _targets() -> Tensor:
    return torch.tensor([[1, 1, 2, 3], [4, 4, 4, 4], [2, 4, 2, 1]])


def _results(x: Tensor, targets: Tensor, as_tensors: bool = False, **options: Any) -> list[Tensor]:
    x = x.detach().requires_grad_()
    lengths: Any = (torch.tensor(LENGTHS), torch.tensor(LABELS)) if as_tensors else (LENGTHS, LABELS)
    loss = _ctc(F.log_softmax(x, 2), targets, *lengths, reduction="none", **options)
    return [loss.detach(), *torch.autograd.grad(loss.cos().sum(), x)]


def test_one_result_in_every_tier_and_number_of_threads_near_torchs() -> None:
    x, targets = _scores(), _targets()
    joined = torch.cat([row[:count] for row, count in zip(targets, LABELS, strict=True)])
    native = _results(x.double(), targets)
    with replaced(ROWS):
        expected = _results(x, targets)
        for tier in core.tiers():
            for number in THREADS:
                with core.using(tier), threads(number):
                    for given in (targets, joined):
                        for as_tensors in (False, True):
                            for got, want in zip(_results(x, given, as_tensors), expected, strict=True):
                                same_bits(got, want)
    for got, want in zip(expected, native, strict=True):
        assert torch.allclose(got.double(), want, rtol=1e-4, atol=1e-5)


def test_the_formulas_bits() -> None:
    with replaced(ROWS):
        lp = F.log_softmax(_scores(), 2)
        loss, alpha = torch.ops.aten._ctc_loss(lp, _targets(), LENGTHS, LABELS)
    characters = [0, 1, 0, 1, 0, 2, 0, 3, 0]
    p = lp[:, 0].numpy()
    rows = np.full((TIMES, 9), -np.inf, np.float32)
    rows[0, :2] = p[0, characters[:2]]

    def log_sum(*values: np.float32) -> Any:
        most = np.float32(max(values)) if max(values) > -np.inf else np.float32(0)
        total = exp(np.asarray(values[0] - most))
        for value in values[1:]:
            total = total + exp(np.asarray(value - most))
        return log(np.asarray(total)) + most

    nothing = np.float32(-np.inf)
    for t in range(1, TIMES):
        for s, character in enumerate(characters):
            skip = s > 1 and character != 0 and character != characters[s - 2]
            before = rows[t - 1]
            values = (before[s], before[s - 1] if s else nothing, before[s - 2] if skip else nothing)
            rows[t, s] = log_sum(*values) + p[t, character]
    same_bits(alpha[0], torch.from_numpy(rows))
    same_bits(loss[0], torch.from_numpy(np.asarray(-log_sum(rows[-1, 8], rows[-1, 7]))))


def test_gradients_and_infinite_losses() -> None:
    with replaced(ROWS):
        assert torch.autograd.gradcheck(
            lambda x: _ctc(F.log_softmax(x, 2), _targets(), LENGTHS, LABELS),
            (_scores(torch.float64).requires_grad_(),),
            fast_mode=True,
        )
        short = F.log_softmax(_scores()[:3], 2)
        losses = _ctc(short, _targets(), (3, 3, 0), LABELS, reduction="none")
        assert losses.isinf().tolist() == [True, False, True]


def test_what_torch_refuses_it_refuses() -> None:
    with replaced(ROWS), pytest.raises(RuntimeError):
        _ctc(_scores(), _targets(), (13, 7, 9), LABELS)
