"""Portable arithmetic on CUDA: the bits of a CPU.

Without a CUDA device this is skipped; `SAMEBITS_OPS_DEVICE=cpu` runs the same file on the CPU, which says
nothing about CUDA.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map

from samebits.arithmetic import table

from ..arithmetic.dispatched_bits import forward_and_backward, samples
from ..arithmetic.replaced import replaced

DEVICE = os.environ.get("SAMEBITS_OPS_DEVICE", "cuda")
PROGRAMS = Path(__file__).parents[1] / "arithmetic" / "programs"
DTYPES = (torch.float32, torch.float64, torch.float16, torch.bfloat16)
#: The rows of the device.
THERE = table.rows()
if DEVICE == "cuda" and torch.cuda.is_available():
    from samebits.arithmetic._triton.rows import ROWS

    THERE = (*THERE, *ROWS)
#: torch's samples are run in so many parts.
PARTS = 40

pytestmark = [
    pytest.mark.skipif(
        DEVICE == "cuda" and not torch.cuda.is_available(),
        reason="needs a CUDA device; SAMEBITS_OPS_DEVICE=cpu runs it on the CPU",
    ),
    pytest.mark.usefixtures("generators_restored"),
]
_INTEGERS = {1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64}


def same(got: Any, want: Any) -> bool:
    """Every tensor has the type, the shape and the bits of the other; every NaN is like another."""
    pairs = [
        (a.detach().cpu(), b.detach())
        for a, b in zip(tree_leaves(got), tree_leaves(want), strict=True)
        if isinstance(b, Tensor)
    ]
    for a, b in pairs:
        if a.dtype is not b.dtype or a.shape != b.shape:
            return False
        if not b.is_floating_point():
            if not torch.equal(a, b):
                return False
            continue
        kind = _INTEGERS[a.element_size()]
        equal = a.contiguous().view(kind) == b.contiguous().view(kind)
        if not bool((equal | (a.isnan() & b.isnan())).all()):
            return False
    return True


def moved(value: Any, device: str) -> Any:
    """Tensors on a device, of the strides that they had, and nobody else's."""

    def one(leaf: Any) -> Any:
        if isinstance(leaf, torch.device):
            return torch.device(device)
        if not isinstance(leaf, Tensor):
            return leaf
        leaf = leaf.detach()
        if leaf.numel() == 0 or not all(leaf.stride()):
            return leaf.to(device, copy=True)
        there = torch.empty_strided(leaf.shape, leaf.stride(), dtype=leaf.dtype, device=device)
        return there.copy_(leaf)

    return tree_map(one, value)


class _Calls(TorchDispatchMode):
    """The calls of the table's operations, with what they were given."""

    def __init__(self) -> None:
        super().__init__()
        self.names = {schema for row in table.rows() for schema in (row.schema, *row.variants)}
        self.found: list[tuple[Any, Any, Any]] = []

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if function.name().removesuffix(".default") in self.names:
            self.found.append((function, moved(args, "cpu"), moved(kwargs or {}, "cpu")))
        return function(*args, **(kwargs or {}))


@pytest.mark.parametrize(
    "part", [pytest.param(n, marks=pytest.mark.deep) if n % 8 else n for n in range(PARTS)]
)
def test_each_operation_has_a_cpus_bits(monkeypatch: pytest.MonkeyPatch, part: int) -> None:
    """Every call of a row that torch's own samples make, forward and backward."""
    monkeypatch.setattr(sys, "path", list(sys.path))  # importing the samples adds to it
    calls = _Calls()
    with calls, replaced(table.rows()):
        for call in samples(part, PARTS):
            forward_and_backward(call)
    wrong = []
    for function, args, kwargs in calls.found:
        here, there = (moved(args, "cpu"), moved(kwargs, "cpu")), (moved(args, DEVICE), moved(kwargs, DEVICE))
        try:
            with replaced(table.rows()):
                want = function(*here[0], **here[1])
        except Exception:
            continue
        with replaced(THERE, DEVICE):
            got = function(*there[0], **there[1])
        if not same((got, there), (want, here)):
            wrong.append(
                (function.name(), [(x.dtype, x.shape) for x in tree_leaves(args) if isinstance(x, Tensor)])
            )
    assert not wrong


def drawn(*shape: int, dtype: torch.dtype) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(sum(shape))).to(dtype)


def of_layer(layer: nn.Module, *shape: int, dtype: torch.dtype, last: bool = False) -> Callable[[str], Any]:
    """Result and gradients of a layer, on a device."""

    def results(device: str) -> Any:
        torch.manual_seed(0)
        x = drawn(*shape, dtype=dtype).to(device)
        if last:
            x = x.to(memory_format=torch.channels_last)
        x.requires_grad_()
        with torch.no_grad():
            for parameter in layer.parameters():
                parameter.copy_(drawn(*parameter.shape, dtype=torch.float32) * 0.3)
                parameter.grad = None
        made = layer.to(device, dtype)
        y = made(x)
        y.backward(drawn(*y.shape, dtype=dtype).to(device))
        return moved([y, x.grad, *(p.grad for p in made.parameters())], "cpu")

    return results


