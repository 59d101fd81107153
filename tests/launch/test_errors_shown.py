"""What a program says as it fails, and its exit code, are the same with us and without."""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from samebits.launch.blame import blames_us

pytestmark = pytest.mark.slow

SCRIPTS: dict[str, str | bytes] = {
    "syntax": "import torch\ndef f(:\n    pass\n",
    "indentation": "if 1:\npass\n",
    "tabs": "if 1:\n\tx = 1\n        y = 2\n",
    "null_bytes": b"x = 1\n\x00\n",
    "bad_cookie": b"# -*- coding: no-such-code -*-\nx = 1\n",
    "undecodable": b"x = '\xff'\n",
    "latin": "# -*- coding: latin-1 -*-\nraise ValueError('\u00e9')\n".encode("latin-1"),
    "late_future": "x = 1\nfrom __future__ import annotations\n",
    "outside": "return 1\n",
    "warned": "x = 1\nassert (x, 'always')\nx is 1\nprint(1 .real if x else 2)\n1 / 0\n",
    "imports_broken": "import broken_module\n",
    "imports_failing": "import failing_module\n",
    "imports_missing": "import no_such_module\n",
    "imports_name": "from good_module import no_such_name\n",
    "catches_broken": "import traceback\ntry:\n    import broken_module\nexcept SyntaxError:\n    traceback.print_exc()\n",  # noqa: E501
    "catches_failing": "import traceback\ntry:\n    import failing_module\nexcept Exception:\n    traceback.print_exc()\n",  # noqa: E501
    "message": "raise SystemExit('message')\n",
    "number": "import sys\nsys.exit(7)\n",
    "notes": "e = ValueError('v')\ne.add_note('a note')\nraise e\n",
    "group": "raise ExceptionGroup('g', [ValueError(1), ExceptionGroup('h', [TypeError(2)])])\n",
    "during": "try:\n    {}['a']\nexcept KeyError:\n    open('/no/such/file')\n",
    "caused": "try:\n    [x for x in {1: 2}['z']]\nexcept KeyError as e:\n    raise RuntimeError('r') from e\n",  # noqa: E501
    "caused_by_import": "try:\n    import failing_module\nexcept Exception as e:\n    raise RuntimeError('r') from e\n",  # noqa: E501
    "recursion": "def f(n):\n    return f(n + 1)\nf(0)\n",
    "unprintable": "class E(Exception):\n    def __str__(self):\n        raise TypeError('no')\nraise E\n",
    "unprintable_repr": "class E(Exception):\n    def __repr__(self):\n        raise TypeError('no')\nraise E('x')\n",  # noqa: E501
    "interrupt": "def f():\n    raise KeyboardInterrupt\nf()\n",
    "interrupt_signal": "import os, signal\nos.kill(os.getpid(), signal.SIGINT)\n",
    "own_hook": "import sys\nsys.excepthook = lambda k, e, t: print(k, e, t.tb_lineno, t.tb_next, file=sys.stderr)\n1 / 0\n",  # noqa: E501
    "failing_hook": "import sys\ndef hook(k, e, t):\n    raise ValueError('hook')\nsys.excepthook = hook\n1 / 0\n",  # noqa: E501
    "exiting_hook": "import sys\nsys.excepthook = lambda k, e, t: sys.exit(9)\n1 / 0\n",
    "no_hook": "import sys\ndel sys.excepthook\nraise SystemExit(4)\n",
    "in_watched_call": "import os, random\nrandom.seed(1)\nrandom.sample([1], 2)\n",
    "in_listing": "import os\nfor name in os.listdir('/no/such/folder'):\n    pass\n",
    "in_set": "def f():\n    for x in {1, 2}:\n        yield 1 / 0\nlist(f())\n",
    "in_key": "sorted([1, 2], key=lambda x: 1 / 0)\n",
    "in_thread": "import threading\ndef f():\n    [1 / 0 for x in {1, 2}]\nt = threading.Thread(target=f)\nt.start()\nt.join()\n",  # noqa: E501
    "in_pool": "import concurrent.futures as c\ndef f(x):\n    return 1 / x\nif __name__ == '__main__':\n"
    "    with c.ThreadPoolExecutor(1) as pool:\n        list(pool.map(f, [0]))\n",
    "in_atexit": "import atexit\natexit.register(lambda: 1 / 0)\nprint(1)\n",
    "in_del": "class A:\n    def __del__(self):\n        1 / 0\na = A()\ndel a\n",
    "in_exec": "exec('def f():\\n    raise ValueError(1)\\nf()\\n')\n",
    "in_compile": "compile('def f(:', 'text', 'exec')\n",
    "in_class": "class A:\n    x = [y for y in {1, 2} if y.nothing]\n",
    "stack": "import inspect, warnings, traceback\ndef f():\n    warnings.warn('w', UserWarning, stacklevel=2)\n"  # noqa: E501
    "    warnings.warn('d', DeprecationWarning, stacklevel=3)\n"
    "    traceback.print_stack(limit=2)\nf()\nimport warning_module\n",
    "last": "import sys, atexit\natexit.register(lambda: print(sys.last_type, sys.last_traceback.tb_lineno, file=sys.stderr))\n1 / 0\n",  # noqa: E501
    "with_torch": "import torch\ntorch.ones(2, 3) @ torch.ones(2, 3)\n",
}  # fmt: skip

