"""Evaluation in the middle of training draws from the generators that training draws from."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from samebits.causes._evaluating import evaluates, of_evaluation
from samebits.causes._generator_calls import ALL, CALLED, TORCH, draws_now, is_layer
from samebits.causes._streams import courses, trains
from samebits.model.cause import Cause
from samebits.model.rule import Hit, Rule
from samebits.source.project import Home, Project, Seen, TracedProgram, is_test
from samebits.source.summary import Class, Function, SourcePlace, SourceStep

_FIX = """\
with torch.random.fork_rng():  # evaluation draws, and training goes on as if it had not
    score = evaluate(model, loader)

loader = DataLoader(valid, generator=torch.Generator().manual_seed(0))  # and loaders by their own"""
_ADMITTED: Final = frozenset({"train", "fit", "main", "backward", "step"})
_ISOLATES: Final = re.compile(r"fork_rng|isolat|preserve_rng|temp_seed|rng_context")


def _in_evaluation(project: Project, program: TracedProgram, seeded: frozenset[str]) -> Iterator[Hit]:
    """What functions draw that a training loop calls to evaluate: the first of each."""
    done: set[SourcePlace] = set()
    for seen in program.trace:
        call = seen.step
        if call.kind != "call" or seen.loops == 0 or call.attr in _ADMITTED:
            continue
        if any(_ISOLATES.search(name) for name in seen.within):
            continue
        for home in project.targets(call, seen.file):
            left_on = _left_on(project, seen, home) if evaluates(call.attr) and TORCH in seeded else None
            if left_on is not None and left_on not in done:
                done.add(left_on)
                yield Hit(
                    left_on,
                    f"{call.attr}() leaves dropout on, for nothing calls eval(): each pass draws masks from "
                    f"{CALLED[TORCH]}, amid training.",
                    "model.eval()  # before the evaluation, and model.train() behind it",
                    places=((call.place, "it is called here"),),
                )
                break
            if not (evaluates(call.attr) or _looks(home.of) or _is_between(seen.function, call)):
                continue
            for file, function, step, within in project.below(home):
                streams = draws_now(step) & seeded
                if not streams or is_layer(step) or is_test(file) or step.place in done:
                    continue
                if any(_ISOLATES.search(name) for name in (*within, *function.reads)):
                    continue
                done.add(step.place)
                stream = min(streams)
                yield Hit(
                    step.place,
                    f"{step.attr}() draws from {CALLED[stream]} in {call.attr}(), amid training: how often "
                    "that is called changes what training draws.",
                    _FIX,
                    places=((call.place, "it is called here"),),
                )
                break


def _left_on(project: Project, seen: Seen, home: Home) -> SourcePlace | None:
    """Where an evaluating function runs a model that nobody has put into evaluation."""
    if isinstance(home.of, Class) or any(
        step.kind == "call"
        and (step.attr == "eval" or (function is home.of and step.attr in ("train", "backward")))
        for function in (home.of, seen.function)
        for step in function.steps
    ):
        return None
    quiet = any(name.endswith("no_grad") or "inference_mode" in name for name in home.of.decorators)
    runs = next(
        (
            step
            for step in home.of.steps
            if step.kind == "call" and step.attr in home.of.parameters and not step.owner
            if quiet or any("no_grad" in name or "inference_mode" in name for name in step.within)
        ),
        None,
    )
    if runs is None or not any(
        (step.name or "").startswith("torch.nn.Dropout") for _, _, step in project.steps()
    ):
        return None
    return runs.place


def _is_between(function: Function, call: SourceStep) -> bool:
    """Whether a call stands between `model.eval()` and `model.train()`."""
    modes = {
        name: [
            step.place.line
            for step in function.steps
            if step.attr == name and step.owner and step.kind == "call"
        ]
        for name in ("eval", "train")
    }
    line = call.place.line
    after = [number for number in modes["train"] if number > line]
    return bool(after) and any(
        before < line and not any(before < other < line for other in modes["train"])
        for before in modes["eval"]
    )


def _looks(of: Function | Class) -> bool:
    """Whether a function puts a model into evaluation, and trains none."""
    if isinstance(of, Class):
        return False
    done = {step.attr for step in of.steps if step.kind == "call" and step.owner and not step.args}
    return "eval" in done and not done & {"backward", "zero_grad", "step"}


def _loaders(program: TracedProgram) -> Iterator[Hit]:
    """Loaders for evaluation that shuffle by torch's default generator."""
    for seen in program.trace:
        step = seen.step
        if (
            step.kind != "call"
            or step.attr != "DataLoader"
            or "generator" in step.keywords
            or is_test(seen.file)
        ):
            continue
        shuffle = step.keywords.get("shuffle")
        if shuffle is None or shuffle.text != "True":
            continue
        if of_evaluation(step):
            yield Hit(
                step.place,
                "this loader for evaluation shuffles by torch's default generator: each pass over it changes "
                "what training draws after it.",
                _FIX,
            )


def rule(project: Project) -> Iterator[Hit]:
    seeded = {
        (program.file, stream)
        for stream in ALL
        for program, course in courses(project, stream)
        if course.seeded is not None
    }
    for program in project.programs:
        if not trains(program):
            continue
        streams = frozenset(stream for stream in ALL if (program.file, stream) in seeded)
        if streams:  # else it does not repeat as it is
            yield from _in_evaluation(project, program, streams)
        if TORCH in streams:
            yield from _loaders(program)


CAUSE = Cause(
    name="evaluation-draws",
    title="Evaluation draws from the training's generators",
    what="Random numbers, or the shuffling of a loader, in what evaluates a model while it is trained, from "
    "the generators that training draws from.",
    why="Training goes on from wherever evaluation left the generators. To evaluate more often, on more "
    "samples or not at all then changes the order of the training data, the dropout and the weights: what "
    "only looks at a run changes it.",
    fix=_FIX,
    sources=(
        "https://github.com/pytorch/pytorch/issues/80119",
        "https://github.com/pytorch/pytorch/issues/122697",
        "https://docs.pytorch.org/docs/stable/random.html#torch.random.fork_rng",
    ),
    rule=Rule(project=rule, fragile=True),
    invalid=(
        "import torch\n\ntorch.manual_seed(0)\n\n\ndef evaluate(model):\n"
        "    return model(torch.randn(8, 4)).mean()\n\n\n"
        "model = torch.nn.Linear(4, 1)\noptimizer = torch.optim.SGD(model.parameters(), lr=0.1)\n"
        "for step in range(100):\n    model(torch.ones(4)).sum().backward()\n    optimizer.step()\n"
        "    evaluate(model)\n",
    ),
    valid=(
        "import torch\n\ntorch.manual_seed(0)\n\n\ndef evaluate(model):\n    with torch.random.fork_rng():\n"
        "        return model(torch.randn(8, 4)).mean()\n\n\n"
        "model = torch.nn.Linear(4, 1)\noptimizer = torch.optim.SGD(model.parameters(), lr=0.1)\n"
        "for step in range(100):\n    model(torch.ones(4)).sum().backward()\n    optimizer.step()\n"
        "    evaluate(model)\n",
    ),
)
