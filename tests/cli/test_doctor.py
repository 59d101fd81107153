"""`samebits doctor`: words, exit codes, the schema; what each line says is tested below it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from samebits.manifest.doctor import judged

from .conftest import Answer

Run = Callable[..., Answer]
SCHEMA = json.loads(Path("docs/reference/doctor.schema.json").read_text("utf-8"))


def test_json_is_what_the_schema_says(samebits: Run) -> None:
    answer = samebits("doctor", "--json", "-")
    document = json.loads(answer.out)
    Draft202012Validator(SCHEMA).validate(document)
    assert answer.code == (1 if document["verdict"] == "breaks" else 0)
    assert "hash-seed" in answer.err
    assert {line["name"] for line in document["lines"]} >= {"cublas-workspace", "observer", "autotuning"}
    text = (Path("docs/reference/doctor.md")).read_text("utf-8")
    assert [line["name"] for line in document["lines"] if f"`{line['name']}`" not in text] == []


def test_fix_env_prints_lines_for_a_shell_and_nothing_else(tmp_path: Path) -> None:
    """And once a shell has read them, no variable is left to set."""
    script = f"""
        export CUDA_VISIBLE_DEVICES=
        unset PYTHONHASHSEED OMP_NUM_THREADS ATEN_CPU_CAPABILITY ONEDNN_MAX_CPU_ISA
        out=$("{sys.executable}" -m samebits doctor --fix-env --json "{tmp_path}/first.json") ; echo "code $?"
        eval "$out"
        "{sys.executable}" -m samebits doctor --fix-env --json "{tmp_path}/second.json" ; echo "code $?"
    """
    done = subprocess.run(
        ["sh", "-c", script], capture_output=True, text=True, check=True, env=dict(os.environ)
    )
    assert done.stdout == "code 1\ncode 0\n"
    assert done.stderr == ""
    first, second = (json.loads((tmp_path / f"{name}.json").read_text()) for name in ("first", "second"))
    assert {"PYTHONHASHSEED", "OMP_NUM_THREADS", "ATEN_CPU_CAPABILITY"} <= set(first["exports"])
    assert second["exports"] == {}
    assert second["verdict"] == "fragile"


@pytest.mark.parametrize(
    ("manifest", "code", "says"),
    [
        ({"hash": {"randomized": False}}, 0, "FINE  all 1 lines are fine"),
        ({"hash": {"randomized": True}}, 1, "BREAKS  1 of 1 lines breaks"),
        ({"libraries": {"torch": "2.13.0", "torchvision": "0.1.0"}}, 0, "does not change the exit code"),
    ],
)
def test_exit_codes(
    samebits: Run, monkeypatch: pytest.MonkeyPatch, manifest: dict[str, object], code: int, says: str
) -> None:
    monkeypatch.setattr("samebits.launch.doctor.collect_here", lambda: manifest)
    answer = samebits("doctor")
    assert (answer.code, judged(manifest).exit_status) == (code, code)
    assert says in answer.out


def test_it_needs_torch(samebits: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    answer = samebits("doctor")
    assert (answer.code, answer.err.count("\n")) == (2, 1)
    assert "torch is not installed" in answer.err


@pytest.mark.parametrize("command", ["doctor", "selftest"])
def test_a_torch_that_cannot_be_imported(command: str, tmp_path: Path) -> None:
    (tmp_path / "torch").mkdir()
    (tmp_path / "torch/__init__.py").write_text('raise ImportError("libgomp\\nis gone")', "utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "samebits", command],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
    )
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "torch cannot be imported: libgomp" in done.stderr


def test_two_things_on_one_stream(samebits: Run) -> None:
    answer = samebits("doctor", "--fix-env", "--json", "-")
    assert (answer.code, answer.err.count("\n")) == (2, 1)
    assert "both write to the standard output" in answer.err
