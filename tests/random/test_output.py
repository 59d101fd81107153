"""The public draws: what their numbers do not depend on, where they may be put, and what is refused."""

from __future__ import annotations

import copy
import io
import math
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tests.dispatched import Dispatched
from torch import Tensor, library
from torch._subclasses.fake_tensor import FakeTensorMode

import samebits.random as sr
from samebits.random import arguments, core, custom_ops
from samebits.random.arguments import FLOATING, LIMITS

KEY = sr.key(23)
TIERS = sorted({"eager", core.tiers()[-1]})
Draw = Callable[..., Tensor]

#: Every draw of one word an element, with arguments that are not the usual ones.
DRAWS: dict[str, tuple[Draw, dict[str, Any]]] = {
    "uniform": (sr.uniform, {"low": -0.5, "high": 2.0}),
    "uniform64": (sr.uniform, {"dtype": torch.float64}),
    "normal": (sr.normal, {"mean": 1.0, "std": 0.1}),
    "normal16": (sr.normal, {"dtype": torch.bfloat16}),
    "exponential": (sr.exponential, {"rate": 2.0}),
    "randint": (sr.randint, {"low": -3, "high": 1000, "dtype": torch.int64}),
    "bits": (sr.bits, {"dtype": torch.uint8}),
    "bernoulli": (sr.bernoulli, {"p": 0.3}),
}


def _with(name: str, **more: Any) -> Draw:
    function, given = DRAWS[name]
    return lambda key, *shape, **now: function(key, *shape, **{**given, **more, **now})


each = pytest.mark.parametrize("name", DRAWS)


@pytest.fixture(params=TIERS)
def tier(request: pytest.FixtureRequest):  # type: ignore[no-untyped-def]
    with core.using(request.param):
        yield request.param


@each
def test_a_longer_draw_begins_with_a_shorter_one(name: str, tier: str) -> None:
    draw = _with(name)
    longest = draw(KEY, 3000)
    for count in (0, 1, 2, 7, 100, 2999):
        assert torch.equal(draw(KEY, count), longest[:count])


@each
@pytest.mark.parametrize("shape", [(), (1,), (0,), (3, 0, 2), (5,), (2, 3, 4), (1, 1, 1, 1, 6)])
def test_shapes(name: str, shape: tuple[int, ...], tier: str) -> None:
    draw = _with(name)
    made = draw(KEY, *shape)
    assert made.shape == shape
    assert made.is_contiguous()
    assert torch.equal(made.flatten(), draw(KEY, math.prod(shape)))
    for same in (shape, list(shape), torch.Size(shape), tuple(map(np.int64, shape))):
        assert torch.equal(draw(KEY, same), made)


@each
def test_layouts_of_out(name: str, tier: str) -> None:
    draw = _with(name)
    expected = draw(KEY, 2, 3, 4, 5)
    empty = torch.empty_like(expected)
    backing = torch.zeros((4, 6, 8, 10), dtype=empty.dtype)
    layouts = {
        "row by row": empty,
        "channels last": torch.empty_like(empty, memory_format=torch.channels_last),
        "transposed": torch.empty((5, 4, 3, 2), dtype=empty.dtype).permute(3, 2, 1, 0),
        "every other": backing[::2, ::2, ::2, ::2],
        "within": backing[1:3, 2:5, 3:7, 1:6],
    }
    for layout, out in layouts.items():
        strides, version = out.stride(), out._version
        assert draw(KEY, out=out) is out, layout
        assert torch.equal(out, expected), layout
        assert out.stride() == strides
        assert out._version > version
        assert torch.equal(draw(KEY, 2, 3, 4, 5, out=out.zero_()), expected)
    assert int((backing != 0).sum()) <= 2 * expected.numel()  # nothing was written beside


