"""`samebits.doctor()`: each trap set on purpose in a process of its own, and the line that tells of it.

A process that imports torch takes two seconds, so each sets several traps.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import pytest

import samebits
from samebits.launch.doctor import collect_here

#: What would tell the doctor of the machine that runs the tests.
_OURS = (
    "PYTHONHASHSEED",
    "OMP_",
    "MKL_",
    "ATEN_",
    "ONEDNN_",
    "DNNL_",
    "CUBLAS_",
    "NCCL_",
    "TORCH",
    "PYTORCH_",
)
_END = "\nimport json, samebits\nprint(json.dumps(samebits.doctor().as_json()))\n"


def lines_of(program: str, **variables: str) -> dict[str, dict[str, Any]]:
    """The doctor's lines at the end of a program, by name."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
    kept["CUDA_VISIBLE_DEVICES"] = ""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program + _END],
        capture_output=True,
        text=True,
        check=False,
        env=kept | variables,
    )
    assert done.returncode == 0, done.stderr
    return {line["name"]: line for line in json.loads(done.stdout)["lines"]}


def verdicts(lines: Mapping[str, Mapping[str, Any]], names: Mapping[str, Any]) -> dict[str, str]:
    return {name: lines[name]["verdict"] for name in names}


def test_nothing_is_set() -> None:
    lines = lines_of("import torch; torch.ones(2) @ torch.ones(2)")
    expected = {
        "hash-seed": "breaks",
        "deterministic-algorithms": "fragile",
        "fill-uninitialized-memory": "fragile",
        "cpu-capability": "fragile",
        "threads": "fragile",
        "mkl-cbwr": "fragile" if lines["mkl-cbwr"]["value"] == "not set" else "fine",
        "onednn-isa": "fragile",
        "cublas-workspace": "fine",
        "cudnn-benchmark": "fine",
        "tf32": "fine",
        "compiled-random": "fine",
        "autotuning": "fine",
        "cpp-wrapper": "fine",
        "nccl-algorithm": "fine",
        "children": "fine",
        "versions": "fine",
    }
    assert verdicts(lines, expected) == expected
    assert lines["hash-seed"]["exports"] == {"PYTHONHASHSEED": "0"}
    assert "as this machine has cores" in lines["threads"]["value"]


def test_all_variables_are_set_before_the_start() -> None:
    lines = lines_of(
        "import torch; torch.ones(2) @ torch.ones(2)",
        PYTHONHASHSEED="5",
        OMP_NUM_THREADS="1",
        ATEN_CPU_CAPABILITY="default",
        MKL_CBWR="COMPATIBLE",
        ONEDNN_MAX_CPU_ISA="SSE41",
        CUBLAS_WORKSPACE_CONFIG=":4096:8",
        NCCL_ALGO="Ring",
        NCCL_PROTO="Simple",
        PYTORCH_TUNABLEOP_ENABLED="1",
        TORCHINDUCTOR_MAX_AUTOTUNE="1",
        TORCHINDUCTOR_CPP_WRAPPER="1",
    )
    expected = {
        "hash-seed": "fine",
        "threads": "fine",
        "cpu-capability": "fine",
        "mkl-cbwr": "fine",
        "onednn-isa": "fine",
        "cublas-workspace": "fine",
        "nccl-algorithm": "fine",
        "tunable-op": "fine",  # there is no GPU
        "autotuning": "breaks",
        "cpp-wrapper": "breaks",
    }
    assert verdicts(lines, expected) == expected
    assert lines["hash-seed"]["value"] == "fixed, 5"
    assert lines["threads"]["value"] == "1, by OMP_NUM_THREADS=1"
    assert lines["cpu-capability"]["value"] == "DEFAULT, by ATEN_CPU_CAPABILITY"
    assert lines["tunable-op"]["value"] == "on"
    assert lines["autotuning"]["exports"] == {"TORCHINDUCTOR_MAX_AUTOTUNE": "0"}
    assert lines["cpp-wrapper"]["exports"] == {"TORCHINDUCTOR_CPP_WRAPPER": "0"}


LATE = """
import os
import torch
torch.ones(2) @ torch.ones(2)
os.environ.update(
    PYTHONHASHSEED="7", OMP_NUM_THREADS="7", ATEN_CPU_CAPABILITY="default", MKL_CBWR="COMPATIBLE",
    ONEDNN_MAX_CPU_ISA="SSE41", CUBLAS_WORKSPACE_CONFIG=":4096:8", NCCL_ALGO="Ring", NVIDIA_TF32_OVERRIDE="0",
)
"""


