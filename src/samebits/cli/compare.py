"""Compare kept runs, or what runs logged; needs no torch.

They may be from anywhere.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Final

import click

from samebits.cli._config import read_from
from samebits.cli._detail import Detail, detail, detail_options
from samebits.cli._output import deliver, deliver_metrics, json_option, keep_apart
from samebits.cli._plot import draw, draw_losses, drawn, plot_option
from samebits.cli._program import out_option
from samebits.cli._progress import busy
from samebits.cli._runs import place, run_id
from samebits.cli.main import say

ORDER: Final = 40  # of `samebits --help`


@click.command()
@click.argument("run_a", metavar="A", shell_complete=run_id)
@click.argument("run_b", metavar="B", shell_complete=run_id)
@click.argument("more", metavar="[C ...]", nargs=-1, shell_complete=run_id)
@click.option(
    "--within",
    metavar="1%|0.01|4ulp|2sd",
    help="Compare metrics, and let them lie so far apart: of the larger value, in the metric's unit, in "
    "units in the last place, or (of A) in standard deviations of B, C, D, ...",
)
@click.option(
    "--at",
    type=click.Choice(["end", "every"]),
    default="end",
    show_default=True,
    help="Where --within is asked: at the last step that both logged, or at every one.",
)
@click.option(
    "--metric",
    "only",
    multiple=True,
    metavar="NAME",
    help="Compare this metric alone; may be given again, and * stands for anything.",
)
@plot_option
@out_option
@json_option
@detail_options(
    "Print the verdict's one line alone.", "Print every note, cause, metric and difference of the machines."
)
@click.pass_context
def compare(
    ctx: click.Context,
    run_a: str,
    run_b: str,
    more: tuple[str, ...],
    within: str | None,
    at: str,
    only: tuple[str, ...],
    plot: bool | None,
    out: Path,
    json_path: str | None,
    quiet: bool,
    verbose: bool,
) -> None:
    """Compare kept runs and say whether every bit agrees; or what runs logged.

    A run is a folder, a run's id as `samebits runs` lists it, or the beginning of one. A log is
    TensorBoard's, Lightning's CSVLogger's, transformers' trainer_state.json, MLflow's, wandb's offline one,
    Ultralytics' results.csv, or any CSV or JSON lines: a file, or the folder of one run. Neither torch, nor
    the logger, nor the machine they ran on is needed.

    Records are compared by every fingerprint in them; with --within or --metric by their losses, as logs are.
    Each further run is compared with the first.

    \b
    Examples:
      samebits compare 20250102-1 20250102-2
      samebits compare laptop/.samebits/a1b2 /mnt/cluster/.samebits/c3d4 --json verdict.json
      samebits compare runs/exp1 runs/exp2
      samebits compare old/results.csv new/results.csv --within 1% --metric "metrics/mAP*"
      samebits compare new/ seed1/ seed2/ seed3/ --within 2sd

    Exit code: 0 every bit agrees, or lies within what was allowed; 1 the runs diverge; 2 incomplete, not
    readable, or the command is wrong.
    """
    much = detail(quiet, verbose)
    if verbose and (read := read_from(ctx)):
        say(read, ctx.command_path)
    names = (run_a, run_b, *more)
    places = [place(out, name) for name in names]
    keep_apart(ctx, (json_path,), [path for path, _ in places])
    if within is None and ctx.get_parameter_source("at") is not click.core.ParameterSource.DEFAULT:
        raise click.UsageError("--at says where --within is asked; give that, too.", ctx)
    if within is None and not only and all(run for _, run in places):
        ctx.exit(_records([path for path, _ in places], names, json_path, much, plot))
    ctx.exit(_metrics([path for path, _ in places], names, (within, at, only), json_path, much, plot))


def _records(
    paths: list[Path], names: tuple[str, ...], json_path: str | None, much: Detail, plot: bool | None
) -> int:
    from samebits.compare import closeup, compare_all
    from samebits.record.run import Run

    with busy("comparing", quiet=much == "quiet"):
        runs = [Run.open(path) for path in paths]
        verdict = compare_all(runs)
    if (seen := closeup.of(verdict, runs)) is not None:
        note = (
            f"when it was run again with every operation recorded, samebits verify saw: {seen['headline']}; "
            "samebits report shows it"
        )
        verdict = replace(verdict, notes=(*verdict.notes, note))
    code = deliver(verdict, json_path, much)
    if drawn(verdict.verdict == "diverged", json_path, much, plot):
        draw_losses(paths, names, json_path)
    return code


def _metrics(
    paths: list[Path],
    names: tuple[str, ...],
    asked: tuple[str | None, str, tuple[str, ...]],
    json_path: str | None,
    much: Detail,
    plot: bool | None,
) -> int:
    from samebits.metrics import Tolerance, compare_metrics, open_log

    within, at, only = asked
    tolerance = None if within is None else Tolerance.parse(within)
    with busy("reading", quiet=much == "quiet"):
        logs = [open_log(path, name=name) for path, name in zip(paths, names, strict=True)]
        verdict = compare_metrics(logs, within=tolerance, at="every" if at == "every" else "end", only=only)
    code = deliver_metrics(verdict, json_path, much)
    shown = verdict.first.name if verdict.first else next((m.name for m in verdict.metrics), None)
    if shown is not None and drawn(verdict.first is not None, json_path, much, plot):
        draw(logs, shown, json_path)
    return code
