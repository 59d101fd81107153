"""Print the script that completes commands in a shell.

Commands, options, runs and scripts are completed.
"""

from __future__ import annotations

from typing import Final

import click
from click.shell_completion import get_completion_class

ORDER: Final = 100  # of `samebits --help`


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the script that completes samebits' commands, options, runs and scripts in a shell.

    \b
    Examples:
      eval "$(samebits completion bash)"                     # in ~/.bashrc
      eval "$(samebits completion zsh)"                      # in ~/.zshrc
      samebits completion fish > ~/.config/fish/completions/samebits.fish

    Exit code: 0, or 2 if the command is wrong.
    """
    from samebits.cli.main import app

    kind = get_completion_class(shell)
    assert kind is not None
    click.echo(_source(kind(app, {}, "samebits", "_SAMEBITS_COMPLETE")))


def _source(completer: object) -> str:
    """The script, without asking for the shell's version, which a container may not have."""
    assert hasattr(completer, "source_template")
    text: str = completer.source_template % completer.source_vars()  # type: ignore[attr-defined]
    return text
