"""User code, compiled so that it gives evidence: how modules and scripts come to be run so.

Nothing is edited on disk: a user's module is compiled from the tree of `samebits.usercode.rewriting`.
Where a file cannot be changed it is compiled as it is.  What runs is rewritten; whoever only asks for code,
a module's or a function's, gets the original (`samebits.usercode.originals`).

The functions that stand between the import system and user code are marked as parts of it: Python leaves
the import system's frames out of tracebacks and out of the place that a warning is given.
"""

from __future__ import annotations

import ast
import builtins
import os
import runpy
import sys
import warnings
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from importlib.machinery import ModuleSpec, SourceFileLoader
from types import CodeType
from typing import Any, Final

from samebits._runtime import imports, patcher
from samebits.model.findings import Site
from samebits.usercode import opened, originals, probes, rewriting
from samebits.usercode.files import is_user_file, relative
from samebits.usercode.probes import Sink

_BUILTINS: Final = {
    rewriting.ITER: probes.iterated,
    rewriting.CALL: probes.resolve,
    rewriting.READY: probes.ready,
    rewriting.DONE: probes.done,
    rewriting.NOTE: probes.noted,
}

#: Modules that run what a loader gives them.
_RUN: Final = ("importlib._bootstrap_external", "_frozen_importlib_external", "runpy")

#: A further change of a user's syntax tree, after the observer's: step(tree, filename).
Step = Callable[[ast.Module, str], ast.Module]
_steps: list[Step] = []
_observing = False  # the observer's change comes first


def compile_user(source: str | bytes, filename: str) -> CodeType:
    """Code of a user's file, rewritten; or as it is, where it cannot be rewritten.

    Raises what `compile` raises for the source as it is, and nothing else.
    """
    plain: CodeType = compile(source, filename, "exec", dont_inherit=True)
    return _rewritten(source, filename, plain)


def _rewritten(source: str | bytes, filename: str, plain: CodeType) -> CodeType:
    if not (_observing or _steps):
        return plain
    try:
        with _warned_before():
            tree = rewriting.transform(source, filename) if _observing else ast.parse(source, filename)
            for step in _steps:
                tree = step(tree, filename)
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
    """Write the counts of what is capped: at the end of a step, and of a process."""
    probes.flush()


def reset_after_fork(sink: Sink | None = None) -> None:
    """In a forked child: facts are counted anew, and go to ``sink`` (default: the one there was)."""
    probes.reset_after_fork(sink)
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
) -> Uninstall:
    """Observe facts from now on, in modules imported from now on.

    ``rewrite``: whether user code is rewritten; without, only what shows elsewhere (files) is observed;
    ``ignore``: directories whose files are not data (the record's own);
    ``seeded``: global generators ("python", "numpy", "torch") that were seeded before the script.
    Code compiled meanwhile may outlive the observation, so the names it uses stay, and do nothing.
    """
    global _observing
    _observing = rewrite
    probes.start(sink, is_user, seeded)
    opened.start(sink_file, is_user, ignore)
    stop = (probes.stop, opened.stop, _observe_no_more)
    if not rewrite:
        return Uninstall(*stop)
    for name, function in _BUILTINS.items():
        setattr(builtins, name, function)
    return Uninstall(*stop, _load_rewritten(is_user), _scripts_too(is_user))


def also(step: Step, *, is_user: Callable[[str], bool] = is_user_file, observing: bool = True) -> Uninstall:
    """Compile user code with one more step from now on.

    ``observing``: the observer is installed too, whose step comes first; else this step is taken alone.
    What was compiled stays as it is.
    """
    global _observing
    before, _observing = _observing, observing
    _steps.append(step)

    def end() -> None:
        global _observing
        _observing = before
        _steps.remove(step)

    if observing:  # `install` finds the modules
        return Uninstall(end)
    return Uninstall(end, _load_rewritten(is_user), _scripts_too(is_user))


def sink_file(kind: str, filename: str | None, line: int, function: str, detail: dict[str, Any]) -> None:
    """A fact about a file, from the audit hook."""
    if filename is None:
        probes.record_file(kind, None, detail)
    else:
        probes.record_file(kind, Site(relative(filename), line, function), detail)


def _observe_no_more() -> None:
    global _observing
    _observing = False


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
