"""A loader with a state, in the manner of torchdata's StatefulDataLoader."""

import torch
from torch.utils.data import default_collate


class PositionedLoader:
    def __init__(self, dataset, batch_size, seed):
        self.dataset = dataset
        self.batch_size = batch_size
        self.generator = torch.Generator().manual_seed(seed)
        self.epoch = 0
        self._done = 0
        self._begin = self.generator.get_state()

    def state_dict(self):
        return {"epoch": self.epoch, "done": self._done, "generator": self._begin}

    def load_state_dict(self, state):
        self.epoch = state["epoch"]
        self._done = state["done"]
        self.generator.set_state(state["generator"])

    def __iter__(self):
        self._begin = self.generator.get_state()
        order = torch.randperm(len(self.dataset), generator=self.generator)
        batches = order.split(self.batch_size)
        while self._done < len(batches):
            rows = batches[self._done].tolist()
            self._done += 1
            yield default_collate([self.dataset[row] for row in rows])
        self.epoch += 1
        self._done = 0
