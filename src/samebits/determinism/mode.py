"""The mode: everything deterministic, for a block or from here on.

A scope is what one `deterministic(...)` asks for.  Scopes are the process's, as
torch's own switch is: autograd's threads, workers of a thread pool and compiled
graphs all see the innermost one.  Each takes a snapshot of torch's switches when
it begins and puts it back when it ends.  A scope that ends before one that began
later (in another thread) hands its snapshot on to that one, so that the last to
end puts back what was there at first.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection
from functools import partial
from types import TracebackType
from typing import Any, ClassVar, ParamSpec, TypeVar

import torch
from torch import library

from samebits._runtime import imports
from samebits._runtime.handle import Handle
from samebits._runtime.kernels import Override, has_kernel
from samebits._runtime.scope import Mode, Stays
from samebits._runtime.warn import warn
from samebits.determinism import bypass, route, switches
from samebits.determinism.decompositions import Detours
from samebits.determinism.environment import CUBLAS, deterministic_environment
from samebits.determinism.locks import Pins
from samebits.determinism.overrides import InstalledOverrides
from samebits.determinism.settings import Attention, Level, Replace, Settings, settled
from samebits.errors import DeterminismError, UsageTypeError
from samebits.model.operators import Operation

P = ParamSpec("P")
R = TypeVar("R")

_outside = Settings()
#: Backwards whose kernels torch chooses by the strict flag alone.
_ATTENTION = ("aten::_flash_attention_backward", "aten::_efficient_attention_backward")


class NondeterminismWarning(UserWarning):
    """Something stays nondeterministic at the level `warn`."""


def innermost() -> Settings:
    """The settings that hold now; those of no scope if none is open."""
    stays = deterministic.stays.open
    return stays[-1].settings if stays else _outside


class deterministic(Mode):  # called like a function, as torch.no_grad is
    """Make every operation deterministic: from this call on, for a `with` block, or for a decorated function.

        with samebits.deterministic():
            train()

        samebits.deterministic()                                # until .restore()
        samebits.deterministic(except_=["grid_sample"])         # but for these operations

    torch is asked for deterministic algorithms, cuDNN too; operations that it has none for are answered by
    samebits' own (`samebits ops` lists them).  User code stays as it is and nothing raises, except what
    neither torch nor samebits can do.  Arguments that are not given are as in the enclosing scope.

    Args:
        level: "strict" (the default) raises `DeterminismError` for what stays nondeterministic; "warn" warns.
        except_: operations that stay as they are in PyTorch, by the names of `samebits ops` or of the
            dispatcher, and no function that runs several. What counts is the scope in which an operation
            *runs*: for a gradient, that of `backward()`.
        replace: "needed" (the default) replaces what is nondeterministic on its device; "all" everything in
            the table on every device, which on a CPU gives sums that no number of threads changes; "none"
            nothing.
        full_precision: float32 products without TF32 or bfloat16, half products summed in float32.
        attention: the one backend of `scaled_dot_product_attention` to use. By default torch chooses: its
            backends are deterministic under the flag.
        fill_uninitialized_memory: torch's setting of that name, which fills new tensors with NaN. By default
            as it is.
        threads: how many threads torch uses on the CPU, 1 .. 4096; sums depend on it.
        pinned: drop what the program itself assigns to cuDNN's `deterministic` and `benchmark`, and its
            `use_deterministic_algorithms(False)`, and warn.

    Raises:
        UsageError, TypeError: an argument that cannot be meant; nothing has changed.
        DeterminismError: it is too late (CUDA has started without `CUBLAS_WORKSPACE_CONFIG`), or
            compiled code would bypass the replacements.
    """

    stays: ClassVar[Stays[deterministic]] = Stays()

    def __init__(
        self,
        level: Level | None = None,
        *,
        except_: Collection[str] | None = None,
        replace: Replace | None = None,
        full_precision: bool | None = None,
        attention: Attention | None = None,
        fill_uninitialized_memory: bool | None = None,
        threads: int | None = None,
        pinned: bool | None = None,
    ) -> None:
        if callable(level):
            raise UsageTypeError(
                "deterministic: used as a decorator it is called: write @samebits.deterministic()."
            )
        self._given = {
            "level": level,
            "except_": except_ if except_ is None or isinstance(except_, str | int) else tuple(except_),
            "replace": replace,
            "full_precision": full_precision,
            "attention": attention,
            "fill_uninitialized_memory": fill_uninitialized_memory,
            "threads": threads,
            "pinned": pinned,
        }
        super().__init__()

    def _prepare(self) -> dict[str, Any]:
        self.settings = settled(self._given, innermost())
        if self.settings.replace != "none":
            _check_torch()
            bypass.BypassRefused().check()
        _workspaces.check(self.settings.level)
        before = switches.snapshot()
        self._wanted = self._values()
        return before

    def _change(self) -> None:
        # Kernels before the flag, and the flag away before the kernels: other threads run meanwhile.
        _kernels.follow(self.settings)
        switches.apply(self._wanted)

    def _put_back(self) -> None:
        _workspaces.note()
        try:
            switches.apply(self._before)
        finally:
            _kernels.follow(innermost() if self.stays.open else None)

    def _values(self) -> dict[str, Any]:
        """The switches that this scope sets."""
        settings = self.settings
        values: dict[str, Any] = {
            "algorithms": (True, settings.level == "warn", True),
            "cudnn_deterministic": True,
            "cudnn_benchmark": False,
            "workspace": deterministic_environment(given=os.environ)[CUBLAS],
        }
        if settings.full_precision:
            values["precision"] = switches.FULL_PRECISION
        elif innermost().full_precision:  # as it was before the scope that asked for it
            asked = next(scope for scope in self.stays.open if scope.settings.full_precision)
            values["precision"] = asked._before["precision"]
        if settings.attention is not None:
            values["attention"] = switches.only_attention(settings.attention)
        if settings.fill_uninitialized_memory is not None:
            values["fill_uninitialized_memory"] = settings.fill_uninitialized_memory
        if settings.threads is not None:
            values["threads"] = settings.threads
        return values

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        super().__exit__(kind, error, traceback)
        if error is not None:
            route.explained(error, where=traceback)

    def __call__(self, function: Callable[P, R]) -> Callable[P, R]:
        """Decorate: the scope is that of each call, not of the definition."""
        given: dict[str, Any] = self._given
        return self._decorated(function, partial(deterministic, **given), "samebits.deterministic()")

    def __repr__(self) -> str:
        given = [f"{name}={value!r}" for name, value in self._given.items() if value is not None]
        return f"deterministic({', '.join(given)})"


def _check_torch() -> None:
    """Replacing needs torch's way to reach the kernel that was there, and a device that the table knows."""
    if not hasattr(library, "get_kernel"):
        raise DeterminismError(
            f"torch {torch.__version__} cannot replace operations: install torch 2.11 or newer, or give "
            "deterministic(replace='none') for torch's own switches alone."
        )
    accelerator = torch.accelerator.current_accelerator()
    if accelerator is not None and accelerator.type != "cuda":
        warn(
            f"operations are replaced on the CPU and on CUDA; on {accelerator.type} torch's own switches "
            "are all there is.",
            NondeterminismWarning,
        )


