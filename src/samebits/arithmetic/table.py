"""The table: of every operation of torch's dispatcher, whether its result is the same everywhere.

What is in none of the lists is undefined, so that an operation of a newer torch raises instead of passing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib import import_module
from typing import Final

from samebits.arithmetic import exact
from samebits.arithmetic.guard import kernels_of
from samebits.arithmetic.rows import Defined
from samebits.model.operators import OPERATIONS
from samebits.random.portable_mode.random_operators import RANDOM_OPERATORS

#: The files that have rows.
FILES: Final = (
    "products",
    "convolution",
    "elementwise",
    "activations",
    "choices",
    "compound",
    "ranges",
    "optimizers",
    "reductions",
    "scans",
    "softmax",
    "norms",
    "batch_norms",
    "losses",
    "margins",
    "pooling",
    "resampling",
    "recurrent",
    "folding",
    "ctc",
    "padding",
    "pairs",
    "places",
    "attention",
)


class Kind(StrEnum):
    """Why an operation's result is the same everywhere, or that it is not."""

    DEFINED = "defined"  # a formula of ours takes the place of torch's kernel
    EXACT = "exact"  # copies, integers, comparisons, one correctly rounded operation an element
    COMPOSED = "composed"  # made of other operations, which are asked one by one
    RANDOM = "random"  # draws of samebits.random
    UNDEFINED = "undefined"


_TORCHS: Final = {
    exact.NativeResult.EXACT: Kind.EXACT,
    exact.NativeResult.COMPOSED: Kind.COMPOSED,
    exact.NativeResult.OTHER: Kind.UNDEFINED,
}


@cache
def rows(device: str = "cpu") -> tuple[Defined, ...]:
    """Every operation that is replaced on "cpu", or on "cuda", which computes some more otherwise."""
    if device == "cuda":
        from samebits.arithmetic._triton import rows as on_cuda

        return (*rows(), *on_cuda.ROWS)
    own = [row for file in FILES for row in import_module(f"samebits.arithmetic.{file}").ROWS]
    schemas = {schema for row in own for schema in (row.schema, *row.variants)}
    return (*own, *_of_ops(schemas))


def _of_ops(ours: Collection[str]) -> Iterator[Defined]:
    """The replacements of `samebits.ops` that no row of ours takes the place of.

    They are rows, so that whatever a `samebits.deterministic` inside the mode asks for, they stay.
    torchvision's operations are there once it is imported.
    """
    for row in OPERATIONS:
        if row.schema not in ours:
            function = getattr(import_module(f"samebits.ops.{row.file}"), row.function)
            yield Defined(row.schema, function, str(row.recipe), row.variants)


@cache
def _defined() -> frozenset[str]:
    ours = {schema for row in rows() for schema in (row.schema, *row.variants)}
    return frozenset(ours | {schema for row in OPERATIONS for schema in (row.schema, *row.variants)})


@cache
def _random() -> frozenset[str]:
    return frozenset(row.schema for row in RANDOM_OPERATORS)


@cache
def kind(operation: str) -> Kind:
    """Of an operation by its name in the dispatcher, with its overload: `aten::add.Tensor`, `aten::mm`."""
    name = operation.removesuffix(".default")
    if name in _defined():
        return Kind.DEFINED
    if name in _random():
        return Kind.RANDOM
    return _TORCHS[exact.kind(name)]


@dataclass(frozen=True, slots=True)
class Listed:
    """An operation of the dispatcher that has a kernel for the CPU, and what is known of it.

    Attributes:
        operation: with its overload.
        kind: why its result is the same everywhere, or that it is not.
        formula: of a defined operation: what its result is.
    """

    operation: str
    kind: Kind
    formula: str = ""


def listed(names: Collection[str] = ()) -> list[Listed]:
    """The operations of this torch, by kind and name: all, or those with one of these names.

    A name is the dispatcher's with or without namespace, overload and the `_` of the in-place form: "add",
    "aten::add_.Tensor".
    """
    formulas = {schema: row.formula for row in rows() for schema in (row.schema, *row.variants)}
    formulas |= {
        schema: str(row.recipe)
        for row in OPERATIONS
        for schema in (row.schema, *row.variants)
        if schema not in formulas
    }
    wanted = {plain(name) for name in names}
    every = {name for key in ("CPU", "CompositeExplicitAutograd") for name in kernels_of(key)}
    found = [
        Listed(name, kind(name), formulas.get(name, ""))
        for name in every
        if not wanted or plain(name) in wanted
    ]
    return sorted(found, key=lambda one: (list(Kind).index(one.kind), one.operation))


def plain(name: str) -> str:
    """A name without its namespace, overload and the `_` of the in-place form."""
    last = name.removeprefix("torch.ops.").rpartition("::")[2].removeprefix("aten.").partition(".")[0]
    return last.removesuffix("_") if not last.endswith("__") else last
