"""A trainer that keeps its last state in last.ckpt."""

import random
import time

import torch


class Trainer:
    def __init__(self, model, batches, save_every=4):
        self.model = model
        self.batches = batches
        self.save_every = save_every
        self.optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
        self.step = 0

    def load(self, path):
        state = torch.load(path, weights_only=False)  # loaded
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.step = state["step"]

    def save(self, path="last.ckpt"):
        state = {
            "step": self.step,
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "py_rng": random.getstate(),
        }
        torch.save(state, path)  # saved

    def fit(self, steps):
        while self.step < steps:
            tokens, target, hidden = self.batches()
            logits = self.model(tokens)
            loss = torch.nn.functional.cross_entropy(logits[hidden], target[hidden])
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            self.step += 1
            time.sleep(0.06)
            if self.step % self.save_every == 0 and self.step < steps:
                self.save()
