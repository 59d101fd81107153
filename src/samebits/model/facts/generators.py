"""Random generators: given a state, put back, drawn from."""

from __future__ import annotations

from dataclasses import dataclass

from samebits.model.facts.detail import Detail, Scalar, Whole


@dataclass(frozen=True, slots=True, kw_only=True)
class Seed(Detail):
    """A generator is seeded.

    generator: "python", "numpy", "torch" for the process-wide ones; "python.Random", "numpy.Generator",
        "numpy.RandomState", "torch.Generator" for an object
    value: a number; absent: from the operating system's entropy
    drawn: the number that `samebits.seed_everything(None)` drew, as digits
    id: number of the generator object in its process, in the order in which they were made; 0: process-wide
    by: the library's function that the user's line called, where that one did it
    """

    generator: str | None = None
    call: str | None = None
    value: Scalar | None = None
    drawn: str | None = None
    id: int | None = None
    by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Create(Detail):
    """A generator object is made.

    generator: as above
    id, by: as above
    """

    generator: str | None = None
    call: str | None = None
    seeded: bool | None = None
    value: Scalar | None = None
    id: int | None = None
    by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Draw(Detail):
    """A line of user code draws from a Python or numpy generator, itself or by a library that it calls.

    generator, id, by: as above
    value: digest of what was drawn
    state: digest of the generator's state before the draw
    n: ordinal among this generator's draws
    seeded: has anything seeded this generator
    thread: number of the thread in its process
    loader: number of the DataLoader whose samples are being made, in the process that iterates over it
    """

    generator: str | None = None
    call: str | None = None
    value: Scalar | None = None
    n: int | None = None
    seeded: bool | None = None
    id: int | None = None
    by: str | None = None
    state: Whole | None = None
    thread: int | None = None
    loader: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TorchDraw(Detail):
    """A line of user code draws from a torch generator of the CPU, itself or by a library that it calls.

    generator: "torch" for the process-wide one, "torch.Generator" for an object
    call: the operation
    module: the module of a model that draws
    state, thread, loader: as above
    n: ordinal among the operations that draw from it
    """

    generator: str | None = None
    call: str | None = None
    module: str | None = None
    state: Whole | None = None
    n: int | None = None
    thread: int | None = None
    loader: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RngRestore(Detail):
    """`set_rng_state`, `random.setstate`, `np.random.set_state`."""

    call: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TakesSeed(Detail):
    """A library's function that a line of user code called to draw, seed or read takes a seed.

    by: the function
    parameter: its parameter, which is None unless it is given
    place: how many positional arguments a call has that gives it so; absent: it is given by its name alone
    """

    by: str | None = None
    parameter: str | None = None
    place: int | None = None
