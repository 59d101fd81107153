"""Which streams of a run are said to be one, from facts made by hand; programs: launch/test_twins.py."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from samebits.compare.twins import Twins, twins, twins_between
from samebits.model.events import Event
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

GET, SEED, LOOP = (
    Site("data.py", 5, "__getitem__"),
    Site("train.py", 3, "set_seed"),
    Site("train.py", 9, "main"),
)
EVALUATE = Site("train.py", 30, "evaluate")


def at(detail: Detail, site: Site | None = GET, *, step: int = 0, place: int = 0) -> Fact[Detail]:
    return Fact(detail, site, place, step)


def draw(state: int, generator: str = "numpy", **more: Any) -> Draw:
    return Draw(**{"generator": generator, "id": 0, "state": state, "n": 0, "thread": 0} | more)


def torch_draw(state: int, **more: Any) -> TorchDraw:
    return TorchDraw(**{"generator": "torch", "state": state, "n": 0, "thread": 0} | more)


def seed(value: int | None, generator: str = "numpy", **more: Any) -> Seed:
    return Seed(generator=generator, value=value, id=0, **more)


def event(kind: str, step: int, digest: int = 0, line: int = 9, **more: Any) -> Event:
    more = {"name": kind, "phase": "other", "flags": 0} | more
    return Event(0, kind, step=step, digest=digest, site=Site("train.py", line, "main"), **more)


def trained(steps: int, each: Sequence[tuple[str, int]] = (("loss", 9),), base: int = 0) -> list[Event]:
    """So many steps, of these events."""
    return [
        event(kind, step, base + 100 * step + number, line)
        for step in range(steps)
        for number, (kind, line) in enumerate(each)
    ]


@pytest.fixture
def of(run_of: Any, record: Any) -> Callable[..., Any]:
    """A run of processes, each with its facts, and events for those that have some."""

    def make(facts: dict[str, Sequence[Fact[Detail]]], events: dict[str, list[Event]] | None = None) -> Any:
        events = events or {}
        return run_of(
            "a",
            *(
                record({0: events.get(key, [])}, process=key, facts=[_in(fact, key) for fact in rows])
                for key, rows in facts.items()
            ),
        )

    def _in(fact: Fact[Detail], key: str) -> Fact[Detail]:
        return Fact(fact.detail, fact.site, fact.at, fact.step, key)

    return make


def parent(*begun: tuple[int, int], trains: bool = True, n: int = 2) -> list[Fact[Detail]]:
    """A process whose loaders start workers at one line: (loader, number of the first) of each pass."""
    rows: list[Fact[Detail]] = [
        at(LoaderPass(loader=loader, n=n, first=f"Process-{first}"), LOOP, step=number)
        for number, (loader, first) in enumerate(begun)
    ]
    return [*rows, *([at(LoaderTrained(loader=1), None)] if trains else [])]


def worker(*rows: Detail, before: Sequence[Detail] = (), iterable: bool = False) -> list[Fact[Detail]]:
    marks = [*before, LoaderWorker(number=0, n=2, iterable=iterable), *rows]
    return [at(row) for row in marks]


def one(found: tuple[Twins, ...]) -> Twins:
    assert len(found) == 1, found
    return found[0]


# -- workers ---------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "drawn", [draw(5), draw(5, "python"), torch_draw(5), draw(5, "numpy.Generator", id=4)]
)
def test_workers_of_one_pass(of: Any, drawn: Detail) -> None:
    run = of({"main": parent((1, 1)), "main/Process-1": worker(drawn), "main/Process-2#2": worker(drawn)})
    found = one(twins(run))
    assert (found.kind, found.site, found.draws, found.groups) == ("workers", GET, 1, 1)
    assert found.processes == ("main/Process-1", "main/Process-2#2")


def test_workers_of_all_passes_are_one_finding(of: Any) -> None:
    workers = {f"main/Process-{number}": worker(draw(5), draw(6, n=3)) for number in range(1, 5)}
    found = one(twins(of({"main": parent((1, 1), (1, 3))} | workers)))
    assert (found.kind, len(found.processes), found.draws, found.epochs) == ("workers", 4, 2, True)
    assert found.sentence() == (
        "4 worker processes (main/Process-1, main/Process-2, main/Process-3, ...) began with one state of "
        "numpy's global generator and drew the same numbers at data.py:5: they repeat from worker to worker "
        "and from epoch to epoch"
    )


def test_each_worker_repeats_itself_from_pass_to_pass(of: Any) -> None:
    workers = {f"main/Process-{number}": worker(draw(number % 2)) for number in range(1, 5)}
    found = one(twins(of({"main": parent((1, 1), (1, 3))} | workers)))
    assert (found.kind, found.groups, len(found.processes)) == ("epochs", 2, 4)
    assert "began with 2 states of numpy's global generator" in found.sentence()
    assert found.as_json()["processes"] == list(found.processes)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (worker(draw(5)), worker(draw(6))),
        (worker(draw(5)), worker(draw(5, "python"))),
        (worker(draw(5), draw(6, n=1)), worker(draw(5), draw(7, n=1))),  # as many numbers, and another state
        (worker(draw(5), seed(1), draw(8)), worker(draw(5), seed(2), draw(9))),  # seeded apart
        (worker(draw(8), before=[draw(5), seed(1)]), worker(draw(9), before=[draw(5), seed(2)])),
        (worker(before=[draw(5)]), worker(before=[draw(5)])),  # for its seed, and nothing for a sample
        (worker(seed(1), draw(5)), worker(seed(1), draw(5))),  # for a sample
        (worker(Create(generator="numpy.Generator", id=4), draw(5, "numpy.Generator", id=4)),) * 2,
        (worker(draw(5, "numpy.Generator", id=4), iterable=True),) * 2,  # they share out what they shuffle
        (worker(seed(3, "torch.Generator"), torch_draw(5, generator="torch.Generator")),) * 2,
        (worker(draw(5, thread=1)),) * 2,  # of which nobody knows who came first
    ],
)
def test_workers_that_differ(of: Any, first: Any, second: Any) -> None:
    assert not twins(of({"main": parent((1, 1)), "main/Process-1": first, "main/Process-2": second}))


@pytest.mark.parametrize(
    ("batches", "said"),
    [
        ([7, 7, 8, 8], True),
        ([7, 7, 8, 8, 9], True),  # interrupted
        ([7, 8, 9, 10], False),  # they share out what they shuffle
        ([7, 7, 8, 9], False),
        ([7, 7, 7, 7], False),  # whatever is drawn, the samples are constant
        ([7, 7], False),
        ([], False),
    ],
)
@pytest.mark.parametrize("name", ["torch.Generator", "numpy.Generator"])
def test_workers_that_each_give_every_sample(of: Any, name: str, batches: Sequence[int], said: bool) -> None:
    draws = [torch_draw(5, generator=name), torch_draw(6, generator=name, n=3)]
    if name != "torch.Generator":
        draws = [draw(5, name, id=4), draw(6, name, id=4, n=3)]
    made = Create(generator=name, id=draws[0].id if isinstance(draws[0], Draw) else None)
    rows = worker(made, seed(3, name) if name == "torch.Generator" else made, *draws, iterable=True)
    events = [event("batch", step, digest) for step, digest in enumerate(batches)]
    run = of({"main": parent((1, 1)), "main/Process-1": rows, "main/Process-2#2": rows}, {"main": events})
    found = twins(run)
    assert [(each.kind, each.generator, each.site, each.draws) for each in found] == (
        [("workers", name, GET, 2)] if said else []
    )


def test_each_pass_of_one_line_is_looked_at_by_itself(of: Any) -> None:
    rows = worker(seed(3, "torch.Generator"), torch_draw(5, generator="torch.Generator"), iterable=True)
    workers = {f"main/Process-{number}": rows for number in range(1, 5)}
    passes = [
        at(LoaderPass(loader=1, n=2, first=f"Process-{first}"), LOOP, place=place)
        for first, place in ((1, 0), (3, 4))
    ]
    main = [*passes, at(LoaderTrained(loader=1), None)]
    events = [event("batch", step, digest) for step, digest in enumerate([7, 7, 8, 8, 1, 2, 3, 4])]
    found = one(twins(of({"main": main} | workers, {"main": events})))
    assert found.processes == ("main/Process-1", "main/Process-2")


def test_workers_that_draw_another_number_of_times_share_one_stream(of: Any) -> None:
    first, second = worker(draw(5), draw(6, n=3)), worker(draw(5), draw(7, n=2))
    found = one(twins(of({"main": parent((1, 1)), "main/Process-1": first, "main/Process-2": second})))
    assert found.draws == 1


def test_samples_that_nothing_is_trained_on(of: Any) -> None:
    workers = {"main/Process-1": worker(draw(5)), "main/Process-2": worker(draw(5))}
    validation = of({"main": parent((2, 1))} | workers)  # loader 1 is trained on
    assert not twins(validation)
    assert (
        one(twins(of({"main": parent((1, 1), trains=False)} | workers))).kind == "workers"
    )  # nothing trains
    losses = {"main": trained(3)}
    assert not twins(of({"main": parent((1, 1), trains=False)} | workers, losses))


def test_workers_of_two_trainings(of: Any) -> None:
    """Trials are seeded alike, so that they can be compared."""
    workers = {f"main/Process-{number}": worker(draw(number % 2)) for number in range(1, 5)}
    rows = [*parent((1, 1), (1, 3)), at(Optimizer(call="SGD"), None), at(Optimizer(call="SGD"), None, step=1)]
    assert not twins(of({"main": rows} | workers))


@pytest.mark.parametrize(
    "sample",
    [
        [seed(42), draw(5), seed(42), draw(5)],
        [
            Create(generator="numpy.Generator", id=4),
            draw(5, "numpy.Generator", id=4),
            Create(generator="numpy.Generator", id=6),
            draw(5, "numpy.Generator", id=6),
        ],
    ],
)
def test_each_sample_begins_alike(of: Any, sample: Sequence[Detail]) -> None:
    run = of({"main": parent((1, 1)), "main/Process-1": worker(*sample), "main/Process-2": worker(*sample)})
    found = one(twins(run))
    assert (found.kind, found.groups, found.seeded, len(found.processes)) == ("epochs", 2, GET, 2)
    assert found.sentence().startswith("one state of ")


@pytest.mark.parametrize(
    "sample",
    [
        [seed(1), draw(5), seed(2), draw(6), seed(1), draw(5)],  # by the sample's number
        [seed(None), draw(5), seed(None), draw(5)],
        [
            Create(generator="numpy.Generator", id=4),
            draw(5, "numpy.Generator", id=4),
            Create(generator="numpy.Generator", id=6),
            draw(6, "numpy.Generator", id=6),
            Create(generator="numpy.Generator", id=7),
            draw(5, "numpy.Generator", id=7),
        ],
    ],
)
def test_each_sample_begins_by_its_own_number(of: Any, sample: Sequence[Detail]) -> None:
    assert not twins(of({"main": parent((1, 1)), "main/Process-1": worker(*sample)}))


# -- other processes -------------------------------------------------------------------------------
def test_processes_that_are_forked_alike(of: Any) -> None:
    run = of(
        {"main": [], "main/ForkPoolWorker-1": [at(draw(5))], "main/ForkPoolWorker-2": [at(torch_draw(5))]}
    )
    assert not twins(run)
    run = of({"main": [], "main/ForkPoolWorker-1": [at(draw(5))], "main/ForkPoolWorker-2": [at(draw(5))]})
    found = one(twins(run))
    assert (found.kind, found.site) == ("processes", GET)
    assert found.sentence().endswith("they repeat from process to process")


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([at(seed(0), Site("train.py", 3, "<module>")), at(draw(5))], True),  # whoever imports the program
        ([at(seed(0), SEED), at(draw(5))], False),  # what it is told to do: a trial
        ([at(RngRestore(call="numpy.random.set_state"), SEED), at(draw(5))], False),
        ([at(draw(4)), at(seed(0), SEED), at(draw(5))], True),
    ],
)
def test_processes_that_seed_themselves(of: Any, rows: Any, said: bool) -> None:
    assert bool(twins(of({"main": [], "main/A-1": rows, "main/A-2": rows}))) == said


def test_processes_of_several_trials(of: Any) -> None:
    workers = {"main/A-1": [at(draw(5))], "main/A-2": [at(draw(5))]}
    assert twins(of({"main": [at(seed(0), SEED)]} | workers))
    assert not twins(of({"main": [at(seed(0), SEED), at(seed(0), SEED)]} | workers))


def test_other_programs_that_are_started(run_of: Any, record: Any) -> None:
    rows = {"facts": [at(draw(5))], "notes": {"work": "c0ffee"}}
    commands = [record({}, process=key, **rows) for key in ("main/child", "main/child#2")]
    assert not twins(run_of("a", record({}), *commands))
    forked = [record({}, process=key, facts=rows["facts"]) for key in ("main/child", "main/child#2")]
    assert one(twins(run_of("a", record({}), *forked))).kind == "processes"


def test_processes_that_train_may_draw_their_weights_alike(of: Any) -> None:
    events = {"main/A-1": trained(3), "main/A-2": trained(3, base=7)}
    weights = {"main": [], "main/A-1": [at(draw(5))], "main/A-2": [at(draw(5))]}
    assert not twins(of(weights, events))
    later = {"main": [], "main/A-1": [at(draw(5), step=1)], "main/A-2": [at(draw(5), step=1)]}
    assert one(twins(of(later, events))).kind == "processes"


# -- one process -----------------------------------------------------------------------------------
def epochs(*rows: Detail, count: int = 3, each: int = 4, site: Site = LOOP) -> list[Fact[Detail]]:
    """These facts at the start of each epoch of so many steps: a seed by `set_seed`, a draw at `site`."""
    return [
        at(row, SEED if isinstance(row, Seed | Create) else site, step=epoch * each, place=epoch * each)
        for epoch in range(count)
        for row in rows
    ]


@pytest.mark.parametrize(
    "rows",
    [
        [seed(0), draw(5)],
        [seed(0, "torch"), torch_draw(5)],
        [seed(0, "torch.Generator"), torch_draw(5, generator="torch.Generator")],
        [seed(0, "torch.Generator", by="torch.utils.data.distributed.DistributedSampler.__iter__"),
         torch_draw(5, generator="torch.Generator")],
    ],
)  # fmt: skip
def test_an_epoch_that_is_seeded_as_the_last_one_was(of: Any, rows: Sequence[Detail]) -> None:
    found = one(twins(of({"main": epochs(*rows)}, {"main": trained(12)})))
    assert (found.kind, found.site, found.seeded, found.processes) == ("epochs", LOOP, SEED, ("main",))
    assert (
        "was given again and again at train.py:3 and drew the same numbers at train.py:9" in found.sentence()
    )


def test_a_generator_that_is_made_anew_for_each_epoch(of: Any) -> None:
    made = [
        at(Create(generator="numpy.Generator", id=epoch + 3, by=by), SEED, step=4 * epoch)
        for epoch, by in enumerate([None] * 3)
    ]
    drawn = [
        at(draw(5, "numpy.Generator", id=epoch + 3), LOOP, step=4 * epoch, place=4 * epoch)
        for epoch in range(3)
    ]
    rows = [fact for pair in zip(made, drawn, strict=True) for fact in pair]
    assert one(twins(of({"main": rows}, {"main": trained(12)}))).seeded == SEED
    library = [at(Create(generator="numpy.Generator", id=3, by="sklearn.cluster.KMeans.fit"), SEED, step=1)]
    rows = [fact for pair in zip([*made[:2], *library], drawn, strict=True) for fact in pair]
    by = [
        Fact(Create(generator="numpy.Generator", id=n + 3, by="sklearn.KMeans"), SEED, 0, 4 * n)
        for n in range(3)
    ]
    assert not twins(
        of({"main": [f for pair in zip(by, drawn, strict=True) for f in pair]}, {"main": trained(12)})
    )


@pytest.mark.parametrize(
    ("rows", "each"),
    [
        (epochs(seed(0), draw(5)), [("read", 30), ("loss", 9)]),  # a value is read before a backward
        (epochs(seed(0), draw(5), site=EVALUATE), [("loss", 9)]),  # so it is called
        (epochs(seed(None), draw(5)), [("loss", 9)]),
        (epochs(seed(0), draw(5), each=0), [("loss", 9)]),  # in one step
        (epochs(draw(5)), [("loss", 9)]),  # nothing gives it the state
        (epochs(seed(0), draw(5), RngRestore(call="numpy.random.set_state")), [("loss", 9)]),
        ([at(row, LOOP, step=n, place=n) for n in range(3) for row in (seed(n), draw(5 + n))], [("loss", 9)]),
        ([*epochs(seed(0), draw(5)), *(at(Optimizer(), None, step=4 * n) for n in range(3))], [("loss", 9)]),
        (epochs(seed(0), draw(5, loader=2)), [("loss", 9)]),  # for a loader that nothing is trained on
        (epochs(seed(0, "torch.Generator", by="lib.noise"), torch_draw(5, generator="torch.Generator")),
         [("loss", 9)]),
    ],
)  # fmt: skip
def test_what_may_begin_alike_each_time(of: Any, rows: Any, each: Any) -> None:
    assert not twins(of({"main": rows}, {"main": trained(12, each)}))


def test_the_loss_may_be_read_before_its_backward(of: Any) -> None:
    events = [event(kind, step, 50 + step) for step in range(12) for kind in ("read", "loss")]
    rows = [Fact(fact.detail, fact.site, 2 * fact.at, fact.step) for fact in epochs(seed(0), draw(5))]
    assert one(twins(of({"main": rows}, {"main": events}))).kind == "epochs"


def test_a_batch_of_a_line_that_trains_nothing_comes_between(of: Any) -> None:
    """An evaluation whose values are read in the end, and then training."""
    one_epoch = [
        ("batch", 20),
        ("batch", 20),
        ("read", 21),
        ("batch", 9),
        ("loss", 9),
        ("batch", 9),
        ("loss", 9),
    ]
    events = [event(kind, 2 * epoch, epoch * 50 + number, line)
              for epoch in range(3) for number, (kind, line) in enumerate(one_epoch)]  # fmt: skip
    rows = [
        at(row, LOOP, step=2 * epoch, place=7 * epoch) for epoch in range(3) for row in (seed(0), draw(5))
    ]
    assert not twins(of({"main": rows}, {"main": events}))
    later = [Fact(fact.detail, fact.site, fact.at + 3, fact.step) for fact in rows]
    assert twins(of({"main": later}, {"main": events}))


def test_the_number_that_a_loader_takes_for_its_workers_is_nothing(of: Any) -> None:
    """A loader that shuffles takes another, for its sampler."""
    passes = [at(LoaderPass(loader=1, n=0), LOOP, step=4 * n, place=4 * n) for n in range(3)]
    takes = "aten::random_"
    rows = [
        at(row, SEED if isinstance(row, Seed) else LOOP, step=4 * n, place=4 * n)
        for n in range(3)
        for row in (seed(0, "torch"), torch_draw(5, call=takes, n=n))
    ]
    assert not twins(of({"main": [*passes, *rows]}, {"main": trained(12)}))
    rows = [
        at(row, SEED if isinstance(row, Seed) else LOOP, step=4 * n, place=4 * n)
        for n in range(3)
        for row in (
            seed(0, "torch"),
            torch_draw(5, call=takes, n=2 * n),
            torch_draw(6, call=takes, n=2 * n + 1),
        )
    ]
    assert one(twins(of({"main": [*passes, *rows]}, {"main": trained(12)}))).generator == "torch"


def _states(record: Any, states: Sequence[int], rows: Any, name: str = "torch:cpu", key: str = "main") -> Any:
    events = [
        one_event
        for step, state in enumerate(states)
        for one_event in (event("loss", step, step + len(key)), event("generator", step, state, name=name))
    ]
    return record({0: events}, process=key, facts=rows)


@pytest.mark.parametrize(
    ("states", "passes", "said"),
    [
        ([1, 2, 3, 4, 5, 1, 2, 3, 4, 5], (), True),
        ([1, 2, 3, 4, 5, 1, 2, 3, 9, 5], (), False),
        ([1, 1, 1, 1, 1, 1, 1, 1, 1, 1], (), False),  # nothing draws
        ([1, 2, 3, 4, 5, 1, 2, 3, 4, 5], range(10), False),  # a loader takes a number for each pass
    ],
)
def test_the_states_at_the_ends_of_steps(
    run_of: Any, record: Any, states: Sequence[int], passes: Sequence[int], said: bool
) -> None:
    """At level "step", and on GPUs, no draw of torch's is seen."""
    rows = [at(seed(0, "torch"), SEED), at(seed(0, "torch"), SEED, step=5)]
    rows += [at(LoaderPass(loader=1, n=0), LOOP, step=step) for step in passes]
    found = twins(run_of("a", _states(record, states, rows)))
    assert bool(found) == said
    if said:
        assert (found[0].kind, found[0].site, found[0].seeded) == ("epochs", None, SEED)
    assert bool(twins(run_of("a", _states(record, states, rows, "torch:cuda:0")))) == said


