"""Numbers more than a program asks for: which generators they move, and when."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch

from samebits.control import changes

pytestmark = pytest.mark.usefixtures("generators_restored")


def states() -> list[bytes]:
    numpy = np.random.get_state(legacy=False)
    return [
        torch.get_rng_state().numpy().tobytes(),
        repr(numpy["state"]["pos"]).encode(),
        repr(random.getstate()).encode(),
    ]


def test_one_number_of_each_generator_after_the_first_step() -> None:
    undo = changes.install(["extra-draw"])
    try:
        weight = torch.zeros(2, requires_grad=True)
        optimizer = torch.optim.SGD([weight], lr=1.0)
        weight.grad = torch.ones(2)
        before = states()
        optimizer.step()
        after = states()
        optimizer.step()
        assert states() == after
    finally:
        undo()
    assert [a != b for a, b in zip(before, after, strict=True)] == [True, True, True]


def test_a_layer_more_before_the_first_module() -> None:
    torch.manual_seed(0)
    alone = torch.nn.Linear(2, 2).weight.detach()
    undo = changes.install(["unused-layer"])
    try:
        torch.manual_seed(0)
        first = torch.nn.Linear(2, 2).weight.detach()
        torch.manual_seed(0)
        second = torch.nn.Linear(2, 2).weight.detach()
    finally:
        undo()
    assert not torch.equal(alone, first)
    assert torch.equal(alone, second)
