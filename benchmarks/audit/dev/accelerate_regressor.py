import argparse

import numpy as np
import torch
from accelerate import Accelerator
from accelerate.utils import set_seed
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def parse():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=12)
    parser.add_argument("--resume")
    return parser.parse_args()


def main():
    args = parse()
    set_seed(args.seed)
    accelerator = Accelerator()
    x = torch.from_numpy(np.load("molecules.npy")).float()
    y = torch.from_numpy(np.load("solubility.npy")).float()
    order = torch.Generator().manual_seed(args.seed)
    loader = DataLoader(TensorDataset(x, y), batch_size=64, shuffle=True, generator=order)
    model = nn.Sequential(nn.Linear(x.shape[1], 128), nn.SiLU(), nn.Dropout(0.1), nn.Linear(128, 1))
    optimizer = torch.optim.AdamW(model.parameters())
    if args.resume:
        state = torch.load(args.resume)
        model.load_state_dict(state["net"])
        optimizer.load_state_dict(state["optim"])
    model, optimizer, loader = accelerator.prepare(model, optimizer, loader)
    for epoch in range(25):
        for inputs, targets in loader:
            loss = nn.functional.mse_loss(model(inputs).squeeze(1), targets)
            optimizer.zero_grad()
            accelerator.backward(loss)
            optimizer.step()
        state = {"net": accelerator.unwrap_model(model).state_dict(), "optim": optimizer.state_dict()}
        accelerator.save(state, f"regressor_{epoch}.pt")


if __name__ == "__main__":
    main()
