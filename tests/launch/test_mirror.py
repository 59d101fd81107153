"""A mirror looks like the folder, is written to without it, and gives the same records."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from tests.launch.trials import BIG, PLACES, User, code, trial
from tests.launch.trials import user as user

from samebits.errors import LaunchError
from samebits.launch.mirror import Mirror
from samebits.launch.program import Program

as_root = os.geteuid() == 0


# --- its end


def test_it_is_removed_and_nothing_else(user: User, tmp_path: Path) -> None:
    under = tmp_path / "under"
    under.mkdir()
    before = user.bytes()
    text = """
import os
os.mkdir("a"); os.mkdir("a/b"); os.mkdir("a/b/c")
os.symlink(bytes.fromhex(__import__("sys").argv[1]), "a/b/c/out")
open("a/b/file", "w"); os.chmod("a/b/file", 0); os.chmod("a/b/c", 0); os.chmod("a/b", 0o500); os.mkfifo("a/f")
"""
    with Mirror(user.folder, Program("script", ("x.py",)), under) as mirror:
        assert trial(mirror, code(text, os.fsencode(user.elsewhere).hex())).returncode == 0
        (base,) = under.iterdir()
        assert stat.S_IMODE(base.stat().st_mode) == 0o700
        assert mirror.folder.is_relative_to(base)
    assert list(under.iterdir()) == []
    assert user.bytes() == before
    mirror.clear()


def test_a_mirror_of_the_folder_of_temporary_folders_holds_no_other(user: User) -> None:
    with Mirror(user.folder, Program("script", ("x.py",)), user.folder):
        with Mirror(user.folder, Program("script", ("x.py",)), user.folder) as mirror:
            assert list(mirror.folder.glob("samebits-mirror-*")) == []
            ended = trial(mirror, code("open('big.bin', 'w').write('new')"))
            assert (ended.returncode, ended.stderr) == (0, "")
            assert mirror.mirrored("big.bin").read_text() == "new"
            assert mirror.mirrored(mirror.folder / "x.py") == mirror.folder / "x.py"
        assert len(list(user.folder.glob("samebits-mirror-*"))) == 1
    assert (user.folder / "big.bin").read_bytes() == BIG


def test_a_disk_that_is_full_is_one_sentence(user: User, tmp_path: Path) -> None:
    """On a disk of 100 kB, in a name space of its own."""
    text = (
        "import sys\nfrom pathlib import Path\nfrom samebits.errors import LaunchError\n"
        "from samebits.launch.mirror import Mirror, Program\n"
        "try: Mirror(Path(sys.argv[1]), Program('script', ('x.py',)), Path(sys.argv[2]))\n"
        "except LaunchError as e: print(e, list(Path(sys.argv[2]).iterdir()))\n"
    )
    (tmp_path / "small disk").mkdir()
    mounted = 'mount -t tmpfs -o size=100k tmpfs "$3" && exec "$0" -c "$1" "$2" "$3"'
    words = [
        "unshare",
        "-Urm",
        "sh",
        "-c",
        mounted,
        sys.executable,
        text,
        user.folder,
        tmp_path / "small disk",
    ]
    if (
        shutil.which("unshare") is None
        or subprocess.run([*words[:2], "true"], capture_output=True).returncode
    ):
        pytest.skip("no name spaces for users")
    done = subprocess.run(list(map(str, words)), capture_output=True, text=True)
    assert done.stdout.startswith(f"{str(user.folder)!r} could not be mirrored in"), done.stderr
    assert ": No space left on device" in done.stdout
    assert done.stdout.endswith("; choose another folder for temporary files with TMPDIR []\n")


def test_what_cannot_be_mirrored_is_one_sentence(user: User, tmp_path: Path) -> None:
    program = Program("script", ("x.py",))
    with pytest.raises(LaunchError, match=r"a folder cannot be read: No such file or directory \(.*gone\)"):
        Mirror(tmp_path / "gone", program)
    with pytest.raises(LaunchError, match=r"could not be mirrored in '.*gone': No such file or directory"):
        Mirror(user.folder, program, tmp_path / "gone")
    with pytest.raises(LaunchError, match="the folder of the whole file system is not mirrored"):
        Mirror(Path("/"), program)


def test_who_interrupts_it_leaves_nothing(
    user: User, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    (tmp_path / "under").mkdir()
    monkeypatch.setattr("samebits.launch.mirror_tree._copy", interrupted)
    with pytest.raises(KeyboardInterrupt):
        Mirror(user.folder, Program("script", ("x.py",)), tmp_path / "under")
    assert list((tmp_path / "under").iterdir()) == []


# --- paths and programs


def test_paths_both_ways(user: User) -> None:
    with user.mirror() as mirror:
        for path in ("x.py", "sub folder/../x.py", user.folder / "x.py", mirror.folder / "x.py"):
            assert mirror.mirrored(path) == mirror.folder / "x.py"
            assert mirror.real(path) == user.folder / "x.py"
        for path in (user.elsewhere, user.folder.with_name("my project 2"), Path("/etc/hosts")):
            assert mirror.mirrored(path) == mirror.real(path) == path
        assert mirror.mirrored(user.folder) == mirror.folder
        assert mirror.real(mirror.folder.parent) == user.folder.parent


def test_a_program_is_translated(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", f"{user.folder}/src:/other")
    monkeypatch.setenv("OUTPUTS", f"{user.folder}")
    monkeypatch.setenv("HOME", f"{user.folder}")
    given = (("MINE", f"{user.folder}/x"), ("OUTPUTS", None))
    with user.mirror() as mirror:
        words = (f"{user.folder}/x.py", f"--out={user.folder}/o", "rel/x", str(user.elsewhere))
        program = mirror.program(Program("script", words, "python", variables=given))
        assert program.target == (f"{mirror.folder}/x.py", f"--out={mirror.folder}/o", *words[2:])
        assert (program.kind, program.python, program.folder) == ("script", "python", str(mirror.folder))
        variables = dict(program.variables)
        assert variables["PYTHONPATH"] == f"{mirror.folder}/src:/other"
        assert variables["MINE"] == f"{mirror.folder}/x"
        assert variables["OUTPUTS"] is None
        assert "HOME" not in variables
        assert mirror.program(replace(program, folder=str(user.folder / "sub folder"))).folder == str(
            mirror.folder / "sub folder"
        )


def test_the_folder_as_the_shell_calls_it(
    user: User, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "way").symlink_to(user.folder.parent)
    way = tmp_path / "way" / "my project"
    monkeypatch.setenv("PWD", str(way))
    with Mirror(way, Program("script", ("x.py",))) as mirror:
        program = mirror.program(Program("script", ("x.py", f"{way}/a", f"{user.folder}/a")))
        assert program.target == ("x.py", f"{mirror.folder}/a", f"{mirror.folder}/a")
        assert dict(program.variables)["PWD"] == str(mirror.folder)


def test_the_python_of_an_environment_in_the_folder_is_its_own(user: User) -> None:
    (user.folder / "env" / "bin").mkdir()
    (user.folder / "env" / "bin" / "python").symlink_to(sys.executable)
    real = str(user.folder / "env" / "bin" / "python")
    with user.mirror() as mirror:
        for word in ("env/bin/python", "./env/bin/python", real):
            program = mirror.program(
                Program("command", (word, "x.py", "env/big.bin", f"{user.folder}/env/a"))
            )
            assert program.target == (real, "x.py", "env/big.bin", f"{mirror.folder}/env/a")


@pytest.mark.parametrize(
    ("script", "project", "linked"),
    [
        ("../../elsewhere/tools/run.py", None, ""),
        ("../run.py", None, ".."),
        ("../tools/run.py", "..", ".."),
        ("../tools/run.py", None, ""),
    ],
)
def test_a_script_outside_of_the_folder(user: User, script: str, project: str | None, linked: str) -> None:
    """Its folder is mirrored, or its project's, if the working folder lies in there."""
    path = Path(os.path.normpath(user.folder / script))
    path.parent.mkdir(exist_ok=True)
    path.write_text(
        "import helper, os, sys\nprint(__file__, helper.__file__, os.getcwd(), sys.argv[1:], sep='\\n')\n"
    )
    (path.parent / "helper.py").write_text("open(__file__ + '.out', 'w')\n")
    if project is not None:
        (user.folder / project / ".git").mkdir()
    for kind, words in (
        ("script", (script,)),
        ("script", (str(path),)),
        ("command", (sys.executable, script)),
    ):
        program = Program(kind, (*words, f"{path.parent}/x"))  # type: ignore[arg-type]
        with Mirror(user.folder, program) as mirror:
            ended = trial(mirror, program)
            assert ended.stderr == ""
            file, helper, cwd, argv = ended.stdout.splitlines()
            assert os.path.normpath(file) == str(mirror.mirrored(path)) != str(path)
            assert helper == str(mirror.mirrored(path.parent / "helper.py"))
            assert (cwd, argv) == (str(mirror.folder), repr([f"{mirror.mirrored(path.parent)}/x"]))
            assert mirror.mirrored(path.parent / "helper.py.out").exists()
            text = path.read_bytes().split(b"\n", 1)[1]
            mirror.write(path, b"import helper; print('changed'); import os, sys\n" + text)
            assert trial(mirror, program).stdout.startswith("changed\n")
    assert not (path.parent / "helper.py.out").exists()


