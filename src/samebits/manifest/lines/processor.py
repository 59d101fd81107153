"""Lines of the CPU: instruction sets, and the libraries that choose kernels by them.

What this machine decides is pinned at what is in force here: the bits stay, and another machine is told.
"""

from __future__ import annotations

from typing import Final

from samebits.manifest.lines.line import DoctorLine, Facts

_CAPABILITY: Final = "ATEN_CPU_CAPABILITY"
_CBWR: Final = "MKL_CBWR"
_ISA: Final = ("ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA")
_MODES: Final = ("ONEDNN_DEFAULT_FPMATH_MODE", "DNNL_DEFAULT_FPMATH_MODE")
_LOWER: Final = ("BF16", "F16", "TF32", "ANY")
#: What MKL takes for a branch, in capitals alone; on other processors than Intel's the first alone.
_BRANCHES: Final = (
    "COMPATIBLE", "SSE2", "SSSE3", "SSE4_1", "SSE4_2", "AVX", "AVX2", "AVX512", "AVX512_E1", "AVX512_MIC",
    "AVX512_MIC_E1",
)  # fmt: skip
#: torch's name of a capability -> what MKL_CBWR calls it.
_PINNED: Final = {"AVX512": "AVX512", "AVX2": "AVX2"}
_FREE: Final = ("AUTO", "OFF", "BRANCH_OFF")
_AVX512: Final = ("avx512f", "avx512bw", "avx512vl", "avx512dq")
_BF16: Final = (*_AVX512, "avx512_vnni", "avx512_bf16")
_AMX: Final = (*_BF16, "avx512_fp16", "amx_tile", "amx_int8", "amx_bf16")
#: Names of ONEDNN_MAX_CPU_ISA, the least first, and what Linux calls the instructions that each needs.
_ISAS: Final[dict[str, tuple[str, ...]]] = {
    "SSE41": ("sse4_1",),
    "AVX": ("avx",),
    "AVX2": ("avx2",),
    "AVX2_VNNI": ("avx2", "avx_vnni"),
    "AVX2_VNNI_2": ("avx2", "avx_vnni", "avx_vnni_int8", "avx_ne_convert"),
    "AVX512_CORE": _AVX512,
    "AVX512_CORE_VNNI": (*_AVX512, "avx512_vnni"),
    "AVX512_CORE_BF16": _BF16,
    "AVX512_CORE_FP16": (*_BF16, "avx512_fp16"),
    "AVX512_CORE_AMX": _AMX,
    "AVX512_CORE_AMX_FP16": (*_AMX, "amx_fp16"),
}
#: Newer than the last name above; what oneDNN chooses with them is not known here.
_NEWER: Final = ("avx10", "amx_")


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
    name = "mkl-cbwr"
    if facts.row("torch", "mkl") is None:
        return None
    if not facts.row("torch", "mkl"):
        return DoctorLine(name, "no MKL", "fine", "Not in force: this torch is built without MKL.")
    asked, inside = facts.variable(_CBWR), facts.row("torch", "cbwr")
    if inside is None:
        inside = _taken(facts, asked)
        if asked is not None and facts.late(_CBWR):
            return DoctorLine(
                name, f"{asked}, set after the start", "fragile",
                f"MKL reads {_CBWR} at its first call; whether that was before cannot be seen.",
                exports={_CBWR: asked},
            )  # fmt: skip
    pinned = {_CBWR: _PINNED.get(str(facts.row("torch", "capability")), "COMPATIBLE")}
    if not _intel(facts):
        pinned = {_CBWR: "COMPATIBLE"}
    if inside.partition(",")[0] not in _FREE:
        value = inside if asked in (None, inside) else f"{inside}; {_CBWR} was changed to {asked} since"
        return DoctorLine(name, value, "fine", "MKL takes the same kernels on every processor that has them.")
    if asked is None or asked.partition(",")[0] in _FREE:
        return DoctorLine(
            name, asked or "not set", "fragile",
            "MKL chooses the kernels of products by the processor, so another one has other bits.",
            exports=pinned,
        )  # fmt: skip
    if asked.partition(",")[0] not in _BRANCHES:
        why = f"{_CBWR}={asked} is ignored: MKL knows no such branch; it takes names in capitals alone."
    elif not _intel(facts) and asked.partition(",")[0] != "COMPATIBLE":
        why = (
            f"{_CBWR}={asked} is not in force: MKL has this branch on Intel's processors alone, and chooses "
            "here as if nothing were set. COMPATIBLE is the one that every processor has."
        )
    elif facts.late(_CBWR):
        why, pinned = f"{_CBWR}={asked} was set too late: MKL had read it.", {_CBWR: asked}
    else:
        why = f"{_CBWR}={asked} is not in force: MKL says that it chooses by the processor."
    return DoctorLine(name, f"{inside}, not {asked}", "breaks", why, exports=pinned)


