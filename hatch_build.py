"""Compiles the core of samebits.random while samebits is installed; where that fails, its first use tries."""

from __future__ import annotations

import sys
import sysconfig
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

PACKAGE = Path("src", "samebits", "random")


class CoreHook(BuildHookInterface[Any]):
    """Puts the compiled core into the package: it depends on the machine, but on no Python."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        sys.path.insert(0, str(Path(self.root, "src")))
        try:
            from samebits.random import build
        finally:
            del sys.path[0]
        path = build.installed_path()
        for old in path.parent.glob(f"_core-*{build.SUFFIX}"):
            if old != path:
                old.unlink()
        if not path.exists():
            try:
                build.build(path)
            except build.BuildError as error:
                self.app.display_warning(f"samebits.random will be slower: {error}")
                return
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{sysconfig.get_platform().replace('-', '_').replace('.', '_')}"
        build_data["artifacts"].append(str(PACKAGE / path.name))
