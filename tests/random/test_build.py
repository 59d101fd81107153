"""Where the core comes from: the installation, or the first use; else plain torch gives the same numbers."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import samebits
from samebits._runtime import tiered
from samebits._runtime.native import BuildError, compiler
from samebits.errors import UsageError
from samebits.random import build, core

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.skipif(
    compiler("CC", ("cc", "gcc", "clang")) is None, reason="there is no C compiler on this machine"
)

DRAW = """
import samebits.random as sr
from samebits.random import build, core
loaded = core.load()
print(loaded.tier if loaded else "eager", sr.normal(sr.key(1), 3).tolist(), sr.bits(sr.key(1), 2).tolist())
"""


def _package(folder: Path) -> Path:
    """A copy of the package's sources, with no core in it."""
    source = Path(samebits.__file__).parent
    shutil.copytree(source, folder / "samebits", ignore=shutil.ignore_patterns("_core-*", "__pycache__"))
    return folder


def _run(package: Path, cache: Path, *, path: str | None = None, **variables: str) -> tuple[str, str, str]:
    """The tier, the numbers, and what was said."""
    environment = {k: v for k, v in os.environ.items() if k not in ("CC", core.VARIABLE)}
    environment |= {"PYTHONPATH": str(package), "SAMEBITS_CACHE": str(cache), **variables}
    if path is not None:
        environment["PATH"] = path
    done = subprocess.run(
        [sys.executable, "-c", DRAW],
        capture_output=True,
        text=True,
        env=environment,
        cwd=cache.parent,
        timeout=120,
    )
    tier, _, numbers = done.stdout.partition(" ")
    return tier, numbers, done.stderr


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _package(tmp_path_factory.mktemp("package"))


