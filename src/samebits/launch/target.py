"""What can be run, and in one sentence why something cannot: for the command line and the library alike.

Everything that can be known before the first run is refused before it, so that a typing error costs no
training and leaves no folder behind.
"""

from __future__ import annotations

import os
import shutil
import warnings
from pathlib import Path
from typing import Literal

Kind = Literal["script", "module", "command"]


def fault(kind: Kind, word: str) -> str | None:
    """Why `word` is no script, module or command that could be run; None: it is one."""
    return {"script": _script_fault, "module": _module_fault, "command": _command_fault}[kind](word)


def _script_fault(word: str) -> str | None:
    if word == "-":
        return "a script cannot be read from the standard input; save it to a file first."
    path = Path(word)
    if path.suffix == ".ipynb":
        return (
            f"{word!r} is a notebook, not a script: write `jupyter nbconvert --to script {word}` and then "
            f"verify {path.with_suffix('.py').name!r}, or run it whole: -- jupyter execute {word}"
        )
    if path.is_dir():
        return f"{word!r} is a folder; give the script inside it, or a module with -m."
    if not path.exists():
        if shutil.which(word):
            return f"{word!r} is a command, not a script; write -- before it: -- {word} ..."
        return f"there is no script {word!r} here; give the path of a Python file."
    if not os.access(path, os.R_OK):
        return f"the script {word!r} cannot be read: permission denied."
    if not path.is_file():
        return f"{word!r} is not a regular file; a script is run at least twice, so it must be one."
    if path.suffix != ".py" and not _is_python(path):
        return f"{word!r} is not a Python script; to run it as a command, write -- before it."
    return None


def _is_python(path: Path) -> bool:
    """Whether a file without the ending .py is Python all the same: whatever compiles."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            compile(path.read_bytes(), str(path), "exec", dont_inherit=True)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return False
    return True


def _module_fault(word: str) -> str | None:
    is_path = os.sep in word or (word.endswith(".py") and Path(word).exists())
    if not is_path and all(part.isidentifier() for part in word.split(".")):
        return None
    if is_path or word.endswith(".py"):
        return f"-m takes a module's name with dots, not the path {word!r}; leave out -m to run a file."
    return f"{word!r} is not a module's name; -m takes one with dots, for example package.train."


def _command_fault(word: str) -> str | None:
    if shutil.which(word):
        return None
    if Path(word).is_file():
        return f"{word!r} is not executable; to run it as a Python script, leave out the -- before it."
    return f"there is no command {word!r} on this machine's PATH."
