import torch
from torch import nn


def decay_groups(model, weight_decay):
    no_decay = set()
    for module in model.modules():
        if isinstance(module, (nn.LayerNorm, nn.Embedding)):
            no_decay.update(module.parameters(recurse=False))
        elif getattr(module, "bias", None) is not None:
            no_decay.add(module.bias)
    plain = [p for p in model.parameters() if p in no_decay]
    decayed = [p for p in model.parameters() if p not in no_decay]
    assert len(plain) + len(decayed) == len(list(model.parameters()))
    assert not set(plain) & set(decayed)
    return [{"params": decayed, "weight_decay": weight_decay}, {"params": plain, "weight_decay": 0.0}]


def make_optimizer(model, cfg):
    return torch.optim.AdamW(decay_groups(model, cfg["weight_decay"]), lr=cfg["lr"])


def main():
    cfg = {"lr": 3e-4, "weight_decay": 0.05, "seed": 17}
    torch.manual_seed(cfg["seed"])
    model = nn.Sequential(nn.Linear(20, 64), nn.LayerNorm(64), nn.GELU(), nn.Linear(64, 2))
    opt = make_optimizer(model, cfg)
    x = torch.randn(128, 20)
    y = (x.sum(dim=1) > 0).long()
    for _ in range(50):
        loss = nn.functional.cross_entropy(model(x), y)
        opt.zero_grad()
        loss.backward()
        opt.step()
    print(loss.item())


main()
