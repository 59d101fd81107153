"""A numpy state as plain data and back, and tensors that are what they should be.

Plain form: arrays as tensors of the same width and bits, signed as torch prefers
them; integers, of up to 128 bits, as hexadecimal strings; the rest as it is.
Back again everything is compared with a state of the same bit generator, since
numpy believes what it is given.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import numpy as np
    import torch

#: Positions within a block that numpy trusts: a larger one reads beyond the generator's memory.
_POSITIONS: Final = {"pos": 624, "buffer_pos": 4, "has_uint32": 1, "has_gauss": 1}


def checked_tensor(value: object, dtype: str, size: int | None = None) -> torch.Tensor:
    """`value`, on the CPU wherever `map_location` put it.

    Raises:
        ValueError: not a tensor of this type, or not of shape (size,).
    """
    import torch

    if not isinstance(value, torch.Tensor):
        raise ValueError(f"expected a tensor of {dtype}, got {type(value).__name__}")
    if value.dtype != getattr(torch, dtype) or value.dim() != 1 or size not in (None, value.numel()):
        given = f"{str(value.dtype).removeprefix('torch.')} of shape {tuple(value.shape)}"
        raise ValueError(f"expected a tensor of {dtype} of shape ({size or 'n'},), got {given}")
    return value.detach().cpu().contiguous()


def to_plain(value: Any) -> Any:
    """A numpy state as plain data.  Arrays become tensors of their bits, signed as torch prefers them."""
    import numpy as np
    import torch

    if isinstance(value, dict):
        return {name: to_plain(part) for name, part in value.items()}
    if isinstance(value, np.ndarray):
        return torch.from_numpy(value.copy().view(f"i{value.itemsize}"))
    if isinstance(value, int | np.integer):
        return hex(value)
    return value


def from_plain(like: Any, value: Any, name: str = "state") -> Any:
    """The numpy state that `to_plain` made `value` of; `like` is one of the same bit generator.

    Raises:
        ValueError: it has other fields, or fields of other kinds.
    """
    import numpy as np

    if isinstance(like, dict):
        if not isinstance(value, Mapping) or set(value) != set(like):
            raise ValueError(f"{name} must have the fields {', '.join(like)}")
        return {key: from_plain(part, value[key], key) for key, part in like.items()}
    if isinstance(like, np.ndarray):
        return checked_tensor(value, f"int{8 * like.itemsize}", like.size).numpy().view(like.dtype)
    if isinstance(like, int | np.integer):
        if not isinstance(value, str):
            raise ValueError(f"{name} must be a hexadecimal string, got {value!r}")
        number = int(value, 16)
        if not 0 <= number <= _POSITIONS.get(name, 2**128 - 1):
            raise ValueError(f"{name} is {value}, beyond the generator's own limit")
        return number
    if type(value) is not type(like):
        raise ValueError(f"{name} must be a {type(like).__name__}, got {value!r}")
    if isinstance(like, str) and value != like:
        raise ValueError(f"{name} is {value}, this generator's is {like}")
    return value


def equal(one: Any, other: Any) -> bool:
    import torch

    if isinstance(one, Mapping):
        return (
            isinstance(other, Mapping)
            and set(one) == set(other)
            and all(equal(one[name], other[name]) for name in one)
        )
    if isinstance(one, torch.Tensor):
        return isinstance(other, torch.Tensor) and torch.equal(one, other.cpu())
    return repr(one) == repr(other)


def sequence_to_plain(sequence: Any) -> dict[str, Any] | None:
    """A `SeedSequence` as plain data; None for none, and for a class of the program's own."""
    import numpy as np

    if type(sequence) is not np.random.SeedSequence:
        return None
    return {
        "entropy": _plain_entropy(sequence.entropy),
        "spawn_key": [hex(part) for part in sequence.spawn_key],
        "pool_size": sequence.pool_size,
        "spawned": sequence.n_children_spawned,
    }


def _plain_entropy(entropy: Any) -> Any:
    if isinstance(entropy, str):
        return hex(int(entropy, 16 if entropy.startswith("0x") else 10))
    try:
        return hex(entropy)
    except TypeError:  # an array has __index__ and refuses
        return [_plain_entropy(part) for part in entropy]


def sequence_from_plain(plain: Mapping[str, Any]) -> np.random.SeedSequence:
    import numpy as np

    def number(part: Any) -> Any:
        return int(part, 16) if isinstance(part, str) else [number(one) for one in part]

    return np.random.SeedSequence(
        number(plain["entropy"]),
        spawn_key=tuple(number(plain["spawn_key"])),
        pool_size=plain["pool_size"],
        n_children_spawned=plain["spawned"],
    )
