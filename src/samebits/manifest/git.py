"""Which state of the source a run started from, as git knows it.

Asked by the parent process, never in the observed one: git is a program of its
own and takes milliseconds to seconds.  No repository, no git, a git that hangs:
the answer is None, never an error.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import threading
from pathlib import Path
from typing import Any, Final

from samebits.manifest.secrets import LEFT_OUT, redact

#: How much of the diff is kept as text; its digest covers all of it.
DIFF_LIMIT: Final = 256 * 1024
#: A repository that answers more slowly than this is not worth a run's start-up time.
TIMEOUT: Final = 5.0

# Neither a pager, nor a monitor daemon, nor a diff program that the repository's own settings name.
_GIT: Final = ("git", "--no-pager", "-c", "core.fsmonitor=false", "-c", "core.quotePath=true")
_DIFF: Final = ("diff", "HEAD", "--no-ext-diff", "--no-textconv", "--no-color", "--binary")


def git(cwd: Path) -> dict[str, Any] | None:
    """The commit, whether tracked files differ from it, and how; None outside a repository.

    Keys: "commit" (None before the first one), "dirty", and where dirty:
    "digest" (of the whole diff), "diff" (its text, without secrets and without
    the contents of binary files) and "diff_cut" (whether the text was longer than `DIFF_LIMIT`).
    """
    inside = _ask(cwd, ("rev-parse", "--is-inside-work-tree"))
    if inside is None or inside[0].strip() != b"true":
        return None
    head = _ask(cwd, ("rev-parse", "--verify", "--quiet", "HEAD"))
    if head is None:
        return {"commit": None, "dirty": True}
    answer: dict[str, Any] = {"commit": head[0].decode("ascii", "replace").strip(), "dirty": False}
    changed = _ask(cwd, _DIFF)
    if changed is not None and changed[0]:
        text, digest, cut = changed
        answer |= {
            "dirty": True,
            "digest": digest,
            "diff": _without_secrets(text.decode("utf-8", "replace"), cut=cut),
            "diff_cut": cut,
        }
    return answer


def _without_secrets(text: str, *, cut: bool) -> str:
    """The text of a diff as it is kept.  A line that was cut off may end in half a key, so it goes."""
    lines = text.split("\n")
    if cut:
        lines.pop()
    binary = False
    for number, line in enumerate(lines):
        if line.startswith("diff --git "):
            binary = False
        elif binary and line:
            lines[number] = LEFT_OUT  # compressed: no rule could see what is in it
        elif line == "GIT binary patch":
            binary = True
    return redact("\n".join(lines))


def _ask(cwd: Path, words: tuple[str, ...]) -> tuple[bytes, str, bool] | None:
    """The first `DIFF_LIMIT` bytes git prints, the digest of all it prints, and whether there was more."""
    environ = {name: value for name, value in os.environ.items() if name != "GIT_EXTERNAL_DIFF"}
    environ |= {"GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
    try:
        process = subprocess.Popen(
            (*_GIT, *words),
            cwd=cwd,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
    except OSError:
        return None
    timer = threading.Timer(TIMEOUT, process.kill)
    timer.start()
    digest = hashlib.sha256()
    head, size = b"", 0
    try:
        with process:
            assert process.stdout is not None
            while block := process.stdout.read(65536):
                digest.update(block)
                size += len(block)
                if len(head) < DIFF_LIMIT:
                    head += block[: DIFF_LIMIT - len(head)]
    finally:
        timer.cancel()
        timer.join()
    if process.returncode != 0:
        return None
    return head, digest.hexdigest()[:16], size > DIFF_LIMIT
