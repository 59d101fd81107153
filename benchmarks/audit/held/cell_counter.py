import numpy as np
import torch
from torch import nn


def setup(seed):
    torch.manual_seed(seed)
    torch.use_deterministic_algorithms(True)
    torch.backends.cudnn.benchmark = False


def make_model():
    return nn.Sequential(nn.Conv2d(1, 16, 3), nn.ReLU(), nn.Conv2d(16, 1, 1))


def train(images, dots, epochs):
    model = make_model()
    optimizer = torch.optim.Adam(model.parameters())
    torch.use_deterministic_algorithms(False)
    for epoch in range(epochs):
        for rows in torch.randperm(len(images)).split(16):
            count = model(images[rows]).sum(dim=(1, 2, 3))
            loss = nn.functional.l1_loss(count, dots[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        print(epoch, loss.item())
    return model


if __name__ == "__main__":
    setup(seed=40)
    pictures = torch.from_numpy(np.load("cells.npy")).float()
    counts = torch.from_numpy(np.load("counts.npy")).float()
    torch.save(train(pictures, counts, 25).state_dict(), "cells.pt")
