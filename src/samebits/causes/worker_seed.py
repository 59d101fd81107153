"""What a loader's workers start with gives them seeds that are alike: one for all, or every epoch's."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from samebits.causes._generator_calls import seeds
from samebits.model.cause import Cause
from samebits.model.rule import Hit, Rule
from samebits.source.project import Home, Project, is_test
from samebits.source.summary import Class, Function, SourcePlace, SourceStep, SourceValue

_FIX = """\
def seed_worker(worker_id):
    seed = torch.initial_seed() % 2**32  # torch gives each worker another one, in every epoch
    random.seed(seed)
    np.random.seed(seed)"""
#: Names of what differs between workers and between epochs.
_BOTH: Final = frozenset(
    {"initial_seed", "torch.initial_seed", "base_seed", "get_worker_info", "seed_worker", "SeedSequence"}
    | {"torch.utils.data.get_worker_info", "entropy", "time", "urandom", "getpid", "torch.seed"}
)
_OF_EPOCHS: Final = re.compile(r"epoch|step|iteration|round", re.IGNORECASE)
_OF_RANKS: Final = frozenset({"rank", "local_rank", "get_rank", "global_rank", "get_global_rank"})


def _fault(step: SourceStep, worker: str | None, lasting: bool) -> str | None:
    """What is wrong with one seeding call of such a function; ``worker`` is its parameter for the number."""
    given = step.given(0, "seed", "a")
    if given is None or given.text == "None":
        return None  # from entropy
    reads = given.reads | {given.text}
    if reads & _BOTH or any("worker_info" in name for name in reads):
        return None
    if worker in given.terms and given.terms & _OF_RANKS:
        return "a sum of the worker's number and the rank: workers of two ranks draw alike"
    if worker is None or (worker not in reads and not any(worker in name for name in reads)):
        return "which is the same in all workers: they draw alike"
    if lasting or any(_OF_EPOCHS.search(name) for name in reads):
        return None
    return "which is the same in every epoch: each begins with the numbers of the last one"


def _lasting(step: SourceStep) -> bool:
    """Whether the workers of a loader start once."""
    given = step.keywords.get("persistent_workers")
    return given is not None and given.text not in ("False", "None")


def _called(step: SourceStep) -> str:
    return f"{step.owner}.{step.attr}" if step.owner else step.attr


def _in_function(project: Project, home: Home, given: SourceValue, loader: SourceStep) -> Iterator[Hit]:
    function = home.of
    if isinstance(function, Class):
        return
    parameters = [name for name in function.parameters if name not in ("self", "cls")]
    bound = given.text.startswith(("partial", "functools")) and [
        name for name in parameters if f"{name}=" in given.text
    ]
    left = [name for name in parameters if not bound or name not in bound]
    worker = next((name for name in left if "id" in name), left[0] if left else None)
    found = [
        (step, why)
        for step in function.steps
        if _seeds(project, step, home.file) and (why := _fault(step, worker, _lasting(loader)))
    ]
    if found:
        yield _hit(*found[0], loader.place)


def _seeds(project: Project, step: SourceStep, file: str) -> bool:
    if seeds(step, project, file):
        return True
    if step.kind != "call" or not step.args:
        return False
    return any(
        isinstance(home.of, Function) and any(seeds(inner, project, home.file) for inner in home.of.steps)
        for home in project.targets(step, file)
    )


def _hit(step: SourceStep, why: str, loader: SourcePlace) -> Hit:
    given = step.given(0, "seed", "a")
    text = given.text if given is not None else ""
    return Hit(step.place, f"{_called(step)}() gets {text}, {why}.", _FIX, places=((loader, "the loader"),))


def _augmenter(project: Project) -> SourceStep | None:
    """Where the project makes an augmenter of imgaug, which draws from a generator of the process."""
    for file, _, step in project.steps():
        if step.kind == "call" and (step.name or "").startswith("imgaug.augmenters.") and not is_test(file):
            return step
    return None


def _without_imgaug(project: Project) -> Iterator[Hit]:
    """Loaders whose workers all start with the process's generator of imgaug: each gets a copy of it."""
    augmenter = _augmenter(project)
    if augmenter is None:
        return
    done: set[SourcePlace] = set()
    for file, _, loader in project.steps():
        workers = loader.keywords.get("num_workers") if loader.attr == "DataLoader" else None
        if workers is None or workers.text == "0" or is_test(file):
            continue
        given = loader.keywords.get("worker_init_fn")
        home = project.resolve(given.name, file) if given is not None else None
        shuffle = loader.keywords.get("shuffle")
        if (home is None) != (given is None) or (
            given is None and (shuffle is None or shuffle.text == "False")
        ):
            continue  # not known; or it is no loader to train with
        steps = [(where, step) for where, _, step, _ in project.below(home)] if home is not None else []
        if any((step.name or "").startswith("imgaug") and "seed" in step.attr for _, step in steps):
            continue
        seeding = next((step.place for where, step in steps if _seeds(project, step, where)), loader.place)
        if seeding not in done:
            done.add(seeding)
            yield Hit(
                seeding,
                "nothing seeds imgaug in the workers of this loader: each starts with a copy of the "
                "process's generator, so they augment alike.",
                "imgaug.seed(torch.initial_seed() % 2**31)  # in the worker_init_fn",
                places=((loader.place, "the loader"), (augmenter.place, "an augmenter")),
            )


def rule(project: Project) -> Iterator[Hit]:
    yield from _without_imgaug(project)
    for file, _, step in project.steps():
        given = step.keywords.get("worker_init_fn") if step.kind == "call" else None
        if given is None:
            continue
        home = project.resolve(given.name, file)
        if home is not None and isinstance(home.of, Class):
            home = project.method(home, "__call__")
        if home is not None:
            yield from _in_function(project, home, given, step)


CAUSE = Cause(
    name="worker-seed",
    title="A loader's workers get seeds that are alike",
    what="A `worker_init_fn` that seeds every worker with one number, or with a number that is made of the "
    "worker's and nothing of the epoch's.",
    why="Workers that start from one seed draw the same augmentations. Workers start anew in every epoch "
    "(unless `persistent_workers=True`), so a seed without the epoch in it gives every epoch the same ones. "
    "torch itself gives each worker another seed in every epoch, `torch.initial_seed()` in the worker.",
    fix=_FIX,
    sources=(
        "https://docs.pytorch.org/docs/stable/notes/randomness.html#dataloader",
        "https://docs.pytorch.org/docs/stable/data.html#randomness-in-multi-process-data-loading",
        "https://github.com/pytorch/pytorch/issues/41329",
        "https://github.com/Lightning-AI/pytorch-lightning/issues/20412",
    ),
    rule=Rule(project=rule),
    invalid=(
        "import numpy as np\nfrom torch.utils.data import DataLoader\n\n\ndef start(worker_id):\n"
        "    np.random.seed(42)\n\n\nloader = DataLoader(data, num_workers=4, worker_init_fn=start)\n",
        "import random\nfrom torch.utils.data import DataLoader\n\n\ndef start(worker_id):\n"
        "    random.seed(42 + worker_id)\n\n\n"
        "loader = DataLoader(data, num_workers=4, worker_init_fn=start)\n",
    ),
    valid=(
        "import numpy as np\nimport torch\nfrom torch.utils.data import DataLoader\n\n\n"
        "def start(worker_id):\n"
        "    np.random.seed(torch.initial_seed() % 2**32)\n\n\n"
        "loader = DataLoader(data, num_workers=4, worker_init_fn=start)\n",
    ),
)
