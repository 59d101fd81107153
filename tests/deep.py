"""Which of a test's values are tried in every run; the others are `deep`: `make test-deep` tries them.

A property keeps a quick form: at least one value stays, and it should be the one that other tests try least.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest


def only(kept: Iterable[Any], values: Iterable[Any]) -> list[Any]:
    """The values for `parametrize`; all but those that are `kept` are deep."""
    kept, values = list(kept), list(values)
    missing = [value for value in kept if value not in values]
    assert not missing, f"no such values: {missing}"
    return [value if value in kept else _deep(value) for value in values]


def every(step: int, values: Iterable[Any]) -> list[Any]:
    """The values for `parametrize`; all but each `step`-th, from the first one on, are deep."""
    return [_deep(value) if number % step else value for number, value in enumerate(values)]


def _deep(value: Any) -> Any:
    values = value if isinstance(value, tuple) else (value,)
    return pytest.param(*values, marks=pytest.mark.deep)
