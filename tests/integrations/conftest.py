"""Frameworks leave variables, warnings and log lines; none of these tests is about them."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def frameworks_put_back(generators_restored: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    variables = dict(os.environ)
    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
    yield
    for name in set(os.environ) - set(variables):
        del os.environ[name]
    os.environ.update(variables)
