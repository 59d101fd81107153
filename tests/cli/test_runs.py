"""Kept runs: listed, shown, removed; and nothing else ever is."""

from __future__ import annotations

import gzip
import json
import os
import struct
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from samebits.record.writer import Writer

from ..compare.written import kept as kept_run
from .conftest import Answer

pytestmark = pytest.mark.usefixtures("folder")

Run = Callable[..., Answer]


def keep(
    out: Path, name: str, *, days: float = 0, size: int = 0, steps: int | None = 3, **changes: object
) -> Path:
    info = {
        "format": "samebits.run",
        "version": 1,
        "id": name,
        "created": (datetime.now(UTC) - timedelta(days=days)).isoformat(timespec="seconds"),
        "argv": ["train.py", "x"],
        "cwd": "/",
        "level": "op",
        "status": "finished",
        "exit_code": 0,
        "seconds": 1.0,
        "verify": None,
        "zoom": None,
    }
    (out / name).mkdir(parents=True)
    (out / name / "run.json").write_text(json.dumps(info | changes))
    (out / name / "stdout.txt").write_bytes(b"o" * size)
    if steps is not None:
        (out / name / "progress").write_bytes(steps.to_bytes(8, "little"))
    return out / name


def kept(out: str = "kept") -> list[str]:
    return sorted(path.name for path in Path(out).iterdir())


def test_none(samebits: Run) -> None:
    answer = samebits("runs")
    assert (answer.code, answer.out, answer.err) == (0, "", "no runs in .samebits\n")
    assert json.loads(samebits("runs", "--json", "-").out) == {
        "format": "samebits.runs",
        "version": 1,
        "runs": [],
    }


def test_a_table_newest_first(samebits: Run) -> None:
    keep(Path("kept"), "a1", days=9, verify="a1", verdict="same", size=150_000)
    keep(Path("kept"), "b2", days=2.5, status="failed", steps=None, argv=["-m", "train"])
    answer = samebits("runs", "--out", "kept")
    assert answer.code == 0
    head, *rows = (line.split() for line in answer.out.splitlines())
    assert head == ["id", "age", "status", "steps", "size", "loss", "verdict", "command"]
    assert rows[0][:5] == ["b2", "2", "d", "failed", "-"]
    assert rows[0][-3:] == ["-", "-m", "train"]
    assert rows[1] == ["a1", "9", "d", "finished", "3", "150", "kB", "-", "same", "train.py", "x"]


def test_json(samebits: Run) -> None:
    keep(Path("kept"), "a1", days=1, verdict="diverged")
    answer = samebits("runs", "--out", "kept", "--json", "-")
    document = json.loads(answer.out)
    assert "a1" in answer.err
    assert {key: document[key] for key in ("format", "version")} == {"format": "samebits.runs", "version": 1}
    (run,) = document["runs"]
    assert list(run) == [
        "id", "created", "age", "status", "argv", "level", "steps", "bytes", "losses", "verify", "verdict",
    ]  # fmt: skip
    assert run["id"] == "a1"
    assert run["argv"] == ["train.py", "x"]
    assert (run["steps"], run["verdict"]) == (3, "diverged")
    assert samebits("runs", "--out", "kept", "--json", "runs.json").out.startswith("id")
    assert json.loads(Path("runs.json").read_text())["runs"][0]["id"] == "a1"


def test_hostile_text_is_shown_not_obeyed(samebits: Run) -> None:
    keep(
        Path("kept"),
        "a1",
        argv=["\x1b[2J\r\n[bold]x"],
        level="\x07",
        verdict="\x1b[1m",
        status="\x1b]0;x\x07",
    )
    for words in (("runs",), ("show", "a1")):
        answer = samebits(*words, "--out", "kept")
        assert answer.code == 0
        assert not {"\x1b", "\x07", "\r"} & set(answer.out)
        assert "[bold]x" in answer.out


@pytest.mark.parametrize(
    "changes",
    [
        {
            "argv": 3,
            "created": [],
            "status": {},
            "seconds": "x",
            "exit_code": [],
            "verify": 7,
            "verdict": 7,
            "cwd": 1,
        },
        {"created": "never", "argv": [None, {}], "level": [], "verdict": {"a": 1}},
    ],
)
def test_a_description_of_nonsense_is_listed_shown_and_removed(
    samebits: Run, changes: dict[str, object]
) -> None:
    keep(Path("kept"), "a1", **changes)
    for words in (("runs",), ("show", "a1"), ("show", "a1", "--json", "-"), ("rm", "a1", "--force")):
        answer = samebits(*words, "--out", "kept")
        assert answer.code == 0, answer.err
        assert "Traceback" not in answer.err
    assert kept() == []


def test_bad_usage(samebits: Run) -> None:
    answer = samebits("runs", "--out", "train.py")
    assert answer.code == 2
    assert "'train.py' is not a folder" in answer.err


