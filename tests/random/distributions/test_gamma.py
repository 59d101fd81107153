"""Gamma, beta and Dirichlet numbers follow their distributions, and gradients flow through them."""

from __future__ import annotations

import numpy
import pytest
import torch
from scipy import special, stats
from torch import Tensor

from samebits.random import keys
from samebits.random.distributions.gamma import beta, dirichlet, gamma

F64 = torch.float64
KEY = keys.key(7)
COUNT = 100_000

#: A test that is right fails once in ten thousand choices of the key, and the key is chosen.
LEVEL = 1e-4


def follows(values: Tensor, distribution: object) -> float:
    """The p-value of Kolmogorov and Smirnov's test."""
    return float(stats.kstest(values.numpy(), distribution.cdf).pvalue)  # type: ignore[attr-defined]


@pytest.mark.parametrize("concentration", [0.01, 0.1, 0.5, 0.999, 1.0, 1.001, 1.5, 5.0, 100.0, 1e6])
def test_gamma_follows_its_distribution(concentration: float) -> None:
    values = gamma(KEY, concentration, COUNT, rate=2.0, dtype=F64)
    assert follows(values, stats.gamma(concentration, scale=0.5)) > LEVEL


def test_tiny_concentrations_follow_their_distribution_down_to_the_smallest_number() -> None:
    """Of the numbers of concentration 0.004 6 % are smaller than a float64 can be."""
    values = gamma(KEY, 0.004, COUNT, dtype=F64)
    tiny = torch.finfo(F64).tiny
    kept = values > tiny
    least = special.gammainc(0.004, tiny)
    assert abs((~kept).double().mean().item() - least) < 4 * (least / COUNT) ** 0.5
    uniform = special.gammainc(0.004, values[kept].numpy())
    assert stats.kstest((uniform - least) / (1 - least), "uniform").pvalue > LEVEL


def test_huge_concentrations_are_normal() -> None:
    a = 1e15
    values = gamma(KEY, a, COUNT, dtype=F64)
    assert stats.kstest(((values - a) / a**0.5).numpy(), stats.norm.cdf).pvalue > LEVEL
    assert (gamma(KEY, 2.0**1000, 9, dtype=F64) / 2.0**1000 - 1).abs().max() < 1e-15


def test_gamma_tails() -> None:
    """Far out the counts are those expected: Poisson, of means around 30."""
    values = gamma(KEY, 3.0, 1_000_000, dtype=F64)
    for level in (3e-5, 1e-4):
        distribution = stats.gamma(3.0)
        for found in (
            (values < distribution.ppf(level)).sum().item(),
            (values > distribution.isf(level)).sum().item(),
        ):
            expected = level * 1_000_000
            assert abs(found - expected) < 4 * expected**0.5


def test_gamma_never_is_zero() -> None:
    for dtype in (torch.float16, torch.bfloat16, torch.float32, F64):
        values = gamma(KEY, 1e-3, 1000, dtype=dtype)
        assert values.min().item() == torch.finfo(dtype).tiny


@pytest.mark.parametrize(
    ("a", "b"),
    [(0.1, 0.1), (0.5, 0.5), (1.0, 1.0), (0.2, 3.0), (2.0, 5.0), (1e3, 2e3), (1e6, 0.7), (30.0, 1e-2)],
)
def test_beta_follows_its_distribution(a: float, b: float) -> None:
    values = beta(KEY, a, b, COUNT, dtype=F64)
    # Where the distribution has much of itself next to 1, float64 has steps there: looked at from below them.
    most = 1 - 1e-9
    if stats.beta(a, b).sf(most) < 1e-6:
        assert follows(values, stats.beta(a, b)) > LEVEL
    else:
        inside = values[values < most].numpy()
        assert (
            stats.kstest(special.betainc(a, b, inside) / special.betainc(a, b, most), "uniform").pvalue
            > LEVEL
        )
        assert abs((values >= most).double().mean().item() - stats.beta(a, b).sf(most)) < 4 / COUNT**0.5


def test_tiny_betas_are_trials() -> None:
    values = beta(KEY, 1e-9, 3e-9, COUNT, dtype=F64)
    ends = torch.finfo(F64)
    near = (values == ends.tiny) | (values == 1 - ends.eps / 2)
    assert near.double().mean() > 0.9999
    assert abs((values > 0.5).double().mean().item() - 0.25) < 4 * (0.25 * 0.75 / COUNT) ** 0.5