def test_a_program_of_an_environment_is_not_the_users_script(user: User, tmp_path: Path) -> None:
    (tmp_path / "venv" / "bin").mkdir(parents=True)
    (tmp_path / "venv" / "pyvenv.cfg").write_text("")
    (tmp_path / "venv" / "bin" / "tool.py").write_text("")
    program = Program("command", (sys.executable, str(tmp_path / "venv" / "bin" / "tool.py")))
    with Mirror(user.folder, program) as mirror:
        assert mirror.program(program).target == program.target


def test_git_knows_the_mirror(user: User) -> None:
    git = ("git", "-c", "user.name=x", "-c", "user.email=x")
    for words in (("init", "-q"), ("add", "x.py", "small.txt"), ("commit", "-qm", "first")):
        subprocess.run([*git, *words], cwd=user.folder, check=True)
    with user.mirror() as mirror:
        program = code("import subprocess; subprocess.run(['git', 'status', '--short', '-uno'])")
        mirror.write("x.py", b"print('changed')\n")
        before = user.bytes()
        ended = trial(mirror, program)
        assert (ended.stdout, ended.stderr) == (" M x.py\n", "")
        assert user.bytes() == before  # its index, too


def test_a_command_finds_the_files_that_it_names_copied(user: User) -> None:
    before = user.bytes()
    with user.mirror() as mirror:
        words = (
            "sh",
            "-c",
            f"echo more >> big.bin; echo more >> 'sub folder/big.bin'; cp '{user.folder}/x.py' \"$0\"",
            PLACES[-1],
        )
        ended = trial(mirror, Program("command", words))
        assert (ended.returncode, ended.stderr) == (0, "")
        assert (mirror.folder / "sub folder" / "big.bin").read_bytes() == BIG + b"more\n"
        assert mirror.changed() == ()
    assert user.bytes() == before


