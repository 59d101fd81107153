"""The powers of a decay that torch's optimizers take in Python: `beta ** step`.

Python leaves that to the C library, which has another last bit on another machine: glibc 2.36 with and
without fused multiply-adds differs for 0.9 at step 348 and for 0.99 at step 331.  Here it is a product of
squares, in one order.
"""

from __future__ import annotations

import math
from importlib import import_module
from typing import Any, Final

from samebits._runtime.patcher import Patcher

#: The files of torch.optim that take powers of a step.
_FILES: Final = ("adam", "adamax", "nadam", "radam")


def power(base: float, exponent: int) -> float:
    """`base` to a whole number, 0 and more.

    From the exponent's last bit on, each bit's square is multiplied.
    """
    result, square = 1.0, base
    while exponent:
        if exponent & 1:
            result *= square
        exponent >>= 1
        if exponent:
            square *= square
    return result


class StepNumber(float):
    """A step's number, to whose power a float is `power`.

    Python asks the right side first where it is a subclass.
    """

    def __rpow__(self, base: Any, mod: None = None) -> Any:
        value = float(self)
        if isinstance(base, float) and value >= 0 and value.is_integer():
            return Decay(power(base, int(value)))
        return base**value


class Decay(float):
    """Such a power, and 1 less it; `x ** 0.5` of it is a square root, which rounds alike everywhere."""

    def __rsub__(self, other: float) -> Decay:
        return Decay(other - float(self))

    def __pow__(self, exponent: Any, mod: None = None) -> Any:
        if exponent == 0.5 and self >= 0:
            return math.sqrt(self)
        return float(self) ** exponent


class Powers(Patcher):
    """From `install` until `uninstall` torch's optimizers read their steps as `StepNumber`."""

    def install(self) -> None:
        self._alive = True
        for file in _FILES:
            module = import_module(f"torch.optim.{file}")
            read = module._get_value

            def get_value(x: Any, read: Any = read) -> Any:
                value = read(x)
                return StepNumber(value) if self._alive and isinstance(value, float | int) else value

            self._replace(module, "_get_value", get_value)
