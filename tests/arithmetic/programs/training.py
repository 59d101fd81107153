"""What the three programs share: their options, a text, and what they print at the end."""

from __future__ import annotations

import argparse
import hashlib
from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn
from torch.optim import Optimizer


def optimizer(name: str, model: nn.Module, sgd: float) -> Optimizer:
    if name == "sgd":
        return torch.optim.SGD(model.parameters(), lr=sgd, momentum=0.9, weight_decay=1e-4)
    if name == "adam":
        return torch.optim.Adam(model.parameters(), lr=0.003)
    return torch.optim.AdamW(model.parameters(), lr=0.002, weight_decay=0.1)


def text(length: int, symbols: int) -> Tensor:
    """Symbols, most of which are one of three that may follow the one before."""
    state, last, written = 1, 0, []
    for _ in range(length):
        state = (state * 1103515245 + 12345) % 2**31
        draw = state >> 12
        last = (last * 5 + (1, 7, 12)[draw % 3]) % symbols if draw % 16 else draw // 16 % symbols
        written.append(last)
    return torch.tensor(written)


def windows(written: Tensor, length: int, batch: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Random pieces of a text, and the symbol that follows each symbol."""
    starts = torch.randint(len(written) - length, (batch, 1))
    pieces = written[starts + torch.arange(length + 1)].to(device)
    return pieces[:, :-1], pieces[:, 1:]


def run(
    made: Callable[[], nn.Module],
    train: Callable[[nn.Module, Optimizer], Iterator[Tensor]],
    default: str,
    sgd: float = 0.05,
) -> None:
    """Train, then print the digest of all parameters and buffers, and the last loss to the bit."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--optimizer", choices=("sgd", "adam", "adamw"), default=default)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--out", help="where to save the weights")
    options = parser.parse_args()
    torch.manual_seed(0)
    model = made().to(options.device)
    losses = train(model, optimizer(options.optimizer, model, sgd))
    loss = [next(losses) for _ in range(options.steps)][-1]
    state = model.state_dict()
    digest = hashlib.sha256()
    for name, value in state.items():
        digest.update(f"{name} {value.dtype} {tuple(value.shape)} ".encode())
        digest.update(value.cpu().contiguous().numpy().tobytes())
    print(digest.hexdigest())
    print(float(loss).hex())
    if options.out:
        torch.save(state, options.out)
