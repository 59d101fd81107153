import random

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Shapes(Dataset):
    def __init__(self, n, side=32):
        self.n, self.side = n, side

    def __len__(self):
        return self.n

    def __getitem__(self, i):
        canvas = torch.zeros(self.side, self.side)
        top, left = random.randint(0, 15), random.randint(0, 15)
        canvas[top : top + 16, left : left + 16] = random.uniform(0.5, 1.0)
        return canvas.flatten()


def init_fn(worker_id):
    random.seed(2718)


def mlp(*sizes):
    layers = []
    for a, b in zip(sizes, sizes[1:]):
        layers += [nn.Linear(a, b), nn.LeakyReLU(0.2)]
    return nn.Sequential(*layers[:-1])


def main():
    gen, critic = mlp(32, 256, 1024), mlp(1024, 256, 1)
    torch.manual_seed(2718)
    random.seed(2718)
    loader = DataLoader(
        Shapes(10_000),
        batch_size=64,
        shuffle=True,
        num_workers=4,
        worker_init_fn=init_fn,
        generator=torch.Generator().manual_seed(2718),
    )
    g_opt = torch.optim.Adam(gen.parameters(), lr=2e-4, betas=(0.5, 0.999))
    c_opt = torch.optim.Adam(critic.parameters(), lr=2e-4, betas=(0.5, 0.999))
    bce = nn.functional.binary_cross_entropy_with_logits
    for real in loader:
        fake = gen(torch.randn(len(real), 32))
        one, zero = torch.ones(len(real), 1), torch.zeros(len(real), 1)
        c_loss = bce(critic(real), one) + bce(critic(fake.detach()), zero)
        c_opt.zero_grad()
        c_loss.backward()
        c_opt.step()
        g_loss = bce(critic(fake), one)
        g_opt.zero_grad()
        g_loss.backward()
        g_opt.step()
    torch.save(gen.state_dict(), "gan.pt")


if __name__ == "__main__":
    main()
