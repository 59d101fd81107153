"""Generators are found wherever a program keeps them, by stable names, and none of its code is run."""

from __future__ import annotations

import functools
import importlib
import os
import pkgutil
import random
import subprocess
import sys
import threading
import types
from collections import OrderedDict, defaultdict, deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import BatchSampler, DataLoader, RandomSampler, TensorDataset

from samebits.seeding import discovery as module
from samebits.seeding import traversal
from samebits.seeding.discovery import discover

from .kinds import MAKE


def names(**owners: object) -> list[str]:
    return [found.name for found in discover(**owners)]


@pytest.mark.parametrize("kind", MAKE)
def test_every_kind(kind: str) -> None:
    generator = MAKE[kind](1)
    (found,) = discover(own=[generator])
    assert (found.name, found.generator is generator) == ("own[0]", True)


def test_a_loader_names_its_generator_once_and_remembers_its_other_names() -> None:
    generator = torch.Generator()
    loader = DataLoader(TensorDataset(torch.arange(4)), shuffle=True, generator=generator)
    (found,) = discover(loader=loader)
    assert found.name == "loader.generator"
    assert found.aliases == ("loader.sampler.generator", "loader.batch_sampler.sampler.generator")


def test_an_alias_through_another_holder_is_remembered() -> None:
    class Dataset:
        def __init__(self) -> None:
            self.rng = random.Random(1)

    dataset = Dataset()
    (found,) = discover(dataset=dataset, loader={"dataset": dataset})
    assert (found.name, found.aliases) == ("dataset.rng", ("loader['dataset'].rng",))


GLOBAL, BASE = torch.Generator(), random.Random(2)


class Base:
    shared = random.Random(1)


class Slotted(Base):
    __slots__ = ("empty", "rng")

    def __init__(self) -> None:
        self.rng = np.random.default_rng(1)


@dataclass
class Config:
    rng: random.Random = field(default_factory=random.Random)


def draw(x: int, rng: random.Random = random.Random(1), *, other: Any = torch.Generator()) -> int:  # noqa: B008
    return x


class Holding:
    def __init__(self, rng: Any) -> None:
        self.rng = rng


class Unwilling(dict):
    def never(self, *args: Any) -> Any:
        raise AssertionError

    items = values = keys = __iter__ = __len__ = __getitem__ = never


def closure() -> Any:
    rng, unset = random.Random(1), 5

    def inner() -> Any:
        return rng, unset  # noqa: F821

    del unset
    return inner


class Transform:
    def __init__(self) -> None:
        self.rng = random.Random(1)

    def apply(self) -> None: ...


