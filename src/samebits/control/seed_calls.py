"""Seeds that user code takes from the clock, a process id or entropy are replaced by derived ones.

``torch.manual_seed(int(time.time()))`` is new in every run by intent, and under
control still the one thing that must not be.  Replacing the clock or `os.urandom`
themselves would break what needs them to be true or unique.  So user code is compiled
with its calls of some names going through here: readings of clocks and
entropy are remembered, and a call that seeds a generator is looked at.  Its number
is replaced, with one line on stderr, only where it is certain where it comes from:

- it is the very object that a reading gave;
- it equals a reading in other units, or cut to 31, 32 or 64 bits, in so many bits that this is no chance;
- the reading was taken while the call's own arguments were evaluated, in its own lines.

A number that went through a hash, a file or several additions is not recognised:
such a program still differs from run to run, and `samebits verify` names the line.

`torch.Generator.seed`, a method of a type that cannot be changed, is met here too.
"""

from __future__ import annotations

import ast
import math
import operator
import sys
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Final, NamedTuple

from samebits.control.entropy import mixed
from samebits.model import calls
from samebits.model.sites import Site
from samebits.usercode import loading, probes, texts
from samebits.usercode.nodes import calling, constant
from samebits.usercode.rewriting import Rewriting, Step

if TYPE_CHECKING:
    from samebits.control.entropy import EntropySource
    from samebits.control.program_seeds import ProgramSeeds

#: What reads the clock, a pid or entropy: module or class, names.
_READINGS: Final = {
    "time": calls.CLOCKS + calls.CALENDAR,
    "posix": calls.OS_ENTROPY,
    "nt": calls.OS_ENTROPY,
    "uuid": calls.UUIDS,
    "secrets": calls.SECRETS,
    "random.SystemRandom": ("getrandbits",),
    "random": calls.PYTHON_ENTROPY,
    "datetime.datetime": calls.DATETIME,
    "datetime.date": calls.DATE,
}
#: What makes a seeded generator: module, names.  What seeds one, `calls.SEEDERS` says.
_MAKERS: Final = {
    "random": calls.PYTHON_GENERATORS,
    "numpy.random": calls.NUMPY_GENERATORS + calls.BIT_GENERATORS,
}
#: Where a class or function says it is from -> what a program calls that.
_HOMES: Final = {
    "torch.random": "torch",
    "torch._C": "torch",
    "torch._C.Generator": "torch.Generator",
    "torch.cuda.random": "torch.cuda",
    "torch.xpu.random": "torch.xpu",
    "numpy.random.mtrand": "numpy.random",
    "numpy.random.mtrand.RandomState": "numpy.random.RandomState",
    "numpy.random._generator": "numpy.random",
    "numpy.random.bit_generator": "numpy.random",
    "numpy.random._pcg64": "numpy.random",
    "numpy.random._mt19937": "numpy.random",
    "numpy.random._philox": "numpy.random",
    "numpy.random._sfc64": "numpy.random",
}
_KEYWORDS: Final = ("seed", "a", "x", "entropy", "new_seed")


def _roles(role: str, table: Mapping[str, tuple[str, ...]]) -> dict[str, str]:
    return {f"{_HOMES.get(home, home)}.{name}": role for home, names in table.items() for name in names}


_ROLES: Final = {
    **_roles("reading", _READINGS),
    **_roles("seeding", _MAKERS),
    **_roles("seeding", calls.SEEDERS),
}

_KEPT: Final = 16  # readings remembered of each place
_REMEMBERED: Final = 1024  # seeds that were replaced
_SMALL: Final = 2**16  # a number below is too common to be known by its value
_LARGE: Final = 2**28  # a number this large that lies this near to a clock's is the clock's ...
_NEAR: Final = 1 << 16  # ... with something small added, such as a rank
_SCALES: Final = (1, 10**3, 10**6, 10**9)
_CUTS: Final = (2**31, 2**31 - 1, 2**32, 2**32 - 1, 2**63, 2**64)


class SeedCall(NamedTuple):
    """A call in user code."""

    file: str
    line: int
    last: int  # the call's last line


class Reading:
    """A value that user code read, and the numbers that are plainly it."""

    __slots__ = ("_exact", "_near", "call", "serial", "spot", "value")

    def __init__(self, spot: SeedCall, call: str, value: Any, serial: int) -> None:
        self.spot = spot
        self.call = call
        self.value = value
        self.serial = serial
        self._exact: frozenset[Any] | None = None

    def gave(self, seed: Any) -> bool:
        """Whether `seed` is certainly this value, as it is or in another form."""
        if self._exact is None:
            self._exact, self._near = _forms(self.value)
        if isinstance(seed, str | bytes):
            return len(seed) >= 8 and seed in self._exact
        return seed in self._exact or any(abs(seed - near) <= _NEAR for near in self._near)


