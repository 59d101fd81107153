"""The step of the rewriting that puts probes into user code, so that it gives evidence.

- An expression whose elements are taken in order becomes ``__samebits_iter__(expression, place)``;
- ``f(...)``, where the last name of ``f`` is in `samebits.usercode.watchlist`, becomes
  ``__samebits_call__(place, f)(...)``;
- where draws are not seen at the generator and ``f`` begins with a third party's name, its last argument
  becomes ``__samebits_ready__(argument, place)`` and the whole call ``__samebits_done__(call, place)``: it
  is called from the user's own frame, which it may look at (cython.inline, numexpr, a warning's place);
- an expression that makes a set becomes ``__samebits_made__(expression, "file:line")``;
- the key of ``os.environ[key]`` and the value assigned to a flag such as ``cudnn.benchmark`` go
  through ``__samebits_note__(place, what, value)``.

What the probes do as the code runs, `samebits.usercode.probes` says.
"""

from __future__ import annotations

import ast
from typing import ClassVar, Final

from samebits.model import calls
from samebits.model.sites import Site
from samebits.usercode import drawn, made_sets, probes, watchlist
from samebits.usercode.nodes import (
    callee,
    calling,
    constant,
    dotted_name,
    has_keyword,
    last_name,
    owner,
    root_name,
)
from samebits.usercode.rewriting import Rewriting, Step

ITER: Final = "__samebits_iter__"
CALL: Final = "__samebits_call__"
READY: Final = "__samebits_ready__"
DONE: Final = "__samebits_done__"
NOTE: Final = "__samebits_note__"
MADE: Final = "__samebits_made__"

#: Expressions that can be seen to be no set.
_PLAIN: Final = (
    ast.Constant,
    ast.JoinedStr,
    ast.List,
    ast.Tuple,
    ast.Dict,
    ast.ListComp,
    ast.DictComp,
    ast.GeneratorExp,
    ast.Lambda,
    ast.Compare,
    ast.Starred,
)


class ProbeStep(Step):
    """Puts the probes in."""

    names: ClassVar = {
        ITER: probes.iterated,
        CALL: probes.resolve,
        READY: probes.ready,
        DONE: probes.done,
        NOTE: probes.noted,
        MADE: made_sets.made,
    }

    def __init__(self) -> None:
        self.wanted = watchlist.watched_names()
        self._libraries = not drawn.active()  # what they draw is seen at the generator

    def iterated(self, node: ast.expr, what: str, at: Rewriting) -> ast.expr:
        if isinstance(node, _PLAIN):
            return node
        if isinstance(node, ast.Call) and last_name(callee(node)) in calls.NEVER_SET:
            return node
        return calling(ITER, node, [node, _place(node, at, what)])

    def called(self, call: ast.Call, around: ast.expr, name: str, at: Rewriting) -> ast.expr:
        unseen = name in watchlist.KEYED and not has_keyword(call, "key")
        if name in self.wanted and not unseen and not _is_of_dict(call, name):
            call.func = calling(CALL, call.func, [_place(call, at, name), call.func])
            return around
        if self._libraries and root_name(call.func) in at.libraries:
            return _of_library(call, around, at)
        return around

    def made(self, node: ast.expr, around: ast.expr, at: Rewriting) -> ast.expr:
        return calling(MADE, node, [around, constant(str(Site(at.file, node.lineno)), node)])

    def assigned(self, target: ast.Attribute, value: ast.expr, at: Rewriting) -> ast.expr:
        if target.attr not in watchlist.FLAGS:
            return value
        name = dotted_name(target)
        owned = not watchlist.FLAG_OWNERS.isdisjoint(name.split(".")[:-1])
        return _noted(value, name, at) if owned else value

    def looked_up(self, mapping: ast.expr, key: ast.expr, at: Rewriting) -> ast.expr:
        return _noted(key, "variable", at) if last_name(mapping) == "environ" else key


def _place(node: ast.expr, at: Rewriting, what: str = "") -> ast.expr:
    return constant(probes.spot(Site(at.file, at.line(node.lineno), at.function), what, at.sorted), node)


def _noted(node: ast.expr, what: str, at: Rewriting) -> ast.expr:
    return calling(NOTE, node, [_place(node, at), constant(what, node), node])


def _is_of_dict(call: ast.Call, name: str) -> bool:
    """Whether a call of ``get`` or ``pop`` can only be a dictionary's or a list's: hot, and no evidence."""
    if name not in ("get", "pop", "setdefault") or last_name(owner(call)) == "environ":
        return False
    waits = any(each.arg in ("block", "timeout", None) for each in call.keywords)
    first = call.args[0] if call.args else None
    blocks = isinstance(first, ast.Constant) and isinstance(first.value, bool)
    return name == "setdefault" or not (first is None or waits or blocks)


def _of_library(call: ast.Call, around: ast.expr, at: Rewriting) -> ast.expr:
    """A call of a third party's function, with probes around it and none between."""
    what = probes.LIBRARY if call.args or call.keywords else probes.BARE
    call.func = calling(CALL, call.func, [_place(call, at, what), call.func])

    def ready(last: ast.expr) -> ast.expr:
        return calling(READY, last, [last, _place(call, at, what)])

    # What is evaluated last of a call: a keyword's value, else the last positional argument.
    if call.keywords:
        call.keywords[-1].value = ready(call.keywords[-1].value)
    elif call.args and isinstance(last := call.args[-1], ast.Starred):
        last.value = ready(last.value)
    elif call.args:
        call.args[-1] = ready(call.args[-1])
    return calling(DONE, call, [around, _place(call, at, what)])
