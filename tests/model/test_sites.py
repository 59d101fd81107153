"""How a file's path is said."""

from __future__ import annotations

import pytest

from samebits.model.sites import short_path


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("train.py", "train.py"),
        ("../shared/train.py", "../shared/train.py"),
        ("<string>", "<string>"),
        ("/env/lib/python3.12/site-packages/lightning/pytorch/loop.py", "lightning/pytorch/loop.py"),
        ("/home/u/.env/lib/python3/site-packages/x.py", "x.py"),
        ("/usr/lib/python3/dist-packages/six.py", "six.py"),
        ("/home/u/project/train.py", "~/project/train.py"),
        ("/data/jobs/1234/project/train.py", ".../project/train.py"),
        ("/tmp/train.py", "/tmp/train.py"),
        ("/site-packages", "/site-packages"),
    ],
)
def test_a_short_path(monkeypatch: pytest.MonkeyPatch, path: str, said: str) -> None:
    monkeypatch.setenv("HOME", "/home/u")
    assert short_path(path) == said
