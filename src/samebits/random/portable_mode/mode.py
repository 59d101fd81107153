"""The portable mode: unmodified code draws numbers that no device and no thread count changes.

The kernels of torch's random operations are replaced in the dispatcher (`random_operators` lists them),
so that every way to them is: `torch.rand`, `nn.init`, `F.dropout`, samplers, distributions,
backward, compiled graphs.  The stream's state is kept in torch's default CPU generator (see
`state`), for all devices, so that one order of draws gives one set of numbers.

The mode is the process's, as torch's generator is.  Each scope of it remembers the
generator's state and puts that back.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from types import TracebackType
from typing import Any, ClassVar, Final, ParamSpec, Self, TypeVar

import torch
from torch import Tensor
from torch._guards import detect_fake_mode

from samebits._runtime.kernels import Override, has_kernel, unseen_by_the_compiler
from samebits._runtime.patcher import Patcher
from samebits._runtime.scope import Mode, Stays
from samebits.errors import UsageError, UsageTypeError
from samebits.model.seed import checked_seed
from samebits.random import keys
from samebits.random.distributions.truncated_normal import truncated_normal
from samebits.random.portable_mode import drawing, scopes, state
from samebits.random.portable_mode.compiled import Compiled
from samebits.random.portable_mode.random_operators import RANDOM_OPERATORS
from samebits.random.portable_mode.recompute import Recompute
from samebits.random.portable_mode.sharded import Sharded
from samebits.seeding.ranks import known_rank

__all__ = ["get_state", "portable", "set_state"]

P = ParamSpec("P")
R = TypeVar("R")

_DEVICES: Final = ("cpu", "cuda", "xpu", "mps")


class portable(Mode):  # called like a function, as torch.no_grad is
    """Make unmodified torch code draw device-independent numbers: from here on, or for a block::

        with samebits.random.portable(0):
            model = Net()                        # the same weights on a CPU and on any GPU
            train(model)                         # the same order of batches, the same dropout

        @samebits.random.portable(0)
        def train(): ...

        samebits.random.portable(0)            # until .restore()

    Every draw is one step of the generator that it is made from, and takes its numbers from
    ``fold_in(key(seed), step)``: the n-th `torch.randn(shape)` is ``normal(fold_in(key(seed), n), shape)``.
    `torch.manual_seed` begins a stream anew, `torch.get_rng_state` holds it.  Generators that are passed as
    arguments have streams of their own, by their seeds, the same on a CPU and on CUDA.

    With several ranks each draws numbers of its own: that is rank 0, and rank r has
    ``fold_in(key(seed), "rank//r")`` in the place of ``key(seed)``.  What all ranks are to draw alike, such
    as the weights of a model, is drawn in ``scope(name, shared=True)``.

    What arithmetic torch does with the numbers stays torch's: `torch.distributions` that take a logarithm,
    and matrix products, may differ between devices in their last bits.  A worker that is started by "fork"
    inherits the mode; one that is started by "spawn" begins without it.

    Args:
        seed: 0 .. 2**128 - 1, all bits of which count; below 2**64 as of `torch.manual_seed`.  None: the
            stream begins with the state of torch's generator.
        rank: this process's; None takes torch.distributed's, else the launcher's variable (torchrun, MPI,
            SLURM), else 0, with a `RankWarning` in a child that multiprocessing started.  Ranks that are
            given one number draw alike.

    Raises:
        TypeError, ValueError: a seed or a rank that is none, or a rank without a seed.
        DeterminismError: inductor's C++ wrapper is on, which asks no replacement.
    """

    stays: ClassVar[Stays[portable]] = scopes.portable_stays

    def __init__(self, seed: int | None = None, *, rank: int | None = None) -> None:
        if callable(seed):
            raise UsageTypeError(
                "samebits.random.portable: used as a decorator it is called with a seed: write "
                "@samebits.random.portable(0)."
            )
        self._given = seed, rank
        self.seed = None if seed is None else keys.seeded(checked_seed(seed, "samebits.random.portable"))
        if seed is None and rank is not None:
            raise UsageError("samebits.random.portable: a rank is of a seed: give both, or neither.")
        self._rank = 0 if seed is None else known_rank(rank, "samebits.random.portable")
        self._outside: list[str] = []
        super().__init__()

    def _prepare(self) -> Tensor:
        if not self.stays.open:
            _installed.check()
        return torch.default_generator.get_state()

    def _change(self) -> None:
        if len(self.stays.open) == 1:
            _installed.install()
        if self.seed is not None:
            state.begin(self.seed, self._rank)

    def _put_back(self) -> None:
        try:
            if not self.stays.open:
                _installed.uninstall()
        finally:
            torch.default_generator.set_state(self._before)

    def __enter__(self) -> Self:
        super().__enter__()
        self._outside.append(scopes.here())
        scopes.enter("")  # a mode's numbers do not depend on the scope that it begins in
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        scopes.enter(self._outside.pop())
        super().__exit__(kind, error, traceback)

    def __call__(self, function: Callable[P, R]) -> Callable[P, R]:
        """Decorate: each call is a mode of its own, which begins at the seed."""
        seed, rank = self._given
        return self._decorated(function, partial(portable, seed, rank=rank), "samebits.random.portable(seed)")

    def __repr__(self) -> str:
        seed, rank = self._given
        return f"portable({'' if seed is None else seed}{'' if rank is None else f', rank={rank}'})"


def get_state() -> Tensor:
    """The state of the streams, all scopes': int64 of shape (4 + 2 * scopes,), to be saved with a checkpoint.

    Raises:
        UsageError: there is no portable mode.
    """
    _check("get_state")
    return state.saved()


def set_state(saved: Tensor) -> None:
    """Go on from where `get_state` was called.

    Raises:
        UsageError: there is no portable mode.
        TypeError, StateError: `saved` is not what `get_state` gave.
    """
    _check("set_state")
    state.put_back(saved)


def _check(name: str) -> None:
    if not portable.stays.open:
        raise UsageError(
            f"samebits.random.{name} is called outside samebits.random.portable(), whose streams it is "
            "about: enter that first; outside, torch's generator has its own state."
        )


class _Installed(Patcher):
    """What is replaced while a mode is open: kernels, and names and settings of torch's."""

    def __init__(self) -> None:
        super().__init__()
        self._compiled = Compiled()
        self._recompute = Recompute()
        self._sharded = Sharded()

    def check(self) -> None:
        """Raise where a replacement would not be asked."""
        self._compiled.check()

    def install(self) -> None:
        self._alive = True
        for row in RANDOM_OPERATORS:
            for key in row.keys or _DEVICES:
                if row.kernel is not None and has_kernel(row.schema, key):
                    override = Override(row.schema, key, partial(_kernel, row.kernel))
                    self._undo.callback(override.remove)
        self._replace(torch.nn.init, "_no_grad_trunc_normal_", _truncated_normal)
        for part in (self._recompute, self._sharded, self._compiled):
            self._undo.callback(part.uninstall)
            part.install()


