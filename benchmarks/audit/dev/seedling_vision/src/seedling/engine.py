import torch
from torch import nn

from . import data
from .utils import describe


class Engine:
    def __init__(self, config):
        self.config = config
        self.device = torch.device(config.device)
        self._tune()
        self.model = nn.Sequential(
            nn.Conv2d(3, 32, 3, stride=2),
            nn.ReLU(),
            nn.Conv2d(32, 64, 3, stride=2),
            nn.ReLU(),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(64, 12),
        ).to(self.device)
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=config.lr)
        print(describe(self.model))

    def _tune(self):
        torch.set_float32_matmul_precision("high")
        torch.backends.cudnn.deterministic = False

    def fit(self):
        loader = data.train_loader(self.config)
        for epoch in range(self.config.epochs):
            for images, labels in loader:
                logits = self.model(images.to(self.device))
                loss = nn.functional.cross_entropy(logits, labels.to(self.device))
                self.optimizer.zero_grad()
                loss.backward()
                self.optimizer.step()
            print(epoch, loss.item())
        torch.save(self.model.state_dict(), "seedlings.pt")