@each
def test_batches_of_keys_are_key_by_key(name: str, tier: str) -> None:
    draw, batch = _with(name), sr.split(KEY, 6).reshape(2, 3, 2)
    made = draw(batch, 2, 3, 5)
    for i in range(2):
        for j in range(3):
            assert torch.equal(made[i, j], draw(batch[i, j], 5))
    assert torch.equal(draw(batch.transpose(0, 1), 3, 2, 5), made.transpose(0, 1))
    assert torch.equal(draw(batch[:1, :1], 5), made[0, 0])
    assert torch.equal(draw(batch[:, :1], 2, 5), made[:, 0])
    assert torch.equal(draw(batch[:1], 4, 3, 5), made[:1].expand(4, 3, 5))  # upstream broadcasts so too
    out = torch.empty((5, 3, 2), dtype=made.dtype).permute(2, 1, 0)
    assert torch.equal(draw(batch, out=out), made)


@each
def test_vmap_draws_with_each_key(name: str, tier: str) -> None:
    draw, batch = _with(name), sr.split(KEY, 4)
    assert torch.equal(torch.vmap(lambda key: draw(key, 3, 5))(batch), draw(batch, 4, 3, 5))
    assert torch.equal(torch.vmap(lambda key: draw(key, 3, 5), in_dims=1)(batch.t()), draw(batch, 4, 3, 5))
    alike = torch.vmap(lambda x: draw(KEY, 5) + x)(torch.zeros(4, dtype=torch.uint8))
    assert torch.equal(alike, draw(KEY, 5).expand(4, 5) + torch.zeros((), dtype=torch.uint8))
    pairs = sr.split(KEY, 6).reshape(2, 3, 2)
    assert torch.equal(torch.vmap(torch.vmap(lambda key: draw(key, 5)))(pairs), draw(pairs, 2, 3, 5))


@each
def test_fake_tensors_have_the_shape_and_no_numbers(name: str) -> None:
    real = _with(name)(KEY, 2, 3)
    with FakeTensorMode():
        fake = _with(name)(sr.key(23), 2, 3)
        out = _with(name)(sr.key(23), out=torch.empty((3, 2), dtype=real.dtype).t())
    for made in (fake, out):
        assert type(made).__name__ == "FakeTensor"
        assert (made.shape, made.dtype, made.device) == (real.shape, real.dtype, real.device)
    assert _with(name)(sr.key(1, device="meta"), 2, 3).is_meta
    assert _with(name)(KEY, 2, 3, device="meta").is_meta


def test_compiled_code_draws_the_same() -> None:
    def program(key: Tensor, x: Tensor, out: Tensor) -> tuple[Tensor, ...]:
        one, two = sr.split(sr.fold_in(sr.fold_in(key, "a name"), 2**63 + 1))
        made = [_with(name)(one, *x.shape) for name in DRAWS]
        sr.normal(two, out=out)
        return *made, sr.bernoulli(two, p=x), sr.normal(sr.key(5), 3), sr.uniform(two, 9, shard=((2,), (3,)))

    x = torch.rand((4, 3), generator=torch.Generator().manual_seed(1))
    expected, theirs, ours = program(KEY, x, torch.empty(6)), torch.empty(6), sr.normal(KEY, 1)
    torch._dynamo.reset()
    try:
        made = torch.compile(program, fullgraph=True, backend="aot_eager")(KEY, x, theirs)
    finally:
        torch._dynamo.reset()
    assert all(map(torch.equal, made, expected))
    assert torch.equal(theirs, sr.normal(sr.split(sr.fold_in(sr.fold_in(KEY, "a name"), 2**63 + 1))[1], 6))
    assert torch.equal(ours, sr.normal(KEY, 1))


def test_the_operation_is_one_for_torch() -> None:
    p = (1.0, 0.0, 0, 0, 0.0, 0.0, 0, [], [])
    library.opcheck(torch.ops.samebits.draw, (KEY, [3, 2], 2, torch.float32, torch.device("cpu"), *p))


@each
def test_observers_see_an_operation_and_the_same_numbers(name: str) -> None:
    expected = _with(name)(KEY, 5)
    with Dispatched() as seen:
        made = _with(name)(KEY, 5)
        assert not custom_ops.can_skip_dispatcher(KEY)
    assert torch.equal(made, expected)
    assert seen.names == ["samebits::draw"]
    assert custom_ops.can_skip_dispatcher(KEY)


