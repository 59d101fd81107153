"""Operations on elements: how they are called, and the functions of one or two numbers.

An operation is a loop of native/elementwise.h, with its inputs and parameters.  `rows` makes an operation's
functional, in-place and `out=` forms from one preparation of its arguments: the loop writes where the result
is wanted, if that has the inputs' layout.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import cache, reduce
from itertools import count, takewhile
from typing import Any, Final

import torch
from torch import Tensor

from samebits._runtime.warn import warn
from samebits.arithmetic import core
from samebits.arithmetic.core import DTYPES
from samebits.arithmetic.rows import Defined, Function

Scalar = float
#: A loop's inputs and parameters, or NotImplemented.
Prepared = Any
Inputs = tuple[Tensor, ...]

#: torch says as much, from C++.
_RESIZED: Final = (
    "An output with elements was resized; torch will refuse this. Resize it to zero elements first."
)

_HALVES: Final = (torch.float16, torch.bfloat16)
_Parameters: Final = ctypes.c_double * 3
_empty_like: Final = torch.empty_like
_broadcast_shapes: Final[Callable[..., torch.Size]] = torch.broadcast_shapes
_threads: Final = core.threads


@cache
def _numbers() -> dict[str, int]:
    name = core.get().functions.sb_elementwise_name
    name.argtypes, name.restype = [ctypes.c_int], ctypes.c_char_p
    found = takewhile(lambda one: one is not None, map(name, count()))
    return {one.decode(): n * len(DTYPES) for n, one in enumerate(found)}


@cache
def _kernel() -> Any:
    return core.bound("sb_elementwise", "ippppnpi")


class Loop:
    """One operation of native/elementwise.h.

    Args:
        name: there.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._number: int | None = None

    def __call__(self, inputs: Inputs, p: tuple[Scalar, ...] = (), into: Tensor | None = None) -> Any:
        """The operation of the elements.

        Args:
            inputs: 1 to 3 tensors on the CPU, of any shapes that broadcast; integers become floating point.
            p: up to 3 parameters.
            into: where the result is written, if it has the result's shape.

        Returns:
            A new tensor, or `into`; NotImplemented for what has no such result: complex numbers.
        """
        first = inputs[0]
        code = DTYPES.get(first.dtype)
        if code is None or not _alike(inputs):
            return self._of_others(inputs, p, into)
        if into is None:
            out = _empty_like(first)
        elif _fits(into, inputs):
            out = into
        else:
            return written(into, self(inputs, p))
        self._run(out, inputs, code, p)
        return out

    def _run(self, out: Tensor, inputs: Inputs, code: int, p: tuple[Scalar, ...]) -> None:
        if not out.is_cpu:
            from samebits.arithmetic._triton import elementwise as on_cuda

            on_cuda.run(self.name, out, inputs, p)
            return
        if self._number is None:
            self._number = _numbers()[self.name]
        a, b, c = (*(x.data_ptr() for x in inputs), None, None)[:3]
        given = _Parameters(*p) if p else None
        _kernel()(self._number + code, out.data_ptr(), a, b, c, out.numel(), given, _threads())

    def _of_others(self, inputs: Inputs, p: tuple[Scalar, ...], into: Tensor | None) -> Any:
        """Of other types or layouts: copies of one of each, the first of which takes the result."""
        result_dtype = dtype = _common(inputs)
        if dtype not in DTYPES:
            return NotImplemented
        if dtype in _HALVES and any(x.dtype is not dtype for x in inputs):
            dtype = torch.float32  # a number beside halves is not rounded to theirs
        try:
            shape = _broadcast_shapes(*(x.shape for x in inputs))
        except RuntimeError:
            return NotImplemented
        device = next((x.device for x in inputs if not x.is_cpu), inputs[0].device)
        if shape == inputs[0].shape:
            out = _empty_like(inputs[0], dtype=dtype, device=device)
        else:
            out = torch.empty(shape, dtype=dtype, device=device)
        copies = [out.copy_(inputs[0])]
        for x in inputs[1:]:
            same = x.dtype is dtype and x.shape == shape and x.stride() == out.stride()
            copies.append(x if same else _empty_like(out).copy_(x))
        self._run(out, tuple(copies), DTYPES[dtype], p)
        out = out.to(result_dtype)
        return out if into is None else written(into, out)


def _alike(inputs: Inputs) -> bool:
    """Of one type, one shape, one dense layout."""
    first = inputs[0]
    for x in inputs[1:]:
        if x.dtype is not first.dtype or x.shape != first.shape or x.stride() != first.stride():
            return False
    return first.is_contiguous() or bool(torch.ops.aten.is_non_overlapping_and_dense.default(first))


