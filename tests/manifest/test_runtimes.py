"""What OpenMP and MKL answer, and that nothing is said where they cannot be asked."""

from __future__ import annotations

import types

import pytest
import torch

from samebits.manifest import runtimes


def test_this_machine() -> None:
    found = runtimes.runtimes(torch, torch.get_num_threads())
    assert set(found) <= {"cbwr", "omp_dynamic", "thread_limit"}
    if torch.backends.mkl.is_available():
        assert found.get("cbwr", "OFF").partition(",")[0] in runtimes._BRANCHES.values()
    assert isinstance(found.get("omp_dynamic", False), bool)


def test_no_library_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtimes, "_libraries", lambda _: [])
    assert runtimes.runtimes(types.ModuleType("torch"), 2) == {}


def test_what_the_numbers_mean(monkeypatch: pytest.MonkeyPatch) -> None:
    said = {"omp_get_dynamic": 1, "mkl_serv_cbwr_get": 0x10000 | 3, "omp_get_thread_limit": 2}
    monkeypatch.setattr(runtimes, "_call", lambda _, name, *__: said[name])
    assert runtimes.runtimes(torch, 4) == {
        "cbwr": "COMPATIBLE,STRICT", "omp_dynamic": True, "thread_limit": 2,
    }  # fmt: skip
    assert "thread_limit" not in runtimes.runtimes(torch, 2)
