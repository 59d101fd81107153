import argparse

import pandas as pd
import torch
from sklearn.model_selection import train_test_split
from torch import nn


def get_args():
    ap = argparse.ArgumentParser()
    ap.add_argument("csv")
    ap.add_argument("--seed", dest="random_state", type=int, default=5)
    ap.add_argument("--hidden", type=int, default=48)
    return ap.parse_args()


def fit(model, x, y, steps):
    optimizer = torch.optim.LBFGS(model.parameters(), max_iter=steps)

    def closure():
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(model(x).squeeze(1), y)
        loss.backward()
        return loss

    optimizer.step(closure)


def main():
    args = get_args()
    torch.manual_seed(args.random_state)
    frame = pd.read_csv(args.csv, sep=";")
    train, test = train_test_split(frame, test_size=0.2, random_state=args.random_state)
    tensors = [torch.tensor(part.to_numpy(), dtype=torch.float32) for part in (train, test)]
    model = nn.Sequential(nn.Linear(11, args.hidden), nn.Tanh(), nn.Linear(args.hidden, 1))
    fit(model, tensors[0][:, :-1], tensors[0][:, -1], steps=200)
    with torch.no_grad():
        error = nn.functional.l1_loss(model(tensors[1][:, :-1]).squeeze(1), tensors[1][:, -1])
    print(f"test error {error.item():.3f}")


if __name__ == "__main__":
    main()
