"""What is seen of a program, and what is not: facts, their caps, and that nothing of it shows."""

from __future__ import annotations

import json
import os
import random
import sys
import textwrap
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samebits.launch import shown
from samebits.model.facts import Detail
from samebits.model.sites import Site
from samebits.usercode import loading, probes
from samebits.usercode.content import arrangement, canonical, deciding, digest

Row = tuple[str, Site | None, dict[str, Any]]
FILE = "/somewhere/user_script.py"


class Fields(dict[str, Any]):
    """A fact's, as a record has them: what is absent is None."""

    def __missing__(self, name: str) -> None:
        return None


class Rows(list[Row]):
    def fact(self, detail: Detail, site: Site | None) -> None:
        json.dumps(detail.as_json())
        self.append((detail.kind, site, Fields(detail.as_json())))

    def not_observed(self, what: str) -> None:
        pass

    def details(self, kind: str) -> list[Fields]:
        return [detail for each, _, detail in self if each == kind]


@pytest.fixture
def rows() -> Iterator[Rows]:
    sink = Rows()
    uninstall = loading.install(sink, is_user=lambda name: name == FILE)
    state = random.getstate()
    yield sink
    random.setstate(state)
    uninstall()


def run(source: str, **names: Any) -> dict[str, Any]:
    space = {"__name__": "user_script", **names}
    exec(loading.compile_user(textwrap.dedent(source), FILE), space)
    return space


def test_python_generators(rows: Rows) -> None:
    run("""
        import random
        random.seed(7)
        random.random()
        items = [1, 2, 3]
        random.shuffle(items)
        own = random.Random(3)
        own.random()
        other = random.Random()
        other.gauss(0, 1)
        random.setstate(random.getstate())
        random.SystemRandom().random()
        random.seed()
    """)
    assert rows.details("seed") == [
        {"generator": "python", "call": "random.seed", "value": 7},
        {"generator": "python", "call": "random.seed"},
    ]
    made = [(d["generator"], d["seeded"], d["value"]) for d in rows.details("create")]
    assert made == [
        ("python.Random", True, 3),
        ("python.Random", False, None),
        ("python.Random", False, None),
    ]
    draws = [(d["generator"], d["call"], d["n"], d["seeded"]) for d in rows.details("draw")]
    assert draws == [
        ("python", "random.random", 1, True),
        ("python", "random.shuffle", 2, True),
        ("python.Random", "random.random", 1, True),
        ("python.Random", "random.gauss", 1, False),
    ]
    assert rows.details("draw")[0]["value"] == digest(random.Random(7).random())
    assert [d["call"] for d in rows.details("rng-restore")] == ["random.setstate"]
    assert [d["call"] for d in rows.details("entropy")] == ["random.SystemRandom.random"]
    assert rows[0][1] == Site(FILE, 3, "<module>")


def test_unseeded_is_said_only_where_it_is_known() -> None:
    state = random.getstate()
    try:
        random.seed()  # as at the start of a program
        for setup, seeded in (
            (lambda: None, False),
            (lambda: [random.random() for _ in range(5000)], False),  # a library drew
            (lambda: random.seed(5), True),  # a library seeded
        ):
            sink = Rows()
            uninstall = loading.install(sink, is_user=lambda name: name == FILE)
            setup()
            run("import random\nrandom.random()")
            uninstall()
            assert [d["seeded"] for d in sink.details("draw")] == [seeded]
        sink = Rows()
        uninstall = loading.install(sink, seeded=["python"])
        run("import random\nrandom.random()")
        uninstall()
        assert sink.details("draw")[0]["seeded"] is True
    finally:
        random.setstate(state)


def test_numpy_generators(rows: Rows) -> None:
    numpy = pytest.importorskip("numpy")
    before = numpy.random.get_state()
    run("""
        import numpy as np
        np.random.seed(3)
        np.random.rand(2)
        np.random.default_rng(5).normal()
        np.random.default_rng().normal()
        np.random.RandomState(4).randint(3)
        np.random.Generator(np.random.PCG64()).random()
        np.random.Generator(np.random.PCG64(1)).random()
        np.random.default_rng(np.random.SeedSequence(2)).random()
        np.random.set_state(np.random.get_state())
        np.empty(3)
    """)
    numpy.random.set_state(before)
    assert [(d["generator"], d["value"]) for d in rows.details("seed")] == [("numpy", 3)]
    assert [(d["generator"], d["seeded"]) for d in rows.details("draw")] == [
        ("numpy", True),
        ("numpy.Generator", True),
        ("numpy.Generator", False),
        ("numpy.RandomState", True),
        ("numpy.Generator", False),
        ("numpy.Generator", True),
        ("numpy.Generator", True),
    ]
    assert [d["call"] for d in rows.details("empty")] == ["numpy.empty"]
    assert [d["call"] for d in rows.details("rng-restore")] == ["numpy.random.set_state"]


