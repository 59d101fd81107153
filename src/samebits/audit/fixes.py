"""Mends what can be mended: in memory, round by round, until nothing more can be; then the files are written.

Each round audits what the one before made.  So a fix that brings a finding of its own is seen, and one that
does not take its finding away is taken back.  What is done is the same in every process, and doing it again
changes nothing.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from samebits._runtime.whole import write_there
from samebits.audit.engine import Audit, Unread, in_order, joined
from samebits.audit.mender import Mender
from samebits.audit.one_file import FileOutcome, audited
from samebits.audit.texts import Texts
from samebits.causes._edits import UnclearPlace
from samebits.model.finding import Finding

_ROUNDS: Final = 50
_NO_HELP: Final = "its fix leaves what was found"
_Key = tuple[str, str]  # file, rule


@dataclass(frozen=True, slots=True)
class Unmended:
    """A finding that has a fix which could not be made, and why."""

    finding: Finding
    why: str


@dataclass(frozen=True, slots=True)
class Mended:
    """What came of mending.

    Attributes:
        audit: of the files as they are then.
        files: of those that change, what they held and what they hold.
        made: by file, how many findings were mended.
        before: of the files as they were.
        left: what could not be.
    """

    audit: Audit
    files: Mapping[str, tuple[bytes, bytes]]
    made: Mapping[str, int]
    left: tuple[Unmended, ...]
    before: Audit

    def written(self) -> Mended:
        """Write the files: what could not be written is as it was, and among what was not read."""
        failed = write(self.files)
        if not failed:
            return self
        names = {each.file for each in failed}
        findings = [each for each in self.audit.findings if _file_of(each) not in names]
        findings += [each for each in self.before.findings if _file_of(each) in names]
        return replace(
            self,
            audit=replace(
                self.audit,
                findings=tuple(sorted(findings, key=in_order)),
                unread=(*self.audit.unread, *failed),
            ),
            files={file: data for file, data in self.files.items() if file not in names},
            made={file: count for file, count in self.made.items() if file not in names},
        )


class _Files:
    """The files of an audit while they are mended."""

    def __init__(
        self,
        outcomes: Sequence[FileOutcome],
        rules: Collection[str],
        texts: Texts,
        reported: Callable[[Audit], Audit],
        unsafe: bool,
    ) -> None:
        self.outcomes = {outcome.file: outcome for outcome in outcomes}
        self.originals: dict[str, bytes] = {}
        self.given_up: dict[_Key, str] = {}
        self.left: list[Unmended] = []  # of the last round
        self.made: Counter[str] = Counter()
        self._rules, self._texts, self._reported, self._unsafe = rules, texts, reported, unsafe

    def audit(self) -> Audit:
        return self._reported(joined(list(self.outcomes.values()), self._rules))

    def to_mend(self, audit: Audit) -> dict[str, list[Finding]]:
        """By file, the findings whose fix is to be made."""
        found: dict[str, list[Finding]] = {}
        for finding in audit.findings:
            hit = finding.hit
            if hit is None or hit.mend is None or not (hit.safe or self._unsafe):
                continue
            if (hit.place.file, finding.cause) not in self.given_up:
                found.setdefault(hit.place.file, []).append(finding)
        return found

    def read_again(self, files: Collection[str]) -> None:
        """What is mended must be what was audited: files may have changed, or come from a cache."""
        for file in files:
            data = self._texts.data(file)
            if data is not None:
                self.outcomes[file] = audited(data, file)
                self.originals[file] = data

    def round(self, before: Audit) -> Audit | None:
        """Mend every file once; None where nothing was."""
        changed: dict[str, tuple[bytes, FileOutcome, Counter[str]]] = {}
        for file, findings in self.to_mend(before).items():
            done = self._file(file, findings)
            if done:
                changed[file] = done
        if not changed:
            return None
        after = self.audit()
        if worse := self._not_better(changed, before, after):
            for file in worse:
                data, outcome, _ = changed[file]
                self._texts.put(file, data)
                self.outcomes[file] = outcome
            after = self.audit()
        for file, (_, _, rules) in changed.items():
            self.made[file] += 0 if file in worse else rules.total()
        return after

    def _file(self, file: str, findings: Sequence[Finding]) -> tuple[bytes, FileOutcome, Counter[str]] | None:
        """Mend one file; what it was, and how often each rule's fix was made."""
        data, source = self._texts.data(file), self._texts.source(file)
        if file not in self.originals:
            self.read_again([file])
        if data is None or source is None:
            return None
        of = {id(finding.hit): finding for finding in findings}
        mender = Mender(source)
        edits, made, left = mender.together([finding.hit for finding in findings if finding.hit is not None])
        self.left += [Unmended(of[id(hit)], why) for hit, why in left]
        if not made:
            return None
        try:
            new = mender.changed(data, edits)
        except UnclearPlace as error:
            self.given_up |= {(file, of[id(hit)].cause): str(error) for hit in made}
            return None
        was = self.outcomes[file]
        self.outcomes[file] = audited(new, file)
        self._texts.put(file, new)
        return data, was, Counter(of[id(hit)].cause for hit in made)

    def _not_better(
        self, changed: Mapping[str, tuple[bytes, FileOutcome, Counter[str]]], before: Audit, after: Audit
    ) -> list[str]:
        """The files in which a rule finds as much as before its fixes; they are not tried again."""
        old, new = _counted(before), _counted(after)
        worse = []
        for file, (_, was, rules) in changed.items():
            is_now = self.outcomes[file]
            broken = is_now.error is not None or len(is_now.left_out) > len(was.left_out)
            idle = [rule for rule in rules if broken or new[file, rule] >= old[file, rule]]
            if idle:
                worse.append(file)
                self.given_up |= {(file, rule): _NO_HELP for rule in idle}
        return worse

    def unmended(self, audit: Audit) -> tuple[Unmended, ...]:
        """What could not be mended of what is found at the end."""
        given_up = [
            Unmended(finding, why)
            for finding in audit.findings
            if finding.hit is not None and finding.hit.mend is not None
            if (finding.hit.safe or self._unsafe)
            if (why := self.given_up.get((finding.hit.place.file, finding.cause))) is not None
        ]
        return (*self.left, *given_up)


