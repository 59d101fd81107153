"""Memory that nobody filled is NaN, also where control makes it zeros."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from samebits.control import changes
from samebits.control.unfilled import Unfilled
from samebits.usercode import loading

pytestmark = pytest.mark.usefixtures("generators_restored")


def run(source: str) -> Any:
    space: dict[str, Any] = {"torch": torch, "np": np}
    exec(loading.compile_user(source, "train.py"), space)
    return space["found"]


def test_it_is_nan_and_of_integers_the_largest() -> None:
    undo = changes.install(["nan-memory"])
    try:
        assert run("found = torch.empty(6)").isnan().all()
        assert run("found = torch.ones(3).new_empty(6)").isnan().all()
        assert (run("found = torch.empty(6, dtype=torch.int32)") == 2**31 - 1).all()
        assert np.isnan(run("found = np.empty(6)")).all()
        assert not torch.nn.Linear(3, 3).weight.isnan().any()
    finally:
        undo()
    assert not run("found = torch.zeros(6)").isnan().any()


def test_it_wins_over_the_zeros_of_control() -> None:
    undo = changes.install(["nan-memory"])
    zeros = Unfilled()
    zeros.install(torch)
    try:
        assert run("found = torch.empty(6)").isnan().all()
    finally:
        zeros.uninstall()
        undo()