def _fits(out: Tensor, inputs: Inputs) -> bool:
    """Whether the result can be written at once: `out` is laid as the inputs, and is one of them or apart."""
    first = inputs[0]
    if out.dtype is not first.dtype or out.shape != first.shape or out.stride() != first.stride():
        return False
    start, bytes = out.data_ptr(), out.nbytes
    return all(x.data_ptr() == start or abs(x.data_ptr() - start) >= bytes for x in inputs)


def _common(inputs: Inputs) -> torch.dtype:
    """The type in which torch computes: the inputs' common one, floating point."""
    dtype = inputs[0].dtype
    if len(inputs) > 1:
        dtype = reduce(torch.promote_types, (torch.result_type(inputs[0], x) for x in inputs[1:]))
    return dtype if dtype.is_floating_point or dtype.is_complex else torch.get_default_dtype()


def written(out: Tensor, result: Any) -> Any:
    """`result` in `out`; NotImplemented where torch refuses that."""
    if result is NotImplemented or not torch.can_cast(result.dtype, out.dtype):
        return NotImplemented
    if out.shape != result.shape:
        if out.numel():
            warn(_RESIZED, UserWarning)
        out.resize_(result.shape)
    return out.copy_(result)


def rows(
    schema: str,
    prepare: Callable[..., Prepared],
    formula: str,
    inplace: bool = True,
    out: str | None = "out",
    keyword: str = "out",
) -> tuple[Defined, ...]:
    """An operation's rows: functional, in place, and with `out=`.

    Args:
        schema: of the functional form.
        prepare: from its arguments to a loop, its inputs and its parameters, or NotImplemented.
        formula: the result.
        inplace: whether there is `name_`.
        out: the overload that takes a tensor for the result, if there is one.
        keyword: the argument for that tensor.
    """
    base, _, overload = schema.partition(".")
    made = [Defined(schema, _functional(prepare), formula)]
    if inplace:
        made.append(Defined(f"{base}_.{overload}".rstrip("."), _inplace(prepare), formula))
    if out is not None:
        made.append(Defined(f"{base}.{out}", _out(prepare, keyword), formula))
    return tuple(made)


def _functional(prepare: Callable[..., Prepared]) -> Function:
    def function(*args: Any, **kwargs: Any) -> Any:
        job = prepare(*args, **kwargs)
        return job if job is NotImplemented else job[0](job[1], job[2])

    return function


def _inplace(prepare: Callable[..., Prepared]) -> Function:
    def function(first: Tensor, *args: Any, **kwargs: Any) -> Any:
        job = prepare(first, *args, **kwargs)
        if job is NotImplemented:
            return job
        loop, inputs, p = job
        for x in inputs:
            if x.shape != first.shape and _broadcast_shapes(x.shape, first.shape) != first.shape:
                return NotImplemented  # torch says what is wrong
        return loop(inputs, p, first)

    return function


def _out(prepare: Callable[..., Prepared], keyword: str) -> Function:
    def function(*args: Any, **kwargs: Any) -> Any:
        out = kwargs.pop(keyword)
        job = prepare(*args, **kwargs)
        return job if job is NotImplemented else job[0](job[1], job[2], out)

    return function


def unary(name: str) -> Callable[[Tensor], Prepared]:
    """The preparation of a function of one number."""
    loop = Loop(name)

    def prepare(self: Tensor) -> Prepared:
        return loop, (self,), ()

    return prepare


_INVERSES: Final = ("sinh", "cosh", "asinh", "acosh", "atanh", "atan", "asin", "acos")
_NAMES: Final = ("exp", "exp2", "expm1", "log", "log1p", "log2", "log10", "sin", "cos", "tan")
_FORMULA: Final = "the function to 1 ulp, by a polynomial in fused multiply-adds"

#: Exponents whose power is something simpler, as torch has it.
_EXPONENTS: Final = {
    0.5: Loop("sqrt"),
    2.0: Loop("square"),
    3.0: Loop("cube"),
    -0.5: Loop("rsqrt"),
    -1.0: Loop("reciprocal"),
    -2.0: Loop("inverse_square"),
}
_pow, _pow_scalar, _scalar_pow = Loop("pow"), Loop("pow_scalar"), Loop("scalar_pow")
_logit, _xlogy = Loop("logit"), Loop("xlogy")


def _power(self: Tensor, exponent: Tensor) -> Prepared:
    if not (self.is_floating_point() or exponent.is_floating_point()):
        return NotImplemented
    return _pow, (self, exponent), ()


