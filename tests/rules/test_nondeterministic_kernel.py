"""Calls of kernels without a fixed order: by mode and arguments, on CUDA alone, in either mode."""

from __future__ import annotations

from pathlib import Path

import pytest

from samebits.audit import audit_paths, audit_source
from samebits.model.finding import Finding

_HEAD = "import torch\nimport torch.nn as nn\nimport torch.nn.functional as F\nimport torchvision.ops as O\n"
_TRAIN = "model = model.cuda()\nloss = model(x).sum()\nloss.backward()\n"


def findings(text: str) -> list[Finding]:
    return [one for one in audit_source(text) if one.cause == "nondeterministic-kernel"]


def forward(body: str) -> str:
    """A program that trains a model with this in its `forward`."""
    lines = "".join(f"        {line}\n" for line in body.split("\n"))
    start = "class Net(nn.Module):\n    def forward(self, data, i, w):\n        x = self.layers(data)\n"
    return f"{_HEAD}{start}{lines}model = Net()\n{_TRAIN}"


FAULTY = [
    "return F.interpolate(x, scale_factor=2, mode='bilinear')",
    "return F.interpolate(x, (8, 8), None, 'bicubic')",
    "mode = 'trilinear'\nreturn F.interpolate(x, size=3, mode=mode)",
    "return F.grid_sample(x, w)",
    "return nn.functional.adaptive_avg_pool2d(x, (7, 7))",
    "return F.adaptive_max_pool2d(x, 4)",
    "return F.pad(x, (1, 1), mode='reflect')",
    "return F.pad(x, (1, 1, 1, 1), mode='replicate')",
    "return F.max_unpool2d(x, i, 2)",
    "return x.scatter_add_(0, i, w)",
    "return torch.zeros(3).index_add(0, i, w)",
    "return x.scatter_reduce(0, i, w, reduce='mean')",
    "return torch.bincount(i, weights=w)",
    "return torch.histc(x, 10)",
    "return x.softmax(-1).cumsum(-1)",
    "return O.roi_align(x, w, 7)",
    "return O.deform_conv2d(x, w, i)",
    "return x.put_(i, w, accumulate=True)",
    "return F.ctc_loss(x, i, w, w)",
    "return F.max_pool3d(x, 3, 2)",
]


@pytest.mark.parametrize("body", FAULTY)
def test_it_is_found(body: str) -> None:
    (found,) = findings(forward(body))
    assert found.fragile
    assert found.why.endswith("adds on CUDA in the order in which threads arrive.")


@pytest.mark.parametrize("body", FAULTY)
def test_programs_on_the_cpu_are_left_alone(body: str) -> None:
    assert findings(forward(body).replace(".cuda()", ".cpu()")) == []


@pytest.mark.parametrize(
    "layer",
    [
        "nn.Upsample(scale_factor=2, mode='bilinear')",
        "nn.UpsamplingBilinear2d(2)",
        "nn.AdaptiveAvgPool2d((6, 6))",
        "nn.ReflectionPad1d(3)",
        "nn.ReplicationPad2d(1)",
        "nn.MaxUnpool2d(2)",
        "nn.CTCLoss()",
        "nn.EmbeddingBag(9, 3, mode='max')",
        "nn.Conv2d(3, 3, 3, padding_mode='replicate')",
        "O.RoIAlign(7, 1.0, 2)",
    ],
)
def test_layers_are_found(layer: str) -> None:
    assert len(findings(_HEAD + f"model = nn.Sequential({layer})\n" + _TRAIN)) == 1


@pytest.mark.parametrize(
    "layer",
    [
        "nn.Upsample(scale_factor=2)",
        "nn.Upsample(scale_factor=2, mode='nearest')",
        "nn.AdaptiveAvgPool2d(1)",
        "nn.AdaptiveAvgPool2d((1, 1))",
        "nn.AdaptiveMaxPool2d((None, 1))",
        "nn.ReflectionPad2d(3)",
        "nn.ZeroPad2d(1)",
        "nn.EmbeddingBag(9, 3)",
        "nn.Conv2d(3, 3, 3, padding_mode='reflect')",
        "nn.MaxPool3d(2)",
        "nn.MaxPool2d(3, 2)",
    ],
)
def test_layers_with_a_fixed_order_are_not_claimed(layer: str) -> None:
    assert findings(_HEAD + f"model = nn.Sequential({layer})\n" + _TRAIN) == []


@pytest.mark.parametrize(
    "body",
    [
        "return F.interpolate(x, scale_factor=2)",
        "return F.interpolate(x, scale_factor=2, mode='nearest')",
        "return F.interpolate(x, scale_factor=2, mode=self.mode)",
        "return F.pad(x, (1, 1, 1, 1), mode='reflect')",
        "return F.pad(x, (1, 1))",
        "return torch.bincount(i)",
        "return x.scatter_add_(0, i, torch.ones_like(w))",
        "return x.index_add_(0, i, w.long())",
        "return torch.zeros(3, dtype=torch.long).scatter_add_(0, i, w)",
        "return x.scatter_reduce(0, i, w, reduce='amax')",
        "return i.cumsum(0)",
        "return (x > 0).cumsum(0)",
        "return x.scatter_(1, i, 1.0)",
        "return torch.histc(x.cpu(), 10)",
        "with torch.no_grad():\n    return F.interpolate(x, scale_factor=2, mode='bilinear')",
        "return F.interpolate(x.detach(), scale_factor=2, mode='bilinear')",
        "return F.max_pool3d(x, 2)",
    ],
)
def test_it_is_not_claimed(body: str) -> None:
    assert findings(forward(body)) == []


