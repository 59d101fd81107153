"""Calls of kernels with all that they were given, to be made again on another kind of machine."""

from __future__ import annotations

import ctypes
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from samebits.arithmetic import core

#: Bytes that no struct of arguments has more of.
_STRUCT = 128


@dataclass
class Call:
    """A kernel's name and arguments; what its memory held before and after, and of which types."""

    name: str
    arguments: list[tuple[int, Any]]
    before: list[bytes] = field(default_factory=list)
    after: list[bytes] = field(default_factory=list)
    dtypes: list[torch.dtype] = field(default_factory=list)


def _held(storage: torch.UntypedStorage) -> bytes:
    return ctypes.string_at(storage.data_ptr(), storage.nbytes())


@contextmanager
def recorded() -> Iterator[list[Call]]:
    """The calls that are made meanwhile."""
    calls: list[Call] = []
    tensors: dict[int, Tensor] = {}
    bound, data_ptr = core.bound, Tensor.data_ptr

    def noted(tensor: Tensor) -> int:
        address = data_ptr(tensor)
        tensors[address] = tensor
        return address

    def recording(name: str, letters: str) -> Any:
        kernel = bound(name, letters)

        def call(*given: Any) -> Any:
            made = Call(name, [])
            storages: list[torch.UntypedStorage] = []
            arrays: list[bytes] = []
            for letter, value in zip(letters, given, strict=True):
                if letter == "d":
                    made.arguments.append((1, float(value)))
                elif letter != "p" or value is None or (isinstance(value, int) and not value):
                    made.arguments.append((0, int(value or 0)))
                elif isinstance(value, int) and value not in tensors:  # a struct that Python keeps
                    arrays.append(ctypes.string_at(value, _STRUCT))
                    made.arguments.append((3, len(arrays) - 1))
                elif isinstance(value, int):
                    storage = tensors[value].untyped_storage()
                    same = [n for n, one in enumerate(storages) if one.data_ptr() == storage.data_ptr()]
                    if not same:
                        storages.append(storage)
                        made.dtypes.append(tensors[value].dtype)
                    place = same[0] if same else len(storages) - 1
                    made.arguments.append((2, (place, value - storage.data_ptr())))
                else:  # an array of numbers, by itself or by reference
                    arrays.append(bytes(getattr(value, "_obj", value)))
                    made.arguments.append((3, len(arrays) - 1))
            made.arguments = [
                (2, (len(storages) + what, 0)) if kind == 3 else (kind, what) for kind, what in made.arguments
            ]
            made.before = [*map(_held, storages), *arrays]
            result = kernel(*given)
            made.after = [*map(_held, storages), *arrays]
            calls.append(made)
            return result

        return call

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(core, "bound", recording)
        patch.setattr(Tensor, "data_ptr", noted)
        yield calls


def write(calls: list[Call], path: Path) -> None:
    """In the form that replay.c reads."""
    with path.open("wb") as file:

        def number(*numbers: int) -> None:
            file.write(struct.pack(f"<{len(numbers)}q", *numbers))

        number(len(calls))
        for call in calls:
            number(len(call.name))
            file.write(call.name.encode())
            number(len(call.before))
            for held in call.before:
                number(len(held))
                file.write(held)
            number(len(call.arguments))
            for kind, what in call.arguments:
                number(kind)
                if kind == 1:
                    file.write(struct.pack("<d", what))
                else:
                    number(*(what if kind == 2 else (what,)))


def read(calls: list[Call], path: Path) -> Iterator[tuple[Call, list[Tensor], list[Tensor]]]:
    """Of each call what its memory held after it, as it was recorded, and in the file."""
    with path.open("rb") as file:
        for call in calls:
            held = [file.read(len(one)) for one in call.after]
            yield call, _tensors(call, call.after), _tensors(call, held)


def _tensors(call: Call, held: list[bytes]) -> list[Tensor]:
    pairs = zip(held, call.dtypes, strict=False)  # arrays of arguments have no type, and do not change
    return [torch.frombuffer(bytearray(one), dtype=dtype) for one, dtype in pairs if one]
