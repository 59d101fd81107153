"""A shard has the numbers of that part of the whole, whoever draws it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from itertools import product
from math import prod
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import samebits.random as sr
from samebits.random import core, shards

KEY = sr.key(17)
TIERS = sorted({"eager", core.tiers()[-1]})
Box = tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]


@st.composite
def boxes(draw: st.DrawFn) -> Box:
    shape = draw(st.lists(st.integers(1, 9), min_size=0, max_size=5))
    start = [draw(st.integers(0, n)) for n in shape]
    size = [draw(st.integers(0, n - at)) for n, at in zip(shape, start, strict=True)]
    return tuple(shape), tuple(start), tuple(size)


def _cut(whole: torch.Tensor, start: tuple[int, ...], size: tuple[int, ...]) -> torch.Tensor:
    return whole[tuple(slice(at, at + n) for at, n in zip(start, size, strict=True))]


@given(boxes())
def test_numbers_of_a_part(box: Box) -> None:
    shape, start, size = box
    which = shards.part(shape, start, size)
    numbers = [
        which.first + sum(i * step for i, step in zip(index, which.strides, strict=True))
        for index in product(*map(range, which.shape))
    ]
    whole = torch.arange(prod(shape)).reshape(shape)
    assert numbers == _cut(whole, start, size).flatten().tolist()


@given(boxes())
def test_a_shard_is_that_part_of_the_whole(box: Box) -> None:
    shape, start, size = box
    for tier in TIERS:
        with core.using(tier):
            for distribution in (sr.uniform, sr.exponential, sr.bits, sr.bernoulli):
                assert torch.equal(
                    distribution(KEY, shape, shard=(start, size)), _cut(distribution(KEY, shape), start, size)
                )
            wide = sr.normal(KEY, shape, dtype=torch.float64)
            out = (
                torch.zeros(size[::-1], dtype=torch.float64).mT
                if len(size) == 2
                else torch.zeros(size).double()
            )
            assert sr.normal(KEY, shape, out=out, shard=(start, size)) is out
            assert torch.equal(out, _cut(wide, start, size))


def test_a_shard_of_more_than_memory_holds() -> None:
    far = sr.bits(KEY, 1 << 30, 1 << 30, shard=((1 << 29, 5), (2, 3)), dtype=torch.int64)
    first = (1 << 59) + 5
    assert far.shape == (2, 3)
    assert far[0].tolist() == sr.bits(KEY, 1 << 62, shard=((first,), (3,)), dtype=torch.int64).tolist()


WRONG = [
    (((0,), (4,)), ValueError, "must lie within the whole's shape (3,): got start=(0,), shape=(4,)"),
    (((-1,), (2,)), ValueError, "got start=(-1,), shape=(2,)"),
    (((0, 0), (1, 1)), ValueError, "must lie within the whole's shape (3,)"),
    (((0,), (1, 1)), ValueError, "must lie within the whole's shape (3,)"),
    (((0.5,), (1,)), TypeError, "shard must be (start, shape), each a sequence of integers, or a DTensor"),
    ((0, 2), TypeError, "shard must be (start, shape), each a sequence of integers, or a DTensor"),
    (5, TypeError, "shard must be (start, shape), each a sequence of integers, or a DTensor"),
    (
        ((0,), (1,), (2,)),
        TypeError,
        "shard must be (start, shape), each a sequence of integers, or a DTensor",
    ),
    (torch.zeros(3), TypeError, "shard must be (start, shape), each a sequence of integers, or a DTensor"),
]


@pytest.mark.parametrize(("shard", "kind", "text"), WRONG)
def test_wrong_shards(shard: object, kind: type[Exception], text: str) -> None:
    out = torch.full((1,), 7.0)
    with pytest.raises(kind, match=re.escape(text)):
        sr.uniform(KEY, 3, shard=shard, out=out)  # type: ignore[arg-type]
    assert out.item() == 7.0


def test_a_shard_of_a_batch_of_keys_is_refused() -> None:
    with pytest.raises(ValueError, match="a shard needs one key, not a batch of keys"):
        sr.uniform(sr.split(KEY, 3), 3, 4, shard=((0, 0), (3, 2)))


#: Every placement, dimension and rank of a mesh, in one process: torch's own backend for tests moves nothing.
PLACES = """
import itertools, sys, torch, torch.distributed as dist
from torch.testing._internal.distributed.fake_pg import FakeStore
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.tensor import DTensor, Partial, Replicate, Shard
import samebits.random as sr
key = sr.key(17)
for rank in range(4):
    dist.init_process_group("fake", store=FakeStore(), rank=rank, world_size=4)
    for mesh in (init_device_mesh("cpu", (4,)), init_device_mesh("cpu", (2, 2))):
        for shape in ((5, 7), (3, 2, 6), (8, 4), (1, 9)):
            whole, ints = sr.normal(key, shape), sr.bits(key, shape)
            for placements in itertools.product((Replicate(), Shard(0), Shard(1)), repeat=mesh.ndim):
                numbered = torch.arange(whole.numel()).reshape(shape)
                # distribute_tensor would send; each process cuts its part itself
                local = numbered
                for dim, place in enumerate(placements):
                    if isinstance(place, Shard):
                        n = mesh.size(dim)
                        pieces = list(local.chunk(n, place.dim))
                        empty = local.narrow(place.dim, 0, 0)
                        local = (pieces + [empty] * n)[mesh.get_local_rank(dim)]
                template = DTensor.from_local(
                    torch.zeros(local.shape), mesh, placements, run_check=False,
                    shape=torch.Size(shape), stride=torch.empty(shape).stride())
                assert sr.normal(key, out=template) is template
                assert torch.equal(template.to_local(), whole.flatten()[local]), (rank, shape, placements)
                made = sr.bits(key, shard=template)
                assert isinstance(made, DTensor) and made.shape == torch.Size(shape)
                assert made.placements == tuple(placements)
                assert torch.equal(made.to_local(), ints.flatten()[local]), (rank, shape, placements)
    mesh = init_device_mesh("cpu", (4,))
    sums = DTensor.from_local(torch.full((4,), 7.0), mesh, [Partial()], run_check=False)
    wrong = [
        (lambda: sr.uniform(key, out=sums), "holds sums, not a part of the whole"),
        (lambda: sr.uniform(key, 5, shard=sums), "the DTensor has the shape (4,), but (5,) was asked for"),
        (lambda: sr.uniform(sr.split(key), out=sums), "a DTensor needs one key, not a batch of keys"),
    ]
    for call, text in wrong:
        try:
            call()
        except ValueError as error:
            assert text in str(error), error
        else:
            raise AssertionError(text)
    assert sums.to_local().tolist() == [7.0] * 4
    dist.destroy_process_group()
