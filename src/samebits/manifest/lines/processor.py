"""Lines of the CPU: threads, instruction sets, and the libraries that choose kernels by them.

What this machine decides is pinned at what is in force here: the bits stay, and another machine is told.
"""

from __future__ import annotations

from typing import Final

from samebits.manifest.lines.line import DoctorLine, Facts

_CAPABILITY: Final = "ATEN_CPU_CAPABILITY"
_THREADS: Final = ("OMP_NUM_THREADS", "MKL_NUM_THREADS")
_CBWR: Final = "MKL_CBWR"
_ISA: Final = ("ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA")
#: torch's name of a capability -> what MKL_CBWR and ONEDNN_MAX_CPU_ISA call it.
_BRANCHES: Final = {"AVX512": ("AVX512", "AVX512_CORE"), "AVX2": ("AVX2", "AVX2")}
_OTHERS: Final = ("COMPATIBLE", "SSE41")


def threads(facts: Facts) -> DoctorLine | None:
    """The number that sums are split by, and who chose it."""
    count = facts.row("torch", "threads")
    if count is None:
        return None
    given = {name: text for name in _THREADS if (text := facts.variable(name)) is not None}
    if (facts.variable("OMP_DYNAMIC") or "").lower() in ("1", "true"):
        return DoctorLine(
            "threads", f"{count}, OMP_DYNAMIC", "breaks",
            "OpenMP may take fewer threads where the machine is busy, and a sum is split by their number.",
            exports={"OMP_DYNAMIC": "false"},
        )  # fmt: skip
    for name, wanted in given.items():
        if facts.late(name) and wanted != str(count):
            return DoctorLine(
                "threads", str(count), "breaks",
                f"{name}={wanted} was set too late: it had been read, and {count} threads are in force.",
                f"torch.set_num_threads({wanted})", {name: wanted},
            )  # fmt: skip
    chosen = [f"{name}={text}" for name, text in given.items() if text == str(count)]
    if chosen:
        return DoctorLine(
            "threads", f"{count}, by {' and '.join(chosen)}", "fine",
            "The number that sums are split by is set, and does not hang on the machine.",
        )  # fmt: skip
    cores = facts.row("machine", "cores") or 0
    if count not in (cores, cores // 2 if facts.row("processor", "smt") else cores):  # MKL counts no siblings
        return DoctorLine(
            "threads", f"{count}, set by the program or a library", "fine",
            "It is another number than the machine's cores, so somebody has chosen it.",
        )  # fmt: skip
    return DoctorLine(
        "threads", f"{count}, as this machine has cores", "fragile",
        "A sum that is split over more or fewer threads rounds otherwise, so another machine has other bits.",
        f"torch.set_num_threads({count})", {_THREADS[0]: str(count)},
    )  # fmt: skip


def interop_threads(facts: Facts) -> DoctorLine | None:
    """They run whole operations."""
    count = facts.row("torch", "interop_threads")
    if count is None:
        return None
    return DoctorLine(
        "interop-threads", str(count), "fine",
        "They run operations beside each other and split none, so their number changes no bit.",
    )  # fmt: skip


def cpu_capability(facts: Facts) -> DoctorLine | None:
    """The vector instructions that torch's own kernels use."""
    inside = facts.row("torch", "capability")
    if inside is None:
        return None
    asked = facts.variable(_CAPABILITY)
    if asked is None:
        return DoctorLine(
            "cpu-capability", f"{inside}, the machine's best", "fragile",
            "Sums of another vector length are added in another order, so an older or newer processor has "
            "other bits.",
            exports={_CAPABILITY: str(inside).lower()},
        )  # fmt: skip
    if asked.lower() != str(inside).lower():
        why = (
            f"{_CAPABILITY}={asked} was set too late: torch had chosen {inside}."
            if facts.late(_CAPABILITY)
            else f"{_CAPABILITY}={asked} is not in force: torch or the processor has no such instructions."
        )
        return DoctorLine("cpu-capability", inside, "breaks", why, exports=_capability(facts, asked, inside))
    return DoctorLine(
        "cpu-capability", f"{inside}, by {_CAPABILITY}", "fine",
        "It is set, and is the same on every processor that has it.",
    )  # fmt: skip


def _capability(facts: Facts, asked: str, inside: str) -> dict[str, str]:
    return {_CAPABILITY: asked if facts.late(_CAPABILITY) else inside.lower()}


def mkl_cbwr(facts: Facts) -> DoctorLine | None:
    """Which kernels MKL takes for products on the CPU."""
    if facts.row("torch", "mkl") is None:
        return None
    if not facts.row("torch", "mkl"):
        return DoctorLine("mkl-cbwr", "no MKL", "fine", "Not in force: this torch is built without MKL.")
    asked = facts.variable(_CBWR)
    pinned = {_CBWR: _branch(facts)[0]}
    if asked is None or asked.upper() == "AUTO":
        return DoctorLine(
            "mkl-cbwr", asked or "not set", "fragile",
            "MKL chooses the kernels of products by the processor, so another one has other bits.",
            exports=pinned,
        )  # fmt: skip
    if facts.late(_CBWR):
        return DoctorLine(
            "mkl-cbwr", f"{asked}, set after the start", "fragile",
            f"MKL reads {_CBWR} at its first call; whether that was before cannot be seen.",
            exports={_CBWR: asked},
        )  # fmt: skip
    return DoctorLine(
        "mkl-cbwr", asked, "fine", "MKL takes the same kernels on every processor that has them."
    )


def onednn_isa(facts: Facts) -> DoctorLine | None:
    """Which kernels oneDNN takes for convolutions and more on the CPU."""
    if facts.row("torch", "mkldnn") is None:
        return None
    if not facts.row("torch", "mkldnn") or not facts.flag("backends.mkldnn.enabled"):
        return DoctorLine(
            "onednn-isa", "no oneDNN", "fine", "Not in force: oneDNN is not there, or switched off."
        )
    asked = next((name for name in _ISA if facts.variable(name) is not None), None)
    text = facts.variable(asked) if asked is not None else None
    if asked is None or text in (None, "DEFAULT", "ALL"):
        return DoctorLine(
            "onednn-isa", text or "not set", "fragile",
            "oneDNN chooses the kernels of convolutions by the processor.",
            exports={asked or _ISA[0]: _branch(facts)[1]},
        )  # fmt: skip
    if facts.late(asked):
        return DoctorLine(
            "onednn-isa", f"{text}, set after the start", "fragile",
            f"oneDNN reads {asked} at its first call; whether that was before cannot be seen.",
            exports={asked: str(text)},
        )  # fmt: skip
    return DoctorLine(
        "onednn-isa", f"{text}, by {asked}", "fine",
        "oneDNN takes the same kernels on every processor that has them.",
    )  # fmt: skip


def _branch(facts: Facts) -> tuple[str, str]:
    """What pins MKL and oneDNN at what is in force; MKL knows branches on Intel's processors alone."""
    mkl, onednn = _BRANCHES.get(str(facts.row("torch", "capability")), _OTHERS)
    intel = "intel" in str(facts.row("machine", "cpu")).lower()
    return mkl if intel else _OTHERS[0], onednn


def onednn_deterministic(facts: Facts) -> DoctorLine | None:
    """oneDNN is asked for kernels that repeat."""
    if not facts.row("torch", "mkldnn"):
        return None
    if facts.flag("backends.mkldnn.deterministic") or facts.flag("deterministic_algorithms"):
        return DoctorLine("onednn-deterministic", "on", "fine", "oneDNN is asked for kernels that repeat.")
    return DoctorLine(
        "onednn-deterministic", "off", "fragile",
        "oneDNN may take kernels that do not repeat, where it has any for this processor.",
        "torch.backends.mkldnn.deterministic = True  # or samebits.deterministic()",
    )  # fmt: skip


def cpu_precision(facts: Facts) -> DoctorLine | None:
    """float32 products of oneDNN may be computed in TF32 or bfloat16."""
    if not facts.torch:
        return None
    parts = {name: facts.flag(f"backends.mkldnn.{name}.fp32_precision") for name in ("matmul", "conv", "rnn")}
    general = facts.flag("backends.fp32_precision")
    mode = facts.variable("ONEDNN_DEFAULT_FPMATH_MODE") or facts.variable("DNNL_DEFAULT_FPMATH_MODE")
    lower = {name: value for name, value in parts.items() if value not in (None, "none", "ieee")}
    if mode not in (None, "STRICT", "strict"):
        lower["oneDNN's default"] = mode
    if not lower:
        return DoctorLine(
            "cpu-precision",
            f"float32 ({general})",
            "fine",
            "float32 products on the CPU are computed in float32.",
        )
    return DoctorLine(
        "cpu-precision", ", ".join(f"{name} {value}" for name, value in lower.items()), "fragile",
        "float32 products are computed in fewer bits where the processor can, so another one has other bits.",
        'torch.backends.fp32_precision = "ieee"  # or samebits.deterministic(full_precision=True)',
        {"ONEDNN_DEFAULT_FPMATH_MODE": "STRICT"} if "oneDNN's default" in lower else {},
    )  # fmt: skip


LINES: Final = (
    threads, interop_threads, cpu_capability, mkl_cbwr, onednn_isa, onednn_deterministic, cpu_precision,
)  # fmt: skip
