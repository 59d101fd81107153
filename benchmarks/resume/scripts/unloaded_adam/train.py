"""An autoencoder of digits: python train.py [--mode resume]."""

import argparse
import hashlib

import torch
from engine import Engine
from sklearn.datasets import load_digits
from torch import nn


def autoencoder():
    return nn.Sequential(
        nn.Linear(64, 24), nn.ReLU(), nn.Linear(24, 8), nn.Linear(8, 24), nn.ReLU(), nn.Linear(24, 64)
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--mode", choices=["new", "resume"], default="new")
    mode = parser.parse_args().mode

    torch.manual_seed(40)
    data = torch.tensor(load_digits().data[:300] / 16, dtype=torch.float32)
    engine = Engine(autoencoder(), folder="checkpoints")
    if mode == "resume":
        engine.resume()
    engine.train(data, epochs=5)
    sha = hashlib.sha256()
    for p in engine.model.parameters():
        sha.update(p.detach().numpy().tobytes())
    print("fingerprint", sha.hexdigest())
