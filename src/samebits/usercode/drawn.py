"""Who draws random numbers, and who seeds: seen where it happens.

`native/draws.cpp` takes over the C functions that draw from Python's generators and from numpy's, and those
that seed them and torch's.  So a draw is seen whoever makes it, a library's method, a callable, a constructor
or a C function, and is a fact at the nearest line of the user's in its thread.  Nothing that Python code can
look at changes.

It needs a compiler, as the native observer does.  Without one the calls that user code itself makes are seen
by its rewriting (`usercode.on_generators`), and no others.
"""

from __future__ import annotations

import _random
import random
import sys
from collections import Counter, OrderedDict
from collections.abc import Callable, Collection
from dataclasses import dataclass
from types import FrameType, ModuleType
from typing import Any, Final, Protocol

from samebits._runtime import imports
from samebits.model import facts
from samebits.model.facts import Detail
from samebits.model.sites import Site
from samebits.usercode import native_half
from samebits.usercode.callers import named, site_of, whose
from samebits.usercode.compiled_draws import CompiledDraws
from samebits.usercode.library_orders import LibraryOrders
from samebits.usercode.library_readings import LibraryReadings
from samebits.usercode.seed_parameters import seed_parameter
from samebits.usercode.watched import number

_CAP: Final = 256  # facts of one kind at one line, beside draws
_LIMIT: Final = 65536  # generators remembered; the oldest is forgotten first


class Sink(Protocol):
    """Takes the facts of this process, from any of its threads; late ones with their place in the run."""

    def fact(
        self, detail: Detail, site: Site | None, *, at: int | None = None, step: int | None = None
    ) -> None: ...

    def now(self) -> tuple[int, int]:
        """The position among the events, and the step."""
        ...

    def not_observed(self, what: str) -> None: ...


@dataclass(slots=True)
class Known:
    """What is known of one generator."""

    name: str  # as facts name it
    seeded: bool
    id: int  # 0: one of the process


_drawn: DrawHooks | None = None


def install(path: str | None, sink: Sink, controlled: Collection[str] = ()) -> bool:
    """See draws and seeds from now on; ``controlled`` names the generators that samebits itself has seeded.

    Returns whether it can be: a path to the native half is given, and fits this Python.
    """
    global _drawn
    module = native_half.load(path) if path is not None else None
    if module is None:
        return False
    _drawn = DrawHooks(module, sink, controlled)
    _drawn.start()
    return True


def active() -> bool:
    """Whether draws are seen at the generator."""
    return _drawn is not None


def take() -> None:
    """Write what was drawn since the last time."""
    if _drawn is not None:
        _drawn.take()


def positioned(position: Callable[[], int], take_torch: Callable[[], object]) -> None:
    """Events are recorded from now on: how far the main thread is, ``position()`` tells.

    ``take_torch()`` takes what torch's generators gave, before it is noted that one is seeded.
    """
    if _drawn is not None:
        _drawn.positioned(position, take_torch)


def stepped(step: int, whole: bool) -> None:
    """A step begins; ``whole``: everything in it is kept."""
    if _drawn is not None:
        _drawn.stepped(step, whole)


def loading(number: int) -> int:
    """The samples of this DataLoader are made in this thread from now on (0: of none); what was so before."""
    return int(_drawn.native.loading(number)) if _drawn is not None else 0


def here() -> Site | None:
    """The nearest line of the user's, where draws are seen at the generator."""
    found = _drawn.here() if _drawn is not None else None
    return found[0] if found is not None else None


def stop() -> None:
    """Write what is left, and see nothing from now on."""
    global _drawn
    if _drawn is not None:
        _drawn.take()
        _drawn.stop()
        _drawn = None


def after_fork(sink: Sink | None = None) -> None:
    """In a forked child: what the parent drew is the parent's."""
    if _drawn is not None:
        _drawn.native.after_fork()
        _drawn.forget(sink)


