import torch
from torch import nn


class Critic(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(dim, 128), nn.LeakyReLU(0.2), nn.Dropout(0.1), nn.Linear(128, 1))

    def forward(self, x):
        return self.net(x).squeeze(-1)


def probe(critic, dim, n=512):
    """Mean score of the same noise, to watch how the critic drifts."""
    critic.eval()
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(1234)
        score = critic(torch.randn(n, dim)).mean().item()
    critic.train()
    return score


def main():
    torch.manual_seed(8)
    data = torch.load("tables.pt")
    dim = data.shape[1]
    critic = Critic(dim)
    opt = torch.optim.RMSprop(critic.parameters(), lr=5e-5)
    history = []
    for step in range(4000):
        real = data[torch.randint(0, len(data), (64,))]
        fake = torch.randn(64, dim)
        loss = critic(fake).mean() - critic(real).mean()
        opt.zero_grad()
        loss.backward()
        opt.step()
        if step % 100 == 0:
            history.append(probe(critic, dim))
    torch.save({"weights": critic.state_dict(), "history": history}, "critic.pt")


if __name__ == "__main__":
    main()
