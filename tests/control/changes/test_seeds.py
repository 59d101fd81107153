"""Another seed wherever the program gives one."""

from __future__ import annotations

import inspect
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from samebits.control import changes, told
from samebits.usercode import loading

pytestmark = pytest.mark.usefixtures("generators_restored")


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "told"
    monkeypatch.setattr(told, "_said", set())
    monkeypatch.setenv(told.VARIABLE, told.TrialPlan(str(path)).to_json())
    return path


@pytest.fixture
def changed(file: Path) -> Iterator[None]:
    undo = changes.install(["seed"])
    yield
    undo()


def run(source: str) -> Any:
    space: dict[str, Any] = {"torch": torch, "np": np, "random": random}
    exec(loading.compile_user(source, "train.py"), space)
    return space["found"]


SEEDED = [
    "torch.random.manual_seed({seed})\nfound = torch.rand(()).item()",
    "np.random.seed({seed})\nfound = np.random.rand()",
    "random.seed({seed})\nfound = random.random()",
    "found = np.random.default_rng({seed}).random()",
    "found = np.random.default_rng([{seed}, 3]).random()",
    "found = np.random.RandomState(seed={seed}).rand()",
    "found = random.Random({seed}).random()",
    "from samebits.data import SeededLoader\n"
    "found = next(iter(SeededLoader(range(99), batch_size=9, shuffle=True, seed={seed}))).tolist()",
    "from samebits import seed_everything\nseed_everything({seed})\nfound = random.random()",
    "g = torch.Generator().manual_seed({seed})\nfound = torch.rand((), generator=g).item()",
]


@pytest.mark.parametrize("source", SEEDED)
def test_it_is_the_next_one(source: str, file: Path) -> None:
    expected = run(source.format(seed=8))
    undo = changes.install(["seed"])
    try:
        found = run(source.format(seed=7))
    finally:
        undo()
    assert found == expected
    assert any("7" in saying.what and "8" in saying.what for saying in told.read(file))


@pytest.mark.usefixtures("changed")
def test_what_is_no_seed_stays(file: Path) -> None:
    assert run("found = 'a.b'.seed if hasattr('a', 'seed') else 3") == 3
    run("random.seed('text')\nfound = random.random()")
    worker = {"random": random, "__name__": "torch.utils.data._utils.worker"}
    exec("random.seed(7)", worker)  # by what the program's own seed gave
    assert told.read(file) == []


def test_all_of_samebits_that_takes_a_seed_is_known() -> None:
    import samebits.data
    import samebits.random
    from samebits.control.changes.seeds import _OURS

    takers = {
        name
        for module in (samebits.data, samebits.random, samebits.seeding)
        for name in module.__all__
        if callable(found := getattr(module, name)) and next(iter(_parameters(found)), "") == "seed"
    }
    assert takers - {"ensure_hash_seed", "Seeded"} <= _OURS


def _parameters(function: Any) -> list[str]:
    try:
        return list(inspect.signature(function).parameters)
    except (TypeError, ValueError):
        return []
