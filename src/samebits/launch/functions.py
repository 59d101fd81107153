"""The library's functions `verify`, `record` and `run`: plain words in, as the command line takes them.

They are `samebits verify`, `samebits record` and `samebits run` for a notebook, a test or a sweep.  What
the command line refuses they refuse with the same sentences, before anything is started.  The program runs
in a process of its own each time; this one's generators, flags and modules do not reach it,
and stay as they are.
"""

from __future__ import annotations

import math
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from samebits.compare import Verdict
from samebits.control.settings import Control
from samebits.errors import LaunchError, UsageError, UsageTypeError
from samebits.launch import target
from samebits.launch.program import Program
from samebits.launch.verify import Progress
from samebits.launch.verify import record as record_program
from samebits.launch.verify import verify as verify_program
from samebits.model.seed import checked_seed
from samebits.record.run import Run

#: A word of a command line; numbers are written as Python writes them.
Word = str | os.PathLike[str] | int | float
_OUT = ".samebits"


def verify(
    script: str | os.PathLike[str] | None = None,
    args: Sequence[Word] = (),
    *,
    module: str | None = None,
    command: Sequence[Word] | None = None,
    python: str | os.PathLike[str] | None = None,
    runs: int = 2,
    steps: int | None = None,
    level: str = "auto",
    seed: int | None = None,
    deterministic: bool = False,
    portable: bool = False,
    out: str | os.PathLike[str] = _OUT,
    timeout: float | None = None,
    progress: Progress | None = None,
) -> Verdict:
    """Run a program twice, unmodified, and say whether every bit agrees.

        verdict = samebits.verify("train.py", args=["--epochs", 1], steps=20)
        verdict = samebits.verify(module="package.train")
        verdict = samebits.verify(command=["torchrun", "--nproc-per-node", 2, "train.py"])

    Args:
        script: the path of a Python file.  Give this, ``module`` or ``command``.
        args: the words after the script or the module.
        module: a module's name with dots, as `python -m` finds it.
        command: any other program with its words.
        python: the Python that a script or a module runs in; None: the active environment's, else this one.
        runs: how many runs to compare, at least 2.
        steps: stop each run cleanly after so many optimizer steps.
        level: "step", "op", or "auto": operations as long as that is cheap, then steps, and the operations
            around the place if these diverge.
        seed: seed everything with it before the program starts, as `run` does; None: as it is.
        deterministic: make every operation deterministic, and fix the hash secret.
        portable: the same random numbers and the same arithmetic on every machine, as `samebits.portable`.
        out: the folder in which runs are kept.
        timeout: stop a run that takes longer than so many seconds.
        progress: called as ``progress(run, runs, steps)`` a few times a second; runs count from 1.

    Returns:
        The verdict: its ``verdict``, ``first`` difference, ``causes``; ``as_json()`` is the document.

    Raises:
        UsageError, UsageTypeError: an argument that cannot be meant; nothing was started.
        LaunchError: the program could not be started.
    """
    return verify_program(
        checked_program(script, args, module, command, python, "verify"),
        runs=checked_count(runs, "verify", "runs", 2),
        steps=None if steps is None else checked_count(steps, "verify", "steps", 1),
        level=_one_of(level, "verify", ("auto", "step", "op")),
        control=Control.checked(seed, deterministic, portable, "verify"),
        out=checked_folder(out, "verify"),
        timeout=checked_seconds(timeout, "verify"),
        progress=progress,
    )


def record(
    script: str | os.PathLike[str] | None = None,
    args: Sequence[Word] = (),
    *,
    module: str | None = None,
    command: Sequence[Word] | None = None,
    python: str | os.PathLike[str] | None = None,
    steps: int | None = None,
    level: str = "op",
    seed: int | None = None,
    deterministic: bool = False,
    portable: bool = False,
    out: str | os.PathLike[str] = _OUT,
    timeout: float | None = None,
    progress: Progress | None = None,
) -> Run:
    """Run a program once, unmodified, and keep its record.  Its output passes through.

    Two of them are compared with ``samebits.compare.compare(a, b)`` or `samebits compare`.

    Args:
        script, args, module, command, python, steps, seed, deterministic, portable, out, timeout, progress:
            as `verify`'s.
        level: "step" or "op".

    Returns:
        The run, opened: ``id``, ``path``, ``info`` (its "status" says how the program ended), ``records``.

    Raises:
        UsageError, UsageTypeError: an argument that cannot be meant; nothing was started.
        LaunchError: the program could not be started.
    """
    return record_program(
        checked_program(script, args, module, command, python, "record"),
        level=_one_of(level, "record", ("step", "op")),
        steps=None if steps is None else checked_count(steps, "record", "steps", 1),
        control=Control.checked(seed, deterministic, portable, "record"),
        out=checked_folder(out, "record"),
        timeout=checked_seconds(timeout, "record"),
        progress=progress,
    )


