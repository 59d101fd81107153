"""Whole programs under `samebits stress`: what reaches their weights, and where it enters."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable
from typing import Any

import pytest
from tests.programs import Folder

from samebits.errors import UsageError
from samebits.trials.stress.run import chosen

PROGRAM = """
import os
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
names = {"cat", "dog", "bird", "fish", "horse", "cow"}
labels = {name: number for number, name in enumerate(names)}  # hash-seed
x = torch.randn(64, 6)
y = torch.tensor([labels[sorted(labels)[n % 6]] for n in range(64)])
loader = DataLoader(TensorDataset(x, y), batch_size=16, shuffle=True)  # loads
held = DataLoader(TensorDataset(x, y), batch_size=32)  # holds
model = nn.Linear(6, 6)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for epoch in range(3):
    model.train()
    for inputs, targets in loader:  # order
        loss = nn.functional.cross_entropy(model(inputs), targets)  # forward
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()  # begins
    with torch.no_grad():
        for inputs, targets in held:  # evaluation
            model(inputs)
"""
CHANGES = "hash-seed,listing-order,num-workers,persistent-workers,evaluation,micro-batches,extra-draw,seed"


def line_of(mark: str) -> int:
    return next(n for n, line in enumerate(PROGRAM.splitlines(), 1) if line.endswith(f"# {mark}"))


@pytest.fixture(scope="module")
def found(shared: Callable[[str], Folder]) -> dict[str, Any]:
    folder = shared("stressed")
    folder.write("train.py", PROGRAM)
    words = ("stress", "-j", "2", "--only", CHANGES, "--json", "m.json", "train.py")
    ended = folder.samebits(*words, PYTHONHASHSEED="0")
    assert ended.code == 1, ended.err
    document: dict[str, Any] = json.loads((folder.path / "m.json").read_text())
    return document | {"printed": ended.out, "said": ended.err}


def rows(document: dict[str, Any]) -> dict[str, Any]:
    return {row["name"]: row for row in document["rows"]}


def test_the_six_and_others_are_not_asked_for_at_once() -> None:
    with pytest.raises(UsageError, match="give one of the two"):
        chosen(("threads",), quick=True)


def test_each_change_as_it_is(found: dict[str, Any]) -> None:
    assert {name: row["word"] for name, row in rows(found).items()} == {
        "hash-seed": "finding",
        "listing-order": "ok",
        "num-workers": "ok",
        "persistent-workers": "did not apply",
        "evaluation": "finding",
        "micro-batches": "ok",
        "extra-draw": "may",
        "seed": "ok",
    }
    assert found["steps"] == 12
    assert "8 runs of about" in found["said"]
    assert "FINDINGS  2 changes of 8 not as it should be: hash-seed, evaluation" in found["printed"]


def test_where_they_enter(found: dict[str, Any]) -> None:
    row = rows(found)["evaluation"]
    assert row["place"]["line"] in (line_of("evaluation"), line_of("order"))
    assert row["did"] == [
        f"what it drew was taken back, as if it were left out, train.py:{line_of('begins')}"
    ]
    assert row["place"]["step"] == 4
    assert row["reach"]["first_step"] >= 4  # weights are read by a schedule that looks at the clock
    cause = rows(found)["hash-seed"]["causes"][0]
    assert (cause["cause"], cause["line"]) == ("hash-order", line_of("hash-seed"))


def test_how_far_they_reach(found: dict[str, Any]) -> None:
    micro = rows(found)["micro-batches"]
    assert micro["did"] == [f"the forward of Linear in halves, train.py:{line_of('forward')}"]
    if micro["reach"]["weights"]:
        assert micro["reach"]["begins"] < 1e-5
    assert rows(found)["extra-draw"]["reach"]["first_step"] >= 1
    assert rows(found)["num-workers"]["did"] == [
        f"num_workers 0 -> 2, train.py:{line_of('loads')}",
        f"num_workers 0 -> 2, train.py:{line_of('holds')}",
    ]


def test_a_program_that_does_not_repeat(folder: Folder) -> None:
    folder.write("train.py", PROGRAM.replace("torch.manual_seed(0)", ""))
    ended = folder.samebits("stress", "--quick", "train.py")
    assert ended.code == 2
    assert "INCOMPLETE  the program does not repeat by itself" in ended.out
    assert "samebits cure" in ended.out


def test_several_at_once_need_a_program_that_repeats(folder: Folder) -> None:
    """The trial beside the second run of the pair is ended, and leaves no row."""
    folder.write("train.py", PROGRAM.replace("torch.manual_seed(0)", ""))
    ended = folder.samebits("stress", "-j", "2", "--quick", "train.py")
    assert ended.code == 2
    assert "INCOMPLETE  the program does not repeat by itself" in ended.out
    assert "The runs did not run on the same thing" not in ended.out
    assert not list(folder.path.glob(".samebits/stress-*/*.row.json"))


def test_a_path_that_reaches_the_weights_leaves_one_place(folder: Folder) -> None:
    seeded = "import zlib; torch.manual_seed(zlib.crc32(os.getcwd().encode()))"
    folder.write("train.py", PROGRAM.replace("torch.manual_seed(0)", seeded))
    ended = folder.samebits(
        "stress",
        "-j",
        "2",
        "--only",
        "locale,time-zone,logging,working-folder",
        "train.py",
        PYTHONHASHSEED="0",
    )
    assert "so trials run one after another" in ended.err
    assert "4 runs of about" in ended.err
    assert "1 change of 4 not as it should be: working-folder" in ended.out
    assert ended.code == 1


def test_a_program_without_steps(folder: Folder) -> None:
    folder.write("train.py", "import torch\nprint(torch.ones(2).sum().item())\n")
    ended = folder.samebits("stress", "--quick", "train.py")
    assert ended.code == 2
    assert "there are no weights to look at" in " ".join(ended.out.split())


def test_an_interrupt_keeps_what_is_known(folder: Folder, start: Callable[..., Any]) -> None:
    slow = PROGRAM.replace("loss.backward()", "loss.backward(); __import__('time').sleep(0.3)")
    slow = slow.replace("enumerate(names)", "enumerate(sorted(names))")
    folder.write("train.py", slow)
    started = start("stress", "--only", "hash-seed,threads,seed", "--json", "m.json", "train.py")
    deadline = time.monotonic() + 600
    while not list(folder.path.glob(".samebits/stress-*/hash-seed.row.json")):
        assert time.monotonic() < deadline
        assert started.process.poll() is None
        time.sleep(0.2)
    started.process.send_signal(signal.SIGINT)
    out, err = started.process.communicate(timeout=100)
    document = json.loads((folder.path / "m.json").read_text())
    words = [row["word"] for row in document["rows"]]
    assert words == ["ok", "missing", "missing"]
    assert "MISSING" in out, err
    assert started.process.returncode == 2


def test_a_trial_beside_the_pair_ends_with_who_started_it(folder: Folder, start: Callable[..., Any]) -> None:
    """It waits for the second run of the pair, which comes no more; Ctrl-C is ignored, as behind a `&`."""
    slow = PROGRAM.replace("loss.backward()", "loss.backward(); __import__('time').sleep(0.2)")
    folder.write("train.py", slow.replace("enumerate(names)", "enumerate(sorted(names))"))
    words = ("stress", "-j", "2", "--only", "hash-seed,seed", "train.py")
    started = start(*words, ignored=(signal.SIGINT,))
    deadline = time.monotonic() + 600
    while len(list(folder.path.glob(".samebits/2*"))) < 3:  # both runs of the pair, and the trial's
        assert time.monotonic() < deadline
        assert started.process.poll() is None
        time.sleep(0.2)
    started.process.kill()
    started.process.wait()
    assert not started.gone(60)
    assert not list(folder.path.glob(".samebits/stress-*/*.row.json"))
