import torch
import torch.nn as nn
from torchvision.models import resnet18


def layers_to_reset(model, names):
    picked = set()
    for name, module in model.named_modules():
        if any(name.startswith(n) for n in names) and isinstance(module, (nn.Conv2d, nn.Linear)):
            picked.add(module)
    return picked


def reset(model, names):
    for module in layers_to_reset(model, names):
        nn.init.kaiming_normal_(module.weight)
        if module.bias is not None:
            nn.init.zeros_(module.bias)


def build(num_classes, seed):
    torch.manual_seed(seed)
    model = resnet18(weights="IMAGENET1K_V1")
    model.fc = nn.Linear(model.fc.in_features, num_classes)
    reset(model, ["layer4", "fc"])
    for name, p in model.named_parameters():
        p.requires_grad = name.startswith(("layer4", "fc"))
    return model


if __name__ == "__main__":
    net = build(num_classes=12, seed=99)
    torch.save(net.state_dict(), "start.pt")
