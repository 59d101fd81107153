"""Which states a resumed run does not have, of those that reach the first difference.

Where the runs part first says which states can be the cause: what decides the batch, what decides the loss of
an equal batch, what decides the weights after an equal loss.  A state is a candidate if it was another as the
resumed run took its first step; a generator only if something was drawn from it by then.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from samebits.model.facts import GRADIENTS
from samebits.trials.resume.align import Departure, Start, is_average
from samebits.trials.resume.history import History, State
from samebits.trials.resume.saved import PROCESS_WIDE, Saved

#: Libraries whose generators are theirs.
_AUGMENTERS: Final = re.compile(
    r"albument|imgaug|torchio|monai|kornia|audiomentations|transform|augment|compose", re.IGNORECASE
)
#: How counters are called that are a place in the data.
_PLACE: Final = re.compile(r"(pos|position|offset|cursor|pointer|tell\(\)|batch_?idx|batch_?index|in_epoch)$")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A state that may be missing."""

    kind: str
    state: State
    why: str


class Search:
    """The runs of one trial."""

    def __init__(
        self,
        whole: History,
        cut: History,
        saver: History,
        resumed: History,
        begin: Start,
        parting: Departure,
    ) -> None:
        self.whole, self.cut, self.resumed = whole, cut, resumed
        self.begin, self.parting = begin, parting
        self.places = whole.places
        self.mine = resumed.at(0)
        self.theirs = whole.at(begin.step)
        self.last = whole.taken[-1] if whole.taken else 0
        shared = self.mine.keys() & self.theirs.keys()
        self.differs = [
            state for state in self.mine if state in shared and self.mine[state] != self.theirs[state]
        ]
        self.saved = Saved(whole, cut, saver, resumed, begin)

    def found(self) -> list[Candidate]:
        """The candidates that matter, the likeliest first."""
        what = self.parting.what
        mine, theirs = self._backwards()
        if not self.resumed.taken and mine:  # nothing else goes backward, and takes no step
            why = f"it skips the step of each of {mine} backward passes"
            return [Candidate("scaler", state, why) for state in self.theirs if state[0] == "scaler"]
        if mine != theirs and (scalers := list(self._unlike(("scaler",)))):
            return scalers
        if mine < theirs and what != "weights" and self.mine.get(GRADIENTS) != "=True":
            why = f"the first step has {mine} backward passes, and had {theirs}"
            return [Candidate("gradients", GRADIENTS, why)]
        if what == "weights":
            rows = list(self._weights())
        elif what == "kept":
            rows = list(self._kept())
        elif what == "input":
            rows = self._first(
                self._order(),
                self._sampling(),
                self._drawn_before(),
                self._carried(),
                self._others("input"),
                self._moved(),
            )
        elif what == "loss":
            rows = self._first(
                self._unlike(("buffers", "untrained")),
                self._drawn_in(),
                self._unlike(("scaler",)),
                self._averages(),
                self._order() if not self._seen_input() else (),
                self._sampling() if not self._seen_input() else (),
                self._drawn_before(),
                self._carried(),
                self._others("loss"),
                self._moved(),
            )
        elif what == "update":
            rows = self._first(
                self._unlike(("frozen",)),
                self._updating(),
                self._unlike(("scaler",)),
                self._drawn_before(),
                self._others("update"),
                self._moved(),
            )
        else:
            rows = self._first(self._others("length"), self._order(), self._sampling())
        return _once(rows)

    def _backwards(self) -> tuple[int, int]:
        """How often the resumed and the whole run went backward for the resumed run's first step.

        A scaler that overflows skips steps, and a step that gathers several batches may have begun.
        """
        mine, theirs = self.resumed.losses.get(0, ()), self.whole.losses.get(self.begin.step, ())
        return len(mine), len(theirs)

    # -- by what the runs part in ------------------------------------------------------------------
    def _weights(self) -> Iterator[Candidate]:
        for state in self.parting.rows:
            fresh = self.mine.get(state) == self.whole.value(state, self.whole.taken[0])
            why = (
                "its parameters are those that the whole run began with"
                if fresh
                else "its parameters are others"
            )
            yield Candidate("model-part", state, why)

    def _kept(self) -> Iterator[Candidate]:
        for state in self.parting.rows:
            if state[0] == "buffers" and not self._is_untrained(state[1]):
                yield Candidate("buffers", state, "they are others as the first step begins")
            else:
                yield Candidate("ema", state, "it is another as the first step begins")

    def _is_untrained(self, module: str) -> bool:
        """Whether no optimizer trains any parameter of a module."""
        return ("untrained", module) in self.mine and not any(
            kind == "parameters" and path.startswith(f"{module}.") for kind, path in self.mine
        )

    @staticmethod
    def _first(*groups: Iterable[Candidate]) -> list[Candidate]:
        """The first group that is not empty."""
        for group in groups:
            if found := list(group):
                return found
        return []

    def _seen_input(self) -> bool:
        return any(kind == "input" for kind, _ in self.mine)

    def _unlike(self, kinds: tuple[str, ...]) -> Iterator[Candidate]:
        names = {"buffers": "buffers", "untrained": "ema", "scaler": "scaler", "frozen": "frozen"}
        for state in self.differs:
            dead = self._is_untrained(state[1]) and self.places.is_only_updated(state[1])
            if state[0] == "frozen" and state[0] in kinds:
                why = f"{_plain(self.mine[state])} of its parameters do not ask for a gradient, and it was "
                yield Candidate("frozen", state, f"{why}{_plain(self.theirs[state])}")
            elif state[0] in kinds and not dead:
                kind = "ema" if state[0] == "buffers" and self._is_untrained(state[1]) else names[state[0]]
                yield Candidate(kind, state, "it is another as the first step begins")

    def _averages(self) -> Iterator[Candidate]:
        for state in self.differs:
            kept = state[0] == "tensor" and is_average(state) and self._moves(state)
            if kept and not self.places.is_temporary(state[1]) and not self.places.is_only_updated(state[1]):
                yield Candidate("ema", state, "it is another as the first step begins")

    def _carried(self) -> Iterator[Candidate]:
        """What each step computes of what the one before left: the hidden state of a recurrent network."""
        for state in self.theirs:
            kind, path = state
            if kind != "carried" or not self.places.is_carried(path) or self.places.is_temporary(path):
                continue
            mine = self.mine.get(state) or self.mine.get(("tensor", path))
            if mine != self.theirs[state]:
                why = "it is another" if mine else "it is not there"
                yield Candidate("value", state, f"{why} as the first step begins")

    def _updating(self) -> Iterator[Candidate]:
        """What decides the weights of an equal gradient."""
        schedulers = [state for state in self.differs if state[0] == "scheduler"]
        at = self.begin.step + self.parting.step
        rates = [
            state
            for state in self.whole.states()
            if state[0] == "rate"
            and self.whole.value(state, at) != self.resumed.value(state, self.parting.step)
        ]
        optimizers = [state for state in self.differs if state[0] == "optimizer"]
        for state in optimizers:
            yield Candidate("optimizer", state, "its state is another as the first step begins")
        if schedulers and (rates or not optimizers):
            for state in schedulers:
                yield Candidate("scheduler", state, "its state is another as the first step begins")
        elif rates and not optimizers:
            counters = list(self._others("rate"))
            yield from counters
            if not counters:
                for state in rates:
                    yield Candidate(
                        "optimizer", state, "its learning rate or another of its settings differs"
                    )

    def _order(self) -> Iterator[Candidate]:
        """What decides which samples are in the batch."""
        orders = [state for state in self.differs if state[0] == "order"]
        if any(kind == "order" for kind, _ in self.mine) and not orders:
            return  # the samples are the same
        samplers = [s for s in self.differs if self._in_sampler(s)]
        for path in [path for _, path in orders] or [p for kind, p in self.differs if kind == "position"]:
            state = ("position", path)
            mine, theirs = self.mine.get(state), self.theirs.get(state)
            if mine is not None and mine != theirs:
                why = f"the batch is number {_plain(mine)} of its pass, and was number {_plain(theirs or '')}"
                yield Candidate("loader-position", state, why)
                return
        for state in samplers:
            mine, theirs = self.mine[state], self.theirs[state]
            if self._makes_a_pass_again(state):
                why = f"pass {_plain(mine)} had ended as it was saved, and is made again"
                place = next((s for s in self.mine if s[0] == "position" and self._moves(s)), state)
                yield Candidate("loader-position", place, why)
            else:
                kind = "value" if state[0] == "values" else "sampler-epoch"
                yield Candidate(kind, state, _other(mine, theirs))
            return

    def _makes_a_pass_again(self, sampler: State) -> bool:
        """Whether a sampler's epoch was put back, and its pass had ended: then the loop's is behind, too.

        A loop that counts its passes anew makes as many as are left; one that makes a pass again makes more.
        """
        before = self.begin.step - 1
        epochs = [s for s in self.differs if s[0] == "counter" and "epoch" in s[1].lower() and s != sampler]
        behind = [s for s in epochs if self.mine[s] == self.whole.value(s, before)]
        longer = self.resumed.steps > self.whole.steps - self.begin.step
        return longer and bool(behind) and self.mine[sampler] == self.whole.value(sampler, before)

    def _in_sampler(self, state: State) -> bool:
        return state[0] == "sampler" or (
            state[0] in ("counter", "values") and "sampler" in state[1].lower() and self._moves(state)
        )

    def _sampling(self) -> Iterator[Candidate]:
        """Of equal samples: the streams of workers; of others: the generator that shuffled."""
        orders = [state for state in self.mine if state[0] == "order"]
        same = bool(orders) and all(self.mine[s] == self.theirs.get(s) for s in orders)
        workers = [p for kind, p in self.mine if kind == "workers" and self.mine[(kind, p)] != "=0"]
        if same and workers and not self._main_draws_for_samples():
            for path in workers:
                why = "the samples are the same, and what is drawn while a worker makes them is not"
                yield Candidate("worker-streams", ("workers", path), why)
        if orders and not same:
            yield from self._generators(lambda s: "sampler" in s[1] or ".generator" in s[1])

    def _main_draws_for_samples(self) -> bool:
        """Whether a generator of this process was drawn from between two steps, and is another."""
        return any(c.state[0] == "generator" for c in self._drawn_before(workers=True))

    def _drawn_before(self, *, workers: bool = False) -> Iterator[Candidate]:
        """Generators that were drawn from before the model was called."""
        before = {
            state
            for state in self._drawn()
            if (value := self.theirs_before(state)) is not None
            and value != self.whole.value(state, self.begin.step - 1)
        }
        some = list(self._generators(lambda state: state in before))
        if not some and not workers:
            some = list(self._generators(lambda state: True))
        yield from some

    def theirs_before(self, state: State) -> str | None:
        """A generator of the whole run as the model was called, within the step."""
        return self.theirs.get(("before-input", state[1]))

    def _drawn_in(self) -> Iterator[Candidate]:
        """Generators that were drawn from while the model computed."""
        yield from self._generators(
            lambda state: (value := self.theirs_before(state)) is not None and value != self.theirs.get(state)
        )

    def _drawn(self) -> list[State]:
        """Generators that were another as the first step began, and are drawn from by then."""
        upto = self.begin.step + self.parting.step
        return [
            state
            for state in self.differs
            if state[0] == "generator"
            and not self._gives_base_seeds_alone(state)
            and (
                self.whole.changed(state, self.begin.step - 1, max(upto, self.begin.step))
                or self.whole.changed(state, self.begin.step, upto + 1)
            )
        ]

    def _gives_base_seeds_alone(self, state: State) -> bool:
        """Whether a generator gives loaders a number as they begin a pass alone, of which nothing is made."""
        orders = [s for s in self.mine if s[0] == "order"]
        passes = [self.whole.changes(s) for s in self.whole.states() if s[0] == "passes"]
        changes = self.whole.changes(state)
        return (
            state[1] == "torch"
            and bool(orders and passes and changes)
            and all(self.mine[s] == self.theirs.get(s) for s in orders)
            and all(value == "=0" for (kind, _), value in self.mine.items() if kind == "workers")
            and changes <= frozenset().union(*passes)
        )

    def _generators(self, chosen: Callable[[State], bool], *, put_back: bool = False) -> Iterator[Candidate]:
        drawn = [state for state in self._drawn() if chosen(state)]
        for state in drawn:
            if self.saved.put_back(state) == put_back:
                why = (
                    "it was put back, and is another then"
                    if put_back
                    else "its state is not what the whole run had there, and numbers are drawn from it"
                )
                yield Candidate(_generator_kind(state), state, why)

    def _moved(self) -> Iterator[Candidate]:
        """Generators that were put back and then drawn from otherwise: another state may be why."""
        yield from self._generators(lambda state: True, put_back=True)

    def _moves(self, state: State) -> bool:
        return self.whole.changed(state, 0, self.last)

    def _others(self, what: str) -> Iterator[Candidate]:
        """Counters, values and tensors of the program's: those that begin anew, then any."""
        rows = []
        for state in self.differs:
            kind, path = state
            if kind not in ("counter", "values", "tensor") or self.places.is_temporary(path):
                continue
            if not self.places.reaches(path) and not (what == "length" and kind == "counter"):
                continue
            moves = self._moves(state)
            if not moves and kind == "counter":
                continue  # an argument, the place where it went on
            anew = self.mine[state] == self.whole.value(state, self.whole.taken[0] if self.whole.taken else 0)
            named = {"counter": "counter", "values": "value", "tensor": "value" if moves else "data"}[kind]
            if kind == "counter" and what == "input" and self._is_place(state):
                named = "loader-position"
            if kind == "values" and not moves:
                named = "data"
            rank = (not moves, not anew, self.saved.has_name(state))
            why = _other(self.mine[state], self.theirs[state])
            rows.append((rank, Candidate(named, state, why)))
        rows.sort(key=lambda row: row[0])
        if rows:
            best = rows[0][0]
            yield from (candidate for rank, candidate in rows if rank == best)

    def _is_place(self, state: State) -> bool:
        """Whether a counter says where in the data a loop is: by its name, or it begins anew at times."""
        if _PLACE.search(state[1].lower()) or self.places.is_inner_count(state[1]):
            return True
        values = [int(v[1:]) for v in self.whole.values(state) if re.fullmatch(r"=-?\d{1,15}", v)]
        falls = sum(b < a for a, b in itertools.pairwise(values))
        return 0 < falls < len(values) / 3


def _generator_kind(state: State) -> str:
    path = state[1]
    if path in PROCESS_WIDE:
        return PROCESS_WIDE[path]
    if path.startswith("cuda"):
        return "torch-generator"
    if path.endswith((".random_generator", ".py_random")) or _AUGMENTERS.search(path):
        return "augmentation"
    return "generator-object"


def _plain(value: str) -> str:
    return value[1:] if value.startswith("=") else "another"


def _other(mine: str, theirs: str) -> str:
    """That a state is another, with its values where they are plain."""
    if mine.startswith("=") and theirs.startswith("="):
        return f"it is {_plain(mine)}, and was {_plain(theirs)}"
    return "it is another as the first step begins"


def _once(candidates: Iterable[Candidate]) -> list[Candidate]:
    found: dict[tuple[str, str], Candidate] = {}
    for one in candidates:
        found.setdefault((one.kind, one.state[1]), one)
    return list(found.values())
