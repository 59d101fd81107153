import torch
import torch.distributed as dist


def gather_rows(rows):
    """All ranks' rows in the order of the ranks; every rank has the same number of rows."""
    parts = [torch.empty_like(rows) for _ in range(dist.get_world_size())]
    dist.all_gather(parts, rows.contiguous())
    return torch.cat(parts)


def gather_flat(rows):
    world = dist.get_world_size()
    flat = rows.new_empty(world * len(rows), *rows.shape[1:])
    dist.all_gather_into_tensor(flat, rows.contiguous())
    return flat


def threshold_from_main(value, device):
    received = torch.empty(1, device=device)
    if dist.get_rank() == 0:
        received.fill_(value)
    dist.broadcast(received, src=0)
    return received.item()


def pairwise(a, b):
    product = torch.empty(len(a), len(b))
    torch.matmul(a, b.T, out=product)
    return product


def collect(batches, model):
    scores = torch.empty(0)
    with torch.no_grad():
        for batch in batches:
            scores = torch.cat([scores, model(batch)])
    return scores
