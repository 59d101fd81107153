import torch
from torch import nn


class MessageLayer(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.message = nn.Linear(2 * dim, dim)
        self.update = nn.Linear(2 * dim, dim)

    def forward(self, nodes, edges):
        source, target = edges
        messages = self.message(torch.cat([nodes[source], nodes[target]], dim=1)).relu()
        index = target.unsqueeze(1).expand_as(messages)
        received = torch.zeros_like(nodes).scatter_add_(0, index, messages)
        return nodes + self.update(torch.cat([nodes, received], dim=1))


class Network(nn.Module):
    def __init__(self, dim=64, depth=3):
        super().__init__()
        self.embed = nn.Linear(11, dim)
        self.layers = nn.ModuleList(MessageLayer(dim) for _ in range(depth))
        self.out = nn.Linear(dim, 1)

    def forward(self, atoms, edges):
        nodes = self.embed(atoms)
        for layer in self.layers:
            nodes = layer(nodes, edges)
        return self.out(nodes.mean(dim=0))


def main():
    torch.manual_seed(0)
    molecules = torch.load("molecules.pt")
    net = Network().cuda()
    optimizer = torch.optim.Adam(net.parameters(), lr=5e-4)
    for epoch in range(20):
        total = 0.0
        for at in torch.randperm(len(molecules)).tolist():
            item = molecules[at]
            guess = net(item["atoms"].cuda(), item["edges"].cuda())
            loss = (guess - item["energy"].cuda()).square().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item()
        print(epoch, total / len(molecules))
    torch.save(net.state_dict(), "messages.pt")


if __name__ == "__main__":
    main()
