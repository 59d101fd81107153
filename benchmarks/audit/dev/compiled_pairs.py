import numpy as np
import torch
from torch import nn

torch.backends.cudnn.benchmark = False
torch.backends.cudnn.deterministic = True


class Ranker(nn.Module):
    def __init__(self, n_features):
        super().__init__()
        self.score = nn.Sequential(nn.Linear(n_features, 64), nn.ReLU(), nn.Linear(64, 1))

    def forward(self, better, worse):
        return self.score(better) - self.score(worse)


def main():
    torch.manual_seed(19)
    pairs = torch.from_numpy(np.load("pairs.npy")).float().cuda()
    model = Ranker(pairs.shape[-1]).cuda()
    compiled = torch.compile(model, mode="default", dynamic=False)
    optimizer = torch.optim.Adam(model.parameters())
    for _ in range(20):
        for rows in torch.randperm(len(pairs)).split(256):
            batch = pairs[rows.cuda()]
            loss = nn.functional.softplus(-compiled(batch[:, 0], batch[:, 1])).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    torch.save(model.state_dict(), "ranker.pt")


if __name__ == "__main__":
    main()
