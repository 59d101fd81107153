import argparse
import os

import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader, TensorDataset
from torch.utils.data.distributed import DistributedSampler


def get_args():
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", default="patches.pt")
    parser.add_argument("--epochs", type=int, default=100)
    parser.add_argument("--resume", default="")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def main(args):
    dist.init_process_group(backend="nccl")
    local = int(os.environ["LOCAL_RANK"])
    torch.cuda.set_device(local)
    torch.manual_seed(args.seed + dist.get_rank())
    torch.backends.cudnn.benchmark = True

    patches = torch.load(args.data)
    dataset = TensorDataset(patches)
    sampler = DistributedSampler(dataset, num_replicas=dist.get_world_size(), rank=dist.get_rank())
    loader = DataLoader(dataset, batch_size=256, sampler=sampler, drop_last=True)

    encoder = nn.Sequential(nn.Conv2d(3, 64, 4, 4), nn.GELU(), nn.Conv2d(64, 48, 1), nn.PixelShuffle(4))
    encoder = DistributedDataParallel(encoder.cuda(), device_ids=[local])
    optimizer = torch.optim.AdamW(encoder.parameters(), lr=1.5e-4, betas=(0.9, 0.95))
    start = 0
    if args.resume:
        state = torch.load(args.resume, map_location="cpu")
        encoder.module.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        start = state["epoch"] + 1
    for epoch in range(start, args.epochs):
        for (batch,) in loader:
            batch = batch.cuda(non_blocking=True)
            hidden = batch * (torch.rand_like(batch[:, :1]) > 0.6)
            loss = (encoder(hidden) - batch).square().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        if dist.get_rank() == 0:
            state = {
                "model": encoder.module.state_dict(),
                "optimizer": optimizer.state_dict(),
                "epoch": epoch,
            }
            torch.save(state, f"checkpoint-{epoch}.pt")


if __name__ == "__main__":
    main(get_args())
