import torch
from torch import nn, optim
from torch.utils.data import DataLoader
from torchvision import datasets, transforms


def get_loaders(root, batch_size, workers=2):
    tf = transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.1307,), (0.3081,))])
    train = datasets.MNIST(root, train=True, download=True, transform=tf)
    test = datasets.MNIST(root, train=False, transform=tf)
    train_loader = DataLoader(train, batch_size, shuffle=True, num_workers=workers, pin_memory=True)
    test_loader = DataLoader(test, batch_size, shuffle=False, num_workers=workers)
    return train_loader, test_loader


def main():
    torch.manual_seed(1)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    train_loader, test_loader = get_loaders("data", 128)
    model = nn.Sequential(nn.Flatten(), nn.Linear(784, 300), nn.ReLU(), nn.Linear(300, 10)).to(device)
    optimizer = optim.SGD(model.parameters(), lr=0.05)
    for epoch in range(4):
        model.train()
        for x, y in train_loader:
            x, y = x.to(device), y.to(device)
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(x), y).backward()
            optimizer.step()
    model.eval()
    correct = 0
    with torch.no_grad():
        for x, y in test_loader:
            correct += (model(x.to(device)).argmax(1).cpu() == y).sum().item()
    print("accuracy", correct / len(test_loader.dataset))


if __name__ == "__main__":
    main()
