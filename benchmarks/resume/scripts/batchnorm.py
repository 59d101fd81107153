"""A network with batch norm, of which the parameters are saved."""

import argparse
import hashlib
import time

import torch
from sklearn.datasets import load_digits
from torch import nn


def conv_block(inputs, outputs):
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3, padding=1), nn.BatchNorm2d(outputs), nn.ReLU())


class SmallNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(conv_block(1, 6), nn.MaxPool2d(2), conv_block(6, 12))
        self.classifier = nn.Linear(12, 10)

    def forward(self, x):
        return self.classifier(self.features(x).mean((2, 3)))


parser = argparse.ArgumentParser()
parser.add_argument("--resume", metavar="PATH")
args = parser.parse_args()

torch.manual_seed(70)
digits = load_digits()
images = torch.tensor(digits.images[:240] / 16, dtype=torch.float32)[:, None]
labels = torch.tensor(digits.target[:240])
net = SmallNet()
optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)
start = 0
if args.resume:
    checkpoint = torch.load(args.resume)  # loaded
    net.load_state_dict(checkpoint["parameters"], strict=False)
    optimizer.load_state_dict(checkpoint["optimizer"])
    start = checkpoint["step"]

net.train()
for step in range(start, 28):
    rows = torch.arange(24) * 10 + step % 10
    loss = nn.functional.cross_entropy(net(images[rows]), labels[rows])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    time.sleep(0.05)
    if (step + 1) % 6 == 0:
        checkpoint = {
            "step": step + 1,
            "parameters": {name: p.detach() for name, p in net.named_parameters()},
            "optimizer": optimizer.state_dict(),
        }
        torch.save(checkpoint, "smallnet.pth")  # saved

net.eval()
with torch.no_grad():
    right = (net(images).argmax(1) == labels).float().mean()
print(f"right: {right:.3f}")
sha = hashlib.sha256()
for value in net.state_dict().values():
    sha.update(value.numpy().tobytes())
print("fingerprint", sha.hexdigest())
