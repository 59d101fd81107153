"""Lines of sums over ranks: NCCL's algorithm, protocol and switches, and which NCCL torch takes."""

from __future__ import annotations

import re
from typing import Final

from samebits.manifest.lines.gpu import absent
from samebits.manifest.lines.line import DoctorLine, Facts, said

_ALGORITHM: Final = ("NCCL_ALGO", "NCCL_PROTO")
_PINNED: Final = {"NCCL_ALGO": "Ring", "NCCL_PROTO": "Simple"}
_SWITCH: Final = "NCCL_NVLS_ENABLE"
_BACKEND: Final = "TORCH_DIST_USE_NCCL2"
#: From this torch on NCCL2 is taken unless the variable says 0.
#: https://github.com/pytorch/pytorch/pull/192281
_NCCL2_SINCE: Final = (2, 15)


def _ranks(facts: Facts) -> int:
    text = facts.variable("WORLD_SIZE") or ""
    return int(text) if text.isascii() and text.isdigit() else 1


def _alone(facts: Facts, name: str, value: str, *variables: str) -> DoctorLine | None:
    """The line where no NCCL sums over ranks; None: one may."""
    if not facts.gpu:
        return absent(facts, name, value, *variables)
    if _ranks(facts) == 1 and not any(facts.late(variable) for variable in variables):
        return DoctorLine(name, value, "fine", "Not in force: there is one rank.")
    return None


def algorithm(facts: Facts) -> DoctorLine | None:
    """In which order NCCL adds."""
    if not facts.torch:
        return None
    set_ = {name: facts.variable(name) for name in _ALGORITHM}
    value = ", ".join(f"{name}={said(text)}" for name, text in set_.items())
    alone = _alone(facts, "nccl-algorithm", value, *_ALGORITHM)
    if alone is not None:
        return alone
    late = [name for name in _ALGORITHM if facts.late(name)]
    missing = {name: text for name, text in _PINNED.items() if set_[name] is None}
    if late or missing:
        why = (
            f"{' and '.join(late)} was set after the start; NCCL reads it at its first communicator."
            if late
            else "NCCL chooses by topology and size in which order it adds, so other nodes have other bits."
        )
        return DoctorLine(
            "nccl-algorithm", value, "fragile", why,
            exports=missing | {name: text for name in late if (text := set_[name]) is not None},
        )  # fmt: skip
    return DoctorLine("nccl-algorithm", value, "fine", "NCCL adds in one order, whatever the topology.")


def switches(facts: Facts) -> DoctorLine | None:
    """Whether NVLink's switches add."""
    if not facts.torch:
        return None
    text = facts.variable(_SWITCH)
    alone = _alone(facts, "nccl-nvls", said(text), _SWITCH)
    if alone is not None:
        return alone
    if text == "0" and not facts.late(_SWITCH):
        return DoctorLine("nccl-nvls", "off", "fine", "The GPUs add, and not the switch between them.")
    return DoctorLine(
        "nccl-nvls", said(text), "fragile",
        "The switch between GPUs adds where it can, in an order of its own, so other nodes have other bits.",
        exports={_SWITCH: "0"},
    )  # fmt: skip


def backend(facts: Facts) -> DoctorLine | None:
    """Which implementation the name "nccl" means."""
    torch = facts.row("libraries", "torch")
    if not facts.torch or torch is None:
        return None
    text = facts.variable(_BACKEND)
    found = re.match(r"(\d+)\.(\d+)", str(torch))
    since = found is not None and (int(found[1]), int(found[2])) >= _NCCL2_SINCE
    value = f"{'nccl2' if text == '1' or (text is None and since) else 'legacy'}, {_BACKEND} {said(text)}"
    alone = _alone(facts, "nccl-backend", value, _BACKEND)
    if alone is not None:
        return alone
    if text is not None and not facts.late(_BACKEND):
        return DoctorLine("nccl-backend", value, "fine", "Which NCCL torch takes is set.")
    return DoctorLine(
        "nccl-backend", value, "fragile",
        "Which NCCL torch takes hangs on its version: it changed with torch 2.15.",
        exports={_BACKEND: "1" if since else "0"},
    )  # fmt: skip


LINES: Final = (algorithm, switches, backend)
