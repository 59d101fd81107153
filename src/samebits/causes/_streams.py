"""What a program does to the generators of its process, in order: whether it seeds them, when it draws."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from typing import Final, NamedTuple
from weakref import WeakKeyDictionary

from samebits.causes._generator_calls import TORCH, draws, draws_now, is_layer, seeds
from samebits.source.project import Project, Seen, TracedProgram, is_test
from samebits.source.summary import SourcePlace, SourceStep

#: Steps of a program that trains, and of one that leaves something behind.
_TRAINS: Final = frozenset({"backward", "fit", "train_step", "training_step"})
_WRITES: Final = re.compile(r"^(save|dump|to_(csv|parquet|pickle|json)|imsave|imwrite|write|export)")
#: What makes a sample, in a worker where a loader has some.
_PER_SAMPLE: Final = frozenset({"__getitem__", "__getitems__", "__iter__", "__call__"})
#: Functions of these names draw for pictures and tests.
_SHOWN: Final = re.compile(r"plot|visual|vis_|colou?r|palette|demo|smoke|show|self_test|benchmark|profile")


_SHOWN_FILES: Final = re.compile(r"plot|visual|^vis_|colou?r|palette|^show|^benchmarks?\b|profile")


def trains(program: TracedProgram) -> bool:
    """Whether a program trains something, as far as its steps show.

    What a class could do that it makes, and that nobody calls, does not count.
    """
    return any(
        (seen.step.attr in _TRAINS or (seen.step.name or "").startswith("torch.optim."))
        and seen.step.kind == "call"
        and not (seen.later and "." in seen.function.name and "<locals>" not in seen.function.name)
        for seen in program.trace
    )


def matters(project: Project, program: TracedProgram) -> bool:
    """Whether what a program draws goes anywhere.

    A module that others import, and that tries itself out when it is started, has no results.
    """
    if _SHOWN_FILES.search(posixpath.basename(program.file)):
        return False
    if trains(program):
        return True
    if any(_WRITES.search(seen.step.attr) for seen in program.trace):
        return True
    return not project.is_imported(program.file)


class Effect(NamedTuple):
    """A step of a program that does something to a stream."""

    seen: Seen
    seeds: frozenset[str]
    draws: frozenset[str]


#: By project, each program with what it does to the streams, and its course in each of them.
_EFFECTS: Final[WeakKeyDictionary[Project, list[tuple[TracedProgram, list[Effect]]]]] = WeakKeyDictionary()
_COURSES: Final[WeakKeyDictionary[Project, dict[str, list[tuple[TracedProgram, StreamCourse]]]]] = (
    WeakKeyDictionary()
)


def _effects(project: Project) -> list[tuple[TracedProgram, list[Effect]]]:
    """Every program but tests, with its steps that seed or draw, but for those of workers' starts."""
    if project in _EFFECTS:
        return _EFFECTS[project]
    starts = worker_starts(project)
    known: dict[int, tuple[frozenset[str], frozenset[str]] | None] = {}
    found: list[tuple[TracedProgram, list[Effect]]] = []
    for program in project.programs:
        if is_test(program.file):
            continue
        effects: list[Effect] = []
        for seen in program.trace:
            step = seen.step
            key = id(step)
            if key not in known:
                called = _starred(project, step, seen.file)
                does = seeds(called, project, seen.file), draws(called)
                known[key] = does if any(does) or step.attr == "DataLoader" else None
            effect = known[key]
            if effect is not None and seen.function.name not in starts.get(seen.file, ()):
                effects.append(Effect(seen, *effect))
        found.append((program, effects))
    _EFFECTS[project] = found
    return found


def _starred(project: Project, step: SourceStep, file: str) -> SourceStep:
    """A step by its full name where the name may come from a module of which all names are imported."""
    if step.name is None or not step.name.startswith(":") or not (stars := project.files[file].stars):
        return step
    if project.resolve(step.name, file) is not None:
        return step
    return step._replace(name=f"{stars[0]}.{step.name[1:]}") if len(stars) == 1 else step


