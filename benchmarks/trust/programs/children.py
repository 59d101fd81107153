"""Starts two trainings as programs of their own, one after the other, and averages what they print."""

import subprocess
import sys

import torch
import weights

TRAINING = """
import sys, torch
torch.manual_seed(int(sys.argv[1]))
net = torch.nn.Linear(3, 1)
optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
for _ in range(8):
    x = torch.randn(16, 3)
    optimizer.zero_grad()
    (net(x) - x.sum(1, keepdim=True)).pow(2).mean().backward()
    optimizer.step()
print(*[value.hex() for value in net.weight.flatten().tolist()])
"""
net = torch.nn.Linear(3, 1, bias=False)
found = []
for seed in (1, 2):
    words = [sys.executable, "-c", TRAINING, str(seed)]
    text = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    found.append(torch.tensor([float.fromhex(word) for word in text.split()]))
with torch.no_grad():
    net.weight.copy_(torch.stack(found).mean(0))
weights.show(net)
