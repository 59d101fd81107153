"""A selection whose gradient is exact to the derivative's formula, and the same bits each time."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch.func import grad, hessian, jacfwd, jacrev, vmap

from samebits.compat import deterministic_index_select

# Of torch's own forward-mode derivatives.
pytestmark = pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated:DeprecationWarning")

SHAPES = [((5, 3), 0), ((4, 5, 2), 1), ((6,), 0), ((4, 3), -1), ((3, 0), 0)]


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.usefixtures("generators_restored")  # gradcheck draws
@pytest.mark.parametrize("dtype", [torch.float64, torch.complex128])
@pytest.mark.parametrize(("shape", "dim"), SHAPES, ids=str)
def test_gradients_to_second_order(shape: tuple[int, ...], dim: int, dtype: torch.dtype) -> None:
    x = torch.randn(shape, dtype=dtype, generator=generator()).requires_grad_()
    indices = torch.randint(0, x.size(dim), (7,), generator=generator())
    assert torch.equal(deterministic_index_select(x, dim, indices), x.index_select(dim, indices))
    if x.numel():
        check = lambda x: deterministic_index_select(x, dim, indices)  # noqa: E731
        assert torch.autograd.gradcheck(check, (x,), check_forward_ad=True, check_batched_grad=True)
        assert torch.autograd.gradgradcheck(check, (x,), check_fwd_over_rev=True)
    else:
        deterministic_index_select(x, dim, indices).abs().sum().backward()
        assert x.grad is not None
        assert x.grad.shape == x.shape


def test_same_bits_where_table_of_index_has_not() -> None:
    """40,000 rows onto 50: the backward of table[index] gave 10 of 10 distinct results on two threads."""
    table = torch.randn(50, 8, generator=generator()).requires_grad_()
    indices = torch.randint(0, 50, (40_000,), generator=generator(1))
    weight = torch.randn(40_000, 8, generator=generator(2))
    grads = [
        torch.autograd.grad((deterministic_index_select(table, 0, indices) * weight).sum(), table)[0]
        for _ in range(10)
    ]
    assert all(torch.equal(grads[0], grad) for grad in grads)
    exact = torch.zeros(50, 8, dtype=torch.float64).index_add_(0, indices, weight.double())
    torch.testing.assert_close(grads[0].double(), exact, rtol=0, atol=2e-4)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_adds_in_single(dtype: torch.dtype) -> None:
    table = torch.zeros(2, 1, dtype=dtype, requires_grad=True)
    indices = torch.zeros(3000, dtype=torch.int32)
    deterministic_index_select(table, 0, indices).sum().backward()
    assert table.grad is not None
    assert table.grad[:, 0].tolist() == [torch.tensor(3000.0).to(dtype).item(), 0.0]


def test_nothing_selected() -> None:
    table = torch.ones(3, 2, requires_grad=True)
    deterministic_index_select(table, 0, torch.empty(0, dtype=torch.int64)).sum().backward()
    assert torch.equal(table.grad, torch.zeros(3, 2))


def test_errors_are_torchs() -> None:
    with pytest.raises(IndexError):
        deterministic_index_select(torch.ones(3), 2, torch.tensor([0]))


def guide(input_tensor: torch.Tensor, dim: int, indices: Any) -> torch.Tensor:
    """The guide's function, whose `x` is the parameter."""
    return torch.transpose(input_tensor, 0, dim)[indices].transpose(0, dim)


INDICES = {
    "negative": torch.tensor([-1, 0, -2]),
    "int32": torch.tensor([1, 1, 0], dtype=torch.int32),
    "a number": torch.tensor(1),
    "two dimensions": torch.tensor([[0, 1], [-1, 1]]),
    "none": torch.empty(0, dtype=torch.int64),
    "a mask": torch.tensor([True, False, True]),
    "a byte mask": torch.tensor([1, 0, 1], dtype=torch.uint8),
    "a list": [2, 0, 0],
    "an array": np.array([2, 0, 0]),
    "a range": range(2),
    "an int": 1,
    "a slice": slice(0, 2),
    "None": None,
}


@pytest.mark.filterwarnings("ignore:indexing with dtype torch.uint8:UserWarning")
@pytest.mark.parametrize("dtype", [torch.float32, torch.complex64])
@pytest.mark.parametrize("dim", [0, 1, -2])
@pytest.mark.parametrize("kind", INDICES)
def test_it_takes_and_gives_what_the_guides_does(kind: str, dim: int, dtype: torch.dtype) -> None:
    """The layout, too: what is drawn like the result, and how it is added up, follow that."""
    tables = [
        torch.randn(3, 3, 4, generator=generator()).to(dtype).transpose(1, 2)[:, :3].requires_grad_()
        for _ in "ab"
    ]
    ours = deterministic_index_select(input_tensor=tables[0], dim=dim, indices=INDICES[kind])
    guides = guide(tables[1], dim, INDICES[kind])
    assert torch.equal(ours, guides)
    assert ours.stride() == guides.stride()
    weight = torch.randn(guides.shape, generator=generator())
    grads = [
        torch.autograd.grad((selected * weight).abs().sum(), table)[0]
        for selected, table in ((ours, tables[0]), (guides, tables[1]))
    ]
    torch.testing.assert_close(*grads)


