"""Accelerate: the generators that it does not save, and its own, in its own checkpoints.

Accelerate saves the states of Python's, numpy's and torch's process-wide generators.  It saves no generator
that the program made (`numpy.random.default_rng`, `random.Random`, `torch.Generator`), and where a state
cannot be set it logs so and goes on.  An object given to `register_for_checkpointing` is saved and loaded
with the rest, after them.
https://huggingface.co/docs/accelerate/usage_guides/checkpoint
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from samebits.integrations._protocol import required
from samebits.integrations._ranks import capture_ranks, restore_ranks

required("accelerate", ("accelerate",), "accelerate")


class RngState:
    """Everything random, for `accelerator.register_for_checkpointing`.

        rng = RngState(augment=augment)          # what holds generators, by name
        accelerator.register_for_checkpointing(rng)
        ...
        accelerator.save_state(folder)           # and accelerator.load_state(folder) continues from it

    Save between two epochs, or skip the batches that were trained on (`accelerator.skip_first_batches`): a
    random state does not say where in its epoch a loader is.
    """

    def __init__(self, **owners: object) -> None:
        self._owners = owners or {"program": None}

    def state_dict(self) -> dict[str, Any]:
        return capture_ranks(**self._owners)

    def load_state_dict(self, state_dict: Mapping[str, Any], /) -> None:
        """
        Raises:
            StateError: the state is damaged, or of another rank or world size, or the generators are others.
        """
        restore_ranks(state_dict, **self._owners)