# -- ranks -----------------------------------------------------------------------------------------
def ranks(of: Any, rows: Callable[[int], Sequence[Fact[Detail]]], apart: bool = True) -> Any:
    events = {f"rank{rank}": trained(4, base=rank * apart) for rank in (0, 1)}
    return of({f"rank{rank}": [at(LoaderTrained(loader=1), None), *rows(rank)] for rank in (0, 1)}, events)


def dropout(*states: int, step: int = 1, **more: Any) -> list[Fact[Detail]]:
    return [
        at(torch_draw(state, n=number, **more), LOOP, step=step + number, place=step + number)
        for number, state in enumerate(states)
    ]


def test_ranks_that_drop_the_same_units(of: Any) -> None:
    found = one(twins(ranks(of, lambda rank: dropout(5, 6, module="drop"))))
    assert (found.kind, found.processes, found.draws) == ("ranks", ("rank0", "rank1"), 2)
    assert found.sentence().startswith(
        "2 ranks (rank0, rank1) trained with one state of torch's generator and drew"
    )


@pytest.mark.parametrize(
    ("rows", "apart"),
    [
        (lambda rank: dropout(5 + rank, 6 + rank), True),
        (lambda rank: dropout(5, 6 + rank), True),
        (lambda rank: dropout(5, 6), False),  # their losses are one: they compute it together
        (lambda rank: dropout(5, 6, step=0)[:1], True),  # weights
        (lambda rank: dropout(5, 6, generator="torch.Generator"), True),  # a sampler's
        (lambda rank: [at(draw(5), LOOP, step=1), at(draw(6), LOOP, step=2)], True),  # by which both decide
    ],
    ids=["apart", "later apart", "together", "weights", "a sampler", "decisions"],
)
def test_ranks_that_may_draw_so(of: Any, rows: Any, apart: bool) -> None:
    assert not twins(ranks(of, rows, apart))


