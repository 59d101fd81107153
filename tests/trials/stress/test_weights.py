"""Whether two observed trainings end in the same weights, from when on not, and how far they lie apart."""

from __future__ import annotations

import pytest
import torch
from tests.recording import Record, Recording
from torch import nn

from samebits.trials.stress.weights import Reach, has_weights, reach

pytestmark = pytest.mark.usefixtures("generators_restored")


def train(observe: Record, *, extra_at: int | None = None, noise: float = 0.0, steps: int = 6) -> Recording:
    torch.manual_seed(0)
    model = nn.Linear(4, 2)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with observe(level="step") as seen:
        for step in range(steps):
            if step == extra_at:
                torch.rand(())
            loss = model(torch.rand(8, 4)).square().mean() * (1 + noise * (step == 3))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return seen


def of(a: Recording, b: Recording) -> Reach:
    assert a.run is not None
    assert b.run is not None
    return reach(a.run, b.run)


def test_the_same_training(observe: Record) -> None:
    found = of(train(observe), train(observe))
    assert (found.weights, found.first_step, found.begins, found.ends) == (False, None, None, None)
    assert found.steps == (6, 6)
    assert found.loss[0] == found.loss[1] is not None
    assert found.norm[0] == found.norm[1]


def test_from_a_step_on(observe: Record) -> None:
    found = of(train(observe), train(observe, extra_at=2))
    assert (found.weights, found.first_step) == (True, 2)
    assert found.begins is not None
    assert 1e-3 < found.begins < 10
    assert found.loss[0] != found.loss[1]


def test_rounding_is_small(observe: Record) -> None:
    found = of(train(observe), train(observe, noise=1e-6))
    assert (found.weights, found.first_step) == (True, 3)
    assert found.begins is not None
    assert 0 < found.begins < 1e-4


def test_fewer_steps_are_other_weights(observe: Record) -> None:
    found = of(train(observe), train(observe, steps=4))
    assert (found.weights, found.steps) == (True, (6, 4))


def test_without_an_optimizer_there_are_none(observe: Record) -> None:
    with observe(level="step") as seen:
        nn.Linear(2, 2)(torch.rand(1, 2)).sum().backward()
    assert seen.run is not None
    assert not has_weights(seen.run)
    assert reach(seen.run, seen.run).weights is None


def test_it_survives_json(observe: Record) -> None:
    found = of(train(observe), train(observe, extra_at=2))
    assert Reach.from_json(found.as_json()) == found
