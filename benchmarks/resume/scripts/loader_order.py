"""A convolutional classifier; the loader shuffles on a generator of its own.

python loader_order.py --resume model_last.pt
"""

import argparse
import hashlib
import time

import torch
import torch.nn as nn
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader, TensorDataset


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 8, 3, padding=1)
        self.drop = nn.Dropout(0.1)
        self.fc = nn.Linear(8 * 16, 10)

    def forward(self, x):
        x = nn.functional.max_pool2d(self.conv(x).relu(), 2)
        return self.fc(self.drop(x.flatten(1)))


def get_loader(seed):
    digits = load_digits()
    images = torch.tensor(digits.images[:240] / 16, dtype=torch.float32)[:, None]
    generator = torch.Generator()
    generator.manual_seed(seed)
    dataset = TensorDataset(images, torch.tensor(digits.target[:240]))
    return DataLoader(dataset, batch_size=48, shuffle=True, generator=generator)


def main(args):
    torch.manual_seed(args.seed)
    loader = get_loader(args.seed)
    net = Net()
    optimizer = torch.optim.Adam(net.parameters(), lr=args.lr)
    begin = 1
    if args.resume is not None:
        ckpt = torch.load(args.resume)  # loaded
        net.load_state_dict(ckpt["net"])
        optimizer.load_state_dict(ckpt["optimizer"])
        torch.set_rng_state(ckpt["rng_state"])
        begin = ckpt["epoch"] + 1

    for epoch in range(begin, args.epochs + 1):
        for images, labels in loader:
            loss = nn.functional.cross_entropy(net(images), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            time.sleep(0.05)
        print(f"epoch {epoch} loss {loss.item():.4f}")
        if epoch < args.epochs:
            ckpt = {"epoch": epoch, "net": net.state_dict(), "optimizer": optimizer.state_dict()}
            ckpt["rng_state"] = torch.get_rng_state()
            torch.save(ckpt, "model_last.pt")  # saved

    sha = hashlib.sha256()
    for p in net.parameters():
        sha.update(p.detach().numpy().tobytes())
    print("fingerprint", sha.hexdigest())


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument("--lr", type=float, default=3e-3)
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--resume")
    main(parser.parse_args())
