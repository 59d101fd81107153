import torch


def corrupt(clean, sigma):
    scale = sigma * torch.rand(len(clean), 1, 1, 1)
    return clean + scale * torch.randn_like(clean)
