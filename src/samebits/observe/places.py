"""Which line of the user's source is running, for the observer in Python; natively: `native/sites.h`.

A place is the innermost frame of user code and the innermost module being called.  A backward operation
has no user frame of its own, so the line that made its autograd node is remembered by the node's number.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable
from types import CodeType, FrameType
from typing import Any, Final, NamedTuple

import torch

from samebits.model.sites import INSTALLED_NAMES
from samebits.usercode import texts

ORIGINS: Final = 1 << 16  # autograd nodes remembered
USER, TORCH, LIBRARY, MODULE_CALL = range(4)  # classes of code objects
_INSTALLED: Final = tuple(f"{os.sep}{name}{os.sep}" for name in INSTALLED_NAMES)


class CodePlace(NamedTuple):
    """Where the program is: site, module and whether the site is the user's own line."""

    site: int = 0
    module: int = 0
    user: bool = False


class CodePlaces:
    """The sites and module names of one process, numbered as they turn up."""

    def __init__(
        self,
        torch_prefixes: Iterable[str] = (),
        library_prefixes: Iterable[str] = (),
        place: Callable[[CodeType], tuple[str, int] | None] = texts.place,
        module_call: CodeType | None = None,
        module_name: Callable[[Any], int] = lambda module: 0,
    ) -> None:
        self._torch_prefixes = tuple(torch_prefixes)
        self._library_prefixes = tuple(library_prefixes)
        self._place = place
        self._module_call = module_call
        self._module_name = module_name
        self._codes: dict[
            int, tuple[CodeType, int]
        ] = {}  # by address: equal code of two files compares equal
        self._modules: dict[int, int] = {}
        self._lock = threading.Lock()
        self._sites: dict[tuple[str, int, str], int] = {("", 0, ""): 0}

    def site_of(self, file: str, line: int, function: str) -> int:
        with self._lock:
            return self._sites.setdefault((file, line, function), len(self._sites))

    def sites(self, since: int) -> list[tuple[int, str, int, str]]:
        """The sites numbered ``since`` and up."""
        with self._lock:
            return [(number, *site) for site, number in self._sites.items() if number >= since]

    def forget(self, address: int) -> None:
        """A module died; its address may be used again."""
        self._modules.pop(address, None)

    def after_fork(self) -> None:
        self._lock = threading.Lock()

    def walk(self, frame: FrameType | None, until: CodeType | None = None) -> CodePlace:
        """The place of a frame, looking outwards up to (not into) a frame that runs ``until``."""
        site = module = fallback = 0
        user = module_done = False
        while frame is not None and frame.f_code is not until and not (user and module_done):
            code = frame.f_code
            kind = self._code_class(code)
            if kind == MODULE_CALL and not module_done:
                module = self._module(frame.f_locals.get(code.co_varnames[0]))
                module_done = True
            elif kind == USER and not user:
                file, before = self._place(code) or (code.co_filename, 0)
                site = self.site_of(file, frame.f_lineno + before, code.co_name)
                user = True
            elif kind == LIBRARY and not fallback and not user:
                fallback = self.site_of(code.co_filename, frame.f_lineno, code.co_name)
            frame = frame.f_back
        return CodePlace(site if user or until is not None else fallback, module, user)

    def _code_class(self, code: CodeType) -> int:
        known = self._codes.get(id(code))
        if known is None:
            known = self._codes[id(code)] = (code, self._classify(code))
        return known[1]

    def _classify(self, code: CodeType) -> int:
        file = code.co_filename
        if code is self._module_call:
            return MODULE_CALL
        if file.startswith(self._torch_prefixes):
            return TORCH
        if file.startswith(self._library_prefixes) or any(name in file for name in _INSTALLED):
            return LIBRARY
        return USER if self._place(code) is not None else TORCH

    def _module(self, module: Any) -> int:
        known = self._modules.get(id(module))
        if known is None:
            known = self._modules[id(module)] = self._module_name(module)
        return known


class Origins:
    """The places that made the autograd nodes of one thread."""

    def __init__(self) -> None:
        self._places: dict[int, tuple[int, CodePlace]] = {}  # a ring, by the node's number
        self._newest = _newest_node()
        self._last = CodePlace()  # of the operation before

    def operation(self, place: CodePlace, *, requires_grad: bool) -> None:
        """An operation runs: the nodes that are new since the last one get their place.

        A node is made just before its operation is dispatched, the node of a Python autograd.Function
        before it turns gradients off.  Others (a rebase of a view) follow the operation that made them.
        """
        newest = _newest_node()
        here = requires_grad or not torch.is_grad_enabled()
        for number in range(max(self._newest + 1, newest + 1 - ORIGINS), newest + 1):
            made = place if here and number == newest else self._last
            self._places[number % ORIGINS] = (number, made)
        self._newest = max(self._newest, newest)
        self._last = place

    def find(self, node: Any) -> CodePlace:
        """Where a node was made; nowhere, if that was not seen."""
        number = node._sequence_nr()
        known, place = self._places.get(number % ORIGINS, (-1, CodePlace()))
        return place if known == number else CodePlace()


def _newest_node() -> int:
    """The number of the newest autograd node of this thread; -1 before the first."""
    number: int = torch.autograd._get_sequence_nr()  # type: ignore[attr-defined]
    return number - 1
