"""Training resumed from a checkpoint without the state of the random generators."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from samebits.causes._checkpoints import goes_on
from samebits.causes._draws import of
from samebits.causes._edits import UnclearPlace
from samebits.causes._evidence import FactPair, facts, is_random, of_kind, pairs, reach, spot
from samebits.causes._patch import InWords, Patch, mends
from samebits.causes._seeds import ever_seeded
from samebits.causes._states import RNG, SAVES, States
from samebits.model.cause import Cause, Evidence
from samebits.model.divergence import FOLLOWING
from samebits.model.events import RANDOM
from samebits.model.facts import Create, Draw, Fact, Load, Probe, RngRestore, Save, Seed
from samebits.model.finding import Finding
from samebits.model.rule import Hit, Rule
from samebits.source.module import Module, last_name
from samebits.source.project import Project
from samebits.source.summary import Function

_FIX = """\
checkpoint = {"model": model.state_dict(), "optimizer": optimizer.state_dict(),
              "torch_rng": torch.get_rng_state(), "python_rng": random.getstate(),
              "numpy_rng": np.random.get_state()}
# and after loading it:
torch.set_rng_state(checkpoint["torch_rng"])
random.setstate(checkpoint["python_rng"])
np.random.set_state(checkpoint["numpy_rng"])"""
_CHECKPOINTS = ("torch.load", "load_state_dict", "load_checkpoint", "load_state")


def _checkpoint(fact: Fact[Load]) -> bool:
    return any(name in str(fact.detail.call) for name in _CHECKPOINTS)


def _restored(evidence: Evidence, load: Fact[Load], *, in_a: bool) -> bool:
    """Whether every generator that the program draws from was restored."""
    rows = [fact for fact in (evidence.a if in_a else evidence.b) if fact.process == load.process]
    calls = [str(fact.detail.call) for fact in of_kind(rows, RngRestore)]
    drawn = {str(fact.detail.generator) for fact in of_kind(rows, Draw)}
    needed = {"numpy": "numpy", "python": "random.setstate", "torch.Generator": "torch.Generator.set_state"}
    # A generator that the program made and seeded, for a loader or a split: drawn from without a trace.
    made: list[Fact[Seed | Create]] = of_kind(rows, Seed, Create)
    own = {of(fact) for fact in made if fact.site and not fact.detail.by}
    return bool(calls) and all(
        any(call.startswith(start) for call in calls)
        for name, start in needed.items()
        if name in drawn | (own & {"torch.Generator"})
    )


def _first_load(evidence: Evidence, load: Fact[Load], *, in_a: bool) -> Fact[Load]:
    """The file's loading, if a `load_state_dict` after it is what was found."""
    rows = evidence.a if in_a else evidence.b
    earlier = [f for f in of_kind(rows, Load) if f.process == load.process and f.at <= load.at]
    return next((fact for fact in earlier if "torch.load" in str(fact.detail.call)), load)


def _resumed(evidence: Evidence) -> tuple[FactPair[Load], bool] | None:
    """A checkpoint that one run loads alone, and whether that is the first run.

    The load may come a little after the divergence: the two runs diverge where one goes to load.
    """
    for pair in pairs(evidence, Load, beyond=True):
        if not _checkpoint(pair.fact) or (pair.a is not None and pair.b is not None):
            continue
        return pair, pair.a is not None
    return None


def _draws_nothing(evidence: Evidence, load: Fact[Load]) -> bool:
    """Whether both runs were seen to their ends, and nothing drew after the load."""
    divergence = evidence.divergence
    if max(len(divergence.after_a), len(divergence.after_b)) >= FOLLOWING:
        return False
    drew = any(event.flags & RANDOM for event in (*divergence.after_a, *divergence.after_b))
    return not drew and not any(fact.at >= load.at for fact in of_kind([*evidence.a, *evidence.b], Draw))


def match(evidence: Evidence) -> Finding | None:
    divergence = evidence.divergence
    found = _resumed(evidence)
    if found is not None:
        pair, in_a = found
        load = _first_load(evidence, pair.fact, in_a=in_a)
        restored = _restored(evidence, load, in_a=in_a)
        asked = any(probe.differs(lambda d: d.value) for probe in pairs(evidence, Probe))
        on = goes_on(evidence, in_a=in_a)
        if on is None and "torch.load" in str(load.detail.call):
            return None  # data, not a checkpoint
        confidence = 0.25 if restored else 0.5 if not on else 0.95 if asked else 0.85
        if _draws_nothing(evidence, load):
            confidence = 0.2  # there is no number that another state would change
        return Finding(
            confidence * reach(evidence, load),
            load.site,
            f"one run resumed from {load.detail.path or 'a checkpoint'} at {spot(load.site)} and the other "
            "did not"
            + (
                "; it restored the generators, so look at what else a resumed run does otherwise."
                if restored
                else ", and the states of the random generators were not restored after it."
            ),
            _FIX,
        )
    # Both runs resume and nothing seeds or restores the generators: they start anew in each.
    loads_a, loads_b = facts(evidence, Load, beyond=True)
    both = [fact for fact in loads_a if _checkpoint(fact) and fact.process == divergence.process]
    if not both or not any(_checkpoint(fact) for fact in loads_b) or not is_random(evidence):
        return None
    if divergence.generators_equal is True or ever_seeded(evidence, "torch", divergence.process):
        return None
    if _restored(evidence, both[0], in_a=True):
        return None
    return Finding(
        0.85 * reach(evidence, both[0]),
        both[0].site,
        f"training resumes from {both[0].detail.path or 'a checkpoint'} at {spot(both[0].site)}, and the "
        "generators are neither restored from it nor seeded: each run goes on with other random numbers.",
        _FIX,
    )


