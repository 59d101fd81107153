"""The cells of a notebook: which one code is from, and what is its text.

IPython gives each cell a name before it compiles it.  A cell is called by its number there, In[3], which is
that of the third cell of code in a notebook that is run from top to bottom.  Cells of a notebook that another
program runs (``ipython n.ipynb``, ``%run n.ipynb``) are counted, and called by the notebook as well.  What a
magic compiles of a cell (``%%time``, ``%%capture``) is where it stands in that cell.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any, Final

from samebits._runtime import imports, patcher
from samebits.model.sites import cell
from samebits.usercode import texts
from samebits.usercode.module_names import ModuleNames
from samebits.usercode.texts import TextPlace

#: What the cells so far name: each is compiled by itself, and uses what others imported.
names: Final = ModuleNames()
#: IPython's function that runs a notebook's cells, and that which hands a cell's text to a magic.
_RUNS_NOTEBOOK: Final = "safe_execfile_ipy"
_RUNS_MAGIC: Final = "run_cell_magic"
_RUNS_CELL: Final = "run_cell_async"

#: Notebook -> the frame that runs it, and its cells so far.
_counts: dict[str, tuple[FrameType, int]] = {}
_unnumbered = 0


def install() -> Callable[[], None]:
    """Name cells from now on, until the function returned is called."""
    undo: list[Callable[[], None]] = []

    def there(compilerop: ModuleType) -> None:
        undo.append(patcher.wrap(compilerop.CachingCompiler, "cache", _cached))

    handle = imports.after("IPython.core.compilerop", there)

    def uninstall() -> None:
        handle.cancel()
        while undo:
            undo.pop()()

    return uninstall


def _cached(original: Any, compiler: Any, code: str, number: int = 0, raw_code: str | None = None) -> Any:
    filename = original(compiler, code, number, raw_code)
    try:
        text = code if raw_code is None else raw_code
        place = _enclosing(sys._getframe(2)) or TextPlace(_called(number, sys._getframe(2)))
        texts.name(filename, place, text)
    except Exception:
        pass  # it keeps the name that it has
    return filename


def _called(number: int, frame: FrameType | None) -> str:
    global _unnumbered
    stored = True
    while frame is not None:
        if frame.f_code.co_name == _RUNS_CELL:
            stored = bool(frame.f_locals.get("store_history", True))
        elif frame.f_code.co_name == _RUNS_NOTEBOOK:
            notebook = Path(os.fspath(frame.f_locals["fname"])).name
            before = _counts.get(notebook)
            count = before[1] + 1 if before is not None and before[0] is frame else 1
            _counts[notebook] = (frame, count)
            return cell(count, notebook)
        frame = frame.f_back
    if stored:
        return cell(number)
    _unnumbered += 1
    return f"<unnumbered cell {_unnumbered}>"


def _enclosing(frame: FrameType | None) -> TextPlace | None:
    """Where the text that is compiled now begins in the running cell, if one hands it on."""
    magic = False
    while frame is not None:
        name = frame.f_code.co_name
        if name == _RUNS_NOTEBOOK:
            return None
        magic = magic or name == _RUNS_MAGIC
        found = texts.kept(frame.f_code)
        if found is not None:
            # A cell's magic takes what follows its own line.
            return TextPlace(found.file, found.before + frame.f_lineno - (0 if magic else 1))
        frame = frame.f_back
    return None


def place(filename: str, caller: FrameType) -> TextPlace | None:
    """Where code is that IPython compiles under this name; None: in no cell."""
    return texts.named(filename) or (_enclosing(caller) if filename.startswith("<") else None)