def test_ranks_whose_samples_are_drawn_alike(of: Any) -> None:
    samples = [at(draw(5 + step, loader=1), GET, step=step, place=step) for step in (1, 2)]
    assert one(twins(ranks(of, lambda rank: samples))).generator == "numpy"


def test_what_ranks_decide_by(of: Any) -> None:
    """A size that is drawn alike is taken out of its tensor at once."""
    events = {
        f"rank{rank}": [
            event(kind, step, digest=10 * step + number + rank)
            for step in range(4)
            for number, kind in enumerate(("read", "loss"))
        ]
        for rank in (0, 1)
    }
    rows = [at(torch_draw(5 + step), LOOP, step=step, place=2 * step) for step in (1, 2)]
    assert not twins(of({"rank0": rows, "rank1": rows}, events))


def test_workers_of_ranks(of: Any) -> None:
    events = {f"rank{rank}": trained(4, base=rank) for rank in (0, 1)}
    rows = {f"rank{rank}": parent((1, 1)) for rank in (0, 1)}
    workers = {f"rank{rank}/Process-{number}": worker(draw(number)) for rank in (0, 1) for number in (1, 2)}
    found = one(twins(of(rows | workers, events)))
    assert (found.kind, found.groups, len(found.processes)) == ("ranks", 2, 4)
    together = {f"rank{rank}": trained(4) for rank in (0, 1)}
    assert not twins(of(rows | workers, together))


