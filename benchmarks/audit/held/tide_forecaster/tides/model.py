import torch
from torch import nn


class Forecaster(nn.Module):
    def __init__(self, inputs, outputs, width=96):
        super().__init__()
        self.net = nn.Sequential(
            nn.Linear(inputs, width), nn.ReLU(), nn.Dropout(0.1), nn.Linear(width, outputs)
        )

    def forward(self, x):
        return self.net(x - x[:, -1:]) + x[:, -1:]

    @torch.no_grad()
    def error(self, loader):
        self.eval()
        errors = [(self(x) - y).abs().mean(dim=1) for x, y in loader]
        return torch.cat(errors).mean().item()


def training_step(model, optimizer, batch):
    x, y = batch
    loss = nn.functional.huber_loss(model(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()