def _power_scalar(self: Tensor, exponent: Scalar) -> Prepared:
    if exponent in (0, 1) or isinstance(exponent, complex):
        return NotImplemented
    if isinstance(exponent, int) and not self.is_floating_point():
        return NotImplemented
    simpler = _EXPONENTS.get(float(exponent))
    return (_pow_scalar, (self,), (float(exponent),)) if simpler is None else (simpler, (self,), ())


def _scalar_power(self: Scalar, exponent: Tensor) -> Prepared:
    if self == 1 or isinstance(self, complex):
        return NotImplemented
    if isinstance(self, int) and not exponent.is_floating_point():
        return NotImplemented
    return _scalar_pow, (exponent,), (float(self),)


def _logit_of(self: Tensor, eps: float | None = None) -> Prepared:
    return _logit, (self,), (-1.0 if eps is None else eps,)


def of_two(name: str, exact: bool = False) -> Callable[..., Prepared]:
    """The preparation of a function of two numbers; exact: of integers it is torch's."""
    loop = Loop(name)

    def prepare(self: Tensor, other: Tensor) -> Prepared:
        if exact and not (self.is_floating_point() or other.is_floating_point()):
            return NotImplemented
        return loop, (self, other), ()

    return prepare


_QUOTIENTS: Final = {"floor": of_two("div_floor", exact=True), "trunc": of_two("div_trunc", exact=True)}


def _quotient(self: Tensor, other: Tensor, *, rounding_mode: str | None) -> Prepared:
    prepare = _QUOTIENTS.get(rounding_mode or "")  # None: a division, which is exact
    return NotImplemented if prepare is None else prepare(self, other)


def _x_log_y(self: Tensor, other: Tensor) -> Prepared:
    return _xlogy, (self, other), ()


ROWS: Final = (
    *(row for name in _NAMES for row in rows(f"aten::{name}", unary(name), _FORMULA)),
    *rows("aten::sqrt", unary("sqrt"), "sqrt(x), rounded"),  # MKL's, torch's own, is not
    *rows("aten::rsqrt", unary("rsqrt"), "1 / sqrt(x), each rounded"),
    *rows("aten::reciprocal", unary("reciprocal"), "1 / x, rounded"),
    *rows("aten::erf", unary("erf"), _FORMULA),
    *rows("aten::erfc", unary("erfc"), _FORMULA),
    *rows("aten::pow.Tensor_Tensor", _power, "x**y to 1 ulp", inplace=False, out="Tensor_Tensor_out"),
    *rows("aten::pow.Tensor_Scalar", _power_scalar, "x**y to 1 ulp, or x x, sqrt(x), 1 / x ...",
          inplace=False, out="Tensor_Scalar_out"),
    *rows("aten::pow.Scalar", _scalar_power, "x**y to 1 ulp", inplace=False, out="Scalar_out"),
    Defined("aten::pow_.Tensor", _inplace(_power), "x**y to 1 ulp"),
    Defined("aten::pow_.Scalar", _inplace(_power_scalar), "as pow"),
    *(row for name in _INVERSES for row in rows(f"aten::{name}", unary(name), _FORMULA)),
    *rows("aten::atan2", of_two("atan2"), _FORMULA),
    *rows("aten::hypot", of_two("hypot"), "sqrt(x**2 + y**2)"),
    *rows("aten::logaddexp", of_two("logaddexp"), "max + log1p(exp(min - max))", inplace=False),
    *rows("aten::fmod.Tensor", of_two("fmod", exact=True), "x - n y, exact", out="Tensor_out"),
    *rows("aten::remainder.Tensor", of_two("remainder", exact=True), "fmod(x, y), + y for another sign",
          out="Tensor_out"),
    *rows("aten::div.Tensor_mode", _quotient, "floor(a / b), of the exact quotient, or trunc(a / b)",
          out="out_mode"),
    *rows("aten::floor_divide", _QUOTIENTS["floor"], "floor(a / b), of the exact quotient", inplace=False),
    Defined("aten::floor_divide_.Tensor", _inplace(_QUOTIENTS["floor"]), "as floor_divide"),
    *rows("aten::erfinv", unary("erfinv"), "the function to 1 ulp, by polynomials of log(1 - x**2)"),
    *rows("aten::sinc", unary("sinc"), "sin(pi x) / (pi x); 1 for 0"),
    *rows("aten::logit", _logit_of, "log(x / (1 - x)) of x kept within eps"),
    *rows("aten::xlogy.Tensor", _x_log_y, "x log(y); 0 for x = 0", out="OutTensor"),
)  # fmt: skip
