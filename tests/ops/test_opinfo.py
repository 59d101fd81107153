"""PyTorch's own samples (`OpInfo`) for every operation concerned: ours gives what torch's kernel gives.

Up to `ENOUGH` samples in float32, spread over all; in the deep form every sample in float32, and
of every other dtype up to `ENOUGH`.  With gradients, in place and with `out=`; and the calls that must
raise.  Where ours
may differ, `DIFFERS` says why.  Equal means `assert_close`, or no farther from
float64 than twice torch's distance.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import islice
from typing import Any

import pytest
import torch
from tests.dispatched import Dispatched
from torch import Tensor
from torch.utils._pytree import tree_leaves, tree_map

from samebits.determinism.overrides import InstalledOverrides
from samebits.model.operators import table_name
from samebits.ops import OPERATIONS

from .contract import rows, threads, worst

#: OpInfo's names, and the table's names of the operations that they reach, forward or backward.
REACHED = {
    "nn.functional.interpolate": ("interpolate",),
    "nn.functional.upsample_bilinear": ("interpolate",),
    "_upsample_bilinear2d_aa": ("interpolate",),
    "nn.functional.grid_sample": ("grid_sample",),
    "grid_sampler_2d": ("grid_sample",),
    "grid_sampler_3d": ("grid_sample",),
    "nn.functional.adaptive_avg_pool1d": ("adaptive_avg_pool",),
    "nn.functional.adaptive_avg_pool2d": ("adaptive_avg_pool",),
    "nn.functional.adaptive_avg_pool3d": ("adaptive_avg_pool",),
    "nn.functional.adaptive_max_pool1d": ("adaptive_max_pool",),
    "nn.functional.adaptive_max_pool2d": ("adaptive_max_pool",),
    "nn.functional.adaptive_max_pool3d": ("adaptive_max_pool",),
    "nn.functional.avg_pool3d": ("avg_pool3d",),
    "nn.functional.max_pool3d": ("max_pool3d",),
    "nn.functional.fractional_max_pool2d": ("fractional_max_pool",),
    "nn.functional.fractional_max_pool3d": ("fractional_max_pool",),
    "nn.functional.max_unpool1d": ("max_unpool",),
    "nn.functional.max_unpool2d": ("max_unpool",),
    "nn.functional.max_unpool3d": ("max_unpool",),
    "nn.functional.pad": ("pad",),
    "scatter": ("scatter",),
    "scatter_add": ("scatter_add",),
    "gather": ("scatter_add",),
    "take_along_dim": ("scatter_add",),
    "scatter_reduce": ("scatter_reduce",),
    "index_reduce": ("index_reduce",),
    "index_add": ("index_add",),
    "index_select": ("index_add",),
    "repeat_interleave": ("index_add",),
    "index_put": ("index_put",),
    "__getitem__": ("index_put",),
    "_unsafe_masked_index_put_accumulate": ("index_put",),
    "put": ("put",),
    "take": ("put",),
    "bincount": ("bincount",),
    "histc": ("histc",),
    "nn.functional.nll_loss": ("nll_loss2d",),
    "nn.functional.cross_entropy": ("nll_loss2d",),
    "nn.functional.ctc_loss": ("ctc_loss",),
    "nn.functional.embedding_bag": ("embedding_bag",),
    "median": ("median",),
    "nanmedian": ("median",),
    "masked.median": ("median",),
    "logcumsumexp": ("logcumsumexp",),
    "cumprod": ("cumprod",),
    "masked.cumprod": ("cumprod",),
}

#: Samples of a dtype, where not all are tried; poolings have hundreds.
ENOUGH = 24

DTYPES = (
    torch.float32,
    torch.float64,
    torch.bfloat16,
    torch.float16,
    torch.complex64,
    torch.int64,
    torch.uint8,
    torch.bool,
)

#: Variants of a name that other kernels compute.
NOT_OURS = ("constant", "circular", "nearest", "nearest-exact", "area")

#: (OpInfo's name, dtype) whose results but for the first may differ, and why.
DIFFERS = {
    (
        name,
        dtype,
    ): "of equal values, torch leaves open whose index is returned; ours is the first of a stable sort"
    for name in ("median", "nanmedian")
    for dtype in (torch.int64, torch.uint8)
}

#: What torch says of single calls, each of which is an operation's own affair.
pytestmark = [pytest.mark.usefixtures("generators_restored"), pytest.mark.filterwarnings("ignore")]


@pytest.fixture(scope="session")
def infos() -> Iterator[dict[str, list[Any]]]:
    """OpInfo's entries by name; importing them freezes torch's flags and lengthens the path."""
    path, flag = list(sys.path), "__allow_nonbracketed_mutation_flag"
    backends = vars(torch.backends.m)  # what the module's functions see
    before = backends[flag]
    from torch.testing._internal.common_methods_invocations import op_db

    sys.path[:] = path
    backends[flag] = before
    found: dict[str, list[Any]] = {}
    for info in op_db:
        found.setdefault(info.name, []).append(info)
    return found


def test_every_operation_has_samples() -> None:
    ours = {row.name for row in OPERATIONS if row.schema.startswith("aten::")}
    assert ours == {name for names in REACHED.values() for name in names}


@pytest.mark.parametrize(
    "sweep", ["some of float32", pytest.param("all of float32, some of the others", marks=pytest.mark.deep)]
)
@pytest.mark.parametrize("name", REACHED)
def test_samples(name: str, sweep: str, infos: dict[str, list[Any]]) -> None:
    failed = []
    for info in infos[name]:
        for dtype in DTYPES[:1] if sweep == "some of float32" else DTYPES:
            if not info.supports_dtype(dtype, "cpu") or info.variant_test_name in NOT_OURS:
                continue
            gradients = dtype in info.supported_backward_dtypes("cpu")
            torch.manual_seed(4)
            samples = list(info.sample_inputs("cpu", dtype, requires_grad=gradients))
            if dtype != torch.float32 or sweep == "some of float32":
                samples = samples[:: -(-len(samples) // ENOUGH) or 1]
            ways = [way for sample in samples for way in _ways(info, sample, gradients)]
            wide = [way for sample in samples for way in _ways(info, sample.transform(_wide), gradients)]
            with threads(1):
                native = [_outcome(way) for way in ways]
            with threads(1), InstalledOverrides(rows("cpu", REACHED[name]), "cpu"):
                ours = [_outcome(way) for way in ways]
            if (name, dtype) in DIFFERS:
                ours, native = ([_first(x) for x in many] for many in (ours, native))
            for way, exact, mine, theirs in zip(ways, wide, ours, native, strict=True):
                wrong = _wrong(mine, theirs)
                if wrong and not _as_near(mine, theirs, exact):
                    failed.append(f"{info.formatted_name} {dtype}, {way.__name__}: {wrong}")
    assert not failed, f"{len(failed)} samples, such as:\n" + "\n".join(failed[:10])


@pytest.mark.parametrize("name", REACHED)
def test_what_must_raise_raises(name: str, infos: dict[str, list[Any]]) -> None:
    for info in infos[name]:
        if info.error_inputs_func is None:
            continue
        torch.manual_seed(4)
        for bad in info.error_inputs("cpu"):
            sample = bad.sample_input
            with (
                InstalledOverrides(rows("cpu", REACHED[name]), "cpu"),
                pytest.raises(bad.error_type, match=bad.error_regex),
            ):
                info.op(sample.input, *sample.args, **sample.kwargs)


@pytest.mark.deep
def test_whatever_runs_a_replaced_operation_is_known_by_its_name(infos: dict[str, list[Any]]) -> None:
    """`samebits ops NAME` may not say that a function is left to PyTorch which runs what is replaced."""
    replaced = {schema.partition(".")[0] for row in OPERATIONS for schema in (row.schema, *row.variants)}
    unknown = {}
    for name, same in infos.items():
        with Dispatched() as ran:
            for info in same:
                gradients = torch.float32 in info.supported_backward_dtypes("cpu")
                torch.manual_seed(4)
                with suppress(Exception):  # no samples of float32
                    for sample in islice(info.sample_inputs("cpu", torch.float32, gradients), ENOUGH):
                        with suppress(Exception):  # what raises is of no matter here
                            _with_gradients(info, sample) if gradients else _call(info.op, sample)
        if table_name(name) is None and (has := replaced.intersection(ran.names)):
            unknown[name] = has
    assert not unknown


Way = Callable[[], list[Tensor]]


def _ways(info: Any, sample: Any, gradients: bool) -> Iterator[Way]:
    """The sample called as a function, in place and with `out=`."""
    plain = sample.transform(lambda x: x.detach() if isinstance(x, Tensor) else x)

    def function() -> list[Tensor]:
        return _with_gradients(info, sample) if gradients else _tensors(_call(info.op, sample))

    def in_place() -> list[Tensor]:
        changed = plain.input.clone()
        return [changed, info.inplace_variant(changed, *plain.args, **plain.kwargs)]

    def out() -> list[Tensor]:
        into = tree_map(lambda x: torch.full_like(x, 3), _call(info.op, plain))
        _call(info.op, plain, out=into)
        return _tensors(into)

    yield function
    if info.inplace_variant is not None and not sample.broadcasts_input:
        yield in_place
    if info.supports_out:
        yield out


def _outcome(way: Way) -> list[Tensor] | Exception:
    torch.manual_seed(5)
    try:
        return way()
    except Exception as error:
        return error


def _first(results: list[Tensor] | Exception) -> list[Tensor] | Exception:
    return results if isinstance(results, Exception) else results[:1]


def _wrong(ours: list[Tensor] | Exception, native: list[Tensor] | Exception) -> str | None:
    """What differs, in a line."""
    if isinstance(ours, Exception) or isinstance(native, Exception):
        return None if type(ours) is type(native) else f"ours gives {ours!r:.200}, torch {native!r:.200}"
    try:
        torch.testing.assert_close(ours, native, equal_nan=True)
    except AssertionError as error:
        return " ".join(str(error).split())[:300]
    return None


def _wide(x: Any) -> Any:
    """A tensor in float64."""
    if not isinstance(x, Tensor) or not x.is_floating_point():
        return x
    return x.detach().double().requires_grad_(x.requires_grad)


def _as_near(ours: list[Tensor] | Exception, native: list[Tensor] | Exception, exact: Way) -> bool:
    """Whether ours is as near to the result in float64 as torch's: narrow sums on a CPU are not."""
    with threads(1):
        reference = _outcome(exact)
    if any(isinstance(results, Exception) for results in (ours, native, reference)):
        return False
    for mine, theirs, truth in zip(ours, native, reference, strict=True):
        if not mine.is_floating_point() or mine.dtype != theirs.dtype or truth.dtype != torch.float64:
            return False
        ulp = torch.finfo(mine.dtype).eps * float(truth.abs().max()) if truth.numel() else 0.0
        if not worst(mine, truth) <= 2 * worst(theirs, truth) + ulp:
            return False
    return True


def _call(op: Callable[..., Any], sample: Any, **more: Any) -> Any:
    return op(sample.input, *sample.args, **sample.kwargs, **more)


def _tensors(values: Any) -> list[Tensor]:
    return [x.detach() for x in tree_leaves(values) if isinstance(x, Tensor)]


def _with_gradients(info: Any, sample: Any) -> list[Tensor]:
    leaves = [x for x in tree_leaves((sample.input, sample.args, sample.kwargs)) if _wants_gradient(x)]
    results = _call(info.op, sample)
    outputs = [x for x in tree_leaves(sample.output_process_fn_grad(results)) if _wants_gradient(x)]
    found: list[Tensor] = []
    if leaves and outputs:
        weights = [torch.ones_like(x) for x in outputs]
        gradients = torch.autograd.grad(outputs, leaves, weights, allow_unused=True)
        found = [x for x in gradients if x is not None]
    return _tensors(results) + found


def _wants_gradient(x: Any) -> bool:
    return isinstance(x, Tensor) and x.requires_grad
