"""What a program does with CUDA, as far as its trace shows: where it goes there, and in which mode."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final
from weakref import WeakKeyDictionary

from samebits.source.project import Project, Seen, TracedProgram, is_test
from samebits.source.summary import SourceStep

MODE: Final = frozenset({"torch.use_deterministic_algorithms", "torch.set_deterministic"})
#: What chooses a device by itself, CUDA where there is one.
_CHOOSERS: Final = frozenset({"Accelerator", "Trainer", "Seq2SeqTrainer", "SFTTrainer", "Fabric"})
_FRAMEWORKS: Final = (
    "accelerate", "transformers", "trl", "lightning", "pytorch_lightning", "lightning_fabric",
)  # fmt: skip
_LEARNS: Final = frozenset({"backward", "fit"})


@dataclass(slots=True)
class Way:
    """A program's way.

    Attributes:
        named: the first step that names CUDA for a device.
        used: the first step, before what is called later, that puts something there.
        mode: the step that turns on deterministic algorithms.
        warns: whether that only warns.
        ours: whether samebits' deterministic mode is used.
        trains: whether something is propagated back.
        frameworks: the training frameworks that it uses.
        files: those that it loads.
    """

    program: TracedProgram
    named: Seen | None = None
    used: Seen | None = None
    mode: Seen | None = None
    warns: bool = False
    ours: bool = False
    trains: bool = False
    frameworks: frozenset[str] = frozenset()
    files: set[str] = field(default_factory=set)


def _names_cuda(step: SourceStep) -> bool:
    """Whether an argument of a call is a CUDA device by its text."""
    for value in (*step.args[:2], *step.keywords.values()):
        if "cuda" in value.text and value.text[-19:] != "cuda.is_available()":
            return True
        if any(text.startswith(("'cuda", '"cuda')) for text in value.reads):
            return True
    return False


def moves(step: SourceStep) -> bool | None:
    """Whether a step puts something on CUDA; None where it may, on the program's device."""
    if step.kind != "call":
        return False
    if step.attr == "cuda":
        return bool(step.owner) and step.owner != "torch"
    name = step.name or ""
    if step.attr in ("to", "to_empty"):
        device = step.given(0, "device")
        if device is None or not step.owner:
            return False
        if _names_cuda(step):
            return True
        return None if device.text.rpartition(".")[2].lower() in ("device", "dev", "gpu") else False
    if name.startswith("torch.") and (device := step.keywords.get("device")) is not None:
        if "cuda" in device.text:
            return True
        return None if device.text.rpartition(".")[2].lower() in ("device", "dev", "gpu") else False
    return False


def _names(step: SourceStep) -> bool:
    """Whether a step names CUDA as a device of the program."""
    if step.kind != "call":
        return False
    name = step.name or ""
    if name in ("torch.device", "torch.cuda.set_device", "torch.cuda.device"):
        return name != "torch.device" or _names_cuda(step)
    if step.attr == "add_argument":
        default = step.keywords.get("default")
        return default is not None and default.text.startswith(("'cuda", '"cuda'))
    if step.attr in _CHOOSERS and name.partition(".")[0] in _FRAMEWORKS:
        cpu = step.keywords.get("accelerator")
        return cpu is None or cpu.text != "'cpu'"
    if name in ("torch.nn.DataParallel", "torch.nn.parallel.DataParallel"):
        return True
    if name == "torch.distributed.init_process_group":
        return any(value.text.strip("'\"") == "nccl" for value in (*step.args, *step.keywords.values()))
    return step.attr in ("fit", "train") and _names_cuda(step)


def _deterministic(step: SourceStep) -> bool:
    if step.kind != "call":
        return False
    if step.name in MODE:
        value = step.given(0, "mode", "d")
        return value is not None and value.text != "False"
    if step.name == "torch.set_deterministic_debug_mode":
        return bool(step.args) and step.args[0].text.strip("'\"") in ("warn", "error", "1", "2")
    given = step.keywords.get("deterministic")
    return (
        given is not None
        and given.text == "True"
        and step.attr in ("Trainer", "set_seed", "seed_everything")
        and (step.name or "").partition(".")[0] in _FRAMEWORKS
    )


def _walked(project: Project, program: TracedProgram) -> Way:
    way = Way(program)
    maybe: Seen | None = None
    frameworks: set[str] = set()
    for seen in program.trace:
        step = seen.step
        way.files.add(seen.file)
        if step.kind == "import":
            first = (step.name or "").partition(".")[0]
            if first in _FRAMEWORKS:
                frameworks.add(first)
            continue
        if step.kind != "call":
            continue
        moved = moves(step)
        if moved or (way.named is None and _names(step)):
            way.named = way.named or seen
        if not seen.later:
            if moved and way.used is None:
                way.used = seen
            elif moved is None and maybe is None:
                maybe = seen
        if way.mode is None and _deterministic(step):
            way.mode = seen
            warn = step.keywords.get("warn_only")
            way.warns = warn is not None and warn.text != "False"
        if (step.name or "").startswith("samebits.") and step.attr in ("deterministic", "run"):
            way.ours = True
        if step.attr in _LEARNS and step.owner:
            way.trains = True
        if step.attr in _CHOOSERS or (step.name or "") in ("torch.autograd.grad", "torch.autograd.backward"):
            way.trains = True
    way.frameworks = frozenset(frameworks)
    if way.named is not None and maybe is not None:
        order = {id(seen): number for number, seen in enumerate(program.trace)}
        if way.used is None or order[id(maybe)] < order[id(way.used)]:
            way.used = maybe
    return way


_WAYS: WeakKeyDictionary[Project, tuple[Way, ...]] = WeakKeyDictionary()


def ways(project: Project) -> tuple[Way, ...]:
    """The ways of a project's programs, but for tests."""
    found = _WAYS.get(project)
    if found is None:
        found = tuple(_walked(project, one) for one in project.programs if not is_test(one.file))
        _WAYS[project] = found
    return found
