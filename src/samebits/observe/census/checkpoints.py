"""Notes each checkpoint as it is saved and as it is loaded: where, which file, what is in it.

A file is known by its content, for it may be renamed, copied, or written by way of a buffer.  Which states of
the program are in it is found by content, too: a key may be called anything.
"""

from __future__ import annotations

import io
import os
import signal
import sys
import threading
from collections.abc import Callable, Mapping
from functools import partial
from types import ModuleType
from typing import Any, Final

import xxhash

from samebits._runtime.patcher import Patcher
from samebits.model.facts import GRADIENTS, Checkpoint
from samebits.observe.census import taken
from samebits.observe.census.content import digest, is_number, leaves, tensor_digest, written
from samebits.observe.census.states import contents, gathered, process_wide
from samebits.observe.session import Session
from samebits.seeding.adapters import adapter_of
from samebits.seeding.adapters import process_wide as adapters
from samebits.usercode import callers

#: module -> (function, where its object is among the arguments, where its file is), the object first.
_SAVERS: Final[Mapping[str, tuple[tuple[str, int, int], ...]]] = {
    "torch": (("save", 0, 1),),
    "pickle": (("dump", 0, 1),),
    "safetensors.torch": (("save_file", 0, 1),),
    "joblib": (("dump", 0, 1),),
    "numpy": (("save", 1, 0), ("savez", 1, 0), ("savez_compressed", 1, 0)),
    "json": (("dump", 0, 1),),
}
_LOADERS: Final[Mapping[str, tuple[str, ...]]] = {
    "torch": ("load",),
    "pickle": ("load",),
    "safetensors.torch": ("load_file",),
    "joblib": ("load",),
    "numpy": ("load",),
    "json": ("load",),
}
#: Of these only a text comes: it is a checkpoint if a state of the program's is in it.
_TEXTS: Final = {"dumps": "loads"}
#: Texts without one, after which no more are looked into.
_IDLE: Final = 200
#: module -> (function that puts a state back, of which process-wide generator).
_RESTORERS: Final[Mapping[str, tuple[tuple[str, str], ...]]] = {
    "torch": (("set_rng_state", "torch"),),
    "torch.random": (("set_rng_state", "torch"),),
    "random": (("setstate", "python"),),
    "numpy.random": (("set_state", "numpy"),),
}
_KEYS: Final = 200
_LEAVES: Final = 20_000
_BLOCK: Final = 16 << 20


