"""User code, compiled with changes: how modules and scripts come to be run so, and for how long.

Nothing is edited on disk: a user's module is compiled from the tree of `samebits.usercode.rewriting`, with
the steps that are installed.  Python compiles the file as it is first, so an error in it is Python's own.
Where a file cannot be changed it is compiled as it is.  What runs is rewritten; whoever only asks for code,
a module's or a function's, gets the original (`samebits.usercode.originals`).

The functions that stand between the import system and user code are marked as parts of it: Python leaves
the import system's frames out of tracebacks and out of the place that a warning is given.
"""

from __future__ import annotations

import builtins
import os
import runpy
import sys
import warnings
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from importlib.machinery import ModuleSpec, SourceFileLoader
from types import CodeType
from typing import Any, Final

from samebits._runtime import imports, patcher
from samebits.model.facts import Detail
from samebits.model.sites import Site
from samebits.usercode import drawn, opened, originals, probes, rewriting
from samebits.usercode.drawn import Sink
from samebits.usercode.files import is_user_file, relative
from samebits.usercode.probe_step import ProbeStep
from samebits.usercode.rewriting import Step

#: Modules that run what a loader gives them.
_RUN: Final = ("importlib._bootstrap_external", "_frozen_importlib_external", "runpy")

#: The changes that are made of user code now, in their order: what the observer sees is the user's own call.
_steps: list[Step] = []
#: What ends the looking for user code, once no step is left.
_entrances: list[Callable[[], None]] = []


def compile_user(source: str | bytes, filename: str) -> CodeType:
    """Code of a user's file, rewritten; or as it is, where it cannot be rewritten.

    Raises what `compile` raises for the source as it is, and nothing else.
    """
    plain: CodeType = compile(source, filename, "exec", dont_inherit=True)
    return _rewritten(source, filename, plain)


def _rewritten(source: str | bytes, filename: str, plain: CodeType) -> CodeType:
    if not _steps:
        return plain
    try:
        with _warned_before():
            tree = rewriting.rewrite(source, filename, _steps)
            code: CodeType = compile(tree, filename, "exec", dont_inherit=True)
        originals.keep(code, plain)
    except Exception:
        return plain
    return code


@contextmanager
def _warned_before() -> Iterator[None]:
    """Without the compiler's warnings, which the original gave.

    Not `warnings.catch_warnings`: it makes Python forget which warnings were shown once.
    """
    quiet = ("ignore", None, Warning, None, 0)
    warnings.filters.insert(0, quiet)  # type: ignore[attr-defined]
    try:
        yield
    finally:
        if quiet in warnings.filters:
            warnings.filters.remove(quiet)  # type: ignore[attr-defined]


def flush() -> None:
    """Write what was only counted, and what was drawn: at the end of a step, and of a process."""
    probes.flush()
    drawn.take()


def reset_after_fork(sink: Sink | None = None) -> None:
    """In a forked child: facts are counted anew, and go to ``sink`` (default: the one there was)."""
    probes.reset_after_fork(sink)
    drawn.after_fork(sink)
    opened.reset_after_fork()


class UserLoader(SourceFileLoader):
    """Runs a user's module from rewritten code.  Cached bytecode is neither read nor written.

    Others who ask for the code, to analyse it or to ship it, get the original.
    """

    @imports.as_importer
    def path_stats(self, path: str) -> Mapping[str, Any]:
        if sys._getframe(1).f_code.co_name == "get_code":
            raise OSError("the cache is not looked at")
        return super().path_stats(path)

    @imports.as_importer
    def source_to_code(self, data: Any, path: Any, *, _optimize: int = -1) -> CodeType:  # type: ignore[override]
        plain = super().source_to_code(data, path)
        asks = sys._getframe(1).f_code.co_name == "get_code" and sys._getframe(2).f_globals.get("__name__")
        return _rewritten(data, os.fspath(path), plain) if asks in _RUN else plain


def _load_rewritten(is_user: Callable[[str], bool]) -> Callable[[], None]:
    """Give users' modules the loader above, from now until the function returned is called."""

    def found(spec: ModuleSpec) -> None:
        if spec.name == "torch._dynamo":
            probes.compiler_loaded()
        if type(spec.loader) is SourceFileLoader and spec.origin and is_user(spec.origin):
            spec.loader = UserLoader(spec.name, spec.origin)

    return imports.on_found(found).cancel


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
    opened.start(sink_file, is_user, ignore, interpreter_started=probes.interpreter_started)
    undo: list[Callable[[], None]] = [probes.stop, opened.stop]
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
    for name, function in step.names.items():
        setattr(builtins, name, function)
    if not _steps:
        _entrances.extend([_load_rewritten(is_user), _scripts_too(is_user)])
    _steps.insert(0 if first else len(_steps), step)
    return Uninstall(partial(_end, step))


def _end(step: Step) -> None:
    _steps.remove(step)
    while not _steps and _entrances:
        _entrances.pop()()


def sink_file(detail: Detail, filename: str | None, line: int, function: str) -> None:
    """A fact about a file, from the audit hook."""
    if filename is None:
        probes.record_file(detail, None)
    else:
        probes.record_file(detail, Site(relative(filename), line, function))


def _scripts_too(is_user: Callable[[str], bool]) -> Callable[[], None]:
    """Rewrite files run by path as well: a spawned worker runs the main script so, past all finders."""
    if not hasattr(runpy, "_get_code_from_file"):
        return lambda: None

    def get_code(original: Any, *args: Any) -> Any:  # (file name) or, until 3.11, (run name, file name)
        filename = os.fspath(args[-1])
        if not is_user(filename) or not filename.endswith(".py"):
            return original(*args)
        with open(filename, "rb") as file:
            source = file.read()
        try:
            code = compile_user(source, filename)
        except Exception:
            return original(*args)  # which raises it
        return (code, args[-1]) if len(args) > 1 else code

    return patcher.wrap(runpy, "_get_code_from_file", get_code)
