"""Functions that avoid an operation under torch's flag are led back to it, and only while the mode is on."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from types import ModuleType

import pytest
import torch
import torch.nn.functional as F

from samebits.determinism.decompositions import Detours


@pytest.fixture
def detours() -> Iterator[Detours]:
    closed = Detours()
    closed.install()
    yield closed
    closed.uninstall()
    assert F.importlib is importlib


def numbers(*shape: int) -> torch.Tensor:
    return torch.arange(float(torch.Size(shape).numel())).sin().view(shape).requires_grad_()


def nodes(y: torch.Tensor) -> str:
    return type(y.grad_fn).__name__


def decompositions() -> ModuleType:
    """What `F.interpolate` and the others look up, on CUDA and with the flag on."""
    return F.importlib.import_module("torch._decomp.decompositions")


@pytest.mark.parametrize("dimensions", [2, 3])
def test_interpolation(detours: Detours, dimensions: int) -> None:
    x = numbers(1, 2, *[3] * dimensions)
    y = decompositions()._upsample_linear_vec(x, None, False, [2.0] * dimensions)
    assert nodes(y).startswith("Upsample")
    mode = {2: "bilinear", 3: "trilinear"}[dimensions]
    assert torch.equal(y, F.interpolate(x, scale_factor=2.0, mode=mode))


def test_padding(detours: Detours) -> None:
    x = numbers(1, 2, 3, 3)
    y = decompositions()._replication_pad(x, [1, 0, 2, 1])
    assert nodes(y).startswith("ReplicationPad2D")
    assert torch.equal(y, F.pad(x, [1, 0, 2, 1], mode="replicate"))


def test_pooling(detours: Detours) -> None:
    x = numbers(1, 2, 4, 4, 4)
    y, index = decompositions().max_pool3d_with_indices(x, 2, [], 0, 1, False)
    assert nodes(y).startswith("MaxPool3D")
    expected = F.max_pool3d(x, 2, return_indices=True)
    assert torch.equal(y, expected[0])
    assert torch.equal(index, expected[1])


def test_the_rest_is_as_ever(detours: Detours) -> None:
    from torch._decomp import decompositions as real

    assert decompositions().upsample_linear1d is real.upsample_linear1d
    assert F.importlib.import_module("json") is importlib.import_module("json")
    assert F.importlib.reload is importlib.reload


@pytest.fixture
def vision(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    module = ModuleType("torchvision.ops.roi_align")
    module._roi_align = lambda: "python"  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, module.__name__, module)
    return module


def test_regions_of_interest(vision: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.ops.torchvision, "roi_align", lambda: "operation", raising=False)
    closed = Detours()
    closed.install()
    assert vision._roi_align() == "operation"
    closed.uninstall()
    assert vision._roi_align() == "python"


def test_without_torchvisions_operations(vision: ModuleType, detours: Detours) -> None:
    assert vision._roi_align() == "python"
