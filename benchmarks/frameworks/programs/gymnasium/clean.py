# The action space is seeded beside the environment.
import argparse
import hashlib
import random

import gymnasium as gym
import numpy as np
import torch
from torch import nn


class Replay:
    def __init__(self):
        self.rows = []

    def add(self, state, action, reward, following, done):
        self.rows.append((state, action, reward, following, float(done)))

    def sample(self, count):
        picks = np.random.randint(0, len(self.rows), count)
        columns = zip(*[self.rows[i] for i in picks], strict=True)
        return [torch.tensor(np.array(column), dtype=torch.float32) for column in columns]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--env", default="Pendulum-v1")
    parser.add_argument("--seed", type=int, default=3)
    parser.add_argument("--start", type=int, default=64)
    args = parser.parse_args()
    random.seed(args.seed)
    np.random.seed(args.seed)
    torch.manual_seed(args.seed)
    env = gym.make(args.env)
    state, _ = env.reset(seed=args.seed)
    env.action_space.seed(args.seed)
    actor = nn.Sequential(nn.Linear(3, 32), nn.Tanh(), nn.Linear(32, 1), nn.Tanh())
    critic = nn.Sequential(nn.Linear(4, 32), nn.Tanh(), nn.Linear(32, 1))
    optimizer = torch.optim.Adam([*actor.parameters(), *critic.parameters()], 1e-3)
    memory = Replay()
    for t in range(120):
        if t < args.start:
            action = env.action_space.sample()
        else:
            with torch.no_grad():
                action = 2 * actor(torch.as_tensor(state)).numpy() + np.random.normal(0, 0.1, 1).astype(
                    np.float32
                )
        following, reward, terminated, truncated, _ = env.step(action)
        memory.add(state, action, reward, following, terminated)
        state = following
        if truncated or terminated:
            state, _ = env.reset()
        if t < args.start:
            continue
        s, a, r, n, d = memory.sample(32)
        with torch.no_grad():
            goal = r[:, None] + 0.99 * (1 - d[:, None]) * critic(torch.cat([n, 2 * actor(n)], 1))
        value = critic(torch.cat([s, a], 1))
        loss = nn.functional.mse_loss(value, goal) - 0.1 * critic(torch.cat([s, 2 * actor(s)], 1)).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    weights = [*actor.parameters(), *critic.parameters()]
    print("HASH", hashlib.sha256(b"".join(p.detach().numpy().tobytes() for p in weights)).hexdigest())


if __name__ == "__main__":
    main()
