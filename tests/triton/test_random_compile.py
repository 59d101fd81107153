"""The random kernels compile for GPUs, each distribution with each type, and round as they are written."""

from __future__ import annotations

import json
from itertools import product

import pytest
import torch
from torch import Tensor

import samebits.random._triton
from samebits.random.one_word import Distribution
from samebits.random.shards import Part, whole

from .distributions import FEW, KEY, PARTS, cases, key
from .targets import compile_for, faults, kernels

KERNELS = kernels(samebits.random._triton)
TARGETS = (("80", "each"), pytest.param(("90", "each"), marks=pytest.mark.deep))


@pytest.fixture(scope="module")
def launches() -> list[str]:
    """Each distribution and type, in a run and in a part; each way of being launched, with some of them."""
    from samebits.random._triton import fill

    from .launches import Launches

    def given(
        distribution: Distribution, dtype: torch.dtype, *shape: int, device: str = "cpu"
    ) -> tuple[Tensor, Tensor | None]:
        out = torch.empty(shape, dtype=dtype, device=device)
        return out, torch.empty_like(out) if distribution is Distribution.DROPOUT else None

    many = key(*range(6))
    with Launches() as noted:
        for distribution, dtype, parameters in cases():
            out, source = given(distribution, dtype, 4096)
            fill.fill(out, distribution, KEY, parameters, None, source)
        for distribution, dtype, parameters in FEW[::2]:
            out, source = given(distribution, dtype, 221)
            fill.fill(out, distribution, KEY, parameters, PARTS["rows and columns"], source)
            for skip in (1, 2, 3):
                out, source = given(distribution, dtype, 4099)
                fill.fill(out, distribution, KEY, parameters, Part(skip, (4099,), (1,)), source)
            for count in (3, 4096):
                out, source = given(distribution, dtype, 3, count)
                fill.fill(out, distribution, many, parameters, None, source)
            out, source = given(distribution, dtype, 1 << 32, device="meta")
            fill.fill(out, distribution, KEY, parameters, whole(1 << 32), source)
            fill.fill(out, distribution, KEY, parameters, Part(0, (1 << 16, 1 << 16), (1 << 17, 1)), source)
    return sorted(noted.found)


@pytest.fixture(scope="module", params=TARGETS, ids="-".join)
def compiled(
    request: pytest.FixtureRequest, launches: list[str], tmp_path_factory: pytest.TempPathFactory
) -> list[str]:
    return compile_for(request.param, launches, tmp_path_factory.mktemp("compiled"))


def test_every_distribution_of_each_type_is_compiled(launches: list[str], compiled: list[str]) -> None:
    noted = [json.loads(line) for line in launches]
    assert KERNELS
    assert {(launch["module"], launch["kernel"]) for launch in noted} == KERNELS
    drawn = {(x["options"]["DISTRIBUTION"], x["arguments"][0], x["options"]["BRAIN"]) for x in noted}
    real = set(Distribution) - {Distribution.INTEGER}
    assert drawn >= {
        (distribution, f"torch.float{size}", False) for distribution, size in product(real, (16, 32, 64))
    }
    assert drawn >= {(distribution, "torch.int16", True) for distribution in real}
    assert drawn >= {(Distribution.INTEGER, f"torch.int{size}", False) for size in (8, 16, 32, 64)}
    assert len(compiled) == len(launches)


def test_kernels_compile_and_round_as_they_are_written(compiled: list[str]) -> None:
    assert faults(compiled) == {}
