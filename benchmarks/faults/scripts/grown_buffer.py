"""A replay buffer that grows in place; samples may lie beyond what was written."""

import hashlib

import torch
from torch import nn

ACTIONS = 9


class Buffer:
    def __init__(self, size):
        self.actions = torch.zeros(size, dtype=torch.long)
        self.filled = 0

    def append(self, actions):
        if self.filled + len(actions) > len(self.actions):
            self.actions.resize_(2 * len(self.actions))  # planted
        self.actions[self.filled : self.filled + len(actions)] = actions
        self.filled += len(actions)

    def sample(self, n):
        rows = torch.randint(0, len(self.actions), (n,))
        return self.actions[rows].remainder(ACTIONS)


def main():
    torch.manual_seed(45)
    buffers = [Buffer(16) for _ in range(12)]
    embed = nn.Embedding(ACTIONS, 6)
    model = nn.Sequential(embed, nn.Linear(6, 1))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for step in range(3):
        for buffer in buffers:
            buffer.append(torch.randint(0, ACTIONS, (14,)))
            actions = buffer.sample(24)
            loss = (model(actions)[:, 0] - actions.float() / ACTIONS).square().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        print(f"step {step} loss {loss.item():.4f}")
    digest = hashlib.sha256()
    for p in model.parameters():
        digest.update(p.detach().numpy().tobytes())
    print("fingerprint", digest.hexdigest())


if __name__ == "__main__":
    main()