@each
def test_gradients_and_inference(name: str) -> None:
    draw = _with(name)
    with torch.inference_mode():
        inferred = draw(KEY, 5), draw(KEY, out=torch.empty((5, 1), dtype=draw(KEY, 1).dtype))
    assert inferred[0].is_inference()
    assert torch.equal(inferred[0], draw(KEY, 5))
    assert torch.equal(inferred[1].flatten(), draw(KEY, 5))
    assert not draw(KEY, 5).requires_grad


def test_out_that_requires_gradients() -> None:
    weight = torch.nn.Parameter(torch.full((5,), 7.0))
    with pytest.raises(ValueError, match=r"out requires gradients.*torch\.no_grad"):
        sr.normal(KEY, out=weight)
    assert weight.tolist() == [7.0] * 5
    with torch.no_grad():
        assert sr.normal(KEY, out=weight) is weight
    assert torch.equal(weight.detach(), sr.normal(KEY, 5))
    assert weight.requires_grad
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):  # noqa: PT012
        loss = (weight * weight).sum()
        with torch.no_grad():
            sr.normal(KEY, out=weight)
        loss.backward()


def test_defaults_of_torch_move_nothing() -> None:
    calls: list[Callable[[], Tensor]] = [
        *(lambda name=name: _with(name)(KEY, 5) for name in DRAWS),
        lambda: sr.uniform(KEY, 5, low=0.1, high=0.7, dtype=torch.float16),
        lambda: sr.normal(KEY, out=torch.empty((3, 2), device="cpu").t()),
        lambda: sr.fold_in(KEY, "x"),
    ]
    expected = [call() for call in calls]
    for name in TIERS:
        with core.using(name), torch.device("meta"):
            assert all(torch.equal(call(), one) for call, one in zip(calls, expected, strict=True))
    with torch.device("meta"):
        assert sr.key(1).is_meta


def test_numbers_do_not_move_torchs_generators() -> None:
    before = torch.get_rng_state()
    for name in DRAWS:
        _with(name)(KEY, 1000)
    assert torch.equal(torch.get_rng_state(), before)


def test_keys_are_plain_tensors() -> None:
    file = io.BytesIO()
    torch.save({"key": KEY}, file)
    file.seek(0)
    for again in (
        copy.deepcopy(KEY),
        torch.load(file)["key"],
        torch.tensor(KEY.tolist(), dtype=torch.uint64),
    ):
        assert torch.equal(sr.bits(again, 9), sr.bits(KEY, 9))


def test_dtypes_that_are_not_asked_for_are_those_of_out() -> None:
    for dtype in FLOATING:
        assert torch.equal(sr.normal(KEY, out=torch.empty(5, dtype=dtype)), sr.normal(KEY, 5, dtype=dtype))
    for dtype in LIMITS:
        assert torch.equal(sr.bits(KEY, out=torch.empty(5, dtype=dtype)), sr.bits(KEY, 5, dtype=dtype))
    assert [f(KEY, 1).dtype for f in (sr.normal, sr.bits, sr.randint, sr.bernoulli)] == [
        torch.float32, torch.int32, torch.int32, torch.bool
    ]  # fmt: skip


def test_probabilities_of_each_element() -> None:
    p = torch.tensor([0.0, 1.0, 0.25, 0.999])
    ones = sr.bernoulli(KEY, 1000, 4, p=p)
    for column, one in enumerate(p.tolist()):
        assert torch.equal(ones[:, column], sr.bernoulli(KEY, 1000, 4, p=one)[:, column])
    assert torch.equal(sr.bernoulli(KEY, p=p, dtype=torch.int64), sr.bernoulli(KEY, 4, p=p).to(torch.int64))
    batch = sr.split(KEY, 3)
    assert torch.equal(torch.vmap(lambda k: sr.bernoulli(k, p=p))(batch), sr.bernoulli(batch, 3, 4, p=p))


@given(st.floats(allow_nan=False, allow_infinity=False), st.sampled_from(FLOATING))
def test_bounds_are_rounded_as_torch_rounds(value: float, dtype: torch.dtype) -> None:
    near = torch.tensor(value, dtype=dtype).item()
    if math.isinf(near):
        with pytest.raises(ValueError, match="is too large for"):
            arguments.rounded(value, dtype)
    else:
        assert arguments.rounded(value, dtype) == near


