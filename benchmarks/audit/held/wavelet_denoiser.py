import numpy as np
import torch
from torch import nn

SETTINGS = {
    "seed": 14,
    "steps": 10_000,
    "compile": {"mode": "max-autotune", "fullgraph": True},
}


class Denoiser(nn.Module):
    def __init__(self, channels=32):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv1d(1, channels, 9, padding=4),
            nn.GELU(),
            nn.Conv1d(channels, channels, 9, padding=4),
            nn.GELU(),
            nn.Conv1d(channels, 1, 9, padding=4),
        )

    def forward(self, wave):
        return wave - self.body(wave)


def main():
    torch.manual_seed(SETTINGS["seed"])
    waves = torch.from_numpy(np.load("waves.npy")).float().cuda()
    model = Denoiser().cuda()
    fast = torch.compile(model, **SETTINGS["compile"])
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    for step in range(SETTINGS["steps"]):
        rows = torch.randint(len(waves), (64,))
        clean = waves[rows.cuda()].unsqueeze(1)
        loss = nn.functional.l1_loss(fast(clean + 0.1 * torch.randn_like(clean)), clean)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    torch.save(model.state_dict(), "denoiser.pt")


if __name__ == "__main__":
    main()
