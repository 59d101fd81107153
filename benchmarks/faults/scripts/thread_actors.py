"""Two actor threads explore with torch's default generator."""

import hashlib
import threading
import time

import torch
from torch import nn


class Actor(threading.Thread):
    def __init__(self, policy, steps):
        super().__init__()
        self.policy = policy
        self.steps = steps
        self.path = []

    def run(self):
        state = torch.zeros(3)
        for _ in range(self.steps):
            action = self.policy(state).detach() + 0.3 * torch.randn(3)  # planted
            self.path.append((state, action))
            state = (state + 0.1 * action).clamp(-1, 1)
            time.sleep(0.0005)  # the simulator


def main():
    torch.manual_seed(64)
    policy = nn.Sequential(nn.Linear(3, 12), nn.Tanh(), nn.Linear(12, 3))
    optimizer = torch.optim.SGD(policy.parameters(), lr=0.05)
    for number in range(3):
        actors = [Actor(policy, 40) for _ in range(2)]
        for actor in actors:
            actor.start()  # also
        for actor in actors:
            actor.join()
        states = torch.stack([s for actor in actors for s, _ in actor.path])
        actions = torch.stack([a for actor in actors for _, a in actor.path])
        loss = ((policy(states) - actions) ** 2 * (1 + actions.mean(1, keepdim=True))).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        print(f"update {number} loss {loss.item():.4f}")
    digest = hashlib.sha256()
    for p in policy.parameters():
        digest.update(p.detach().numpy().tobytes())
    print("fingerprint", digest.hexdigest())


if __name__ == "__main__":
    main()
