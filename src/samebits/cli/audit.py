"""Find in source what keeps a program from repeating; mend it.

Nothing is imported or run.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from samebits.cli._detail import Detail, detail, detail_options
from samebits.cli._names import NameList, joined
from samebits.cli._output import checked_path, json_option, keep_apart, show, stdout_kept_for_json, write
from samebits.cli._progress import files_line
from samebits.cli._runs import run_id
from samebits.cli.main import FAILED, SAME, say

if TYPE_CHECKING:
    from samebits.audit.engine import Audit
    from samebits.audit.result import AuditResult

ORDER: Final = 26  # of `samebits --help`


def _names(help: str, *names: str) -> Callable[[Any], Any]:
    return click.option(*names, type=NameList(), multiple=True, callback=joined, metavar="NAMES", help=help)


def _written(ctx: click.Context, parameter: click.Parameter, value: Path | None) -> Path | None:
    if value is not None:
        checked_path(ctx, parameter, str(value))
    return value


@click.command()
@click.argument("paths", nargs=-1, metavar="[PATH]...", type=click.Path())
@_names("Run these rules alone; all are `all`.", "--select")
@_names("Leave these rules out.", "--ignore")
@_names("Leave out paths, or names of files and folders: patterns as of a shell.", "--exclude")
@click.option("--fix", "mend", is_flag=True, help="Mend what can be mended without another result.")
@click.option(
    "--unsafe-fixes", "unsafe", is_flag=True, help="With --fix or --diff: also mend what changes results."
)
@click.option("--diff", is_flag=True, help="Print what --fix would do as a unified diff; change nothing.")
@click.option(
    "--baseline", type=click.Path(path_type=Path), metavar="FILE", help="Do not report what is in FILE."
)
@click.option(
    "--write-baseline", "new_baseline", type=click.Path(path_type=Path), metavar="FILE", callback=_written,
    help="Write all that is found to FILE, as a baseline.",
)  # fmt: skip
@click.option(
    "--output", type=click.Choice(["text", "json", "sarif", "github"]), default="text", show_default=True,
    help="What is written to the standard output.",
)  # fmt: skip
@json_option
@click.option(
    "--stdin-filename", "name", metavar="NAME",
    help="Read the text of this file from the standard input, and report what is found in it alone. PATHs "
    "are its project then.",
)  # fmt: skip
@click.option(
    "--run", "run", metavar="DIR", shell_complete=run_id,
    help="Mark what this recorded run shows to happen: its folder, or its id as `samebits runs` lists it.",
)  # fmt: skip
@click.option(
    "-j", "--jobs", type=click.IntRange(min=1), metavar="N", help="How many processes read files; one a core."
)
@click.option("--no-cache", is_flag=True, help="Keep nothing between audits, and use nothing kept.")
@detail_options("Print the last line alone.", "Also print what each rule found.")
@click.pass_context
def audit(
    ctx: click.Context,
    paths: tuple[str, ...],
    select: tuple[str, ...] | None,
    ignore: tuple[str, ...] | None,
    exclude: tuple[str, ...] | None,
    mend: bool,
    unsafe: bool,
    diff: bool,
    baseline: Path | None,
    new_baseline: Path | None,
    output: str,
    json_path: str | None,
    name: str | None,
    run: str | None,
    jobs: int | None,
    no_cache: bool,
    quiet: bool,
    verbose: bool,
) -> None:
    """Find in source what keeps a program from repeating; mend it.

    Files below a folder are one project: calls and imports are followed. Nothing is imported or run. What is
    fragile repeats as it is, and no longer after an unrelated change.

    A line with the comment `# samebits: ignore[RULE]` is left out. `samebits rule` lists the rules.

    \b
    Examples:
      samebits audit
      samebits audit --fix src train.py
      samebits audit --diff --unsafe-fixes
      samebits audit --write-baseline samebits-baseline.json
      samebits audit --output sarif > audit.sarif

    Exit code: 0 nothing was found, 1 something was (with --diff: there is something to mend), 2 a file could
    not be read or written, or the command is wrong.
    """
    from samebits.audit.baseline import Baseline
    from samebits.audit.engine import chosen
    from samebits.audit.one_file import without_gc
    from samebits.record.run import find_run

    much = detail(quiet, verbose)
    _together(ctx, mend, unsafe, diff, output, json_path, name, new_baseline, baseline)
    rules = chosen(select, ignore or ())
    keep_apart(ctx, (json_path, new_baseline), ())
    if new_baseline is not None:
        Baseline.checked_place(new_baseline)
    recorded = None if run is None else find_run(Path(".samebits"), run)
    with stdout_kept_for_json("-" if diff else json_path), without_gc():
        found = _Found(paths, exclude or (), name, jobs, not no_cache, rules, quiet)
        if new_baseline is not None:
            ctx.exit(_write_baseline(found, new_baseline, ctx.command_path))
        patch, result = found.result(baseline, mend or diff, unsafe, diff, recorded)
    if diff:
        show(result, _printer(result, "quiet"), json_path, aside="-")
        write(patch, "-")
        ctx.exit(FAILED if result.audit.unread else 1 if patch else SAME)
    ctx.exit(_deliver(result, output, json_path, much))


def _together(
    ctx: click.Context,
    mend: bool,
    unsafe: bool,
    diff: bool,
    output: str,
    json_path: str | None,
    name: str | None,
    new_baseline: Path | None,
    baseline: Path | None,
) -> None:
    """That options are given which go together."""
    wrong = None
    if unsafe and not (mend or diff):
        wrong = "--unsafe-fixes is for --fix or --diff."
    elif mend and diff:
        wrong = "give --fix or --diff, not both."
    elif mend and name is not None:
        wrong = (
            "--fix cannot write a file that is read from the standard input; --diff says what it would do."
        )
    elif json_path == "-" and (diff or output != "text"):
        other = "--diff" if diff else f"--output {output}"
        wrong = f"--json - and {other} cannot both have the standard output."
    elif diff and output != "text":
        wrong = f"--diff and --output {output} cannot both have the standard output."
    elif new_baseline is not None and (mend or diff or output != "text" or json_path is not None):
        wrong = "--write-baseline goes with no other output, and mends nothing."
    if wrong is not None:
        raise click.UsageError(wrong, ctx)


class _Found:
    """What was found in the files, and what is made of it."""

    def __init__(
        self,
        paths: tuple[str, ...],
        exclude: tuple[str, ...],
        name: str | None,
        jobs: int | None,
        cache: bool,
        rules: frozenset[str],
        quiet: bool,
    ) -> None:
        from samebits.audit.engine import read_paths
        from samebits.audit.texts import Texts

        given = None
        if name is not None:
            given = _stdin(name, paths, exclude)
            paths = paths or (os.path.dirname(given[0]) or ".",)
        with files_line(quiet=quiet) as progress:
            self.outcomes = read_paths(paths or (".",), exclude, jobs, cache, given, progress)
        self.only = None if given is None else given[0]
        self.texts = Texts(dict([given]) if given is not None else None)
        self.rules = rules

    def audit(self) -> Audit:
        from samebits.audit.engine import joined

        return self._seen(joined(self.outcomes, self.rules))

    def _seen(self, audit: Audit) -> Audit:
        """Of an audit what concerns the file on the standard input, if there is one."""
        if self.only is None:
            return audit
        cells = f" of {self.only}"
        return replace(
            audit,
            findings=tuple(one for one in audit.findings if one.hit and one.hit.place.file == self.only),
            unread=tuple(one for one in audit.unread if one.file == self.only),
            unused=tuple(
                one for one in audit.unused if one[0].file == self.only or one[0].file.endswith(cells)
            ),
        )

    def result(
        self, baseline: Path | None, mend: bool, unsafe: bool, diff: bool, run: Path | None
    ) -> tuple[bytes, AuditResult]:
        """What is told, and the changes as a diff where these are asked for."""
        from samebits.audit import fixes
        from samebits.audit.baseline import Baseline
        from samebits.audit.result import AuditResult, edits_of, marks_of
        from samebits.source.source_text import unified_diff

        known = None if baseline is None else Baseline.read(baseline)
        hidden: list[int] = [0]
        whole: list[Audit] = []

        def reported(audit: Audit) -> Audit:
            audit = self._seen(audit)
            whole[:] = [audit]
            if known is None:
                return audit
            new = tuple(known.new(audit.findings, self.texts))
            hidden[0] = len(audit.findings) - len(new)
            return replace(audit, findings=new)

        done = None
        patch = b""
        if mend:
            done = fixes.mend(self.outcomes, self.rules, self.texts, reported, unsafe=unsafe)
            audit = done.audit
            if diff:
                patch = b"".join(
                    line for file in sorted(done.files) for line in unified_diff(file, *done.files[file])
                )
            else:
                done = done.written()
                audit = done.audit
        else:
            audit = reported(self.audit())
        read = [outcome.file for outcome in self.outcomes if outcome.error is None]
        return patch, AuditResult(
            audit,
            self.texts,
            self.rules,
            edits_of(audit, self.texts),
            marks_of(audit, run, self.texts),
            hidden[0],
            () if known is None else tuple(known.gone(whole[0].findings, self.texts, self.rules, read)),
            0 if done is None else sum(done.made.values()),
            () if done is None or diff else tuple(sorted(done.files)),
            () if done is None else done.left,
            self.only,
        )


def _stdin(name: str, paths: tuple[str, ...], exclude: tuple[str, ...]) -> tuple[str, bytes]:
    """The file on the standard input, by the name that the project has for it."""
    from samebits.audit import files
    from samebits.audit.reading import LONGEST

    data = sys.stdin.buffer.read(LONGEST + 1)
    whole = os.path.abspath(name)
    listed = files.found(paths, exclude).files if paths else ()
    return next((file for file in listed if os.path.abspath(file) == whole), os.path.normpath(name)), data


def _write_baseline(found: _Found, path: Path, who: str) -> int:
    from samebits.audit.baseline import Baseline
    from samebits.compare.verdict import count

    audit = found.audit()
    if audit.unread:
        for one in audit.unread:
            say(f"{one}: {one.why}", who)
        say(f"{path} was not written: what could not be read would be missing from it", who)
        return FAILED
    write(Baseline.of(path, audit.findings, found.texts).data(), str(path))
    say(f"{path}: {count(len(audit.findings), 'finding')}", who)
    return SAME


def _printer(result: AuditResult, much: Detail) -> Callable[[Any], None]:
    from samebits.report.audit import print_audit

    return lambda console: print_audit(result, console, detail=much)


def _deliver(result: AuditResult, output: str, json_path: str | None, much: Detail) -> int:
    if output == "text":
        return show(result, _printer(result, much), json_path)
    if output == "github":
        from samebits.audit.annotations import workflow_commands

        text = "".join(f"{line}\n" for line in workflow_commands(result))
    else:
        from samebits.audit.sarif import sarif

        document = result.as_json() if output == "json" else sarif(result)
        text = f"{json.dumps(document, indent=2)}\n"
    write(text.encode(errors="backslashreplace"), "-")
    return show(result, lambda _: None, json_path)
