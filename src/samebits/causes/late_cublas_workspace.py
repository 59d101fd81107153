"""CUBLAS_WORKSPACE_CONFIG is set after CUDA was used."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from samebits.causes._cuda import Way, ways
from samebits.model.cause import Cause
from samebits.model.rule import Hit, Rule
from samebits.source.project import Project, Seen
from samebits.source.summary import SourcePlace, SourceStep

_FIX = """\
os.environ["CUBLAS_WORKSPACE_CONFIG"] = ":4096:8"  # before anything of the program is on CUDA"""
_NAME: Final = "CUBLAS_WORKSPACE_CONFIG"
_SETTERS: Final = frozenset({"os.putenv", "os.environ.setdefault", "os.environ.update"})


def _sets(step: SourceStep) -> bool:
    if step.kind == "set":
        return step.name == f"os.environ['{_NAME}']"
    return (
        step.kind == "call"
        and step.name in _SETTERS
        and (any(_NAME in value.text for value in step.args) or _NAME in step.keywords)
    )


def _late(way: Way) -> Iterator[tuple[Seen, Seen]]:
    """Where the variable is set, and the use of CUDA before it."""
    assert way.used is not None
    used = False
    for seen in way.program.trace:
        if seen is way.used:
            used = True
        elif seen.later:
            return
        elif _sets(seen.step):
            if used:
                yield seen, way.used
            return  # the first counts


def rule(project: Project) -> Iterator[Hit]:
    if not any(_sets(step) for _, _, step in project.steps()):
        return
    done: set[SourcePlace] = set()
    for way in ways(project):
        if way.used is None:
            continue
        for seen, use in _late(way):
            place = seen.step.place
            if place in done:
                continue
            done.add(place)
            at = use.step.place
            where = f"line {at.line}" if at.file == place.file else f"{at.file}:{at.line}"
            yield Hit(
                place,
                f"{_NAME} is set after {where} uses CUDA: cuBLAS reads it once, as it starts.",
                _FIX,
                places=((at, "CUDA is used"),),
            )


CAUSE = Cause(
    name="late-cublas-workspace",
    title="CUBLAS_WORKSPACE_CONFIG is set too late",
    what='`os.environ["CUBLAS_WORKSPACE_CONFIG"] = ...` behind the first use of CUDA on the program\'s way.',
    why="cuBLAS reads the variable when it is first used on a device. Set later it changes nothing: "
    "products of "
    "matrices stay nondeterministic, or raise under `torch.use_deterministic_algorithms(True)`.",
    fix=_FIX,
    sources=(
        "https://docs.pytorch.org/docs/stable/generated/torch.use_deterministic_algorithms.html",
        "https://docs.nvidia.com/cuda/cublas/index.html#results-reproducibility",
    ),
    rule=Rule(project=rule),
    invalid=(
        'import os\n\nimport torch\n\nmodel = torch.nn.Linear(8, 8).to("cuda")\n'
        'os.environ["CUBLAS_WORKSPACE_CONFIG"] = ":4096:8"\ntorch.use_deterministic_algorithms(True)\n',
    ),
    valid=(
        'import os\n\nimport torch\n\nos.environ["CUBLAS_WORKSPACE_CONFIG"] = ":4096:8"\n'
        'torch.use_deterministic_algorithms(True)\nmodel = torch.nn.Linear(8, 8).to("cuda")\n',
    ),
)
