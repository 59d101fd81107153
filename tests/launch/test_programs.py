"""Programs of every kind: they run under observation as they do without, and end as they end."""

from __future__ import annotations

import json
import os
import sys
from typing import Any

import pytest
from tests.deep import only

from samebits.launch import child
from samebits.launch.output import kept

pytestmark = pytest.mark.slow

TRAIN = """
import torch
def train(steps=3, seed=0):
    torch.manual_seed(seed)
    net = torch.nn.Linear(4, 2)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    for step in range(steps):
        optimizer.zero_grad()
        net(torch.randn(3, 4)).square().mean().backward()
        optimizer.step()
    return net.weight.sum().item()
"""


def stripped(output: str) -> str:
    """What the program itself printed, without the line of `samebits record`."""
    return output.rstrip("\n").rpartition("\n")[0]


# -- how they end --------------------------------------------------------------------------------------


def test_a_program_that_fails(folder: Any) -> None:
    folder.write(
        "train.py",
        TRAIN + "train()\ndef deeper():\n    raise RuntimeError('red \\x1b[31m and \\x07 bell')\ndeeper()\n",
    )
    ended = folder.samebits("verify", "train.py")
    assert ended.code == 2
    assert "exit code 1" in ended.out
    assert "RuntimeError: red" in ended.out
    assert "line 14, in deeper" in ended.out
    assert "\x1b[31m" not in ended.out + ended.err
    assert "\x07" not in ended.out + ended.err
    for own in ("child.py", "runpy", "samebits/launch"):
        assert own not in ended.out
    run = folder.last()
    assert (run.info["status"], run.info["exit_code"]) == ("failed", 1)
    assert run.records["main"].steps == 3
    assert run.records["main"].status == "failed"


def test_the_traceback_is_the_one_that_python_prints(folder: Any) -> None:
    folder.write("helper.py", "def fail(x):\n    return [1 / y for y in x]\n")
    folder.write(
        "train.py", "import torch, helper\ntry:\n    {}['a']\nexcept KeyError:\n    helper.fail([1, 0])\n"
    )
    plain = folder.python("train.py")
    observed = folder.samebits("record", "train.py")
    shown = observed.err.partition("samebits record:")[0]
    assert shown.replace(str(folder.path) + os.sep, "") == plain.err.replace(str(folder.path) + os.sep, "")


def test_a_syntax_error_is_shown(folder: Any) -> None:
    folder.write("train.py", "import torch\ndef broken(:\n")
    ended = folder.samebits("verify", "train.py")
    assert ended.code == 2
    assert "SyntaxError" in ended.out


@pytest.mark.parametrize(
    ("code", "shown"), only([("'a reason'", "a reason")], [("3", "exit code 3"), ("'a reason'", "a reason")])
)
def test_sys_exit(folder: Any, code: str, shown: str) -> None:
    folder.write("train.py", TRAIN + f"import sys\ntrain()\nsys.exit({code})\n")
    ended = folder.samebits("verify", "train.py")
    assert ended.code == 2
    assert shown in ended.out


def test_a_program_that_never_steps_is_compared_by_operations(folder: Any) -> None:
    folder.write("train.py", "import torch\ntorch.manual_seed(0)\nprint(torch.randn(9).exp().sum().item())\n")
    ended, verdict = folder.json("train.py")
    assert (ended.code, verdict["verdict"], verdict["steps"]) == (0, "same", 0)
    assert verdict["events"] > 0
    assert verdict["operations"] > 0
    assert len(verdict["runs"]) == len(folder.runs()) == 2


def test_a_program_that_never_imports_torch(folder: Any) -> None:
    folder.write("train.py", "print('hello')\n")
    ended = folder.samebits("verify", "train.py")
    assert ended.code == 2
    assert "never imported torch" in ended.out
    recorded = folder.samebits("record", "train.py")
    assert recorded.code == 0
    assert recorded.out.startswith("hello\n")


@pytest.mark.deep
def test_ten_thousand_parameters(folder: Any) -> None:
    folder.write(
        "train.py",
        """
import torch
torch.manual_seed(0)
weights = torch.nn.ParameterList([torch.nn.Parameter(torch.ones(2)) for _ in range(10_000)])
optimizer = torch.optim.SGD(weights, lr=0.1)
for weight in weights:
    weight.grad = torch.ones(2)
for step in range(6):
    optimizer.step()
""",
    )
    ended, verdict = folder.json("train.py")
    assert (ended.code, verdict["verdict"], verdict["steps"]) == (0, "same", 6)
    first, second = folder.runs()
    assert first.records["main"].notes["schedule"]
    assert [e.name for e in first.records["main"].events(0)] == [
        e.name for e in second.records["main"].events(0)
    ]
    last = [e for e in first.records["main"].events(0) if e.kind == "parameter"][-10_000:]
    assert len({e.name for e in last}) == 10_000
    assert "parameter" in verdict["compared"]