class Checkpoints(Patcher):
    """The savers and loaders of one process, watched."""

    def __init__(self, session: Session, censuses: taken.Censuses, attempt: Callable[..., None]) -> None:
        super().__init__()
        self._session = session
        self._censuses = censuses
        self._attempt = attempt
        self._own = threading.local()
        self._idle = 0

    def install(self) -> None:
        for name in dict.fromkeys((*_SAVERS, *_LOADERS, *_RESTORERS)):
            module = sys.modules.get(name)
            if module is not None and name != "torch":
                self._watch(name, module)
            elif name == "torch":
                self._watch(name, sys.modules["torch"])
            else:
                self._after(name, partial(self._watch, name))

    def _watch(self, name: str, module: ModuleType) -> None:
        for function, what, where in _SAVERS.get(name, ()):
            if hasattr(module, function):
                self._around(module, function, partial(self._save, f"{name}.{function}", what, where))
        for function in _LOADERS.get(name, ()):
            if hasattr(module, function):
                self._around(module, function, partial(self._load, f"{name}.{function}"))

        if name == "pickle":
            for saver, loader in _TEXTS.items():
                self._around(module, saver, partial(self._dumps, f"{name}.{saver}"))
                self._around(module, loader, partial(self._loads, f"{name}.{loader}"))
        for function, generator in _RESTORERS.get(name, ()):
            if hasattr(module, function):
                self._around(module, function, partial(self._restore, generator))

    def _restore(self, generator: str, original: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        value = original(*args, **kwargs)
        if not self._busy:
            self._attempt(self._restored, generator, sys._getframe(2))
        return value

    def _restored(self, generator: str, frame: Any) -> None:
        self._session.fact(Checkpoint(action="restore", path=generator), taken.site_of(frame))

    @property
    def _busy(self) -> bool:
        return getattr(self._own, "busy", False) or self._session.ended or self._session.key.is_child

    def _save(
        self, call: str, what: int, where: int, original: Callable[..., Any], *args: Any, **kwargs: Any
    ) -> Any:
        if self._busy:
            return original(*args, **kwargs)
        self._own.busy = True
        try:
            file = (
                args[where]
                if len(args) > where
                else next((kwargs[name] for name in ("f", "file", "filename", "fp") if name in kwargs), None)
            )
            saved = (
                args[what] if len(args) > what else kwargs.get("obj", kwargs.get("tensors", kwargs or None))
            )
            frame = sys._getframe(2)
            self._attempt(self._note, "begin", call, file, None, frame)
            value = original(*args, **kwargs)
            self._attempt(self._note, "save", call, file, saved, frame)
            self._maybe_cut(file)
            return value
        finally:
            self._own.busy = False

    def _load(self, call: str, original: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        if self._busy:
            return original(*args, **kwargs)
        self._own.busy = True
        try:
            file = args[0] if args else next(iter(kwargs.values()), None)
            self._attempt(self._note, "begin load", call, file, None, sys._getframe(2))
            value = original(*args, **kwargs)
            self._attempt(self._note, "load", call, file, value, sys._getframe(2))
            return value
        finally:
            self._own.busy = False

    def _dumps(self, call: str, original: Callable[..., Any], value: Any, *args: Any, **kwargs: Any) -> Any:
        text = original(value, *args, **kwargs)
        if not self._busy and self._idle < _IDLE:
            self._attempt(self._note_text, "save", call, value, sys._getframe(2))
        return text

    def _loads(self, call: str, original: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        value = original(*args, **kwargs)
        if not self._busy and self._idle < _IDLE:
            self._attempt(self._note_text, "load", call, value, sys._getframe(2))
        return value

    def _note_text(self, action: str, call: str, value: Any, frame: Any) -> None:
        self._idle += 1
        if _values(value) is not None and (action == "load" or self._holds(value, frame)):
            self._note(action, call, None, value, frame)
            self._idle -= action == "save"

    def _note(self, action: str, call: str, file: Any, value: Any, frame: Any) -> None:
        path = _path(file)
        content, size = (None, None) if action == "begin" else _content(file, path)
        site, by = taken.site_of(frame), callers.library_of(frame)
        keys = _keys(value)
        if action != "begin" and path is not None and path.endswith((".py", ".pyc")):
            return
        self._session.fact(
            Checkpoint(
                action=action,
                call=call,
                path=None if path is None else _shown(path),
                digest=content,
                values=None if action == "begin" else _values(value),
                size=size,
                keys=keys or None,
                holds=self._holds(value, frame) if action == "save" else None,
                by=by,
            ),
            site,
        )

    def _holds(self, value: Any, frame: Any) -> list[str]:
        """Which states are in what is saved: "kind path=key"."""
        known: dict[str, str] = {}
        for count, (path, leaf) in enumerate(leaves(value)):
            if count > _LEAVES:
                break
            if not is_number(leaf) or isinstance(leaf, dict | list | tuple):
                known.setdefault(digest(leaf), path)
        found, trained = self._censuses.held(frame)
        rows = [("generator", name, every) for name, every in process_wide()]
        for name, adapter in adapters().items():
            rows.append(("generator", name.partition(":")[0], [adapter.capture()]))
        told: set[int] = set()
        rows.append((*GRADIENTS, gathered(found)))
        for one in found:
            if one.kind == "generator" and (own := adapter_of(one.thing)) is not None:
                rows.append(("generator", one.path, [own.capture()]))
            rows += contents(one, trained, told)
        held: dict[str, str] = {}
        for kind, path, parts in rows:
            marks = [digest(part) for part in parts if not is_number(part) or isinstance(part, dict | tuple)]
            keys = [known[mark] for mark in marks if mark in known]
            enough = any if kind in ("generator", "scheduler", "scaler", "gradients") else all
            if marks and keys and enough(mark in known for mark in marks):
                held.setdefault(f"{kind} {path}", keys[0])
        return [f"{name}={key}" for name, key in held.items()]

    def _maybe_cut(self, file: Any) -> None:
        """As if the process had been killed while it wrote: half of the file is there."""
        kill, path = self._session.plan.kill, _path(file)
        if kill is None or kill[1] != "save" or self._session.step < kill[0]:
            return
        self._session.flush()
        if path is not None and os.path.isfile(path):
            os.truncate(path, os.path.getsize(path) // 2)
        os.kill(os.getpid(), signal.SIGKILL)


def _path(file: Any) -> str | None:
    if isinstance(file, str | os.PathLike):
        return os.path.abspath(os.fspath(file))
    name = getattr(file, "name", None) or getattr(file, "path", None)
    if isinstance(name, int):  # opened by its number
        try:
            name = os.readlink(f"/proc/self/fd/{name}")
        except OSError:
            return None
    return os.path.abspath(name) if isinstance(name, str) else None


def _shown(path: str) -> str:
    """A path in the working folder without that; no link is followed, for a mirror is made of them."""
    try:
        here = os.getcwd()
    except OSError:
        return path
    return path[len(here) + 1 :] if path.startswith(here + os.sep) else path


def _content(file: Any, path: str | None) -> tuple[str | None, int | None]:
    """Digest and size of a file's content."""
    hashed, size = xxhash.xxh3_128(), 0
    if isinstance(file, io.BytesIO):
        hashed.update(file.getbuffer())
        return hashed.hexdigest(), len(file.getbuffer())
    flush = getattr(file, "flush", None)
    if callable(flush) and getattr(file, "writable", lambda: False)():
        flush()
    if path is None or not os.path.isfile(path):
        return None, None
    with open(path, "rb") as opened:
        while block := opened.read(_BLOCK):
            hashed.update(block)
            size += len(block)
    return hashed.hexdigest(), size


def _values(value: Any) -> str | None:
    """The digest of what is saved or loaded; None without a tensor in it, or where it reads a file."""
    if not isinstance(value, dict | list | tuple):
        return None
    known = any(tensor_digest(leaf) is not None and not is_number(leaf) for _, leaf in leaves(value))
    return digest(value) if known else None


def _number(value: Any, name: str) -> str:
    """A number behind "=", as `written` has it; nothing of another value, nor of a secret by its name."""
    text = written(value, name) if type(value) in (int, float) else ""
    return text if text.startswith("=") else ""


def _keys(value: Any) -> list[str]:
    """The keys of a dict, and of the dicts in it, with the numbers that they have."""
    if not isinstance(value, Mapping):
        return []
    found = []
    for key, inner in list(value.items()):
        found.append(f"{str(key)[:100]}{_number(inner, str(key))}")
        if isinstance(inner, Mapping) and not any(
            tensor_digest(one) is not None for one in list(inner.values())[:1]
        ):
            for name, one in list(inner.items())[:24]:
                found.append(f"{str(key)[:50]}.{str(name)[:50]}{_number(one, str(name))}")
    return found[:_KEYS]