def test_all_variables_are_set_too_late() -> None:
    lines = lines_of(LATE)
    expected = {
        "hash-seed": "breaks",
        "threads": "breaks",
        "cpu-capability": "breaks",
        "mkl-cbwr": "breaks" if "COMPATIBLE" in lines["mkl-cbwr"]["value"] else "fine",
        "onednn-isa": "fragile",
        "cublas-workspace": "fragile",
        "nccl-algorithm": "fragile",
        "tf32": "fragile",
    }
    assert verdicts(lines, expected) == expected
    assert "no effect" in lines["hash-seed"]["why"]
    assert "OMP_NUM_THREADS=7" in lines["threads"]["why"]
    assert "set too late" in lines["cpu-capability"]["why"]
    assert lines["cpu-capability"]["exports"] == {"ATEN_CPU_CAPABILITY": "default"}
    assert "set after the start" in lines["cublas-workspace"]["value"]


SWITCHES = """
import torch, numpy, random
import torch._inductor.config as inductor
numpy.random.seed(1); random.seed(1); torch.manual_seed(1)
torch.set_num_threads(3)
torch.backends.cuda.matmul.allow_tf32 = True
torch.backends.cudnn.benchmark = True
torch.backends.fp32_precision = "tf32"  # the old interface raises from here on
torch.use_deterministic_algorithms(True, warn_only=True)
torch.utils.deterministic.fill_uninitialized_memory = False
torch.backends.mkldnn.deterministic = True
torch.backends.cuda.enable_flash_sdp(False)
inductor.coordinate_descent_tuning = True
inductor.cpp_wrapper = True
inductor.deterministic = False
"""


def test_switches() -> None:
    lines = lines_of(SWITCHES, TORCHINDUCTOR_MAX_AUTOTUNE="1", PYTHONHASHSEED="0")
    expected = {
        "hash-seed": "fine",
        "numpy-generator": "fine",
        "torch-generator": "fine",
        "python-generator": "fragile",
        "threads": "fine",
        "deterministic-algorithms": "fragile",
        "fill-uninitialized-memory": "fragile",
        "onednn-deterministic": "fine",
        "cpu-precision": "fragile",
        "cudnn-benchmark": "fine",  # there is no GPU
        "tf32": "fine",
        "compiled-random": "fragile",
        "autotuning": "breaks",
        "cpp-wrapper": "breaks",
    }
    assert verdicts(lines, expected) == expected
    assert lines["deterministic-algorithms"]["value"] == "on, warn_only"
    assert lines["fill-uninitialized-memory"]["value"] == "off"
    assert lines["autotuning"]["value"] == "max_autotune, coordinate_descent_tuning"
    assert lines["tf32"]["value"] == "on for matmul, conv, rnn"
    assert lines["attention"]["value"] == "mem_efficient, math, cudnn"
    assert lines["cudnn-benchmark"]["value"] == "on"
    assert lines["cudnn-benchmark"]["why"].startswith("Not in force")
    assert lines["torch-generator"]["value"] == "seeded with 1"


MENDED = """
import os, torch, samebits, numpy
import torch._inductor.config as inductor
numpy.random.rand()
samebits.deterministic(threads=1, full_precision=True)
inductor.fallback_random = True
inductor.max_autotune = True
del os.environ["PYTHONHASHSEED"]
os.environ["SAMEBITS_PLAN"] = "{}"
os.environ["PYTHONPATH"] = ""
"""


def test_what_mends_it() -> None:
    """And the observer asked for in Python, a compiler that is not there, and children that are cut off."""
    lines = lines_of(
        MENDED, PYTHONHASHSEED="3", SAMEBITS_OBSERVER="python", CXX="/nowhere", OMP_DYNAMIC="true"
    )
    expected = {
        "hash-seed": "fragile",
        "numpy-generator": "fragile",
        "deterministic-algorithms": "fine",
        "fill-uninitialized-memory": "fine",
        "onednn-deterministic": "fine",
        "cpu-precision": "fine",
        "tf32": "fine",
        "compiled-random": "fine",
        "autotuning": "fine",  # inductor's deterministic mode measures nothing
        "children": "breaks",
        "threads": "breaks",
        "compiler": "fragile",
        "observer": "fragile",
    }
    assert verdicts(lines, expected) == expected
    assert lines["hash-seed"]["value"].startswith("fixed, 3; ")
    assert lines["numpy-generator"]["value"] == "not known"
    assert "PYTHONPATH" in lines["children"]["why"]
    assert lines["threads"]["exports"] == {"OMP_DYNAMIC": "false", "OMP_NUM_THREADS": "1"}


