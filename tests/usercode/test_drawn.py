"""What draws is seen at the generator, whoever calls it: one program, recorded once, and what was noted."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TypeVar

import pytest
from tests.programs import Folder

from samebits.model.facts import Clock, Create, Detail, Draw, Entropy, Fact, RngRestore, Seed
from samebits.observe import observer

pytestmark = pytest.mark.skipif(observer.compiler() is None, reason="needs a C++ compiler")

_LIBRARY = """\
import random, time
import numpy as np

class Space:
    def __init__(self): self._rng = None
    @property
    def rng(self):
        if self._rng is None: self._rng = np.random.default_rng()
        return self._rng
    def sample(self): return self.rng.normal()
    def __call__(self): return random.random()

class Compose:
    def __init__(self, seed=None): self.rng = random.Random(seed)
    def __call__(self): return self.rng.random()

def shuffled(n): return np.random.permutation(n)

def jitter_module():
    import torch
    class Jitter(torch.nn.Module):
        def forward(self, x): return x + random.random()
    return Jitter()
def timed(): return time.time()
"""

_PROGRAM = """\
import os, random, sys, threading
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "site-packages"))
import lib
import numpy as np
import torch

random.seed(7)                                       # seeded
a = random.random() + random.random()                # twice
random.shuffle([1, 2, 3])                            # shuffle
own = random.Random()                                # made-python
own.random()                                         # own
np.random.seed(3)                                    # np-seed
np.random.rand(4)                                    # np-draw
space = lib.Space()
space.sample()                                       # space
space()                                              # callable
compose = lib.Compose()                              # compose-made
compose()                                            # compose
lib.shuffled(4)                                      # shuffled
seeded = np.random.default_rng(5)                    # made-seeded
seeded.integers(9, size=3); seeded.bytes(5)          # seeded-draw
child = np.random.default_rng(np.random.SeedSequence()).spawn(1)[0]  # spawned
child.random()                                       # spawned-draw
for kind in (np.random.MT19937, np.random.PCG64DXSM, np.random.Philox, np.random.SFC64):
    np.random.Generator(kind(1)).random()            # kinds
old = np.random.RandomState(11)                      # made-old
old.randn(2)                                         # old-draw
random.SystemRandom().random()                       # system
lib.timed()                                          # clock
random.setstate(random.getstate())                   # restored
exec(compile("import random; random.random()", "elsewhere", "exec"))  # exec
thread = threading.Thread(target=lambda: np.random.rand())  # thread
thread.start(); thread.join()
torch.manual_seed(0)                                 # torch-seed
torch.Generator().manual_seed(9)                     # torch-own
torch.seed()                                         # torch-system
lib.jitter_module()(torch.zeros(1))                  # module
import torch._dynamo
torch.manual_seed(4)                                 # dynamo-seed
import tempfile; tempfile.mkdtemp()                  # named
tempfile._Random = random.SystemRandom; tempfile._get_candidate_names = tempfile._RandomNameSequence
tempfile.mkdtemp()                                   # named by the system
"""
_LINES = {text.split("#")[-1].strip(): n for n, text in enumerate(_PROGRAM.splitlines(), 1) if "#" in text}

D = TypeVar("D", bound=Detail)


@pytest.fixture(scope="module")
def facts(tmp_path_factory: pytest.TempPathFactory) -> list[Fact[Detail]]:
    folder = Folder(tmp_path_factory.mktemp("drawn"))
    folder.write("site-packages/lib.py", _LIBRARY)
    folder.write("train.py", _PROGRAM)
    done = folder.run(sys.executable, "-m", "samebits", "record", "--level", "step", "train.py")
    assert done.code == 0, done.err
    (run,) = folder.runs()
    return run.records["main"].facts()


def _at(facts: list[Fact[Detail]], place: str, kind: type[D]) -> list[D]:
    """The facts of a kind at a marked line of the program."""
    found = []
    for fact in facts:
        here = fact.site is not None and (Path(fact.site.file).name, fact.site.line) == (
            "train.py",
            _LINES[place],
        )
        if here and isinstance(fact.detail, kind):
            found.append(fact.detail)
    return found


def test_a_line_that_draws_several_times_is_one_row_with_its_place_on_the_tape(
    facts: list[Fact[Detail]],
) -> None:
    (seed,) = _at(facts, "seeded", Seed)
    assert (seed.generator, seed.call, seed.value, seed.id) == ("python", "random.seed", 7, 0)
    first, *_ = _at(facts, "twice", Draw)
    assert (first.generator, first.n, first.seeded, first.by, first.thread) == ("python", 0, True, None, 0)
    (shuffle,) = _at(facts, "shuffle", Draw)
    assert (shuffle.call, shuffle.n, shuffle.generator) == ("random.shuffle", 2, "python")
    assert shuffle.state != first.state


@pytest.mark.parametrize(
    ("made", "drawn", "generator", "seeded", "maker", "by"),
    [
        ("made-python", "own", "python.Random", False, None, None),
        ("compose-made", "compose", "python.Random", False, "lib.Compose.__init__", "lib.Compose.__call__"),
        ("space", "space", "numpy.Generator", False, "lib.Space.sample", "lib.Space.sample"),
        ("made-seeded", "seeded-draw", "numpy.Generator", True, None, None),
        ("spawned", "spawned-draw", "numpy.Generator", False, None, None),
        ("made-old", "old-draw", "numpy.RandomState", True, None, None),
    ],
)
def test_an_object_is_known_from_its_making(
    facts: list[Fact[Detail]],
    made: str,
    drawn: str,
    generator: str,
    seeded: bool,
    maker: str | None,
    by: str | None,
) -> None:
    create, draw = _at(facts, made, Create)[-1], _at(facts, drawn, Draw)[0]
    assert (create.generator, create.by, draw.generator, draw.by) == (generator, maker, generator, by)
    assert (draw.id, draw.seeded, draw.n) == (create.id, seeded, 0)
    assert draw.id != 0


def test_a_library_draws_from_the_process_own_generators(facts: list[Fact[Detail]]) -> None:
    (called,) = _at(facts, "callable", Draw)
    assert (called.generator, called.by, called.id) == ("python", "lib.Space.__call__", 0)
    (shuffled,) = _at(facts, "shuffled", Draw)
    assert (shuffled.generator, shuffled.by, shuffled.seeded) == ("numpy", "lib.shuffled", True)
    (seed,) = _at(facts, "np-seed", Seed)
    assert (seed.generator, seed.value) == ("numpy", 3)
    (draw,) = _at(facts, "np-draw", Draw)
    assert (draw.generator, draw.n, draw.seeded) == ("numpy", 0, True)


def test_every_bit_generator_is_seen_and_has_a_state(facts: list[Fact[Detail]]) -> None:
    rows = _at(facts, "kinds", Draw)
    assert [row.seeded for row in rows] == [True] * 4
    assert len({row.state for row in rows}) == 4


def test_what_is_no_draw_from_a_generator(facts: list[Fact[Detail]]) -> None:
    assert [each.call for each in _at(facts, "system", Entropy)] == ["random.SystemRandom.random"]
    assert not _at(facts, "system", Draw)
    assert [each.call for each in _at(facts, "named by the system", Entropy)] == ["tempfile.mkdtemp"]
    assert [each.by for each in _at(facts, "clock", Clock)] == ["lib.timed"]
    assert [each.call for each in _at(facts, "restored", RngRestore)] == ["random.setstate"]


def test_torch_between_a_library_and_the_program_hides_nothing(facts: list[Fact[Detail]]) -> None:
    """A transform that is a module is called by torch, which draws for names of its own as well."""
    assert [draw.generator for draw in _at(facts, "module", Draw)] == ["python"]
    assert [seed.value for seed in _at(facts, "dynamo-seed", Seed)] == [4]
    assert not _at(facts, "named", Draw)


def test_threads_and_code_from_elsewhere(facts: list[Fact[Detail]]) -> None:
    (row,) = _at(facts, "thread", Draw)
    assert (row.generator, row.thread) == ("numpy", 1)
    assert [fact.site for fact in facts if isinstance(fact.detail, Draw)].count(None) == 0


def test_torch_is_seeded_by_number_by_object_and_by_the_system(facts: list[Fact[Detail]]) -> None:
    assert [(s.generator, s.value) for s in _at(facts, "torch-seed", Seed)] == [("torch", 0)]
    assert [(s.generator, s.value) for s in _at(facts, "torch-own", Seed)] == [("torch.Generator", 9)]
    assert [(s.generator, s.value) for s in _at(facts, "torch-system", Seed)] == [("torch", None)]
    start = [
        f for f in facts if isinstance(f.detail, Create) and f.detail.generator == "torch" and f.site is None
    ]
    assert len(start) == 1


_FORKS = """\
import os, random, threading
import numpy as np
import torch
shared, stopped = np.random.default_rng(1), threading.Event()
def draws():
    while not stopped.is_set():
        shared.random(1000); random.random()
