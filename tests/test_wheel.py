"""The wheel a user installs: it holds what it needs and works away from the checkout."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

import samebits
from samebits._runtime.native import compiler

ROOT = Path(__file__).resolve().parent.parent

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)],
        cwd=ROOT, check=True, capture_output=True,
    )  # fmt: skip
    (found,) = folder.glob("*.whl")
    return found


def test_holds_what_the_package_holds(wheel: Path) -> None:
    package = Path(samebits.__file__).parent
    expected = {
        str(Path("samebits", file.relative_to(package)))
        for file in package.rglob("*")
        if file.is_file() and "__pycache__" not in file.parts and file.suffix not in {".pyc", ".so"}
    }
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
        metadata = {name.rpartition("/")[2] for name in archive.namelist() if ".dist-info/" in name}
    compiled = {name for name in held if "/_core-" in name}
    assert held - compiled == expected
    assert len(compiled) == (2 if compiler("CC", ("cc", "gcc", "clang")) else 0)
    assert {"METADATA", "LICENSE", "entry_points.txt"} <= metadata
    machine = sysconfig.get_platform().replace("-", "_").replace(".", "_") if compiled else "any"
    assert wheel.name == f"samebits-{samebits.__version__}-py3-none-{machine}.whl"


def test_works_where_it_is_installed(wheel: Path, tmp_path: Path) -> None:
    venv = tmp_path / "a fresh venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(venv)], check=True)
    python = venv / "bin" / "python"
    pip = [
        sys.executable,
        "-m",
        "pip",
        "--python",
        str(python),
        "--quiet",
        "install",
        "--no-deps",
        "--no-index",
    ]
    subprocess.run([*pip, str(wheel)], check=True)
    # The dependencies are those of this interpreter.  A path added by a .pth file does not process the .pth
    # files in it, so the editable installation of the checkout stays out.
    site = Path(sysconfig.get_path("purelib", vars={"base": str(venv), "platbase": str(venv)}))
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    elsewhere = tmp_path / "elsewhere with a space"
    elsewhere.mkdir()
    environ = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}

    def run(*words: str) -> str:
        return subprocess.run(
            words, cwd=elsewhere, env=environ, check=True, capture_output=True, text=True
        ).stdout

    where = run(str(python), "-c", "import samebits; print(samebits.__file__)")
    assert Path(where.strip()).is_relative_to(venv)
    assert run(str(venv / "bin" / "samebits"), "--version") == f"samebits {samebits.__version__}\n"
    assert "samebits verify train.py" in run(str(venv / "bin" / "samebits"), "--help")
    assert json.loads(run(str(python), "-m", "samebits", "runs", "--json", "-"))["runs"] == []
    if compiler("CC", ("cc", "gcc", "clang")):
        core = run(str(python), "-c", "from samebits.random import build; print(build.core().built())")
        assert Path(core.strip()).is_relative_to(venv)  # built when it was installed
