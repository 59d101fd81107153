"""Random streams that are one and the same within a run, where each should differ: what is said of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from samebits.model.sites import Site

Kind = Literal["workers", "epochs", "ranks", "processes", "restarts"]

_SHOWN: Final = 3  # names of processes
_NAMES: Final[Mapping[str, str]] = {
    "python": "Python's random",
    "numpy": "numpy's global generator",
    "torch": "torch's generator",
    "torch:cpu": "torch's generator",
    "torch:cuda": "torch's generator of the GPU",
}
_REPEATS: Final[Mapping[Kind, str]] = {
    "workers": "from worker to worker",
    "epochs": "from epoch to epoch",
    "ranks": "from rank to rank",
    "processes": "from process to process",
    "restarts": "from one start to the next",
}


@dataclass(frozen=True, slots=True)
class Twins:
    """Random streams that give the same numbers.

    Attributes:
        kind: between what they repeat.
        generator: "python", "numpy", "torch" of the process itself, "torch:cuda", or the type of an object.
        processes: their keys; one, where a process gives its own generator one state again and again.
        site: the line that draws; None where only the states were seen.
        draws: so many draws of each stream are known to be equal.
        groups: of how many streams this is said; each is of streams that are equal among themselves.
        seeded: of a generator that is given one state again and again, the line that does it.
        epochs: of workers, whether they also repeat from epoch to epoch.
    """

    kind: Kind
    generator: str
    processes: tuple[str, ...]
    site: Site | None
    draws: int
    groups: int = 1
    seeded: Site | None = None
    epochs: bool = False

    def sentence(self) -> str:
        """The finding in one sentence, without a full stop."""
        of = _NAMES.get(self.generator, f"a {self.generator}")
        count = len(self.processes)
        names = ", ".join(self.processes[:_SHOWN]) + (", ..." if count > _SHOWN else "")
        processes = f"{count} worker processes ({names})"
        state = "one state" if self.groups == 1 or self.seeded else f"{self.groups} states"
        if self.kind == "restarts":
            said = f"{names} went on with the state of {of} that the first run began with"
        elif self.kind == "epochs" and (self.seeded is not None or count == 1):
            said = f"{state} of {of} was given again and again{_at(self.seeded)}"
            said += f", in {count} processes ({names})," if count > 1 else ""
        elif self.kind == "ranks" and all("/" not in name for name in self.processes):
            said = f"{count} ranks ({names}) trained with {state} of {of}"
        else:
            said = f"{processes} began with {state} of {of}"
        tail = f"they repeat {_REPEATS[self.kind]}" + (" and from epoch to epoch" if self.epochs else "")
        return f"{said} and drew the same numbers{_at(self.site)}: {tail}"

    def as_json(self) -> dict[str, Any]:
        """The finding for a program to read."""
        return {
            "kind": self.kind,
            "generator": self.generator,
            "processes": list(self.processes),
            "site": _of_site(self.site),
            "draws": self.draws,
            "groups": self.groups,
            "seeded": _of_site(self.seeded),
            "epochs": self.epochs,
            "sentence": self.sentence(),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Twins:
        """The finding that a document holds."""
        site, seeded = (Site(**data[name]) if data[name] else None for name in ("site", "seeded"))
        rest: dict[str, Any] = {
            name: data[name] for name in ("kind", "generator", "draws", "groups", "epochs")
        }
        return cls(processes=tuple(data["processes"]), site=site, seeded=seeded, **rest)


def _of_site(site: Site | None) -> dict[str, Any] | None:
    return {"file": site.file, "line": site.line, "function": site.function} if site else None


def _at(site: Site | None) -> str:
    return f" at {site.file}:{site.line}" if site else ""
