"""What is hooked in torch, and the event each hook yields.

Public hooks where torch has them (optimizer hooks); three functions are replaced where it has none:
`torch.autograd.backward`, the DataLoader iterator's `__next__`, and the methods by which a program takes
values out of tensors.  Each replacement calls the original and adds an event.  What torch compiles is
hooked in `observe.regions`.
"""

from __future__ import annotations

import atexit
import functools
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing import util
from typing import TYPE_CHECKING, Any, Final, NoReturn

from samebits import manifest
from samebits._runtime import aside, forks
from samebits._runtime.patcher import Patcher
from samebits.model import events
from samebits.model.events import KIND, PHASE
from samebits.model.facts import Optimizer
from samebits.observe import ending, observer
from samebits.observe.batches import as_tensor, leaves, unwrapped
from samebits.observe.census.watch import Watch
from samebits.observe.generators import Generators
from samebits.observe.loader_passes import LoaderPasses
from samebits.observe.names import Names
from samebits.observe.opening import before_cuda
from samebits.observe.optimizers import OtherOptimizers
from samebits.observe.regions import CompiledRegions
from samebits.observe.scalars import scalar_bits
from samebits.observe.schedule import Schedule
from samebits.observe.session import Session
from samebits.usercode import opened, texts
from samebits.usercode.files import Owner, prefixes

if TYPE_CHECKING:
    import torch

#: Methods whose name in a record is not their own.
_SPECIAL = {
    "float": "__float__",
    "int": "__int__",
    "bool": "__bool__",
    "pickle": "__reduce_ex__",  # by which torch.save, pickle and their like take a tensor
}

#: How often a program is stopped that goes on.
_STOPS: Final = 100


class StopRun(SystemExit):
    """`--steps N` is reached; raised out of optimizer.step() so that the script's own cleanup runs."""


