"""What opens files past Python writes in the mirror, too."""

from __future__ import annotations

import json
import os

import pytest
from tests.launch.trials import User, trial
from tests.launch.trials import user as user

from samebits.launch.program import Program

#: What writes to `path`, which is an existing file of 66 kB.
WAYS = {
    "torch.save": "torch.save(model, path)",
    "torch.save, old": "torch.save(model.state_dict(), path, _use_new_zipfile_serialization=False)",
    "Path": "torch.save(model.state_dict(), pathlib.Path(path))",
    "torch.jit.save": "torch.jit.save(torch.jit.script(model), path)",
    "ScriptModule": "torch.jit.script(model).save(path)",
    "ScriptFunction": "torch.jit.script(function).save(path)",
    "mobile": "torch.jit.script(model)._save_for_lite_interpreter(path)",
    "package": "with torch.package.PackageExporter(path) as e: e.save_text('a', 'b', 'c')",
    "export": "torch.export.save(torch.export.export(model, (torch.ones(1, 2),)), path)",
    "from_file": "torch.from_file(path, shared=True, size=8).fill_(1)",
    "from_file, words": "torch.from_file(filename=path, shared=True, size=8).fill_(1)",
    "storage": "torch.UntypedStorage.from_file(path, True, 8).fill_(1)",
    "typed storage": "torch.FloatStorage.from_file(path, True, 8).fill_(1)",
    "profiler": "with torch.profiler.profile() as p: torch.ones(2) + 1\np.export_chrome_trace(path)",
    "safetensors": "safetensors.torch.save_file(model.state_dict(), path)",
    "safetensors of numpy": "safetensors.numpy.save_file({'a': numpy.ones(9)}, path)",
    "distributed checkpoint": "checkpoint(path)",
}
_RUN = """
import json, os, pathlib, sys, warnings
import numpy, safetensors.numpy, safetensors.torch, torch, torch.package
import torch.distributed.checkpoint as dcp
warnings.simplefilter("ignore")
class Model(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(2, 2)
    def forward(self, x):
        return self.layer(x)
def function(x: torch.Tensor):
    return x + 1
def checkpoint(path):
    dcp.save({"model": model.state_dict()}, checkpoint_id=os.path.dirname(path) or ".", no_dist=True)
    os.replace(os.path.join(os.path.dirname(path), ".metadata"), path)
model = Model()
for number, way in enumerate(json.loads(sys.argv[1])):
    for path in sys.argv[2:]:
        path = os.path.join(str(number), path)  # of each the folder has its own
        exec(way, {**globals(), "path": path})
        print(os.path.islink(path), open(path, "rb").read() != bytes(range(256)) * 257)
torch.save(model.state_dict(), "huge.pt")  # it is truncated, and so not copied
# What is only read stays a link.
torch.from_file(sys.argv[2], size=8)
torch.from_file(sys.argv[2], False, 8)
torch.load("kept.pt", mmap=True)
safetensors.torch.load_file("kept.safetensors")
"""


@pytest.mark.slow
def test_native_writers(user: User) -> None:
    import torch
    from safetensors.torch import save_file

    paths = ("big.bin", "env/deep/big.bin", "outside/big.bin")
    for number in range(len(WAYS)):
        user.fill(str(number))
    (user.folder / "run.py").write_text(_RUN)
    torch.save(torch.ones(30_000), user.folder / "kept.pt")
    save_file({"a": torch.ones(30_000)}, user.folder / "kept.safetensors")
    before = user.bytes()
    with open(user.folder / "huge.pt", "wb") as file:
        file.truncate(1 << 40)
    with user.mirror() as mirror:
        ended = trial(mirror, Program("script", ("run.py", json.dumps(list(WAYS.values())), *paths)))
        assert ended.returncode == 0, ended.stderr
        assert ended.stdout.splitlines() == ["False True"] * (len(WAYS) * len(paths))
        for name in ("kept.pt", "kept.safetensors", "big.bin"):
            assert (mirror.folder / name).is_symlink()
    assert (user.folder / "huge.pt").stat().st_size == 1 << 40
    (user.folder / "huge.pt").unlink()
    os.utime(user.folder, ns=(0, before[str(user.folder)][2]))  # type: ignore[index]
    after = user.bytes()
    changed = [name for name, state in before.items() if after.get(name) != state]
    assert not changed
    assert after.keys() == before.keys()
