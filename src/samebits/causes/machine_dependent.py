"""What is computed depends on the machine: on its processors, or on how many GPUs it has."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from typing import Final

from samebits.causes._arguments import arguments
from samebits.causes._nodes import named_calls
from samebits.model.cause import Cause
from samebits.model.rule import Hit, Rule
from samebits.source.module import Module, is_constant, last_name
from samebits.source.orderings import DRAWS
from samebits.source.project import is_test
from samebits.source.variables import Variables

_FIX = """\
workers, batch_size = 4, 64  # fixed, or options of the program: os.cpu_count() is another on every machine"""

_PROCESSORS: Final = frozenset(
    {"os.cpu_count", "multiprocessing.cpu_count", "torch.multiprocessing.cpu_count", "psutil.cpu_count"}
    | {"os.process_cpu_count", "os.sched_getaffinity", "torch.get_num_threads", "joblib.cpu_count"}
)
_GPUS: Final = frozenset({"torch.cuda.device_count", "torch.cuda.get_device_properties"})
_COUNTS: Final = _PROCESSORS | _GPUS
_WORDS: Final = ("cpu_count", "device_count", "sched_getaffinity", "get_num_threads", "get_device_properties")

_LOADERS: Final = frozenset({"DataLoader", "StatefulDataLoader", "MultiEpochsDataLoader"})
#: Parts of the data: function -> the place and the name of their number.
_PARTS: Final = {
    "numpy.array_split": (1, "indices_or_sections"),
    "numpy.split": (1, "indices_or_sections"),
    "torch.chunk": (1, "chunks"),
    "torch.tensor_split": (1, "indices_or_sections"),
    "sklearn.model_selection.KFold": (0, "n_splits"),
    "sklearn.model_selection.StratifiedKFold": (0, "n_splits"),
    "more_itertools.divide": (0, "n"),
}
#: Draws of numbers of the process's own generators, and random transforms.
_RANDOM: Final = ("torchvision.transforms.Random", "torchvision.transforms.v2.Random", "imgaug.")
_DEPTH: Final = 5


def rule(module: Module) -> Iterator[Hit]:
    if not any(word in module.text for word in _WORDS) or is_test(module.file):
        return
    reader = _Reader(module)
    for call, name, last in named_calls(module):
        if last in _LOADERS:
            yield from reader.loader(call)
        elif name is not None and name in _PARTS:
            place, word = _PARTS[name]
            count = reader.count(arguments(module, call).given(place, word))
            if count and reader.is_random_after(call):
                yield reader.hit(call, f"{last}() makes as many parts as {count} gives")
        elif last == "spawn" and call.args and "SeedSequence" in module.text:
            if count := reader.count(call.args[0]):
                yield reader.hit(call, f"there are as many streams as {count} gives")
        elif name in ("torch.manual_seed", "random.seed", "numpy.random.seed") and call.args:
            if count := reader.count(call.args[0]):
                yield reader.hit(call, f"the seed is made of {count}")
        elif name is not None and name.startswith("torch.optim.") and last[:1].isupper():
            given = arguments(module, call).given(1, "lr")
            if (count := reader.count(given)) and reader.multiplied(given):
                yield reader.hit(call, f"the learning rate is made of {count}")


