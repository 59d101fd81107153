"""The file as text: what a document may hold, and what the page allows itself."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from tests.report import documents

from samebits.report.html import page

ROOT = Path(__file__).resolve().parents[2]
PARTS = ROOT / "src" / "samebits" / "report" / "page"
MOST_BYTES = 300_000  # of a page without data

DOCUMENT = re.compile(r'<script type="application/json" id="document">(.*?)</script>', re.DOTALL)
SCRIPT = re.compile(r"<script>(.*?)</script>", re.DOTALL)
STYLE = re.compile(r"<style>(.*?)</style>", re.DOTALL)
POLICY = re.compile(r'http-equiv="Content-Security-Policy" content="([^"]*)"')


def found(pattern: re.Pattern[str], text: str) -> str:
    match = pattern.search(text)
    assert match
    return match[1]


@pytest.mark.parametrize("name", documents.ALL)
def test_holds_the_document_as_it_is(name: str) -> None:
    document = documents.ALL[name]()
    assert json.loads(found(DOCUMENT, page(document))) == document


def test_nothing_of_a_document_ends_its_block() -> None:
    frame, whole = page(documents.empty()), page(documents.hostile())
    assert not set(found(DOCUMENT, whole)) & set("<>&\u2028\u2029")
    assert found(DOCUMENT, whole).isascii()
    for mark in ("<script", "</script", "<!--", "<img", "<style"):
        assert whole.count(mark) == frame.count(mark)


def test_can_be_written_to_a_file(tmp_path: Path) -> None:
    document = documents.hostile() | {"headline": "half \ud800 a pair </noscript><script>"}
    (tmp_path / "report.html").write_text(page(document), "utf-8")
    assert "half \\ud800 a pair &lt;/noscript&gt;&lt;script&gt;</p>" in page(document)


def test_the_policy_allows_what_is_in_the_page_and_nothing_else() -> None:
    text = page(documents.diverged())
    policy = dict(part.split(" ", 1) for part in unescape(found(POLICY, text)).split("; "))

    def hashes(pattern: re.Pattern[str]) -> list[str]:
        digests = [hashlib.sha256(block.encode()).digest() for block in pattern.findall(text)]
        return [f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests]

    assert policy == {
        "default-src": "'none'",
        "script-src": " ".join(hashes(SCRIPT)),
        "style-src": " ".join(hashes(STYLE)),
        "img-src": "data:",
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    assert len(hashes(SCRIPT)) == len(list(PARTS.glob("*.js"))) + 1
    assert len(hashes(STYLE)) == 2
    assert text.index("Content-Security-Policy") < text.index("<style>")


def test_what_the_policy_forbids_is_not_there() -> None:
    text = DOCUMENT.sub("", page(documents.hostile()))
    assert not re.search(r'<[^>]+ (style|on\w+)="', STYLE.sub("", SCRIPT.sub("", text)))
    assert not re.search(r'(src|href)="(?!data:,")', STYLE.sub("", SCRIPT.sub("", text)))
    scripts = {path.name: path.read_text("utf-8") for path in PARTS.glob("*.js")}
    words = "innerHTML outerHTML insertAdjacentHTML createContextualFragment document.write eval( Function("
    for word in [*words.split(), "fetch(", "XMLHttpRequest", "import(", "cssText", '"style"']:
        assert [name for name, script in scripts.items() if word in script] == []


def test_a_number_that_json_does_not_have_is_refused() -> None:
    with pytest.raises(ValueError, match="JSON"):
        page(documents.report("same", "x", curves=[documents.curve("loss", [[float("nan")]] * 2)]))


def test_its_size() -> None:
    assert len(page(documents.empty()).encode()) < MOST_BYTES


def test_the_licence_of_uplot_is_in_every_page() -> None:
    text = page(documents.empty())
    assert (PARTS / "uplot" / "LICENSE").read_text("utf-8").strip() in text
    assert f"(v{(PARTS / 'uplot' / 'VERSION').read_text().strip()})" in text


def test_needs_neither_torch_nor_numpy() -> None:
    program = (
        "import sys; sys.modules['torch'] = sys.modules['numpy'] = None\n"
        "from samebits.report.html import page; from tests.report.documents import diverged\n"
        "print(len(page(diverged())))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env={"PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert int(done.stdout) > 100_000


# The contract: keys in the page's scripts and in the examples are those that the documentation names.


def documented() -> set[str]:
    """Every word in backticks, and the keys of the verdict that the report takes over."""
    text = (ROOT / "docs" / "reference" / "report.md").read_text("utf-8")
    named = {word for words in re.findall(r"`([^`]+)`", text) for word in re.findall(r"[a-z_]+", words)}
    schema = json.loads((ROOT / "docs" / "reference" / "verdict.schema.json").read_text("utf-8"))
    named |= set(schema["properties"]["environment"]["items"]["properties"])
    for kind in ("place", "cause"):
        named |= set(schema["$defs"][kind]["properties"])
    return named | set(schema["$defs"]["place"]["properties"]["difference"]["properties"])


def keys(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield name
            yield from keys(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from keys(inner)


@pytest.mark.parametrize("name", ["diverged", "logs", "several", "same", "empty"])
def test_the_examples_have_documented_keys(name: str) -> None:
    assert set(keys(documents.ALL[name]())) <= documented()


def table() -> set[str]:
    """The document's own keys: the first column of the table."""
    text = (ROOT / "docs" / "reference" / "report.md").read_text("utf-8")
    rows = re.findall(r"^\| (`[^|]+`) \|", text, re.MULTILINE)
    return {key for row in rows for key in re.findall(r"`(\w+)`", row)}


def test_the_page_reads_documented_keys() -> None:
    scripts = "\n".join(path.read_text("utf-8") for path in PARTS.glob("*.js"))
    assert set(re.findall(r"\breport\.(\w+)", scripts)) == table()
    assert set(documents.diverged()) == table()
    #: What the scripts call a part of the document; other names of theirs are not followed.
    for name in ("curve", "run", "cause", "generator", "stretch", "metric", "operation", "either", "source"):
        read = set(re.findall(rf"\b{name}\.([a-z]+)\b(?!\()", scripts))
        assert read - {"map", "length"} <= documented(), name
        assert read, name
