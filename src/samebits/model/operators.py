"""What is known of operators by name: which are nondeterministic, where, why, and what replaces them.

`OPERATIONS` are those that samebits replaces.  Each is declared in the file of `samebits.ops` that has its
replacement; `tools/operators.py` collects the declarations into `operators.json`, so that the command line
and the causes read them without torch.  `OPERATORS` adds those that samebits does not replace by themselves,
and is what a cause asks.

PyTorch runs some public operations through internal ones; a reader looks for the public name in the
documentation.  Some kernels return auxiliary outputs (workspaces, per-bag sizes) whose memory they do
not wholly write; a difference there alone is none.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from samebits.model.events import Event


class Why(StrEnum):
    """Why PyTorch's kernel gives other bits on equal inputs."""

    ATOMICS = "floating point atomics combine numbers in the order in which threads arrive"
    RACE = "of several writes to one place, the one that arrives last stays"
    CHOICE = "of equal values, the index of the one that is found first is returned"
    SCAN = "parts of a scan are joined as they arrive"


class Torch(StrEnum):
    """What PyTorch does on CUDA under `torch.use_deterministic_algorithms(True)`."""

    RAISES = "raises"
    SILENT = "nondeterministic, silently"
    SLOW = "deterministic, slower"


class Recipe(StrEnum):
    """How ours is made deterministic."""

    TAPS = "each input gathers its outputs, in a fixed order"
    EXACT = "exact integer sums, which have no order"
    LAST = "the last write is found by an integer maximum"
    SORT = "stable sort, then a fixed order"
    ROWS = "rows of a fixed length, joined in order"


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of the dispatcher and its replacement.

    Attributes:
        name: what its users call it, as in `except_=["grid_sample"]`; several operations may share it.
        schema: its name in the dispatcher, with the overload.
        why: PyTorch's kernel is nondeterministic.
        torch: what PyTorch does.
        recipe: how ours is made deterministic.
        variants: other overloads (in place, `out=`) that are made of the same function.
        devices: where PyTorch's kernel is not deterministic.
        run_by: public functions and modules of other names that run it, most of them in their backward.
        until: the first release of the library whose own kernel is deterministic; the row steps aside.
        since: the first version of samebits that replaces it.
        file: of `samebits.ops` that declares it, and of `samebits.ops._triton`; the tool fills it in.
    """

    name: str
    schema: str
    why: Why
    torch: Torch
    recipe: Recipe
    variants: tuple[str, ...] = ()
    devices: tuple[str, ...] = ("cuda",)
    run_by: tuple[str, ...] = ()
    until: str | None = None
    since: str = "0.1.0"
    file: str = ""

    @property
    def function(self) -> str:
        """The replacement's name in `file`; it has the schema's signature.

        It returns `NotImplemented` for arguments with which PyTorch's own kernel is deterministic.
        """
        return self.schema.partition("::")[2].replace(".", "_")

    def needed(self, device: str, release: str) -> bool:
        """Whether torch's own kernel is not deterministic on `device` ("cpu", "cuda") in `release`."""
        if self.torch is Torch.SLOW or device not in self.devices:
            return False
        return self.until is None or _release(release) < _release(self.until)

    @classmethod
    def backward(
        cls, name: str, operation: str, torch: Torch, recipe: Recipe, *, run_by: tuple[str, ...] = ()
    ) -> Operation:
        """A row for a backward that adds with atomics, and has an overload that writes into `grad_input`."""
        schema = f"aten::{operation}"
        return cls(name, schema, Why.ATOMICS, torch, recipe, (f"{schema}.grad_input",), run_by=run_by)

    @classmethod
    def read(cls, row: dict[str, Any]) -> Operation:
        """The row that `written` gave."""
        enums = {"why": Why[row["why"]], "torch": Torch[row["torch"]], "recipe": Recipe[row["recipe"]]}
        lists = {key: tuple(value) for key, value in row.items() if isinstance(value, list)}
        return cls(**row | enums | lists)

    def written(self) -> dict[str, Any]:
        """Plain data: the row as JSON holds it, with the enums' names, so that their texts may change."""
        return asdict(self) | {"why": self.why.name, "torch": self.torch.name, "recipe": self.recipe.name}


def _release(text: str) -> tuple[int, ...]:
    """The leading numbers of a version: (2, 13) of "2.13.0a0+git1234"."""
    return tuple(int(part) for part in text.partition("+")[0].split(".")[:2])


#: What `tools/operators.py` writes.
GENERATED: Final = Path(__file__).with_name("operators.json")

