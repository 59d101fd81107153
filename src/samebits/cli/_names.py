"""Lists of names as an option's value: with commas, given several times, or a list in pyproject.toml."""

from __future__ import annotations

from typing import Any

import click


class NameList(click.ParamType):  # type: ignore[type-arg]
    """Texts with commas between them."""

    name = "names"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, ...]:
        words = value.split(",") if isinstance(value, str) else [str(word) for word in value]
        return tuple(word.strip() for word in words if word.strip())


def joined(ctx: click.Context, parameter: click.Parameter, value: Any) -> tuple[str, ...] | None:
    """All names of an option that was given several times; None where it was not."""
    if not value:
        return None
    return tuple(
        dict.fromkeys(name for names in value for name in ([names] if isinstance(names, str) else names))
    )
