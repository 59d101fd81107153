"""torch.compile inside the portable mode: compiled code calls the operations that are replaced.

Inductor would otherwise draw in kernels of its own.  Dynamo has no guard for that setting, so
code that was compiled before the mode began would go on drawing so: it is compiled anew.
What was compiled inside the mode is kept afterwards, and then draws with torch's own kernels.
"""

from __future__ import annotations

import operator
import sys
from collections.abc import Callable, Iterable
from itertools import pairwise
from types import ModuleType
from typing import Any, NoReturn

import torch
from torch.utils._ordered_set import OrderedSet
from torch.utils._pytree import tree_leaves

from samebits._runtime.bypass import Refused
from samebits._runtime.patcher import Patcher
from samebits.errors import DeterminismError

#: What inductor makes of these are other draws, or other arithmetic.
_WHOLE = ("bernoulli", "native_dropout_backward")

#: To be changed with what is made here of a program.
_MADE = "everywhere, in order"


class Compiled(Patcher):
    """From `install` until `uninstall`."""

    def __init__(self) -> None:
        super().__init__()
        self._seen: tuple[int, object] | None = None
        self._bypass = Refused(_refuse)

    def check(self) -> None:
        """Refuse a process in which compiled code would draw without asking the dispatcher.

        Raises:
            DeterminismError: inductor's C++ wrapper is on.
        """
        self._bypass.check()

    def install(self) -> None:
        self._alive = True
        self._bypass.install()
        now = _seen()
        if now is not None and (self._seen is None or now[0] != self._seen[0] or now[1] is not self._seen[1]):
            sys.modules["torch._dynamo"].reset()
        self._after("torch._inductor.config", self._config)
        self._after("torch._inductor.decomposition", self._decompositions)
        self._after("torch._inductor.lowering", self._fallbacks)
        self._after("torch._inductor.fx_passes.post_grad", self._post_grad)
        self._after("torch._functorch.partitioners", self._partitioners)

    def uninstall(self) -> None:
        super().uninstall()
        self._bypass.uninstall()
        self._seen = _seen()

    def _config(self, module: ModuleType) -> None:
        self._replace(module, "fallback_random", True)
        # It changes nothing but the name under which inductor keeps compiled code on the disk: a program that
        # sets `fallback_random` itself must not find ours, nor we its.
        metadata = {**module.aot_inductor.metadata, "samebits.random": _MADE}
        self._replace(module.aot_inductor, "metadata", metadata)

    def _decompositions(self, module: ModuleType) -> None:
        table = module.decompositions
        for name in _WHOLE:
            operation = getattr(torch.ops.aten, name).default
            if operation in table:
                self._undo.callback(table.__setitem__, operation, table.pop(operation))

    def _fallbacks(self, module: ModuleType) -> None:
        """Inductor calls what it cannot take apart; with CI set, only if it is in its list."""
        allowed = module.FALLBACK_ALLOW_LIST
        for name in (f"aten::{name}" for name in _WHOLE):
            if name not in allowed:
                allowed.add(name)
                self._undo.callback(allowed.discard, name)

    def _post_grad(self, module: ModuleType) -> None:
        """Draws in the program's order: inductor of torch 2.11 runs them in any that results allow."""
        if hasattr(module, "_chain_random_ops_for_ordering"):
            return
        sort = module.stable_topological_sort

        def sorted_in_order(graph: Any) -> Any:
            if self._alive:
                _keep_order(graph)
            return sort(graph)

        self._replace(module, "stable_topological_sort", sorted_in_order)

    def _partitioners(self, module: ModuleType) -> None:
        kept = module.functionalize_rng_ops

        def functionalize_rng_ops(joint: Any, *rest: Any) -> Any:
            if self._alive:
                check_recomputed(joint.graph.nodes, module.must_recompute)
            return kept(joint, *rest)

        self._replace(module, "functionalize_rng_ops", functionalize_rng_ops)


def _keep_order(graph: Any) -> None:
    """Make each draw of a graph wait for the one before it."""
    from torch._inductor.fx_passes.control_dependencies import preserve_node_ordering

    drawn = [node for node in graph.nodes if _is_seeded(node)]
    if len(drawn) > 1:
        waits = {later: OrderedSet([_first_result(earlier)]) for earlier, later in pairwise(drawn)}
        preserve_node_ordering(graph, waits)


def _first_result(node: Any) -> Any:
    """What can be waited for: of several results torch 2.11 waits for none, but for one that is taken out."""
    return next((user for user in node.users if user.target is operator.getitem), node)


def _is_seeded(node: Any) -> bool:
    return torch.Tag.nondeterministic_seeded in getattr(node.target, "tags", ())


def check_recomputed(nodes: Iterable[Any], is_recomputed: Callable[[Any], bool]) -> None:
    """Refuse draws that a compiled backward makes again by a GPU's own generator, where our stream is not."""
    for node in nodes:
        if _is_seeded(node) and is_recomputed(node):
            made = tree_leaves(node.meta.get("val"))
            if any(isinstance(one, torch.Tensor) and one.device.type != "cpu" for one in made):
                raise DeterminismError(
                    f"{node.target} is drawn again in the backward of a compiled checkpoint, which "
                    "samebits.random.portable cannot rewind on a GPU: compile the block inside "
                    "torch.utils.checkpoint instead of around it, or leave it without a checkpoint."
                )


def _refuse(what: str) -> NoReturn:
    raise DeterminismError(
        f"{what} calls torch's kernels without the dispatcher, so samebits.random.portable could not give "
        "it numbers: turn cpp_wrapper off (torch._inductor.config.cpp_wrapper, TORCHINDUCTOR_CPP_WRAPPER) "
        "and use plain torch.compile."
    )


def _seen() -> tuple[int, object] | None:
    """What dynamo has compiled: how many functions since its last reset, and its own note of the last one.

    A reset and as many functions afterwards give the same number, but another note.
    """
    convert: Any = sys.modules.get("torch._dynamo.convert_frame")
    if convert is None or not convert.input_codes.seen:
        return None
    return convert.FRAME_COUNTER, convert.input_codes.seen[-1]
