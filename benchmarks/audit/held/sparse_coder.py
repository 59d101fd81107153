import torch
from torch import nn


class SparseCoder(nn.Module):
    def __init__(self, n_features, n_atoms):
        super().__init__()
        self.encode = nn.Parameter(torch.empty(n_atoms, n_features))
        self.decode = nn.Parameter(torch.empty(n_features, n_atoms))
        self.offset = nn.Parameter(torch.empty(n_features))
        self.gate = nn.Parameter(torch.empty(n_atoms))
        self._init_weights()

    def _init_weights(self):
        for parameter in self.parameters():
            if parameter.dim() > 1:
                nn.init.xavier_uniform_(parameter)
            else:
                nn.init.zeros_(parameter)

    def forward(self, x):
        code = nn.functional.linear(x - self.offset, self.encode, self.gate).relu()
        return code @ self.decode.T + self.offset, code


def coder_loss(coder, x, sparsity=1e-3):
    recon, code = coder(x)
    return (recon - x).square().mean() + sparsity * code.abs().mean()
