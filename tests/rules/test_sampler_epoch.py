"""DistributedSamplers that are told the epoch, and those that are not."""

from __future__ import annotations

from pathlib import Path

import pytest

from samebits.audit import audit_paths, audit_source
from samebits.causes._edits import Draft, applied

_IMPORT = (
    "from torch.utils.data import DataLoader\nfrom torch.utils.data.distributed import DistributedSampler\n"
)
_LOOP = "for epoch in range(9):\n    for b in loader:\n        step(b)\n"
_TOLD = "for epoch in range(9):\n    {of}.set_epoch(epoch)\n    for b in loader:\n        step(b)\n"


def lines(text: str) -> list[int]:
    return [one.site.line for one in audit_source(text) if one.cause == "sampler-epoch" and one.site]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (_IMPORT + "s = DistributedSampler(data)\nloader = DataLoader(data, sampler=s)\n" + _LOOP, 3),
        (_IMPORT + "loader = DataLoader(data, sampler=DistributedSampler(data))\n" + _LOOP, 3),
        (_IMPORT + "s = DistributedSampler(data, shuffle=True)\n"
            "loader = DataLoader(data, sampler=s)\n" + _LOOP, 3),
        ("import torch\ns = torch.utils.data.distributed.DistributedSampler(data)\n"
         "loader = make(s)\n" + _LOOP, 2),
        ("from torch.utils.data import DistributedSampler as DS\ns = DS(data, 2, 0)\n"
         "loader = make(s)\n" + _LOOP, 2),
        (_IMPORT + "def make():\n    s = DistributedSampler(data)\n    return DataLoader(data, sampler=s)\n"
         "loader = make()\n" + _LOOP, 4),
        (_IMPORT + "train_s = DistributedSampler(a)\nother_s = DistributedSampler(b)\n"
            "loader = make(train_s, other_s)\n"
         + _TOLD.format(of="other_s"), 3),
        (_IMPORT + "s = DistributedSampler(data) if world > 1 else None\nloader = make(s)\n" + _LOOP, 3),
    ],
)  # fmt: skip
def test_it_is_found(text: str, line: int) -> None:
    assert lines(text) == [line]


@pytest.mark.parametrize(
    "text",
    [
        _IMPORT
        + "s = DistributedSampler(data)\nloader = DataLoader(data, sampler=s)\n"
        + _TOLD.format(of="s"),
        _IMPORT + "s = DistributedSampler(data, shuffle=False)\nloader = make(s)\n" + _LOOP,
        _IMPORT
        + "loader = DataLoader(data, sampler=DistributedSampler(data))\n"
        + _TOLD.format(of="loader.sampler"),
        _IMPORT + "val_sampler = DistributedSampler(val)\nloader = make(val_sampler)\n" + _LOOP,
        _IMPORT
        + "from accelerate import Accelerator\na = Accelerator()\ns = DistributedSampler(d)\n"
        + _LOOP,
        _IMPORT + "import lightning as L\ns = DistributedSampler(d)\nt = L.Trainer()\n" + _LOOP,
        _IMPORT + "s = DistributedSampler(d)\nfor b in DataLoader(d, sampler=s):\n    predict(b)\n",
        "from mine import DistributedSampler\ns = DistributedSampler(d)\n" + _LOOP,
        _IMPORT + "s = DistributedSampler(d, 2, 0, False)\n" + _LOOP,
        _IMPORT + "def load(d):\n    return DistributedSampler(d)\n",  # no program
    ],
)
def test_it_is_not_claimed(text: str) -> None:
    assert lines(text) == []


def test_another_file_tells_it(tmp_path: Path) -> None:
    (tmp_path / "data.py").write_text(
        _IMPORT + "def make(data):\n    return DataLoader(data, sampler=DistributedSampler(data))\n"
    )
    train = tmp_path / "train.py"
    train.write_text("from data import make\nloader = make(range(9))\n" + _LOOP)
    found = [one for one in audit_paths([tmp_path], cache=False).findings if one.cause == "sampler-epoch"]
    assert [(Path(one.site.file).name, one.site.line) for one in found if one.site] == [("data.py", 4)]
    train.write_text("from data import make\nloader = make(range(9))\n" + _TOLD.format(of="loader.sampler"))
    assert not [one for one in audit_paths([tmp_path], cache=False).findings if one.cause == "sampler-epoch"]


def test_it_is_told() -> None:
    import ast

    text = _IMPORT + "s = DistributedSampler(data)\nloader = DataLoader(data, sampler=s)\n" + _LOOP
    (found,) = [one for one in audit_source(text) if one.cause == "sampler-epoch"]
    assert found.hit is not None
    assert found.hit.mend is not None
    draft = Draft("<text>", text)
    call = next(node for node in ast.walk(draft.tree) if isinstance(node, ast.Call) and node.lineno == 3)
    found.hit.mend(draft, call)
    new = applied(text, draft.edits())
    assert "for epoch in range(9):\n    s.set_epoch(epoch)\n    for b in loader:\n" in new
    assert lines(new) == []


_MADE = _IMPORT + "s = DistributedSampler(data)\ndl = DataLoader(data, sampler=s)\n"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (_MADE + "for ep in range(3):\n    for b in dl:\n        print(b)\n", 3),
        (_MADE + "for _ in range(3):\n    for i, b in enumerate(dl):\n        print(b)\n", 3),
        (_MADE + "n = 0\nwhile n < 9:\n    for b in dl:\n        n += 1\n", 3),
        (_MADE + "def once():\n    for b in dl:\n        print(b)\nfor t in range(3):\n    once()\n", 3),
        (
            _IMPORT + "def load(d):\n    s = DistributedSampler(d)\n    return DataLoader(d, sampler=s)\n"
            "def fit(rows, model):\n    for t in range(3):\n        for x in rows:\n            step(x)\n"
            "fit(load(range(9)), None)\nrows = load(range(9))\nfit(rows, None)\n",
            4,
        ),
        (
            _MADE + "class T:\n    def __init__(self, rows):\n        self.rows = rows\n    def fit(self):\n"
            "        for t in range(3):\n            for x in self.rows:\n"
            "                loss(x).backward()\n"
            "T(dl).fit()\n",
            3,
        ),
        (_IMPORT + "s = DistributedSampler(data)\nfor t in range(3):\n    for i in s:\n        use(i)\n", 3),
    ],
)
def test_the_loop_is_known_by_what_it_does(text: str, line: int) -> None:
    assert lines(text) == [line]


@pytest.mark.parametrize(
    "text",
    [
        _MADE + "epoch = 0\nfor b in dl:\n    print(b, epoch)\n",
        _MADE + "for ep in range(3):\n    s.set_epoch(ep)\n    for b in dl:\n        print(b)\n",
        _MADE + "for b in dl:\n    for x in b:\n        print(x)\n",
        _MADE + "for b in dl:\n    loss(b).backward()\n",
    ],
)
def test_going_over_the_data_once_is_not_claimed(text: str) -> None:
    assert lines(text) == []


def test_it_is_told_by_another_name() -> None:
    import ast

    text = _MADE + "for ep in range(3):\n    for b in dl:\n        print(b)\n"
    (found,) = [one for one in audit_source(text) if one.cause == "sampler-epoch"]
    assert found.hit is not None
    assert found.hit.mend is not None
    draft = Draft("<text>", text)
    call = next(node for node in ast.walk(draft.tree) if isinstance(node, ast.Call) and node.lineno == 3)
    found.hit.mend(draft, call)
    assert "for ep in range(3):\n    s.set_epoch(ep)\n" in applied(text, draft.edits())
