"""Ranks of one training: each its own numbers, and the same ones where they are asked for."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

import samebits
import samebits.random as sr
from samebits.errors import UsageError
from samebits.random import portable, scope

pytestmark = pytest.mark.usefixtures("generators_restored")


def at(rank: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """As torchrun says it."""
    monkeypatch.setenv("RANK", str(rank))
    monkeypatch.setenv("WORLD_SIZE", "4")


def root(seed: int, rank: int) -> Tensor:
    return sr.fold_in(sr.key(seed), f"rank//{rank}") if rank else sr.key(seed)


@pytest.mark.parametrize("rank", [0, 1, 3])
def test_each_rank_has_a_stream_of_its_own(rank: int, monkeypatch: pytest.MonkeyPatch) -> None:
    at(rank, monkeypatch)
    with portable(11):
        assert torch.equal(torch.rand(5), sr.uniform(sr.fold_in(root(11, rank), 0), 5))
        with scope("augment"):
            assert torch.equal(
                torch.randn(5), sr.normal(sr.fold_in(sr.fold_in(root(11, rank), "augment"), 0), 5)
            )
        assert torch.equal(torch.rand(5), sr.uniform(sr.fold_in(root(11, rank), 1), 5))


def test_no_two_draw_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    """Guide row G4, also for neighbouring seeds."""
    seen = set()
    for seed in range(4):
        for rank in range(4):
            at(rank, monkeypatch)
            with portable(seed):
                seen.update([tuple(torch.rand(4).tolist()), tuple(torch.dropout(torch.ones(99), 0.5, True))])
    assert len(seen) == 32


def test_the_same_rank_again_draws_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    at(2, monkeypatch)
    drawn = []
    for _ in range(2):
        with portable(11):
            drawn.append(torch.rand(4))
    with portable(11, rank=2):
        drawn.append(torch.rand(4))
    assert torch.equal(drawn[0], drawn[1])
    assert torch.equal(drawn[0], drawn[2])


def test_one_rank_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    at(2, monkeypatch)
    with portable(11, rank=0):
        assert torch.equal(torch.rand(5), sr.uniform(sr.fold_in(sr.key(11), 0), 5))


def test_a_shared_scope_is_the_same_on_every_rank(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = []
    for rank in range(3):
        at(rank, monkeypatch)
        with portable(11):
            torch.rand(rank + 1)  # what ranks draw outside does not matter
            with scope("weights", shared=True):
                weights = [torch.randn(4)]
                with scope("head"):
                    weights.append(torch.randn(4))
            with scope("weights"):
                own = torch.randn(4)
        drawn.append((torch.cat(weights).tolist(), own.tolist()))
    shared, owns = zip(*drawn, strict=True)
    assert shared[0] == shared[1] == shared[2]
    assert len({*map(tuple, owns), tuple(shared[0][:4]), tuple(shared[0][4:])}) == 5


def test_what_a_shared_scope_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    at(1, monkeypatch)
    with portable(11), scope("a"), scope("b", shared=True):
        assert torch.equal(torch.rand(3), sr.uniform(sr.fold_in(sr.fold_in(sr.key(11), "/a/b"), 0), 3))


def test_a_shared_scope_goes_on_after_a_checkpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    at(1, monkeypatch)
    with portable(11):
        with scope("a", shared=True):
            torch.rand(3)
        saved = torch.get_rng_state()
        with scope("a", shared=True):
            expected = torch.rand(3)
    with portable(11):
        torch.set_rng_state(saved)
        with scope("a", shared=True):
            assert torch.equal(torch.rand(3), expected)


def test_a_shared_scope_after_manual_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a program seeds alike on all ranks is alike outside; inside all are, however it seeds."""
    drawn = []
    for rank in range(2):
        at(rank, monkeypatch)
        with portable(11):
            torch.manual_seed(3)
            drawn.append(torch.rand(3))
            samebits.seed_everything(3)
            with scope("a", shared=True):
                drawn.append(torch.rand(3))
    assert torch.equal(drawn[0], drawn[2])
    assert torch.equal(drawn[1], drawn[3])


def test_a_mode_without_a_seed_shares_nothing() -> None:
    with (
        portable(),
        pytest.raises(UsageError, match="'b/a' is shared by all ranks"),
        scope("b"),
        scope("a", shared=True),
    ):
        raise AssertionError
    with portable(11), portable(), scope("a"):
        assert torch.equal(torch.rand(3), sr.uniform(sr.fold_in(sr.fold_in(sr.key(11), "a"), 0), 3))


def test_a_decorated_function_is_shared(monkeypatch: pytest.MonkeyPatch) -> None:
    @scope("a", shared=True)
    def drawn() -> list[float]:
        return list(torch.rand(3).tolist())

    seen = []
    for rank in range(2):
        at(rank, monkeypatch)
        with portable(11):
            seen.append(drawn())
    assert seen[0] == seen[1]


@pytest.mark.parametrize(
    ("make", "error", "text"),
    [
        (lambda: portable(rank=1), ValueError, "a rank is of a seed"),
        (lambda: portable(1, rank=-1), ValueError, "portable: the rank must be in"),
        (lambda: portable(1, rank=True), TypeError, "portable: the rank must be an int"),
        (lambda: scope("a", shared=1), TypeError, "scope: shared must be True or False, got 1"),
    ],
)
def test_what_cannot_be_meant(make: Any, error: type[Exception], text: str) -> None:
    before = torch.get_rng_state()
    with pytest.raises(error, match=text):
        make()
    assert torch.equal(torch.get_rng_state(), before)


def test_repr() -> None:
    modes = [portable(7, rank=3), portable(7), portable()]
    assert [repr(mode) for mode in modes] == ["portable(7, rank=3)", "portable(7)", "portable()"]
    for mode in modes:
        mode.restore()


PROGRAM = """
import os, sys
import torch
import torch.distributed as dist
if "function" in sys.argv:
    import samebits
    samebits.random.portable(11)
dist.init_process_group("gloo")
numbers = [torch.rand(1).item(), torch.nn.Linear(2, 2).weight.sum().item(),
           torch.dropout(torch.ones(64), 0.5, True).tolist()]
sys.stdout.write(f"{dist.get_rank()} {numbers}\\n")  # whole, with another rank's beside it
dist.barrier()
dist.destroy_process_group()
"""


@pytest.mark.slow
def test_the_function_and_the_command_draw_the_same_numbers(tmp_path: Path) -> None:
    """Alone and under torchrun, where no two ranks draw alike."""
    script = tmp_path / "train.py"
    script.write_text(PROGRAM)
    variables = {k: v for k, v in os.environ.items() if k not in ("RANK", "WORLD_SIZE")}
    variables |= {"GLOO_SOCKET_IFNAME": "lo", "PYTHONHASHSEED": "0", "OMP_NUM_THREADS": "1"}
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    run = [sys.executable, "-m", "samebits", "run", "--quiet", "--portable", "--seed", "11", "--"]
    seen = [
        sorted(
            subprocess.run(
                words, env=variables, capture_output=True, text=True, timeout=300, check=True
            ).stdout.splitlines()
        )
        for words in ([*torchrun, str(script), "function"], [*run, *torchrun, str(script)])
    ]
    assert seen[0] == seen[1]
    assert [line[0] for line in seen[0]] == ["0", "1"]
    assert seen[0][0][1:] != seen[0][1][1:]
