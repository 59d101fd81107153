"""The blocks of docs/guides.md, and programs made of them: a block as it is printed, and then questions."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
ENGLISH, CHINESE = ROOT / "docs" / "guides.md", ROOT / "docs" / "guides.zh.md"

_HEADING = re.compile(r"^### (G\d+)\.", re.MULTILINE)
_BLOCK = re.compile(r"^```(\w+)(?: ([\w.-]+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """One block of a page: `row` is "" before the first, `label` the second word after the three ticks."""

    row: str
    language: str
    label: str
    text: str


def blocks(page: Path) -> list[Block]:
    """All blocks of a page, in order."""
    text = page.read_text("utf-8")
    found = []
    for match in _BLOCK.finditer(text):
        headings = _HEADING.findall(text[: match.start()])
        found.append(Block(headings[-1] if headings else "", match[1], match[2] or "", match[3]))
    return found


CODE = {(block.row, block.label): block.text for block in blocks(ENGLISH) if block.language == "python"}
NOISE = CODE["", "noise.py"]

#: What three libraries draw next.
DRAWS = """
import random, numpy, torch
answer["draws"] = [random.random(), float(numpy.random.rand()), torch.rand(()).item()]
"""
FLAGS = """
import torch
cudnn = torch.backends.cudnn
answer["flags"] = [cudnn.deterministic, cudnn.benchmark, cudnn.enabled]
answer["algorithms"] = torch.are_deterministic_algorithms_enabled()
"""
#: Two epochs of a loader: of each the samples in order, of each the numbers of python, numpy and torch.
EPOCHS = """
answer["epochs"] = [[[float(number) for number in sample] for sample in loader] for _ in range(2)]
"""

#: Two devices that note the seeds they are given, in place of torch.cuda.
DEVICES = """
import contextlib, json, struct, types
import torch
seeds, current = {}, [0]

@contextlib.contextmanager
def device(index):
    current[0], before = index, current[0]
    yield
    current[0] = before

def set_rng_state(state, device):
    seed, offset = struct.unpack("<Qq", bytes(state.numpy()))
    assert offset == 0
    seeds[device.index] = seed

torch.cuda.device, torch.cuda.device_count = device, lambda: 2
torch.cuda.manual_seed = lambda seed: seeds.update({current[0]: seed})
torch.cuda.manual_seed_all = lambda seed: seeds.update({0: seed, 1: seed})
torch.accelerator.current_accelerator = lambda *_, **__: torch.device("cuda")
module = types.SimpleNamespace(device_count=lambda: 2, set_rng_state=set_rng_state)
torch.get_device_module = lambda *_: module
"""
SEEDS = """
answer["seeds"] = [seeds[0], seeds[1]]
"""

_SAY = """
import json, os, pathlib
pathlib.Path(f"answer-{os.environ.get('RANK', 0)}.json").write_text(json.dumps(answer))
"""
_LEAVE = """
import time, torch.distributed as dist
if dist.is_initialized():
    dist.barrier()
    dist.destroy_process_group()
    time.sleep(0.5)  # gloo's threads let tensors go, which aborts in a Python that ends: pytorch#179291
"""


class Failed(Exception):
    """A program failed; the text is what it wrote to stderr."""


def run(
    folder: Path,
    row: str,
    label: str,
    *asked: str,
    ranks: int = 0,
    before: str = "",
    command: tuple[str, ...] = (sys.executable,),
    **variables: str,
) -> Any:
    """Run a block, as it is printed, as a program of its own, and ask what `asked` puts into `answer`.

    Returns:
        `answer`, with what was printed as "out" and "err"; with `ranks`, run by torchrun, a list of theirs.

    Raises:
        Failed: the program did not end well.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "noise.py").write_text(NOISE)
    script = folder / "train.py"
    script.write_text("".join([before, CODE[row, label], "\nanswer = {}\n", *asked, _SAY, _LEAVE]))
    torchrun = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(ranks))
    left_out = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "PYTHONHASHSEED")
    done = subprocess.run(
        [*command, *(torchrun if ranks else ()), str(script)],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
        env={k: v for k, v in os.environ.items() if k not in left_out and not k.startswith("SAMEBITS_")}
        | {"OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo"}
        | variables,
        check=False,
    )
    if done.returncode:
        raise Failed(done.stderr)
    answers = [json.loads((folder / f"answer-{rank}.json").read_text()) for rank in range(max(ranks, 1))]
    answers = [answer | {"out": done.stdout, "err": done.stderr} for answer in answers]
    return answers if ranks else answers[0]
