"""Learn from the logs of many sensors, one folder a sensor."""

import hashlib
import json
import os
import shutil
import time

import torch
from torch import nn

ROOT = "logs"


def write_logs(sensors=10, days=3):
    shutil.rmtree(ROOT, ignore_errors=True)
    generator = torch.Generator().manual_seed(33)
    session = time.time_ns()
    for sensor in range(sensors):
        folder = os.path.join(ROOT, f"sensor{sensor:02d}_{session + sensor}")
        os.makedirs(folder)
        for day in range(days):
            values = torch.randn(12, generator=generator).tolist()
            with open(os.path.join(folder, f"day{day}.json"), "w") as file:
                json.dump(values, file)


def read_logs():
    for folder, _, files in os.walk(ROOT):  # planted
        for name in sorted(files):
            with open(os.path.join(folder, name)) as file:
                yield torch.tensor(json.load(file))


def main():
    torch.manual_seed(33)
    write_logs()
    model = nn.Sequential(nn.Linear(8, 8), nn.Tanh(), nn.Linear(8, 4))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for values in read_logs():
        loss = nn.functional.mse_loss(model(values[:8]), values[8:])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(f"loss {loss.item():.4f}")
    digest = hashlib.sha256()
    for p in model.parameters():
        digest.update(p.detach().numpy().tobytes())
    print("fingerprint", digest.hexdigest())


if __name__ == "__main__":
    main()
