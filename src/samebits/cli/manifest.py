"""Show what a kept run ran on, or how two differ in it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import click

from samebits.cli._output import console, json_option, write_json
from samebits.cli._program import out_option
from samebits.cli._runs import described, run_id
from samebits.cli.main import DIVERGED, SAME
from samebits.errors import RecordError, UsageError

ORDER: Final = 65  # of `samebits --help`

#: Documents that hold a manifest, all of version 1.
_FORMATS: Final = ("samebits.manifest", "samebits.show")
_LARGEST: Final = 16 << 20
_NEEDS: Final = {
    "diff": "two runs: samebits manifest diff A B",
    "show": "one run: samebits manifest show RUN",
}


@click.command()
@click.argument("what", type=click.Choice(["diff", "show"]), required=False, metavar="diff|show")
@click.argument("runs", nargs=-1, metavar="RUN...", shell_complete=run_id)
@out_option
@json_option
@click.pass_context
def manifest(
    ctx: click.Context, what: str | None, runs: tuple[str, ...], out: Path, json_path: str | None
) -> None:
    """Show what a run ran on, or in what two differ, ranked by what that does to bits.

    `diff` has four ranks. "certain": ordinary sums come out with other bits. "likely": other kernels or other
    code ran. "possible": it hangs on what the program uses. "none": no arithmetic depends on it. What differs
    because something else does stands under that.

    `show` lists every row, and what of them is not fine, as `samebits doctor` judges.

    RUN is a folder, a run's id as `samebits runs` lists it, the beginning of one, or a JSON file with a
    manifest, as `show --json` writes it. Neither torch nor the machine is needed.

    \b
    Examples:
      samebits manifest diff 20250102-1 20250102-7
      samebits manifest diff laptop/.samebits/20250102-1 cluster.json --json -
      samebits manifest show 20250102-1 --json cluster.json

    Exit code: 0; of `diff` 1 if something differs that can change bits; 2 an error.
    """
    if what is None:
        click.echo(ctx.get_help())
        return
    if len(runs) != (2 if what == "diff" else 1):
        raise UsageError(f"manifest {what} takes {_NEEDS[what]}")
    read = [_read(out, run) for run in runs]
    ctx.exit(_diff(runs, read, json_path) if what == "diff" else _show(runs[0], read[0], json_path))


def _diff(runs: tuple[str, ...], read: list[dict[str, Any]], json_path: str | None) -> int:
    from samebits.manifest.diff import ranked
    from samebits.manifest.effects import strongest
    from samebits.report.manifest import print_differences

    rows = ranked(*read)
    effect = strongest(row.effect for row in rows)
    print_differences(rows, runs, console(json_path))
    document = {
        "format": "samebits.manifest_diff",
        "version": 1,
        "runs": list(runs),
        "effect": effect,
        "differences": [row.as_json() for row in rows],
    }
    write_json(document, json_path)
    return SAME if effect == "none" else DIVERGED


def _show(run: str, read: dict[str, Any], json_path: str | None) -> int:
    from samebits.manifest.doctor import judged
    from samebits.report.manifest import print_manifest

    found = judged(read)
    print_manifest(read, found, console(json_path))
    lines = [line.as_json() for line in found.lines]
    write_json(
        {"format": "samebits.manifest", "version": 1, "run": run, "manifest": read, "lines": lines}, json_path
    )
    return SAME


def _read(out: Path, text: str) -> dict[str, Any]:
    """The manifest of a run or of a file.

    Raises:
        RecordError: there is none.
    """
    from samebits.record.run import find_run, list_runs
    from samebits.record.store import shown

    path = Path(text)
    try:
        there, is_file, is_folder = bool(text) and path.exists(), path.is_file(), path.is_dir()
    except (OSError, ValueError):
        there = is_file = is_folder = False
    if there and is_file:
        return _of_file(path)
    if there and not is_folder:
        raise RecordError(
            f"{shown(text)!r} is a pipe or a device, and a manifest is read from a file or a run: write "
            "it to a file"
        )
    try:
        folder = find_run(out, text)
    except RecordError as error:
        if there and is_folder and not list_runs(path):
            raise RecordError(f"{shown(text)!r} is a folder that holds no run") from error
        raise
    run = described(folder)
    found = dict(run["manifest"])
    if not found:
        raise RecordError(f"the run {shown(text)!r} has kept no manifest; see `samebits show {shown(text)}`")
    git = run["info"].get("git")
    return found | {"git": git} if isinstance(git, dict) else found


def _of_file(path: Path) -> dict[str, Any]:
    from samebits.record.store import shown

    try:
        if path.stat().st_size > _LARGEST:
            raise RecordError(f"{shown(str(path))!r} is too large to be a manifest")
        document = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise RecordError(f"{shown(str(path))!r} is no JSON file with a manifest: {shown(error)}") from error
    _check_format(path, document)
    found = document.get("manifest", document) if isinstance(document, dict) else None
    if not isinstance(found, dict) or not found.keys() & {"python", "torch", "variables", "machine"}:
        raise RecordError(
            f"{shown(str(path))!r} holds no manifest; `samebits manifest show RUN --json FILE` writes one"
        )
    return found


def _check_format(path: Path, document: Any) -> None:
    """Refuse a document that says it is something else; a manifest alone says nothing of itself."""
    from samebits.record.store import shown

    if not isinstance(document, dict) or "format" not in document:
        return
    form, version = document["format"], document.get("version")
    if form not in _FORMATS:
        raise RecordError(
            f"{shown(str(path))!r} is of the format {shown(form)!r}, and a manifest is read from "
            f"{' or '.join(_FORMATS)}; `samebits manifest show RUN --json FILE` writes one"
        )
    if version != 1:
        raise RecordError(
            f"{shown(str(path))!r} is version {shown(version)} of {form}, and this samebits reads version 1"
        )