def test_show(samebits: Run) -> None:
    folder = keep(Path("kept"), "a1", days=3, verify="v1", verdict="same", exit_code=0, seconds=61.25)
    (folder / "stdout.txt.gz").write_bytes(gzip.compress(b"first\nlast \x1b[31m\n"))
    (folder / "main.db").write_bytes(b"no record")
    answer = samebits("show", "a", "--out", "kept", "--output")
    assert answer.code == 0
    for text in (
        "train.py x",
        "finished, exit code 0, after 61.2 s",
        "v1, verdict same",
        "(3 d ago)",
        "main.db: ",
    ):
        assert text in answer.out
    assert answer.out.endswith("stdout\n  first\n  last \\x1b[31m\n")
    document = json.loads(samebits("show", "a1", "--out", "kept", "--json", "-").out)
    assert (document["format"], document["version"], document["id"]) == ("samebits.show", 1, "a1")
    assert document["processes"][0]["file"] == "main.db"
    assert set(document) >= {"info", "processes", "plan", "manifest", "files", "path", "total_bytes", "age"}
    answer = samebits("show", "z", "--out", "kept")
    assert (answer.code, answer.err.count("\n")) == (2, 1)


def test_rm(samebits: Run) -> None:
    for name in ("a1", "b2", "c3"):
        keep(Path("kept"), name, size=2000)
    answer = samebits("rm", "a1", "kept/b2", "--out", "kept")
    assert answer.code == 0
    assert [line.split(",")[0] for line in answer.out.splitlines()] == ["removed a1", "removed b2"]
    assert kept() == ["c3"]
    document = json.loads(samebits("rm", "c", "--out", "kept", "--json", "-").out)
    assert list(document) == ["format", "version", "dry_run", "removed"]
    assert (document["format"], document["removed"][0]["id"]) == ("samebits.removed", "c3")


def not_a_run(kind: str) -> str:
    """Makes something in kept/ that is not to be removed, and returns its name."""
    there = Path("kept/x")
    if kind == "foreign description":
        there.mkdir(parents=True)
        (there / "run.json").write_text('{"format": "other.run"}')
    elif kind == "foreign database":
        there.mkdir(parents=True)
        (there / "main.db").write_bytes(b"SQLite format 3\0" + bytes(100))
    elif kind == "link":
        keep(Path("elsewhere"), "x")
        there.parent.mkdir()
        there.symlink_to(Path("elsewhere/x").absolute())
    elif kind == "repository":
        (keep(Path("kept"), "x") / ".git").mkdir()
    elif kind == "folder of runs":
        keep(Path("kept"), "x")
        keep(there, "inner")
    elif kind == "under way":
        keep(Path("kept"), "x", status="running")
    return "x"


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        ("foreign description", "not a run of samebits"),
        ("foreign database", "not a run of samebits"),
        ("link", "it is a link"),
        ("repository", "a repository"),
        ("folder of runs", "it holds other runs"),
        ("under way", "still under way, or its launcher was killed"),
        ("nothing", "no run 'x'"),
    ],
)
def test_what_is_not_removed(samebits: Run, kind: str, why: str) -> None:
    name = not_a_run(kind)
    keep(Path("kept"), "good")
    before = sorted(map(str, Path().rglob("*")))
    answer = samebits("rm", "good", name, "--out", "kept")
    assert answer.code == 2
    assert why in answer.err
    assert answer.err.count("\n") == 1
    assert sorted(map(str, Path().rglob("*"))) == before  # not even the good one


