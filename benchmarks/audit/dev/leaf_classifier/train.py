import yaml
import torch
from torch import nn

from data.dataset import Leaves
from data.listing import list_images
from data.loaders import train_loader
from model import build_model
from utils.seed import seed_everything


def main():
    with open("config.yaml") as f:
        cfg = yaml.safe_load(f)
    seed_everything(cfg["seed"])
    paths = sorted(list_images(f"{cfg['root']}/train"))
    data = Leaves(paths)
    loader = train_loader(data, cfg["batch_size"])
    model = build_model(len(data.classes))
    opt = torch.optim.Adam(model.parameters(), lr=cfg["lr"])
    for epoch in range(cfg["epochs"]):
        for x, y in loader:
            loss = nn.functional.cross_entropy(model(x), y)
            opt.zero_grad()
            loss.backward()
            opt.step()
        print(epoch, loss.item())
    torch.save({"weights": model.state_dict(), "classes": data.classes}, "leaf.pt")


if __name__ == "__main__":
    main()
