# pyg-team/pytorch_geometric: negative samples come from Python's and numpy's generators; torch.manual_seed
# alone does not repeat a link split.  seed_everything does.
import hashlib

import torch
import torch_geometric.transforms as T
from torch import nn
from torch_geometric.data import Data
from torch_geometric.nn import GCNConv
from torch_geometric.utils import to_undirected


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = GCNConv(8, 16)
        self.second = GCNConv(16, 8)

    def forward(self, x, edges):
        return self.second(self.first(x, edges).relu(), edges)


def main():
    torch.manual_seed(12345)
    g = torch.Generator().manual_seed(7)
    edges = to_undirected(torch.randint(0, 120, (2, 500), generator=g))
    graph = Data(x=torch.randn(120, 8, generator=g), edge_index=edges, num_nodes=120)
    split = T.RandomLinkSplit(num_val=0.1, num_test=0.1, is_undirected=True)
    train, val, test = split(graph)  # planted
    model = Encoder()
    optimizer = torch.optim.Adam(model.parameters(), 1e-2)
    for _ in range(15):
        z = model(train.x, train.edge_index)
        pairs = train.edge_label_index
        score = (z[pairs[0]] * z[pairs[1]]).sum(-1)
        loss = nn.functional.binary_cross_entropy_with_logits(score, train.edge_label)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print("loss", loss.item(), "val edges", val.edge_label.numel(), "test edges", test.edge_label.numel())
    print(
        "HASH", hashlib.sha256(b"".join(p.detach().numpy().tobytes() for p in model.parameters())).hexdigest()
    )


if __name__ == "__main__":
    main()
