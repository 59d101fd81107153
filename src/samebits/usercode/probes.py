"""What transformed user code calls as it runs: looks for evidence, writes facts, and gets out of the way.

`probe_step` puts a few calls into user code.  They must cost next to nothing
where there is nothing to see, never raise, and be plain enough for
`torch.compile` to trace through them as if they were not there.

A call is not wrapped but *resolved*: ``f(x)`` becomes ``resolve(site, f)(x)``,
which is ``f`` itself unless ``f`` is watched.  So arguments are evaluated in
their old order, and a function that looks at its caller's frame finds the user's.  So does a third party's
function that is watched: `ready` and `done` stand around its call, not between.

Rows are capped for each kind and line; what is not written is counted, and
`flush` writes the counts.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection
from functools import partial
from threading import local
from types import FunctionType
from typing import Any, Final, NamedTuple

from samebits.model.facts import Detail, Draw, Flag, Iteration
from samebits.model.sites import Site
from samebits.usercode import drawn, lookup, made_sets, on_generators, texts, watchlist
from samebits.usercode.content import arrangement
from samebits.usercode.drawn import Sink
from samebits.usercode.draws import WatchedGenerator
from samebits.usercode.lookup import known_kinds, known_methods
from samebits.usercode.on_readings import variable_of
from samebits.usercode.watched import Call, Moment, Watched
from samebits.usercode.watchlist import BOUND

CAP: Final = 256  # rows of one kind at one line
FILES: Final = 4096  # rows on opened files


class Spot(NamedTuple):
    """A watched place in user code, made once as the code is compiled."""

    site: Site
    what: str  # how the place iterates: "for", "list", ...
    sorted: bool  # its value goes straight into something that forgets the order


class Rest:
    """What is only counted of one kind at one place."""

    __slots__ = ("count", "owner", "stream", "watched")

    def __init__(self) -> None:
        self.count = 0
        self.watched: Watched | None = None  # the last call counted
        self.owner: Any = self  # of the last draw counted: the generator ...
        self.stream: WatchedGenerator | None = None  # ... and what is known of it


spots: list[Spot] = []
_numbers: dict[Spot, int] = {}
_sink: Sink | None = None
_is_user: Callable[[str], bool] = bool
_counts: dict[tuple[type[Detail], int], int] = {}
_full: dict[int, dict[type[Detail], Rest]] = {}  # place -> the kinds that are capped there
_tries: dict[int, int] = {}  # how often a library's function was called at a place


#: The mark of a call to a third party's function, and how often it is looked at.
LIBRARY: Final = "a library's function"
BARE: Final = "a library's function, without arguments"
TRIES: Final = 256


class _Open(local):
    """The calls of third parties' functions under way in a thread, and what an exception left of them."""

    def __init__(self) -> None:
        self.calls: list[list[Any]] = []  # place, what is watched, the function, the states before


_open = _Open()


def _never() -> bool:
    return False


#: Whether `torch.compile` is tracing at this moment: it then sees constants, and all of this folds away.
_tracing: Callable[[], bool] = _never


def start(sink: Sink, is_user: Callable[[str], bool], seeded: Collection[str] = ()) -> None:
    """Begin: ``seeded`` names the global generators ("python", "numpy", "torch") that were seeded already."""
    global _sink, _is_user
    _counts.clear()
    _full.clear()
    made_sets.forget()
    on_generators.restart(seeded)
    lookup.begin()
    _is_user = is_user
    _sink = sink
    if "torch._dynamo" in sys.modules:
        compiler_loaded()


def stop() -> None:
    """Write what was only counted, and see nothing from now on."""
    global _sink
    flush()
    _sink = None


def reset_after_fork(sink: Sink | None = None) -> None:
    """In a forked child: facts are counted anew and go to ``sink`` (default: the one there was)."""
    global _sink
    _counts.clear()
    _full.clear()
    _tries.clear()
    on_generators.renew()
    if sink is not None:
        _sink = sink


def compiler_loaded() -> None:
    """torch's compiler is being loaded: from now on it may trace the functions of this file."""
    global _tracing
    compiler = getattr(sys.modules.get("torch"), "compiler", None)
    _tracing = made_sets.tracing = getattr(compiler, "is_dynamo_compiling", _never)


def flush() -> None:
    """Write one row with a ``count`` for each kind and line that was capped since the last flush."""
    if _sink is None:
        return
    for number, kinds in list(_full.items()):
        for kind, rest in list(kinds.items()):
            count, rest.count = rest.count, 0
            if count:
                detail = kind(count=count) if rest.watched is None else rest.watched.summary(count)
                _write(detail, None if number < 0 else spots[number].site)


def spot(site: Site, what: str = "", in_sorted: bool = False) -> int:
    """The number of a place, the same for an equal place."""
    key = Spot(site, what, in_sorted)
    found = _numbers.get(key)
    if found is None:
        found = _numbers[key] = len(spots)
        spots.append(key)
    return found


def _write(detail: Detail, site: Site | None, since: Moment | None = None) -> None:
    try:
        if _sink is None:
            return
        if since is None:
            _sink.fact(detail, site)
        else:
            _sink.fact(detail, site, at=since[0], step=since[1])
    except Exception:
        pass  # evidence is lost, the user's program goes on


def record(detail: Detail, number: int, since: Moment | None = None) -> None:
    """A fact at a place, if its kind is not capped there; ``since``: when it began, if that was earlier."""
    key = (type(detail), number)
    seen = _counts[key] = _counts.get(key, 0) + 1
    if seen <= CAP:
        _write(detail, spots[number].site, since)
    else:
        _full.setdefault(number, {}).setdefault(type(detail), Rest()).count += 1


