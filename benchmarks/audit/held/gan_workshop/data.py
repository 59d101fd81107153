import torch
from torch.utils.data import DataLoader


def glyph_loader(path, batch_size, seed):
    glyphs = torch.load(path).float() / 127.5 - 1
    order = torch.Generator().manual_seed(seed)
    return DataLoader(glyphs, batch_size=batch_size, shuffle=True, drop_last=True, generator=order)
