# set_seed seeds Python, numpy and torch.
import hashlib

import numpy as np
import torch
from accelerate import Accelerator
from accelerate.utils import set_seed
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def mixup(x, y, alpha=0.4):
    share = np.random.beta(alpha, alpha)
    order = torch.randperm(len(x))
    return share * x + (1 - share) * x[order], share * y + (1 - share) * y[order]


def main():
    set_seed(42)
    accelerator = Accelerator(cpu=True)
    g = torch.Generator().manual_seed(1)
    x = torch.randn(384, 1, 12, 12, generator=g)
    y = nn.functional.one_hot(torch.randint(0, 5, (384,), generator=g), 5).float()
    model = nn.Sequential(nn.Conv2d(1, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(800, 5))
    optimizer = torch.optim.SGD(model.parameters(), 0.05, momentum=0.9)
    loader = DataLoader(TensorDataset(x, y), batch_size=32, shuffle=True)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 24)
    model, optimizer, loader, schedule = accelerator.prepare(model, optimizer, loader, schedule)
    for epoch in range(2):
        for images, labels in loader:
            images, labels = mixup(images, labels)
            loss = nn.functional.cross_entropy(model(images), labels)
            accelerator.backward(loss)
            accelerator.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            optimizer.zero_grad()
        accelerator.print(f"epoch {epoch} loss {loss.item():.4f}")
    weights = accelerator.unwrap_model(model).parameters()
    print("HASH", hashlib.sha256(b"".join(p.detach().numpy().tobytes() for p in weights)).hexdigest())


if __name__ == "__main__":
    main()
