"""What a killed command left is removed by the next, and nothing that is in use."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.launch.trials import User
from tests.launch.trials import user as user

from samebits.launch.mirror import Mirror
from samebits.launch.program import Program

#: Makes a mirror, starts a process that outlives it, and waits.
MAKES = """
import subprocess, sys
from pathlib import Path
from samebits.launch.mirror import Mirror, Program
mirror = Mirror(Path(sys.argv[1]), Program("script", ("x.py",)), Path(sys.argv[2]))
print(subprocess.Popen(["sleep", "600"], close_fds=False).pid, flush=True)
sys.stdin.read()
"""


def test_what_a_killed_process_left_is_removed(user: User, tmp_path: Path) -> None:
    under = tmp_path / "under"
    (under / "samebits-mirror-of another kind").mkdir(parents=True)
    (under / "samebits-mirror-link").symlink_to(user.folder)
    words = [sys.executable, "-c", MAKES, str(user.folder), str(under)]
    before = user.bytes()
    maker = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert maker.stdout is not None
    left = int(maker.stdout.readline())
    try:
        program = Program("script", ("x.py",))
        with Mirror(user.folder, program, under):
            assert len(list(under.iterdir())) == 4
            maker.kill()
            maker.wait()
            assert len(list(under.iterdir())) == 4
            with Mirror(user.folder, program, under) as second:
                assert len(list(under.iterdir())) == 4
                assert (second.folder / "x.py").exists()
    finally:
        os.kill(left, signal.SIGKILL)
        maker.kill()
        maker.communicate()
    assert {path.name for path in under.iterdir()} == {
        "samebits-mirror-of another kind",
        "samebits-mirror-link",
    }
    assert user.bytes() == before


def test_one_that_was_stopped_as_it_removed_its_mirror(
    user: User, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C may come then, too: the next one of that name, or any other, removes what is left."""
    program = Program("script", ("x.py",))
    for name in ("trial", None):
        mirror = Mirror(user.folder, program, tmp_path, name)
        with monkeypatch.context() as patch:
            patch.setattr("samebits.launch.mirror_tree.os.unlink", _interrupted)
            with pytest.raises(KeyboardInterrupt):
                mirror.clear()
        assert any(path.name.startswith("samebits-mirror-") for path in tmp_path.iterdir())
        with Mirror(user.folder, program, tmp_path, name) as second:
            assert (second.folder / "x.py").exists()
        assert not [path for path in tmp_path.iterdir() if path.name.startswith("samebits-mirror-")]


def _interrupted(*_: object) -> None:
    raise KeyboardInterrupt