class _Workspaces:
    """cuBLAS reads its workspace when it starts; a variable that is set later changes nothing."""

    def __init__(self) -> None:
        self._started: str | None = None

    def note(self) -> None:
        """Remember what CUDA has started with inside a scope, whose end takes the variable away."""
        if self._started is None and _cuda_has_started():
            self._started = os.environ.get(CUBLAS)

    def check(self, level: Level) -> None:
        """Raise, or warn, if it is too late."""
        wanted = deterministic_environment(given=os.environ)[CUBLAS]
        if wanted in (os.environ.get(CUBLAS), self._started) or not _cuda_has_started():
            return
        text = (
            f"CUDA has started without {CUBLAS}={wanted}, and it is too late to set it: set it before the "
            "program starts, call samebits.deterministic() before the first CUDA tensor, or use samebits "
            "run."
        )
        if level == "strict":
            raise DeterminismError(text)
        warn(text, NondeterminismWarning)


def _cuda_has_started() -> bool:
    started: bool = torch.cuda.is_initialized()  # type: ignore[no-untyped-call]
    return started


_workspaces = _Workspaces()


def _cuda_is_built() -> bool:
    built: bool = torch.backends.cuda.is_built()  # type: ignore[no-untyped-call]
    return built


class _Kernels:
    """What is installed in the dispatcher on behalf of the innermost scope."""

    def __init__(self) -> None:
        self._installed: dict[str, InstalledOverrides] = {}
        self._rows: dict[str, tuple[Operation, ...]] = {}
        self._refused = bypass.BypassRefused()
        self._pins = Pins()
        self._detours = Detours()
        self._on: set[str] = set()
        self._attention: list[Override] = []
        self._awaiting = Handle()  # torchvision

    def follow(self, settings: Settings | None) -> None:
        """Install what `settings` ask for, and nothing else; None: nothing."""
        for device in ("cpu", "cuda") if _cuda_is_built() else ("cpu",):
            rows = settings.rows(device, torch.__version__) if settings is not None else ()
            if self._rows.get(device, ()) != rows:
                self._install(device, rows)
        self._awaiting.cancel()
        if any(_of_torchvision(row) for rows in self._rows.values() for row in rows):
            self._awaiting = imports.after("torchvision.extension", self._torchvision)
        self._insist(settings is not None and settings.level == "warn")
        self._switch("bypass", settings is not None and settings.replace != "none", self._refused)
        self._switch("detours", any(self._rows.values()), self._detours)
        self._switch("pins", settings is not None and settings.pinned, self._pins)

    def _switch(self, name: str, wanted: bool, what: bypass.BypassRefused | Pins | Detours) -> None:
        if wanted and name not in self._on:
            what.install()
            self._on.add(name)
        elif not wanted and name in self._on:
            what.uninstall()
            self._on.remove(name)

    def _insist(self, wanted: bool) -> None:
        """At the level `warn` attention stays deterministic."""
        if wanted and not self._attention:
            for schema in _ATTENTION:
                if has_kernel(schema, "cuda"):
                    self._attention.append(Override(schema, "cuda", route.insisted))
        while self._attention and not wanted:
            self._attention.pop().remove()

    def _install(self, device: str, rows: tuple[Operation, ...]) -> None:
        if device in self._installed:
            self._installed.pop(device).remove()
        self._rows[device] = rows
        if rows:
            self._installed[device] = InstalledOverrides(rows, device, route.route(innermost)).__enter__()

    def _torchvision(self, _: Any) -> None:
        """torchvision has come, with operations that the table has rows for."""
        with deterministic.stays.lock:
            for device, rows in self._rows.items():
                if rows and device in self._installed and len(self._installed[device].rows) < len(rows):
                    self._install(device, rows)


def _of_torchvision(row: Operation) -> bool:
    return row.schema.startswith("torchvision::")


_kernels = _Kernels()
