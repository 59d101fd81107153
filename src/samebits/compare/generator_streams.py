"""What each random generator of one process gave, from each place where something gave it a state.

A *stream* is one generator of one process.  It is cut into *spans*: one begins where the generator is
made, seeded or put back, so that within a span the numbers follow from the state with which it began.  Of
a DataLoader's worker what came before its first sample is left out: its `worker_init_fn` may draw alike in
every worker, to seed each otherwise.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from samebits.model.facts import (
    Create,
    Detail,
    Draw,
    Fact,
    LoaderPass,
    LoaderTrained,
    LoaderWorker,
    Optimizer,
    RngRestore,
    Seed,
    TorchDraw,
)
from samebits.model.sites import Site

#: The generators of the process itself, as facts name them.
GLOBAL: Final = frozenset({"python", "numpy", "torch"})

#: A line, and the state of a generator that it draws from: what equal draws have in common.
Place = tuple[Site | None, int]
#: A generator: its name, and the number of an object (0: it is the process's, or torch's, which have none).
Key = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Drawing:
    """A line draws from a generator that is in a state."""

    site: Site | None
    state: int
    n: int  # ordinal of what is drawn
    at: int
    step: int
    loader: int | None  # the DataLoader whose samples are made, in the process that iterates
    call: str | None

    @property
    def place(self) -> Place:
        """The line and the state."""
        return self.site, self.state


@dataclass(slots=True)
class Span:
    """What a generator gave between two givings of a state."""

    given: Fact[Seed | Create | RngRestore] | None  # what gave it; None: the process began with it
    before: bool = False  # of a DataLoader's worker: it was given before the first sample was made
    draws: list[Drawing] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class PassOf:
    """A pass of a DataLoader over its batches."""

    parent: str  # key of the process that iterates
    loader: int
    place: int  # which of the process's passes it is
    site: Site | None
    training: int  # see `GeneratorStreams.training`
    at: int  # how many events came before it
    workers: int


class GeneratorStreams:
    """The streams of one process."""

    def __init__(self, process: str, facts: Iterable[Fact[Detail]]) -> None:
        self.process = process
        self.worker: LoaderWorker | None = None
        self.passes: list[tuple[PassOf, LoaderPass]] = []
        self.pass_steps: set[int] = set()  # in which a pass began
        self.trained: set[int] = set()  # DataLoaders whose batches are trained on
        self._optimizers: list[int] = []
        self._spans: dict[Key, list[Span]] = {}
        passes: list[tuple[Fact[Detail], LoaderPass]] = []
        for fact in facts:
            match fact.detail:
                case Draw() | TorchDraw() as detail:
                    self._drawn(fact, detail)
                case Seed() | Create() as detail:
                    self._given(_key(detail), fact)
                case RngRestore(call=call):
                    for key in self._restored(call or ""):
                        self._given(key, fact)
                case LoaderWorker() as worker:
                    self.worker = worker
                    self._begin_samples()
                case LoaderPass() as begun:
                    passes.append((fact, begun))
                    self.pass_steps.add(fact.step)
                case LoaderTrained(loader=int() as loader):
                    self.trained.add(loader)
                case Optimizer():
                    self._optimizers.append(fact.step)
                case _:
                    pass
        for place, (fact, begun) in enumerate(passes):
            if begun.loader is not None:
                training, n = self.training(fact.step), begun.n or 0
                one = PassOf(process, begun.loader, place, fact.site, training, fact.at, n)
                self.passes.append((one, begun))

    def _drawn(self, fact: Fact[Detail], detail: Draw | TorchDraw) -> None:
        if detail.state is None or detail.thread or detail.generator is None:
            return
        drawing = Drawing(
            fact.site, detail.state, detail.n or 0, fact.at, fact.step, detail.loader, detail.call
        )
        self._last(_key(detail)).draws.append(drawing)

    def _last(self, key: Key) -> Span:
        spans = self._spans.setdefault(key, [])
        if not spans:
            spans.append(Span(None, before=self.worker is not None))
        return spans[-1]

    def _given(self, key: Key, fact: Fact[Detail]) -> None:
        assert isinstance(fact.detail, Seed | Create | RngRestore)
        given: Fact[Seed | Create | RngRestore] = Fact(
            fact.detail, fact.site, fact.at, fact.step, fact.process
        )
        self._spans.setdefault(key, []).append(Span(given))

    def _restored(self, call: str) -> list[Key]:
        names = {name for name in GLOBAL if name in call} or {"python" if "random." in call else "torch"}
        return [(name, 0) for name in names] + [key for key in self._spans if key[0] not in GLOBAL]

    def _begin_samples(self) -> None:
        for key, spans in self._spans.items():
            last = spans[-1]
            self._spans[key] = [Span(last.given, before=True)]

    # -- what is asked -----------------------------------------------------------------------------
    def training(self, step: int) -> int:
        """Which training a step belongs to: a new one begins with the first step of an optimizer."""
        return sum(first <= step for first in self._optimizers)

    def drawn_from(self) -> Iterator[Key]:
        """The generators that something was drawn from."""
        return (key for key, found in self._spans.items() if any(one.draws for one in found))

    def spans(self, key: Key) -> Sequence[Span]:
        """Of a generator, in order; also those in which nothing was drawn."""
        return self._spans.get(key, ())

    def begun(self, key: Key) -> Sequence[Span]:
        """Of a worker's generator, if the samples draw from it in the state that it began with."""
        found = self.spans(key)
        if not found or not found[0].draws or self.own(key):
            return ()
        return found if found[0].before or found[0].given is None else ()

    def own(self, key: Key) -> bool:
        """Whether the generator is an object that was made or seeded in this process, amid the samples of a
        worker: then it is meant to begin as it does."""
        return key[0] not in GLOBAL and any(
            one.given is not None and not one.before for one in self.spans(key)
        )

    def workers(self) -> Iterator[tuple[str, PassOf]]:
        """The keys of the workers that this process started, without what tells those of one name apart."""
        for one, detail in self.passes:
            stem, dash, number = (detail.first or "").rpartition("-")
            if dash and number.isdigit():
                for worker in range(detail.n or 0):
                    yield f"{plain(self.process)}/{stem}-{int(number) + worker}", one