BESIDE = {
    "broken_module": "def f(:\n    pass\n",
    "failing_module": "def f():\n    return {}['key']\n[f() for x in {1}]\n",
    "good_module": "x = 1\n",
    "warning_module": "import warnings\nwarnings.warn('imported', stacklevel=2)\n",
    "package/__init__": "",
}

MODULES = [
    "broken_module",
    "failing_module",
    "no_such_module",
    "package",
    "good_module",
    "package.none",
    "with_torch",
]
OPTIONS = {"syntax": "-W error", "warned": "-X dev", "undecodable": "-E -s"}


def _commands() -> str:
    """A shell script that runs everything, into files named by the first argument."""
    lines = []
    python = shlex.quote(sys.executable)
    for name in SCRIPTS:
        words = f"{python} {OPTIONS.get(name, '')} {name}.py"
        lines.append(f"{words} >$1/{name} 2>&1; echo $? >>$1/{name}")
    for name in MODULES:
        lines.append(f"{python} -m {name} a >$1/m-{name} 2>&1; echo $? >>$1/m-{name}")
    return "\n".join(lines) + "\n"


@pytest.fixture(scope="module")
def errors(shared: Callable[[str], Any]) -> Callable[..., dict[str, str]]:
    """(words of samebits) -> what each program said and returned."""
    folder = shared("errors")
    for name, text in SCRIPTS.items():
        (folder.path / f"{name}.py").write_bytes(text if isinstance(text, bytes) else text.encode())
    for name, text in BESIDE.items():
        folder.write(f"{name}.py", text)
    folder.write("all.sh", _commands())

    def run(label: str, *words: str, **variables: str) -> dict[str, str]:
        into = folder.path / label
        if not into.exists():
            into.mkdir()
            command = ("sh", "all.sh", label)
            done = folder.samebits(*words, "--", *command, **variables) if words else folder.run(*command)
            assert done.code == 0, done.err
        return {path.name: _shown(path) for path in sorted(into.iterdir())}

    return run


def _shown(path: Path) -> str:
    text = path.read_bytes().decode(errors="replace")
    lines = [line for line in text.splitlines() if not line.startswith("samebits")]
    return re.sub(r"0x[0-9a-f]+", "0x", "\n".join(lines))


@pytest.mark.parametrize(
    ("label", "words", "variables"),
    [
        pytest.param("op", ("record",), {"SAMEBITS_OBSERVER": "python"}, marks=pytest.mark.deep),
        pytest.param("run", ("run",), {}, marks=pytest.mark.deep),
        ("both", ("record", "--level", "step", "--seed", "0"), {}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_program_fails_as_it_would_alone(
    errors: Callable[..., dict[str, str]], label: str, words: tuple[str, ...], variables: dict[str, str]
) -> None:
    alone = errors("alone")
    assert len(alone) == len(SCRIPTS) + len(MODULES)
    assert alone["syntax"].splitlines()[-2:] == ["SyntaxError: invalid syntax", "1"]
    shown = errors(f"under-{label}", *words, **variables)
    differing = {name: (alone[name], shown[name]) for name in alone if alone[name] != shown[name]}
    assert not differing, "\n".join(
        f"--- {name}\n{one}\n--- with samebits\n{other}" for name, (one, other) in differing.items()
    )


def test_whose_names_an_error_names() -> None:
    assert blames_us("NameError: name '__samebits_iter__' is not defined")
    assert blames_us('  File "/usr/lib/site-packages/samebits/usercode/probes.py", line 3, in done')
    assert not blames_us('  File "/home/me/samebits/train.py", line 3\nsamebits.errors.UsageError: no')
    assert not blames_us("")


#: Its functions have builtins of their own, which lack ours.
BLAMED = """
import builtins, torch
__builtins__ = {name: value for name, value in vars(builtins).items() if "samebits" not in name}
def order():
    return list({1, 2})
order()
weight = torch.nn.Parameter(torch.ones(3))
optimizer = torch.optim.SGD([weight], 0.1)
for step in range(2):
    weight.grad = torch.ones(3)
    optimizer.step()
"""


def test_a_run_that_fails_by_our_names_is_run_again_without_them(folder: Any) -> None:
    folder.write("train.py", BLAMED)
    ended, verdict = folder.json("train.py")
    assert (ended.code, verdict["verdict"], verdict["steps"]) == (0, "same", 2)
    assert any("samebits' own names" in note for note in verdict["notes"])
    recorded = folder.samebits("record", "train.py")
    assert recorded.code == 2
    assert "NameError" in recorded.err
    assert "\nsamebits: this error names samebits" in recorded.err
    assert "SAMEBITS_REWRITE=0" in recorded.err
    assert folder.samebits("record", "train.py", SAMEBITS_REWRITE="0").code == 0