def test_clocks_entropy_and_hashes(rows: Rows) -> None:
    space = run("""
        import datetime, os, secrets, time, uuid
        a = time.time(); b = time.perf_counter_ns(); c = datetime.datetime.now(); d = datetime.date.today()
        pid = os.getpid(); u = uuid.uuid4(); s = secrets.token_hex(4); r = os.urandom(2)
        h = hash("text"); n = hash((1, 2)); i = id(time); o = hash(object())
    """)
    clocks = [(d["call"], d["value"]) for d in rows.details("clock")]
    assert clocks == [
        ("time.time", space["a"]),
        ("time.perf_counter_ns", space["b"]),
        ("datetime.now", space["c"].timestamp()),
        ("date.today", space["d"].toordinal()),
    ]
    assert [(d["call"], d["value"]) for d in rows.details("entropy")] == [
        ("os.getpid", os.getpid()),
        ("uuid.uuid4", digest(space["u"].bytes)),
        ("secrets.token_hex", digest(space["s"])),
        ("os.urandom", digest(space["r"])),
    ]
    assert [(d["of"], d["value"]) for d in rows.details("hash")] == [
        ("str", space["h"]),
        ("tuple", space["n"]),
        ("object", space["i"]),
        ("object", space["o"]),
    ]


@pytest.mark.parametrize(
    ("source", "by", "what"),
    [
        ("for x in {'a', 'b'}: pass", "hash", "for"),
        ("[x for x in {1, 2}]", "value", "comprehension"),
        ("list({object(), object()})", "address", "list"),
        ("print(end='', *{('a', 1), ('b', 2)}) if 0 else [*frozenset({b'x', b'y'})]", "hash", "star"),
        ("a, b = {int, str}", "address", "unpack"),
        ("{'a', 'b'}.pop()", "hash", "pop"),
        ("max({'aa', 'bb'}, key=len)", "hash", "max"),
        ("sorted({'aa', 'bb', 'c'}, key=len)", "hash", "sorted"),
    ],
)
def test_sets_that_are_iterated(rows: Rows, source: str, by: str, what: str) -> None:
    run(source)
    (detail,) = rows.details("iteration")
    assert (detail["by"], detail["what"]) == (by, what)
    assert detail["n"] >= 2


@pytest.mark.parametrize(
    "source",
    [
        "sorted({'a', 'b'})",
        "sorted(x for x in {'a', 'b'})",
        "{x for x in {'a', 'b'}}",
        "len(list({'a', 'b'})); set(list({'a', 'b'}))",
        "for x in ['a', 'b']: pass",
        "for x in {'a': 1, 'b': 2}: pass",
        "for x in {'a'}: pass",
        "sorted({'aa', 'c'}, key=len); max({'aa', 'c'}, key=len)",
        "any(x for x in {'a', 'b'})",
    ],
)
def test_what_hides_the_order_is_no_fact(rows: Rows, source: str) -> None:
    run(source)
    assert rows == []