def test_logs_are_copies_for_a_shell_writes_to_them(user: User) -> None:
    (user.folder / "train.log").write_bytes(BIG)
    (user.folder / "run.sh").write_text("echo more >> train.log\n")
    before = user.bytes()
    with user.mirror() as mirror:
        assert trial(mirror, Program("command", ("sh", "run.sh"))).returncode == 0
        assert (mirror.folder / "train.log").read_bytes() == BIG + b"more\n"
    assert user.bytes() == before


def test_what_went_past_is_said(user: User) -> None:
    (user.folder / "run.sh").write_text("echo more >> big.bin\n")
    with user.mirror() as mirror:
        assert mirror.changed() == ()
        assert trial(mirror, Program("command", ("sh", "run.sh"))).returncode == 0
        assert mirror.changed() == (user.folder / "big.bin",)
        (user.folder / PLACES[-1]).unlink()
        assert set(mirror.changed()) == {user.folder / "big.bin", user.folder / PLACES[-1]}


# --- changed sources


def test_what_is_written_is_the_mirrors(user: User) -> None:
    (user.folder / "alias.py").symlink_to("sub folder/module.py")
    (user.folder / "env").mkdir(exist_ok=True)
    (user.folder / "env" / "lib.py").write_bytes(b"a = 1\n")
    before = user.bytes()
    with user.mirror() as mirror:
        mirror.write("env/lib.py", b"a = 2\r\n")
        assert (mirror.folder / "env" / "lib.py").read_bytes() == b"a = 2\r\n"
        mirror.write(user.folder / "inside" / "../x.py", b"one\n")
        assert (mirror.folder / "x.py").read_bytes() == b"one\n"
        mirror.write("alias.py", b"y = 2\n")
        assert (mirror.folder / "alias.py").is_symlink()
        assert (mirror.folder / "sub folder" / "module.py").read_bytes() == b"y = 2\n"
    assert user.bytes() == before


@pytest.mark.parametrize(
    ("file", "why"),
    [
        ("gone.py", "No such file or directory"),
        ("cell 3", "No such file or directory"),
        ("folder.py", "it is not a file"),
        ("../beside.py", "it lies outside of the mirror"),
        ("/etc/hosts", "it lies outside of the mirror"),
        ("outside/lib.py", "it lies outside of the mirror"),
    ],
)
def test_what_is_no_source_of_the_mirror_is_not_written(user: User, file: str, why: str) -> None:
    (user.folder / "folder.py").mkdir()
    (user.folder.parent / "beside.py").write_text("x\n")
    (user.elsewhere / "lib.py").write_text("x\n")
    before = user.bytes()
    with user.mirror() as mirror:
        with pytest.raises(LaunchError, match="cannot be changed") as error:
            mirror.write(file, b"")
        assert str(error.value).startswith(repr(file))
        assert why in str(error.value)
    assert user.bytes() == before
