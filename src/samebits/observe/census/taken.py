"""Takes a census as each optimizer step begins, and keeps what has changed since the one before.

Everything is taken at one place, as the outermost `step()` of an optimizer begins: what a step draws, its
batch and its gradients are there then.  So the census of a resumed run's first step and that of the whole
run's same step are of the same moment.
"""

from __future__ import annotations

import sys
import threading
import time
import weakref
from types import FrameType
from typing import Any, Final

import xxhash

from samebits.model.facts import GRADIENTS, Census
from samebits.model.sites import Site
from samebits.observe.batches import leaves
from samebits.observe.census.content import digest, has_numbers, tensor_digest
from samebits.observe.census.states import Row, process_wide, rows
from samebits.observe.census.walk import Held, Walk
from samebits.observe.session import Session
from samebits.usercode import callers
from samebits.usercode.program import own_modules, own_packages, own_variables

#: Characters of a process's censuses, kept at most.
_MOST: Final = 48 << 20


class Censuses:
    """The censuses of one process."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._home = threading.get_ident()
        self._numbers: dict[tuple[str, str], int] = {}
        self._last: dict[int, str] = {}
        self._size = 0
        self._walk: Walk | None = None
        self._optimizers: weakref.WeakSet[Any] = weakref.WeakSet()
        self._order: dict[int, int] = {}  # of optimizers, by their identity
        self._loaders: list[tuple[weakref.ref[Any], list[int]]] = []  # passes, batches of the pass
        self._iterators: weakref.WeakKeyDictionary[Any, list[int]] = weakref.WeakKeyDictionary()
        self._indices: weakref.WeakKeyDictionary[Any, list[str]] = weakref.WeakKeyDictionary()
        self._order_of: dict[int, str] = {}  # of the last batch, by identity of counts
        self._inputs = xxhash.xxh3_64()
        self._seen_inputs = False
        self._before_input: list[Row] = []  # the generators as the model was called first
        self._generators: list[Held] = []  # those of the census before
        self._begun: bool | None = None  # whether gradients were there as the model was called first
        self._modules = 0  # how many were loaded as their sources were kept
        self._inside = 0  # calls of modules around this one

    # -- what is counted between censuses ----------------------------------------------------------
    def pass_begins(self, loader: Any, iterator: Any) -> None:
        counts = next((counts for held, counts in self._loaders if held() is loader), None)
        if counts is None:
            counts = [0, 0]
            self._loaders.append((weakref.ref(loader), counts))
        counts[0] += 1
        counts[1] = 0
        if self._iterators.get(iterator) is counts:  # of workers that persist: their last pass is over
            self._indices[iterator] = []
        self._iterators[iterator] = counts
        self._indices.setdefault(iterator, [])

    def index_chosen(self, iterator: Any, index: Any) -> None:
        """A loader asks its sampler for the samples of a batch; with workers some batches ahead."""
        self._indices.setdefault(iterator, []).append(digest(index))

    def batch_given(self, iterator: Any) -> None:
        counts = self._iterators.get(iterator)
        if counts is None:
            return
        counts[1] += 1
        chosen = self._indices.get(iterator, [])
        if counts[1] <= len(chosen):
            self._order_of[id(counts)] = chosen[counts[1] - 1]

    def called(self, module: Any, args: Any, kwargs: Any) -> None:
        """A module is called; of the outermost in training, what it is given is told."""
        import torch

        self._inside += 1
        if self._inside > 1 or not module.training or not torch.is_grad_enabled():
            return
        if self._begun is None:
            self._begun = any(has_numbers(p.grad) for p in module.parameters())
        if not self._seen_inputs:
            self._before_input = self._generator_rows("before input")
        for value in leaves([args, kwargs]):
            number = tensor_digest(value)
            if number is not None:
                self._inputs.update(number.to_bytes(8, "little"))
                self._seen_inputs = True

    def returned(self) -> None:
        self._inside = max(0, self._inside - 1)

    # -- the census --------------------------------------------------------------------------------
    def held(self, frame: FrameType | None) -> tuple[list[Held], set[int]]:
        """What there is, and the identities of the parameters that an optimizer trains."""
        packages = own_packages(None)  # not the framework that calls the optimizer: its counters are its own
        if self._walk is None:
            self._walk = Walk(packages)
        variables = [] if frame is None else list(own_variables(frame, packages))
        found = self._walk((_short(name), value) for name, value in variables)
        known = {id(one.thing) for one in found}
        for number, optimizer in enumerate(self._by_order()):
            if id(optimizer) not in known:
                found.append(Held("optimizer", f"{type(optimizer).__name__} {number + 1}", optimizer))
        trained = {
            id(parameter)
            for one in found
            if one.kind == "optimizer"
            for group in one.thing.param_groups
            for parameter in group["params"]
        }
        return found, trained

    def _by_order(self) -> list[Any]:
        return sorted(self._optimizers, key=lambda one: self._order.get(id(one), 0))

    def take(self, optimizer: Any) -> None:
        """As a step begins."""
        if threading.get_ident() != self._home or self._session.key.is_child:
            return
        if optimizer not in self._optimizers:
            self._optimizers.add(optimizer)
            self._order[id(optimizer)] = len(self._order)
        began = time.perf_counter()
        frame = sys._getframe(1)
        self._keep_sources(frame)
        found, trained = self.held(frame)
        table: dict[tuple[str, str], str] = {}
        for kind, path, value in self._rows(found, trained):
            table.setdefault((kind, path), value)
        self._inputs, self._seen_inputs = xxhash.xxh3_64(), False
        self._keep(table, site_of(frame), time.perf_counter() - began)

    def _keep_sources(self, frame: FrameType) -> None:
        """The program's own modules, which say what reads a variable."""
        if len(sys.modules) == self._modules:
            return
        self._modules = len(sys.modules)
        for _, variables in own_modules(own_packages(None)):
            file = variables.get("__file__")
            if type(file) is str and file.endswith(".py"):
                self._session.keep_source(file)

    def _rows(self, found: list[Held], trained: set[int]) -> list[Row]:
        self._generators = [one for one in found if one.kind == "generator"]
        every = self._generator_rows("generator")
        if self._seen_inputs:
            every.append(("input", "the model's input", self._inputs.hexdigest()))
            every += self._before_input
        if self._begun is not None:
            every.append((*GRADIENTS, f"={self._begun}"))
        paths = {id(one.thing): one.path for one in found if one.kind == "loader"}
        for number, (loader, counts) in enumerate(self._loaders):
            path = paths.get(id(loader()), f"DataLoader {number + 1}")
            workers = getattr(loader(), "num_workers", 0)
            every.append(("position", path, f"={counts[1]}"))
            every.append(("passes", path, f"={counts[0]}"))
            every.append(("workers", path, f"={workers}"))
            if id(counts) in self._order_of:
                every.append(("order", path, self._order_of[id(counts)]))
        told: set[int] = set()
        for one in found:
            if one.kind != "generator":
                every += rows(one, trained, told)
        return every

    def _generator_rows(self, kind: str) -> list[Row]:
        every: list[Row] = [(kind, name, digest(one[0])) for name, one in process_wide()]
        for held in self._generators:
            every += ((kind, path, value) for _, path, value in rows(held, ()))
        return every

    def _keep(self, table: dict[tuple[str, str], str], site: Site | None, seconds: float) -> None:
        named, states = [], []
        there: dict[int, str] = {}
        for key, value in table.items():
            number = self._numbers.get(key)
            if number is None:
                number = self._numbers[key] = len(self._numbers)
                named.append(f"{number} {key[0].replace(' ', '-')} {key[1]}")
            there[number] = value
            if self._last.get(number) != value:
                states.append(f"{number} {value}")
        gone = [str(number) for number in self._last if number not in there]
        self._last = there
        self._size += sum(map(len, (*named, *states, *gone)))
        if self._size > _MOST:
            self._session.note("census_until", self._session.step)
            return
        self._session.fact(
            Census(named=named or None, states=states or None, gone=gone or None, ms=round(1e3 * seconds, 2)),
            site,
        )


def _short(name: str) -> str:
    return name.removeprefix("__main__.")


def site_of(frame: FrameType | None) -> Site | None:
    """The nearest line of the program's own."""
    while frame is not None and callers.whose(frame.f_code) != callers.USER:
        frame = frame.f_back
    return None if frame is None else callers.site_of(frame.f_code, frame.f_lineno)