@pytest.fixture(scope="module")
def quick(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A compiler that does not optimise, which takes most of the time: the numbers are the same."""
    script = tmp_path_factory.mktemp("quick") / "cc"
    script.write_text(f'#!/bin/sh\nexec {compiler("CC", ("cc", "gcc", "clang"))} "$@" -O0\n')
    script.chmod(0o755)
    return str(script)


@pytest.fixture(scope="module")
def core_file(tmp_path_factory: pytest.TempPathFactory, quick: str) -> Path:
    """A core, built once."""
    path = tmp_path_factory.mktemp("core") / f"core{tiered.SUFFIX}"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CC", quick)
        build.core().build(path)
    return path


@pytest.mark.slow
def test_first_use_builds_and_the_next_one_finds_it(package: Path, quick: str, tmp_path: Path) -> None:
    """Two processes at once build as one would; a third uses what they left."""
    cache = tmp_path / "cache"
    environment = {**os.environ, "PYTHONPATH": str(package), "SAMEBITS_CACHE": str(cache), "CC": quick}
    both = [
        subprocess.Popen(
            [sys.executable, "-c", DRAW], stdout=subprocess.PIPE, text=True, env=environment, cwd=tmp_path
        )
        for _ in range(2)
    ]
    first, second = (process.communicate(timeout=120)[0] for process in both)
    assert first == second
    assert not first.startswith("eager")
    (left,) = cache.iterdir()
    assert left.name == f"random-{build.core().digest()}{tiered.SUFFIX}"
    at = left.stat().st_mtime_ns
    assert " ".join(_run(package, cache, path="")[:2]) == first  # without a compiler
    assert left.stat().st_mtime_ns == at


@pytest.mark.slow
def test_without_a_compiler_the_numbers_are_the_same(package: Path, core_file: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    tier, numbers, said = _run(package, cache, path="")
    assert (tier, said) == ("eager", "")
    cache.mkdir(exist_ok=True)
    shutil.copy(core_file, cache / f"random-{build.core().digest()}{tiered.SUFFIX}")
    fast, same, _ = _run(package, cache, path="")
    assert fast == core.tiers()[-1]
    assert same == numbers


@pytest.mark.slow
def test_a_tier_that_is_asked_for(package: Path, core_file: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    cache.mkdir()
    shutil.copy(core_file, cache / f"random-{build.core().digest()}{tiered.SUFFIX}")
    eager, plain = (_run(package, cache, **{core.VARIABLE: name}) for name in ("eager", "plain"))
    assert (eager[0], plain[0]) == ("eager", "plain")
    assert eager[1] == plain[1] != ""
    *_, said = _run(package, cache, **{core.VARIABLE: "nonsense"})
    has = ", ".join(core.tiers())
    assert f"UsageError: {core.VARIABLE}=nonsense: this machine has the tiers {has}" in said
    *_, said = _run(package, tmp_path / "empty", path="", **{core.VARIABLE: "plain"})
    assert "BuildError: no C compiler (cc, gcc or clang) is on the path" in said


@pytest.mark.slow
@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty", marks=pytest.mark.deep),
        pytest.param(b"\x7fELF" + b"\0" * 200, id="cut off"),
    ],
)
def test_a_damaged_core_is_built_anew(package: Path, quick: str, tmp_path: Path, content: bytes) -> None:
    cache = tmp_path / "cache"
    cache.mkdir()
    damaged = cache / f"random-{build.core().digest()}{tiered.SUFFIX}"
    damaged.write_bytes(content)
    assert _run(package, cache, path="")[0] == "eager"  # it cannot be, without a compiler
    assert _run(package, cache, CC=quick)[0] == core.tiers()[-1]
    assert damaged.stat().st_size > 10_000


def test_a_compiler_that_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = tmp_path / "cc"
    broken.write_text("#!/bin/sh\necho 'cc: error: this one is broken' >&2\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setenv("CC", str(broken))
    with pytest.raises(BuildError, match="failed: cc: error: this one is broken"):
        build.core().build(tmp_path / "cache" / "core.so")
    monkeypatch.setenv("CC", str(tmp_path / "not there"))
    with pytest.raises(BuildError, match="no C compiler"):
        build.core().build(tmp_path / "cache" / "core.so")
    assert list((tmp_path / "cache").iterdir()) == []


def test_a_compiler_without_the_instructions_makes_the_other_tiers(
    quick: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = tmp_path / "cc"
    old.write_text(
        f'#!/bin/sh\ncase "$*" in *SB_TIER=plain*) ;; *SB_TIER=*) exit 1 ;; esac\nexec {quick} "$@"\n'
    )
    old.chmod(0o755)
    monkeypatch.setenv("CC", str(old))
    build.core().build(tmp_path / "core.so")
    made = core.Core(str(tmp_path / "core.so"), None)
    assert made.tier == "plain"
    with pytest.raises(UsageError, match=r"this machine has the tiers eager, plain$"):
        made.use("avx2")
    assert made.tier == made.use("plain") == "plain"


def test_the_digest_is_that_of_the_sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = build.core().digest()
    assert build.core().digest() == before
    native = tmp_path / "native"
    shutil.copytree(build.NATIVE, native)
    monkeypatch.setattr(build, "NATIVE", native)
    assert build.core().digest() == before
    (native / "core.c").write_text((native / "core.c").read_text() + "\n")
    assert build.core().digest() != before


@pytest.mark.skipif(not core.tiers()[1:], reason="there is `eager` alone")
def test_one_tier_at_a_time() -> None:
    loaded = core.load()
    assert loaded is not None
    chosen = loaded.tier
    with core.using("plain"):
        assert loaded.tier == "plain"
        with core.using("eager"):
            assert core.get() is None
        assert core.get() is loaded
    with pytest.raises(UsageError, match="nonsense"), core.using("nonsense"):
        pass
    with pytest.raises(KeyError), core.using("eager"):
        raise KeyError
    assert core.get() is loaded
    assert loaded.tier == chosen


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What an installation starts from."""
    tree = _package(tmp_path_factory.mktemp("tree") / "src").parent
    for name in ("pyproject.toml", "hatch_build.py", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tree / name)
    return tree


def _wheel(tree: Path, folder: Path, **variables: str) -> tuple[Path, str]:
    pytest.importorskip("hatchling")
    environment = {k: v for k, v in os.environ.items() if k != "CC"} | {"PYTHONPATH": "", **variables}
    blocked = (
        "import sys; sys.modules['torch'] = None; from hatchling.cli import hatchling; sys.exit(hatchling())"
    )
    done = subprocess.run(
        [sys.executable, "-c", blocked, "build", "-t", "wheel", "-d", str(folder)],
        cwd=tree, capture_output=True, text=True, env=environment, timeout=240,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (wheel,) = folder.glob("*.whl")
    return wheel, done.stdout + done.stderr


@pytest.mark.slow
def test_the_installation_brings_the_core(tree: Path, tmp_path: Path) -> None:
    """Built without torch: the wheel is this machine's, of any Python, and its core loads."""
    wheel, _ = _wheel(tree, tmp_path / "dist")
    assert "-py3-none-" in wheel.name
    assert not wheel.name.endswith("-any.whl")
    with zipfile.ZipFile(wheel) as content:
        (name,) = [n for n in content.namelist() if "random/_core-" in n]
        assert name == f"samebits/random/_core-{build.core().digest()}{tiered.SUFFIX}"
        assert "samebits/random/quantiles.npz" in content.namelist()
        content.extractall(tmp_path / "site")
    assert _run(tmp_path / "site", tmp_path / "cache", path="")[0] == core.tiers()[-1]
    assert not (tmp_path / "cache").exists()


@pytest.mark.slow
def test_an_installation_without_a_compiler_is_any_machines(tree: Path, tmp_path: Path) -> None:
    for old in (tree / "src" / "samebits").glob("*/_core-*"):
        old.unlink()
    wheel, said = _wheel(tree, tmp_path / "dist", PATH="", CC="")
    assert wheel.name.endswith("-py3-none-any.whl")
    assert (
        "samebits.random will be built at its first use: no C compiler (cc, gcc or clang) is on the path"
        in said
    )
    with zipfile.ZipFile(wheel) as content:
        assert not [n for n in content.namelist() if "_core-" in n]
        assert "samebits/random/native/core.c" in content.namelist()


def test_importing_the_room_imports_no_torch() -> None:
    program = (
        "import sys; sys.modules['torch'] = None; import samebits.random; from samebits.random import build"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
