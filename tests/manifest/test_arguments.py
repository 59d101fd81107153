"""What a command line is without the name of a kernel's connection file."""

from __future__ import annotations

import pytest

from samebits.manifest import alike, connection_file

LAUNCHER = "/opt/lib/python3.11/site-packages/ipykernel_launcher.py"


@pytest.mark.parametrize(
    ("argv", "alike_argv"),
    [
        (["python", "-m", "ipykernel_launcher", "-f", "/tmp/tmp1.json"], 4),
        ([LAUNCHER, "-f", "/tmp/kernel-5f.json", "--HistoryManager.hist_file=:memory:"], 2),
        (["python", "-m", "ipykernel", "-f", "/tmp/tmp1.json"], 4),
        (["train.py", "-f", "/data/a.json"], None),
        (["train.py", "--model", "my_ipykernel_model", "-f", "/data/a.json"], None),
        ([LAUNCHER, "-f"], None),
    ],
)
def test_a_kernels_connection_file_is_no_word_of_the_command(argv: list[str], alike_argv: int | None) -> None:
    expected = list(argv)
    if alike_argv is not None:
        expected[alike_argv] = "<connection file>"
    assert alike(argv) == expected
    assert connection_file(argv) == (None if alike_argv is None else argv[alike_argv])