SEVERAL = """
import json, os, random, sys, types
sys.modules["torch"] = types.ModuleType("torch")  # a stand-in
import samebits
from samebits.launch.doctor import collect_here
samebits.doctor()
del sys.modules["torch"]
os.environ["OMP_NUM_THREADS"] = "1"  # before torch is loaded
import torch, numpy as np
told = {}
def note(name):
    line = {line.name: line for line in samebits.doctor().lines}
    told[name] = [line[f"{one}-generator"].verdict for one in ("python", "numpy", "torch")]
np.random.seed(3); note("a number"); np.random.rand(); note("drawn")
np.random.seed(); note("entropy")
np.random.set_state(np.random.RandomState().get_state()); note("a state of entropy")
samebits.seed_everything(0)
states = random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist()
note("samebits")
assert states == (random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist())
[random.random() for _ in range(5000)]; np.random.rand(5000); torch.rand(5000); note("drawn since")
random.seed(); np.random.seed(); torch.seed(); note("entropy since")
os.environ["OMP_DYNAMIC"] = "true"  # too late
samebits.deterministic(except_=["grid_sample"])
lines = samebits.doctor()
told["threads"] = [lines["threads"].verdict, lines["threads"].value]
told["mode"] = lines["deterministic-algorithms"].value
print("TOLD", json.dumps(told))
"""


def test_generators_threads_and_the_mode_in_one_process() -> None:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
    done = subprocess.run([sys.executable, "-c", SEVERAL], capture_output=True, text=True, env=kept)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.partition("TOLD")[2])
    unknown = ["fragile"] * 3
    assert told == {
        "a number": ["fragile", "fine", "fragile"],
        "drawn": unknown,
        "entropy": unknown,
        "a state of entropy": unknown,
        "samebits": ["fine"] * 3,
        "drawn since": ["fine"] * 3,
        "entropy since": unknown,
        "threads": ["fine", "1, by OMP_NUM_THREADS=1"],
        "mode": "on, by samebits.deterministic(), except grid_sample",
    }


def test_what_mkl_and_openmp_say() -> None:
    """And what they ignore."""
    lines = lines_of(
        "import torch", MKL_CBWR="compatible", OMP_THREAD_LIMIT="1", OMP_DYNAMIC="1", ONEDNN_MAX_CPU_ISA="no"
    )
    assert lines["onednn-isa"]["verdict"] == "breaks"
    if lines["mkl-cbwr"]["value"] != "no MKL":
        assert (lines["mkl-cbwr"]["verdict"], lines["mkl-cbwr"]["value"]) == (
            "breaks",
            "AUTO, not compatible",
        )
    assert not lines["threads"]["value"].endswith("OMP_DYNAMIC")
    if "as this machine has cores" not in lines["threads"]["value"]:  # it has one
        assert lines["threads"]["value"] == "1, by OMP_THREAD_LIMIT"


def test_without_torch() -> None:
    program = "import sys; sys.modules['torch'] = None; del sys.modules['torch']"
    lines = lines_of(program)
    assert "hash-seed" in lines
    assert not {"threads", "tf32", "autotuning", "versions"} & set(lines)


def test_nothing_is_changed() -> None:
    import torch

    samebits.doctor()  # what is loaded once
    before = random.getstate(), torch.get_rng_state(), dict(os.environ), set(sys.modules)
    found = samebits.doctor()
    assert random.getstate() == before[0]
    assert torch.equal(torch.get_rng_state(), before[1])
    assert (dict(os.environ), set(sys.modules)) == before[2:]
    assert not torch.cuda.is_initialized()
    assert str(found).startswith(f"{found.verdict}: ")
    assert "hash-seed" in found._repr_html_()


def test_what_only_the_doctor_asks_for_is_in_no_record() -> None:
    from samebits.manifest import collect

    assert not {"generators", "tools", "attached", "packages", "mode"} & set(collect())
    assert {"generators", "tools", "attached", "packages", "mode"} <= set(collect_here())


@pytest.mark.slow
def test_under_samebits_run() -> None:
    program = "import torch, numpy, json, samebits; print(json.dumps(samebits.doctor().as_json()))"
    done = subprocess.run(
        [sys.executable, "-m", "samebits", "run", "--seed", "4", "--", sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
    )
    lines = {line["name"]: line for line in json.loads(done.stdout)["lines"]}
    expected = {
        "hash-seed": "fine",
        "children": "fine",
        "python-generator": "fine",
        "numpy-generator": "fine",
        "torch-generator": "fine",
        "deterministic-algorithms": "fine",
    }
    assert verdicts(lines, expected) == expected
    assert lines["children"]["value"] == "attached to samebits run"
