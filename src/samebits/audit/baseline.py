"""Findings that are known and not reported again: by rule, file, the text of the line, and which of its kind.

Line numbers are not kept, so a baseline holds while lines are moved.  Files are named from the baseline's own
folder, so it holds wherever the command is started.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

from samebits.audit.texts import Texts
from samebits.errors import UsageError
from samebits.model.finding import Finding

FORMAT: Final = "samebits.audit-baseline"
VERSION: Final = 1
_LARGEST: Final = 64 << 20


class KnownFinding(NamedTuple):
    """One finding as a baseline keeps it; `occurrence` counts those that are otherwise alike, from 1."""

    rule: str
    file: str
    text: str
    occurrence: int


@dataclass(frozen=True, slots=True)
class Baseline:
    """The findings of a file, which lies in a folder.

    Attributes:
        folder: files are named from there.
        known: the findings.
        places: of those that name other places with the same fault, how many: with more, they are reported.
    """

    folder: Path
    known: frozenset[KnownFinding]
    places: frozenset[tuple[KnownFinding, int]] = frozenset()

    @classmethod
    def read(cls, path: Path) -> Baseline:
        """A baseline's file.

        Raises:
            UsageError: it is none.
        """
        try:
            with open(path, "rb") as file:
                data = file.read(_LARGEST)
            document = json.loads(data)
            if document["format"] != FORMAT or document["version"] != VERSION:
                raise UsageError(f"{path} is no baseline of this samebits: it has another format or version.")
            known = {
                KnownFinding(
                    str(one["rule"]), str(one["file"]), str(one["text"]), int(one["occurrence"])
                ): int(one["places"]) if "places" in one else None
                for one in document["findings"]
            }
        except FileNotFoundError as error:
            raise UsageError(
                f"there is no baseline {str(path)!r}; `samebits audit --write-baseline {path}` writes one."
            ) from error
        except OSError as error:
            raise UsageError(f"{path} cannot be read: {error.strerror or error}.") from error
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            if isinstance(error, UsageError):
                raise
            raise UsageError(f"{path} is no baseline: it has no list of findings as one has.") from error
        places = frozenset((one, number) for one, number in known.items() if number is not None)
        return cls(Path(os.path.abspath(path)).parent, frozenset(known), places)

    @staticmethod
    def checked_place(path: Path) -> None:
        """That a baseline may be written to a path: there is no file, an empty one, or a baseline.

        Raises:
            UsageError: another file is there, which would be lost.
        """
        if not path.is_file():
            return
        with suppress(OSError, ValueError, RecursionError):
            data = path.read_bytes()
            if not data.strip():
                return
            document = json.loads(data)
            if isinstance(document, dict) and document.get("format") == FORMAT:
                return
        raise UsageError(f"{path} is there and is no baseline; it is left as it is: give another name.")

    @classmethod
    def of(cls, path: Path, findings: Sequence[Finding], texts: Texts) -> Baseline:
        """What a file at this path keeps of findings."""
        folder = Path(os.path.abspath(path)).parent
        known = keys(findings, texts, folder)
        places = zip(known, map(_places, findings), strict=True)
        return cls(folder, frozenset(known), frozenset(places))

    def data(self) -> bytes:
        """The bytes of the baseline's file."""
        places = {one: {"places": number} for one, number in self.places}
        rows: list[dict[str, Any]] = [
            one._asdict() | places.get(one, {}) for one in sorted(self.known, key=_order)
        ]
        document = {"format": FORMAT, "version": VERSION, "findings": rows}
        return f"{json.dumps(document, indent=1, ensure_ascii=False)}\n".encode(errors="surrogatepass")

    def new(self, findings: Sequence[Finding], texts: Texts) -> list[Finding]:
        """The findings that are not in it, or that name more places than there."""
        of = zip(findings, keys(findings, texts, self.folder), strict=True)
        places = dict(self.places)
        return [
            finding
            for finding, key in of
            if key not in self.known or _places(finding) > places.get(key, _places(finding))
        ]

    def gone(
        self, findings: Sequence[Finding], texts: Texts, rules: Collection[str], files: Collection[str]
    ) -> list[KnownFinding]:
        """Those in it that were looked for, by these rules in these files, and are not found any more."""
        found = set(keys(findings, texts, self.folder))
        audited = {_named(file, self.folder) for file in files}
        return [
            one
            for one in sorted(self.known - found, key=_order)
            if one.rule in rules and (one.file in audited or not (self.folder / one.file).exists())
        ]


def keys(findings: Sequence[Finding], texts: Texts, folder: Path) -> list[KnownFinding]:
    """How a baseline in a folder keeps findings, which are in order."""
    counts: Counter[tuple[str, str, str]] = Counter()
    found = []
    for finding in findings:
        assert finding.hit is not None
        place = finding.hit.place
        text = texts.line(place.file, place.line).strip()
        kind = (finding.cause, _named(place.file, folder), text)
        counts[kind] += 1
        found.append(KnownFinding(*kind, counts[kind]))
    return found


def _places(finding: Finding) -> int:
    return 0 if finding.hit is None else len(finding.hit.places)


def _named(file: str, folder: Path) -> str:
    return os.path.relpath(os.path.abspath(file), folder).replace(os.sep, "/")


def _order(one: KnownFinding) -> tuple[str, str, str, int]:
    return one.file, one.rule, one.text, one.occurrence
