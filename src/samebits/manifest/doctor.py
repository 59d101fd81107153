"""What a manifest's rows mean for bits: a line each, judged, with what mends it.

The manifest is the one source of facts: this file and the lines below it read nothing else.  So a record's
manifest can be judged as well as a process's, on another machine and without torch.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from samebits._runtime.markup import card
from samebits.manifest.lines import LINES
from samebits.manifest.lines.line import JUDGEMENTS, DoctorLine, Facts, Judgement


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What is in force in a process, line by line.

    Attributes:
        lines: in the order in which they are shown.
        manifest: the rows that they were judged by.
    """

    lines: tuple[DoctorLine, ...]
    manifest: Mapping[str, Any]

    @property
    def verdict(self) -> Judgement:
        """The worst of all lines."""
        found = {line.verdict for line in self.lines}
        return next((one for one in JUDGEMENTS if one in found), "fine")

    @property
    def exit_status(self) -> int:
        """1 if something breaks, else 0."""
        return 1 if self.verdict == "breaks" else 0

    @property
    def headline(self) -> str:
        """In a sentence, how many lines are what."""
        counts = {one: sum(line.verdict == one for line in self.lines) for one in JUDGEMENTS}
        if self.verdict == "fine":
            return f"all {len(self.lines)} lines are fine"
        of = f"of {len(self.lines)} lines"
        breaks, fragile = counts["breaks"], counts["fragile"]
        if not breaks:
            return f"{fragile} {of} {'is' if fragile == 1 else 'are'} fragile"
        more = f", {fragile} {'is' if fragile == 1 else 'are'} fragile" if fragile else ""
        return f"{breaks} {of} {'breaks' if breaks == 1 else 'break'}{more}"

    def __getitem__(self, name: str) -> DoctorLine:
        """The line of a name.

        Raises:
            KeyError: there is none.
        """
        return {line.name: line for line in self.lines}[name]

    def exports(self) -> dict[str, str]:
        """The variables that mend what is not fine, for the next process."""
        return {name: value for line in self.lines for name, value in line.exports.items()}

    def shell(self) -> str:
        """`exports` as lines for a POSIX shell."""
        return "".join(f"export {name}={shlex.quote(value)}\n" for name, value in self.exports().items())

    def as_json(self) -> dict[str, Any]:
        """The document of docs/reference/doctor.schema.json."""
        return {
            "format": "samebits.doctor",
            "version": 1,
            "verdict": self.verdict,
            "lines": [line.as_json() for line in self.lines],
            "exports": self.exports(),
        }

    def __str__(self) -> str:
        """As plain text, a line each; what is not fine with the reason."""
        width = max((len(line.name) for line in self.lines), default=0)
        rows = [f"{self.verdict}: {self.headline}"]
        for line in self.lines:
            rows.append(f"{line.verdict:<8}{line.name:<{width}}  {line.value}")
            if line.verdict != "fine":
                rows.append(f"{'':<8}{'':<{width}}  {line.why}")
        return "\n".join(rows)

    def _repr_html_(self) -> str:
        """For notebooks."""
        rows = [(f"{line.verdict}  {line.name}", f"{line.value}\n{line.why}") for line in self.lines]
        return card(self.verdict, self.headline, rows)


def judged(manifest: Mapping[str, Any]) -> Diagnosis:
    """The lines that the rows of a manifest allow; one of another version of samebits has fewer."""
    facts = Facts(manifest)
    lines = (line(facts) for line in LINES)
    return Diagnosis(tuple(line for line in lines if line is not None), manifest)
