"""Scopes around code that must not move the training's streams: validation, logging, sampling pictures.

`isolated` gives what is inside streams of its own, `preserved` those of the
outside; both put everything back afterwards, also after an exception: the
process-wide generators on all devices, the registered ones, and those found
from the variables of the functions that are running (see `discover`).

The streams inside `isolated()` are derived from where the outside stands,
without drawing: they differ from call to call as the outside moves, and repeat
when the run does.  Those of `isolated(seed=5)` are always the same.

Generators are made and put back, not the code inside understood.  So what goes
round them goes round the scope: the other threads' draws (see `turn`), a
generator that discovery cannot reach and nobody registered, and an accelerator
that is first used inside: it cannot be given streams of its own beforehand, but
is put at the start of the stream it was seeded with afterwards.
"""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable, Collection, Iterable, Mapping
from types import FrameType, FunctionType, MethodType, TracebackType
from typing import Any, ClassVar, ParamSpec, TypeVar

from samebits._runtime import forks
from samebits._runtime.aside import aside
from samebits._runtime.decorated import runs_later
from samebits._runtime.scope import Stay, Stays
from samebits.errors import UsageTypeError
from samebits.seeding.adapters import Adapter, StateError, process_wide, rewind_device
from samebits.seeding.checksum import digest_number
from samebits.seeding.derive import Key, checked_seed
from samebits.seeding.registry import NamedGenerator, all_generators, checked_generators
from samebits.seeding.state import put_back
from samebits.seeding.turn import turn
from samebits.usercode.program import own_packages, package_of, place_of_self

_P = ParamSpec("_P")
_R = TypeVar("_R")

Generators = Mapping[str, object] | Iterable[object]


def isolated(seed: int | None = None, *, generators: Generators | None = None) -> Scope:
    """Streams of its own for what is inside; the outside's are untouched::

        with isolated():
            validate(model)

        @isolated(seed=5)
        def validate(model): ...

    Two that no draw comes between give the same numbers inside: nothing outside has moved.

    Looking for generators takes some 2 ms in a small program, and 20 to 150 ms where the variables of the
    running functions hold 100,000 rows or small objects; ``generators=()`` saves it.

    One object can be entered again, also within itself, and by several threads one after the other.

    Args:
        seed: 0 .. 2**128 - 1: the same streams each time.  None: derived from the outside's states.
        generators: generator objects to isolate beside the process-wide and the registered ones, by name or
            in order; None finds them, ``()`` isolates no others.

    Raises:
        TypeError, ValueError: a seed that is none; something else than a generator; a generator or coroutine
            function to decorate, whose body would run outside.
        StateError: another thread stayed inside for a minute; or a generator could not be put back.
    """
    if callable(seed):
        raise UsageTypeError("isolated: write @isolated() with parentheses")
    root = None if seed is None else checked_seed(seed, "isolated")
    return Scope("isolated", generators, functools.partial(_start, root))


def preserved(*, generators: Generators | None = None) -> Scope:
    """The outside's streams for what is inside, put back afterwards as if nothing had been drawn.

    Arguments and errors are those of `isolated`.
    """
    return Scope("preserved", generators, None)


class Scope:
    """What `isolated` and `preserved` return: a context manager and a decorator."""

    def __init__(
        self, name: str, generators: Generators | None, start: Callable[[list[NamedGenerator]], None] | None
    ) -> None:
        self._name = name
        self._given = None if generators is None else checked_generators(generators, name)
        self._start = start
        self._visits: list[Visit] = []  # only the thread whose turn it is changes it

    def __repr__(self) -> str:
        return f"<{self._name}()>"

    def __enter__(self) -> None:
        frame = sys._getframe(1)
        self._visits.append(self._enter(frame, own_packages(frame), {}))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not turn.is_mine() or not self._visits:
            raise StateError(f"{self._name}: left without having been entered in this thread.")
        self._visits.pop().leave()

    def __call__(self, function: Callable[_P, _R]) -> Callable[_P, _R]:
        """`function`, each call of which is inside.

        Raises:
            TypeError: no function; or one that runs after it has returned.
        """
        if not callable(function):
            raise UsageTypeError(
                f"{self._name}: only functions can be decorated, got {type(function).__name__}"
            )
        if runs_later(function):
            raise UsageTypeError(
                f"{self._name}: the body of {getattr(function, '__qualname__', function)} runs after the "
                "call has returned, which is outside; use a with statement in it, around code that neither "
                "yields nor awaits."
            )

        @functools.wraps(function)
        def inside(*args: _P.args, **kwargs: _P.kwargs) -> _R:
            frame, packages = sys._getframe(1), own_packages()
            if type(module := getattr(function, "__module__", None)) is str:
                packages |= {package_of(module)}  # and not that of who calls: a framework may
            visit = self._enter(frame, packages, _arguments(function, args, kwargs))
            try:
                return function(*args, **kwargs)
            finally:
                visit.leave()

        return inside

    def _enter(self, frame: FrameType, packages: Collection[str], arguments: dict[str, object]) -> Visit:
        turn.acquire(self._name)
        try:
            if self._given is None:
                present = all_generators(arguments, frame, packages)
            else:
                present = all_generators(self._given, None)
            visit = Visit(self._name, present, self._start)
            visit.enter()
            return visit
        except BaseException:
            turn.release()
            raise