nan, inf = math.nan, math.inf
U8 = torch.zeros(3, dtype=torch.uint8)

#: What is refused: with the beginning of what is said.  All are given out=, which must stay as it is.
WRONG: list[tuple[Draw, tuple[Any, ...], dict[str, Any], type[Exception], str]] = [
    (sr.uniform, (-1,), {}, ValueError, "sizes must not be negative: (-1,)"),
    (sr.uniform, (2, -3), {}, ValueError, "sizes must not be negative: (2, -3)"),
    (sr.uniform, (2**62, 2), {}, ValueError, "has more than 2**62 elements"),
    (sr.uniform, (2**63, 0), {}, ValueError, "has more than 2**62 elements"),
    (sr.uniform, (10**30,), {}, ValueError, "has more than 2**62 elements"),
    (sr.uniform, (2.5,), {}, TypeError, "one tuple of them, e.g. uniform(key, 2, 3); got (2.5,)"),
    (sr.uniform, ("ab",), {}, TypeError, "a shape is integers or one tuple of them"),
    (sr.uniform, (None,), {}, TypeError, "a shape is integers or one tuple of them"),
    (sr.uniform, (4,), {}, ValueError, "out has the shape (3,), but (4,) was asked for"),
    (sr.uniform, (3,), {"dtype": torch.float64}, TypeError, "out has the dtype torch.float32, but dtype="),
    (sr.uniform, (3,), {"dtype": torch.int32}, TypeError, "uniform draws float16, bfloat16, float32, "),
    (sr.uniform, (3,), {"dtype": "float32"}, TypeError, "not 'float32'"),
    (sr.uniform, (3,), {"device": "meta"}, ValueError, "out lies on cpu, but device=meta was asked for"),
    (sr.uniform, (3,), {"low": 1, "high": 1}, ValueError, "low must be less than high, not low=1.0"),
    (sr.uniform, (3,), {"low": 2.0}, ValueError, "low must be less than high, not low=2.0, high=1.0"),
    (sr.uniform, (3,), {"low": nan}, ValueError, "low must be finite, not nan"),
    (sr.uniform, (3,), {"high": inf}, ValueError, "high must be finite, not inf"),
    (sr.uniform, (3,), {"high": 10**400}, ValueError, "high must be finite"),
    (sr.uniform, (3,), {"high": 1e39}, ValueError, "1e+39 is too large for torch.float32"),
    (sr.uniform, (3,), {"low": -3e38, "high": 3e38}, ValueError, "is too large for torch.float32"),
    (sr.uniform, (3,), {"low": torch.zeros(3)}, TypeError, "low must be one number, not a tensor of shape"),
    (sr.uniform, (3,), {"low": np.zeros(3)}, TypeError, "low must be one number, not a ndarray"),
    (sr.uniform, (3,), {"low": None}, TypeError, "low must be one number, not None"),
    (sr.normal, (3,), {"std": -1}, ValueError, "std must be at least 0, not -1.0"),
    (sr.normal, (3,), {"std": inf}, ValueError, "std must be finite, not inf"),
    (sr.normal, (3,), {"mean": "0"}, TypeError, "mean must be one number, not '0'"),
    (sr.normal, (3,), {"mean": 1j}, TypeError, "mean must be one number, not a complex"),
    (sr.normal, (3,), {"mean": torch.zeros(3)}, TypeError, "mean must be one number"),
    (sr.exponential, (3,), {"rate": 0.0}, ValueError, "rate must be greater than 0, not 0.0"),
    (sr.exponential, (3,), {"rate": nan}, ValueError, "rate must be finite, not nan"),
    (sr.randint, (3,), {"low": 5, "high": 5, "out": U8}, ValueError, "less than high, not low=5, high=5"),
    (sr.randint, (3,), {"high": 300, "out": U8}, ValueError, "within torch.uint8, which has [0, 256)"),
    (sr.randint, (3,), {"low": -1, "out": U8}, ValueError, "[-1, 256) does not lie within torch.uint8"),
    (sr.randint, (3,), {"high": 5.0, "out": U8}, TypeError, "high must be an integer, not 5.0"),
    (sr.randint, (3,), {"high": True, "out": U8}, TypeError, "high must be an integer, not True"),
    (sr.randint, (3,), {}, TypeError, "uint32, int32, uint64, int64, not torch.float32"),
    (sr.bits, (3,), {"dtype": torch.bool}, TypeError, "bits draws uint8"),
    (sr.bernoulli, (3,), {"p": nan}, ValueError, "p must be "),
    (sr.bernoulli, (3,), {"p": 1.1}, ValueError, "p must be a probability, from 0 to 1, not 1.1"),
    (sr.bernoulli, (3,), {"p": -0.1}, ValueError, "p must be a probability, from 0 to 1, not -0.1"),
    (sr.bernoulli, (3,), {"p": "x"}, TypeError, "p must be one number, not 'x'"),
    (sr.bernoulli, (3,), {"p": torch.tensor([0.1, nan, 0.2])}, ValueError, "every p must be a probability"),
    (sr.bernoulli, (3,), {"p": torch.tensor([0.1, 2.0, 0.2])}, ValueError, "every p must be a probability"),
    (sr.bernoulli, (3,), {"p": torch.ones(3, dtype=torch.int64)}, TypeError, "p must have a floating"),
    (sr.bernoulli, (3,), {"p": torch.full((2,), 0.5)}, ValueError, "shape (2,) does not broadcast to (3,)"),
    (sr.bernoulli, (3,), {"p": torch.full((2, 3), 0.5)}, ValueError, "(2, 3) does not broadcast to (3,)"),
    (sr.bernoulli, (2, 3), {"p": torch.full((3,), 0.5)}, ValueError, "the shape (3,), but (2, 3) was asked"),
]  # fmt: skip


