"""The judgement alone, on manifests made by hand: a GPU that this machine has not, ranks, other versions."""

from __future__ import annotations

import shlex
import subprocess
from typing import Any

import pytest

from samebits.manifest import collect, collect_static
from samebits.manifest.doctor import judged
from samebits.manifest.lines import LINES
from samebits.manifest.lines.line import DoctorLine

GPU: dict[str, Any] = {
    "python": "3.11.7",
    "hash": {"randomized": False},
    "machine": {"cores": 8, "cpu": "Intel(R) Xeon(R)"},
    "variables": {"PYTHONHASHSEED": "0"},
    "started": {},
    "libraries": {"torch": "2.13.0+cu128", "torchvision": "0.28.0+cu128"},
    "torch": {"cuda": "12.8", "hip": None, "threads": 8, "capability": "AVX512", "mkl": True, "mkldnn": True},
    "flags": {},
    "accelerators": [{"name": "H200", "memory": 1}],
}


def lines(**changes: Any) -> dict[str, DoctorLine]:
    """The lines of a manifest with a GPU; a section that is given is added to the one there."""
    manifest = {
        name: {**value, **changes.get(name, {})} if isinstance(value, dict) else changes.get(name, value)
        for name, value in (GPU | {name: {} for name in changes.keys() - GPU.keys()}).items()
    }
    return {line.name: line for line in judged(manifest).lines}


FLAG = "backends.cuda.matmul."
BF16 = ["sse4_1", "avx", "avx2", "avx512f", "avx512bw", "avx512vl", "avx512dq", "avx512_vnni", "avx512_bf16"]
WITH_MODE: dict[str, Any] = {
    "flags": {"deterministic_algorithms": True},
    "mode": {"level": "strict", "except": []},
}
EXCEPT = {"level": "warn", "except": ["grid_sample"]}
SEEDED = {
    "controlled": False,
    "torch": 2**60,
    "numpy": "moved",
    "samebits": {"seed": "7", "python": True, "numpy": False, "torch": True},
}


