"""The command line's entry, of the installed script and of `python -m samebits`: it loads little itself.

An interrupt while the rest is loaded is said in one line, as it is later.
"""

from __future__ import annotations

import sys
from typing import NoReturn


def main() -> NoReturn:
    """Run the command that the process was started with; leaves by `SystemExit`."""
    try:
        from samebits.cli.main import main as run

        run()
    except KeyboardInterrupt:
        sys.stderr.write("samebits: interrupted\n")
        sys.exit(130)  # 128 and the signal's number, as shells say it


if __name__ == "__main__":
    main()
