import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Captions(Dataset):
    def __init__(self, path):
        blob = torch.load(path)
        self.image = blob["image"]
        self.text = blob["text"]

    def __len__(self):
        return len(self.image)

    def __getitem__(self, i):
        return self.image[i].float(), self.text[i].float()


class TwoTower(nn.Module):
    def __init__(self, di=512, dt=384, dim=128):
        super().__init__()
        self.image = nn.Linear(di, dim)
        self.text = nn.Linear(dt, dim)

    def forward(self, image, text):
        a = nn.functional.normalize(self.image(image), dim=-1)
        b = nn.functional.normalize(self.text(text), dim=-1)
        return a @ b.T / 0.07


def main():
    torch.manual_seed(21)
    data = Captions("captions.pt")
    loader = DataLoader(
        data,
        batch_size=256,
        shuffle=True,
        generator=torch.Generator().manual_seed(21),
        num_workers=6,
        in_order=False,
        drop_last=True,
    )
    model = TwoTower()
    opt = torch.optim.AdamW(model.parameters(), lr=5e-4)
    for _ in range(8):
        for image, text in loader:
            logits = model(image, text)
            loss = nn.functional.cross_entropy(logits, torch.arange(len(image)))
            opt.zero_grad()
            loss.backward()
            opt.step()
    torch.save(model.state_dict(), "towers.pt")


if __name__ == "__main__":
    main()
