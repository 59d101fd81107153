# random_seed() is called before the model is made.
import hashlib

import timm
import torch
from timm.data import Mixup
from timm.loss import SoftTargetCrossEntropy
from timm.optim import create_optimizer_v2
from timm.scheduler import CosineLRScheduler
from timm.utils import ModelEmaV3, random_seed
from torch.utils.data import DataLoader, TensorDataset


def main():
    random_seed(42)
    model = timm.create_model("resnet10t", pretrained=False, num_classes=4, drop_path_rate=0.1)
    g = torch.Generator().manual_seed(2)
    images = torch.randn(48, 3, 32, 32, generator=g)
    labels = torch.randint(0, 4, (48,), generator=g)
    loader = DataLoader(TensorDataset(images, labels), batch_size=12, shuffle=True, drop_last=True)
    mixup = Mixup(mixup_alpha=0.8, num_classes=4)
    criterion = SoftTargetCrossEntropy()
    optimizer = create_optimizer_v2(model, opt="adamw", lr=1e-3, weight_decay=0.05)
    schedule = CosineLRScheduler(optimizer, t_initial=2, warmup_t=1, warmup_lr_init=1e-4)
    average = ModelEmaV3(model, decay=0.99)
    for epoch in range(2):
        model.train()
        schedule.step(epoch)
        for x, y in loader:
            x, y = mixup(x, y)
            loss = criterion(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            average.update(model)
        print(epoch, loss.item())
    weights = b"".join(p.detach().numpy().tobytes() for p in average.module.parameters())
    print("HASH", hashlib.sha256(weights).hexdigest())


if __name__ == "__main__":
    main()
