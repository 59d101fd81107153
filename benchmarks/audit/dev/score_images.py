import argparse
import json
from pathlib import Path

import torch
from torch.utils.data import DataLoader
from torchvision import transforms
from torchvision.datasets import ImageFolder
from torchvision.models import resnet18

TRANSFORM = transforms.Compose(
    [
        transforms.Resize(256),
        transforms.CenterCrop(224),
        transforms.ToTensor(),
        transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),
    ]
)


@torch.inference_mode()
def score(model, loader):
    rows = []
    for x, y in loader:
        p = model(x).softmax(dim=1)
        rows += [[float(v), int(k), int(t)] for v, k, t in zip(*p.max(dim=1), y)]
    return rows


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("weights")
    ap.add_argument("folder")
    ap.add_argument("--out", default="scores.json")
    args = ap.parse_args()
    data = ImageFolder(args.folder, TRANSFORM)
    model = resnet18(num_classes=len(data.classes))
    model.load_state_dict(torch.load(args.weights, map_location="cpu"), strict=True)
    model.eval()
    rows = score(model, DataLoader(data, batch_size=64, num_workers=2))
    Path(args.out).write_text(json.dumps(rows))


if __name__ == "__main__":
    main()
