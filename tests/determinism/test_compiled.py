"""The mode and torch.compile: replaced operations are called, not compiled, and nothing is raised."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from samebits.determinism.mode import deterministic

pytestmark = [
    pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning"),  # at its import
    pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a leaf"),  # it looks
]


@pytest.fixture(autouse=True)
def fresh_compiler() -> Iterator[None]:
    torch._dynamo.reset()
    yield
    torch._dynamo.reset()


def test_a_step_with_backward_in_it_has_the_bits_it_has_uncompiled() -> None:
    values = torch.arange(30 * 4 * 5.0).sin().view(30, 4, 5)
    targets, lengths = torch.tensor([[1, 2, 3], [4, 1, 1], [2, 2, 4], [3, 1, 2]]), torch.full((4,), 3)

    def step(loss: Tensor) -> Tensor:
        loss.backward()
        return loss * 2

    grads = []
    for run in (step, torch.compile(step, backend="aot_eager")):
        x = values.clone().requires_grad_()
        with deterministic(replace="all"):
            run(F.ctc_loss(x.log_softmax(2), targets, torch.full((4,), 30), lengths))
        grads.append(x.grad)
    assert torch.equal(*grads)


def test_what_torch_refuses_while_it_compiles() -> None:
    values, index = torch.ones(1, 1, 2, 2), torch.tensor([[[[0, 0], [5, 10]]]])

    def unpool(x: Tensor, i: Tensor) -> Tensor:
        return F.max_unpool2d(x, i, 2) * 2

    with deterministic():
        assert torch.equal(torch.compile(unpool, backend="aot_eager")(values, index), unpool(values, index))
    with (
        deterministic(replace="none"),
        pytest.raises(RuntimeError, match=r"(does not have a|is not) deterministic"),
    ):
        torch.compile(unpool, backend="aot_eager")(values, index)
