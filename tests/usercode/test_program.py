"""The program's own modules, classes and frames."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from samebits.usercode import files, program


class Trainer:
    pass


def test_libraries_variables_are_not_the_programs() -> None:
    own = dict(program.own_modules())
    assert __name__ in own
    assert not {"torch", "random", "samebits.usercode.program", "numpy.random"} & set(own)
    assert program.is_own_class(Trainer)
    assert not program.is_own_class(torch.nn.Linear)


def test_modules_are_the_programs_by_their_files() -> None:
    own = dict(program.own_modules())
    for module in (torch, np, random, pytest, program):
        assert module.__name__ not in own
        assert module.__file__ is not None
        assert not files.is_user_code(module.__file__)
    assert files.is_user_code(__file__)


def test_an_installed_package_is_the_programs_where_it_is_named() -> None:
    assert "_pytest.main" in dict(program.own_modules({"_pytest"}))
    assert program.is_own_class(pytest.Item, {"_pytest"})
    assert not program.is_own_class(pytest.Item)


def test_torch_and_python_are_never_the_program() -> None:
    """`torchrun` starts the process, and runs another's program."""
    own = dict(program.own_modules({"torch", "random", "samebits"}))
    assert not {"torch", "random", "samebits.usercode.program"} & set(own)


def test_a_program_without_a_file_is_its_own(tmp_path: Path) -> None:
    """From `-c`, and from stdin, whose module says that it is from the file "<stdin>"."""
    text = "from samebits.usercode import program\nprint('__main__' in dict(program.own_modules()))\n"
    text += "import sys\nprint(len(program.own_frames(sys._getframe(), ())))\n"
    for words, given in (["-c", text], None), (["-"], text):
        done = subprocess.run(
            [sys.executable, *words], input=given, capture_output=True, text=True, check=True, cwd=tmp_path
        )
        assert done.stdout.split() == ["True", "1"]
