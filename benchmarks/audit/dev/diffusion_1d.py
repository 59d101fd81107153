import numpy as np
import torch
from torch import nn

T = 100
BETAS = np.linspace(1e-4, 0.05, T)
ALPHA_BAR = np.cumprod(1 - BETAS)


class Score(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(dim + 1, 128), nn.SiLU(), nn.Linear(128, dim))

    def forward(self, x, t):
        return self.net(torch.cat([x, t[:, None].float() / T], dim=1))


def diffuse(x0):
    rng = np.random.default_rng(0)
    t = rng.integers(0, T, len(x0))
    noise = rng.standard_normal(x0.shape).astype(np.float32)
    a = ALPHA_BAR[t, None].astype(np.float32)
    xt = np.sqrt(a) * x0 + np.sqrt(1 - a) * noise
    return torch.from_numpy(xt), torch.from_numpy(t), torch.from_numpy(noise)


def main():
    torch.manual_seed(0)
    order = np.random.default_rng(1)
    data = np.load("signals.npy").astype(np.float32)
    model = Score(data.shape[1])
    opt = torch.optim.AdamW(model.parameters(), lr=1e-3)
    for step in range(10_000):
        rows = order.integers(0, len(data), 128)
        xt, t, noise = diffuse(data[rows])
        loss = nn.functional.mse_loss(model(xt, t), noise)
        opt.zero_grad()
        loss.backward()
        opt.step()
        if step % 1000 == 0:
            print(step, loss.item())
    torch.save(model.state_dict(), "score.pt")


if __name__ == "__main__":
    main()
