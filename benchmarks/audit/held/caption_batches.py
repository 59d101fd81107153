import torch
from torch import nn
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import DataLoader

CONFIG = {
    "seed": 6,
    "loader": {"batch_size": 32, "shuffle": True, "drop_last": True},
    "optim": {"lr": 2e-3, "weight_decay": 0.01},
    "epochs": 3,
}


def collate(batch):
    lengths = torch.tensor([len(ids) for ids in batch])
    return pad_sequence(batch, batch_first=True), lengths


class Decoder(nn.Module):
    def __init__(self, vocab, dim=128):
        super().__init__()
        self.embed = nn.Embedding(vocab, dim, padding_idx=0)
        self.lstm = nn.LSTM(dim, dim, batch_first=True)
        self.out = nn.Linear(dim, vocab)

    def forward(self, ids):
        return self.out(self.lstm(self.embed(ids))[0])


def run(cfg):
    torch.manual_seed(cfg["seed"])
    sequences = torch.load("captions.pt")
    loader = DataLoader(sequences, collate_fn=collate, **cfg["loader"])
    model = Decoder(vocab=8000)
    opt = torch.optim.AdamW(model.parameters(), **cfg["optim"])
    for _ in range(cfg["epochs"]):
        for ids, lengths in loader:
            logits = model(ids[:, :-1])
            loss = nn.functional.cross_entropy(logits.flatten(0, 1), ids[:, 1:].flatten(), ignore_index=0)
            opt.zero_grad()
            loss.backward()
            opt.step()
    torch.save(model.state_dict(), "decoder.pt")


if __name__ == "__main__":
    run(CONFIG)