def _arguments(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, object]:
    """What a call is given, under the names that its variables will have (see `own_variables`)."""
    plain = inspect.unwrap(function)
    code = plain.__code__ if type(plain) is FunctionType else None
    names = code.co_varnames[: code.co_argcount] if code is not None else ()
    place = f"{getattr(plain, '__module__', '')}.{getattr(plain, '__qualname__', type(plain).__name__)}"
    place = place.replace(".<locals>", "")
    given: dict[str, object] = {}
    for number, value in enumerate(args):
        name = names[number] if number < len(names) else f"args[{number - len(names)}]"
        is_self = number == 0 and name == "self"
        given[f"{place_of_self(value)}.self" if is_self else f"{place}.{name}"] = value
    if isinstance(function, MethodType):
        given[f"{place}.__self__"] = function.__self__
    return {**given, **{f"{place}.{name}": value for name, value in kwargs.items()}}


class Visit(Stay):
    """One stay inside a scope, of the thread whose turn it is: where everything stood when it began."""

    stays: ClassVar[Stays[Visit]] = Stays()
    _before: list[tuple[NamedGenerator, Any]]

    def __init__(
        self,
        name: str,
        present: list[NamedGenerator],
        start: Callable[[list[NamedGenerator]], None] | None,
    ) -> None:
        self.name = name
        self._present = present
        self._start = start

    def enter(self) -> None:
        with aside():
            self._begin()

    def leave(self) -> None:
        """Put everything back and give the turn back, whatever fails."""
        try:
            with aside():
                self._end()
        finally:
            turn.release()

    def _prepare(self) -> list[tuple[NamedGenerator, Any]]:
        return [(member, member.adapter.save()) for member in self._present]

    def _change(self) -> None:
        if self._start is None:
            return
        try:
            self._start(self._present)
        except Exception as error:
            raise StateError(f"{self.name}: a generator could not be started: {error}") from error

    def _put_back(self) -> None:
        failed = put_back(self._before)
        known = {member.name for member, _ in self._before if member.section == "process"}
        for name, adapter in process_wide().items():
            if name not in known:
                rewind_device(adapter)
        if failed:
            raise StateError(
                f"{self.name}: could not put back {', '.join(failed)}; the others were put back. These "
                "streams have moved: restore them from a checkpoint, or start again."
            )

    def _hand_on(self, later: Visit) -> None:
        """Left before one that was entered later, as interleaved coroutines do: that one puts all back."""
        earlier = {member.adapter.identity for member, _ in self._before}
        others = [one for one in later._before if one[0].adapter.identity not in earlier]
        later._before = self._before + others
        raise StateError(
            f"{self.name}: left before {later.name}(), which was entered inside it; interleaved coroutines "
            "and suspended generators cannot share the process's generators. Leave in reverse order."
        )


def _start(root: int | None, present: list[NamedGenerator]) -> None:
    """Begin streams of their own: from a seed by the generators' names, or from where each stands.

    A state's own digest, and not one of all states together: what another generator drew elsewhere does
    not change what is drawn here.
    """
    keys = []
    for number, member in enumerate(present):
        if root is None:
            key = Key(digest_number(_content(member.adapter)), ("isolated",))
        else:
            same = sum(one.section == member.section and one.name == member.name for one in present[:number])
            key = Key(root, ("isolated", member.section, member.name, same))
        keys.append(key)
    for member, key in zip(present, keys, strict=True):
        member.adapter.start(key)


def _content(adapter: Adapter) -> dict[str, Any]:
    return {"kind": adapter.kind, "state": adapter.capture()}


def _after_fork() -> None:
    """A child forked while another thread is inside has no such thread, and never leaves its scope."""
    if not turn.is_mine():
        Visit.stays.open.clear()


forks.register(after_in_child=_after_fork)
