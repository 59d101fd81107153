"""The random states of all ranks, for checkpoints of which one rank writes the file and all read it.

Every rank must continue from its own state: one state for all would make them draw alike.  So each rank's is
gathered where there are several, and each takes its own back.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from samebits.errors import StateError
from samebits.seeding.ranks import place
from samebits.seeding.state import capture_rng, restore_rng


def capture_ranks(**owners: object) -> dict[str, Any]:
    """The state of every rank, under "ranks".  All ranks must call it, as all do when a framework saves."""
    own = capture_rng(**owners)
    if own["world_size"] == 1:
        return {"ranks": [own]}
    from torch import distributed

    if not distributed.is_available() or not distributed.is_initialized():
        return {"ranks": [own]}  # each process of its own, by its variables: each saves its own
    states: list[Any] = [None] * distributed.get_world_size()
    distributed.all_gather_object(states, own)
    return {"ranks": states}


def restore_ranks(state: Mapping[str, Any], /, **owners: object) -> None:
    """Continue from this rank's part.

    Raises:
        StateError: no such state, another number of ranks, or what `restore_rng` refuses.
    """
    ranks = state.get("ranks")
    if not isinstance(ranks, list) or not ranks:
        raise StateError(
            "the checkpoint's random state is not from samebits.integrations; load one that was saved with "
            "the same integration."
        )
    rank = place().rank
    restore_rng(ranks[rank] if rank < len(ranks) and len(ranks) > 1 else ranks[0], strict=True, **owners)
