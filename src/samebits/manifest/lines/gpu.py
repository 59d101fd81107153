"""Lines of CUDA: cuBLAS, cuDNN, precision, attention, tuning, and kernels that torch chooses by the GPU.

Without a GPU none of them is in force, and they say so.
"""

from __future__ import annotations

from typing import Final

from samebits.determinism.environment import CUBLAS, deterministic_environment
from samebits.manifest.lines.line import DoctorLine, Facts, said

_MODE: Final = "samebits.deterministic()  # before the first CUDA tensor"
_FULL: Final = "samebits.deterministic(full_precision=True)"
_EMULATED: Final = ("CUBLAS_EMULATE_SINGLE_PRECISION", "CUBLAS_EMULATE_DOUBLE_PRECISION")
_ATTENTION: Final = ("flash", "mem_efficient", "math", "cudnn")
_TUNABLE: Final = "PYTORCH_TUNABLEOP_ENABLED"
_OVERRIDES: Final = ("NVIDIA_TF32_OVERRIDE", "TORCH_ALLOW_TF32_CUBLAS_OVERRIDE")


def absent(facts: Facts, name: str, value: str, *variables: str) -> DoctorLine:
    """The line of what concerns a GPU that is not there; a variable that was set too late stays said."""
    late = [variable for variable in variables if facts.late(variable)]
    if not late:
        return DoctorLine(name, value, "fine", f"{facts.without_gpu[:1].upper()}{facts.without_gpu[1:]}.")
    exports = {variable: text for variable in late if (text := facts.variable(variable)) is not None}
    return DoctorLine(
        name, f"{value}, set after the start", "fragile",
        f"{' and '.join(late)} changed after the process had started, and is read once; here it is "
        f"{facts.without_gpu}.",
        "" if exports else f"unset {' '.join(late)}", exports,
    )  # fmt: skip


def cublas_workspace(facts: Facts) -> DoctorLine | None:
    """cuBLAS reads the variable as CUDA starts."""
    if not facts.torch:
        return None
    name, now, start = "cublas-workspace", facts.variable(CUBLAS), facts.at_start(CUBLAS)
    wanted = deterministic_environment(given={CUBLAS: now or ""})[CUBLAS]
    if not facts.gpu:
        return absent(facts, name, said(now), CUBLAS)
    if start == wanted == now:
        return DoctorLine(name, str(now), "fine", "cuBLAS has a workspace of its own for each stream.")
    exports = {CUBLAS: wanted}
    if now != wanted:
        return DoctorLine(
            name, said(now), "breaks",
            "cuBLAS may take a workspace that streams share, and a product then differs from run to run.",
            _MODE, exports,
        )  # fmt: skip
    if not facts.gpu_started or facts.row("mode", "level") == "strict":
        return DoctorLine(name, f"{now}, set by the program", "fine", "It came in time, before CUDA started.")
    return DoctorLine(
        name, f"{now}, set after the start", "fragile",
        "CUDA has started, and whether the variable was set before cannot be seen.", _MODE, exports,
    )  # fmt: skip


def cudnn(facts: Facts) -> DoctorLine | None:
    """Which kernels cuDNN takes."""
    if not facts.torch:
        return None
    name = "cudnn-deterministic"
    enabled, asked = facts.flag("backends.cudnn.enabled"), facts.flag("backends.cudnn.deterministic")
    value = said(asked) if enabled else "cuDNN is off"
    if not facts.gpu:
        return absent(facts, name, value)
    if not enabled or asked or facts.flag("deterministic_algorithms"):
        return DoctorLine(name, value, "fine", "cuDNN's kernels that add with atomics are not taken.")
    return DoctorLine(
        name, value, "breaks",
        "cuDNN may take kernels for the backward of a convolution that add in no fixed order.",
        "torch.backends.cudnn.deterministic = True  # or samebits.deterministic()",
    )  # fmt: skip


def cudnn_benchmark(facts: Facts) -> DoctorLine | None:
    """Whether cuDNN's kernels are chosen by the clock."""
    if not facts.torch:
        return None
    name, asked = "cudnn-benchmark", facts.flag("backends.cudnn.benchmark")
    if not facts.gpu:
        return absent(facts, name, said(asked))
    if not asked or not facts.flag("backends.cudnn.enabled"):
        return DoctorLine(
            name, said(asked), "fine", "cuDNN chooses a kernel by shapes, and not by the clock."
        )
    return DoctorLine(
        name, "on", "breaks",
        "cuDNN takes the kernel that was measured fastest, which may be another in the next run.",
        "torch.backends.cudnn.benchmark = False  # or samebits.deterministic()",
    )  # fmt: skip


