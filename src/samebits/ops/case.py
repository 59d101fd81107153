"""What a case of an operation is: a public call on data of a seed, a size, a dtype and a device."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

import torch
from torch import Tensor

Shape = tuple[int, ...]


class Size(StrEnum):
    """How large a case's data are."""

    TINY = "tiny"  # some ten numbers: numerical derivatives
    PARTED = "parted"  # just enough that torch divides the work among threads
    SMALL = "small"
    MEDIUM = "medium"
    LARGE = "large"


class Maker:
    """Data of one dtype on one device, the same for every one: drawn in float64 on the CPU, then rounded.

    Args:
        dtype: of what is made.
        device: where it lies.
        seed: of the data.
        rounded: a narrower type whose numbers they are, so that a wider computation can judge a narrow one.
    """

    def __init__(
        self, dtype: torch.dtype, device: str = "cpu", seed: int = 202004, rounded: torch.dtype | None = None
    ) -> None:
        self.dtype = dtype
        self.rounded = rounded or dtype
        self.device = device
        self.generator = torch.Generator().manual_seed(seed)

    def normal(self, *shape: int) -> Tensor:
        return self.given(torch.randn(shape, generator=self.generator, dtype=torch.float64))

    def uniform(self, low: float, high: float, *shape: int) -> Tensor:
        values = torch.rand(shape, generator=self.generator, dtype=torch.float64)
        return self.given(low + (high - low) * values)

    def around_one(self, *shape: int) -> Tensor:
        """Factors whose product neither vanishes nor overflows."""
        return self.uniform(0.95, 1.05, *shape)

    def distinct(self, *shape: int) -> Tensor:
        """No two alike, as far as the dtype can tell them apart; none is zero."""
        count = math.prod(shape)
        ranks = torch.randperm(count, generator=self.generator).reshape(shape)
        return self.given((ranks.double() + 0.5) * (4 / max(count, 1)) - 2)

    def index(self, bins: int, *shape: int) -> Tensor:
        """int64 in [0, bins), independent of each other, so that many are alike."""
        return torch.randint(bins, shape, generator=self.generator).to(self.device)

    def different(self, bins: int, rows: int, columns: int) -> Tensor:
        """int64 (rows, columns) in [0, bins), no two of a column alike."""
        drawn = torch.rand((bins, columns), generator=self.generator)
        return drawn.argsort(0)[:rows].contiguous().to(self.device)

    def given(self, values: Tensor) -> Tensor:
        return values.to(self.rounded).to(self.dtype).to(self.device)


@dataclass(frozen=True, slots=True)
class Task:
    """A call and the floating point tensors that it is given; whole numbers and options are inside it."""

    call: Callable[..., Tensor]
    inputs: tuple[Tensor, ...]


Build = Callable[[Maker, Shape], Task]


@dataclass(frozen=True, slots=True)
class Case:
    """One way to reach operations of the table.

    Attributes:
        name: its own, of the table's name and what is particular.
        schemas: operations of the table that it reaches.
        build: makes the task from a shape.
        shapes: by size.
        backward: whether they are reached in the backward pass; otherwise in the forward.
        derivatives: how many times torch's own are what numerical differences give, 0 to 2.
        warns: a regular expression for what torch warns of at this call.
    """

    name: str
    schemas: tuple[str, ...]
    build: Build
    shapes: Mapping[Size, Shape]
    backward: bool = True
    derivatives: int = 2
    warns: str = ""

    @property
    def differentiable(self) -> bool:
        """Whether the inputs get gradients."""
        return self.backward or self.derivatives > 0

    def task(self, size: Size, make: Maker) -> Task:
        return self.build(make, self.shapes[size])
