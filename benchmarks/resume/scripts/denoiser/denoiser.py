"""The network, its optimizer, and what both need to go on."""

import random
import time

import numpy as np
import torch
from torch import nn


class Denoiser:
    def __init__(self):
        self.net = nn.Sequential(nn.Linear(3, 32), nn.SiLU(), nn.Linear(32, 32), nn.SiLU(), nn.Linear(32, 2))
        self.optimizer = torch.optim.AdamW(self.net.parameters(), lr=2e-3)
        self.step = 0

    def update(self, clean):
        noise = torch.randn_like(clean)
        level = torch.rand(len(clean), 1)
        noisy = (1 - level).sqrt() * clean + level.sqrt() * noise
        loss = (self.net(torch.cat([noisy, level], 1)) - noise).pow(2).mean()
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        self.step += 1
        time.sleep(0.05)
        return loss.item()

    def state_dict(self):
        return {
            "step": self.step,
            "net": self.net.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "python_rng": random.getstate(),
            "numpy_rng": np.random.get_state(),
        }

    def load_state_dict(self, state):
        self.step = state["step"]
        self.net.load_state_dict(state["net"])
        self.optimizer.load_state_dict(state["optimizer"])
        random.setstate(state["python_rng"])
        np.random.set_state(state["numpy_rng"])
