"""Checkpoints to go on from: with the states of a model and an optimizer, and of generators or none."""

from __future__ import annotations

from pathlib import Path

import pytest

from samebits.audit import audit_paths, audit_source

_M = "'model': model.state_dict()"
_O = "'optimizer': optimizer.state_dict()"


def lines(text: str) -> list[int]:
    return [one.site.line for one in audit_source(text) if one.cause == "lost-rng-state" and one.site]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (f"import torch\ntorch.save({{{_M}, {_O}}}, 'x.pt')\n", 2),
        (f"import torch\nstate = {{\n    {_M},\n    {_O},\n}}\ntorch.save(state, 'x.pt')\n", 6),
        (f"import torch\nstate = {{{_M}}}\nstate['opt'] = opt.state_dict()\ntorch.save(state, 'x.pt')\n", 4),
        ("from torch import save\ns = dict(net=net.state_dict(), optim=optim.state_dict(), epoch=3)\n"
         "save(s, p)\n", 3),
        (f"from utils import save_checkpoint\nsave_checkpoint({{{_M}, {_O}}}, is_best=True)\n", 2),
        ("import torch\ntorch.save((model.state_dict(), optimizer.state_dict()), 'x.pt')\n", 2),
        ("import torch\ndef save(m, optimizer):\n    torch.save(m.state_dict(), 'm.pt')\n"
         "    torch.save(optimizer.state_dict(), 'o.pt')\n", 4),
        ("import torch\nclass T:\n    def state(self):\n        return {'model': self.model.state_dict(), "
         "'optimizer': self.optimizer.state_dict()}\n    def save(self):\n"
         "        torch.save(self.state(), 'x.pt')\n", 6),
        (f"import torch\nstate = {{{_M}}}\nstate.update({{{_O}}})\ntorch.save(state, 'x.pt')\n", 4),
        ("import torch\nck = {'g': net_g.state_dict(), 'opt_g': opt_g.state_dict()}\ntorch.save(ck, p)\n", 3),
        ("import torch\n"
         "s = Snapshot(model_state=raw.state_dict(), optimizer_state=self.optimizer.state_dict())\n"
         "torch.save(asdict(s), p)\n", 3),
        ("import pickle\npickle.dump({'w': model.state_dict(), 'o': optimizer.state_dict()}, f)\n", 2),
    ],
)  # fmt: skip
def test_it_is_found(text: str, line: int) -> None:
    assert lines(text) == [line]


@pytest.mark.parametrize(
    "text",
    [
        "import torch\ntorch.save(model.state_dict(), 'x.pt')\n",
        f"import torch\ntorch.save({{{_M}, 'epoch': 3, 'loss': loss}}, 'x.pt')\n",
        f"import torch\ntorch.save({{{_M}, {_O}, 'rng': torch.get_rng_state()}}, 'x.pt')\n",
        f"import torch\nstate = {{{_M}, {_O}}}\nstate['rng_state'] = states()\ntorch.save(state, 'x.pt')\n",
        f"import torch\nstate = {{{_M}, {_O}, **rng_states()}}\ntorch.save(state, 'x.pt')\n",
        f"import torch, random\nstate = {{{_M}, {_O}}}\nstate.update(python=random.getstate())\n"
        f"torch.save(state, p)\n",
        f"import torch, samebits\ntorch.save({{{_M}, {_O}, 'r': samebits.capture_rng()}}, 'x.pt')\n",
        f"import torch\ndef save():\n    torch.save({{{_M}, {_O}}}, 'x.pt')\n"
        "    torch.save(torch.get_rng_state(), 'rng.pt')\n",
        "from accelerate import Accelerator\naccelerator = Accelerator()\naccelerator.save_state('x')\n",
        f"state = {{{_M}, {_O}}}\nload_checkpoint(state)\n",
        "import torch\ntorch.save({'model': model.state_dict(), 'options': options}, 'x.pt')\n",
        "import torch\ntorch.save(optimizer.state_dict(), 'x.pt')\n",
        "import torch\nck = {'model': net, 'optimizer': None, 'opt': vars(opt)}\ntorch.save(ck, 'x.pt')\n",
    ],
)
def test_it_is_not_claimed(text: str) -> None:
    assert lines(text) == []


def _of(folder: Path) -> list[tuple[str, int]]:
    found = audit_paths([folder], cache=False).findings
    return [
        (Path(one.site.file).name, one.site.line)
        for one in found
        if one.cause == "lost-rng-state" and one.site
    ]


def test_a_helper_of_another_file_may_add_it(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(
        f"from keep import save_checkpoint\nsave_checkpoint({{{_M}, {_O}}}, 'x')\n"
    )
    helper = tmp_path / "keep.py"
    helper.write_text("import torch\ndef save_checkpoint(state, path):\n    torch.save(state, path)\n")
    assert _of(tmp_path) == [("train.py", 2)]
    helper.write_text(
        "import torch\ndef save_checkpoint(state, path):\n    state['rng'] = torch.get_rng_state()\n"
        "    torch.save(state, path)\n"
    )
    assert _of(tmp_path) == []


def test_a_state_that_another_file_saves(tmp_path: Path) -> None:
    (tmp_path / "trainer.py").write_text(
        "class Trainer:\n    def snapshot(self):\n        return {'model': self.model.state_dict(), "
        "'optimizer': self.optimizer.state_dict()}\n"
    )
    train = tmp_path / "train.py"
    train.write_text(
        "import torch\nfrom trainer import Trainer\ntrainer = Trainer()\n"
        "torch.save(trainer.snapshot(), 'x.pt')\n"
    )
    assert _of(tmp_path) == [("trainer.py", 3)]
    train.write_text("from trainer import Trainer\nprint(Trainer().snapshot())\n")
    assert _of(tmp_path) == []


def saved(given: str, state: str) -> str:
    """A function that saves a state."""
    return f"import torch\ndef save({given}):\n    torch.save({state}, path)\n"


_EACH = "{{k: v.state_dict() for k, v in {of}}}"


@pytest.mark.parametrize(
    "text",
    [
        saved(given="model, opt", state=_EACH.format(of="{'m': model, 'o': opt}.items()")),
        saved(given="model, opt", state=_EACH.format(of="(('m', model), ('o', opt))")),
        saved(given="model, opt", state=_EACH.format(of="dict(m=model, o=opt).items()")),
        saved(given="**objs", state=_EACH.format(of="objs.items()")) + "save(model=net, optim=opt)\n",
        saved(given="path, **kw", state="kw")
        + "save('x', model=net.state_dict(), optimizer=opt.state_dict())\n",
        saved(given="**kw", state="{'epoch': 3, **kw}")
        + "save(model=net.state_dict(), optimizer=opt.state_dict())\n",
    ],
)
def test_the_entries_of_a_dict_are_followed(text: str) -> None:
    assert lines(text) == [3]


@pytest.mark.parametrize(
    "text",
    [
        saved(given="a, b", state=_EACH.format(of="{'gen': model, 'disc': critic}.items()")),
        saved(given="**objs", state=_EACH.format(of="objs.items()")) + "save(model=net)\n",
        saved(given="**objs", state=_EACH.format(of="objs.items()")),
        saved(given="**kw", state="kw") + "save(model=net.state_dict(), opt=opt.state_dict(), rng=r)\n",
        saved(given="model, opt", state=_EACH.format(of="(('m', model), ('o', opt), ('rng', r))")),
    ],
)
def test_other_entries_are_not_claimed(text: str) -> None:
    assert lines(text) == []
