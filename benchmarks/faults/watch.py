"""Run one script plainly and count how different what it trains on is; no product is involved.

Usage: watch.py COUNTS.json SCRIPT [ARGS...].  Counted are the batches of loaders, the rows of the tensors
given to the outermost modules, and the elements of these modules' weights at the end: how many there were,
and how many of them were distinct.  A fix that makes 96 pictures one shows in the second number.
"""

from __future__ import annotations

import atexit
import json
import os
import runpy
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch.nn.modules import module as modules
from torch.utils.data import dataloader

KINDS = ("batches", "rows", "weights")
totals = dict.fromkeys(KINDS, 0)
distinct: dict[str, set[int]] = {kind: set() for kind in KINDS}
outermost: dict[int, torch.nn.Module] = {}
depth = 0


def tensors(value: Any) -> Iterator[torch.Tensor]:
    """The tensors in a batch or in arguments."""
    if isinstance(value, torch.Tensor):
        yield value.detach().cpu().contiguous()
    elif isinstance(value, dict):
        yield from tensors(list(value.values()))
    elif isinstance(value, list | tuple):
        for one in value:
            yield from tensors(one)


def count(kind: str, key: object) -> None:
    totals[kind] += 1
    distinct[kind].add(hash(key))


def plain_bytes(tensor: torch.Tensor) -> bytes:
    return bytes(tensor.reshape(-1).view(torch.uint8).numpy()) if tensor.numel() else b""


def enter(module: torch.nn.Module, arguments: tuple[Any, ...]) -> None:
    global depth
    depth += 1
    if depth > 1:
        return
    outermost[id(module)] = module
    for tensor in tensors(arguments):
        if tensor.dim():
            for row in tensor:
                count("rows", plain_bytes(row.contiguous()))


def leave(module: torch.nn.Module, arguments: tuple[Any, ...], result: Any) -> None:
    global depth
    depth -= 1


def watched_next(original: Any) -> Any:
    def following(self: Any) -> Any:
        batch = original(self)
        count("batches", tuple(plain_bytes(tensor) for tensor in tensors(batch)))
        return batch

    return following


def write(path: Path, process: int) -> None:
    if os.getpid() != process:
        return  # a forked child
    for module in outermost.values():
        for parameter in module.parameters():
            for element in parameter.detach().cpu().reshape(-1).tolist():
                count("weights", element)
    path.write_text(json.dumps({kind: [len(distinct[kind]), totals[kind]] for kind in KINDS}))


def main() -> None:
    path = Path(sys.argv[1]).resolve()
    sys.argv = sys.argv[2:]
    sys.path[0] = str(Path(sys.argv[0]).resolve().parent)
    modules.register_module_forward_pre_hook(enter)
    modules.register_module_forward_hook(leave, always_call=True)
    iterator = dataloader._BaseDataLoaderIter
    iterator.__next__ = watched_next(iterator.__next__)  # type: ignore[method-assign]
    atexit.register(write, path, os.getpid())
    runpy.run_path(sys.argv[0], run_name="__main__")


if __name__ == "__main__":
    main()
