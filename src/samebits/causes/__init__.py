"""The catalogue of causes, found from the files of this room: adding a cause is adding a file.

Every module here whose name has no leading underscore defines `CAUSE`.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Mapping
from importlib import import_module
from types import MappingProxyType
from typing import Final

from samebits.model.cause import Cause as Cause
from samebits.model.cause import Evidence as Evidence
from samebits.model.finding import Finding as Finding


def _discover() -> dict[str, Cause]:
    found: dict[str, Cause] = {}
    for module in pkgutil.iter_modules(__path__):
        if not module.name.startswith("_"):
            cause = import_module(f"{__name__}.{module.name}").CAUSE
            assert isinstance(cause, Cause), module.name
            found[cause.name] = cause
    return dict(sorted(found.items()))


#: Slug -> cause.
CATALOGUE: Final[Mapping[str, Cause]] = MappingProxyType(_discover())

__all__ = ["CATALOGUE", "Cause", "Evidence", "Finding"]