class Net(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.block = torch.nn.Sequential(torch.nn.ReLU(), torch.nn.Dropout())
        self.block[1].noise = torch.Generator()  # type: ignore[assignment]
        self.register_buffer("seen", torch.zeros(2))


class Compiled(torch.nn.Module):
    """As torch.compile's wrapper: importing that is slow."""

    def __init__(self, model: torch.nn.Module) -> None:
        super().__init__()
        self._orig_mod = model


class Rows(list):
    pass


def rows() -> Rows:
    made = Rows([random.Random(1)])
    made.rng = random.Random(2)  # type: ignore[attr-defined]
    return made


@pytest.mark.parametrize(
    ("owner", "paths"),
    [
        (lambda: {"a": [(1, random.Random(1))], 3: {None: random.Random(2)}}, ["['a'][0][1]", "[3][None]"]),
        (lambda: OrderedDict(a=random.Random(1)), ["['a']"]),
        (lambda: defaultdict(list, a=[random.Random(1)]), ["['a'][0]"]),
        (lambda: {(1, 2): random.Random(1)}, ["[#0]"]),
        (lambda: deque([random.Random(1)]), ["[0]"]),
        (lambda: {frozenset([random.Random(1)])}, ["{}{}"]),
        (Slotted, [".rng", ".shared"]),
        (Config, [".rng"]),
        (lambda: types.SimpleNamespace(rng=random.Random(1)), [".rng"]),
        (lambda: draw, [".rng", ".other"]),
        (closure, [".rng"]),
        (lambda: functools.partial(draw, rng=BASE), [".keywords['rng']", ".func.rng", ".func.other"]),
        (lambda: Transform().apply, [".__self__.rng"]),
        (lambda: random.Random(1).random, [".__self__"]),
        (lambda: np.random.default_rng(1).normal, [".__self__"]),
        (Net, [".block.1.noise"]),
        (rows, [".rng", "[0]"]),
        (lambda: BatchSampler(RandomSampler([1], generator=GLOBAL), 1, False), [".sampler.generator"]),
        (lambda: Slotted, [".shared"]),
        (lambda: np.array([[None, random.Random(1)]], object), ["[0][1]"]),
        (lambda: types.MappingProxyType({"a": random.Random(1)}), ["['a']"]),
        (lambda: types.MappingProxyType(Unwilling(a=random.Random(1))), ["['a']"]),
        (lambda: [None] * 300 + [Transform()], ["[300].rng"]),
        (lambda: [(1, None)] * 300 + [(1, random.Random(1))], ["[300][1]"]),
        (lambda: [Holding(None) for _ in range(300)] + [Holding(random.Random(1))], ["[300].rng"]),
        (lambda: [Rows([1]) for _ in range(300)] + [Rows([random.Random(1)])], ["[300][0]"]),
        (lambda: [[[1]]] * 300 + [[[random.Random(1)]]], ["[300][0][0]"]),
        (lambda: [np.zeros(1)] * 300 + [np.array([random.Random(1)], object)], ["[300][0]"]),
        (lambda: dict.fromkeys(range(300)) | {"a": random.Random(1)}, ["['a']"]),
        (lambda: Compiled(Net()), [".block.1.noise"]),
        (lambda: torch.nn.DataParallel(Net()), [".block.1.noise"]),
    ],
)  # fmt: skip
def test_where_a_program_keeps_them(owner: Any, paths: list[str]) -> None:
    assert sorted(names(own=owner())) == sorted("own" + path for path in paths)


def test_no_code_of_the_program_is_run() -> None:
    class Meta(type):
        def __eq__(cls, other: object) -> bool:
            raise AssertionError

        def __getattribute__(cls, name: str) -> Any:
            raise AssertionError(name)

    class Shy(metaclass=Meta):
        def __init__(self) -> None:
            object.__setattr__(self, "rng", random.Random(1))

        @property
        def lazy(self) -> Any:
            raise AssertionError

        def never(self, *args: Any) -> Any:
            raise AssertionError

        __getattr__ = __getattribute__ = __setattr__ = __bool__ = __len__ = __iter__ = __eq__ = never
        __hash__ = __repr__ = __getitem__ = __dir__ = __call__ = never

    class Shyer(Shy):
        @property
        def __dict__(self) -> Any:
            raise AssertionError

    class Dict(dict):
        def never(self, *args: Any) -> Any:
            raise AssertionError

        items = values = keys = __iter__ = __len__ = __getitem__ = __bool__ = never

    class List(list):
        def never(self, *args: Any) -> Any:
            raise AssertionError

        __iter__ = __len__ = __getitem__ = __bool__ = never

    shy = object.__new__(Shyer)
    object.__setattr__(shy, "rng", random.Random(1))
    assert names(shy=shy) == ["shy.rng"]
    assert names(own=Dict(a=List([shy]))) == ["own['a'][0].rng"]


def test_cycles_and_depth() -> None:
    ring: list[Any] = [random.Random(1)]
    ring.append({"ring": ring})
    for _ in range(5000):
        ring = [ring]
    (found,) = discover(ring=ring)
    assert found.name == "ring" + "[0]" * 5001


def test_every_way_round_a_cycle_is_no_name() -> None:
    ring: list[Any] = [random.Random(1)]
    ring.append({"ring": ring})
    (found,) = discover(ring=ring, also=ring)
    assert (found.name, found.aliases) == ("ring[0]", ("also[0]",))


def test_what_is_not_looked_into() -> None:
    def suspended() -> Any:
        rng = random.Random(1)
        yield rng

    sleeping = suspended()
    next(sleeping)
    assert names(own=[sleeping, sys, random, torch.zeros(2), np.zeros(2)]) == []


def test_process_wide_generators_are_not_the_programs() -> None:
    held = [torch.default_generator, random._inst, np.random.mtrand._rand, random.random]  # type: ignore[attr-defined]
    assert discover(held=held) == []


@pytest.mark.parametrize("kind", [list, tuple, set, lambda values: dict.fromkeys(values, 0)])
def test_plain_data_is_not_walked(kind: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module._Walk, "meet", counted := Counted(module._Walk.meet))
    owner = {
        "numbers": kind(range(100_000)),
        "files": [(f"{i}.jpg", i % 10) for i in range(100_000)],
        "tensors": [torch.zeros(1)] * 100_000,
        "rng": random.Random(1),
    }
    assert names(owner=owner) == ["owner['rng']"]
    assert counted.calls < 20


class Counted:
    def __init__(self, function: Any) -> None:
        self.function, self.calls = function, 0

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        def call(*args: Any) -> Any:
            self.calls += 1
            return self.function(instance, *args)

        return call


def test_many_generators_in_one_container_are_all_found() -> None:
    held = [random.Random(i) for i in range(2000)]
    assert names(held=held)[-1] == "held[1999]"


def test_thousands_of_agents_are_all_found() -> None:
    assert len(names(agents=[Holding(random.Random(i)) for i in range(12_000)])) == 12_000


def test_a_container_looked_into_in_part_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(traversal, "ENTRIES", 290)
    with pytest.warns(
        RuntimeWarning, match=r"through the first \d+ objects in own\['agents'\] and no"
    ) as caught:
        found = names(own={"agents": [random.Random(i) for i in range(300)]})
    assert (len(found), len(caught), caught[0].filename) == (290, 1, __file__)


def test_a_walk_without_end_stops_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "OBJECTS", 50)
    with pytest.warns(RuntimeWarning, match="looked for generators through 50 objects and stopped") as caught:
        names(own=[[[i]] for i in range(100)])
    assert caught[0].filename == __file__


