"""What to observe in every process of one run: made by who starts it, handed to each process as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Final

#: The variable that holds the plan.
PLAN: Final = "SAMEBITS_PLAN"
#: How a run is cut short: by SIGTERM, by SIGKILL, by an exit of its own, by SIGKILL while it saves.
KILLS: Final = ("term", "kill", "end", "save")


@dataclass(frozen=True, slots=True)
class Plan:
    """What to observe in every process of one run.

    ``schedule``: by process key, pairs (from step, stride).  From that step on, each step reads every
    stride-th parameter.  None: each process measures what reading costs and makes its own schedule.
    ``zoom``: the first and the last step of which inputs, generator states and outputs are kept, too.
    ``until``: by process key, up to which step operations are recorded at level "auto" (None: to the end).
    None: each process decides by the clock (`observe.opening`).
    ``census``: keep what every object that holds state holds, at each optimizer step (`observe.census`).
    ``kill``: after how many optimizer steps each process ends, and how: one of `KILLS`.
    """

    folder: str
    level: str = "step"  # "op", or "auto": operations as long as that is cheap, then steps
    steps: int | None = None  # stop after this many optimizer steps
    zoom: tuple[int, int] | None = None  # first and last step
    capture_bytes: int = 0  # of outputs, kept at most
    schedule: Mapping[str, Sequence[tuple[int, int]]] | None = None
    until: Mapping[str, int | None] | None = None
    rewrite: bool = True  # rewrite user code, so that it reports facts
    draws: str | None = None  # the file that sees draws at the generator (`usercode.drawn`)
    census: bool = False
    kill: tuple[int, str] | None = None

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Plan:
        data = json.loads(text)
        if data.get("zoom"):
            data["zoom"] = tuple(data["zoom"])
        if data.get("kill"):
            data["kill"] = tuple(data["kill"])
        return cls(**data)
