"""One number for the weights that a run ended with."""

from __future__ import annotations

from typing import Any

import torch

from samebits.record.weights import last_weights, weights_hash

from ..recording import observe as observe
from ..recording import own_modules as own_modules


def trained(observe: Any, steps: int, rate: float, *, last: float = 0.0) -> Any:
    with observe(level="step") as seen, torch.random.fork_rng():
        model = torch.nn.Linear(2, 1)
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.fill_(0.5)
        optimizer = torch.optim.SGD(model.parameters(), lr=rate)
        for step in range(steps):
            model(torch.full((1, 2), 1.0 + last * (step == steps - 1))).sum().backward()
            optimizer.step()
    return seen.run


def test_equal_weights_have_one_hash_and_others_another(observe: Any) -> None:
    first, again = trained(observe, 3, 0.1), trained(observe, 3, 0.1)
    other = trained(observe, 3, 0.1, last=1e-6)
    assert weights_hash(first) == weights_hash(again)
    assert weights_hash(first) != weights_hash(other)
    assert len(str(weights_hash(first))) == 32


def test_what_counts_is_the_end(observe: Any) -> None:
    assert weights_hash(trained(observe, 2, 0.0)) == weights_hash(trained(observe, 5, 0.0))
    names = [name for name, _ in last_weights(trained(observe, 1, 0.1).records["main"])]
    assert [name.rpartition(".")[2] for name in names] == ["weight", "bias"]


def test_without_a_parameter_there_is_none(observe: Any) -> None:
    with observe(level="step") as seen:
        torch.ones(2).add(1)
    assert weights_hash(seen.run) is None