def test_without_owners_variables_of_modules_and_of_running_functions() -> None:
    local = random.Random(1)

    def helper() -> list[str]:
        inside = random.Random(2)
        assert inside is not local
        return names()

    found = helper()
    place = f"{__name__}.test_without_owners_variables_of_modules_and_of_running_functions"
    assert f"{__name__}.GLOBAL" in found
    assert f"{__name__}.Base.shared" in found
    assert f"{__name__}.draw.rng" in found
    assert f"{place}.local" in found
    assert f"{place}.helper.inside" in found


class Trainer:
    def __init__(self) -> None:
        self.rng = random.Random(1)

    def save(self) -> list[str]:
        return names()

    def load(self) -> list[str]:
        return names()


class Finer(Trainer):
    def load(self) -> list[str]:
        return super().load()


def test_a_methods_self_is_named_by_its_class() -> None:
    name = f"{__name__}.Finer.self.rng"
    assert name in Finer().save()
    assert Finer().save() == Finer().load()


class Outer:
    def __init__(self) -> None:
        self.rng = random.Random(1)

    def outer(self) -> list[str]:
        return self.inner()

    def inner(self) -> list[str]:
        return [name for found in discover() for name in (found.name, *found.aliases)]


def test_one_self_in_several_methods_is_one() -> None:
    found = Outer().outer()
    assert f"{__name__}.Outer.self.rng" in found
    assert not [name for name in found if "self#2" in name]


def recurse(depth: int) -> list[str]:
    rng = random.Random(depth)
    found = recurse(depth - 1) if depth else names()
    assert rng is not None
    return found


def test_functions_that_call_themselves() -> None:
    found = [name for name in recurse(2) if ".recurse." in name]
    assert found == [f"{__name__}.recurse.rng{number}" for number in ("", "#2", "#3")]


PROGRAM = """
import random, sys
import torch
from samebits.seeding.discovery import discover
import helper

rng = random.Random(1)
class Dataset:
    noise = random.Random(2)
    def __init__(self):
        self.rng = random.Random(3)

def main():
    dataset = Dataset()
    loader = torch.utils.data.DataLoader(dataset, sampler=[0], generator=torch.Generator())
    print(*[found.name for found in discover()])

if __name__ == "__main__":
    main()
"""
NAMES = (
    "__main__.rng helper.rng __main__.Dataset.noise __main__.main.dataset.rng __main__.main.loader.generator"
)


