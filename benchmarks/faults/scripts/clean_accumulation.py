"""Small language model trained with gradient accumulation and clipping."""

import argparse
import hashlib

import torch
import torch.nn as nn
import torch.nn.functional as F

TEXT = "to be or not to be that is the question whether tis nobler in the mind to suffer " * 4


class CharModel(nn.Module):
    def __init__(self, n_chars, dim=24):
        super().__init__()
        self.embed = nn.Embedding(n_chars, dim)
        self.gru = nn.GRU(dim, dim, batch_first=True)
        self.drop = nn.Dropout(0.1)
        self.out = nn.Linear(dim, n_chars)

    def forward(self, ids):
        h, _ = self.gru(self.embed(ids))
        return self.out(self.drop(h))


def get_batch(data, batch, length):
    starts = torch.randint(0, len(data) - length - 1, (batch,)).tolist()
    x = torch.stack([data[i : i + length] for i in starts])
    y = torch.stack([data[i + 1 : i + length + 1] for i in starts])
    return x, y


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--accumulate", type=int, default=4)
    parser.add_argument("--steps", type=int, default=5)
    args = parser.parse_args()
    torch.manual_seed(1337)
    chars = sorted(set(TEXT))
    data = torch.tensor([chars.index(c) for c in TEXT])
    model = CharModel(len(chars))
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=1e-2, total_steps=args.steps)
    for step in range(args.steps):
        optimizer.zero_grad(set_to_none=True)
        for _ in range(args.accumulate):
            x, y = get_batch(data, 8, 16)
            loss = F.cross_entropy(model(x).flatten(0, 1), y.flatten())
            (loss / args.accumulate).backward()
        norm = nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        scheduler.step()
        print(f"step {step} loss {loss.item():.4f} norm {norm.item():.3f}")
    digest = hashlib.sha256()
    for p in model.parameters():
        digest.update(p.detach().numpy().tobytes())
    print("fingerprint", digest.hexdigest())


if __name__ == "__main__":
    main()