class Trace(Patcher):
    """The hooks of one process, from `install` until `uninstall`: its end, but in a test."""

    def __init__(self, session: Session) -> None:
        import torch

        super().__init__()
        self.session = session
        self.observer = observer.load()
        self.names = Names(self.observer.forget)
        self.generators = Generators(self.observer)
        self.loaders = LoaderPasses(session, self.observer)
        self.schedule = Schedule(None, measures=False)
        self.parameters: dict[int, tuple[list[int], list[torch.Tensor], torch.optim.Optimizer]] = {}
        self._stepped_by: dict[int, int] = {}  # optimizer -> the thread that stepped it last
        self._home = threading.get_ident()  # the thread whose events are those of thread 0
        self._steps = 0  # taken by that thread
        self._stops = 0  # how often the program was stopped
        self._classes = 0  # of modules whose class is noted
        self._own = _Own()
        self._census = Watch(session, self.attempt, self.quiet) if session.plan.census else None
        self.plain = (torch.Tensor, torch.nn.Parameter)
        self.observer.setup(
            [os.path.dirname(torch.__file__) + os.sep, *prefixes(Owner.SAMEBITS), *prefixes(Owner.PYTHON)],
            prefixes(Owner.INSTALLED),
            torch.nn.Module._call_impl.__code__,
            self.names.module,
            texts.place,
            session.flush,
        )

    def install(self) -> None:
        import torch
        from torch.optim import optimizer
        from torch.utils.data import dataloader

        # Not `collect`: asking torch for its CPU capability fixes it, and the script may yet choose it.
        self.session.begin(self.observer, manifest.collect_static())
        before_cuda(self.session.close_opening)
        level = self.session.plan.level
        self.schedule = Schedule(self.session.schedule, measures=level != "op")
        self._undo.callback(aside.observed(self.quiet))
        self._undo.callback(optimizer.register_optimizer_step_pre_hook(self.before_step).remove)
        self._undo.callback(optimizer.register_optimizer_step_post_hook(self.after_step).remove)
        self._around(torch.autograd, "backward", self.backward)
        self._around(torch.autograd, "grad", self.grad)
        self._around(dataloader._BaseDataLoaderIter, "__next__", self.next_batch)
        self._around(dataloader._MultiProcessingDataLoaderIter, "_try_get_data", self.receive)
        self._after("torchdata.stateful_dataloader.stateful_dataloader", self._stateful)
        for name in events.READS["op" if level == "op" else "step"]:
            self._around(torch.Tensor, _SPECIAL.get(name, name), functools.partial(self.read, name))
        if self._census is not None:
            self._census.install()
            self._undo.callback(self._census.uninstall)
        self._describe()
        others = OtherOptimizers(self.before_step, self.after_step)
        regions = CompiledRegions(
            session=self.session, observer=self.observer, see=self.attempt, quiet=self.quiet
        )
        for each in (others, regions, self.loaders):
            each.install()
            self._undo.callback(each.uninstall)
        handle = forks.register(after_in_child=self.after_fork, in_worker=self._finish_worker)
        self._undo.callback(handle.cancel)
        atexit.register(self.finish, "finished")
        self._undo.callback(atexit.unregister, self.finish)
        self._around(os, "_exit", self._leave)
        opened.listen("os.exec", lambda _: self.session.before_exec())

    def _describe(self) -> None:
        """What a comparison must know of how this process is observed, from the beginning on."""
        limits = getattr(self.observer, "limits", None)  # the observer in Python has some
        self.session.note("observer", "native" if limits is None else "python")
        self.session.note("vocabulary", events.VOCABULARY)
        self.session.note("gradients_together", True)
        self.session.note("schedule", self.schedule.known)
        for limit in limits or ():
            self.session.not_observed(limit)

    @property
    def stepping(self) -> list[torch.optim.Optimizer]:
        """The optimizers whose step() this thread is in, outermost first."""
        return self._own.stepping

    # -- the optimizer -----------------------------------------------------------------------------
    def before_step(self, optimizer: torch.optim.Optimizer, args: Any, kwargs: Any) -> None:
        if self.session.ended:
            if self.session.stopped_early and self._stops < _STOPS:
                self._stop()  # a test's runner, or a notebook's, took the first for an error of the program's
            return
        if optimizer in self.stepping:  # its last step raised, and no hook told of the end
            del self.stepping[self.stepping.index(optimizer) :]
        self.stepping.append(optimizer)
        if len(self.stepping) == 1:
            self.attempt(self._read, optimizer, "gradient")
            if self._census is not None:
                self.attempt(self._census.take, optimizer)
            self.observer.phase(PHASE["optimizer"])

    def after_step(self, optimizer: torch.optim.Optimizer, args: Any, kwargs: Any) -> None:
        if self.session.ended or optimizer not in self.stepping:
            return
        del self.stepping[self.stepping.index(optimizer) :]
        if self.stepping:
            return
        self.attempt(self._read, optimizer, "parameter")
        self._stepped_by[id(optimizer)] = threading.get_ident()
        home = self.at_home
        self._steps += home
        self.observer.phase(PHASE["other"])
        if self.session.step == 0:
            self.session.note("manifest", manifest.collect())
        if self.schedule.reads_all(self.session.step):
            self.attempt(self._read_generators)
        self._note_classes()
        self.session.advance()
        if home and self.schedule.advance(self._steps):
            self.session.note("schedule", self.schedule.known)
        if home and self.session.plan.kill is not None:
            ending.cut_short(self.session)
        limit = self.session.plan.steps
        if limit is not None and self.session.step >= limit:
            self.finish("stopped")
            self.session.on_step_limit()
            self._stop()

    def _stop(self) -> NoReturn:
        self._stops += 1
        main = threading.current_thread() is threading.main_thread()
        raise (StopRun if main else SystemExit)(0)  # of a thread Python forgives SystemExit itself alone

    def _note_classes(self) -> None:
        if self._classes < len(self.names.classes):
            self._classes = len(self.names.classes)
            self.session.note("modules", self.names.classes)

    def _held(self, optimizer: torch.optim.Optimizer) -> tuple[list[int], list[torch.Tensor]]:
        """The optimizer's parameters and the numbers of their names."""
        count = sum(len(group["params"]) for group in optimizer.param_groups)
        known = self.parameters.get(id(optimizer))
        if known is None or known[2] is not optimizer or len(known[0]) != count:
            tensors = [p for group in optimizer.param_groups for p in group["params"]]
            numbers = [self.observer.intern(name) for name in self.names.parameters(tensors)]
            if known is None or known[2] is not optimizer:
                self.session.fact(Optimizer(call=type(optimizer).__name__), None)
            known = self.parameters[id(optimizer)] = (numbers, tensors, optimizer)
        return known[0], known[1]

    @property
    def at_home(self) -> bool:
        return threading.get_ident() == self._home

    def _read(self, optimizer: torch.optim.Optimizer, kind: str, whole: bool = False) -> None:
        """Digests of parameters or gradients: of all, or of those whose turn it is.

        Of several threads that train any may be faster, so the others follow no schedule: they read all.
        """
        began = time.perf_counter()
        names, tensors = self._held(optimizer)
        home = self.at_home
        whole = whole or (kind == "gradient" and self.schedule.reads_all(self._steps))  # of which the norm is
        if home and not whole:
            names, tensors = self.schedule.turn(self._steps, names), self.schedule.turn(self._steps, tensors)
        if kind == "gradient":
            pairs = [(n, g) for n, t in zip(names, tensors, strict=True) if (g := t.grad) is not None]
            names, tensors = [n for n, _ in pairs], [g for _, g in pairs]
        if any(type(t) not in self.plain for t in tensors):
            pairs = [(n, part) for n, t in zip(names, tensors, strict=True) for part in unwrapped(t)]
            names, tensors = [n for n, _ in pairs], [t for _, t in pairs]
        if names:
            self.observer.push_tensors(KIND[kind], names, tensors, -1, PHASE["optimizer"])
        if home:
            self.schedule.spent(time.perf_counter() - began, share=1 if whole else self.schedule.stride)

    def _read_generators(self) -> None:
        began = time.perf_counter()
        with self.quiet():
            for number, digest in self.generators.states():
                self.observer.push(KIND["generator"], number, digest, 0, PHASE["other"], 0)
        self.schedule.spent(time.perf_counter() - began, share=1)

    # -- loss, batches, values taken out -----------------------------------------------------------
    def backward(self, original: Callable[..., Any], tensors: Any, *args: Any, **kwargs: Any) -> Any:
        import torch

        # A checkpoint that recomputes calls it again from inside; what that starts from is no loss.
        if not self.session.ended and torch._C._current_graph_task_id() == -1:
            roots = [tensors] if isinstance(tensors, torch.Tensor) else tensors
            self.attempt(self.loaders.backward)
            for root in roots if isinstance(roots, (list, tuple)) else ():
                if isinstance(root, torch.Tensor):
                    self.attempt(self._loss, root)
        return original(tensors, *args, **kwargs)

    def grad(self, original: Callable[..., Any], outputs: Any, *args: Any, **kwargs: Any) -> Any:
        """What is trained by hand, or inside another step, has no backward() that would show it."""
        import torch

        seen = not (self.session.ended or torch.compiler.is_compiling())
        if seen and torch._C._functorch.peek_interpreter_stack() is None:
            roots = outputs if isinstance(outputs, (list, tuple)) else [outputs]
            tensors = [root for root in roots if isinstance(root, torch.Tensor)]
            numbers = [self.observer.intern(events.GRAD_ROOT)] * len(tensors)
            self.attempt(self.observer.push_tensors, KIND["loss"], numbers, tensors, -1, PHASE["forward"])
        return original(outputs, *args, **kwargs)

    def _loss(self, root: torch.Tensor) -> None:
        import torch

        index = self.observer.position()
        self.observer.push_tensors(KIND["loss"], [self.observer.intern("loss")], [root], -1, PHASE["forward"])
        # What is read here must be seen by no mode of the user's, and a fake tensor has no value.
        plain = type(root) is torch.Tensor and torch._C._len_torch_dispatch_stack() == 0
        if plain and root.numel() == 1 and root.device.type == "cpu":
            with self.quiet():
                number = root.item()
                bits = scalar_bits(root, number)
                self.session.writer().loss(
                    step=self.session.step, index=index, value=float(number.real), bits=bits
                )

    def _stateful(self, module: Any) -> None:
        self._around(module._StatefulMultiProcessingDataLoaderIter, "_try_get_data", self.receive)

    def receive(self, original: Callable[..., Any], iterator: Any, *args: Any, **kwargs: Any) -> Any:
        """A loader takes what a worker sent: which worker was quicker decides what is unpacked when."""
        if self.session.ended:
            return original(iterator, *args, **kwargs)
        with self.quiet():
            return original(iterator, *args, **kwargs)

    def next_batch(self, original: Callable[..., Any], iterator: Any) -> Any:
        if self.session.ended:
            return original(iterator)
        phase = self.observer.phase(PHASE["data"])
        try:
            batch = original(iterator)
        finally:
            self.observer.phase(phase)
        self.attempt(self._batch, iterator, batch)
        if self._census is not None:
            self._census.batch_given(iterator)
        return batch

    def _batch(self, iterator: Any, batch: Any) -> None:
        values = list(leaves(batch))
        names = [f"batch[{i}]" if len(values) > 1 else "batch" for i in range(len(values))]
        with self.quiet():
            tensors = [as_tensor(value) for value in values]
            numbers = [self.observer.intern(name) for name in names]
            self.observer.push_tensors(KIND["batch"], numbers, tensors, -1, PHASE["data"])
        self.generators.add(getattr(iterator, "_generator", None))
        self.loaders.batch(iterator)

    def read(self, name: str, original: Callable[..., Any], tensor: Any, *args: Any, **kwargs: Any) -> Any:
        value = original(tensor, *args, **kwargs)
        if self.session.operations and name not in events.READS["op"]:
            return value  # an operation, which is recorded
        if not (self._own.silent or self.stepping or self.session.ended):
            import torch

            if not torch.compiler.is_compiling() and type(tensor) in self.plain:
                number = self.observer.intern(f"Tensor.{name}")
                self.attempt(self.observer.push_tensors, KIND["read"], [number], [tensor], -1, -1)
        return value

    # -- the process -------------------------------------------------------------------------------
    def attempt(self, observe: Callable[..., Any], *args: Any) -> None:
        """Observe unseen by the program's function modes; a failure is said in the verdict, never raised."""
        import torch

        try:
            with torch._C.DisableTorchFunction():
                observe(*args)
        except Exception as error:
            what = f"something that could not be observed ({type(error).__name__}: {error})"
            self.session.not_observed(what[:300])

    @contextmanager
    def quiet(self) -> Iterator[None]:
        """What the observer itself runs is not observed."""
        self._own.silent += 1
        self.observer.suspend()
        try:
            yield
        finally:
            self.observer.resume()
            self._own.silent -= 1

    def after_fork(self) -> None:
        """In a forked child, after the session's own."""
        self.parameters.clear()
        self.stepping.clear()
        self._stepped_by.clear()
        self._home, self._steps = threading.get_ident(), 0
        self.schedule = Schedule(None, measures=False)
        self.loaders.after_fork()
        self._describe()

    def _finish_worker(self) -> None:
        """multiprocessing runs no exit function of Python's in a process that it forks, but its own."""
        util.Finalize(None, self.finish, ("finished",), exitpriority=-1)

    def _leave(self, original: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
        """`os._exit` ends a process as its program means it to, past all exit functions."""
        try:
            with self.session.try_lock(timeout=1.0) as free:  # a thread that is stuck may be why it is called
                if free:
                    self.finish("finished")
        except BaseException:
            pass
        original(*args, **kwargs)

    def finish(self, status: str) -> None:
        """Every record ends with one whole reading, whatever its level and schedule: any two share that.

        But for what a step was changing when it was cut off, and what another thread trains, which it may be
        changing now: that was read at every step.
        """
        if self.session.ended:
            return
        here = threading.get_ident()
        for key, (_, _, optimizer) in list(self.parameters.items()):
            if not self.stepping and self._stepped_by.get(key, here) == here:
                self.attempt(self._read, optimizer, "parameter", True)
        self._note_classes()
        self.session.end(status)


class _Own(threading.local):
    """What each thread is in the middle of."""

    def __init__(self) -> None:
        self.stepping: list[torch.optim.Optimizer] = []
        self.silent = 0  # what the observer itself reads is not a read of the program's
