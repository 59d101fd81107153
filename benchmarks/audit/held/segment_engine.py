import torch
from torch import nn


class Engine:
    def __init__(self, model, optimizer, scheduler, folder):
        self.model = model
        self.optimizer = optimizer
        self.scheduler = scheduler
        self.folder = folder
        self.epoch = 0

    def state_dict(self):
        return {
            "epoch": self.epoch,
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "scheduler": self.scheduler.state_dict(),
        }

    def load_state_dict(self, state):
        self.epoch = state["epoch"]
        for name in ("model", "optimizer", "scheduler"):
            getattr(self, name).load_state_dict(state[name])

    def save(self):
        torch.save(self.state_dict(), self.folder / f"epoch_{self.epoch:03d}.pt")

    def resume(self, path):
        self.load_state_dict(torch.load(path, weights_only=True))

    def fit(self, loader, epochs):
        while self.epoch < epochs:
            self.model.train()
            for images, masks in loader:
                loss = nn.functional.binary_cross_entropy_with_logits(self.model(images), masks)
                self.optimizer.zero_grad()
                loss.backward()
                self.optimizer.step()
            self.scheduler.step()
            self.epoch += 1
            self.save()