def test_names_are_the_same_in_every_process(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(PROGRAM)
    (tmp_path / "helper.py").write_text("import random\nrng = random.Random(5)\n")
    told = [
        subprocess.run(
            [sys.executable, *how], cwd=tmp_path, capture_output=True, text=True, check=True
        ).stdout
        for how in (["program.py"], ["-m", "program"], ["-c", PROGRAM], ["program.py"])
    ]
    assert {tuple(sorted(line.split())) for line in told} == {tuple(sorted(NAMES.split()))}
    assert told[0] == told[3]


def test_another_thread_may_change_what_is_walked() -> None:
    shared: dict[int, Any] = {i: [random.Random(i)] for i in range(300)}
    stop = threading.Event()

    def change() -> None:
        number = 1000
        while not stop.is_set():
            shared[number] = [number]
            shared.pop(number - 1, None)
            number += 1

    thread = threading.Thread(target=change)
    thread.start()
    try:
        for _ in range(50):
            assert len(discover(shared=shared)) == 300
    finally:
        stop.set()
        thread.join()


PARTS = """
import random
rng = random.Random(1)
class Dataset:
    noise = random.Random(2)
"""
CLI = """
import random
from samebits.seeding import discover
from trainer_of_mine import parts

def main():
    local, dataset = random.Random(3), parts.Dataset()
    print(*sorted(found.name for found in discover()))

if __name__ == "__main__":
    main()
"""


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """A folder with an installed training program, started by a script of pip's, and a framework."""
    folder = tmp_path / "site-packages"
    for package, files in {
        "trainer_of_mine": {"__init__": "", "cli": CLI, "parts": PARTS},
        "framework": {
            "__init__": "import random\nrng = random.Random(5)\ndef run(f):\n    own = rng\n    f()\n"
        },
    }.items():
        (folder / package).mkdir(parents=True)
        for name, text in files.items():
            (folder / package / f"{name}.py").write_text(text)
    about = folder / "trainer_of_mine-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: trainer_of_mine\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[console_scripts]\ntrain-mine = trainer_of_mine.cli:main\n")
    (tmp_path / "train-mine").write_text(
        "import sys\nfrom trainer_of_mine.cli import main\nsys.exit(main())\n"
    )
    return tmp_path


@pytest.mark.parametrize(
    "how",
    [
        ["train-mine"],
        ["-m", "trainer_of_mine.cli"],
        ["-c", "import trainer_of_mine.cli as cli, framework; framework.run(cli.main)"],
    ],
)
def test_the_program_may_be_an_installed_package(how: list[str], installed: Path) -> None:
    done = subprocess.run(
        [sys.executable, *how],
        cwd=installed,
        env={**os.environ, "PYTHONPATH": str(installed / "site-packages")},
        capture_output=True,
        text=True,
        check=True,
    )
    parts = {"trainer_of_mine.parts.rng", "trainer_of_mine.parts.Dataset.noise"}
    main = "__main__" if "-m" in how else "trainer_of_mine.cli"
    assert set(done.stdout.split()) == parts | {f"{main}.main.local"}


def test_what_a_script_calls_into_is_the_program_before_it_calls_samebits(installed: Path) -> None:
    text = "import framework\nfrom samebits.seeding import discover\nimport trainer_of_mine.parts\n"
    (installed / "site-packages" / "trainer_of_mine" / "cli.py").write_text(
        text + "def main():\n    framework.run(lambda: print(*[one.name for one in framework.discover()]))\n"
    )
    with (installed / "site-packages" / "framework" / "__init__.py").open("a") as file:
        file.write("from samebits.seeding import discover\n")
    done = subprocess.run(
        [sys.executable, "train-mine"],
        cwd=installed,
        env={**os.environ, "PYTHONPATH": str(installed / "site-packages")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert {"trainer_of_mine.parts.rng", "trainer_of_mine.parts.Dataset.noise"} <= set(done.stdout.split())


def test_what_a_notebook_keeps_of_its_cells_is_no_name() -> None:
    told = subprocess.run([sys.executable, "-c", NOTEBOOK], capture_output=True, text=True, check=True).stdout
    assert told.split() == ["__main__.gens[0]", "()"]


NOTEBOOK = """
import random
from samebits.seeding import discover
get_ipython, gens = None, [random.Random(1)]
_ = __ = ___ = _3 = gens[0]
Out = _oh = {3: _}
(found,) = discover()
print(found.name, found.aliases)
"""


@pytest.mark.parametrize("room", ["samebits.seeding", "samebits.data"])
def test_no_public_name_is_a_files(room: str) -> None:
    """Importing the file would put itself in the name's place."""
    package = importlib.import_module(room)
    files = {module.name for module in pkgutil.iter_modules(package.__path__)}
    assert not files & set(package.__all__)
