"""The mode: the same training, bit for bit, on any CPU, any number of threads, any GPU.

torch's kernels of the operations that have a portable result are replaced in the dispatcher, so that every
way to them is: unmodified code, backward, optimizers.  What is undefined is refused there as well.  Random
numbers are those of `samebits.random.portable`, and the order of sums in places that of
`samebits.deterministic`.

The mode is the process's.  Autograd's threads and those of the program are in it, too.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable
from functools import partial
from types import ModuleType
from typing import Any, ClassVar, Final, ParamSpec, TypeVar

import torch
from torch import Tensor

from samebits._runtime.kernels import Override, has_kernel, unseen_by_the_compiler
from samebits._runtime.patcher import Patcher
from samebits._runtime.scope import Mode, Stays
from samebits.arithmetic import core, table
from samebits.arithmetic.guard import Guard, Undefined, is_python, kernels_of, runs_on, torchs_own
from samebits.arithmetic.powers import Powers
from samebits.arithmetic.rows import Defined
from samebits.determinism.mode import deterministic
from samebits.errors import UsageError, UsageTypeError
from samebits.ops.variants import Function, adapted, schema_of
from samebits.random.portable_mode.mode import portable as portable_random

P = ParamSpec("P")
R = TypeVar("R")

_KINDS: Final = ("raise", "warn")
#: Where undefined operations are looked for.  Sparse tensors have kernels of their own.
_GUARDED: Final = {
    "cpu": ("CPU", "CompositeExplicitAutograd", "SparseCPU", "SparseCsrCPU", "QuantizedCPU"),
    "cuda": ("CUDA", "SparseCUDA", "SparseCsrCUDA", "QuantizedCUDA"),
}

guard: Final = Guard()


class portable(Mode):  # called like a function, as torch.no_grad is
    """Make a training the same, bit for bit, on every machine: from here on, or for a block::

        with samebits.portable(0):
            model = Net()
            train(model)                         # the same weights on any CPU, any number of threads

        @samebits.portable(0)
        def train(): ...

        samebits.portable(0)                     # until .restore()

    Every floating point operation of a training step has one result, a formula of correctly rounded
    operations in a fixed order (docs/reference/portable.md; `samebits ops --portable` lists the operations).
    Random numbers are those of `samebits.random.portable(seed)`.  `torch.compile` runs its functions as they
    are written.

    Args:
        seed: 0 .. 2**128 - 1, of the random numbers.  None: they go on from the state of torch's generator.
        undefined: what becomes of operations that have no portable result: "raise" (the default) raises
            before anything is computed, "warn" lets them pass, says so once and counts them.
        rank: this process's, as of `samebits.random.portable`.

    Raises:
        TypeError, ValueError: an argument that cannot be meant; nothing has changed.
        DeterminismError: compiled code would bypass the replacements, or torch is older than 2.11.
        BuildError: the kernels are not compiled, and there is no compiler.
    """

    stays: ClassVar[Stays[portable]] = Stays()

    def __init__(
        self, seed: int | None = None, *, undefined: Undefined | None = None, rank: int | None = None
    ) -> None:
        if callable(seed):
            raise UsageTypeError(
                "samebits.portable: used as a decorator it is called: @samebits.portable(0)."
            )
        if undefined not in (None, *_KINDS):
            raise UsageError(f"samebits.portable: undefined={undefined!r} is neither 'raise' nor 'warn'.")
        self._seed, self._undefined, self._rank = seed, undefined, rank
        super().__init__()

    def _prepare(self) -> Undefined:
        core.get()
        return guard.undefined

    def _change(self) -> None:
        self._inner: list[Mode] = []
        self._inner.append(portable_random(self._seed, rank=self._rank))
        # torch's switches alone: the replaced operations are rows of ours.
        self._inner.append(
            deterministic("strict", except_=(), replace="none", fill_uninitialized_memory=False)
        )
        if len(self.stays.open) == 1:
            _installed.install()
        if self._undefined is not None:
            guard.undefined = self._undefined

    def _put_back(self) -> None:
        guard.undefined = self._before
        try:
            if not self.stays.open:
                _installed.uninstall()
        finally:
            self._leave()

    def _hand_on(self, later: portable) -> None:
        super()._hand_on(later)
        self._leave()

    def _leave(self) -> None:
        while self._inner:
            self._inner.pop().restore()

    def __call__(self, function: Callable[P, R]) -> Callable[P, R]:
        """Decorate: each call is a mode of its own, which begins at the seed."""
        made = partial(portable, self._seed, undefined=self._undefined, rank=self._rank)
        return self._decorated(function, made, "samebits.portable(seed)")

    def __repr__(self) -> str:
        named = {"seed": self._seed, "undefined": self._undefined, "rank": self._rank}
        given = [f"{name}={value!r}" for name, value in named.items() if value is not None]
        return f"portable({', '.join(given)})"


def counts() -> Counter[str]:
    """How often each undefined operation was let pass since the outermost mode began."""
    return Counter(guard.counts)


class _Installed(Patcher):
    """What is replaced while a mode is open."""

    def __init__(self) -> None:
        super().__init__()
        self._powers = Powers()
        self._taken: set[tuple[str, str]] = set()
        self._devices: tuple[str, ...] = ()

    def install(self) -> None:
        self._alive = True
        guard.counts.clear()
        self._devices = ("cpu", "cuda") if _cuda_is_built() else ("cpu",)
        self._taken.clear()
        for device in self._devices:
            self._rows(device)
        if "cuda" in self._devices:  # its layers are kernels of their own
            self._undo.callback(torch._C._set_cudnn_enabled, torch._C._get_cudnn_enabled())
            torch._C._set_cudnn_enabled(False)
        self._guard()
        self._after("torchvision.extension", self._vision)
        self._around(torch.ops, "load_library", self._loading)
        self._undo.callback(
            torch.backends.mha.set_fastpath_enabled, torch.backends.mha.get_fastpath_enabled()
        )
        torch.backends.mha.set_fastpath_enabled(False)
        self._powers.install()
        self._undo.callback(self._powers.uninstall)
        self._after("torch._dynamo", self._compiled)

    def _rows(self, device: str) -> None:
        for row in table.rows(device):
            for schema in (row.schema, *row.variants):
                if runs_on(schema, device) and (schema, device) not in self._taken:
                    self._taken.add((schema, device))
                    function = adapted(row.function, schema_of(row.schema), schema_of(schema))
                    override = Override(schema, device, partial(_answered, row, function))
                    self._undo.callback(override.remove)

    def _vision(self, _: ModuleType) -> None:
        """torchvision has come: some of its operations have rows, the others are refused."""
        for device in self._devices:
            self._rows(device)
        self._guard()

    def _guard(self) -> None:
        """Refuse what is undefined, also of libraries that were loaded since."""
        for key in [key for device in self._devices for key in _GUARDED[device]]:
            for name in kernels_of(key):
                if (name, key) in self._taken or table.kind(name) is not table.Kind.UNDEFINED:
                    continue
                if has_kernel(name, key) and not is_python(name, key):
                    self._taken.add((name, key))
                    self._undo.callback(Override(name, key, guard.refused(name)).remove)

    def _loading(self, load: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        result = load(*args, **kwargs)
        if self._alive:
            self._guard()
        return result

    def _compiled(self, _: ModuleType) -> None:
        """Compiled code would compute with kernels of its own: what is compiled runs as it is written."""
        stance = torch.compiler.set_stance("force_eager")
        self._undo.callback(stance.__exit__, None, None, None)


def _cuda_is_built() -> bool:
    built: bool = torch.backends.cuda.is_built()  # type: ignore[no-untyped-call]
    return built


def _answered(row: Defined, function: Function, native: Function) -> Function:
    """Our function; torch's kernel where ours says that it is exact there."""

    def call(keys: Any, *args: Any, **kwargs: Any) -> Any:
        result = function(*args, **kwargs)
        if result is NotImplemented:
            for value in args:
                if isinstance(value, Tensor) and value.is_complex():
                    guard.meet(row.schema, sys._getframe(1), " of complex numbers")
            if row.may_ask_others:
                with torchs_own():
                    return native(keys, *args, **kwargs)
            return native(keys, *args, **kwargs)
        return result

    return unseen_by_the_compiler(call)


_installed = _Installed()