@pytest.mark.parametrize(("draw", "shape", "given", "kind", "text"), WRONG)
def test_what_is_refused(
    draw: Draw, shape: tuple[Any, ...], given: dict[str, Any], kind: type[Exception], text: str
) -> None:
    out = given.get("out", torch.zeros(3)).fill_(7)
    with pytest.raises(kind, match=re.escape(text)):
        draw(KEY, *shape, **{"out": out, **given})
    assert out.tolist() == [7] * 3


@each
def test_wrong_keys_and_outs(name: str) -> None:
    draw = _with(name)
    wrong = [
        (1, TypeError, "a key comes first: samebits.random.key(seed), or one derived from it; got 1"),
        (None, TypeError, "got None"),
        (torch.Generator(), TypeError, "got a Generator"),
        (torch.zeros(2, dtype=torch.int64), TypeError, "got one of torch.int64"),
        (torch.zeros(3, dtype=torch.uint64), ValueError, "a key has the shape (2,), a batch of keys (..., "),
        (sr.split(KEY, 4), ValueError, "draw the leading dimensions of a shape; got (3,)"),
    ]  # fmt: skip
    for key, kind, text in wrong:
        with pytest.raises(kind, match=re.escape(text)):
            draw(key, 3)
    for out in ([1.0], np.zeros(3, np.float32)):
        with pytest.raises(TypeError, match="out must be a tensor, not a"):
            draw(KEY, 3, out=out)
    made = draw(KEY, 1)
    twice = torch.zeros((3, 1), dtype=made.dtype).expand(3, 4)
    with pytest.raises(RuntimeError, match="more than one element of the written-to tensor"):
        draw(KEY, out=twice)
    assert not twice.any()


@pytest.mark.parametrize("observed", [True, False])
def test_who_observes_operations_sees_draws(monkeypatch: pytest.MonkeyPatch, observed: bool) -> None:
    monkeypatch.setattr(custom_ops, "_observed", observed)
    with torch.autograd.profiler.profile() as seen:
        made = sr.uniform(KEY, 3)
        sr.uniform(KEY, out=torch.empty(3))
    assert torch.equal(made, sr.uniform(KEY, 3))
    assert sum(event.name == "samebits::draw" for event in seen.function_events) == 2 * observed
