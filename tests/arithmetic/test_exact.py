"""What `samebits.arithmetic.exact` says of torch's kernels, tried on this machine: it can only refute."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.arithmetic.dispatched_bits import compare, forward_and_backward, samples
from tests.arithmetic.large_inputs import numbers
from torch import Tensor
from torch._C._profiler import _ExperimentalConfig
from torch.nn import functional as F
from torch.profiler import profile

from samebits._runtime.kernels import Override
from samebits.arithmetic.exact import COMPOSED, EXACT, NOT, NativeResult, kind
from samebits.random.portable_mode.random_operators import RANDOM_OPERATORS

ROOT = Path(__file__).parents[2]

#: What a composed kernel may call besides the operations that it is made of.
PREPARES = {
    *(
        "empty",
        "empty_like",
        "empty_strided",
        "new_empty",
        "new_zeros",
        "zeros",
        "zeros_like",
        "ones",
        "ones_like",
    ),
    *(
        "view",
        "as_strided",
        "expand",
        "unsqueeze",
        "squeeze",
        "select",
        "slice",
        "narrow",
        "permute",
        "transpose",
    ),
    *(
        "t",
        "resize_",
        "resize_as_",
        "reshape",
        "contiguous",
        "to",
        "_to_copy",
        "copy_",
        "clone",
        "item",
        "fill_",
    ),
    *("zero_", "detach", "result_type", "flatten", "view_as"),
}


def test_every_name_is_one_of_torch() -> None:
    if not torch.__version__.startswith("2.13"):
        pytest.skip("the table was made for torch 2.13")
    there: set[str] = set()
    for schema in torch._C._dispatch_get_all_op_names():
        name = schema.removeprefix("aten::")
        whole, _, overload = name.partition(".")
        plain = whole.removesuffix("_")
        there |= {name, whole, plain, f"{plain}.{overload}"}
    # What moves numbers between processes is only there where torch was built for it.
    assert {name for name in (EXACT | COMPOSED | NOT) - there if "::" not in name} == set()


def test_no_name_is_of_two_kinds() -> None:
    assert not EXACT & COMPOSED


def test_nothing_that_draws_is_exact() -> None:
    assert [o.schema for o in RANDOM_OPERATORS if kind(o.schema) is NativeResult.EXACT] == []


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ("aten::add_.Tensor", NativeResult.OTHER),
        ("aten::max.dim", NativeResult.EXACT),
        ("aten::clamp_.Tensor", NativeResult.OTHER),
        ("aten::add.Scalar", NativeResult.COMPOSED),
        ("aten::div_.Scalar", NativeResult.EXACT),
        ("aten::div.Tensor_mode", NativeResult.OTHER),
        ("aten::put", NativeResult.COMPOSED),
        ("aten::put_", NativeResult.OTHER),
        ("aten::__lshift__.Scalar", NativeResult.EXACT),
        ("aten::_foreach_exp_", NativeResult.COMPOSED),
        ("aten::native_layer_norm", NativeResult.OTHER),
        ("aten::native_layer_norm.out", NativeResult.COMPOSED),  # generated: calls the one above
        ("aten::index_put_", NativeResult.COMPOSED),
        ("aten::_index_put_impl_", NativeResult.OTHER),
        ("aten::scatter_.src", NativeResult.EXACT),
        ("aten::scatter_.reduce", NativeResult.OTHER),
        ("prims::exp", NativeResult.COMPOSED),
        ("quantized::linear_dynamic", NativeResult.OTHER),
        ("aten::nobody_has_written_this", NativeResult.OTHER),
    ],
)
def test_kind(schema: str, expected: NativeResult) -> None:
    assert kind(schema) is expected


def calls_within(calls: Iterator[Callable[[], Any]]) -> tuple[set[str], dict[str, set[str]]]:
    """The operations that ran, and for each of them those that it called itself."""
    config = _ExperimentalConfig(capture_overload_names=True)
    with torch.random.fork_rng(devices=[]), profile(experimental_config=config) as profiled:
        for call in calls:
            forward_and_backward(call)
    ran: set[str] = set()
    called: dict[str, set[str]] = defaultdict(set)
    for event in profiled.events():
        if event.name.startswith("aten::"):
            name = f"{event.name}.{event.overload_name}".removesuffix(".")
            ran.add(name)
            called[name] |= {child.name.removeprefix("aten::") for child in event.cpu_children}
    return ran, called


def x(*shape: int, salt: int = 0) -> Tensor:
    return numbers(shape, torch.float32, salt).requires_grad_()


def composed() -> Iterator[Callable[[], Any]]:
    yield lambda: F.embedding(torch.tensor([1, 2]), x(4, 3).detach(), max_norm=1.0)
    yield lambda: F.embedding_bag(torch.tensor([[1, 2]]), x(4, 3))
    yield lambda: F.binary_cross_entropy_with_logits(x(4, 3), x(4, 3).abs())
    yield lambda: (F.mse_loss(x(4, 3), x(4, 3)), F.huber_loss(x(4, 3), x(4, 3, salt=1)))
    yield lambda: (
        F.smooth_l1_loss(x(4, 3), x(4, 3, salt=1)),
        F.soft_margin_loss(x(4, 3), x(4, 3).detach().sign()),
    )
    yield lambda: (
        x(4, 3).logsumexp(1),
        x(4, 3).logcumsumexp(1),
        x(4, 3).norm(),
        torch.dist(x(4, 3), x(4, 3)),
    )
    yield lambda: (torch.mv(x(3, 4), x(4)), torch.addbmm(x(3, 5), x(2, 3, 4), x(2, 4, 5)))
    yield lambda: (F.bilinear(x(3, 4), x(3, 5), x(2, 4, 5)), torch.cdist(x(40, 6), x(40, 6)))
    yield lambda: torch.conv_tbc(x(4, 2, 3), x(3, 3, 3), x(3))
    yield lambda: (F.affine_grid(x(1, 2, 3), [1, 1, 4, 4]), F.celu(x(4)), torch.ldexp(x(4), x(4)))
    yield lambda: (torch.linspace(0, 1, 5), torch.arange(0.1, 2.0, 0.3), torch.hann_window(9), 1 - x(4))
    yield lambda: (x(4, 3).index_put((torch.tensor([1]),), x(3)), x(4).put(torch.tensor([1]), x(1)))
    yield lambda: F.scaled_dot_product_attention(x(1, 2, 3, 4), x(1, 2, 3, 4), x(1, 2, 3, 4), dropout_p=0.1)
    for name in ("exp", "sqrt", "sigmoid", "norm"):
        yield lambda n=name: getattr(torch, f"_foreach_{n}")([x(4).detach().abs(), x(3).detach().abs()])
    for name in ("add", "mul", "div", "maximum"):
        yield lambda n=name: getattr(torch, f"_foreach_{n}")([x(4).detach()], [x(4).detach()])


#: The profiler shows an operation that calls another overload of its name as one: see the test of these.
OF_A_NUMBER = {f"aten::{name}{end}" for name in ("add", "sub", "fmod", "remainder") for end in ("", "_")}


def unproven(calls: Iterator[Callable[[], Any]]) -> tuple[list[str], int]:
    """Operations that are said to be made of others and called none; and how many were tried."""
    ran, called = calls_within(calls)
    tried = [name for name in ran if kind(name) is NativeResult.COMPOSED and "prims" not in name]
    tried = [name for name in tried if not name.endswith(".Scalar") or name.split(".")[0] not in OF_A_NUMBER]
    return sorted(name for name in tried if not called[name] - PREPARES), len(tried)


def test_operations_of_a_number_call_those_of_tensors() -> None:
    called = []

    def heard(native: Callable[..., Any]) -> Callable[..., Any]:
        def call(keys: Any, *args: Any, **kwargs: Any) -> Any:
            called.append(1)
            return native(keys, *args, **kwargs)

        return call

    for name in sorted(OF_A_NUMBER):
        override = Override(f"{name}.Tensor", "cpu", heard)
        operation, before = getattr(torch.ops.aten, name.removeprefix("aten::")), len(called)
        operation.Scalar(torch.ones(3), 1.5)
        override.remove()
        assert len(called) == before + 1, name


def test_composed_operations_call_others() -> None:
    missing, tried = unproven(composed())
    assert tried >= 30
    assert missing == []


@pytest.mark.deep
@pytest.mark.parametrize("part", range(8))
def test_composed_operations_of_every_sample_call_others(part: int) -> None:
    missing, tried = unproven(samples(part, 8, [torch.float32], 1))
    assert tried
    assert missing == []


LAYOUTS: dict[str, Callable[[Tensor], Tensor]] = {
    "transposed": lambda t: t.t().contiguous().t(),
    "strided": lambda t: torch.stack([t, t], 2)[:, :, 0],
    "not aligned": lambda t: F.pad(t, (3, 0))[:, 3:],
    "backwards": lambda t: t.flip(0).flip(0),
}
ONE: dict[str, Callable[[Tensor], Tensor]] = {
    **{
        name: getattr(torch, name)
        for name in ("abs", "ceil", "floor", "round", "trunc", "frac", "neg", "sign")
    },
    **{
        name: getattr(torch, name) for name in ("sqrt", "reciprocal", "square", "isnan", "relu", "nan_to_num")
    },
    "clamp": lambda t: t.clamp(-0.0, 0.7),
    "clamp_max": lambda t: t.clamp_max(0.0),
    "hardtanh": lambda t: F.hardtanh(t, 0, 1),
    "leaky_relu": F.leaky_relu,
    "hardshrink": F.hardshrink,
    "threshold": lambda t: F.threshold(t, 0.0, 0.0),
    "to float16": lambda t: t.half(),
    "to bfloat16": lambda t: t.bfloat16(),
    "mul": lambda t: t * 0.7,
    "div": lambda t: t / 0.7,
    "max.dim": lambda t: t.max(1)[0],
    "cummax": lambda t: t.cummax(1)[0],
    "sort": lambda t: t.sort(dim=1, stable=True)[0],
    "where": lambda t: torch.where(t > 0, t, 0.5),
}


def same(got: Tensor, expected: Tensor) -> bool:
    """Every bit, but for a NaN's."""
    known = ~expected.isnan()
    signs = torch.equal(got.signbit()[known], expected.signbit()[known])
    return signs and torch.equal(got.nan_to_num(7.0), expected.nan_to_num(7.0))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("name", ONE)
