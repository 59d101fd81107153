"""`samebits cure`: its words, what it refuses before anything runs, and a program that is really cured."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from referencing import Registry, Resource

from samebits.compare import Verdict
from samebits.control.settings import Control
from samebits.launch import Program
from samebits.model.finding import Edit, Finding
from samebits.model.sites import Site
from samebits.trials.cure import search
from samebits.trials.cure.remedies import Remedy
from samebits.trials.cure.result import CureResult, Needed, Proof

from .conftest import Answer
from .test_verify import Run

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "docs" / "reference"
SCHEMA = json.loads((REFERENCE / "cure.schema.json").read_text("utf-8"))
VERDICT = Resource.from_contents(json.loads((REFERENCE / "verdict.schema.json").read_text("utf-8")))
CHECKED = Draft202012Validator(SCHEMA, registry=Registry().with_resource("verdict.schema.json", VERDICT))

PATCH = b"--- a/train.py\n+++ b/train.py\n@@ -1 +1 @@\n-print('hello')\n+print('mended')\n"
NEEDED = Needed(
    Remedy("hash-order", "print('mended')", (Edit("train.py", 1, "print('mended')"),)), True, None
)


def result(**changed: Any) -> CureResult:
    return CureResult(
        **{
            "first": Verdict("failed", ("a",), reason="it failed"),
            "last": Verdict("same", ("c", "d")),
            "needed": (NEEDED,),
            "proof": Proof("same", ("e", "f"), ("0a", "0a")),
            "patch": PATCH,
            "files": {"train.py": b"print('mended')\n"},
            "originals": {"train.py": b"print('hello')\n"},
            "control": Control(),
            "runs": 6,
            "most": 40,
            "program": ("train.py",),
        }
        | changed
    )


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch, folder: Path) -> Callable[[CureResult], dict[str, Any]]:
    """Let the search find this; what it was asked is in the dict."""
    asked: dict[str, Any] = {}

    def finding(answer: CureResult) -> dict[str, Any]:
        def cure(program: Program, **options: Any) -> CureResult:
            asked.update(options, program=program)
            return answer

        monkeypatch.setattr(search, "cure", cure)
        return asked

    return finding


def cured() -> CureResult:
    return result(first=DIVERGED)


DIVERGED = Verdict("diverged", ("a", "b"))


def git(*words: str) -> None:
    who = ("-c", "user.name=n", "-c", "user.email=e@x")
    subprocess.run(["git", *who, *words], check=True, capture_output=True)


def test_the_words_reach_the_search(samebits: Run, found: Callable[..., dict[str, Any]]) -> None:
    asked = found(cured())
    words = "--runs 3 --most-runs 9 --steps 5 --out kept --timeout 2 train.py --epochs 1"
    assert samebits("cure", *words.split()).code == 0
    assert asked["program"] == Program("script", ("train.py", "--epochs", "1"))
    assert [asked[name] for name in ("runs", "most_runs", "steps", "timeout")] == [3, 9, 5, 2.0]


def test_what_a_person_reads(samebits: Run, found: Callable[..., dict[str, Any]]) -> None:
    found(cured())
    answer = samebits("cure", "train.py")
    assert answer.out.startswith("CURED  one change makes it repeat, found in 6 runs\n")
    assert "  1. hash-order  train.py:1\n     print('mended')\n     without it the runs part\n" in answer.out
    assert "  -print('hello')\n  +print('mended')\n" in answer.out
    assert "nothing observed but its weights: all 0a" in " ".join(answer.out.split())
    assert "at most 40 runs: 2 as it is, and 2 for each change that is tried" in answer.err
    assert samebits("cure", "-q", "train.py").out == "CURED  one change makes it repeat, found in 6 runs\n"


def test_why_there_is_no_edit(samebits: Run, found: Callable[..., dict[str, Any]]) -> None:
    finding = Finding(0.9, Site("train.py", 1, ""), "w", "the fix", "hash-order", unclear="it is a text")
    outside = Needed(Remedy("hash-seed", "a fixed hash seed", finding=finding), True, None)
    found(result(first=DIVERGED, needed=(outside,), patch=b""))
    said = " ".join(samebits("cure", "train.py").out.split())
    assert "There is no edit that does this here (it is a text); in words: the fix" in said


@pytest.mark.parametrize(
    ("changed", "word", "code"),
    [
        ({"first": DIVERGED}, "CURED", 0),
        ({"first": Verdict("same", ("a", "b")), "needed": (), "patch": b"", "proof": None}, "SAME", 0),
        ({"first": DIVERGED, "last": DIVERGED, "needed": (), "patch": b""}, "DIVERGED", 1),
        ({"first": DIVERGED, "proof": None, "spent": True}, "INCOMPLETE", 2),
        ({"first": DIVERGED, "last": None, "interrupted": True}, "INCOMPLETE", 2),
        ({"first": DIVERGED, "proof": Proof("diverged", ("e", "f"), ("0a", "0b"))}, "DIVERGED", 1),
        ({}, "FAILED", 2),
    ],
)
def test_each_end_has_its_word_and_its_code(
    changed: dict[str, Any], word: str, code: int, samebits: Run, found: Callable[..., dict[str, Any]]
) -> None:
    found(result(**changed))
    answer = samebits("cure", "--json", "-", "train.py")
    assert (answer.code, answer.err.split("\n")[1].split()[0]) == (code, word)
    document = json.loads(answer.out)
    assert document["verdict"] == word.lower()
    assert list(document) == SCHEMA["required"]
    document |= {"first": None, "left": None}  # made up here; the whole way below has real ones
    CHECKED.validate(document)


def test_the_patch_is_written_as_it_is(samebits: Run, found: Callable[..., dict[str, Any]]) -> None:
    found(cured())
    assert samebits("cure", "--patch", "fix.diff", "train.py").code == 0
    assert Path("fix.diff").read_bytes() == PATCH
    answer = samebits("cure", "--patch", "-", "train.py")
    assert answer.out == PATCH.decode()
    assert "CURED" in answer.err
    subprocess.run(["patch", "-p1", "-s", "-i", "fix.diff"], check=True)
    assert Path("train.py").read_text() == "print('mended')\n"


def test_apply_changes_the_files_once(samebits: Run, found: Callable[..., dict[str, Any]]) -> None:
    git("init", "-q")
    git("add", "train.py")
    git("commit", "-qm", "first")
    found(cured())
    answer = samebits("cure", "--apply", "train.py")
    assert answer.out.endswith("changed: train.py\n")
    assert Path("train.py").read_text() == "print('mended')\n"
    again = samebits("cure", "--apply", "train.py")
    assert (again.code, Path("train.py").read_text()) == (2, "print('mended')\n")
    assert "train.py has changes that were not committed; commit or stash them, or give --force." in again.err


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["--force", "train.py"], "--force is for --apply."),
        (["--patch", "-", "--json", "-", "train.py"], "cannot both have the standard output"),
        (["--patch", "a", "--json", "a", "train.py"], "'a' is given for two files"),
        (["--apply", "train.py"], "this folder is under no git; --force changes them all the same"),
        (["--runs", "1", "train.py"], "1 is not in the range x>=2"),
        (["--patch", "nowhere/fix.diff", "train.py"], "there is no folder 'nowhere' to write it in"),
        (["missing.py"], "missing.py"),
        ([], "what is to be run?"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_anything_runs(
    words: list[str], text: str, samebits: Run, found: Callable[..., dict[str, Any]]
) -> None:
    asked = found(cured())
    answer: Answer = samebits("cure", *words)
    assert (answer.code, asked) == (2, {})
    assert text in " ".join(answer.err.split())


TWO = """\
import numpy as np
import random
import torch

torch.manual_seed(0)
model = torch.nn.Linear(2, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for step in range(3):
    x = torch.full((4, 2), np.random.rand(), dtype=torch.float32)
    if step:
        x = x * random.random()
    optimizer.zero_grad()
    model(x).sum().backward()
    optimizer.step()
"""


def test_a_program_with_two_causes_is_mended_at_both(samebits: Run, folder: Path) -> None:
    """The whole way: what is needed, its patch, and the patched program, which repeats."""
    (folder / "train.py").write_text(TWO)
    answer = samebits("cure", "--patch", "fix.diff", "--json", "cure.json", "train.py")
    document = json.loads(Path("cure.json").read_text())
    assert answer.code == 0, answer.out
    CHECKED.validate(document)
    assert (folder / "train.py").read_text() == TWO, "the user's file stays"
    assert document["proof"]["holds"]
    added = {line for line in document["patch"].split("\n") if line.startswith("+") and "seed" in line}
    assert added == {"+np.random.seed(0)", "+random.seed(0)"}
    assert all(needed["shown"] for needed in document["needed"])
    subprocess.run(["git", "apply", "fix.diff"], check=True)
    assert samebits("verify", "-q", "train.py").out.startswith("SAME")
