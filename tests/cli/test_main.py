"""The group: what is common to every command."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable

import pytest

import samebits as package
from samebits.cli.main import commands

from .conftest import Answer

Run = Callable[..., Answer]


def test_version(samebits: Run) -> None:
    answer = samebits("--version")
    assert (answer.code, answer.out) == (0, f"samebits {package.__version__}\n")


@pytest.mark.parametrize("words", [[], ["--help"], ["-h"]])
def test_help_lists_every_command(samebits: Run, words: list[str]) -> None:
    answer = samebits(*words)
    assert answer.code == 0
    for name, line in commands().items():
        assert f"{name} " in answer.out
        assert line in answer.out


def test_the_order_of_help() -> None:
    """By `ORDER` in their files, not by name."""
    first = ["run", "verify", "record", "compare", "runs", "show", "rm", "prune", "ops", "completion"]
    assert [name for name in commands() if name in first] == first
    assert all(line.endswith(".") for line in commands().values())


@pytest.mark.parametrize("name", list(commands()))
def test_every_command_has_help_with_examples(samebits: Run, name: str) -> None:
    answer = samebits(name, "--help")
    assert answer.code == 0
    assert f"  samebits {name}" in answer.out
    assert "Examples:" in answer.out


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["verfiy", "train.py"], "No such command 'verfiy'. Did you mean verify?"),
        (["recrod"], "No such command 'recrod'. Did you mean record?"),
        (["frobnicate"], f"No such command 'frobnicate'. There are {', '.join(commands())}."),
        (
            ["train.py", "--epochs", "1"],
            "a command comes first: `samebits verify train.py`, or run, or record",
        ),
        (["nb.ipynb"], "a command comes first: `samebits verify nb.ipynb`"),
        (["verify", "--sed", "3", "train.py"], "'--seed'"),
        (["runs", "--jsno", "-"], "'--json'"),
        (["runs", "--json"], "--json takes the file to write, or - for the standard output: --json -"),
    ],
)
def test_a_word_that_is_misspelt_or_missing(samebits: Run, words: list[str], sentence: str) -> None:
    answer = samebits(*words)
    assert answer.code == 2
    assert sentence in answer.err
    assert answer.err.count("\n") == 1


@pytest.mark.parametrize("name", list(commands()))
def test_every_command_says_its_exit_codes(samebits: Run, name: str) -> None:
    assert "Exit code:" in samebits(name, "--help").out


#: What of a command takes a program or has nothing to write.
WITHOUT_JSON = {"run", "completion"}


@pytest.mark.parametrize("name", sorted(set(commands()) - WITHOUT_JSON))
def test_json_means_the_same_in_every_command(samebits: Run, name: str) -> None:
    assert "--json PATH|-" in samebits(name, "--help").out
    for wrong in ("train.py", "nb.ipynb", "", "-x", "."):
        answer = samebits(name, f"--json={wrong}")
        assert answer.code == 2
        assert "for '--json'" in answer.err


def test_unknown_option(samebits: Run) -> None:
    answer = samebits("--frobnicate")
    assert answer.code == 2
    assert answer.err.count("\n") == 1


@pytest.mark.parametrize("words", ["runs --json -", "--help", "--version", "runs --help"])
def test_a_reader_that_leaves_is_no_divergence(words: str) -> None:
    read, write = os.pipe()
    os.close(read)
    try:
        command = [sys.executable, "-m", "samebits", *words.split()]
        done = subprocess.run(command, stdout=write, stderr=subprocess.PIPE, text=True, check=False)
    finally:
        os.close(write)
    assert done.returncode == 2
    assert done.stderr == ""


def test_module_entry() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "samebits", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout == f"samebits {package.__version__}\n"


def test_an_interrupt_is_one_sentence(samebits: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*given: object, **more: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("samebits.cli.runs.runs.callback", interrupted)
    answer = samebits("runs")
    assert (answer.code, answer.err) == (130, "samebits: interrupted\n")


def test_an_interrupt_while_it_is_loaded() -> None:
    program = (
        "import sys\n"
        "class Finder:\n"
        "    def find_spec(self, name, *more):\n"
        "        if name == 'samebits.cli._output': raise KeyboardInterrupt\n"
        "sys.meta_path.insert(0, Finder())\n"
        "from samebits.__main__ import main\n"
        "main()"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "samebits: interrupted\n")
