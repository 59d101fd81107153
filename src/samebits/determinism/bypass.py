"""What calls kernels without asking the dispatcher (see `samebits._runtime.bypass`), in this mode's words."""

from __future__ import annotations

from typing import NoReturn

from samebits._runtime import bypass
from samebits.errors import DeterminismError


class BypassRefused(bypass.Refused):
    """The ways around the dispatcher, refused from `install` until `uninstall`."""

    def __init__(self) -> None:
        super().__init__(_refuse)


def _refuse(what: str) -> NoReturn:
    raise DeterminismError(
        f"{what} calls torch's kernels without the dispatcher, so that no operation could be replaced: turn "
        "cpp_wrapper off (torch._inductor.config.cpp_wrapper, TORCHINDUCTOR_CPP_WRAPPER), use plain "
        "torch.compile, or give deterministic(replace='none')."
    )
