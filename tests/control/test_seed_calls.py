"""Seeds of user code: replaced where they certainly come from the clock, a pid or entropy, and only there."""

from __future__ import annotations

import ast
import os
import random
import runpy
import sys
import textwrap
import time
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch

from samebits.control import seed_calls
from samebits.control.entropy import EntropySource
from samebits.control.process_key import ProcessKey
from samebits.control.program_seeds import ProgramSeeds
from samebits.control.settings import Control
from samebits.usercode import loading, rewriting

pytestmark = pytest.mark.usefixtures("generators_restored")


class User:
    """Code of a user under control, run from the start of a process as often as asked."""

    tells = False  # where the program seeds torch
    by_program = False  # whether torch had a seed of the program's at its end

    def run(self, source: str, seed: int = 1) -> dict[str, Any]:
        seeds = ProgramSeeds(tells=self.tells)
        entropy = EntropySource(ProcessKey(Control(seed)), seeds)
        entropy.install()
        entropy.torch(torch)
        seeds.install(torch)
        end = seed_calls.install(entropy, seeds)
        module = sys.modules["user"] = ModuleType("user")  # dynamo of torch 2.11 imports it
        try:
            exec(loading.compile_user(textwrap.dedent(source), "user.py"), vars(module))
        finally:
            del sys.modules["user"]
            end()
            self.by_program = seeds.by_program()
            seeds.uninstall()
            entropy.uninstall()
        return dict(vars(module))


@pytest.fixture(params=[False, True], ids=["controlled", "observed too"])
def user(request: pytest.FixtureRequest) -> Iterator[User]:
    rows: list[Any] = []

    class Sink:
        def not_observed(self, what: str) -> None:
            pass

        def fact(self, *row: Any) -> None:
            rows.append(row)

    if not request.param:
        yield User()
        return
    uninstall = loading.install(Sink())
    try:
        yield User()
    finally:
        uninstall()


HEAD = """
import datetime, hashlib, os, random, secrets, time, uuid
import numpy as np, torch
from random import Random, SystemRandom
from time import time as now
"""
#: A seed from outside, and what it seeds.
REPLACED = [
    "torch.manual_seed(int(time.time())); out = torch.rand(1).item()",
    "s = int(time.time())\nrandom.seed(s); np.random.seed(s)\nout = random.random(), np.random.rand()",
    "seed = int(now()) + 3\nrandom.seed(seed)\nout = random.random()",
    "def helper(s):\n    torch.manual_seed(s)\nhelper(time.time_ns() % 2**32)\nout = torch.rand(1).item()",
    "s = time.time_ns()\ns = s & 0xffffffff\nnp.random.seed(s)\nout = np.random.rand()",
    "np.random.seed(os.getpid() + 1)\nout = np.random.rand()",
    "pid = os.getpid()\nrandom.seed(pid)\nout = random.random()",
    "raw = os.urandom(4)\ns = int.from_bytes(raw, 'little')\nout = np.random.default_rng(s).random()",
    "raw = os.urandom(8)\ns = int.from_bytes(raw, 'big')\ntorch.manual_seed(s)\nout = torch.rand(1).item()",
    "s = secrets.randbits(32)\nout = np.random.RandomState(s).rand()",
    "out = Random(time.time()).random()",
    "t = time.time()\nout = Random(t).random()",
    "out = Random(uuid.uuid4().hex).random()",
    "name = uuid.uuid4().hex\nout = Random(name).random()",
    "s = uuid.uuid4().int % 2**32\nnp.random.seed(s)\nout = np.random.rand()",
    "s = int(datetime.datetime.now().timestamp())\nrandom.seed(s)\nout = random.random()",
    "g = torch.Generator()\ng.manual_seed(\n    SystemRandom().randint(0, 2**31)\n)\nout = g.initial_seed()",
    "torch.manual_seed(seed=int(time.time() * 1000))\nout = torch.rand(1).item()",
    "s = np.random.SeedSequence(entropy=time.time_ns())\nout = np.random.default_rng(s).random()",
    "np.random.seed(np.uint32(time.time_ns() % 2**32))\nout = np.random.rand()",
    "g = torch.Generator()\nout = g.seed(), torch.rand(1, generator=g).item()",
]  # fmt: skip


@pytest.mark.parametrize("source", REPLACED)
def test_replaced_by_a_derived_seed(user: User, source: str, capfd: pytest.CaptureFixture[str]) -> None:
    first = user.run(HEAD + source)["out"]
    told = capfd.readouterr().err
    assert first == user.run(HEAD + source)["out"]
    assert first != user.run(HEAD + source, seed=2)["out"]
    if "g.seed()" not in source:
        assert told.startswith("samebits: user.py:")
        assert "is new in every run; a derived seed is used instead" in told


