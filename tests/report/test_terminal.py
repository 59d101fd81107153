"""What a person reads: the words, the width, and that hostile text cannot act on a terminal."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from rich.console import Console

from samebits._runtime.text import clean
from samebits.compare import Finding, Place, Verdict, failed
from samebits.model.divergence import Difference, EnvironmentDifference
from samebits.model.finding import Edit
from samebits.model.sites import Site
from samebits.report.terminal import print_verdict

_PLACE = Place(
    rank=0,
    process="main",
    thread=0,
    step=0,
    phase="backward",
    op="aten::index_put",
    change="value",
    module="encoder.embed",
    node="IndexBackward0",
    file="train.py",
    line=2,
    function="forward",
    difference=Difference(96, 96, 1.5e-5, 14),
)
_DIVERGED = Verdict(
    "diverged",
    ("a", "b"),
    steps=6,
    events=420,
    operations=400,
    processes=("main",),
    compared="6 steps, 400 operations.",
    first=_PLACE,
    causes=(
        Finding(
            0.97,
            Site("train.py", 2),
            "both runs gave it the same inputs, bit for bit, and got other results; its kernel adds in an "
            "order that threads decide.",
            "torch.use_deterministic_algorithms(True)  # once, before training; has an effect on the CPU "
            "too, yes",
            "nondeterministic-kernel",
        ),
        Finding(0.2, Site("load.py", 7), "threads are started.", "do not", "completion-order"),
    ),
    sources={"train.py": "import torch\nout = table[index]\n"},
)


def _shown(verdict: Verdict, *, width: int = 80, terminal: bool = False, no_color: bool = True) -> str:
    out = io.StringIO()
    console = Console(file=out, width=width, force_terminal=terminal, no_color=no_color)
    print_verdict(verdict, console)
    return out.getvalue()


def test_same_in_one_line() -> None:
    verdict = Verdict("same", ("a", "b"), steps=120, events=50_000, operations=48_210, compared="All.")
    assert _shown(verdict).splitlines()[0] == ("SAME  2 runs, 120 steps, 48,210 operations: every bit agrees")


def test_diverged_says_where_why_and_what_to_do() -> None:
    text = _shown(_DIVERGED)
    for words in (
        "DIVERGED  first at step 0, aten::index_put, train.py:2",
        "operation aten::index_put",
        "at        step 0, backward",
        "line      train.py:2 in forward",
        "out = table[index]",
        "module    encoder.embed",
        "differs   96 of 96 elements, by at most 1.5e-05 and 14 ULP",
        "1. nondeterministic-kernel  97% sure  train.py:2",
        "torch.use_deterministic_algorithms(True)  # once, before training; has an effect on the CPU too, "
        "yes",
        "2. completion-order  20% sure  load.py:7",
    ):
        assert words in text, words


@pytest.mark.parametrize("change", ["missing", "extra", "replaced", "end"])
def test_how_the_runs_part(change: str) -> None:
    assert "how       " in _shown(replace(_DIVERGED, first=replace(_PLACE, change=change, difference=None)))


def test_prose_keeps_to_the_width_of_a_terminal() -> None:
    lines = _shown(_DIVERGED, terminal=True).splitlines()
    code = [line for line in lines if "use_deterministic" in line]
    assert max(len(line) for line in lines if line not in code) <= 80


def test_without_causes_it_says_what_is_known() -> None:
    text = _shown(replace(_DIVERGED, causes=(), unexplained="What is known: nothing. Try: samebits verify x"))
    assert "The evidence does not show the cause." in text
    assert "What is known: nothing. Try: samebits verify x" in text


def test_what_a_person_would_say() -> None:
    place = replace(
        _PLACE,
        op="aten::lift_fresh",
        module="encoder.0",
        module_class="Linear",
        file="/opt/env/lib/python3.12/site-packages/lightning/pytorch/loop.py",
        difference=Difference(4, 4, 6.28, 2_157_067_321, far=4),
    )
    text = _shown(replace(_DIVERGED, first=place), width=120)
    assert "DIVERGED  first at step 0, torch.tensor / torch.from_numpy, lightning/pytorch/loop.py:2" in text
    assert "operation torch.tensor / torch.from_numpy" in text
    assert "line      lightning/pytorch/loop.py:2 in forward" in text
    assert "module    encoder.0 (Linear)" in text
    assert "differs   4 of 4 elements, by at most 6.28: unrelated values" in text
    assert "2,157" not in text
    assert place.as_json()["op"] == "aten::lift_fresh"
    assert place.as_json()["file"] == place.file


def test_a_root_is_said_once() -> None:
    assert replace(_PLACE, module="Reader", module_class="Reader").module_said == "Reader"
    assert replace(_PLACE, module="GAN#2.0", module_class=None).module_said == "GAN#2.0"


def test_two_commands_are_said_first() -> None:
    row = EnvironmentDifference("argv", ["t.py", "1"], ["t.py", "2"], True)
    verdict = replace(_DIVERGED, environment=(row,), commands=("t.py --every 1", "t.py --every 2"))
    text = _shown(verdict)
    assert text.index("not one command:\n  t.py --every 1\n  t.py --every 2") < text.index("First difference")
    assert "did not run on the same thing" not in text


def test_environment_and_second_place_and_notes() -> None:
    row = EnvironmentDifference("torch.threads", 1, 2, True)
    verdict = replace(_DIVERGED, environment=(row,), second_place=replace(_PLACE, step=3), notes=("a note",))
    text = _shown(verdict)
    assert "torch.threads: 1 | 2" in text
    assert "diverged elsewhere: step 3" in text
    assert "Note: a note" in text


def test_failed() -> None:
    text = _shown(failed(("a",), "run a failed with exit code 3", exit_code=3))
    assert text.startswith("FAILED  run a failed with exit code 3")
    assert "exit code 3" in text


def test_a_fix_says_where_it_is_pasted() -> None:
    edits = tuple(Edit("train.py", line, "x") for line in (1, 1, 2))
    verdict = replace(_DIVERGED, causes=(replace(_DIVERGED.causes[0], edits=edits),))
    assert "     Fix at train.py:1, train.py:2:\n" in _shown(verdict)
    edits = tuple(Edit("train.py", line, "x") for line in range(1, 9))
    verdict = replace(_DIVERGED, causes=(replace(_DIVERGED.causes[0], edits=edits),))
    assert "     Fix at train.py:1, train.py:2, train.py:3, ...:\n" in _shown(verdict)
    assert "     Fix:\n" in _shown(_DIVERGED)


def test_hostile_text_does_nothing() -> None:
    bad = "\x1b[2J\x1b]0;owned\x07 [red]x[/red] \u202eevil\r\n\x9b31m"
    place = replace(_PLACE, op=bad, module=bad, function=bad, file=bad, phase=bad, node=bad)
    cause = Finding(0.9, Site(bad, 1), bad, bad, bad, (Edit(bad, 1, bad),))
    verdict = replace(
        _DIVERGED,
        first=place,
        causes=(cause,),
        notes=(bad,),
        compared=bad,
        environment=(EnvironmentDifference(bad, bad, bad, True),),
        sources={bad: f"{bad}\n{bad}\n"},
    )
    text = _shown(verdict)
    assert not any(character in text for character in "\x1b\x07\r\x9b\u202e")
    assert "[red]x[/red]" in text
    assert "\\x1b[2J" in text
    assert len(clean("x" * 10_000)) < 2100


def test_quiet_is_one_line_and_verbose_leaves_nothing_out() -> None:
    def shown(detail: str) -> str:
        notes = tuple(f"note {number}" for number in range(30))
        rows = tuple(
            EnvironmentDifference(key=f"k{number}", a="1", b="2", matters=number > 2) for number in range(30)
        )
        causes = tuple(replace(_DIVERGED.causes[0], cause=f"cause-{number}") for number in range(5))
        stream = io.StringIO()
        verdict = replace(_DIVERGED, notes=notes, environment=rows, causes=causes)
        print_verdict(verdict, Console(file=stream, width=100, no_color=True), detail=detail)  # type: ignore[arg-type]
        return stream.getvalue()

    assert shown("quiet") == shown("normal").splitlines(keepends=True)[0]
    assert "and 24 more notes, with -v" in shown("normal")
    assert "cause-4" not in shown("normal")
    for text in (*(f"note {n}" for n in range(30)), *(f"k{n}: 1 | 2" for n in range(30)), "cause-4"):
        assert text in shown("verbose")
