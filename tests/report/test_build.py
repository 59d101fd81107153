"""Reports of runs and logs as they lie on the disk."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from samebits.compare import closeup
from samebits.compare.judge import compare_all
from samebits.compare.verdict import closer, failed
from samebits.errors import RecordError, UsageError
from samebits.record.run import Run
from samebits.report.build import report_of, report_of_verdict, write_report
from samebits.report.html import page

from ..compare.written import Told, kept
from ..recording import Record


def training(losses: Sequence[float], salt: int = 0) -> list[list[Told]]:
    """A step a loss; the digest of a loss is of its value."""
    return [
        [("op", "aten::mm", step + salt), ("loss", "loss", int(value * 2**20)),
         ("gradient", "net.w", step + salt), ("parameter", "net.w", step)]
        for step, value in enumerate(losses)
    ]  # fmt: skip


def run(folder: Path, losses: Sequence[float] = (1.0, 0.5, 0.25), **more: Any) -> Path:
    salt = more.pop("salt", 0)
    return kept(folder, training(losses, salt), losses=losses, level="op", **more)


def document(*places: Path, record: bool = True) -> dict[str, Any]:
    found = report_of(
        [(place, record and place.is_dir()) for place in places], [place.name for place in places]
    )
    json.dumps(found, allow_nan=False)
    assert page(found)
    return found


def described() -> dict[str, list[str]]:
    """The keys that the documentation gives the report, and a curve."""
    text = Path("docs/reference/report.md").read_text("utf-8")
    rows = re.findall(r"^\| (`.*?) \|", text, re.MULTILINE)
    curve = text[text.index("A curve is") :].partition(".")[0]
    return {"report": re.findall(r"`(\w+)`", " ".join(rows)), "curve": re.findall(r"`(\w+)`", curve)}


def test_the_keys_are_those_of_the_documentation(tmp_path: Path) -> None:
    found = document(run(tmp_path / "a"), run(tmp_path / "b", (1.0, 0.5, 0.75)))
    assert set(described()["report"]) == found.keys()
    assert (found["format"], found["version"]) == ("samebits.report", 1)
    assert found["curves"][0].keys() <= set(described()["curve"])
    assert list(found["runs"][0]) == [
        "label", "name", "path", "kind", "command", "created", "status", "steps",
    ]  # fmt: skip


def test_runs_that_agree(tmp_path: Path) -> None:
    found = document(run(tmp_path / "a"), run(tmp_path / "b"))
    assert found["word"] == "same"
    assert found["strip"] == [[0, 3, -1]]
    assert [(one["loss"], one["parameters"]) for one in found["weights"]] == [(True, True)]
    assert found["first"] is None
    assert found["operations"] == []
    assert found["modules"]["gradient"] == [[0.0, 0.0, 0.0]]
    loss, norm = found["curves"]
    assert (loss["name"], norm["name"]) == ("loss", "gradient norm")
    assert loss["values"] == [[1.0, 0.5, 0.25]] * 2
    assert (loss["first"], loss["sentence"]) == (None, "identical to the bit, 3 values")


def test_runs_that_part(tmp_path: Path) -> None:
    found = document(run(tmp_path / "a"), run(tmp_path / "b", (1.0, 0.5, 0.75)))
    assert found["word"] == "diverged"
    assert found["first"]["step"] == 2
    assert found["layers"][found["strip"][-1][2]] == "loss"
    assert found["strip"][0] == [0, 2, -1]
    assert [row["first"] for row in found["operations"]].count(True) == 1
    assert found["curves"][0]["first"] == 2
    assert found["metrics"][0] == {
        "name": "loss", "points": 3, "verdict": "differs",
        "sentence": "differs from step 2 on in 1 of 3 values, at most 0.5 at step 2, at the end 0.5 (67 %)",
    }  # fmt: skip


def test_runs_of_one_id(tmp_path: Path) -> None:
    """A laptop's first run of a day and a cluster's: the picture is of both, not of one beside itself."""
    found = document(run(tmp_path / "laptop/20250102-1"), run(tmp_path / "cluster/20250102-1", salt=7))
    assert found["word"] == "diverged"
    assert found["layers"][found["strip"][0][2]] == "gradients"
    third = run(tmp_path / "other/20250102-1", salt=7)
    found = document(run(tmp_path / "x/20250102-1"), run(tmp_path / "y/20250102-1"), third)
    assert found["word"] == "diverged"
    assert found["first"] is not None
    assert found["strip"] == []  # of which two, the verdict does not say


def test_of_several_the_pair_that_the_verdict_is_about(tmp_path: Path) -> None:
    found = document(run(tmp_path / "a"), run(tmp_path / "b"), run(tmp_path / "c", (2.0, 0.5, 0.25)))
    assert [one["label"] for one in found["runs"]] == ["A", "B", "C"]
    assert found["strip"][0] == [0, 1, found["layers"].index("loss")]
    assert found["curves"][0]["values"][2][0] == 2.0


def test_a_record_beside_a_log(tmp_path: Path) -> None:
    """By what both logged: the losses."""
    log = tmp_path / "log.csv"
    log.write_text("step,loss\n0,1.0\n1,0.5\n2,0.125\n")
    found = document(run(tmp_path / "a"), log)
    assert found["word"] == "diverged"
    assert found["headline"] == "loss differs first, at step 2"
    assert [one["kind"] for one in found["runs"]] == ["record", "CSV"]
    assert found["runs"][1] == {
        "label": "B", "name": "log.csv", "path": str(log), "kind": "CSV", "command": None, "created": None,
        "status": None, "steps": 3,
    }  # fmt: skip
    assert (found["strip"], found["modules"], found["first"]) == ([], None, None)


def test_logs_alone(tmp_path: Path) -> None:
    for name, last in (("a.jsonl", "NaN"), ("b.jsonl", "Infinity"), ("c.jsonl", "2.0")):
        (tmp_path / name).write_text(f'{{"step": 0, "loss": 0.5}}\n{{"step": 1, "loss": {last}}}\n')
    found = document(*(tmp_path / name for name in ("a.jsonl", "b.jsonl", "c.jsonl")))
    assert found["word"] == "diverged"
    assert found["curves"][0]["values"] == [[0.5, "nan"], [0.5, "inf"], [0.5, 2.0]]


def test_records_without_losses(tmp_path: Path) -> None:
    """A rank's record alone has no curve, and is compared all the same."""
    rows = [[("op", "aten::mm", 1)]]
    found = document(*(kept(tmp_path / name, rows, process="rank1", level="op") for name in "ab"))
    assert found["curves"] == []
    assert found["strip"] == [[0, 1, -1]]
    assert found["runs"][0]["kind"] == "record"


