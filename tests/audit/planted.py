"""Rules that are planted for tests: what fixes do is tried with them, whatever the catalogue's rules find."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from types import MappingProxyType
from typing import Any

import pytest

from samebits.audit import engine, one_file, sarif
from samebits.causes._edits import Draft, UnclearPlace
from samebits.model.cause import Cause
from samebits.model.rule import Hit, Rule
from samebits.source.module import Module


def _sorted(draft: Draft, node: ast.expr) -> None:
    draft.wrap(node, "sorted(", ")")


def _length(draft: Draft, node: ast.Call) -> None:
    draft.rename(node, "len")


def _import(draft: Draft, node: ast.Call) -> None:
    draft.replace(node, f"{draft.module('zlib')}.crc32(b'')")


def _idle(draft: Draft, node: ast.expr) -> None:
    draft.wrap(node, "(", ")")


def _broken(draft: Draft, node: ast.expr) -> None:
    draft.replace(node, "(")


def _fails(draft: Draft, node: ast.expr) -> None:
    raise KeyError("nothing")


def _unclear(draft: Draft, node: ast.expr) -> None:
    raise UnclearPlace("nobody knows")


def _finds(
    called: str, mend: Callable[[Any, Any], None] | None, safe: bool, places: bool = False
) -> Callable[[Module], Iterator[Hit]]:
    def rule(module: Module) -> Iterator[Hit]:
        for node, name, last in module.calls:
            above = module.names.parent(node)
            if called not in (name, last) or (
                isinstance(above, ast.Call) and getattr(above.func, "id", "") == "sorted"
            ):
                continue
            others = ((module.place(module.every(ast.Call)[0]), "the first call"),) if places else ()
            place = module.place(node)
            yield Hit(place, f"{called}() is called.", f"not {called}()", mend, safe=safe, places=others)

    return rule


def _cause(name: str, rule: Rule, **more: Any) -> Cause:
    return Cause(
        name, f"Planted: {name}", "It is `planted`.", "It is for a test.", "not this", ("https://docs.python.org/3/",),
        rule=rule, **more,
    )  # fmt: skip


def _rule(called: str, mend: Any, safe: bool = True, places: bool = False, **more: Any) -> Rule:
    return Rule(file=_finds(called, mend, safe, places), **more)


CATALOGUE = MappingProxyType(
    {
        cause.name: cause
        for cause in (
            _cause("by-hand", _rule("by_hand", None, False, True)),
            _cause("broken", _rule("broken", _broken)),
            _cause("fails", _rule("fails", _fails)),
            _cause("idle", _rule("idle", _idle)),
            _cause("listing", _rule("os.listdir", _sorted), invalid=("import os\nos.listdir()\n",)),
            _cause("needs-import", _rule("needs", _import)),
            _cause("number", _rule("number", _length, False, fragile=True)),
            _cause("unasked", _rule("unasked", None, selected=False)),
            _cause("unclear", _rule("unclear", _unclear)),
        )
    }
)


def plant(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the catalogue be this one."""
    for module in (engine, one_file, sarif):
        monkeypatch.setattr(module, "CATALOGUE", CATALOGUE)
