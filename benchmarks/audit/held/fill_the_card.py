import torch
from torch import nn

BYTES_PER_ROW = 48 * 1024 * 1024


class Config:
    seed = 33
    lr = 4e-4
    epochs = 5
    data = "windows.pt"


def batch_size_of(device):
    total = torch.cuda.get_device_properties(device).total_memory
    return max(8, int(0.8 * total) // BYTES_PER_ROW)


def train(cfg):
    torch.manual_seed(cfg.seed)
    device = torch.device("cuda:0")
    windows = torch.load(cfg.data)
    model = nn.Sequential(nn.Conv1d(8, 256, 7, padding=3), nn.GELU(), nn.Conv1d(256, 8, 7, padding=3))
    model.to(device)
    optimizer = torch.optim.AdamW(model.parameters(), lr=cfg.lr)
    size = batch_size_of(device)
    for epoch in range(cfg.epochs):
        for rows in torch.randperm(len(windows)).split(size):
            batch = windows[rows].to(device)
            loss = nn.functional.mse_loss(model(batch[..., :-1]), batch[..., 1:])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        print(epoch, loss.item())
    torch.save(model.state_dict(), "windows_net.pt")


if __name__ == "__main__":
    train(Config)
