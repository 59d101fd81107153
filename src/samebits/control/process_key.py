"""Which process of a controlled program this is: the name its generators are derived from.

A name must be the same in every run and another one for every process, so it is
made of counts and never of a pid or a time.  The program itself has the empty
path, and so has each rank that a launcher starts: they are told apart by the
rank, and draw what `seed_everything(seed)` in that rank would.  Every other
process adds to its parent's path how it came to be::

    ("fork", 2, seeds)          the third os.fork; and how the parent was seeded then
    ("process", 0)              the first start of a multiprocessing.Process
    ("command", "prep.py", 1)   the second subprocess that runs prep.py
    ("other",)                  started in a way that is not counted, such as os.posix_spawn

Subprocesses are counted by what they run: a compiler that is started only while a
cache is cold must not give the others new names.  Worker processes of a DataLoader
are named by the seed that their loader gives them, whoever forked them.
"""

from __future__ import annotations

import functools
import json
import os
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from types import ModuleType
from typing import Any, Final

from samebits._runtime import forks
from samebits._runtime.patcher import Patcher
from samebits.control.settings import Control
from samebits.seeding.derive import Key
from samebits.seeding.ranks import place

#: Holds the settings of the control and the path of the process that it is set for, as JSON.
VARIABLE: Final = "SAMEBITS_CONTROL"
#: Called with the words and the variables of a command before it is started.
Starting = Callable[[Any, Any], None]
_ENV: Final = 10  # the position of `env` among the arguments of subprocess.Popen


@dataclass(frozen=True, slots=True)
class ProcessKey:
    """The control, and this process's path and rank; as JSON, what a parent hands to its children."""

    control: Control
    path: tuple[int | str, ...] = ()
    rank: int = 0
    place: str = "alone"  # what says the rank, and the rank: a child for which it is another is a rank itself
    counts: Counter[str] = field(default_factory=Counter, compare=False)

    def hand_down(self) -> None:
        """Set the variable for the children that nothing else names."""
        os.environ[VARIABLE] = self.child("other").to_json()

    def to_json(self) -> str:
        return json.dumps({**self.control.as_json(), "path": self.path, "place": self.place})

    @classmethod
    def from_environment(cls, text: str) -> ProcessKey:
        """Who this process is: `text` is what the parent left in the variable."""
        data = json.loads(text)
        try:
            here = place()
        except ValueError:  # a launcher's variable that is no number: the program will say so if it matters
            rank, source = 0, "alone"
        else:
            rank, source = here.rank, f"{here.source}:{here.rank}"
            source = "alone" if here.source == "alone" else source
        path = tuple(data["path"]) if source in ("alone", data.get("place")) else ()
        return cls(Control.from_json(data), path, rank, source)

    @property
    def seed(self) -> int:
        """The control's, which has one wherever something is derived."""
        assert self.control.seed is not None
        return self.control.seed

    @property
    def root(self) -> int:
        """The seed of this process's own streams: the given one, or for a child one of its own."""
        return Key(self.seed, ("child", *self.path)).integer(128) if self.path else self.seed

    def key(self, *parts: int | str) -> Key:
        """The key of something in this process, or in the worker of a DataLoader that this process is."""
        worker = worker_seed()
        path = ("worker", worker) if worker is not None else self.path
        return Key(self.seed, ("control", self.rank, len(path), *path, *parts))

    def child(self, *parts: int | str) -> ProcessKey:
        return replace(self, path=(*self.path, *parts), counts=Counter())

    def count(self, what: str) -> int:
        """How many there were of something before this one."""
        number = self.counts[what]
        self.counts[what] += 1
        return number


def worker_seed() -> int | None:
    """The seed of this worker of a DataLoader, of which no other worker and no other epoch has the same."""
    worker = sys.modules.get("torch.utils.data._utils.worker")
    info = getattr(worker, "_worker_info", None)
    return None if info is None else int(info.seed) % 2**64


