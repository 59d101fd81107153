"""Generators that one process gives the same state again and again, so that its epochs draw alike.

Either a line seeds a generator with one number each time, or it makes an object anew with one.  That is a
finding where the draws are trained on, in different steps of one training.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Final

from samebits.compare.course import Course, moves
from samebits.compare.generator_streams import GLOBAL, Drawing, GeneratorStreams, Place, Span
from samebits.model.facts import Create, Fact, RngRestore, Seed
from samebits.model.sites import Site
from samebits.model.twins import Twins

#: Steps in a row in which a generator moved alike, where its draws themselves were not seen.
MOVES: Final = 3
_SAMPLERS: Final = "torch.utils.data."

#: Generator -> step -> digest of its state at the end of it.
States = Mapping[str, Mapping[int, int]]
#: Whether a draw is of account.
Counts = Callable[[Drawing], bool]


def in_samples(streams: GeneratorStreams) -> Iterator[Twins]:
    """What a DataLoader's worker repeats from sample to sample."""
    for generator, given, occasions in _occasions(streams):
        found = _repeated([one.draws for one in occasions], lambda _: True, lambda _: 0)
        if found:
            yield Twins("epochs", generator, (streams.process,), found[0][0][0], len(found), seeded=given)


def in_steps(streams: GeneratorStreams, course: Course) -> Iterator[Twins]:
    """What a process that trains repeats from step to step."""
    for generator, given, occasions in _occasions(streams):
        if len({one.given.step for one in occasions if one.given is not None}) < 2:
            continue  # made side by side, before the training
        drawn = [one.draws for one in occasions]
        found = [
            draws[0]
            for _, draws in _repeated(drawn, _counted(drawn, course), lambda one: streams.training(one.step))
            if len({draw.step for draw in draws}) > 1
        ]
        if found:
            first = min(found, key=course.for_loader)  # rather than a seed that a loader takes
            yield Twins("epochs", generator, (streams.process,), first.site, len(found), seeded=given)


def by_states(streams: GeneratorStreams, states: Callable[[], States]) -> Iterator[Twins]:
    """The same from the states of torch's generators at the ends of steps, where its draws were not seen."""
    spans = streams.spans(("torch", 0))
    for given, seeded in _seeded(spans):
        starts = [one.given.step for one in seeded if one.given is not None]
        first, second = starts[0], next((step for step in starts if step > starts[0]), None)
        if second is None or streams.training(first) != streams.training(second):
            continue
        for name, of in states().items():
            if not name.startswith("torch:") or (name == "torch:cpu" and any(one.draws for one in spans)):
                continue
            moved = moves(of, streams)
            ends = [step for step in starts if step > second]
            equal = 0
            for ahead in range(1, min(second - first, *(end - second for end in ends), len(of))):
                a, b = moved.get(first + ahead), moved.get(second + ahead)
                if a is not None and b is not None and a != b:
                    equal = 0
                    break
                equal += a is not None and a == b
            if equal >= MOVES:
                kind = "torch:cuda" if name.startswith("torch:cuda") else "torch"
                yield Twins("epochs", kind, (streams.process,), None, equal, seeded=given)


# -- occasions: what was drawn each time that a state was given ------------------------------------
def _occasions(streams: GeneratorStreams) -> Iterator[tuple[str, Site | None, list[Span]]]:
    """(generator, the line that gives it one state each time, what was drawn each time)."""
    made: dict[tuple[str, Site | None], list[Span | None]] = {}
    for key in streams.drawn_from():
        spans = streams.spans(key)
        for given, seeded in _seeded(spans):
            if key[0] in GLOBAL or _by_user(seeded):
                yield key[0], given, [one for one in seeded if one.draws]
        made_at = spans[0].given
        if made_at is not None and isinstance(made_at.detail, Create) and made_at.detail.by is None:
            made.setdefault((key[0], made_at.site), []).append(_start(spans, made_at))
    for (generator, site), starts in made.items():
        found = [one for one in starts if one is not None]
        if len(found) == len(starts) > 1 and len({one.draws[0].state for one in found}) == 1:
            yield generator, site, found


def _seeded(spans: Sequence[Span]) -> Iterator[tuple[Site | None, list[Span]]]:
    """The spans of a generator that one seed begins, by its line; none if the generator is put back."""
    by_line: dict[Site | None, list[tuple[object, Span]]] = {}
    for one in spans:
        if one.given is None or one.before:
            continue
        if isinstance(one.given.detail, RngRestore):
            return
        if isinstance(one.given.detail, Seed):
            by_line.setdefault(one.given.site, []).append((one.given.detail.value, one))
    for site, seeded in by_line.items():
        values = {value for value, _ in seeded}
        if site is not None and len(seeded) > 1 and len(values) == 1 and None not in values:
            yield site, [one for _, one in seeded]


def _by_user(seeded: Iterable[Span]) -> bool:
    """Whether no library seeds an object for its own ends; torch's samplers shuffle for the user."""
    by = {one.given.detail.by for one in seeded if one.given and isinstance(one.given.detail, Seed)}
    return all(name is None or name.startswith(_SAMPLERS) for name in by)


def _start(spans: Sequence[Span], made: Fact[Seed | Create | RngRestore]) -> Span | None:
    """What was drawn first from an object, if it was in the state that it was made with."""
    first = next((one for one in spans if one.draws), None)
    return first if first is not None and first.given is not None and first.given.site == made.site else None


def _repeated(
    occasions: Sequence[Sequence[Drawing]], counts: Counts, training: Callable[[Drawing], int]
) -> list[tuple[Place, list[Drawing]]]:
    """Lines with a state that they draw from on several occasions of one training, and these draws."""
    found: dict[tuple[Place, int], dict[int, Drawing]] = {}
    for number, draws in enumerate(occasions):
        for draw in draws:
            if counts(draw):
                found.setdefault((draw.place, training(draw)), {}).setdefault(number, draw)
    return [(place, list(draws.values())) for (place, _), draws in found.items() if len(draws) > 1]


def _counted(occasions: Sequence[Sequence[Drawing]], course: Course) -> Counts:
    """Whether a draw is trained on, and is more than the one number that a loader takes for its workers."""
    ordered = sorted((draw for draws in occasions for draw in draws), key=lambda draw: draw.n)
    many = {one.n for one, other in pairwise(ordered) if other.n - one.n > 1}  # rows of several draws
    for draws in occasions:
        seeds = [draw.n for draw in draws if course.for_loader(draw)]
        many.update(seeds if len(seeds) > 1 else ())
    return lambda draw: course.trains_on(draw) and (draw.n in many or not course.for_loader(draw))
