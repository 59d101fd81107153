"""A number that user code writes down under a name: an interval in steps or epochs, which is halved.

It may stand in an assignment, a default of a parameter, a dataclass or argparse, a keyword argument, a
dictionary, or on the command line.  No file changes: the program is compiled with the other number.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, ClassVar, Final

from samebits._runtime.patcher import Patcher
from samebits.control import told
from samebits.usercode import loading
from samebits.usercode.nodes import constant
from samebits.usercode.rewriting import Rewriting, Step

#: Functions that declare an option of a command line: its names come first, `default=` is its number.
_DECLARE: Final = frozenset({"add_argument", "add_option", "option", "Option", "argument"})
#: Nodes of an expression that is a number written out: 10 * 5.
_WRITTEN: Final = (ast.Constant, ast.BinOp, ast.UnaryOp, ast.operator, ast.unaryop)
#: What begins a name with dots, as Hydra's and lightning's command lines have it.
_BEFORE: Final = re.compile(r"^[-+]*(?:[\w]+\.)*")
#: Of the steps a program takes, an interval is at most this part: else nothing would happen in it.
_PART: Final = 3


class Meant:
    """Which names are meant: a pattern over names in lower case with underscores."""

    def __init__(self, *patterns: str) -> None:
        self._pattern = re.compile("|".join(f"(?:{pattern})" for pattern in patterns))

    def match(self, name: str) -> bool:
        plain = _BEFORE.sub("", name).replace("-", "_").strip("_").lower()
        return self._pattern.fullmatch(plain) is not None


def other(number: Any) -> int | float | None:
    """Half of an interval, of 1 the double; None where it is no interval."""
    if isinstance(number, bool) or not isinstance(number, int | float) or number <= 0:
        return None
    if isinstance(number, float):
        return number / 2 if number == number and number != float("inf") else None
    if number == 1:
        return 2
    steps = told.TrialPlan.here().steps
    half = number // 2
    return half if steps is None else min(half, max(1, steps // _PART))


def value(node: ast.expr) -> Any:
    """The number that an expression of nothing but numbers is; None where it is none."""
    if not all(isinstance(each, _WRITTEN) for each in ast.walk(node)):
        return None
    tree = ast.fix_missing_locations(ast.Expression(ast.parse(ast.unparse(node), mode="eval").body))
    try:
        found = eval(compile(tree, "<number>", "eval"), {"__builtins__": {}})  # noqa: S307  # numbers alone
    except (ArithmeticError, TypeError, ValueError):
        return None
    return found


class Halving(Step):
    """Halves the numbers of some names in user code."""

    names: ClassVar = {}
    wanted: Final = _DECLARE  # type: ignore[misc]

    def __init__(self, change: str, meant: Meant) -> None:
        self._change = change
        self._meant = meant
        self.found = False

    def bound(self, name: str, value: ast.expr, at: Rewriting) -> ast.expr:
        return self._halved(name, value, at) if self._meant.match(name) else value

    def called(self, call: ast.Call, around: ast.expr, name: str, at: Rewriting) -> ast.expr:
        if name in _DECLARE:
            words = [each.value for each in call.args if isinstance(each, ast.Constant)]
            option = next((w for w in words if isinstance(w, str) and self._meant.match(w)), None)
            for each in call.keywords if option is not None else ():
                if each.arg == "default":
                    each.value = self._halved(str(option), each.value, at)
        return around

    def _halved(self, name: str, node: ast.expr, at: Rewriting) -> ast.expr:
        before = value(node)
        after = other(before)
        if after is None:
            return node
        self.found = True
        told.tell(
            self._change, f"{name.lstrip('-')} {before} -> {after}", f"{at.file}:{at.line(node.lineno)}"
        )
        return constant(after, node)


def words(change: str, meant: Meant, given: Sequence[str]) -> Sequence[str]:
    """The words of a program with the numbers after such names halved; the first word is the program."""
    changed = list(given)
    for number, word in enumerate(changed):
        name, has_value, text = word.partition("=")
        if not number or not meant.match(name) or not (has_value or name.startswith("-")):
            continue
        if not has_value:
            text = changed[number + 1] if number + 1 < len(changed) else ""
        after = other(_number(text))
        if after is not None:
            changed[number if has_value else number + 1] = f"{name}={after}" if has_value else str(after)
    return changed


def _number(text: str) -> int | float | None:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            pass
    return None


class Defaults(Patcher):
    """Frameworks whose own default is an interval: another one where the program gives none."""

    def __init__(self, change: str, defaults: Sequence[tuple[str, str, str, int]]) -> None:
        """``defaults``: module, class, parameter, the value to give."""
        super().__init__()
        self._change = change
        self._defaults = defaults

    def install(self) -> None:
        for module, kind, parameter, number in self._defaults:
            self._after(module, partial(self._wrap, kind, parameter, number))

    def _wrap(self, kind: str, parameter: str, number: int, module: Any) -> None:
        def made(original: Any, this: Any, *args: Any, **kwargs: Any) -> Any:
            if self._alive and kwargs.get(parameter) is None:
                kwargs[parameter] = number
                told.tell(self._change, f"{parameter} of {kind}, {number}")
            return original(this, *args, **kwargs)

        self._around(getattr(module, kind), "__init__", made)


def install(
    change: str, meant: Meant, defaults: Sequence[tuple[str, str, str, int]]
) -> tuple[Halving, Callable[[], None]]:
    """Halve in user code compiled from now on; the step, and what ends it."""
    step = Halving(change, meant)
    ended = loading.add(step)
    frameworks = Defaults(change, defaults)
    frameworks.install()

    def undo() -> None:
        ended()
        frameworks.uninstall()

    return step, undo