def _taken(facts: Facts, asked: str | None) -> str:
    """What MKL makes of the variable, where it was not asked."""
    branch = (asked or "").partition(",")[0]
    known = _BRANCHES if _intel(facts) else _BRANCHES[:1]
    return str(asked) if branch in known else "AUTO"


def _intel(facts: Facts) -> bool:
    return "intel" in str(facts.row("machine", "cpu")).lower()


def onednn_isa(facts: Facts) -> DoctorLine | None:
    """Which kernels oneDNN takes for convolutions and more on the CPU."""
    name = "onednn-isa"
    if facts.row("torch", "mkldnn") is None:
        return None
    if not _onednn(facts):
        return DoctorLine(name, "no oneDNN", "fine", _NO_ONEDNN)
    asked = next((one for one in _ISA if facts.variable(one) is not None), _ISA[0])
    text = facts.variable(asked)
    best = _best(facts)
    pinned = {asked: best} if best is not None else {}
    mend = "" if pinned else f"export {asked}=...  # a name that ONEDNN_VERBOSE=1 shows to be in force"
    if text is None or text.upper() in ("DEFAULT", "ALL"):
        why = "oneDNN chooses the kernels of convolutions by the processor."
        return DoctorLine(name, text or "not set", "fragile", why, mend, pinned)
    if text.upper() not in _ISAS and not text.upper().startswith("AVX10_"):
        why = f"{asked}={text} is ignored: oneDNN knows no such name, and chooses by the processor."
        return DoctorLine(name, f"{text}, not in force", "breaks", why, mend, pinned)
    if facts.late(asked):
        return DoctorLine(
            name, f"{text}, set after the start", "fragile",
            f"oneDNN reads {asked} at its first call; whether that was before cannot be seen.",
            exports={asked: text},
        )  # fmt: skip
    here = _flags(facts)
    if here and not here.issuperset(_ISAS.get(text.upper(), ("avx10",))):
        why = f"The processor has not all of {text}, so oneDNN still chooses by the processor."
        return DoctorLine(name, f"{text}, more than this processor has", "fragile", why, mend, pinned)
    return DoctorLine(
        name, f"{text}, by {asked}", "fine", "oneDNN takes the same kernels on every processor that has them."
    )


_NO_ONEDNN: Final = "Not in force: oneDNN is not there, or switched off."


def _onednn(facts: Facts) -> bool:
    return bool(facts.row("torch", "mkldnn")) and bool(facts.flag("backends.mkldnn.enabled"))


def _flags(facts: Facts) -> set[str]:
    flags = facts.row("processor", "flags")
    return set(flags) if isinstance(flags, list) else set()


def _best(facts: Facts) -> str | None:
    """What oneDNN chooses on this processor, by its own rules (cpu_isa_traits.hpp); None: it is not known."""
    here = _flags(facts)
    found = [name for name, needed in _ISAS.items() if here.issuperset(needed)]
    known = {flag for needed in _ISAS.values() for flag in needed}
    if not found or any(flag.startswith(_NEWER) for flag in here - known):
        return None
    return found[-1]


def onednn_deterministic(facts: Facts) -> DoctorLine | None:
    """oneDNN is asked for kernels that repeat."""
    if not facts.row("torch", "mkldnn"):
        return None
    if not _onednn(facts):
        return DoctorLine("onednn-deterministic", "no oneDNN", "fine", _NO_ONEDNN)
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
    asked = next((name for name in _MODES if facts.variable(name) is not None), _MODES[0])
    mode = facts.variable(asked) or ""
    if not _onednn(facts):
        return DoctorLine("cpu-precision", "no oneDNN", "fine", _NO_ONEDNN)
    lower = {name: value for name, value in parts.items() if value not in (None, "none", "ieee")}
    if mode.upper() in _LOWER:
        lower["oneDNN's default"] = mode
    elif mode and mode.upper() != "STRICT":
        return DoctorLine(
            "cpu-precision", f"{asked}={mode}, not in force", "breaks",
            f"oneDNN knows no mode {mode}, and computes float32 products in float32 as if nothing were set.",
            exports={asked: "STRICT"},
        )  # fmt: skip
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
        {asked: "STRICT"} if "oneDNN's default" in lower else {},
    )  # fmt: skip


LINES: Final = (cpu_capability, mkl_cbwr, onednn_isa, onednn_deterministic, cpu_precision)
