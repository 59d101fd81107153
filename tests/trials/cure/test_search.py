"""The smallest set of remedies: found among all that there are, each needed, and no more runs than said."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Collection
from pathlib import Path
from types import TracebackType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from samebits.compare import Verdict
from samebits.compare.verdict import Place
from samebits.control.settings import Control
from samebits.launch import Program
from samebits.model.finding import Edit, Finding
from samebits.model.sites import Site
from samebits.trials.cure import bench as cure_module
from samebits.trials.cure.remedies import FRESH, FROM_OUTSIDE, OUTSIDE
from samebits.trials.cure.result import CureResult
from samebits.trials.cure.search import cure

SOURCE = "a = draw()\nb = draw()\nc = draw()\n"
PROGRAM = Program("script", ("train.py",))
#: What is needed -> the cause that the records of a pair show while it is missing.
CAUSES = {name: cause for cause, names in FROM_OUTSIDE.items() for name in names[:1]}


class Unmirrored:
    """Stands for a mirror: the folder itself, in which the test looks at what was changed."""

    linked = ()

    def __init__(self, folder: Path, program: Program) -> None:
        self.folder = folder
        self.before = (folder / "train.py").read_bytes() if (folder / "train.py").exists() else None

    def __enter__(self) -> Unmirrored:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.before is not None:
            (self.folder / "train.py").write_bytes(self.before)

    def write(self, file: Path, data: bytes) -> None:
        file.write_bytes(data)

    def changed(self) -> tuple[Path, ...]:
        return ()

    def program(self, program: Program) -> Program:
        return program


class Simulated:
    """A program that repeats once it has all that it needs: what controls it, by name, or lines of a file."""

    def __init__(self, needed: Collection[str], lines: Collection[str] = (), *, silent: bool = False) -> None:
        self.needed = [name for name in OUTSIDE if name in needed]
        self.lines = list(lines)
        self.silent = silent
        self.runs = 0
        self.folder = Path()

    def verify(self, program: Program, *, runs: int, control: Control, **options: Any) -> Verdict:
        self.runs += runs
        names = tuple(str(self.runs - n) for n in range(runs))
        given = {*(control.only or ()), *control.changes}
        if options["renew"]() is not program:
            given.add(FRESH)
        path = self.folder / "train.py"
        text = path.read_text() if path.exists() else ""
        missing = [name for name in self.needed if name not in given]
        missing += [line for line in self.lines if line not in text]
        if not missing:
            return Verdict("same", names)
        step = len(self.needed) + len(self.lines) - len(missing)
        place = Place(
            0, "main", 0, step, "forward", "aten::mm", "value", None, None, "train.py", 1, None, None
        )
        return Verdict("diverged", names, first=place, causes=() if self.silent else self._causes(missing[0]))

    def _causes(self, missing: str) -> tuple[Finding, ...]:
        if missing in self.lines:
            text = (self.folder / "train.py").read_text().split("\n")
            number = next(n for n, line in enumerate(text, 1) if line == f"{missing[0]} = draw()")
            return (Finding(0.9, None, "w", "f", "hash-order", (Edit("train.py", number, missing),)),)
        cause = CAUSES.get(missing)
        return () if cause is None else (Finding(0.9, Site("train.py", 1, "f"), "w", "f", cause),)


@pytest.fixture
def sought(monkeypatch: pytest.MonkeyPatch) -> Callable[..., CureResult]:
    monkeypatch.setattr(cure_module, "Mirror", Unmirrored)

    def search(simulated: Simulated, folder: Path = Path(), **options: Any) -> CureResult:
        simulated.folder = folder
        monkeypatch.setattr(cure_module, "verify", simulated.verify)
        monkeypatch.chdir(folder)
        return cure(PROGRAM, out=folder / "runs", **options)

    return search


def names(result: CureResult) -> list[str]:
    return sorted(needed.remedy.name for needed in result.needed)


@pytest.mark.parametrize("silent", [False, True])
def test_of_everything_that_can_be_controlled_what_is_needed_is_found(
    silent: bool, sought: Callable[..., CureResult], tmp_path: Path
) -> None:
    @settings(max_examples=60, deadline=None)
    @given(st.sets(st.sampled_from([name for name in OUTSIDE if name != FRESH]), min_size=1, max_size=4))
    def searched(needed: set[str]) -> None:
        simulated = Simulated(needed, silent=silent)
        result = sought(simulated, tmp_path, most_runs=400)
        assert result.verdict == "cured"
        assert names(result) == sorted(needed)
        assert all(each.shown for each in result.needed)
        assert result.runs == simulated.runs

    searched()


def test_where_the_records_say_it_a_pair_is_enough(sought: Callable[..., CureResult], tmp_path: Path) -> None:
    result = sought(Simulated(["numpy"]), tmp_path)
    assert (result.verdict, names(result), result.runs) == ("cured", ["numpy"], 6)
    assert result.command == ("samebits", "run", "--only", "numpy", "train.py")
    assert result.patch == b""


def test_edits_and_what_is_outside_go_together(sought: Callable[..., CureResult], tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(SOURCE)
    result = sought(Simulated(["operations"], ["a = seeded()", "c = sorted()"]), tmp_path)
    assert result.verdict == "cured"
    assert names(result) == ["hash-order", "hash-order", "operations"]
    assert result.files == {"train.py": b"a = seeded()\nb = draw()\nc = sorted()\n"}
    assert b"-a = draw()\n+a = seeded()\n" in result.patch
    assert (tmp_path / "train.py").read_text() == SOURCE
    assert all(each.shown for each in result.needed)


@pytest.mark.parametrize("target", ["src/real.py", "../shared/real.py"])
def test_the_patch_is_of_the_file_that_a_link_in_the_folder_leads_to(
    target: str, sought: Callable[..., CureResult], tmp_path: Path
) -> None:
    """Git and patch change no link; what lies outside has no name that they take there."""
    folder = tmp_path / "project"
    real = folder / target
    folder.mkdir()
    real.resolve().parent.mkdir()
    real.write_bytes(SOURCE.replace("\n", "\r\n").encode())
    (folder / "train.py").symlink_to(target)
    result = sought(Simulated([], ["a = seeded()"]), folder)
    assert result.verdict == "cured"
    assert list(result.files) == [target if target.startswith("src") else "train.py"]
    if target.startswith("src"):
        subprocess.run(["git", "apply", "-"], cwd=folder, input=result.patch, check=True)
        assert (folder / "train.py").is_symlink()
        assert real.read_bytes() == SOURCE.replace("\n", "\r\n").replace("draw", "seeded", 1).encode()


def test_what_another_run_left_is_met_by_a_folder_of_its_own(
    sought: Callable[..., CureResult], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Unmirrored, "program", lambda self, program: Program("script", ("train.py",)))
    result = sought(Simulated([FRESH]), tmp_path)
    assert (result.verdict, names(result), result.command) == ("cured", [FRESH], None)


def test_a_program_that_repeats_needs_nothing(sought: Callable[..., CureResult], tmp_path: Path) -> None:
    result = sought(Simulated([]), tmp_path)
    assert (result.verdict, result.exit_status, result.runs, result.needed) == ("same", 0, 2, ())


def test_what_nothing_helps_is_said_so(sought: Callable[..., CureResult], tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text("z = 1\n")
    simulated = Simulated([], ["never = there"], silent=True)
    result = sought(simulated, tmp_path)
    assert (result.verdict, result.exit_status, result.needed, result.patch) == ("diverged", 1, (), b"")
    assert result.as_json()["left"]["first"]["line"] == 1


@pytest.mark.parametrize("most", [4, 6, 9, 14])
def test_there_are_never_more_runs_than_were_announced(
    most: int, sought: Callable[..., CureResult], tmp_path: Path
) -> None:
    simulated = Simulated(["torch", "results", "memory"], silent=True)
    result = sought(simulated, tmp_path, most_runs=most)
    assert simulated.runs == result.runs <= most
    assert (result.verdict, result.exit_status) == ("incomplete", 2)


def test_an_interrupt_keeps_what_is_known(
    sought: Callable[..., CureResult], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    simulated = Simulated(["torch", "numpy"])
    whole = simulated.verify

    def interrupted(*args: Any, **kwargs: Any) -> Verdict:
        if simulated.runs >= 6:
            kwargs["progress"](2, 2, 0)  # the first of the pair has ended
            raise KeyboardInterrupt
        return whole(*args, **kwargs)

    monkeypatch.setattr(simulated, "verify", interrupted)
    result = sought(simulated, tmp_path)
    assert (result.verdict, result.interrupted, result.exit_status) == ("incomplete", True, 2)
    assert result.runs == 7
    assert names(result) == ["numpy", "torch"]
