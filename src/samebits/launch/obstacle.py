"""Why a Python that is started in some way is not attached to samebits, and the way out: in one sentence.

A started Python is attached by the `sitecustomize` of a folder on its PYTHONPATH.  What it is told on its
command line, and what its environment holds, decide whether it reads that.  `interpreter` asks before
anything is started, `attached` of a process that it finds unattached, and a controlled process of each
command that its program starts (`Warned`).
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from samebits.control.process_key import VARIABLE
from samebits.manifest import redacted
from samebits.observe.plan import PLAN

#: The folder whose `sitecustomize` attaches a started Python.
BOOTSTRAP: Final = str(Path(__file__).parent / "bootstrap")

_PYTHON: Final = re.compile(r"python(\d+(\.\d+)?)?[td]?(\.exe)?")
#: `#!/bin/sh` and then this line, where the path of the Python is too long or has a space.
_TRAMPOLINE: Final = re.compile(r"'''exec' \"?([^\"]+?)\"? \"\$0\"")
_IGNORES: Final = {
    "I": "-I ignores PYTHONPATH, by which samebits attaches: start it without -I",
    "E": "-E ignores PYTHONPATH, by which samebits attaches: start it without -E",
    "S": "-S leaves out site, by which samebits attaches: start it without -S",
}
#: Before a command, with nothing of their own.
_PLAIN: Final = ("nohup", "setsid", "time", "exec")
_WORDS: Final = 6  # of a command that a line names
Started = tuple[list[str], Mapping[str, str]]


class Warned:
    """Called with each command that a controlled program starts: says, once of each, why one will not be."""

    def __init__(self) -> None:
        self._told: set[tuple[str, str]] = set()

    def __call__(self, words: Any, environ: Any) -> None:
        try:
            argv = [os.fsdecode(word) for word in words] if isinstance(words, list | tuple) else []
            given = {os.fsdecode(name): os.fsdecode(value) for name, value in environ.items()}
            found = started(argv, given, shebang=False)
            why = None if found is None or helps_torch(argv) else obstacle(*found)
            if why is not None and (what := (os.path.basename(argv[0]), why)) not in self._told:
                self._told.add(what)
                shown = " ".join(redacted(argv)[:_WORDS])
                print(f"samebits: {shown!r} is started without control: {why}", file=sys.stderr)
        except (TypeError, ValueError, AttributeError, OSError):
            pass  # the program's own error comes from where it starts it


def is_python(word: str) -> bool:
    """Whether a word of a command line is a Python by its name."""
    return _PYTHON.fullmatch(os.path.basename(word)) is not None


def helps_torch(argv: Sequence[str]) -> bool:
    """Whether a process is one that torch starts to compile or to time kernels; it trains nothing."""
    return any("torch/_inductor/" in word or "torch._inductor." in word for word in argv)


def obstacle(argv: Sequence[str], environ: Mapping[str, str]) -> str | None:
    """Why a Python with these words and variables is not attached; None: nothing in them keeps it from it."""
    for letter in _options(argv[1:]):
        if letter in _IGNORES:
            return _IGNORES[letter]
    if PLAN not in environ and VARIABLE not in environ:
        return (
            "its environment was replaced: hand on the variables of the process that starts it (in Python: "
            "env={**os.environ, ...})"
        )
    paths = environ.get("PYTHONPATH", "").split(os.pathsep)
    if BOOTSTRAP not in paths:
        return (
            "its PYTHONPATH was replaced, by which samebits attaches: add to it instead "
            "(PYTHONPATH=mine:$PYTHONPATH)"
        )
    for path in paths[: paths.index(BOOTSTRAP)]:
        if os.path.isfile(os.path.join(path, "sitecustomize.py")):
            return (
                f"the sitecustomize of {path!r} comes before samebits' own: set PYTHONPATH before samebits "
                "starts, or add to its end"
            )
    return None


def _options(words: Sequence[str]) -> Iterator[str]:
    """The letters of the interpreter's own options."""
    rest = iter(words)
    for word in rest:
        if word == "--check-hash-based-pycs":
            next(rest, None)
        elif word.startswith("--"):
            continue
        elif not word.startswith("-") or word == "-":
            return
        else:
            for position, letter in enumerate(word[1:], 2):
                yield letter
                if letter in "cm":
                    return
                if letter in "WX":
                    if position == len(word):
                        next(rest, None)
                    break


def started(words: Sequence[str], environ: Mapping[str, str], *, shebang: bool = True) -> Started | None:
    """The words and variables of the Python that a command starts at once; None: the words do not say.

    ``shebang``: a script of another name is looked into.
    """
    left, given = list(words), dict(environ)
    while left:
        name = os.path.basename(left[0])
        if is_python(left[0]):
            return left, given
        if name in _PLAIN:
            del left[0]
        elif name == "env":
            if not _env(left, given):
                return None
        else:
            named = _shebang(left[0], given) if shebang else None
            return None if named is None else ([*named, *left], given)
    return None


def _env(words: list[str], environ: dict[str, str]) -> bool:
    """Take `env` and what is its own off the words, and do to the variables what it does."""
    del words[0]
    while words:
        word = words[0]
        if word in ("-", "-i", "--ignore-environment"):
            environ.clear()
        elif word in ("-u", "--unset") and len(words) > 1:
            environ.pop(words.pop(1), None)
        elif word.startswith("--unset="):
            environ.pop(word.partition("=")[2], None)
        elif word == "--":
            del words[0]
            return True
        elif word.startswith("-"):
            return False
        elif "=" in word:
            name, _, value = word.partition("=")
            environ[name] = value
        else:
            return True
        del words[0]
    return True


def _shebang(word: str, environ: Mapping[str, str]) -> list[str] | None:
    """The Python that runs a script, with its options, by the script's first lines."""
    path = shutil.which(word, path=environ.get("PATH"))
    if path is None:
        return None
    try:
        with open(path, "rb") as file:
            lines = file.read(1024).decode(errors="replace").splitlines()
    except OSError:
        return None
    if not lines or not lines[0].startswith("#!"):
        return None
    words = lines[0][2:].split()
    if len(lines) > 1 and (found := _TRAMPOLINE.match(lines[1])) is not None:
        words = [found[1]]
    if words and os.path.basename(words[0]) == "env":
        words = [each for each in words[1:] if each != "-S"]
    return words if words and is_python(words[0]) else None
