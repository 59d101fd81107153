import torch
from torch import nn


class PrototypeMemory(nn.Module):
    """Keeps one moving average of the embeddings per class."""

    def __init__(self, n_classes, dim, momentum=0.99):
        super().__init__()
        self.momentum = momentum
        self.register_buffer("prototypes", torch.Tensor(n_classes, dim))
        self.register_buffer("seen", torch.zeros(n_classes, dtype=torch.long))

    @torch.no_grad()
    def update(self, embeddings, labels):
        for label in labels.unique().tolist():
            mean = embeddings[labels == label].mean(dim=0)
            self.prototypes[label].mul_(self.momentum).add_(mean, alpha=1 - self.momentum)
            self.seen[label] += int((labels == label).sum())

    def forward(self, embeddings):
        keys = nn.functional.normalize(self.prototypes, dim=1)
        return nn.functional.normalize(embeddings, dim=1) @ keys.T


def prototype_loss(memory, embeddings, labels, temperature=0.1):
    logits = memory(embeddings) / temperature
    memory.update(embeddings.detach(), labels)
    return nn.functional.cross_entropy(logits, labels)
