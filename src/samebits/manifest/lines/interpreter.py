"""Lines of the interpreter: its hash secret, generators and packages, and whether children are attached."""

from __future__ import annotations

import re
from typing import Final

from samebits.manifest.lines.line import DoctorLine, Facts

_HASH: Final = "PYTHONHASHSEED"
_SECRETS: Final = 2**32
#: torchvision 0.15 was made for torch 2.0, and each minor version since for the next one.
_VISION_OFFSET: Final = 15


def hash_seed(facts: Facts) -> DoctorLine | None:
    """Python reads the variable as it starts, and never again."""
    randomized = facts.row("hash", "randomized")
    if randomized is None:
        return None
    # Where the start cannot be looked at, the interpreter was asked.
    number = _secret(facts.at_start(_HASH)) if facts.knows_the_start else facts.row("hash", "seed")
    if facts.row("hash", "environment_ignored"):
        number = None
    if not randomized:
        number = 0
    late = facts.late(_HASH)
    if number is not None:
        now = _secret(facts.variable(_HASH))
        told = ""
        if late and now is None:
            return DoctorLine(
                "hash-seed", f"fixed, {number}; random in children", "fragile",
                f"{_HASH} was taken away or changed after the start: a Python that this process starts has a "
                "random hash secret.",
                f'os.environ["{_HASH}"] = "{number}"',
            )  # fmt: skip
        if late and now != number:
            told = (
                f"; {_HASH}={now} was set after the start: no effect here, but Pythons it starts have {now}"
            )
        return DoctorLine(
            "hash-seed",
            f"fixed, {number}{told}",
            "fine",
            "Sets of strings have one order, for the hash secret was given before the interpreter started.",
        )
    why = (
        f"{_HASH} was set after the interpreter had started, which has no effect on it: the order of a set "
        "of strings differs from run to run."
        if late and _secret(facts.variable(_HASH)) is not None
        else "The interpreter started with a random hash secret: the order of a set of strings differs from "
        "run to run."
    )
    return DoctorLine(
        "hash-seed", "random", "breaks", why,
        "samebits.ensure_hash_seed()  # first in the program: it starts again", {_HASH: "0"},
    )  # fmt: skip


def _secret(text: str | None) -> int | None:
    if text is None or not (text.isascii() and text.isdigit()) or int(text) >= _SECRETS:
        return None
    return int(text)


def python_generator(facts: Facts) -> DoctorLine | None:
    """Python's generator does not show what it was seeded with."""
    if "controlled" not in facts.section("generators"):
        return None
    if facts.row("generators", "controlled"):
        return _seeded("python-generator", "seeded by samebits as the process started")
    return _by_samebits(facts, "python") or _not_known(
        "python", "Python's `random` begins with entropy, and does not show whether a seed has replaced it."
    )


def numpy_generator(facts: Facts) -> DoctorLine | None:
    """numpy's legacy generator keeps the entropy that it began with until somebody seeds it."""
    name, state = "numpy-generator", facts.row("generators", "numpy")
    if "controlled" not in facts.section("generators"):
        return None
    if facts.row("generators", "controlled"):
        return _seeded(name, "seeded by samebits as it is loaded")
    if (line := _by_samebits(facts, "numpy")) is not None:
        return line
    if state is None:
        return DoctorLine(name, "numpy is not loaded", "fine", "The process has not imported numpy.random.")
    if state == "untouched":
        return DoctorLine(
            name, "not seeded", "fragile",
            "numpy's process-wide generator still has the entropy it began with; what is drawn from it "
            "differs from run to run.",
            _SEED,
        )  # fmt: skip
    if state != "moved":
        return _seeded(name, state)
    return _not_known(
        "numpy",
        "numpy's process-wide generator was drawn from, or seeded with a number or with entropy; it does not "
        "show which.",
    )


