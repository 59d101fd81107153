"""An exponential moving average of the weights, written to a checkpoint that is read back at the end."""

import io

import torch
import weights
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn, update_bn

torch.manual_seed(10)
net = torch.nn.Sequential(
    torch.nn.Linear(5, 16), torch.nn.BatchNorm1d(16), torch.nn.ReLU(), torch.nn.Linear(16, 2)
)
average = AveragedModel(net, multi_avg_fn=get_ema_multi_avg_fn(0.9))
optimizer = torch.optim.NAdam(net.parameters())
batches = [torch.randn(16, 5) for _ in range(10)]
for x in batches:
    optimizer.zero_grad()
    (net(x) - x[:, :2]).pow(2).mean().backward()
    optimizer.step()
    average.update_parameters(net)
update_bn(batches, average)
checkpoint = io.BytesIO()
torch.save({"model": average.state_dict(), "optimizer": optimizer.state_dict()}, checkpoint)
checkpoint.seek(0)
average.load_state_dict(torch.load(checkpoint)["model"])
weights.show(net, average)
