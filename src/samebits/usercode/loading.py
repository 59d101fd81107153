"""User code, compiled with changes: what changes it, and for how long.

Nothing is edited on disk: user code is compiled from the tree of `samebits.usercode.rewriting`, with the
steps that are installed (`samebits.usercode.compiling`), whoever loads it (`samebits.usercode.loaders`).
Python compiles the file as it is first, so an error in it is Python's own.  Where a file cannot be changed
it is compiled as it is.  What runs is rewritten; whoever only asks for code, a module's or a function's, gets
the original (`samebits.usercode.originals`).
"""

from __future__ import annotations

import builtins
from collections.abc import Callable, Collection, Iterable
from contextlib import ExitStack
from functools import partial
from types import CodeType
from typing import Final

from samebits._runtime import imports
from samebits.usercode import cells, drawn, loaders, opened, probes
from samebits.usercode.compiling import rewritten, steps
from samebits.usercode.drawn import Sink
from samebits.usercode.executed import TextStep
from samebits.usercode.files import is_user_file
from samebits.usercode.probe_step import ProbeStep
from samebits.usercode.rewriting import Step

#: What ends the looking for user code, once no step is left.
_entrances: list[Callable[[], None]] = []
#: The step that is there while any other is.
_TEXTS: Final = TextStep()


def compile_user(source: str | bytes, filename: str) -> CodeType:
    """Code of a user's file, rewritten; or as it is, where it cannot be rewritten.

    Raises what `compile` raises for the source as it is, and nothing else.
    """
    plain: CodeType = compile(source, filename, "exec", dont_inherit=True)
    return rewritten(source, filename, plain)


def flush() -> None:
    """Write what was only counted, and what was drawn: at the end of a step, and of a process."""
    probes.flush()
    drawn.take()


def reset_after_fork(sink: Sink | None = None) -> None:
    """In a forked child: facts are counted anew, and go to ``sink`` (default: the one there was)."""
    probes.reset_after_fork(sink)
    drawn.after_fork(sink)
    opened.reset_after_fork()


class Uninstall:
    """Ends the observation of facts; callable more than once."""

    def __init__(self, *undo: Callable[[], None]) -> None:
        self._undo = ExitStack()
        for call in undo:
            self._undo.callback(call)

    def __call__(self) -> None:
        self._undo.pop_all().close()


def install(
    sink: Sink,
    *,
    is_user: Callable[[str], bool] = is_user_file,
    ignore: Iterable[str] = (),
    seeded: Collection[str] = (),
    rewrite: bool = True,
    draws: str | None = None,
) -> Uninstall:
    """Observe facts from now on, in modules imported from now on.

    ``rewrite``: whether user code is rewritten; without, only what shows elsewhere (files) is observed;
    ``ignore``: directories whose files are not data (the record's own);
    ``seeded``: global generators ("python", "numpy", "torch") that were seeded before the script;
    ``draws``: the file that sees draws at the generator; without, those of user code's own calls are seen.
    Code compiled meanwhile may outlive the observation, so the names it uses stay, and do nothing.
    """
    probes.start(sink, is_user, seeded)
    opened.start(probes.record_file, is_user, ignore, interpreter_started=probes.interpreter_started)
    compiler = imports.after("torch._dynamo", lambda _: probes.compiler_loaded())
    undo: list[Callable[[], None]] = [probes.stop, opened.stop, cells.install(), compiler.cancel]
    if drawn.install(draws, sink, seeded):
        undo.append(drawn.stop)
    if rewrite:
        undo.append(add(ProbeStep(), is_user=is_user, first=True))
    return Uninstall(*undo)


def add(step: Step, *, is_user: Callable[[str], bool] = is_user_file, first: bool = False) -> Uninstall:
    """Compile user code with one more step from now on, the last one or the ``first``.

    ``is_user``: whose files these are, asked as the first of several steps says.
    What was compiled stays as it is, and so do the names that it uses.
    """
    if not steps:
        _begin(_TEXTS, 0)
        _entrances.append(loaders.install(is_user))
    _begin(step, 1 if first else len(steps))
    return Uninstall(partial(_end, step))


def _begin(step: Step, at: int) -> None:
    for name, function in step.names.items():
        setattr(builtins, name, function)
    steps.insert(at, step)


def _end(step: Step) -> None:
    steps.remove(step)
    if steps == [_TEXTS]:
        steps.clear()
        while _entrances:
            _entrances.pop()()
