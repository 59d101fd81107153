"""On CUDA: each device its own stream, seeded before or after it is initialised."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch

from samebits.seeding import Key, Streams, seed_everything

pytestmark = [
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
    pytest.mark.usefixtures("generators_restored"),
]


def test_a_device_is_seeded_with_64_bits_of_its_own_key() -> None:
    seed_everything(11)
    seeds = [torch.cuda.default_generators[i].initial_seed() for i in range(torch.cuda.device_count())]
    keys = [Key(11, ("process", 0, "torch", "cuda", i)).integer(64) for i in range(len(seeds))]
    assert seeds == keys
    first = torch.rand(5, device="cuda")
    seed_everything(11)
    assert torch.equal(torch.rand(5, device="cuda"), first)


def test_seeding_before_the_device_is_initialised_gives_the_same_and_does_not_initialise_it() -> None:
    program = (
        "import torch, samebits\n"
        "{}\n"
        "samebits.seed_everything(11)\n"
        "assert torch.cuda.is_initialized() == {}\n"
        "print(torch.rand(3, device='cuda').tolist())"
    )
    seen = [
        subprocess.run(
            [sys.executable, "-W", "ignore", "-c", program.format(*how)],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for how in (("", False), ("torch.cuda.init()", True))
    ]
    assert seen[0] == seen[1]


def test_streams_on_the_device() -> None:
    a, b = Streams(7), Streams(7)
    first = torch.rand(5, generator=a.torch("dropout", device="cuda"), device="cuda")
    torch.rand(5, device="cuda")
    b.torch("other", device="cuda")
    assert torch.equal(torch.rand(5, generator=b.torch("dropout", device="cuda"), device="cuda"), first)
    assert a.torch("dropout", device="cuda") is a.torch("dropout", device="cuda:0")