class _Emitter:
    """Takes the facts of one call."""

    __slots__ = ("_number",)

    def __init__(self, number: int) -> None:
        self._number = number

    def __call__(self, detail: Detail, since: Moment | None = None) -> None:
        record(detail, self._number, since)

    def now(self) -> Moment | None:
        try:
            return None if _sink is None else _sink.now()
        except Exception:
            return None  # the fact is then of when it is complete


def record_file(detail: Detail, site: Site | None) -> None:
    """A fact on a file, at a place not known when the code was compiled: capped for the whole process."""
    kind = type(detail)
    seen = _counts[kind, -1] = _counts.get((kind, -1), 0) + 1
    if seen <= FILES:
        _write(detail, site)
    else:
        _full.setdefault(-1, {}).setdefault(kind, Rest()).count += 1


def interpreter_started() -> None:
    """What runs in a sub-interpreter is not observed."""
    if _sink is not None:
        _sink.not_observed("sub-interpreters")


def iterated(items: Any, number: int) -> Any:
    """``__samebits_iter__``: gives its argument back; a set's order is a fact."""
    if type(items) in made_sets.SETS:
        try:
            _set_iterated(items, number)
        except RecursionError:  # the program's own depth is nearly used up
            pass
    return items


def _set_iterated(items: Any, number: int) -> None:
    if _tracing() or _sink is None or len(items) < 2:
        return
    if number in _full and Iteration in _full[number]:
        _full[number][Iteration].count += 1
        return
    place = spots[number]
    if place.sorted:
        return
    try:
        found = arrangement(items, len(items))
        record(Iteration(what=place.what, made=made_sets.place(items), **found), number)
    except Exception:
        pass


def resolve(number: int, function: Any) -> Any:
    """``__samebits_call__``: ``function`` itself, or a stand-in that calls it and notes the fact."""
    if _tracing() or _sink is None:
        return function
    kind = type(function)
    owner = watched = None
    if kind in BOUND:
        owner = function.__self__
        kind = type(owner)
        table = known_methods.get(kind)
        if table is None:
            table = lookup.learn_methods(kind)
        if table:
            watched = table.get(function.__name__)
    if watched is None and spots[number].what in (LIBRARY, BARE):
        _enter(number, function)
        return function
    if watched is None:
        if len(sys.modules) != lookup.modules:
            lookup.look()
        if kind not in known_kinds:
            return function
        watched = lookup.function(function, _is_user)
        if watched is None:
            return function
    if number in _full:
        rest = _full[number].get(watched.kind)
        if rest is not None and not watched.essential:
            rest.count += 1
            rest.watched = watched
            if watched.kind is Draw:
                if rest.owner is not owner or rest.stream is None:
                    rest.owner, rest.stream = owner, on_generators.stream(owner)
                rest.stream.n += 1
            return function
    return partial(_run, watched, number, function)


def behind(function: Any) -> Any:
    """The function that a stand-in of `resolve` stands for; any other is itself."""
    return function.args[2] if type(function) is partial and function.func is _run else function


def _enter(number: int, function: Any) -> None:
    """A third party's function is about to be called; looked at until it has been called often enough."""
    if drawn.active() or type(function) is not FunctionType or _tries.get(number, 0) >= TRIES:
        return
    _tries[number] = _tries.get(number, 0) + 1
    if texts.is_user_code(function.__code__, _is_user):
        return
    _open.calls.append([number, watchlist.third_party(function), function, None])
    if spots[number].what == BARE:
        ready(None, number)


def _entered(number: int) -> list[Any] | None:
    """The call under way at a place; later ones were left by an exception."""
    opened = _open.calls
    for index in range(len(opened) - 1, -1, -1):
        if opened[index][0] == number:
            del opened[index + 1 :]
            return opened[index]
    return None


def ready(value: Any, number: int) -> Any:
    """``__samebits_ready__``: gives ``value``, a call's last argument, back, and notes the generators."""
    if not _tracing() and _open.calls:
        entry = _entered(number)
        if entry is not None:
            try:
                entry[3] = entry[1].before((), {})[1]
            except Exception:
                _open.calls.pop()
    return value


def done(result: Any, number: int) -> Any:
    """``__samebits_done__``: gives ``result``, a third party's, back; what it drew is a fact."""
    if not _tracing() and _open.calls:
        entry = _entered(number)
        if entry is not None:
            _open.calls.pop()
            _, watched, function, token = entry
            try:
                emit = _Emitter(number)
                place = spots[number]
                watched.after(Call(watched.call, function, (), {}, result, emit, place.sorted, token))
            except Exception:
                pass
    return result


def noted(number: int, what: str, value: Any) -> Any:
    """``__samebits_note__``: gives ``value`` back; a flag set to it, or a variable named by it, is a fact."""
    if not _tracing() and _sink is not None:
        if what == "variable":
            if isinstance(value, str):
                record(variable_of(str(value)), number)
        else:
            plain = value if isinstance(value, bool | int | float | str) else None
            record(Flag(call=what, value=plain), number)
    return value


def _run(watched: Watched, number: int, function: Any, /, *args: Any, **kwargs: Any) -> Any:
    token = None
    if watched.before is not None:
        try:
            kwargs, token = watched.before(args, kwargs)
        except Exception:
            pass
    result = function(*args, **kwargs)
    try:
        emit = _Emitter(number)
        call = Call(watched.call, function, args, kwargs, result, emit, spots[number].sorted, token)
        watched.after(call)
        return call.result
    except Exception:
        return result
