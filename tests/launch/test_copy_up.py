"""What a program of a trial writes, however it does, is in the mirror, and no file of the user's changes."""

from __future__ import annotations

import errno
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from tests.launch.trials import BIG, PLACES, User, begun, code, plain, seen, trial
from tests.launch.trials import user as user
from tests.launch.ways import RUN, WAYS

from samebits.launch.mirror import Mirror
from samebits.launch.program import Program


@dataclass
class Done:
    """What all ways did: in a mirror and without one, and what became of the user's own files."""

    alone: dict[str, object]
    trial: dict[str, object]
    errors: dict[str, str]
    before: dict[str, object]
    after: dict[str, object]


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Done:
    users = [User(tmp_path_factory.mktemp(name) / "of me", tmp_path_factory.mktemp("else")) for name in "ab"]
    for each in users:
        for number in range(len(WAYS)):
            each.fill(str(number))
    program = code(RUN, json.dumps(list(WAYS.values())), *PLACES)
    alone = plain(replace(program, folder=str(users[0].folder)))
    assert alone.stdout == "{}\n", alone.stdout + alone.stderr
    before = users[1].bytes()
    with Mirror(users[1].folder, program) as mirror:
        ended = trial(mirror, program)
        assert (ended.returncode, ended.stderr) == (0, "")
        found = seen(mirror.folder)
    return Done(seen(users[0].folder), found, json.loads(ended.stdout), before, users[1].bytes())


@pytest.mark.parametrize("way", WAYS)
def test_a_way_to_write(done: Done, way: str) -> None:
    number = list(WAYS).index(way)
    assert done.errors.get(str(number)) is None
    within = f"{number}/"
    in_trial, alone = (
        {name: state for name, state in found.items() if name.startswith(within)}
        for found in (done.trial, done.alone)
    )
    assert in_trial == alone
    changed = {name for name, state in done.before.items() if done.after.get(name) != state}
    assert not [name for name in changed if f"/{number}/" in name]


def test_no_way_made_anything_of_the_user(done: Done) -> None:
    assert done.after == done.before


# --- several at once


def test_processes_that_append_to_one_file_lose_nothing(user: User) -> None:
    text = (
        "import os, sys, time\n"
        "time.sleep(max(0, float(sys.argv[1]) - time.time()))\n"
        "for number in range(100):\n"
        "    with open('sub folder/big.bin', 'a') as file: file.write(f'{os.getpid()} {number}\\n')\n"
    )
    before = user.bytes()
    with user.mirror() as mirror:
        program = mirror.program(code(text, str(time.time() + 3)))
        started = [begun(program) for _ in range(6)]
        assert [(each.communicate(timeout=100), each.returncode) for each in started] == [(("", ""), 0)] * 6
        lines = (mirror.folder / "sub folder" / "big.bin").read_bytes().removeprefix(BIG).splitlines()
    assert len(set(lines)) == len(lines) == 600
    assert user.bytes() == before


def test_threads_and_their_forks_write_at_once(user: User) -> None:
    text = """
import os, threading
def work(number):
    with open(f"env/deep/{number}.txt", "w") as file: file.write("x")
    if os.fork() == 0:
        with open(f"env/{number}.txt", "w") as file: file.write("y")
        os._exit(0)
    with open("env/deep/big.bin", "ab") as file: file.write(b"z")
threads = [threading.Thread(target=work, args=(number,)) for number in range(16)]
for thread in threads: thread.start()
for thread in threads: thread.join()
while True:
    try: os.wait()
    except ChildProcessError: break
"""
    before = user.bytes()
    with user.mirror() as mirror:
        ended = trial(mirror, code(text))
        assert (ended.returncode, ended.stderr) == (0, "")
        assert len(list((mirror.folder / "env").glob("**/*.txt"))) == 32
        assert (mirror.folder / "env" / "deep" / "big.bin").read_bytes() == BIG + b"z" * 16
    assert user.bytes() == before


def test_what_is_truncated_is_not_copied(user: User) -> None:
    with open(user.folder / "huge.bin", "wb") as file:
        file.truncate(1 << 40)
    text = "for mode in ('w', 'wb+'): open('huge.bin', mode).close()\nopen('huge.bin', 'a').write('new')"
    with user.mirror() as mirror:
        ended = trial(mirror, code(text))
        assert (ended.returncode, ended.stderr) == (0, "")
        assert (mirror.folder / "huge.bin").read_text() == "new"
    assert (user.folder / "huge.bin").stat().st_size == 1 << 40


# --- databases


def table(path: Path, *, wal: bool = False) -> sqlite3.Connection:
    connection = sqlite3.connect(path)
    if wal:
        connection.execute("pragma journal_mode=wal")
    connection.execute("create table numbers (n, filler)")
    connection.executemany("insert into numbers values (?, ?)", [(n, "x" * 100) for n in range(1000)])
    connection.commit()
    return connection