print("all equal")
"""

#: Two processes that do send: the shards together are the whole.
TOGETHER = """
import sys, time, torch, torch.distributed as dist
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.tensor import Replicate, Shard, distribute_tensor
import samebits.random as sr
rank, store = int(sys.argv[1]), sys.argv[2]
dist.init_process_group("gloo", init_method=f"file://{store}", rank=rank, world_size=2)
mesh, key = init_device_mesh("cpu", (2,)), sr.key(17)
for shape in ((5, 3), (1, 4), (7,)):
    for placement in (Shard(0), Replicate()):
        whole = sr.uniform(key, shape)
        made = distribute_tensor(torch.zeros(shape), mesh, [placement])
        assert torch.equal(sr.uniform(key, out=made).full_tensor(), whole)
        assert torch.equal(sr.uniform(key, shard=made).full_tensor(), whole)
dist.barrier()
dist.destroy_process_group()
time.sleep(0.5)  # gloo's threads let tensors go, which aborts in a Python that ends: pytorch#179291
print("all equal")
"""


def _variables() -> dict[str, str]:
    return {k: v for k, v in os.environ.items() if k not in ("RANK", "WORLD_SIZE")} | {
        "GLOO_SOCKET_IFNAME": "lo"
    }


@pytest.mark.slow
def test_distributed_tensors_of_every_placement() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PLACES], capture_output=True, text=True, timeout=120, env=_variables()
    )
    assert done.stdout == "all equal\n", done.stderr[-2000:]


@pytest.mark.slow
def test_the_processes_of_a_group_draw_the_whole_together(tmp_path: Path) -> None:
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", TOGETHER, str(rank), str(tmp_path / "store")],
            stdout=subprocess.PIPE, text=True, env=_variables(),
        )
        for rank in range(2)
    ]  # fmt: skip
    assert [process.communicate(timeout=120)[0] for process in processes] == ["all equal\n"] * 2
