"""The pictures of a report in docs/figures: the first screen, by night, the place, on paper, and a terminal.

    python -m tools.report_screens .samebits/RUN_A .samebits/RUN_B

Needs playwright and Chromium, as the tests of the page do.  Whoever changes how something looks makes them
anew, and looks.
"""

from __future__ import annotations

import io
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from playwright.sync_api import Page

FIGURES: Final = Path(__file__).resolve().parent.parent / "docs" / "figures"
_SIZE: Final = (1280, 800)


def screens(runs: list[str], figures: Path = FIGURES) -> None:
    """Draws the report of two runs, and what `samebits compare` prints of them."""
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        page = Path(folder) / "report.html"
        subprocess.run([sys.executable, "-m", "samebits", "report", *runs, "-o", str(page)], check=False)
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"] if os.geteuid() == 0 else []
        )
        for name in ("report", "report-dark"):
            tab = browser.new_page(viewport={"width": _SIZE[0], "height": _SIZE[1]})
            tab.emulate_media(color_scheme="dark" if name == "report-dark" else "light")
            tab.goto(page.as_uri())
            tab.wait_for_function("performance.getEntriesByName('page-built').length > 0")
            tab.wait_for_timeout(300)
            _picture(tab, figures / f"{name}.png")
            if name == "report":
                tab.evaluate("document.querySelector('#modules').scrollIntoView()")
                tab.wait_for_timeout(300)
                _picture(tab, figures / "report-place.png")
                tab.emulate_media(media="print", color_scheme="light")
                tab.set_viewport_size({"width": 794, "height": 1123})  # A4
                tab.evaluate("window.dispatchEvent(new Event('beforeprint'))")
                tab.evaluate("scrollTo(0, 0)")
                _picture(tab, figures / "report-print.png")
            tab.close()
        browser.close()
    _terminal(runs, figures / "compare.svg")


def _picture(tab: Page, path: Path) -> None:
    """With few colours: a screen has few, and a repository keeps every version."""
    from PIL import Image

    drawn = Image.open(io.BytesIO(tab.screenshot()))
    drawn.convert("RGB").quantize(96, dither=Image.Dither.NONE).save(path, optimize=True)


def _terminal(runs: list[str], path: Path) -> None:
    """What a terminal of 100 columns shows of the comparison, as a picture."""
    from rich.console import Console
    from rich.text import Text

    command = [sys.executable, "-m", "samebits", "compare", *runs]
    terminal = {"COLUMNS": "100", "FORCE_COLOR": "1", "TTY_COMPATIBLE": "1", "TERM": "xterm-256color"}
    done = subprocess.run(command, env=os.environ | terminal, capture_output=True, text=True, check=False)
    console = Console(record=True, width=100, file=io.StringIO(), force_terminal=True)
    console.print(Text.from_ansi(done.stdout))
    drawn = console.export_svg(title="samebits compare", unique_id="samebits")
    drawn = re.sub(r"@font-face \{.*?\}\s*", "", drawn, flags=re.DOTALL)  # it would be asked for in a network
    path.write_text(drawn, "utf-8")


if __name__ == "__main__":
    screens(sys.argv[1:])
