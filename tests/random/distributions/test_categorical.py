"""Categorical and multinomial: their classes, kept for ever; their probabilities; extreme weights."""

from __future__ import annotations

import hashlib
import itertools
import math

import pytest
import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensorMode

from samebits.random import core, keys
from samebits.random.distributions import categorical as classes
from samebits.random.distributions.categorical import categorical, multinomial

WEIGHTS = torch.tensor([[1.0, 2.0, 3.0, 4.0], [0.1, 0.0, 1e-3, 5.0]], dtype=torch.float64)


def digest(t: Tensor) -> str:
    return hashlib.sha256(t.numpy().tobytes()).hexdigest()[:32]


@pytest.mark.parametrize("tier", core.tiers())
def test_known_classes(tier):
    key, many = keys.key(7), torch.arange(1, 5001)
    logits = torch.tensor([0.0, 0.5, -1.0, 2.5, -torch.inf])
    with core.using(tier):
        assert categorical(key, 10, weights=WEIGHTS).tolist() == [[2, 1, 1, 2, 0, 0, 2, 1, 1, 1], [3] * 10]
        assert categorical(key, 10, logits=logits).tolist() == [3, 3, 3, 0, 3, 3, 3, 3, 3, 0]
        assert multinomial(key, WEIGHTS, 3).tolist() == [[2, 0, 3], [3, 0, 2]]
        assert digest(categorical(key, 5000, weights=many)) == "39c5385f50381da9628d6b657e2b0289"
        assert (
            digest(categorical(key, 5000, logits=many.double() / 500)) == "898f1b082954ec652bdec995445f8132"
        )
        assert digest(multinomial(key, many, 5000)) == "b4ad5cc276822b14758e09be6c597902"
        assert digest(multinomial(key, many, 300)) == "11c0984dd62dd27197091ff40077b27f"


def chi_square(counts: Tensor, probabilities: Tensor) -> float:
    expected = probabilities * counts.sum()
    return float(((counts - expected) ** 2 / expected).sum())


@pytest.mark.parametrize("weights", [[1, 2, 3, 4, 5, 6, 7, 8], [1e-3, 1, 5, 1, 1, 1, 1e-2, 100]])
def test_frequencies_with_replacement(weights):
    w = torch.tensor(weights, dtype=torch.float64)
    for drawn in (
        categorical(keys.key(1), 400_000, weights=w),
        categorical(keys.key(2), weights=w.expand(400_000, 8)),
        categorical(keys.key(3), 400_000, logits=w.log() + 5),
        multinomial(keys.key(4), w, 400_000, replacement=True),
    ):
        assert drawn.shape == (400_000,)
        assert chi_square(drawn.bincount(minlength=8).double(), w / w.sum()) < 40  # 7 degrees: 1e-6


@pytest.mark.parametrize(
    "weights", [[1.0, 2.0, 3.0, 4.0], [1.0, 1.0, 1.0, 1.0, 0.0], [0.3, 9.0, 0.3, 0.01, 2.0]]
)
def test_frequencies_of_every_sequence_without_replacement(weights):
    w = torch.tensor(weights)
    drawn = multinomial(keys.key(5), w.expand(200_000, len(w)), 3)
    numbers = drawn[:, 0] * 25 + drawn[:, 1] * 5 + drawn[:, 2]
    counts = numbers.bincount(minlength=125).double()
    probabilities = torch.zeros(125, dtype=torch.float64)
    for sequence in itertools.permutations(range(len(w)), 3):
        left, p = math.fsum(weights), 1.0
        for one in sequence:
            p, left = p * weights[one] / left if left > 0 else 0.0, left - weights[one]
        a, b, c = sequence
        probabilities[a * 25 + b * 5 + c] = p
    assert counts[probabilities == 0].sum() == 0
    often = probabilities * 200_000 > 5
    rest = counts[~often].sum() - 200_000 * probabilities[~often].sum()
    assert abs(rest) < 5 * (200_000 * probabilities[~often].sum() + 1) ** 0.5
    degrees = int(often.sum())
    chi = ((counts - 200_000 * probabilities)[often] ** 2 / (200_000 * probabilities)[often]).sum()
    assert chi < degrees + 5 * (2 * degrees) ** 0.5


