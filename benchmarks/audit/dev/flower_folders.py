from pathlib import Path

import torch
from PIL import Image
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms
from torchvision.models import mobilenet_v3_small


def class_dirs(root: Path) -> list[Path]:
    return [d for d in root.iterdir() if d.is_dir() and not d.name.startswith(".")]


class Flowers(Dataset):
    def __init__(self, root, transform):
        self.transform = transform
        self.samples = []
        for label, folder in enumerate(class_dirs(Path(root))):
            for path in sorted(folder.glob("*.jpg")):
                self.samples.append((path, label))

    def __len__(self):
        return len(self.samples)

    def __getitem__(self, index):
        path, label = self.samples[index]
        return self.transform(Image.open(path).convert("RGB")), label


def train(root="flowers", seed=1):
    torch.manual_seed(seed)
    tf = transforms.Compose([transforms.RandomResizedCrop(160), transforms.ToTensor()])
    data = Flowers(root, tf)
    loader = DataLoader(data, 48, shuffle=True, generator=torch.Generator().manual_seed(seed))
    model = mobilenet_v3_small(num_classes=17)
    opt = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9)
    model.train()
    for _ in range(5):
        for x, y in loader:
            loss = torch.nn.functional.cross_entropy(model(x), y)
            opt.zero_grad()
            loss.backward()
            opt.step()
    torch.save(model.state_dict(), "flowers.pt")


if __name__ == "__main__":
    train()
