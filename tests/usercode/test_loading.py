"""Transformed code must do what the code did: the same output, the same lines, the same traces."""

from __future__ import annotations

import builtins
import importlib
import inspect
import os
import pkgutil
import runpy
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from samebits.model.facts import Detail
from samebits.model.sites import Site
from samebits.usercode import loading, probes


class Rows:
    def __init__(self) -> None:
        self.rows: list[tuple[str, Site | None, dict[str, Any]]] = []

    def fact(self, detail: Detail, site: Site | None) -> None:
        self.rows.append((detail.kind, site, detail.as_json()))

    def not_observed(self, what: str) -> None:
        pass


@pytest.fixture
def rows() -> Iterator[Rows]:
    sink = Rows()
    uninstall = loading.install(sink)
    yield sink
    uninstall()


#: Runs a script as `python script.py` would, observed or not.
RUNNER = """
import sys, types
mode, script = sys.argv[1:]
sys.argv = [script]
source = open(script, "rb").read()
module = types.ModuleType("__main__")
module.__file__ = script
sys.modules["__main__"] = module
sys.path.insert(0, script.rpartition("/")[0])
if mode == "observed":
    from samebits.usercode import loading as instrument
    class Sink:
        def fact(self, detail, site): assert detail.kind
        def not_observed(self, what): pass
    uninstall = instrument.install(Sink())
    code = instrument.compile_user(source, script)
else:
    code = compile(source, script, "exec")
try:
    exec(code, module.__dict__)
finally:
    if mode == "observed":
        uninstall()
"""