@pytest.mark.parametrize(
    ("name", "changes", "verdict"),
    [
        ("cublas-workspace", {}, "breaks"),
        ("cublas-workspace", {"variables": {"CUBLAS_WORKSPACE_CONFIG": ":4096:8"}}, "fine"),
        ("cublas-workspace", {"variables": {"CUBLAS_WORKSPACE_CONFIG": ":0:0"}}, "breaks"),
        (
            "cublas-workspace",
            {
                "variables": {"CUBLAS_WORKSPACE_CONFIG": ":16:8"},
                "started": {"CUBLAS_WORKSPACE_CONFIG": None},
            },
            "fragile",
        ),
        (
            "cublas-workspace",  # CUDA has not started
            {
                "variables": {"CUBLAS_WORKSPACE_CONFIG": ":16:8"},
                "started": {"CUBLAS_WORKSPACE_CONFIG": None},
                "accelerators": [{"name": "H200"}],
            },
            "fine",
        ),
        (
            "cublas-workspace",  # the mode has looked whether it came in time
            {
                "variables": {"CUBLAS_WORKSPACE_CONFIG": ":4096:8"},
                "started": {"CUBLAS_WORKSPACE_CONFIG": None},
                "mode": {"level": "strict"},
            },
            "fine",
        ),
        ("deterministic-algorithms", {}, "breaks"),
        ("deterministic-algorithms", {"flags": {"deterministic_algorithms": True}}, "fine"),
        (
            "deterministic-algorithms",
            {"flags": {"deterministic_algorithms": True, "deterministic_warn_only": True}},
            "breaks",
        ),
        ("cudnn-deterministic", {}, "breaks"),
        ("cudnn-deterministic", {"flags": {"backends.cudnn.deterministic": True}}, "fine"),
        ("cudnn-deterministic", {"flags": {"backends.cudnn.enabled": False}}, "fine"),
        ("cudnn-benchmark", {}, "fine"),
        ("cudnn-benchmark", {"flags": {"backends.cudnn.benchmark": True}}, "breaks"),
        ("tf32", {}, "fragile"),  # torch's default for convolutions
        ("tf32", {"variables": {"NVIDIA_TF32_OVERRIDE": "0"}}, "fine"),
        (
            "tf32",
            {
                "flags": {
                    "backends.cudnn.conv.fp32_precision": "ieee",
                    "backends.cudnn.rnn.fp32_precision": "ieee",
                }
            },
            "fine",
        ),
        ("bf16x9", {}, "fine"),
        ("bf16x9", {"variables": {"CUBLAS_EMULATE_SINGLE_PRECISION": "1"}}, "fragile"),
        ("reduced-precision", {}, "fragile"),
        ("attention", {}, "breaks"),
        ("attention", {"flags": {"deterministic_algorithms": True}}, "fine"),
        (
            "attention",
            {"flags": {f"backends.cuda.{n}_sdp_enabled": False for n in ("flash", "mem_efficient", "cudnn")}},
            "fine",
        ),
        ("tunable-op", {"variables": {"PYTORCH_TUNABLEOP_ENABLED": "1"}}, "breaks"),
        ("tunable-op", {}, "fine"),
        ("tunable-op", {"flags": {"cuda.tunable": True}}, "breaks"),
        ("native-kernels", {"torch": {"native_kernels": ["_foreach_mm (native)"]}}, "fragile"),
        ("native-kernels", {}, "fine"),
        ("nccl-algorithm", {}, "fine"),  # one rank
        ("nccl-algorithm", {"variables": {"WORLD_SIZE": "8"}}, "fragile"),
        (
            "nccl-algorithm",
            {"variables": {"WORLD_SIZE": "8", "NCCL_ALGO": "Ring", "NCCL_PROTO": "Simple"}},
            "fine",
        ),
        ("nccl-nvls", {"variables": {"WORLD_SIZE": "8"}}, "fragile"),
        ("nccl-nvls", {"variables": {"WORLD_SIZE": "8", "NCCL_NVLS_ENABLE": "0"}}, "fine"),
        ("nccl-backend", {"variables": {"WORLD_SIZE": "8"}}, "fragile"),
        ("nccl-backend", {"variables": {"WORLD_SIZE": "8", "TORCH_DIST_USE_NCCL2": "0"}}, "fine"),
        ("versions", {}, "fine"),
        ("versions", {"libraries": {"torchvision": "0.27.0+cu128"}}, "fragile"),
        ("versions", {"libraries": {"torchvision": "0.28.0+cpu"}}, "fragile"),
        ("hash-seed", {"hash": {"randomized": True}, "variables": {"PYTHONHASHSEED": "5"}}, "fine"),
        (
            "hash-seed",  # python -I
            {
                "hash": {"randomized": True, "environment_ignored": True},
                "variables": {"PYTHONHASHSEED": "5"},
            },
            "breaks",
        ),
        ("hash-seed", {"hash": {"randomized": True}, "variables": {"PYTHONHASHSEED": "random"}}, "breaks"),
        ("cpu-capability", {"variables": {"ATEN_CPU_CAPABILITY": "avx2"}}, "breaks"),  # not what is in force
        ("mkl-cbwr", {"variables": {"MKL_CBWR": "AUTO"}}, "fragile"),
        ("mkl-cbwr", {"torch": {"mkl": False}}, "fine"),
        ("mkl-cbwr", {"variables": {"MKL_CBWR": "AVX2"}}, "fine"),  # MKL was not asked
        ("mkl-cbwr", {"variables": {"MKL_CBWR": "AVX2,STRICT"}}, "fine"),
        ("mkl-cbwr", {"variables": {"MKL_CBWR": "compatible"}}, "breaks"),
        ("mkl-cbwr", {"variables": {"MKL_CBWR": "AVX2"}, "machine": {"cpu": "AMD EPYC"}}, "breaks"),
        ("mkl-cbwr", {"variables": {"MKL_CBWR": "COMPATIBLE"}, "machine": {"cpu": "AMD EPYC"}}, "fine"),
        ("mkl-cbwr", {"variables": {"MKL_CBWR": "AVX512"}, "torch": {"cbwr": "AUTO"}}, "breaks"),
        ("mkl-cbwr", {"variables": {"MKL_CBWR": "AVX512"}, "torch": {"cbwr": "AVX512"}}, "fine"),
        ("onednn-isa", {"variables": {"ONEDNN_MAX_CPU_ISA": "nonsense"}}, "breaks"),
        ("onednn-isa", {"variables": {"ONEDNN_MAX_CPU_ISA": "avx2"}}, "fine"),
        (
            "onednn-isa",
            {"variables": {"DNNL_MAX_CPU_ISA": "AVX512_CORE_AMX"}, "processor": {"flags": BF16}},
            "fragile",
        ),
        (
            "onednn-isa",
            {"variables": {"ONEDNN_MAX_CPU_ISA": "AVX512_CORE_BF16"}, "processor": {"flags": BF16}},
            "fine",
        ),
        ("onednn-isa", {"flags": {"backends.mkldnn.enabled": False}}, "fine"),
        ("onednn-deterministic", {"flags": {"backends.mkldnn.enabled": False}}, "fine"),
        ("cpu-precision", {"variables": {"ONEDNN_DEFAULT_FPMATH_MODE": "junk"}}, "breaks"),
        ("deterministic-algorithms", WITH_MODE, "fine"),
        ("deterministic-algorithms", WITH_MODE | {"mode": EXCEPT}, "fragile"),
        ("threads", {"variables": {"OMP_NUM_THREADS": "8"}}, "fine"),
        ("threads", {"variables": {"OMP_NUM_THREADS": " 8 "}}, "fine"),
        ("threads", {"variables": {"OMP_NUM_THREADS": "8,2"}}, "fine"),
        ("threads", {"variables": {"OMP_NUM_THREADS": "9"}}, "breaks"),
        ("threads", {"variables": {"OMP_NUM_THREADS": "4"}, "started": {"OMP_NUM_THREADS": None}}, "breaks"),
        ("threads", {"variables": {"OMP_NUM_THREADS": "4"}}, "fine"),  # the program has set eight
        ("threads", {"variables": {"OMP_NUM_THREADS": "abc"}}, "breaks"),
        ("threads", {"variables": {"OMP_NUM_THREADS": "0"}}, "breaks"),
        ("threads", {"variables": {"MKL_NUM_THREADS": "-3"}}, "breaks"),
        ("threads", {"variables": {"OMP_THREAD_LIMIT": "1"}, "torch": {"thread_limit": 1}}, "fine"),
        ("threads", {"variables": {"OMP_NUM_THREADS": "8"}, "torch": {"thread_limit": 1}}, "breaks"),
        ("threads", {"torch": {"omp_dynamic": True}}, "breaks"),
        ("threads", {"torch": {"omp_dynamic": False}, "variables": {"OMP_DYNAMIC": "true"}}, "fragile"),
        ("threads", {"variables": {"OMP_DYNAMIC": "TRUE"}}, "breaks"),  # OpenMP was not asked
        ("threads", {"variables": {"OMP_DYNAMIC": "1"}}, "fragile"),
        ("python-generator", {"generators": {"controlled": False}}, "fragile"),
        ("python-generator", {"generators": SEEDED}, "fine"),
        ("numpy-generator", {"generators": SEEDED}, "fragile"),
        ("torch-generator", {"generators": SEEDED}, "fine"),
        ("numpy-generator", {"generators": {"controlled": False, "numpy": "seeded with 1"}}, "fine"),
        ("numpy-generator", {"generators": {"controlled": False, "numpy": "moved"}}, "fragile"),
        ("cpu-precision", {"variables": {"ONEDNN_DEFAULT_FPMATH_MODE": "BF16"}}, "fragile"),
        ("threads", {"torch": {"threads": 3}}, "fine"),
        ("threads", {"torch": {"threads": 4}}, "fine"),
        ("threads", {"torch": {"threads": 4}, "processor": {"smt": True}}, "fragile"),
    ],
)
def test_a_line(name: str, changes: dict[str, Any], verdict: str) -> None:
    line = lines(**changes)[name]
    assert line.verdict == verdict, line
    assert (line.verdict == "fine") == (not line.mend and not line.exports), line
    assert line.why.endswith((".", ":"))


