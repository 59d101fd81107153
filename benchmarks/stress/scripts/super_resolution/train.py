"""Learn to double the resolution of images in a folder."""

import argparse
import hashlib
from math import log10

import torch
import torch.nn as nn
import torch.optim as optim
from torch.utils.data import DataLoader

from data import get_test_set, get_training_set
from model import Net

parser = argparse.ArgumentParser()
parser.add_argument("--upscale-factor", type=int, default=2)
parser.add_argument("--batch-size", type=int, default=4)
parser.add_argument("--epochs", type=int, default=3)
parser.add_argument("--lr", type=float, default=0.01)
parser.add_argument("--threads", type=int, default=2, help="workers of the data loaders")
parser.add_argument("--seed", type=int, default=123)
opt = parser.parse_args()

torch.manual_seed(opt.seed)

train_set = get_training_set(opt.upscale_factor)
test_set = get_test_set(opt.upscale_factor)
training_data_loader = DataLoader(train_set, opt.batch_size, shuffle=True, num_workers=opt.threads)
testing_data_loader = DataLoader(test_set, 3, shuffle=False, num_workers=opt.threads)

model = Net(opt.upscale_factor)  # enters unused-layer
criterion = nn.MSELoss()
optimizer = optim.Adam(model.parameters(), lr=opt.lr)


def train(epoch):
    epoch_loss = 0
    for batch in training_data_loader:  # enters extra-draw evaluation persistent-workers
        input, target = batch[0], batch[1]
        optimizer.zero_grad()
        loss = criterion(model(input), target)
        epoch_loss += loss.item()
        loss.backward()
        optimizer.step()
    print(f"===> Epoch {epoch} complete: loss {epoch_loss / len(training_data_loader):.4f}")


def test():
    avg_psnr = 0
    with torch.no_grad():
        for batch in testing_data_loader:  # enters evaluation
            mse = criterion(model(batch[0]), batch[1])
            avg_psnr += 10 * log10(1 / mse.item())
    print(f"===> PSNR {avg_psnr / len(testing_data_loader):.4f} dB")


for epoch in range(1, opt.epochs + 1):
    train(epoch)
    test()
    torch.save(model.state_dict(), f"model_epoch_{epoch}.pth")

weights = b"".join(p.detach().numpy().tobytes() for p in model.parameters())
print("fingerprint", hashlib.sha256(weights).hexdigest())
