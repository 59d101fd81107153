"""What an honest record may hold passes the checks made for hostile ones; a log that is none costs little."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from samebits.model.facts import Fact, Seed
from samebits.record.reader import Record
from samebits.record.writer import Writer


def written(folder: Path, *, seed: int, value: int, **plan: Any) -> Path:
    plan["seed"] = seed
    writer = Writer(folder / "main.db", process="main", rank=0, manifest={}, plan=plan)
    writer.commit(steps=0)
    writer.facts([Fact(Seed(generator="python", call="random.seed", value=value), None, 0, 0)])
    writer.commit(steps=1)
    writer.finish("finished")
    assert writer.incomplete is None
    return folder / "main.db"


@pytest.mark.parametrize("seed", [0, 2**64, 2**128 - 1])
@pytest.mark.parametrize("value", [0, -(2**63) - 5, -(2**64) + 1, 2**64 - 1])
def test_seeds_as_wide_as_they_may_be(tmp_path: Path, seed: int, value: int) -> None:
    with Record.open(written(tmp_path, seed=seed, value=value)) as record:
        assert record.plan["seed"] == seed
        assert record.facts()[0].detail == Seed(generator="python", call="random.seed", value=value)


def test_a_record_whose_plan_says_everywhere_is_read(tmp_path: Path) -> None:
    """As portable was called in the first records; the key is one that a reader does not know."""
    with Record.open(written(tmp_path, seed=1, value=1, everywhere=True)) as record:
        assert (record.steps, record.status) == (1, "finished")
        assert record.plan == {"seed": 1, "everywhere": True}


def test_a_log_that_is_none_is_not_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path, seed=0, value=0)
    with open(f"{path}-wal", "wb") as file:
        file.truncate(1 << 31)
    monkeypatch.setattr("shutil.copyfile", lambda *_: pytest.fail("copied"))
    with Record.open(path) as record:
        assert record.steps == 1
