"""Makes this machine known to `samebits selftest`: adds what it computes to src/samebits/selftest/known.json.

    python -m tools.known_machines [CAPABILITY...]

The self-test runs once for each of torch's CPU capabilities that is named, or as the machine is.  A machine
that is known is never changed: if it has other bits than before, that is what the self-test is for.  The
exact pieces are written once, and have to be the same on every machine after that.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

TARGET = Path(__file__).resolve().parent.parent / "src/samebits/selftest/known.json"


def found(capability: str | None) -> dict[str, Any]:
    """The self-test's document."""
    variables = os.environ | ({"ATEN_CPU_CAPABILITY": capability} if capability else {})
    words = [sys.executable, "-m", "samebits", "selftest", "--json", "-"]
    done = subprocess.run(words, env=variables, stdout=subprocess.PIPE, check=False)
    document: dict[str, Any] = json.loads(done.stdout)
    if document["verdict"] == "corrupt":
        raise SystemExit(f"{[one['name'] for one in document['wrong']]} differ where they must be equal")
    return document


def text(table: dict[str, Any]) -> str:
    """The file, with a line for each machine."""
    exact = json.dumps(table["exact"], indent=2).replace("\n", "\n  ")
    machines = ",\n    ".join(json.dumps(one, sort_keys=True) for one in table["machines"])
    return (
        '{\n  "format": "samebits.known_machines",\n  "version": 1,\n'
        f'  "exact": {exact},\n  "machines": [\n    {machines}\n  ]\n}}\n'
    )


def main(capabilities: list[str]) -> None:
    """Add this machine."""
    table = json.loads(TARGET.read_text("utf-8"))
    wanted: list[str | None] = [*capabilities] or [None]
    for capability in wanted:
        document = found(capability)
        table["exact"] = table["exact"] or document["exact"]
        if not document["known"]:
            table["machines"].append({"kind": document["kind"], "hashes": document["hashes"]})
        TARGET.write_text(text(table), "utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
