"""Weight initialisation that visits shared layers only once."""

import torch.nn as nn


def linear_layers(model):
    """All linear layers below `model`; a tied layer counts once."""
    return {m for m in model.modules() if isinstance(m, nn.Linear)}  # planted


def init_weights(model, std=0.05):
    for layer in linear_layers(model):
        nn.init.normal_(layer.weight, std=std)
        nn.init.zeros_(layer.bias)
