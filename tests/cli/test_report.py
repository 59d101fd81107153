"""`samebits report`, and `samebits verify --report`: one page of runs, and nothing else is touched."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import webbrowser
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from samebits import launch
from samebits.cli import _output
from samebits.compare.judge import compare_all
from samebits.compare.verdict import Verdict, failed
from samebits.record.run import Run as Opened

from ..compare.written import Told, kept
from .conftest import Answer, Below
from .conftest import Verdict as FakeVerdict

pytestmark = pytest.mark.usefixtures("folder")

Run = Callable[..., Answer]
BLOCK = re.compile(r'<script[^>]*type="application/json"[^>]*>(.*?)</script>', re.DOTALL)


def training(*losses: float) -> list[list[Told]]:
    return [[("loss", "loss", int(value * 1024)), ("parameter", "net.w", step)]
            for step, value in enumerate(losses)]  # fmt: skip


def keep(name: str, *losses: float, out: str = ".samebits", **info: Any) -> None:
    created = f"2025-01-02T10:00:{len(list(Path(out).glob('*'))):02}+00:00"
    kept(Path(out, name), training(*losses), losses=losses, info={"created": created} | info)


def embedded(page: Path) -> dict[str, Any]:
    (block,) = BLOCK.findall(page.read_text("utf-8"))
    found = json.loads(block, parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))
    assert isinstance(found, dict)
    return found


def everything() -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in Path().rglob("*") if path.is_file()}


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the browser was asked to show."""
    asked: list[str] = []
    monkeypatch.setattr(webbrowser, "open", lambda address: asked.append(address) or True)
    return asked


@pytest.mark.parametrize(
    ("b", "code", "word"), [((1.0, 0.5), 0, "same"), ((1.0, 0.25), 1, "diverged"), ((1.0,), 2, "incomplete")]
)
def test_exit_codes_and_files(
    samebits: Run, shown: list[str], b: tuple[float, ...], code: int, word: str
) -> None:
    """The page and the JSON say the same, and nothing else has been written or changed."""
    keep("a1", 1.0, 0.5)
    keep("b2", *b, status="finished" if len(b) == 2 else "timeout")
    before = everything()
    answer = samebits("report", "a1", "b2", "--json", "r.json")
    assert (answer.code, answer.err) == (code, "")
    assert answer.out.splitlines()[0].startswith(word.upper() + "  ")
    assert answer.out.splitlines()[-1] == "report: report.html"
    after = everything()
    document = json.loads(after.pop("r.json"))
    assert document == embedded(Path("report.html"))
    assert document["word"] == word
    after.pop("report.html")
    assert after == before
    assert shown == []


def test_json_on_stdout_is_alone_there(samebits: Run) -> None:
    keep("a1", 1.0)
    keep("b2", 1.0)
    answer = samebits("report", "a1", "b2", "-o", "x.html", "--json", "-")
    assert json.loads(answer.out)["word"] == "same"
    assert answer.err.splitlines()[-1] == "report: x.html"


def test_quiet_says_nothing(samebits: Run) -> None:
    keep("a1", 1.0)
    keep("b2", 2.0)
    assert samebits("report", "a1", "b2", "-q") == Answer(1, "", "")
    assert "rests" not in samebits("report", "a1", "b2", "-v").out
    assert "1 loss" in samebits("report", "a1", "b2", "-v").out


def test_without_arguments_it_is_the_last_verification(samebits: Run) -> None:
    """Its runs, in the order in which they were made, without those that were run again."""
    for name, verify, zoom in (("r1", "old", None), ("r2", "old", None), ("r3", "new", None),
                               ("r4", "new", None), ("r5", "new", [0, 1]), ("r6", None, None)):  # fmt: skip
        keep(name, 1.0, verify=verify, zoom=zoom)
    assert samebits("report").code == 0
    assert [run["name"] for run in embedded(Path("report.html"))["runs"]] == ["r3", "r4"]