def test_the_mode_decides_what_is_said() -> None:
    body = (
        "x = F.interpolate(x, scale_factor=2, mode='bilinear')\nx = F.adaptive_max_pool3d(x, 3)\n"
        "return x.index_add(0, i, w)"
    )
    text = forward(body)
    assert len(findings(text)) == 3
    strict = text + "torch.use_deterministic_algorithms(True)\n"
    raises, silent = findings(strict)
    assert "it raises under use_deterministic_algorithms(True)" in raises.why
    assert "silently" in silent.why
    warns = findings(text + "torch.use_deterministic_algorithms(True, warn_only=True)\n")[0]
    assert "only warns and stays nondeterministic" in warns.why
    assert findings(text + "import samebits\nsamebits.deterministic()\n") == []


def test_data_and_evaluation_have_no_backward() -> None:
    resize = "x = F.interpolate(image, size=8, mode='bilinear')\n"
    assert findings(_HEAD + "image = load()\n" + resize + _TRAIN) == []
    shown = (
        "@torch.no_grad()\ndef show(x):\n    out = model(x)\n"
        "    return F.interpolate(out, size=8, mode='bilinear')\n"
    )
    assert findings(_HEAD + shown + _TRAIN) == []
    used = (
        "def logits(x):\n    out = model(x)\n    return F.interpolate(out, size=8, mode='bilinear')\n"
        "logits(x)\n"
    )
    assert len(findings(_HEAD + used + _TRAIN)) == 1
    assert findings(_HEAD + used + "model = model.cuda()\n") == []  # it never trains


def test_a_model_of_another_file(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(
        "import torch.nn as nn\nimport torch.nn.functional as F\n\n\nclass Net(nn.Module):\n"
        "    def forward(self, x):\n"
        "        return F.interpolate(self.layer(x), scale_factor=2, mode='bilinear')\n"
    )
    train = tmp_path / "train.py"
    train.write_text("from net import Net\nmodel = Net().to('cuda')\nmodel(x).sum().backward()\n")
    rule = "nondeterministic-kernel"
    found = [one for one in audit_paths([tmp_path], cache=False).findings if one.cause == rule]
    assert [(Path(one.site.file).name, one.site.line) for one in found if one.site] == [("net.py", 7)]
    train.write_text("from net import Net\nmodel = Net()\nmodel(x).sum().backward()\n")
    assert not [one for one in audit_paths([tmp_path], cache=False).findings if one.cause == rule]


_RESIZE = "        return self.net(F.interpolate({of}, size=8, mode='bilinear'))\n"
_MODEL = "class Net(nn.Module):\n    def forward(self, x, low=None):\n"
_BLOCK = "class Up(nn.Module):\n    def forward(self, x, skip):\n        {first}return {resized} + skip\n\n"
_OF_X = "F.interpolate(x, size=8, mode='bilinear')"


@pytest.mark.parametrize(
    "text",
    [
        _MODEL + _RESIZE.format(of="low") + "model = Net()\n",
        _MODEL + _RESIZE.format(of="x") + "model = Net()\n",
        _MODEL + _RESIZE.format(of="x.float()") + "model = Net()\n",
        _MODEL + _RESIZE.format(of="low[:, :3].contiguous()") + "model = Net()\n",
        _MODEL + "        return self.net(F.pad(input=x, pad=(1, 1), mode='reflect'))\nmodel = Net()\n",
        _MODEL + "        return self.net(F.grid_sample(x, low))\nmodel = Net()\n",
        _MODEL + _RESIZE.format(of="low") + "def make(kind):\n    return Net()\nmodel = make('a')\n",
        _MODEL + _RESIZE.format(of="low") + "class Other(Net):\n    pass\nmodel = Other()\n",
    ],
)
def test_what_a_model_is_given_has_no_gradient(text: str) -> None:
    assert findings(_HEAD + text + _TRAIN) == []


@pytest.mark.parametrize(
    "text",
    [
        _BLOCK.format(first="", resized=_OF_X)
        + "class Net(nn.Module):\n    def __init__(self):\n        self.up = Up()\n"
        "    def forward(self, x):\n        return self.up(self.down(x), x)\nmodel = Net()\n",
        _BLOCK.format(first="", resized=_OF_X)
        + "class Net(nn.Module):\n    def __init__(self):\n        self.ups = make(Up() for _ in s)\n"
        "    def forward(self, x):\n        return self.ups[0](x, x)\nmodel = Net()\n",
        _BLOCK.format(first="", resized=_OF_X)
        + "class Net(nn.Module):\n    def __init__(self, block=None):\n        self.up = build(block or Up)\n"
        "    def forward(self, x):\n        return self.up(x, x)\nmodel = Net()\n",
        _BLOCK.format(first="x = self.conv(x)\n        ", resized=_OF_X) + "model = Up()\n",
        _MODEL + _RESIZE.format(of="self.head(x)") + "model = Net()\n",
        _MODEL + "        y = self.head(x)\n" + _RESIZE.format(of="y") + "model = Net()\n",
        _MODEL + "        return self.net(F.grid_sample(x, self.grid(low)))\nmodel = Net()\n",
        _MODEL + _RESIZE.format(of="self.positions") + "model = Net()\n",
    ],
)
def test_what_a_layer_is_given_has_one(text: str) -> None:
    assert len(findings(_HEAD + text + _TRAIN)) == 1
