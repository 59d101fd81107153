"""`samebits selftest`: words and exit codes; what is found is tested below it."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any

import pytest

from samebits.selftest.known import KnownBits, KnownMachine
from samebits.selftest.outcome import Runs, SelfTest, judged

from .conftest import Answer

Run = Callable[..., Answer]
KIND = {"device": "cpu", "libraries.torch": "2.13"}


def outcome(exp: str, kind: dict[str, str]) -> SelfTest:
    runs = Runs({"integer sum": "1"}, {"exp": exp}, {"exp": exp}, {})
    return judged(kind, runs, KnownBits({"integer sum": "1"}, (KnownMachine(KIND, {"exp": "2"}),)))


@pytest.mark.parametrize(
    ("exp", "kind", "code", "says"),
    [
        ("2", KIND, 0, "EQUAL  all 2 pieces"),
        ("3", KIND, 1, "CORRUPT  exp has other bits"),
        ("3", {"device": "cpu"}, 0, "DIFFERENT  this kind of machine is not known yet"),
        ("3", {"device": "cuda"}, 0, "add this line to `machines`"),
    ],
)
def test_words_and_codes(
    samebits: Run, monkeypatch: pytest.MonkeyPatch, exp: str, kind: dict[str, str], code: int, says: str
) -> None:
    import samebits.selftest as package

    def run(device: str) -> Any:
        assert device == "cpu"
        return outcome(exp, kind)

    monkeypatch.setattr(package, "selftest", run, raising=False)
    answer = samebits("selftest")
    assert answer.code == code
    assert says in answer.out


def test_json(samebits: Run) -> None:
    answer = samebits("selftest", "--json", "-")
    document = json.loads(answer.out)
    assert (answer.code, document["format"], document["version"]) == (0, "samebits.selftest", 1)
    assert document["verdict"] in ("equal", "different", "unknown")
    assert document["wrong"] == []
    assert document["kind"]["device"] == "cpu"
    assert {"exp", "loss of step 0"} <= set(document["hashes"])


@pytest.mark.parametrize(("device", "says"), [("tpu", "not on 'tpu'"), ("cuda", "no CUDA device is there")])
def test_wrong_devices(samebits: Run, monkeypatch: pytest.MonkeyPatch, device: str, says: str) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    answer = samebits("selftest", "--device", device)
    assert (answer.code, answer.err.count("\n")) == (2, 1)
    assert says in answer.err


def test_it_needs_torch(samebits: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    import samebits.selftest as package

    monkeypatch.delattr(package, "selftest", raising=False)
    monkeypatch.setitem(sys.modules, "torch", None)
    answer = samebits("selftest")
    assert (answer.code, answer.err.count("\n")) == (2, 1)
    assert "torch is not installed" in answer.err