#: Larger than the samples: more than a chunk, a group of chunks, a block.
LAYERS: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]] = {
    "linear": (lambda: nn.Linear(700, 130), (33, 700)),
    "a long product": (lambda: nn.Linear(9000, 3), (5, 9000)),
    "conv": (lambda: nn.Conv2d(24, 40, 3, 2, 1, groups=2), (4, 24, 19, 23)),
    "depthwise": (lambda: nn.Conv2d(24, 24, 5, 1, 2, groups=24), (2, 24, 15, 17)),
    "transposed": (lambda: nn.ConvTranspose2d(24, 16, 3, 2, 1, 1), (2, 24, 9, 11)),
    "batch norm": (lambda: nn.BatchNorm2d(24), (6, 24, 13, 11)),
    "group norm": (lambda: nn.GroupNorm(4, 24), (6, 24, 13, 11)),
    "layer norm": (lambda: nn.LayerNorm(700), (33, 700)),
    "softmax": (lambda: nn.Softmax(-1), (33, 700)),
    "log softmax of columns": (lambda: nn.LogSoftmax(1), (5, 700, 3)),
    "gelu": (lambda: nn.GELU(), (33, 700)),
    "average pool": (lambda: nn.AvgPool2d(3, 2, 1), (2, 24, 15, 17)),
    "upsampling": (lambda: nn.Upsample(scale_factor=1.7, mode="bilinear"), (2, 24, 9, 11)),
}


@pytest.mark.parametrize("last", [False, True], ids=["", "channels last"])
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("name", LAYERS)
def test_larger_layers_have_a_cpus_bits(name: str, dtype: torch.dtype, last: bool) -> None:
    made, shape = LAYERS[name]
    if last and len(shape) != 4:
        return
    with replaced(table.rows()):
        want = of_layer(made(), *shape, dtype=dtype, last=last)("cpu")
    with replaced(THERE, DEVICE):
        got = of_layer(made(), *shape, dtype=dtype, last=last)(DEVICE)
    assert [same(*pair) for pair in zip(got, want, strict=True)] == [True] * len(want)


@pytest.mark.parametrize("reduce", [torch.sum, torch.mean, torch.var, torch.linalg.vector_norm])
@pytest.mark.parametrize("dim", [None, 0, 1, (0, 2), 2])
def test_reductions_of_many_numbers_have_a_cpus_bits(reduce: Callable[..., Tensor], dim: Any) -> None:
    x = drawn(70, 300, 90, dtype=torch.float32)
    for laid in (x, x.transpose(0, 2)):
        with replaced(table.rows()):
            want = reduce(laid, dim=dim)
        with replaced(THERE, DEVICE):
            got = reduce(laid.to(DEVICE), dim=dim)
        assert same(got, want)


@pytest.fixture
def cublas() -> Iterator[None]:
    before = torch.backends.cuda.matmul.allow_tf32
    torch.backends.cuda.matmul.allow_tf32 = False
    yield
    torch.backends.cuda.matmul.allow_tf32 = before


@pytest.mark.usefixtures("cublas")
def test_whether_cublas_is_the_chain(capsys: pytest.CaptureFixture[str]) -> None:
    """An answer, not a demand: where K is one chunk, is cuBLAS' product in float32 one ascending chain?"""
    answers = []
    for m, n, k in (
        (64, 64, 64),
        (128, 128, 256),
        (1, 300, 256),
        (300, 1, 256),
        (1000, 1000, 256),
        (5, 7, 31),
    ):
        a, b = drawn(m, k, dtype=torch.float32), drawn(k, n, dtype=torch.float32)
        with replaced(table.rows()):
            want = torch.mm(a, b)
        native = torch.mm(a.to(DEVICE), b.to(DEVICE)).cpu()
        answers.append(f"{m} x {n} x {k}: {int((native != want).sum())} of {want.numel()} differ")
    with capsys.disabled():
        print("\nfloat32 products of", DEVICE, "against the chain:", *answers, sep="\n  ")


@cache
def printed(program: str, optimizer: str, device: str) -> str:
    """What a program says at the end of its training: the digest of its weights, and the loss."""
    setting = "import runpy, sys, samebits.arithmetic.mode as m; m.portable(0); sys.argv = sys.argv[1:]; "
    done = subprocess.run(
        [
            *(sys.executable, "-c", setting + "runpy.run_path(sys.argv[0], run_name='__main__')"),
            *(str(PROGRAMS / f"{program}.py"), "--steps", "20", "--optimizer", optimizer, "--device", device),
        ],
        capture_output=True,
        text=True,
        cwd=PROGRAMS,
        env={**os.environ, "PYTHONPATH": str(PROGRAMS)},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("optimizer", ["sgd", "adam", "adamw"])
@pytest.mark.parametrize("program", ["cnn", "transformer", "lstm"])
def test_a_training_has_one_hash(program: str, optimizer: str) -> None:
    assert printed(program, optimizer, DEVICE) == printed(program, optimizer, "cpu")


def test_rows_without_the_batch_and_with_it() -> None:
    """A row's result does not depend on the rows beside it."""
    x, w = drawn(300, 500, dtype=torch.float32).to(DEVICE), drawn(400, 500, dtype=torch.float32).to(DEVICE)
    with replaced(THERE, DEVICE):
        whole = F.linear(x, w)
        assert all(torch.equal(F.linear(x[n : n + 1], w), whole[n : n + 1]) for n in (0, 17, 299))
