"""An actor and a critic for a toy control task; the experiment's seed comes from its settings."""

import hashlib
import random

import numpy as np
import torch
from torch import nn

SETTINGS = {"seed": 77, "steps": 30, "lr": 1e-2}


class Agent:
    def __init__(self, states=3, actions=1):
        self.actor = nn.Sequential(nn.Linear(states, 16), nn.Tanh(), nn.Linear(16, actions))  # also
        self.critic = nn.Sequential(nn.Linear(states + actions, 16), nn.Tanh(), nn.Linear(16, 1))
        self.parameters = [*self.actor.parameters(), *self.critic.parameters()]
        self.optimizer = torch.optim.Adam(self.parameters, lr=SETTINGS["lr"])

    def learn(self, states):
        actions = self.actor(states)
        rewards = -(states[:, :1] + actions).square()
        values = self.critic(torch.cat([states, actions.detach()], dim=1))
        loss = nn.functional.mse_loss(values, rewards.detach()) - rewards.mean()
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return loss.item()


def set_seeds(seed):
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)  # also


agent = Agent()  # planted
set_seeds(SETTINGS["seed"])
for _ in range(SETTINGS["steps"]):
    loss = agent.learn(torch.randn(32, 3))
print(f"loss {loss:.4f}")
weights = b"".join(p.detach().numpy().tobytes() for p in agent.parameters)
print("fingerprint", hashlib.sha256(weights).hexdigest())
