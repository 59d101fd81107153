"""Each cause on evidence as a run leaves it: the right name first, the right line, silence elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from samebits.causes._evidence import NO_INPUTS
from samebits.compare.explain import explain
from samebits.model import facts
from samebits.model.cause import Evidence
from samebits.model.divergence import Difference, Divergence, EnvironmentDifference
from samebits.model.events import EXTERNAL, OWN_GENERATOR, RANDOM, READS_UNINITIALIZED, Event
from samebits.model.facts import Fact
from samebits.model.finding import Finding
from samebits.model.sites import Site

_SOURCE = "train.py"


def event(
    name: str = "aten::mul", *, line: int = 50, kind: str = "op", index: int = 20, **more: Any
) -> Event:
    more = {"phase": "forward", "step": 0, "flags": 0, "digest": 1} | more
    return Event(index, kind, name, site=Site(_SOURCE, line), **more)


def fact(kind: str, line: int, at: int = 5, *, process: str = "main", step: int = 0, **detail: Any) -> Fact:
    made = facts.made(kind, detail)
    assert set(detail) <= set(facts.names(type(made))), f"a {kind} has no such field: {detail}"
    return Fact(made, Site(_SOURCE, line), at, step, process)


def value(
    name: str = "aten::mul",
    *,
    inputs: tuple[int, int] | None = (7, 8),
    states: tuple[int, int] | None = None,
    **more: Any,
) -> Divergence:
    one = event(name, inputs=inputs and inputs[0], generator=states and states[0], **more)
    two = event(name, inputs=inputs and inputs[1], generator=states and states[1], **more)
    return Divergence("value", 0, "main", one.step, one, two)


def ask(
    divergence: Divergence,
    a: Sequence[Fact] = (),
    b: Sequence[Fact] = (),
    *,
    source: str = "",
    environment: Sequence[EnvironmentDifference] = (),
) -> list[Finding]:
    return explain(Evidence(divergence, a, b, environment, {_SOURCE: source}))


BATCH = value("", kind="batch", inputs=None)
DRAWN = value("aten::uniform_", flags=RANDOM, inputs=(NO_INPUTS, NO_INPUTS), states=(1, 2))
THREADS = [EnvironmentDifference("torch.threads", 1, 2, True)]


def _both(kind: str, line: int, key: str, x: Any, y: Any, **more: Any) -> tuple[list[Fact], list[Fact]]:
    return [fact(kind, line, **more, **{key: x})], [fact(kind, line, **more, **{key: y})]


def _plus(*sides: tuple[list[Fact], list[Fact]]) -> tuple[list[Fact], list[Fact]]:
    return [row for a, _ in sides for row in a], [row for _, b in sides for row in b]


def _seed(generator: str, line: int, x: Any, y: Any, at: int = 3) -> tuple[list[Fact], list[Fact]]:
    return _both("seed", line, "value", x, y, generator=generator, call="seed", at=at)


def _draw(
    generator: str, line: int, x: Any, y: Any, *, seeded: bool, **more: Any
) -> tuple[list[Fact], list[Fact]]:
    return _both("draw", line, "value", x, y, generator=generator, call="random", n=0, seeded=seeded, **more)


_BUDGET = (
    "import time\nstart = time.time()\nwhile True:\n    train()\n"
    "    if time.time() - start > 5:\n        break\n"
)
_DEADLINE = "import time\ndeadline = time.monotonic() + 5\nwhile time.monotonic() < deadline:\n    train()\n"
_RACE = (
    "import time\ntimes = {}\nfor name, f in choices.items():\n    t = time.perf_counter()\n    f(x)\n"
    "    times[name] = time.perf_counter() - t\nbest = min(times, key=times.get)\nchoices[best](x)\n"
)
_RACE_OF_TWO = (
    "import time\n\ndef timed(f):\n    t = time.perf_counter()\n    f(x)\n    return "
    "time.perf_counter() - t\n"
    "fast = a if timed(a) < timed(b) else b\n"
)


def _clocks(*lines: int) -> tuple[list[Fact], list[Fact]]:
    pairs = [_both("clock", line, "value", 10.0 + line, 20.0 + line, call="time", at=line) for line in lines]
    return _plus(*pairs)


def _parted(change: Any, a: Event | None, b: Event | None, after_b: Sequence[Event] = ()) -> Divergence:
    return Divergence(change, 0, "main", 0, a, b, after_b=after_b)


EXTRA_DRAW = _parted("extra", None, event("aten::rand", line=9, flags=RANDOM))
OTHER_WORK = _parted("replaced", event("aten::conv2d", line=70), event("aten::mm", line=71))
STOPPED = _parted("end", event("", kind="batch", line=4), None)

FROM_OUTSIDE = value(line=3, flags=EXTERNAL)
_TIMEIT = (
    "from timeit import timeit\nseconds = {n: timeit(lambda: f(n), number=1) for n in sizes}\n"
    "best = min(sizes, key=seconds.get)\nf(best)\n"
)
REORDERED = Difference(4, 8, 1.0, None, reordered=True)
_LEFT_IN_LISTING = _plus(
    ([fact("listing", 2, path="runs", content=1, n=0)], [fact("listing", 2, path="runs", content=2, n=1)]),
    _both("write", 14, "mode", "w", "w", path="runs/a.json", at=40),
)

CASES: dict[str, tuple[str, int, Divergence, tuple[list[Fact], list[Fact]], dict[str, Any]]] = {
    "global python": (
        "unseeded-python-random", 12, BATCH, _draw("python", 12, 1, 2, seeded=False), {},
    ),
    "python object": (
        "unseeded-python-random", 8, BATCH,
        _plus(_both("create", 8, "value", None, None, generator="python.Random", call="Random",
                    seeded=False, at=2),
              _draw("python.Random", 12, 1, 2, seeded=False)), {},
    ),
    "python seeded from the system": (
        "unseeded-python-random", 4, BATCH,
        _plus(_seed("python", 4, None, None), _draw("python", 12, 1, 2, seeded=True)), {},
    ),
    "global numpy in a worker": (
        "unseeded-numpy-random", 30, BATCH,
        _draw("numpy", 30, 1, 2, seeded=False, process="main/Process-1"), {},
    ),
    "numpy generator": (
        "unseeded-numpy-random", 8, BATCH,
        _plus(_both("create", 8, "value", None, None, generator="numpy.Generator", call="default_rng",
                    seeded=False, at=2),
              _draw("numpy.Generator", 12, 1, 2, seeded=False)), {},
    ),
    "numpy generator in a worker without a record": (
        "unseeded-numpy-random", 8, BATCH,
        _both("create", 8, "value", None, None, generator="numpy.Generator", call="default_rng",
            seeded=False),
        {},
    ),
    "left behind, asked for": (
        "left-behind", 2, DRAWN,
        _plus(_both("probe", 2, "value", False, True, path="./cache.txt", call="os.path.exists"),
              _both("write", 4, "mode", "w", "w", path="cache.txt", at=40)), {},
    ),
    "left behind, a folder": (
        "left-behind", 2, DRAWN,
        _plus(_both("probe", 2, "value", False, True, path="out", call="os.path.isdir"),
              _both("save", 9, "call", "torch.save", "torch.save", path="out/a/last.pt", at=40)), {},
    ),
    "a file that is read, and then written anew": (
        "data-difference", 24, value(),
        _plus(_both("file", 24, "digest", 1, 2, path="d.npy", mode="rb"),
              _both("write", 26, "mode", "wb", "wb", path="d.npy")), {},
    ),
    "left behind, in a listing": (
        "left-behind", 2, value(), _LEFT_IN_LISTING, {},
    ),
    "a draw that what is left decides": ("rng-drift", 9, EXTRA_DRAW, _LEFT_IN_LISTING, {}),
    "torch.rand of no elements in one run": (
        "rng-drift", 9, replace(value("aten::rand", line=9), b=event("aten::rand", line=9, flags=RANDOM)),
        ([], []), {},
    ),
    "torch never seeded": ("unseeded-torch-generator", 50, DRAWN, ([], []), {}),
    "torch seeded from the system": (
        "unseeded-torch-generator", 6, DRAWN, _seed("torch", 6, None, None), {},
    ),
    "seed from the clock, one line": (
        "entropy-seed", 5, DRAWN,
        _plus(_both("clock", 5, "value", 1700000000.5, 1700000009.5, call="time", at=3),
              _seed("torch", 5, 1700000000, 1700000009)), {},
    ),
    "seed from pid, two lines": (
        "entropy-seed", 5, BATCH,
        _plus(_clocks(2), _both("entropy", 5, "value", 4711, 4712, call="getpid", at=3),
              _seed("python", 7, 4711, 4712), _draw("python", 12, 1, 2, seeded=True)), {},
    ),
    "seed through a function": (
        "entropy-seed", 3, DRAWN,
        _plus(_both("entropy", 3, "value", 1, 2, call="uuid4", at=3), _clocks(9),
              _seed("torch", 5, 77, 78, at=4)),
        {"source": "import uuid\ndef fresh():\n    return uuid.uuid4().int % "
        "100\n\ntorch.manual_seed(fresh())\n"
                   "\n\n\nt = time.time()\n"},
    ),
    "urandom as data": (
        "entropy-seed", 5, value("aten::add"),
        _both("entropy", 5, "value", 1, 2, call="urandom"), {},
    ),
    "set of strings": (
        "hash-order", 14, value("aten::embedding"),
        _both("iteration", 14, "order", 1, 2, what="set", by="hash", content=9, n=5), {},
    ),
    "seed from hash": (
        "hash-order", 6, DRAWN,
        _plus(_both("hash", 6, "value", 1, 2, call="hash", of="str", at=2), _seed("torch", 6, 11, 12)), {},
    ),
    "set of objects": (
        "address-order", 14, value("aten::add"),
        _both("iteration", 14, "order", 1, 2, what="set", by="address", content=9, n=5), {},
    ),
    "sorted by id": (
        "address-order", 14, value("aten::add"),
        _both("sort", 14, "order", 1, 2, call="sort", by="address"), {},
    ),
    "listing": (
        "directory-order", 10, BATCH,
        _both("listing", 10, "order", 1, 2, call="os.listdir", path="data", content=3, n=9), {},
    ),
    "as_completed": (
        "completion-order", 22, value("aten::add"),
        _both("completion", 22, "order", 1, 2, call="as_completed", at=40), {},
    ),
    "threads": (
        "completion-order", 22, value("aten::add"), _both("thread", 22, "n", 4, 4, call="Thread"), {},
    ),
    "index_put": (
        "nondeterministic-kernel", 50, value("aten::_index_put_impl_", inputs=(7, 7), phase="backward"),
        ([], []), {},
    ),
    "kernel beside harmless differences": (
        "nondeterministic-kernel", 50, value("aten::put_", inputs=(7, 7)),
        _plus(_both("iteration", 14, "order", 1, 2, what="set", by="hash", content=9, n=5),
              _draw("python", 12, 1, 2, seeded=False), _clocks(3),
              _both("thread", 2, "n", 1, 1, call="Thread")), {},
    ),
    "kernel, inputs not recorded": (
        "nondeterministic-kernel", 50, value("aten::grid_sampler_2d_backward", inputs=None), ([], []), {},
    ),
    "unknown kernel": (
        "nondeterministic-kernel", 50, value("mylib::scan", inputs=(7, 7)), ([], []), {},
    ),
    "empty": (
        "uninitialized-memory", 33,
        value("aten::add_", flags=READS_UNINITIALIZED, source=Site(_SOURCE, 33)), ([], []), {},
    ),
    "np.empty": (
        "uninitialized-memory", 34, value("aten::to", flags=EXTERNAL),
        _both("empty", 34, "call", "np.empty", "np.empty"), {},
    ),
    "extra torch draw": ("rng-drift", 9, EXTRA_DRAW, _seed("torch", 2, 0, 0), {}),
    "extra python draw": (
        "rng-drift", 9, BATCH,
        _plus(_seed("python", 2, 0, 0),
              ([], [fact("draw", 9, generator="python", call="random", value=1, seeded=True)]),
              _draw("python", 12, 1, 2, seeded=True)), {},
    ),
    "drift that was not seen": ("rng-drift", 50, DRAWN, _seed("torch", 2, 0, 0), {}),
    "other machine": (
        "environment-difference", 50, value("aten::mm", inputs=(7, 7)), ([], []), {"environment": THREADS},
    ),
    "other machine, known kernel": (
        "environment-difference", 50, value("aten::index_put", inputs=(7, 7)), ([], []),
        {"environment": THREADS},
    ),
    "threads set by the script": (
        "environment-difference", 3, value("aten::mm", inputs=(7, 7)),
        _both("threads", 3, "value", 1, 2, call="set_num_threads"), {},
    ),
    "a variable that the script reads": (
        "environment-difference", 4, value("aten::mul"),
        _both("variable", 4, "name", "SCALE", "SCALE"),
        {"environment": [EnvironmentDifference("variables.SCALE", "1", "2", True)]},
    ),
    "changed file": (
        "data-difference", 15, BATCH, _both("file", 15, "digest", 1, 2, path="d.csv", size=3, mode="r"), {},
    ),
    "another set of files": (
        "data-difference", 15, BATCH,
        _plus(_both("listing", 15, "content", 1, 2, call="glob", path="data", order=1, n=9)), {},
    ),
    "resumed": (
        "lost-rng-state", 18,
        replace(_parted("extra", None, event("aten::copy_", line=18), [DRAWN.event]), after_a=[DRAWN.event]),
        _plus(_both("probe", 17, "value", False, True, call="exists", path="c.pt"),
              ([], [fact("load", 18, 21, call="torch.load", path="c.pt", keys=["model"])])), {},
    ),
    "resumed twice, never seeded": (
        "lost-rng-state", 18, value("aten::bernoulli_", flags=RANDOM, states=(1, 2)),
        _both("load", 18, "path", "c.pt", "c.pt", call="torch.load"), {},
    ),
    "budget": ("wall-clock", 5, STOPPED, _clocks(2, 5, 5), {"source": _BUDGET}),
    "seed from the clock, and another number for Python": (
        "entropy-seed", 5, DRAWN,
        _plus(_both("clock", 5, "value", 1700000000.5, 1700000009.5, call="time", at=3),
              _seed("python", 4, 7, 8, at=2), _seed("torch", 5, 1700000000, 1700000009)), {},
    ),
    "the system's generator, drawn from twice": (
        "entropy-seed", 15, BATCH,
        _plus(_both("entropy", 15, "value", 1, 2, call="random.SystemRandom.sample", at=2),
              _both("entropy", 16, "value", 3, 4, call="random.SystemRandom.choice", at=3)), {},
    ),
    "a generator that a library made as it was imported": (
        "unseeded-numpy-random", 12, BATCH,
        _plus(_both("create", 3, "value", None, None, generator="numpy.Generator", by="importlib",
                    seeded=False, at=2),
              _draw("numpy.Generator", 12, 1, 2, seeded=False, by="lib.mask")), {},
    ),
    "a library's listing, read in another order": (
        "directory-order", 8, BATCH,
        _plus(_both("listing", 8, "order", 1, 2, path="tiles", content=3, n=2, by="lib.Store", at=2),
              ([fact("file", 8, path="tiles/a", digest=1)], [fact("file", 8, path="tiles/b", digest=2)])), {},
    ),
    "joblib's results as they come": (
        "completion-order", 1, replace(value(line=3), difference=REORDERED), ([], []),
        {"source": "parallel = Parallel(return_as='generator_unordered')\nrows = list(parallel(jobs))\n"
                   "x = torch.tensor(rows)\n"},
    ),
    "threads that add to one tensor": (
        "completion-order", 22, value("aten::add_", line=22, thread=2),
        _both("thread", 36, "call", "Thread.start", "Thread.start", n=1), {},
    ),
    "a timer": ("wall-clock", 16, STOPPED, _both("clock", 16, "call", *["threading.Timer"] * 2), {}),
    "an alarm that turns a loop": (
        "wall-clock", 20, value(), _both("clock", 20, "call", *["signal.setitimer"] * 2), {},
    ),
    "a library that times alternatives": (
        "autotuning", 7, OTHER_WORK,
        _both("clock", 7, "value", 1.0, 2.0, call="time.perf_counter", by="fastops.Linear.benchmark"), {},
    ),
    "timeit": ("autotuning", 3, OTHER_WORK, _both("clock", 2, "value", 0.1, 0.2, call="timeit.timeit"),
               {"source": _TIMEIT}),
    "a date of where the program runs": (
        "environment-difference", 2, value(), ([], []),
        {"source": "import datetime\nwhen = datetime.datetime.fromtimestamp(0)\n",
         "environment": [EnvironmentDifference("variables.TZ", "UTC", "Asia/Tokyo", True)]},
    ),
    "a number in a variable": (
        "environment-difference", 24, value(),
        _both("variable", 24, "value", "1", "2", name="WORKERS", set=True), {},
    ),
    "sums of a library's jobs": (
        "completion-order", 2, replace(FROM_OUTSIDE, difference=Difference(9, 40, 3e-16, 5)), ([], []),
        {"source": "import torch\nforest = Forest(40, n_jobs=4)\nx = torch.tensor(forest.predict(rows))\n"},
    ),
    "a library that keeps what it has after some time": (
        "wall-clock", 2, value("read", kind="read"),
        _both("clock", 3, "value", 1.0, 2.0, call="time.monotonic", by="pl.ModelCheckpoint.on_batch"),
        {"source": "from pl import ModelCheckpoint\nkeep = ModelCheckpoint(train_time_interval=every)\n"
                   "trainer.fit(model)\n"},
    ),
    "torch's own timer": (
        "autotuning", 3, OTHER_WORK, _both("clock", 2, "call", *["benchmark.Timer.timeit"] * 2),
        {"source": "for n in sizes:\n    speed[n] = n / timer(n).timeit(5).median\n"
                   "best = max(speed, key=speed.get)\n"},
    ),
    "a file beside the one that was asked for": (
        "left-behind", 10, value(),
        ([fact("probe", 8, path="s/init.pt", call="exists", value=False),
          fact("write", 9, path="s/init.pt", mode="w"), fact("write", 19, path="s/last.pt", mode="w", at=40)],
         [fact("probe", 8, path="s/init.pt", call="exists", value=True),
          fact("file", 10, path="s/last.pt", digest=1, mode="r")]), {},
    ),
    "a pool of threads, and a dict": (
        "completion-order", 17, replace(FROM_OUTSIDE, difference=REORDERED),
        _both("thread", 17, "call", *["multiprocessing.pool.ThreadPool"] * 2, n=4), {},
    ),
    "weights that the second run begins with": (
        "left-behind", 19, DRAWN,
        _plus(_both("probe", 19, "value", False, True, path="last.pt", call="Path.exists"),
              ([], [fact("load", 20, call="Module.load_state_dict")]),
              _both("save", 30, "call", "torch.save", "torch.save", path="last.pt", at=40)), {},
    ),
    "a variable that a library reads": (
        "environment-difference", 3, value(),
        _plus(_both("variable", 3, "set", True, False, name="LIB_PRECISION", by="lib.<module>"),
              _both("variable", 4, "set", True, False, name="COLUMNS", by="rich.console.size")), {},
    ),
    "deadline": ("wall-clock", 3, STOPPED, _clocks(2, 3), {"source": _DEADLINE}),
    "race of alternatives": ("autotuning", 7, OTHER_WORK, _clocks(4, 6, 4, 6), {"source": _RACE}),
    "race of two": ("autotuning", 7, OTHER_WORK, _clocks(4, 6, 4, 6), {"source": _RACE_OF_TWO}),
    "cudnn.benchmark": (
        "autotuning", 2, value("aten::cudnn_convolution", inputs=(7, 7)),
        _both("flag", 2, "value", True, True, call="torch.backends.cudnn.benchmark"), {},
    ),
}  # fmt: skip


#: How sure the first cause of each case is.
CONFIDENCE = {
    "global python": 0.929,
    "python object": 0.929,
    "python seeded from the system": 0.929,
    "global numpy in a worker": 0.95,
    "numpy generator": 0.929,
    "numpy generator in a worker without a record": 0.684,
    "left behind, asked for": 0.948,
    "left behind, a folder": 0.948,
    "a file that is read, and then written anew": 0.938,
    "seed from the clock, and another number for Python": 0.936,
    "the system's generator, drawn from twice": 0.876,
    "a generator that a library made as it was imported": 0.929,
    "a library's listing, read in another order": 0.876,
    "joblib's results as they come": 0.9,
    "threads that add to one tensor": 0.8,
    "a timer": 0.9,
    "an alarm that turns a loop": 0.8,
    "a library that times alternatives": 0.831,
    "timeit": 0.909,
    "a date of where the program runs": 0.864,
    "a variable that a library reads": 0.586,
    "a number in a variable": 0.899,
    "sums of a library's jobs": 0.75,
    "a library that keeps what it has after some time": 0.733,
    "torch's own timer": 0.909,
    "a file beside the one that was asked for": 0.879,
    "a pool of threads, and a dict": 0.7,
    "weights that the second run begins with": 0.948,
    "left behind, in a listing": 0.879,
    "a draw that what is left decides": 0.93,
    "torch.rand of no elements in one run": 0.93,
    "torch never seeded": 0.6,
    "torch seeded from the system": 0.926,
    "seed from the clock, one line": 0.936,
    "seed from pid, two lines": 0.936,
    "seed through a function": 0.937,
    "urandom as data": 0.293,
    "set of strings": 0.929,
    "seed from hash": 0.876,
    "set of objects": 0.919,
    "sorted by id": 0.919,
    "listing": 0.938,
    "as_completed": 0.95,
    "threads": 0.5,
    "index_put": 0.97,
    "kernel beside harmless differences": 0.97,
    "kernel, inputs not recorded": 0.85,
    "unknown kernel": 0.6,
    "empty": 0.96,
    "np.empty": 0.586,
    "extra torch draw": 0.93,
    "extra python draw": 0.899,
    "drift that was not seen": 0.487,
    "other machine": 0.96,
    "other machine, known kernel": 0.96,
    "threads set by the script": 0.96,
    "a variable that the script reads": 0.864,
    "changed file": 0.938,
    "another set of files": 0.88,
    "resumed": 0.5,
    "resumed twice, never seeded": 0.831,
    "budget": 0.88,
    "deadline": 0.877,
    "race of alternatives": 0.91,
    "race of two": 0.91,
    "cudnn.benchmark": 0.88,
}


@pytest.mark.parametrize("name", CASES)
def test_the_cause_is_first_and_names_the_line(name: str) -> None:
    cause, line, divergence, (a, b), more = CASES[name]
    found = ask(divergence, a, b, **more)
    assert found, "no cause at all"
    assert found[0].cause == cause, [(each.cause, round(each.confidence, 2)) for each in found]
    assert found[0].site is not None
    assert found[0].site.line == line
    assert found[0].why
    assert found[0].fix
    assert all(0 <= each.confidence <= 1 for each in found)
    assert [each.confidence for each in found] == sorted((e.confidence for e in found), reverse=True)
    assert found[0].confidence == pytest.approx(CONFIDENCE[name], abs=0.005)


SILENT: dict[str, tuple[str, Divergence, tuple[list[Fact], list[Fact]], dict[str, Any]]] = {
    "draws agree": ("unseeded-python-random", BATCH, _draw("python", 12, 1, 1, seeded=False), {}),
    "seeded draws differ": ("unseeded-python-random", BATCH, _draw("python", 12, 1, 2, seeded=True), {}),
    "numpy after": ("unseeded-numpy-random", BATCH, _draw("numpy", 12, 1, 2, seeded=False, at=400), {}),
    "torch seeded alike": ("unseeded-torch-generator", DRAWN, _seed("torch", 2, 0, 0), {}),
    "generators agree": (
        "unseeded-torch-generator", value("aten::dropout", flags=RANDOM, states=(1, 1)), ([], []), {},
    ),
    "clock for the log": ("entropy-seed", DRAWN, _plus(_clocks(2), _seed("torch", 2, 5, 5)), {}),
    "order agrees": (
        "hash-order", BATCH, _both("iteration", 14, "order", 1, 1, what="set", by="hash", content=9), {},
    ),
    "another program made it": (
        "left-behind", DRAWN,
        _both("probe", 2, "value", False, True, path="cache.txt", call="os.path.exists"), {},
    ),
    "written and never looked for": (
        "left-behind", DRAWN, _both("write", 4, "mode", "w", "w", path="log.txt"), {},
    ),
    "set of ints": (
        "address-order", BATCH, _both("iteration", 14, "order", 1, 1, what="set", by="value", content=9), {},
    ),
    "a library's listing, of which the files come in one order": (
        "directory-order", BATCH,
        _plus(_both("listing", 8, "order", 1, 2, path="tiles", content=3, n=2, by="lib.Store", at=2),
              _both("file", 8, "digest", 1, 1, path="tiles/a")), {},
    ),
    "a library's listing of what the runs wrote": (
        "left-behind", value(),
        _plus(([fact("listing", 2, path=".", content=1, n=1, by="lib.f")],
               [fact("listing", 2, path=".", content=2, n=2, by="lib.f")]),
              _both("write", 4, "mode", "w", "w", path="log.txt", at=40)), {},
    ),
    "a library's own file": (
        "left-behind", value(),
        ([Fact(facts.Write(path="/home/me/.cache/fonts.json", mode="w"), None, 40, 0, "main")],
         [Fact(facts.File(path="/home/me/.cache/fonts.json", digest=1, mode="r"), None, 4, 0, "main")]), {},
    ),
    "other numbers of a library's jobs": (
        "completion-order", replace(FROM_OUTSIDE, difference=Difference(9, 40, 3.0, 1 << 24, far=9)),
        ([], []),
        {"source": "import torch\nforest = Forest(40, n_jobs=4)\nx = torch.tensor(forest.predict(rows))\n"},
    ),
    "a checkpoint after which nothing is drawn": (
        "lost-rng-state", _parted("extra", None, event("aten::copy_", line=18)),
        _plus(_both("probe", 17, "value", False, True, call="exists", path="c.pt"),
              ([], [fact("load", 18, 21, call="torch.load", path="c.pt", keys=["model", "optimizer"])])), {},
    ),
    "a file that the run made itself, by a new name": (
        "data-difference", BATCH,
        ([fact("write", 12, path="/tmp/a1.pt", mode="w"), fact("file", 17, path="/tmp/a1.pt", digest=1)],
         [fact("write", 12, path="/tmp/b2.pt", mode="w"), fact("file", 17, path="/tmp/b2.pt", digest=2)]), {},
    ),
    "a draw from a generator of one's own": (
        "rng-drift", _parted("replaced", event("aten::randn", line=9, flags=RANDOM | OWN_GENERATOR),
                             event("aten::mm", line=12)),
        _both("probe", 8, "value", False, True, call="exists", path="c.pt"), {},
    ),
    "a temporary file's name": (
        "entropy-seed", BATCH, _both("entropy", 5, "value", 1, 2, call="tempfile.mkstemp"),
        {"source": "import tempfile\n\n\n\npath = tempfile.mkstemp()[1]\nwrite(path)\n"},
    ),
    "a database that both runs wrote to": (
        "left-behind", value(),
        ([fact("write", 15, path="d.db", mode="r+b")],
         [fact("write", 15, path="d.db", mode="r+b"),
          fact("file", 15, path="d.db", digest=1, mode="r+b")]), {},
    ),
    "other files": (
        "directory-order", BATCH,
        _plus(_both("listing", 10, "content", 1, 2, call="os.listdir", path="data", order=3)), {},
    ),
    "pool in order": ("completion-order", BATCH, _both("completion", 9, "order", 1, 1, call="wait"), {}),
    "unequal inputs": ("nondeterministic-kernel", value("aten::index_put"), ([], []), {}),
    "no inputs": (
        "nondeterministic-kernel", value("aten::full", inputs=(NO_INPUTS, NO_INPUTS)), ([], []), {},
    ),
    "memory was written": ("uninitialized-memory", value("aten::add_"), ([], []), {}),
    "as many draws": ("rng-drift", BATCH, _draw("python", 12, 1, 1, seeded=True), {}),
    "only a path differs": (
        "environment-difference", value(), ([], []),
        {"environment": [EnvironmentDifference("cwd", "/a", "/b", False)]},
    ),
    "a file that each run writes anew": (
        "data-difference", value(),
        _plus(_both("write", 22, "mode", "wb", "wb", path="d.npy"),
              _both("file", 24, "digest", 1, 2, path="d.npy", mode="rb")), {},
    ),
    "same file": ("data-difference", value(), _both("file", 15, "digest", 1, 1, path="d.csv"), {}),
    "pretrained weights": (
        "lost-rng-state", value("aten::mm"), _both("load", 18, "path", "w.pt", "w.pt", call="torch.load"), {},
    ),
    "clock for the log only": (
        "wall-clock", value("aten::mm"), _clocks(2), {"source": "import time\nt = time.time()\nprint(t)\n"},
    ),
    "one timing": (
        "autotuning", OTHER_WORK, _clocks(2, 4),
        {"source": "import time\nt = time.time()\nwork()\nprint(time.time() - t)\n"},
    ),
    "benchmark off": (
        "autotuning", value("aten::cudnn_convolution", inputs=(7, 7)),
        _both("flag", 2, "value", False, False, call="torch.backends.cudnn.benchmark"), {},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SILENT)
def test_the_cause_keeps_quiet(name: str) -> None:
    cause, divergence, (a, b), more = SILENT[name]
    found = {each.cause: each.confidence for each in ask(divergence, a, b, **more)}
    assert found.get(cause, 0) < 0.3


def test_of_a_file_that_is_left_and_a_draw_that_it_decides_the_draw_is_nearer() -> None:
    rows = _plus(_LEFT_IN_LISTING, _seed("torch", 1, 0, 0, at=1))
    found = {each.cause: each.confidence for each in ask(EXTRA_DRAW, *rows)}
    assert found == {"rng-drift": pytest.approx(0.93), "left-behind": pytest.approx(0.684, abs=0.005)}


def test_what_the_first_run_added_to_a_file_is_other_data() -> None:
    a = [fact("write", 15, path="d.db", mode="r+b")]
    b = [*a, fact("file", 15, path="d.db", digest=1, mode="r+b")]
    (found,) = explain(Evidence(value(), a, b, whole=True))
    assert (found.cause, found.site and found.site.line) == ("data-difference", 15)
    assert "holds what the run before it wrote there" in found.why


def test_every_cause_has_evidence_for_and_against() -> None:
    from samebits.causes import CATALOGUE

    here = Path(__file__).parent
    of_their_own = {name for name in CATALOGUE if (here / f"test_{name.replace('-', '_')}.py").exists()}
    matched = {name for name, cause in CATALOGUE.items() if cause.match is not None}
    assert {case[0] for case in CASES.values()} | of_their_own == matched
    assert {case[0] for case in SILENT.values()} | of_their_own == matched


def test_a_clock_in_the_log_does_not_hide_the_seed() -> None:
    source = "import time\nt0 = time.time()\nimport os\nseed = os.getpid()\ntorch.manual_seed(seed)\n"
    a, b = _plus(
        _clocks(2),
        _both("entropy", 4, "value", 500, 501, call="getpid", at=2),
        _seed("torch", 5, 500, 501, at=3),
    )
    found = ask(DRAWN, a, b, source=source)
    assert (found[0].cause, found[0].site) == ("entropy-seed", Site(_SOURCE, 4))


def test_what_threads_draw_from_one_generator_is_no_order_of_a_queue() -> None:
    """The queue's items differ since the draws came in another order, not since others came first."""

    def run(first: int, other: int, order: int) -> list[Fact]:
        draws = [
            fact("draw", line, at, generator="numpy", call="rand", n=16, thread=thread, value=at, seeded=True)
            for line, thread, at in ((8, 1, 3), (first, 1 - first // 14, 4), (other, 1 - other // 14, 6))
        ]
        return [*draws, fact("completion", 13, 5, call="Queue.get", order=order, content=order)]

    found = ask(BATCH, run(8, 14, 1), run(14, 8, 2))
    assert found[0].cause == "completion-order"
    assert found[0].site in (Site(_SOURCE, 8), Site(_SOURCE, 14)), found
    assert found[0].confidence >= 0.8


@pytest.mark.parametrize(
    ("returns", "named"), [("1 + (time.time_ns() % 1000) * 1e-5", True), ("time.time_ns() - start", False)]
)
def test_a_clock_that_is_computed_with(returns: str, named: bool) -> None:
    source = f"import time\ndef scale():\n    return {returns}\n"
    a, b = _both("clock", 3, "value", 100, 250, call="time.time_ns")
    found = ask(value("aten::mul", line=9), a, b, source=source)
    assert [(one.cause, one.site and one.site.line) for one in found] == [("wall-clock", 3)] * named
