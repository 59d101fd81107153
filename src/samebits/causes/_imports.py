"""Import statements: what they bind, and what they may load."""

from __future__ import annotations

import ast
import sys
from collections.abc import Collection
from typing import Final

#: What is never the program's own, unless a module of that has the name.
_INSTALLED: Final = sys.stdlib_module_names | {"numpy", "torch", "torchvision", "torchaudio"}
#: Of a value: what calls nothing.
_QUIET: Final = (
    ast.Constant,
    ast.Name,
    ast.Tuple,
    ast.List,
    ast.Dict,
    ast.Set,
    ast.unaryop,
    ast.UnaryOp,
    ast.expr_context,
)


def is_docstring(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def imports(node: ast.stmt) -> bool:
    """Whether a statement does nothing but import."""
    if isinstance(node, ast.Import | ast.ImportFrom):
        return True
    if isinstance(node, ast.Try):
        return any(map(imports, node.body))
    return isinstance(node, ast.If) and all(map(imports, [*node.body, *node.orelse]))


def packages(tree: ast.Module) -> set[str]:
    """The packages that a file imports from, anywhere in it."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add((node.module or "").partition(".")[0])
    return found


def bound_as(alias: ast.alias, full: str) -> str | None:
    """By what name an import binds a module; `import torch.nn` binds torch, too."""
    if alias.name == full:
        return alias.asname or full
    return full if alias.asname is None and alias.name.startswith(f"{full}.") else None


def installed_alone(node: ast.stmt, own: Collection[str]) -> bool:
    """Whether an import loads what is installed for sure, and none of the program's own modules."""
    if isinstance(node, ast.ImportFrom):
        names = ["" if node.level else node.module or ""]
    elif isinstance(node, ast.Import):
        names = [alias.name for alias in node.names]
    else:
        return False
    roots = {name.partition(".")[0] for name in names}
    return roots <= _INSTALLED and not roots & {*own}


def is_quiet(node: ast.stmt) -> bool:
    """Whether a statement runs none of the program's code while a module is loaded."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return not (node.decorator_list or node.args.defaults or any(node.args.kw_defaults))
    if isinstance(node, ast.Assign) and all(isinstance(target, ast.Name) for target in node.targets):
        return all(isinstance(part, _QUIET) for part in ast.walk(node.value))
    return is_docstring(node)
