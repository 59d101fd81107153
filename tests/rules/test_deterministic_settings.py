"""Settings of a whole process: tuned by time, undone, or made too late to have an effect."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from samebits.audit import audit_paths, audit_source
from samebits.causes._edits import Draft, applied
from samebits.model.finding import Finding


def findings(rule: str, text: str) -> list[Finding]:
    return [one for one in audit_source(text) if one.cause == rule]


def lines(rule: str, text: str) -> list[int]:
    return [one.site.line for one in findings(rule, text) if one.site]


def mended(text: str, rule: str) -> str:
    """The text with the fix of the only finding made."""
    (found,) = findings(rule, text)
    assert found.hit is not None
    assert found.hit.mend is not None
    place = found.hit.place
    draft = Draft("<text>", text)
    node = next(_at(draft.tree, place.line, place.column - 1))
    found.hit.mend(draft, node)
    return applied(text, draft.edits())


def _at(tree: ast.Module, line: int, column: int) -> Iterator[ast.AST]:
    for node in ast.walk(tree):
        if isinstance(node, ast.expr | ast.Assign) and (node.lineno, node.col_offset) == (line, column):
            yield node


def of_files(folder: Path, rule: str) -> list[tuple[str, int]]:
    found = audit_paths([folder], cache=False).findings
    return [(Path(one.site.file).name, one.site.line) for one in found if one.cause == rule and one.site]


# -- autotuning

_CUDNN = "torch.backends.cudnn"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (f"import torch\n{_CUDNN}.benchmark = True\n", 2),
        ("import torch.backends.cudnn as cudnn\ncudnn.benchmark = True\n", 2),
        ("from torch.backends import cudnn\ndef main():\n    cudnn.benchmark = True\n", 3),
        (f"import torch\n{_CUDNN}.deterministic, {_CUDNN}.benchmark = True, True\n", 2),
        ("import torch\nmodel = torch.compile(model, mode='max-autotune')\n", 2),
        ("import torch\n@torch.compile(mode='max-autotune-no-cudagraphs')\ndef f(x):\n    return x\n", 2),
        ("import torch\nMODE = 'max-autotune'\nf = torch.compile(f, mode=MODE)\n", 3),
        ("import torch\nf = torch.compile(f, options={'max_autotune': True})\n", 2),
        (f"import torch\n{_CUDNN}.benchmark = torch.cuda.is_available()\n", 2),
        ("from pytorch_lightning import Trainer\nt = Trainer(benchmark=True)\n", 2),
        (f"import torch\nsetattr({_CUDNN}, 'benchmark', True)\n", 2),
        ("import torch._inductor.config as c\nc.max_autotune = True\n", 2),
    ],
)
def test_autotuning_is_found(text: str, line: int) -> None:
    assert lines("autotuning", text) == [line]


@pytest.mark.parametrize(
    "text",
    [
        f"import torch\n{_CUDNN}.benchmark = False\n",
        f"import torch\n{_CUDNN}.deterministic = True\n",
        f"import torch\n{_CUDNN}.benchmark = args.benchmark\n",
        "import torch\nmodel = torch.compile(model)\n",
        "import torch\nmodel = torch.compile(model, mode='reduce-overhead')\n",
        "config.benchmark = True\n",
        f"import torch\nif deterministic:\n    {_CUDNN}.deterministic = True\nelse:\n"
        f"    {_CUDNN}.benchmark = True\n",
        f"import torch\nif not args.reproducible:\n    {_CUDNN}.benchmark = True\n",
        "from lightning import Trainer\nt = Trainer(benchmark=False)\n",
        f"import torch\n{_CUDNN}.benchmark = True\n{_CUDNN}.benchmark = False\nfit()\n",
        f"import torch\nprint({_CUDNN}.benchmark == True)\n",
    ],
)
def test_autotuning_is_not_claimed(text: str) -> None:
    assert lines("autotuning", text) == []


def test_benchmark_against_determinism_tells_both_places(tmp_path: Path) -> None:
    (tmp_path / "seeds.py").write_text(
        f"import torch\ndef fix(seed):\n    torch.manual_seed(seed)\n    {_CUDNN}.deterministic = True\n"
    )
    (tmp_path / "train.py").write_text(
        f"import torch\nfrom seeds import fix\nfix(3)\n{_CUDNN}.benchmark = True\n"
    )
    (found,) = [one for one in audit_paths([tmp_path], cache=False).findings if one.cause == "autotuning"]
    assert found.site is not None
    assert found.site.line == 4
    assert "against the deterministic setting of" in found.why
    assert found.hit is not None
    ((place, what),) = found.hit.places
    assert (Path(place.file).name, place.line, what) == ("seeds.py", 4, "asks for determinism")


def test_benchmark_is_turned_off() -> None:
    text = f"import torch\n{_CUDNN}.benchmark = True\n"
    new = mended(text, "autotuning")
    assert new == f"import torch\n{_CUDNN}.benchmark = False\n"
    assert lines("autotuning", new) == []


# -- determinism-undone

_ON = "import torch\ntorch.use_deterministic_algorithms(True)\n"
_OFF = "torch.use_deterministic_algorithms(False)\n"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (_ON + _OFF, 3),
        (_ON + f"def f():\n    {_OFF}f()\n", 4),
        (f"import torch\n{_CUDNN}.deterministic = True\nfit()\n{_CUDNN}.deterministic = False\n", 4),
        (_ON + "torch.use_deterministic_algorithms(mode=False)\n", 3),
        (_ON + f"def f(x):\n    {_OFF}    return x\nfor i in range(3):\n    f(i)\n", 4),
        (_ON + f"if args.fast:\n    {_OFF}", 4),
        (_ON + "torch.set_deterministic_debug_mode('default')\n", 3),
        (f"import torch\n{_CUDNN}.deterministic = True\n"
         f"{_CUDNN}.benchmark, {_CUDNN}.deterministic = 0, False\nfit()\n", 3),
    ],
)  # fmt: skip
def test_undone_determinism_is_found(text: str, line: int) -> None:
    assert lines("determinism-undone", text) == [line]


@pytest.mark.parametrize(
    "text",
    [
        _ON,
        "import torch\n" + _OFF,
        "import torch\n" + _OFF + "torch.use_deterministic_algorithms(True)\n",
        _ON + f"def f():\n    {_OFF}    g()\n    torch.use_deterministic_algorithms(True)\nf()\n",
        _ON + f"def f():\n    try:\n        g()\n    finally:\n        {_OFF}f()\n",
        "import torch\nif det:\n    torch.use_deterministic_algorithms(True)\nelse:\n    " + _OFF,
        _ON + f"from contextlib import contextmanager\n@contextmanager\ndef off():\n    {_OFF}    yield\n"
        "with off():\n    g()\n",
        _ON + "def f():\n    was = torch.are_deterministic_algorithms_enabled()\n    " + _OFF
        + "    g()\n    torch.use_deterministic_algorithms(was)\nf()\n",
        f"import torch\n{_CUDNN}.deterministic = True\n{_CUDNN}.enabled = False\n",
        _ON + f"class Fast:\n    def __enter__(self):\n        {_OFF}    def __exit__(self, *a):\n"
            f"        pass\n"
        "with Fast():\n    g()\n",
    ],
)  # fmt: skip
def test_undone_determinism_is_not_claimed(text: str) -> None:
    assert lines("determinism-undone", text) == []


def test_determinism_undone_by_another_file(tmp_path: Path) -> None:
    (tmp_path / "setup.txt").write_text("")
    (tmp_path / "device.py").write_text(f"import torch\ndef prepare():\n    {_CUDNN}.deterministic = False\n")
    (tmp_path / "train.py").write_text(
        f"import torch\nfrom device import prepare\n{_CUDNN}.deterministic = True\nprepare()\n"
    )
    assert of_files(tmp_path, "determinism-undone") == [("device.py", 3)]
    (tmp_path / "train.py").write_text(
        f"import torch\nfrom device import prepare\nprepare()\n{_CUDNN}.deterministic = True\n"
    )
    assert of_files(tmp_path, "determinism-undone") == []


def test_undone_determinism_is_turned_on() -> None:
    text = _ON + "torch.use_deterministic_algorithms(False)\n"
    new = mended(text, "determinism-undone")
    assert new == _ON + "torch.use_deterministic_algorithms(True)\n"
    assert lines("determinism-undone", new) == []


# -- late-hash-seed


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("import os\nos.environ['PYTHONHASHSEED'] = '0'\n", 2),
        ("import os\ndef seed(n):\n    os.environ['PYTHONHASHSEED'] = str(n)\n", 3),
        ("from os import environ\nenviron['PYTHONHASHSEED'] = '0'\n", 2),
        ("import os\nos.environ.setdefault('PYTHONHASHSEED', '0')\n", 2),
        ("import os\nos.putenv('PYTHONHASHSEED', '0')\n", 2),
        ("import os\nos.environ.update({'PYTHONHASHSEED': '0'})\n", 2),
        ("import os\nos.environ.update(PYTHONHASHSEED='0')\n", 2),
        ("import os\nNAME = 'PYTHONHASHSEED'\nos.environ[NAME] = '0'\n", 3),
    ],
)
def test_late_hash_seed_is_found(text: str, line: int) -> None:
    assert lines("late-hash-seed", text) == [line]


@pytest.mark.parametrize(
    "text",
    [
        "import os\nprint(os.environ.get('PYTHONHASHSEED'))\n",
        "import os, sys\nif 'PYTHONHASHSEED' not in os.environ:\n    os.environ['PYTHONHASHSEED'] = '0'\n"
        "    os.execv(sys.executable, [sys.executable, *sys.argv])\n",
        "import os, subprocess\nenv = dict(os.environ)\nenv['PYTHONHASHSEED'] = '0'\n"
        "subprocess.run(c, env=env)\n",
        "import os, subprocess\nos.environ['PYTHONHASHSEED'] = '0'\nsubprocess.run(['python', 'train.py'])\n",
        "import os\nos.environ['OMP_NUM_THREADS'] = '1'\n",
        "import os\nif os.environ['PYTHONHASHSEED'] != '0':\n    raise SystemExit\n",
        "import subprocess\nsubprocess.run(c, env={'PYTHONHASHSEED': '0'})\n",
        "import os\nimport torch.multiprocessing as mp\nos.environ['PYTHONHASHSEED'] = '0'\n"
        "mp.spawn(main, nprocs=2)\n",
    ],
)
def test_late_hash_seed_is_not_claimed(text: str) -> None:
    assert lines("late-hash-seed", text) == []


# -- late-cublas-workspace

_SET = "os.environ['CUBLAS_WORKSPACE_CONFIG'] = ':4096:8'\n"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("import os, torch\nm = torch.nn.Linear(3, 3).cuda()\n" + _SET, 3),
        ("import os, torch\nm = net.to('cuda')\n" + _SET, 3),
        ("import os, torch\nx = torch.ones(3, device='cuda')\n" + _SET, 3),
        ("import os, torch\nd = torch.device('cuda')\nm = net.to(d)\n" + _SET, 4),
        ("import os, torch\ndef make():\n    return net.to('cuda:0')\nm = make()\n" + _SET, 5),
        ("import os, torch\nx = x.cuda()\ndef fix():\n    " + _SET + "fix()\n", 4),
        ("import os, torch\nx = x.cuda()\nos.environ.setdefault('CUBLAS_WORKSPACE_CONFIG', ':16:8')\n", 3),
        ("import os, torch\nd = 'cuda' if torch.cuda.is_available() else 'cpu'\nm = net.to(d)\n" + _SET, 4),
    ],
)
def test_late_workspace_is_found(text: str, line: int) -> None:
    assert lines("late-cublas-workspace", text) == [line]


@pytest.mark.parametrize(
    "text",
    [
        "import os\n" + _SET + "import torch\nx = x.cuda()\n",
        "import os, torch\n" + _SET + "x = x.cuda()\n",
        "import os, torch\nm = net.to('cpu')\n" + _SET,
        "import os, torch\nprint(torch.cuda.is_available())\n" + _SET + "x = x.cuda()\n",
        "import os, torch\ndef train():\n    x.cuda()\n" + _SET + "train()\n",
        "import os, torch\nd = torch.device('cuda')\n" + _SET + "m = net.to(d)\n",
        "import os, torch\n" + _SET + "x = x.cuda()\n" + _SET,
        "import os, torch\nx = x.cuda()\nos.environ['OMP_NUM_THREADS'] = '1'\n",
        "import os, torch\nm = net.to(torch.float64)\n" + _SET + "m.cuda()\n",
    ],
)
def test_late_workspace_is_not_claimed(text: str) -> None:
    assert lines("late-cublas-workspace", text) == []


def test_late_workspace_of_another_file(tmp_path: Path) -> None:
    (tmp_path / "fixed.py").write_text("import os\ndef fix():\n    " + _SET)
    train = tmp_path / "train.py"
    train.write_text("import torch\nfrom fixed import fix\nx = torch.ones(3).cuda()\nfix()\n")
    assert of_files(tmp_path, "late-cublas-workspace") == [("fixed.py", 3)]
    train.write_text("import torch\nfrom fixed import fix\nfix()\nx = torch.ones(3).cuda()\n")
    assert of_files(tmp_path, "late-cublas-workspace") == []


_FROM = "import torch\nfrom torch.backends import cudnn\n"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (_FROM + "setattr(cudnn, 'benchmark', True)\n", 3),
        (_FROM + "ON = True\nsetattr(torch.backends.cudnn, 'benchmark', ON)\n", 4),
        (_FROM + "def fast(flag=True):\n    setattr(cudnn, 'benchmark', flag)\nfast()\n", 4),
        (_FROM + "def fast(flag):\n    cudnn.benchmark = flag\nfast(True)\n", 4),
        (_FROM + "def fast(*, flag=False):\n    cudnn.benchmark = flag\nfast(flag=True)\n", 4),
        ("import torch\nHOW = dict(mode='max-autotune')\ndef f(m):\n    return torch.compile(m, **HOW)\n", 4),
        ("import torch\nHOW = {'options': {'max_autotune': True}}\nm = torch.compile(m, **HOW)\n", 3),
        ("import torch\nhow = {}\nhow['mode'] = 'max-autotune'\nm = torch.compile(m, **how)\n", 4),
        ("import torch\nhow = {'max_autotune': True}\nm = torch.compile(m, options=how)\n", 3),
    ],
)
def test_autotuning_by_other_ways_is_found(text: str, line: int) -> None:
    assert lines("autotuning", text) == [line]


@pytest.mark.parametrize(
    "text",
    [
        _FROM + "setattr(cudnn, 'benchmark', False)\n",
        _FROM + "setattr(cudnn, 'enabled', True)\n",
        _FROM + "def fast(flag=True):\n    setattr(cudnn, 'benchmark', flag)\nfast(False)\n",
        _FROM + "def fast(flag=True):\n    cudnn.benchmark = flag\n",  # nobody calls it here
        _FROM + "def fast(flag=True):\n    flag = False\n    cudnn.benchmark = flag\nfast()\n",
        _FROM + "def fast(flag):\n    cudnn.benchmark = flag\nfast(*args)\n",
        _FROM + "if not args.deterministic:\n    setattr(cudnn, 'benchmark', True)\n",
        "import torch\nHOW = dict(mode='reduce-overhead')\nm = torch.compile(m, **HOW)\n",
        "import torch\nm = torch.compile(m, **how)\n",
    ],
)
def test_other_settings_are_not_claimed(text: str) -> None:
    assert lines("autotuning", text) == []


def test_what_setattr_sets_is_turned_off() -> None:
    becomes = mended(_FROM + "setattr(cudnn, 'benchmark', True)\n", "autotuning")
    assert "setattr(cudnn, 'benchmark', False)" in becomes
