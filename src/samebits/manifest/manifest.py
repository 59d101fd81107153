"""A manifest: a dictionary of plain data, which a notebook shows as a table."""

from __future__ import annotations

from typing import Any

from samebits._runtime.markup import card
from samebits.manifest.diff import flat


class Manifest(dict[str, Any]):
    """What a run ran on, by dotted names where it is nested."""

    def _repr_html_(self) -> str:
        """For notebooks."""
        return card("manifest", "", list(flat(self)))
