"""Lines of torch's deterministic mode."""

from __future__ import annotations

from typing import Final

from samebits.manifest.lines.line import DoctorLine, Facts, said

_MODE: Final = "samebits.deterministic()  # once, before training; or start it with samebits run"


def deterministic_algorithms(facts: Facts) -> DoctorLine | None:
    """The switch, and whether it raises or warns."""
    if not facts.torch:
        return None
    name, asked = "deterministic-algorithms", facts.flag("deterministic_algorithms")
    mode = facts.row("mode", "level")
    if not asked:
        where = (
            "the backward of many operations, on the CPU of a few,"
            if facts.gpu
            else "a few operations, such as the backward of an index,"
        )
        return DoctorLine(
            name, "off", "breaks" if facts.gpu else "fragile",
            f"torch may take kernels that add in an order which threads decide: {where} are known to.",
            _MODE,
        )  # fmt: skip
    if facts.flag("deterministic_warn_only") and mode is None:
        return DoctorLine(
            name, "on, warn_only", "breaks" if facts.gpu else "fragile",
            "An operation without a deterministic kernel warns, and runs with the kernel that it has.",
            _MODE,
        )  # fmt: skip
    if mode is not None:
        kind = "" if mode == "strict" else ", which warns of what has none"
        why = (
            f"The mode of samebits.deterministic() is open{kind}: operations without such a kernel have one."
        )
        value, excepted = "on, by samebits.deterministic()", facts.row("mode", "except")
        if isinstance(excepted, list) and excepted:
            names = ", ".join(map(str, excepted))
            return DoctorLine(
                name, f"{value}, except {names}", "fragile",
                f"{why} Excepted are {names}: they stay as they are in PyTorch, which may add in any order.",
                "samebits.deterministic(except_=[])",
            )  # fmt: skip
        return DoctorLine(name, value, "fine", why)
    return DoctorLine(
        name, "on", "fine", "An operation without a deterministic kernel raises; none runs in silence."
    )


def fill_uninitialized_memory(facts: Facts) -> DoctorLine | None:
    """torch fills what `torch.empty` returns, but only in the deterministic mode."""
    if not facts.torch:
        return None
    name, fills = "fill-uninitialized-memory", facts.flag("utils.deterministic.fill_uninitialized_memory")
    if fills and facts.flag("deterministic_algorithms"):
        return DoctorLine(
            name,
            "on",
            "fine",
            "What torch.empty returns is NaN or the largest number, the same in every run.",
        )
    why = "torch.empty returns what the memory held; a program that reads that differs from run to run."
    if fills:
        return DoctorLine(
            name, "on, and not in force", "fragile",
            f"It counts only while deterministic algorithms are on. {why}", _MODE,
        )  # fmt: skip
    return DoctorLine(
        name, said(fills), "fragile", why, "torch.utils.deterministic.fill_uninitialized_memory = True"
    )


LINES: Final = (deterministic_algorithms, fill_uninitialized_memory)
