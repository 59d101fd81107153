"""The arguments by which a program is told to go on."""

from __future__ import annotations

from samebits.trials.resume.flags import example, resuming


def test_flags_that_resume_come_first_and_say_whether_they_take_a_value() -> None:
    source = """
import argparse
parser = argparse.ArgumentParser()
parser.add_argument("--ckpt")
parser.add_argument("--checkpoint-every", type=int)
parser.add_argument("-r", "--resume", action="store_true")
parser.add_argument("--save-dir")
parser.add_argument("--lr", type=float)
"""
    assert resuming({"train.py": source, "broken.py": "("}) == ["--resume", "--ckpt PATH"]
    assert example("--ckpt PATH") == "--ckpt last.pt"
    assert example("--resume") == "--resume"


def test_a_program_without_such_flags() -> None:
    assert resuming({"train.py": "import argparse\n"}) == []
