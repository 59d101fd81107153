"""The same bits in processes with other instruction sets and numbers of threads."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.arithmetic.cases import cases

from samebits.arithmetic import core

ROOT = Path(__file__).parents[2]

#: Answers that torch's kernel, a copy, is exact.
_NEVER_ANSWER = {f"aten::upsample_nearest{n}d" for n in (1, 2, 3)}


def _recorded(path: Path, which: list[str], torchs: str, ours: str, threads: int) -> dict[str, Any]:
    """What a process with this setting computes."""
    setting = {"ATEN_CPU_CAPABILITY": torchs, "SAMEBITS_ARITHMETIC": ours, "OMP_NUM_THREADS": str(threads)}
    setting["PYTHONHASHSEED"] = "0"  # samples are made in the order of sets
    words = [sys.executable, "-m", "tests.arithmetic.cases", str(path), *which]
    done = subprocess.run(words, cwd=ROOT, env=os.environ | setting, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(path.read_text())
    assert found["threads"] == threads
    return found


def _settings() -> list[tuple[str, str, int]]:
    """torch's fastest kernels with ours; torch's slowest with every tier of ours."""
    fastest = "avx512" if "avx512" in core.tiers() else "avx2" if "avx2" in core.tiers() else "default"
    tiers = core.tiers()
    return [(fastest, tiers[-1], 1), *(("default", tier, 2 + place % 2) for place, tier in enumerate(tiers))]


def _differing(one: dict[str, Any], other: dict[str, Any]) -> list[str]:
    keys = sorted(one["cases"].keys() | other["cases"].keys())
    return [key for key in keys if one["cases"].get(key) != other["cases"].get(key)]


def _raised(found: dict[str, Any]) -> dict[str, str]:
    return {key: hashed["raises"] for key, hashed in found["cases"].items() if "raises" in hashed}


def test_some_cases_in_two_settings(tmp_path: Path) -> None:
    first, second, *_ = _settings()
    one = _recorded(tmp_path / "one", ["quick"], *first)
    other = _recorded(tmp_path / "other", ["quick"], *second)
    assert len(one["cases"]) >= 55
    assert not _raised(one)
    assert not one["undefined"]
    assert not _differing(one, other)


def test_no_two_cases_have_one_name() -> None:
    keys = [case.key for case in cases()]
    assert len(keys) == len(set(keys)) >= 500


@pytest.mark.deep
def test_all_cases_in_all_settings(tmp_path: Path) -> None:
    """And in every layout, and part of a batch alone; every row of the table is reached."""
    first, *others = _settings()
    one = _recorded(tmp_path / "one", ["all", "samples"], *first)
    assert not _raised(one)
    assert not one["undefined"]
    assert set(one["unreached"]) <= _NEVER_ANSWER
    for number, other in enumerate(others):
        assert not _differing(one, _recorded(tmp_path / str(number), ["all", "samples"], *other))
    assert not [key for key, said in one["alone"].items() if not all(said.values())]
    found = one["cases"]
    assert not [key for key, hashed in found.items() if hashed != found.get(_contiguous(key), hashed)]


def _contiguous(key: str) -> str:
    return "|".join((*key.split("|")[:3], "contiguous"))
