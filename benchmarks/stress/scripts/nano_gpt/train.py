"""Train a small GPT on a file of tokens."""

import hashlib
import math
import os

import numpy as np
import torch
from torch.nn import functional as F

from model import GPT

eval_interval = 8
eval_iters = 3
log_interval = 6
batch_size = 8
block_size = 32
vocab_size = 40
learning_rate = 0.1
max_iters = 24
data_dir = "data"


def prepare():
    os.makedirs(data_dir, exist_ok=True)
    rng = np.random.default_rng(1)
    steps = rng.integers(1, 4, size=9000).cumsum() % vocab_size
    steps[:8000].astype(np.uint16).tofile(os.path.join(data_dir, "train.bin"))
    steps[8000:].astype(np.uint16).tofile(os.path.join(data_dir, "val.bin"))


prepare()
torch.manual_seed(1337)


def get_batch(split):
    data = np.memmap(os.path.join(data_dir, f"{split}.bin"), dtype=np.uint16, mode="r")
    ix = torch.randint(len(data) - block_size, (batch_size,))  # planted # enters extra-draw
    x = torch.stack([torch.from_numpy(data[i : i + block_size].astype(np.int64)) for i in ix])
    y = torch.stack([torch.from_numpy(data[i + 1 : i + 1 + block_size].astype(np.int64)) for i in ix])
    return x, y


model = GPT(vocab_size, block_size)  # enters unused-layer
optimizer = torch.optim.SGD(model.parameters(), lr=learning_rate, momentum=0.9)


def loss_of(X, Y):
    return F.cross_entropy(model(X).view(-1, vocab_size), Y.view(-1))


@torch.no_grad()
def estimate_loss():
    out = {}
    model.eval()
    for split in ["train", "val"]:
        losses = torch.zeros(eval_iters)
        for k in range(eval_iters):
            X, Y = get_batch(split)  # also
            losses[k] = loss_of(X, Y).item()
        out[split] = losses.mean()
    model.train()
    return out


def get_lr(it):
    return learning_rate * 0.5 * (1.0 + math.cos(math.pi * it / max_iters))


X, Y = get_batch("train")
for iter_num in range(max_iters):
    for group in optimizer.param_groups:
        group["lr"] = get_lr(iter_num)
    if iter_num % eval_interval == 0:
        losses = estimate_loss()
        print(f"step {iter_num}: train loss {losses['train']:.4f}, val loss {losses['val']:.4f}")
    loss = loss_of(X, Y)
    X, Y = get_batch("train")  # also # enters extra-draw
    loss.backward()
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    if iter_num % log_interval == 0:
        print(f"iter {iter_num}: loss {loss.item():.4f}")

digest = hashlib.sha256()
for value in model.state_dict().values():
    digest.update(value.numpy().tobytes())
print("fingerprint", digest.hexdigest())
