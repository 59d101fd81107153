"""Lines of what samebits itself needs here: a compiler, and its native observer."""

from __future__ import annotations

from typing import Final

from samebits.manifest.lines.line import DoctorLine, Facts


def compiler(facts: Facts) -> DoctorLine | None:
    """What compiles samebits' native parts, and inductor's C++."""
    if "compiler" not in facts.section("tools"):
        return None
    found = facts.row("tools", "compiler")
    if found:
        return DoctorLine("compiler", str(found), "fine", "samebits' native parts can be compiled here.")
    return DoctorLine(
        "compiler", "none", "fragile",
        "Without a C++ compiler samebits observes in Python, slower, and sees fewer draws; torch.compile has "
        "none on the CPU.",
        "apt-get install g++  # or: export CXX=/path/of/a/compiler",
    )  # fmt: skip


def observer(facts: Facts) -> DoctorLine | None:
    """Whether runs are observed by compiled code."""
    if "observer" not in facts.section("tools"):
        return None
    state, why = facts.row("tools", "observer"), facts.row("tools", "refused")
    if state in ("compiled", "to be compiled"):
        return DoctorLine(
            "observer",
            f"native, {state}",
            "fine",
            "Runs are observed by compiled code, at close to full speed.",
        )
    return DoctorLine(
        "observer", "in Python", "fragile",
        f"Runs are observed in Python, which is slower: {why}.",
        "unset SAMEBITS_OBSERVER" if state == "asked" else "apt-get install g++",
    )  # fmt: skip


LINES: Final = (compiler, observer)
