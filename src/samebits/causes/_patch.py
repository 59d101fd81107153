"""All files of a program that one finding changes, and what a cause's `mend` is made of."""

from __future__ import annotations

import os.path
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from samebits.causes._edits import Draft, UnclearPlace
from samebits.causes._source import text_of
from samebits.model.cause import Evidence
from samebits.model.finding import Edit, Finding
from samebits.model.sites import Site


class InWords(Exception):
    """The fix is not for a tool to make; its text is what a person does, made for the place."""


@dataclass(slots=True)
class Patch:
    """All changes that one finding makes of a program."""

    evidence: Evidence
    site: Site | None = None  # the finding's
    drafts: dict[str, Draft] = field(default_factory=dict)
    fixed: int = 0  # how many seeds were fixed numbers, so that each is another

    def draft(self, site: Site | None) -> Draft:
        """The file of a site."""
        text = text_of(self.evidence, site)
        if site is None or text is None:
            raise UnclearPlace("the source is not known")
        return self._opened(site.file, text)

    def _opened(self, file: str, text: str) -> Draft:
        if file not in self.drafts:
            try:
                self.drafts[file] = Draft(file, text)
            except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
                raise UnclearPlace("the source cannot be read") from error
        return self.drafts[file]

    def program(self) -> Draft:
        """The file that was started; where that is none of them (a runner of tests), the finding's."""
        sources, named = self.evidence.sources, os.path.normpath(self.evidence.program or ".")
        for file, text in sources.items():
            if named != "." and (file == named or named.endswith("/" + file) or file.endswith("/" + named)):
                return self._opened(file, text)
        started = [file for file, text in sources.items() if "__main__" in text]
        chosen = started or list(sources)
        if len(chosen) != 1:
            return self.draft(self.site)
        return self._opened(chosen[0], sources[chosen[0]])

    def every(self) -> Iterator[Draft]:
        """Every file of the program that can be read."""
        for file, text in self.evidence.sources.items():
            try:
                yield self._opened(file, text)
            except UnclearPlace:
                continue

    @property
    def changed(self) -> bool:
        return any(draft.changed for draft in self.drafts.values())

    def edits(self) -> tuple[Edit, ...]:
        found: list[Edit] = []
        for draft in self.drafts.values():
            made = draft.edits() if draft.changed else ()
            if not made and draft.changed:  # one file alone would be half a fix
                return ()
            found.extend(made)
        return tuple(sorted(found, key=lambda edit: (edit.file, edit.line)))

    def told(self, edits: tuple[Edit, ...], site: Site | None) -> str:
        """The edits as a person pastes them: the new lines, and where they go if that is not one place."""
        parts: list[tuple[str, list[str]]] = []
        last: Edit | None = None  # replaced whole lines
        for edit in edits:
            old, new = self.drafts[edit.file].lines[edit.line - 1], edit.replacement.split("\n")
            where, go_on = f"{edit.file}:{edit.line}", False
            if len(new) > 1 and old == new[0]:
                where, new, last = f"{edit.file}, after line {edit.line}", new[1:], None
            elif len(new) > 1 and old == new[-1]:
                where, new, last = f"{edit.file}, before line {edit.line}", new[:-1], None
            else:
                go_on = last is not None and (last.file, last.line + 1) == (edit.file, edit.line)
                last = edit
            if go_on:
                parts[-1][1].extend(new)
            else:
                parts.append((where, new))
        if len(parts) == 1 and site is not None and parts[0][0] == f"{site.file}:{site.line}":
            return _flush_left(parts[0][1])
        return "\n".join(f"# {where}\n{_flush_left(lines)}" for where, lines in parts)


def _flush_left(lines: list[str]) -> str:
    """Lines without the indentation that they have in common."""
    margin = min((len(text) - len(text.lstrip()) for text in lines if text.strip()), default=0)
    return "\n".join(text[margin:] for text in lines)


Mend = Callable[[Evidence, Finding], Finding]


def mends(change: Callable[[Patch, Finding], str | None]) -> Mend:
    """A cause's `mend`, of what changes the files: it says in a comment what the fix does, or nothing.

    What it cannot change leaves the finding with its general fix.
    """

    def mend(evidence: Evidence, finding: Finding) -> Finding:
        patch = Patch(evidence, finding.site)
        try:
            why = change(patch, finding)
            edits = patch.edits()
        except UnclearPlace as why_not:
            return replace(finding, unclear=str(why_not))
        except InWords as words:
            return replace(finding, fix=str(words))
        if not edits:
            return finding
        text = patch.told(edits, finding.site)
        return replace(finding, fix=f"# {why}\n{text}" if why else text, edits=edits)

    return mend
