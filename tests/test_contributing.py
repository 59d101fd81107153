"""CONTRIBUTING.md: each recipe is tried in a copy of the sources, to which its files are added.

An example is a block after `<!-- example: RECIPE PATH -->`.  Each is written to its path in the copy, what is
generated is generated, and the tests that the recipe names are run there.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
TEXT = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
EXAMPLE = re.compile(r"^<!-- example: (\w+) (\S+) -->\n```python\n(.*?)^```", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Recipe:
    """How one is tried: what generates, what must then hold, and what generated files may change."""

    tests: tuple[str, ...]  # pytest's words, in the copy
    program: str  # run with the copy's package; its output
    output: str
    generate: tuple[str, ...] = ()  # words of `python -m`
    generated: str = "(?!)"  # paths, as a pattern


RECIPES = {
    "cause": Recipe(
        ("tests/causes", "tests/audit"),  # as it is printed
        "from samebits.audit import audit_source\n"
        "print([problem.cause for problem in audit_source('from uuid import uuid4 as u\\nprint(u().int)')])",
        "['uuid-seed']\n",
        ("tools.cause_pages", "docs/causes"),
        r"docs/causes/(index|uuid-seed)\.md",
    ),
    "operation": Recipe(
        ("tests/ops/test_contract.py", "tests/ops/test_trace.py", "-k", "trace"),
        "from samebits.model.operators import is_nondeterministic\nprint(is_nondeterministic('aten::trace'))",
        "True\n",
        ("tools.operators",),
        r"src/samebits/model/operators\.json",
    ),
    "command": Recipe(
        ("tests/cli/test_main.py", "-k", "version or json or lists"),
        "import sys\nfrom samebits.cli.main import main\nmain(['version'])",
        "0.1.0\n",
    ),
    "distribution": Recipe(
        ("tests/random/test_exports.py", "tests/random/distributions/test_laplace.py"),
        "from samebits import random\nprint(random.laplace(random.key(0), 2).shape)",
        "torch.Size([2])\n",
        ("tools.exports",),
        r"src/samebits/random/__init__\.py|docs/reference/random\.md",
    ),
    "integration": Recipe(
        ("tests/integrations/test_contract.py", "-k", "stateful or tried"),
        "from samebits import integrations\nprint(integrations.available())",
        "['accelerate', 'lightning', 'stateful']\n",
    ),
}


def examples(recipe: str) -> dict[str, str]:
    """Path -> text."""
    return {path: text for name, path, text in EXAMPLE.findall(TEXT) if name == recipe}


def contents(folder: Path) -> dict[str, str]:
    """Path -> checksum of every file, but what running leaves."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts and ".pytest_cache" not in path.parts
    }


def run(copy: Path, *words: str) -> str:
    environment = os.environ | {"PYTHONPATH": str(copy / "src")}
    done = subprocess.run(
        [sys.executable, *words], cwd=copy, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_every_recipe_is_tried() -> None:
    assert {name for name, _, _ in EXAMPLE.findall(TEXT)} == set(RECIPES)
    headings = re.findall(r"^## (?:A|An) (.+)$", TEXT, re.MULTILINE)
    assert [heading.split()[-1] for heading in headings] == list(RECIPES)


def test_what_it_names_is_there() -> None:
    new = {path for recipe in RECIPES for path in examples(recipe)}
    own = set(re.findall(r"^\| `([^`]+)` \| yours", TEXT, re.MULTILINE))
    assert new <= own
    for path in re.findall(r"`((?:src|tests|docs)/[^`]+)`", TEXT):
        assert path in own or (ROOT / path).exists(), path
    for path in re.findall(r"pytest (.+)$", TEXT, re.MULTILINE):
        assert all(word in own or (ROOT / word.rstrip("`.")).exists() for word in path.split()), path


@pytest.mark.slow
@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_works_and_no_other_file_changes(name: str, tmp_path: Path) -> None:
    recipe, leave = RECIPES[name], shutil.ignore_patterns("__pycache__", "_core-*")
    for part in ("src/samebits", "tests", "docs", "tools"):
        shutil.copytree(ROOT / part, tmp_path / part, ignore=leave)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    before = contents(tmp_path)
    added = examples(name)
    for path, text in added.items():
        (tmp_path / path).write_text(text, "utf-8")
    if recipe.generate:
        run(tmp_path, "-m", *recipe.generate)
    changed = {path for path, checksum in contents(tmp_path).items() if before.get(path) != checksum}
    assert {path for path in changed if not re.fullmatch(recipe.generated, path)} == set(added)
    assert run(tmp_path, "-c", recipe.program) == recipe.output
    out = run(tmp_path, "-m", "pytest", "-q", "-p", "no:cacheprovider", *recipe.tests)
    assert re.search(r"\d+ passed", out)
    style = [path for path in added if path.startswith("src/")]
    run(tmp_path, "-m", "ruff", "check", "-q", "--no-cache", *style)
    run(tmp_path, "-m", "ruff", "format", "-q", "--no-cache", "--check", *style)
