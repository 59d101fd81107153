"""What a case of an operation is: a public call on data of a seed, a size, a dtype and a device."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from importlib import import_module
from typing import Any

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


def sizes(*shapes: Shape) -> dict[Size, Shape]:
    """Shapes from the tiny one to the large one."""
    return dict(zip(Size, shapes, strict=True))


LINES = sizes((1, 2, 5), (8, 32, 200), (4, 32, 512), (8, 64, 2048), (16, 128, 4096))
PLANES = sizes((1, 2, 4, 3), (2, 8, 61, 47), (2, 16, 48, 48), (4, 32, 96, 96), (8, 64, 128, 128))
VOLUMES = sizes(
    (1, 1, 3, 3, 4), (2, 3, 21, 23, 19), (1, 8, 20, 20, 20), (2, 16, 32, 32, 32), (2, 32, 48, 48, 48)
)
#: Rows, columns: of a matrix whose rows are scattered, gathered or looked up.
TABLES = sizes((4, 3), (1024, 48), (1000, 64), (8192, 128), (32768, 256))
VECTORS = sizes((12,), (50_021,), (65_536,), (1_048_576,), (8_388_608,))


def backward(name: str, operation: str, build: Build, shapes: Mapping[Size, Shape] = PLANES) -> Case:
    """A case that reaches `aten::{operation}_backward`."""
    return Case(name, (f"aten::{operation}_backward",), build, shapes)


def forward(
    name: str,
    operations: Sequence[str],
    build: Build,
    derivatives: int = 2,
    *,
    shapes: Mapping[Size, Shape] = TABLES,
    warns: str = "",
) -> Case:
    """A case that reaches operations of `aten` in the forward pass."""
    schemas = tuple(f"aten::{operation}" for operation in operations)
    return Case(name, schemas, build, shapes, backward=False, derivatives=derivatives, warns=warns)


def on_one(call: Callable[[Tensor], Tensor], draw: str = "normal") -> Build:
    """A function of one tensor of the case's shape."""

    def build(make: Maker, shape: Shape) -> Task:
        return Task(call, (getattr(make, draw)(*shape),))

    return build


def torchvision(name: str) -> Callable[..., Any]:
    """A function of `torchvision.ops`, which is imported when a task is made."""
    return getattr(import_module("torchvision.ops"), name)  # type: ignore[no-any-return]


def overlapping(name: str, cells: int, **options: Any) -> Build:
    """A function of torchvision on boxes that overlap; `ps_*` divide the channels among `cells**2`."""

    def build(make: Maker, shape: Shape) -> Task:
        batch, channels, height, width = shape
        channels = channels * cells * cells if name.startswith("ps_") else channels
        count = 2 if height < 8 else 8 * batch
        corner = make.uniform(0, 0.5, count, 2).double()
        far = corner + make.uniform(0.2, 0.5, count, 2).double()
        edges = torch.tensor([width - 1.0, height - 1.0], dtype=torch.float64, device=make.device)
        image = make.index(batch, count).double()[:, None]
        boxes = make.given(torch.cat([image, corner * edges, far * edges], dim=1))
        call = partial(torchvision(name), output_size=cells, **options)
        return Task(lambda x: call(x, boxes), (make.distinct(batch, channels, height, width),))

    return build
