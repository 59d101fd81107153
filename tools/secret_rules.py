"""Makes src/samebits/manifest/rules.json out of the rules of gitleaks, a well-kept detector of secrets.

    python tools/secret_rules.py gitleaks.toml --version v8.30.1 --commit SHA

gitleaks.toml is `config/gitleaks.toml` of https://github.com/gitleaks/gitleaks at that commit (MIT licence).
Its patterns are written for Go's RE2; what Python's `re` writes otherwise is translated here, and what cannot
be is left out and said.  Two further changes, neither of which changes what is found: the leading
``[\\w.-]{0,50}?`` of most patterns is dropped, since only the secret's own place matters and it is what makes
Python slow; and a rule without a pattern (it looks at names of files) is no rule here.
"""

from __future__ import annotations

import argparse
import json
import re
import tomllib
from pathlib import Path
from typing import Any

TARGET = Path(__file__).resolve().parent.parent / "src/samebits/manifest/rules.json"
_FLAGS = re.compile(r"\(\?(-?[imsU]+)\)")
_POSIX = {
    "alnum": "a-zA-Z0-9", "alpha": "a-zA-Z", "digit": "0-9", "xdigit": "0-9a-fA-F", "lower": "a-z",
    "upper": "A-Z",
}  # fmt: skip


def translated(pattern: str) -> str:
    """A pattern of RE2 as Python's `re` writes it.  Raises ValueError where there is no such form."""
    made: list[str] = []
    groups: list[list[str]] = [[]]  # by open group: the flags set inside it, each a group of its own here
    at = 0
    in_class = False
    while at < len(pattern):
        rest = pattern[at:]
        if pattern[at] == "\\":
            if rest[1:2] in "pPQCE":
                raise ValueError(f"{rest[:2]} has no form in Python")
            made.append(r"\Z" if rest.startswith(r"\z") else rest[:2])
            at += 2
        elif in_class:
            posix = re.match(r"\[:(\w+):\]", rest)
            made.append(_POSIX[posix[1]] if posix else r"\[" if rest[0] == "[" else rest[0])
            at += posix.end() if posix else 1
            in_class = rest[0] != "]"
        elif rest[0] == "[":
            start = re.match(r"\[\^?\]?", rest)
            assert start is not None
            made.append(start[0])
            at += start.end()
            in_class = True
        elif flags := _FLAGS.match(rest):
            groups[-1].append(flags[1])
            made.append(f"(?{flags[1]}:")
            at += flags.end()
        elif rest[0] == "(":
            groups.append([])
            made.append("(?P<" if re.match(r"\(\?<[A-Za-z]", rest) else "(")
            at += 3 if made[-1] == "(?P<" else 1
        elif rest[0] == ")":
            made.append(")" * (len(groups.pop()) + 1))
            at += 1
        elif rest[0] == "|":  # flags reach beyond it, a group does not
            made.append(")" * len(groups[-1]) + "|" + "".join(f"(?{f}:" for f in groups[-1]))
            at += 1
        else:
            made.append(r"\Z" if rest[0] == "$" else rest[0])
            at += 1
    made.append(")" * len(groups[0]))
    return "".join(made)


def rules(config: dict[str, Any]) -> tuple[list[dict[str, Any]], list[str]]:
    """The rules that Python can follow, and the ids of those that it cannot, with the reason."""
    kept: list[dict[str, Any]] = []
    dropped: list[str] = []
    for rule in config["rules"]:
        pattern = rule.get("regex")
        if pattern is None:
            dropped.append(f"{rule['id']} (looks at names of files)")
            continue
        pattern = pattern.replace("(?i)" + r"[\w.-]{0,50}?", "(?i)", 1)
        try:
            pattern = translated(pattern)
            groups = re.compile(pattern).groups
        except (ValueError, re.error) as error:
            dropped.append(f"{rule['id']} ({error})")
            continue
        if not rule.get("keywords"):
            dropped.append(f"{rule['id']} (has no keyword, so that it would be tried on every text)")
            continue
        row: dict[str, Any] = {
            "id": rule["id"],
            "keywords": sorted({word.lower() for word in rule["keywords"]}),
            "pattern": pattern,
        }
        if rule.get("entropy"):
            row["entropy"] = rule["entropy"]
        if rule.get("secretGroup"):
            assert rule["secretGroup"] <= groups
            row["group"] = rule["secretGroup"]
        kept.append(row)
    return kept, dropped


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("config", type=Path)
    parser.add_argument("--version", required=True)
    parser.add_argument("--commit", required=True)
    chosen = parser.parse_args()
    kept, dropped = rules(tomllib.loads(chosen.config.read_text()))
    document = {
        "source": "https://github.com/gitleaks/gitleaks config/gitleaks.toml",
        "version": chosen.version,
        "commit": chosen.commit,
        "licence": "MIT, Copyright (c) 2019 Zachary Rice",
        "made_by": "tools/secret_rules.py",
        "left_out": dropped,
    }
    lines = ",\n".join(json.dumps(rule) for rule in kept)
    TARGET.write_text(f'{json.dumps(document, indent=1)[:-2]},\n "rules": [\n{lines}\n]}}\n')
    print(f"{len(kept)} rules; left out {len(dropped)}: {'; '.join(dropped) or 'none'}")


if __name__ == "__main__":
    main()
