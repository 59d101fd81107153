"""Lightning: everything random in its own checkpoints, of which Lightning itself saves nothing.

When a run resumes, Lightning loads the callbacks' states before it makes the iterator of the epoch, which
draws: a run that stopped between two epochs continues rightly from there.  A run that stopped within an epoch
had made that iterator before, so the state is set once more when the first batch is there.
https://lightning.ai/docs/pytorch/stable/extensions/callbacks_state.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from samebits.integrations._protocol import required
from samebits.integrations._ranks import capture_ranks, restore_ranks

if TYPE_CHECKING:
    from pytorch_lightning import Callback
else:
    Callback = required("lightning", ("pytorch_lightning", "lightning.pytorch"), "pytorch-lightning").Callback


class RngState(Callback):
    """Everything random, as a callback: `Trainer(callbacks=[RngState(model=model)])`.

    The arguments are what holds generators, by name: the module, a loader.  They must hold the same when the
    run resumes, before `fit` begins.  `seed_everything` stays Lightning's, or samebits'.

    A checkpoint within an epoch resumes with the same batches only where the loader keeps its own place, as
    `samebits.data.SeededLoader` does.
    """

    def __init__(self, **owners: object) -> None:
        self._owners = owners or {"program": None}
        self._within_epoch = False
        self._again: Mapping[str, Any] | None = None

    @property
    def state_key(self) -> str:
        return "samebits.RngState"  # one a trainer, whatever the file is called later

    def state_dict(self) -> dict[str, Any]:
        return capture_ranks(**self._owners) | {"within_epoch": self._within_epoch}

    def load_state_dict(self, state_dict: Mapping[str, Any], /) -> None:
        """
        Raises:
            StateError: the state is damaged, or of another rank or world size, or the generators are others.
        """
        restore_ranks(state_dict, **self._owners)
        self._again = state_dict if state_dict.get("within_epoch") else None

    def on_train_batch_start(self, *args: Any, **options: Any) -> None:
        if self._again is not None:
            restore_ranks(self._again, **self._owners)
            self._again = None

    def on_train_batch_end(self, trainer: Any, *args: Any, **options: Any) -> None:
        self._within_epoch = not trainer.is_last_batch  # the callbacks that save come after this one
