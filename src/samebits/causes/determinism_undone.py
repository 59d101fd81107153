"""Deterministic settings are turned on in one place and off in another."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Final

from samebits.causes._cuda import MODE, ways
from samebits.causes._edits import Draft, UnclearPlace
from samebits.model.cause import Cause
from samebits.model.rule import Hit, Rule
from samebits.source.module import is_constant
from samebits.source.project import Project, Seen, is_test
from samebits.source.summary import Function, SourcePlace, SourceStep

_FIX = """\
torch.use_deterministic_algorithms(True)  # once, and nowhere False
torch.backends.cudnn.deterministic = True"""
_DETERMINISTIC: Final = "torch.backends.cudnn.deterministic"
_DEBUG: Final = "torch.set_deterministic_debug_mode"
_BRANCHES: Final = frozenset({"if", "else", "try", "except", "finally"})
_CONTEXTS: Final = ("contextmanager", "asynccontextmanager")


def _turns(step: SourceStep) -> tuple[str, bool] | None:
    """The setting that a step turns on or off."""
    if step.kind == "set" and step.name == _DETERMINISTIC:
        value = step.args[0].text if step.args else ""
        return (_DETERMINISTIC, value == "True") if value in ("True", "False") else None
    if step.kind == "set" and step.name == "os.environ['CUBLAS_WORKSPACE_CONFIG']":
        return None
    if step.kind != "call":
        return None
    given = step.given(0, "mode", "d", "debug_mode")
    if step.name in MODE and given is not None and given.text in ("True", "False"):
        return "torch.use_deterministic_algorithms", given.text == "True"
    if step.name == _DEBUG and given is not None and given.constant:
        return "torch.use_deterministic_algorithms", given.text.strip("'\"") not in ("default", "0")
    return None


def _restores(function: Function, off: SourceStep, setting: str) -> bool:
    """Whether the function gives the setting back, or is what gives it back."""
    if "finally" in off.within or function.last in ("__exit__", "__del__", "tearDown", "teardown"):
        return True
    if function.last == "__enter__" or any(
        one.rpartition(".")[2] in _CONTEXTS for one in function.decorators
    ):
        return True
    behind = False
    for step in function.steps:
        if step is off:
            behind = True
        elif behind:
            turned = _turns(step)
            if turned is not None and turned[0] == setting and turned[1]:
                return True
            if step.kind == "call" and step.name in MODE and turned is None:
                return True  # to what it was
            if step.kind == "set" and step.name == setting and turned is None:
                return True
    return False


def _alternatives(on: Seen, off: Seen) -> bool:
    """Whether two steps of one function are of two branches."""
    if on.function is not off.function:
        return False
    first = [word for word in on.step.within if word in _BRANCHES]
    second = [word for word in off.step.within if word in _BRANCHES]
    return bool(first and second) and first != second


def rule(project: Project) -> Iterator[Hit]:
    done: set[SourcePlace] = set()
    for way in ways(project):
        on: dict[str, list[Seen]] = {}
        for seen in way.program.trace:
            turned = _turns(seen.step)
            if turned is None:
                continue
            setting, value = turned
            if value:
                on.setdefault(setting, []).append(seen)
                continue
            place = seen.step.place
            before = [one for one in on.get(setting, ()) if not _alternatives(one, seen)]
            if not before or place in done or is_test(seen.file):
                continue
            if _restores(seen.function, seen.step, setting):
                continue
            done.add(place)
            first = before[-1]
            where = f"line {first.step.place.line}" if first.file == seen.file else str(first.file)
            what = "cudnn.deterministic" if setting == _DETERMINISTIC else "use_deterministic_algorithms"
            yield Hit(
                place,
                f"{what} is turned off here, after {where} turned it on for the whole program.",
                _FIX,
                mend=_turn_on,
                places=((first.step.place, "it is turned on"),),
            )


def _turn_on(draft: Draft, node: ast.stmt | ast.expr) -> None:
    value: ast.expr | None = None
    if isinstance(node, ast.Assign):
        value = node.value
    elif isinstance(node, ast.Call) and len(node.args) == 1 and not node.keywords:
        value = node.args[0]
    if not is_constant(value, False) or value is None:
        raise UnclearPlace("how it is turned off is not plain")
    draft.replace(value, "True")


CAUSE = Cause(
    name="determinism-undone",
    title="A deterministic setting is undone",
    what="`torch.use_deterministic_algorithms(False)`, or `torch.backends.cudnn.deterministic = False`, "
    "after "
    "another place of the program has turned it on.",
    why="These settings are of the whole process, and the last one counts: what runs behind it uses "
    "nondeterministic kernels again, and nothing says so.",
    fix=_FIX,
    sources=(
        "https://docs.pytorch.org/docs/stable/generated/torch.use_deterministic_algorithms.html",
        "https://docs.pytorch.org/docs/stable/backends.html#torch.backends.cudnn.deterministic",
    ),
    rule=Rule(project=rule),
    invalid=(
        "import torch\n\ntorch.use_deterministic_algorithms(True)\n\n\ndef train():\n"
        "    torch.use_deterministic_algorithms(False)\n\n\ntrain()\n",
        "import torch\n\ntorch.backends.cudnn.deterministic = True\nmodel = torch.nn.Conv2d(3, 8, 3).cuda()\n"
        "torch.backends.cudnn.deterministic = False\n",
    ),
    valid=(
        "import torch\n\ntorch.use_deterministic_algorithms(True)\n\n\ndef train():\n"
        "    torch.use_deterministic_algorithms(False)\n    try:\n        pass\n    finally:\n"
        "        torch.use_deterministic_algorithms(True)\n\n\ntrain()\n",
        "import torch\n\ntorch.backends.cudnn.deterministic = True\n"
        "model = torch.nn.Conv2d(3, 8, 3).cuda()\n",
    ),
)
