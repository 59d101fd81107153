"""What is noted of a call that seeds, makes, restores or draws from a random generator.

Where draws are seen at the generator (`usercode.drawn`), so are these calls, and nothing is noted here.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Collection
from typing import Any

from samebits.model import facts
from samebits.usercode import drawn
from samebits.usercode.content import digest
from samebits.usercode.draws import WatchedGenerator, WatchedGenerators
from samebits.usercode.watched import Call, Watched, number

streams = WatchedGenerators()


def seen_below(watched: Watched) -> bool:
    """Whether what this notes is seen at the generator."""
    return drawn.active() and (watched.after in _BELOW or watched.call.startswith(_CALLS_BELOW))


def seed_python(call: Call) -> None:
    value = number(call.argument(0, "a"))
    seeded = stream(call.owner)
    seeded.seeded = value is not None
    call.emit(facts.Seed(generator=seeded.name, call=call.call, value=value))


def seed_numpy(call: Call) -> None:
    value = number(call.argument(0, "seed"))
    seeded = stream(call.owner)
    seeded.seeded = value is not None
    call.emit(facts.Seed(generator=seeded.name, call=call.call, value=value))


def seed_torch(call: Call) -> None:
    value = number(call.argument(0, "seed")) if "manual" in call.call else None
    default = getattr(sys.modules.get("torch"), "default_generator", None)
    own = type(call.owner).__name__ == "Generator" and call.owner is not default
    call.emit(facts.Seed(generator="torch.Generator" if own else "torch", call=call.call, value=value))


def _make(name: str, call: Call, value: Any, seeded: bool) -> None:
    streams.made(call.result, name, seeded)
    call.emit(facts.Create(generator=name, call=call.call, seeded=seeded, value=number(value)))


def make_python(call: Call) -> None:
    value = call.argument(0, "x")
    _make("python.Random", call, value, value is not None and "System" not in call.call)


def make_numpy(call: Call) -> None:
    value = call.argument(0, "bit_generator" if call.call.endswith("Generator") else "seed")
    name = "numpy.RandomState" if "RandomState" in call.call else "numpy.Generator"
    kind = type(value).__module__
    if kind.startswith("numpy.random"):  # a bit generator, a seed sequence or a generator
        _make(name, call, None, streams.bit_generator_seeded(value))
    else:
        _make(name, call, value, value is not None)


def make_bits(call: Call) -> None:
    value = call.argument(0, "entropy" if "SeedSequence" in call.call else "seed")
    known = type(value).__module__.startswith("numpy.random")
    streams.made(call.result, "bits", streams.bit_generator_seeded(value) if known else value is not None)


def make_torch(call: Call) -> None:
    value = call.result.initial_seed()
    call.emit(facts.Create(generator="torch.Generator", call=call.call, seeded=False, value=value))


def stream(owner: Any) -> WatchedGenerator:
    """The generator that a method's owner is; functions without one draw from numpy's."""
    return streams.numpy if owner is None else streams.of(owner)


def draw(call: Call) -> None:
    drawn_from = stream(call.owner)
    drawn_from.n += 1
    taken = call.args[0] if call.result is None and call.args else call.result
    _emit_draw(call, drawn_from, taken)


def _emit_draw(call: Call, drawn_from: WatchedGenerator, taken: Any) -> None:
    known = streams.seeded(drawn_from)
    call.emit(
        facts.Draw(
            generator=drawn_from.name, call=call.call, value=digest(taken), n=drawn_from.n, seeded=known
        )
    )


def restore(call: Call) -> None:
    owner = call.owner
    if owner is not None and type(owner).__module__.startswith(("random", "numpy")):
        streams.of(owner).seeded = True
    call.emit(facts.RngRestore(call=call.call))


def with_states(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[dict[str, Any], Any]:
    return kwargs, _state()


def _state() -> tuple[Any, Any, Any]:
    torch, numpy = sys.modules.get("torch"), sys.modules.get("numpy.random.mtrand")
    legacy = getattr(getattr(numpy, "_rand", None), "_bit_generator", None)
    numbers = None
    if legacy is not None:
        state = legacy.state["state"]
        numbers = state["key"].tobytes() + state["pos"].to_bytes(4, "little")
    return random.getstate(), numbers, torch.initial_seed() if torch is not None else None


def helper(call: Call) -> None:
    """A library's seeding helper: which generators it seeded shows in their states."""
    value = number(call.argument(0, "seed"))
    drew = str(int(call.result)) if getattr(call.result, "drawn", False) else None
    if drawn.active() and drew is None:
        return
    for name, old, new in zip(("python", "numpy", "torch"), call.token, _state(), strict=True):
        if old != new or (name == "torch" and new == value):
            getattr(streams, name).seeded = True
            call.emit(facts.Seed(generator=name, call=call.call, value=value, drawn=drew))


def drawn_inside(call: Call) -> None:
    """A library's function that drew from a global generator (train_test_split): the states before tell."""
    token, after = call.token, _state()
    for name, old, new in zip(("python", "numpy"), token[:2], after[:2], strict=True):
        if old == new:
            continue
        source: WatchedGenerator = getattr(streams, name)
        source.n += 1
        _emit_draw(call, source, old)


def restart(seeded: Collection[str]) -> None:
    """Begin with the generators as they are now; ``seeded`` names those that were seeded already."""
    streams.restart(seeded)


def renew() -> None:
    """After a fork."""
    streams.renew()


_CALLS_BELOW = ("random.SystemRandom.", "random.setstate", "numpy.random.set_state")
_BELOW = frozenset(
    {seed_python, seed_numpy, seed_torch, make_python, make_numpy, make_bits, draw, drawn_inside}
)
