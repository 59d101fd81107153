"""Memory that a program asks for and never fills is zeros, and where a model trains on it one line says so.

`torch.empty` gives what lay in that memory before.  torch's deterministic mode fills it with NaN instead, so
that a program which forgot to fill a weight repeats, and learns nothing.  Here it holds zeros: what the
functions and methods of torch give, whoever calls them, `torch.Tensor(n)`, and in user code
`torch.FloatTensor(n)` and `numpy.empty`.  Memory that torch's own kernels ask for and fill at once stays
with torch.

The zeros of floats are negative ones.  They compute as any zero does, and tell memory that nobody wrote to
from memory that was filled with zeros: a bias that the program zeroes is not named.  Before an optimizer's
first step its parameters that have a gradient, and buffers of modules, are looked at; what is negative zeros
throughout was never filled.

What is not seen: arrays and other tensors that are read before they are filled are zeros, without a line; so
are typed constructors in a library (NaN, by torch's mode), and `torch.empty` inside `torch.inference_mode`
where nothing trains.
"""

from __future__ import annotations

import ast
import functools
import sys
import weakref
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from importlib import import_module
from types import ModuleType
from typing import Any, ClassVar, Final

from samebits._runtime.patcher import Patcher
from samebits.control import places
from samebits.usercode import loading, probes
from samebits.usercode.nodes import calling
from samebits.usercode.rewriting import Rewriting, Step

#: Functions of torch, and methods of its tensors, that give memory as it is.
_FUNCTIONS: Final = ("empty", "empty_like", "empty_strided", "empty_permuted")
_METHODS: Final = ("new_empty", "new_empty_strided")
_RESIZING: Final = ("resize_", "resize_as_")
#: What types are called whose call with sizes gives memory as it is, and numpy's functions.
_TYPES: Final = frozenset(
    f"{kind}Tensor"
    for kind in ("Float", "Double", "Half", "BFloat16", "Int", "Long", "Short", "Char", "Byte", "Bool")
)
_ARRAYS: Final = ("empty", "empty_like", "ndarray")
#: Packages of ours that fill at once what they ask for.
_FILLING: Final = ("samebits.ops", "samebits.random")
_REMEMBERED: Final = 1 << 16  # places of memory

_current: Unfilled | None = None
_nan = False  # what control fills memory with from now on


