"""Changes the user's own files as a cure says: only what git can give back, all of them or none."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from samebits.errors import UsageError


def check_tree(folder: Path, files: Sequence[str]) -> None:
    """That git can give back what is about to be changed.

    Raises:
        UsageError: the folder is under no git, has changes that were not committed, or a file is not in git.
    """
    if _git(folder, "rev-parse", "--is-inside-work-tree") != "true":
        raise UsageError(
            "--apply changes files only where git can give them back, and this folder is under no git; "
            "--force changes them all the same, --patch writes what would be changed."
        )
    if dirty := _git(folder, "status", "--porcelain", "--untracked-files=no"):
        first = dirty.splitlines()[0][2:].strip()
        raise UsageError(
            f"--apply changes files only in a clean tree, and {first} has changes that were not committed; "
            "commit or stash them, or give --force."
        )
    for file in files:
        real = (folder / file).resolve()  # which is what is written
        leads = f", which leads to {real}," if (folder / file).is_symlink() else ""
        if _git(real.parent, "ls-files", "--error-unmatch", "--", real.name) is None:
            raise UsageError(
                f"--apply changes files only where git can give them back, and {file}{leads} is not in git; "
                "add it, or give --force."
            )
        if _git(real.parent, "status", "--porcelain", "--", real.name):
            raise UsageError(
                f"--apply changes only files without changes, and {file}{leads} has some that were not "
                "committed; commit or stash them, or give --force."
            )


def _git(folder: Path, *words: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *words],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            env={**os.environ, "GIT_OPTIONAL_LOCKS": "0"},  # it is asked, and changes no index
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def apply(files: Mapping[str, bytes], originals: Mapping[str, bytes], folder: Path) -> list[str]:
    """Write files, each in one step and with its mode; what could not be written leaves none changed.

    Args:
        files: by name, relative to ``folder``, what each is to hold.
        originals: what each held when the cure was found.

    Raises:
        UsageError: one has been changed since, or cannot be written.
    """
    ready: list[tuple[Path, Path]] = []
    try:
        for name, data in files.items():
            path = (folder / name).resolve()
            if path.read_bytes() != originals[name]:
                raise UsageError(f"{name} was changed while the cure was sought; nothing has been changed.")
            handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".samebits-")
            ready.append((Path(temporary), path))
            with os.fdopen(handle, "wb") as file:
                file.write(data)
            os.chmod(temporary, path.stat().st_mode & 0o7777)
        for temporary_path, path in ready:
            os.replace(temporary_path, path)
    except OSError as error:
        raise UsageError(
            f"{error.filename or 'a file'} could not be changed: {error.strerror or error}."
        ) from error
    finally:
        for temporary_path, _ in ready:
            with suppress(OSError):
                temporary_path.unlink()
    return sorted(files)
