"""Which objects hold state, by which path they are called."""

from __future__ import annotations

import random
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from samebits.observe.census.states import rows
from samebits.observe.census.walk import Held, Walk

pytestmark = pytest.mark.usefixtures("generators_restored")


class Stopping:
    def __init__(self) -> None:
        self.best = 3.0
        self.rng = random.Random(1)
        self.history = [1.0, 2.0]


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.body, self.norm = nn.Linear(3, 3), nn.BatchNorm1d(3)
        self.calls = 0

    def forward(self, x: torch.Tensor) -> Any:
        return self.norm(self.body(x))


@pytest.fixture
def found() -> dict[str, Held]:
    net = Net()
    optimizer = torch.optim.Adam(net.parameters())
    loader = DataLoader(TensorDataset(torch.zeros(4)), shuffle=True, generator=torch.Generator())

    def stream() -> Iterator[int]:
        position = 7
        while True:
            yield position

    running = stream()
    next(running)
    variables: dict[str, Any] = {
        "net": net,
        "optimizer": optimizer,
        "scheduler": torch.optim.lr_scheduler.StepLR(optimizer, 2),
        "loader": loader,
        "stopping": Stopping(),
        "epoch": 4,
        "args": SimpleNamespace(lr=0.1),
        "running": running,
        "draw": np.random.default_rng(0),
        "shadow": {"w": torch.zeros(3)},
        "loss": net.body.weight.sum(),  # has a graph behind it
    }
    walk = Walk({"tests"})
    return {one.path: one for one in walk(variables.items())}


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("net", "module"),
        ("net.calls", "counter"),
        ("optimizer", "optimizer"),
        ("scheduler", "scheduler"),
        ("loader", "loader"),
        ("loader.generator", "generator"),
        ("stopping.best", "counter"),
        ("stopping.rng", "generator"),
        ("stopping.history", "values"),
        ("epoch", "counter"),
        ("args.lr", "counter"),
        ("running.position", "counter"),
        ("draw", "generator"),
        ("shadow", "tensor"),
    ],
)
def test_what_is_found(found: dict[str, Held], path: str, kind: str) -> None:
    assert path in found, sorted(found)
    assert found[path].kind == kind


def test_what_a_step_computes_is_no_state(found: dict[str, Held]) -> None:
    assert "loss" not in found


def test_a_module_is_told_by_its_parts(found: dict[str, Held]) -> None:
    net = found["net"].thing
    trained = {id(parameter) for parameter in net.body.parameters()}
    told = {(kind, path) for kind, path, _ in rows(found["net"], trained)}
    assert told == {("parameters", "net.body"), ("untrained", "net"), ("buffers", "net")}


def test_rows_follow_the_state(found: dict[str, Held]) -> None:
    optimizer, net = found["optimizer"].thing, found["net"].thing
    before = list(rows(found["optimizer"], ()))
    net(torch.ones(2, 3)).sum().backward()
    optimizer.step()
    after = list(rows(found["optimizer"], ()))
    assert [a[:2] for a in before] == [a[:2] for a in after]
    assert before[0] != after[0]  # its state
    assert before[1] == after[1]  # its rate
