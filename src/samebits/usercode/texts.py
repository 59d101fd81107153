"""Code of the program's that a loader made of a text: whose it is, what a record calls it, and its text.

A notebook's cell has a file name that no other run has (`/tmp/ipykernel_PID/HASH.py`), an example in a
docstring has one that leads to no line, a string has none.  Whoever compiles such code says here what it is
called: "cell 3", or the file that it lies in and the lines before it.  Both observers, the probes and the
record ask here; code that nobody told of is called by its file name.
"""

from __future__ import annotations

from collections.abc import Callable
from types import CodeType, FrameType
from typing import Final, NamedTuple

from samebits.model.sites import Site
from samebits.usercode.files import is_user_file, relative

#: Names of code that a person typed.  Methods of dataclasses and named tuples claim to be "<string>", too.
_TYPED: Final = ("<stdin", "<ipython")
STRING: Final = "<string>"
_MOST: Final = 1 << 16  # code objects that are remembered


class TextPlace(NamedTuple):
    """Where a record says that code is."""

    file: str
    before: int = 0  # the lines that come before the code's own first one


#: Code object, by its address -> itself and its place.
_codes: dict[int, tuple[CodeType, TextPlace]] = {}
#: File name that code objects have -> the place of all code of that name.
_names: dict[str, TextPlace] = {}
#: What a record calls a text -> the text.
_texts: dict[str, str] = {}


def keep(code: CodeType, place: TextPlace) -> None:
    """``code``, with every function in it, is the program's, and at this place."""
    if len(_codes) >= _MOST:
        return
    _codes[id(code)] = (code, place)
    for each in code.co_consts:
        if isinstance(each, CodeType):
            keep(each, place)


def name(filename: str, place: TextPlace, text: str | None = None) -> None:
    """Code of this file name is the program's, and at this place; ``text`` is that of the whole place."""
    _names[filename] = place
    if text is not None:
        remember(place.file, text)


def remember(file: str, text: str) -> None:
    """``text`` is that of what a record calls ``file``."""
    _texts.setdefault(file, text)


def text(file: str) -> str | None:
    """The text of what a record calls ``file``, if it is none of the file system's."""
    return _texts.get(file)


def named(filename: str) -> TextPlace | None:
    """The place of code of this file name, if somebody told of it."""
    return _names.get(filename)


def kept(code: CodeType) -> TextPlace | None:
    """The place that somebody told of."""
    found = _codes.get(id(code))
    return found[1] if found is not None else _names.get(code.co_filename)


def place(code: CodeType) -> TextPlace | None:
    """The place of code that is the program's or an installed library's; None: code made by a library."""
    found = kept(code)
    if found is not None:
        return found
    file = code.co_filename
    if file.startswith("<"):
        typed = file.startswith(_TYPED) or (file == STRING and code.co_name == "<module>")
        return TextPlace(file) if typed else None
    return TextPlace(file)


def site(
    frame: FrameType, is_user: Callable[[str], bool] = is_user_file, line: int | None = None
) -> Site | None:
    """The running line of a frame, if that is the program's."""
    code = frame.f_code
    found = kept(code)
    if found is None and not is_user(code.co_filename):
        return None
    file, before = found or TextPlace(relative(code.co_filename))
    return Site(file, (frame.f_lineno if line is None else line) + before, code.co_name)


def is_user_code(code: CodeType, is_user: Callable[[str], bool] = is_user_file) -> bool:
    """Whether code is the program's."""
    return kept(code) is not None or is_user(code.co_filename)