def _kernel(function: Callable[..., Any], native: Callable[..., Any]) -> Callable[..., Any]:
    def call(dispatch_keys: Any, *args: Any, **kwargs: Any) -> Any:
        return function(partial(native, dispatch_keys), *args, **kwargs)

    return unseen_by_the_compiler(call)


_torchs_truncated_normal: Final[Callable[..., Tensor]] = torch.nn.init._no_grad_trunc_normal_


def _truncated_normal(
    tensor: Tensor,
    mean: float,
    std: float,
    a: float,
    b: float,
    generator: torch.Generator | None = None,
) -> Tensor:
    if tensor.is_meta or detect_fake_mode(tensor) is not None:  # nothing is drawn
        shaped: Tensor = _torchs_truncated_normal(tensor, mean, std, a, b, generator)
        return shaped
    try:
        with torch.no_grad(), drawing.attempt(generator, tensor) as key:
            return truncated_normal(key, mean=mean, std=std, low=a, high=b, out=tensor)
    except (TypeError, ValueError):  # bounds that are equal, or some 7 std out: torch has an answer
        return _torchs_truncated_normal(tensor, mean, std, a, b, generator)


_installed = _Installed()

# A mode that begins in the middle of a compiled function: dynamo would trace how kernels are replaced.
for _method in (portable._open, portable._prepare, portable._change, portable._put_back, portable.restore):
    unseen_by_the_compiler(_method)
