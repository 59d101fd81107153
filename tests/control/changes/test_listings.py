"""Folders listed in another order, by whatever name a program lists them."""

from __future__ import annotations

import glob
import os
from pathlib import Path

import pytest

from samebits.control import changes


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("b", "a", "c"):
        (tmp_path / name).touch()
    return tmp_path


@pytest.mark.parametrize(("name", "expected"), [("listing-order", "cba"), ("sorted-listings", "abc")])
def test_every_way_of_listing_has_the_order(folder: Path, name: str, expected: str) -> None:
    before = os.listdir, os.scandir
    undo = changes.install([name])
    try:
        with os.scandir(folder) as entries:
            scanned = [entry.name for entry in entries]
        found = [
            os.listdir(folder),
            scanned,
            [path.name for path in folder.iterdir()],
            [path.name for path in folder.glob("*")],
            [os.path.basename(path) for path in glob.glob(f"{folder}/*")],
            next(os.walk(folder))[2],
        ]
    finally:
        undo()
    assert ["".join(names) for names in found] == [expected] * len(found)
    assert (os.listdir, os.scandir) == before
