"""bfloat16 by autocast, a loss scaler that is switched off, gradients of four batches accumulated."""

import torch
import weights
from torch import nn

torch.manual_seed(9)
net = nn.Sequential(nn.Linear(16, 64), nn.GELU(), nn.LayerNorm(64), nn.Linear(64, 4))
optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
scaler = torch.amp.GradScaler("cpu", enabled=False)
for batch in range(24):
    x, y = torch.randn(8, 16), torch.randint(4, (8,))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = nn.functional.cross_entropy(net(x), y) / 4
    scaler.scale(loss).backward()
    if batch % 4 == 3:
        scaler.unscale_(optimizer)
        nn.utils.clip_grad_value_(net.parameters(), 0.5)
        scaler.step(optimizer)
        scaler.update()
        optimizer.zero_grad()
weights.show(net)