def test_listings(rows: Rows, tmp_path: Path) -> None:
    for name in ("b", "a", "c"):
        (tmp_path / name).write_text(name)
    run(
        """
        import glob, os, pathlib
        names = os.listdir(folder)
        ordered = sorted(os.listdir(folder))
        entries = [e.name for e in os.scandir(folder)]
        found = [p.name for p in pathlib.Path(folder).iterdir()]
        for _ in os.walk(folder): pass
        matched = glob.glob(folder + "/*")
        list(pathlib.Path(folder).glob("*"))
        os.path.exists(folder + "/d"); pathlib.Path(folder).is_dir()
        os.environ["HOME"]; os.environ.get("SECRET_TOKEN"); os.getenv("X"); "Y" in os.environ
    """,
        folder=str(tmp_path),
    )
    found = rows.details("listing")
    calls = ["os.listdir", "os.listdir", "os.scandir", "Path.iterdir", "os.walk", "glob.glob", "Path.glob"]
    assert [d["call"] for d in found] == calls
    plain, ordered, scanned, iterated = found[:4]
    assert plain["order"] == scanned["order"] == iterated["order"]
    assert plain["content"] == ordered["content"] == scanned["content"]
    assert ordered["order"] == ordered["content"] != plain["order"]
    assert [d["n"] for d in found] == [3, 3, 3, 3, 1, 3, 3]
    assert [(d["call"], d["value"]) for d in rows.details("probe")] == [
        ("os.path.exists", False),
        ("Path.is_dir", True),
    ]
    assert [d["name"] for d in rows.details("variable")] == ["HOME", "SECRET_TOKEN", "X", "Y"]


@pytest.mark.parametrize(
    ("text", "noted"),
    [
        ("4", "4"),
        ("-0.5", "-0.5"),
        ("True", "True"),
        ("", ""),
        ("hunter2", None),
        ("12345", None),
        (None, None),
    ],
)
def test_of_a_variable_a_number_or_a_switch_is_noted_and_nothing_else(
    rows: Rows, monkeypatch: pytest.MonkeyPatch, text: str | None, noted: str | None
) -> None:
    monkeypatch.delenv("SOME_SETTING", raising=False)
    if text is not None:
        monkeypatch.setenv("SOME_SETTING", text)
    run("import os\nos.environ.get('SOME_SETTING')")
    (found,) = rows.details("variable")
    assert (found["set"], found.get("value")) == (text is not None, noted)


def test_completion(rows: Rows) -> None:
    run("""
        import concurrent.futures as futures, queue, threading
        from multiprocessing.pool import ThreadPool
        with futures.ThreadPoolExecutor(max_workers=1) as pool:
            jobs = [pool.submit(abs, n) for n in range(5)]
            for job in futures.as_completed(jobs): job.result()
            futures.wait(jobs)
        with ThreadPool(1) as threads:
            results = threads.imap_unordered(abs, [1, 2])
            assert results.next() == 1 and list(results) == [2]
        box = queue.Queue()
        box.put(1); box.get()
        thread = threading.Thread(target=abs, args=(1,)); thread.start(); thread.join()
    """)
    found = [(d["call"], d.get("n")) for d in rows.details("completion")]
    completed = [("as_completed", n) for n in (1, 2, 4, 5)]
    assert found == [
        *completed,
        ("wait", None),
        ("imap_unordered", 1),
        ("imap_unordered", 2),
        ("Queue.get", 1),
    ]
    threads = [(d["call"], d["n"]) for d in rows.details("thread")]
    assert threads == [("ThreadPoolExecutor", 1), ("multiprocessing.pool.ThreadPool", 1), ("Thread.start", 1)]


def test_sorting_by_address(rows: Rows) -> None:
    run("items = [object(), object()]\nsorted(items, key=id)\nitems.sort(key=id)\nsorted(['a'], key=hash)")
    assert [(d["call"], d["by"]) for d in rows.details("sort")] == [
        ("sorted", "address"),
        ("list.sort", "address"),
        ("sorted", "hash"),
    ]