def test_without_a_verification(samebits: Run) -> None:
    keep("r1", 1.0)
    for words in (("report",), ("report", "--out", "nowhere")):
        answer = samebits(*words)
        assert (answer.code, answer.err.count("\n")) == (2, 1)
        assert "give two runs or logs: samebits report A B" in answer.err
    assert not Path("report.html").exists()


def test_a_verification_of_which_one_run_is_left(samebits: Run) -> None:
    keep("r1", 1.0, verify="v")
    answer = samebits("report")
    assert (answer.code, answer.err.count("\n")) == (2, 1)
    assert not Path("report.html").exists()


def test_a_record_beside_a_log(samebits: Run) -> None:
    keep("a1", 1.0, 0.5)
    Path("log.jsonl").write_text('{"step": 0, "loss": 1.0}\n{"step": 1, "loss": 0.5}\n')
    answer = samebits("report", "a1", "log.jsonl")
    assert answer.code == 0
    assert [run["kind"] for run in embedded(Path("report.html"))["runs"]] == ["record", "JSON lines"]


def test_a_record_without_losses_beside_a_log(samebits: Run) -> None:
    kept(Path(".samebits/w1"), training(1.0), process="rank1")
    Path("log.jsonl").write_text('{"step": 0, "loss": 1.0}\n')
    answer = samebits("report", "w1", "log.jsonl")
    assert (answer.code, answer.err.count("\n")) == (2, 1)
    assert "the losses are in main's or rank0's" in answer.err
    assert not Path("report.html").exists()


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["a1"], "a report needs two runs or more"),
        (["a1", "b2", "-o", "r.pdf"], "does not end with .html"),
        (["a1", "b2", "-o", ""], "does not end with .html"),
        (["a1", "b2", "-o", "-"], "does not end with .html"),
        (["a1", "b2", "-o", "gone/r.html"], "there is no folder 'gone'"),
        (["a1", "b2", "-o", "made.html"], "is a folder"),
        (["a1", "b2", "--json", "gone/r.json"], "there is no folder 'gone'"),
        (["a1", "nothing"], "no run 'nothing'"),
        (["a1", "b2", "--frob"], "--frob"),
        (["a1", "b2", "-o", "n" * 300 + ".html"], "File name too long"),
        (["a1", "b2", "--json", "report.html"], "is given for two files"),
        (["a1", "loss.csv", "--json", "loss.csv"], "is one of what is read"),
        (["a1", "logs", "--json", "logs/metrics.csv"], "is one of what is read"),
        (["a1", "gone/loss.csv"], "there is no file or folder 'gone/loss.csv'"),
    ],
)
def test_bad_usage_is_refused_before_anything_is_written(samebits: Run, words: list[str], why: str) -> None:
    keep("a1", 1.0)
    keep("b2", 2.0)
    Path("made.html").mkdir()
    Path("logs").mkdir()
    for log in ("loss.csv", "logs/metrics.csv"):
        Path(log).write_text("step,loss\n0,1.0\n")
    before = everything()
    answer = samebits("report", *words)
    assert (answer.code, answer.out, answer.err.count("\n")) == (2, "", 1)
    assert why in answer.err
    assert everything() == before


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written_to(samebits: Run) -> None:
    keep("a1", 1.0)
    keep("b2", 2.0)
    Path("locked").mkdir(mode=0o555)
    assert "cannot be written to" in samebits("report", "a1", "b2", "-o", "locked/r.html").err


