"""Random streams that are one and the same within a run, where each should differ: twins.

Workers that draw one augmentation, epochs that repeat the last one's, ranks that drop the same units: both
runs of a verification agree on them.  Equal states at a start, at one line, are equal draws.  A finding has
to be certain, since many draws are alike on purpose; so these are none:

- what is drawn before the training begins, as weights are;
- what no backward follows (`compare.course`): an evaluation may draw alike each time;
- generators that are made or seeded for each sample, by numbers that differ, or in the processes that draw;
- a training that begins anew: its optimizer takes a first step, and comparable trials are seeded alike;
- ranks whose losses are equal: they compute one thing together;
- the generator objects of iterable datasets, by which workers shuffle alike before they share out, unless
  each of them gives the same batches;
- generators that libraries make for a seed they were given, and torch's samplers on several ranks;
- streams that part later: seeded apart, or in another state after as many numbers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property, partial
from typing import Final

from samebits.compare.course import Course, moves, states
from samebits.compare.generator_streams import (
    GLOBAL,
    Drawing,
    Key,
    PassOf,
    Place,
    Span,
    alike,
    equal_draws,
    plain,
    streams,
)
from samebits.compare.repeats import MOVES, by_states, in_samples, in_steps
from samebits.compare.threads import RecordLike, RunLike, is_worker
from samebits.model.facts import RngRestore, Seed
from samebits.model.sites import Site
from samebits.model.twins import Kind
from samebits.model.twins import Twins as Twins
from samebits.record import log

_RANK: Final = re.compile(r"rank\d+")

#: A worker, its pass, and what it draws from a generator.
_Member = tuple[str, PassOf, Sequence[Span]]


def twins(run: RunLike) -> tuple[Twins, ...]:
    """The streams of a run that are one and the same, those of workers first."""
    found = _Run(run)
    said = [*found.of_workers(), *found.of_processes(), *found.repeated(), *found.of_ranks()]
    return tuple(_merged(said))


def twins_between(first: RunLike, second: RunLike) -> tuple[Twins, ...]:
    """What a second run, which goes on where the first one ended, draws as the first one drew when it began.

    None where the second run begins with the first one's loss: it is the first one, run again.
    """
    begun, resumed = _Run(first), _Run(second)
    return tuple(_merged(begun.repeated_by(resumed)))


class _Run:
    """What is known of the streams of one run."""

    def __init__(self, run: RunLike) -> None:
        self._records: Mapping[str, RecordLike] = run.records
        self._streams = streams({key: record.facts() for key, record in run.records.items()})
        self._passes = {name: one for each in self._streams.values() for name, one in each.workers()}
        self._courses: dict[str, Course] = {}

    @cached_property
    def _trains(self) -> bool:
        """Whether anything of the run is a training."""
        return any(each.trained for each in self._streams.values()) or any(
            self._course(key).losses for key in self._records if not self._loads(key)
        )

    def _course(self, key: str) -> Course:
        if key not in self._courses:
            self._courses[key] = Course(self._records[key], self._streams[key])
        return self._courses[key]

    def _pass(self, key: str) -> PassOf | None:
        """The pass that a process makes samples for, if that is trained on."""
        one = self._passes.get(plain(key))
        if one is None or (self._trains and one.loader not in self._streams[one.parent].trained):
            return None
        return one

    def _loads(self, key: str) -> bool:
        """Whether a process is a DataLoader's worker."""
        return self._streams[key].worker is not None or plain(key) in self._passes

    def _parallel(self, keys: Iterable[str]) -> bool:
        """Whether processes train on data of their own: their losses are not the same."""
        losses = {key: self._course(key).losses for key in keys}
        return all(losses.values()) and len(set(losses.values())) > 1

    # -- DataLoader workers ------------------------------------------------------------------------
    def _starts(self) -> Iterator[tuple[str, PassOf, Key, Sequence[Span]]]:
        """The streams with which workers begin their samples."""
        for key, each in self._streams.items():
            if (one := self._pass(key)) is None:
                continue
            shares = each.worker is not None and each.worker.iterable
            for of in each.drawn_from():
                spans = each.begun(of)
                if shares and of[0] not in GLOBAL:
                    # They shuffle alike before they share out, unless every sample comes from each of them.
                    spans = each.spans(of) if self._course(one.parent).comes_from_each(one) else ()
                if spans:
                    yield key, one, of, [span for span in spans if span.draws]

    def of_workers(self) -> Iterator[Twins]:
        """Workers that begin alike: those of one pass, of one loader's passes, of several ranks."""
        groups: dict[tuple[Key, Place], list[_Member]] = {}
        for key, one, of, spans in self._starts():
            groups.setdefault((of, spans[0].draws[0].place), []).append((key, one, spans))
        for (of, (site, _)), group in groups.items():
            left: list[_Member] = []
            families: dict[object, list[_Member]] = {}
            for member in group:
                families.setdefault((member[1].parent, member[1].site, member[1].training), []).append(member)
            for family in families.values():
                names, draws = _equal([(key, spans) for key, _, spans in family])
                if len(names) < 2:
                    left += family
                    continue
                passes = [one.place for key, one, _ in family if key in names]
                kind: Kind = "workers" if len(passes) > len(set(passes)) else "epochs"
                epochs = kind == "workers" and len(set(passes)) > 1
                yield Twins(kind, of[0], names, site, draws, epochs=epochs)
            by_pass: dict[int, list[_Member]] = {}
            for member in left:
                if _RANK.fullmatch(member[1].parent):
                    by_pass.setdefault(member[1].place, []).append(member)
            for ranked in by_pass.values():
                names, draws = _equal([(key, spans) for key, _, spans in ranked])
                if len(names) > 1 and self._parallel({self._passes[plain(name)].parent for name in names}):
                    yield Twins("ranks", of[0], names, site, draws)

    # -- other processes that a process started ----------------------------------------------------
    def of_processes(self) -> Iterator[Twins]:
        """Processes that were forked, or that import the program, with one state each."""
        groups: dict[tuple[str, Key, Place], list[tuple[str, Sequence[Span]]]] = {}
        for key, each in self._streams.items():
            if not is_worker(key) or self._loads(key) or self._is_command(key):
                continue
            parent = key.rpartition("/")[0]
            for of in each.drawn_from():
                spans = self._begun(key, of)
                if spans and not each.own(of) and not self._seeded_twice(parent, of):
                    groups.setdefault((parent, of, spans[0].draws[0].place), []).append((key, spans))
        for (_, of, (site, _)), group in groups.items():
            names, draws = _equal(group)
            if len(names) > 1 and (not self._training(names) or self._parallel(names)):
                yield Twins("processes", of[0], names, site, draws)

    def _begun(self, key: str, of: Key) -> Sequence[Span]:
        """What a process draws from a generator whose state it had, or has whoever imports the program."""
        drawn = [one for one in self._streams[key].spans(of) if one.draws]
        if not drawn or not (drawn[0].given is None or _of_module(drawn[0])):
            return ()
        if not self._trains_itself(key):
            return drawn
        # It trains: its weights may be drawn alike.
        later = [draw for draw in drawn[0].draws if draw.step]
        return [Span(drawn[0].given, drawn[0].before, later), *drawn[1:]] if later else ()

    def _training(self, keys: Iterable[str]) -> bool:
        return any(self._trains_itself(key) for key in keys)

    def _trains_itself(self, key: str) -> bool:
        return bool(self._records[key].steps and self._course(key).losses)

    def _is_command(self, key: str) -> bool:
        """Whether a process is another program that was started."""
        name = key.rpartition("/")[2]
        return name.partition("#")[0] == "child" and log.TASKS in self._records[key].notes

    def _seeded_twice(self, parent: str, of: Key) -> bool:
        """Whether a process was given one state for several trials, each of which may have processes."""
        each = self._streams.get(parent)
        given = [one.given for one in each.spans(of) if one.given is not None] if each else []
        lines = [fact.site for fact in given if isinstance(fact.detail, Seed)]
        return len(lines) > len(set(lines))

    # -- one process -------------------------------------------------------------------------------
    def repeated(self) -> Iterator[Twins]:
        """Generators that a process gives one state again and again."""
        for key, each in self._streams.items():
            if self._loads(key):
                if self._pass(key) is not None:
                    yield from in_samples(each)
            elif self._records[key].steps:
                seen = list(in_steps(each, self._course(key)))
                if not any(one.generator == "torch" for one in seen):
                    seen += by_states(each, partial(states, self._records[key]))
                # A loader's sampler has a generator of its own, which the one of the process seeds.
                shared = any(one.generator == "torch" for one in seen)
                yield from (one for one in seen if not (shared and one.generator == "torch.Generator"))

    # -- ranks -------------------------------------------------------------------------------------
    def of_ranks(self) -> Iterator[Twins]:
        """Ranks that draw alike while they train, on data of their own."""
        ranks = [key for key in self._streams if _RANK.fullmatch(key)]
        if len(ranks) < 2 or not self._parallel(ranks):
            return
        for of in {of: None for key in ranks for of in self._streams[key].drawn_from()}:
            groups: dict[Place, list[tuple[str, list[Drawing]]]] = {}
            for key in ranks:
                if draws := self._while_training(key, of):
                    groups.setdefault(draws[0].place, []).append((key, draws))
            for group in groups.values():
                found = [(key, equal_draws(group[0][1], draws) or 0) for key, draws in group]
                names = tuple(key for key, equal in found if equal > 1)
                if len(names) > 1 and self._parallel(names):
                    equal = min(equal for _, equal in found if equal > 1)
                    yield Twins("ranks", of[0], names, group[0][1][0].site, equal)
        yield from self._on_devices(ranks)

    def _while_training(self, key: str, of: Key) -> list[Drawing]:
        """What a process draws after its first step: for samples that it makes, or for what it computes."""
        course, spans = self._course(key), self._streams[key].spans(of)
        if of[0] not in GLOBAL and any(one.given is not None and one.given.step for one in spans):
            return []
        return [
            draw
            for one in spans
            for draw in one.draws
            if draw.step
            and course.trains_on(draw)
            and (draw.loader is not None or (of[0] == "torch" and not _decides(course, draw)))
        ]

    def _on_devices(self, ranks: Sequence[str]) -> Iterator[Twins]:
        """The same on GPUs, from the states at the ends of steps: each rank moves one of its own."""
        moved: dict[object, list[str]] = {}
        for key in ranks:
            for name, of in states(self._records[key]).items():
                steps = sorted(moves(of, self._streams[key]).items())
                if name.startswith("torch:cuda") and len(steps) >= MOVES:
                    moved.setdefault(tuple(steps[:MOVES]), []).append(key)
        for keys in moved.values():
            if len(keys) > 1 and self._parallel(keys):
                yield Twins("ranks", "torch:cuda", tuple(keys), None, MOVES)

    # -- runs --------------------------------------------------------------------------------------
    def repeated_by(self, resumed: _Run) -> Iterator[Twins]:
        """What the start of another run, which goes on from this one, draws as the start of this one."""
        for key in self._streams:
            if key not in resumed._streams or self._rerun(resumed, key):
                continue
            for of in self._streams[key].drawn_from():
                a, b = (run._begins_with(key, of) for run in (self, resumed))
                if equal := equal_draws(a, b):
                    yield Twins("restarts", of[0], (key,), a[0].site, equal)

    def _rerun(self, resumed: _Run, key: str) -> bool:
        """Whether the other run is this one again, or did not get as far as a loss."""
        trainer = plain(key).partition("/")[0]
        if trainer not in self._records or trainer not in resumed._records:
            return True
        losses = [run._course(trainer).losses for run in (self, resumed)]
        return not all(losses) or losses[0][0] == losses[1][0]

    def _begins_with(self, key: str, of: Key) -> list[Drawing]:
        """What a worker of the first pass draws for its samples, or a process for its training."""
        if is_worker(key):
            one, spans = self._pass(key), self._streams[key].begun(of)
            return [] if one is None or one.place or not spans else spans[0].draws
        course = self._course(key)
        return [
            draw
            for one in self._streams[key].spans(of)
            for draw in one.draws
            if (draw.at > course.begins or draw.loader is not None)
            and course.trains_on(draw)
            and not course.for_loader(draw)
        ]


