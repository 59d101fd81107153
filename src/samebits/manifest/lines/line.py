"""One line of the doctor, and the facts that it is judged by: the rows of a manifest, asked in few words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from samebits.manifest.flags import DEFAULTS

#: "breaks": two runs of one program may differ here, or what was asked for is not in force.  "fragile": two
#: runs here agree, and hang on the machine or on what the program happens to use.
Judgement = Literal["breaks", "fragile", "fine"]
#: The worst first.
JUDGEMENTS: Final[tuple[Judgement, ...]] = ("breaks", "fragile", "fine")


@dataclass(frozen=True, slots=True)
class DoctorLine:
    """What is in force of one thing.

    Attributes:
        name: of what.
        value: what is in force.
        verdict: whether that is fine.
        why: a sentence.
        mend: the command or the code that mends it; "" where nothing has to be mended, or it is variables.
        exports: variables that mend it, set before the program starts.
    """

    name: str
    value: str
    verdict: Judgement
    why: str
    mend: str = ""
    exports: Mapping[str, str] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """As docs/reference/doctor.schema.json has it."""
        return {
            "name": self.name,
            "value": self.value,
            "verdict": self.verdict,
            "why": self.why,
            "mend": self.mend,
            "exports": dict(self.exports),
        }


class Facts:
    """The rows of a manifest; what is not there is None."""

    def __init__(self, manifest: Mapping[str, Any]) -> None:
        self._rows = manifest

    def section(self, name: str) -> Mapping[str, Any]:
        """A part of the manifest, empty where it is not there."""
        value = self._rows.get(name)
        return value if isinstance(value, Mapping) else {}

    def text(self, name: str) -> str:
        """A row that is in no section."""
        return str(self._rows.get(name, "not known"))

    @property
    def knows_the_start(self) -> bool:
        """Whether it is known what variables were as the process started."""
        return "started" in self._rows

    def row(self, section: str, key: str) -> Any:
        """One row."""
        return self.section(section).get(key)

    def flag(self, name: str) -> Any:
        """A switch of torch's, by its name in the manifest; torch's default where its part is not loaded."""
        return self.section("flags").get(name, DEFAULTS.get(name))

    def variable(self, name: str) -> str | None:
        """A variable as it is now."""
        value = self.row("variables", name)
        return value if isinstance(value, str) else None

    def late(self, name: str) -> bool:
        """Whether a variable was changed after the process started."""
        return name in self.section("started")

    def at_start(self, name: str) -> str | None:
        """A variable as the process was given it."""
        value = self.section("started").get(name) if self.late(name) else self.variable(name)
        return value if isinstance(value, str) else None

    @property
    def torch(self) -> bool:
        """Whether the process has imported torch."""
        return bool(self.section("torch"))

    @property
    def gpu(self) -> bool:
        """Whether this torch can use a GPU of this machine."""
        built = self.row("torch", "cuda") is not None or self.row("torch", "hip") is not None
        hidden = self.variable("CUDA_VISIBLE_DEVICES") in ("", "-1")
        return built and bool(self._rows.get("accelerators")) and not hidden

    @property
    def gpu_started(self) -> bool:
        """Whether this process has begun to use it."""
        devices = self._rows.get("accelerators")
        return self.gpu and isinstance(devices, list) and any("memory" in device for device in devices)

    @property
    def without_gpu(self) -> str:
        """Why nothing that concerns a GPU is in force."""
        if self.row("torch", "cuda") is None and self.row("torch", "hip") is None:
            return "not in force: this torch is built without a GPU"
        return "not in force: there is no GPU here"

    @property
    def deterministic(self) -> bool:
        """Whether torch is asked for deterministic algorithms, and raises where it has none."""
        return self.flag("deterministic_algorithms") is True and self.flag("deterministic_warn_only") is False


def said(value: object) -> str:
    """A value as it is shown: "on", "off", "not set", else itself."""
    if isinstance(value, bool):
        return "on" if value else "off"
    return "not set" if value is None else str(value)
