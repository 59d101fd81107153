"""torch.func: per-sample gradients by vmap of grad, an ensemble by stack_module_state, a step by hand."""

import torch
import weights
from torch.func import functional_call, grad, stack_module_state, vmap

torch.manual_seed(19)
nets = [torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.Tanh(), torch.nn.Linear(8, 1)) for _ in range(3)]
parameters, buffers = stack_module_state(nets)
base = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.Tanh(), torch.nn.Linear(8, 1)).to("meta")


def loss(values, extra, x, y):
    return (functional_call(base, (values, extra), (x.unsqueeze(0),)) - y).pow(2).mean()


each = vmap(vmap(grad(loss), in_dims=(None, None, 0, 0)), in_dims=(0, 0, None, None))
optimizer = torch.optim.SGD(parameters.values(), lr=0.05)
for _ in range(10):
    x = torch.randn(12, 4)
    clean = {key: value.detach() for key, value in parameters.items()}
    gradients = each(clean, buffers, x, x.norm(dim=1, keepdim=True))
    for key, value in parameters.items():
        samples = gradients[key].flatten(2)
        scale = (1 / samples.norm(dim=2, keepdim=True).clamp(min=1.0)).clamp(max=1.0)
        value.grad = (samples * scale).mean(1).view_as(value)
    optimizer.step()
holder = torch.nn.Module()
for key, value in parameters.items():
    holder.register_buffer(key.replace(".", "_"), value.detach())
weights.show(holder)
