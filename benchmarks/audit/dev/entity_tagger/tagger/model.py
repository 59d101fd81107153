from torch import nn


class Tagger(nn.Module):
    def __init__(self, words, tags, dim=64):
        super().__init__()
        self.embed = nn.Embedding(words, dim)
        self.lstm = nn.LSTM(dim, dim, bidirectional=True)
        self.out = nn.Linear(2 * dim, tags)

    def forward(self, ids):
        return self.out(self.lstm(self.embed(ids))[0])