def run(
    script: str | os.PathLike[str] | None = None,
    args: Sequence[Word] = (),
    *,
    module: str | None = None,
    command: Sequence[Word] | None = None,
    python: str | os.PathLike[str] | None = None,
    seed: int = 0,
    deterministic: bool = True,
    portable: bool = False,
) -> int:
    """Run a program so that it repeats, without a change to it; no record is kept.

    `samebits run` becomes the program.  A library function cannot, so here it is a child of this process
    with the same standard streams.  An interrupt (Ctrl-C) is the program's; this call raises it afterwards.

    Args:
        script, args, module, command, python, deterministic, portable: as `verify`'s.
        seed: of everything: 0 .. 2**128 - 1.

    Returns:
        The program's exit code; minus the signal's number if one ended it, as `subprocess` says it.

    Raises:
        UsageError, UsageTypeError: an argument that cannot be meant; nothing was started.
        LaunchError: the program could not be started.
    """
    program = checked_program(script, args, module, command, python, "run")
    control = Control.checked(checked_seed(seed, "run"), deterministic, portable, "run")
    program.checked(control, observing=False)
    sys.stdout.flush()
    sys.stderr.flush()
    try:
        child = subprocess.Popen(program.command(), env=dict(program.environment(control)))
    except OSError as e:
        raise LaunchError(f"{program.target[0]!r} could not be started: {e.strerror or e}") from e
    try:
        return child.wait()
    except KeyboardInterrupt:
        child.wait()  # the terminal has interrupted the program as well; a second one is an exception here
        raise
    finally:
        if child.poll() is None:
            child.kill()
            child.wait()


def checked_program(
    script: object, args: object, module: object, command: object, python: object, caller: str
) -> Program:
    """The program that a caller names.

    Raises:
        UsageError, UsageTypeError: it is none.
    """
    kinds: dict[target.Kind, object] = {"script": script, "module": module, "command": command}
    given = [kind for kind, value in kinds.items() if value is not None]
    if len(given) != 1:
        raise UsageError(
            f"{caller}: give one of a script, module= or command=; got {' and '.join(given) or 'none'}"
        )
    kind = given[0]
    words = checked_words(args, caller, "args")
    if kind == "command":
        if words:
            raise UsageError(f"{caller}: args are of a script or a module; a command has its own words")
        words = checked_words(command, caller, "command")
    elif not isinstance(kinds[kind], str | os.PathLike):
        raise UsageTypeError(
            f"{caller}: the {kind} must be a {'path' if kind == 'script' else 'name'}, got {kinds[kind]!r}; "
            "its words are given as args=[...], another program as command=[...]"
        )
    else:
        words = (_word(kinds[kind], caller, kind), *words)
    if not words or not words[0]:
        raise UsageError(f"{caller}: the {kind} is empty; there is nothing to run")
    for word in words:
        if "\0" in word:
            raise UsageError(f"{caller}: {word!r} holds a zero byte, which no command line can")
    if (found := target.fault(kind, words[0])) is not None:
        raise UsageError(f"{caller}: {found}")
    return Program(kind, words, None if python is None else _word(python, caller, "python"))


def checked_words(given: object, caller: str, name: str) -> tuple[str, ...]:
    """Words of a command line.

    Raises:
        UsageTypeError: they are none.
    """
    if isinstance(given, str | bytes) or not isinstance(given, Sequence):
        such = ["--epochs", "1"] if name == "args" else ["torchrun", "train.py"]
        raise UsageTypeError(
            f"{caller}: {name} must be a sequence of words, such as {name}={such}, got {given!r}"
        )
    return tuple(_word(word, caller, f"{name}[{number}]") for number, word in enumerate(given))


def _word(word: object, caller: str, name: str) -> str:
    if isinstance(word, os.PathLike):
        word = os.fspath(word)
    if isinstance(word, str):
        return str(word)
    if isinstance(word, int | float) and not isinstance(word, bool):
        return repr(word)
    raise UsageTypeError(f"{caller}: {name} must be a str, a path or a number, got {word!r}")


def checked_count(number: object, caller: str, name: str, least: int) -> int:
    """A number of at least ``least``.

    Raises:
        UsageError, UsageTypeError: it is none.
    """
    if isinstance(number, bool) or not hasattr(number, "__index__"):
        raise UsageTypeError(f"{caller}: {name} must be an int of at least {least}, got {number!r}")
    if (value := int(number.__index__())) < least:
        raise UsageError(f"{caller}: {name} must be at least {least}, got {value}")
    return value


def _one_of(word: object, caller: str, words: tuple[str, ...]) -> str:
    if not isinstance(word, str) or word not in words:
        raise UsageError(f"{caller}: level must be one of {', '.join(map(repr, words))}, got {word!r}")
    return word


def checked_seconds(given: object, caller: str) -> float | None:
    """A number of seconds, or None.

    Raises:
        UsageError, UsageTypeError: it is none.
    """
    if given is None:
        return None
    if isinstance(given, bool) or not isinstance(given, int | float):
        raise UsageTypeError(f"{caller}: timeout must be a number of seconds, got {given!r}")
    if not 0 < given < math.inf:
        raise UsageError(f"{caller}: timeout must be a number of seconds above 0, got {given!r}")
    return float(given)


def checked_folder(given: object, caller: str) -> Path:
    """A folder, or one that can be made.

    Raises:
        UsageError, UsageTypeError: it is none.
    """
    if not isinstance(given, str | os.PathLike):
        raise UsageTypeError(f"{caller}: out must be the path of a folder, got {given!r}")
    path = Path(given)
    if path.exists() and not path.is_dir():
        raise UsageError(f"{caller}: out={str(path)!r} is not a folder")
    return path
