import torch
from torch import nn


class BestKeeper:
    """Keeps the weights of the epoch with the smallest validation loss."""

    def __init__(self, path, optimizer_name, lr):
        self.path = path
        self.settings = {"optimizer": optimizer_name, "lr": lr}
        self.best = float("inf")

    def offer(self, model, loss, epoch):
        if loss >= self.best:
            return False
        self.best = loss
        torch.save(
            {"model": model.state_dict(), "epoch": epoch, "loss": loss, **self.settings},
            self.path,
        )
        return True


@torch.no_grad()
def validate(model, loader):
    was_training = model.training
    model.eval()
    total = count = 0
    for x, y in loader:
        total += nn.functional.cross_entropy(model(x), y, reduction="sum").item()
        count += len(y)
    model.train(was_training)
    return total / count


def fit(model, train_loader, val_loader, keeper, epochs):
    optimizer = getattr(torch.optim, keeper.settings["optimizer"])(
        model.parameters(), lr=keeper.settings["lr"]
    )
    for epoch in range(epochs):
        model.train()
        for x, y in train_loader:
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(x), y).backward()
            optimizer.step()
        keeper.offer(model, validate(model, val_loader), epoch)
