"""A baseline: what it hides, that it holds while lines move, and what it says of what is gone."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from samebits import UsageError
from samebits.audit import audit_paths
from samebits.audit.baseline import Baseline, KnownFinding
from samebits.audit.texts import Texts

pytestmark = pytest.mark.usefixtures("planted")

TEXT = "import os\nx = os.listdir(a)\ny = 1\nx = os.listdir(a)\n"


def found() -> tuple[list, Texts]:
    return list(audit_paths(["."], cache=False).findings), Texts()


def written(path: str = "known.json") -> Path:
    Path(path).write_bytes(Baseline.of(Path(path), *found()).data())
    return Path(path)


def test_it_hides_what_it_has_wherever_the_lines_are() -> None:
    Path("a.py").write_text(TEXT)
    baseline = Baseline.read(written())
    assert {one.occurrence for one in baseline.known} == {1, 2}
    assert baseline.new(*found()) == []
    Path("a.py").write_text("# more\n\n" + TEXT.replace("y = 1", "y = os.listdir(b)"))
    new = baseline.new(*found())
    assert [finding.site.line for finding in new if finding.site] == [5]


def test_one_more_of_a_kind_is_new() -> None:
    Path("a.py").write_text(TEXT)
    baseline = Baseline.read(written())
    Path("a.py").write_text(TEXT + "    \nx = os.listdir(a)\n")
    assert len(baseline.new(*found())) == 1


def test_one_more_place_of_a_finding_is_new() -> None:
    Path("a.py").write_text("by_hand()\n")
    before = written().read_text()
    baseline = Baseline.read(Path("known.json"))
    findings, texts = found()
    hit = findings[0].hit
    more = [replace(findings[0], hit=replace(hit, places=(*hit.places, (hit.place, "here, too"))))]
    assert baseline.new(findings, texts) == []
    assert baseline.new(more, texts) == more
    Path("known.json").write_text(before.replace(',\n   "places": 1', ""))  # an older one
    assert Path("known.json").read_text() != before
    assert Baseline.read(Path("known.json")).new(more, texts) == []


def test_what_is_gone_is_said_where_it_was_looked_for() -> None:
    Path("a.py").write_text(TEXT)
    Path("b.py").write_text(TEXT)
    baseline = Baseline.read(written())
    Path("a.py").write_text("import os\nx = os.listdir(a)\n")
    findings, texts = found()
    gone = [KnownFinding("listing", "a.py", "x = os.listdir(a)", 2)]
    assert baseline.gone(findings, texts, {"listing"}, ["a.py", "b.py"]) == gone
    assert baseline.gone([], texts, {"listing"}, []) == []
    assert baseline.gone([], texts, {"number"}, ["a.py"]) == []
    Path("b.py").unlink()
    assert len(baseline.gone([], texts, {"listing"}, [])) == 2


def test_files_are_named_from_its_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("inner").mkdir()
    Path("inner/a.py").write_text(TEXT)
    path = written().absolute()
    monkeypatch.chdir("inner")
    assert Baseline.read(path).new(*found()) == []


def test_it_is_the_same_again() -> None:
    Path("a.py").write_text(TEXT)
    assert written().read_bytes() == written().read_bytes()
    document = json.loads(written().read_text())
    assert (document["format"], document["version"], len(document["findings"])) == (
        "samebits.audit-baseline",
        1,
        2,
    )


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "is no baseline"),
        ("[]", "is no baseline"),
        ('{"format": "samebits.audit", "version": 1}', "another format or version"),
        ('{"format": "samebits.audit-baseline", "version": 2}', "another format or version"),
        ('{"format": "samebits.audit-baseline", "version": 1, "findings": [{}]}', "no list of findings"),
    ],
)
def test_what_is_refused(text: str, sentence: str) -> None:
    Path("known.json").write_text(text)
    with pytest.raises(UsageError, match=sentence):
        Baseline.read(Path("known.json"))
    with pytest.raises(
        UsageError, match=r"there is no baseline 'none\.json'; `samebits audit --write-baseline"
    ):
        Baseline.read(Path("none.json"))
    with pytest.raises(UsageError, match="cannot be read"):
        Baseline.read(Path("."))
