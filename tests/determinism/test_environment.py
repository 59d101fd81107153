"""What is set before a program starts and in it."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from samebits.determinism import deterministic_environment


@pytest.mark.parametrize(
    ("seed", "expected"), [(None, "0"), (0, "0"), (7, "7"), (2**32 + 7, "7"), (2**128 - 1, str(2**32 - 1))]
)
def test_hash_secret_follows_the_seed(seed: int | None, expected: str) -> None:
    assert deterministic_environment(seed) == {
        "PYTHONHASHSEED": expected,
        "CUBLAS_WORKSPACE_CONFIG": ":4096:8",
    }


def test_an_interpreter_started_with_it_hashes_alike() -> None:
    environ = os.environ | deterministic_environment(2**40 + 5)
    program = [sys.executable, "-c", "print(hash('samebits'))"]
    first, second = (
        subprocess.run(program, env=environ, capture_output=True, check=True).stdout for _ in "ab"
    )
    assert first == second
