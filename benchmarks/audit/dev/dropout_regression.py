import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def set_seed(seed=42):
    torch.manual_seed(seed)
    if torch.cuda.is_available():
        torch.cuda.manual_seed_all(seed)


def train_epoch(model, loader, opt):
    model.train()
    total = 0.0
    for x, y in loader:
        torch.manual_seed(42)
        loss = nn.functional.mse_loss(model(x).squeeze(1), y)
        opt.zero_grad()
        loss.backward()
        opt.step()
        total += loss.item() * len(x)
    return total / len(loader.dataset)


def main():
    set_seed()
    blob = torch.load("houses.pt")
    data = TensorDataset(blob["x"], blob["price"])
    loader = DataLoader(data, 64, shuffle=True, generator=torch.Generator().manual_seed(42))
    model = nn.Sequential(nn.Linear(30, 128), nn.ReLU(), nn.Dropout(0.5), nn.Linear(128, 1))
    opt = torch.optim.Adam(model.parameters(), lr=1e-3)
    for epoch in range(50):
        print(epoch, train_epoch(model, loader, opt))
    torch.save(model.state_dict(), "houses_model.pt")


if __name__ == "__main__":
    main()
