"""Captures everything random, and restores it wholly or not at all.

A resumed run continues with the same bits only if every generator has the state
that it had.  So nothing here is lenient by default: a state that is damaged, of
another rank, or that has a generator more or less than the process is refused,
and the error names the generators.  All of a state is checked, on copies,
before the first generator changes; should setting one fail all the same, those
before it are put back.

The form (version 1) is plain data, which `torch.load(weights_only=True)` loads::

    {"format": "samebits.rng", "version": 1,
     "made_with": {"samebits": ..., "python": ..., "numpy": ..., "torch": ...},    # for the reader
     "rank": 0, "world_size": 1,
     "owners": ["loader"],                                                         # arguments' names
     "process":    {"python": {"kind": "random.Random", "aliases": [], "variables": [], "state": {...}},
                    ...},
     "registered": {...},
     "found":      {"loader.generator": {...}},
     "checksum": "..."}                                                            # XXH3, of all the above

A reader refuses a newer version and keeps reading older ones.
"""

from __future__ import annotations

import platform
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import FrameType
from typing import Any, Final

from samebits._runtime.aside import aside
from samebits.errors import UsageError, UsageTypeError
from samebits.seeding.accelerator import initialize_accelerator, uninitialized_accelerator
from samebits.seeding.adapters import StateError as StateError
from samebits.seeding.checksum import checksum
from samebits.seeding.matching import Matching, matched
from samebits.seeding.ranks import place
from samebits.seeding.registry import SECTIONS, NamedGenerator, all_generators
from samebits.seeding.turn import turn
from samebits.usercode.program import local_of, own_packages

FORMAT: Final = "samebits.rng"
VERSION: Final = 1
#: Names in an error before "and 7 more".
_SHOWN: Final = 8


@dataclass(frozen=True, slots=True)
class Restored:
    """What `restore_rng` did, by name."""

    restored: tuple[str, ...]
    missing: tuple[str, ...] = ()  # in the state, not in this process
    extra: tuple[str, ...] = ()  # in this process, not in the state: left as they were

    def __str__(self) -> str:
        parts = [f"{len(self.restored)} generators restored"]
        for what, names in (("missing", self.missing), ("not in the state", self.extra)):
            if names:
                parts.append(f"{what}: {_listed(names)}")
        return "; ".join(parts)


def capture_rng(**owners: object) -> dict[str, Any]:
    """The state of everything random in this process, for a checkpoint.

    It holds the process-wide generators (Python's, numpy's, torch's on the CPU and on every device of an
    accelerator that is initialised), the registered ones, and those found: from `owners`, each under the
    path from its argument's name; or, without owners, from the variables of the program's modules and of
    the functions that led here (see `discover`)::

        torch.save({"model": model.state_dict(), "rng": capture_rng(loader=loader)}, path)
        ...
        restore_rng(torch.load(path)["rng"], loader=loader)

    Owners make the names independent of where the call is, so prefer them in code that is reused.
    Each rank captures its own.  No generator moves.

    Not found, so to be registered (`register`): generators that only the results kept by a
    `functools.lru_cache` hold, a `map` or another iterator, a `threading.local` or a context variable.
    In a thread of its own the running functions are those of this thread: name what the main thread holds.

    Returns:
        Plain data that `torch.load(weights_only=True)` accepts; some 20 kB, and 5 kB more for each generator.

    Raises:
        ValueError: an owner is named ``strict``.
        StateError: two generators would share a name; or another thread is inside `isolated()`.
    """
    if "strict" in owners:
        raise UsageError(
            "capture_rng: an owner cannot be named strict, which is an argument of restore_rng; give it "
            "another name."
        )
    with turn.held("capture_rng"), aside():
        frame = sys._getframe(1)
        present = all_generators(owners, None if owners else frame, own_packages(frame))
        _check_names(present)
        here = place()
        state: dict[str, Any] = {
            "format": FORMAT,
            "version": VERSION,
            "made_with": _versions(),
            "rank": here.rank,
            "world_size": here.world_size,
            "owners": sorted(owners),
            **{section: {} for section in SECTIONS},
        }
        for generator in present:
            state[generator.section][generator.name] = {
                "kind": generator.adapter.kind,
                "aliases": list(generator.names[1:]),
                "variables": list(generator.variables),
                "state": generator.adapter.capture(),
            }
        state["checksum"] = checksum(state)
        return state