def _change(patch: Patch, finding: Finding) -> str | None:
    """What to save and what to restore, of the generators that the program draws from, with its own names.

    No edits: the run that goes on does another thing than the one that begins, so that no change of the
    program makes these two the same.
    """
    evidence = patch.evidence
    saves = of_kind([*evidence.a, *evidence.b], Save)
    draft = patch.draft(finding.site)
    if finding.site is None or not saves:
        raise UnclearPlace("where the state is saved is not known")
    name = "checkpoint"
    for node in draft.at(finding.site.line):
        if isinstance(node, ast.Assign):
            name = ast.unparse(node.targets[0])
    drawn = {str(fact.detail.generator) for fact in of_kind([*evidence.a, *evidence.b], Draw)}
    alone = not drawn & {"python", "numpy"}
    state = "torch.get_rng_state()" if alone else "samebits.capture_rng()"
    restore = "torch.set_rng_state" if alone else "samebits.restore_rng"
    raise InWords(
        f"# {spot(saves[0].site)}, among what is saved{'' if alone else ' (torch, Python and numpy draw)'}:\n"
        f'    "rng": {state},\n'
        f'# {finding.site}, after all is loaded:\n{restore}({name}["rng"])'
    )


@dataclass(frozen=True, slots=True)
class _Returned(Hit):
    """A state that a function returns: it is a checkpoint where a caller saves it."""

    function: str = ""


_HELD = (
    "has the states of a model and an optimizer, and of no random generator: a run that goes on from it "
    "draws "
    "other numbers."
)


def rule(module: Module) -> Iterator[Hit]:
    if "opt" not in module.text or not any(word in module.text for word in ("state_dict", "optim")):
        return
    states = States(module)
    for state in states.saved():
        if state.rng or _kept_here(module, state.node):
            continue
        call = f" that {last_name(state.node.func)}() gets" if isinstance(state.node, ast.Call) else ""
        yield Hit(module.place(state.node), f"the checkpoint{call} {_HELD}", _FIX)
    for state, function in states.returned():
        if not state.rng and not _kept_here(module, state.node):
            name = module.qualname(function)
            why = f"the checkpoint that {name}() returns {_HELD}"
            yield _Returned(module.place(state.node), why, _FIX, function=name)


def _kept_here(module: Module, node: ast.AST) -> bool:
    """Whether the function that saves takes a state of generators for another file."""
    function = module.function(node)
    return function is not None and any(
        RNG.search(each.attr if isinstance(each, ast.Attribute) else each.id)
        for each in module.within(function)
        if isinstance(each, ast.Attribute | ast.Name)
    )


def confirm(project: Project, hits: Sequence[Hit]) -> Iterator[Hit]:
    """But for those whose state goes to a function that adds the generators' states."""
    wanted = {hit.place for hit in hits}
    helped = set()
    for file, function, step in project.steps():
        if step.place not in wanted or step.kind != "call":
            continue
        if (
            _adds(function)
            or any(isinstance(home.of, Function) and _adds(home.of) for home in project.targets(step, file))
            or any(_adds(caller) for _, caller, _ in project.callers.get((file, function.name), ()))
        ):
            helped.add(step.place)
    files = {hit.place.file for hit in hits if not isinstance(hit, _Returned)}
    for hit in hits:
        if isinstance(hit, _Returned):
            if hit.place.file not in files and _is_saved(project, hit):
                yield hit
        elif hit.place not in helped:
            yield hit


def _is_saved(project: Project, hit: _Returned) -> bool:
    """Whether a function that saves calls the one that returns a state."""
    return any(
        any(step.name in SAVES for step in caller.steps if step.kind == "call") and not _adds(caller)
        for _, caller, _ in project.callers.get((hit.place.file, hit.function), ())
    )


def _adds(function: Function) -> bool:
    return any(RNG.search(word) for word in function.reads)


CAUSE = Cause(
    name="lost-rng-state",
    title="Resumed without the generators' state",
    what="A run that goes on from a checkpoint which does not hold, or whose loading does not restore, the "
    "states of the random generators.",
    why="The uninterrupted run goes on with its generators where they were, the resumed one starts them "
    "anew: dropout, shuffles and augmentations differ from the first resumed step on.",
    fix=_FIX,
    sources=(
        "https://docs.pytorch.org/docs/stable/generated/torch.get_rng_state.html",
        "https://github.com/Lightning-AI/pytorch-lightning/issues/17543",
        "https://github.com/pytorch/torchtitan/issues/1194",
        "https://github.com/huggingface/accelerate/issues/4283",
        "https://github.com/huggingface/transformers/issues/40500",
    ),
    match=match,
    mend=mends(_change),
    rule=Rule(file=rule, confirm=confirm),
    invalid=(
        "import torch\n\nmodel = torch.nn.Linear(2, 2)\n"
        "optimizer = torch.optim.SGD(model.parameters(), lr=0.1)\n"
        "torch.save({'model': model.state_dict(), 'optimizer': optimizer.state_dict()}, 'last.pt')\n",
    ),
    valid=(
        "import torch\n\nmodel = torch.nn.Linear(2, 2)\n"
        "optimizer = torch.optim.SGD(model.parameters(), lr=0.1)\n"
        "torch.save(\n    {\n        'model': model.state_dict(),\n"
        "        'optimizer': optimizer.state_dict(),\n"
        "        'rng': torch.get_rng_state(),\n    },\n    'last.pt',\n)\n",
    ),
)
