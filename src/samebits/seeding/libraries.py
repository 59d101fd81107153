"""Libraries that keep a process-wide generator of their own, which no other seed reaches.

A table: the module's name, and how it is seeded.  Only modules that are loaded
already are seeded; none is imported for it.  Libraries that draw from Python's,
numpy's or torch's generator (scikit-learn, torchvision, kornia) need no entry,
and generators that objects hold (albumentations' pipelines, MONAI's transforms)
belong to the objects: `samebits.seeding.discovery` finds those.

A library adds itself with `register_library`.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any, Final

from samebits._runtime.warn import warn
from samebits.errors import UsageError, UsageTypeError
from samebits.seeding.derive import Key

Seeder = Callable[[Any, Key], None]


def _cv2(module: Any, key: Key) -> None:
    module.setRNGSeed(key.integer(31))  # of this thread; k-means, RANSAC, randu


def _faker(module: Any, key: Key) -> None:
    module.Faker.seed(key.integer(128))


def _numba(module: Any, key: Key) -> None:
    # Compiled functions draw from generators of numba's own, one of each kind a thread.
    from importlib import import_module

    helper = import_module("numba._helperlib")
    for name, address in (
        ("python", helper.rnd_get_py_state_ptr()),
        ("numpy", helper.rnd_get_np_state_ptr()),
    ):
        *words, position = key.child(name).python_state()[1]
        helper.rnd_set_state(address, (position, words))


def _tensorflow(module: Any, key: Key) -> None:
    module.random.set_seed(key.integer(63))


def _cupy(module: Any, key: Key) -> None:
    module.random.seed(key.integer(64))


def _plain(module: Any, key: Key) -> None:
    module.seed(key.integer(31))


_TABLE: Final[dict[str, Seeder]] = {
    "cupy": _cupy,  # https://docs.cupy.dev/en/stable/reference/generated/cupy.random.seed.html
    "cv2": _cv2,  # https://docs.opencv.org/4.x/d2/de8/group__core__array.html
    "dgl": _plain,  # https://docs.dgl.ai/generated/dgl.seed.html
    "faker": _faker,  # https://faker.readthedocs.io/en/master/#seeding-the-generator
    "imgaug": _plain,  # https://imgaug.readthedocs.io/en/latest/source/api_random.html
    "numba": _numba,  # numba/_random.c
    "paddle": _plain,  # https://www.paddlepaddle.org.cn/documentation/docs/en/api/paddle/seed_en.html
    "tensorflow": _tensorflow,  # https://www.tensorflow.org/api_docs/python/tf/random/set_seed
}

_seeders: dict[str, Seeder] = dict(_TABLE)


def register_library(name: str, seeder: Seeder) -> None:
    """Have `seed_everything` and the seeding of workers seed one more library.

    Args:
        name: the module's name; the seeder is called if `sys.modules` holds it.
        seeder: called with the module and a `Key` of the library's own.

    Raises:
        TypeError: the seeder cannot be called.
        ValueError: `name` is not a module's name.
    """
    if not callable(seeder):
        raise UsageTypeError(f"register_library: the seeder must be callable, got {seeder!r}")
    if not isinstance(name, str) or not re.fullmatch(r"[^\W\d]\w*(\.[^\W\d]\w*)*", name):
        raise UsageError(f"register_library: expected a module's name, got {name!r}")
    _seeders[name] = seeder


def known_libraries() -> list[str]:
    """Names of the table's modules, loaded or not, sorted."""
    return sorted(_seeders)


def loaded_libraries() -> list[str]:
    """Names of the table's modules that are loaded, sorted."""
    return sorted(name for name in _seeders if isinstance(sys.modules.get(name), ModuleType))


def seed_libraries(key: Key) -> list[str]:
    """Seed every loaded library, each from ``key.child(name)``; return their names.

    One that cannot be seeded (an older version, a half-imported module) is warned of and left out.
    """
    return [name for name in loaded_libraries() if seed_library(name, key)]


def seed_library(name: str, key: Key) -> bool:
    """Seed one library of the table, which is loaded, from ``key.child(name)``; whether that worked."""
    try:
        _seeders[name](sys.modules[name], key.child(name))
    except Exception as error:
        warn(f"samebits could not seed {name}: {type(error).__name__}: {error}", UserWarning)
        return False
    return True