def test_empty_records(tmp_path: Path) -> None:
    found = document(kept(tmp_path / "a", []), kept(tmp_path / "b", []))
    assert found["word"] == "incomplete"
    assert (found["strip"], found["curves"], found["modules"]) == ([], [], None)
    assert found["headline"] in found["notes"][-1]


def test_hostile_text_is_carried_as_text(tmp_path: Path) -> None:
    hostile = "</script>\x1b[2J\u202e\ud800"
    a = kept(tmp_path / "a", [[("gradient", hostile, 1), ("op", hostile, 1)]], info={"argv": [hostile]})
    found = document(a, kept(tmp_path / "b", [[("gradient", hostile, 2), ("op", hostile, 1)]]))
    assert found["runs"][0]["command"] == hostile
    assert found["modules"]["names"] == [hostile]


def test_fewer_than_two(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="at least two"):
        document(run(tmp_path / "a"))


def test_a_damaged_record(tmp_path: Path) -> None:
    a, b = run(tmp_path / "a"), run(tmp_path / "b")
    (b / "main.db").write_bytes(b"nothing")
    with pytest.raises(RecordError, match="not a record"):
        document(a, b)


def test_a_verdict_on_a_program_that_failed(tmp_path: Path) -> None:
    """One run of it is there: the report says so, though there is nothing to lay beside it."""
    run(tmp_path / "a")
    found = report_of_verdict(failed(["a"], "the program failed with exit code 3\nTraceback"), tmp_path)
    assert (found["word"], found["headline"]) == ("failed", "the program failed with exit code 3")
    assert [one["label"] for one in found["runs"]] == ["A"]
    assert found["curves"] == []
    assert page(found)