# -- processes -----------------------------------------------------------------------------------------


def test_a_program_that_forks(folder: Any) -> None:
    folder.write(
        "train.py",
        TRAIN
        + """
import os
first = train(2)
child = os.fork()
if child == 0:
    train(4)
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
child = os.fork()
if child == 0:
    train(1)
    raise SystemExit(0)
assert os.waitpid(child, 0)[1] == 0
train(1)
""",
    )
    ended = folder.samebits("record", "train.py")
    assert ended.code == 0, ended.err
    run = folder.last()
    assert set(run.records) == {"main", "main/child", "main/child#2"}
    assert [run.records[key].steps for key in sorted(run.records)] == [3, 4, 1]
    assert run.records["main/child#2"].status == "finished"
    assert {e.phase for e in run.records["main/child"].events(0)} >= {"forward", "backward", "optimizer"}


def test_spawned_processes(folder: Any) -> None:
    folder.write("work.py", TRAIN)
    folder.write(
        "train.py",
        """
import multiprocessing
class Config:
    steps = 2
def work(config, queue):
    from work import train
    queue.put(train(config.steps))
if __name__ == "__main__":
    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    process = context.Process(target=work, args=(Config(), queue))
    process.start()
    print(queue.get(timeout=100))
    process.join()
    assert process.exitcode == 0
""",
    )
    ended = folder.samebits("record", "train.py")
    assert ended.code == 0, ended.err
    records = folder.last().records
    assert [key for key in records if records[key].steps] == ["main/SpawnProcess-1"]
    assert records["main/SpawnProcess-1"].steps == 2
    assert records["main/SpawnProcess-1"].status == "finished"


def test_a_command_that_starts_python(folder: Any) -> None:
    folder.write("train.py", TRAIN + "import sys\nprint(sys.argv)\ntrain()\n")
    folder.write("start.sh", f'exec "{sys.executable}" -u train.py "$@"\n')
    ended = folder.samebits("record", "--", "sh", "start.sh", "a b", "-m")
    assert ended.code == 0, ended.err
    assert stripped(ended.out) == "['train.py', 'a b', '-m']"
    assert folder.last().records["main"].steps == 3
    ended, verdict = folder.json("--", sys.executable, "train.py", "--json", "-")
    assert (ended.code, verdict["verdict"], verdict["steps"]) == (0, "same", 3)


def test_a_command_that_is_no_python(folder: Any) -> None:
    ended = folder.samebits("record", "--", "echo", "hello")
    assert (ended.code, stripped(ended.out)) == (0, "hello")


# -- the world of the program --------------------------------------------------------------------------

WORLD = '''"""Its docstring."""
from __future__ import annotations
import builtins, inspect, json, os, pickle, signal, sys, threading
from dataclasses import dataclass
import sibling
import torch

@dataclass
class Point:
    x: int

class Held:
    def __init__(self): self.point = Point(3)

if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: None)
    seen = {
        "file": __file__, "doc": __doc__, "name": __name__, "argv": sys.argv, "path": sys.path[0],
        "spec": __spec__ is None, "package": __package__, "sibling": sibling.__file__,
        "pickled": pickle.loads(pickle.dumps(Held())).point.x, "main": sys.modules["__main__"].Point is Point,
        "source": inspect.getsource(Held), "annotations": Point.__annotations__, "globals": sorted(globals()),
        "handlers": signal.getsignal(signal.SIGINT) is signal.default_int_handler,
        "variables": {k: v for k, v in os.environ.items() if k.startswith("MY_")},
        "builtins": __builtins__ is builtins, "threads": threading.active_count(), "cwd": os.getcwd(),
        "flags": list(sys.flags), "executable": sys.executable, "hook": sys.excepthook is sys.__excepthook__,
        "user": os.environ.get("PYTHONPATH", "").split(os.pathsep)[-1],
        "customized": hasattr(builtins, "custom"),
        "open": sys.stdout.isatty(), "recursion": sys.getrecursionlimit(),
    }
    torch.save({"point": Held()}, "held.pt")
    assert torch.load("held.pt", weights_only=False)["point"].point.x == 3
    os.chdir("elsewhere")
    print(json.dumps(seen, indent=1, default=str))
    sys.stdout = open("output.txt", "w")
    print("lost", flush=True)
    torch.ones(3).sum().item()
'''


