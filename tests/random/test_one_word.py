"""Which numbers come out, for ever: known answers, upstream's, and the definitions in Python's integers."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

import samebits.random as sr
from samebits.random import core, philox
from samebits.random.arguments import FLOATING, LIMITS
from samebits.random.one_word import UNIFORM_BITS, signed, threshold

from .cases import key, keys, raw

GOLDEN = Path(__file__).parents[1] / "golden"
OURS = json.loads((GOLDEN / "random.json").read_text())
UPSTREAM = json.loads((GOLDEN / "random-upstream-2.15.0.json").read_text())
TIERS = sorted({"eager", core.tiers()[-1]})
U64 = st.integers(0, 2**64 - 1)


def _call(
    distribution: str, k: Tensor, shape: tuple[int, ...], dtype: torch.dtype, arguments: dict[str, Any]
) -> Tensor:
    if distribution == "dropout":
        count = torch.Size(shape).numel()
        x = (torch.arange(count) % 17 - 8).to(dtype) / 8
        return sr.dropout(k, x.reshape(shape), **arguments)
    function: Callable[..., Tensor] = getattr(sr, distribution)
    return function(k, shape, dtype=dtype, **arguments)


@pytest.mark.parametrize("tier", core.tiers())
def test_known_answers(tier: str) -> None:
    with core.using(tier):
        for row in OURS["vectors"]:
            dtype = getattr(torch, row["dtype"])
            made = _call(row["law"], key(*map(int, row["key"])), (1000,), dtype, row["arguments"])
            content = bytes(raw(made).tolist())
            assert content[: 8 * dtype.itemsize].hex() == row["head"], row
            assert hashlib.sha256(content).hexdigest() == row["sha256"], row


def test_every_distribution_and_dtype_has_a_known_answer() -> None:
    known = {(row["law"], row["dtype"]) for row in OURS["vectors"]}
    floating, integer = ([str(dtype)[6:] for dtype in dtypes] for dtypes in (FLOATING, LIMITS))
    for distribution in ("uniform", "normal", "truncated_normal", "exponential", "dropout", "bernoulli"):
        assert {(distribution, name) for name in floating} <= known
    for distribution in ("bits", "randint", "bernoulli"):
        assert {(distribution, name) for name in integer} <= known
    assert ("bernoulli", "bool") in known


@pytest.mark.parametrize("tier", TIERS)
def test_upstream_known_answers(tier: str) -> None:
    """Keys, uniform numbers, integers and bits are those of torch 2.15's own CPU kernels."""
    batch = keys(*(tuple(map(int, pair)) for pair in UPSTREAM["keys"])).unsqueeze(1)
    with core.using(tier):
        for row in UPSTREAM["vectors"]:
            k = key(*map(int, row["key"])) if row["key"] else batch
            if row["function"] == "split":
                made = sr.split(k, int(row["data"]))
            elif row["function"] == "fold_in":
                made = sr.fold_in(k, int(row["data"]))
            else:
                bounds = {"low": row["low"], "high": row["high"]}
                shape = (7,) if row["key"] else (len(batch), 7)
                made = _call(row["function"], k, shape, getattr(torch, row["dtype"]), bounds)
            assert bytes(raw(made).tolist()).hex() == row["hex"], row


def test_upstream_where_it_is_there() -> None:
    upstream = getattr(torch.func, "_random", None)
    if upstream is None or not hasattr(upstream, "randint"):
        pytest.skip("torch.func._random draws on a CPU from torch 2.15 on")
    k = upstream.split(upstream.key(42), 3)
    assert torch.equal(k, sr.split(sr.key(42), 3))
    for dtype in FLOATING:
        theirs = upstream.uniform(k[1], 1000, low=-0.3, high=1.7, dtype=dtype)
        assert torch.equal(theirs, sr.uniform(k[1], 1000, low=-0.3, high=1.7, dtype=dtype))
    for dtype in LIMITS:
        assert torch.equal(upstream.bits(k[2], 1000, dtype=dtype), sr.bits(k[2], 1000, dtype=dtype))