def test_the_working_folder_is_not_removed(samebits: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(keep(Path("kept"), "a1"))
    answer = samebits("rm", ".")
    assert (answer.code, "the working folder" in answer.err) == (2, True)
    assert Path("run.json").exists()


def test_links_inside_a_run_are_removed_as_links(samebits: Run) -> None:
    Path("precious").mkdir()
    Path("precious/file").write_text("x")
    folder = keep(Path("kept"), "a1", status="running")
    (folder / "to").symlink_to(Path("precious").absolute())
    (folder / "inner").mkdir()
    (folder / "inner" / "file").symlink_to(Path("precious/file").absolute())
    assert samebits("rm", "a1", "--out", "kept", "--force").code == 0
    assert kept() == []
    assert Path("precious/file").read_text() == "x"


@pytest.mark.parametrize("text", [b"", b"{", b'{"format": "samebits.run", "cut'])
def test_a_damaged_run_is_removed_if_it_is_ours(samebits: Run, text: bytes) -> None:
    folder = keep(Path("kept"), "a1")
    (folder / "run.json").write_bytes(text)
    (folder / "main.db").write_bytes(b"SQLite format 3\0" + bytes(52) + b"SBit" + bytes(9))
    assert samebits("show", "a1", "--out", "kept").code == 0
    assert samebits("rm", "a1", "--out", "kept").code == 0
    assert kept() == []


@pytest.mark.parametrize(
    ("words", "left"),
    [
        ("--older 7d", "a0 b3 c5"),
        ("--older 7d --keep 4", "a0 b3 c5 d8"),
        ("--keep 2", "a0 b3"),
        ("--keep 0", ""),
        ("--older 1w --keep 1", "a0 b3 c5"),
        ("--older 100h", "a0 b3"),
        ("--size 3.5kB", "a0 b3"),
        ("--size 3.5kB --keep 4", "a0 b3 c5 d8"),
        ("--size 3.5kB --older 1d", "a0"),
        ("--size 1GB", "a0 b3 c5 d8 e20"),
        ("--older 7d --dry-run", "a0 b3 c5 d8 e20"),
    ],
)
def test_prune(samebits: Run, words: str, left: str) -> None:
    for name, days in (("a0", 0), ("b3", 3), ("c5", 5), ("d8", 8), ("e20", 20)):
        keep(Path("kept"), name, days=days, size=1000)
    Path("kept/mine").mkdir()
    Path("kept/mine/file").write_text("x")
    answer = samebits("prune", "--out", "kept", *words.split())
    assert answer.code == 0, answer.err
    assert kept() == sorted([*left.split(), "mine"])
    last = answer.out.splitlines()[-1]
    assert last.endswith(f"{len(left.split()) if '--dry-run' not in words else 3} kept")


def test_prune_leaves_what_is_under_way_and_links(samebits: Run) -> None:
    keep(Path("kept"), "a1", days=30, status="running")
    old = keep(Path("kept"), "b1", days=30, status="running")
    for path in [*old.iterdir(), old]:
        os.utime(path, (time.time() - 30 * 86400,) * 2)
    keep(Path("elsewhere"), "c1", days=30)
    Path("kept/c1").symlink_to(Path("elsewhere/c1").absolute())
    document = json.loads(samebits("prune", "--out", "kept", "--older", "7d", "--json", "-").out)
    assert [one["id"] for one in document["removed"]] == ["b1"]  # a launcher that was killed a month ago
    assert kept() == ["a1", "c1"]
    assert Path("elsewhere/c1/run.json").exists()


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ("", "say what is to be removed"),
        ("--older 7", "'7' is no age"),
        ("--older 7y", "'7y' is no age"),
        ("--older -7d", "is no age"),
        ("--size 2XB", "'2XB' is no size"),
        ("--size -1", "is no size"),
        ("--keep -1", "--keep"),
    ],
)
def test_prune_refuses(samebits: Run, words: str, why: str) -> None:
    keep(Path("kept"), "a1", days=900)
    answer = samebits("prune", "--out", "kept", *words.split())
    assert answer.code == 2
    assert why in answer.err
    assert answer.err.count("\n") == 1
    assert kept() == ["a1"]


def losses(name: str, *values: float, process: str = "main") -> None:
    kept_run(Path("kept", name), [], losses=values, process=process)


def test_the_loss_of_a_run_in_one_line(samebits: Run) -> None:
    """Over the whole run, with where it ended; a worker's record alone, and an empty one, have none."""
    losses("a1", *(2.0 / (1 + step) for step in range(500)))
    losses("b2", 1.0, float("nan"), 0.5)
    losses("c3", 0.25, process="rank1")
    losses("d4")
    answer = samebits("runs", "--out", "kept", "--json", "runs.json")
    rows = {line.split()[0]: line for line in answer.out.splitlines()[1:]}
    assert "█▁▁▁▁▁▁▁▁▁▁▁ 0.004" in rows["a1"]
    assert "█·▁ 0.5" in rows["b2"]
    assert all("█" not in rows[name] for name in ("c3", "d4"))
    found = {run["id"]: run["losses"] for run in json.loads(Path("runs.json").read_text())["runs"]}
    assert found["b2"] == [1.0, None, 0.5]
    assert (len(found["a1"]), found["a1"][0], found["c3"], found["d4"]) == (48, 2.0, [], [])
    assert found["a1"][-1] == 2.0 / 500


@pytest.mark.parametrize("values", [[1.7e308] * 60, [1.7e308, -1.7e308], [float("inf")], [5e-324, 0.0]])
def test_no_loss_breaks_the_list(samebits: Run, values: list[float]) -> None:
    """A float64 training that runs away is one of many runs."""
    folder = Path("kept/a1")
    writer = Writer(folder / "main.db", process="main", rank=0, manifest={}, plan={})
    for step, value in enumerate(values):
        writer.loss(step=step, index=0, value=value, bits=struct.pack("<d", value).hex())
    writer.finish("finished")
    keep(Path("elsewhere"), "x")
    (folder / "run.json").write_bytes(Path("elsewhere/x/run.json").read_bytes())
    answer = samebits("runs", "--out", "kept")
    assert (answer.code, answer.err) == (0, "")
    assert answer.out.count("\n") == 2


def test_a_damaged_record_is_listed_without_its_loss(samebits: Run) -> None:
    losses("a1", 1.0, 0.5)
    Path("kept/a1/main.db").write_bytes(b"SQLite format 3\0" + bytes(4096))
    assert samebits("runs", "--out", "kept", "--json", "runs.json").code == 0
    assert json.loads(Path("runs.json").read_text())["runs"][0]["losses"] == []
