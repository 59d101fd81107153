"""Powers of a decay: one product, whatever the C library's `pow` is, and near to it."""

from __future__ import annotations

import math
from importlib import import_module

import pytest
import torch

from samebits.arithmetic import powers


@pytest.mark.parametrize("base", [0.9, 0.99, 0.999, 0.5, 0.0, 1.0])
def test_is_near_the_libraries_power(base: float) -> None:
    for step in (0, 1, 2, 3, 7, 331, 348, 10_000, 123_457):
        assert math.isclose(
            base ** powers.StepNumber(step), base**step, rel_tol=step * 3e-16 + 1e-16, abs_tol=0.0
        )


def test_is_a_product_of_squares() -> None:
    x = 0.9
    assert powers.power(x, 6) == (x * x) * ((x * x) * (x * x))
    assert powers.power(x, 5) == x * ((x * x) * (x * x))


def test_other_powers_and_sums_are_those_of_a_float() -> None:
    step = powers.StepNumber(3.5)
    assert 2.0**step == 2.0**3.5
    assert 2 ** powers.StepNumber(3) == 8
    assert type(powers.StepNumber(3) + 1) is float
    assert torch.equal(torch.tensor([2.0]) ** powers.StepNumber(3), torch.tensor([8.0]))


@pytest.mark.parametrize("kind", [torch.optim.Adam, torch.optim.AdamW, torch.optim.RAdam, torch.optim.Adamax])
@pytest.mark.parametrize("foreach", [False, True])
def test_optimizers_take_them_and_give_them_back(
    kind: type[torch.optim.Optimizer], foreach: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[int] = []
    real = powers.power
    monkeypatch.setattr(powers, "power", lambda base, step: (taken.append(step), real(base, step))[1])
    weight = torch.nn.Parameter(torch.ones(3))
    optimizer = kind([weight], foreach=foreach)  # type: ignore[call-arg]
    adam = import_module("torch.optim.adam")
    before = adam._get_value
    installed = powers.Powers()
    installed.install()
    try:
        for _ in range(3):
            weight.grad = torch.ones(3)
            optimizer.step()
    finally:
        installed.uninstall()
    assert set(taken) == {1, 2, 3}
    assert adam._get_value is before
