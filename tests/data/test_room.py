"""What the room offers, and that importing it costs nothing."""

from __future__ import annotations

import subprocess
import sys

import pytest

import samebits.data

PUBLIC = ["ResumableSampler", "SampleSeeded", "SeededLoader", "loader_kwargs"]


def test_public_names():
    assert sorted(samebits.data.__all__) == PUBLIC
    assert dir(samebits.data) == PUBLIC
    for name in PUBLIC:
        assert getattr(samebits.data, name).__name__ == name


def test_unknown_name():
    with pytest.raises(AttributeError, match=r"module 'samebits.data' has no attribute 'Loader'"):
        samebits.data.Loader  # noqa: B018


def test_importing_it_imports_neither_torch_nor_numpy():
    code = "import sys, samebits.data; print(sorted({'torch', 'numpy'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
