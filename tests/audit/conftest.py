"""A catalogue of planted rules, and no cache of the user's."""

from __future__ import annotations

from pathlib import Path

import pytest

from .planted import plant


@pytest.fixture
def planted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The planted rules; a folder, and we are in it."""
    plant(monkeypatch)
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder
