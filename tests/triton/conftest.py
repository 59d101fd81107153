"""Triton kernels under Triton's interpreter, on CPU tensors: a process of its own, `TRITON_INTERPRET=1`."""

from __future__ import annotations

import os
from importlib.util import find_spec

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if os.environ.get("TRITON_INTERPRET") == "1" and find_spec("triton") is not None:
        return
    skip = pytest.mark.skip(reason="needs triton and TRITON_INTERPRET=1: a process of its own")
    for item in items:
        if item.path.parent.name == "triton":
            item.add_marker(skip)
