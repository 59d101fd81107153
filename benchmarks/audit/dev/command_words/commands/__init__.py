from .settings import Settings
from .trainer import Trainer

__all__ = ["Settings", "Trainer"]
