import torch
import pytest
from torch import nn

def show(seen):
    for t in seen.threads():
        for e in seen.thread(t):
            if e.kind!='generator':
                print(t, e.index, e.kind, e.phase, e.name, bin(e.flags), e.site and (e.site.file.split('/')[-1], e.site.line, e.site.function), e.module, e.node, hex(e.digest)[:8])

class F(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * 2
    @staticmethod
    def backward(ctx, g):
        x, = ctx.saved_tensors
        return g * 2 + x.sum()

@pytest.fixture(autouse=True)
def g(generators_restored): pass

def test_a(observe):
    net = nn.Sequential(nn.Linear(3,3), nn.ReLU())
    opt = torch.optim.SGD(net.parameters(), lr=.1)
    with observe() as seen:
        x = torch.ones(2,3)
        y = net(x)
        z = F.apply(y)
        l = z.square().mean()
        l.backward()
        opt.step()
    show(seen)

def test_ck(observe):
    from torch.utils.checkpoint import checkpoint
    net = nn.Sequential(nn.Linear(3,3), nn.Tanh())
    with observe() as seen:
        x = torch.ones(2,3)
        y = checkpoint(net, x, use_reentrant=False)
        y.sum().backward()
        print('-----')
        y = checkpoint(net, x.requires_grad_(), use_reentrant=True)
        y.sum().backward()
    show(seen)

def test_dbl(observe):
    with observe() as seen:
        x = torch.ones(3, requires_grad=True)
        y = (x ** 3).sum()
        (g,) = torch.autograd.grad(y, x, create_graph=True)
        g.pow(2).sum().backward()
        with torch.no_grad():
            x.add_(1)
            x[1:].mul_(2)
    show(seen)

def test_empty(observe):
    with observe(zoom=(0,9)) as seen:
        a = torch.empty(4)
        b = a + 1
        c = torch.empty(4); c.fill_(1); d = c + 1
        e = torch.empty(4); e[:2] = 1; f = e.sum()
        o = torch.empty(4); torch.add(c, 1, out=o); o.sum()
        z = torch._foreach_add([c, o], 1)
        torch._foreach_mul_(z, 2.)
    show(seen)
    for e in seen.events:
        if e.source: print(e.name, e.source)

def test_thread(observe):
    import threading
    with observe() as seen:
        def work():
            torch.ones(3).cumsum(0)
        t = threading.Thread(target=work); t.start(); t.join()
        def f(n):
            return torch.ones(1).neg() if n == 0 else f(n-1)
        f(800)
        try:
            torch.ones(2,3) @ torch.ones(2,3)
        except RuntimeError: pass
        torch.ones(2).exp()
    show(seen)
