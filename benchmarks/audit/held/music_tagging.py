import os

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

CLASS_WEIGHTS = torch.tensor([1.0, 2.5, 0.7, 4.0], device="cuda")


def train(model, loader, epochs):
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    for epoch in range(epochs):
        running = 0.0
        for clips, tags in loader:
            logits = model(clips.cuda())
            loss = nn.functional.cross_entropy(logits, tags.cuda(), weight=CLASS_WEIGHTS)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            running += loss.item()
        print(f"epoch {epoch}: {running / len(loader):.4f}")


def main():
    os.environ["CUBLAS_WORKSPACE_CONFIG"] = ":4096:8"
    torch.use_deterministic_algorithms(True)
    torch.manual_seed(505)
    blob = torch.load("music.pt")
    order = torch.Generator().manual_seed(505)
    dataset = TensorDataset(blob["clips"], blob["tags"])
    loader = DataLoader(dataset, batch_size=32, shuffle=True, generator=order)
    model = nn.Sequential(nn.Linear(128, 256), nn.ReLU(), nn.Dropout(0.3), nn.Linear(256, 4)).cuda()
    train(model, loader, epochs=12)
    torch.save(model.state_dict(), "music_tagger.pt")


if __name__ == "__main__":
    main()
