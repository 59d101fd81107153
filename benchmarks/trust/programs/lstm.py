"""A recurrent network on packed sequences of many lengths, truncated through time, RMSprop."""

import torch
import weights
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_sequence

torch.manual_seed(3)
net = nn.LSTM(4, 16, num_layers=2, dropout=0.1, batch_first=True)
cell, head = nn.GRUCell(4, 16), nn.Linear(16, 1)
parameters = [*net.parameters(), *cell.parameters(), *head.parameters()]
optimizer = torch.optim.RMSprop(parameters, lr=1e-3)
state = torch.zeros(8, 16)
for _ in range(10):
    lengths = torch.randint(3, 9, (8,)).sort(descending=True).values
    x = pad_sequence([torch.randn(n, 4) for n in lengths.tolist()], batch_first=True)
    _, (hidden, _) = net(pack_padded_sequence(x, lengths, batch_first=True))
    state = state.detach()
    for t in range(3):
        state = cell(x[:, t], state)
    optimizer.zero_grad()
    (head(hidden[-1] + state) - x.sum((1, 2)).unsqueeze(1)).pow(2).mean().backward()
    optimizer.step()
weights.show(net, cell, head)
