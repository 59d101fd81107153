"""A 64-bit ARM has the same bits: kernels' calls are made again under an emulator, where there is one."""

from __future__ import annotations

import runpy
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
import torch
from tests.arithmetic import recorded
from tests.arithmetic.bits import same_bits
from tests.arithmetic.replaced import replaced

from samebits._runtime import tiered
from samebits.arithmetic import build, table

HERE = Path(__file__).parent
COMPILER = shutil.which("aarch64-linux-gnu-gcc")
EMULATOR = shutil.which("qemu-aarch64-static") or shutil.which("qemu-aarch64")

pytestmark = [
    pytest.mark.skipif(COMPILER is None or EMULATOR is None, reason="no compiler or no emulator of aarch64"),
    pytest.mark.deep,
]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The kernels and the program that calls them, compiled for aarch64."""
    folder = tmp_path_factory.mktemp("aarch64")
    flags = [*tiered.FLAGS, "-O2"]
    objects = []
    for name in ("plain", "neon"):
        made = folder / f"{name}.o"
        tier = [f"-DSB_TIER={name}", f"-DSB_TIER_IS_{name.upper()}"]
        _compile(*flags, *tier, "-c", str(build.NATIVE / "tier.c"), "-o", str(made))
        objects.append(str(made))
    for source in sorted(build.NATIVE.glob("*.c")):
        if source.name != "tier.c":
            made = folder / f"{source.stem}.o"
            _compile(*flags, "-DSB_HAS_NEON", "-c", str(source), "-o", str(made))
            objects.append(str(made))
    _compile("-shared", "-o", str(folder / "kernels.so"), *objects, "-lpthread", "-lm")
    _compile("-O1", "-o", str(folder / "replay"), str(HERE / "replay.c"), "-ldl")
    return folder


def _compile(*words: str) -> None:
    done = subprocess.run([str(COMPILER), *words], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr


def _replayed(built: Path, calls: list[recorded.Call], tier: str) -> Counter[str]:
    recorded.write(calls, built / "calls")
    done = subprocess.run(
        [str(EMULATOR), "-L", "/usr/aarch64-linux-gnu", "./replay", "./kernels.so", tier, "calls", "results"],
        cwd=built, capture_output=True, text=True, timeout=900,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    count: Counter[str] = Counter()
    for call, expected, found in recorded.read(calls, built / "results"):
        for one, other in zip(expected, found, strict=True):
            if one.is_floating_point():
                same_bits(other, one)
        count[call.name] += 1
    return count


@pytest.mark.parametrize("tier", ["neon", "plain"])
@pytest.mark.parametrize("program", ["cnn", "transformer", "lstm"])
def test_a_training_step(built: Path, program: str, tier: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every kernel that one step calls."""
    monkeypatch.syspath_prepend(HERE / "programs")
    monkeypatch.setattr(sys, "argv", [program, "--steps", "1"])
    with torch.random.fork_rng(), replaced(table.rows()), recorded.recorded() as calls:
        runpy.run_path(str(HERE / "programs" / f"{program}.py"), run_name="__main__")
    count = _replayed(built, calls, tier)
    print(dict(count))
    assert count["sb_convolve" if program == "cnn" else "sb_matrices"] > 3