_COUNT = """
import sqlite3, sys
c = sqlite3.connect(sys.argv[1], uri=True)
print(c.execute("select count(*) from numbers").fetchone()[0])
if "w" in sys.argv[2]:
    c.execute("insert into numbers values (-1, '')")
    c.commit()
c.close()
"""


@pytest.mark.parametrize(
    "way", ["{0}", "file:{0}", "file:{1}/{0}?mode=rw", "file:sub%20folder/a.db?cache=shared"]
)
def test_a_database_is_copied(user: User, way: str) -> None:
    table(user.folder / "sub folder" / "a.db").close()
    before = user.bytes()
    with user.mirror() as mirror:
        given = way.format("sub folder/a.db", mirror.folder)
        for rows in (1000, 1001):
            assert trial(mirror, code(_COUNT, given, "w")).stdout == f"{rows}\n"
    assert user.bytes() == before


def test_what_a_database_has_not_written_yet_goes_along(user: User) -> None:
    with closing(table(user.folder / "a.db", wal=True)):  # kept open: its log is beside it
        assert (user.folder / "a.db-wal").stat().st_size > len(BIG)
        before = user.bytes()
        for given in ("a.db", "file:a.db?mode=ro"):
            with user.mirror() as mirror:
                ended = trial(mirror, code(_COUNT, given, "w" if "ro" not in given else ""))
                assert ended.stdout == "1000\n", ended.stderr
        assert user.bytes() == before


def test_a_database_that_is_only_read_stays_a_link(user: User) -> None:
    table(user.folder / "a.db").close()
    with user.mirror() as mirror:
        assert trial(mirror, code(_COUNT, "file:a.db?mode=ro", "")).stdout == "1000\n"
        assert (mirror.folder / "a.db").is_symlink()


# --- paths into the user's folder


def test_a_path_in_the_source_is_refused(user: User) -> None:
    ways = {
        name: way for name, way in WAYS.items() if name in ("w", "a", "truncate", "remove", "mkdir", "rename")
    }
    text = """
import json, os, sys
ways, path = json.loads(sys.argv[1]), os.fsdecode(bytes.fromhex(sys.argv[2]))
for name, way in ways.items():
    try: exec(way, {**globals(), "path": path})
    except OSError as e: print(e.errno, e.filename == path or e.filename.startswith(path))
"""
    before = user.bytes()
    with user.mirror() as mirror:
        ended = trial(mirror, code(text, json.dumps(ways), os.fsencode(user.folder / "big.bin").hex()))
    assert ended.stdout.splitlines() == [f"{errno.EROFS} True"] * len(ways), ended.stderr
    assert user.bytes() == before


def test_what_tools_keep_in_a_hidden_folder_goes_there(user: User) -> None:
    """The working folder may be the home folder, where caches are."""
    path = user.folder / ".cache" / "tool"
    text = "import os, sys; p = bytes.fromhex(sys.argv[1]); os.makedirs(p); open(p + b'/x', 'w').write('y')"
    with user.mirror() as mirror:
        assert trial(mirror, code(text, os.fsencode(path).hex())).returncode == 0
    assert (path / "x").read_text() == "y"


def test_elsewhere_is_written_to(user: User) -> None:
    text = "import sys; open(bytes.fromhex(sys.argv[1]), 'w').write('new')"
    with user.mirror() as mirror:
        for path in (user.elsewhere / "big.bin", user.elsewhere / "new"):
            assert trial(mirror, code(text, os.fsencode(path).hex())).returncode == 0
    assert (user.elsewhere / "big.bin").read_text() == (user.elsewhere / "new").read_text() == "new"


@pytest.mark.parametrize("way", ["os.rename(a, b)", "os.replace(a, b)", "shutil.move(a, b)"])
def test_what_is_moved_out_is_the_file(user: User, way: str) -> None:
    """And no link to the user's."""
    text = f"import os, shutil, sys; a, b = 'sub folder/big.bin', bytes.fromhex(sys.argv[1]).decode(); {way}"
    out = user.elsewhere / "out.bin"
    with Mirror(user.folder, Program("script", ("x.py",)), user.elsewhere) as mirror:
        ended = trial(mirror, code(text, os.fsencode(out).hex()))
        assert (ended.returncode, ended.stderr) == (0, "")
        assert not os.path.lexists(mirror.folder / "sub folder" / "big.bin")
    assert not out.is_symlink()
    assert out.read_bytes() == BIG
    assert (user.folder / "sub folder" / "big.bin").read_bytes() == BIG


# --- what a program is told


_TOLD = """
import os, pathlib, sys
def names(found): return sorted(str(each) for each in found)
def walked(**options):
    return sorted((above, sorted(names), sorted(files)) for above, names, files in os.walk(".", **options))
told = [
    names(path for path in sys.argv[1:] if os.path.islink(path)),
    names(path for path in sys.argv[1:] if os.path.islink(os.fsencode(path))),
    names(os.path.relpath(os.path.realpath(path)) for path in sys.argv[1:]),
    names(os.path.relpath(os.path.realpath(os.fsencode(path)).decode()) for path in sys.argv[1:]),
    names(os.path.relpath(pathlib.Path(path).resolve()) for path in sys.argv[1:]),
    os.path.relpath(os.path.realpath("env/deep/new")),
    walked(),
]
"""


