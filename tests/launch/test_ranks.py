"""Two ranks under torchrun: a record each, compared by rank, and the same bits as without observation."""

from __future__ import annotations

import json
import re
import sys
from typing import Any

import pytest
from tests.deep import only

pytestmark = pytest.mark.slow

DDP = """
import hashlib, os, sys, time, torch, torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel
def main():
    dist.init_process_group("gloo")
    rank = dist.get_rank()
    torch.manual_seed(rank)
    net = DistributedDataParallel(nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Dropout(0.1), nn.Linear(8, 2)))
    optimizer = torch.optim.AdamW(net.parameters())
    for step in range(4):
        faulty = "fault" in sys.argv and (rank, step) == (1, 2)
        loss = net(torch.randn(5, 4) + (float(os.urandom(1)[0]) if faulty else 0))
        optimizer.zero_grad()
        loss.square().mean().backward()
        optimizer.step()
    gathered = [torch.zeros(2) for _ in range(2)]
    dist.all_gather(gathered, torch.full((2,), float(rank)))
    state = b"".join(p.detach().numpy().tobytes() for p in (*net.parameters(), torch.get_rng_state()))
    with open(f"rank{rank}.txt", "w") as f:
        print(hashlib.sha256(state).hexdigest(), loss.mean().item().hex(), gathered, file=f)
    dist.barrier()  # neither ends while the other still listens
    dist.destroy_process_group()
    time.sleep(0.5)  # gloo's threads let tensors go, which aborts in a Python that ends: pytorch#179291
main()
"""
TORCHRUN = (
    sys.executable,
    "-m",
    "torch.distributed.run",
    "--standalone",
    "--nproc-per-node",
    "2",
    "train.py",
)


@pytest.fixture
def folder(shared: Any) -> Any:
    place = shared("ranks")
    place.write("train.py", DDP)
    return place


def results(folder: Any) -> list[str]:
    return [(folder.path / f"rank{rank}.txt").read_text() for rank in (0, 1)]


@pytest.mark.parametrize("command", only(["record"], ["record", "verify"]))
def test_two_ranks(folder: Any, command: str) -> None:
    plain = folder.run(*TORCHRUN)
    assert plain.code == 0, plain.err
    expected = results(folder)
    ended = folder.samebits(command, "--level", "op", "--", *TORCHRUN)
    assert ended.code == 0, ended.err
    assert command == "record" or ended.out.startswith("SAME  2 runs, 4 steps"), ended.out
    assert results(folder) == expected
    for run in folder.runs()[-2 if command == "verify" else -1 :]:
        ranks = {key: record for key, record in run.records.items() if re.fullmatch(r"rank\d", key)}
        assert {key: (record.rank, record.steps) for key, record in ranks.items()} == {
            "rank0": (0, 4),
            "rank1": (1, 4),
        }
        for record in ranks.values():
            events = list(record.events(0))
            assert "collective" in {e.kind for e in events} | {
                e.kind for thread in record.threads() for e in record.events(thread)
            }
            assert {e.name for e in events if e.kind == "parameter"} == {
                "0.weight", "0.bias", "3.weight", "3.bias",
            }  # fmt: skip
            assert record.status == "finished"


@pytest.mark.parametrize("command", only(["record"], ["record", "verify"]))
def test_the_rank_that_diverges_first_is_named(folder: Any, command: str) -> None:
    if command == "verify":
        ended, verdict = folder.json("--", *TORCHRUN, "fault")
    else:
        for _ in range(2):
            assert folder.samebits("record", "--level", "op", "--", *TORCHRUN, "fault").code == 0
        ended = folder.samebits("compare", "--json", "-", *(run.id for run in folder.runs()[-2:]))
        verdict = json.loads(ended.out)
    assert ended.code == 1, ended.err
    assert verdict["verdict"] == "diverged"
    assert (verdict["first"]["rank"], verdict["first"]["step"]) == (1, 2)
    assert verdict["first"]["line"] == 13
