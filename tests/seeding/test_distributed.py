"""Two processes of one training: each its own numbers, the same ones in every run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import json, random, sys, time
import numpy as np, torch, torch.distributed as dist
from samebits import compat, seed_everything
from samebits.seeding.ranks import place
rank, store = int(sys.argv[1]), sys.argv[2]
assert compat.get_rank() == 0
dist.init_process_group("gloo", init_method=f"file://{store}", rank=rank, world_size=2)
seeded = seed_everything(5)
draws = random.random(), float(np.random.rand()), torch.rand(()).item()
offset = seed_everything(777, scheme="offset").generators[0][1]
try:
    seed_everything(None)
except ValueError as error:
    refused = str(error)
answer = {"rank": seeded.rank, "guides": compat.get_rank(), "source": place().source}
print(json.dumps({**answer, "draws": draws, "offset": offset, "refused": refused}), flush=True)
dist.barrier()
dist.destroy_process_group()
time.sleep(0.5)  # gloo's threads let tensors go, which aborts in a Python that ends: pytorch#179291
"""


def both(folder: Path) -> list[dict[str, object]]:
    variables = {k: v for k, v in os.environ.items() if k not in ("RANK", "WORLD_SIZE")}
    variables |= {"PYTHONHASHSEED": "0", "GLOO_SOCKET_IFNAME": "lo"}
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(rank), str(folder / "store")],
            stdout=subprocess.PIPE, text=True, env=variables,
        )
        for rank in range(2)
    ]  # fmt: skip
    return [json.loads(process.communicate(timeout=120)[0].splitlines()[0]) for process in processes]


@pytest.mark.slow
def test_ranks_differ_and_runs_repeat(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir(), (tmp_path / "b").mkdir()
    first, second = both(tmp_path / "a"), both(tmp_path / "b")
    assert first == second
    assert [answer["rank"] for answer in first] == [answer["guides"] for answer in first] == [0, 1]
    assert {answer["source"] for answer in first} == {"torch.distributed"}
    assert first[0]["draws"] != first[1]["draws"]
    assert [answer["offset"] for answer in first] == ["777", "778"]
    assert all("each of 2 processes" in str(answer["refused"]) for answer in first)


SPAWNED = """
import multiprocessing as mp, random, warnings
import samebits

def work(rank):
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        samebits.seed_everything(5)
        unknown = [w.category.__name__ for w in seen]
        samebits.seed_everything(5, rank=rank)
    print(rank, unknown, [w.category.__name__ for w in seen], random.random(), flush=True)

if __name__ == "__main__":
    for rank in range(2):
        child = mp.get_context("spawn").Process(target=work, args=(rank,))
        child.start()
        child.join()
"""


@pytest.mark.slow
def test_a_child_that_knows_no_rank_yet_is_warned_of(tmp_path: Path) -> None:
    """torch.multiprocessing.spawn, seed_everything, init_process_group: all ranks would draw alike."""
    script = tmp_path / "spawn.py"
    script.write_text(SPAWNED)
    variables = {k: v for k, v in os.environ.items() if k not in ("RANK", "WORLD_SIZE")}
    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, env=variables, timeout=120, check=True
    )
    rows = done.stdout.splitlines()
    assert [row.rsplit(" ", 1)[0] for row in rows] == [
        f"{rank} ['RankWarning'] ['RankWarning']" for rank in range(2)
    ]
    assert len({row.rsplit(" ", 1)[1] for row in rows}) == 2