@pytest.mark.parametrize(
    "then",
    [
        "",
        "told += [walked(topdown=False)]",
        "told += [sorted((a, sorted(b), sorted(c)) for a, b, c, _ in os.fwalk('.'))]",
        "told += [names(pathlib.Path('.').rglob('*.bin'))]",
        "told += [names(pathlib.Path('.').glob('**/*'))]",
        "import glob; told += [names(glob.glob('**/*', recursive=True))]",
    ],
)
def test_links_of_the_mirror_are_none(user: User, then: str) -> None:
    paths = (*PLACES, "inside", "outside", "absolute", "env", "env/deep", "dangling")
    program = code(f"{_TOLD}{then}\nprint(told)", *paths)
    alone = plain(replace(program, folder=str(user.folder)))
    before = user.bytes()
    with user.mirror() as mirror:
        ended = trial(mirror, program)
        assert ended.stderr == alone.stderr == ""
        assert ended.stdout == alone.stdout
        assert (mirror.folder / "big.bin").is_symlink()
    assert user.bytes() == before


def test_a_folder_that_is_removed_is_the_mirrors(user: User) -> None:
    text = "import shutil\nfor name in ('env', 'sub folder', 'empty', 'outside/deep'): shutil.rmtree(name)"
    before = user.bytes()
    with user.mirror() as mirror:
        ended = trial(mirror, code(text))
        assert (ended.returncode, ended.stderr) == (0, "")
        assert not any((mirror.folder / name).exists() for name in ("env", "sub folder", "outside/deep"))
    assert user.bytes() == before


def test_bytecode_of_a_linked_folder_is_not_written(user: User) -> None:
    (user.folder / "env" / "mine.py").write_text("x = 1\n")
    before = user.bytes()
    with user.mirror() as mirror:
        ended = trial(mirror, code("import sys; sys.path.append('env'); import mine, sub; print(mine.x)"))
        assert ended.returncode == 1
        ended = trial(mirror, code("import sys; sys.path.append('env'); import mine; print(mine.x)"))
        assert (ended.stdout, ended.stderr) == ("1\n", "")
        assert (mirror.folder / "env").is_symlink()
    assert user.bytes() == before


def test_a_package_that_is_installed_by_its_path_is_the_mirrors(user: User, tmp_path: Path) -> None:
    site = tmp_path / "site"
    site.mkdir()
    (user.folder / "src" / "package").mkdir(parents=True)
    (user.folder / "src" / "package" / "__init__.py").write_text("")
    (user.folder / "src" / "mapped.py").write_text("")
    (site / "mine.pth").write_text(f"{user.folder / 'src'}\nimport __editable___mapped_finder\n")
    (site / "__editable___mapped_finder.py").write_text(
        f"MAPPING = {{'mapped': {str(user.folder / 'src' / 'mapped.py')!r}}}\nNAMESPACES = {{}}\n"
    )
    text = (
        "import package, sys\n"
        "print(package.__file__, sys.modules['__editable___mapped_finder'].MAPPING['mapped'], sep='\\n')"
    )
    environment = tmp_path / "environment"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(environment)], check=True)
    packages = next(environment.glob("lib/python*/site-packages"))
    for file in site.iterdir():
        shutil.copy(file, packages)
    (packages / "beside.pth").write_text("\n".join(path for path in sys.path if path.endswith("-packages")))
    with user.mirror() as mirror:
        program = Program("command", (str(environment / "bin" / "python"), "-c", text))
        ended = trial(mirror, program)
        assert ended.stdout.splitlines() == [
            str(mirror.folder / "src" / "package" / "__init__.py"),
            str(mirror.folder / "src" / "mapped.py"),
        ], ended.stderr


def test_a_mirror_that_is_gone_is_said(user: User) -> None:
    with user.mirror() as mirror:
        program = replace(mirror.program(code("open('x', 'w')")), folder=str(user.folder))
    ended = plain(program)
    assert ended.returncode != 0
    assert "samebits: the mirror that this program is to run in is gone" in ended.stderr
    assert not (user.folder / "x").exists()


def test_a_full_disk_is_the_programs_error_and_the_file_stays(user: User) -> None:
    text = (
        "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "try: open('big.bin', 'a')\nexcept OSError as e: print(e.errno)\n"
        "print(len(open('big.bin', 'rb').read()))"
    )
    before = user.bytes()
    with user.mirror() as mirror:
        assert trial(mirror, code(text)).stdout == f"{errno.EFBIG}\n{len(BIG)}\n"
        assert (mirror.folder / "big.bin").is_symlink()
        assert list((mirror.folder.parents[len(user.folder.parts) - 1] / "scratch").glob("*")) == []
    assert user.bytes() == before
