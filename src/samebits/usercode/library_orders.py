"""Orders that libraries take: of a directory, and of results as they finish, seen where Python gives them.

What user code itself lists and awaits is seen by its rewriting (`usercode.on_orders`, `usercode.on_workers`).
Whether a library sorts what it listed, or puts results back in order, is not seen: only that it asked.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import ExitStack, suppress
from types import FrameType, ModuleType
from typing import Any, Final

from samebits._runtime import imports, patcher
from samebits.model import facts
from samebits.model.facts import Detail
from samebits.model.sites import Site
from samebits.usercode import files, opened
from samebits.usercode.callers import library_of
from samebits.usercode.content import Sequence
from samebits.usercode.watched import path_of

_MOST: Final = 200  # listings that are noted
_NAMES: Final = 100_000  # in a directory; a larger one is not listed again


class LibraryOrders:
    """``here()`` tells the user's line and the library's function that it calls, ``emit`` takes facts."""

    def __init__(
        self,
        native_half: Any,
        here: Callable[[], tuple[Site | None, str | None] | None],
        emit: Callable[[Detail, Site | None], None],
    ) -> None:
        self._native = native_half
        self._here = here
        self._emit = emit
        self._left = _MOST
        self._busy = False
        self._undo = ExitStack()

    def start(self) -> None:
        self._native.watch(os.listdir, "listdir", self._listed, False)
        self._native.watch(os.scandir, "scandir", self._scanned, False)
        for name in ("concurrent.futures", "concurrent.futures._base"):
            self._undo.callback(imports.after(name, self._futures).cancel)
        self._undo.callback(imports.after("multiprocessing.pool", self._pool).cancel)

    def stop(self) -> None:
        self._undo.close()

    # -- directories

    def _listed(self, _: object, args: tuple[Any, ...], names: Any) -> None:
        if isinstance(names, list):
            self._listing(sys._getframe(1), args[0] if args else ".", names)

    def _scanned(self, _: object, args: tuple[Any, ...], __: Any) -> None:
        """Lists the directory a second time, in the same order, and leaves the library's iterator alone."""
        self._listing(sys._getframe(1), args[0] if args else ".", None)

    def _listing(self, frame: FrameType, path: Any, names: list[Any] | None) -> None:
        if self._busy or not self._left or isinstance(path, int):
            return
        by = library_of(frame)
        where = path_of(path)
        if by is None or where is None or not opened.is_data(os.path.abspath(where)):
            return
        self._busy = True
        try:
            with suppress(OSError):
                names = os.listdir(path) if names is None else names
                here = self._here()
                if here is None or here[0] is None or not 1 < len(names) <= _NAMES:
                    return
                self._left -= 1
                seen = Sequence()
                for name in names:
                    seen.add(name)
                order = facts.Listing(
                    call="os.listdir",
                    path=files.relative(where),
                    order=seen.order,
                    content=seen.content,
                    n=seen.n,
                    by=by,
                )
                self._emit(order, here[0])
        finally:
            self._busy = False

    # -- results as they finish

    def _futures(self, module: ModuleType) -> None:
        given = vars(module).get("as_completed")
        if given is not None and not hasattr(given, "__wrapped__"):  # it may have come from the other module
            self._undo.callback(patcher.wrap(module, "as_completed", self._awaits("as_completed")))

    def _pool(self, module: ModuleType) -> None:
        self._undo.callback(patcher.wrap(module.Pool, "imap_unordered", self._awaits("imap_unordered")))

    def _awaits(self, name: str) -> Callable[..., Any]:
        def wrapper(original: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
            by = library_of(sys._getframe(2))
            here = self._here() if by is not None else None
            if by is not None and here is not None and here[0] is not None:
                self._emit(facts.Completion(call=name, by=by), here[0])
            return original(*args, **kwargs)

        return wrapper