_spots: list[SeedCall] = []
_calls: SeedCalls | None = None


def resolve(number: int, function: Any) -> Any:
    """``__samebits_seeds__``: `function` itself, or a stand-in where it reads or seeds."""
    if probes._tracing() or _calls is None:
        return function
    return _calls.stand_in(number, function)


class SeedStep(Step):
    """``f(...)`` becomes ``__samebits_seeds__(spot, f)(...)`` where the last name of f is wanted."""

    names: ClassVar = {"__samebits_seeds__": resolve}
    wanted = frozenset(name.rpartition(".")[2] for name in _ROLES) | calls.SEEDING_HELPERS

    def called(self, call: ast.Call, around: ast.expr, name: str, at: Rewriting) -> ast.expr:
        if name in self.wanted:
            last = at.line(call.end_lineno or call.lineno)
            _spots.append(SeedCall(at.file, at.line(call.lineno), last))
            number = constant(len(_spots) - 1, call.func)
            call.func = calling("__samebits_seeds__", call.func, [number, call.func])
        return around


class SeedCalls:
    """The readings of this process's user code, and what becomes of its seeds."""

    def __init__(self, entropy: EntropySource, seeds: ProgramSeeds) -> None:
        self._entropy = entropy
        self._seeds = seeds
        self._roles: dict[Any, tuple[str, str]] = {}
        self._readings: dict[SeedCall, deque[Reading]] = {}
        self._read = 0  # how many there were
        # A seed that was replaced, and by what: several generators seeded with one object stay alike.
        self._replaced: dict[int, tuple[Any, int]] = {}
        self._told: set[tuple[SeedCall, str]] = set()

    def stand_in(self, number: int, function: Any) -> Any:
        inner = probes.behind(function)
        role, name = self._role(inner)
        if role == "reading":
            return partial(self._reading, number, name, function)
        if role == "seeding":
            return partial(self._seeding, number, name, function, inner, self._read)
        return function

    def _role(self, function: Any) -> tuple[str, str]:
        """("reading", "seeding" or "", the function's full name)."""
        owner = getattr(function, "__self__", None)
        bound = owner is not None and type(owner) is not type(sys)
        name = getattr(function, "__name__", "")
        key = (owner if isinstance(owner, type) else type(owner), name) if bound else function
        try:
            found = self._roles.get(key)
        except TypeError:  # cannot be hashed
            return "", ""
        if found is None:
            found = self._roles[key] = _looked_up(function, owner if bound else None)
        return found

    # -- readings ----------------------------------------------------------------------------------
    def _reading(self, number: int, name: str, function: Any, /, *args: Any, **kwargs: Any) -> Any:
        value = function(*args, **kwargs)
        self._read += 1
        spot = _spots[number]
        readings = self._readings.get(spot)
        if readings is None:
            readings = self._readings.setdefault(spot, deque(maxlen=_KEPT))
        readings.append(Reading(spot, name, value, self._read))
        return value

    def _origin(self, value: Any, spot: SeedCall, mark: int) -> Reading | None:
        """The reading that a seed comes from, if that is certain."""
        plain = _plain(value)
        for readings in self._readings.values():
            for reading in readings:
                within = reading.spot.file == spot.file and spot.line <= reading.spot.line <= spot.last
                if within and reading.serial > mark:
                    return reading
                # Small integers are one object wherever they come from.
                if reading.value is value and not (isinstance(value, int) and -5 <= value <= 256):
                    return reading
                if plain is not None and reading.gave(plain):
                    return reading
        return None

    # -- seeds -------------------------------------------------------------------------------------
    def _seeding(
        self, number: int, name: str, function: Any, inner: Any, mark: int, /, *args: Any, **kwargs: Any
    ) -> Any:
        keyword = next((each for each in _KEYWORDS if each in kwargs), None)
        value = args[0] if args else kwargs.get(keyword) if keyword is not None else None
        asking = str(sys._getframe(1).f_globals.get("__name__", ""))  # whatever the file's path is
        if name == "torch.Generator.seed":
            seed = self._entropy.key("torch.Generator", asking).integer(63)
            inner.__self__.manual_seed(seed)
            if inner.__self__ is getattr(sys.modules.get("torch"), "default_generator", None):
                self._seeds.ours()
            return seed
        drawn = value is None and name == "samebits.seeding.everything.seed_everything"
        if drawn:
            args, kwargs = (), {**kwargs, "seed": self._entropy.key(name, asking).integer(32)}
        origin = None if value is None else self._origin(value, _spots[number], mark)
        if origin is not None:
            value = self._replacement(value, asking)
            self._tell(_spots[number], name, origin)
            if args:
                args = (value, *args[1:])
            elif keyword is not None:
                kwargs[keyword] = value
        else:
            self._seeds.clocks.seeded(name, value)
        with self._seeds.derived() if origin is not None or drawn else nullcontext():
            result = function(*args, **kwargs)
        if name in ("numpy.random.seed", "numpy.random.RandomState.seed"):
            self._entropy.numpy_seeds = mixed(self._entropy.numpy_seeds, value)
        return result

    def _replacement(self, value: Any, asking: str) -> int:
        known = self._replaced.get(id(value))
        if known is None:
            key = self._entropy.key("replaced", asking)
            wide = isinstance(value, int) and value >= 2**32
            known = self._replaced[id(value)] = value, key.integer(63 if wide else 32)
            if len(self._replaced) > _REMEMBERED:
                del self._replaced[next(iter(self._replaced))]
        return known[1]

    def _tell(self, spot: SeedCall, name: str, origin: Reading) -> None:
        if (spot, name) in self._told:
            return
        self._told.add((spot, name))
        place = str(Site(spot.file, spot.line))
        source = "" if origin.spot.file == spot.file and origin.spot.line == spot.line else (
            f" (read at {Site(origin.spot.file, origin.spot.line)})"
        )  # fmt: skip
        print(
            f"samebits: {place}: the seed given to {name} comes from {origin.call}{source} and is new in "
            "every run; a derived seed is used instead",
            file=sys.stderr,
        )


