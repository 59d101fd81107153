"""The hash secret: what is said of it is true, and a program that asks for it is started once more."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from samebits.seeding.hash_seed import ensure_hash_seed


def without_hash_seed() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name != "PYTHONHASHSEED"}


def run(program: str, *options: str, hash_seed: str | None = None) -> subprocess.CompletedProcess[str]:
    variables = without_hash_seed()
    if hash_seed is not None:
        variables["PYTHONHASHSEED"] = hash_seed
    return subprocess.run(
        [sys.executable, *options, "-c", program], capture_output=True, text=True, env=variables, check=False
    )


ASK = "from samebits.seeding.hash_seed import fixed_hash_seed; print(fixed_hash_seed())"


@pytest.mark.parametrize(
    ("hash_seed", "said"),
    [(None, "None"), ("random", "None"), ("0", "0"), ("1", "1"), ("4294967295", "4294967295")],
)
def test_says_what_the_interpreter_runs_with(hash_seed: str | None, said: str) -> None:
    assert run(ASK, hash_seed=hash_seed).stdout.strip() == said


@pytest.mark.parametrize("hash_seed", [None, "5"])
def test_setting_the_variable_inside_changes_nothing(hash_seed: str | None) -> None:
    """Guide row G3: seed_reproducer sets PYTHONHASHSEED in a running interpreter."""
    done = run(f"import os; os.environ['PYTHONHASHSEED'] = '11'; {ASK}", hash_seed=hash_seed)
    assert done.stdout.strip() == str(hash_seed)


def test_a_variable_that_is_ignored_is_not_believed() -> None:
    assert run(ASK, "-E", hash_seed="5").stdout.strip() == "None"


def test_warns_once_with_the_command() -> None:
    program = "from samebits import seed_everything; seed_everything(11); seed_everything(12)"
    done = run(program)
    assert done.stderr.count("HashSeedWarning") == 1
    assert "samebits run --seed 11" in done.stderr
    assert run(program, hash_seed="0").stderr == ""


def test_starts_the_program_again_once(tmp_path: Path) -> None:
    script = tmp_path / "a script.py"
    script.write_text(
        "import os, sys\n"
        "print('start', os.environ.get('PYTHONHASHSEED'), sys.argv[1:], flush=True)\n"
        "from samebits.seeding import ensure_hash_seed\n"
        "ensure_hash_seed(7)\n"
        "print('hash', hash('samebits'), 'SAMEBITS_HASH_SEED_ENSURED' in os.environ)\n"
    )
    variables = without_hash_seed()
    command = [sys.executable, "-X", "utf8", str(script), "--flag", "two words"]
    seen = [
        subprocess.run(command, capture_output=True, text=True, env=variables, check=True).stdout.splitlines()
        for _ in range(2)
    ]
    assert seen[0] == seen[1]
    assert seen[0][:2] == ["start None ['--flag', 'two words']", "start 7 ['--flag', 'two words']"]
    assert seen[0][2].endswith("False")
    assert len(seen[0]) == 3


def test_starts_nothing_where_it_is_fixed() -> None:
    program = (
        "print('start', flush=True); from samebits.seeding import ensure_hash_seed\n"
        "ensure_hash_seed(7); print(hash('a'))"
    )
    done = run(program, hash_seed="3")
    assert done.stdout.splitlines() == ["start", run("print(hash('a'))", hash_seed="3").stdout.strip()]


def test_works_for_a_program_on_the_command_line() -> None:
    program = "from samebits.seeding import ensure_hash_seed; ensure_hash_seed(7); print(hash('a'))"
    assert run(program).stdout == run("print(hash('a'))", hash_seed="7").stdout


@pytest.mark.parametrize(
    ("program", "options", "text"),
    [
        ("ensure_hash_seed()", ["-E"], "ignores variables"),
        ("import sys; sys.ps1 = '>>> '; ensure_hash_seed()", [], "an interactive session or a notebook"),
        (
            "import multiprocessing as m\nif __name__ == '__main__':\n"
            "    p = m.get_context('fork').Process(target=ensure_hash_seed)\n"
            "    p.start(); p.join(); raise SystemExit(p.exitcode)",
            [],
            "a child of multiprocessing",
        ),
        (
            "import torch.distributed as d; d.init_process_group('gloo', store=d.HashStore(), rank=0, "
            "world_size=1); ensure_hash_seed()",
            [],
            "the process group is initialised, and its other ranks would wait",
        ),
        (
            "import threading, time; threading.Thread(target=time.sleep, args=(0.5,)).start()\n"
            "ensure_hash_seed()",
            [],
            "threads of this program are running",
        ),
    ],
    ids=["ignored", "interactive", "child", "process group", "threads"],
)
def test_says_why_it_cannot_and_what_to_do(program: str, options: list[str], text: str) -> None:
    done = run(f"from samebits.seeding import ensure_hash_seed\n{program}", *options)
    assert done.returncode == 1
    assert text in done.stderr
    assert "Set the variable before it starts: PYTHONHASHSEED=0" in done.stderr


def test_a_program_whose_name_means_nothing_any_more(tmp_path: Path) -> None:
    program = "import os, samebits; os.chdir('/'); samebits.ensure_hash_seed(); print('again')"
    (tmp_path / "late.py").write_text(program)
    variables = without_hash_seed()
    file = str(tmp_path / "late.py")
    for words, answer in (
        (["late.py"], "the working directory was changed"),
        ([file], "again"),
        ([file, "late.py"], "again"),  # an argument
    ):
        done = subprocess.run(
            [sys.executable, *words], capture_output=True, text=True, cwd=tmp_path, env=variables, check=False
        )
        assert answer in done.stdout + done.stderr


def test_pytest_keeps_its_report(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text("import samebits; samebits.ensure_hash_seed(5)")
    (tmp_path / "test_it.py").write_text("def test_it(): pass")
    for hash_seed, answer in ((None, "pytest has the standard output"), ("5", "1 passed")):
        done = run(f"import pytest; raise SystemExit(pytest.main([{str(tmp_path)!r}]))", hash_seed=hash_seed)
        assert answer in done.stdout + done.stderr


def test_a_program_on_standard_input_is_not_started_again() -> None:
    variables = without_hash_seed()
    done = subprocess.run(
        [sys.executable], input="from samebits.seeding import ensure_hash_seed; ensure_hash_seed()",
        capture_output=True, text=True, env=variables, check=False,
    )  # fmt: skip
    assert "standard input cannot be read again" in done.stderr


@pytest.mark.parametrize("seed", [-1, 2**32])
def test_refuses_what_python_would_not_take(seed: int) -> None:
    with pytest.raises(ValueError, match=r"2\*\*"):
        ensure_hash_seed(seed)
