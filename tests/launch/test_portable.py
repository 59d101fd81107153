"""`--portable`: a program has the same results on every machine, and so have processes that it starts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow

SCRIPT = """
import json, sys, torch
from torch.utils.data import DataLoader, Dataset

class Noise(Dataset):
    def __len__(self): return 4
    def __getitem__(self, i): return torch.rand(2)

if __name__ == "__main__":
    context = sys.argv[1] if len(sys.argv) > 1 else None
    loader = DataLoader(Noise(), num_workers=1 if context else 0, multiprocessing_context=context)
    big = torch.randn(300_000)
    print(json.dumps([big[-3:].tolist(), torch.randperm(9).tolist(), [x.flatten().tolist() for x in loader]]))
"""


def run(folder: Path, *words: str, threads: int = 1, arguments: tuple[str, ...] = ()) -> object:
    (folder / "draws.py").write_text(SCRIPT)
    done = subprocess.run(
        [sys.executable, "-m", "samebits", "run", "-q", *words, "draws.py", *arguments],
        cwd=folder, env={**os.environ, "OMP_NUM_THREADS": str(threads)}, capture_output=True, text=True,
        timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_draws_those_numbers_on_any_number_of_threads(tmp_path: Path) -> None:
    plain = run(tmp_path, "--seed", "3")
    one = run(tmp_path, "--seed", "3", "--portable")
    assert one == run(tmp_path, "--seed", "3", "--portable", threads=2)
    for ours, torchs in zip(one, plain, strict=True):
        assert ours != torchs


@pytest.mark.deep
def test_spawned_workers_draw_those_numbers(tmp_path: Path) -> None:
    ours = run(tmp_path, "--seed", "3", "--portable", arguments=("spawn",))
    plain = run(tmp_path, "--seed", "3", arguments=("spawn",))
    assert ours[2] != plain[2]


def test_repeats_the_command(tmp_path: Path) -> None:
    (tmp_path / "draws.py").write_text("")
    done = subprocess.run(
        [sys.executable, "-m", "samebits", "run", "--portable", "draws.py"],
        cwd=tmp_path, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert "results of every machine alike" in done.stderr
    assert "samebits run --seed 0 --portable draws.py" in done.stderr


def test_a_training_is_the_same_on_any_number_of_threads(tmp_path: Path) -> None:
    """Initialisation, order, noise, dropout, convolutions, attention, gradients: every bit of two records."""
    example = Path(__file__).parents[2] / "examples" / "portable.py"
    for threads in ("1", "2"):
        subprocess.run(
            [sys.executable, "-m", "samebits", "record", "--out", threads, str(example), "--steps", "3"],
            cwd=tmp_path, env={**os.environ, "OMP_NUM_THREADS": threads}, check=True, capture_output=True,
            timeout=300,
        )  # fmt: skip
    (one,), (two,) = ((tmp_path / threads).glob("*-*") for threads in ("1", "2"))
    done = subprocess.run(
        [sys.executable, "-m", "samebits", "compare", "--json", "-", str(one), str(two)],
        cwd=tmp_path, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert json.loads(done.stdout)["verdict"] == "same"


def test_a_program_that_asks_for_what_is_undefined_ends_with_its_line(folder: Any) -> None:
    folder.write("train.py", "import torch\nx = torch.randn(3, 3)\ntorch.linalg.svd(x)\n")
    ended = folder.samebits("run", "--quiet", "--portable", "--seed", "11", "train.py")
    assert ended.code == 1
    assert "has no portable result (" in ended.err
    assert "train.py:3)" in ended.err


@pytest.mark.parametrize(
    "first",
    [
        "import samebits.random\nsamebits.random.portable(11)",
        "from samebits.random import key, normal",
        "from samebits.random import portable",
        "import samebits\nsamebits.random.key(0)",
    ],
)
def test_a_program_that_loads_our_modules_before_torch(folder: Any, first: str) -> None:
    """Torch's import begins the mode, whose own modules are not half loaded then."""
    folder.write("train.py", f"{first}\nimport torch\nprint(torch.rand(1).item())")
    ended = folder.samebits("run", "--quiet", "--portable", "--seed", "11", "train.py")
    assert ended.code == 0, ended.err
