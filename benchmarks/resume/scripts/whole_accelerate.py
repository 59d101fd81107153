"""accelerate, resumed inside an epoch by a loader that keeps its place: [--resume_from_checkpoint states]."""

import argparse
import hashlib
import json
import time
from pathlib import Path

import torch
from accelerate import Accelerator
from accelerate.utils import set_seed
from torch import nn
from torch.utils.data import TensorDataset

from samebits.data import SeededLoader

EPOCHS = 3


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--resume_from_checkpoint", type=Path)
    parser.add_argument("--checkpointing_steps", type=int, default=4)
    args = parser.parse_args()

    set_seed(222)
    accelerator = Accelerator(cpu=True)
    x = torch.linspace(-1, 1, 144 * 8).reshape(144, 8)
    model = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Dropout(0.2), nn.Linear(16, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    loader = SeededLoader(TensorDataset(x, x.sum(1, keepdim=True)), batch_size=16, shuffle=True, seed=0)
    model, optimizer = accelerator.prepare(model, optimizer)
    accelerator.register_for_checkpointing(loader)
    first_epoch, skipped = 0, 0
    if args.resume_from_checkpoint:
        progress = json.loads((args.resume_from_checkpoint / "progress.json").read_text())
        accelerator.load_state(progress["state"])  # loaded
        first_epoch, skipped = divmod(progress["step"], len(loader))

    step = first_epoch * len(loader) + skipped
    for _ in range(first_epoch, EPOCHS):
        for features, target in loader:
            loss = nn.functional.mse_loss(model(features), target)
            accelerator.backward(loss)
            optimizer.step()
            optimizer.zero_grad()
            step += 1
            time.sleep(0.05)
            if step % args.checkpointing_steps == 0:
                state = f"states/step_{step}"
                accelerator.save_state(state)  # saved
                Path("states/progress.json").write_text(json.dumps({"state": state, "step": step}))

    sha = hashlib.sha256()
    for p in accelerator.unwrap_model(model).parameters():
        sha.update(p.detach().numpy().tobytes())
    print("fingerprint", sha.hexdigest())


if __name__ == "__main__":
    main()