def torch_generator(facts: Facts) -> DoctorLine | None:
    """torch's CPU generator begins with 64 bits of entropy, and says with which number it began."""
    seed = facts.row("generators", "torch")
    if seed is None:
        return None
    if facts.row("generators", "controlled"):
        return _seeded("torch-generator", "seeded by samebits as it is loaded")
    if 0 <= seed < _SECRETS:
        return _seeded("torch-generator", f"seeded with {seed}")
    return _by_samebits(facts, "torch") or _not_known(
        "torch",
        "torch's generator has a seed of 64 bits: entropy that it began with, or a derived seed; the number "
        "does not tell which.",
    )


_SEED: Final = "samebits.seed_everything(0)"


def _by_samebits(facts: Facts, name: str) -> DoctorLine | None:
    """The line of a generator that `seed_everything` seeded; None: it did not."""
    told = facts.row("generators", "samebits")
    if not isinstance(told, dict) or name not in told:
        return None
    call = f"samebits.seed_everything({told.get('seed')})"
    if told[name]:
        return _seeded(f"{name}-generator", f"seeded by {call}")
    return _not_known(
        name,
        f"{call} seeded it, and it is not known to be in that stream any more: it was seeded anew, or more "
        "was drawn than can be followed.",
    )


def _not_known(name: str, why: str) -> DoctorLine:
    return DoctorLine(f"{name}-generator", "not known", "fragile", why, _SEED)


def _seeded(name: str, value: str) -> DoctorLine:
    return DoctorLine(name, value, "fine", "What is drawn from it is the same in every run.")


def versions(facts: Facts) -> DoctorLine | None:
    """torch and what is built for one version of it."""
    libraries = facts.section("libraries")
    torch = libraries.get("torch")
    shown = [f"{name} {libraries[name]}" for name in ("torch", "numpy") if name in libraries]
    value = ", ".join([f"Python {facts.text('python')}", *shown])
    if torch is None:
        return None
    mixed = []
    for name in ("torchvision", "torchaudio"):
        other = libraries.get(name) or facts.row("packages", name)
        if isinstance(other, str) and not _made_for(name, other, str(torch)):
            mixed.append(f"{name} {other}")
    if mixed:
        return DoctorLine(
            "versions", f"{value}, {', '.join(mixed)}", "fragile",
            f"{' and '.join(mixed)} was built for another torch: its operations may fail, or be others.",
            "pip install --upgrade --force-reinstall torch torchvision  # both from one index",
        )  # fmt: skip
    return DoctorLine("versions", value, "fine", "A run elsewhere has to have the same ones.")


def _made_for(name: str, version: str, torch: str) -> bool:
    """Whether a version of torchvision or torchaudio goes with one of torch; True where it cannot be said."""
    ours, theirs = (re.match(r"(\d+)\.(\d+)[^+]*(?:\+(\w+))?", text) for text in (torch, version))
    if ours is None or theirs is None or ours[1] != "2":
        return True
    if (
        ours[3] and theirs[3] and ours[3] != theirs[3]
    ):  # built for CPU and for CUDA, or for two versions of that
        return False
    if name == "torchvision":
        return theirs[1] != "0" or int(theirs[2]) == int(ours[2]) + _VISION_OFFSET
    return (theirs[1], theirs[2]) == (ours[1], ours[2])


def children(facts: Facts) -> DoctorLine | None:
    """Under samebits a folder on PYTHONPATH attaches child Pythons, and a variable says what to do."""
    told = facts.section("attached")
    if not told:
        return None
    if not told.get("under"):
        return DoctorLine(
            "children", "not under samebits", "fine",
            "Not in force: this process was not started by samebits run, verify or record.",
        )  # fmt: skip
    if told.get("path") and told.get("order"):
        return DoctorLine(
            "children", f"attached to samebits {told['under']}", "fine",
            "Python processes that this one starts are controlled or observed as it is.",
        )  # fmt: skip
    lost = "PYTHONPATH" if not told.get("path") else "samebits' own variables"
    return DoctorLine(
        "children", "not attached", "breaks",
        f"The program has taken {lost} away, so Python processes that it starts are neither controlled nor "
        "observed.",
        "env = {**os.environ, ...}  # give children the variables of this process",
    )  # fmt: skip


LINES: Final = (hash_seed, python_generator, numpy_generator, torch_generator, versions, children)
