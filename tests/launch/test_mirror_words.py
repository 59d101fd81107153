"""Which paths in words and variables are translated."""

from __future__ import annotations

import pytest

from samebits.launch.mirror_words import Words

WORDS = Words("/home/me/p", {"/home/me/p": "/m/home/me/p", "/way/p": "/m/home/me/p"}, ["/home/me/p/env"])


@pytest.mark.parametrize(
    ("word", "translated"),
    [
        ("/home/me/p", "/m/home/me/p"),
        ("/home/me/p/", "/m/home/me/p/"),
        ("/home/me/p/a b.txt", "/m/home/me/p/a b.txt"),
        ("/way/p/x", "/m/home/me/p/x"),
        ("--out=/home/me/p/o", "--out=/m/home/me/p/o"),
        ("-o/home/me/p/o", "-o/m/home/me/p/o"),
        ("out:/home/me/p", "out:/m/home/me/p"),
        ("/home/me/p/a:/home/me/p/b:/x", "/m/home/me/p/a:/m/home/me/p/b:/x"),
        ("paths=[/home/me/p/a,'/home/me/p/b']", "paths=[/m/home/me/p/a,'/m/home/me/p/b']"),
        ("cd /home/me/p && python x.py", "cd /m/home/me/p && python x.py"),
        ('cat "/home/me/p/x">/home/me/p/y', 'cat "/m/home/me/p/x">/m/home/me/p/y'),
        ("file:///home/me/p/runs", "file:///m/home/me/p/runs"),
        ("sqlite:////home/me/p/x.db", "sqlite:////m/home/me/p/x.db"),
        ("key=/home/me/p?x", "key=/m/home/me/p?x"),
    ],
)
def test_a_path_into_the_folder(word: str, translated: str) -> None:
    assert WORDS.words([word]) == [translated]
    assert WORDS.variables({"NAME": word}) == {"NAME": translated}


@pytest.mark.parametrize(
    "word",
    [
        "/home/me/p2",
        "/home/me/p.bak/x",
        "/home/me",
        "/mnt/home/me/p",
        "a/home/me/p",
        "s3://bucket/home/me/p",
        "home/me/p",
        "/home/me/p/env/bin/python",
        "/home/me/p-x",
        "",
        "train.py",
    ],
)
def test_another_path(word: str) -> None:
    assert WORDS.words([word]) == [word]
    assert WORDS.variables({"NAME": word}) == {}


def test_variables_that_say_where_tools_are_stay() -> None:
    names = ("HOME", "PATH", "TMPDIR", "VIRTUAL_ENV", "CONDA_PREFIX", "LD_LIBRARY_PATH", "XDG_CACHE_HOME")
    assert WORDS.variables(dict.fromkeys((*names, "SAMEBITS_PLAN"), "/home/me/p/x")) == {}
    assert WORDS.variables({"PYTHONPATH": "/home/me/p:/x", "PWD": "/way/p", "MYPATH": "/home/me/p/x"}) == {
        "PYTHONPATH": "/m/home/me/p:/x",
        "PWD": "/m/home/me/p",
        "MYPATH": "/m/home/me/p/x",
    }