def _word(seed: int, offset: int, i: int, wide: bool) -> int:
    if not wide:
        return philox.block(seed, offset + i // 4)[i % 4]
    high, low = philox.block(seed, offset + i // 2)[2 * (i % 2) :][:2]
    return high << 32 | low


def _unsigned(x: Tensor) -> list[int]:
    return [v % (1 << 8 * x.dtype.itemsize) for v in x.tolist()]


@given(U64, U64, st.sampled_from(list(LIMITS)), st.data())
def test_integers_are_the_definition(seed: int, offset: int, dtype: torch.dtype, data: st.DataObject) -> None:
    least, most = LIMITS[dtype]
    low = data.draw(st.integers(least, most - 1))
    top = most if dtype.itemsize == 8 else min(most, low + 2**28 - 1)
    high = data.draw(st.integers(low + 1, top))
    wide = dtype.itemsize == 8
    words = [_word(seed, offset, i, wide) for i in range(9)]
    shifted = words if (low, high) == (least, most) else [low + w % (high - low) for w in words]
    expected = [v % (1 << 8 * dtype.itemsize) for v in shifted]
    for tier in TIERS:
        with core.using(tier):
            made = sr.randint(key(seed, offset), 9, low=low, high=high, dtype=dtype)
            assert _unsigned(made) == expected
            assert all(low <= v < high for v in made.tolist())


@given(U64, U64, st.sampled_from([torch.float32, torch.float64]), st.floats(-1e6, 1e6), st.floats(1e-3, 1e6))
def test_uniform_is_the_definition(
    seed: int, offset: int, dtype: torch.dtype, low: float, width: float
) -> None:
    real = np.float32 if dtype is torch.float32 else np.float64
    bits, wide = UNIFORM_BITS[dtype], dtype is torch.float64
    below, above = real(low), real(low + width)
    unit = [real(_word(seed, offset, i, wide) % 2**bits) * real(2.0**-bits) for i in range(9)]
    expected = [real(real(u * real(above - below)) + below) for u in unit]
    for tier in TIERS:
        with core.using(tier):
            made = sr.uniform(key(seed, offset), 9, low=low, high=low + width, dtype=dtype)
            assert made.tolist() == [float(v) for v in expected]
            assert sr.uniform(key(seed, offset), 9, dtype=dtype).tolist() == [float(u) for u in unit]


@given(U64, U64, st.floats(0, 1))
def test_trials_are_the_definition(seed: int, offset: int, p: float) -> None:
    expected = [_word(seed, offset, i, False) < round(p * 2**32) for i in range(9)]
    for tier in TIERS:
        with core.using(tier):
            assert sr.bernoulli(key(seed, offset), 9, p=p).tolist() == expected
            for dtype in (torch.float64, torch.int64, torch.bfloat16):
                assert sr.bernoulli(key(seed, offset), 9, p=p, dtype=dtype).tolist() == expected
            assert (
                sr.bernoulli(key(seed, offset), p=torch.full((9,), p, dtype=torch.float64)).tolist()
                == expected
            )


@pytest.mark.parametrize("tier", TIERS)
@pytest.mark.parametrize("dtype", FLOATING)
def test_dropout_is_a_product_with_the_trials(tier: str, dtype: torch.dtype) -> None:
    x = torch.linspace(-3, 3, 1001, dtype=torch.float64).to(dtype)
    with core.using(tier):
        for p in (0.1, 0.5, 0.9, 1 / 3):
            mask = sr.bernoulli(sr.key(4), 1001, p=1 - p, dtype=dtype).div_(1 - p)
            assert torch.equal(sr.dropout(sr.key(4), x, p), x * mask)


@pytest.mark.parametrize("tier", TIERS)
@pytest.mark.parametrize("default", [torch.float64, torch.float16])
def test_the_default_dtype_changes_nothing(tier: str, default: torch.dtype) -> None:
    rows = [row for row in OURS["vectors"] if row["law"] != "bits"][::5]
    before = torch.get_default_dtype()
    torch.set_default_dtype(default)
    try:
        with core.using(tier):
            for row in rows:
                dtype = getattr(torch, row["dtype"])
                made = _call(row["law"], key(*map(int, row["key"])), (1000,), dtype, row["arguments"])
                assert bytes(raw(made)[: 8 * dtype.itemsize].tolist()).hex() == row["head"], row
            assert sr.uniform(sr.key(1), 3).dtype is torch.float32
    finally:
        torch.set_default_dtype(before)


def test_normal_is_odd_in_the_highest_bit_and_never_zero() -> None:
    for dtype in (torch.float32, torch.float64):
        z = sr.normal(sr.key(2), 100_000, dtype=dtype)
        assert bool((z != 0).all())
        assert torch.equal(
            z < 0,
            sr.bits(sr.key(2), 100_000, dtype=torch.int64 if z.dtype.itemsize == 8 else torch.int32) < 0,
        )


def test_numbers_of_64_bits_keep_their_bits() -> None:
    assert [signed(n) for n in (0, 2**63 - 1, 2**63, 2**64 - 1, -1)] == [0, 2**63 - 1, -(2**63), -1, -1]
    assert [threshold(p) for p in (0.0, 2.0**-33, 2.0**-32, 1.0)] == [0, 0, 1, 2**32]
