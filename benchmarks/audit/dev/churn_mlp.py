import argparse

import pandas as pd
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def build_model(width):
    return nn.Sequential(nn.Linear(18, width), nn.ReLU(), nn.Dropout(0.2), nn.Linear(width, 1))


def main():
    parser = argparse.ArgumentParser(description="Customer churn baseline")
    parser.add_argument("--data", default="data/churn.csv")
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--seed", type=int, default=1234, help="random seed")
    args = parser.parse_args()

    torch.manual_seed(1234)
    frame = pd.read_csv(args.data)
    features = torch.tensor(frame.drop(columns="churned").to_numpy(), dtype=torch.float32)
    target = torch.tensor(frame["churned"].to_numpy(), dtype=torch.float32)
    order = torch.Generator().manual_seed(1234)
    loader = DataLoader(TensorDataset(features, target), batch_size=64, shuffle=True, generator=order)

    model = build_model(args.width)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    for epoch in range(args.epochs):
        total = 0.0
        for x, y in loader:
            loss = nn.functional.binary_cross_entropy_with_logits(model(x).squeeze(1), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(x)
        print(f"epoch {epoch}: loss {total / len(features):.4f}")


if __name__ == "__main__":
    main()
