"""A seed is asked for, and nothing is seeded with it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from samebits.model.cause import Cause
from samebits.model.rule import Hit, Rule
from samebits.source.project import Project, is_test
from samebits.source.summary import MODULE, Function, SourceStep, SourceValue

_FIX = """\
args = parser.parse_args()
samebits.seed_everything(args.seed)  # or torch.manual_seed(args.seed), random.seed(args.seed), ..."""
_SEED: Final = re.compile(r"(?<![a-z])(manual|random|rng|global|torch|np|numpy)?[_-]?seed$", re.IGNORECASE)
_OPTION: Final = re.compile(r"^'--?([\w-]+)'$")
#: Calls that only tell a value, and none that only ask for it.
_TELLS: Final = frozenset(
    {
        *(
            "info",
            "debug",
            "warning",
            "log",
            "format",
            "write",
            "append",
            "add_argument",
            "add_text",
            "update",
        ),
        *(
            "add_scalar",
            "log_params",
            "log_hyperparams",
            "set_postfix",
            "add_hparams",
            "dump",
            "dumps",
            "join",
        ),
        *(
            "option",
            "Option",
            "Field",
            "Argument",
            "argument",
            "add_option",
            "print_help",
            "mkdir",
            "makedirs",
        ),
        *(
            "Path",
            "SummaryWriter",
            "init",
            "save",
            "copy",
            "echo",
            "secho",
            "print_table",
            "add_row",
            "run_name",
        ),
    }
)


#: What reads the options of a command line.
_PARSERS: Final = frozenset({"parse_args", "parse_known_args", "parse", "parse_args_into_dataclasses"})


def _said(value: SourceValue, name: str) -> bool:
    """Whether an argument holds the seed, and not only a text of it."""
    if value.text.startswith(("f'", 'f"', "str(", "repr(", "'", '"')):
        return False
    return name in value.reads or re.search(rf"\b{re.escape(name)}\b", value.text) is not None


def _takes(step: SourceStep, name: str) -> bool:
    """Whether a step does something with a variable, attribute or key of that name."""
    if step.kind == "mention" or step.attr in _TELLS:
        return False
    given = (*step.args, *step.keywords.values())
    return any(_said(value, name) for value in given) or _said(SourceValue(step.owner, None, False), name)


def _whole(step: SourceStep, project: Project, file: str, holder: str) -> bool:
    """Whether a step gives all that was asked for to something outside of the project."""
    if step.kind != "call" or step.attr in _TELLS or not holder:
        return False
    given = (*step.args, *step.keywords.values())
    if any("vars(" in value.text for name, value in step.keywords.items() if name == "**"):
        return True
    texts = {holder, f"vars({holder})", f"{holder}.__dict__", f"*{holder}", f"**{holder}"}
    if not any(value.text in texts for value in given):
        return False
    return step.name is None or not project.targets(step, file)


def _used(project: Project, steps: list[tuple[str, SourceStep]], name: str) -> bool:
    """Whether something of the project does more with a seed than to tell it."""
    if any(_takes(step, name) for file, step in steps if not is_test(file)):
        return True
    return any(
        name in value.text
        for summary in project.files.values()
        for function in summary.functions.values()
        for value in function.returned
    )


def _options(project: Project) -> Iterator[tuple[SourceStep, str]]:
    """The options of command lines that are seeds: the step, and the name that it gets."""
    for file, _, step in project.steps():
        if step.attr != "add_argument" or not step.args or is_test(file):
            continue
        names = [match[1] for value in step.args if (match := _OPTION.match(value.text))]
        given = step.keywords.get("dest")
        name = (
            given.text.strip("'\"")
            if given is not None
            else max(names, key=len, default="").replace("-", "_")
        )
        if name and _SEED.search(name):
            yield step, name


def rule(project: Project) -> Iterator[Hit]:
    options = list(_options(project))
    if options:
        yield from _unused(project, options)
    for file, summary in project.files.items():
        if is_test(file):
            continue
        for function in summary.functions.values():
            asked = _parameter(function)
            if asked is not None and asked not in function.reads and _does_something(function):
                yield Hit(
                    function.place._replace(end_line=function.place.line),
                    f"{function.last}() takes {asked}, and nothing in it is seeded with it.",
                    _FIX,
                )


def _unused(project: Project, options: list[tuple[SourceStep, str]]) -> Iterator[Hit]:
    steps = [(file, step) for file, _, step in project.steps() if step.kind != "mention"]
    held = {step.target for _, step in steps if step.attr in _PARSERS}
    holders = {word.split(",")[0].strip("( ") for word in held if word}
    if any(_whole(step, project, file, holder) for file, step in steps for holder in holders | {"args"}):
        return
    used: dict[str, bool] = {}
    for step, name in options:
        if name not in used:
            used[name] = _used(project, steps, name)
        if not used[name]:
            option = step.args[0].text.strip("'")
            yield Hit(step.place, f"{option} is asked for, and nothing is seeded with it.", _FIX)


def _parameter(function: Function) -> str | None:
    if function.name == MODULE or (function.last.startswith("__") and function.last != "__init__"):
        return None
    if any("overload" in name or "abstract" in name for name in function.decorators):
        return None
    return next((name for name in function.parameters if _SEED.search(name)), None)


def _does_something(function: Function) -> bool:
    """A method that only says what others are to do has no steps."""
    return sum(step.kind == "call" for step in function.steps) > 1


CAUSE = Cause(
    name="unused-seed",
    title="A seed is asked for and not used",
    what="An option `--seed`, or a parameter `seed`, that no generator is seeded with.",
    why="Who gives it expects the run to repeat, and another seed to give another run. Neither is so: the "
    "seed has no effect, or is only written to a log.",
    fix=_FIX,
    sources=(
        "https://docs.pytorch.org/docs/stable/notes/randomness.html#controlling-sources-of-randomness",
        "https://docs.python.org/3/library/argparse.html",
    ),
    rule=Rule(project=rule),
    invalid=(
        "import argparse\nimport torch\n\nparser = argparse.ArgumentParser()\n"
        "parser.add_argument('--seed', type=int, default=0)\nparser.add_argument('--lr', type=float)\n"
        "args = parser.parse_args()\nprint(args.seed, args.lr)\n",
    ),
    valid=(
        "import argparse\nimport torch\n\nparser = argparse.ArgumentParser()\n"
        "parser.add_argument('--seed', type=int, default=0)\nargs = parser.parse_args()\n"
        "torch.manual_seed(args.seed)\n",
    ),
)