threads = [threading.Thread(target=draws) for _ in range(3)]
for thread in threads: thread.start()
for _ in range(40):
    child = os.fork()
    if child == 0:
        random.random(); np.random.default_rng().random(); os._exit(0)
    os.waitpid(child, 0)
stopped.set()
for thread in threads: thread.join()
"""


def test_children_are_forked_while_threads_draw(tmp_path: Path) -> None:
    """A fork copies the locks that a thread holds, and that nobody in the child gives back."""
    folder = Folder(tmp_path)
    folder.write("train.py", _FORKS)
    done = folder.run(sys.executable, "-m", "samebits", "record", "--level", "step", "train.py", timeout=100)
    assert done.code == 0, done.err


_SEEDED_AGAIN = """\
import random
import torch
from torch.utils.data import DataLoader
class Samples:
    def __len__(self): return 4
    def __getitem__(self, i): return random.random()  # sample
for _ in range(3):
    random.seed(1)
    for _ in range(300):
        random.random()  # often
        random.random()
for _ in range(3):
    random.seed(2); random.random()  # at once
for loader in (DataLoader(Samples()), DataLoader(Samples())):
    list(loader)
"""


def test_what_follows_a_seed_is_kept_however_often_a_line_draws(tmp_path: Path) -> None:
    """So that a generator which gives again what it gave is seen; and for whose samples a draw is made."""
    folder = Folder(tmp_path)
    folder.write("train.py", _SEEDED_AGAIN)
    done = folder.run(sys.executable, "-m", "samebits", "record", "--level", "step", "train.py", timeout=100)
    assert done.code == 0, done.err
    (run,) = folder.runs()
    lines = _SEEDED_AGAIN.splitlines()
    by_mark: dict[str, list[Draw]] = {}
    for fact in run.records["main"].facts():
        if isinstance(fact.detail, Draw) and fact.site is not None:
            by_mark.setdefault(lines[fact.site.line - 1].partition("# ")[2], []).append(fact.detail)
    often = [draw.state for draw in by_mark["often"]]
    assert often.count(often[0]) == 3
    assert len(often) < 300
    assert len({draw.state for draw in by_mark["at once"]}) == 1
    assert len(by_mark["at once"]) == 3
    assert {draw.loader for draw in by_mark["often"]} == {None}
    assert [draw.loader for draw in by_mark["sample"]] == [1, 2]
    run.close()
