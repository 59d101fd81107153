# The training ends after a number of epochs.
import hashlib

import torch
from ignite.engine import Events, create_supervised_evaluator, create_supervised_trainer
from ignite.handlers import EarlyStopping
from ignite.metrics import Loss
from ignite.utils import manual_seed
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def main():
    manual_seed(42)
    x = torch.randn(512, 10)
    data = TensorDataset(x, x.sum(1, keepdim=True))
    model = nn.Sequential(nn.Linear(10, 64), nn.ReLU(), nn.Linear(64, 1))
    optimizer = torch.optim.Adam(model.parameters(), 1e-3)
    trainer = create_supervised_trainer(model, optimizer, nn.functional.mse_loss)
    evaluator = create_supervised_evaluator(model, metrics={"mse": Loss(nn.functional.mse_loss)})
    stop = EarlyStopping(
        patience=3, score_function=lambda engine: -engine.state.metrics["mse"], trainer=trainer
    )
    evaluator.add_event_handler(Events.COMPLETED, stop)
    trainer.add_event_handler(Events.EPOCH_COMPLETED, lambda: evaluator.run(DataLoader(data, batch_size=64)))
    trainer.run(DataLoader(data, batch_size=16, shuffle=True), max_epochs=4)
    print("iterations", trainer.state.iteration)
    print(evaluator.run(DataLoader(data, batch_size=64)).metrics)
    print(
        "HASH", hashlib.sha256(b"".join(p.detach().numpy().tobytes() for p in model.parameters())).hexdigest()
    )


if __name__ == "__main__":
    main()