def test_inclusion_probabilities_of_many_classes():
    # Weights 1 and 3: of m drawn the number of heavy ones is Wallenius' hypergeometric, whose mean
    # is the recursion of drawing one after another.
    n, m, rows = 50, 30, 4000
    w = torch.cat((torch.ones(n), torch.full((n,), 3.0)))
    drawn = multinomial(keys.key(6), w.expand(rows, 2 * n), m)
    heavy = (drawn >= n).sum(-1).double()
    likely = {0: 1.0}
    for step in range(m):
        after: dict[int, float] = {}
        for taken, p in likely.items():
            h = 3 * (n - taken) / (3 * (n - taken) + n - (step - taken))
            after[taken + 1] = after.get(taken + 1, 0.0) + p * h
            after[taken] = after.get(taken, 0.0) + p * (1 - h)
        likely = after
    mean = sum(k * p for k, p in likely.items())
    variance = sum((k - mean) ** 2 * p for k, p in likely.items())
    assert abs(heavy.mean() - mean) < 5 * (variance / rows) ** 0.5
    assert abs(heavy.var() / variance - 1) < 5 * (2 / rows) ** 0.5
    inside = drawn.flatten().bincount(minlength=2 * n).double()
    for half in (
        inside[:n],
        inside[n:],
    ):  # classes of one weight are as often inside; at most Poisson's variance
        assert chi_square(half, torch.full((n,), 1 / n, dtype=torch.float64)) < n + 5 * (2 * n) ** 0.5


