"""Who reads the code of a rewritten function sees the code of its file.

Rewritten code calls names that only this process has in its builtins.  A compiler of bytecode (numba) does
not know them; code that is pickled by value (cloudpickle, dill), marshalled, hashed for a cache or run with
other builtins fails for want of them.  No list of such readers would ever be whole.  But whoever wants a
function's code reads ``function.__code__``, and Python raises an audit event before it answers.  So every
rewritten code object is kept with the original one, and where a function is asked for its code the original
is put in place first: the reader gets it, and the function runs it from then on, unobserved and right.

Left as they are: readings by what only describes functions (`_DESCRIBES`), and of an attribute that both
codes have alike (``function.__code__.co_argcount``).
"""

from __future__ import annotations

import opcode
import sys
from types import CodeType, FrameType, FunctionType
from typing import Any, Final

from samebits.usercode import opened
from samebits.usercode.files import KNOWN_PACKAGES

#: rewritten code -> the code as it is in the file.
_originals: dict[CodeType, CodeType] = {}

#: Packages that read a function's code for its place, its arguments or whether it is another function's.
_THIRD: Final = (
    "_pytest",
    "pluggy",
    "beartype",
    "lightning",  # whether a hook is overridden
    "lightning_fabric",
    "lightning_utilities",
    "pytorch_lightning",
)
_DESCRIBES: Final = (KNOWN_PACKAGES | {*_THIRD}) - {"dis"}
#: Functions there that tell what names the code uses.
_TELLS: Final = frozenset({"getclosurevars"})
#: Attributes of code that are alike.
_ALIKE: Final = frozenset(
    [
        "co_argcount",
        "co_posonlyargcount",
        "co_kwonlyargcount",
        "co_varnames",
        "co_nlocals",
        "co_flags",
        "co_freevars",
        "co_cellvars",
        "co_filename",
        "co_firstlineno",
        "co_name",
        "co_qualname",
    ]
)
_LOAD_ATTR: Final = opcode.opmap["LOAD_ATTR"]
_SHIFT: Final = 1 if sys.version_info >= (3, 12) else 0  # of the name's number: the lowest bit marks a method


def keep(rewritten: CodeType, original: CodeType) -> None:
    """Remember the original of a rewritten code object and of every function in it."""
    if rewritten == original:
        return
    _originals[rewritten] = original
    ours = [each for each in rewritten.co_consts if isinstance(each, CodeType)]
    theirs = [each for each in original.co_consts if isinstance(each, CodeType)]
    if len(ours) == len(theirs):
        pairs = zip(ours, theirs, strict=True)
    else:  # equal functions of one line may have become one
        places = {_place(each): each for each in theirs}
        pairs = ((each, places[_place(each)]) for each in ours if _place(each) in places)  # type: ignore[assignment]
    for ours_, theirs_ in pairs:
        keep(ours_, theirs_)
    opened.listen("object.__getattr__", _read)


def original(code: CodeType) -> CodeType:
    """The code as it is in its file, of code that may have been rewritten."""
    return _originals.get(code, code)


def _place(code: CodeType) -> Any:
    return code.co_qualname, code.co_firstlineno, code.co_varnames, next(iter(code.co_positions()), None)


_code_of: Final = FunctionType.__dict__["__code__"].__get__


def _read(args: tuple[Any, ...]) -> None:
    """An attribute is about to be read that Python guards."""
    if args[1] != "__code__" or type(args[0]) is not FunctionType:
        return
    reader = sys._getframe(2)
    package, _, _ = str(reader.f_globals.get("__name__")).partition(".")
    if (package in _DESCRIBES and reader.f_code.co_name not in _TELLS) or _next_name(reader) in _ALIKE:
        return
    plain = _originals.get(_code_of(args[0]))  # our own reading, which ends above
    if plain is not None:
        args[0].__code__ = plain


def _next_name(frame: FrameType) -> str | None:
    """The attribute that a frame reads of the value it is about to get."""
    code = frame.f_code
    words = code.co_code
    at = frame.f_lasti + 2
    while at < len(words) and words[at] == 0:  # inline caches
        at += 2
    if at >= len(words) or words[at] != _LOAD_ATTR:
        return None
    name = words[at + 1] >> _SHIFT
    return code.co_names[name] if name < len(code.co_names) else None
