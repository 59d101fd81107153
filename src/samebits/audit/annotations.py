"""The findings as commands of a GitHub workflow, which shows them beside the lines of a pull request.

https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands
"""

from __future__ import annotations

import os
from collections.abc import Iterator

from samebits._runtime.text import clean
from samebits.audit.locations import file_lines, relative, site_line, unread_line
from samebits.audit.result import AuditResult


def workflow_commands(result: AuditResult) -> Iterator[str]:
    """A line for each finding, each file that could not be read, and each comment that leaves out nothing."""
    for finding in result.audit.findings:
        assert finding.hit is not None
        place = finding.hit.place
        first, last, columns = file_lines(place, result.texts)
        more = {"line": first, "endLine": max(first, last)}
        if columns:
            more["col"] = place.column
            if place.end_column and first == last:
                more["endColumn"] = place.end_column
        level = "warning" if finding.fragile else "error"
        yield _command(level, _path(place.file), more, finding.cause, f"{finding.why}\n{finding.fix}")
    for one in result.audit.unread:
        row = unread_line(one, result.texts)
        line = {} if row is None else {"line": row}
        yield _command("error", _path(one.file), line, "not read", one.why)
    for site, names in result.audit.unused:
        what = f"samebits: ignore[{', '.join(names)}]" if names else "samebits: ignore"
        file, row = site_line(site, result.texts)
        yield _command("notice", _path(file), {"line": row}, "unused ignore", f"{what} leaves out nothing")


def _path(file: str) -> str:
    """As GitHub knows it: from the repository's top, where a workflow says which that is."""
    return relative(file, os.environ.get("GITHUB_WORKSPACE", "")) or relative(file) or os.path.abspath(file)


def _command(level: str, file: str, more: dict[str, int], title: str, text: str) -> str:
    values = [f"file={_property(file)}", *(f"{name}={value}" for name, value in more.items())]
    return f"::{level} {','.join(values)},title={_property(title)}::{_text(text)}"


def _text(text: str) -> str:
    text = clean(text.replace("\r", "\n"), lines=True)  # nothing that a terminal, or a log, acts upon
    return text.replace("%", "%25").replace("\n", "%0A")


def _property(text: str) -> str:
    return _text(text).replace(":", "%3A").replace(",", "%2C")