SCRIPTS = {
    "draws": """
        import random, random as r
        from random import shuffle as mix
        random.seed(3)
        values = [random.random(), r.randint(1, 9), random.gauss(0, 1)]
        mix(values)
        own = random.Random("text")
        print(values, own.choices(range(9), k=3), random.sample(range(50), 5), random.getstate()[1][-1])
    """,
    "sets": """
        names = {1, 2, 3} | {5}
        print([n for n in names], *names, list(names), dict.fromkeys(names), tuple(map(str, names)))
        a, *b = names
        print(a, b, ",".join(str(n) for n in names), max(names, key=lambda n: -n))
        print(sorted(names, key=lambda n: n % 2))
        print(names.pop(), len(names), next(iter(names)), [*names, *b], (lambda *args: args)(*names))
        def each(): yield from names
        print(list(each()), {n: n for n in names}, {n for n in names}, [m for n in ({1}, {2}) for m in n])
    """,
    "listings": """
        import os, glob, pathlib, tempfile
        with tempfile.TemporaryDirectory() as folder:
            for name in "cab": open(os.path.join(folder, name), "w").close()
            os.mkdir(os.path.join(folder, "d"))
            print(sorted(os.listdir(folder)))
            with os.scandir(folder) as entries:
                print(sorted(e.name for e in entries), type(entries).__name__, e.name if "e" in dir() else "")
            for root, folders, files in os.walk(folder):
                folders.clear()
                print(sorted(files))
            names = os.walk(folder)
            print(type(names).__name__, len(next(names)))
            names.close()
            print(len(glob.glob(folder + "/*")), len(list(glob.iglob(folder + "/*"))))
            path = pathlib.Path(folder)
            print(sorted(p.name for p in path.iterdir()), len(list(path.rglob("*"))))
            print(os.path.exists(folder), path.is_dir(), os.environ.get("NO_SUCH"), "A B" in os.environ)
            try:
                os.listdir(folder + "/none")
            except FileNotFoundError as error:
                print(error.errno)
            try:
                os.environ["NO SUCH"]
            except KeyError as error:
                print(error)
    """,
    "classes": '''
        """Docstring."""
        from __future__ import annotations
        import abc, collections, dataclasses, enum, functools, pickle, typing
        print(__doc__)
        class Base(abc.ABC):
            total: int = sum(x for x in (1, 2))
            table = {k: v for k, v in zip("ab", [total, total])}
            __private = [1]
            def __init__(self, *args, key=None, **rest):
                super().__init__()
                self.args, self.rest = args, rest
            def load(self): return [x for x in self.__private]
            @property
            def items(self): return self.args
            def __init_subclass__(cls, /, tag=None, **kw): super().__init_subclass__(**kw); cls.tag = tag
        class Child(Base, tag="t"):
            def load(self): return super().load() + [__class__.__name__]
            def get(self): return locals()
        @dataclasses.dataclass(frozen=True)
        class Point:
            x: list[int] = dataclasses.field(default_factory=list)
            y: typing.ClassVar[dict[str, int]] = {}
        class Named(typing.NamedTuple):
            a: int
            b: "list[int]" = ()
        class Color(enum.Enum):
            RED = enum.auto()
            BLUE = enum.auto()
        child = Child(*[1, 2], **{"z": 1})
        print(child.load(), child.items, child.rest, list(child.get()), Child.tag, Base.table)
        print(Point.__annotations__, Named(1), [c.name for c in Color], Point([1]))
        print(pickle.loads(pickle.dumps(Point([2]))), pickle.loads(pickle.dumps(child)).args)
        @functools.lru_cache(maxsize=None)
        def load(n, /, m=3, *, k: list[int] = [1]) -> "list[set]": return n + m
        print(load(1), load(1), load.cache_info(), load.__wrapped__.__annotations__)
        x: int = load(2)
        print(__annotations__)
    ''',
    "flow": """
        import asyncio, contextlib, warnings, logging, sys, io
        async def numbers():
            for i in {1, 2}:
                yield i
                await asyncio.sleep(0)
        async def main():
            found = [i async for i in numbers() if (y := i)]
            more = [await asyncio.sleep(0, j) for j in found]
            async with contextlib.AsyncExitStack():
                tasks = [asyncio.sleep(0, k) for k in range(3)]
                done = [await t for t in asyncio.as_completed(tasks)]
            queue = asyncio.Queue(); queue.put_nowait(4)
            return found, more, sorted(done), y, await queue.get()
        print(asyncio.run(main()))
        def kind(value):
            match value:
                case [1, *rest] if all(r for r in rest): return rest
                case {"a": a, **others}: return a, others
                case int() | float(): return "number"
                case str(text): return text
        print([kind(v) for v in ([1, 2], {"a": 1, "b": 2}, 3, "x", None)])
        def outer():
            total = 0
            def inner():
                nonlocal total
                global seen
                for seen in (1, 2): total += seen
            inner()
            del inner
            return total, locals()
        print(outer(), seen, f"{outer()[0]:>{5}} {[q for q in (1, 2)]!r} {seen=}")
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            def get(): warnings.warn("here", stacklevel=2)
            get()
            print(caught[0].lineno)
        stream = io.StringIO()
        logging.basicConfig(stream=stream, format="%(lineno)d %(funcName)s %(message)s")
        def pop(): logging.warning("w")
        pop()
        print(stream.getvalue(), sys._getframe().f_lineno)
        def gen():
            got = yield from (i for i in {7})
            return got
        print(list(gen()), [*gen()], print(*(1, 2), sep="-"), (n := 3), [n := k for k in {9}], n)
        for i in (): pass
        else: print("else")
        print([[x for x in y] for y in ([1], [2])], (lambda *a, k=[z for z in {5}]: (a, k))(*{6}))
        try:
            raise ExceptionGroup("g", [ValueError(1)])
        except* ValueError as group:
            print(group.exceptions)
    """,
    "traces": """
        import inspect, traceback, doctest, random
        def fails(values):
            '''Adds.

            >>> sorted({1, 2})
            [1, 2]
            >>> fails([])
            0
            '''
            total = 0
            for value in values:
                total += 1 / value
            return total
        try:
            fails([
                1,
                0,
            ])
        except ZeroDivisionError:
            print(traceback.format_exc())
        try:
            sum(x.none for x in {1})
        except AttributeError as error:
            print([(f.lineno, f.name, f.line) for f in traceback.extract_tb(error.__traceback__)])
        print(inspect.getsource(fails), fails.__code__.co_firstlineno, inspect.signature(fails))
        print(doctest.testmod())
        try:
            for x in 5: pass
        except TypeError as error: print(error)
        try:
            a, b = {1}
        except ValueError as error: print(error)
        try:
            print(*None)
        except TypeError as error: print(error)
        try:
            random.choice([])
        except IndexError as error: print(error)
    """,
    "processes": """
        import multiprocessing, concurrent.futures as futures, threading, queue
        def square(x): return x * x
        class Item:
            def __init__(self, n): self.n = n
            def __call__(self): return [m for m in {self.n}]
        def work(item, out): out.put(item())
        if __name__ == "__main__":
            for method in ("fork", "spawn"):
                context = multiprocessing.get_context(method)
                with context.Pool(1) as pool:
                    print(pool.map(square, range(4)), sorted(pool.imap_unordered(square, range(4))))
                    print(sorted(pool.imap_unordered(square, range(4), chunksize=2)))
                out = context.SimpleQueue()
                process = context.Process(target=work, args=(Item(3), out))
                process.start(); print(out.get()); process.join(); print(process.exitcode)
            with futures.ThreadPoolExecutor(2) as pool:
                jobs = {pool.submit(square, n): n for n in range(5)}
                print(sorted(j.result() for j in futures.as_completed(jobs)))
                done, rest = futures.wait(jobs)
                print(len(done), rest, list(pool.map(square, {2})))
            box = queue.Queue()
            thread = threading.Thread(target=box.put, args=(1,)); thread.start(); thread.join()
            print(box.get(), box.empty())
    """,
    "packages": """
        import helper, helper.inner as inner, importlib, importlib.resources, sys, pkgutil
        print(helper.values(), inner.NAME, inner.__file__.rpartition("/")[2], inner.__package__)
        print(importlib.reload(inner).NAME, helper.__path__ != [], pkgutil.get_data("helper", "data.txt"))
        try:
            import helper.broken
        except SyntaxError as error:
            print(error.lineno, error.msg)
        try:
            import helper.none
        except ModuleNotFoundError as error:
            print(error)
    """,
    "numpy": """
        import numpy as np
        np.random.seed(1)
        print(np.random.rand(2), np.random.default_rng(3).normal(size=2), np.random.RandomState(4).randint(9))
        rng = np.random.Generator(np.random.PCG64(5)); rng.shuffle(order := list(range(5))); print(order)
        print(np.array(list({3, 4})), np.empty(3).shape, np.random.get_state()[2], np.random.permutation(4))
    """,
    "torchscript": """
        import torch
        @torch.jit.script
        def scripted(x: torch.Tensor) -> torch.Tensor:
            for i in range(3):
                x = x + i
            return x
        def traced(x):
            rows = [row for row in x]
            for i in range(2): x = x + i * sum(rows)
            return x
        x = torch.ones(2, 3)
        print(scripted(x), torch.jit.trace(traced, x)(x))
    """,
    "torch": """
        import torch
        torch.manual_seed(0)
        class Net(torch.nn.Module):
            def __init__(self):
                super().__init__()
                self.layers = torch.nn.ModuleList(torch.nn.Linear(3, 3) for _ in range(2))
            def forward(self, x, *rest):
                for layer in self.layers: x = layer(x)
                for i, layer in enumerate(self.layers): x = x + i * layer(x)
                outputs = [layer(x) for layer in self.layers]
                a, b = outputs
                options = {"k": 1}
                n, m = x.shape
                rows = [row for row in x]
                for name, value in self.named_parameters(): x = x + value.sum()
                x = x + a + b + options.get("k") + options.pop("k") + torch.cat(outputs).sum()
                return x + max([1, 2], key=abs) + n
        net = Net(); x = torch.ones(2, 3)
        print(net(x), torch.compile(net, backend="eager", fullgraph=True)(x))
        print(torch.fx.symbolic_trace(torch.nn.Sequential(net.layers[0])).code)
        print(torch.equal(torch.export.export(net, (x,)).module()(x), net(x)))
        torch.save(net.state_dict(), "net.pt"); print(net.load_state_dict(torch.load("net.pt")))
        class Data(torch.utils.data.Dataset):
            def __len__(self): return 4
            def __getitem__(self, i):
                import random
                return random.random() * 0 + i
        options = {"batch_size": 2, "num_workers": 1, "multiprocessing_context": "fork"}
        for batch in torch.utils.data.DataLoader(Data(), **options): print(batch)
        print(torch.rand(2), torch.Generator().manual_seed(5).initial_seed())
    """,
}


