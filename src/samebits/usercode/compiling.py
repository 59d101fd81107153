"""Code of the program's, compiled with the changes that are installed, beside the code as it is."""

from __future__ import annotations
import __future__

import ast
import functools
import operator
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from types import CodeType
from typing import Final

from samebits.usercode import originals, rewriting, texts
from samebits.usercode.module_names import ModuleNames
from samebits.usercode.rewriting import Step
from samebits.usercode.texts import TextPlace

#: Flags of code that the texts it compiles inherit, unless they are told not to.
INHERITED: Final = functools.reduce(
    operator.or_, (getattr(__future__, name).compiler_flag for name in __future__.all_feature_names)
)
#: The changes that are made of user code now, in their order: what the observer sees is the user's own call.
steps: Final[list[Step]] = []


def rewritten(
    source: str | bytes | ast.AST,
    filename: str,
    plain: CodeType,
    *,
    place: TextPlace | None = None,
    mode: str = "exec",
    flags: int = 0,
    optimize: int = -1,
    names: ModuleNames | None = None,
) -> CodeType:
    """Code as ``plain``, which was compiled from ``source``, and changed; or ``plain``, if that fails.

    Args:
        source: a syntax tree is changed in place.
        place: where a record says that it is, if not in the file of that name.
        names: what earlier parts of the same module are known to name.
    """
    if not steps:
        return plain
    try:
        with warned_before():
            tree = rewriting.rewrite(
                source, filename, steps, place=place, mode=mode, flags=flags, names=names
            )
            code: CodeType = compile(tree, filename, mode, flags, dont_inherit=True, optimize=optimize)
        originals.keep(code, plain)
    except Exception:
        code = plain
    if place is not None:
        texts.keep(code, place)
    return code


@contextmanager
def warned_before() -> Iterator[None]:
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