def test_a_hidden_gpu_is_none() -> None:
    assert "no GPU here" in lines(variables={"CUDA_VISIBLE_DEVICES": ""})["attention"].why
    assert "built without" in lines(torch={"cuda": None})["attention"].why


def test_what_pins_the_cpu_is_what_is_in_force() -> None:
    found = lines()
    assert found["cpu-capability"].exports == {"ATEN_CPU_CAPABILITY": "avx512"}
    assert found["mkl-cbwr"].exports == {"MKL_CBWR": "AVX512"}
    assert found["onednn-isa"].exports == {}  # what instructions the processor has is not known
    assert found["onednn-isa"].mend
    other = lines(machine={"cpu": "AMD EPYC"}, torch={"capability": "DEFAULT"})
    assert other["mkl-cbwr"].exports == {"MKL_CBWR": "COMPATIBLE"}


@pytest.mark.parametrize(
    ("flags", "name"),
    [
        (BF16, "AVX512_CORE_BF16"),
        (BF16[:-1], "AVX512_CORE_VNNI"),
        ([*BF16, "avx_vnni", "vp2intersect"], "AVX512_CORE_BF16"),
        (["sse4_1", "avx", "avx2", "avx_vnni"], "AVX2_VNNI"),
        (["sse4_1"], "SSE41"),
        ([*BF16, "avx512_fp16", "amx_tile", "amx_int8", "amx_bf16"], "AVX512_CORE_AMX"),
        ([*BF16, "avx10_2"], None),  # newer than what is known here
        ([*BF16, "amx_tf32"], None),
        ([], None),
    ],
)
def test_onednn_is_pinned_at_what_it_chose(flags: list[str], name: str | None) -> None:
    line = lines(processor={"flags": flags})["onednn-isa"]
    assert line.exports == ({} if name is None else {"ONEDNN_MAX_CPU_ISA": name})


