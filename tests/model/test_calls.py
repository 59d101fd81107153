"""The names of calls: each is there in its module, and none is listed twice."""

from __future__ import annotations

import datetime
import importlib
import os
import random
import secrets
import tempfile
import time
import uuid
from types import ModuleType

import numpy
import pytest

from samebits.model import calls


@pytest.mark.parametrize(
    ("module", "names"),
    [
        (time, calls.CLOCKS + calls.CALENDAR),
        (datetime.datetime, calls.DATETIME),
        (datetime.date, calls.DATE),
        (os, calls.OS_ENTROPY),
        (uuid, calls.UUIDS),
        (secrets, calls.SECRETS),
        (tempfile, calls.TEMPORARY),
        (random, calls.PYTHON_GENERATORS + calls.PYTHON_ENTROPY),
        (numpy.random, calls.NUMPY_GENERATORS + calls.BIT_GENERATORS),
    ],
)
def test_names_are_of_their_module(module: ModuleType | type, names: tuple[str, ...]) -> None:
    assert len(set(names)) == len(names)
    missing = [name for name in names if not callable(getattr(module, name, None))]
    assert missing in ([], ["getrandom"])  # which Linux alone has


def test_draws_are_of_their_generators() -> None:
    assert {name for name in calls.PYTHON_DRAWS if not hasattr(random.Random, name)} <= {"binomialvariate"}
    for name in calls.NUMPY_DRAWS:
        assert hasattr(numpy.random.RandomState, name) or hasattr(numpy.random.Generator, name)


def test_no_draw_of_a_generator_is_missing() -> None:
    """Whoever adds a method to `random.Random` will see it here."""
    others = {"seed", "getstate", "setstate"}
    public = {name for name in dir(random.Random) if not name.startswith("_") and name != "VERSION"}
    assert public - others == set(calls.PYTHON_DRAWS) & public


def test_seeders_are_where_they_are_said_to_be() -> None:
    for home, names in calls.SEEDERS.items():
        try:
            owner = importlib.import_module(home)
        except ImportError:
            module, _, kind = home.rpartition(".")
            owner = getattr(importlib.import_module(module), kind)
        for name in names:
            assert callable(getattr(owner, name, None)), f"{home}.{name}"
