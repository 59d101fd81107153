"""One rule for seeds: every function that takes one accepts and refuses the same."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner

import samebits
from samebits import SamebitsError
from samebits.cli.main import app
from samebits.compat import seed_everything, setup_seed, worker_init_fn
from samebits.data import ResumableSampler, SampleSeeded, SeededLoader, loader_kwargs
from samebits.launch import Control
from samebits.random import key, portable

#: Each gives what a seed became, to the bit.
TAKERS: dict[str, Callable[[Any], Any]] = {
    "Key": lambda seed: samebits.Key(seed).digest(),
    "Streams": lambda seed: samebits.Streams(seed).python("a").random(),
    "isolated": lambda seed: _within(samebits.isolated(seed, generators=())),
    "seed_everything": lambda seed: (samebits.seed_everything(seed).seed, _drawn()),
    "random.key": lambda seed: key(seed).tolist(),
    "random.portable": lambda seed: _within(portable(seed)),
    "SeededLoader": lambda seed: [batch.tolist() for batch in SeededLoader(range(9), 3, True, seed=seed)],
    "SampleSeeded": lambda seed: SampleSeeded(list(range(3)), seed)._seed,
    "ResumableSampler": lambda seed: list(ResumableSampler(9, seed=seed)),
    "loader_kwargs": lambda seed: loader_kwargs(seed)["generator"].get_state().tolist(),
    "verify, record, run": lambda seed: Control.checked(seed, False, False, "verify").seed,
}
#: Those with fewer bits: the numbers of published guides, and what Python takes for its hash secret.
NARROW: dict[str, Callable[[Any], Any]] = {
    "compat.seed_everything": lambda seed: (seed_everything(seed).seed, _drawn()),
    "compat.setup_seed": lambda seed: (setup_seed(seed).seed, _drawn()),
    "compat.worker_init_fn": lambda seed: (worker_init_fn(0, 0, seed), _drawn()),
    "offset": lambda seed: (samebits.seed_everything(seed, scheme="offset").seed, _drawn()),
    "ensure_hash_seed": lambda seed: samebits.ensure_hash_seed(seed),
}
GOOD = [0, 1, 7, 2**31, np.int64(7), np.uint8(7), np.array(7), torch.tensor(7)]
WIDE = [2**32, 2**63, 2**64 - 1, 2**64, 2**64 + 7, 2**127, 2**128 - 1, np.uint64(2**64 - 1)]
WRONG_TYPE = [
    True,
    False,
    np.True_,
    1.0,
    7.5,
    np.float64(7),
    "7",
    b"7",
    [7],
    (7,),
    np.array([7]),
    torch.tensor(7.0),
]
WRONG_TYPE += [torch.tensor([7]), torch.tensor(True), 7j, {}]
WRONG_VALUE = [-1, -(2**63), 2**128, 2**200, np.int64(-1), torch.tensor(-1)]


@pytest.fixture(autouse=True)
def nothing_moves(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The process as it was: these functions are there to move it."""
    monkeypatch.setattr("samebits.seeding.hash_seed.fixed_hash_seed", lambda: 0)
    flags = ("enabled", "deterministic", "benchmark")
    before = {name: getattr(torch.backends.cudnn, name) for name in flags}
    with samebits.preserved(generators=()):
        yield
    for name, value in before.items():
        setattr(torch.backends.cudnn, name, value)


def _drawn() -> list[float]:
    return [torch.rand(()).item(), float(np.random.rand())]


def _within(scope: Any) -> list[float]:
    with scope:
        return torch.rand(3).tolist()


@pytest.mark.parametrize("seed", [*GOOD, *WIDE], ids=repr)
@pytest.mark.parametrize("name", TAKERS)
def test_good(name: str, seed: Any) -> None:
    assert TAKERS[name](seed) == TAKERS[name](int(seed))


@pytest.mark.parametrize("name", [name for name in TAKERS if name != "ResumableSampler"])
def test_all_bits_count(name: str) -> None:
    seeds = [0, 1, 2**32, 2**63, 2**64, 2**64 + 1, 2**127, 2**128 - 1]
    assert len({repr(TAKERS[name](seed)) for seed in seeds}) == len(seeds)


@pytest.mark.parametrize("seed", GOOD, ids=repr)
@pytest.mark.parametrize("name", NARROW)
def test_good_where_fewer_bits_are_kept(name: str, seed: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONHASHSEED", "0")  # setup_seed sets it; so it is put back
    assert NARROW[name](seed) == NARROW[name](int(seed))


@pytest.mark.parametrize("seed", WRONG_TYPE, ids=repr)
@pytest.mark.parametrize("name", [*TAKERS, *NARROW])
def test_wrong_type(name: str, seed: Any) -> None:
    with pytest.raises(TypeError, match="the seed must be an int, got ") as refused:
        (TAKERS | NARROW)[name](seed)
    assert isinstance(refused.value, SamebitsError)


@pytest.mark.parametrize("seed", WRONG_VALUE, ids=repr)
@pytest.mark.parametrize("name", [*TAKERS, *NARROW])
def test_wrong_value(name: str, seed: Any) -> None:
    with pytest.raises(ValueError, match=r"the seed must be in 0 \.\. 2\*\*") as refused:
        (TAKERS | NARROW)[name](seed)
    assert isinstance(refused.value, SamebitsError)
    assert not isinstance(refused.value, TypeError)


@pytest.mark.parametrize("seed", [2**32, 2**64, 2**128 - 1])
@pytest.mark.parametrize("name", NARROW)
def test_too_wide_where_fewer_bits_are_kept(name: str, seed: int) -> None:
    with pytest.raises(ValueError, match=r"2\*\*32") as refused:
        NARROW[name](seed)
    assert isinstance(refused.value, SamebitsError)


@pytest.mark.parametrize("command", ["run", "verify", "record"])
@pytest.mark.parametrize("word", ["-1", str(2**128), "7.0", "1e3", "True", "x", "", "0x7", "nan", "[7]"])
def test_the_command_line_refuses_the_same(
    command: str, word: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "train.py").write_text("raise SystemExit('this must not run')\n")
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(app, [command, f"--seed={word}", "train.py"])
    assert done.exit_code == 2
    assert f"{word!r} is not a whole number of 0 .. 2**128 - 1" in done.stderr
    assert list(tmp_path.iterdir()) == [tmp_path / "train.py"]
