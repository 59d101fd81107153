"""What is in force in this process: its manifest, what a manifest of a record leaves out, and the judgement.

A record leaves out what is no fact of a run (whether a compiler could be had), or differs between any two of
them (the seed that torch's generator began with).
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from importlib import import_module
from itertools import pairwise
from typing import Any, Final

from samebits._runtime.text import clean
from samebits.control.process_key import VARIABLE
from samebits.errors import UsageError
from samebits.launch.obstacle import BOOTSTRAP
from samebits.manifest.collect import collect, loaded_torch
from samebits.manifest.doctor import Diagnosis, judged
from samebits.manifest.manifest import Manifest
from samebits.manifest.started import environment
from samebits.observe.plan import PLAN

#: Built for one version of torch; their versions are looked up where they are not imported.
_BESIDE_TORCH: Final = ("torchvision", "torchaudio")
_KNUTH: Final = 1812433253


def doctor() -> Diagnosis:
    """Say what is in force in this process, and not what was asked for: switches, variables, threads, seeds.

        print(samebits.doctor())
        assert samebits.doctor().verdict != "breaks"

    Nothing is changed: no random number is drawn, no accelerator is initialised, and torch is looked at only
    if the process has imported it.  torch decides its CPU instructions, and MKL its threads, at the first
    operation or question; after this call they are decided.

    Returns:
        `lines`, each with a name, the value in force, "fine", "fragile" or "breaks", the reason and what
        mends it; `verdict`, the worst of them; `exports()`, the variables that mend them in the next process.
    """
    return judged(collect_here())


def fresh() -> Diagnosis:
    """As `doctor`, with torch imported: what a program that is started with this environment begins with.

    Raises:
        UsageError: torch is not installed, or cannot be imported.
    """
    try:
        import_module("torch")
    except ModuleNotFoundError as error:
        raise UsageError(
            f"`samebits doctor` asks torch what is in force, and {error.name} is not installed."
        ) from error
    except (ImportError, OSError) as error:  # a library that it needs is not there, or not the right one
        raise UsageError(
            f"`samebits doctor` asks torch what is in force, and torch cannot be imported: {clean(error)}"
        ) from error
    return doctor()


def collect_here() -> Manifest:
    """The manifest of this process, with the rows that the doctor alone asks for."""
    manifest = collect()
    manifest["hash"] = {**manifest["hash"], "seed": _hash_seed()}
    manifest["generators"] = _generators()
    manifest["attached"] = _attached()
    manifest["tools"] = _tools()
    manifest["processor"] = {"smt": _smt(), "flags": _flags()}
    manifest["packages"] = _packages() if "torch" in manifest else {}
    manifest["mode"] = _mode()
    return manifest


def _hash_seed() -> int | None:
    from samebits.seeding.hash_seed import fixed_hash_seed

    return fixed_hash_seed()


def _mode() -> dict[str, Any]:
    """The open scope of `samebits.deterministic()`: its level, and its exceptions; no level: none is open."""
    module = sys.modules.get("samebits.determinism.mode")
    scopes = () if module is None else module.deterministic.stays.open
    if not scopes:
        return {"level": None}
    return {"level": scopes[-1].settings.level, "except": sorted(scopes[-1].settings.except_)}


def _generators() -> dict[str, Any]:
    found: dict[str, Any] = {"controlled": _controlled_seed() is not None}
    if (torch := loaded_torch()) is not None:
        found["torch"] = torch.default_generator.initial_seed()
    if (mtrand := sys.modules.get("numpy.random.mtrand")) is not None:
        with suppress(AttributeError):  # another bit generator was put behind it
            found["numpy"] = _numpy(mtrand._rand._bit_generator)
    remembered = sys.modules.get("samebits.seeding.remembered")
    found["samebits"] = None if remembered is None else remembered.still_seeded()
    return found


def _numpy(generator: Any) -> str:
    """ "untouched" since it began with entropy, "seeded with" a number and not drawn from, or "moved"."""
    state, entropy = generator.state, generator._seed_seq
    if entropy is not None:  # `seed` takes it away, with a number and without
        began = type(generator)(type(entropy)(entropy.entropy, spawn_key=entropy.spawn_key)).state
        if repr(began["state"]) == repr(state["state"]):
            return "untouched"
    words = state["state"].get("key") if state["bit_generator"] == "MT19937" else None
    if words is not None and _of_a_number([int(word) for word in words]):
        return f"seeded with {words[0]}"
    return "moved"


def _of_a_number(words: list[int]) -> bool:
    """Whether MT19937 makes these words of one number, which is the first: init_genrand of mt19937ar.c."""
    return all(
        after == (_KNUTH * (before ^ before >> 30) + index) % 2**32
        for index, (before, after) in enumerate(pairwise(words), 1)
    )


def _controlled_seed() -> int | None:
    """The seed of `samebits run` or `verify --seed` in this process."""
    from samebits.control.process_key import ProcessKey

    text = os.environ.get(VARIABLE) or (environment() or {}).get(VARIABLE)
    try:
        return ProcessKey.from_environment(text).control.seed if text else None
    except (ValueError, KeyError, TypeError):
        return None


def _attached() -> dict[str, Any]:
    """Whether samebits started this process, and whether its children will be attached as it is."""
    start = environment() or {}
    names = [name for name in (PLAN, VARIABLE) if name in start or name in os.environ]
    if not names:
        return {"under": None}
    return {
        "under": "verify or record" if PLAN in names else "run",
        "path": BOOTSTRAP in os.environ.get("PYTHONPATH", "").split(os.pathsep),
        "order": all(name in os.environ for name in names),
    }


def _tools() -> dict[str, Any]:
    from samebits._runtime import native
    from samebits.observe import observer

    compiler = native.CXX.compiler()
    if observer.in_python():
        return {"compiler": compiler, "observer": "asked", "refused": "SAMEBITS_OBSERVER=python asks for it"}
    if observer.is_built():
        return {"compiler": compiler, "observer": "compiled"}
    if compiler is not None:
        return {"compiler": compiler, "observer": "to be compiled"}
    return {"compiler": None, "observer": "none", "refused": "there is no C++ compiler on the path"}


def _flags() -> list[str]:
    """What instructions the processor has, as Linux calls them; none where that cannot be read."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
            return next((line.partition(":")[2].split() for line in file if line.startswith("flags")), [])
    except OSError:
        return []


def _smt() -> bool:
    """Whether two threads of the machine share a core."""
    try:
        with open("/sys/devices/system/cpu/smt/active", encoding="ascii") as file:
            return file.read().strip() == "1"
    except OSError:
        return False


def _packages() -> dict[str, str]:
    from importlib import metadata

    found = {}
    for name in _BESIDE_TORCH:
        with suppress(metadata.PackageNotFoundError):
            found[name] = metadata.version(name)
    return found
