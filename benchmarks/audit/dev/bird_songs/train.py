import torch
import yaml
from torch import nn

from songs.data import Songs, make_loader
from songs.files import find
from songs.net import SongNet
from songs.seed import seed_all


def accuracy(model, loader):
    model.eval()
    hits = count = 0
    with torch.no_grad():
        for x, y in loader:
            hits += (model(x).argmax(1) == y).sum().item()
            count += len(y)
    model.train()
    return hits / count


def main():
    with open("config.yaml") as f:
        cfg = yaml.safe_load(f)
    seed_all(cfg["seed"])
    files = sorted(find(cfg["folder"], ".npy"))
    cut = len(files) * 9 // 10
    order = torch.randperm(len(files), generator=torch.Generator().manual_seed(cfg["seed"])).tolist()
    train = Songs([files[k] for k in order[:cut]], train=True)
    valid = Songs([files[k] for k in order[cut:]], train=False, species=train.species)
    train_loader = make_loader(train, cfg["batch_size"], seed=cfg["seed"])
    valid_loader = make_loader(valid, cfg["batch_size"])
    model = SongNet(len(train.species))
    opt = torch.optim.AdamW(model.parameters(), lr=cfg["lr"])
    for epoch in range(cfg["epochs"]):
        for x, y in train_loader:
            loss = nn.functional.cross_entropy(model(x), y)
            opt.zero_grad()
            loss.backward()
            opt.step()
        print(epoch, accuracy(model, valid_loader))
    torch.save({"model": model.state_dict(), "species": train.species}, "songs.pt")


if __name__ == "__main__":
    main()
