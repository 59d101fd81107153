import torch
from torch import nn

from orchard.state import snapshot


class Trainer:
    def __init__(self, n_inputs, name, lr=1e-3):
        self.name = name
        self.model = nn.Sequential(nn.Linear(n_inputs, 64), nn.ReLU(), nn.Dropout(0.1), nn.Linear(64, 1))
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=lr)

    def fit(self, train, val, epochs):
        for epoch in epochs:
            self.model.train()
            for x, y in train:
                loss = nn.functional.mse_loss(self.model(x).squeeze(1), y)
                self.optimizer.zero_grad()
                loss.backward()
                self.optimizer.step()
            print(f"epoch {epoch} error {self.error(val):.4f}")
            torch.save(snapshot(self, train.generator, epoch), f"{self.name}.pt")

    @torch.no_grad()
    def error(self, loader):
        self.model.eval()
        errors = [(self.model(x).squeeze(1) - y).abs() for x, y in loader]
        return torch.cat(errors).mean().item()
