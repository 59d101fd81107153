import torch

from tides import checkpoint
from tides.loaders import build_loaders
from tides.model import Forecaster, training_step


def run(path, epochs, seed, resume=None):
    torch.manual_seed(seed)
    train, val = build_loaders(path, batch_size=64, seed=seed)
    model = Forecaster(inputs=48, outputs=6)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    first = checkpoint.load(resume, model, optimizer) if resume else 0
    for epoch in range(first, epochs):
        model.train()
        for batch in train:
            training_step(model, optimizer, batch)
        print(f"epoch {epoch} error {model.error(val):.4f}")
        checkpoint.save(f"tides-{epoch:03d}.pt", model, optimizer, epoch)
