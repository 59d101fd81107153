"""Operations whose numbers changed from one release of torch to another."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Final

from samebits.model.cause import Cause
from samebits.model.rule import Hit, Rule
from samebits.source.module import Module
from samebits.source.project import is_test

_FIX = """\
x = torch.nn.functional.hardtanh(x, 0.0, 6.0)  # its gradient at both ends is 0 in every release"""

#: Gradients where the input equals a bound: 1 up to torch 2.13, 0 from 2.14 on; 1/2 if the bound is a tensor.
_CLAMPS: Final = frozenset({"clamp", "clamp_min", "clamp_max"})
_FUNCTIONS: Final = frozenset({f"torch.{name}" for name in (*_CLAMPS, "clip")})
_QUIET: Final = ("no_grad", "inference_mode")
_DETACHED: Final = frozenset({"detach", "data", "long", "int", "argmax", "item"})


def rule(module: Module) -> Iterator[Hit]:
    if "torch" not in module.text or ("clamp" not in module.text and "torch.clip" not in module.text):
        return
    if is_test(module.file):
        return
    for call, name, last in module.calls:
        method = name is None and last in _CLAMPS and isinstance(call.func, ast.Attribute)
        if not method and name not in _FUNCTIONS:
            continue
        if _is_trained(module, call) and not _without_gradient(module, call):
            yield Hit(
                module.place(call),
                f"the gradient of {last}() where its input equals a bound is 1 up to torch 2.13, and less "
                "from 2.14 on.",
                _FIX,
            )


def _is_trained(module: Module, call: ast.Call) -> bool:
    """Whether a gradient is likely to go through: in `forward`, in a loss, where `backward` is called."""
    function = module.function(call)
    if function is not None and (function.name == "forward" or "loss" in function.name.lower()):
        return True
    return any(last == "backward" and module.function(other) is function for other, _, last in module.calls)


def _without_gradient(module: Module, call: ast.Call) -> bool:
    """Whether no gradient goes through a call, as far as the source around it tells."""
    of = call.func.value if isinstance(call.func, ast.Attribute) else call
    inner = [of, *call.args[:1]]
    if any(
        isinstance(each, ast.Attribute) and each.attr in _DETACHED for one in inner for each in ast.walk(one)
    ):
        return True
    if isinstance(above := module.names.parent(call), ast.Attribute) and above.attr in _DETACHED:
        return True
    for above in module.names.parents(call):
        entered: list[ast.expr] = []
        if isinstance(above, ast.With):
            entered = [item.context_expr for item in above.items]
        elif isinstance(above, ast.FunctionDef):
            entered = above.decorator_list
        for each in entered:
            function = each.func if isinstance(each, ast.Call) else each
            if (module.names.qualified(function) or "").endswith(_QUIET):
                return True
    return False


CAUSE = Cause(
    name="torch-version",
    title="Numbers that changed between releases of torch",
    what="`clamp`, `clamp_min`, `clamp_max` and `clip` in code that a gradient goes through.",
    why="Up to torch 2.13 the gradient is 1 where the input equals a bound; from 2.14 on it is 0, and 1/2 "
    "where the bound is a tensor. Inputs that are exactly a bound are common: zeros behind a ReLU, padded "
    "rows, images that were clamped before. A model trained anew with another release has other weights.",
    fix=_FIX,
    sources=(
        "https://github.com/pytorch/pytorch/pull/191142",
        "https://github.com/pytorch/pytorch/issues/184572",
        "https://github.com/pytorch/pytorch/issues/184574",
    ),
    rule=Rule(file=rule, fragile=True, selected=False),
    invalid=(
        "import torch\n\n\ndef loss_of(x, y):\n    return (torch.clamp(x, 0.0, 6.0) - y).square().mean()\n",
        "from torch import nn\n\n\nclass Cut(nn.Module):\n    def forward(self, x):\n"
        "        return x.clamp(min=0)\n",
    ),
    valid=(
        "import torch\n\n\ndef loss_of(x, y):\n"
        "    return (torch.nn.functional.hardtanh(x, 0.0, 6.0) - y).square().mean()\n",
        "from torch import nn\n\n\nclass Cut(nn.Module):\n    def forward(self, x):\n"
        "        return nn.functional.relu(x)\n",
    ),
)
