"""Whole programs under `samebits run`: they repeat, and behave as Python alone would have them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import Any

import pytest

from samebits.launch.output import kept

pytestmark = pytest.mark.slow

UNSEEDED = """
import random, sys
import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

class Noisy(Dataset):
    def __len__(self):
        return 32
    def __getitem__(self, i):
        x = torch.rand(4) * random.random() + float(np.random.default_rng().random())
        return x + float(np.random.rand()), i % 2

if __name__ == "__main__":
    names = list({"red", "green", "blue", "yellow"})
    net = torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.Dropout(0.2), torch.nn.Linear(4, 2))
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1 * np.random.RandomState().rand())
    generator = torch.Generator()
    generator.seed()
    for epoch in range(2):
        for x, y in DataLoader(Noisy(), batch_size=8, shuffle=True, num_workers=2):
            optimizer.zero_grad()
            loss = torch.nn.functional.cross_entropy(net(x + torch.rand(1, generator=generator)), y)
            loss.backward()
            optimizer.step()
    bits = torch.cat([p.detach().flatten() for p in net.parameters()]).numpy().tobytes().hex()
    print("fingerprint", *names, bits)
"""

REPORT = """
import hashlib, json, os, random, sys
import numpy, torch
print(json.dumps({
    "argv": sys.argv, "name": __name__, "path": sys.path[0], "hash": hash("a"),
    "cublas": os.environ["CUBLAS_WORKSPACE_CONFIG"],
    "deterministic": torch.are_deterministic_algorithms_enabled(),
    "bits": [random.random(), numpy.random.rand(), torch.rand(1).item()],
    "rank": os.environ.get("RANK"),
}))
"""


def fingerprint(text: str) -> str:
    (line,) = [line for line in text.splitlines() if line.startswith("fingerprint")]
    return line


def test_what_is_run_is_what_is_verified(folder: Any) -> None:
    folder.write("train.py", UNSEEDED)
    run = folder.samebits("run", "--seed", "3", "train.py")
    assert run.code == 0, run.err
    printed = {fingerprint(run.out)}
    assert not (folder.path / ".samebits").exists()
    ended, verdict = folder.json("--seed", "3", "--deterministic", "train.py")
    assert (ended.code, verdict["verdict"]) == (0, "same"), ended.err
    printed |= {fingerprint(kept(run.path, "stdout")) for run in folder.runs()}
    assert len(printed) == 1
    recorded = folder.samebits("record", "--seed", "3", "--deterministic", "train.py")
    assert {fingerprint(recorded.out)} == printed
    other = folder.samebits("run", "--seed", "4", "train.py")
    assert {fingerprint(other.out)} != printed


def test_the_bits_are_those_of_seed_everything(folder: Any) -> None:
    folder.write("report.py", REPORT)
    folder.write(
        "plain.py",
        "import random, numpy, torch, samebits\nsamebits.seed_everything(9)\n"
        "print([random.random(), numpy.random.rand(), torch.rand(1).item()])\n",
    )
    controlled = folder.samebits("run", "--seed", "9", "report.py")
    assert controlled.code == 0, controlled.err
    plain = folder.python("-W", "ignore", "plain.py")
    assert plain.out.strip() in controlled.out


@pytest.mark.parametrize("kind", ["script", "module", "command", "a path with spaces"])
def test_every_kind_of_program(folder: Any, kind: str) -> None:
    import json

    where = folder.path / ("a b" if "spaces" in kind else ".")
    folder.write(f"{where}/report.py", REPORT)
    words = {
        "script": ["report.py"],
        "module": ["-m", "report"],
        "command": ["--", sys.executable, "report.py"],
        "a path with spaces": ["a b/report.py"],
    }[kind]
    ended = folder.samebits("run", "--seed", "5", *words, "--seed", "x y")
    assert ended.code == 0, ended.err
    told = json.loads(ended.out)
    assert told["argv"][1:] == ["--seed", "x y"]
    assert told["argv"][0].endswith("report.py")
    assert told["name"] == "__main__"
    assert os.path.samefile(told["path"] or folder.path, where)
    assert (told["deterministic"], told["cublas"]) == (True, ":4096:8")
    plain = folder.python("-c", "print(hash('a'))", PYTHONHASHSEED="5")
    assert told["hash"] == int(plain.out)


def test_without_deterministic_algorithms(folder: Any) -> None:
    folder.write("report.py", REPORT)
    ended = folder.samebits("run", "--no-deterministic", "report.py")
    assert '"deterministic": false' in ended.out


@pytest.mark.deep
def test_ranks_draw_numbers_of_their_own_and_those_of_seed_everything(folder: Any) -> None:
    import json

    folder.write("report.py", REPORT)
    command = ["--", sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "report.py"]
    ended = folder.samebits("run", "--seed", "5", *command, OMP_NUM_THREADS="1")
    assert ended.code == 0, ended.err
    rows = [json.loads(line) for line in ended.out.splitlines() if line.startswith("{")]
    bits = {row["rank"]: row["bits"] for row in rows}
    assert sorted(bits) == ["0", "1"]
    assert not set(bits["0"]) & set(bits["1"])
    first, second = (
        json.loads(folder.samebits("run", "--seed", "5", "report.py", **variables).out)
        for variables in ({}, {"RANK": "1", "WORLD_SIZE": "2"})
    )
    assert (bits["0"], bits["1"]) == (first["bits"], second["bits"])


def test_nothing_is_imported_that_the_program_does_not(folder: Any) -> None:
    folder.write(
        "light.py",
        "import random, sys\nprint(random.random(), {'numpy', 'torch'} & {*sys.modules})",
    )
    first, second = (folder.samebits("run", "light.py") for _ in range(2))
    assert first.out == second.out
    assert first.out.endswith("set()\n"), first.out


def test_the_programs_exit_code(folder: Any) -> None:
    folder.write("leave.py", "import sys\nsys.exit(int(sys.argv[1]))")
    assert [folder.samebits("run", "leave.py", code).code for code in ("0", "1", "2", "77")] == [0, 1, 2, 77]
    assert folder.samebits("run", "--", "sh", "-c", "exit 9").code == 9


def test_a_program_that_a_signal_ends(folder: Any) -> None:
    folder.write("die.py", "import os, signal\nos.kill(os.getpid(), signal.SIGTERM)")
    ended = folder.run("sh", "-c", f"'{sys.executable}' -m samebits run die.py; echo $?")
    assert ended.out.strip() == str(128 + signal.SIGTERM)


def test_a_traceback_is_pythons_own(folder: Any) -> None:
    folder.write("helper.py", "import numpy as np\ndef seeded():\n    np.random.seed(-1)\n")
    folder.write("fail.py", "from helper import seeded\n\ndef main():\n    seeded()\n\nmain()\n")
    plain, controlled = folder.python("fail.py"), folder.samebits("run", "-q", "fail.py")
    assert (plain.code, controlled.code) == (1, 1)
    assert controlled.err == plain.err


def test_a_hook_of_the_programs_own_is_called(folder: Any) -> None:
    folder.write(
        "hook.py",
        "import sys\nsys.excepthook = lambda kind, _, trace: print('hook', kind.__name__, trace.tb_lineno)\n"
        "raise KeyError(3)\n",
    )
    plain, controlled = folder.python("hook.py"), folder.samebits("run", "-q", "hook.py")
    assert (controlled.code, controlled.out, controlled.err) == (plain.code, plain.out, plain.err)
    assert controlled.out == "hook KeyError 3\n"


def test_standard_input_reaches_the_program(folder: Any) -> None:
    folder.write("echo.py", "import sys\nprint(sys.stdin.read().upper(), sys.stdin.isatty())")
    done = subprocess.run(
        [sys.executable, "-m", "samebits", "run", "-q", "echo.py"],
        cwd=folder.path,
        env=folder.environment(),
        input="hello",
        capture_output=True,
        text=True,
    )
    assert done.stdout == "HELLO False\n"


def test_ctrl_c_reaches_the_program(folder: Any) -> None:
    folder.write(
        "wait.py",
        "import time\ntry:\n    print('ready', flush=True)\n    time.sleep(60)\n"
        "except KeyboardInterrupt:\n    print('stopped', flush=True)\n    raise SystemExit(5)\n",
    )
    process = subprocess.Popen(
        [sys.executable, "-m", "samebits", "run", "-q", "wait.py"],
        cwd=folder.path,
        env=folder.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (out, err, process.returncode) == ("stopped\n", "", 5)


@pytest.mark.deep
def test_a_seed_from_the_clock_is_replaced_and_said(folder: Any) -> None:
    folder.write(
        "clock.py",
        "import time\nimport torch\n\nseed = int(time.time())\n"
        "torch.manual_seed(seed)\nprint(torch.rand(1).item())\n",
    )
    first = folder.samebits("run", "clock.py")
    while int(time.time()) == int(os.stat(folder.path / "clock.py").st_mtime):
        time.sleep(0.1)
    second = folder.samebits("run", "clock.py")
    assert first.out == second.out
    assert (
        "clock.py:5: the seed given to torch.manual_seed comes from time.time (read at clock.py:4)"
        in first.err
    )


@pytest.mark.parametrize("above", ["record", pytest.param("verify", marks=pytest.mark.deep)])
def test_run_below_another(folder: Any, above: str) -> None:
    folder.write("train.py", UNSEEDED)
    command = ["--", sys.executable, "-m", "samebits", "run", "--seed", "3", "train.py"]
    ended = folder.samebits(above, "--level", "step", *command)
    assert ended.code == 0, ended.err
    assert above == "record" or ended.out.startswith("SAME")
    alone = folder.samebits("run", "--seed", "3", "train.py")
    printed = ended.out if above == "record" else kept(folder.last().path, "stdout")
    assert fingerprint(alone.out) == fingerprint(printed)


def test_libraries_are_seeded_as_they_are_loaded(folder: Any) -> None:
    folder.write(
        "imgaug.py",
        "import random\nstate = random.Random(0)\ndef seed(number):\n    state.seed(number)\n",
    )
    folder.write("use.py", "import imgaug\nprint(imgaug.state.random())\n")
    first, second = (folder.samebits("run", "use.py") for _ in range(2))
    other = folder.samebits("run", "--seed", "1", "use.py")
    plain = folder.python("use.py")
    assert first.out == second.out
    assert len({first.out, other.out, plain.out}) == 3
