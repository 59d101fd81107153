"""One checkpoint for several ranks: each takes its own state back."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import random, sys
import torch
from torch import distributed
from samebits import StateError
from samebits.integrations._ranks import capture_ranks, restore_ranks

rank, file = int(sys.argv[1]), sys.argv[2]
distributed.init_process_group("gloo", init_method=f"file://{file}", rank=rank, world_size=2)
random.seed(rank)
state = capture_ranks(program=None)
if rank == 0:
    torch.save(state, file + ".pt")  # one rank writes, as frameworks have it
drawn = random.random()
distributed.barrier()
read = torch.load(file + ".pt")
assert len(read["ranks"]) == 2
restore_ranks(read, program=None)
assert random.random() == drawn
try:
    restore_ranks({"ranks": read["ranks"][:1]}, program=None)
except StateError as error:
    assert "rank 0 of 2, this process is rank 1 of 2" in str(error)
else:
    assert rank == 0
distributed.destroy_process_group()
print("good", drawn)
"""


@pytest.mark.slow
def test_each_rank_continues_from_its_own(tmp_path: Path) -> None:
    words = [sys.executable, "-c", PROGRAM]
    started = [
        subprocess.Popen(
            [*words, str(rank), str(tmp_path / "meet")],
            env=os.environ | {"GLOO_SOCKET_IFNAME": "lo"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(2)
    ]
    said = [process.communicate(timeout=120) for process in started]
    assert all(out.startswith("good") for out, _ in said), said
    assert said[0] != said[1]
