"""`python -m samebits`: the command line where the installed script is not on the path."""

from __future__ import annotations

from samebits.cli.main import main

if __name__ == "__main__":
    main()
