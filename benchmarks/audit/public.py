"""What the audit finds in checkouts of public repositories: `python -m benchmarks.audit.public FOLDER`.

FOLDER holds one folder a repository, OWNER+NAME; each is audited as a project of its own.  The rows are by
repository and rule.  The checkouts are no part of this repository.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from benchmarks.machine import write
from samebits.audit import audit_paths


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--csv", type=Path)
    args = parser.parse_args(argv)
    rows: list[dict[str, str | int]] = []
    every: Counter[str] = Counter()
    lines = 0
    for folder in sorted(path for path in args.folder.iterdir() if path.is_dir()):
        audit = audit_paths([folder], cache=False)
        name = folder.name.replace("+", "/", 1)
        counts = Counter(finding.cause for finding in audit.findings)
        every += counts
        lines += audit.lines
        rows.append(
            {
                "repository": name,
                "rule": "all",
                "files": audit.files,
                "lines": audit.lines,
                "findings": counts.total(),
            }
        )
        rows += [
            {"repository": name, "rule": rule, "findings": count} for rule, count in sorted(counts.items())
        ]
        told = ", ".join(f"{rule} {count}" for rule, count in counts.most_common())
        print(f"| {name} | {audit.files} | {audit.lines} | {counts.total()} | {told} |")
    print(f"{lines} lines, {every.total()} findings: {dict(every.most_common())}")
    if args.csv:
        write(args.csv, rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
