"""Whole programs, interrupted and restarted: what is lost is named, what is complete is called so."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.programs import Folder

pytestmark = pytest.mark.slow

HEAD = """
import argparse, os, random
import torch

parser = argparse.ArgumentParser()
parser.add_argument("--resume")
args = parser.parse_args()
torch.manual_seed(0)
random.seed(0)
model = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.Dropout(0.5), torch.nn.Linear(8, 1))
optimizer = torch.optim.Adam(model.parameters())
# Of the count itself; a StepLR saved at a multiple of its period goes on alike without its state.
scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda n: 1 / (1 + n))
spare = random.Random(1)  # nothing is drawn from it after the start
if not args.resume:
    spare.random()
begin = 0
"""
#: `save` and `load` are what a test adds to the checkpoint.
LOOP = """\
if args.resume:
    saved = torch.load(args.resume)
    model.load_state_dict(saved["model"])
    optimizer.load_state_dict(saved["optimizer"])
    begin = saved["step"]
    %(load)s
for step in range(begin, 12):
    scale = random.random()
    loss = model(torch.full((4, 4), scale)).square().mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    scheduler.step()
    if step %% 3 == 2:
        state = {"step": step + 1, "model": model.state_dict(), "optimizer": optimizer.state_dict(), %(save)s}
        torch.save(state, "last.pt")