#: Seeds that are the user's own.
KEPT = [
    "random.seed(3); out = random.random()",
    "started = time.time()\ntorch.manual_seed(1234)\nout = torch.rand(1).item()",
    "pid = os.getpid()\nnp.random.seed(7)\nout = np.random.rand()",
    "t = time.time(); random.seed(20250101); out = random.random()",
    "seed = None or 5\nout = Random(seed if seed is not None else int(time.time())).random()",
    "random.seed('fold-3')\nout = random.random()",
    "np.random.seed([1, 2, 3])\nout = np.random.rand()",
    "raw = os.urandom(4)\nout = np.random.default_rng(0).random()",
    "g = torch.Generator()\nout = g.manual_seed(9).initial_seed()",
    "torch.manual_seed(2**31 + 11)\nout = torch.initial_seed()",
    "random.seed(1.5)\nout = random.random()",
    "np.random.seed(np.int64(4))\nout = np.random.rand()",
]


@pytest.mark.parametrize("source", KEPT)
def test_the_users_own_seed_is_kept(user: User, source: str, capfd: pytest.CaptureFixture[str]) -> None:
    plain: dict[str, Any] = {}
    exec(HEAD + source, plain)
    assert user.run(HEAD + source)["out"] == plain["out"]
    assert capfd.readouterr().err == ""


def test_what_is_read_stays_true(user: User) -> None:
    source = HEAD + "torch.manual_seed(int(time.time()))\n"
    source += "out = time.time(), os.getpid(), os.urandom(8), uuid.uuid4()"
    space, again = user.run(source), user.run(source)
    assert abs(space["out"][0] - time.time()) < 3600
    assert space["out"][1] == os.getpid()
    assert space["out"][2] != again["out"][2]
    assert space["out"][3] != again["out"][3]


def test_generators_seeded_with_one_value_stay_alike(user: User) -> None:
    """An image and its mask are cropped alike by two generators of one seed."""
    out = user.run(
        HEAD
        + "seed = int(time.time())\na, b = Random(seed), Random(seed)\nout = a.random(), b.random()\n"
        + "g, h = torch.Generator(), torch.Generator()\ng.manual_seed(seed), h.manual_seed(seed)\n"
        + "more = torch.rand(1, generator=g), torch.rand(1, generator=h)"
    )
    assert out["out"][0] == out["out"][1]
    assert out["more"][0] == out["more"][1]


def test_two_seeds_of_one_line_are_two(user: User) -> None:
    out = user.run(HEAD + "out = [Random(time.time_ns()).random() for _ in range(3)]")["out"]
    assert len(set(out)) == 3


def test_each_place_is_told_once(user: User, capfd: pytest.CaptureFixture[str]) -> None:
    user.run(HEAD + "for _ in range(3):\n    random.seed(time.time_ns())")
    told = capfd.readouterr().err.splitlines()
    assert len(told) == 1
    assert "user.py:7: the seed given to random.Random.seed comes from time.time_ns" in told[0]


def test_where_it_was_read_is_told_if_elsewhere(user: User, capfd: pytest.CaptureFixture[str]) -> None:
    user.run(HEAD + "seed = int(time.time())\n\nrandom.seed(seed)")
    told = capfd.readouterr().err
    assert "user.py:8: the seed given to random.Random.seed comes from time.time (read at user.py:6)" in told


def test_an_error_of_a_seeding_call_is_its_own(user: User) -> None:
    with pytest.raises(ValueError, match="Seed must be between 0 and"):
        user.run(HEAD + "np.random.seed(-1)")


def test_a_users_own_function_of_the_same_name_is_left_alone(user: User) -> None:
    source = "def seed(x=None):\n    return x\n\ndef manual_seed(x):\n    return x\n"
    source += "t = int(time.time())\nout = seed(t) == t and manual_seed(t) == t and seed() is None"
    assert user.run(HEAD + source)["out"] is True


def test_a_derived_seed_is_none_of_the_programs(user: User) -> None:
    for source, theirs in [
        ("torch.manual_seed(1)", True),
        ("torch.default_generator.manual_seed(2)", True),
        ("torch.manual_seed(1)\nrandom.seed(time.time_ns())", True),
        ("torch.manual_seed(time.time_ns())", False),
        ("torch.seed()", False),
        ("torch.default_generator.seed()", False),
        ("torch.Generator().manual_seed(3)\nnp.random.seed(4)", False),
    ]:
        user.run(HEAD + "torch.seed()\n" + source)
        assert user.by_program == theirs, source