@pytest.mark.parametrize("concentration", [[0.1, 0.2, 0.7], [1.0, 1.0, 1.0], [5.0, 0.5, 100.0, 2.0]])
def test_dirichlet_follows_its_distribution(concentration: list[float]) -> None:
    given = torch.tensor(concentration, dtype=F64)
    values = dirichlet(KEY, given, COUNT)
    assert (values.sum(-1) - 1).abs().max() < 1e-15 * 3
    for k, a in enumerate(concentration):
        distribution = stats.beta(a, sum(concentration) - a)
        inside = values[:, k][values[:, k] < 1 - 1e-9].numpy()
        whole = distribution.cdf(1 - 1e-9)
        assert stats.kstest(distribution.cdf(inside) / whole, "uniform").pvalue > LEVEL
    covariance = numpy.cov(values.numpy().T)
    exact = stats.dirichlet(concentration).cov()
    assert numpy.abs(covariance - exact).max() < 5 * numpy.abs(exact).max() / COUNT**0.5


def test_many_classes_have_a_sum_of_one() -> None:
    values = dirichlet(KEY, torch.full((1001,), 0.01, dtype=F64), 200)
    assert (values.sum(-1) - 1).abs().max() < 1e-14
    assert dirichlet(KEY, torch.tensor([3.0]), 4).eq(1 - 2.0**-24).all()


def grad_of(function: object, *parameters: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
    given = tuple(p.clone().requires_grad_() for p in parameters)
    values = function(*given)  # type: ignore[operator]
    weight = torch.linspace(0.5, 2, values.numel(), dtype=values.dtype).view_as(values)
    return values.detach(), torch.autograd.grad((values * weight).sum(), given)


def weights(values: Tensor) -> Tensor:
    return torch.linspace(0.5, 2, values.numel(), dtype=values.dtype).view_as(values)


def test_the_gradient_of_gamma_is_torchs() -> None:
    a, rate = torch.tensor([0.3, 1.0, 4.0, 200.0], dtype=F64), torch.tensor([2.0, 1.0, 0.5, 3.0], dtype=F64)
    values, (by_a, by_rate) = grad_of(lambda a, rate: gamma(KEY, a, rate=rate), a, rate)
    slope = torch._standard_gamma_grad(a, values * rate)
    assert torch.allclose(by_a, weights(values) * slope / rate, rtol=1e-12)
    assert torch.allclose(by_rate, -weights(values) * values / rate, rtol=1e-12)


def test_the_gradient_sums_over_what_was_broadcast() -> None:
    a = torch.tensor(2.0, dtype=F64)
    values, (by_a,) = grad_of(lambda a: gamma(KEY, a, 5, 6), a)
    slope = torch._standard_gamma_grad(a.expand(5, 6), values)
    assert torch.allclose(by_a, (weights(values) * slope).sum())
    _, (narrow,) = grad_of(lambda a: gamma(KEY, a, 5, 6), a.float())
    assert narrow.dtype is torch.float32
    assert torch.allclose(narrow.double(), by_a, rtol=1e-4)


def torchs_dirichlet(values: Tensor, concentration: Tensor, gradient: Tensor) -> Tensor:
    """As torch.distributions.Dirichlet computes it."""
    total = concentration.sum(-1, True).expand_as(concentration)
    slope = torch._dirichlet_grad(values, concentration, total)
    return slope * (gradient - (values * gradient).sum(-1, True))


def test_the_gradient_of_dirichlet_is_torchs() -> None:
    a = torch.tensor([[0.3, 1.0, 4.0], [20.0, 3.0, 0.7]], dtype=F64)
    values, (by_a,) = grad_of(lambda a: dirichlet(KEY, a), a)
    assert torch.allclose(by_a, torchs_dirichlet(values, a, weights(values)), rtol=1e-12)


def test_the_gradient_of_beta_is_torchs() -> None:
    a, b = torch.tensor([0.3, 1.0, 4.0], dtype=F64), torch.tensor([2.0, 0.4, 7.0], dtype=F64)
    values, (by_a, by_b) = grad_of(lambda a, b: beta(KEY, a, b), a, b)
    rows, both = torch.stack((values, 1 - values), -1), torch.stack((a, b), -1)
    gradient = torch.stack((weights(values), torch.zeros_like(values)), -1)
    expected = torchs_dirichlet(rows, both, gradient)
    assert torch.allclose(torch.stack((by_a, by_b), -1), expected, rtol=1e-10)


def test_the_gradient_is_that_of_the_mean() -> None:
    """d E[x] / d a is 1 / rate; of beta's mean a / (a + b), b / (a + b)**2."""
    a = torch.tensor(1.7, dtype=F64, requires_grad=True)
    (slope,) = torch.autograd.grad(gamma(KEY, a, COUNT, rate=2.0).mean(), a)
    assert abs(slope.item() - 0.5) < 0.01
    (slope,) = torch.autograd.grad(beta(KEY, a, 2.3, COUNT).mean(), a)
    assert abs(slope.item() - 2.3 / 16) < 0.003
