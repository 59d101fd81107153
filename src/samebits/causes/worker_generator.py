"""A dataset holds a generator of its own, and every worker of its loader draws from a copy of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from samebits.model.cause import Cause
from samebits.model.rule import Hit, Rule
from samebits.source.project import Home, Project
from samebits.source.summary import Class, Function, SourceStep

_FIX = """\
def __getitem__(self, index):
    rng = np.random.default_rng([self.seed, self.epoch, index])  # of the sample, whoever loads it
    ..."""
#: What makes a generator, by full name; and a method that seeds one as it is made.
_MAKERS: Final = frozenset(
    {"numpy.random.default_rng", "numpy.random.RandomState", "numpy.random.Generator", "random.Random"}
    | {"torch.Generator", "torch.Generator.manual_seed"}
)
_STARTS: Final = frozenset({"__init__", "__post_init__", "setup", "_setup"})
_ASKS: Final = frozenset({"get_worker_info", ".get_worker_info", "initial_seed", ".initial_seed"})


def _is_dataset(project: Project, file: str, of: Class) -> bool:
    if {"__getitem__", "__len__"} <= set(of.methods) or "__iter__" in of.methods:
        return True
    if "__call__" in of.methods and not any(base.endswith("Module") for base in of.bases):
        return True  # a transform, which a dataset holds
    return any(base.endswith(("Dataset", "Dataset[int]")) for base in of.bases)


def _loaded(project: Project, file: str, of: Class) -> SourceStep | None:
    """A loader of several workers that may load this dataset, and that starts them without a function."""
    for where, function, step in project.steps():
        if step.attr != "DataLoader" or step.kind != "call":
            continue
        workers = step.keywords.get("num_workers")
        if (
            workers is None
            or workers.text == "0"
            or "worker_init_fn" in step.keywords
            or "**" in step.keywords
        ):
            continue
        given = step.given(0, "dataset")
        if given is None:
            continue
        made = _made(project, where, function, given.text) or _made_inside(project, where, function, step)
        if made is None or (made.file, made.of.name) == (file, of.name) or "__call__" in of.methods:
            return step
    return None


def _given(
    project: Project, file: str, of: Class, methods: list[Function]
) -> Iterator[tuple[str, SourceStep]]:
    """Attributes that hold a generator which whoever makes the dataset made: with the step that did."""
    start = next((method for method in methods if method.last == "__init__"), None)
    if start is None:
        return
    kept = {
        step.args[0].text: step.name
        for step in start.steps
        if step.kind == "set" and step.name is not None and step.args[0].text in start.parameters
    }
    if not kept:
        return
    for _, function, call in project.callers.get((file, of.name), ()):
        for number, name in enumerate(start.parameters[1:]):
            given = call.given(number, name) if name in kept else None
            made = _maker(function, call, given.text) if given is not None else None
            if made is not None and given is not None:
                yield str(kept[name]), made


def _maker(function: Function, call: SourceStep, text: str) -> SourceStep | None:
    """The step that makes the generator which is given as `text`: a variable, or the call itself."""
    for step in function.steps:
        if step.kind != "call" or step.name not in _MAKERS:
            continue
        inside = call.place.line <= step.place.line <= call.place.end_line and f"{step.attr}(" in text
        if step.target == text or inside:
            return step
    return None


def _made(project: Project, file: str, function: Function, text: str) -> Home | None:
    """The class that a variable of a function holds an object of."""
    for step in function.steps:
        if step.kind == "call" and step.target == text:
            home = project.resolve(step.name, file)
            if home is not None and isinstance(home.of, Class):
                return home
    return None


def _made_inside(project: Project, file: str, function: Function, loader: SourceStep) -> Home | None:
    """`DataLoader(Images(root), ...)`."""
    for step in function.steps:
        inside = loader.place.line <= step.place.line <= loader.place.end_line
        if step.kind == "call" and inside and step is not loader:
            home = project.resolve(step.name, file)
            if home is not None and isinstance(home.of, Class):
                return home
    return None


def rule(project: Project) -> Iterator[Hit]:
    for file, summary in project.files.items():
        for of in summary.classes.values():
            if not _is_dataset(project, file, of):
                continue
            methods = [summary.functions[f"{of.name}.{name}"] for name in of.methods]
            held = {
                step.target: step
                for method in methods
                if method.last in _STARTS
                for step in method.steps
                if step.kind == "call" and step.name in _MAKERS and step.target.startswith("self.")
            }
            held |= dict(_given(project, file, of, methods))
            if not held:
                continue
            again = {
                step.target
                for method in methods
                if method.last not in _STARTS
                for step in method.steps
                if step.target
            }
            for method in methods:
                draw = next(
                    (
                        step
                        for step in method.steps
                        if method.last not in _STARTS
                        and not method.reads & _ASKS
                        and not method.last.startswith("set_")
                        and step.kind == "call"
                        and (step.owner in held or _generator(step) in held)
                        and step.attr not in ("manual_seed", "seed", "set_state", "setstate", "spawn")
                    ),
                    None,
                )
                if draw is None:
                    continue
                name = draw.owner if draw.owner in held else _generator(draw)
                if name in again:
                    continue
                loader = _loaded(project, file, of)
                if loader is None:
                    continue
                yield Hit(
                    draw.place,
                    f"{of.name} draws from {name}, of which every worker of its loader has a copy: "
                    "they draw alike.",
                    _FIX,
                    places=((held[name].place, "it is made here"), (loader.place, "the loader")),
                )
                break


def _generator(step: SourceStep) -> str:
    given = step.keywords.get("generator")
    return given.text if given is not None else ""


CAUSE = Cause(
    name="worker-generator",
    title="Every worker draws from a copy of the dataset's generator",
    what="A dataset that makes a generator in `__init__` and draws from it in `__getitem__` or `__iter__`, "
    "with a loader of several workers and no `worker_init_fn`.",
    why="Each worker gets a copy of the dataset, generator and all, and no seed of torch's or numpy's "
    "reaches it: all workers draw the same numbers, and every epoch those of the first. It repeats, and "
    "hangs on the number of workers.",
    fix=_FIX,
    sources=(
        "https://docs.pytorch.org/docs/stable/data.html#randomness-in-multi-process-data-loading",
        "https://github.com/pytorch/pytorch/issues/41329",
        "https://github.com/Lightning-AI/pytorch-lightning/issues/20679",
    ),
    rule=Rule(project=rule),
    invalid=(
        "import numpy as np\nfrom torch.utils.data import DataLoader, Dataset\n\n\nclass Noisy(Dataset):\n"
        "    def __init__(self, rows):\n        self.rows = rows\n"
        "        self.rng = np.random.default_rng(0)\n\n"
        "    def __len__(self):\n        return len(self.rows)\n\n    def __getitem__(self, index):\n"
        "        return self.rows[index] + self.rng.normal()\n\n\n"
        "loader = DataLoader(Noisy(rows), batch_size=8, num_workers=4)\n",
    ),
    valid=(
        "import numpy as np\nfrom torch.utils.data import DataLoader, Dataset\n\n\nclass Noisy(Dataset):\n"
        "    def __init__(self, rows):\n        self.rows = rows\n\n"
        "    def __len__(self):\n        return len(self.rows)\n\n    def __getitem__(self, index):\n"
        "        return self.rows[index] + np.random.default_rng([0, index]).normal()\n\n\n"
        "loader = DataLoader(Noisy(rows), batch_size=8, num_workers=4)\n",
    ),
)
