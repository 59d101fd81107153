"""Which objects hold state, by which path they are called."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
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


def test_what_a_step_computes_may_be_carried_on(found: dict[str, Held]) -> None:
    assert found["loss"].kind == "carried"


def test_a_module_is_told_by_its_parts(found: dict[str, Held]) -> None:
    net = found["net"].thing
    trained = {id(parameter) for parameter in net.body.parameters()}
    told = {(kind, path) for kind, path, _ in rows(found["net"], trained)}
    assert told == {("parameters", "net.body"), ("untrained", "net"), ("buffers", "net"), ("frozen", "net")}


def test_rows_follow_the_state(found: dict[str, Held]) -> None:
    optimizer, net = found["optimizer"].thing, found["net"].thing
    before = list(rows(found["optimizer"], ()))
    net(torch.ones(2, 3)).sum().backward()
    optimizer.step()
    after = list(rows(found["optimizer"], ()))
    assert [a[:2] for a in before] == [a[:2] for a in after]
    assert before[0] != after[0]  # its state
    assert before[1] == after[1]  # its rate


class Stubborn:
    """Answers every question with an error."""

    def __getattribute__(self, name: str) -> Any:
        raise RuntimeError(name)


class Unlisted(dict[str, Any]):
    def items(self) -> Any:
        raise RuntimeError("not now")


class Unsaved(torch.optim.lr_scheduler.LRScheduler):
    def __init__(self) -> None:
        pass

    def __getattribute__(self, name: str) -> Any:
        raise RuntimeError(name)


def test_an_object_that_answers_with_errors_hides_no_other(tmp_path: Path) -> None:
    np.savez(tmp_path / "w.npz", w=np.ones(3))
    optimizer = torch.optim.SGD(nn.Linear(1, 1).parameters(), lr=1.0)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 1)
    bag = SimpleNamespace(first=Stubborn(), tools={"no": Stubborn(), "sched": scheduler})
    with np.load(tmp_path / "w.npz") as arrays:
        thing = Unlisted(a=1)
        held = Walk({"__main__"})(
            [("z", arrays), ("s", Stubborn()), ("d", thing), ("u", Unsaved()), ("b", bag)]
        )
    assert ("scheduler", "b.tools['sched']") in [(one.kind, one.path) for one in held]
    told = [row for one in held for row in rows(one, ())]
    assert [path for kind, path, _ in told if kind == "scheduler"] == ["b.tools['sched']"]