def tf32(facts: Facts) -> DoctorLine | None:
    """float32 products on the GPU; by the new interface, which the old one sets too."""
    if not facts.torch:
        return None
    paths = {"matmul": "cuda.matmul", "conv": "cudnn.conv", "rnn": "cudnn.rnn"}
    parts = {part: facts.flag(f"backends.{path}.fp32_precision") for part, path in paths.items()}
    general = facts.flag("backends.fp32_precision")
    parts = {part: general if value == "none" else value for part, value in parts.items()}
    on = [part for part, value in parts.items() if value not in (None, "none", "ieee")]
    forced = facts.variable(_OVERRIDES[0])
    if forced == "0":
        on = []
    elif forced == "1" or (facts.variable(_OVERRIDES[1]) == "1" and "matmul" not in on):
        on = [*on, "by variable"]
    value = f"on for {', '.join(on)}" if on else "off"
    if not facts.gpu:
        return absent(facts, "tf32", value, *_OVERRIDES)
    if not on:
        return DoctorLine("tf32", value, "fine", "float32 products on the GPU are computed in float32.")
    return DoctorLine(
        "tf32", value, "fragile",
        "float32 products have 10 bits of mantissa where the GPU can, so another device has other bits.",
        f'torch.backends.fp32_precision = "ieee"  # or {_FULL}',
        {name: "0" for name in _OVERRIDES if facts.variable(name) == "1"},
    )  # fmt: skip


def emulation(facts: Facts) -> DoctorLine | None:
    """cuBLAS can compose float32 products of bfloat16 ones (BF16x9), and float64 ones of integers."""
    if not facts.torch:
        return None
    on = [name for name in _EMULATED if facts.variable(name) not in (None, "", "0")]
    precisions = [key for key in facts.section("flags") if facts.flag(key) == "bf16x9"]
    value = ", ".join([*on, *precisions]) or "off"
    if not facts.gpu:
        return absent(facts, "bf16x9", value, *_EMULATED)
    if value == "off":
        return DoctorLine("bf16x9", value, "fine", "No product is composed of narrower ones.")
    return DoctorLine(
        "bf16x9", value, "fragile",
        "Where the GPU can, products are composed of narrower ones, so another GPU has other bits.",
        _FULL if precisions else "", dict.fromkeys(on, "0"),
    )  # fmt: skip


def reduced_precision(facts: Facts) -> DoctorLine | None:
    """Sums of half types in half types."""
    if not facts.torch:
        return None
    switches = (
        "allow_fp16_reduced_precision_reduction", "allow_bf16_reduced_precision_reduction",
        "allow_fp16_accumulation",
    )  # fmt: skip
    on = [name for name in switches if facts.flag(f"backends.cuda.matmul.{name}")]
    value = ", ".join(name.removeprefix("allow_") for name in on) or "off"
    if not facts.gpu:
        return absent(facts, "reduced-precision", value)
    if not on:
        return DoctorLine("reduced-precision", value, "fine", "Products of half types are summed in float32.")
    return DoctorLine(
        "reduced-precision", value, "fragile",
        "cuBLAS may sum products of half types in half types, so another GPU has other bits.",
        _FULL,
    )  # fmt: skip


def attention(facts: Facts) -> DoctorLine | None:
    """Which backends scaled_dot_product_attention may take."""
    if not facts.torch:
        return None
    on = [name for name in _ATTENTION if facts.flag(f"backends.cuda.{name}_sdp_enabled")]
    value = ", ".join(on) or "none"
    if not facts.gpu:
        return absent(facts, "attention", value)
    if on == ["math"] or facts.deterministic or facts.row("mode", "level") is not None:
        return DoctorLine(
            "attention", value, "fine",
            "Each backend that may be taken has a backward that adds in a fixed order, or raises.",
        )  # fmt: skip
    return DoctorLine(
        "attention", value, "breaks",
        "The backward of the fused backends adds with atomics unless deterministic algorithms are on.",
        'samebits.deterministic()  # or attention="math" for one backend alone',
    )  # fmt: skip


def tunable_op(facts: Facts) -> DoctorLine | None:
    """TunableOp measures products and takes the fastest kernel."""
    if not facts.torch:
        return None
    asked = facts.variable(_TUNABLE)
    value = "on" if asked == "1" or facts.flag("cuda.tunable") else "off"
    if not facts.gpu:
        return absent(facts, "tunable-op", value, _TUNABLE)
    if value == "off":
        return DoctorLine("tunable-op", value, "fine", "No product's kernel is chosen by the clock.")
    return DoctorLine(
        "tunable-op", value, "breaks",
        "Each product has the kernel that was measured fastest, which may be another in the next run.",
        "torch.cuda.tunable.enable(False)", {_TUNABLE: "0"} if asked == "1" else {},
    )  # fmt: skip


def native_kernels(facts: Facts) -> DoctorLine | None:
    """Kernels in Triton and CuTe that take an operation where the GPU suits them."""
    found = facts.row("torch", "native_kernels")
    if not facts.torch:
        return None
    if not facts.gpu:
        return absent(facts, "native-kernels", "none")
    if not found:
        return DoctorLine(
            "native-kernels", "none", "fine", "No operation has a kernel chosen by the GPU's model."
        )
    return DoctorLine(
        "native-kernels", ", ".join(map(str, found)), "fragile",
        "torch takes these kernels where the GPU suits them, so another GPU has other bits.",
        "torch.backends.python_native.disable_operations(...)  # by the names before the brackets",
    )  # fmt: skip


LINES: Final = (
    cublas_workspace, cudnn, cudnn_benchmark, tf32, emulation, reduced_precision, attention, tunable_op,
    native_kernels,
)  # fmt: skip
