"""Memory that nobody filled: zeros, and a line where a model trains on it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch

from samebits.control import unfilled
from samebits.control.unfilled import Unfilled
from samebits.usercode import loading

pytestmark = pytest.mark.usefixtures("generators_restored")


@pytest.fixture
def control() -> Iterator[Unfilled]:
    made = Unfilled()
    made.install(torch)
    end = unfilled.rewrite()
    _dirty()
    try:
        yield made
    finally:
        end()
        made.uninstall()


def _dirty() -> None:
    """The next small tensors get memory that held something."""
    for size in (2, 6, 30, 64, 512):
        for _ in range(8):
            torch.full((size,), torch.nan)


def run(source: str) -> dict[str, Any]:
    space: dict[str, Any] = {"torch": torch, "np": np, "nn": torch.nn}
    exec(loading.compile_user(source, "train.py"), space)
    return space


MAKERS = [
    "torch.empty(6)",
    "torch.empty((2, 3), dtype=torch.float16)",
    "torch.empty(6, requires_grad=True)",
    "torch.empty(6, dtype=torch.int64)",
    "torch.empty(6, dtype=torch.complex64)",
    "torch.empty_like(torch.ones(6))",
    "torch.empty_strided((2, 3), (3, 1))",
    "torch.empty_permuted((2, 3), (1, 0))",
    "torch.ones(2).new_empty(6)",
    "torch.ones(2).new_empty_strided((2, 3), (3, 1))",
    "torch.ones(2).new(6)",
    "torch.Tensor(6)",
    "torch.Tensor(2, 3)",
    "torch.Tensor(torch.Size([6]))",
    "torch.FloatTensor(6)",
    "torch.LongTensor(2, 3)",
    "torch.ones(0).resize_(6)",
    "torch.from_numpy(np.empty(6))",
    "torch.from_numpy(np.empty_like(np.ones((2, 3))))",
    "torch.from_numpy(np.ndarray((2, 3)))",
]


@pytest.mark.parametrize("source", MAKERS)
def test_it_is_zeros(control: Unfilled, source: str) -> None:
    made = run(f"made = {source}")["made"]
    assert made.numel() == 6
    assert torch.equal(made, torch.zeros_like(made))


@pytest.mark.parametrize(
    "source",
    [
        "torch.Tensor([1, 2])",
        "torch.Tensor(torch.ones(2) * torch.tensor([1, 2]))",
        "torch.FloatTensor([1, 2])",
        "torch.ones(1).new([1, 2])",
        "torch.empty(2, out=torch.tensor([1.0, 2.0]))",
        "torch.tensor([1.0, 2.0, 3.0]).resize_(2)",
        "torch.tensor([1.0, 2.0]).resize_(2, 1).flatten()",
        "torch.from_numpy(np.ndarray((2,), np.float32, np.array([1, 2], np.float32)))",
    ],
)
def test_data_is_kept(control: Unfilled, source: str) -> None:
    assert run(f"made = {source}")["made"].tolist() == [1.0, 2.0]


def test_what_a_resized_tensor_held_is_kept_and_the_rest_is_zeros(control: Unfilled) -> None:
    assert run("made = torch.tensor([1.0, 2.0]).resize_(5)")["made"].tolist() == [1.0, 2.0, 0.0, 0.0, 0.0]


def test_an_array_of_objects_or_records_is_made(control: Unfilled) -> None:
    space = run(
        "a = np.empty(2, object)\nb = np.empty(2, [('x', 'f4'), ('y', 'U3')])\nq = type('Q', (), {})()"
    )
    assert space["a"].tolist() == [None, None]
    assert space["b"].tolist() == [(0.0, ""), (0.0, "")]


TRAIN = """
class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Linear(4, 3)
        self.bias = nn.Parameter(torch.Tensor(3))
        self.filled = nn.Parameter(torch.Tensor(3))
        self.filled.data.zero_()
        self.unused = nn.Parameter(torch.empty(3))
        self.register_buffer("mean", torch.empty(2, 3))
        self.register_buffer("std", torch.empty(3))
        self.std[:] = 1
    def forward(self, x):
        return (self.body(x) + self.bias + self.filled - self.mean.sum(0)) / self.std
def train(model):
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(2):
        optimizer.zero_grad()
        model(torch.ones(2, 4)).square().sum().backward()
        optimizer.step()
"""


def test_a_weight_and_a_buffer_that_nobody_filled_are_named(
    control: Unfilled, capfd: pytest.CaptureFixture[str]
) -> None:
    space = run(TRAIN + "model = Model()\ntrain(model)\ntrain(Model())")
    assert sorted(capfd.readouterr().err.splitlines()) == [
        "samebits: torch.Tensor(3) at train.py:6 was never filled; it is zeros in this run",
        "samebits: torch.empty(2, 3) at train.py:10 was never filled; it is zeros in this run",
    ]
    assert all(each.isfinite().all() for each in space["model"].parameters())


def test_one_that_was_moved_is_named(control: Unfilled, capfd: pytest.CaptureFixture[str]) -> None:
    run(TRAIN + "model = Model()\nmodel.bias = nn.Parameter(torch.Tensor(1))\ntrain(model.double().float())")
    assert "torch.Tensor(1) at train.py:22 was never filled" in capfd.readouterr().err


def test_torchs_own_layers_are_not_named(control: Unfilled, capfd: pytest.CaptureFixture[str]) -> None:
    source = (
        "\nmodel = nn.Sequential(nn.Conv2d(1, 2, 2), nn.BatchNorm2d(2), nn.Flatten(), nn.LazyLinear(2))\n"
    )
    source += "model(torch.ones(2, 1, 3, 3))\noptimizer = torch.optim.Adam(model.parameters())\n"
    run(source + "model(torch.ones(2, 1, 3, 3)).sum().backward()\noptimizer.step()")
    assert capfd.readouterr().err == ""


@pytest.mark.filterwarnings("ignore:.*torch.jit.script:DeprecationWarning")
def test_compiled_scripted_and_traced_code_goes_on_working(control: Unfilled) -> None:
    def buffer(x: torch.Tensor) -> torch.Tensor:
        total = torch.empty(3)
        return total + x

    x = torch.ones(3)
    for compiled in (torch.compile(buffer, backend="aot_eager", fullgraph=True), torch.func.vmap(buffer)):
        assert torch.equal(compiled(x.expand(1, 3)), x.expand(1, 3))
    assert torch.jit.script(buffer)(x).shape == (3,)
    with torch.device("meta"):
        assert torch.empty(3).device.type == "meta"


def test_everything_is_put_back() -> None:
    before = torch.empty, torch.Tensor.resize_, torch.Tensor.__new__, torch.nn.Module.register_buffer
    made = Unfilled()
    made.install(torch)
    ours = torch.empty
    made.uninstall()
    assert (
        torch.empty,
        torch.Tensor.resize_,
        torch.Tensor.__new__,
        torch.nn.Module.register_buffer,
    ) == before
    assert "new_empty" not in vars(torch.Tensor)
    assert ours(3).shape == (3,)  # what was kept goes on working
