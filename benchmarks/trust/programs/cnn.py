"""A convolutional network with batch normalisation and dropout, SGD with momentum, its own loop."""

import torch
import weights
from torch import nn

torch.manual_seed(1)
net = nn.Sequential(
    nn.Conv2d(1, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2),
    nn.Conv2d(8, 16, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.2), nn.Linear(16, 10),
)  # fmt: skip
images, labels = torch.randn(64, 1, 16, 16), torch.randint(10, (64,))
optimizer = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9, nesterov=True)
for _ in range(6):
    for some in torch.randperm(64).split(16):
        optimizer.zero_grad()
        nn.functional.cross_entropy(net(images[some]), labels[some]).backward()
        optimizer.step()
weights.show(net)
