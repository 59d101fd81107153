"""The manifest: what it holds, that it changes nothing, and that no secret is in it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samebits.manifest import collect, collect_static, redacted, variables
from samebits.manifest.collect import _parallel
from samebits.manifest.secrets import LEFT_OUT, redact, secret_name, secret_value


def in_fresh_process(program: str, **environ: str) -> Any:
    """What the program prints, read as JSON."""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env=os.environ | environ
    )
    return json.loads(done.stdout)


def test_static_part_needs_no_torch() -> None:
    program = (
        "import sys; sys.modules['torch'] = None\n"
        "import json; from samebits.manifest import collect_static; print(json.dumps(collect_static()))"
    )
    manifest = in_fresh_process(program, PYTHONHASHSEED="5", OMP_NUM_THREADS="1", HF_TOKEN="hf_" + "a1" * 20)
    assert manifest["python"] == sys.version.split()[0]
    assert manifest["variables"] | {"PYTHONHASHSEED": "5", "OMP_NUM_THREADS": "1"} == manifest["variables"]
    assert manifest["machine"]["cores"] == len(os.sched_getaffinity(0))
    assert "torch" not in manifest
    assert "hf_" not in json.dumps(manifest)


def test_torch_part() -> None:
    import torch

    manifest = collect()
    assert json.loads(json.dumps(manifest)) == manifest
    assert manifest["libraries"]["torch"] == torch.__version__
    assert manifest["torch"]["capability"] == torch.backends.cpu.get_cpu_capability()
    assert manifest["torch"]["threads"] == torch.get_num_threads()
    assert manifest["flags"]["deterministic_algorithms"] is False
    assert manifest["flags"]["default_dtype"] == "torch.float32"
    assert manifest["flags"]["backends.cudnn.benchmark"] is False


@pytest.mark.slow
def test_collecting_changes_nothing() -> None:
    program = """