class Unfilled(Patcher):
    """Fills what is asked for while control lasts, and remembers where that was."""

    def __init__(self, *, nan: bool = False) -> None:
        """``nan``: memory is NaN, or the largest integer, and nothing is looked at or told."""
        super().__init__()
        self.nan = nan or _nan
        self._made: dict[int, tuple[str, int, str]] = {}  # address -> file, line, function
        # of what may have moved to another device
        self._shapes: dict[tuple[int, ...], set[tuple[str, int, str]]] = {}
        self._buffers: list[tuple[weakref.ref[Any], str]] = []
        self._looked_at: weakref.WeakSet[Any] = weakref.WeakSet()
        self._told: set[tuple[str, int]] = set()

    def install(self, torch: ModuleType) -> None:
        """To be called once torch is there."""
        global _current
        _current = self
        self._torch: Any = torch
        self._compiling: Callable[[], bool] = torch.compiler.is_compiling
        self._empty = torch.empty
        # A default device knows torch's own functions by identity, and remembers them from now on.
        import_module("torch.utils._device")._device_constructors()
        scripted = torch.jit._builtins
        originals = [getattr(torch, name) for name in _FUNCTIONS]
        # The compiler knows them by their place in torch, where ours are by the time it comes.
        self._after("torch._dynamo", lambda compiler: [compiler.allow_in_graph(each) for each in originals])
        for name, original in zip(_FUNCTIONS, originals, strict=True):
            ours = self._filling(original, f"torch.{name}")
            if (operator := scripted._find_builtin(original)) is not None:
                scripted._register_builtin(ours, operator)
                self._undo.callback(scripted._builtin_table.pop, id(ours), None)
            self._replace(torch, name, ours)
        for name in _METHODS:
            self._replace(torch.Tensor, name, self._filling(getattr(torch.Tensor, name), f"Tensor.{name}"))
        for name in _RESIZING:
            self._replace(torch.Tensor, name, self._growing(getattr(torch.Tensor, name)))
        self._replace(torch.Tensor, "__new__", self._constructing(torch.Tensor.__new__))
        self._replace(torch.Tensor, "new", self._sized(torch.Tensor.new, "Tensor.new", skip=1))
        self._around(torch.nn.Module, "register_buffer", self._registering)
        if self.nan:
            return
        optimizers = import_module("torch.optim.optimizer")
        hook = optimizers.register_optimizer_step_pre_hook(self._before_step)
        self._undo.callback(hook.remove)

    def uninstall(self) -> None:
        global _current
        if _current is self:
            _current = None
        super().uninstall()

    # -- what gives memory -------------------------------------------------------------------------
    def _filling(self, original: Callable[..., Any], name: str) -> Callable[..., Any]:
        @functools.wraps(original)
        def filled(*args: Any, **kwargs: Any) -> Any:
            made = original(*args, **kwargs)
            if self._alive and kwargs.get("out") is None:
                self._fill(made, name)
            return made

        return filled

    def _sized(self, original: Callable[..., Any], name: str, skip: int = 0) -> Callable[..., Any]:
        """What takes sizes, and fills nothing then; or data."""

        @functools.wraps(original)
        def made_of(*args: Any, **kwargs: Any) -> Any:
            made = original(*args, **kwargs)
            if self._alive and _are_sizes(args[skip:]):
                self._fill(made, name)
            return made

        return made_of

    def _constructing(self, original: Callable[..., Any]) -> Any:
        sized = self._sized(original, "torch.Tensor", skip=1)
        return staticmethod(sized)

    def _growing(self, original: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(original)
        def resized(tensor: Any, *args: Any, **kwargs: Any) -> Any:
            before = _size(tensor) if self._alive and not self._compiling() else None
            result = original(tensor, *args, **kwargs)
            after = None if before is None else _size(tensor)
            if before is not None and after is not None and after > before:
                with suppress(RuntimeError, NotImplementedError):
                    first = -(-before // tensor.element_size())
                    rest = after // tensor.element_size() - first
                    new = self._empty(0, dtype=tensor.dtype, device=tensor.device)
                    self._write(new.set_(tensor.untyped_storage(), first, (rest,)))
            return result

        return resized

    def _fill(self, made: Any, name: str) -> None:
        if self._compiling():
            self._write(made)
            return
        if str(sys._getframe(2).f_globals.get("__name__")).startswith(_FILLING):
            return
        try:
            plain = type(made) is self._torch.Tensor and made.device.type != "meta" and made.numel()
            if not plain or made.layout is not self._torch.strided:
                return
            self._write(made)
            if made.is_floating_point() and not self.nan:
                self._remember(made.data_ptr(), tuple(made.shape), name)
        except (RuntimeError, NotImplementedError):  # a type or a mode in which it cannot be written to
            return

    def _write(self, made: Any) -> None:
        (_spoil if self.nan else _zero)(made)

    def _remember(self, address: int, shape: tuple[int, ...], name: str) -> None:
        at = (*places.line(), name)
        self._made.pop(address, None)
        self._made[address] = at
        self._shapes.setdefault(shape, set()).add(at)
        if len(self._made) > _REMEMBERED:
            self._made.pop(next(iter(self._made)), None)
        if len(self._shapes) > _REMEMBERED:
            self._shapes.pop(next(iter(self._shapes)), None)

    # -- what was never filled ---------------------------------------------------------------------
    def _registering(
        self, original: Any, module: Any, name: str, tensor: Any, *args: Any, **kwargs: Any
    ) -> Any:
        result = original(module, name, tensor, *args, **kwargs)
        if self._alive and type(tensor) is self._torch.Tensor and not self._compiling():
            with suppress(RuntimeError):
                if tensor.numel() and tensor.data_ptr() in self._made:
                    self._buffers.append((weakref.ref(module), name))
        return result

    def _before_step(self, optimizer: Any, args: Any, kwargs: Any) -> None:
        if self._compiling() or optimizer in self._looked_at or self._captured():
            return
        self._looked_at.add(optimizer)
        parameters = [each for group in optimizer.param_groups for each in group["params"]]
        held = [each for each in parameters if each.grad is not None]
        while self._buffers:
            module, name = self._buffers.pop()
            held.append(getattr(module(), "_buffers", {}).get(name))
        for tensor in held:
            at = self._never_filled(tensor)
            if at is not None:
                self._tell(*at, tuple(tensor.shape))

    def _captured(self) -> bool:
        """Whether a CUDA graph is being captured, in which nothing may be read."""
        cuda = self._torch.cuda
        return bool(cuda.is_initialized() and cuda.is_current_stream_capturing())

    def _never_filled(self, tensor: Any) -> tuple[str, int, str] | None:
        """Where memory that holds nothing but our zeros was asked for."""
        kinds = (self._torch.Tensor, self._torch.nn.Parameter)
        if type(tensor) not in kinds or not tensor.is_floating_point() or not tensor.numel():
            return None
        with suppress(RuntimeError, NotImplementedError):
            values = tensor.detach()
            places_there = self._shapes.get(tuple(values.shape), ())
            at = self._made.get(values.data_ptr())
            if at is None and len(places_there) == 1:  # it was moved
                (at,) = places_there
            if at is not None and _is_ours(values.flatten()[:1]) and _is_ours(values):
                return at
        return None

    def _tell(self, file: str, line: int, name: str, shape: tuple[int, ...]) -> None:
        if (file, line) not in self._told:
            self._told.add((file, line))
            call = f"{name}({', '.join(map(str, shape))})"
            at = f" at {places.written(file, line)}" if file else ""
            print(f"samebits: {call}{at} was never filled; it is zeros in this run", file=sys.stderr)


def _are_sizes(args: tuple[Any, ...]) -> bool:
    """Whether what is made of these arguments has these sizes, and is not made of data."""
    if len(args) == 1 and type(args[0]).__name__ == "Size":
        return True
    return bool(args) and all(hasattr(each, "__index__") and not hasattr(each, "__len__") for each in args)


def _size(tensor: Any) -> int | None:
    """The bytes of a tensor's memory; None where it has none of its own."""
    try:
        return int(tensor.untyped_storage().nbytes())
    except (RuntimeError, NotImplementedError):
        return None


def _zero(tensor: Any) -> None:
    memory = tensor.detach() if tensor.requires_grad else tensor
    if memory.is_floating_point():
        memory.fill_(-0.0)
    else:
        memory.zero_()


def _spoil(tensor: Any) -> None:
    """As torch's own deterministic mode fills it: https://docs.pytorch.org/docs/stable/deterministic.html"""
    memory = tensor.detach() if tensor.requires_grad else tensor
    if memory.is_floating_point() or memory.is_complex():
        memory.fill_(float("nan"))
    elif memory.dtype is sys.modules["torch"].bool:
        memory.fill_(True)
    else:
        memory.fill_(sys.modules["torch"].iinfo(memory.dtype).max)


def _is_ours(values: Any) -> bool:
    return bool(((values == 0) & values.signbit()).all())


def resolve(function: Any) -> Any:
    """``__samebits_unfilled__``: `function` itself, or a stand-in where it gives memory as it is."""
    if probes._tracing() or _current is None or not _current._alive:
        return function
    inner = probes.behind(function)
    if type(inner).__name__ == "tensortype":
        return _current._sized(function, f"torch.{getattr(inner, '__name__', 'Tensor')}")
    numpy = sys.modules.get("numpy")
    if numpy is not None and any(inner is getattr(numpy, name, None) for name in _ARRAYS):
        return partial(_array, function, inner is numpy.ndarray)
    return function


def _array(function: Any, constructs: bool, /, *args: Any, **kwargs: Any) -> Any:
    made = function(*args, **kwargs)
    shared = constructs and (len(args) > 2 or kwargs.get("buffer") is not None)
    if not shared and not made.dtype.hasobject:
        numpy = sys.modules["numpy"]
        made[...] = numpy.zeros((), made.dtype)
        if _current is not None and _current.nan and made.dtype.kind in "fciu":
            made[...] = numpy.nan if made.dtype.kind in "fc" else numpy.iinfo(made.dtype).max
    return made


class UnfilledStep(Step):
    """``f(...)`` becomes ``__samebits_unfilled__(f)(...)`` where f may be a typed constructor, or numpy's."""

    names: ClassVar = {"__samebits_unfilled__": resolve}
    wanted = _TYPES | frozenset(_ARRAYS)

    def called(self, call: ast.Call, around: ast.expr, name: str, at: Rewriting) -> ast.expr:
        if name in self.wanted:
            call.func = calling("__samebits_unfilled__", call.func, [call.func])
        return around


def install_nan() -> Callable[[], None]:
    """Memory that was never filled is NaN, also where control makes it zeros; returns what ends it."""
    global _nan
    _nan = True
    filled = Unfilled(nan=True)
    filled._after("torch", filled.install)
    ended = rewrite()

    def undo() -> None:
        global _nan
        _nan = False
        ended()
        filled.uninstall()

    return undo


def rewrite() -> Callable[[], None]:
    """Look at user code compiled from now on; returns what ends it."""
    return loading.add(UnfilledStep())
