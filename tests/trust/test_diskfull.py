"""The small form of the full disks: two sizes of a mounted disk, and two limits for files."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from benchmarks.trust import diskfull
from tests.deep import only


@pytest.fixture(scope="module")
def trial(tmp_path_factory: pytest.TempPathFactory) -> diskfull.Trial:
    return diskfull.Trial(tmp_path_factory.mktemp("disk"))


@pytest.mark.slow
@pytest.mark.parametrize(("command", "share"), only([("record", 0.5)], [("record", 0.5), ("verify", 0.9)]))
def test_a_full_disk(trial: diskfull.Trial, tmp_path: Path, command: str, share: float) -> None:
    size = max(int(trial.need * share), diskfull.SMALLEST)
    try:
        with diskfull.disk(tmp_path / "disk", size) as mounted:
            assert trial.faults(command, mounted / "runs") == []
    except diskfull.MountError as error:
        pytest.skip(f"no file system can be mounted here: {error}")


@pytest.mark.slow
@pytest.mark.parametrize("command", only(["record"], ["record", "verify"]))
def test_a_limit_for_files(trial: diskfull.Trial, tmp_path: Path, command: str) -> None:
    size = max(trial.need // 3, diskfull.SMALLEST)
    assert trial.faults(command, tmp_path / "runs", blocks=size // 1024) == []


def test_sizes_are_between_the_smallest_and_what_the_run_needs() -> None:
    drawn = diskfull.sizes(200, 1 << 20, random.Random(0))
    assert all(diskfull.SMALLEST - 4096 <= size <= 1 << 20 and size % 4096 == 0 for size in drawn)
    assert len(set(drawn)) > 100
