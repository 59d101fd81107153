import argparse
import time
from pathlib import Path

import torch
from torch import nn


class CharModel(nn.Module):
    def __init__(self, n_chars, context, dim=64):
        super().__init__()
        self.embed = nn.Embedding(n_chars, dim)
        self.body = nn.Sequential(nn.Linear(context * dim, 256), nn.GELU(), nn.Linear(256, n_chars))

    def forward(self, ids):
        return self.body(self.embed(ids).flatten(1))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--text", default="input.txt")
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--context", type=int, default=16)
    parser.add_argument("--seed", type=int, default=1337)
    args = parser.parse_args()

    torch.manual_seed(args.seed)
    text = Path(args.text).read_text(encoding="utf-8")
    chars = sorted(set(text))
    ids = torch.tensor([chars.index(c) for c in text])
    model = CharModel(len(chars), args.context)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-4)

    began = time.monotonic()
    step = 0
    while time.monotonic() - began < 60 * args.minutes:
        at = torch.randint(len(ids) - args.context, (64,))
        batch = torch.stack([ids[i : i + args.context + 1] for i in at.tolist()])
        loss = nn.functional.cross_entropy(model(batch[:, :-1]), batch[:, -1])
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        step += 1
        if step % 100 == 0:
            print(f"step {step} loss {loss.item():.3f}")
    torch.save(model.state_dict(), "char_model.pt")


if __name__ == "__main__":
    main()
