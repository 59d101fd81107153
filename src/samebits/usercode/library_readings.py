"""What libraries read of clocks and the environment, and ask the system's entropy for, seen at the source.

What user code itself reads is seen by its rewriting (`usercode.on_readings`).  A number that the system gave
is remembered, for a generator that is seeded by it is a generator that nobody seeded.
"""

from __future__ import annotations

import os
import random
import sys
import time
from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime
from types import FrameType, ModuleType
from typing import Any, Final

from samebits._runtime import imports, patcher
from samebits.model import calls, facts
from samebits.model.facts import Detail
from samebits.model.sites import Site
from samebits.usercode import files
from samebits.usercode.callers import library_of
from samebits.usercode.content import digest
from samebits.usercode.files import Owner

_VARIABLES: Final = 500  # names of variables that are noted
#: Functions of Python's own that ask for one variable.
_ASKING: Final = frozenset({"get", "__contains__", "setdefault", "pop", "getenv"})
_LIMIT: Final = 65536  # numbers remembered; the oldest is forgotten first


def _is_nobodys(frame: FrameType) -> bool:
    """Whether it is asked for a temporary file's name, by a module in C as it is loaded, or by samebits.

    Under `samebits run` such a name is of the system's entropy.  numpy asks as it is loaded, and for a bit
    generator that has a key.
    """
    caller: FrameType | None = frame
    while caller is not None and caller.f_globals is vars(random):
        caller = caller.f_back
    if caller is None or caller.f_code.co_filename.startswith("<frozen importlib"):
        return True
    name = str(caller.f_globals.get("__name__"))
    return name == "tempfile" or name.startswith("samebits.")


class LibraryReadings:
    """``here()`` tells the user's line and the library's function that it calls, ``emit`` takes facts."""

    def __init__(
        self,
        native_half: Any,
        here: Callable[[], tuple[Site | None, str | None] | None],
        emit: Callable[[Detail, Site | None], None],
        *,
        watches_numpy: bool,
    ) -> None:
        self._native = native_half
        self._here = here
        self._emit = emit
        self._watches_numpy = watches_numpy
        self._variables: set[str] = set()
        self._undo: Callable[[], None] = lambda: None
        self._asking = False  # numpy asks the system for entropy, by `random.SystemRandom`
        self._system: OrderedDict[int, None] = OrderedDict()  # entropy that the operating system gave

    def start(self) -> None:
        for name in calls.CLOCKS:
            self._native.watch(getattr(time, name), name, self._clock(f"time.{name}"), True)
        if (urandom := getattr(os, "urandom", None)) is not None:
            self._native.watch(urandom, "urandom", self._system_asked, False)
        for name in ("now", "utcnow"):
            self._native.watch(datetime.__dict__[name], name, self._clock(f"datetime.{name}"), True)
        self._undo = patcher.wrap(type(os.environ), "__getitem__", self._variable)
        if self._watches_numpy:
            imports.after("numpy.random.bit_generator", self._numpy_entropy)

    def stop(self) -> None:
        self._undo()

    def _variable(self, original: Callable[..., str], environ: Any, key: Any) -> str:
        """The first time that libraries ask for a name; who takes them all asks for none."""
        if isinstance(key, str) and key not in self._variables and len(self._variables) < _VARIABLES:
            caller = sys._getframe(2)
            asked = (
                caller.f_code.co_name in _ASKING or files.owner(caller.f_code.co_filename) is not Owner.PYTHON
            )
            if asked and (by := library_of(caller)) is not None:
                self._variables.add(key)
                here = self._here()
                if here is not None and here[0] is not None:
                    is_set = environ.encodekey(key) in environ._data
                    self._emit(facts.Variable(name=key, set=is_set, by=by), here[0])
        return original(environ, key)

    def gave(self, entropy: int) -> bool:
        """Whether the system gave this number as entropy."""
        return entropy in self._system

    def _system_asked(self, _: object, __: tuple[Any, ...], told: bytes) -> None:
        """`random.SystemRandom` draws; other readings of entropy are seen where user code calls for them."""
        frame: FrameType | None = sys._getframe(1)
        if (
            self._asking
            or frame is None
            or frame.f_globals is not vars(random)
            or _is_nobodys(frame)
            or (here := self._here()) is None
            or here[0] is None  # in a thread of a library's, where nothing of the program runs
        ):
            return
        drawing = facts.Entropy(call=f"random.{frame.f_code.co_qualname}", value=digest(told))
        self._emit(drawing, here[0])

    def _numpy_entropy(self, module: ModuleType) -> None:
        """`SeedSequence()` asks the system by this name; what it was told, others may pass on."""
        asked = module.randbits

        def randbits(bits: int) -> int:
            self._asking = True
            try:
                entropy: int = asked(bits)
            finally:
                self._asking = False
            if len(self._system) >= _LIMIT:
                self._system.popitem(last=False)
            self._system[entropy] = None
            return entropy

        module.randbits = randbits  # type: ignore[attr-defined]

    def _clock(self, call: str) -> Any:
        def read(_: object, __: tuple[Any, ...], value: Any) -> None:
            frame: FrameType | None = sys._getframe(1)
            if frame is None or files.owner(frame.f_code.co_filename) is not Owner.INSTALLED:
                return
            by = f"{frame.f_globals.get('__name__')}.{frame.f_code.co_qualname}"
            reading = value if isinstance(value, int | float) else None
            if (here := self._here()) is not None:
                self._emit(facts.Clock(call=call, value=reading, by=by), here[0])

        return read
