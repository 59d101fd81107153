"""Whoever compiles, ships or hashes a function sees the code of its file; the program does what it did."""

from __future__ import annotations

import inspect
import marshal
import os
import subprocess
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from samebits.usercode import loading

SOURCE = """
import random
def each(values, *rest):
    out = []
    for value in values:
        out.append(value + len([other for other in rest if other]))
    return out
def outer(n):
    def inner(x):
        return [n + y for y in x], random.Random(1).random()
    return inner
twins = [lambda v: list(v), lambda v: list(v)]
class Model:
    def forward(self, x):
        return super().__repr__() and [y for y in x]
"""


class _Sink:
    def fact(self, detail: Any, site: Any) -> None:
        pass

    def not_observed(self, what: str) -> None:
        pass


@pytest.fixture
def user(tmp_path: Path) -> Any:
    """A user's module, rewritten."""
    uninstall = loading.install(_Sink())
    module = types.ModuleType("a_users_module")
    exec(loading.compile_user(SOURCE, str(tmp_path / "user.py")), module.__dict__)
    yield module
    uninstall()


def _rewritten(function: Any) -> bool:
    return _names(_as("samebits.test", "function.__code__", function=function))


def _names(code: types.CodeType) -> bool:
    inner = [each for each in code.co_consts if isinstance(each, types.CodeType)]
    return any(name.startswith("__samebits") for name in code.co_names) or any(map(_names, inner))


def _plain(function: Callable[..., Any]) -> types.CodeType:
    return function.__code__


#: What only describes functions reads as from a module of its name.
def _as(module: str, expression: str, **names: Any) -> Any:
    return eval(expression, {"__name__": module, **names})  # noqa: S307


def test_a_reader_of_code_gets_the_original(user: Any) -> None:
    each, inner = user.each, user.outer(1)
    assert _rewritten(each)
    assert _rewritten(inner)
    space: dict[str, Any] = {}
    file = each.__code__.co_filename
    exec(compile(SOURCE, file, "exec", dont_inherit=True), space)
    assert _rewritten(each), "the file's name is the same in both"
    assert _plain(each) == space["each"].__code__
    assert _plain(inner) == space["outer"](1).__code__
    assert _plain(user.Model.forward) == space["Model"].forward.__code__
    assert [_plain(f) for f in user.twins] == [f.__code__ for f in space["twins"]]
    assert not _rewritten(each)
    assert each([1, 2], 3) == [2, 3]
    assert inner([1])[0] == [2]


def test_shipped_code_runs_without_our_names(user: Any) -> None:
    code = marshal.loads(marshal.dumps(user.each.__code__))
    alone = types.FunctionType(code, {"__builtins__": {"len": len}})
    assert alone([1], 2) == [2]


def test_what_describes_a_function_leaves_it_observed(user: Any) -> None:
    assert list(inspect.signature(user.each).parameters) == ["values", "rest"]
    alike = user.each.__code__.co_argcount, getattr(user.each, "__code__").co_firstlineno  # noqa: B009
    assert alike == (1, 3)
    assert _as("torch._dynamo.eval_frame", "f.__code__", f=user.each) is not None
    assert _as("lightning_fabric.utilities", "f.__code__ != g.__code__", f=user.each, g=user.outer)
    assert _rewritten(user.each)
    assert inspect.getclosurevars(user.each).builtins == {"len": len}
    assert not _rewritten(user.each)


def test_a_loader_asked_for_code_gives_the_original(tmp_path: Path, monkeypatch: Any) -> None:
    (tmp_path / "shipped_module.py").write_text(SOURCE)
    monkeypatch.syspath_prepend(str(tmp_path))
    uninstall = loading.install(_Sink())
    try:
        import shipped_module  # type: ignore[import-not-found]

        loader = shipped_module.__spec__.loader
        assert _rewritten(shipped_module.each)
        assert not list(tmp_path.glob("__pycache__/*"))
        assert not _names(loader.get_code("shipped_module"))
        assert loader.path_stats(shipped_module.__file__)["size"] == len(SOURCE)
    finally:
        uninstall()
        sys.modules.pop("shipped_module", None)


NUMBA = """
import numba, numpy as np
from numba import njit as fast, vectorize
import functools
@numba.njit
def total(values):
    out = 0.0
    for v in values:
        out += v
    return out
@fast(cache=True)
def seeded(n):
    np.random.seed(n)
    a, b = np.random.rand(), np.random.randint(10)
    return a + b
@vectorize(["float64(float64, float64)"])
def added(x, y):
    for i in range(2):
        x += y
    return max(x, y)
@numba.guvectorize(["(float64[:], float64[:])"], "(n)->()")
def summed(x, out):
    out[0] = 0
    for v in x:
        out[0] += v
@numba.stencil
def around(a):
    return a[-1] + a[1]
@numba.experimental.jitclass([("x", numba.float64[:])])
class Box:
    def __init__(self, x):
        self.x = x
    def total(self):
        out = 0.0
        for v in self.x:
            out += v
        return out
@numba.extending.register_jitable
def helper(values):
    return [v for v in list(values)]
@numba.njit(parallel=True)
def spread(values):
    out = 0.0
    for i in numba.prange(len(values)):
        out += values[i]
    return out + len(helper(values))
@numba.cfunc("float64(float64)")
def twice(x):
    for i in range(1):
        x += x
    return x
lately = functools.partial(numba.jit, nopython=True)
def closed(n):
    @lately
    def inner(values):
        out = n
        for v, w in zip(values, values):
            out += v * w
        return out
    return inner
x = np.arange(6.0)
print(total(x), seeded(3), added(x, x), summed(x), around(x), Box(x).total(), spread(x), twice.ctypes(2.0))
print(closed(2.0)(x), len(total.inspect_types.__doc__ or ""), total.py_func(x))
"""

SHIPPED = """
import subprocess, sys
import cloudpickle
def shuffled(values):
    import random
    random.seed(3)
    random.shuffle(values)
    return [v for v in values], [*set(values)]
text = cloudpickle.dumps(shuffled)
code = "import pickle, sys; print(pickle.load(sys.stdin.buffer)([1, 2, 3]))"
print(subprocess.run([sys.executable, "-S", "-c", "import sys; sys.path.append(%r);" % sys.argv[1] + code],
                     input=text, capture_output=True, env={}).stdout)
print(b"samebits" in text)
"""


def _start(tmp_path: Path, source: str, *words: str, observed: bool) -> str:
    """What a program prints."""
    (tmp_path / "program.py").write_text(source)
    environment = {k: v for k, v in os.environ.items() if not k.startswith("SAMEBITS_")}
    start = [sys.executable, "-m", "samebits", "record", "--seed", "0"] if observed else [sys.executable]
    done = subprocess.run(
        [*start, "program.py", *words], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return "\n".join(line for line in done.stdout.splitlines() if ".samebits" not in line)


@pytest.mark.slow
@pytest.mark.parametrize(("library", "source"), [("numba", NUMBA), ("cloudpickle", SHIPPED)])
def test_programs_with_compilers_of_their_own(tmp_path: Path, library: str, source: str) -> None:
    where = pytest.importorskip(library)
    folder = str(Path(where.__file__).parent.parent)
    alone = _start(tmp_path, source, folder, observed=False)
    assert _start(tmp_path, source, folder, observed=True) == alone
    assert "True" not in alone, "the pickled function names samebits"