class DrawHooks:
    """The draws of this process."""

    def __init__(self, module: Any, sink: Sink, controlled: Collection[str]) -> None:
        self.native = module
        self._sink = sink
        self._controlled = frozenset(controlled)
        self._known: OrderedDict[int, Known] = OrderedDict()
        self._counts: Counter[tuple[type[Detail], Site | None]] = Counter()
        self._compiled = CompiledDraws()
        self._asked: set[str] = set()  # functions of libraries
        self._looks = 0
        self._step = 0
        self._position: Callable[[], int] = int
        self._take_torch: Callable[[], object] = int
        self._at = (0, 0)  # where the last look was: what numba drew since, it drew after that
        self._numpy_loaded = False
        self._readings = LibraryReadings(module, self.here, self._emit, watches_numpy=not controlled)
        self._orders = LibraryOrders(module, self.here, self._emit)

    def positioned(self, position: Callable[[], int], take_torch: Callable[[], object]) -> None:
        """How far the main thread is, from now on."""
        self._position, self._take_torch = position, take_torch
        self.native.at(position)

    def stepped(self, step: int, whole: bool) -> None:
        """A step begins."""
        self._step = step
        self.native.step(step, whole)

    def forget(self, sink: Sink | None) -> None:
        """What was counted is the parent's."""
        self._counts.clear()
        self._asked.clear()
        if sink is not None:
            self._sink = sink

    def start(self) -> None:
        half = self.native
        half.start(whose, self.take)
        half.python(_random.Random.random, _random.Random.getrandbits)
        shared = random._inst
        self._known[half.seeded(shared, True)] = Known("python", "python" in self._controlled, 0)
        half.watch(_random.Random.seed, "seed", self._python_seeded, False)
        half.watch(_random.Random.setstate, "setstate", self._python_restored, False)
        self._readings.start()
        self._orders.start()
        for module in ("_mt19937", "_pcg64", "_philox", "_sfc64"):
            imports.after(f"numpy.random.{module}", self._numpy_bits)
        imports.after("numpy.random.mtrand", self._numpy)
        imports.after("torch", self._torch)
        imports.after("numba._helperlib", lambda _: self._compiled.moved())

    def stop(self) -> None:
        self._readings.stop()
        self._orders.stop()
        self.native.stop()

    def take(self) -> None:
        """Write what was drawn since the last time."""
        for number_, kind, code, line, inner, thread, state, n, at, step, loader in self.native.rows():
            known = self._of(number_, kind)
            by, call = self._named(inner)
            detail = facts.Draw(
                generator=known.name,
                call=call,
                id=known.id,
                by=by,
                state=state,
                n=n,
                thread=thread,
                seeded=known.seeded,
                loader=loader or None,
            )
            self._sink.fact(detail, site_of(code, line), at=at, step=step)
        for state in self._compiled.moved():
            self._looks += 1
            compiled = facts.Draw(generator="numba", id=0, state=state, n=self._looks, seeded=False)
            self._sink.fact(compiled, None, at=self._at[0], step=self._at[1])
        self._at = (self._position(), self._step)

    def _of(self, number_: int, kind: str) -> Known:
        found = self._known.get(number_)
        if found is None:  # made before, or unpickled: no accusation
            name = {"Random": "python.Random", "MT19937": "numpy.RandomState"}.get(kind, "numpy.Generator")
            found = self._remember(number_, Known(name, True, number_))
        return found

    def _remember(self, number_: int, known: Known) -> Known:
        if len(self._known) >= _LIMIT:
            self._known.popitem(last=False)
        self._known[number_] = known
        return known

    def _emit(self, detail: Detail, site: Site | None) -> None:
        self._counts[type(detail), site] += 1
        if self._counts[type(detail), site] <= _CAP:
            self._sink.fact(detail, site)

    def here(self) -> tuple[Site | None, str | None] | None:
        """The nearest line of the user's, and the library's function that it calls; None: of no account."""
        found = self.native.site()
        if found is False:
            return None
        code, line, inner = found or (None, 0, None)
        return site_of(code, line), self._named(inner)[0]

    def _named(self, inner: str | None) -> tuple[str | None, str | None]:
        """The library's function and the call (`callers.named`); how the function is seeded is a fact."""
        by, call = named(inner)
        if by is not None and by not in self._asked:
            self._asked.add(by)
            if (found := seed_parameter(by)) is not None:
                self._sink.fact(facts.TakesSeed(by=by, parameter=found[0], place=found[1]), None)
        return by, call

    # -- Python ------------------------------------------------------------------------------------
    def _python_seeded(self, generator: Any, args: tuple[Any, ...], _: object) -> None:
        value = number(args[0]) if args else None
        is_made = generator is not random._inst and _inside_init()
        number_ = self.native.seeded(generator, not is_made)
        known = self._known.get(number_) or self._remember(number_, Known("python.Random", False, number_))
        here = self.here()
        if here is not None:
            self.take()  # what was drawn before it was seeded
        known.seeded = value is not None or (here is None and known.id != 0)
        if here is None:  # a fork, for one: Python's own generator starts anew in the child
            return
        site, by = here
        if is_made:
            made = facts.Create(
                generator=known.name,
                call="random.Random",
                seeded=known.seeded,
                value=value,
                id=known.id,
                by=by,
            )
            self._emit(made, site)
        else:
            call = "random.seed" if known.name == "python" else "random.Random.seed"
            self._emit(facts.Seed(generator=known.name, call=call, value=value, id=known.id, by=by), site)

    def _python_restored(self, generator: Any, _: tuple[Any, ...], __: object) -> None:
        known = self._of(self.native.seeded(generator, True), "Random")
        known.seeded = True
        self._restored("random.setstate")

    def _restored(self, call: str) -> None:
        if (here := self.here()) is not None:
            self._emit(facts.RngRestore(call=call), here[0])

    # -- numpy -------------------------------------------------------------------------------------
    def _numpy_bits(self, module: ModuleType) -> None:
        for value in list(vars(module).values()):
            if isinstance(value, type):
                self.native.bit_generator(value, self._numpy_made)
        legacy = vars(module.MT19937).get("_legacy_seeding") if hasattr(module, "MT19937") else None
        if legacy is not None:
            self.native.watch(legacy, "_legacy_seeding", self._numpy_seeded, False)

    def _numpy(self, module: ModuleType) -> None:
        self._numpy_loaded = True
        shared = self.native.number(module._rand._bit_generator)
        if shared:
            self._known[shared] = Known("numpy", "numpy" in self._controlled, 0)
        state = vars(module.RandomState).get("set_state")
        if state is not None:
            self.native.watch(state, "set_state", self._numpy_restored, False)

    def _numpy_made(self, bits: Any, kind: str, number_: int, args: tuple[Any, ...], words: Any) -> None:
        seed = args[0] if args else (words or {}).get("seed")
        given = seed is not None
        if given and hasattr(seed, "generate_state"):
            entropy = getattr(seed, "entropy", None)
            given = not (isinstance(entropy, int) and self._readings.gave(entropy))
            seed = None
        name = "numpy.RandomState" if kind == "MT19937" else "numpy.Generator"
        here = self.here() if self._numpy_loaded else None  # else it is numpy's own
        known = Known(name, given or bool(self._controlled) or here is None, number_)
        self._remember(number_, known)
        if here is None:
            return
        site, by = here
        value = number(seed) if given and seed is not None else None
        made = facts.Create(
            generator=name, call=f"numpy.random.{kind}", seeded=given, value=value, id=number_, by=by
        )
        self._emit(made, site)

    def _numpy_seeded(self, bits: Any, args: tuple[Any, ...], _: object) -> None:
        value = args[-1] if args else None
        known = self._of(self.native.number(bits), "MT19937")
        self.take()  # what was drawn before it was seeded
        known.seeded = value is not None or bool(self._controlled)
        if (here := self.here()) is None:
            return
        site, by = here
        shared = known.name == "numpy"
        call = "numpy.random.seed" if shared else "numpy.random.RandomState"
        self._emit(facts.Seed(generator=known.name, call=call, value=number(value), id=known.id, by=by), site)

    def _numpy_restored(self, generator: Any, _: tuple[Any, ...], __: object) -> None:
        bits = getattr(generator, "_bit_generator", None)
        if bits is not None:
            self._of(self.native.number(bits), "MT19937").seeded = True
        self._restored("numpy.random.set_state")

    # -- torch -------------------------------------------------------------------------------------
    def _torch(self, torch: ModuleType) -> None:
        methods = vars(torch._C.Generator)
        for name, call in (("manual_seed", self._torch_seeded), ("seed", self._torch_from_system)):
            if name in methods:
                self.native.watch(methods[name], name, call, False)
        if "torch" not in self._controlled:
            start = torch.default_generator.initial_seed()
            self._sink.fact(facts.Create(generator="torch", seeded=False, value=number(start), id=0), None)

    def _torch_seeded(self, generator: Any, args: tuple[Any, ...], _: object) -> None:
        self._torch_seed(generator, "manual_seed", number(args[0]) if args else None)

    def _torch_from_system(self, generator: Any, _: tuple[Any, ...], __: object) -> None:
        self._torch_seed(generator, "seed", None)

    def _torch_seed(self, generator: Any, name: str, value: Any) -> None:
        torch = sys.modules["torch"]
        shared = generator is torch.default_generator
        if (here := self.here()) is None:
            return
        self._take_torch()
        site, by = here
        kind = "torch" if shared else "torch.Generator"
        self._emit(facts.Seed(generator=kind, call=f"{kind}.{name}", value=value, by=by), site)


def _inside_init() -> bool:
    """Whether `random.Random.seed` is called by its `__init__`."""
    frame: FrameType | None = sys._getframe(2)
    while frame is not None and frame.f_code.co_name == "seed":
        frame = frame.f_back
    return frame is not None and frame.f_code.co_name == "__init__" and frame.f_globals is vars(random)
