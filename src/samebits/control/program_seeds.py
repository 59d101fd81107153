"""Whether torch's global generator has a seed of the program's own, and what is said of that.

What a program seeds stays as it is, and so does all that it draws from there: its weights, and the order of
its loaders (`control.loaders`).  So ``--seed`` has no effect on it, and one line says where the seed comes
from.

A seed of the program's is one that `torch.manual_seed` got from anybody but control, or that torch's
generator holds without control having put it there (a state that was restored, `samebits.seed_everything`).
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType, ModuleType
from typing import Any

from samebits._runtime.patcher import Patcher
from samebits.control import places
from samebits.control.clocks import Clocks


class ProgramSeeds(Patcher):
    """Watches `torch.manual_seed` while control lasts."""

    def __init__(self, *, tells: bool = True) -> None:
        """`tells`: this process is the one whose lines are wanted, of all ranks and children."""
        super().__init__()
        self.clocks = Clocks()
        self.tells = tells
        self._torch: ModuleType | None = None
        self._deriving = 0
        self._ours: set[int] = set()  # what the generator says that it was seeded with, by control
        self._theirs: int | None = None  # and by the program, if that was later
        self._told = False

    def install(self, torch: ModuleType) -> None:
        """To be called once torch is there, and seeded."""
        self._torch = torch
        self.ours()
        original = torch.random.manual_seed

        @functools.wraps(original)
        def manual_seed(seed: Any) -> Any:
            made = original(seed)
            if self._alive and not self._deriving:
                self._seeded(seed, by_torch=_called_by_torch(sys._getframe(1)))
            return made

        self._replace(torch.random, "manual_seed", manual_seed)
        self._replace(torch, "manual_seed", manual_seed)

    @contextmanager
    def derived(self) -> Iterator[None]:
        """What is seeded meanwhile is seeded by control."""
        before = None if self._torch is None else self._initial()
        self._deriving += 1
        try:
            yield
        finally:
            self._deriving -= 1
            if self._torch is not None and self._initial() != before:
                self.ours()

    def ours(self) -> None:
        """Control has seeded torch's generator just now."""
        if self._torch is not None:
            self._ours.add(self._initial())
            self._theirs = None

    def by_program(self) -> bool:
        """Whether what torch's global generator draws now comes from a seed of the program's."""
        seed = self._initial()
        found = seed == self._theirs or seed not in self._ours
        if found:
            self._tell()
        return found

    def initial(self) -> int:
        """What torch's global generator says that it was seeded with, in 64 bits."""
        return self._initial() % 2**64

    def _initial(self) -> int:
        assert self._torch is not None
        return int(self._torch.default_generator.initial_seed())

    def _seeded(self, seed: Any, *, by_torch: bool) -> None:
        self._theirs = self._initial()
        if not by_torch:  # whose worker of a loader, for one, is no place of the program's
            self.clocks.seeded("torch.manual_seed", seed)
            self._tell(places.place())

    def _tell(self, place: str = "") -> None:
        if self._told or not self.tells:
            return
        self._told = True
        where = f" ({place})" if place else ""
        print(
            f"samebits: the program seeds torch itself{where}, so --seed has no effect on it",
            file=sys.stderr,
        )


def _called_by_torch(frame: FrameType | None) -> bool:
    """Past torch's compiler, which puts a function of its own around this one."""
    while frame is not None:
        name = str(frame.f_globals.get("__name__", ""))
        if not name.startswith(("torch._dynamo", "torch._compile")):
            return name.startswith("torch.")
        frame = frame.f_back
    return False
