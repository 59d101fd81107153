"""Memory that is read before it is written, and numbers that changed from one torch to another."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.rules.one_rule import lines, mended

from samebits.audit import audit_paths

RULE = "uninitialized-memory"
MODULE = (
    "import torch\nfrom torch import nn\nclass Net(nn.Module):\n    def __init__(self):\n"
    "        super().__init__()\n"
)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("import torch\ntotal = torch.empty(3)\nfor x in xs:\n    total += x\n", 2),
        ("import torch\nx = torch.empty(3, 4) + 1\n", 2),
        ("import torch\nloss = torch.empty_like(y).sum()\n", 2),
        ("import torch\ncounts = torch.LongTensor(9)\nfor i in ids:\n    counts[i] += 1\n", 2),
        ("import numpy as np\ntotal = np.empty(3)\nfor x in xs:\n    total += x\n", 2),
        ("import numpy as np\nhist = np.empty((3, 4))\nfor i, j in ids:\n    hist[i, j] += 1\n", 2),
        ("import torch\nrunning = torch.Tensor(3, 4)\nrunning.mul_(0.9).add_(x)\n", 2),
        ("import torch\nx = torch.empty(3).to('cuda')\ny = x * 2\n", 2),
        ("import torch\nx = torch.empty(3)\nn = x.size(0)\nprint(x)\n", 2),
        ("def f(x):\n    y = x.new_empty(3)\n    return y * x\n", 2),
        ("import torch\nx = torch.empty(8)\nx[:4] = 1.0\nprint(x.sum())\n", 2),
        (
            "import torch\ndef pad(rows, n):\n    x = torch.empty(len(rows), n)\n"
            "    for i, row in enumerate(rows):\n        x[i, :len(row)] = row\n    return x\n",
            3,
        ),
        (
            MODULE + "        self.w = nn.Parameter(torch.empty(3))\n    def forward(self, x):\n"
            "        return x * self.w\n",
            6,
        ),
        (
            MODULE + "        self.register_buffer('mean', torch.empty(3))\n    def forward(self, x):\n"
            "        self.mean.mul_(0.9)\n        return x - self.mean\n",
            6,
        ),
    ],
)
def test_unwritten_memory_is_found(text: str, line: int) -> None:
    assert lines(RULE, text) == [line]


@pytest.mark.parametrize(
    "text",
    [
        "import torch\nx = torch.empty(3).normal_()\ny = x + 1\n",
        "import torch\nx = torch.empty(3)\nx.fill_(2)\ny = x + 1\n",
        "import torch\nx = torch.empty(3)\nx[:] = 2\ny = x + 1\n",
        "import torch\nx = torch.empty(3)\ntorch.add(a, b, out=x)\ny = x + 1\n",
        "import torch\nx = torch.empty(3)\ntorch.nn.init.normal_(x)\ny = x + 1\n",
        "import torch\nx = torch.empty(3, 4)\nfor i in range(3):\n    x[i] = f(i)\ny = x + 1\n",
        "import torch\nx = torch.empty(0)\nx = torch.cat([x, y])\n",
        "import torch\nx = torch.Tensor([1, 2]) + 1\n",
        "import torch\nx = torch.Tensor(rows) + 1\n",
        "import torch, torch.distributed as dist\nx = torch.empty(3)\ndist.broadcast(x, 0)\ny = x + 1\n",
        "import torch\nparts = [torch.empty_like(x) for _ in range(4)]\n",
        "import torch\nx = torch.empty(3)\nfill(x)\ny = x + 1\n",
        "import torch\ndef allocate(n):\n    return torch.empty(n, 3)\n",
        "import torch\ndef allocate(n):\n    x = torch.empty(n, 3)\n    return x\n",
        "import torch\nx = torch.empty(3, device='meta')\ny = x + 1\n",
        "import torch\nx = torch.empty(3)\nif a:\n    x.zero_()\ny = x + 1\n",
        "import torch\nx = torch.empty(3)\nn = x.numel() + 1\n",
        "import torch\nx = torch.empty(8)\nx[:4] = 1.0\nx[4:] = 2.0\nprint(x.sum())\n",
        "import torch\nx = torch.empty(8)\nx[:4] = 1.0\nprint(x[:4].sum())\n",
        (
            "import torch\ndef f(rows, n):\n    x = torch.empty(3, n)\n    for i in range(3):\n"
            "        x[i, :n] = rows[i]\n    return x\n"
        ),
        "import numpy as np\nx = np.empty(3, dtype=object)\ny = x + 1\n",
        "import numpy as np\nx = np.empty(3)\nnp.copyto(x, y)\nz = x + 1\n",
        (
            MODULE + "        self.w = nn.Parameter(torch.empty(3))\n        nn.init.normal_(self.w)\n"
            "    def forward(self, x):\n        return x * self.w\n"
        ),
        (
            MODULE + "        self.w = nn.Parameter(torch.empty(3))\n        self.reset()\n"
            "    def reset(self):\n        self.w.data.uniform_(-1, 1)\n"
            "    def forward(self, x):\n        return x * self.w\n"
        ),
        (
            MODULE + "        self.w = nn.Parameter(torch.empty(3))\n        for p in self.parameters():\n"
            "            nn.init.normal_(p)\n    def forward(self, x):\n"
            "        return x * self.w\n"
        ),
        (
            MODULE + "        self.register_buffer('mean', torch.empty(3))\n    def forward(self, x):\n"
            "        self.mean.copy_(x)\n        return x - self.mean\n"
        ),
    ],
)
def test_written_memory_is_not_claimed(text: str) -> None:
    assert lines(RULE, text) == []


def test_another_file_may_fill_all_parameters(tmp_path: Path) -> None:
    text = (
        MODULE
        + "        self.w = nn.Parameter(torch.empty(3))\n"
        + "    def forward(self, x):\n        return x * self.w\n"
    )
    (tmp_path / "net.py").write_text(text)
    assert len(audit_paths([tmp_path], select=[RULE], cache=False).findings) == 1
    (tmp_path / "train.py").write_text(
        "import net, torch\nm = net.Net()\nfor p in m.parameters():\n    torch.nn.init.normal_(p)\n"
    )
    assert audit_paths([tmp_path], select=[RULE], cache=False).findings == ()


@pytest.mark.parametrize(
    ("text", "has"),
    [
        ("import torch\nx = torch.empty(3, 4) + 1\n", "torch.zeros(3, 4) + 1"),
        ("import numpy as np\nx = np.empty((3, 4)) + 1\n", "np.zeros((3, 4)) + 1"),
        ("import torch\nx = torch.empty_like(y).sum()\n", "torch.zeros_like(y).sum()"),
        ("import torch\nx = torch.Tensor(3, 4) + 1\n", "torch.zeros(3, 4) + 1"),
        ("def f(x):\n    return x.new_empty(3) + 1\n", "x.new_zeros(3) + 1"),
    ],
)
def test_memory_becomes_zeros(text: str, has: str) -> None:
    becomes = mended(RULE, text)
    assert has in becomes
    assert lines(RULE, becomes) == []


HEAD = "import torch\nfrom torch import nn\n"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (HEAD + "def my_loss(x, y):\n    return torch.clamp(x - y, min=0).mean()\n", 4),
        (HEAD + "class N(nn.Module):\n    def forward(self, x):\n        return x.clamp(0, 6)\n", 5),
        (HEAD + "class N(nn.Module):\n    def forward(self, x):\n        return torch.clip(x, 0, 1)\n", 5),
        (
            HEAD + "class N(nn.Module):\n    def forward(self, x):\n        return x.clamp_min(1e-6).log()\n",
            5,
        ),
        (HEAD + "for x in xs:\n    loss = torch.clamp(model(x), max=1).sum()\n    loss.backward()\n", 4),
        (HEAD + "def step(x):\n    l = model(x).clamp(0, 1).sum()\n    l.backward()\n", 4),
        ("from torch import clamp as cut\ndef hinge_loss(x):\n    return cut(1 - x, min=0).sum()\n", 3),
        (HEAD + "class N(nn.Module):\n    def forward(self, x):\n        return torch.clamp_max(x, 2)\n", 5),
    ],
)
def test_numbers_that_changed_are_found_where_it_is_asked_for(text: str, line: int) -> None:
    assert lines("torch-version", text) == [line]


@pytest.mark.parametrize(
    "text",
    [
        HEAD + "class N(nn.Module):\n    def forward(self, x):\n        return nn.functional.relu6(x)\n",
        HEAD + "class N(nn.Module):\n    def forward(self, x):\n        return torch.maximum(x, self.y)\n",
        HEAD + "@torch.no_grad()\ndef loss_of(x):\n    return x.clamp(0, 1)\n",
        HEAD + "def loss_of(x):\n    with torch.no_grad():\n        return x.clamp(0, 1)\n",
        HEAD + "def loss_of(x):\n    return x.detach().clamp(0, 1)\n",
        HEAD + "def show(x):\n    return x.clamp(0, 1)\n",
        HEAD + "x = images.clamp(0, 1)\n",
        "import numpy as np\ndef loss_of(x):\n    return np.clip(x, 0, 1)\n",
        HEAD + "def clamp(x):\n    return x\ndef loss_of(x):\n    return clamp(x)\n",
    ],
)
def test_numbers_that_stay_are_not_claimed(text: str) -> None:
    assert lines("torch-version", text) == []
