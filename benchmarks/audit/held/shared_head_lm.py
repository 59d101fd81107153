import torch
from torch import nn


class TiedLM(nn.Module):
    def __init__(self, vocab=1000, dim=64):
        super().__init__()
        self.embed = nn.Embedding(vocab, dim)
        self.rnn = nn.GRU(dim, dim, batch_first=True)
        self.head = nn.Linear(dim, vocab, bias=False)
        self.head.weight = self.embed.weight

    def forward(self, ids):
        out, _ = self.rnn(self.embed(ids))
        return self.head(out)


def unique_parameters(*modules):
    found = {}
    for module in modules:
        for p in module.parameters():
            found[id(p)] = p
    return [found[k] for k in sorted(found)]


def add_noise(params, std, generator):
    with torch.no_grad():
        for p in params:
            p.add_(torch.randn(p.shape, generator=generator) * std)


def main():
    torch.manual_seed(3)
    model = TiedLM()
    params = unique_parameters(model.embed, model.rnn, model.head)
    opt = torch.optim.Adam(params, lr=1e-3)
    noise = torch.Generator().manual_seed(4)
    data = torch.randint(0, 1000, (256, 33))
    for batch in data.split(16):
        logits = model(batch[:, :-1])
        loss = nn.functional.cross_entropy(logits.flatten(0, 1), batch[:, 1:].flatten())
        opt.zero_grad()
        loss.backward()
        opt.step()
        add_noise(params, 1e-4, noise)
    print(loss.item())


if __name__ == "__main__":
    main()
