"""Who compiles a program's code, and how each of them comes to run it rewritten.

Python's own loaders (a file, a member of a zip, a script run by path) are asked for code by the import
system, which gets rewritten code; whoever else asks gets the code as it is.  No cache holds rewritten code:
Python's bytecode files are neither read nor written for it, and pytest's hold what pytest makes.

Others compile by themselves: doctest its examples, IPython its cells, pytest the modules whose assertions it
has rewritten.  In their modules, and there alone, the name `compile` or `exec` means a function of ours.
"""

from __future__ import annotations

import ast
import builtins
import copy
import os
import runpy
import sys
import zipimport
from collections.abc import Callable
from contextlib import ExitStack, suppress
from functools import partial
from importlib.machinery import SourceFileLoader
from types import CodeType, FrameType, ModuleType
from typing import Any, Final

from samebits._runtime import imports, patcher
from samebits.usercode import cells, texts
from samebits.usercode.compiling import INHERITED, rewritten, warned_before
from samebits.usercode.files import is_user_code, relative
from samebits.usercode.module_names import ModuleNames
from samebits.usercode.texts import TextPlace

#: Modules that run what a loader gives them.
_RUN: Final = ("importlib._bootstrap_external", "_frozen_importlib_external", "zipimport", "runpy")
#: What says what a loader's code is: one who has another of these compiles something else than the file.
_AS_IT_IS: Final = ("source_to_code", "get_code", "get_data")

IsUser = Callable[[str], bool]


def install(is_user: IsUser) -> Callable[[], None]:
    """Rewrite the program's code, whoever compiles it, until the function returned is called."""
    undo = ExitStack()
    undo.callback(_files(is_user))
    undo.callback(_members_of_zips(is_user))
    undo.callback(_scripts(is_user))
    for name, change in (
        ("doctest", partial(_compiles, _example, is_user)),
        ("codeop", partial(_compiles, _typed, is_user)),
        ("IPython.core.interactiveshell", partial(_compiles, _run_by_path, is_user)),
        ("IPython.utils.py3compat", partial(_compiles, _run_by_path, is_user)),
        ("_pytest.assertion.rewrite", partial(_tests, is_user)),
    ):
        undo.callback(imports.after(name, partial(_once_there, undo, change)).cancel)
    return undo.close


def _once_there(
    undo: ExitStack, change: Callable[[ModuleType], Callable[[], None]], module: ModuleType
) -> None:
    undo.callback(change(module))


# --- Python's own loaders


def _files(is_user: IsUser) -> Callable[[], None]:
    original = SourceFileLoader.get_code
    expected = {name: getattr(SourceFileLoader, name) for name in _AS_IT_IS}

    @imports.as_importer
    def get_code(loader: SourceFileLoader, fullname: str) -> CodeType | None:
        asked_to_run = sys._getframe(1).f_globals.get("__name__") in _RUN
        kind = type(loader)
        as_it_is = all(getattr(kind, name) is expected[name] for name in _AS_IT_IS)
        if not (asked_to_run and as_it_is and is_user(loader.path)):
            return original(loader, fullname)
        source, plain = loader.get_data(loader.path), None
        with suppress(Exception):
            plain = loader.source_to_code(source, loader.path)
        if plain is None:
            return original(loader, fullname)  # which says it in Python's own frames
        return rewritten(source, loader.path, plain)

    expected["get_code"] = get_code
    return patcher.replace(SourceFileLoader, "get_code", get_code)


def _members_of_zips(is_user: IsUser) -> Callable[[], None]:
    original = zipimport.zipimporter.get_code

    @imports.as_importer
    def get_code(loader: zipimport.zipimporter, fullname: str) -> CodeType:
        plain = original(loader, fullname)
        asked_to_run = sys._getframe(1).f_globals.get("__name__") in _RUN
        return _of_member(loader, fullname, plain) if asked_to_run and is_user(plain.co_filename) else plain

    return patcher.replace(zipimport.zipimporter, "get_code", get_code)


def _of_member(loader: zipimport.zipimporter, fullname: str, plain: CodeType) -> CodeType:
    try:
        source = loader.get_source(fullname)
    except (ImportError, OSError, UnicodeDecodeError, SyntaxError):
        source = None
    if source is None:  # it holds bytecode alone
        return plain
    place = TextPlace(relative(plain.co_filename))
    texts.name(plain.co_filename, place, source)
    return rewritten(source, plain.co_filename, plain, place=place)