def _looked_up(function: Any, owner: Any) -> tuple[str, str]:
    for name in _names(function, owner):
        home, _, last = name.rpartition(".")
        name = f"{_HOMES.get(home, home)}.{last}"
        if name in _ROLES:
            return _ROLES[name], name
    name = getattr(function, "__name__", "")
    code = getattr(function, "__code__", None)
    if name in calls.SEEDING_HELPERS and code is not None and not texts.is_user_code(code):
        return "seeding", f"{function.__module__}.{name}"
    return "", ""


def _names(function: Any, owner: Any) -> Iterator[str]:
    """The full names that a function, method or class may be known by."""
    name = getattr(function, "__name__", "")
    if owner is not None:
        for kind in (owner if isinstance(owner, type) else type(owner)).__mro__:
            yield f"{kind.__module__}.{kind.__qualname__}.{name}"
    elif isinstance(function, type):
        for kind in function.__mro__:
            yield f"{kind.__module__}.{kind.__qualname__}"
    else:
        yield f"{getattr(function, '__module__', None)}.{name}"


def _plain(seed: Any) -> Any:
    """A seed that can be known by its value: text, or a number that is not small; else None."""
    if isinstance(seed, str | bytes):
        return seed
    if isinstance(seed, float):
        return seed if seed >= _SMALL else None
    try:
        number = operator.index(seed)
    except TypeError:
        return None
    return number if number >= _SMALL else None


def _forms(reading: Any) -> tuple[frozenset[Any], tuple[int, ...]]:
    """What seeds are made of a reading: exact values, and numbers to which something may be added."""
    texts: list[Any] = []
    numbers: list[int] = []
    near: list[int] = []
    if isinstance(reading, str):
        texts = [reading]
    elif isinstance(reading, bytes):
        texts = [reading, reading.hex()]
        if 4 <= len(reading) <= 64:
            numbers = [int.from_bytes(reading, order) for order in ("little", "big")]
    elif hasattr(reading, "bytes") and hasattr(reading, "int"):  # a uuid
        texts, numbers = [str(reading), reading.hex, reading.bytes], [reading.int]
    else:
        if hasattr(reading, "timestamp"):
            reading = reading.timestamp()
        if isinstance(reading, float) and math.isfinite(reading):
            near = [int(reading * scale) for scale in _SCALES]
        elif isinstance(reading, int) and not isinstance(reading, bool):
            near = [reading // scale for scale in _SCALES]
        near = [number for number in near if number >= _LARGE]
        numbers = [number for number in near if number >= 2**40]
    exact = {*texts, *numbers, *near, *(number % cut for number in numbers for cut in _CUTS if number >= cut)}
    return frozenset(exact), tuple(near)


def install(entropy: EntropySource, seeds: ProgramSeeds) -> Callable[[], None]:
    """Look at user code compiled from now on; returns what ends it."""
    global _calls
    _calls = SeedCalls(entropy, seeds)
    ended = loading.add(SeedStep())

    def uninstall() -> None:
        global _calls
        _calls = None
        ended()

    return uninstall
