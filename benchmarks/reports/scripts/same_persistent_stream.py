"""An endless stream, read for three epochs by workers that stay alive."""

import hashlib
import random

import torch
from torch import nn
from torch.utils.data import DataLoader, IterableDataset, get_worker_info


class Stream(IterableDataset):
    """Each worker makes its own part; how long a sample takes differs."""

    def __init__(self, per_worker=40):
        self.per_worker = per_worker

    def __iter__(self):
        worker = get_worker_info().id
        for number in range(self.per_worker):
            size = random.randint(10, 20_000)
            values = torch.rand(size)
            mark = torch.tensor([float(worker), number / self.per_worker])
            yield torch.cat([mark, values.mean()[None], values.std()[None]])


def main():
    torch.manual_seed(44)
    generator = torch.Generator().manual_seed(44)
    loader = DataLoader(Stream(), batch_size=8, num_workers=2, persistent_workers=True, generator=generator)
    model = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 4))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for epoch in range(3):
        for batch in loader:
            loss = nn.functional.mse_loss(model(batch), batch)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        print(f"epoch {epoch} loss {loss.item():.5f}")
    digest = hashlib.sha256()
    for p in model.parameters():
        digest.update(p.detach().numpy().tobytes())
    print("fingerprint", digest.hexdigest())


if __name__ == "__main__":
    main()
