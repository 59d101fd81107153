"""Which parameter of a library's function takes its seed."""

from __future__ import annotations

import functools
import sys
from types import ModuleType
from typing import Any

import pytest

from samebits.usercode.seed_parameters import seed_parameter

SOURCE = """
class Base:
    def draw(self, n, rng=None):
        return n

class Sampler(Base):
    def __init__(self, rows, *, random_state=None):
        pass

    @classmethod
    def of(cls, rows, seed=None):
        pass

    @staticmethod
    def held(rows, generator=None):
        pass

def shuffle(rows, seed=None, rng=None):
    pass

def fixed(rows, seed=0):
    pass

def plain(seed):
    pass

@decorated
def wrapped(rows, rng=None):
    pass

def __getattr__(name):
    raise RuntimeError("nobody asks for an attribute")
"""


def decorated(function: Any) -> Any:
    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return wrapper


@pytest.fixture
def kit(monkeypatch: pytest.MonkeyPatch) -> str:
    module: Any = ModuleType("seedkit.sub")
    module.decorated = decorated
    exec(SOURCE, vars(module))
    monkeypatch.setitem(sys.modules, "seedkit.sub", module)
    monkeypatch.setitem(sys.modules, "seedkit", ModuleType("seedkit"))
    return "seedkit.sub."


@pytest.mark.parametrize(
    ("name", "parameter"),
    [
        ("shuffle", ("seed", 2)),
        ("Sampler.__init__", ("random_state", None)),
        ("Sampler.draw", ("rng", 2)),
        ("Sampler.of", ("seed", 2)),
        ("Sampler.held", ("generator", 2)),
        ("wrapped", ("rng", 2)),
        ("fixed", None),  # it has a seed of its own
        ("plain", None),  # it is always given one
        ("missing", None),
        ("Sampler.missing", None),
        ("shuffle.<locals>.inner", None),
    ],
)
def test_a_parameter(kit: str, name: str, parameter: tuple[str, int | None] | None) -> None:
    assert seed_parameter(kit + name) == parameter


@pytest.mark.parametrize("name", ["", "no_such_module.f", "builtins.len", "sys.exit", "a..b"])
def test_what_is_no_function_of_python(name: str) -> None:
    assert seed_parameter(name) is None
