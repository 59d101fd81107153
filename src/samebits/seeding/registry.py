"""Everything random in this process, under the names a captured state has it by.

Three sections: *process*, the generators behind the functions of `random`,
`np.random` and torch; *registered*, what `register` was told of; *found*, what
discovery finds.  A generator belongs to the first section that has it, and is
in there once.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from types import FrameType
from typing import Final, Literal

from samebits.errors import UsageError, UsageTypeError
from samebits.seeding.adapters import Adapter, adapter_of, process_wide
from samebits.seeding.discovery import Found, discover_from

Section = Literal["process", "registered", "found"]
SECTIONS: Final[tuple[Section, ...]] = ("process", "registered", "found")

_registered: dict[str, Callable[[], object]] = {}


@dataclass(frozen=True, slots=True)
class NamedGenerator:
    """One generator and its names; the first is the one it is captured under."""

    section: Section
    names: tuple[str, ...]
    adapter: Adapter
    variables: tuple[str, ...] = ()  # names that a variable gives, which may come to hold another generator

    @property
    def name(self) -> str:
        return self.names[0]


def register(name: str, generator: object) -> None:
    """Have a generator captured, restored and isolated under a name, wherever it is.

    For one that discovery cannot find (in a library's own module, in a set, in a C extension), or whose
    path differs between a run and its resume.  It is held weakly, so it lasts no longer for it, except
    for numpy's, which allow no weak references: `unregister` those.

    Args:
        name: any non-empty string that is not taken.
        generator: a `torch.Generator`, `np.random.Generator`, bit generator, `np.random.RandomState` or
            `random.Random`.

    Raises:
        TypeError: something else.
        ValueError: the name is another generator's.
    """
    if not isinstance(name, str) or not name:
        raise UsageTypeError(f"register: the name must be a non-empty str, got {name!r}")
    adapter = checked_adapter(generator, "register")
    taken = registered().get(name)
    if taken is not None and taken.identity != adapter.identity:
        raise UsageError(
            f"register: the name {name!r} is another generator's ({taken.kind}); choose another name, or "
            f"unregister({name!r}) first."
        )
    try:
        _registered[name] = weakref.ref(generator)
    except TypeError:  # numpy's
        _registered[name] = lambda: generator


def unregister(name: str) -> None:
    """Forget a registered generator.

    Raises:
        ValueError: no generator is registered under this name.
    """
    if name not in registered():
        known = ", ".join(map(repr, registered())) or "none"
        raise UsageError(f"unregister: no generator is registered as {name!r}; registered: {known}.")
    del _registered[name]


def registered() -> dict[str, Adapter]:
    """The registered generators that still live."""
    living = {}
    for name, ask in list(_registered.items()):
        generator = ask()
        adapter = None if generator is None else adapter_of(generator)
        if adapter is None:
            _registered.pop(name, None)
        else:
            living[name] = adapter
    return living


def checked_adapter(generator: object, caller: str) -> Adapter:
    """The adapter of a generator object.

    Raises:
        TypeError: it is none.
    """
    adapter = adapter_of(generator)
    if adapter is None:
        raise UsageTypeError(
            f"{caller}: a generator must be a torch.Generator, np.random.Generator, bit generator, "
            f"np.random.RandomState or random.Random, got {type(generator).__name__}"
        )
    return adapter


def all_generators(
    owners: dict[str, object], frame: FrameType | None, packages: Collection[str] | None = None
) -> list[NamedGenerator]:
    """Everything random: process-wide, registered, and what is found from `frame` and from `owners`.

    Neither owners nor a frame: nothing is looked for.  `packages` as for `discover_from`.
    """
    collected: list[NamedGenerator] = []
    for name, adapter in process_wide().items():
        collected.append(NamedGenerator("process", (name,), adapter))
    known = {generator.adapter.identity for generator in collected}
    collected += _once("registered", registered().items(), known)
    known = {generator.adapter.identity for generator in collected}
    if owners or frame is not None:
        collected += map(_of, discover_from(owners, frame, known, packages))
    return collected


def checked_generators(generators: Mapping[str, object] | Iterable[object], caller: str) -> dict[str, object]:
    """Generators by name, or numbered, as owners for `all_generators`.

    Raises:
        TypeError: one of them is no generator, or it is one generator.
    """
    if adapter_of(generators) is not None or not isinstance(generators, Iterable):
        raise UsageTypeError(
            f"{caller}: generators must be a mapping or an iterable of generators, got a "
            f"{type(generators).__name__}; write generators=[generator]"
        )
    if not isinstance(generators, Mapping):
        generators = {f"[{number}]": generator for number, generator in enumerate(generators)}
    for generator in generators.values():
        checked_adapter(generator, caller)
    return {str(name): generator for name, generator in generators.items()}


def _of(found: Found) -> NamedGenerator:
    return NamedGenerator("found", (found.name, *found.aliases), found.adapter, found.variables)


def _once(section: Section, adapters: Iterable[tuple[str, Adapter]], known: set[int]) -> list[NamedGenerator]:
    """Each generator that is not `known` once, with all its names."""
    names: dict[int, list[str]] = {}
    kept: dict[int, Adapter] = {}
    for name, adapter in adapters:
        if adapter.identity not in known:
            names.setdefault(adapter.identity, []).append(name)
            kept[adapter.identity] = adapter
    return [NamedGenerator(section, tuple(names[identity]), kept[identity]) for identity in kept]
