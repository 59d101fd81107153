"""A variational autoencoder for digits: a reconstruction test and new samples after each epoch."""

import hashlib

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader

LOG_INTERVAL = 5


class VAE(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(64, 40)  # enters unused-layer
        self.fc21, self.fc22 = nn.Linear(40, 5), nn.Linear(40, 5)
        self.fc3, self.fc4 = nn.Linear(5, 40), nn.Linear(40, 64)

    def encode(self, x):
        h1 = F.relu(self.fc1(x))
        return self.fc21(h1), self.fc22(h1)

    def reparameterize(self, mu, logvar):
        std = torch.exp(0.5 * logvar)
        eps = torch.randn_like(std)  # planted # enters extra-draw
        return mu + eps * std

    def decode(self, z):
        return torch.sigmoid(self.fc4(F.relu(self.fc3(z))))

    def forward(self, x):
        mu, logvar = self.encode(x)
        return self.decode(self.reparameterize(mu, logvar)), mu, logvar


def loss_function(recon_x, x, mu, logvar):
    bce = F.binary_cross_entropy(recon_x, x, reduction="sum")
    return bce - 0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())


def train(epoch, model, optimizer, train_loader):
    model.train()
    for batch_idx, data in enumerate(train_loader):  # enters evaluation extra-draw
        optimizer.zero_grad()
        recon, mu, logvar = model(data)
        loss = loss_function(recon, data, mu, logvar)
        loss.backward()
        optimizer.step()
        if batch_idx % LOG_INTERVAL == 0:
            print(f"Train Epoch: {epoch} [{batch_idx}/{len(train_loader)}] Loss: {loss.item():.4f}")


def test(epoch, model, test_loader):
    model.eval()
    test_loss = 0
    with torch.no_grad():
        for data in test_loader:  # also
            recon, mu, logvar = model(data)
            test_loss += loss_function(recon, data, mu, logvar).item()
        sample = model.decode(torch.randn(16, 5))  # also
    print(f"====> Test loss: {test_loss / len(test_loader.dataset):.4f}, ink {sample.mean():.4f}")


def main(seed=1, batch_size=50, epochs=3):
    torch.manual_seed(seed)
    images = torch.tensor(load_digits().data / 16, dtype=torch.float32)
    train_loader = DataLoader(images[:600], batch_size, shuffle=True)
    test_loader = DataLoader(images[600:800], batch_size)
    model = VAE()  # enters unused-layer
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-4)
    for epoch in range(1, epochs + 1):
        train(epoch, model, optimizer, train_loader)
        test(epoch, model, test_loader)
    weights = b"".join(p.detach().numpy().tobytes() for p in model.parameters())
    print("fingerprint", hashlib.sha256(weights).hexdigest())


if __name__ == "__main__":
    main()