def test_torch(rows: Rows, tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    state = torch.get_rng_state()
    run(
        """
        import torch
        torch.manual_seed(1)
        own = torch.Generator()
        own.manual_seed(2)
        model = torch.nn.Linear(2, 2)
        torch.save(model.state_dict(), path)
        model.load_state_dict(torch.load(path))
        torch.set_rng_state(torch.get_rng_state())
        torch.set_num_threads(torch.get_num_threads())
        torch.backends.cudnn.benchmark = torch.backends.cudnn.benchmark
        for parameter in {model.weight, model.bias}: pass
    """,
        path=str(tmp_path / "model.pt"),
    )
    torch.set_rng_state(state)
    assert [(d["generator"], d["value"]) for d in rows.details("seed")] == [
        ("torch", 1),
        ("torch.Generator", 2),
    ]
    assert rows.details("create")[0]["generator"] == "torch.Generator"
    assert [(d["call"], d["keys"]) for d in rows.details("load")] == [
        ("torch.load", ["weight", "bias"]),
        ("Module.load_state_dict", ["weight", "bias"]),
    ]
    assert rows.details("save") == [{"call": "torch.save", "path": str(tmp_path / "model.pt")}]
    assert [d["call"] for d in rows.details("rng-restore")] == ["torch.set_rng_state"]
    assert rows.details("threads")[0]["value"] == torch.get_num_threads()
    assert rows.details("flag") == [{"call": "torch.backends.cudnn.benchmark", "value": False}]
    assert [(d["by"], d["n"]) for d in rows.details("iteration")] == [("address", 2)]


def test_library_helpers_that_seed(rows: Rows, tmp_path: Path) -> None:
    library: dict[str, Any] = {"__name__": "trainer"}
    exec(
        compile("def seed_everything(seed):\n    import random\n    random.seed(seed)\n", "lib.py", "exec"),
        library,
    )
    run("import random\ntrainer(11)\nrandom.random()", trainer=library["seed_everything"])
    run("seed_everything(11)\nimport random\nrandom.random()", seed_everything=library["seed_everything"])
    seeds = [d for d in rows.details("seed") if d["generator"] == "python"]
    assert seeds == [{"generator": "python", "call": "trainer.seed_everything", "value": 11}]
    assert [d["seeded"] for d in rows.details("draw")] == [True, True]


def test_rows_are_capped_and_the_rest_is_counted(rows: Rows) -> None:
    run("""
        import random, time
        random.seed(1)
        for _ in range(1000): random.random()
        for _ in range(300): time.time()
        names = {"a", "b"}
        for _ in range(300):
            for name in names: pass
    """)
    assert [len(rows.details(kind)) for kind in ("draw", "clock", "iteration")] == [probes.CAP] * 3
    del rows[:]
    loading.flush()
    assert sorted((kind, detail["count"]) for kind, _, detail in rows) == [
        ("clock", 300 - probes.CAP),
        ("draw", 1000 - probes.CAP),
        ("iteration", 300 - probes.CAP),
    ]
    loading.flush()
    assert len(rows) == 3
    run("import random\nrandom.random()")
    assert rows.details("draw")[-1]["n"] == 1001


def test_files(rows: Rows, tmp_path: Path) -> None:
    data = tmp_path / "data.bin"
    data.write_bytes(b"x" * 1000)
    source = "for _ in range(3):\n    with open(path, 'rb') as file: file.read()\n"
    del rows[:]
    run(source, path=str(data))
    run("open(path, 'w').close()", path=str(tmp_path / "out.txt"))
    run("import os\nos.close(os.open(path, os.O_RDONLY))", path=str(data))
    (detail,) = rows.details("file")
    assert (detail["path"], detail["size"], detail["mode"]) == (str(data), 1000, "r")
    assert rows[0][1] == Site(FILE, 2, "<module>")
    assert rows.details("write") == [{"path": str(tmp_path / "out.txt"), "mode": "w"}]
    data.write_bytes(b"x" * 999 + b"y")
    run(source, path=str(data))
    one, two = (d["digest"] for d in rows.details("file"))
    assert one != two
    run("try:\n    open(path)\nexcept FileNotFoundError: pass", path=str(tmp_path / "none"))
    assert len(rows.details("file")) == 2


def test_a_pipe_is_not_read(rows: Rows, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    end = os.open(pipe, os.O_RDWR)
    os.write(end, b"message")
    with open(pipe, "rb", buffering=0) as file:
        assert file.read(7) == b"message"
    os.close(end)
    assert rows.details("file") == []


def test_nothing_the_sink_does_reaches_the_script() -> None:
    class Broken:
        def fact(self, detail: Detail, site: Site | None) -> None:
            raise OSError("disk full")

        def not_observed(self, what: str) -> None:
            raise OSError("disk full")

    uninstall = loading.install(Broken())
    try:
        assert run(
            "import time\nnow = time.time()\nnames = list({'a', 'b'})\nopen(__file__).close()",
            __file__=__file__,
        )
    finally:
        uninstall()


def test_hostile_objects_are_not_touched(rows: Rows) -> None:
    class Hostile:
        def __hash__(self) -> int:
            raise AssertionError("hashed")

        def __eq__(self, other: object) -> bool:
            raise AssertionError("compared")

        def __getattr__(self, name: str) -> Any:
            raise AssertionError(name)

        def __call__(self, *args: Any) -> int:
            return len(args)

    class Sized(set[int]):
        def __iter__(self) -> Iterator[int]:
            raise AssertionError("iterated")

    space = run(
        "a = load(1)\nb = seed()\nfor_set = load(names)", load=Hostile(), seed=Hostile(), names=Sized()
    )
    assert (space["a"], space["b"], space["for_set"]) == (1, 0, 1)
    assert rows == []


def test_errors_can_be_shown_without_the_watch(rows: Rows) -> None:
    try:
        run("import os\nos.listdir('/no/such/folder')")
    except FileNotFoundError as error:
        shown.clean(error)
        trace = traceback.extract_tb(error.__traceback__)
        assert [frame.filename for frame in trace] == [__file__, __file__, FILE]
    else:
        pytest.fail("the call must fail as ever")


def test_compiled_functions_have_no_break(rows: Rows) -> None:
    torch = pytest.importorskip("torch")
    space = run("""
        import time
        def f(x, *rest):
            for i in (1, 2): x = x + i
            for q in [x * 2]: x = x + q
            for q in {1: 2}.values(): x = x + q
            for q in {3, 4}: x = x + q
            for q in {5} | set((6, 7)): x = x + q
            a, b = x.shape
            options = {"k": 2}
            return x + sum(t.sum() for t in (x, x)) + options.pop("k") + max([a, b], key=lambda v: -v)
    """)
    x = torch.ones(2, 3)
    del rows[:]
    assert torch.equal(torch.compile(space["f"], backend="eager", fullgraph=True)(x), space["f"](x))
    assert [row["n"] for row in rows.details("iteration")] == [2, 3]  # of the plain call


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")
def test_a_forked_child_counts_anew(rows: Rows, tmp_path: Path) -> None:
    run("import random\nrandom.seed(3)\nrandom.random()")
    out = tmp_path / "child.json"
    child = os.fork()
    if child == 0:
        try:
            sink = Rows()
            loading.reset_after_fork(sink)
            run("import random\nrandom.random()")
            out.write_text(json.dumps([(detail["n"], detail["seeded"]) for detail in sink.details("draw")]))
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    assert json.loads(out.read_text()) == [[1, False]], "Python reseeds its generator from entropy in a child"


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary(),
    lambda inner: st.tuples(inner, inner) | st.lists(inner, max_size=3),
    max_leaves=6,
)


@given(VALUES, VALUES)
def test_a_digest_tells_values_apart(a: Any, b: Any) -> None:
    assert (canonical(a) == canonical(b)) == (repr(a) == repr(b))


@given(st.sets(st.text() | st.integers(), min_size=2), st.randoms(use_true_random=False))
def test_an_arrangement_is_content_and_order(items: set[Any], shuffler: random.Random) -> None:
    one = list(items)
    two = one[:]
    shuffler.shuffle(two)
    a, b = arrangement(one, len(one)), arrangement(two, len(two))
    assert a["content"] == b["content"]
    assert (a["order"] == b["order"]) == (one == two)


def test_what_decides_a_hash() -> None:
    import enum
    from dataclasses import dataclass
    from fractions import Fraction

    @dataclass(frozen=True)
    class Named:
        name: str

    @dataclass(frozen=True)
    class Numbered:
        number: int

    color = enum.Enum("color", "RED")
    cases: list[tuple[Any, str]] = [
        ("a", "str"),
        (b"a", "bytes"),
        (3, "int"),
        (2.5, "float"),
        (Fraction(1, 2), "Fraction"),
        ((1, 2), "tuple"),
        ((1, "a"), "str"),
        (frozenset({1, (object(),)}), "object"),
        (int, "object"),
        (test_files, "object"),
        (color.RED, "str"),  # type: ignore[attr-defined]
        (Named("a"), "str"),
        (Numbered(1), "Numbered"),
        (Path("a"), "str"),
        (None, "NoneType" if sys.version_info >= (3, 12) else "object"),
    ]
    assert [deciding(value) for value, _ in cases] == [of for _, of in cases]


def test_uninstalled_nothing_is_seen(rows: Rows) -> None:
    space = run("def f():\n    import time\n    time.time()\n    return list({'a', 'b'})")
    f: Callable[[], list[str]] = space["f"]
    f()
    assert len(rows) == 2
    probes.stop()
    assert sorted(f()) == ["a", "b"]
    assert len(rows) == 2
