"""What is recorded of a run in a mirror names the user's own files."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest
from tests.launch.trials import User
from tests.launch.trials import user as user

from samebits._runtime import mirrored
from samebits.control.settings import Control
from samebits.launch.mirror import Mirror
from samebits.launch.process import new_folder, start
from samebits.launch.program import Program
from samebits.observe.plan import Plan
from samebits.record import log
from samebits.record.run import Run


def test_outside_of_a_mirror_a_path_is_what_it_is() -> None:
    assert mirrored.real("/tmp/x") == "/tmp/x"


def test_in_a_mirror_it_is_the_users() -> None:
    text = "import sys; from samebits._runtime.mirrored import real; print(real(sys.argv[1]))"
    done = subprocess.run(
        [sys.executable, "-c", text, "/m/tree/a --out=/m/tree/b:/c /m/tree2/d /m/tree"],
        env={**os.environ, mirrored.VARIABLE: "/m/tree"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "/a --out=/b:/c /m/tree2/d /m/tree\n"


_TRAIN = """
import sys
import tempfile
import numpy as np
import torch
from package import part
from sub import helper

model = torch.nn.Linear(4, 2)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for step in range(3):
    optimizer.zero_grad()
    loss = part.loss(model(torch.from_numpy(np.load("data.npy"))))
    loss.backward()
    optimizer.step()
    helper.save(model, sys.argv[1])
"""


def recorded(program: Program, out: Path) -> Run:
    plan = Plan(str(new_folder(out)), level="op")
    folder = start(program, Control(0, False), plan, quiet=True, timeout=None, progress=None, verify=None)
    return Run.open(folder)


def told(run: Run) -> dict[str, Any]:
    """What a record says of places and paths."""
    record = run.records["main"]
    events = [(event.name, event.digest, event.site) for event in record.events(0)]
    facts = [(type(f.detail).__name__, getattr(f.detail, "path", None), f.site) for f in record.facts()]
    # `tempfile` tries once whether there can be files, under a name of its own.
    facts = [fact for fact in facts if os.path.dirname(fact[1] or "") != tempfile.gettempdir()]
    kept = ("argv", "cwd")
    return {
        "keys": sorted(run.records),
        "events": events,
        "facts": facts,
        "sources": sorted(record.sources()),
        "manifest": {name: record.manifest[name] for name in kept},
        "tasks": record.notes.get(log.TASKS),
    }


@pytest.mark.slow
def test_a_record_is_that_of_a_run_in_the_folder(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    import numpy

    project = user.folder.parent
    git = ("git", "-c", "user.name=x", "-c", "user.email=x")
    for words in (("init", "-q"), ("add", "."), ("commit", "-qm", "first")):
        subprocess.run([*git, *words], cwd=project, check=True)
    with open(user.folder / "x.py", "a") as file:
        file.write("# changed\n")
    (project / "package").mkdir()
    (project / "package" / "part.py").write_text("def loss(x):\n    return x.square().mean()\n")
    (user.folder / "sub").mkdir()
    (user.folder / "sub" / "helper.py").write_text(
        "import os, torch\ndef save(model, path):\n    print(os.listdir('sub'))\n"
        "    torch.save(model.state_dict(), path)\n    torch.load('old.pt')\n"
    )
    (project / "train.py").write_text(_TRAIN)
    numpy.save(user.folder / "data.npy", numpy.ones((9000, 4), dtype="float32"))
    import torch

    torch.save(torch.ones(30_000), user.folder / "old.pt")
    monkeypatch.chdir(user.folder)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(user.folder), os.environ.get("PYTHONPATH", "")]))
    program = Program("script", ("../train.py", str(user.folder / "last.pt")))
    out = project / "out"
    before = user.bytes()
    with Mirror(user.folder, program) as mirror, recorded(mirror.program(program), out) as run:
        assert run.info["status"] == "finished", list(run.path.iterdir())
        assert run.info["cwd"] == str(mirror.folder)
        assert (mirror.folder / "last.pt").exists()
        in_mirror = told(run)
        said_of_mirror = {name: run.info[name] for name in ("argv", "git")}
    assert user.bytes() == before
    with recorded(program, out) as run:
        in_folder = told(run)
        assert said_of_mirror == {name: run.info[name] for name in ("argv", "git")}
        assert run.info["git"]["diff"].count("\n+") == 2
    assert in_mirror == in_folder
    places = {site.file for *_, site in (*in_folder["events"], *in_folder["facts"]) if site}
    assert places == {str(project / "train.py"), str(project / "package" / "part.py"), "sub/helper.py"}
    assert {path for _, path, _ in in_folder["facts"]} >= {
        str(user.folder / "last.pt"),
        "old.pt",
        "data.npy",
        "sub",
    }
    assert in_folder["tasks"]
