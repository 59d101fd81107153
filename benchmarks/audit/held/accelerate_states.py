import torch
from accelerate import Accelerator
from accelerate.utils import ProjectConfiguration, set_seed
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

config = {"seed": 9, "lr": 1e-3, "epochs": 10, "batch": 128}


def main(cfg):
    set_seed(cfg["seed"])
    project = ProjectConfiguration(project_dir="work", automatic_checkpoint_naming=True)
    accelerator = Accelerator(project_config=project)
    blob = torch.load("embeddings.pt")
    loader = DataLoader(
        TensorDataset(blob["x"], blob["y"]),
        batch_size=cfg["batch"],
        shuffle=True,
        generator=torch.Generator().manual_seed(cfg["seed"]),
    )
    model = nn.Sequential(nn.Dropout(0.2), nn.Linear(768, 4))
    optimizer = torch.optim.AdamW(model.parameters(), lr=cfg["lr"])
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, cfg["epochs"])
    model, optimizer, loader, scheduler = accelerator.prepare(model, optimizer, loader, scheduler)
    for _ in range(cfg["epochs"]):
        for x, y in loader:
            with accelerator.accumulate(model):
                accelerator.backward(nn.functional.cross_entropy(model(x), y))
                optimizer.step()
                optimizer.zero_grad()
        scheduler.step()
        accelerator.save_state()


if __name__ == "__main__":
    main(config)