class _Reader:
    def __init__(self, module: Module) -> None:
        self.module = module
        self.names = module.names
        self.variables = Variables(module)

    def hit(self, call: ast.Call, what: str) -> Hit:
        return Hit(
            self.module.place(call),
            f"{what}, and computes something else on a machine that has another number.",
            _FIX,
        )

    def loader(self, call: ast.Call) -> Iterator[Hit]:
        given = arguments(self.module, call)
        size, workers = given.given(1, "batch_size"), given.given(5, "num_workers")
        count = self.count(size)
        shuffle = given.given(2, "shuffle")
        trains = (shuffle is not None and not is_constant(shuffle, False)) or given.given(3, "sampler")
        if count and trains and self.multiplied(size):
            yield self.hit(call, f"the batch size is made of {count}")
        elif (count := self.count(workers)) and self._draws:
            yield self.hit(call, f"each of as many workers as {count} gives draws numbers of its own")

    def count(self, node: ast.expr | None) -> str | None:
        """The call that asks the machine, of which an expression is made."""
        found = self._asked(node)
        return None if found is None else f"{self.names.called(found)}()"

    def _asked(self, node: ast.expr | None, depth: int = 0) -> ast.Call | None:
        if node is None or depth > _DEPTH:
            return None
        match node:
            case ast.Call():
                if self.names.called(node) in _COUNTS:
                    return node
                if last_name(node.func) in ("len", "int", "max", "min", "round"):
                    return self._first(node.args, depth)
                return None
            case ast.BinOp():
                return self._asked(node.left, depth + 1) or self._asked(node.right, depth + 1)
            case ast.BoolOp():
                return self._first(node.values, depth)
            case ast.IfExp():
                return self._asked(node.body, depth + 1) or self._asked(node.orelse, depth + 1)
            case ast.Attribute():
                if isinstance(node.value, ast.Call):  # of a device's properties
                    return self._asked(node.value, depth + 1)
                return None
            case ast.Name():
                return self._first(self.names.values(node) or (), depth)
            case _:
                return None

    def _first(self, nodes: Iterable[ast.expr], depth: int) -> ast.Call | None:
        return next((asked for each in nodes if (asked := self._asked(each, depth + 1)) is not None), None)

    def multiplied(self, node: ast.expr | None, depth: int = 0) -> bool:
        """Whether the count makes it larger: who divides by it keeps the size of all parts together."""
        if node is None or depth > _DEPTH:
            return False
        match node:
            case ast.BinOp(op=ast.Div() | ast.FloorDiv()):
                return self.multiplied(node.left, depth + 1)
            case ast.BinOp():
                return self.multiplied(node.left, depth + 1) or self.multiplied(node.right, depth + 1)
            case ast.Name():
                return any(self.multiplied(each, depth + 1) for each in self.names.values(node) or ())
            case ast.Call() if self.names.called(node) not in _COUNTS:
                return any(self.multiplied(each, depth + 1) for each in node.args)
            case ast.IfExp():
                return self.multiplied(node.body, depth + 1) or self.multiplied(node.orelse, depth + 1)
            case ast.BoolOp():
                return any(self.multiplied(each, depth + 1) for each in node.values)
            case _:
                return self._asked(node) is not None

    @property
    def _draws(self) -> bool:
        """Whether something in the file draws per item: a random transform, or a dataset that draws."""
        for call, name, _ in self.module.calls:
            if name is None:
                continue
            if name.startswith(_RANDOM):
                return True
            function = self.module.function(call)
            if (
                name in DRAWS
                and function is not None
                and function.name in ("__getitem__", "__iter__", "__call__")
            ):
                return not name.startswith("torch.nn.")
        return False

    def is_random_after(self, call: ast.Call) -> bool:
        """Whether the parts are drawn from, or are folds: a map over parts gives the same together."""
        name = self.names.called(call) or ""
        if name.startswith("sklearn."):
            return True
        above = self.names.parent(call)
        loops = [above] if isinstance(above, ast.For | ast.comprehension) else []
        if isinstance(above, ast.Assign) and isinstance(above.targets[0], ast.Name):
            for load in self.variables.loads(above.targets[0]):
                user = self.names.parent(load)
                if isinstance(user, ast.For | ast.comprehension):
                    loops.append(user)
        return any(
            self.names.called(inner) in DRAWS
            for loop in loops
            for inner in ast.walk(loop)
            if isinstance(inner, ast.Call)
        )


CAUSE = Cause(
    name="machine-dependent",
    title="A result that depends on the machine",
    what="A batch size, a learning rate, a seed, a number of folds or of streams, or the number of workers "
    "that draw, made of `os.cpu_count()` or `torch.cuda.device_count()`.",
    why="The same program computes something else on another machine: other batches, other parts, other "
    "streams of random numbers. Nothing in its options or its log tells.",
    fix=_FIX,
    sources=(
        "https://docs.python.org/3/library/os.html#os.cpu_count",
        "https://docs.pytorch.org/docs/stable/data.html#multi-process-data-loading",
        "https://github.com/Lightning-AI/pytorch-lightning/issues/20679",
    ),
    rule=Rule(file=rule, fragile=True),
    invalid=(
        "import torch\nfrom torch.utils.data import DataLoader\n\n"
        "loader = DataLoader(range(100), batch_size=8 * max(1, torch.cuda.device_count()), shuffle=True)\n",
        "import os\n\nfrom torch.utils.data import DataLoader\nfrom torchvision import transforms\n\n"
        "augment = transforms.RandomCrop(28)\n"
        "loader = DataLoader(images, num_workers=os.cpu_count())\n",
    ),
    valid=(
        "import torch\nfrom torch.utils.data import DataLoader\n\n"
        "loader = DataLoader(range(100), batch_size=8, shuffle=True)\n",
        "import os\n\nfrom torch.utils.data import DataLoader\nfrom torchvision import transforms\n\n"
        "augment = transforms.RandomCrop(28)\n"
        "loader = DataLoader(images, num_workers=4)\n",
    ),
)
