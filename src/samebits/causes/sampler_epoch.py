"""A DistributedSampler that is not told the epoch."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Final

from samebits.causes._cuda import Way, ways
from samebits.causes._edits import Draft, UnclearPlace
from samebits.model.cause import Cause
from samebits.model.rule import Hit, Rule
from samebits.source.project import Project, Seen, is_test
from samebits.source.summary import Class, Function, SourcePlace, SourceStep, SourceValue

_FIX = """\
for epoch in range(epochs):
    sampler.set_epoch(epoch)  # else every epoch has the order of the first
    for batch in loader: ..."""
_SAMPLERS: Final = frozenset(
    {"torch.utils.data.distributed.DistributedSampler", "torch.utils.data.DistributedSampler"}
)
#: What tells a sampler the epoch itself.
_FRAMEWORKS: Final = (
    "lightning", "pytorch_lightning", "lightning_fabric", "accelerate", "transformers", "trl", "ignite",
    "catalyst",
    "mmengine", "mmcv", "fastai", "composer", "ray", "detectron2",
)  # fmt: skip
#: The ends of names of what makes a loader or a sampler.
_LOADS: Final = ("DataLoader", "Sampler", "data_loader", "dataloader", "get_loader", "make_loader")
#: What a variable, or an attribute, that holds one is called.
_LOADERS: Final = ("loader", "loader_train", "batches")
_ROUNDS: Final = 3  # calls through which a loader is followed
_HELD_OUT: Final = ("val", "test", "eval", "dev", "infer", "pred", "held")


def _shuffles(step: SourceStep) -> bool:
    """Whether a step makes a sampler that shuffles."""
    if step.kind != "call" or step.name not in _SAMPLERS:
        return False
    given = step.given(3, "shuffle")
    return given is None or given.text == "True"


def _plain(name: str) -> str:
    """The last name of what is written: "train_sampler" of "self.train_sampler"."""
    return name.rpartition(".")[2].strip("()[] ")


def _goes_over_again(project: Project, way: Way) -> bool:
    """Whether the program goes over its data more than once: a loop over a loader is in a loop, or learns."""
    around: dict[int, int] = {}  # by the identity of a function: the loops around its calls
    functions: dict[int, tuple[str, Function]] = {}
    for seen in way.program.trace:
        number = id(seen.function)
        functions[number] = seen.file, seen.function
        around[number] = max(around.get(number, 0), seen.loops - seen.step.loops)
        for home in project.targets(seen.step, seen.file) if seen.step.kind == "call" else ():
            if isinstance(home.of, Function):  # also one without a step of its own
                functions[id(home.of)] = home.file, home.of
                around[id(home.of)] = max(around.get(id(home.of), 0), seen.loops)
        if seen.step.attr == "backward" and seen.step.kind == "call" and seen.loops > 1:
            return True
    loaders = _loaders(project, list(functions.values()))
    return any(
        (name in loaders or name.lower().removesuffix("()").endswith(_LOADERS)) and loops + around[number] > 0
        for number, (_, function) in functions.items()
        for name, loops in function.iterated
    )


def _loaders(project: Project, functions: list[tuple[str, Function]]) -> set[str]:
    """The names of loaders and samplers: of variables, of functions that return one, of parameters."""
    found: set[str] = set()
    for _ in range(_ROUNDS):
        before = len(found)
        for file, function in functions:
            for value in function.returned:
                if _is_loader(value, found):
                    found.add(f"{function.last}()")
            for step in function.steps:
                if step.kind != "call":
                    continue
                if step.attr.endswith(_LOADS) or f"{step.attr}()" in found:
                    found |= {_plain(each) for each in step.target.split(",") if each}
                    found.add(f"{step.attr}()")
                found |= _parameters(project, file, step, found)
        if len(found) == before:
            break
    return found


def _is_loader(value: SourceValue, known: set[str]) -> bool:
    name = (value.name or "").removesuffix("()")
    parts = {_plain(each) for each in value.text.split(",")}
    return bool(name.endswith(_LOADS) or f"{_plain(name)}()" in known or parts & known)


def _parameters(project: Project, file: str, step: SourceStep, known: set[str]) -> set[str]:
    """The parameters as which functions of the project get a loader."""
    places = [number for number, value in enumerate(step.args) if _plain(value.text) in known]
    names = {name for name, value in step.keywords.items() if _plain(value.text) in known}
    if not places:
        return names
    found = set(names)
    for home in project.targets(step, file):
        function = project.method(home, "__init__") if isinstance(home.of, Class) else home
        if function is not None and isinstance(function.of, Function):
            given = [one for one in function.of.parameters if one not in ("self", "cls")]
            found |= {given[place] for place in places if place < len(given)}
    return found


def _uses_framework(project: Project, way: Way) -> bool:
    for file in way.files:
        if any(full.partition(".")[0] in _FRAMEWORKS for full in project.files[file].imports.values()):
            return True
    return False


def rule(project: Project) -> Iterator[Hit]:
    made = {step.place for _, _, step in project.steps() if _shuffles(step)}
    if not made:
        return
    told = _told(project)
    done: set[SourcePlace] = set()
    for way in ways(project):
        if _uses_framework(project, way) or not _goes_over_again(project, way):
            continue
        for seen in way.program.trace:
            place = seen.step.place
            if place not in made or place in done or is_test(seen.file):
                continue
            if _is_held_out(seen) or _is_told(seen, told, way):
                continue
            done.add(place)
            yield Hit(
                place,
                f"{_name(seen.step)} is never told the epoch by set_epoch(): every epoch has the order "
                f"of the "
                "first.",
                _FIX,
                mend=_tell,
            )


def _name(step: SourceStep) -> str:
    return _plain(step.target) or "this DistributedSampler"


def _is_held_out(seen: Seen) -> bool:
    words = [seen.step.target, *(value.text for value in seen.step.args[:1]), seen.function.last]
    if (dataset := seen.step.keywords.get("dataset")) is not None:
        words.append(dataset.text)
    return any(
        part.startswith(_HELD_OUT)
        for word in words
        for part in word.lower().replace(".", "_").replace("-", "_").split("_")
    )


def _told(project: Project) -> dict[str, set[str]]:
    """By file, what `set_epoch` is called on there."""
    found: dict[str, set[str]] = {}
    for file, _, step in project.steps():
        if step.attr == "set_epoch" and step.kind in ("call", "mention"):
            found.setdefault(file, set()).add(step.owner)
    return found


def _is_told(seen: Seen, told: dict[str, set[str]], way: Way) -> bool:
    """Whether some `set_epoch` of the program may be for this sampler."""
    owners = {owner for file in way.files for owner in told.get(file, ())}
    here = told.get(seen.file, set())
    if not owners:
        return False
    name = _plain(seen.step.target)
    others = {_plain(owner) for owner in owners}
    if name in others or not name:
        return True
    rivals = {
        _plain(step.target)
        for step in seen.function.steps
        if step.kind == "call" and "Sampler" in step.attr and step.target
    }
    return not (owners <= here and others <= rivals - {name})


def _tell(draft: Draft, node: ast.Call) -> None:
    above = draft.names.parent(node)
    if not isinstance(above, ast.Assign) or not isinstance(above.targets[0], ast.Name):
        raise UnclearPlace("the sampler has no name of its own")
    name = above.targets[0].id
    holder = draft.names.parent(above)
    if not isinstance(holder, ast.Module | ast.FunctionDef):
        raise UnclearPlace("the sampler is not always made")
    for loop in ast.walk(holder):
        if (
            not isinstance(loop, ast.For)
            or loop.lineno < node.lineno
            or not isinstance(loop.target, ast.Name)
        ):
            continue
        counts = draft.names.called(loop.iter) == "range"
        inner = [each.iter for each in ast.walk(loop) if isinstance(each, ast.For) and each is not loop]
        goes = any(draft.names.called(each) != "range" for each in inner)
        if loop.target.id != "_" and ("epoch" in loop.target.id.lower() or (counts and goes)):
            draft.inside(loop, f"{name}.set_epoch({loop.target.id})")
            return
    raise UnclearPlace("the loop over epochs is elsewhere")


_LOADED = (
    "from torch.utils.data import DataLoader, DistributedSampler\n\n\ndef main(data, epochs):\n"
    "    sampler = DistributedSampler(data)\n    loader = DataLoader(data, sampler=sampler)\n"
    "    for epoch in range(epochs):\n{told}        for batch in loader:\n            print(batch)\n\n\n"
    'if __name__ == "__main__":\n    main(range(8), 3)\n'
)

CAUSE = Cause(
    name="sampler-epoch",
    title="A DistributedSampler without set_epoch",
    what="A `DistributedSampler` that shuffles, in a program that never calls its `set_epoch`.",
    why="It shuffles by its seed and its epoch. Without `set_epoch` the epoch stays 0, so every epoch "
    "has the same "
    "order: it repeats, and is not what shuffling is for. A resumed run begins with that order, too.",
    fix=_FIX,
    sources=(
        "https://docs.pytorch.org/docs/stable/data.html#torch.utils.data.distributed.DistributedSampler",
        "https://github.com/pytorch/pytorch/issues/31771",
    ),
    rule=Rule(project=rule),
    invalid=(_LOADED.format(told=""),),
    valid=(_LOADED.format(told="        sampler.set_epoch(epoch)\n"),),
)
