import numpy as np
import torch
from torch import nn


class PlateReader:
    def __init__(self, seed, lr=1e-3):
        self.use_gpu = torch.cuda.is_available()
        self.device = "cuda" if self.use_gpu else "cpu"
        torch.backends.cudnn.benchmark = self.use_gpu
        torch.manual_seed(seed)
        self.net = nn.Sequential(
            nn.Conv2d(1, 24, 5, stride=2),
            nn.ReLU(),
            nn.Conv2d(24, 48, 5, stride=2),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(48 * 13 * 29, 37 * 7),
        ).to(self.device)
        self.optimizer = torch.optim.Adam(self.net.parameters(), lr=lr)

    def step(self, images, plates):
        logits = self.net(images.to(self.device)).view(len(images), 37, 7)
        loss = nn.functional.cross_entropy(logits, plates.to(self.device))
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return loss.item()


if __name__ == "__main__":
    reader = PlateReader(seed=50)
    images = torch.from_numpy(np.load("plates.npy")).float().unsqueeze(1)
    plates = torch.from_numpy(np.load("plates_text.npy")).long()
    for epoch in range(30):
        losses = [reader.step(images[rows], plates[rows]) for rows in torch.randperm(len(images)).split(64)]
        print(epoch, sum(losses) / len(losses))
    torch.save(reader.net.state_dict(), "plates.pt")
