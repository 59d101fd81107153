"""Checkpoints of an earlier run: which they are, and that nothing but a mirror loses them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from samebits.trials.resume.leftovers import found, take_out

from .histories import history, loaded, saved


@pytest.mark.parametrize(
    ("load", "save", "expected"),
    [
        ("last.pt", "last.pt", ("last.pt",)),
        ("out/checkpoint-500/optimizer.pt", "out/checkpoint-7/optimizer.pt", ("out/checkpoint-500",)),
        ("data/digits.pt", "last.pt", ()),
        ("/data/last.pt", "/data/last.pt", ()),
    ],
)
def test_what_a_whole_run_went_on_from(load: str, save: str, expected: tuple[str, ...]) -> None:
    first = replace(loaded("d"), path=load)
    run = history([{}, {}, {}], checkpoints=[(0, first), (2, replace(saved("e"), path=save))])
    assert found(run) == expected


def test_what_it_loads_of_its_own_is_none() -> None:
    own = replace(loaded("e"), path="best.pt")
    run = history([{}, {}, {}], checkpoints=[(1, replace(saved("e"), path="best.pt")), (2, own)])
    assert found(run) == ()


def test_only_what_is_in_the_mirror_is_taken_out(tmp_path: Path) -> None:
    real, mirror = tmp_path / "real", tmp_path / "mirror"
    (real / "out").mkdir(parents=True)
    (real / "out" / "last.pt").write_text("mine")
    mirror.mkdir()
    (mirror / "out").symlink_to(real / "out")  # linked as a whole
    (mirror / "last.pt").symlink_to(real / "out" / "last.pt")
    (mirror / "checkpoint-5").mkdir()
    assert take_out(mirror, ["out/last.pt", "last.pt", "checkpoint-5", "none.pt"]) == ["out/last.pt"]
    assert (real / "out" / "last.pt").read_text() == "mine"
    assert [entry.name for entry in mirror.iterdir()] == ["out"]
