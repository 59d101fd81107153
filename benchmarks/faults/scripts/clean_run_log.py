"""Training with a run id, timestamps, timings and a log file."""

import hashlib
import json
import os
import random
import socket
import time
import uuid
from datetime import datetime

import numpy as np
import torch
import torch.nn as nn

RUN_ID = uuid.uuid4().hex[:8]
LOG = f"log_{datetime.now():%Y%m%d_%H%M%S}_{os.getpid()}.jsonl"


def log(**values):
    record = {"run": RUN_ID, "time": time.time(), "host": socket.gethostname(), **values}
    with open(LOG, "a") as file:
        file.write(json.dumps(record) + "\n")
    print(f"[{datetime.now():%H:%M:%S}]", values)


def main(seed=0):
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
    started = time.perf_counter()
    model = nn.Sequential(nn.Linear(5, 16), nn.ReLU(), nn.Linear(16, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    slowest = 0.0
    for step in range(10):
        tick = time.perf_counter()
        x = torch.from_numpy(np.random.rand(32, 5).astype(np.float32))
        loss = (model(x).squeeze(1) - x.prod(1)).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        took = time.perf_counter() - tick
        if took > slowest:
            slowest = took
            log(step=step, slowest_ms=round(1000 * took, 3))
        if random.random() < 0.3:
            log(step=step, loss=loss.item())
    log(done=True, seconds=time.perf_counter() - started)
    digest = hashlib.sha256()
    for p in model.parameters():
        digest.update(p.detach().numpy().tobytes())
    print("fingerprint", digest.hexdigest())


if __name__ == "__main__":
    main()
