"""The observer in plain Python, for machines without a C++ compiler: the interface of `native/binding.h`.

It sees operations through a TorchDispatchMode, which is part of the dispatch rather than beside it: it is
slower by far, runs where the native observer only looks on, and changes some of what it observes.  So
`limits` says, in sentences for the verdict, what differs from an observation by the native one.  What is
recorded, and in which order, follows `native/observer.cpp`.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import CodeType, FrameType, ModuleType
from typing import Any, Final, TypeVar

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from samebits.model import events
from samebits.observe import reference
from samebits.observe.folding import Sum, tensors_in
from samebits.observe.inputs import Inputs
from samebits.observe.memory import Uninitialized
from samebits.observe.norms import norm
from samebits.observe.places import CodePlace, CodePlaces, Origins
from samebits.observe.rows import NORMED, Row, ThreadRows, chunk, phase_now
from samebits.observe.schemas import Schema, describe

UNREAD: Final = events.VIEW | events.UNINITIALIZED | events.PENDING
FLUSH_AT: Final = 100_000  # events; a program that never steps must not fill the memory
CAPTURE_AT_MOST: Final = 64 << 20  # bytes of one output
LIMITS: Final = (
    "operations were observed from Python (no native observer): slower, and the backward of indexing runs "
    "out of place, as it does under any dispatch mode",
    "operations in threads other than the one that imported torch were not observed",
)

T = TypeVar("T")


class Quiet:
    """What the observer itself runs is seen neither by itself nor by the user's function modes."""

    def __init__(self, thread: ThreadRows) -> None:
        self._thread = thread

    def __enter__(self) -> None:
        self._thread.suspended += 1
        self._function = torch._C.DisableTorchFunction()
        self._function.__enter__()

    def __exit__(self, *_: object) -> None:
        self._function.__exit__(None, None, None)
        self._thread.suspended -= 1


