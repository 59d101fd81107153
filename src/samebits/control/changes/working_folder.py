"""The folder that the program works in: another path with the same content.

Whoever starts the run makes that folder and says so; nothing is changed in the process.
"""

from __future__ import annotations

from samebits.control.change import Change

CHANGES = (
    Change(
        name="working-folder",
        what="another path of the working folder, with the same last name",
        why="a path reaches a result, by its length, its hash or its order: use names relative to the data.",
        tells=True,
    ),
)
