"""What a Python is and which torch it finds, without importing torch; printed as JSON when run as a file.

This process imports it for itself.  Any other Python runs the file: it may be of another version
and has no samebits, so there is old syntax here and the standard library alone.
"""

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def describe() -> "dict[str, Any]":
    """What this interpreter says of itself, as plain data."""
    import platform
    import sysconfig

    folder = _place("torch")
    version, digest = _version(folder)
    return {
        "executable": sys.executable,
        "version": list(sys.version_info[:2]),
        "build": sys.version,
        "implementation": platform.python_implementation(),
        "platform": sysconfig.get_platform(),
        "include": sysconfig.get_paths()["include"],
        "suffix": sysconfig.get_config_var("EXT_SUFFIX") or ".so",
        "torch": folder,
        "torch_version": version,
        "torch_digest": digest,
        "hashes": _place("xxhash") is not None,
    }


def _place(name: str) -> "str | None":
    """The folder of a package that this Python would import, or None."""
    import importlib.util
    import os

    try:
        spec = importlib.util.find_spec(name)
    except (ImportError, ValueError):
        return None
    return os.path.dirname(spec.origin) if spec is not None and spec.origin else None


def _version(folder: "str | None") -> "tuple[str | None, str | None]":
    """The version of the torch there, and a digest that tells its builds apart: of CUDA, of the CPU alone."""
    import hashlib
    import os
    import re

    try:
        with open(os.path.join(folder or "", "version.py"), "rb") as file:
            text = file.read()
    except OSError:
        return None, None
    found = re.search(rb"^__version__ = ['\"]([^'\"]+)", text, re.MULTILINE)
    return found.group(1).decode() if found else None, hashlib.sha256(text).hexdigest()


if __name__ == "__main__":
    import os

    here = os.path.dirname(os.path.abspath(__file__))
    sys.path[:] = [path for path in sys.path if os.path.abspath(path) != here]  # its files hide no library
    import json

    print(json.dumps(describe()))
