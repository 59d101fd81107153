"""Runs the rules of the catalogue over files that are read and never run.

Each file is read by itself (`one_file`), many at a time, or taken from the cache.  Then the files are joined
to a project, over which the other rules run.  What comes out is sorted by place and the same in every
process.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from difflib import get_close_matches
from multiprocessing import parent_process
from multiprocessing.connection import wait
from typing import Final

from samebits.audit import files
from samebits.audit.cache import Cache
from samebits.audit.one_file import FileOutcome, audited, audited_source, without_gc
from samebits.audit.reading import LONGEST, Source, UnreadableSource, read
from samebits.audit.wording import with_cells
from samebits.causes import CATALOGUE
from samebits.errors import UsageError, UsageTypeError
from samebits.model.finding import Finding
from samebits.model.rule import Hit
from samebits.model.sites import Site, at, cell, cell_line
from samebits.source.project import Project

#: So many bytes of source are worth another process.
_WORTH: Final = 600_000
_CHUNK: Final = 8
#: Called with the number of files that are done, and of all.
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Unread:
    """A file, or a cell of a notebook, that could not be read, and why; the line is that of the cell."""

    file: str
    line: int | None
    why: str
    cell: int | None = None

    def __str__(self) -> str:
        return at(self.file if self.cell is None else cell(self.cell, self.file), self.line)


@dataclass(frozen=True, slots=True)
class Audit:
    """What an audit found.

    Attributes:
        findings: by file and line.
        unread: files that could not be read; the others were.
        unused: comments `# samebits: ignore` that nothing was found for, with the names that they give.
        files: how many were read.
        lines: how many they have.
    """

    findings: tuple[Finding, ...]
    unread: tuple[Unread, ...] = ()
    unused: tuple[tuple[Site, tuple[str, ...]], ...] = ()
    files: int = 0
    lines: int = 0


def audit_file(path: str | os.PathLike[str]) -> list[Finding]:
    """What the rules find in one Python file or notebook, by itself.

    Raises:
        UsageTypeError, UsageError: no path; the file cannot be read, decoded or parsed, and where.
    """
    if not isinstance(path, str | os.PathLike):
        raise UsageTypeError(f"audit_file: the path must be a text or a path, got {path!r}")
    source = read(path)
    outcome = audited_source(source)
    for one in _unread(outcome):
        raise UnreadableSource(f"{one} is {one.why}.", one.why, one.line)
    return list(joined([outcome]).findings)


def audit_source(text: str, filename: str = "<text>") -> list[Finding]:
    """Likewise for the text of a file, which `filename` names in what is found.

    Raises:
        UsageError: the text is not Python.
    """
    return list(joined([audited_source(Source(filename, text))]).findings)


def audit_paths(
    paths: Sequence[str | os.PathLike[str]],
    *,
    select: Collection[str] | None = None,
    ignore: Collection[str] = (),
    exclude: Iterable[str] = (),
    jobs: int | None = None,
    cache: bool = True,
    given: tuple[str, bytes] | None = None,
    progress: Progress | None = None,
) -> Audit:
    """What the rules find in files, and in what lies below folders.

    Args:
        paths: of files and folders.
        select: names of the rules that run; by default all but those that are off by themselves.
        ignore: names of rules that do not.
        exclude: patterns of paths that are left out, as of `fnmatch`.
        jobs: how many processes read files; by default as many as there are processors, where it pays.
        cache: whether what was read is kept in the user's cache folder, and taken from there.
        given: one of the files and its bytes, which are not read (an editor's).
        progress: called as files are done.

    Raises:
        UsageError: a path is not there, a rule unknown, or none is left to run.
    """
    rules = chosen(select, ignore)
    with without_gc():
        return joined(read_paths(paths, exclude, jobs, cache, given, progress), rules)


def read_paths(
    paths: Sequence[str | os.PathLike[str]],
    exclude: Iterable[str] = (),
    jobs: int | None = None,
    cache: bool = True,
    given: tuple[str, bytes] | None = None,
    progress: Progress | None = None,
) -> list[FileOutcome]:
    """Every file by itself, for `joined`; the arguments are those of `audit_paths`.

    Raises:
        UsageError: a path is not there.
    """
    wanted, unlisted = files.found(paths, exclude)
    if given is not None and given[0] not in wanted:
        wanted.append(given[0])
    found = _outcomes(wanted, jobs, Cache.of(paths) if cache else Cache(None), given, progress)
    return [*found, *(FileOutcome(one, error=(None, f"cannot be read: {why}")) for one, why in unlisted)]


def chosen(select: Collection[str] | None = None, ignore: Collection[str] = ()) -> frozenset[str]:
    """The names of rules that run.

    Raises:
        UsageError: one is unknown, or none is left.
    """
    known = {name: cause.rule for name, cause in CATALOGUE.items() if cause.rule is not None}
    for name in (*(select or ()), *ignore):
        if name not in known and name != "all":
            raise UsageError(no_rule(name, known))
    if select is None:
        found = {name for name, rule in known.items() if rule.selected}
    else:
        found = set(known) if "all" in select else set(select)
    found -= found if "all" in ignore else set(ignore)
    if not found:
        raise UsageError("no rule is left to run: --select and --ignore leave out all of them.")
    return frozenset(found)


def no_rule(name: str, known: Collection[str] = CATALOGUE) -> str:
    """What to say of a name that no rule has."""
    if name in CATALOGUE:
        return f"{name} is seen in runs alone, not in source; `samebits rule {name}` explains it."
    near = get_close_matches(name.lower().replace("_", "-"), known, 1)
    also = f"did you mean {near[0]}?" if near else "`samebits rule` lists them."
    return f"there is no rule {name!r}; {also}"


def _outcomes(
    wanted: Sequence[str],
    jobs: int | None,
    cache: Cache,
    given: tuple[str, bytes] | None,
    progress: Progress | None,
) -> list[FileOutcome]:
    """Every file by itself, in the order that is wanted."""
    found: dict[str, FileOutcome] = {}
    waiting: list[tuple[str, bytes]] = []
    with without_gc():
        for file in wanted:
            if given is not None and file == given[0]:
                found[file] = audited(given[1], file)
                continue
            try:
                data = _bytes(file)
            except OSError as error:
                found[file] = FileOutcome(file, error=(None, f"cannot be read: {error.strerror or error}"))
                continue
            kept = cache.get(file, data)
            if kept is not None:
                found[file] = kept
            else:
                waiting.append((file, data))
        total, done = len(wanted), len(found)
        made: Iterable[FileOutcome]
        size = sum(len(data) for _, data in waiting)
        processes = min(jobs or os.cpu_count() or 1, 1 + size // _WORTH)
        if processes > 1:
            largest = sorted(waiting, key=lambda one: -len(one[1]))
            with ProcessPoolExecutor(processes, initializer=_tethered) as pool:
                made = pool.map(_audited, largest, chunksize=_CHUNK)
                for (file, data), outcome in zip(largest, made, strict=True):
                    done = _keep(found, cache, file, data, outcome, done, total, progress)
        else:
            for file, data in waiting:
                done = _keep(found, cache, file, data, _audited((file, data)), done, total, progress)
    cache.write()
    return [found[file] for file in wanted]


def _tethered() -> None:
    """Let a process of the pool end with the one that started it, also where that is killed."""
    parent = parent_process()
    if parent is not None:
        threading.Thread(target=_follow, args=(parent.sentinel,), name="samebits-tether", daemon=True).start()


def _follow(sentinel: int) -> None:
    wait([sentinel])
    os._exit(1)


def _bytes(file: str) -> bytes:
    with open(file, "rb") as opened:
        return opened.read(LONGEST + 1)


def _audited(one: tuple[str, bytes]) -> FileOutcome:
    with without_gc():
        return audited(one[1], one[0])


def _keep(
    found: dict[str, FileOutcome],
    cache: Cache,
    file: str,
    data: bytes,
    outcome: FileOutcome,
    done: int,
    total: int,
    progress: Progress | None,
) -> int:
    found[file] = outcome
    cache.put(file, data, outcome)
    if progress is not None:
        progress(done + 1, total)
    return done + 1


# -- together


def joined(outcomes: Sequence[FileOutcome], rules: Collection[str] | None = None) -> Audit:
    """What was found in files by themselves, and what is found in them together."""
    rules = chosen() if rules is None else rules
    by_file = {outcome.file: outcome for outcome in outcomes}
    notebooks = {outcome.file: outcome.cells for outcome in outcomes if outcome.cells is not None}
    project = Project(outcome.summary for outcome in outcomes if outcome.summary is not None)
    hits = [(name, hit) for outcome in outcomes for name, hit in outcome.hits if name in rules]
    for name in sorted(rules):
        rule = CATALOGUE[name].rule
        if rule is not None and rule.confirm is not None:
            found = [hit for of, hit in hits if of == name]
            hits = [one for one in hits if one[0] != name]
            hits += [(name, hit) for hit in (rule.confirm(project, found) if found else ())]
        if rule is not None and rule.project is not None:
            hits += [(name, hit) for hit in rule.project(project)]
    used: dict[str, set[tuple[int, str]]] = {}
    findings: dict[tuple[Site, str], Finding] = {}
    for name, hit in hits:
        if _is_mended(project, hit):
            continue
        outcome = by_file[hit.place.file]
        for place in (hit.place, *hit.instead):
            lines = {place.line, place.end_line}
            silent = {line for line in lines if outcome.ignores.hides(line, name)}
            if not silent:
                break
            used.setdefault(place.file, set()).update((line, name) for line in silent)
        else:
            continue
        if place != hit.place:
            hit = replace(hit, place=place, places=())
        finding = _finding(name, hit, outcome, notebooks)
        assert finding.site is not None
        findings.setdefault((finding.site, name), finding)
    unread = tuple(one for each in outcomes for one in _unread(each))
    return Audit(
        tuple(sorted(findings.values(), key=in_order)),
        unread,
        tuple(_unused(outcomes, used, rules)),
        sum(each.error is None for each in outcomes),
        sum(each.summary.lines for each in outcomes if each.summary is not None),
    )


def _unread(outcome: FileOutcome) -> Iterator[Unread]:
    if outcome.error is not None:
        yield Unread(outcome.file, *outcome.error)
    for line, why in outcome.left_out:
        number, line_of_cell = cell_line(outcome.cells or (1,), line)
        yield Unread(outcome.file, line_of_cell, why, number)


def _is_mended(project: Project, hit: Hit) -> bool:
    """Whether every caller of the function that returns it mends what the hit is about."""
    if hit.returned_by is None:
        return False
    callers = project.callers.get((hit.place.file, hit.returned_by), ())
    return bool(callers) and all(step.unordered for _, _, step in callers)


def _finding(name: str, hit: Hit, outcome: FileOutcome, notebooks: Mapping[str, tuple[int, ...]]) -> Finding:
    place = hit.place
    source = Source(outcome.file, "", outcome.cells)
    rule = CATALOGUE[name].rule
    assert rule is not None
    return Finding(
        1.0,
        source.site(place.line, place.column),
        with_cells(hit.why, outcome.file, notebooks),
        hit.fix,
        name,
        fragile=rule.fragile,
        hit=hit,
    )


def in_order(found: Finding) -> tuple[str, int, int, str, str]:
    """A key to sort findings by: file and place."""
    assert found.site is not None
    return found.site.file, found.site.line, found.site.column or 0, found.cause, found.why


def _unused(
    outcomes: Sequence[FileOutcome], used: dict[str, set[tuple[int, str]]], rules: Collection[str]
) -> Iterable[tuple[Site, tuple[str, ...]]]:
    for outcome in outcomes:
        hidden = used.get(outcome.file, set())
        source = Source(outcome.file, "", outcome.cells).site
        for line, names in outcome.ignores.lines.items():
            if names is None:
                if not any(at == line for at, _ in hidden):
                    yield source(line), ()
            else:
                idle = {name for name in names if (line, name) not in hidden}
                rest = tuple(sorted(name for name in idle if name in rules or name not in CATALOGUE))
                if rest:
                    yield source(line), rest
