"""Show what a kept run was and how it ended.

Also where it is damaged.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click

from samebits.cli._output import console, json_option, write_json
from samebits.cli._program import out_option
from samebits.cli._runs import described, run_id

ORDER: Final = 60  # of `samebits --help`

_TAIL = 16384


@click.command()
@click.argument("run", metavar="RUN", shell_complete=run_id)
@out_option
@click.option(
    "--output", is_flag=True, help="Also print the end of what the program wrote, where it was kept."
)
@json_option
def show(run: str, out: Path, output: bool, json_path: str | None) -> None:
    """Show a kept run: what ran, when, how it ended, its processes, and the machine in short.

    A run is a folder, a run's id as `samebits runs` lists it, or the beginning of one.

    \b
    Examples:
      samebits show 20250102-1
      samebits show 20250102-1 --output
      samebits show /mnt/cluster/.samebits/c3d4 --json -

    Exit code: 0, or 2 if there is no such run or the command is wrong.
    """
    from samebits._runtime.text import clean
    from samebits.launch.output import NAMES, kept
    from samebits.record.run import find_run
    from samebits.report.runs import print_run

    folder = find_run(out, run)
    document = described(folder)
    where = console(json_path)
    print_run(document, where)
    if output:
        texts = {name: text[-_TAIL:] for name in NAMES if (text := kept(folder, name))}
        document["output"] = texts
        for name, text in texts.items():
            click.echo(f"{name}", err=json_path == "-")
            for line in text.splitlines():
                click.echo(f"  {clean(line)}", err=json_path == "-")
        if not texts:
            click.echo("its output was not kept: it went to the terminal", err=True)
    write_json(document, json_path)