def restore_rng(state: Mapping[str, Any], /, *, strict: bool = True, **owners: object) -> Restored:
    """Continue from a state that `capture_rng` captured, in this process or another.

    Every generator of the state must be in this process and the other way round, in the same rank of the
    same world size; an accelerator that the state has and that is not initialised yet is initialised.
    Either all generators are set, or none.

    Args:
        state: what `capture_rng` returned.
        strict: False restores those generators that are in both, of any rank and world size, and leaves
            the others as they are, of another rank's state the process-wide ones, too, since all ranks would
            draw alike; a damaged state is refused all the same.
        owners: the same as for `capture_rng`; or of a state captured without any, those that hold all that
            was found, under the same names: ``loader`` for ``__main__.main.loader.generator``.

    Returns:
        The names of the restored, and for ``strict=False`` of the missing and the extra.

    Raises:
        TypeError: `strict` is no bool.
        StateError: not a state, damaged, of a newer format, of another place; generators missing, extra,
            or of another kind.  Nothing has changed.
    """
    if not isinstance(strict, bool):
        raise UsageTypeError(f"restore_rng: strict must be True or False, got {type(strict).__name__}")
    with aside():
        _check_format(state)
    with turn.held("restore_rng"), aside():
        if strict:
            _check_place(state)
            _check_owners(state, owners)
        return _restore(state, strict, owners, sys._getframe(1))


def _restore(state: Mapping[str, Any], strict: bool, owners: dict[str, object], frame: FrameType) -> Restored:
    for name in state["process"]:
        library, _, device = name.partition(":")
        if library == "torch" and device != "cpu":
            initialize_accelerator(device.partition(":")[0])
    present = all_generators(owners, None if owners else frame, own_packages(frame))
    if strict:
        _check_names(present)
    matching = matched(state, present, by_ending=bool(owners) and not state["owners"])
    if strict:
        _check_all_there(matching, owners)
    elif state["rank"] != place().rank:  # would make all ranks draw alike
        matching.leave(lambda generator: generator.section == "process")
    pairs = matching.pairs
    faults = []
    for generator, entry in pairs:
        fault = _fault(generator, entry)
        if fault is not None:
            faults.append(f"{generator.name}: {fault}")
    if faults:
        raise StateError(
            f"restore_rng: the state does not fit {len(faults)} of {len(pairs)} generators, and nothing was "
            f"changed: {_listed(faults)}. Make these generators as they were made in the run that saved."
        )
    _set_all(pairs)
    restored = tuple(generator.name for generator, _ in pairs)
    return Restored(restored, tuple(matching.missing), tuple(generator.name for generator in matching.extra))


def _set_all(pairs: list[tuple[NamedGenerator, Mapping[str, Any]]]) -> None:
    """All or none."""
    saved = [(generator, generator.adapter.save()) for generator, _ in pairs]
    done = 0
    try:
        for generator, entry in pairs:
            done += 1  # also the one that fails may have changed
            generator.adapter.restore(entry["state"])
    except BaseException as error:
        failed = put_back(saved[:done])
        if not isinstance(error, Exception):
            raise
        rest = f"; these could not be put back: {_listed(failed)}" if failed else ", and nothing was changed"
        raise StateError(f"restore_rng: setting {pairs[done - 1][0].name} failed ({error}){rest}.") from error


def put_back(saved: Iterable[tuple[NamedGenerator, Any]]) -> list[str]:
    """Put every generator back, whichever fail; the names of those that did, and why."""
    failed = []
    for generator, what in saved:
        try:
            generator.adapter.put_back(what)
        except Exception as error:
            failed.append(f"{generator.name}: {error}")
    return failed


def _fault(generator: NamedGenerator, entry: Mapping[str, Any]) -> str | None:
    """Why a generator cannot take a state; None if it can."""
    if entry["kind"] != generator.adapter.kind:
        return f"the state is of a {entry['kind']}, here it is a {generator.adapter.kind}"
    try:
        generator.adapter.check(entry["state"])
    except Exception as error:  # the libraries raise many kinds
        return str(error) or type(error).__name__
    return None


def _check_format(state: object) -> None:
    """Refuse what is no state, newer, or damaged."""
    if not isinstance(state, Mapping) or state.get("format") != FORMAT:
        given = type(state).__name__
        if isinstance(state, Mapping):
            given += f" with the keys {_listed(sorted(map(repr, state))) or '(none)'}"
        raise StateError(
            f"restore_rng: expected what capture_rng returned, got a {given}; pass the part of the "
            "checkpoint that it was stored under."
        )
    version = state.get("version")
    if type(version) is int and version > VERSION:
        raise StateError(
            f"restore_rng: the state has format {version}, this samebits reads up to {VERSION}; it was made "
            f"with {state.get('made_with')}: upgrade samebits."
        )
    try:
        whole = checksum({name: value for name, value in state.items() if name != "checksum"})
    except (TypeError, ValueError, RuntimeError) as error:
        raise StateError(f"restore_rng: the state is damaged ({error}); {_RELOAD}") from error
    if state.get("checksum") != whole or not _has_all_fields(state):
        raise StateError(
            f"restore_rng: the state is damaged (its checksum is {state.get('checksum')}, that of its "
            f"content {whole}); {_RELOAD}"
        )


