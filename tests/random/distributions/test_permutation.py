"""Permutations and choices: their numbers, kept for ever; every way to them; that they are random."""

from __future__ import annotations

import ctypes
import hashlib
from functools import cache
from pathlib import Path

import numpy
import pytest
import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensorMode

from samebits.random import core, keys, philox
from samebits.random.distributions.permutation import choice, permutation

from ..compiled import library

SEVEN = (7, 0)
WRAPPING = (0x123456789ABCDEF0, 2**64 - 3)

SIZES = [0, 1, 2, 3, 5, 7, 31, 64, 511, 512, 513, 997, 4099, 2**15 - 1, 2**15, 2**15 + 1]
LARGE = [2**16 - 1, 2**16, 2**16 + 1, 100_003, 2**17, 2**17 + 1, 2**18 - 1, 2**18 + 3, 300_007]


def key_of(pair: tuple[int, int]) -> Tensor:
    return torch.tensor(pair, dtype=torch.uint64)


def digest(t: Tensor) -> str:
    return hashlib.sha256(t.numpy().tobytes()).hexdigest()[:32]


def word64(pair: tuple[int, int], i: int) -> int:
    w = philox.block(pair[0], pair[1] + i // 2)
    return w[i % 2 * 2] << 32 | w[i % 2 * 2 + 1]


@cache
def plain(n: int) -> Tensor:
    with core.using("eager"):
        return permutation(keys.key(n), n)


@pytest.fixture
def threads():
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


@pytest.mark.parametrize("tier", core.tiers())
@pytest.mark.parametrize(
    ("pair", "n", "first", "expected"),
    [
        (SEVEN, 12, [4, 1, 7, 3, 8, 10], None),
        (SEVEN, 1000, [503, 877, 358, 976, 116, 299], "71389c35a0806cb7fe3f9d2e13b4278f"),
        (SEVEN, 100_003, [65892, 63721, 79868, 92119, 52893, 15693], "86e7144f2f55ef1b26d7fa169378cf24"),
        (
            SEVEN,
            1_000_000,
            [875355, 269328, 578177, 614582, 594409, 123482],
            "0b2120a2fe19c4c55d6af464b7f5478a",
        ),
        (WRAPPING, 12, [9, 6, 2, 8, 1, 4], None),
        (WRAPPING, 1000, [718, 712, 559, 509, 457, 938], "dbda6afccc7cb34aa5ae63f8176370f7"),
        (WRAPPING, 100_003, [30404, 76682, 7115, 64269, 72433, 70685], "8d42c239a6a7f67ef06ed3937f0018ad"),
        (
            WRAPPING,
            1_000_000,
            [158169, 346260, 30404, 312516, 604832, 311515],
            "a128b8a368dc6c5645e5ac9f259a6b3d",
        ),
    ],
)
def test_known_permutations(tier, pair, n, first, expected):
    with core.using(tier):
        order = permutation(key_of(pair), n)
    assert order.dtype is torch.int64
    assert order[:6].tolist() == first
    assert expected is None or digest(order) == expected


@pytest.mark.parametrize("pair", [SEVEN, WRAPPING])
def test_a_permutation_is_the_order_of_the_words(pair):
    expected = sorted(range(333), key=lambda i: (word64(pair, i), i))
    assert permutation(key_of(pair), 333).tolist() == expected


@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize("tier", [tier for tier in core.tiers() if tier != "eager"])
def test_every_tier_and_number_of_threads_gives_the_same_order(tier, count, threads):
    threads(count)
    for n in SIZES + LARGE:
        with core.using(tier):
            assert torch.equal(permutation(keys.key(n), n), plain(n)), n


def test_many_buckets(threads):
    threads(2)
    n = 2**21 + 3
    key = keys.key(3)
    with core.using("eager"):
        expected = permutation(key, n)
    assert torch.equal(permutation(key, n), expected)


# The words of core.c, without its tiers.
WORDS = """
#include "order.c"
int sb_fill_all(void *out, const uint64_t *key, const sb_parameters *p, int64_t keys, int64_t each,
                int64_t first, int what, int threads, const void *in) {
  for (int64_t i = 0; i < each; i++) {
    uint32_t w[4];
    sb_philox(key[0], key[1] + (uint64_t)(first + i) / 2, 0, w);
    ((uint64_t *)out)[i] = (first + i) % 2 ? (uint64_t)w[2] << 32 | w[3] : (uint64_t)w[0] << 32 | w[1];
  }
  return 0;
}
"""


@pytest.mark.parametrize("options", [(), ("-DSB_ORDER_PLAIN",)], ids=["vectors", "plain"])
@pytest.mark.parametrize("bits", [2, 9, 14, 64])
def test_keys_that_begin_alike_are_ordered_by_the_rest(tmp_path: Path, bits, options):
    sort = library(tmp_path, WORDS, f"-DSB_ORDER_KEY_BITS={bits}", "-pthread", *options).sb_permutation
    key = keys.key(5)
    for n in (2, 3, 17, 300, 1000) if bits == 2 else (1000, 20_011, 140_001, 270_001):
        order = torch.empty(n, dtype=torch.int64)
        pointers = ctypes.c_void_p(order.data_ptr()), ctypes.c_void_p(key.data_ptr())
        assert sort(*pointers, ctypes.c_int64(1), ctypes.c_int64(n), 2) == 0
        with core.using("eager"):
            assert torch.equal(order, permutation(key, n)), n


def test_every_order_of_four_is_as_frequent():
    orders = permutation(keys.split(keys.key(11), 48_000), 4)
    numbers = (orders * torch.tensor([64, 16, 4, 1])).sum(-1)
    found, counts = numbers.unique(return_counts=True)
    assert len(found) == 24
    assert ((counts - 2000.0) ** 2 / 2000).sum() < 60  # 23 degrees of freedom: 4e-5


def test_every_number_is_everywhere_as_often():
    n, amount = 16, 32_000
    orders = permutation(keys.split(keys.key(12), amount), n)
    counts = torch.stack([(orders == number).sum(0) for number in range(n)]).double()
    chi = ((counts - amount / n) ** 2 / (amount / n)).sum()
    assert abs(chi - 225) < 5 * 450**0.5  # 15 * 15 degrees of freedom


def test_orders_of_neighbouring_keys_and_offsets_are_unrelated():
    n, amount = 64, 4000
    for neighbours in (
        torch.stack((torch.arange(amount), torch.zeros(amount, dtype=torch.int64)), -1),
        torch.stack((torch.zeros(amount, dtype=torch.int64), torch.arange(amount) * n), -1),
    ):
        ranks = permutation(neighbours.to(torch.uint64), n)
        same = (ranks[1:] == ranks[:-1]).sum(-1).double()  # Poisson of mean 1, nearly
        assert abs(same.mean() - 1) < 5 / amount**0.5
        centred = ranks.double() - (n - 1) / 2
        correlation = (centred[1:] * centred[:-1]).mean() / (n * n - 1) * 12
        assert abs(correlation) < 5 / (amount * n) ** 0.5


def test_a_large_order_has_the_inversions_of_a_random_one():
    n = 2000
    order = permutation(keys.key(13), n)
    inversions = (order[:, None] > order[None, :]).triu(1).sum().item()
    mean, variance = n * (n - 1) / 4, n * (n - 1) * (2 * n + 5) / 72
    assert abs(inversions - mean) < 5 * variance**0.5


@pytest.mark.parametrize("n", [1000, 300_000])
def test_a_large_order_is_a_permutation(n):
    assert torch.equal(permutation(keys.key(14), n).sort().values, torch.arange(n))


def test_a_batch_of_keys_gives_each_key_its_order():
    batch = keys.split(keys.key(1), 6).reshape(2, 3, 2)
    orders = permutation(batch, 100)
    assert orders.shape == (2, 3, 100)
    for a in range(2):
        for b in range(3):
            assert torch.equal(orders[a, b], permutation(batch[a, b], 100))
    with core.using("eager"):
        assert torch.equal(permutation(batch, 100), orders)


@pytest.mark.parametrize("dtype", [torch.int32, torch.int16, torch.uint8, torch.uint64])
def test_other_dtypes_have_the_same_order(dtype):
    order = permutation(keys.key(1), 200, dtype=dtype)
    assert order.dtype is dtype
    assert torch.equal(order.to(torch.int64), permutation(keys.key(1), 200))


def test_out_is_filled_in_any_layout():
    expected = permutation(keys.key(1), 50)
    for out in (
        torch.empty(50, dtype=torch.int64),
        torch.empty(100, dtype=torch.int64)[::2],
        torch.empty(50, dtype=torch.int32),
    ):
        version = out._version
        assert permutation(keys.key(1), 50, out=out) is out
        assert torch.equal(out.to(torch.int64), expected)
        assert out._version > version


def test_the_rows_of_a_tensor():
    x = torch.arange(24.0).reshape(4, 6).requires_grad_()
    key = keys.key(2)
    rows = permutation(key, x)
    assert torch.equal(rows, x[permutation(key, 4)])
    assert torch.equal(permutation(key, x, dim=-1), x[:, permutation(key, 6)])
    out = torch.empty(4, 6)
    with torch.no_grad():
        assert torch.equal(permutation(key, x, out=out), rows)
    (rows * torch.arange(4.0)[:, None]).sum().backward()
    assert torch.equal(x.grad[permutation(key, 4), 0], torch.arange(4.0))


def test_compilers_fake_tensors_and_vmap_see_an_operation():
    key = keys.key(4)
    expected = permutation(key, 30)
    compiled = torch.compile(lambda key: permutation(key, 30) + 1, backend="aot_eager", fullgraph=True)
    assert torch.equal(compiled(key), expected + 1)
    batch = keys.split(key, 3)
    assert torch.equal(torch.func.vmap(lambda key: permutation(key, 30))(batch), permutation(batch, 30))
    with FakeTensorMode() as mode:
        assert permutation(mode.from_tensor(key), 30).shape == (30,)


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (lambda k: permutation(k, -1), ValueError, "0 to 2**40 numbers, not -1"),
        (lambda k: permutation(k, 2**41), ValueError, "0 to 2**40 numbers, not 2199023255552"),
        (lambda k: permutation(k, 2.5), TypeError, "x, where it is no tensor, must be an integer, not 2.5"),
        (lambda k: permutation(k, 300, dtype=torch.uint8), ValueError, "torch.uint8 has no number 299"),
        (lambda k: permutation(k, 3, dtype=torch.float32), TypeError, "not torch.float32"),
        (lambda k: permutation(3, 3), TypeError, "a key comes first"),
        (lambda k: permutation(k, torch.tensor(3)), ValueError, "must have a dimension"),
        (lambda k: permutation(k, torch.zeros(3), dim=1), ValueError, "dim must be -1 to 0"),
        (lambda k: permutation(k, torch.zeros(3), dtype=torch.int64), TypeError, "a tensor keeps its own"),
        (lambda k: permutation(keys.split(k), torch.zeros(3)), ValueError, "one key, of shape (2,)"),
        (
            lambda k: permutation(k, 3, out=torch.zeros(4, dtype=torch.int64)),
            ValueError,
            "has the shape (4,)",
        ),
        (lambda k: permutation(k, torch.zeros(3), out=torch.zeros(3).double()), TypeError, "torch.float32"),
        (lambda k: choice(k, 0, 1), ValueError, "a has 0 entries"),
        (lambda k: choice(k, -3, 1), ValueError, "a has -3 entries"),
        (lambda k: choice(k, 3, 4, replace=False), ValueError, "4 of 3 cannot be chosen without replacement"),
        (lambda k: choice(k, 3, -1), ValueError, "must not be negative"),
        (lambda k: choice(k, 3, 2, p=[0.5, 0.5]), ValueError, "one number for each of the 3"),
        (lambda k: choice(k, 3, 2, p=[0.5, -0.5, 1]), ValueError, "some are negative"),
        (lambda k: choice(k, 3, 2, replace=False, p=[0, 0, 1]), ValueError, "fewer positive weights"),
        (lambda k: choice(k, torch.tensor(3), 2), ValueError, "a tensor to choose from must have a dim"),
        (lambda k: choice(k, torch.zeros(3), 2, device="cpu"), TypeError, "stay where they are"),
        (lambda k: choice(k, 3, 2, out=torch.zeros(2)), TypeError, "torch.int64, not torch.float32"),
        (lambda k: choice(keys.split(k), 3, 2), ValueError, "choice takes one key"),
        (lambda k: choice(k, "3", 2), TypeError, "must be an integer, not '3'"),
    ],
)
def test_bad_input_is_named(call, kind, message):
    with pytest.raises(kind) as raised:
        call(keys.key(0))
    assert message in str(raised.value)


