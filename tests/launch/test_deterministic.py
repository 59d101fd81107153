"""Programs under the deterministic mode: unmodified, with nothing that raises, the same bits twice."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow

DETECTOR = Path(__file__).parents[2] / "examples" / "detector.py"

#: What torch raises for on a CPU under its own flag.
RAISING = """
import torch
import torch.nn.functional as F
torch.backends.cudnn.benchmark = True
torch.backends.cudnn.deterministic = False
pooled, index = F.max_pool2d(torch.randn(2, 3, 8, 8, requires_grad=True), 2, return_indices=True)
F.max_unpool2d(pooled, index, 2).sum().backward()
print(torch.zeros(4).put_(torch.tensor([1, 1]), torch.tensor([2.0, 3.0])).tolist())
print(torch.backends.cudnn.benchmark, torch.backends.cudnn.deterministic)
"""


def test_a_detector_trains_twice_to_the_same_bits(folder: Any) -> None:
    folder.write("detector.py", DETECTOR.read_text("utf-8"))
    ended = folder.samebits("verify", "--steps", "3", "--json", "verdict.json", "detector.py")
    assert ended.code == 0, ended.out + ended.err
    verdict = json.loads((folder.path / "verdict.json").read_text("utf-8"))
    assert verdict["verdict"] == "same"


@pytest.mark.deep
def test_a_program_that_raises_under_torchs_own_flag(folder: Any) -> None:
    folder.write("raising.py", RAISING)
    folder.write("plain.py", "import torch\ntorch.use_deterministic_algorithms(True)\n" + RAISING)
    assert "does not have a deterministic implementation" in folder.python("plain.py").err
    ended = folder.samebits("run", "raising.py")
    assert ended.code == 0, ended.err
    assert ended.out.splitlines() == ["[0.0, 3.0, 0.0, 0.0]", "False True"]
    assert "cudnn.benchmark = True was dropped" in ended.err
    free = folder.samebits("run", "--no-deterministic", "raising.py")
    assert free.out.splitlines()[-1] == "True False"


def test_a_program_that_asks_for_the_mode_itself(folder: Any) -> None:
    folder.write("own.py", "import samebits\nwith samebits.deterministic('warn'):\n    print('inside')")
    for words in ([], ["--no-deterministic"]):
        ended = folder.samebits("run", "--quiet", *words, "own.py")
        assert (ended.code, ended.out) == (0, "inside\n"), ended.err
