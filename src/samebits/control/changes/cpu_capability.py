"""Which instructions torch's CPU kernels use: those that every processor of this kind has."""

from __future__ import annotations

from collections.abc import Mapping

from samebits.control.change import Change


def _other(variables: Mapping[str, str]) -> Mapping[str, str]:
    """ "default" are the instructions without vectors: https://docs.pytorch.org/docs/stable/backends.html"""
    return {"ATEN_CPU_CAPABILITY": "default" if variables.get("ATEN_CPU_CAPABILITY") != "default" else "avx2"}


CHANGES = (
    Change(
        name="cpu-capability",
        what="CPU kernels without vector instructions (ATEN_CPU_CAPABILITY)",
        should="rounding",
        why="a result depends on the processor's instructions by more than rounding.",
        variables=_other,
    ),
)
