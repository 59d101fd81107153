import random

import torch
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import DataLoader, Dataset, Sampler


class Pairs(Dataset):
    def __init__(self, path):
        self.rows = torch.load(path)

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, i):
        return self.rows[i]


class BucketSampler(Sampler):
    def __init__(self, lengths, batch_size, seed):
        self.lengths, self.batch_size, self.seed = lengths, batch_size, seed
        self.epoch = 0

    def set_epoch(self, epoch):
        self.epoch = epoch

    def __iter__(self):
        rng = random.Random(self.seed * 1000 + self.epoch)
        order = list(range(len(self.lengths)))
        rng.shuffle(order)
        order.sort(key=lambda i: self.lengths[i] // 8)
        batches = [order[k : k + self.batch_size] for k in range(0, len(order), self.batch_size)]
        rng.shuffle(batches)
        return iter(batches)

    def __len__(self):
        return -(-len(self.lengths) // self.batch_size)


def collate(rows):
    source, target = zip(*rows)
    return pad_sequence(source, batch_first=True), pad_sequence(target, batch_first=True)


def make_loaders(train_path, valid_path, batch_size, seed):
    train = Pairs(train_path)
    sampler = BucketSampler([len(s) for s, _ in train.rows], batch_size, seed)
    loaders = {
        "train": DataLoader(train, batch_sampler=sampler, collate_fn=collate),
        "valid": DataLoader(Pairs(valid_path), batch_size=batch_size, shuffle=False, collate_fn=collate),
    }
    return loaders, sampler
