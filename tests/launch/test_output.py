"""What a program writes is kept at both ends, compressed, and nothing waits for a pipe."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from samebits.launch import output
from samebits.launch.output import KEPT, Output, kept, last_error


def written(folder: Path, code: str) -> subprocess.Popen[bytes]:
    """What a Python program with this code writes, kept in the folder."""
    out = Output()
    program = subprocess.Popen([sys.executable, "-c", code], stdout=out.ends[0], stderr=out.ends[1])
    out.begin()
    program.wait(timeout=120)
    out.close(folder)
    return program


def test_both_streams(tmp_path: Path) -> None:
    written(tmp_path, "import sys; print('one\\ntwo'); print('bad', file=sys.stderr)")
    assert (kept(tmp_path, "stdout"), kept(tmp_path, "stderr")) == ("one\ntwo\n", "bad\n")
    assert last_error(tmp_path) == "bad"
    assert sorted(file.name for file in tmp_path.iterdir()) == ["stderr.txt.gz", "stdout.txt.gz"]


def test_nothing_written_leaves_no_file(tmp_path: Path) -> None:
    written(tmp_path, "pass")
    assert list(tmp_path.iterdir()) == []
    assert (kept(tmp_path, "stdout"), last_error(tmp_path)) == ("", "")


def test_an_error_is_told_in_the_users_paths(tmp_path: Path) -> None:
    mirror = f"{tempfile.gettempdir()}/samebits-mirror-x1/tree"
    written(tmp_path, f"import sys; sys.exit('File \"{mirror}/home/me/a b.py\", line 2\\nEOFError: EOF')")
    first, second, hint = last_error(tmp_path).splitlines()
    assert (first, second) == ('File "/home/me/a b.py", line 2', "EOFError: EOF")
    assert "standard input" in hint


@pytest.mark.parametrize("over", [-1, 0, 1, KEPT // 3, 5 * KEPT])
def test_the_beginning_and_the_end(tmp_path: Path, over: int) -> None:
    total = 2 * KEPT + over
    written(
        tmp_path,
        f"import sys; data = b''.join(b'%015d\\n' % n for n in range({total} // 16 + 1))[:{total}]\n"
        "for at in range(0, len(data), 7777): sys.stdout.buffer.write(data[at:at + 7777])",
    )
    text = kept(tmp_path, "stdout")
    whole = "".join(f"{n:015d}\n" for n in range(total // 16 + 1))[:total]
    if over <= 0:
        assert text == whole
    else:
        assert text == f"{whole[:KEPT]}\n[samebits left out {over:,} bytes here]\n{whole[-KEPT:]}"


def test_a_background_process_is_not_waited_for(tmp_path: Path) -> None:
    code = (
        "import subprocess, sys\nprint('before', flush=True)\n"
        "p = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(300)'])\nprint(p.pid)\n"
    )
    written(tmp_path, code)
    first, pid = kept(tmp_path, "stdout").split()
    os.kill(int(pid), 9)
    assert first == "before"


def test_secrets_are_taken_out(tmp_path: Path) -> None:
    key = "ghp_" + "a1B2c3D4e5F6" * 3
    written(tmp_path, f"print('token', {key!r}); print('fine')")
    assert key not in kept(tmp_path, "stdout")
    assert kept(tmp_path, "stdout").splitlines()[1] == "fine"


def test_the_same_output_is_the_same_file(tmp_path: Path) -> None:
    files = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        written(tmp_path / name, "print('x' * 1000)")
        files.append((tmp_path / name / "stdout.txt.gz").read_bytes())
    assert files[0] == files[1]


@pytest.mark.parametrize("content", [b"", b"no gzip", gzip.compress(b"x" * 9999, mtime=0)[:40], bytes(100)])
def test_a_damaged_file_is_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "stdout.txt.gz").write_bytes(content)
    assert kept(tmp_path, "stdout") == ""


def test_what_is_read_of_a_bomb_is_bounded(tmp_path: Path) -> None:
    (tmp_path / "stdout.txt.gz").write_bytes(gzip.compress(bytes(64 * KEPT)))
    assert len(kept(tmp_path, "stdout")) <= 3 * KEPT


def test_a_stream_moves_little_memory_about(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = output._Stream()
    for _ in range(200):
        stream.add(b"x" * 65536)
    assert len(stream.head) == KEPT
    assert KEPT <= len(stream.tail) <= KEPT + KEPT // 4 + 65536
    assert len(stream.text()) > 2 * KEPT
