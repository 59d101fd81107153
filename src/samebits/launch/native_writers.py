"""Functions of libraries that open files past Python: before they write, somebody is told of the path.

`samebits.launch.copy_up` must know before a file is written.  What is opened by Python it sees by itself.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from types import ModuleType
from typing import Any, Final

from samebits._runtime import imports, patcher

#: Called as write(path, empty=whether the file is truncated).
Write = Callable[..., None]
_READS: Final = "r"
#: What torch calls the path that it writes to.
_NAMES: Final = ("file_name", "filename", "arg0")


def install(write: Write) -> None:
    """Call ``write`` before a path is written to, as the libraries come to be imported."""
    for name, change in (("torch", _torch), ("safetensors", _safetensors), ("h5py", _h5py)):
        imports.after(name, partial(change, write))


def _torch(write: Write, torch: ModuleType) -> None:
    core = torch._C
    new = partial(_first, write)
    for owner, name in (
        (core.PyTorchFileWriter, "__init__"),  # what torch.save, torch.package and torch.export.save make
        (core.ScriptModule, "save"),
        (core.ScriptModule, "_save_for_mobile"),
        (core.ScriptFunction, "save"),
        (core._autograd._ProfilerResult, "save"),
    ):
        if hasattr(owner, name):
            patcher.wrap(owner, name, new)
    patcher.wrap(torch, "from_file", partial(_shared, write))
    storage = torch.UntypedStorage
    patcher.replace(storage, "from_file", staticmethod(partial(_shared, write, storage.from_file)))


def _first(write: Write, original: Callable[..., Any], self: Any, *args: Any, **options: Any) -> Any:
    """A method whose first argument is the path of a file that it makes."""
    path = args[0] if args else next((options[name] for name in _NAMES if name in options), None)
    _tell(write, path, empty=True)
    return original(self, *args, **options)


def _tell(write: Write, path: Any, *, empty: bool) -> None:
    if isinstance(path, str | bytes | os.PathLike):  # of all else the library itself says what is wrong
        write(path, empty=empty)


def _shared(write: Write, original: Callable[..., Any], *args: Any, **options: Any) -> Any:
    """torch.from_file, which writes changes of the tensor to the file if it is shared."""
    given = dict(zip(("filename", "shared"), args, strict=False)) | options
    if given.get("shared"):
        _tell(write, given.get("filename"), empty=False)
    return original(*args, **options)


def _safetensors(write: Write, module: ModuleType) -> None:
    def serialize(original: Callable[..., Any], *args: Any, **options: Any) -> Any:
        _tell(write, args[1] if len(args) > 1 else options.get("filename"), empty=True)
        return original(*args, **options)

    patcher.wrap(module, "serialize_file", serialize)


def _h5py(write: Write, module: ModuleType) -> None:
    def open_(
        original: Callable[..., Any], self: Any, name: Any, mode: Any = _READS, *args: Any, **options: Any
    ) -> Any:
        if mode != _READS:
            _tell(write, name, empty=mode == "w")
        return original(self, name, mode, *args, **options)

    patcher.wrap(module.File, "__init__", open_)
