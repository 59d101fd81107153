"""Train a small attention model on a file of tokens; evaluation has batches of its own."""

import hashlib

import torch
from batches import get_batch, prepare
from torch import nn
from torch.nn import functional as F

TRAIN, EVALUATE = 0, 1
eval_interval = 8
eval_iters = 3
log_interval = 6
vocab_size = 40


class Model(nn.Module):
    def __init__(self, width=32):
        super().__init__()
        self.token = nn.Embedding(vocab_size, width)
        self.place = nn.Embedding(32, width)
        self.attend = nn.Linear(width, 3 * width)
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, vocab_size)

    def forward(self, idx):
        x = self.token(idx) + self.place(torch.arange(idx.size(1)))
        q, k, v = self.attend(self.norm(x)).chunk(3, 2)
        return self.head(x + F.scaled_dot_product_attention(q, k, v, is_causal=True))


def init_weights(model, seed):
    generator = torch.Generator().manual_seed(seed)
    for module in model.modules():
        if isinstance(module, nn.Linear | nn.Embedding):
            nn.init.normal_(module.weight, 0.0, 0.05, generator=generator)
        if isinstance(module, nn.Linear):
            nn.init.zeros_(module.bias)


def loss_of(model, X, Y):
    return F.cross_entropy(model(X).flatten(0, 1), Y.flatten())


@torch.no_grad()
def estimate_loss(model):
    model.eval()
    out = {}
    for split in ("train", "val"):
        batches = [get_batch(split, EVALUATE, k) for k in range(eval_iters)]
        out[split] = sum(loss_of(model, X, Y).item() for X, Y in batches) / eval_iters
    model.train()
    return out


def main():
    prepare(vocab_size)
    torch.manual_seed(1337)
    model = Model()
    init_weights(model, 1337)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    for step in range(24):
        if step % eval_interval == 0:
            losses = estimate_loss(model)
            print(f"step {step}: train loss {losses['train']:.4f}, val loss {losses['val']:.4f}")
        loss = loss_of(model, *get_batch("train", TRAIN, step))
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        if step % log_interval == 0:
            print(f"iter {step}: loss {loss.item():.4f}")
    weights = b"".join(p.detach().numpy().tobytes() for p in model.parameters())
    print("fingerprint", hashlib.sha256(weights).hexdigest())


main()
