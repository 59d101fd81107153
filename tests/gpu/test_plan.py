"""The plan of `make gpu`: its parts, their order and times, and what it makes of what becomes of them."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from benchmarks import gpu


def test_everything_fits_in_seven_minutes() -> None:
    assert gpu.ASKING + gpu.ends(gpu.PARTS)[-1] < gpu.MOST == 420
    assert all(part.limit > 2 * gpu.GRACE for part in gpu.PARTS)


def test_the_parts_come_in_the_order_of_their_worth() -> None:
    names = [part.name for part in gpu.PARTS]
    assert names[:3] == ["machine", "observer", "verify"]
    kinds = [re.match(r"machine|observer|verify|tests|bench|ops-check", name) for name in names]
    order = list(dict.fromkeys(kind[0] for kind in kinds if kind))
    assert order == ["machine", "observer", "verify", "tests", "bench", "ops-check"]
    assert len(set(names)) == len(names)


def test_every_file_of_the_gpu_tests_has_a_part() -> None:
    files = {path.stem.removeprefix("test_") for path in Path(__file__).parent.glob("test_*.py")} - {"plan"}
    assert files == {part.name.removeprefix("tests-") for part in gpu.PARTS if part.name.startswith("tests-")}


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_every_word_is_filled_in_and_every_file_is_there(tmp_path: Path, device: str) -> None:
    for part in gpu.PARTS:
        words = gpu.filled(part, device, tmp_path / "a folder")
        assert not [word for word in words if "{" in word]
        for word in words:
            if word.endswith(".py"):
                assert Path(word).is_file(), word


def test_every_command_is_one_that_is_understood(tmp_path: Path) -> None:
    import click

    from samebits.cli.main import app

    for part in gpu.PARTS:
        words = gpu.filled(part, "cpu", tmp_path)
        if words[1] == "samebits":
            command = app.get_command(click.Context(app), words[2])
            assert command is not None
            command.make_context(words[2], words[3:])


@pytest.mark.parametrize(
    ("device", "statuses", "code"),
    [
        ("cuda", ["passed", "passed"], 0),
        ("cuda", ["passed", "left out"], 0),
        ("cuda", ["failed", "passed"], 1),
        ("cuda", ["too long"], 1),
        ("cpu", ["passed", "left out"], 2),
        ("cpu", ["failed", "left out"], 1),
    ],
)
def test_the_exit_code(tmp_path: Path, device: str, statuses: list[str], code: int) -> None:
    results = [gpu.Result(f"part {n}", status) for n, status in enumerate(statuses)]
    summary = gpu.Summary(tmp_path, device, results)
    assert summary.code == code
    summary.write()
    document = json.loads((tmp_path / "summary.json").read_text())
    assert document["exit_code"] == code
    assert document["complete"] is False
    assert [part["status"] for part in document["parts"]] == statuses
    text = (tmp_path / "summary.txt").read_text()
    assert ("no CUDA here" in text) is (device == "cpu")
    assert f"{len(gpu.PARTS) - len(statuses)} parts have not run" in text


def test_the_rest_runs_whatever_becomes_of_a_part(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    parts = (
        gpu.Part("crash", ("-c", "import os; os.abort()"), 20),
        gpu.Part("cuda", ("-c", "raise SystemExit(1)"), 20, needs_cuda=True),
        gpu.Part("module", ("-c", "raise SystemExit(1)"), 20, needs="no_such_module"),
        gpu.Part("last", ("-c", "print('done in {out}')"), 20),
    )
    monkeypatch.setattr(gpu, "PARTS", parts)
    monkeypatch.setattr(gpu, "device", lambda: "cpu")
    assert gpu.main([str(tmp_path / "a folder")]) == 1
    document = json.loads((tmp_path / "a folder" / "summary.json").read_text())
    found = [(part["name"], part["status"], part["said"]) for part in document["parts"]]
    assert found == [
        ("crash", "failed", found[0][2]),
        ("cuda", "left out", "needs CUDA"),
        ("module", "left out", "no_such_module is not installed"),
        ("last", "passed", f"done in {tmp_path / 'a folder'}"),
    ]
    assert document["complete"] is True
    assert "there is no CUDA here" in capsys.readouterr().out


def test_what_takes_too_long_ends_with_all_it_started(tmp_path: Path) -> None:
    program = (
        "import signal, subprocess, sys, time\n"
        "signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        "print(child.pid, flush=True)\n"
        "time.sleep(600)\n"
    )
    log = tmp_path / "log"
    began = time.monotonic()
    code = gpu.run([sys.executable, "-c", program], log, tmp_path, gpu.GRACE + 5, os.environ)
    assert code is None
    assert time.monotonic() - began < 300  # it did not wait for the program
    child = int(log.read_text().split()[0])
    status = Path(f"/proc/{child}/stat")
    for _ in range(200):
        if not status.exists() or status.read_text().rpartition(")")[2].split()[0] in "ZX":
            return
        time.sleep(0.05)
    os.kill(child, signal.SIGKILL)
    pytest.fail("a process that the part had started was left")


def test_without_a_compiler_a_sentence_says_what_observes(tmp_path: Path) -> None:
    missing = str(tmp_path / "no-compiler")
    env = gpu.environment() | {
        "SAMEBITS_CACHE": str(tmp_path / "cache"), "TMPDIR": str(tmp_path), "CXX": missing
    }  # fmt: skip
    words = [sys.executable, "-m", "benchmarks.gpu", "--part", "observer", str(tmp_path)]
    done = subprocess.run(words, capture_output=True, text=True, env=env, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "the one in Python observes instead, slower" in done.stdout
    assert len(done.stdout.splitlines()) == 1


def test_a_verdict_is_shown_with_the_place(tmp_path: Path) -> None:
    part = gpu.Part("verify", (), 20, verdict="verify.json")
    log = tmp_path / "log"
    log.write_text("something\n\nlast line\n")
    assert gpu.said(part, log, tmp_path) == "last line"
    place = {"step": 3, "op": "aten::index_put", "file": "train.py", "line": 8}
    verdict = {"verdict": "diverged", "first": place, "compared": "4 steps.", "reason": None}
    (tmp_path / "verify.json").write_text(json.dumps(verdict))
    assert gpu.said(part, log, tmp_path) == "DIVERGED at step 3, aten::index_put, train.py:8 (4 steps.)"
