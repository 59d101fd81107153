"""The names by which a module knows what others made."""

from __future__ import annotations

import ast
from collections.abc import Collection, Mapping
from types import FunctionType, ModuleType
from typing import Any

from samebits.usercode.files import KNOWN_PACKAGES
from samebits.usercode.nodes import last_name


class ModuleNames:
    """The names that a module, or a notebook over its cells, gives to what others made."""

    def __init__(self) -> None:
        #: Other names of functions: ``from a import f as g``, ``g = a.f`` where f is wanted.
        self.aliases: dict[str, str] = {}
        #: What is imported from third parties.
        self.libraries: set[str] = set()

    def learn(self, tree: ast.AST, wanted: Collection[str]) -> None:
        for node in ast.walk(tree):
            if isinstance(node, ast.Import | ast.ImportFrom):
                self._imported(node)
            elif isinstance(node, ast.Assign) and last_name(node.value) in wanted:
                for each in node.targets:
                    if isinstance(each, ast.Name):
                        self.aliases[each.id] = last_name(node.value)

    def learn_values(self, variables: Mapping[str, Any]) -> None:
        """What a module's variables are by now, where its text is not at hand."""
        for name, value in list(variables.items()):
            of = None
            if type(value) is ModuleType:
                of = value.__name__
            elif isinstance(value, type) or type(value) is FunctionType:
                of = value.__module__
            if type(of) is str and of != "__main__" and of.partition(".")[0] not in KNOWN_PACKAGES:
                self.libraries.add(name)

    def _imported(self, node: ast.Import | ast.ImportFrom) -> None:
        self.aliases.update({each.asname: each.name.rpartition(".")[2] for each in node.names if each.asname})
        if isinstance(node, ast.Import):
            for each in node.names:
                package = each.name.partition(".")[0]
                known_as = each.asname or package
                if package not in KNOWN_PACKAGES and known_as.isidentifier():  # pytest's own are "@pytest_ar"
                    self.libraries.add(known_as)
        elif not node.level and (node.module or "").partition(".")[0] not in KNOWN_PACKAGES:
            self.libraries.update(each.asname or each.name for each in node.names)
