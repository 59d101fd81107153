"""The whole of samebits in a minute: verify a program, see what breaks it, mend it, verify again.

Exits with 0 only if the faulty program was found to diverge at its faulty line and the mended one to repeat
bit for bit.  Everything is written to a temporary folder.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

SCRIPT = Path(__file__).with_name("digits.py")
FAULTY = "self.table[levels]"
MENDED = "F.embedding(levels, self.table)"


def verify(script: Path, folder: Path) -> tuple[int, dict]:
    """Run `samebits verify` on the script; its exit code and its verdict."""
    verdict = folder / "verdict.json"
    verdict.unlink(missing_ok=True)
    print(f"\n$ samebits verify {script.name}", flush=True)
    words = ["verify", "--out", str(folder / "runs"), "--json", str(verdict), script.name]
    done = subprocess.run([sys.executable, "-m", "samebits", *words], cwd=script.parent, check=False)
    return done.returncode, json.loads(verdict.read_text("utf-8")) if verdict.exists() else {}


def main() -> int:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        copy = folder / SCRIPT.name
        text = SCRIPT.read_text("utf-8")
        copy.write_text(text, "utf-8")

        code, verdict = verify(copy, folder)
        if code != 1:
            print(f"\ndemo: the faulty program should diverge (exit code 1), the exit code was {code}")
            return 1
        place = verdict["causes"][0] if verdict["causes"] else verdict["first"]
        line = text.splitlines()[(place["line"] or 1) - 1]
        if FAULTY not in line:
            print(f"\ndemo: the verdict should name the line of {FAULTY}, it names: {line.strip()}")
            return 1

        print(f"\nMending line {place['line']}:  {FAULTY}  becomes  {MENDED}")
        copy.write_text(text.replace(FAULTY, MENDED), "utf-8")
        code, verdict = verify(copy, folder)
        if code != 0:
            print(f"\ndemo: the mended program should repeat (exit code 0), the exit code was {code}")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
