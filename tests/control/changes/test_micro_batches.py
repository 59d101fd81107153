"""A forward in two halves: the same but for rounding, or said why not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from samebits.control import changes, told

pytestmark = pytest.mark.usefixtures("generators_restored")


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "told"
    monkeypatch.setattr(told, "_said", set())
    monkeypatch.setenv(told.VARIABLE, told.TrialPlan(str(path)).to_json())
    return path


@pytest.fixture
def halved(file: Path) -> Iterator[None]:
    undo = changes.install(["micro-batches"])
    yield
    undo()


class Seen(nn.Module):
    """Notes how long the batches are that it gets."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner
        self.lengths: list[int] = []

    def forward(self, x: torch.Tensor, scale: float = 1.0) -> Any:
        self.lengths.append(len(x))
        return {"out": self.inner(x) * scale, "scale": scale}


def trained(model: nn.Module) -> nn.Module:
    torch.optim.SGD(model.parameters(), lr=0.1)
    return model


@pytest.mark.usefixtures("halved")
def test_outputs_are_put_together(file: Path) -> None:
    model = Seen(nn.Linear(3, 2))
    x = torch.rand(5, 3)
    expected = model.inner(x) * 2.0
    trained(model)
    found = model(x, scale=2.0)
    assert model.lengths == [1, 4]
    assert found["scale"] == 2.0
    torch.testing.assert_close(found["out"], expected)
    assert [saying.what for saying in told.read(file)] == ["the forward of Seen in halves"]


@pytest.mark.usefixtures("halved")
def test_only_what_is_trained_and_while_it_is() -> None:
    model = Seen(nn.Linear(3, 2))
    model(torch.rand(4, 3))
    trained(model).eval()
    model(torch.rand(4, 3))
    model.train()
    with torch.no_grad():
        model(torch.rand(4, 3))
    assert model.lengths == [4, 4, 4]
    model(torch.rand(1, 3))
    assert model.lengths[-1] == 1


@pytest.mark.usefixtures("halved")
def test_a_loss_cannot_be_put_together(file: Path) -> None:
    class Loss(nn.Linear):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return super().forward(x).mean()

    model = trained(Loss(3, 2))
    x = torch.rand(4, 3)
    assert torch.equal(model(x), nn.functional.linear(x, model.weight, model.bias).mean())
    (saying,) = told.read(file)
    assert saying.what == "does not apply: Loss: an output (of shape []) is not of the batch's length"


@pytest.mark.usefixtures("halved")
def test_statistics_of_the_batch_are_others_and_draws_are_said(file: Path) -> None:
    model = trained(nn.BatchNorm1d(3))
    x = torch.rand(8, 3)
    assert not torch.allclose(model(x), nn.BatchNorm1d(3)(x))
    trained(nn.Sequential(nn.Linear(3, 3), nn.Dropout(0.5)))(x)
    assert told.read(file)[-1].what == "the forward of Sequential in halves, in which it draws random numbers"
