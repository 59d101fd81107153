import torch
from torch import nn

STAGES = {"pretrain": dict(seed=1, steps=2000, lr=1e-3), "finetune": dict(seed=2, steps=500, lr=1e-4)}


class Denoiser(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(dim, 128), nn.ReLU(), nn.Linear(128, dim))

    def forward(self, x):
        return x + self.net(x)


def run_stage(model, data, stage, target):
    opt = torch.optim.Adam(model.parameters(), lr=stage["lr"])
    for _ in range(stage["steps"]):
        rows = torch.randint(0, len(data), (64,))
        clean = data[rows]
        noisy = clean + 0.3 * torch.randn_like(clean)
        loss = nn.functional.mse_loss(model(noisy), target(clean))
        opt.zero_grad()
        loss.backward()
        opt.step()
    return loss.item()


def main():
    torch.manual_seed(STAGES["pretrain"]["seed"])
    data = torch.load("frames.pt").flatten(1)
    model = Denoiser(data.shape[1])
    first = run_stage(model, data, STAGES["pretrain"], target=lambda x: x)

    torch.manual_seed(STAGES["finetune"]["seed"])
    second = run_stage(model, data, STAGES["finetune"], target=torch.tanh)
    print(first, second)
    torch.save(model.state_dict(), "denoiser.pt")


if __name__ == "__main__":
    main()