def _file_of(finding: Finding) -> str | None:
    return None if finding.hit is None else finding.hit.place.file


def _counted(audit: Audit) -> Counter[_Key]:
    return Counter(
        (finding.hit.place.file, finding.cause) for finding in audit.findings if finding.hit is not None
    )


def mend(
    outcomes: Sequence[FileOutcome],
    rules: Collection[str],
    texts: Texts,
    reported: Callable[[Audit], Audit],
    *,
    unsafe: bool = False,
) -> Mended:
    """Mend files in memory.

    Args:
        outcomes: every file by itself.
        rules: the names of those that run.
        texts: hold what was read, and then what was made of it.
        reported: what of an audit is reported; nothing else is mended.
        unsafe: whether fixes that change what the program computes are made too.
    """
    files = _Files(outcomes, rules, texts, reported, unsafe)
    audit = files.audit()
    if wanted := files.to_mend(audit):
        files.read_again(wanted)
        audit = files.audit()
    before = audit
    for _ in range(_ROUNDS):
        files.left.clear()
        after = files.round(audit)
        if after is None:
            break
        audit = after
    changed = {
        file: (data, new)
        for file, data in files.originals.items()
        if (new := texts.data(file)) is not None and new != data
    }
    return Mended(audit, changed, files.made, files.unmended(audit), before)


def write(files: Mapping[str, tuple[bytes, bytes]]) -> list[Unread]:
    """Write files that were mended, each in one step and with its mode; those that could not be.

    A file that is not any more what it was when it was read is left as it is.
    """
    failed = []
    for file, (before, after) in files.items():
        path = os.path.realpath(file)
        try:
            with open(path, "rb") as opened:
                same = opened.read() == before
            if same:
                write_there(Path(path), after)
            else:
                failed.append(Unread(file, None, "was changed while it was audited, and is left as it is"))
        except OSError as error:
            failed.append(Unread(file, None, f"cannot be written: {error.strerror or error}"))
    return failed
