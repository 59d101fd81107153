"""The runner of the peers' tests, on a checkout made up here: what it must not let through."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

RUNNER = Path(__file__).parent / "run.py"

THEIRS = """
import os
import torch
from torchtune.training.seed import set_seed

class TestSeed:
    def test_ours_runs(self):
        os.environ["LEFT_BEHIND"] = "1"
        set_seed(3)
        first = torch.rand(3)
        set_seed(3)
        assert first.equal(torch.rand(3))

    def test_nothing_of_ours_runs(self):
        import samebits.data

        assert callable(samebits.data.loader_kwargs)  # is imported here, and not called
        assert "LEFT_BEHIND" not in os.environ

    def test_wrong(self):
        assert set_seed(3) == 4
"""


def run(*words):
    done = subprocess.run([sys.executable, RUNNER, *words], capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


def test_without_a_checkout_it_fails_and_says_what_it_wants(tmp_path):
    code, said = run(tmp_path)
    assert code == 1
    assert "https://github.com/lenskit/seedbank" in said


@pytest.mark.slow
def test_a_test_counts_only_if_it_runs_samebits(tmp_path):
    file = tmp_path / "any name" / "tests/torchtune/training/test_seed.py"
    file.parent.mkdir(parents=True)
    file.write_text(THEIRS)
    code, said = run(tmp_path)
    assert code == 1
    row = next(line.split() for line in said.splitlines() if line.startswith("torchtune"))
    assert row[3:] == ["3", "1", "0", "0", "2"]  # tests, passed, skipped, left out, failed
    assert "passed without running samebits" in said
    assert "assert 3 == 4" in said
    assert "not there: tests/torchtune/training/test_seed.py::TestSeed::test_deterministic_false" in said
    assert "no checkout given of: Lightning, MONAI, torchdata, seedbank" in said