OPERATIONS: Final = tuple(map(Operation.read, json.loads(GENERATED.read_text("utf-8"))["operations"]))


@dataclass(frozen=True, slots=True)
class Operator:
    """What is known of a nondeterministic operator.

    Attributes:
        name: without its library and overload: "index_put_".
        why: it is nondeterministic.
        devices: where.
        replaced: the operation, of `OPERATIONS`, whose replacement makes it deterministic; "" where there
            is none, and PyTorch's own flag does it.
    """

    name: str
    why: Why
    devices: tuple[str, ...] = ("cuda",)
    replaced: str = ""


#: Operators without a row in `OPERATIONS`, from the kernels of PyTorch 2.13.
_OTHERS: Final = (
    # They run the operation that is replaced.
    Operator("index_put", Why.ATOMICS, ("cpu", "cuda"), "aten::_index_put_impl_"),
    Operator("index_put_", Why.ATOMICS, ("cpu", "cuda"), "aten::_index_put_impl_"),
    Operator("_unsafe_index_put", Why.ATOMICS, ("cpu", "cuda"), "aten::_index_put_impl_"),
    Operator("put", Why.RACE, ("cpu", "cuda"), "aten::put_"),
    Operator("_embedding_bag_backward", Why.ATOMICS, replaced="aten::_embedding_bag_dense_backward"),
    # Spellings without the underscore: no operation of this release has them, its alert of the first does.
    Operator("ctc_loss_backward", Why.ATOMICS, replaced="aten::_ctc_loss_backward"),
    Operator("deform_conv2d_backward", Why.ATOMICS, replaced="torchvision::_deform_conv2d_backward"),
    # The flag chooses a scan in a fixed order.
    Operator("cumsum", Why.SCAN),
    Operator("cumsum_", Why.SCAN),
    # PyTorch's documentation names torch.nn.Embedding; its kernel sorts the indices and adds in that order.
    Operator("embedding_dense_backward", Why.ATOMICS),
    # cuDNN has a deterministic algorithm, which the flag chooses.
    Operator("_cudnn_ctc_loss", Why.ATOMICS),
    # Blocks of keys add to the gradient of the queries; the flag gives each its turn or its own memory.
    Operator("_flash_attention_backward", Why.ATOMICS),
    Operator("_scaled_dot_product_flash_attention_backward", Why.ATOMICS),
    Operator("_efficient_attention_backward", Why.ATOMICS),
    Operator("_scaled_dot_product_efficient_attention_backward", Why.ATOMICS),
)


def plain_name(name: str) -> str:
    """The operation's name alone: "aten::index_put_.default" -> "index_put_"."""
    return name.rpartition("::")[2].split(".")[0]


def _operators() -> Iterator[Operator]:
    rows = {schema: row for row in OPERATIONS for schema in (row.schema, *row.variants)}
    for schema, row in rows.items():
        yield Operator(plain_name(schema), row.why, row.devices, row.schema)
    replaced = set(map(plain_name, rows))
    yield from (other for other in _OTHERS if other.name not in replaced)


#: Every nondeterministic operator; one name has several where overloads differ.
OPERATORS: Final = tuple(_operators())

_NAMES: Final = frozenset(operator.name for operator in OPERATORS)


def _word(name: str) -> str:
    """What is alike in the names of one operation: of the dispatcher, a function, a method, a module.

    "aten::_adaptive_avg_pool2d_backward", "torch.nn.AdaptiveAvgPool2d" -> "adaptiveavgpool2d"
    "torch.ops.aten.index_add.default" -> "indexadd"
    """
    library, dot, operation = name.removeprefix("torch.ops.").partition(".")
    if dot and (library == "aten" or name.startswith("torch.ops.")):
        name = f"{library}::{operation}"
    last = name.rpartition("::")[2].partition(".")[0] if "::" in name else name.rpartition(".")[2]
    word = last.lower().removesuffix("()").replace("_", "")
    return word.removesuffix("backward").removesuffix("withindices")


def _words() -> Iterator[tuple[str, str]]:
    for row in OPERATIONS:
        for other in row.run_by:
            yield _word(other), row.name
    for row in OPERATIONS:  # an operation's own names win
        for own in (row.schema, *row.variants, row.name):
            yield _word(own), row.name


_WORDS: Final = dict(_words())


def table_name(name: str) -> str | None:
    """The name in `OPERATIONS` that a user means by `name`, or None: "torch.nn.Upsample" -> "interpolate"."""
    return _WORDS.get(_word(name))