class StreamCourse:
    """What a program does to one stream, in order.

    Attributes:
        seeded: the first step that seeds it, but for those of a worker's start.
        drawn: the first step that draws from it.
        early: the first draw before the first seed, where both happen on the program's way.
        others: where else it draws.
    """

    def __init__(self, effects: list[Effect], stream: str) -> None:
        self.seeded: Seen | None = None
        self.drawn: Seen | None = None
        self.early: Seen | None = None
        self.others: list[SourcePlace] = []
        workers = stream != TORCH and _in_workers(effects)
        for seen, seeded, drawn in effects:
            if self.seeded is None and stream in seeded:
                self.seeded = seen
            if stream not in drawn or is_test(seen.file) or _is_aside(seen):
                continue
            if "seed" in seen.step.target.lower():
                continue  # a seed that is drawn where none is given
            if workers and seen.root.rpartition(".")[2] in _PER_SAMPLE:
                continue
            if self.drawn is None:
                self.drawn = seen
            elif seen.step.place not in self.others:
                self.others.append(seen.step.place)
            now = stream in draws_now(seen.step)
            if now and self.early is None and self.seeded is None and not seen.later:
                self.early = seen
        if self.seeded is None or self.seeded.later:
            self.early = None


def _in_workers(effects: list[Effect]) -> bool:
    """Whether samples are loaded by workers, in which torch seeds Python and numpy, from its own seed.

    https://docs.pytorch.org/docs/stable/data.html#randomness-in-multi-process-data-loading
    """
    return any(TORCH in effect.seeds for effect in effects) and any(
        effect.seen.step.attr == "DataLoader" and _has_workers(effect.seen.step) for effect in effects
    )


def _has_workers(loader: SourceStep) -> bool:
    given = loader.keywords.get("num_workers")
    return given is not None and given.text != "0"


def _is_aside(seen: Seen) -> bool:
    """Whether a draw is for a picture or a try, is isolated, or is of numba's own generator."""
    if any("jit" in name for name in seen.function.decorators):
        return True
    if any("fork_rng" in name or "isolate" in name for name in seen.within):
        return True
    return bool(_SHOWN.search(seen.function.last) or _SHOWN_FILES.search(posixpath.basename(seen.file)))


def worker_starts(project: Project) -> dict[str, set[str]]:
    """By file, the functions that loaders' workers start with."""
    found: dict[str, set[str]] = {}
    for file, _, step in project.steps():
        given = step.keywords.get("worker_init_fn") if step.kind == "call" else None
        home = project.resolve(given.name, file) if given is not None else None
        if home is not None:
            found.setdefault(home.file, set()).add(home.of.name)
    return found


def courses(project: Project, stream: str) -> list[tuple[TracedProgram, StreamCourse]]:
    """Every program of a project, and what it does to a stream."""
    kept = _COURSES.setdefault(project, {})
    if stream not in kept:
        kept[stream] = [(program, StreamCourse(effects, stream)) for program, effects in _effects(project)]
    return kept[stream]


class UnseededDraw(NamedTuple):
    """The first draw of a program that never seeds a stream.

    Attributes:
        program: its name.
        others: where else the program draws, in the same file.
    """

    seen: Seen
    program: str
    others: tuple[SourcePlace, ...]


def unseeded(project: Project, stream: str) -> Iterator[UnseededDraw]:
    """The first draw of each program that never seeds the stream; one a file."""
    done: set[str] = set()
    kept = {
        effect.seen.step.place
        for (_, effects), (_, course) in zip(_effects(project), courses(project, stream), strict=True)
        if course.seeded is not None
        for effect in effects
        if stream in effect.draws
    }  # draws of a program that seeds: another one that comes by has no results that hang on them
    for program, course in courses(project, stream):
        drawn = course.drawn
        if drawn is None or course.seeded is not None or drawn.file in done or not matters(project, program):
            continue
        if not trains(program) and (
            drawn.step.place in kept or (stream == TORCH and not _leaves(program, drawn))
        ):
            continue
        done.add(drawn.file)
        others = tuple(place for place in course.others if place.file == drawn.file)
        yield UnseededDraw(drawn, posixpath.basename(program.file), others)


def _leaves(program: TracedProgram, drawn: Seen) -> bool:
    """Whether a program that does not train keeps what it draws: not its layers, whose weights are loaded."""
    return not is_layer(drawn.step) and any(_WRITES.search(seen.step.attr) for seen in program.trace)
