"""Observing changes nothing: the bits, the generators, the output and the exit code of a program."""

from __future__ import annotations

import itertools
import sys
from typing import Any

import pytest
from tests.deep import only

pytestmark = pytest.mark.slow

#: What each program ends with: everything that it computed, to the bit.
ENDING = """
import hashlib, random, sys, numpy
def digest(*parts):
    h = hashlib.sha256()
    for part in parts:
        h.update(part if isinstance(part, bytes) else repr(part).encode())
    return h.hexdigest()
if __name__ == "__main__":
    print("weights", digest(*(p.detach().numpy().tobytes() for p in net.parameters())))
    print("torch", digest(torch.get_rng_state().numpy().tobytes()))
    print("numpy", digest(numpy.random.get_state()[1].tobytes(), numpy.random.get_state()[2]))
    print("python", digest(random.getstate()))
    print("diagnosis", file=sys.stderr)
    sys.exit(3)
"""

CNN = """
import random, numpy, torch
from torch import nn
random.seed(1); numpy.random.seed(2); torch.manual_seed(3)
torch.use_deterministic_algorithms(True)
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.table = nn.Parameter(torch.randn(8, 16))
        conv = nn.Conv2d(16, 8, 3, padding=1)
        self.conv = nn.Sequential(conv, nn.BatchNorm2d(8), nn.ReLU(), nn.Dropout(0.2))
        self.out = nn.Linear(8, 2)
    def forward(self, x):
        return self.out(self.conv(self.table[x].permute(0, 3, 1, 2)).mean((2, 3)))
net = Net()
optimizer = torch.optim.AdamW(net.parameters())
scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 2)
for step in range(6):
    loss = net(torch.randint(8, (4, 8, 8))).square().mean() * random.random() + float(numpy.random.rand())
    optimizer.zero_grad(); loss.backward(); optimizer.step(); scheduler.step()
    print(step, loss.item().hex())
"""

ATTENTION = """
import random, numpy, torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch import nn
from torch.utils.checkpoint import checkpoint
random.seed(1); numpy.random.seed(2); torch.manual_seed(3)
net = nn.TransformerEncoder(nn.TransformerEncoderLayer(16, 2, 32, batch_first=True), 2)
optimizer = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9)
for step in range(4):
    x = torch.randn(3, 7, 16, requires_grad=True)
    with torch.autocast("cpu", torch.bfloat16):
        y = checkpoint(net, x, use_reentrant=False)
    with sdpa_kernel(SDPBackend.MATH):  # the others have no second derivative
        loss = torch.nn.functional.scaled_dot_product_attention(y, y, y).float().pow(2).mean()
    (grad,) = torch.autograd.grad(loss, x, create_graph=True)
    (loss + grad.square().sum()).backward()
    nn.utils.clip_grad_norm_(net.parameters(), 1.0)
    optimizer.step(); optimizer.zero_grad(set_to_none=bool(step % 2))
    print(step, loss.tolist(), torch.vmap(torch.sin)(y.float()).sum().item())
"""

LOADER = """
import random, numpy, torch
from torch import nn
from torch.utils.data import DataLoader, Dataset
random.seed(1); numpy.random.seed(2); torch.manual_seed(3)
class Data(Dataset):
    def __len__(self): return 12
    def __getitem__(self, i): return {"x": torch.rand(4) + i, "y": str(i)}
net = nn.LSTM(4, 4)
optimizer = torch.optim.Adam(net.parameters(), foreach=True)
if __name__ == "__main__":
    for epoch in range(2):
        for batch in DataLoader(Data(), batch_size=4, shuffle=True, num_workers=2):
            loss = net(batch["x"])[0].abs().sum()
            optimizer.zero_grad(); loss.backward(); optimizer.step()
            print(batch["y"], loss.item())
"""

COMPILED = """
import random, numpy, torch
from torch import nn
random.seed(1); numpy.random.seed(2); torch.manual_seed(3)
net = nn.Sequential(nn.Linear(8, 8), nn.GELU(), nn.Linear(8, 1))
compiled = torch.compile(net)
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
for step in range(3):
    loss = compiled(torch.randn(4, 8)).square().mean()
    optimizer.zero_grad(); loss.backward(); optimizer.step()
    print(step, loss.item())
counters = torch._dynamo.utils.counters
print(counters["stats"]["unique_graphs"], dict(counters["graph_break"]))
"""

PROGRAMS = {"cnn": CNN, "attention": ATTENTION, "loader": LOADER, "compiled": COMPILED}


@pytest.fixture(scope="module")
def plain(shared: Any) -> Any:
    """Each program unobserved, once."""
    done: dict[str, Any] = {}

    def get(name: str) -> Any:
        if name not in done:
            folder = shared(name)
            folder.write("train.py", PROGRAMS[name] + ENDING)
            done[name] = folder.python("train.py", "--epochs", "1")
            assert done[name].code == 3, done[name].err
        return done[name]

    return get


@pytest.mark.parametrize(
    ("name", "level"),
    only(
        [("cnn", "step"), ("loader", "op")],
        itertools.product(PROGRAMS, ("step", "op")),
    ),
)
def test_a_program_computes_the_same_bits(shared: Any, plain: Any, name: str, level: str) -> None:
    if name == "compiled" and " " in sys.prefix:
        pytest.skip("torch's own compiler breaks in an environment whose path has a space")
    expected = plain(name)
    folder = shared(name)
    observed = folder.samebits("record", "--level", level, "train.py", "--epochs", "1")
    output, _, last = observed.out.rstrip("\n").rpartition("\n")
    assert output == expected.out.rstrip("\n")
    assert "diagnosis" in observed.err
    assert "RecordFunction" not in observed.err
    assert "failed" in last
    assert observed.code == 2
    with folder.last() as run:
        assert run.info["exit_code"] == 3
        record = run.records["main"]
        assert record.steps == {"cnn": 6, "attention": 4, "loader": 6, "compiled": 3}[name]
        kinds = {(e.kind, e.phase) for e in record.events(0)}
        assert "could not be observed" not in str(record.notes)
    if level == "op":
        regions = {phase for kind, phase in kinds if kind == "region"}
        assert regions == ({"forward", "backward"} if name == "compiled" else set())
        assert ("op", "backward") in kinds
        assert ("op", "optimizer") in kinds
    else:
        assert "op" not in {kind for kind, _ in kinds}
    if name == "loader":
        with folder.last() as run:
            assert [k for k in run.records if "/" in k] != [] or level == "step"