import json, sys, threading, random, warnings
import torch
modules = set(sys.modules)
from samebits.manifest import collect
ours = {name for name in set(sys.modules) - modules}
state = torch.get_rng_state(), random.getstate()
filters = list(warnings.filters)
loaded = set(sys.modules)
collect()
answer = {
    "imported": sorted(set(sys.modules) - loaded),
    "torch state": bool((torch.get_rng_state() == state[0]).all()),
    "python state": random.getstate() == state[1],
    "filters": warnings.filters == filters,
    "threads": len(threading.enumerate()),
    "cuda": torch.cuda.is_initialized(),
}
torch.set_num_interop_threads(3)  # refused once the pool exists
torch.set_num_threads(1)
answer["pools"] = [torch.get_num_interop_threads(), torch.get_num_threads()]
print(json.dumps(answer))
"""
    assert in_fresh_process(program) == {
        "imported": [],
        "torch state": True,
        "python state": True,
        "filters": True,
        "threads": 1,
        "cuda": False,
        "pools": [3, 1],
    }


def test_collecting_starts_no_process_and_loads_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """It happens in the observed process, while the program waits."""
    started: list[Any] = []
    collect()
    loaded = set(sys.modules)
    monkeypatch.setattr(subprocess, "Popen", started.append)
    for name in ("fork", "posix_spawn", "system"):
        monkeypatch.setattr(os, name, started.append)
    collect()
    assert (started, set(sys.modules)) == ([], loaded)


def test_new_tf32_switches_do_not_stop_it() -> None:
    """After `fp32_precision` was set, torch raises when the old switch is asked."""
    import torch

    before = torch.backends.cuda.matmul.fp32_precision
    try:
        torch.backends.cuda.matmul.fp32_precision = "tf32"
        assert collect()["flags"]["backends.cuda.matmul.fp32_precision"] == "tf32"
    finally:
        torch.backends.cuda.matmul.fp32_precision = before


def test_parallel_rows() -> None:
    text = "\tat::get_num_threads() : 2\n\tomp_get_max_threads() : 1\nATen parallel backend: TBB\n"
    assert _parallel(text) == {"omp_get_max_threads()": "1", "backend": "TBB"}


def test_cwd_that_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone() -> str:
        raise FileNotFoundError

    monkeypatch.setattr("os.getcwd", gone)
    assert collect_static()["cwd"] is None
    monkeypatch.undo()


@pytest.mark.parametrize(
    "name",
    [
        "OMP_NUM_THREADS",
        "MKL_CBWR",
        "ATEN_CPU_CAPABILITY",
        "ONEDNN_MAX_CPU_ISA",
        "DNNL_MAX_CPU_ISA",
        "PYTHONHASHSEED",
        "CUBLAS_WORKSPACE_CONFIG",
        "CUDA_VISIBLE_DEVICES",
        "NCCL_ALGO",
        "PYTORCH_CUDA_ALLOC_CONF",
        "RANK",
        "WORLD_SIZE",
        "LOCAL_RANK",
        "TORCH_ALLOW_TF32_CUBLAS_OVERRIDE",
        "TORCHINDUCTOR_FREEZING",
    ],
)
def test_allowed_variables(name: str) -> None:
    assert variables({name: "1"}) == {name: "1"}


@pytest.mark.parametrize(
    "name",
    [
        "PATH",
        "HOME",
        "AWS_SECRET_ACCESS_KEY",
        "WANDB_API_KEY",
        "HF_TOKEN",
        "MASTER_ADDR",
        "MASTER_PORT",
        "OMPI_X",
        "TORCHELASTIC_RUN_ID",
        "TORCHELASTIC_ERROR_FILE",
        "TORCH_HOME",
        "NCCL_DEBUG_FILE",
        "PYTORCH_TOKEN",
        "TORCH_API_KEY",
        "SAMEBITS_ANYTHING",
    ],
)
def test_other_variables(name: str) -> None:
    assert variables({name: "1"}) == {}


SECRETS = [
    "ghp_" + "a1B2" * 9,
    "sk-" + "a1B2" * 8,
    "hf_" + "aB1c" * 9,
    "AKIA" + "ABCD1234EFGH5678",
    "https://user:hunter22@example.org/x",
    "-----BEGIN RSA PRIVATE KEY-----",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.abc",
    "Bearer abcdefghijklmnop1234",
    "0123456789abcdef" * 4,
]


@pytest.mark.parametrize("value", SECRETS)
def test_secret_values_are_dropped(value: str) -> None:
    assert secret_value(value)
    assert variables({"NCCL_ALGO": value}) == {}
    assert redacted(["train.py", value]) == ["train.py", LEFT_OUT]
    assert value not in redact(f"+KEY = {value}\n+x = 1")


@pytest.mark.parametrize(
    "value",
    [
        "2",
        ":4096:8",
        "expandable_segments:True",
        "ring,tree",
        "AVX512_CORE_AMX",
        "granularity=fine,compact,1,0",
        "/data/imagenet/train/2012/all",
        "resnet50-pretrained-on-imagenet",
        "self.encoder.layers.0.attention.weight",
    ],
)
def test_ordinary_values_are_kept(value: str) -> None:
    assert not secret_value(value)


@pytest.mark.parametrize(
    "name", ["token", "api-key", "HF_TOKEN", "api_key", "password", "db.password", "AUTH"]
)
def test_secret_names(name: str) -> None:
    assert secret_name(name)


@pytest.mark.parametrize("name", ["tokenizer", "num_tokens", "key", "author", "keyboard", "max-tokens", "lr"])
def test_ordinary_names(name: str) -> None:
    assert not secret_name(name)


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        (["t.py", "--api-key", "abc", "--lr", "1"], ["t.py", "--api-key", LEFT_OUT, "--lr", "1"]),
        (["t.py", "--token=abc"], ["t.py", f"--token={LEFT_OUT}"]),
        (["t.py", "HF_TOKEN=abc"], ["t.py", f"HF_TOKEN={LEFT_OUT}"]),
        (["t.py", "--token", "--lr", "1"], ["t.py", "--token", "--lr", "1"]),
        (["t.py", "--tokenizer", "bpe", "--data=/x=y"], ["t.py", "--tokenizer", "bpe", "--data=/x=y"]),
        ([], []),
    ],
)
def test_redacted_command_lines(argv: list[str], expected: list[str]) -> None:
    assert redacted(argv) == expected


def test_secret_lines_of_a_diff() -> None:
    text = '+api_key = "abcdefgh"\n-lr = 0.1\n+tokens = "a b c d e f"\n+client(token="abcdefgh")'
    left = f'+api_key = "{LEFT_OUT}"\n-lr = 0.1\n+tokens = "a b c d e f"\n+client(token="{LEFT_OUT}")'
    assert redact(text) == left


@given(st.lists(st.text()))
def test_redacting_keeps_the_number_of_words(argv: list[str]) -> None:
    assert len(redacted(argv)) == len(argv)


def test_variables_that_were_changed_after_the_start() -> None:
    program = """
import os, json
del os.environ["OMP_NUM_THREADS"]
os.environ.update(MKL_CBWR="COMPATIBLE", NCCL_ALGO="Ring", HF_TOKEN="x", NCCL_PROTO="hf_" + "a1" * 20)
from samebits.manifest import collect_static
print(json.dumps(collect_static()["started"]))
"""
    found = in_fresh_process(program, OMP_NUM_THREADS="1", NCCL_ALGO="Tree", MKL_CBWR="COMPATIBLE")
    assert found == {"OMP_NUM_THREADS": "1", "NCCL_ALGO": "Tree"}
    assert (
        in_fresh_process("import json, samebits.manifest.started as s; print(json.dumps(s.started()))") == {}
    )


def test_a_process_whose_start_cannot_be_looked_at(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "environ"
    for text in (b"python: training, step 7\0\0\0", b""):  # a title; another user's process
        file.write_bytes(text)
        monkeypatch.setattr("samebits.manifest.started._FILE", str(file))
        assert "started" not in collect_static()
    monkeypatch.setattr("samebits.manifest.started._FILE", str(tmp_path / "none"))
    assert "started" not in collect_static()