def test_the_world_of_a_script(folder: Any) -> None:
    place = folder.path / "a folder of ünïcode"
    (place / "elsewhere").mkdir(parents=True)
    extra = folder.path / "extra"
    folder.write("extra/sitecustomize.py", "import builtins\nbuiltins.custom = True\n")
    folder.write("a folder of ünïcode/träin me.py", WORLD)
    folder.write("a folder of ünïcode/sibling.py", "x = 1\n")
    variables = {"MY_NUMBER": "1", "PYTHONPATH": str(extra)}
    words = ("träin me.py", "--rate", "0.1", "-m", "--")
    plain = folder.python(*words, cwd=place, **variables)
    assert plain.code == 0, plain.err
    observed = folder.samebits("record", *words, cwd=place, **variables)
    assert observed.code == 0, observed.err
    mine, theirs = json.loads(stripped(observed.out)), json.loads(plain.out)
    assert mine["customized"] is True
    below = mine.pop("recursion") - theirs["recursion"]  # as deep as without the frames below the script
    assert below == child._FRAMES
    assert {k: v for k, v in mine.items() if theirs[k] != v} == {}
    assert (place / "elsewhere" / "output.txt").read_text() == "lost\n"
    run = folder.runs(place / ".samebits")[-1]
    sites = {e.site.file for e in run.records["main"].events(0) if e.site}
    assert sites == {"träin me.py"}
    assert "sibling" in run.records["main"].sources()["träin me.py"]


def test_a_module_of_a_package(folder: Any) -> None:
    folder.write("package/__init__.py", "")
    folder.write("package/other.py", "value = 7\n")
    folder.write(
        "package/module.py",
        TRAIN + "import sys\nfrom . import other\nif __name__ == '__main__':\n"
        "    train()\n    print(__package__, __spec__.name, other.value, sys.argv[1:], sys.path[0])\n",
    )
    plain = folder.python("-m", "package.module", "-m", "x")
    observed = folder.samebits("record", "-m", "package.module", "-m", "x")
    assert stripped(observed.out) == plain.out.strip()
    assert {e.site.file for e in folder.last().records["main"].events(0) if e.site} == {"package/module.py"}


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written(folder: Any) -> None:
    place = folder.path / "fixed"
    folder.write("fixed/train.py", TRAIN + "train()\n")
    place.chmod(0o555)
    try:
        refused = folder.samebits("verify", "train.py", cwd=place)
        ended = folder.samebits("verify", "--out", folder.path / "runs", "train.py", cwd=place)
    finally:
        place.chmod(0o755)
    assert (refused.code, ended.code) == (2, 0)
    assert "--out" in refused.err


def test_runs_are_kept_where_they_are_asked_to_be(folder: Any) -> None:
    folder.write("here/train.py", TRAIN + "train()\n")
    out = folder.path / "other place" / "rüns"
    ended = folder.samebits("record", "--out", out, "train.py", cwd=folder.path / "here")
    assert ended.code == 0, ended.out + ended.err
    assert len(folder.runs(out)) == 1
    assert sorted(p.name for p in (folder.path / "here").iterdir() if p.name != "__pycache__") == ["train.py"]


@pytest.mark.deep
def test_hostile_names_are_harmless_on_the_terminal(folder: Any) -> None:
    name = "tr\x1b[31main\x07.py"
    folder.write(
        name,
        'import torch, time\nglobals()["f\\x1b]0;title\\x07"] = 1\n'
        'exec(compile("def f(x):\\n    return x.add(time.time_ns())\\n", "evil\\x1b[2J.py", "exec"))\n'
        "f.__code__ = f.__code__.replace(co_name='g\\x1b[5m')\n"
        "print(f(torch.zeros(1, dtype=torch.int64)).item())\n",
    )
    ended = folder.samebits("verify", f"./{name}")
    assert ended.code == 1, ended.out + ended.err
    assert "DIVERGED" in ended.out
    assert not set("\x1b\x07\x9b") & set(ended.out + ended.err)
    listed = folder.samebits("runs")
    assert listed.code == 0
    assert not set("\x1b\x07\x9b") & set(listed.out)


def test_the_python_of_another_kind_of_import(folder: Any) -> None:
    """Torch imported late, in a thread, and inside a function."""
    folder.write("work.py", TRAIN)
    folder.write(
        "train.py",
        """
import threading
def work():
    from work import train
    train(2)
thread = threading.Thread(target=work)
thread.start()
thread.join()
import torch
print(torch.ones(2).sum().item())
""",
    )
    ended, verdict = folder.json("train.py")
    assert (ended.code, verdict["verdict"]) == (0, "same"), ended.err
    assert [run.records["main"].steps for run in folder.runs()] == [2, 2]


def test_json_alone_is_on_stdout(folder: Any) -> None:
    folder.write(
        "train.py", TRAIN + "import os\nprint('from python')\nos.system('echo from a shell')\ntrain()\n"
    )
    ended, verdict = folder.json("train.py")
    assert verdict["format"] == "samebits.verdict"
    assert "every bit agrees" in ended.err
    assert kept(folder.path / ".samebits" / verdict["runs"][0], "stdout").count("from") == 2