def test_what_is_not_in_force_is_named() -> None:
    found = lines(**(WITH_MODE | {"mode": EXCEPT}))["deterministic-algorithms"]
    assert "grid_sample" in found.value
    assert "grid_sample" in found.why
    amd = lines(variables={"MKL_CBWR": "AVX2"}, machine={"cpu": "AMD"}, torch={"cbwr": "AUTO"})["mkl-cbwr"]
    assert "Intel's processors alone" in amd.why
    assert amd.exports == {"MKL_CBWR": "COMPATIBLE"}
    late = lines(variables={"PYTHONHASHSEED": "9"}, started={"PYTHONHASHSEED": "0"})["hash-seed"]
    assert (late.verdict, late.value.split(";")[0]) == ("fine", "fixed, 0")
    assert "Pythons it starts have 9" in late.value
    gone = lines(variables={"PYTHONHASHSEED": None}, started={"PYTHONHASHSEED": "0"})["hash-seed"]
    assert (gone.verdict, gone.exports) == ("fragile", {})
    dynamic = lines(torch={"omp_dynamic": True})["threads"]
    assert dynamic.exports == {"OMP_DYNAMIC": "false", "OMP_NUM_THREADS": "8"}
    assert "seed_everything(7)" in lines(generators=SEEDED)["numpy-generator"].why


def test_the_variables_it_gives_are_fine() -> None:
    """What `--fix-env` prints, put into a manifest, leaves nothing that a variable mends."""
    changed = dict(GPU, variables=GPU["variables"] | {"WORLD_SIZE": "8", "NVIDIA_TF32_OVERRIDE": "1"})
    exports = judged(changed).exports()
    assert {"CUBLAS_WORKSPACE_CONFIG", "OMP_NUM_THREADS", "NCCL_ALGO", "NVIDIA_TF32_OVERRIDE"} <= set(exports)
    after = judged(dict(changed, variables=changed["variables"] | exports))
    assert after.exports() == {}


def test_the_shell_reads_it() -> None:
    line = DoctorLine("x", "y", "breaks", "z.", "", {"A": "it's $HOME", "B": ":4096:8"})
    found = judged({})
    text = type(found)((line,), {}).shell()
    said = subprocess.run(
        ["sh", "-c", f'{text}printf "%s|%s" "$A" "$B"'], capture_output=True, text=True, check=True
    )
    assert said.stdout == "it's $HOME|:4096:8"
    assert text.splitlines()[1] == f"export B={shlex.quote(':4096:8')}"


def test_a_record_of_any_age_is_judged() -> None:
    """Of what is not there, nothing is said."""
    import torch  # noqa: F401

    assert judged({}).lines == ()
    assert judged({"torch": "nonsense", "flags": None, "variables": []}).lines == ()
    assert {line.name for line in judged(collect_static()).lines} <= {"hash-seed", "versions"}
    names = [line.name for line in judged(collect()).lines]
    assert len(names) == len(set(names))
    assert {"threads", "tf32", "nccl-algorithm"} <= set(names)
    assert len(LINES) >= 30


def test_the_worst_line_is_the_verdict() -> None:
    found = judged(GPU)
    assert (found.verdict, found.exit_status) == ("breaks", 1)
    assert f"of {len(found.lines)} lines break, " in found.headline
    assert found["tf32"].verdict == "fragile"
    only = type(found)((found["tf32"],), {})
    assert (only.verdict, only.exit_status, only.headline) == ("fragile", 0, "1 of 1 lines is fragile")
    fine = type(found)((found["cudnn-benchmark"],), {})
    assert (fine.verdict, fine.exit_status, fine.headline) == ("fine", 0, "all 1 lines are fine")