def has_other_name(name: str) -> bool:
    """Whether `name` is in the table as something else, which it runs: "index_select" as index_add."""
    return any(_word(name) in map(_word, row.run_by) for row in OPERATIONS)


def meant(name: str) -> str:
    """What to say of a name that `table_name` does not know."""
    if any(_word(operator.name) == _word(name) for operator in OPERATORS):
        return "PyTorch's own deterministic kernel is used for it, so that nothing is replaced."
    word = _word(name).removesuffix("ing")
    near = [known for known in _WORDS if word and word in known]
    near = near or difflib.get_close_matches(word, _WORDS, n=3, cutoff=0.7)
    names = list(dict.fromkeys(_WORDS[known] for known in near))[:5]
    said = f" Or did you mean {' or '.join(map(repr, names))}?" if names else ""
    return (
        "an operation without a row is left to PyTorch, whose kernel is deterministic or says that it is "
        f"not, and a function that calls several has theirs.{said} `samebits ops` lists them."
    )


def is_nondeterministic(name: str) -> bool:
    """Whether an operation is known to give other bits on equal inputs on some device."""
    return plain_name(name) in _NAMES


_PUBLIC: Final = {
    "aten::_index_put_impl_": "aten::index_put",
    "aten::_unsafe_index_put": "aten::index_put",
    "aten::_unsafe_index": "aten::index",
    "aten::_local_scalar_dense": "aten::item",
    "aten::_to_copy": "aten::to",
    "aten::_softmax": "aten::softmax",
    "aten::_log_softmax": "aten::log_softmax",
    "aten::_fused_adam_": "torch.optim.Adam (fused)",
    "aten::_fused_adamw_": "torch.optim.AdamW (fused)",
    "aten::_fused_sgd_": "torch.optim.SGD (fused)",
    "aten::_ctc_loss": "aten::ctc_loss",
    "aten::_embedding_bag": "aten::embedding_bag",
    "aten::_cat": "aten::cat",
    "aten::_unique2": "aten::unique",
}

_READS: Final = {"aten::_local_scalar_dense": "item", "aten::item": "item"}

#: Operations that return outputs besides the one the user asked for, some not wholly written.
AUXILIARY: Final = frozenset(
    {
        "aten::_embedding_bag",
        "aten::_embedding_bag_forward_only",
        "aten::mkldnn_rnn_layer",
        "aten::mkldnn_rnn_layer_backward",
        "aten::_cudnn_rnn",
        "aten::miopen_rnn",
        "aten::_thnn_fused_lstm_cell",
        "aten::_thnn_fused_gru_cell",
        "aten::native_batch_norm",
        "aten::cudnn_batch_norm",
        "aten::_native_batch_norm_legit",
        "aten::_batch_norm_with_update",
        "aten::batch_norm_with_update",
        "aten::_scaled_dot_product_flash_attention",
        "aten::_scaled_dot_product_flash_attention_for_cpu",
        "aten::_scaled_dot_product_efficient_attention",
        "aten::_scaled_dot_product_cudnn_attention",
        "aten::_flash_attention_forward",
        "aten::_efficient_attention_forward",
        "aten::_ctc_loss",
        "aten::fractional_max_pool2d",
        "aten::linalg_lu_factor_ex",
        "aten::_linalg_solve_ex",
    }
)

#: Operations that only carry values elsewhere: a snapshot of a tensor, not a step of a computation.
COPYING: Final = frozenset(
    {"aten::clone", "aten::copy_", "aten::_to_copy", "aten::contiguous", "aten::detach", "aten::alias"}
)


def base_name(name: str) -> str:
    """The operation without its overload: "aten::random_.from" -> "aten::random_"."""
    space, separator, rest = name.partition("::")
    return f"{space}{separator}{rest.split('.')[0]}" if separator else name


#: Operations of a name that no documentation has, by the functions that run them.
_SPOKEN: Final = {"aten::lift_fresh": "torch.tensor / torch.from_numpy"}


def spoken(name: str) -> str:
    """A public name as it is said to a person; documents keep the name."""
    return _SPOKEN.get(name, name)


def public_name(event: Event) -> str:
    """What to call an event: the public operation, or what was observed ("parameter encoder.weight")."""
    if event.kind in ("op", "region", "collective"):
        return _PUBLIC.get(base_name(event.name), event.name)
    if event.kind in ("batch", "loss"):
        return event.kind
    if event.kind == "read":
        return "read " + _READS.get(base_name(event.name), event.name)
    return event.name if event.name.startswith(f"{event.kind} ") else f"{event.kind} {event.name}".rstrip()
