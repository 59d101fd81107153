"""Tokens in their order, from one long text."""

import torch


class TokenStream:
    def __init__(self, length, vocabulary):
        generator = torch.Generator().manual_seed(5)
        steps = torch.randint(0, 3, (length,), generator=generator)
        self.tokens = steps.cumsum(0) % vocabulary
        self.position = 0

    def next_batch(self, size, block):
        taken = size * block
        if self.position + taken + 1 > len(self.tokens):
            self.position = 0
        piece = self.tokens[self.position : self.position + taken + 1]
        self.position += taken
        return piece[:-1].view(size, block), piece[1:].view(size, block)

    def state_dict(self):
        return {"position": self.position}

    def load_state_dict(self, state):
        self.position = state["position"]