def test_an_existing_page_is_whole_or_the_old_one(samebits: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that is full leaves what there was; else it is replaced, and keeps its mode."""
    keep("a1", 1.0)
    keep("b2", 1.0)
    Path("report.html").write_text("old")
    Path("report.html").chmod(0o640)

    def full(path: Path, data: bytes) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(_output, "write_there", full)
        answer = samebits("report", "a1", "b2")
    assert (answer.code, answer.err.count("\n")) == (2, 1)
    assert "'report.html' could not be written: No space left on device" in answer.err
    assert Path("report.html").read_text() == "old"
    assert samebits("report", "a1", "b2").code == 0
    assert embedded(Path("report.html"))["word"] == "same"
    assert Path("report.html").stat().st_mode & 0o777 == 0o640
    assert sorted(path.name for path in Path().iterdir()) == [".samebits", "report.html", "train.py"]


def test_open(samebits: Run, shown: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    keep("a1", 1.0)
    keep("b2", 1.0)
    assert samebits("report", "a1", "b2", "-o", "r ö.html", "--open").code == 0
    assert shown == [Path("r ö.html").absolute().as_uri()]
    monkeypatch.setattr(webbrowser, "open", lambda address: False)
    answer = samebits("report", "a1", "b2", "--open")
    assert (answer.code, answer.err) == (
        0, "samebits: no browser could be opened; the report is report.html\n",
    )  # fmt: skip


def test_hostile_names_are_shown_as_escapes(samebits: Run) -> None:
    name = "x\x1b[2J\u202e.jsonl"
    for file in (name, "b.jsonl"):
        Path(file).write_text(json.dumps({"step": 0, "\x1b[31m</script>": len(file)}))
    answer = samebits("report", name, "b.jsonl", "-o", "\x1b[2J.html")
    assert answer.code == 1
    assert all(one == "\n" or one.isprintable() for one in answer.out + answer.err)
    assert embedded(Path("\x1b[2J.html"))["runs"][0]["name"] == name


def test_neither_torch_nor_the_logger_is_needed(folder: Path) -> None:
    keep("a1", 1.0)
    keep("b2", 0.5)
    program = (
        "import sys; sys.modules['torch'] = sys.modules['tensorboard'] = None\n"
        "from samebits.cli.main import main; main(['report', 'a1', 'b2'])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "")
    assert embedded(folder / "report.html")["word"] == "diverged"


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--open"], "give --report report.html, too"),
        (["--report", "r.pdf"], "does not end with .html"),
        (["--report", "gone/r.html"], "there is no folder 'gone'"),
    ],
)
def test_verify_refuses_before_anything_runs(samebits: Run, below: Below, words: list[str], why: str) -> None:
    answer = samebits("verify", *words, "train.py")
    assert (answer.code, answer.err.count("\n")) == (2, 1)
    assert why in answer.err
    assert below.calls == []


def test_verify_without_runs_writes_no_page(samebits: Run, below: Below) -> None:
    below.verdict = FakeVerdict("failed", 2)
    assert samebits("verify", "--report", "r.html", "train.py").code == 2
    assert not Path("r.html").exists()


def test_verify_writes_the_page_of_its_verdict(
    samebits: Run, shown: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also with --json -, where it is told on the standard error; and a later report says the same."""
    keep("a1", 1.0, 0.5, verify="v")
    keep("b2", 1.0, 0.25, verify="v")

    def verify(program: object, **options: object) -> Verdict:
        with Opened.open(Path(".samebits/a1")) as a, Opened.open(Path(".samebits/b2")) as b:
            return compare_all([a, b])

    monkeypatch.setattr(launch, "verify", verify)
    answer = samebits("verify", "--report", "v.html", "--open", "--json", "-", "train.py")
    assert (answer.code, answer.err.splitlines()[-1]) == (1, "report: v.html")
    assert json.loads(answer.out)["verdict"] == "diverged"
    assert shown == [Path("v.html").absolute().as_uri()]
    assert samebits("verify", "-q", "--report", "q.html", "train.py").out.count("\n") == 1
    assert samebits("report", "-o", "later.html").code == 1
    pages = [embedded(Path(name)) for name in ("v.html", "q.html", "later.html")]
    for page in pages:
        page.pop("created")
    assert pages[0] == pages[1] == pages[2]


def test_verify_of_a_program_that_failed_writes_a_page(
    samebits: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One run is all there is of it."""
    keep("a1", 1.0, status="failed", exit_code=3)
    monkeypatch.setattr(launch, "verify", lambda *_, **__: failed(["a1"], "the program failed", exit_code=3))
    answer = samebits("verify", "--report", "v.html", "train.py")
    assert (answer.code, answer.err) == (2, "")
    assert embedded(Path("v.html"))["word"] == "failed"
