"""Which rows of two manifests differ, and which of them count."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samebits.manifest import collect_static, diff
from samebits.model.divergence import EnvironmentDifference

BASE: dict[str, Any] = {
    "python": "3.11.7",
    "cwd": "/a",
    "torch": {"threads": 2, "capability": "AVX512"},
    "variables": {"OMP_NUM_THREADS": "2"},
    "machine": {"cpu": "x", "kernel": "6.1", "memory": 1},
    "argv": ["train.py"],
    "git": {"commit": "abc", "dirty": True, "digest": "1", "diff": "text"},
}


def test_a_manifest_does_not_differ_from_itself() -> None:
    assert diff(BASE, BASE) == []
    assert diff(collect_static(), collect_static()) == []


@pytest.mark.parametrize(
    ("section", "key", "value", "matters"),
    [
        ("torch", "threads", 1, True),
        ("torch", "capability", "AVX2", True),
        ("variables", "OMP_NUM_THREADS", "1", True),
        ("machine", "cpu", "y", True),
        ("git", "commit", "def", True),
        ("git", "digest", "2", True),
        ("machine", "kernel", "6.2", False),
        ("machine", "memory", 2, False),
    ],
)
def test_one_row(section: str, key: str, value: Any, matters: bool) -> None:
    other = BASE | {section: BASE[section] | {key: value}}
    assert diff(BASE, other) == [
        EnvironmentDifference(f"{section}.{key}", BASE[section][key], value, matters)
    ]


@pytest.mark.parametrize("key", ["pid", "time", "created", "seconds"])
def test_what_always_differs_never_counts(key: str) -> None:
    assert diff(BASE | {key: 1}, BASE | {key: 2}) == []
    assert diff(BASE, BASE | {"git": BASE["git"] | {"diff": "other"}}) == []


def test_absent_is_none() -> None:
    without = BASE | {"variables": {}}
    assert diff(BASE, without) == [EnvironmentDifference("variables.OMP_NUM_THREADS", "2", None, True)]
    assert diff(without, BASE) == [EnvironmentDifference("variables.OMP_NUM_THREADS", None, "2", True)]


def test_what_matters_comes_first() -> None:
    rows = diff(BASE, BASE | {"cwd": "/b", "python": "3.12.1", "argv": ["train.py", "x"]})
    assert [(row.key, row.matters) for row in rows] == [("argv", True), ("python", True), ("cwd", False)]


def test_a_switch_that_became_a_number() -> None:
    assert [row.key for row in diff({"flags": {"x": True}}, {"flags": {"x": 1}})] == ["flags.x"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=20,
)


@given(
    st.dictionaries(st.text(max_size=5), JSON, max_size=4),
    st.dictionaries(st.text(max_size=5), JSON, max_size=4),
)
def test_any_two_documents(a: dict[str, Any], b: dict[str, Any]) -> None:
    assert diff(a, a) == []
    assert {row.key for row in diff(a, b)} == {row.key for row in diff(b, a)}
