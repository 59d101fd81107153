"""The arguments by which a program is told to go on, as its source shows them."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from typing import Final

_RESUMES: Final = re.compile(r"resume|restore|continue|ckpt|checkpoint|load", re.IGNORECASE)
#: What such a name is when it says where to write.
_WRITES: Final = re.compile(r"every|interval|freq|dir$|save|keep", re.IGNORECASE)


def resuming(sources: Mapping[str, str]) -> list[str]:
    """Its flags with such names, those with "resume" first; a value that they take is in capitals."""
    found: dict[str, None] = {}
    for text in sources.values():
        try:
            tree = ast.parse(text)
        except (SyntaxError, ValueError):
            continue
        for node in ast.walk(tree):
            if not (isinstance(node, ast.Call) and _last(node.func) in ("add_argument", "option", "Option")):
                continue
            names = [a.value for a in node.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
            name = next((one for one in names if one.startswith("--")), None)
            if name is None or not _RESUMES.search(name) or _WRITES.search(name):
                continue
            flag = any(
                word.arg in ("action", "is_flag") and "store_const" not in ast.unparse(word.value)
                for word in node.keywords
            )
            found.setdefault(name if flag else f"{name} PATH")
    return sorted(found, key=lambda one: "resume" not in one)


def example(flag: str) -> str:
    """A flag with a value that it may have."""
    return flag.replace(" PATH", " last.pt")


def _last(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
