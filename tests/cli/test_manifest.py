"""`samebits manifest`: runs and files laid beside each other, without torch."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from samebits.record.writer import Writer

from .conftest import Answer
from .test_runs import keep

pytestmark = pytest.mark.usefixtures("folder")

Run = Callable[..., Answer]

BASE: dict[str, Any] = {
    "samebits": "0.1.0",
    "python": "3.11.7",
    "hash": {"randomized": True},
    "machine": {"cpu": "x", "cores": 2, "kernel": "6.1"},
    "variables": {},
    "torch": {"threads": 2, "capability": "AVX512", "parallel": {"omp_get_max_threads()": "2"}},
    "flags": {"deterministic_algorithms": False},
    "accelerators": [],
}


def recorded(name: str, manifest: Mapping[str, Any], **info: Any) -> None:
    folder = keep(Path(".samebits"), name, **info)
    Writer(folder / "main.db", process="main", rank=0, manifest=manifest, plan={}).finish("finished")


def changed(**sections: Any) -> dict[str, Any]:
    return BASE | {
        name: {**BASE[name], **value} if isinstance(value, dict) else value
        for name, value in sections.items()
    }


def test_equal_runs(samebits: Run) -> None:
    recorded("a1", BASE)
    recorded("b1", changed(machine={"kernel": "6.2"}, samebits="0.2.0"))
    answer = samebits("manifest", "diff", "a1", "b1")
    assert answer.code == 0
    assert answer.out.startswith("NONE  nothing that changes bits differs\n")
    assert "machine.kernel" in answer.out


def test_what_follows_stands_under_what_it_follows_from(
    samebits: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    recorded("a1", BASE, git={"commit": "1", "dirty": False})
    other = changed(
        variables={"OMP_NUM_THREADS": "1", "PYTHONHASHSEED": "1"},
        torch={"threads": 1, "parallel": {"omp_get_max_threads()": "1"}},
        python="3.12.1",
    )
    recorded("b1", other, git={"commit": "2", "dirty": False})
    answer = samebits("manifest", "diff", "a", "b", "--json", "-")
    document = json.loads(answer.out)
    assert answer.code == 1
    assert (document["format"], document["version"]) == ("samebits.manifest_diff", 1)
    assert document["effect"] == "certain"
    rows = document["differences"]
    assert [(row["key"], row["effect"]) for row in rows] == [
        ("torch.threads", "certain"),
        ("git.commit", "likely"),
        ("python", "possible"),
        ("variables.PYTHONHASHSEED", "possible"),
    ]
    assert [row["key"] for row in rows[0]["follow"]] == [
        "variables.OMP_NUM_THREADS",
        "torch.parallel.omp_get_max_threads()",
    ]
    assert all(row["why"] and not row["why"].endswith(".") for row in rows)
    assert "CERTAIN  4 of 4 differences can change bits" in answer.err
    assert "with variables.OMP_NUM_THREADS: not set | 1" in answer.err


def test_show_judges_and_writes_what_diff_reads(samebits: Run) -> None:
    recorded("a1", BASE)
    answer = samebits("manifest", "show", "a1", "--json", "a.json")
    assert answer.code == 0
    assert "torch.capability  AVX512" in answer.out
    assert "fragile   deterministic-algorithms  off" in answer.out
    document = json.loads(Path("a.json").read_text())
    assert document["manifest"] == BASE
    assert {line["name"] for line in document["lines"]} >= {"hash-seed", "threads"}
    assert samebits("manifest", "diff", "a.json", "a1").code == 0
    Path("b.json").write_text(json.dumps(changed(torch={"capability": "AVX2"})))
    assert samebits("manifest", "diff", "a1", "b.json").code == 1


def test_alone_it_shows_help(samebits: Run) -> None:
    answer = samebits("manifest")
    assert answer.code == 0
    assert "samebits manifest diff" in answer.out


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["diff", "a1"], "two runs: samebits manifest diff A B"),
        (["show"], "one run: samebits manifest show RUN"),
        (["frob", "a1"], "'frob' is not one of"),
        (["show", "zz"], "no run 'zz'"),
        (["show", "empty.json"], "holds no manifest"),
        (["show", "broken.json"], "no JSON file"),
        (["show", "list.json"], "holds no manifest"),
        (["show", "bare"], "kept no manifest"),
    ],
)
def test_wrong_words(samebits: Run, words: list[str], says: str) -> None:
    recorded("a1", BASE)
    keep(Path(".samebits"), "bare")
    Path("empty.json").write_text("{}")
    Path("broken.json").write_text("{")
    Path("list.json").write_text("[1]")
    answer = samebits("manifest", *words)
    assert (answer.code, answer.err.count("\n")) == (2, 1)
    assert says in answer.err


def test_the_folder_of_runs_may_be_configured(samebits: Run) -> None:
    Path("pyproject.toml").write_text('[tool.samebits]\nout = "kept"\n')
    keep(Path("kept"), "a1")
    Writer(Path("kept/a1/main.db"), process="main", rank=0, manifest=BASE, plan={}).finish("finished")
    assert samebits("manifest", "show", "a1").code == 0


def test_what_is_no_manifest(samebits: Run, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "empty").mkdir()
    for name, changes in {
        "doctor": {"format": "samebits.doctor"},
        "newer": {"version": 2},
        "right": {},
        "shown": {"format": "samebits.show"},
    }.items():
        document = {"format": "samebits.manifest", "version": 1, "manifest": BASE} | changes
        (tmp_path / name).write_text(json.dumps(document), "utf-8")
    for name, says in {
        "pipe": "is a pipe or a device",
        "empty": "is a folder that holds no run",
        "doctor": "is of the format 'samebits.doctor'",
        "newer": "is version 2",
    }.items():
        answer = samebits("manifest", "show", str(tmp_path / name))
        assert (answer.code, answer.err.count("\n")) == (2, 1), name
        assert says in " ".join(answer.err.split()), answer.err
    assert samebits("manifest", "diff", str(tmp_path / "right"), str(tmp_path / "shown")).code == 0
