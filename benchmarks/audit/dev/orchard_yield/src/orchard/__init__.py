from orchard.loaders import make_loader
from orchard.state import restore, snapshot
from orchard.trainer import Trainer

__all__ = ["Trainer", "make_loader", "restore", "snapshot"]