@pytest.mark.parametrize("name", SCRIPTS)
def test_observed_scripts_print_the_same(name: str, tmp_path: Path) -> None:
    if name == "torchscript" and sys.version_info >= (3, 14):
        pytest.skip("torch has no TorchScript on this Python")
    script = tmp_path / "script.py"
    script.write_text(textwrap.dedent(SCRIPTS[name]))
    package = tmp_path / "helper"
    package.mkdir()
    (package / "__init__.py").write_text(
        "from helper.inner import NAME\ndef values(): return [v for v in {1, 2}]\n"
    )
    (package / "inner.py").write_text("NAME = list({'n'})\n")
    (package / "broken.py").write_text("x = 1\nfor = 2\n")
    (package / "data.txt").write_text("data")

    def run(mode: str) -> tuple[int, str, str]:
        environment = {**os.environ, "PYTHONHASHSEED": "0", "OMP_NUM_THREADS": "1"}
        environment["PYTHONPATH"] = os.path.dirname(os.path.dirname(os.path.dirname(loading.__file__)))
        done = subprocess.run(
            [sys.executable, "-c", RUNNER, mode, str(script)],
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env=environment,
            timeout=120,
            check=False,
        )
        return done.returncode, done.stdout, done.stderr

    observed = run("observed")
    assert not list(tmp_path.rglob("*.pyc")), "user code left bytecode of its changed self"
    plain = run("plain")
    assert plain[0] == 0, plain[2]
    assert observed == plain