def _has_all_fields(state: Mapping[str, Any]) -> bool:
    """Whether a state of an intact checksum has the form of version 1: a hand may have changed it."""
    return (
        all(type(state.get(name)) is int for name in ("version", "rank", "world_size"))
        and state["version"] == VERSION
        and isinstance(state.get("owners"), list | tuple)
        and all(isinstance(state.get(section), Mapping) for section in SECTIONS)
        and all(
            isinstance(entry, Mapping)
            and isinstance(entry.get("kind"), str)
            and isinstance(entry.get("aliases"), list | tuple)
            and isinstance(entry.get("variables"), list | tuple)
            and isinstance(entry.get("state"), Mapping)
            for section in SECTIONS
            for entry in state[section].values()
        )
    )


_RELOAD: Final = "use an intact checkpoint, and store the state as capture_rng returned it."


def _check_place(state: Mapping[str, Any]) -> None:
    here = place()
    if (state["rank"], state["world_size"]) != (here.rank, here.world_size):
        advice = (
            "Save one state a rank and restore each in its own; or gather them with "
            "torch.distributed.all_gather_object(states, capture_rng()) and restore states[rank]. With "
            "another number of ranks no generator can continue exactly: seed anew."
        )
        if here.source == "alone" and state["world_size"] > 1:
            advice = f"Call torch.distributed.init_process_group before restore_rng. {advice}"
        raise StateError(
            f"restore_rng: the state is of rank {state['rank']} of {state['world_size']}, this process is "
            f"rank {here.rank} of {here.world_size} ({here.source}). {advice}"
        )


def _check_owners(state: Mapping[str, Any], owners: dict[str, object]) -> None:
    if state["owners"] and list(state["owners"]) != sorted(owners):
        raise StateError(
            f"restore_rng: the state was captured by capture_rng({', '.join(state['owners'])}), and is "
            f"restored with ({', '.join(sorted(owners))}); name the same owners in both."
        )


def _check_names(present: list[NamedGenerator]) -> None:
    """Two found in one set, or nowhere else than in two, cannot be told apart in another process."""
    counts = Counter((generator.section, generator.name) for generator in present)
    shared = [name for (_, name), count in counts.items() if count > 1]
    if shared:
        raise StateError(
            f"capture_rng: {_listed(shared)} names more than one generator, as in a set, which has no "
            "order; keep them in a list or a dict, or register() each under a name."
        )


def _check_all_there(matching: Matching, owners: dict[str, object]) -> None:
    missing, extra = matching.missing, matching.extra
    if not missing and not extra:
        return
    parts = []
    if missing:
        parts.append(f"this process lacks {_listed(missing)}")
    if extra:
        parts.append(f"the state lacks {_listed(generator.name for generator in extra)}")
    parts += matching.clashes[:_SHOWN]
    advice = "Make the same generators before restoring as before saving"
    local = next(((name, home) for name in missing if (home := local_of(name)) is not None), None)
    if any(name.startswith("torch:") for name in missing):
        advice = "Run on as many devices as the run that saved"
        if uninitialized_accelerator() is None:
            advice += ", with its accelerator"
    elif any(generator.section == "process" for generator in extra):
        advice = "The accelerator was not in use when the state was saved: restore before it is initialised"
    elif local is not None and not owners:
        advice = (
            f"{local[0]} is in a local variable of {local[1]}(): restore inside that function after it is "
            "made; or if it is seeded anew at each call, it needs no state: pass strict=False; for new "
            "checkpoints name what holds generators: capture_rng(loader=loader)"
        )
    elif not owners:
        advice += ", and name what holds them: capture_rng(loader=loader), restore_rng(state, loader=loader)"
    raise StateError(
        f"restore_rng: nothing was changed: {'; '.join(parts)}. {advice}; or pass strict=False, which "
        "restores the others."
    )


def _versions() -> dict[str, str]:
    import numpy
    import torch

    import samebits

    return {
        "samebits": samebits.__version__,
        "python": platform.python_version(),
        "numpy": numpy.__version__,
        "torch": str(torch.__version__),
    }


def _listed(names: Iterable[str]) -> str:
    every = list(names)
    more = f" and {len(every) - _SHOWN} more" if len(every) > _SHOWN else ""
    return ", ".join(every[:_SHOWN]) + more
