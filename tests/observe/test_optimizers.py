"""Steps of optimizers that are no subclass of torch's."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

#: What fastai.optimizer has, as far as an observer sees it: two classes, of which one wraps torch's.
FASTAI = """
import torch

class Base:
    @property
    def param_groups(self):
        return [{"params": group} for group in self.param_lists]

class Optimizer(Base):
    def __init__(self, params):
        self.param_lists = [list(params)]

    def zero_grad(self):
        for p in self.param_lists[0]:
            p.grad = None

    def step(self, closure=None):
        for p in self.param_lists[0]:
            if p.grad is not None:
                p.data.add_(p.grad, alpha=-0.1)

class OptimWrapper(Base):
    def __init__(self, params):
        self.param_lists = [list(params)]
        self.opt = torch.optim.SGD(self.param_lists[0], lr=0.1)

    def zero_grad(self):
        self.opt.zero_grad()

    def step(self, closure=None):
        self.opt.step(closure)
"""


@pytest.mark.parametrize("name", ["Optimizer", "OptimWrapper"])
def test_each_step_of_fastais_counts_once(
    observe: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    package = tmp_path / "path" / "fastai"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "optimizer.py").write_text(FASTAI, encoding="utf-8")
    monkeypatch.syspath_prepend(package.parent)
    weight = torch.nn.Parameter(torch.ones(3))
    try:
        with observe(level="step") as seen:
            optimizer = getattr(importlib.import_module("fastai.optimizer"), name)([weight])
            for _ in range(3):
                optimizer.zero_grad()
                weight.square().sum().backward()
                optimizer.step()
    finally:
        for module in ("fastai.optimizer", "fastai"):
            sys.modules.pop(module, None)
    assert seen.run.records["main"].steps == 3
    assert [event.step for event in seen.events if event.kind == "loss"] == [0, 1, 2]
    read = [(event.kind, event.step) for event in seen.events if event.kind in ("gradient", "parameter")]
    assert read[:2] == [("gradient", 0), ("parameter", 0)]
    assert len({event.digest for event in seen.events if event.kind == "parameter"}) == 3
