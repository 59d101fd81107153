import random
from collections import deque

import torch
from torch import nn


class ReplayMemory:
    def __init__(self, capacity):
        self.buffer = deque(maxlen=capacity)
        self.rng = random.Random()

    def push(self, *transition):
        self.buffer.append(transition)

    def sample(self, n):
        batch = self.rng.sample(self.buffer, n)
        return [torch.stack(column) for column in zip(*batch)]

    def __len__(self):
        return len(self.buffer)


def act(q, state, eps):
    if random.random() < eps:
        return torch.tensor(random.randrange(4))
    return q(state).argmax()


def main(seed=31):
    random.seed(seed)
    torch.manual_seed(seed)
    q = nn.Sequential(nn.Linear(6, 64), nn.Tanh(), nn.Linear(64, 4))
    opt = torch.optim.RMSprop(q.parameters(), lr=5e-4)
    memory = ReplayMemory(10_000)
    state = torch.randn(6)
    for step in range(20_000):
        action = act(q, state, eps=max(0.05, 1 - step / 10_000))
        following = 0.9 * state + 0.1 * torch.randn(6)
        memory.push(state, action, following.sum(), following)
        state = following
        if len(memory) >= 128:
            s, a, r, n = memory.sample(64)
            with torch.no_grad():
                target = r + 0.95 * q(n).amax(dim=1)
            loss = nn.functional.mse_loss(q(s).gather(1, a[:, None]).squeeze(1), target)
            opt.zero_grad()
            loss.backward()
            opt.step()


if __name__ == "__main__":
    main()
