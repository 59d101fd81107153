"""Lines of the CPU's threads: how many sums are split by, and who chose that."""

from __future__ import annotations

from typing import Final

from samebits.manifest.lines.line import DoctorLine, Facts

_OPENMP: Final = "OMP_NUM_THREADS"
_MKL: Final = "MKL_NUM_THREADS"
_DYNAMIC: Final = "OMP_DYNAMIC"
_LIMIT: Final = "OMP_THREAD_LIMIT"


def threads(facts: Facts) -> DoctorLine | None:
    """The number that sums are split by, and who chose it."""
    count = facts.row("torch", "threads")
    if count is None:
        return None
    given = {name: text for name in (_OPENMP, _MKL) if (text := facts.variable(name)) is not None}
    if _dynamic(facts):
        more = {} if _OPENMP in given else {_OPENMP: str(count)}
        return DoctorLine(
            "threads", f"{count}, {_DYNAMIC}", "breaks",
            "OpenMP may take fewer threads where the machine is busy, and a sum is split by their number.",
            exports={_DYNAMIC: "false"} | more,
        )  # fmt: skip
    limit = facts.row("torch", "thread_limit")
    if isinstance(limit, int):
        return _limited(count, limit, given)
    for name, text in given.items():
        if (line := _not_in_force(facts, count, name, text)) is not None:
            return line
    chosen = [f"{name}={text.strip()}" for name, text in given.items() if _number(text) == count]
    if chosen:
        return DoctorLine(
            "threads", f"{count}, by {' and '.join(chosen)}", "fine",
            "The number that sums are split by is set, and does not hang on the machine.",
        )  # fmt: skip
    if given or count not in (facts.row("machine", "cores"), _most(facts)):
        why = (
            f"It is another number than {' and '.join(given)} says, so the program has chosen it since."
            if given
            else "It is another number than the machine's cores, so somebody has chosen it."
        )
        return DoctorLine("threads", f"{count}, set by the program or a library", "fine", why)
    return DoctorLine(
        "threads", f"{count}, as this machine has cores", "fragile",
        "A sum that is split over more or fewer threads rounds otherwise, so another machine has other bits.",
        f"torch.set_num_threads({count})", {_OPENMP: str(count)},
    )  # fmt: skip


def _dynamic(facts: Facts) -> bool:
    """As the runtime says; of a record that did not ask it, as libgomp reads the variable."""
    answer = facts.row("torch", "omp_dynamic")
    if isinstance(answer, bool):
        return answer
    return (facts.at_start(_DYNAMIC) or "").strip().lower() == "true"


def _limited(count: int, limit: int, given: dict[str, str]) -> DoctorLine:
    other = [f"{name}={text}" for name, text in given.items() if _number(text) not in (None, limit)]
    if other:
        return DoctorLine(
            "threads", f"{limit}, by {_LIMIT}", "breaks",
            f"{' and '.join(other)} is not in force: OpenMP is allowed {limit}, and splits sums by that.",
            exports={name: str(limit) for name in given},
        )  # fmt: skip
    return DoctorLine(
        "threads", f"{limit}, by {_LIMIT}", "fine",
        f"torch counts {count}, and OpenMP is allowed {limit}: sums are split by that, on every machine.",
    )  # fmt: skip


def _not_in_force(facts: Facts, count: int, name: str, text: str) -> DoctorLine | None:
    """The line of a variable that is not in force, where the program has not chosen another number since."""
    wanted, most = _number(text), _most(facts)
    if wanted == count:
        return None
    if wanted is None:
        why = f"{name}={text} is ignored, for it is no number of threads: {count} are in force."
        return DoctorLine("threads", str(count), "breaks", why, exports={name: str(count)})
    if wanted > most and count == most:
        why = (
            f"{name}={wanted} is not in force, {count} threads are: MKL, and torch with it, takes no more "
            "than the machine has cores."
        )
        mend = f"torch.set_num_threads({wanted})"
        return DoctorLine("threads", str(count), "breaks", why, mend, {name: str(count)})
    if facts.late(name) and count == most:
        why = f"{name}={wanted} was set too late: it had been read, and {count} threads are in force."
        mend = f"torch.set_num_threads({wanted})"
        return DoctorLine("threads", str(count), "breaks", why, mend, {name: str(wanted)})
    return None


def _most(facts: Facts) -> int:
    """How many threads MKL takes here at most: the cores, without their siblings."""
    cores = facts.row("machine", "cores") or 0
    return cores // 2 if facts.row("processor", "smt") else cores


def _number(text: str) -> int | None:
    """A number of threads as libgomp reads it; of a list for nested regions the first."""
    first = text.partition(",")[0].strip()
    return int(first) if first.isascii() and first.isdigit() and int(first) > 0 else None


def interop_threads(facts: Facts) -> DoctorLine | None:
    """They run whole operations."""
    count = facts.row("torch", "interop_threads")
    if count is None:
        return None
    return DoctorLine(
        "interop-threads", str(count), "fine",
        "They run operations beside each other and split none, so their number changes no bit.",
    )  # fmt: skip


LINES: Final = (threads, interop_threads)
