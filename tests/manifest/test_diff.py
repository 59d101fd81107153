"""Which rows of two manifests differ, and which of them count."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samebits.manifest import collect_static, diff
from samebits.manifest.diff import ranked
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
    assert diff(BASE, without) == [EnvironmentDifference("variables.OMP_NUM_THREADS", "2", None, False)]
    assert diff(without, BASE) == [EnvironmentDifference("variables.OMP_NUM_THREADS", None, "2", False)]


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


@pytest.mark.parametrize(
    ("key", "effect"),
    [
        ("torch.capability", "certain"),
        ("torch.threads", "certain"),
        ("flags.default_dtype", "certain"),
        ("flags.backends.mkldnn.matmul.fp32_precision", "likely"),
        ("libraries.torch", "likely"),
        ("machine.cpu", "likely"),
        ("flags.deterministic_algorithms", "likely"),
        ("python", "possible"),
        ("variables.NOBODY_KNOWS", "possible"),
        ("machine.kernel", "none"),
        ("torch.interop_threads", "none"),
    ],
)
def test_effects(key: str, effect: str) -> None:
    def nested(value: str) -> dict[str, Any]:
        section, _, name = key.partition(".")
        return {section: {name: value}} if name else {section: value}

    rows = ranked(nested("a"), nested("b"))
    assert [(row.key, row.effect) for row in rows] == [(key, effect)]
    assert rows[0].why


def test_a_switch_whose_part_of_torch_was_not_loaded_has_its_default() -> None:
    with_inductor = {"flags": {"_inductor.config.max_autotune": False, "backends.cudnn.enabled": True}}
    assert diff({"flags": {}}, with_inductor) == []
    assert [row.key for row in diff({"flags": {}}, {"flags": {"_inductor.config.max_autotune": True}})] == [
        "flags._inductor.config.max_autotune"
    ]


def test_what_concerns_a_gpu_does_not_matter_without_one() -> None:
    on, off = ({"flags": {"backends.cudnn.benchmark": value}} for value in (True, False))
    assert [row.matters for row in diff(on, off)] == [True]  # nothing is known of GPUs
    none: dict[str, Any] = {"accelerators": []}
    assert [row.matters for row in diff(on | none, off | none)] == [False]


def test_what_was_asked_for_does_not_matter_where_the_same_is_in_force() -> None:
    asked = {"variables": {"ATEN_CPU_CAPABILITY": "avx2"}}
    same: dict[str, Any] = {"torch": {"capability": "AVX2"}}
    assert [row.matters for row in diff(asked | same, same)] == [False]
    assert [row.matters for row in diff(asked, {})] == [True]


def test_what_follows_is_a_row_of_the_list_and_stands_under_its_leader_in_the_ranking() -> None:
    a = {"torch": {"threads": 2, "parallel": {"x": "2"}}, "variables": {}}
    b = {"torch": {"threads": 1, "parallel": {"x": "1"}}, "variables": {"MKL_NUM_THREADS": "1"}}
    assert [row.key for row in diff(a, b)] == [
        "torch.threads",
        "variables.MKL_NUM_THREADS",
        "torch.parallel.x",
    ]
    (row,) = ranked(a, b)
    assert (row.key, [one.key for one in row.follow]) == (
        "torch.threads",
        ["variables.MKL_NUM_THREADS", "torch.parallel.x"],
    )


CPU: dict[str, Any] = {
    "torch": {"threads": 2, "cbwr": "OFF", "omp_dynamic": False},
    "variables": {},
    "machine": {"cpu": "AMD EPYC"},
}


@pytest.mark.parametrize(
    ("torch", "variables", "expected"),
    [
        ({"cbwr": "COMPATIBLE"}, {"MKL_CBWR": "COMPATIBLE"}, ("torch.cbwr", "certain")),
        ({"cbwr": "AUTO"}, {"MKL_CBWR": "BOGUS"}, ("torch.cbwr", "none")),
        ({"thread_limit": 1}, {"OMP_THREAD_LIMIT": "1"}, ("torch.thread_limit", "certain")),
        ({}, {"OMP_THREAD_LIMIT": "8"}, ("variables.OMP_THREAD_LIMIT", "none")),
        ({}, {"OMP_NUM_THREADS": "2"}, ("variables.OMP_NUM_THREADS", "none")),
        ({"omp_dynamic": True}, {"OMP_DYNAMIC": "true"}, ("torch.omp_dynamic", "likely")),
        ({}, {"OMP_DYNAMIC": "1"}, ("variables.OMP_DYNAMIC", "none")),
    ],
)
def test_what_is_in_force_counts_and_not_what_was_asked_for(
    torch: dict[str, Any], variables: dict[str, str], expected: tuple[str, str]
) -> None:
    rows = ranked(CPU, CPU | {"torch": CPU["torch"] | torch, "variables": variables})
    assert [(row.key, row.effect) for row in rows] == [expected]


def test_an_older_manifest_has_not_asked_mkl() -> None:
    older = CPU | {"torch": {"threads": 2}}
    assert {row.effect for row in ranked(older, CPU)} == {"none"}


def test_on_intel_auto_is_another_choice_than_none() -> None:
    a, b = ({"torch": {"cbwr": branch}, "machine": {"cpu": "Intel(R) Xeon(R)"}} for branch in ("OFF", "AUTO"))
    assert [row.effect for row in ranked(a, b)] == ["possible"]
