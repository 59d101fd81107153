"""Compiles the C kernels while samebits is installed; where that fails, their first use tries."""

from __future__ import annotations

import sys
import sysconfig
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class KernelsHook(BuildHookInterface[Any]):
    """Puts the compiled kernels into the package: they depend on the machine, but on no Python."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        sys.path.insert(0, str(Path(self.root, "src")))
        try:
            from samebits._runtime.native import BuildError
            from samebits._runtime.tiered import SUFFIX
            from samebits.arithmetic import build as arithmetic
            from samebits.random import build as random
        finally:
            del sys.path[0]
        for kernels in (random.core(), arithmetic.kernels()):
            path = kernels.installed_path()
            for old in path.parent.glob(f"_core-*{SUFFIX}"):
                if old != path:
                    old.unlink()
            if not path.exists():
                try:
                    kernels.build(path)
                except BuildError as error:
                    self.app.display_warning(
                        f"samebits.{kernels.name} will be built at its first use: {error}"
                    )
                    continue
            build_data["pure_python"] = False
            build_data["tag"] = f"py3-none-{sysconfig.get_platform().replace('-', '_').replace('.', '_')}"
            build_data["artifacts"].append(str(path.relative_to(self.root)))
