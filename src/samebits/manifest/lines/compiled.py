"""Lines of torch.compile: what inductor's configuration is, or will be once it is imported."""

from __future__ import annotations

from typing import Final

from samebits.manifest.lines.line import DoctorLine, Facts, said

_TUNING: Final = {
    "max_autotune": "TORCHINDUCTOR_MAX_AUTOTUNE",
    "max_autotune_gemm": "TORCHINDUCTOR_MAX_AUTOTUNE_GEMM",
    "max_autotune_pointwise": "TORCHINDUCTOR_MAX_AUTOTUNE_POINTWISE",
    "coordinate_descent_tuning": "TORCHINDUCTOR_COORDINATE_DESCENT_TUNING",
    "benchmark_fusion": "TORCHINDUCTOR_BENCHMARK_FUSION",
}
_WRAPPER: Final = "TORCHINDUCTOR_CPP_WRAPPER"
_DETERMINISTIC: Final = "TORCHINDUCTOR_DETERMINISTIC"


def _loaded(facts: Facts) -> bool:
    return any(name.startswith("_inductor.") for name in facts.section("flags"))


def _config(facts: Facts, name: str, variable: str) -> bool:
    """A switch of inductor's; before it is imported, what the variable will make of it."""
    if _loaded(facts):
        return bool(facts.flag(f"_inductor.config.{name}"))
    return facts.variable(variable) == "1"


def random_numbers(facts: Facts) -> DoctorLine | None:
    """Whether compiled code draws what eager code draws."""
    if not facts.torch:
        return None
    name = "compiled-random"
    if not _loaded(facts):
        return DoctorLine(name, "inductor is not loaded", "fine", "Not in force: nothing has been compiled.")
    on = facts.flag("_inductor.config.fallback_random")
    if on:
        return DoctorLine(
            name, "fallback_random on", "fine", "Compiled code draws the numbers that eager code draws."
        )
    return DoctorLine(
        name, "fallback_random off", "fragile",
        "Compiled code repeats, and draws other random numbers than the same code does eagerly.",
        "torch._inductor.config.fallback_random = True",
    )  # fmt: skip


def autotuning(facts: Facts) -> DoctorLine | None:
    """Whether compiled kernels are chosen by the clock."""
    if not facts.torch:
        return None
    on = [name for name, variable in _TUNING.items() if _config(facts, name, variable)]
    value = ", ".join(on) or "off"
    if not on:
        return DoctorLine("autotuning", value, "fine", "Compiled kernels are not chosen by the clock.")
    if _config(facts, "deterministic", _DETERMINISTIC):
        return DoctorLine(
            "autotuning", f"{value}, not measured", "fine",
            "Inductor is in its deterministic mode, in which it measures nothing.",
        )  # fmt: skip
    return DoctorLine(
        "autotuning", value, "breaks",
        "Inductor takes the kernel that was measured fastest, which may be another in the next run.",
        f"torch._inductor.config.{on[0]} = False  # or samebits.deterministic()",
        {variable: "0" for variable in _TUNING.values() if facts.variable(variable) == "1"},
    )  # fmt: skip


def cpp_wrapper(facts: Facts) -> DoctorLine | None:
    """Inductor's C++ wrapper calls kernels by their symbols."""
    if not facts.torch:
        return None
    on = _config(facts, "cpp_wrapper", _WRAPPER)
    if not on:
        return DoctorLine(
            "cpp-wrapper", said(on), "fine", "Compiled code asks torch's dispatcher for its kernels."
        )
    return DoctorLine(
        "cpp-wrapper", said(on), "breaks",
        "Compiled code calls kernels past the dispatcher, where no deterministic replacement is asked.",
        "torch._inductor.config.cpp_wrapper = False",
        {_WRAPPER: "0"} if facts.variable(_WRAPPER) == "1" else {},
    )  # fmt: skip


LINES: Final = (random_numbers, autotuning, cpp_wrapper)
