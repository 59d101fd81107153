"""Dropout by a key: torch's arithmetic, the mask of `bernoulli`, and a gradient that draws the mask again."""

from __future__ import annotations

import re

import pytest
import torch
from torch import Tensor, library
from torch.autograd import gradcheck, gradgradcheck
from torch.nn import functional

import samebits.random as sr
from samebits.random import core
from samebits.random.arguments import FLOATING
from samebits.random.distributions.dropout import dropout

KEY = sr.key(31)
TIERS = sorted({"eager", core.tiers()[-1]})


@pytest.fixture(params=TIERS, autouse=True)
def tier(request: pytest.FixtureRequest):  # type: ignore[no-untyped-def]
    with core.using(request.param):
        yield request.param


def _values(*shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
    return (torch.arange(torch.Size(shape).numel()) % 23 + 1).reshape(shape).to(dtype) / 8


@pytest.mark.parametrize("dtype", FLOATING)
@pytest.mark.parametrize("p", [0.1, 0.5, 0.9, 1 - 2.0**-32])
def test_kept_elements_are_scaled_as_torch_scales(dtype: torch.dtype, p: float) -> None:
    x = _values(4000, dtype=dtype)
    kept = sr.bernoulli(KEY, 4000, p=1 - p)
    expected = x * kept.to(dtype).div_(1 - p)  # as aten/src/ATen/native/Dropout.cpp computes it
    assert torch.equal(dropout(KEY, x, p), expected)
    assert torch.equal(dropout(KEY, x, p) != 0, kept)


@pytest.mark.usefixtures("generators_restored")
@pytest.mark.parametrize("dtype", FLOATING)
def test_values_are_those_that_torch_gives(dtype: torch.dtype) -> None:
    x = _values(5000, dtype=dtype)
    for p in (0.1, 0.3, 0.5, 0.75):
        theirs, ours = functional.dropout(x, p), dropout(KEY, x, p)
        both = (theirs != 0) & (ours != 0)
        assert int(both.sum()) > 100
        assert torch.equal(theirs[both], ours[both])


def test_every_dtype_has_one_mask() -> None:
    masks = [dropout(KEY, _values(3, 999, dtype=dtype), 0.4) != 0 for dtype in FLOATING]
    assert all(torch.equal(mask, masks[0]) for mask in masks)
    assert torch.equal(masks[0], sr.bernoulli(KEY, 3, 999, p=0.6))


def test_extreme_probabilities() -> None:
    x = _values(100)
    assert dropout(KEY, x, 0.0) is x
    assert dropout(KEY, x, 0.7, training=False) is x
    assert torch.equal(dropout(KEY, x, 1.0), torch.zeros(100))
    assert torch.equal(dropout(KEY, x, 1), torch.zeros(100))
    wild = torch.tensor([torch.nan, torch.inf, -1.0])
    gone = dropout(KEY, wild, 1.0)
    assert gone[:2].isnan().all()
    assert gone[2] == 0
    assert torch.signbit(gone[2])
    assert dropout(KEY, torch.empty(0, 3)).shape == (0, 3)
    assert dropout(KEY, torch.tensor(2.0), 0.5).item() in (0.0, 4.0)


def test_layouts_keep_their_strides_and_move_no_element() -> None:
    x = _values(2, 3, 4, 5)
    expected = dropout(KEY, x, 0.5)
    for view in (
        x.contiguous(memory_format=torch.channels_last),
        x.permute(3, 2, 1, 0).contiguous().permute(3, 2, 1, 0),
        torch.stack((x, x), -1)[..., 1],
    ):
        made = dropout(KEY, view, 0.5)
        assert torch.equal(made, expected)
    assert dropout(KEY, x.contiguous(memory_format=torch.channels_last)).is_contiguous(
        memory_format=torch.channels_last
    )
    row = _values(5).expand(4, 5)
    assert torch.equal(dropout(KEY, row, 0.5), dropout(KEY, row.clone(), 0.5))


def test_a_batch_of_keys_masks_row_by_row() -> None:
    x, keys = _values(4, 3, 10), sr.split(KEY, 4)
    made = dropout(keys, x, 0.5)
    assert all(torch.equal(made[i], dropout(keys[i], x[i], 0.5)) for i in range(4))
    assert torch.equal(torch.vmap(lambda k, v: dropout(k, v, 0.5))(keys, x), made)
    shared = torch.vmap(lambda v: dropout(KEY, v, 0.5))(x)
    assert all(torch.equal(shared[i], dropout(KEY, x[i], 0.5)) for i in range(4))
    several = torch.vmap(lambda k: dropout(k, x, 0.5), out_dims=1)(keys)
    assert all(torch.equal(several[:, i], dropout(keys[i], x, 0.5)) for i in range(4))


@pytest.mark.usefixtures("generators_restored")  # gradcheck draws from torch's
def test_gradients() -> None:
    x = _values(3, 7, dtype=torch.float64).requires_grad_()
    for given in (KEY, sr.split(KEY, 3)):
        assert gradcheck(lambda v, key=given: dropout(key, v, 0.4), (x,))
        assert gradgradcheck(lambda v, key=given: dropout(key, v, 0.4), (x,))
    dropout(KEY, x, 0.4).sum().backward()
    assert torch.equal(x.grad, dropout(KEY, torch.ones_like(x), 0.4))
    per_example = torch.vmap(torch.func.grad(lambda v, k: dropout(k, v, 0.4).pow(2).sum()))(
        x.detach(), sr.split(KEY, 3)
    )
    scale = dropout(sr.split(KEY, 3), torch.ones_like(x), 0.4).detach()
    torch.testing.assert_close(per_example, 2 * x.detach() * scale * scale, rtol=1e-14, atol=0)


def test_nothing_is_kept_for_the_gradient_but_the_key() -> None:
    kept: list[tuple[int, ...]] = []
    with torch.autograd.graph.saved_tensors_hooks(lambda t: kept.append(tuple(t.shape)) or t, lambda t: t):
        dropout(KEY, _values(1000).requires_grad_(), 0.5)
    assert kept == [(2,)]


@pytest.mark.filterwarnings("ignore:.*not a leaf Tensor")  # of torch's own check, from 2.15
def test_the_operation_is_one_for_torch() -> None:
    x = _values(4, 5).requires_grad_()
    library.opcheck(torch.ops.samebits.dropout, (x, KEY, 0.3))
    library.opcheck(torch.ops.samebits.dropout, (x.detach().t(), KEY, 0.3))


def test_compiled_code_drops_the_same(tier: str) -> None:
    def program(key: Tensor, x: Tensor) -> Tensor:
        return dropout(key, x, 0.3).pow(2).sum() + dropout(sr.fold_in(key, 1), x.t(), 0.9).sum()

    x, y = _values(6, 4).requires_grad_(), _values(6, 4).requires_grad_()
    expected = program(KEY, x)
    expected.backward()
    torch._dynamo.reset()
    try:
        made = torch.compile(program, fullgraph=True, backend="aot_eager")(KEY, y)
        made.backward()
    finally:
        torch._dynamo.reset()
    assert torch.equal(made, expected)
    assert torch.equal(x.grad, y.grad)


WRONG = [
    (lambda: dropout(KEY, torch.ones(3), 1.5), ValueError, "p must be a probability, from 0 to 1, not 1.5"),
    (lambda: dropout(KEY, torch.ones(3), -0.1), ValueError, "p must be a probability"),
    (lambda: dropout(KEY, torch.ones(3), torch.nan), ValueError, "p must be "),
    (lambda: dropout(KEY, torch.ones(3), "x"), TypeError, "p must be one number, not 'x'"),
    (lambda: dropout(KEY, torch.ones(3, dtype=torch.int32)), TypeError, "dropout needs a tensor of float16"),
    (lambda: dropout(KEY, [1.0]), TypeError, "not a list"),
    (lambda: dropout(5, torch.ones(3)), TypeError, "a key comes first"),
    (lambda: dropout(sr.split(KEY, 3), torch.ones(4)), ValueError, "keys of the batch shape (3,)"),
]


@pytest.mark.parametrize(("call", "kind", "text"), WRONG)
def test_errors(call, kind: type[Exception], text: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(kind, match=re.escape(text)):
        call()