def test_arguments_keep_their_order(rows: Rows) -> None:
    source = """
    import random
    seen = []
    def note(x):
        seen.append(x)
        return x
    class Owner:
        def __getattr__(self, name):
            seen.append(name)
            return lambda *a, **k: (a, k)
    result = Owner().load(note(1), *note([2]), k=note(3), **note({"m": 4}))
    """
    space: dict[str, Any] = {}
    exec(loading.compile_user(textwrap.dedent(source), "order.py"), space)
    assert space["seen"] == ["load", 1, [2], 3, {"m": 4}]
    assert space["result"] == ((1, 2), {"k": 3, "m": 4})


def test_deep_expressions_compile_as_they_are() -> None:
    source = "x = " + " + ".join(["1"] * 900) + "\nnames = [" + "[" * 60 + "]" * 60 + "]"
    space: dict[str, Any] = {}
    exec(loading.compile_user(source, "deep.py"), space)
    assert space["x"] == 900


def test_syntax_errors_are_pythons_own() -> None:
    with pytest.raises(SyntaxError) as caught:
        loading.compile_user("x = 1\nreturn 3\n", "bad.py")
    assert (caught.value.lineno, caught.value.filename) == (2, "bad.py")


def test_imported_user_modules_are_observed_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine_observed.py").write_text("def f():\n    return [x for x in {'a', 'b'}]\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    sink = Rows()
    before = list(sys.meta_path), runpy._get_code_from_file  # type: ignore[attr-defined]
    uninstall = loading.install(sink)
    module = importlib.import_module("mine_observed")
    try:
        module.f()
        importlib.reload(pkgutil)
        assert [(k, s and (s.file.rpartition("/")[2], s.line, s.function)) for k, s, _ in sink.rows] == [
            ("iteration", ("mine_observed.py", 2, "f"))
        ]
        assert "x for x in" in inspect.getsource(module.f)
        assert not (tmp_path / "__pycache__").exists()
    finally:
        uninstall()
        del sys.modules["mine_observed"]
    uninstall()
    assert (list(sys.meta_path), runpy._get_code_from_file) == before  # type: ignore[attr-defined]
    assert sorted(module.f()) == ["a", "b"], "code that outlives the observation goes on working"
    assert len(sink.rows) == 1
    assert builtins.__samebits_iter__ is probes.iterated  # type: ignore[attr-defined]


def test_modules_are_run_observed_too(rows: Rows, tmp_path: Path) -> None:
    script = tmp_path / "main.py"
    script.write_text("import time\nt = time.time()\n")
    assert "t" in runpy.run_path(str(script), run_name="__mp_main__")
    assert [kind for kind, _, _ in rows.rows if kind == "clock"] == ["clock"]
