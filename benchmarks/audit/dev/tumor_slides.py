import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split


def evaluate(model, loader):
    model.eval()
    hits = total = 0
    with torch.no_grad():
        for x, y in loader:
            hits += (model(x).argmax(1) == y).sum().item()
            total += len(y)
    return hits / total


def main():
    cfg = {"seed": 0, "batch": 64, "lr": 3e-4, "epochs": 10}
    torch.manual_seed(cfg["seed"])
    blob = torch.load("slides.pt")
    data = TensorDataset(blob["features"], blob["grade"])
    n_val = len(data) // 10
    train_set, val_set = random_split(data, [len(data) - n_val, n_val])
    g = torch.Generator().manual_seed(cfg["seed"])
    train_loader = DataLoader(train_set, cfg["batch"], shuffle=True, generator=g)
    val_loader = DataLoader(val_set, cfg["batch"])

    model = nn.Sequential(nn.Linear(768, 128), nn.ReLU(), nn.Dropout(0.3), nn.Linear(128, 4))
    opt = torch.optim.AdamW(model.parameters(), lr=cfg["lr"])
    for epoch in range(cfg["epochs"]):
        model.train()
        for x, y in train_loader:
            loss = nn.functional.cross_entropy(model(x), y)
            opt.zero_grad()
            loss.backward()
            opt.step()
        print(epoch, evaluate(model, val_loader))
    torch.save(model.state_dict(), "slides_head.pt")


if __name__ == "__main__":
    main()
