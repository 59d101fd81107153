"""List the rules of `samebits audit`; explain one.

What is explained is what the page of the cause says, docs/causes.
"""

from __future__ import annotations

from typing import Any, Final

import click
from click.shell_completion import CompletionItem

from samebits.cli._output import console, json_option, write_json
from samebits.errors import UsageError

ORDER: Final = 27  # of `samebits --help`


def _known(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    from samebits.causes import CATALOGUE

    return [
        CompletionItem(name, help=cause.title)
        for name, cause in CATALOGUE.items()
        if name.startswith(incomplete)
    ]


@click.command()
@click.argument("name", required=False, shell_complete=_known)
@json_option
def rule(name: str | None, json_path: str | None) -> None:
    """List the rules that `samebits audit` finds by and `samebits verify` explains with; or explain one.

    "fragile": what is found repeats as it is, and no longer after an unrelated change. "with --select": the
    rule runs only where it is asked for.

    \b
    Examples:
      samebits rule
      samebits rule hash-order
      samebits rule hash-order --json -

    Exit code: 0, or 2 if there is no such rule or the command is wrong.
    """
    from samebits.audit.engine import no_rule
    from samebits.audit.safety import safety
    from samebits.causes import CATALOGUE
    from samebits.model.cause import Cause
    from samebits.report.rules import print_rule, print_rules

    def row(cause: Cause) -> dict[str, Any]:
        of = cause.rule
        return {
            "name": cause.name,
            "title": cause.title,
            "in_source": of is not None,
            "in_runs": cause.match is not None,
            "fragile": of is not None and of.fragile,
            "selected": of is not None and of.selected,
        }

    if name is None:
        print_rules(CATALOGUE.values(), console(json_path))
        rows = [row(cause) for cause in CATALOGUE.values()]
        write_json({"format": "samebits.rules", "version": 1, "rules": rows}, json_path)
        return
    if name not in CATALOGUE:
        raise UsageError(no_rule(name))
    cause = CATALOGUE[name]
    said = safety(cause)
    print_rule(cause, said, console(json_path))
    document = row(cause) | {
        "what": cause.what,
        "why": cause.why,
        "fix": cause.fix,
        "fix_safety": said,
        "invalid": list(cause.invalid),
        "valid": list(cause.valid),
        "references": list(cause.sources),
    }
    write_json({"format": "samebits.rule", "version": 1, **document}, json_path)