@pytest.mark.parametrize(
    "indices",
    [[3], [-4], torch.tensor([1.5]), torch.tensor([1], dtype=torch.int8), torch.tensor([True, False])],
    ids=str,
)
def test_it_refuses_what_the_guides_does(indices: Any) -> None:
    table = torch.ones(3, 2)
    with pytest.raises(IndexError):
        guide(table, 0, indices)
    with pytest.raises(IndexError):
        deterministic_index_select(table, 0, indices)


@pytest.mark.parametrize("indices", [(0, 1), [[0, 1]], [torch.tensor(0)], [slice(1)], [None]], ids=str)
def test_what_would_index_several_dimensions_is_refused(indices: Any) -> None:
    with pytest.raises(TypeError, match=r"indices is a (tuple|list of more than numbers), which would"):
        deterministic_index_select(torch.ones(3, 2), 0, indices)


def test_an_empty_list_selects_nothing() -> None:
    assert deterministic_index_select(torch.ones(3, 2), 1, []).shape == (3, 0)


@pytest.mark.filterwarnings("ignore:.*autograd.function.Function.* should not be instantiated")  # dynamo's
@pytest.mark.parametrize("backend", ["eager", "aot_eager"])
def test_compiled_as_one_graph(backend: str) -> None:
    def loss(table: torch.Tensor) -> torch.Tensor:
        return (deterministic_index_select(table, 1, torch.tensor([0, 2, 2])) ** 2).sum()

    x = torch.randn(3, 4, generator=generator())
    expected, seen = x.clone().requires_grad_(), x.clone().requires_grad_()
    loss(expected).backward()
    torch.compile(loss, fullgraph=True, backend=backend)(seen).backward()
    torch._dynamo.reset()
    assert torch.equal(expected.grad, seen.grad)


@pytest.mark.parametrize("place", [3, -4])
def test_under_vmap_a_place_out_of_range_is_no_other_tables_row(place: int) -> None:
    tables = torch.randn(2, 3, 4, generator=generator())
    with pytest.raises(IndexError):
        vmap(lambda table: deterministic_index_select(table, 0, torch.tensor([place])))(tables)


def cubed(select: Any, dim: int) -> Any:
    return lambda x, indices: (select(x, dim, indices) ** 3).sum()


@pytest.mark.parametrize("dim", [0, 1, -1])
@pytest.mark.parametrize("transform", [grad, jacrev, jacfwd, hessian])
def test_transforms_of_torch_func(transform: Any, dim: int) -> None:
    x = torch.randn(3, 4, dtype=torch.float64, generator=generator())
    indices = torch.tensor([0, 2, 2, 1, 0])
    ours, torchs = (
        transform(cubed(select, dim))(x, indices)
        for select in (deterministic_index_select, torch.index_select)
    )
    torch.testing.assert_close(ours, torchs)


@pytest.mark.parametrize("in_dims", [(0, 0), (0, None), (None, 0), (1, 0)], ids=str)
@pytest.mark.parametrize("dim", [0, -1])
def test_vmap(in_dims: tuple[Any, Any], dim: int) -> None:
    x = torch.randn(*((5, 3, 4) if in_dims[0] == 0 else (3, 5, 4)), generator=generator())
    x = x[:, 0] if in_dims[0] is None else x
    indices = torch.randint(0, 3, (5, 6), generator=generator())
    indices = indices[0] if in_dims[1] is None else indices
    for make in (lambda select: lambda x, indices: select(x, dim, indices), lambda s: grad(cubed(s, dim))):
        ours, torchs = (
            vmap(make(select), in_dims)(x, indices)
            for select in (deterministic_index_select, torch.index_select)
        )
        torch.testing.assert_close(ours, torchs)


def test_vmap_of_numbers_and_vmap_of_vmap() -> None:
    indices = torch.zeros(1, dtype=torch.int64)
    with pytest.raises(IndexError):
        vmap(lambda x: deterministic_index_select(x, 0, indices))(torch.arange(3.0))
    x = torch.randn(2, 3, 4, generator=generator())
    twice = vmap(vmap(lambda x: deterministic_index_select(x, 0, torch.tensor([1, 0, 1]))))(x)
    assert torch.equal(twice, x[:, :, [1, 0, 1]])
