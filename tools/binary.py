"""The texts that a shared library passes to one function, read out of its x86-64 machine code.

A release of PyTorch ships no source of its kernels, but each call is there: `call`
with the distance to the function or to its entry in the linkage table, and before
it a `lea` that loads the address of the text.  pyelftools reads the file, capstone
the instructions.  To decode all of a library's code would take hours, so the calls
are found by their bytes and distances, and only what stands before one is decoded.
"""

from __future__ import annotations

import mmap
import re
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, cast

import numpy as np
from capstone import CS_ARCH_X86, CS_MODE_64, Cs
from capstone.x86 import X86_INS_JMP, X86_INS_LEA, X86_OP_MEM, X86_REG_RIP
from elftools.common.exceptions import ELFError
from elftools.elf.elffile import ELFFile

#: How far before a call its argument is loaded at most, in bytes; the nearest text counts.
BEFORE = 160
#: The first byte of a call; four with the distance follow.
CALL = 0xE8
#: Bytes of machine code that are looked through at a time.
BLOCK = 1 << 24
#: Bytes of an entry in the linkage table.
ENTRY = 16

_TEXT = re.compile(rb"[\x20-\x7e]{4,200}")


class Library:
    """A shared library of x86-64 Linux.

    Raises:
        ValueError: the file is something else.
    """

    def __init__(self, path: Path) -> None:
        with open(path, "rb") as file:
            content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        try:
            self.file: Any = ELFFile(cast(IO[bytes], content))
            text, constants = (self.file.get_section_by_name(name) for name in (".text", ".rodata"))
        except ELFError:
            text = constants = None
        if not text or not constants or self.file["e_machine"] != "EM_X86_64" or self.file.elfclass != 64:
            raise ValueError(f"{path} is no 64-bit x86 library of Linux; its machine code cannot be read")
        self.decoder = Cs(CS_ARCH_X86, CS_MODE_64)
        self.decoder.detail = True
        self.start, self.code = text["sh_addr"], text.data()
        self.constants_start, self.constants = constants["sh_addr"], constants.data()

    def passed_to(self, function: re.Pattern[str]) -> list[str | None]:
        """The text that each call passes to the function; None for a call whose text is not to be found.

        Args:
            function: its name as the linker knows it.
        """
        targets = self._targets(function)
        return [self._text_before(call) for call in self._calls(targets)] if targets else []

    def _targets(self, function: re.Pattern[str]) -> set[int]:
        """Addresses that a call of it can have: its own, where it is defined, and its entries for linking."""
        symbols = self.file.get_section_by_name(".dynsym")
        found = {n: s["st_value"] for n, s in enumerate(symbols.iter_symbols()) if function.match(s.name)}
        targets = set(found.values()) - {0}
        linked = self.file.get_section_by_name(".rela.plt")
        relocations = linked.iter_relocations() if linked else ()
        slots = {each["r_offset"] for each in relocations if each["r_info_sym"] in found}
        for name in (".plt", ".plt.sec"):
            if plt := self.file.get_section_by_name(name):
                self.decoder.skipdata = True
                for at in self.decoder.disasm(plt.data(), plt["sh_addr"]):
                    if at.id == X86_INS_JMP and _pointed_at(at) in slots:
                        targets.add(at.address - (at.address - plt["sh_addr"]) % ENTRY)
                self.decoder.skipdata = False
        return targets

    def _calls(self, targets: set[int]) -> Iterator[int]:
        """Addresses of the calls, in order."""
        wanted = np.array(sorted(targets))
        for start in range(0, len(self.code), BLOCK):
            code = np.frombuffer(self.code, np.uint8, min(BLOCK + 4, len(self.code) - start), start)
            at = np.flatnonzero(code[:-4] == CALL)
            at = at[at < BLOCK]
            distance = sum(code[at + 1 + i].astype(np.uint32) << np.uint32(8 * i) for i in range(4))
            found = at + start + self.start
            reached = found + 5 + np.asarray(distance, np.uint32).view(np.int32).astype(np.int64)
            yield from found[np.isin(reached, wanted)].tolist()

    def _text_before(self, call: int) -> str | None:
        for at in reversed(self._decoded_before(call)):
            place = _pointed_at(at) if at.id == X86_INS_LEA else None
            if place is not None and 0 <= (place := place - self.constants_start) < len(self.constants):
                found = self.constants[place : self.constants.find(b"\0", place)]
                if _TEXT.fullmatch(found):
                    return found.decode()
        return None

    def _decoded_before(self, call: int) -> list[Any]:
        """The instructions before an address.

        They have no marks, so it is tried from which byte on they end where the call begins.
        """
        end = call - self.start
        for start in range(max(end - BEFORE, 0), end):
            decoded = list(self.decoder.disasm(self.code[start:end], self.start + start))
            if decoded and decoded[-1].address + decoded[-1].size == call:
                return decoded
        return []


def _pointed_at(at: Any) -> int | None:
    """The address of an instruction's operand in memory, where it is given by a distance."""
    for operand in at.operands if at.id else ():
        if operand.type == X86_OP_MEM and operand.mem.base == X86_REG_RIP:
            return int(at.address + at.size + operand.mem.disp)
    return None
