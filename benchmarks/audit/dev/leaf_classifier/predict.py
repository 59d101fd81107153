import sys

import torch

from data.dataset import read
from data.listing import list_images
from model import build_model
from utils.seed import seed_everything


@torch.inference_mode()
def main(folder):
    seed_everything(0)
    saved = torch.load("leaf.pt")
    model = build_model(len(saved["classes"]))
    model.load_state_dict(saved["weights"])
    model.eval()
    with open("predictions.csv", "w") as f:
        for path in list_images(folder):
            label = model(read(path)[None]).argmax(1).item()
            f.write(f"{path},{saved['classes'][label]}\n")


if __name__ == "__main__":
    main(sys.argv[1])
