from .config import Config, load_config
from .engine import Engine
from .setup import setup

__all__ = ["Config", "Engine", "load_config", "setup"]
