"""Texts that user code itself executes: by `exec` or `eval`, as they are or compiled before.

The text becomes rewritten code at the moment it is executed.  What `compile` gives stays as it is, since a
program may write it to a cache; the text that it came from is remembered with it.
"""

from __future__ import annotations

import ast
import builtins
import copy
import functools
import os
import sys
from collections.abc import Callable
from types import CodeType, FrameType
from typing import Any, ClassVar, Final, NamedTuple

from samebits.usercode import probes, texts
from samebits.usercode.compiling import INHERITED, rewritten
from samebits.usercode.files import is_user_code
from samebits.usercode.module_names import ModuleNames
from samebits.usercode.nodes import calling, constant
from samebits.usercode.rewriting import Rewriting, Step
from samebits.usercode.texts import STRING, TextPlace

_MOST: Final = 1000  # texts of a process that are rewritten; a program may make one a step
_RUN: Final = {"exec": builtins.exec, "eval": builtins.eval}


class _Compiled(NamedTuple):
    """What user code gave to `compile`, and what it got."""

    code: CodeType
    source: Any
    filename: str
    flags: int
    optimize: int
    mode: str


_compiled: dict[int, _Compiled] = {}
_rewritten: dict[tuple[Any, ...], CodeType] = {}


def executed(source: Any, function: str, called: Any) -> Any:
    """``__samebits_text__``: what `exec` or `eval` is to run in the place of ``source``."""
    if called is not _RUN[function] or probes._tracing() or len(_rewritten) >= _MOST:
        return source
    try:
        caller = sys._getframe(1)
        if type(source) is CodeType:
            return _of_code(source, caller)
        return _of_text(source, function, caller) if type(source) in (str, bytes) else source
    except Exception:
        return source  # what is wrong with it, Python says


def _of_text(source: str | bytes, function: str, caller: FrameType) -> CodeType:
    if function == "eval":
        source = source.lstrip(" \t") if isinstance(source, str) else source.lstrip(b" \t")
    flags = caller.f_code.co_flags & INHERITED
    key = (source, function, flags)
    if key not in _rewritten:
        plain = compile(source, STRING, function, flags, dont_inherit=True)
        place = TextPlace(_called(source))
        _rewritten[key] = rewritten(
            source, STRING, plain, place=place, mode=function, flags=flags, names=_names(caller)
        )
    return _rewritten[key]


def _of_code(code: CodeType, caller: FrameType) -> CodeType:
    made = _compiled.get(id(code))
    if made is None or not is_user_code(made.filename):
        return code
    if (id(code),) not in _rewritten:
        place = None
        if not os.path.exists(made.filename):
            place = TextPlace(made.filename)
            if made.filename != STRING and isinstance(made.source, str):
                texts.name(made.filename, place, made.source)
        _rewritten[id(code),] = rewritten(
            copy.deepcopy(made.source),
            made.filename,
            code,
            place=place,
            mode=made.mode,
            flags=made.flags,
            optimize=made.optimize,
            names=_names(caller),
        )
    return _rewritten[id(code),]


def _called(source: str | bytes) -> str:
    """What a text without a name is called: "<string>", "<string 2>", each its own."""
    number = sum(len(key) > 1 for key in _rewritten) + 1
    called = STRING if number == 1 else f"<string {number}>"
    if isinstance(source, str):
        texts.remember(called, source)
    return called


def _names(caller: FrameType) -> ModuleNames:
    names = ModuleNames()
    names.learn_values(caller.f_globals)
    return names


def compiling(called: Any) -> Any:
    """``__samebits_compile__``: `compile`, or what remembers its text as well."""
    if called is not builtins.compile or probes._tracing():
        return called
    return functools.partial(_compile, sys._getframe(1).f_code.co_flags & INHERITED)


def _compile(inherited: int, /, *args: Any, **kwargs: Any) -> Any:
    try:
        source, filename, mode, flags, optimize, more = _arguments(inherited, *args, **kwargs)
    except TypeError:
        return compile(*args, **kwargs)  # which says it
    kept = copy.deepcopy(source) if isinstance(source, ast.AST) else source
    code = compile(source, filename, mode, flags, True, optimize, **more)
    if type(code) is CodeType and isinstance(source, str | bytes | ast.AST) and len(_compiled) < _MOST:
        _compiled[id(code)] = _Compiled(code, kept, os.fsdecode(filename), flags, optimize, mode)
    return code


def _arguments(
    inherited: int,
    source: Any,
    filename: Any,
    mode: Any,
    flags: int = 0,
    dont_inherit: bool = False,
    optimize: int = -1,
    **more: Any,
) -> tuple[Any, Any, Any, int, int, dict[str, Any]]:
    return source, filename, mode, flags if dont_inherit else flags | inherited, optimize, more


class TextStep(Step):
    """What user code executes is rewritten, whatever else is done to user code."""

    names: ClassVar[dict[str, Callable[..., Any]]] = {
        "__samebits_text__": executed,
        "__samebits_compile__": compiling,
    }
    wanted = frozenset({"exec", "eval", "compile"})

    def called(self, call: ast.Call, around: ast.expr, name: str, at: Rewriting) -> ast.expr:
        if not isinstance(call.func, ast.Name) or call.func.id not in self.wanted:
            return around
        if call.func.id == "compile":
            call.func = calling("__samebits_compile__", call.func, [call.func])
        elif call.args and not isinstance(call.args[0], ast.Starred):
            of = ast.copy_location(ast.Name(call.func.id, ast.Load()), call.func)
            text = call.args[0]
            call.args[0] = calling("__samebits_text__", text, [text, constant(call.func.id, text), of])
        return around
