# pytorch/ignite: the handler TimeLimit ends the training after so many seconds; everything is seeded, and
# yet each run takes another number of iterations.
import hashlib

import torch
from ignite.engine import Events, create_supervised_evaluator, create_supervised_trainer
from ignite.handlers import TimeLimit
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
    trainer.add_event_handler(Events.ITERATION_COMPLETED, TimeLimit(limit_sec=2))  # planted
    trainer.run(DataLoader(data, batch_size=16, shuffle=True), max_epochs=10000)  # also
    print("iterations", trainer.state.iteration)
    print(evaluator.run(DataLoader(data, batch_size=64)).metrics)
    print(
        "HASH", hashlib.sha256(b"".join(p.detach().numpy().tobytes() for p in model.parameters())).hexdigest()
    )


if __name__ == "__main__":
    main()
