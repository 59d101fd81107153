"""A trainer with many parts, each of which has a state_dict."""

import os
import shutil
import time
from pathlib import Path

import torch
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn


class Trainer:
    def __init__(self, model, steps, folder, keep):
        self.model = model
        self.average = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(0.95), use_buffers=True)
        self.optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
        self.scheduler = torch.optim.lr_scheduler.OneCycleLR(self.optimizer, 2e-2, total_steps=steps)
        self.scaler = torch.amp.GradScaler("cpu", init_scale=2.0**22, growth_interval=6)
        self.steps, self.step = steps, 0
        self.folder, self.keep = Path(folder), keep

    def parts(self):
        return {
            name: getattr(self, name) for name in ("model", "average", "optimizer", "scheduler", "scaler")
        }

    def save(self):
        new = self.folder / f"new-{self.step}"
        new.mkdir(parents=True, exist_ok=True)
        for name, part in self.parts().items():
            torch.save(part.state_dict(), new / f"{name}.pt")  # saved
        torch.save({"step": self.step, "rng": torch.get_rng_state()}, new / "loop.pt")  # also
        os.replace(new, self.folder / f"step-{self.step:05d}")
        for old in sorted(self.folder.glob("step-*"))[: -self.keep]:
            shutil.rmtree(old)

    def load_latest(self):
        path = max(self.folder.glob("step-*"))
        for name, part in self.parts().items():
            part.load_state_dict(torch.load(path / f"{name}.pt"))  # loaded
        loop = torch.load(path / "loop.pt")
        self.step = loop["step"]
        torch.set_rng_state(loop["rng"])

    def fit(self, x, y):
        while self.step < self.steps:
            rows = torch.randint(0, len(x), (32,))
            with torch.autocast("cpu", dtype=torch.float16):
                prediction = self.model(x[rows])
            loss = torch.nn.functional.mse_loss(prediction.float(), y[rows])
            self.optimizer.zero_grad()
            self.scaler.scale(loss).backward()
            self.scaler.step(self.optimizer)
            self.scaler.update()
            self.scheduler.step()
            self.average.update_parameters(self.model)
            self.step += 1
            time.sleep(0.05)
            if self.step % 5 == 0:
                self.save()
