"""What is public follows from the files, and what is generated of them is up to date."""

from __future__ import annotations

import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import samebits.random as sr
from tools import exports


def test_what_is_generated_is_up_to_date() -> None:
    for target, made in ((exports.TARGET, exports.initializer()), (exports.PAGE, exports.page())):
        assert target.read_text("utf-8") == made, f"{target}: run python -m tools.exports"


def test_every_public_name_is_that_of_its_file() -> None:
    assert sorted(exports.names()) == sorted(sr.__all__) == dir(sr)
    for name, module in exports.names().items():
        assert getattr(sr, name) is vars(sys.modules[module])[name]


def test_every_distribution_takes_a_key_first() -> None:
    drawing = {name for name, module in exports.names().items() if ".distributions." in module}
    assert {"normal", "choice", "dirichlet", "dropout"} <= drawing
    for name in drawing:
        parameter = next(iter(inspect.signature(getattr(sr, name)).parameters.values()))
        assert (parameter.name, parameter.annotation) == ("key", "KeyLike"), name


def test_asking_for_names_imports_no_torch() -> None:
    program = "import sys, samebits.random as sr; dir(sr); assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", program], check=True)


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package of one distribution, and its page."""
    package = tmp_path / "samebits/random"
    (package / "distributions").mkdir(parents=True)
    (package / "__init__.py").write_text(f"# {exports._MARK}.\n\n# End of what is generated.\n")
    page = package.with_name("random.md")
    page.write_text(f"<!-- {exports._MARK}. -->\n\nold\n\n<!-- End of what is generated. -->\n")
    for name, value in (("PACKAGE", package), ("TARGET", package / "__init__.py"), ("PAGE", page)):
        monkeypatch.setattr(exports, name, value)
    (package / "distributions" / "even.py").write_text(
        '"""`even`: twice\nthe word.\n"""\n__all__ = ["even"]\n'
    )
    return package


def test_a_file_more_is_a_name_more(package: Path) -> None:
    exports.main()
    exports.main()
    text = (package / "__init__.py").read_text()
    assert "    from samebits.random.distributions.even import even as even\n" in text
    assert '\n_HOMES = {\n    "even": "samebits.random.distributions.even",\n}\n' in text
    assert '\n__all__ = [\n    "even",\n]\n' in text
    page = (package.parent / "random.md").read_text()
    assert "\n\n| distribution | number |\n| --- | --- |\n| `even` | twice the word |\n\n<!--" in page
    assert "old" not in page


def test_a_name_of_two_files_is_refused(package: Path) -> None:
    (package / "other.py").write_text('"""Other."""\n__all__ = ["even"]\n')
    text = "even is public in samebits.random.distributions.even and in samebits.random.other"
    with pytest.raises(SystemExit, match=text.replace(".", r"\.")):
        exports.main()


def test_a_docstring_that_is_no_row_is_refused(package: Path) -> None:
    (package / "distributions" / "odd.py").write_text('"""Odd numbers."""\n__all__ = ["odd"]\n')
    with pytest.raises(SystemExit, match="the docstring begins with `odd`: and the number's definition"):
        exports.page()
