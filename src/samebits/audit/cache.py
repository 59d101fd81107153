"""What files were found to be, kept in the user's cache folder from one audit to the next.

One file a place that is audited; what lies in it is keyed by a file's path and the digest of its bytes, and
holds for one version of samebits and Python.  What cannot be read or written is as if there were none.
"""

from __future__ import annotations

import hashlib
import os
import pickle
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from samebits import __version__
from samebits.audit.one_file import FileOutcome, without_gc

_SOURCES = Path(__file__).resolve().parents[1]


def _rules() -> str:
    """What the rules are: another one, or an edited one, makes another cache."""
    found = hashlib.sha256(f"{__version__} {sys.version}".encode())
    for room in ("causes", "source", "audit", "model"):
        for path in sorted((_SOURCES / room).glob("*.py")):
            status = path.stat()
            found.update(f"{path.name} {status.st_mtime_ns} {status.st_size}\n".encode())
    return found.hexdigest()


class Cache:
    """The outcomes of an earlier audit of the same paths; without a path it keeps nothing."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._old: dict[str, tuple[bytes, FileOutcome]] = {}
        self._new: dict[str, tuple[bytes, FileOutcome]] = {}
        self._changed = False
        self._version = ""
        if path is None:
            return
        self._version = _rules()
        with suppress(Exception), open(path, "rb") as file:
            if os.fstat(file.fileno()).st_uid == os.geteuid():
                with without_gc():
                    version, old = pickle.load(file)  # noqa: S301  # the user's own, as was just seen
                self._old = old if version == self._version else {}

    @classmethod
    def of(cls, paths: Sequence[str | os.PathLike[str]]) -> Cache:
        """The cache for paths as they are given."""
        top = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
        if not os.path.isabs(top):
            return cls(None)
        name = "\n".join([os.path.realpath("."), *(str(os.fspath(path)) for path in paths)])
        digest = hashlib.sha256(name.encode(errors="surrogateescape")).hexdigest()[:24]
        return cls(Path(top) / "samebits" / f"audit-{digest}.pickle")

    def get(self, file: str, data: bytes) -> FileOutcome | None:
        """What a file with these bytes was found to be."""
        kept = self._old.get(file)
        if kept is None or kept[0] != hashlib.sha256(data).digest():
            return None
        self._new[file] = kept
        return kept[1]

    def put(self, file: str, data: bytes, outcome: FileOutcome) -> None:
        """Keep what a file was found to be."""
        if self._path is not None:
            self._new[file] = (hashlib.sha256(data).digest(), outcome)
            self._changed = True

    def write(self) -> None:
        """Keep it beyond this process, whole or not at all."""
        if self._path is None or not (self._changed or len(self._new) != len(self._old)):
            return
        with suppress(Exception):
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            handle, name = tempfile.mkstemp(dir=self._path.parent, prefix=".audit-")
            try:
                with os.fdopen(handle, "wb") as file, without_gc():
                    pickle.dump((self._version, self._new), file, protocol=pickle.HIGHEST_PROTOCOL)
                os.replace(name, self._path)
            except BaseException:
                with suppress(OSError):
                    os.unlink(name)
                raise
