"""The user's files: all changed or none, and only where git can give them back."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from samebits.errors import UsageError
from samebits.trials.cure.applied import apply, check_tree


def git(folder: Path, *words: str) -> None:
    who = ("-c", "user.name=n", "-c", "user.email=e@x")
    subprocess.run(["git", *who, *words], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "train.py").write_bytes(b"a\r\n")
    (tmp_path / "helper.py").write_bytes(b"b\n")
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", "train.py")
    git(tmp_path, "commit", "-qm", "first")
    return tmp_path


def test_a_clean_tree_is_enough(tree: Path) -> None:
    check_tree(tree, ["train.py"])  # a file that is not in git beside it is no hindrance


def test_what_git_cannot_give_back_is_refused(tree: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    with pytest.raises(UsageError, match=r"helper\.py is not in git; add it, or give --force\."):
        check_tree(tree, ["train.py", "helper.py"])
    (tree / "train.py").write_bytes(b"mine\n")
    with pytest.raises(UsageError, match=r"train\.py has changes that were not committed"):
        check_tree(tree, [])
    with pytest.raises(UsageError, match="this folder is under no git"):
        check_tree(tmp_path_factory.mktemp("bare"), [])


def test_files_are_changed_in_place_with_their_mode_and_through_a_link(tree: Path) -> None:
    (tree / "train.py").chmod(0o750)
    (tree / "link.py").symlink_to("helper.py")
    files = {"train.py": b"A\r\n", "link.py": b"B\n"}
    assert apply(files, {"train.py": b"a\r\n", "link.py": b"b\n"}, tree) == ["link.py", "train.py"]
    assert (tree / "train.py").read_bytes() == b"A\r\n"
    assert (tree / "train.py").stat().st_mode & 0o777 == 0o750
    assert (tree / "link.py").is_symlink()
    assert (tree / "helper.py").read_bytes() == b"B\n"
    assert sorted(path.name for path in tree.iterdir()) == [".git", "helper.py", "link.py", "train.py"]


def test_where_one_was_changed_meanwhile_none_is(tree: Path) -> None:
    with pytest.raises(UsageError, match=r"helper\.py was changed while the cure was sought; nothing"):
        apply({"train.py": b"A", "helper.py": b"B"}, {"train.py": b"a\r\n", "helper.py": b"other"}, tree)
    assert (tree / "train.py").read_bytes() == b"a\r\n"
    assert not [path for path in tree.iterdir() if path.name.startswith(".samebits-")]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written_to_leaves_all_as_it_was(tree: Path) -> None:
    tree.chmod(0o500)
    try:
        with pytest.raises(UsageError, match="could not be changed"):
            apply({"train.py": b"A"}, {"train.py": b"a\r\n"}, tree)
    finally:
        tree.chmod(0o700)


def test_a_link_is_asked_about_where_it_leads(tree: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """The file that a link leads to is what is written."""
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "real.py").write_text("c\n")
    (tree / "link.py").symlink_to(elsewhere / "real.py")
    git(tree, "add", "link.py")
    git(tree, "commit", "-qm", "link")
    with pytest.raises(UsageError, match=r"link\.py, which leads to .*real\.py, is not in git"):
        check_tree(tree, ["link.py"])
    git(elsewhere, "init", "-q")
    git(elsewhere, "add", "real.py")
    git(elsewhere, "commit", "-qm", "real")
    check_tree(tree, ["link.py"])
    (elsewhere / "real.py").write_text("mine\n")
    with pytest.raises(UsageError, match=r"link\.py, which leads to .*real\.py, has some that were not"):
        check_tree(tree, ["link.py"])
