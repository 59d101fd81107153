"""The vocabulary of a record: what kinds of event there are and how a packed event is laid out.

An *event* is one compared observation in execution order: an operation's
outputs, a batch, a loss, a gradient, a parameter.  A *fact* is evidence beside
them: a seed call, a clock read, a directory listing.  Events decide the
verdict; facts explain it (`samebits.model.facts`).

This module imports nothing of torch: it is shared by the observer, the writer
and the reader, and a laptop reads a cluster's record with it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from samebits.model.sites import Site

#: Index = the number stored in the ``kind`` column.  Append only.
KINDS: Final = (
    "op",  # one ATen (or custom) operation; digest of its outputs
    "region",  # one compiled region (torch.compile), digest of its outputs
    "collective",  # a torch.distributed operation; asynchronous, so no digest of its own
    "batch",  # what a DataLoader yielded
    "loss",  # the root of a backward(), or of torch.autograd.grad
    "gradient",  # a parameter's gradient when optimizer.step() began
    "parameter",  # a parameter after optimizer.step()
    "read",  # a value the program took out of a tensor: item(), tolist(), float(), numpy()
    "generator",  # the state of a random generator; evidence, never a verdict by itself
)

#: Raised whenever other things are observed than before: records of two vocabularies share results alone.
VOCABULARY: Final = 2

#: The name of a loss that `torch.autograd.grad` was asked for gradients of; that of a backward() is "loss".
GRAD_ROOT: Final = "autograd.grad"

#: Kinds of event that a schedule may leave out at a step.
READ_IN_TURN: Final = frozenset({"gradient", "parameter"})

#: By level, the methods by which a program takes a value out of a tensor that are events of their own; at
#: level "op" the rest of them are seen as operations.
READS: Final = {
    "step": ("item", "tolist", "numpy", "float", "int", "bool", "pickle"),
    "op": ("tolist", "numpy", "pickle"),
}

#: The note of where the opening of a process recorded at level "auto" ended (`observe.opening`).
OPENING: Final = "operations_until"
#: The note that says how long each step took, in seconds.
PACE: Final = "step_seconds"

#: Index = the number stored in the ``phase`` column.  Append only.
PHASES: Final = ("other", "data", "forward", "backward", "optimizer")

#: Kind, and phase, -> the number that is stored.
KIND: Final = {name: number for number, name in enumerate(KINDS)}
PHASE: Final = {name: number for number, name in enumerate(PHASES)}

#: Bits of the ``flags`` column.
VIEW: Final = 1  # the outputs alias an input, no byte was written: the digest covers dtype and shape alone
UNINITIALIZED: Final = 2  # the outputs are fresh uninitialised memory: likewise
RANDOM: Final = 4  # draws from a generator
PENDING: Final = 8  # completes later (collectives): the digest covers dtype and shape alone
PARTIAL: Final = 16  # a parameter or gradient event that a budgeted schedule left unread: digest 0
READS_UNINITIALIZED: Final = 32  # an input's memory came from `empty` and was not wholly written since
OWN_GENERATOR: Final = 128  # draws from a generator object that was passed to it
EXTERNAL: Final = 64  # an input's memory was not produced by any recorded operation (numpy, a file, Python)

#: Columns that describe the structure of a run of events, with their array type codes; they repeat
#: from step to step and are stored once (`structures` in docs/reference/format.md).
STRUCTURE: Final = (
    ("kind", "B"),
    ("phase", "B"),
    ("flags", "B"),
    ("name", "I"),  # -> names: "aten::index_put", "encoder.weight", "torch:cpu"
    ("site", "I"),  # -> sites; 0 = unknown
    ("module", "I"),  # -> names: "encoder.embed"; 0 = none
    ("node", "I"),  # -> names: "IndexBackward0"; 0 = none
)


@dataclass(frozen=True, slots=True)
class Event:
    """One recorded event, resolved to text."""

    index: int  # position in its thread's stream
    kind: str
    name: str
    phase: str
    step: int
    flags: int
    digest: int
    thread: int = 0
    site: Site | None = None
    module: str | None = None
    node: str | None = None  # autograd node, for a backward operation
    inputs: int | None = None  # digest of all tensor inputs; only in zoomed runs
    generator: int | None = (
        None  # digest of the generator's state before a random operation; only in zoomed runs
    )
    source: Site | None = None  # where uninitialised memory it reads was allocated; only in zoomed runs
