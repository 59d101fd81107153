"""The texts that a shared library passes to one function, read out of its x86-64 machine code.

A release of PyTorch ships no source of its kernels, but each call is there: `call`
with the distance to the function or to its entry in the linkage table, and before
it a `lea` that loads the address of the text.  Layouts of the file: System V ABI,
"Object Files", https://refspecs.linuxfoundation.org/elf/gabi4+/ch4.intro.html
"""

from __future__ import annotations

import mmap
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

X86_64 = 62
#: How far before a call its argument is loaded at most, in bytes; the nearest text counts.
BEFORE = 160
CALL = 0xE8
#: Bytes of machine code that are looked through at a time.
BLOCK = 1 << 24

#: `lea register, [rip + distance]`, looked for at every byte, since instructions have no marks.
_LEA = re.compile(rb"(?=[\x48\x4c]\x8d[\x05\x0d\x15\x1d\x25\x2d\x35\x3d])")
_JUMP = re.compile(rb"\xff\x25")
_TEXT = re.compile(rb"[\x20-\x7e]{4,200}")


@dataclass(frozen=True, slots=True)
class _Section:
    address: int
    offset: int
    size: int


class Library:
    """A shared library of x86-64 Linux.

    Raises:
        ValueError: the file is something else.
    """

    def __init__(self, path: Path) -> None:
        with open(path, "rb") as file:
            self.bytes = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        header = self.bytes[:64]
        if header[:5] != b"\x7fELF\x02" or struct.unpack_from("<H", header, 18)[0] != X86_64:
            raise ValueError(f"{path} is no 64-bit x86 library of Linux; its machine code cannot be read")
        (table,) = struct.unpack_from("<Q", header, 40)
        count, names = struct.unpack_from("<HH", header, 60)
        rows = [struct.unpack_from("<IIQQQQ", self.bytes, table + 64 * i) for i in range(count)]
        self.sections = {
            self._text(rows[names][4] + row[0]).decode(): _Section(row[3], row[4], row[5]) for row in rows
        }

    def passed_to(self, function: re.Pattern[bytes]) -> list[str | None]:
        """The text that each call passes to the function; None for a call whose text is not to be found.

        Args:
            function: its name as the linker knows it.
        """
        targets = self._targets(function)
        return [self._text_before(call) for call in self._calls(targets)] if targets else []

    def _text(self, offset: int) -> bytes:
        return self.bytes[offset : self.bytes.find(b"\0", offset)]

    def _targets(self, function: re.Pattern[bytes]) -> set[int]:
        """Addresses that a call of it can have: its own, where it is defined, and its entries for linking."""
        symbols, names = self.sections[".dynsym"], self.sections[".dynstr"]
        targets, numbers = set(), set()
        for number in range(symbols.size // 24):
            name, _, _, _, address, _ = struct.unpack_from(
                "<IBBHQQ", self.bytes, symbols.offset + 24 * number
            )
            if function.match(self.bytes, names.offset + name):
                numbers.add(number)
                targets |= {address} - {0}
        slots = set()
        relocations = self.sections[".rela.plt"]
        for at in range(relocations.offset, relocations.offset + relocations.size, 24):
            slot, kind = struct.unpack_from("<QQ", self.bytes, at)
            if kind >> 32 in numbers:
                slots.add(slot)
        for name_of_section in (".plt", ".plt.sec"):
            if plt := self.sections.get(name_of_section):
                code = self.bytes[plt.offset : plt.offset + plt.size]
                for jump in _JUMP.finditer(code):
                    after = jump.end() + 4
                    if after > len(code):
                        continue
                    (distance,) = struct.unpack_from("<i", code, jump.end())
                    if plt.address + after + distance in slots:
                        targets.add(plt.address + jump.start() // 16 * 16)
        return targets

    def _calls(self, targets: set[int]) -> Iterator[int]:
        """Addresses of the calls, in order."""
        text = self.sections[".text"]
        wanted = np.array(sorted(targets))
        for start in range(0, text.size, BLOCK):
            size = min(BLOCK + 4, text.size - start)
            code = np.frombuffer(self.bytes, np.uint8, size, text.offset + start)
            at = np.flatnonzero(code[:-4] == CALL)
            at = at[at < BLOCK]
            distance = sum(code[at + 1 + i].astype(np.uint32) << np.uint32(8 * i) for i in range(4))
            found = at + start + text.address
            reached = found + 5 + np.asarray(distance, np.uint32).view(np.int32).astype(np.int64)
            yield from found[np.isin(reached, wanted)].tolist()

    def _text_before(self, call: int) -> str | None:
        text, constants = self.sections[".text"], self.sections[".rodata"]
        start = max(call - BEFORE, text.address)
        code = self.bytes[text.offset + start - text.address : text.offset + call - text.address]
        for load in reversed(list(_LEA.finditer(code))):
            if load.start() + 7 > len(code):
                continue
            (distance,) = struct.unpack_from("<i", code, load.start() + 3)
            place = start + load.start() + 7 + distance - constants.address
            if 0 <= place < constants.size:
                found = self._text(constants.offset + place)
                if _TEXT.fullmatch(found):
                    return found.decode()
        return None