def test_the_report_of_a_verdict_leaves_out_what_was_run_again(tmp_path: Path) -> None:
    """And when it is made later, it has what was kept of it."""
    for name, salt, zoom in (("r1", 0, None), ("r2", 1, None), ("r3", 0, [0, 1]), ("r4", 1, [0, 1])):
        info = {"verify": "v", "zoom": zoom, "created": f"2025-01-02T10:00:0{name[1]}+00:00"}
        run(tmp_path / name, salt=salt, info=info)
    with Run.open(tmp_path / "r1") as a, Run.open(tmp_path / "r2") as b:
        verdict = compare_all([a, b])
    found = report_of_verdict(verdict, tmp_path)
    assert [one["name"] for one in found["runs"]] == ["r1", "r2"]
    assert document(tmp_path / "r1", tmp_path / "r2")["rests_on"] == verdict.compared
    with Run.open(tmp_path / "r3") as a, Run.open(tmp_path / "r4") as b:
        closeup.keep(closer(verdict, compare_all([a, b])), tmp_path / "r1")
    later = document(tmp_path / "r1", tmp_path / "r2")
    assert "Run again around the place" in later["rests_on"]
    assert later["strip"] == found["strip"] == [[0, 3, later["layers"].index("gradients")]]


def trained(noise: float) -> None:
    """Two steps; the noise comes at the second."""
    import torch

    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Linear(4, 1))
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    for step in range(2):
        batch = torch.ones(8, 4) + torch.rand(8, 4)
        loss = net(batch * (1 + step * noise)).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


@pytest.mark.parametrize("noise", [0.0, 0.5])
def test_of_something_that_ran(observe: Record, generators_restored: None, noise: float) -> None:
    """Observed per operation, twice: alike, and with a difference from the second step on."""
    with observe(level="op") as a:
        trained(0.0)
    with observe(level="op") as b:
        trained(noise)
    found = document(a.folder, b.folder)
    (loss,) = (curve for curve in found["curves"] if curve["name"] == "loss")
    (draws,) = (one for one in found["generators"] if one["name"] == "torch:cpu")
    assert draws["a"] == draws["b"]
    assert draws["a"][:2] == [3, 1]  # two tensors and a batch, then a batch
    assert loss["dtype"] == "float32"
    assert set(draws["same"]) <= {True, None}
    if not noise:
        assert found["word"] == "same"
        assert {layer for _, _, layer in found["strip"]} == {-1}
        assert found["modules"]["parameter"] == [[0.0, 0.0, 0.0]]
        return
    assert found["word"] == "diverged"
    assert (found["first"]["step"], found["first"]["op"]) == (1, "aten::mul")
    assert loss["first"] == 1
    assert [row["a"]["name"] for row in found["operations"] if row["first"]] == ["aten::mul"]
    assert found["strip"][0] == [0, 1, -1]
    assert found["layers"][found["strip"][1][2]] == "loss"
    assert found["layers"][found["strip"][-1][2]] == "parameters"
    (row,) = found["modules"]["gradient"]
    assert row[0] == 0
    assert 0 < row[1] < 1
    assert [(one["loss"], one["parameters"]) for one in found["weights"]][:2] == [
        (True, True),
        (False, False),
    ]


def test_write_report(tmp_path: Path) -> None:
    run(tmp_path / "r1", salt=0)
    run(tmp_path / "r2", salt=1)
    with Run.open(tmp_path / "r1") as first:
        found = write_report(tmp_path / "report.html", first, tmp_path / "r2")
    assert found["word"] == "diverged"
    assert (tmp_path / "report.html").read_text("utf-8").startswith("<!doctype html>")
    with pytest.raises(UsageError, match="at least two"):
        write_report(tmp_path / "none.html", tmp_path / "r1")
    assert not (tmp_path / "none.html").exists()
