"""The documents: every quoted command is one samebits accepts, every Python example runs, no link is dead."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest

from samebits.cli import _program
from samebits.cli.main import app

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
NAMES = [str(document.relative_to(ROOT)) for document in DOCUMENTS]

#: A block with a second word after its language is run by who knows that word: tests/guides.
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def blocks(language: str) -> list[tuple[str, str]]:
    """(document, text) of every block of a language."""
    return [
        (name, text)
        for name, document in zip(NAMES, DOCUMENTS, strict=True)
        for kind, text in BLOCK.findall(document.read_text("utf-8"))
        if kind == language
    ]


COMMANDS = sorted(
    {
        line[2:].strip()
        for _, text in blocks("console")
        for line in text.splitlines()
        if line.startswith("$ samebits ")
    }
)


def test_there_are_commands_to_check() -> None:
    assert len(COMMANDS) >= 8


@pytest.mark.parametrize("command", COMMANDS)
def test_quoted_command(command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(_program, "check", lambda kind, words, ctx: None)  # whether train.py exists
    _, name, *words = shlex.split(command, comments=True)
    found = app.get_command(click.Context(app), name)
    assert found is not None
    found.make_context(name, words)


# The pages of the causes show fragments, good ones and bad ones; the others show what a reader may run.
FRAGMENTS = [example for example in blocks("python") if example[0].startswith("docs/causes/")]
EXAMPLES = [example for example in blocks("python") if example not in FRAGMENTS]


@pytest.mark.slow
@pytest.mark.parametrize(("document", "text"), EXAMPLES)
def test_python_example(document: str, text: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", text], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_python_fragments_compile() -> None:
    for document, text in FRAGMENTS:
        compile(text, document, "exec", dont_inherit=True)


@pytest.mark.parametrize("name", NAMES)
def test_links(name: str) -> None:
    document = ROOT / name
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", document.read_text("utf-8")):
        if "://" not in target:
            assert (document.parent / target).exists(), f"{name} links to {target}, which is not there"


def test_every_option_is_in_the_readme() -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    verify = app.get_command(click.Context(app), "verify")
    assert verify is not None
    for parameter in verify.params:
        for option in parameter.opts:
            assert f"`{option}" in text, f"README.md does not explain {option}"


def test_make_knows_what_the_readme_names() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    named = re.findall(r"(?:`|^\$ )make ([a-z]+)", (ROOT / "README.md").read_text("utf-8"), re.MULTILINE)
    assert {"demo", "test"} <= set(named) <= targets


@pytest.mark.parametrize("name", NAMES)
def test_a_test_that_a_page_names_exists(name: str) -> None:
    for named in re.findall(r"`(tests/[^`]+)`", (ROOT / name).read_text("utf-8")):
        path, _, function = named.partition("::")
        assert not function or f"def {function}(" in (ROOT / path).read_text("utf-8")
        assert (ROOT / path).exists(), f"{name} names {named}"
