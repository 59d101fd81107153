"""A short program takes two runs; of a long one that parts late a pair is run again, zoomed."""

from __future__ import annotations

from typing import Any

import pytest

TRAIN = """\
import random, sys, torch
torch.manual_seed(0)
model = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Linear(8, 1))
opt = torch.optim.SGD(model.parameters(), lr=0.01)
for step in range(int(sys.argv[1])):
    x = torch.randn(16, 4)
    if step == int(sys.argv[2]):
        x = x + random.random()
    loss = model(x).square().mean()
    opt.zero_grad()
    loss.backward()
    opt.step()
print(loss.item())
"""


def test_a_short_program_that_parts_takes_two_runs(folder: Any) -> None:
    folder.write("train.py", TRAIN)
    ended, verdict = folder.json("train.py", "30", "20")
    assert (ended.code, verdict["verdict"]) == (1, "diverged")
    assert len(verdict["runs"]) == len(folder.runs()) == 2
    first = verdict["first"]
    assert (first["line"], first["step"]) == (8, 20)
    assert first["op"].startswith("aten::add")
    assert first["difference"]["differing"] == 64
    assert verdict["causes"][0]["name"] == "unseeded-python-random"
    assert folder.samebits("report", *verdict["runs"], "--out", ".samebits").code in (0, 1)


def test_a_long_program_that_parts_late_takes_four(folder: Any) -> None:
    folder.write("train.py", TRAIN)
    ended, verdict = folder.json("train.py", "1040", "1020")
    assert (ended.code, verdict["verdict"]) == (1, "diverged")
    assert len(verdict["runs"]) == 4
    assert (verdict["first"]["line"], verdict["first"]["step"]) == (8, 1020)
    ends = [run.records["main"].notes["operations_until"] for run in folder.runs()[:2]]
    assert ends[0] == ends[1]
    assert 1 <= ends[0] <= 1000
    kinds = {event.kind for event in folder.runs()[0].records["main"].events(0) if event.step > ends[0]}
    assert "op" not in kinds
    assert {"loss", "parameter"} <= kinds


@pytest.mark.parametrize("last", ["30", "1040"])
def test_a_program_that_repeats_takes_two(folder: Any, last: str) -> None:
    folder.write("train.py", TRAIN)
    ended, verdict = folder.json("train.py", last, "-1")
    assert (ended.code, verdict["verdict"], verdict["steps"]) == (0, "same", int(last))
    assert len(folder.runs()) == 2
    assert verdict["operations"] > 0
