import pandas as pd
import torch
from accelerate import Accelerator
from accelerate.utils import set_seed
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, WeightedRandomSampler


def balanced_sampler(y):
    counts = torch.bincount(y)
    weights = (1.0 / counts.float())[y]
    return WeightedRandomSampler(weights, num_samples=len(y), replacement=True)


def main():
    set_seed(1212)
    accelerator = Accelerator(cpu=True)
    frame = pd.read_parquet("payments.parquet")
    x = torch.tensor(frame.drop(columns="fraud").to_numpy(), dtype=torch.float32)
    y = torch.tensor(frame["fraud"].to_numpy()).long()
    loader = DataLoader(TensorDataset(x, y), batch_size=256, sampler=balanced_sampler(y))
    model = nn.Sequential(nn.Linear(x.shape[1], 64), nn.ReLU(), nn.Linear(64, 2))
    opt = torch.optim.Adam(model.parameters(), lr=1e-3)
    model, opt, loader = accelerator.prepare(model, opt, loader)
    for _ in range(5):
        for bx, by in loader:
            opt.zero_grad()
            accelerator.backward(nn.functional.cross_entropy(model(bx), by))
            opt.step()
    accelerator.save(accelerator.unwrap_model(model).state_dict(), "fraud.pt")


if __name__ == "__main__":
    main()
