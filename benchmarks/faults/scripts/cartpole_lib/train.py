"""REINFORCE on a balancing task."""

import hashlib
import sys
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.distributions import Bernoulli

sys.path.insert(0, str(Path(__file__).resolve().parent / "vendor" / "site-packages"))

from simenv import Balance


def set_seed(seed):
    np.random.seed(seed)
    torch.manual_seed(seed)


def episode(env, policy, steps=30):
    logs, rewards = [], []
    state = env.reset()  # also
    for _ in range(steps):
        chance = Bernoulli(logits=policy(torch.from_numpy(state))[0])
        action = chance.sample()
        state, reward, done = env.step(bool(action))
        logs.append(chance.log_prob(action))
        rewards.append(reward)
        if done:
            break
    return torch.stack(logs), torch.tensor(rewards, dtype=torch.float32)


if __name__ == "__main__":
    set_seed(0)
    env = Balance(noise=0.02)  # planted
    policy = nn.Sequential(nn.Linear(2, 16), nn.Tanh(), nn.Linear(16, 1))
    optimizer = torch.optim.Adam(policy.parameters(), lr=0.01)
    for number in range(6):
        logs, rewards = episode(env, policy)
        returns = rewards.flip(0).cumsum(0).flip(0)
        loss = -(logs * (returns - returns.mean())).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        print(f"episode {number} reward {rewards.sum().item():.3f}")
    digest = hashlib.sha256()
    for p in policy.parameters():
        digest.update(p.detach().numpy().tobytes())
    print("fingerprint", digest.hexdigest())
