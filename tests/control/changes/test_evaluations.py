"""An evaluation whose draws are taken back: the training draws as if it had been left out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader

from samebits.control import told
from samebits.control.changes._evaluations import Evaluations

pytestmark = pytest.mark.usefixtures("generators_restored")


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "told"
    monkeypatch.setattr(told, "_said", set())
    monkeypatch.setenv(told.VARIABLE, told.TrialPlan(str(path)).to_json())
    return path


@pytest.fixture
def taken_back(file: Path) -> Iterator[None]:
    evaluations = Evaluations("evaluation", lambda: True)
    undo = evaluations.install()
    yield
    undo()


def train(evaluate: Callable[[nn.Module], None] | None, *, loader: bool = False) -> list[float]:
    """What the training draws, with an evaluation after its second step."""
    torch.manual_seed(0)
    model = nn.Linear(2, 2)
    torch.optim.SGD(model.parameters(), lr=0.1)
    drawn = []
    for step in range(4):
        if loader:
            order = [int(x) for x in DataLoader(torch.arange(8), shuffle=True)]  # type: ignore[arg-type]
            drawn += [float(x) for x in order]
        model.train()
        model(torch.ones(1, 2))
        drawn.append(float(torch.rand(())))
        if step == 1 and evaluate is not None:
            evaluate(model)
    return drawn


def drawing(model: nn.Module) -> None:
    model.eval()
    torch.rand(3)
    with torch.no_grad():
        model(torch.rand(1, 2))
        model(torch.rand(1, 2))


def drawing_at_its_end(model: nn.Module) -> None:
    drawing(model)
    torch.rand(3)
    model.train()


def innocent(model: nn.Module) -> None:
    model.eval()
    model(torch.ones(1, 2))


@pytest.mark.parametrize("evaluate", [drawing, drawing_at_its_end, innocent])
@pytest.mark.parametrize("loader", [False, True])
@pytest.mark.usefixtures("taken_back")
def test_the_training_draws_as_if_it_were_left_out(
    evaluate: Callable[[nn.Module], None], loader: bool, file: Path
) -> None:
    assert train(evaluate, loader=loader) == train(None, loader=loader)
    (saying,) = told.read(file)
    assert saying.what.startswith("what it drew was taken back")


@pytest.mark.parametrize("evaluate", [drawing, drawing_at_its_end])
def test_else_it_moves_what_is_drawn(evaluate: Callable[[nn.Module], None]) -> None:
    assert train(evaluate) != train(None)


@pytest.mark.usefixtures("taken_back")
def test_a_teacher_that_stays_in_evaluation_is_none(file: Path) -> None:
    teacher = nn.Linear(2, 2)

    def distill(model: nn.Module) -> None:
        teacher.eval()
        torch.rand(3)
        teacher(torch.ones(1, 2))

    with_teacher = train(distill)
    assert with_teacher != train(None)  # it draws, and that stays
    assert told.read(file) == []


@pytest.mark.usefixtures("taken_back")
def test_without_a_forward_nothing_was_evaluated(file: Path) -> None:
    def looked_at(model: nn.Module) -> None:
        model.eval()
        torch.rand(2)
        model.train()

    train(looked_at)
    assert told.read(file) == []
