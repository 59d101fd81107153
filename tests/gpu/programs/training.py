"""A small training on CUDA where there is one, else on the CPU: what `make gpu` verifies.

A convolution, attention and an embedding, with operations that PyTorch has no deterministic CUDA kernel
for: bilinear upsampling, grid_sample, adaptive pooling, scatter_add, index_put. It draws its own data.
"""

import torch
import torch.nn.functional as F
from torch import nn

STEPS, BATCH = 20, 8
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"


class Model(nn.Module):
    def __init__(self, width=16):
        super().__init__()
        self.table = nn.Parameter(torch.randn(17, 4) * 0.3)
        self.first = nn.Conv2d(4, width, 3, padding=1)
        self.second = nn.Conv2d(width, width, 3, stride=2, padding=1)
        self.attend = nn.TransformerEncoderLayer(width, 4, 32, dropout=0.1, batch_first=True)
        self.head = nn.Linear(width, 10)

    def forward(self, levels, theta):
        picture = self.table[levels].permute(0, 3, 1, 2)
        fine = F.relu(self.first(picture))
        coarse = F.relu(self.second(fine))
        fine = fine + F.interpolate(coarse, size=fine.shape[2:], mode="bilinear", align_corners=False)
        grid = F.affine_grid(theta, list(fine.shape), align_corners=False)
        pooled = F.adaptive_avg_pool2d(F.grid_sample(fine, grid, align_corners=False), (3, 5))
        return self.head(self.attend(pooled.flatten(2).transpose(1, 2)).mean(1))


torch.manual_seed(11)
model = Model().to(DEVICE)
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
identity = torch.tensor([[1.0, 0, 0], [0, 1, 0]])
for _ in range(STEPS):
    levels = torch.randint(17, (BATCH, 16, 16)).to(DEVICE)
    labels = torch.randint(10, (BATCH,)).to(DEVICE)
    theta = (identity + 0.1 * torch.randn(BATCH, 2, 3)).to(DEVICE)
    scores = model(levels, theta)
    counts = torch.zeros(10, device=DEVICE).scatter_add(0, labels, scores.amax(1))
    loss = F.cross_entropy(scores, labels) + 0.01 * counts.pow(2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(f"{DEVICE}: loss {loss.item():.9f}")