def _scripts(is_user: IsUser) -> Callable[[], None]:
    """A spawned worker runs the main script by its path, past all loaders; so does `runpy.run_path`."""
    if not hasattr(runpy, "_get_code_from_file"):
        return lambda: None

    def get_code(original: Any, *args: Any) -> Any:  # (file name) or, until 3.11, (run name, file name)
        given = original(*args)
        filename = os.fspath(args[-1])
        plain = given[0] if isinstance(given, tuple) else given
        if not is_user(filename) or not filename.endswith(".py"):
            return given
        try:
            with open(filename, "rb") as file:
                code = rewritten(file.read(), filename, plain)
        except OSError:
            return given
        return (code, *given[1:]) if isinstance(given, tuple) else code

    return patcher.wrap(runpy, "_get_code_from_file", get_code)


# --- those who compile by themselves

Changed = Callable[..., CodeType]


def _compiles(changed: Changed, is_user: IsUser, module: ModuleType) -> Callable[[], None]:
    """In ``module``, `compile` gives rewritten code."""

    def compile(source: Any, filename: Any, mode: Any, flags: int = 0, *args: Any, **kwargs: Any) -> Any:
        inherits = not (args[0] if args else kwargs.pop("dont_inherit", False))
        more = args[1:]
        caller = sys._getframe(1)
        if inherits:
            flags |= caller.f_code.co_flags & INHERITED
        plain = builtins.compile(source, filename, mode, flags, True, *more, **kwargs)
        if type(plain) is not CodeType or not isinstance(source, str | bytes | ast.AST):
            return plain
        try:
            tree = copy.deepcopy(source) if isinstance(source, ast.AST) else source
            return changed(tree, os.fspath(filename), plain, mode, flags, caller, is_user)
        except Exception:
            return plain

    return patcher.replace(module, "compile", compile)


def _example(
    source: Any, filename: str, plain: CodeType, mode: str, flags: int, caller: FrameType, is_user: IsUser
) -> CodeType:
    """An example in a docstring, or in a text: it is where it stands there."""
    test, example = caller.f_locals["test"], caller.f_locals["example"]
    names = ModuleNames()
    names.learn_values(test.globs)
    if test.filename and test.lineno is not None:
        if not is_user(test.filename):
            return plain
        place = TextPlace(relative(test.filename), test.lineno + example.lineno)
    else:
        place = TextPlace(filename)
        texts.name(filename, place, example.source)
    return rewritten(source, filename, plain, place=place, mode=mode, flags=flags, names=names)


def _typed(
    source: Any, filename: str, plain: CodeType, mode: str, flags: int, caller: FrameType, is_user: IsUser
) -> CodeType:
    """A cell, a part of one, or what is typed at a prompt."""
    place = cells.place(filename, caller)
    if place is None and not is_user(filename) and not is_user_code(filename):
        return plain
    return rewritten(
        source,
        filename,
        plain,
        place=place or TextPlace(relative(filename)),
        mode=mode,
        flags=flags,
        names=cells.names,
    )


def _run_by_path(
    source: Any, filename: str, plain: CodeType, mode: str, flags: int, caller: FrameType, is_user: IsUser
) -> CodeType:
    """A script that IPython runs: `%run script.py`, `ipython script.py`."""
    return rewritten(source, filename, plain, mode=mode, flags=flags) if is_user(filename) else plain


def _tests(is_user: IsUser, rewrite: Any) -> Callable[[], None]:
    """Modules whose assertions pytest rewrites: its cache holds what pytest makes, what is run is ours."""

    def code_of(plain: CodeType, caller: FrameType) -> CodeType:
        hook, path = caller.f_locals["self"], caller.f_locals["fn"]
        filename = os.fspath(path)
        if not is_user(filename):
            return plain
        source = path.read_bytes()
        tree = ast.parse(source, filename)
        with warned_before():
            rewrite.rewrite_asserts(tree, source, filename, hook.config)
        return rewritten(tree, filename, plain)

    @imports.as_importer
    def _call_with_frames_removed(code: CodeType, variables: dict[str, Any]) -> None:
        # The import system's own name for a call that is shown in no traceback.
        try:
            code = code_of(code, sys._getframe(1))
        except Exception:
            pass  # as pytest made it
        exec(code, variables)  # noqa: S102

    return patcher.replace(rewrite, "exec", _call_with_frames_removed)
