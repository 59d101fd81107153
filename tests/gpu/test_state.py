"""Random state on a CUDA device: captured, restored, isolated.  Skipped where there is none."""

from __future__ import annotations

import io
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from typing import Any

import pytest
import torch

from samebits.seeding.scope import isolated, preserved
from samebits.seeding.state import capture_rng, restore_rng

pytestmark = [
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device"),
    pytest.mark.usefixtures("generators_restored", "devices_restored"),
]


@pytest.fixture
def devices_restored() -> Iterator[None]:
    states = torch.cuda.get_rng_state_all()
    yield
    torch.cuda.set_rng_state_all(states)


def draws(generator: torch.Generator | None = None) -> list[Any]:
    devices = (
        [f"cuda:{i}" for i in range(torch.cuda.device_count())] if generator is None else [generator.device]
    )
    return [
        [
            torch.rand(5, device=device, generator=generator).tolist(),
            torch.randn(70_000, device=device, generator=generator).sum().item(),
            torch.randperm(9, device=device, generator=generator).tolist(),
        ]
        for device in devices
    ]


def test_every_device_and_a_generator_continue_through_a_file() -> None:
    own = torch.Generator("cuda").manual_seed(3)
    draws(), draws(own)
    file = io.BytesIO()
    torch.save(capture_rng(own=own), file)
    expected = draws(), draws(own)
    for where in ("cpu", "cuda"):  # a whole checkpoint may be loaded onto the device
        file.seek(0)
        restore_rng(torch.load(file, weights_only=True, map_location=where), own=own)
        assert (draws(), draws(own)) == expected


def test_in_a_new_process() -> None:
    program = (
        "import sys, torch\n"
        "from samebits.seeding.state import capture_rng, restore_rng\n"
        "if sys.argv[1] == 'save':\n"
        "    torch.rand(7, device='cuda'); torch.save(capture_rng(none=None), sys.argv[2])\n"
        "else:\n"
        "    restore_rng(torch.load(sys.argv[2], weights_only=True), none=None)\n"
        "print(torch.rand(5, device='cuda').tolist(), torch.rand(5).tolist())"
    )
    with tempfile.TemporaryDirectory() as folder:
        told = [
            subprocess.run(
                [sys.executable, "-c", program, mode, f"{folder}/state.pt"],
                capture_output=True,
                text=True,
                check=True,
            ).stdout
            for mode in ("save", "load")
        ]
    assert told[0] == told[1]


@pytest.mark.parametrize("make", [isolated, preserved])
def test_a_scope_moves_no_device(make: Any) -> None:
    own = torch.Generator("cuda").manual_seed(3)
    draws()
    with preserved():
        expected = draws(), draws(own)
    with make():
        inside = draws(), draws(own)
        torch.cuda.manual_seed_all(1)
    assert (draws(), draws(own)) == expected
    assert (inside == expected) == (make is preserved)


def test_a_device_first_used_inside_has_not_moved_afterwards() -> None:
    program = (
        "import sys, torch\n"
        "from samebits.seeding.scope import isolated\n"
        "torch.manual_seed(5)\n"
        "if sys.argv[1] == 'inside':\n"
        "    with isolated():\n"
        "        assert not torch.cuda.is_initialized()\n"
        "        torch.rand(9, device='cuda')\n"
        "print(torch.rand(5, device='cuda').tolist())"
    )
    told = [
        subprocess.run(
            [sys.executable, "-c", program, mode], capture_output=True, text=True, check=True
        ).stdout
        for mode in ("inside", "without")
    ]
    assert told[0] == told[1]
