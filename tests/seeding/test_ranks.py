"""Which process this is: torch.distributed first, then the launchers' variables, else alone."""

from __future__ import annotations

import sys
import types

import pytest

from samebits.seeding.ranks import _LAUNCHERS, RankPlace, checked_rank, place


@pytest.fixture(autouse=True)
def started_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    for names in _LAUNCHERS:
        for name in names:
            monkeypatch.delenv(name, raising=False)


def test_alone() -> None:
    assert place() == RankPlace(0, 1, "alone")
    assert checked_rank(None, "x") == 0


@pytest.mark.parametrize(("rank", "size"), _LAUNCHERS)
def test_every_launcher(rank: str, size: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(rank, "3")
    assert place() == RankPlace(3, 4, rank)
    monkeypatch.setenv(size, "8")
    assert place() == RankPlace(3, 8, rank)


def test_torchrun_below_slurm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLURM_PROCID", "1")
    monkeypatch.setenv("SLURM_NTASKS", "2")
    monkeypatch.setenv("RANK", "11")
    monkeypatch.setenv("WORLD_SIZE", "16")
    assert place() == RankPlace(11, 16, "RANK")


@pytest.mark.parametrize("text", ["x", "-1", "1.5", "１"])
def test_a_variable_that_is_no_number(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RANK", text)
    with pytest.raises(ValueError, match="the variable RANK must be a number, got "):
        place()


@pytest.mark.parametrize("text", [str(2**32), "9" * 5000])
def test_a_variable_that_is_no_rank(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RANK", text)
    with pytest.raises(ValueError, match=r"the variable RANK must be below 2\*\*32, got "):
        place()


def test_a_rank_beyond_the_world(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RANK", "4")
    monkeypatch.setenv("WORLD_SIZE", "4")
    with pytest.raises(ValueError, match="RANK=4 is not below WORLD_SIZE=4"):
        place()


def test_torch_distributed_knows_best(monkeypatch: pytest.MonkeyPatch) -> None:
    distributed = types.SimpleNamespace(
        is_available=lambda: True, is_initialized=lambda: True, get_rank=lambda: 5, get_world_size=lambda: 6
    )
    monkeypatch.setitem(sys.modules, "torch.distributed", distributed)
    monkeypatch.setenv("RANK", "1")
    assert place() == RankPlace(5, 6, "torch.distributed")