class Children(Patcher):
    """Gives every process that this one starts its own name."""

    def __init__(
        self,
        process_key: ProcessKey,
        *,
        seeds: Callable[[], int],
        forked: Callable[[ProcessKey], None],
        starting: Starting = lambda words, environ: None,
    ) -> None:
        """`seeds` tells how this process is seeded now; `forked` is called in each forked child.

        `starting` is called with the words and the variables of each command before it is started.
        """
        super().__init__()
        self._process_key = process_key
        self._seeds = seeds
        self._forked = forked
        self._starting = starting
        self._lock = threading.RLock()
        self._fork: ProcessKey | None = None

    def install(self) -> None:
        handle = forks.register(
            before=self._before_fork, after_in_child=self._in_child, after_in_parent=self._after_fork
        )
        self._undo.callback(handle.cancel)
        self._replace_system()
        self._after("subprocess", self._commands)
        self._after("multiprocessing.process", self._processes)

    # -- fork --------------------------------------------------------------------------------------
    def _before_fork(self) -> None:
        if self._alive:
            # A user who seeds the parent anew means other draws in its children, too.
            self._fork = self._process_key.child("fork", self._process_key.count("fork"), self._seeds())

    def _after_fork(self) -> None:
        self._fork = None

    def _in_child(self) -> None:
        if self._alive and self._fork is not None:
            self._lock = threading.RLock()  # another thread of the parent may have held it
            self._process_key, self._fork = self._fork, None
            self._process_key.hand_down()
            self._forked(self._process_key)

    # -- fresh processes ---------------------------------------------------------------------------
    @contextmanager
    def _named(self, child: ProcessKey) -> Iterator[None]:
        """While it lasts, what is started inherits `child`'s name."""
        with self._lock:
            before = os.environ.get(VARIABLE)
            os.environ[VARIABLE] = child.to_json()
            try:
                yield
            finally:
                if os.environ.get(VARIABLE) == child.to_json():
                    if before is None:
                        del os.environ[VARIABLE]
                    else:
                        os.environ[VARIABLE] = before

    def _commands(self, subprocess: ModuleType) -> None:
        if not self._alive:
            return
        original = subprocess.Popen.__init__

        @functools.wraps(original)
        def start(popen: Any, *args: Any, **kwargs: Any) -> Any:
            if not self._alive:
                return original(popen, *args, **kwargs)
            words = args[0] if args else kwargs.get("args")
            program = _program(words)
            child = self._process_key.child("command", program, self._process_key.count(f"command {program}"))
            given = args[_ENV] if len(args) > _ENV else kwargs.get("env")
            self._starting(words, os.environ if given is None else given)
            if given is None:
                with self._named(child):
                    return original(popen, *args, **kwargs)
            if VARIABLE in given:
                given = {**given, VARIABLE: child.to_json()}
                if len(args) > _ENV:
                    args = (*args[:_ENV], given, *args[_ENV + 1 :])
                else:
                    kwargs["env"] = given
            return original(popen, *args, **kwargs)

        self._replace(subprocess.Popen, "__init__", start)

    def _replace_system(self) -> None:
        original = os.system

        @functools.wraps(original)
        def system(command: Any) -> int:
            if not self._alive:
                return original(command)
            program = _program(command)
            child = self._process_key.child("command", program, self._process_key.count(f"command {program}"))
            with self._named(child):
                return original(command)

        self._replace(os, "system", system)

    def _processes(self, process: ModuleType) -> None:
        if not self._alive:
            return
        original = process.BaseProcess.start

        @functools.wraps(original)
        def start(started: Any) -> Any:
            if not self._alive:
                return original(started)
            with self._named(self._process_key.child("process", self._process_key.count("process"))):
                return original(started)

        self._replace(process.BaseProcess, "start", start)


def _program(words: Any) -> str:
    """What a command runs, without where it lies and what it is told: paths may differ between runs."""
    if isinstance(words, str | bytes | os.PathLike):
        words = os.fsdecode(words).split() or [""]
    names = [os.fsdecode(word) for word in words if isinstance(word, str | bytes | os.PathLike)]
    if not names:
        return ""
    first = os.path.basename(names[0])
    return _script(names[1:]) or first if first.startswith("python") else first


def _script(words: Sequence[str]) -> str:
    for number, word in enumerate(words):
        if word == "-c":
            return ""
        if word == "-m":
            return " ".join(words[number : number + 2])
        if not word.startswith("-"):
            return os.path.basename(word)
    return ""
