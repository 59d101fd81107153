"""Whose line it is that draws: whose code a frame runs, and what a line of the user's calls."""

from __future__ import annotations

import os
import random
import re
from types import CodeType, FrameType
from typing import Final

from samebits.model.sites import Site
from samebits.usercode import files, texts
from samebits.usercode.files import Owner

#: As `native/draws.cpp` counts.  ASIDE: what it draws itself names files and runs, nothing is computed of it.
LIBRARY, USER, OURS, ASIDE, GENERATOR, IMPORT = range(6)
#: The file of the frames in which Python imports a module.
IMPORTING: Final = "<frozen importlib._bootstrap>"
_FINDS_MODULES: Final = re.compile(r"<frozen importlib|[\\/]importlib[\\/]|[\\/]pkgutil\.py")
#: Modules that draw for names of files, runs and connections.
_NAMING: Final = frozenset(
    {"asyncio", "email", "http", "multiprocessing", "tempfile", "urllib", "uuid", "xmlrpc"}
    | {"aim", "clearml", "comet_ml", "huggingface_hub", "mlflow", "neptune", "ray", "swanlab", "wandb"}
)
#: Where torch draws from Python's and numpy's generators for the user; elsewhere it does for its own ends.
_DRAWS_FOR_USERS: Final = frozenset({"data", "random"})


def whose(code: CodeType) -> int:
    """Whose code it is."""
    file = code.co_filename
    owner = files.owner(file)
    if file == IMPORTING:
        return IMPORT
    if owner is Owner.NO_FILE and texts.place(code) is None:
        return LIBRARY
    if owner in (Owner.PROGRAM, Owner.NO_FILE) or texts.kept(code) is not None:
        return USER
    if owner is Owner.SAMEBITS:
        return OURS
    if file == random.__file__:
        return GENERATOR
    parts = file.replace(os.sep, "/").removesuffix(".py").split("/")
    if owner is Owner.LIBRARY:
        return ASIDE if "torch" in parts and _DRAWS_FOR_USERS.isdisjoint(parts) else LIBRARY
    return LIBRARY if _NAMING.isdisjoint(parts[-3:]) else ASIDE


def library_of(frame: FrameType | None) -> str | None:
    """The installed package's function that a frame runs for, through Python's own; None: it is another's.

    What Python does to find a module is nobody's.
    """
    while frame is not None and files.owner(frame.f_code.co_filename) in (Owner.PYTHON, Owner.SAMEBITS):
        frame = None if _FINDS_MODULES.search(frame.f_code.co_filename) else frame.f_back
    if frame is None or files.owner(frame.f_code.co_filename) is not Owner.INSTALLED:
        return None
    return f"{frame.f_globals.get('__name__')}.{frame.f_code.co_qualname}"


def named(inner: str | None) -> tuple[str | None, str | None]:
    """(library's function, call) of what the user's line called: methods of Python's generators are calls."""
    if inner is not None and inner.startswith("random.Random."):
        return None, inner.replace(".Random", "", 1)
    if inner is not None and inner.startswith("torch.random."):
        return None, inner
    return inner, None


def site_of(code: CodeType | None, line: int) -> Site | None:
    """The place of a line of code; None without code."""
    if code is None:
        return None
    file, before = texts.kept(code) or texts.TextPlace(files.relative(code.co_filename))
    return Site(file, line + before, code.co_name)
