import argparse
import random

import numpy as np
import torch
from torch import nn


def set_seed(seed):
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
    torch.cuda.manual_seed_all(seed)
    torch.backends.cudnn.deterministic = True
    torch.backends.cudnn.benchmark = False


def prepare_device(name, half):
    device = torch.device(name)
    if device.type == "cuda":
        torch.backends.cudnn.deterministic = False
        torch.backends.cuda.matmul.allow_tf32 = half
    return device


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--device", default="cuda:0")
    parser.add_argument("--half", action="store_true")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    set_seed(args.seed)
    device = prepare_device(args.device, args.half)
    frames = torch.from_numpy(np.load("frames.npy")).float()
    joints = torch.from_numpy(np.load("joints.npy")).float()
    net = nn.Sequential(nn.Conv2d(3, 32, 5, 4), nn.ReLU(), nn.Flatten(), nn.LazyLinear(34)).to(device)
    net(frames[:1].to(device))
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-4)
    for _ in range(40):
        for rows in torch.randperm(len(frames)).split(32):
            batch = frames[rows]
            if random.random() < 0.5:
                batch = batch + np.random.uniform(-0.1, 0.1)
            loss = nn.functional.mse_loss(net(batch.to(device)), joints[rows].to(device))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    torch.save(net.state_dict(), "pose.pt")


if __name__ == "__main__":
    main()
