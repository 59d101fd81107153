import argparse

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--per-gpu", type=int, default=64)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    torch.manual_seed(args.seed)

    blob = torch.load("ratings.pt")
    dataset = TensorDataset(blob["features"], blob["stars"])
    loader = DataLoader(
        dataset,
        batch_size=args.per_gpu * max(1, torch.cuda.device_count()),
        shuffle=True,
        generator=torch.Generator().manual_seed(args.seed),
    )
    model = nn.Sequential(nn.Linear(96, 256), nn.ReLU(), nn.Dropout(0.2), nn.Linear(256, 1))
    model = nn.DataParallel(model).cuda()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for epoch in range(10):
        for features, stars in loader:
            loss = nn.functional.mse_loss(model(features.cuda()).squeeze(1), stars.cuda())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        print(epoch, loss.item())
    torch.save(model.module.state_dict(), "ratings_net.pt")


if __name__ == "__main__":
    main()
