"""A thread that prepares batches ahead of the training, and one that averages weights when it is told to."""

import queue
import threading

import torch
import weights

torch.manual_seed(17)
ready, told, done = queue.Queue(2), queue.Queue(), queue.Queue()


def prepare():
    generator = torch.Generator().manual_seed(17)
    for _ in range(12):
        ready.put(torch.randn(8, 6, generator=generator))
    ready.put(None)


def average(mean):
    while (step := told.get()) is not None:
        with torch.no_grad():
            for p, m in zip(net.parameters(), mean.parameters(), strict=True):
                m.lerp_(p, 1 / step)
        done.put(step)


net, mean = torch.nn.Linear(6, 6), torch.nn.Linear(6, 6)
threads = [threading.Thread(target=prepare), threading.Thread(target=average, args=(mean,))]
for thread in threads:
    thread.start()
optimizer = torch.optim.SGD(net.parameters(), lr=0.05)
step = 0
while (x := ready.get()) is not None:
    step += 1
    optimizer.zero_grad()
    (net(x) - x.flip(1)).pow(2).mean().backward()
    optimizer.step()
    told.put(step)
    done.get()
told.put(None)
for thread in threads:
    thread.join()
weights.show(net, mean)