"""
RNG = ('"torch": torch.get_rng_state()', 'torch.set_rng_state(saved["torch"])')
PYTHON = ('"python": random.getstate()', 'random.setstate(saved["python"])')
SCHEDULER = ('"scheduler": scheduler.state_dict()', 'scheduler.load_state_dict(saved["scheduler"])')


def program(*parts: tuple[str, str], load: bool = True) -> str:
    return HEAD + LOOP % {
        "save": ", ".join(save for save, _ in parts),
        "load": "; ".join(put_back for _, put_back in parts) if load else "pass",
    }


Tried = Callable[..., tuple[int, dict[str, Any]]]


@pytest.fixture
def tried(folder: Folder) -> Tried:
    """Write the program, run `samebits resume` on it: exit code and document."""

    def call(source: str, *words: str) -> tuple[int, dict[str, Any]]:
        (folder.path / "train.py").write_text(source)
        ended = folder.samebits("resume", "--json", "-", "--trials", "1", *words, "train.py")
        assert ended.out, ended.err
        return ended.code, json.loads(ended.out)

    return call


WITH = ("--resume-with", "--resume last.pt")


def test_a_complete_checkpoint(tried: Tried, folder: Folder) -> None:
    code, found = tried(program(RNG, PYTHON, SCHEDULER), *WITH, "--at", "8", "--kill", "kill")
    assert (code, found["verdict"]) == (0, "complete")
    (trial,) = found["trials"]
    assert (trial["killed_after"], trial["resumed_at"], trial["steps"]) == (8, 6, 6)
    assert not (folder.path / "last.pt").exists()  # all was in mirrors
    assert len(found["runs"]) == 3


@pytest.mark.parametrize(
    ("parts", "kind", "name"),
    [
        ((PYTHON, SCHEDULER), "torch-generator", "torch"),
        ((RNG, SCHEDULER), "python-generator", "python"),
        ((RNG, PYTHON), "scheduler", "scheduler"),
    ],
)
def test_the_one_that_is_not_saved_is_named(tried: Tried, parts: Any, kind: str, name: str) -> None:
    source = program(*parts)
    code, found = tried(source, *WITH, "--at", "7")
    assert (code, found["verdict"]) == (1, "loses")
    (lost,) = found["missing"]
    assert (lost["kind"], lost["name"], lost["how"]) == (kind, name, "not saved")
    line = next(n for n, text in enumerate(source.splitlines(), 1) if "torch.save" in text)
    assert lost["saved_at"].startswith(f"train.py:{line}")
    assert found["trials"][0]["parts_at"] in (6, 7)
    drawn = next(n for n, text in enumerate(source.splitlines(), 1) if "scale = random.random()" in text)
    anew = f"drew the same numbers at train.py:{drawn}: they repeat from one start to the next"
    assert any(anew in note for note in found["notes"]) == (name == "python")


@pytest.mark.parametrize("kill", ["kill", "term"])
def test_what_an_interrupted_run_started_does_not_stay(tried: Tried, folder: Folder, kill: str) -> None:
    pids = folder.path.parent / f"pids-{kill}"
    starts = (
        "import subprocess\n"
        "sleeper = subprocess.Popen(['sleep', '300'])\n"
        f"open({str(pids)!r}, 'a').write(f'{{sleeper.pid}}\\n')\n"
    )
    code, _ = tried(starts + program(RNG, PYTHON, SCHEDULER), *WITH, "--at", "8", "--kill", kill)
    assert code == 0
    started = [int(line) for line in pids.read_text().split()]
    assert len(started) == 3
    assert [pid for pid in started if Path(f"/proc/{pid}").exists()] == []


def test_saved_and_not_loaded(tried: Tried) -> None:
    source = program(RNG, PYTHON, SCHEDULER).replace('scheduler.load_state_dict(saved["scheduler"])', "")
    _, found = tried(source, *WITH, "--at", "7")
    (lost,) = found["missing"]
    assert (lost["kind"], lost["how"], lost["key"]) == ("scheduler", "not loaded", "scheduler")


def test_before_the_first_checkpoint(tried: Tried) -> None:
    code, found = tried(program(RNG, PYTHON, SCHEDULER), *WITH, "--at", "2")
    assert (code, found["verdict"]) == (2, "incomplete")
    assert "before a checkpoint was saved; the first is saved after 3 steps" in found["trials"][0]["reason"]


def test_it_ends_before_it_is_interrupted(tried: Tried) -> None:
    code, found = tried(program(RNG, PYTHON, SCHEDULER), *WITH, "--at", "50")
    assert code == 2
    assert "ended after 12 steps, before it was to be interrupted" in found["trials"][0]["reason"]


def test_a_checkpoint_that_is_half_written(tried: Tried) -> None:
    code, found = tried(program(RNG, PYTHON, SCHEDULER), *WITH, "--at", "5", "--kill", "save")
    assert (code, found["verdict"]) == (2, "failed")
    assert "os.replace" in found["trials"][0]["reason"]


def test_one_that_is_replaced_at_once_survives(tried: Tried) -> None:
    source = program(RNG, PYTHON, SCHEDULER).replace(
        'torch.save(state, "last.pt")', 'torch.save(state, "new.pt"); os.replace("new.pt", "last.pt")'
    )
    code, found = tried(source, *WITH, "--at", "5", "--kill", "save")
    assert (code, found["verdict"], found["trials"][0]["resumed_at"]) == (0, "complete", 3)


def test_a_flag_is_suggested(tried: Tried) -> None:
    code, found = tried(program(RNG, PYTHON, SCHEDULER), "--at", "7")
    assert code == 2
    assert "--resume-with" in found["trials"][0]["reason"]


def test_a_program_that_does_not_repeat(tried: Tried) -> None:
    source = program(RNG, PYTHON, SCHEDULER).replace("random.seed(0)", "random.seed()")
    code, found = tried(source, *WITH, "--at", "7")
    assert (code, found["verdict"]) == (2, "failed")
    assert "does not repeat" in found["trials"][0]["reason"]
    assert "samebits verify" in found["trials"][0]["reason"]


def test_sigterm_is_the_programs_to_answer(tried: Tried) -> None:
    source = program(RNG, PYTHON, SCHEDULER).replace(
        "for step in range(begin, 12):",
        "import signal\nasked = []\nsignal.signal(signal.SIGTERM, lambda *_: asked.append(1))\n"
        "for step in range(begin, 12):",
    )
    source = source.replace("if step % 3 == 2:", "if step % 3 == 2 or asked:")
    source += "    if asked:\n        break\n"
    code, found = tried(source, *WITH, "--at", "7", "--kill", "term")
    assert (code, found["trials"][0]["resumed_at"]) == (0, 7)
