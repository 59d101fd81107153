"""What the observer in Python knows of an operator, read from its schema once (see `native/operators.h`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import torch

from samebits.model import events

_EMPTIES: Final = {
    "aten::empty", "aten::empty_like", "aten::empty_strided", "aten::new_empty", "aten::new_empty_strided",
    "aten::empty_permuted", "aten::resize_", "aten::resize_as_", "aten::_empty_affine_quantized",
    "aten::_resize_output_", "aten::empty_quantized",
}  # fmt: skip
#: Write their first argument without reading it.
_OVERWRITING: Final = {
    "aten::fill_", "aten::zero_", "aten::copy_", "aten::normal_", "aten::uniform_", "aten::random_",
    "aten::bernoulli_", "aten::geometric_", "aten::cauchy_", "aten::log_normal_", "aten::exponential_",
    "aten::eye_", "aten::set_", "aten::resize_", "aten::resize_as_", "aten::_foreach_zero_",
    "aten::_foreach_copy_", "aten::lift_fresh",  # torch.tensor([...]) filled it by hand
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Schema:
    """Positions are those of the schema's arguments."""

    name: str
    kind: int
    flags: int = 0
    arguments: tuple[str, ...] | None = None  # None: not told by a schema
    written_only: frozenset[int] = frozenset()
    mutated: tuple[int, ...] = ()  # of an operation that returns nothing
    generator: int = -1

    def bind(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Sequence[Any]:
        """The arguments in the schema's order; None where left to their default."""
        if self.arguments is None:
            return (*args, *kwargs.values())
        return (*args, *(kwargs.get(name) for name in self.arguments[len(args) :]))


def describe(func: Any) -> Schema:
    """The operator behind an OpOverload; of a higher-order operator only its name is known."""
    schema = getattr(func, "_schema", None)
    if schema is None:
        return Schema(name=f"higher_order::{getattr(func, '__name__', func)}", kind=events.KINDS.index("op"))
    name: str = schema.name
    kind, flags = events.KINDS.index("op"), 0
    written_only = {0} if name in _OVERWRITING else set()
    mutated, generator, writes = [], -1, False
    for i, argument in enumerate(schema.arguments):
        if argument.alias_info is not None and argument.alias_info.is_write:
            writes = True
            if argument.is_out:
                written_only.add(i)
            if not schema.returns:
                mutated.append(i)
        if argument.name == "generator" or "Generator" in str(argument.type):
            generator = i
    aliases = any(result.alias_info is not None for result in schema.returns)
    if (aliases and not writes and name != "aten::lift_fresh") or torch.Tag.inplace_view in func.tags:
        flags |= events.VIEW
    if torch.Tag.nondeterministic_seeded in func.tags or generator >= 0:
        flags |= events.RANDOM
    if name in _EMPTIES:
        flags |= events.UNINITIALIZED
    if name.startswith(("c10d::", "_c10d_functional::")):
        kind = events.KINDS.index("collective")
        flags |= events.PENDING
    if name == "aten::_local_scalar_dense":
        kind = events.KINDS.index("read")
    return Schema(
        name=name,
        kind=kind,
        flags=flags,
        arguments=tuple(argument.name for argument in schema.arguments),
        written_only=frozenset(written_only),
        mutated=tuple(mutated),
        generator=generator,
    )
