"""How much a command says: `-q`, `-v`, or as usual."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, TypeVar

import click

Detail = Literal["quiet", "normal", "verbose"]
_Decorated = TypeVar("_Decorated", bound=Callable[..., Any])


def detail_options(quiet: str, verbose: str) -> Callable[[_Decorated], _Decorated]:
    """`-q` and `-v`, with what each does here; the command takes `quiet` and `verbose`."""

    def decorate(function: _Decorated) -> _Decorated:
        function = click.option("-v", "--verbose", is_flag=True, help=verbose)(function)
        return click.option("-q", "--quiet", is_flag=True, help=quiet)(function)

    return decorate


def detail(quiet: bool, verbose: bool) -> Detail:
    """What was asked for.

    Raises:
        click.UsageError: both.
    """
    if quiet and verbose:
        raise click.UsageError("give -q or -v, not both.", click.get_current_context(silent=True))
    return "quiet" if quiet else "verbose" if verbose else "normal"