def test_known_choices():
    key = key_of(SEVEN)
    assert choice(key, 10, 12).tolist() == [2, 4, 3, 2, 4, 3, 1, 9, 2, 7, 3, 0]
    assert choice(key, 2**40, 3).tolist() == [196495407580, 283835739266, 669135649811]
    assert choice(key, 50, 6, replace=False).tolist() == [26, 4, 19, 16, 30, 1]
    assert choice(key, 10, 12).tolist() == [word64(SEVEN, i) % 10 for i in range(12)]


def test_a_choice_without_replacement_is_the_beginning_of_a_permutation():
    key = keys.key(5)
    assert torch.equal(choice(key, 40, (2, 7), replace=False).flatten(), permutation(key, 40)[:14])
    assert choice(key, 40, 14, replace=False).untyped_storage().nbytes() == 14 * 8


def test_a_choice_of_rows():
    key = keys.key(5)
    rows = torch.randn(9, 2, 3, generator=torch.Generator().manual_seed(0))
    for replace in (True, False):
        for p in (None, torch.arange(9.0)):
            numbers = choice(key, 9, (2, 4), replace, p)
            assert torch.equal(choice(key, rows, (2, 4), replace, p), rows[numbers])
    assert choice(key, rows, 0).shape == (0, 2, 3)
    assert choice(key, 0, 0).shape == (0,)
    out = torch.empty(5, dtype=torch.int64)
    assert choice(key, 9, 5, out=out) is out
    assert torch.equal(out, choice(key, 9, 5))


def test_a_choice_by_weights():
    p = numpy.array([0.1, 0.0, 0.6, 0.3])
    counts = choice(keys.key(6), 4, 100_000, p=p.tolist()).bincount(minlength=4).numpy()
    assert counts[1] == 0
    assert (abs(counts - 1e5 * p) <= 5 * (1e5 * p * (1 - p)) ** 0.5).all()
