"""A scope leaves nothing behind: neither something that waits for an import, nor a finder on the path."""

from __future__ import annotations

import subprocess
import sys

import pytest

PROGRAM = """
import sys
import torch
import samebits
from samebits.random import portable

before = list(sys.meta_path)
for _ in range(1500):
    with {mode}:
        pass
assert sys.meta_path == before, sys.meta_path
assert "torch._inductor.compile_fx" not in sys.modules
with {mode}:
    doubled = torch.compile(lambda x: x * 2, backend="aot_eager")(torch.ones(3))
    from torch._inductor import compile_fx

    checked = compile_fx._compile_fx_inner
    try:
        checked()
    except TypeError:
        pass
assert doubled.tolist() == [2.0, 2.0, 2.0]
assert sys.meta_path == before, sys.meta_path
assert compile_fx._compile_fx_inner is not checked
"""


@pytest.mark.parametrize("mode", ["samebits.deterministic()", "portable(0)"])
def test_many_entries_before_the_compiler_is_imported(mode: str) -> None:
    """Each used to wrap the compiler once more when that came, until calling it was a RecursionError."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(mode=mode)], capture_output=True, text=True, timeout=150
    )
    assert done.returncode == 0, done.stderr[-2000:]
