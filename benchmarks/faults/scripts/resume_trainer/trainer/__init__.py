from trainer.checkpoint import Checkpointer
from trainer.loop import Trainer

__all__ = ["Checkpointer", "Trainer"]