def _decides(course: Course, draw: Drawing) -> bool:
    return course.for_loader(draw) or course.decides(draw)


def _of_module(span: Span) -> bool:
    """Whether a line of a module gives the state, which every process runs that imports it."""
    given = span.given
    at_import = given is not None and given.site is not None and given.site.function == "<module>"
    return at_import and given is not None and not isinstance(given.detail, RngRestore)


def _equal(group: Sequence[tuple[str, Sequence[Span]]]) -> tuple[tuple[str, ...], int]:
    """Of streams that begin alike those that stay one with the first, and how many draws are equal."""
    found = [(key, alike(group[0][1], spans)) for key, spans in group]
    names = tuple(key for key, equal in found if equal)
    return names, min((equal for _, equal in found if equal), default=0)


def _merged(found: Iterable[Twins]) -> list[Twins]:
    """Streams of a generator that draw at one line are one finding: worker 0 of each epoch, and worker 1."""
    merged: dict[tuple[Kind, str, Site | None], Twins] = {}
    for one in found:
        key = (one.kind, one.generator, one.site)
        if (known := merged.get(key)) is None:
            merged[key] = one
            continue
        merged[key] = replace(
            known,
            processes=tuple(dict.fromkeys((*known.processes, *one.processes))),
            draws=min(known.draws, one.draws),
            groups=known.groups + one.groups,
            epochs=known.epochs or one.epochs,
        )
    return list(merged.values())