def test_where_the_program_seeds_torch_is_told_once(user: User, capfd: pytest.CaptureFixture[str]) -> None:
    user.tells = True
    user.run(HEAD + "for n in range(2):\n    torch.manual_seed(n)")
    assert capfd.readouterr().err == (
        "samebits: the program seeds torch itself (user.py:7), so --seed has no effect on it\n"
    )


#: Seeds that are the clock's, and that nobody saw being read; then those that are not.
CLOCKS = [
    ("torch.manual_seed(CLOCK)", True),
    ("np.random.seed(CLOCK % 2**32)", True),
    ("out = np.random.default_rng(CLOCK * 1000)", True),
    ("random.seed(WRITTEN)", True),
    ("random.seed(WRITTEN123456)", True),  # %f: microseconds
    ("torch.manual_seed(20250101); random.seed(1234567); np.random.seed(CLOCK // 2)", False),
]


@pytest.mark.parametrize(("source", "told"), CLOCKS)
def test_a_clock_that_a_library_read_is_told(
    user: User, source: str, told: bool, capfd: pytest.CaptureFixture[str]
) -> None:
    written = time.strftime("%Y%m%d%H%M%S")
    user.run(HEAD + source.replace("CLOCK", str(int(time.time()))).replace("WRITTEN", written))
    err = capfd.readouterr().err
    assert ("is this run's clock" in err) == told
    assert err.count("\n") == told
    assert not told or err.startswith("samebits: user.py:6: the seed given to ")


def test_a_library_that_seeds_by_the_clock_is_told(user: User, capfd: pytest.CaptureFixture[str]) -> None:
    library = ModuleType("library")
    source = "import time, random, numpy, torch\ndef seed(what):\n    what(int(time.time()))\n"
    exec(compile(source, os.path.join(os.path.dirname(np.__file__), "library.py"), "exec"), vars(library))
    sys.modules["library"] = library
    try:
        source = "import library\nlibrary.seed(random.seed)\nlibrary.seed(np.random.seed)\nlibrary.seed({})"
        user.run(HEAD + source.format("torch.manual_seed"))
    finally:
        del sys.modules["library"]
    told = capfd.readouterr().err.splitlines()
    assert [line.partition(" the seed")[0] for line in told] == [f"samebits: user.py:{n}:" for n in (7, 8, 9)]


def test_only_calls_of_some_names_are_rewritten_and_never_annotations() -> None:
    source = """
    from __future__ import annotations
    import time
    @time.time()
    def f(x: seed(3) = seed(4), *a: seed(5)) -> seed(6):
        y: seed(7) = seed(8)
        return x.seed(9), other(10), [manual_seed(z) for z in y]
    """
    tree = rewriting.rewrite(textwrap.dedent(source), "f.py", [seed_calls.SeedStep()])
    rewritten = ast.unparse(tree)
    assert rewritten.count("__samebits_seeds__") == 5
    for kept in ("x: seed(3)", "*a: seed(5)", "-> seed(6)", "y: seed(7)", "other(10)"):
        assert kept in rewritten


def test_code_outlives_the_control(user: User) -> None:
    space = user.run(HEAD + "def later(s):\n    np.random.seed(s)\n    return np.random.rand()")
    np.random.seed(11)
    expected = np.random.rand()
    assert space["later"](11) == expected


def test_user_code_compiled_later_is_as_it_was() -> None:
    before = runpy._get_code_from_file  # type: ignore[attr-defined]
    User().run(HEAD)
    assert runpy._get_code_from_file is before  # type: ignore[attr-defined]
    space: dict[str, Any] = {}
    exec(
        loading.compile_user(HEAD + "code = (lambda: np.random.seed(int(now()))).__code__", "user.py"), space
    )
    assert "__samebits_seeds__" not in space["code"].co_names


def test_compiled_functions_are_traced_as_if_nothing_were_there() -> None:
    if not hasattr(torch, "compile"):
        pytest.skip("no compiler")
    source = """
    import time, torch
    def step(x):
        torch.manual_seed(3) if False else None
        return x + 1 if time is None else x * 2
    out = torch.compile(step, backend="eager", fullgraph=True)(torch.ones(2))
    """
    assert User().run(source)["out"].tolist() == [2.0, 2.0]


def test_python_seeds_of_the_program_name_its_forks() -> None:
    entropy = EntropySource(ProcessKey(Control(1)), ProgramSeeds())
    entropy.install()
    try:
        random.seed(5)
        first = entropy.python_seeds
        random.Random(6)
        assert entropy.python_seeds == first
        random.seed(6)
        assert entropy.python_seeds != first
    finally:
        entropy.uninstall()