def test_whole_numbers():
    def whole(*w: float) -> list[int]:
        return classes.whole(torch.tensor(w, dtype=torch.float64)).tolist()

    top = 2**38
    assert whole(1.0, 0.5, 0.0) == [top, top // 2, 0]
    assert whole(3.0, 1.0) == [3 * 2**37, 2**37]
    assert whole(5e-324, 0.0) == [top, 0]
    assert whole(1.7976931348623157e308, 1.0) == [2**39 - 1, 0]
    assert whole(1.0, 2.0**-38, 2.0**-39, 1.5 * 2.0**-38, 2.5 * 2.0**-38) == [top, 1, 0, 2, 2]  # half to even
    assert whole(3 * 5e-324, 5e-324) == [3 * 2**37, 2**37]
    assert max(whole(*[1.0 - 2.0**-53] * 3)) == 2**39 - 1  # rounded up, but kept to 39 bits
    assert (2**39 - 1) * classes.MOST < 2**63


def test_a_row_has_a_scale_of_its_own():
    w = torch.tensor([[1e300, 1.0], [1.0, 1e-5]], dtype=torch.float64)
    rows = classes.whole(w)
    assert torch.equal(rows[1], classes.whole(w[1:])[0])
    assert rows[0, 1] == 0


@pytest.mark.parametrize("divisor", [1, 2, 3, 10**6 + 3, 2**38, 2**62 - 57, 2**63 - 25, 2**63 - 1])
def test_remainders(divisor):
    numbers = [0, 1, 5, divisor - 1, divisor, divisor + 1, 2 * divisor - 1, 2 * divisor, 2**63, 2**64 - 1]
    words = [n % 2**64 for n in numbers] + [0x9E3779B97F4A7C15 * n % 2**64 for n in range(200)]
    signed = torch.tensor([w - 2**64 if w >> 63 else w for w in words])
    assert classes.remainder(signed, torch.tensor([divisor])).tolist() == [w % divisor for w in words]


@pytest.mark.parametrize(
    "dtype", [torch.float16, torch.bfloat16, torch.float32, torch.int64, torch.int32, torch.uint8, torch.bool]
)
def test_a_weights_dtype_is_of_no_matter(dtype):
    w = torch.tensor([1, 0, 1, 1]) if dtype is torch.bool else torch.tensor([3, 0, 100, 40])
    for replacement in (True, False):
        expected = multinomial(keys.key(1), w.double(), 3, replacement)
        assert torch.equal(multinomial(keys.key(1), w.to(dtype), 3, replacement), expected)


def test_a_weights_scale_is_of_no_matter_if_it_is_a_power_of_two():
    w = torch.rand(50, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    for replacement in (True, False):
        expected = multinomial(keys.key(1), w, 20, replacement)
        for factor in (2.0**-900, 2.0**-3, 2.0**1000):
            assert torch.equal(multinomial(keys.key(1), w * factor, 20, replacement), expected)


def test_zero_weights_are_never_drawn():
    w = torch.zeros(1000)
    w[::7] = torch.linspace(1e-3, 1, 143)
    assert (categorical(keys.key(1), 20_000, weights=w) % 7 == 0).all()
    assert (multinomial(keys.key(1), w, 143).sort().values == torch.arange(143) * 7).all()
    assert (categorical(keys.key(1), 20_000, logits=w.log()) % 7 == 0).all()


@pytest.mark.parametrize("draws", [3, 150, 200])
def test_weights_of_extreme_ratios(draws):
    # What is 2**2000 times less arrives at inf: last, and in order; zeros not even then.
    w = torch.full((1000,), 5e-324, dtype=torch.float64)
    w[500], w[3] = 1.7e308, 0.0
    assert multinomial(keys.key(1), w, draws).tolist() == [500, 0, 1, 2, *range(4, draws + 2)][:draws]
    assert (categorical(keys.key(1), 100, weights=w) == 500).all()
    smallest = torch.full((4,), 5e-324, dtype=torch.float64)
    assert torch.equal(multinomial(keys.key(1), smallest, 4), multinomial(keys.key(1), torch.ones(4), 4))


def test_few_of_many_are_the_first_of_all():
    w = torch.rand(3, 500, generator=torch.Generator().manual_seed(0))
    everything = multinomial(keys.key(1), w, 500)
    for few in (0, 1, 20, 300):
        assert torch.equal(multinomial(keys.key(1), w, few), everything[:, :few])


def test_more_rows_begin_with_fewer():
    w = torch.rand(6, 9, generator=torch.Generator().manual_seed(0))
    for replacement in (True, False):
        drawn = multinomial(keys.key(1), w, 4, replacement)
        assert torch.equal(multinomial(keys.key(1), w[:2], 4, replacement), drawn[:2])
        assert torch.equal(
            multinomial(keys.key(1), w.reshape(2, 3, 9), 4, replacement), drawn.reshape(2, 3, 4)
        )
    one = categorical(keys.key(1), weights=w)
    assert one.shape == (6,)
    assert torch.equal(one, categorical(keys.key(1), 1, weights=w).squeeze(-1))
    row = categorical(keys.key(1), 12, weights=w[0])
    assert torch.equal(row[:4], categorical(keys.key(1), 4, weights=w[0]))


def test_empty_shapes():
    assert multinomial(keys.key(1), torch.ones(0, 3), 2).shape == (0, 2)
    assert multinomial(keys.key(1), torch.ones(4, 3), 0).shape == (4, 0)
    assert categorical(keys.key(1), 0, weights=torch.ones(3)).shape == (0,)


def test_out_is_filled():
    w, out = torch.ones(2, 8), torch.empty(3, 2, dtype=torch.int64).t()
    assert multinomial(keys.key(1), w, 3, out=out) is out
    assert torch.equal(out, multinomial(keys.key(1), w, 3))
    assert categorical(keys.key(1), 3, weights=w, out=out) is out
    assert torch.equal(out, categorical(keys.key(1), 3, weights=w, device="cpu"))


def test_layout_is_of_no_matter():
    w = torch.rand(9, 6, generator=torch.Generator().manual_seed(0)).t()
    for replacement in (True, False):
        drawn = multinomial(keys.key(1), w, 4, replacement)
        assert torch.equal(drawn, multinomial(keys.key(1), w.contiguous(), 4, replacement))


def test_compilers_and_fake_tensors_see_an_operation():
    key, w = keys.key(4), torch.rand(5, 7, generator=torch.Generator().manual_seed(0))

    def program(w: Tensor) -> Tensor:
        return categorical(key, 2, logits=w) + multinomial(key, w, 2)

    assert torch.equal(torch.compile(program, backend="aot_eager", fullgraph=True)(w), program(w))
    with FakeTensorMode() as mode:
        assert multinomial(mode.from_tensor(key), mode.from_tensor(w), 3).shape == (5, 3)


ONES = torch.ones(3)


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (lambda k: multinomial(k, torch.tensor([1.0, math.nan]), 1), ValueError, "some are NaN"),
        (lambda k: multinomial(k, torch.tensor([1.0, math.inf]), 1), ValueError, "some are infinite"),
        (lambda k: multinomial(k, torch.tensor([1.0, -1.0]), 1), ValueError, "some are negative"),
        (lambda k: multinomial(k, torch.tensor([1, -1]), 1, True), ValueError, "0: some are negative"),
        (lambda k: multinomial(k, torch.tensor([[1.0, 0], [0, 0]]), 1), ValueError, "in some row all are 0"),
        (lambda k: multinomial(k, torch.tensor([[1.0, 1], [1, 0]]), 2), ValueError, "fewer positive weights"),
        (lambda k: multinomial(k, ONES, 4), ValueError, "4 of 3 classes cannot be drawn without"),
        (lambda k: multinomial(k, ONES, -1), ValueError, "num_samples must not be negative: -1"),
        (lambda k: multinomial(k, ONES, 1.5), TypeError, "num_samples must be an integer"),
        (
            lambda k: multinomial(k, [1, 2], 1),
            TypeError,
            "weights must be a tensor of real numbers, not a list",
        ),
        (lambda k: multinomial(k, ONES.cfloat(), 1), TypeError, "not torch.complex64"),
        (lambda k: multinomial(k, torch.tensor(1.0), 1), ValueError, "(*batch, K) with 1 to 2**24 classes"),
        (lambda k: multinomial(k, torch.ones(2, 0), 1), ValueError, "not (2, 0)"),
        (lambda k: multinomial(k, ONES[:1].expand(2**24 + 1), 1), ValueError, "not (16777217,)"),
        (lambda k: multinomial(keys.split(k), ONES, 1), ValueError, "one key, of shape (2,)"),
        (lambda k: multinomial(7, ONES, 1), TypeError, "a key comes first"),
        (lambda k: multinomial(k, ONES, 1, out=torch.zeros(1)), TypeError, "not torch.float32"),
        (lambda k: multinomial(k, ONES, 1, out=torch.zeros(2).long()), ValueError, "out has the shape (2,)"),
        (lambda k: categorical(k), TypeError, "weights= or logits=, one of them"),
        (lambda k: categorical(k, weights=ONES, logits=ONES), TypeError, "one of them"),
        (
            lambda k: categorical(k, logits=torch.tensor([0, math.nan])),
            ValueError,
            "logits must be finite or -inf",
        ),
        (lambda k: categorical(k, logits=torch.tensor([0, math.inf])), ValueError, "some are inf"),
        (lambda k: categorical(k, logits=torch.full((2,), -math.inf)), ValueError, "all are -inf"),
    ],
)
def test_bad_input_is_named(call, kind, message):
    with pytest.raises(kind) as raised:
        call(keys.key(0))
    assert message in str(raised.value)