class ObserverMode(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Hands every operation of its thread to the observer."""

    supports_higher_order_operators = True

    def __init__(self, observer: Observer) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._observer = observer

    @classmethod
    def ignore_compile_internals(cls) -> bool:
        return True  # else torch.compile would be off under this mode

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        observer, kwargs = self._observer, kwargs or {}
        thread = observer.thread()
        if thread.suspended or not observer.on:
            return func(*args, **kwargs)
        operator = observer.operator(func)
        if operator.name.startswith("profiler::"):
            return func(*args, **kwargs)
        arguments = operator.bind(args, kwargs)
        event = observer.guarded(thread, operator, observer.before, thread, operator, arguments)
        outputs = func(*args, **kwargs)
        if event is not None:
            observer.guarded(thread, operator, observer.after, thread, operator, arguments, event, outputs)
        return outputs


class Observer(ModuleType):
    """Stands where the native module would."""

    def __init__(self) -> None:
        super().__init__("samebits.record._observer", __doc__)
        self.limits: list[str] = []
        self.on = False
        self._mode: ObserverMode | None = None
        self._lock = threading.RLock()  # guards events against a drain from another thread
        self._threads: dict[int, ThreadRows] = {}
        self._names: dict[str, int] = {"": 0}
        self._places = CodePlaces()
        self._names_sent = self._sites_sent = 1
        self._operators: dict[Any, Schema] = {}
        self._origins = Origins()
        self._fresh = Uninitialized()
        self._taken_in = Inputs(self.digest)
        self._zoom = False
        self._capture_left = 0
        self._captured: list[tuple[int, int, int, int, tuple[int, ...], bytes]] = []
        self._flush: Callable[[], Any] = lambda: None
        self._engine = torch.autograd.graph._engine_run_backward.__code__

    # -- the interface of native/binding.h ---------------------------------------------------------
    def setup(
        self,
        torch_prefixes: Iterable[str],
        library_prefixes: Iterable[str],
        module_call: CodeType,
        module_name: Callable[[Any], str],
        place: Callable[[CodeType], tuple[str, int] | None],
        flush: Callable[[], Any],
    ) -> None:
        def named(module: Any) -> int:
            with Quiet(self.thread()):
                try:
                    return self.intern(module_name(module))
                except Exception:
                    return 0

        self._places = CodePlaces(torch_prefixes, library_prefixes, place, module_call, named)
        self._sites_sent = 1
        self._flush = flush
        self.thread()  # the thread that sets up is thread 0

    def operations(self, on: object) -> None:
        """Observe every operation of this thread, or of no thread any more."""
        self.on = bool(on)
        if self.on and self._mode is None:
            self._origins = Origins()
            self._mode = ObserverMode(self)
            self._mode.__enter__()  # type: ignore[no-untyped-call]
            self.limits[:] = LIMITS
        elif not self.on and self._mode is not None and _innermost_mode() is self._mode:
            # Modes leave in the order of a stack; below another one it stays, and passes everything on.
            self._mode.__exit__(None, None, None)  # type: ignore[no-untyped-call]
            self._mode = None

    def timed(self, on: bool) -> None:
        """No opening of a run is observed from Python (`observe.opening`), so that none is measured."""

    def spent(self) -> float:
        return 0.0

    def zoom(self, on: bool, capture_bytes: int, share: int = 0) -> None:
        self._zoom = bool(on)
        self._capture_left = capture_bytes

    def suspend(self) -> int:
        thread = self.thread()
        thread.suspended += 1
        return thread.suspended

    def resume(self) -> int:
        thread = self.thread()
        thread.suspended -= 1
        return thread.suspended

    def phase(self, number: int) -> int:
        thread = self.thread()
        old, thread.phase = thread.phase, number
        return old

    def intern(self, text: str) -> int:
        with self._lock:
            return self._names.setdefault(text, len(self._names))

    def site(self) -> int:
        return self._places.walk(sys._getframe(1)).site

    def site_of(self, file: str, line: int, function: str) -> int:
        return self._places.site_of(file, line, function)

    def push(self, kind: int, name: int, digest: int, site: int, phase: int, flags: int) -> None:
        thread = self.thread()
        event = self._event(thread, kind, site, phase)
        self._put(thread, event._replace(name=name, digest=digest, flags=flags))

    def push_tensors(
        self, kind: int, names: list[int], tensors: list[torch.Tensor | None], site: int, phase: int
    ) -> None:
        if len(names) != len(tensors):
            raise ValueError("names and tensors differ in length")
        thread = self.thread()
        event = self._event(thread, kind, site, phase)
        for name, tensor in zip(names, tensors, strict=True):
            if tensor is None:
                self._put(thread, event._replace(name=name, flags=events.PARTIAL))
            else:
                read = event._replace(name=name, digest=self.digest(tensor))
                if kind in NORMED:
                    with Quiet(thread):
                        read = read._replace(norm=norm(tensor))
                self._put(thread, read)

    def digest(self, tensor: torch.Tensor, eager: bool = False) -> int:
        if not isinstance(tensor, torch.Tensor):
            raise TypeError("a torch.Tensor is needed")
        with Quiet(self.thread()):
            if tensor.is_cuda and torch.cuda.is_current_stream_capturing():
                return reference.meta_digest(tensor)  # reading would break the capture
            return reference.tensor_digest(tensor)

    def digest_bytes(self, buffer: Any) -> int:
        size = memoryview(buffer).nbytes
        return reference.reference(buffer, 0, (size,))

    def tier(self, name: str) -> bool:
        return name in ("auto", "plain")

    def position(self) -> int:
        thread = self.thread()
        return thread.start + len(thread.events)

    def draws(self, n: int) -> None:
        """It sees no draws, so that there is nothing to begin or end, here and in the next two."""

    def loading(self, number: int) -> int:
        return 0

    def drawn(self) -> list[tuple[Any, ...]]:
        return []

    def forget(self, address: int) -> None:
        self._places.forget(address)

    def drain(self) -> list[tuple[Any, ...]]:
        with self._lock:
            self._fresh.sweep()
            rows = []
            for thread in self._threads.values():
                if thread.events:
                    rows.append(chunk(thread))
                    thread.start += len(thread.events)
                    thread.events = []
            return rows

    def tables(self) -> tuple[list[tuple[int, str]], list[tuple[int, str, int, str]]]:
        with self._lock:
            names = [(i, text) for text, i in self._names.items() if i >= self._names_sent]
            sites = self._places.sites(self._sites_sent)
            self._names_sent += len(names)
            self._sites_sent += len(sites)
            return names, sites

    def captured(self) -> list[tuple[int, int, int, int, tuple[int, ...], bytes]]:
        rows, self._captured = self._captured, []
        return rows

    def after_fork(self) -> None:
        """A child process begins with nothing recorded, as thread 0."""
        self._lock = threading.RLock()
        self._places.after_fork()
        phase = self.thread().phase
        self._threads.clear()
        self.thread().phase = phase
        self._names_sent = self._sites_sent = 1
        self._captured.clear()

    # -- one operation -----------------------------------------------------------------------------
    def thread(self) -> ThreadRows:
        # By the kernel's number: autograd's own threads lose their Python thread state between operations.
        key = threading.get_native_id()
        thread = self._threads.get(key)
        if thread is None:
            with self._lock:
                thread = self._threads.setdefault(key, ThreadRows(len(self._threads)))
        return thread

    def guarded(
        self, thread: ThreadRows, operator: Schema, observe: Callable[..., T], *args: Any
    ) -> T | None:
        """Observe; what cannot be observed is an event left unread, never an error in the script."""
        try:
            return observe(*args)
        except Exception:
            name = self.intern(operator.name)
            self._put(thread, Row(operator.kind, phase_now(thread, model=False), events.PARTIAL, name))
            return None

    def operator(self, func: Any) -> Schema:
        operator = self._operators.get(func)
        if operator is None:
            operator = self._operators[func] = describe(func)
        return operator

    def before(self, thread: ThreadRows, operator: Schema, arguments: Sequence[Any]) -> Row:
        """The event of an operation that is about to run, all but its digest."""
        place, node = self._here(sys._getframe(1))
        requires_grad = torch.is_grad_enabled() and any(t.requires_grad for t in tensors_in(arguments))
        if thread.ordinal == 0:
            self._origins.operation(place, requires_grad=requires_grad)
        with Quiet(thread):
            flags, source = self._fresh.reads(operator, arguments) if self._fresh else (0, 0)
            inputs, generator = self._taken_in.of(operator, arguments) if self._zoom else (0, 0)
        return Row(
            kind=operator.kind,
            phase=phase_now(thread, model=bool(place.module) or requires_grad),
            flags=operator.flags | flags,
            name=self.intern(operator.name),
            site=place.site,
            module=place.module,
            node=node,
            inputs=inputs,
            generator=generator,
            source=source,
        )

    def after(
        self, thread: ThreadRows, operator: Schema, arguments: Sequence[Any], event: Row, outputs: Any
    ) -> None:
        """The operation ran: its event is complete."""
        values = outputs if isinstance(outputs, tuple) else () if outputs is None else (outputs,)
        mutated = [t for i in operator.mutated for t in tensors_in([arguments[i]])]
        given_back = event.source and any(self._fresh.site(t) is not None for t in tensors_in(values))
        if given_back and not mutated:
            # It returns memory that nothing had filled: how much of it it wrote is not known.
            for tensor in tensors_in(values):
                self._fresh.written(tensor)
            flags = event.flags & ~events.READS_UNINITIALIZED | events.VIEW
            event = event._replace(flags=flags, source=0)
        unread = bool(event.flags & UNREAD)
        total = Sum()
        with Quiet(thread):
            for value in (*values, *mutated):
                total.add_value(value, reference.meta_digest if unread else self.digest, unread=unread)
            if not total.n:
                total.add(3)
            for tensor in (*tensors_in(values), *mutated):
                if event.flags & events.UNINITIALIZED:
                    self._fresh.allocated(tensor, event.site)
                elif self._fresh and not unread:
                    self._fresh.written(tensor)
            if self._capture_left > 0 and not unread:
                self._capture(thread, values)
            if event.generator and event.generator == self._taken_in.generator(operator, arguments):
                event = event._replace(flags=event.flags & ~events.RANDOM)  # it might have drawn, and did not
        self._put(thread, event._replace(digest=total.value))
        if len(thread.events) >= FLUSH_AT and thread.ordinal == 0:
            with Quiet(thread):
                self._flush()

    def _capture(self, thread: ThreadRows, values: Sequence[Any]) -> None:
        index = thread.start + len(thread.events)
        for part, tensor in enumerate(tensors_in(values)):
            size = tensor.numel() * tensor.element_size() if reference.has_bytes(tensor) else 0
            if not reference.has_bytes(tensor) or size > min(CAPTURE_AT_MOST, self._capture_left):
                continue
            self._capture_left -= size
            number, shape = reference.dtype_number(tensor.dtype), tuple(tensor.shape)
            row = (thread.ordinal, index, part, number, shape, bytes(reference.tensor_bytes(tensor)))
            self._captured.append(row)

    # -- events ------------------------------------------------------------------------------------
    def _here(self, frame: FrameType) -> tuple[CodePlace, int]:
        """Where the program is, and the name of the autograd node it is in (0: not in a backward).

        In a backward, that is the line that made the node, unless the node itself runs a user's line.
        """
        node = torch._C._current_autograd_node() if torch._C._current_graph_task_id() != -1 else None
        if node is None:
            return self._places.walk(frame), 0
        place = self._places.walk(frame, until=self._engine)
        return place if place.user else self._origins.find(node), self.intern(node.name())

    def _event(self, thread: ThreadRows, kind: int, site: int, phase: int) -> Row:
        """An event that Python pushes, without name and digest."""
        place, node = self._here(sys._getframe(2))
        if site >= 0:
            place = CodePlace(site, place.module if node else 0)
        if phase < 0:
            phase = phase_now(thread, model=kind == events.KIND["region"])
        return Row(kind, phase, 0, 0, place.site, place.module, node)

    def _put(self, thread: ThreadRows, event: Row) -> None:
        with self._lock:
            thread.events.append(event)


def module() -> ModuleType:
    """The observer in Python, as a stand-in for the native module."""
    return Observer()


def _innermost_mode() -> object:
    from torch.utils._python_dispatch import _get_current_dispatch_mode

    return _get_current_dispatch_mode()