def test_no_layout_changes_exact_operations(name: str, dtype: torch.dtype) -> None:
    given = numbers((37, 1031), dtype)
    given[3, ::2], given[4, 1::3], given[5, ::5] = -0.0, torch.nan, torch.inf
    expected = ONE[name](given)
    for layout in LAYOUTS.values():
        assert same(ONE[name](layout(given)), expected)
    for row in (0, 3, 36):
        assert same(ONE[name](given[row : row + 1]), expected[row : row + 1])


def recorded(folder: Path, source: str, capability: str, threads: int, part: str) -> dict[Any, Any]:
    """What one setting gives, in a process of its own."""
    path = folder / f"{capability}-{threads}"
    setting = {
        "ATEN_CPU_CAPABILITY": capability,
        "OMP_NUM_THREADS": str(threads),
        "OMP_WAIT_POLICY": "PASSIVE",
    }
    command = [sys.executable, "-m", "tests.arithmetic.dispatched_bits", str(path), source, *part.split()]
    subprocess.run(command, check=True, cwd=ROOT, env={**os.environ, **setting})
    result: dict[Any, Any] = pickle.loads(path.read_bytes())
    return result


def refuted(
    folder: Path, source: str, settings: list[tuple[str, int]], part: str = "0 1"
) -> tuple[list[str], int]:
    """Operations that are said to be exact and are not; and how many were compared."""
    results = {f"{c} {n}": recorded(folder, source, c, n, part) for c, n in settings}
    differ, compared = compare(results)
    exact = [name for name in compared if kind(name) is NativeResult.EXACT]
    return sorted(name for name in exact if name in differ), len(exact)


def test_no_instruction_set_changes_exact_operations(tmp_path: Path) -> None:
    names, compared = refuted(tmp_path, "float32", [("default", 1), ("avx512", 2)], "3 90")
    assert compared > 15
    assert names == []


@pytest.mark.deep
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("source", ["large", "samples"])
def test_no_setting_changes_exact_operations(source: str, tmp_path: Path) -> None:
    settings = [("default", 1), ("avx512", 2)]
    if source == "large":
        settings += [("avx2", 3)]
    names, compared = refuted(tmp_path, source, settings)
    assert compared > 150
    assert names == []
