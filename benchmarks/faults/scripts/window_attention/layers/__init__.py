from layers.attention import WindowAttention
from layers.mlp import Mlp

__all__ = ["Mlp", "WindowAttention"]
