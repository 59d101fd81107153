"""Powers of a decay: one product, whatever the C library's `pow` is, and near to it."""

from __future__ import annotations

import math
from importlib import import_module

import pytest
import torch
from tests.arithmetic.bits import same_bits

import samebits
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


def test_a_correction_is_a_difference_and_a_square_root() -> None:
    decay = 0.999 ** powers.StepNumber(17)
    assert 1 - decay == 1 - powers.power(0.999, 17)
    assert 1.0 - decay == 1 - powers.power(0.999, 17)
    assert (1 - decay) ** 0.5 == math.sqrt(1 - powers.power(0.999, 17))
    assert (1 - decay) ** 2 == (1 - powers.power(0.999, 17)) ** 2
    assert type(decay * 2.0) is float


@pytest.mark.parametrize("kind", [torch.optim.Adam, torch.optim.AdamW])
def test_the_fused_optimizer_takes_them_too(kind: type[torch.optim.Optimizer]) -> None:
    """At steps where a C library's power has another last bit than another's: 331 for 0.99, 348 for 0.9."""
    ends = []
    with torch.random.fork_rng(), samebits.portable(0):
        for how in ({"fused": True}, {"foreach": False}, {"foreach": True}):
            weight = torch.nn.Parameter(torch.ones(3))
            optimizer = kind([weight], betas=(0.9, 0.99), **how)  # type: ignore[call-arg]
            for step in range(360):
                weight.grad = torch.full((3,), 1.0 + step % 7)
                optimizer.step()
            ends.append(weight.detach())
    same_bits(ends[0], ends[1])
    same_bits(ends[2], ends[1])


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
