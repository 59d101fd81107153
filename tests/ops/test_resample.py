"""Backward of interpolation: the adjoint of PyTorch's forward, in its formats, with its errors."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import prod
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import Tensor

from samebits._runtime import triton_launch
from samebits.determinism.overrides import InstalledOverrides
from samebits.model.operators import OPERATIONS
from samebits.ops import resample

ROWS = [row for row in OPERATIONS if row.file == "resample"]
PLAIN = ["upsample_linear1d", "upsample_bilinear2d", "upsample_bicubic2d", "upsample_trilinear3d"]
SMOOTH = ["_upsample_bilinear2d_aa", "_upsample_bicubic2d_aa"]
if hasattr(torch.ops.aten, "_upsample_lanczos2d_aa"):  # not in every torch
    SMOOTH.append("_upsample_lanczos2d_aa")
EVERY = pytest.mark.parametrize("name", PLAIN + SMOOTH)


@pytest.fixture(autouse=True, scope="module")
def eager() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(triton_launch, "triton_for", lambda tensor: False)
        yield


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def dims(name: str) -> int:
    return int(name.partition("d")[0][-1]) if "linear1" in name else 3 if "3d" in name else 2


def ours(name: str) -> Callable[..., Any]:
    found: Callable[..., Any] = getattr(resample, f"{name}_backward")
    return found


def native(name: str) -> Any:
    return getattr(torch.ops.aten, f"{name}_backward")


def forward(name: str) -> Any:
    return getattr(torch.ops.aten, name)


@st.composite
def cases(draw: st.DrawFn) -> dict[str, Any]:
    name = draw(st.sampled_from(PLAIN + SMOOTH))
    length = st.sampled_from([1, 2, 3, 5, 7, 8])
    inputs = [draw(length) for _ in range(dims(name))]
    align = draw(st.booleans()) and name in PLAIN
    if align or draw(st.booleans()):
        scales: list[float | None] = [None] * dims(name)
        outputs = [draw(st.sampled_from([1, 2, 3, 7, 11, 16])) for _ in inputs]
    else:
        factors = [draw(st.sampled_from([0.5, 0.7, 1.0, 1.2, 2.0, 3.0])) for _ in inputs]
        outputs = [int(n * factor) for n, factor in zip(inputs, factors, strict=True)]
        scales = [*factors]
    assume(min(outputs) > 0)
    return {"name": name, "inputs": inputs, "outputs": outputs, "align": align, "scales": scales}


def weighed(
    name: str, inputs: list[int], outputs: list[int], align: bool, scales: list[Any], grad: Tensor
) -> Tensor:
    """The adjoint found by running the forward on every unit image, in float64."""
    units = torch.eye(prod(inputs), dtype=torch.float64).view(-1, 1, *inputs)
    if name in SMOOTH:  # right in channels_last only: the others take a height for a width of 1
        units = units.expand(-1, 2, *inputs).contiguous(memory_format=torch.channels_last)
    made = forward(name)(units, outputs, align, *scales)[:, :1]
    return (made * grad).flatten(1).sum(1).view(1, 1, *inputs)


@settings(max_examples=100, deadline=None)
@given(cases(), st.sampled_from([torch.float64, torch.float32]))
def test_it_is_the_adjoint_of_the_forward(case: dict[str, Any], dtype: torch.dtype) -> None:
    name, inputs, outputs, align, scales = case.values()
    grad = normal(1, 1, *outputs).to(dtype)
    expected = weighed(name, inputs, outputs, align, scales, grad.double())
    made = ours(name)(grad, outputs, [1, 1, *inputs], align, *scales)
    exact = dtype == torch.float64
    # In float32 the place in the input is rounded: a few units in the last place of a length of 8.
    size = max(1.0, float(weighed(name, inputs, outputs, align, scales, grad.double().abs()).abs().max()))
    assert made.dtype == dtype
    torch.testing.assert_close(made.double(), expected, rtol=0, atol=(1e-14 if exact else 4e-6) * size)


@EVERY
@pytest.mark.parametrize("outputs", [(20, 31, 12), (5, 4, 9)], ids=["larger", "smaller"])
def test_error_is_no_more_than_twice_that_of_the_native_kernel(name: str, outputs: tuple[int, ...]) -> None:
    n = dims(name)
    made, shape = list(outputs[:n]), [2, 3, *(10, 16, 6)[:n]]
    grad = normal(2, 3, *made)
    scales = [None] * n
    truth = ours(name)(grad.double(), made, shape, False, *scales)
    mine = (ours(name)(grad, made, shape, False, *scales) - truth).abs().max()
    theirs = (native(name)(grad, made, shape, False, *scales) - truth).abs().max()
    assert mine <= 2 * theirs + truth.abs().max() * 2**-24


@EVERY
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_types_are_computed_in_float32_and_rounded_once(name: str, dtype: torch.dtype) -> None:
    n = dims(name)
    grad, shape = normal(2, 3, *(9, 8, 7)[:n]).to(dtype), [2, 3, *(4, 6, 5)[:n]]
    arguments = (list(grad.shape[2:]), shape, False, *[None] * n)
    wide = ours(name)(grad.float(), *arguments)
    assert torch.equal(ours(name)(grad, *arguments), wide.to(dtype))


def formats(n: int) -> dict[str, Tensor]:
    grad = normal(2, 6, *[8] * n)
    last = {2: torch.channels_last, 3: torch.channels_last_3d}.get(n)
    found = {
        "contiguous": grad,
        "transposed": grad.transpose(0, 1).contiguous().transpose(0, 1),
        "every other": grad[:, ::2],
        "expanded": torch.ones(()).expand(2, 3, *[8] * n),
    }
    if last:
        found["channels last"] = grad.contiguous(memory_format=last)
        found["channels last, some"] = found["channels last"][:, :3]
        found["channels last, one channel"] = grad[:, :1].contiguous(memory_format=last)
        found["channels last, one image"] = grad[:1].contiguous(memory_format=last)
        found["rows and columns changed"] = grad.transpose(-1, -2)
    return found


@EVERY
def test_values_and_strides_for_every_layout(name: str) -> None:
    n = dims(name)
    for layout, grad in formats(n).items():
        arguments = ([8] * n, [*grad.shape[:2], *[5] * n], False, *[None] * n)
        made, expected = ours(name)(grad, *arguments), native(name)(grad, *arguments)
        assert made.stride() == expected.stride(), layout
        torch.testing.assert_close(made, expected, rtol=1e-4, atol=1e-5)
        assert torch.equal(made, ours(name)(grad.contiguous(), *arguments)), layout


@EVERY
def test_an_image_does_not_depend_on_the_others(name: str) -> None:
    n = dims(name)
    grad = normal(5, 3, *(9, 14, 7)[:n])
    arguments = (list(grad.shape[2:]), False, *[None] * n)
    whole = ours(name)(grad, arguments[0], [5, 3, *[6] * n], *arguments[1:])
    alone = [ours(name)(one, arguments[0], [1, 3, *[6] * n], *arguments[1:]) for one in grad.split(1)]
    assert torch.equal(whole, torch.cat(alone))


@EVERY
@pytest.mark.parametrize("value", [torch.nan, torch.inf, -torch.inf])
def test_what_is_not_finite_stays_where_it_is_read(name: str, value: float) -> None:
    n = dims(name)
    arguments = ([9] * n, [1, 1, *[5] * n], False, *[None] * n)
    grad = torch.zeros(1, 1, *[9] * n)
    clean = ours(name)(grad.clone().fill_(1), *arguments)
    grad[(0, 0, *[4] * n)] = 1
    reached = ours(name)(grad, *arguments) != 0
    spoiled = torch.ones_like(grad)
    spoiled[(0, 0, *[4] * n)] = value
    made = ours(name)(spoiled, *arguments)
    assert not bool(made[reached].isfinite().any())
    assert torch.equal(made[~reached], clean[~reached])


def test_antialiasing_with_a_width_of_one_is_the_other_direction_turned() -> None:
    for name in SMOOTH:
        for height, made in ((7, 3), (4, 9)):
            grad = normal(2, 3, made, 1)
            tall = ours(name)(grad, [made, 1], [2, 3, height, 1], False, None, None)
            wide = ours(name)(grad.mT.contiguous(), [1, made], [2, 3, 1, height], False, None, None)
            torch.testing.assert_close(tall, wide.mT, rtol=1e-6, atol=1e-6)


@EVERY
def test_equal_sizes_copy(name: str) -> None:
    n = dims(name)
    grad = normal(2, 3, *[4] * n)
    made = ours(name)(grad, [4] * n, [2, 3, *[4] * n], False, *[1.2] * n)
    assert torch.equal(made, grad)
    assert made.data_ptr() != grad.data_ptr()


@EVERY
def test_empty_batch(name: str) -> None:
    n = dims(name)
    with InstalledOverrides(ROWS):
        made = native(name)(torch.zeros(0, 3, *[4] * n), [4] * n, [0, 3, *[2] * n], False, *[None] * n)
    assert made.shape == (0, 3, *[2] * n)


@EVERY
def test_errors_are_the_native_ones(name: str) -> None:
    n = dims(name)
    good = (torch.zeros(1, 2, *[4] * n), [4] * n, [1, 2, *[3] * n])
    bad = [
        (torch.zeros(1, 2, *[5] * n), *good[1:]),
        (torch.zeros(1, *[4] * n), *good[1:]),
        (good[0], [4] * (n + 1), good[2]),
        (good[0], good[1], [1, 2, *[3] * (n + 1)]),
        (good[0], good[1], [1, 2, *[0] * n]),
        (good[0], good[1], [1, 3, *[3] * n]),
        (good[0].long(), *good[1:]),
    ]
    for arguments in bad:
        with pytest.raises((RuntimeError, NotImplementedError)) as theirs:
            native(name)(*arguments, False, *[None] * n)
        with InstalledOverrides(ROWS), pytest.raises(theirs.type) as mine:
            native(name)(*arguments, False, *[None] * n)
        assert str(mine.value).splitlines()[0] == str(theirs.value).splitlines()[0]


@EVERY
def test_the_form_that_writes_into_a_tensor(name: str) -> None:
    n = dims(name)
    grad = normal(2, 3, *[7] * n)
    arguments = ([7] * n, [2, 3, *[4] * n], False, *[None] * n)
    into = torch.full((2, 3, *[4] * n), torch.nan)
    with InstalledOverrides(ROWS):
        result = native(name).grad_input(grad, *arguments, grad_input=into)
    assert result is into
    assert torch.equal(into, ours(name)(grad, *arguments))


MODES = [
    ("upsample_linear1d", {"mode": "linear"}, (7,)),
    ("upsample_bilinear2d", {"mode": "bilinear"}, (5, 6)),
    ("upsample_bilinear2d", {"mode": "bilinear", "align_corners": True}, (5, 6)),
    ("upsample_bicubic2d", {"mode": "bicubic"}, (5, 6)),
    ("upsample_trilinear3d", {"mode": "trilinear"}, (3, 2, 4)),
    ("_upsample_bilinear2d_aa", {"mode": "bilinear", "antialias": True}, (5, 6)),
    ("_upsample_bicubic2d_aa", {"mode": "bicubic", "antialias": True}, (5, 6)),
]


@pytest.mark.usefixtures("generators_restored")
@pytest.mark.parametrize(("name", "options", "lengths"), MODES)
@pytest.mark.parametrize("factor", [2.0, 0.5, 1.3])
def test_unmodified_interpolate(
    name: str,
    options: dict[str, Any],
    lengths: tuple[int, ...],
    factor: float,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    called = []
    function = ours(name)
    monkeypatch.setattr(resample, f"{name}_backward", lambda *given: called.append(name) or function(*given))
    x = normal(1, 2, *lengths).double().requires_grad_()

    def interpolated(x: Tensor) -> Tensor:
        return F.interpolate(x, scale_factor=factor, **options)

    with InstalledOverrides(ROWS):
        assert torch.autograd.gradcheck(interpolated, (x,))
    assert called
