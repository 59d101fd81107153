"""The norms of gradients and parameters: alike from both observers, and in the record beside the digests."""

from __future__ import annotations

import math
from array import array
from typing import Any

import pytest
import torch

from samebits.model.events import KIND
from samebits.observe import fallback, observer
from samebits.observe.norms import norm as norm_of
from samebits.record.values import norms

MAKERS = {
    "float32": lambda: torch.linspace(-3, 7, 1000),
    "a number": lambda: torch.tensor(-2.5),
    "empty": lambda: torch.empty(0, 3),
    "many blocks": lambda: torch.linspace(-1, 1, 300_001),
    "transposed": lambda: torch.arange(600.0).reshape(20, 30).T,
    "every other": lambda: torch.arange(100.0)[::2],
    "expanded": lambda: torch.ones(1, 7).expand(9, 7),
    "channels last": lambda: torch.arange(120.0).reshape(2, 3, 4, 5).to(memory_format=torch.channels_last),
    "float64": lambda: torch.linspace(0, 1, 77, dtype=torch.float64),
    "bfloat16": lambda: torch.linspace(-3, 7, 1000).bfloat16(),
    "float16": lambda: torch.linspace(-3, 7, 1000).half(),
    "complex64": lambda: torch.complex(torch.arange(5.0), torch.ones(5)),
    "conjugated": lambda: torch.complex(torch.arange(5.0), torch.ones(5)).conj(),
    "needs a gradient": lambda: torch.ones(4, requires_grad=True),
    "huge": lambda: torch.full((10,), 3e38),
}  # fmt: skip


def pushed(module: Any, tensor: torch.Tensor) -> float:
    module.drain()
    module.push_tensors(KIND["gradient"], [1], [tensor], -1, 0)
    (row,) = module.drain()
    return math.nan if row[-1] is None else array("d", row[-1])[0]


@pytest.mark.parametrize("name", MAKERS)
def test_the_norm_of_a_tensor(name: str) -> None:
    tensor = MAKERS[name]()
    plain = torch.view_as_real(tensor.resolve_conj()) if tensor.is_complex() else tensor
    expected = math.sqrt(math.fsum(float(x) ** 2 for x in plain.detach().reshape(-1).tolist()))
    assert pushed(observer.load(), tensor) == pytest.approx(expected, rel=1e-13)
    assert norm_of(tensor) == pytest.approx(expected, rel=1e-13)


def test_what_has_no_norm() -> None:
    for tensor in (torch.arange(3), torch.ones(3, 3).to_sparse(), torch.empty(2, device="meta")):
        assert math.isnan(pushed(observer.load(), tensor))
        assert math.isnan(norm_of(tensor))
    assert math.isinf(pushed(observer.load(), torch.tensor([math.inf, 1.0])))
    assert math.isnan(pushed(observer.load(), torch.tensor([math.nan, 1.0])))


def test_the_number_of_threads_changes_no_bit() -> None:
    tensor = torch.randn(1_000_003, generator=torch.Generator().manual_seed(0))
    before = torch.get_num_threads()
    found = set()
    try:
        for count in (1, 2, 3):
            torch.set_num_threads(count)
            found.add(pushed(observer.load(), tensor))
    finally:
        torch.set_num_threads(before)
    assert len(found) == 1


def test_only_gradients_and_parameters_have_one() -> None:
    native = observer.load()
    native.drain()
    for kind in ("batch", "parameter", "read", "gradient"):
        native.push_tensors(KIND[kind], [1, 1], [torch.ones(4), None], -1, 0)
    (row,) = native.drain()
    assert array("d", row[-1]).tolist()[::2] == [2.0, 2.0]
    assert all(map(math.isnan, array("d", row[-1])[1::2]))


@pytest.mark.parametrize("level", ["step", "op"])
def test_a_record_has_them_beside_the_digests(observe: Any, level: str) -> None:
    weight = torch.nn.Parameter(torch.tensor([3.0, 4.0]))
    optimizer = torch.optim.SGD([weight], lr=1.0)
    with observe(level=level) as seen:
        (weight * torch.tensor([6.0, 8.0])).sum().backward()
        optimizer.step()
    record = seen.run.records["main"]
    found = [norm for chunk in record.chunks(0) for norm in norms(record, chunk)]
    assert found[:2] == [10.0, 5.0]  # the gradient; what it made of the parameter, (-3, -4)


def test_the_observer_in_python_keeps_them_too() -> None:
    watch = fallback.Observer()
    watch.push_tensors(KIND["parameter"], [1], [torch.ones(9)], -1, 0)
    (row,) = watch.drain()
    assert array("d", row[-1]).tolist() == [3.0]