def test_ranks_on_gpus(run_of: Any, record: Any) -> None:
    """Each moves the generator of its own device."""
    both = [
        _states(record, [1, 2, 3, 4, 5], [], f"torch:cuda:{rank}", key="rank" + str(rank) * (rank + 1))
        for rank in (0, 1)
    ]
    assert one(twins(run_of("a", *both))).generator == "torch:cuda"


# -- two runs --------------------------------------------------------------------------------------
def _resumable(of: Any, states: Sequence[int], base: int, extra: Sequence[Fact[Detail]] = ()) -> Any:
    rows = [at(row, GET, step=step, place=step) for step, row in enumerate(map(torch_draw, states), 1)]
    return of({"main": [*extra, *rows]}, {"main": trained(4, base=base)})


@pytest.mark.parametrize(
    ("states", "base", "said"),
    [
        ([5, 6], 100, True),
        ([7, 8], 100, False),  # it goes on
        ([5, 6], 0, False),  # it begins again, with the first loss
    ],
)
def test_a_run_that_goes_on_draws_as_the_first_one_began(of: Any, states: Any, base: int, said: bool) -> None:
    found = twins_between(_resumable(of, [5, 6], 0), _resumable(of, states, base))
    assert bool(found) == said
    if said:
        assert (found[0].kind, found[0].draws) == ("restarts", 2)
        assert found[0].sentence().startswith("main went on with the state of torch's generator")


def test_weights_that_a_checkpoint_replaces_may_be_drawn_again(of: Any) -> None:
    weights = [at(torch_draw(1), Site("train.py", 2, "<module>"), place=0)]
    events = [event("batch", 0, 3, name="batch"), *trained(4)]
    first = of({"main": [*weights, at(torch_draw(5), GET, step=1, place=2)]}, {"main": events})
    events = [event("batch", 0, 3, name="batch"), *trained(4, base=100)]
    second = of({"main": [*weights, at(torch_draw(6), GET, step=1, place=2)]}, {"main": events})
    assert not twins_between(first, second)


def test_workers_of_a_run_that_goes_on(of: Any) -> None:
    def run(base: int, state: int) -> Any:
        workers = {"main/Process-1": worker(draw(state)), "main/Process-2": worker(draw(9))}
        return of({"main": parent((1, 1))} | workers, {"main": trained(4, base=base)})

    assert one(twins_between(run(0, 5), run(100, 5))).groups == 2
    assert one(twins_between(run(0, 5), run(100, 6))).processes == ("main/Process-2",)