def _key(detail: Draw | TorchDraw | Seed | Create) -> Key:
    number = 0 if isinstance(detail, TorchDraw) else detail.id or 0
    return detail.generator or "", number


def plain(key: str) -> str:
    """The key of a process without the number that tells those of one name apart: "main/Process-1"."""
    return "/".join(part.partition("#")[0] for part in key.split("/"))


def streams(records: Mapping[str, Iterable[Fact[Detail]]]) -> dict[str, GeneratorStreams]:
    """Those of every process of a run, by its key."""
    return {key: GeneratorStreams(key, facts) for key, facts in sorted(records.items())}


def equal_draws(a: Sequence[Drawing], b: Sequence[Drawing]) -> int | None:
    """How many draws of two streams are equal, from the first on; None: they are seen to part.

    They part where one is in another state after as many numbers.  Where another line draws, or more was
    drawn, they may be one stream still, of which each takes its own share.
    """
    equal = 0
    for one, other in zip(a, b, strict=False):
        if one.place != other.place:
            return None if one.n - a[0].n == other.n - b[0].n else equal
        equal += 1
    return equal


def alike(a: Sequence[Span], b: Sequence[Span]) -> int:
    """How many draws of two streams are known to be equal; 0 where they were seen to part."""
    drawn = [[one for one in spans if one.draws] for spans in (a, b)]
    equal = 0
    for number, (one, other) in enumerate(zip(*drawn, strict=False)):
        found = equal_draws(one.draws, other.draws)
        if not found:
            return 0
        equal += found if number == 0 else 0
    return equal
