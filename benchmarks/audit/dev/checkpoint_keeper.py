import os
import shutil
from pathlib import Path

import torch


class CheckpointKeeper:
    def __init__(self, folder, keep=3):
        self.folder = Path(folder)
        self.keep = keep
        self.folder.mkdir(parents=True, exist_ok=True)

    def newest(self):
        files = list(self.folder.glob("step_*.pt"))
        return max(files, key=os.path.getmtime) if files else None

    def prune(self):
        files = sorted(self.folder.glob("step_*.pt"), key=lambda p: int(p.stem.split("_")[1]))
        for path in files[: -self.keep]:
            path.unlink()

    def has(self, step):
        return f"step_{step}.pt" in os.listdir(self.folder)

    def clear_temporary(self):
        for entry in os.scandir(self.folder):
            if entry.name.endswith(".tmp"):
                os.remove(entry.path)

    def copy_logs(self, target):
        for path in self.folder.glob("*.log"):
            shutil.copy(path, Path(target) / path.name)

    def save(self, model, step):
        torch.save(model.state_dict(), self.folder / f"step_{step}.pt")
        self.prune()
        print(f"{len(os.listdir(self.folder))} files in {self.folder}")
