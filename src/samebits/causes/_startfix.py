"""Seeds at the program's start for all that was never seeded, and numbers for seeds elsewhere.

A number that is the same each time is given only where a line runs once; elsewhere each gets a number of its
own from one generator that is made outside.
"""

from __future__ import annotations

import ast
from collections.abc import Collection
from typing import Final

from samebits.causes._edits import Draft, UnclearPlace
from samebits.causes._libraries import SEEDERS
from samebits.causes._patch import Patch
from samebits.causes._trace import facts_at, last_name, runs_once
from samebits.model import calls
from samebits.model.facts import Detail, Draw, Seed
from samebits.model.sites import Site

FAMILIES: Final = ("python", "numpy", "torch")
_SEEDS: Final = {"random.seed": "python", "numpy.random.seed": "numpy", "torch.manual_seed": "torch"} | {
    "torch.random.manual_seed": "torch"
}
#: Who of a loader's workers is told apart from other processes by this argument.
_WORKERS: Final = "num_workers"


# -- the program's start


def seeded_in_source(patch: Patch) -> set[str]:
    """The families of process-wide generators that the program seeds with a number somewhere."""
    found: set[str] = set()
    for draft in patch.every():
        for node in ast.walk(draft.tree):
            if not isinstance(node, ast.Call):
                continue
            family = _SEEDS.get(draft.names.called(node) or "")
            if family is not None and (node.args or node.keywords):
                found.add(family)
            elif last_name(node) in calls.SEEDING_HELPERS and draft.names.called(node) is not None:
                found.update(FAMILIES)  # of a library
    return found


def _drawn(patch: Patch) -> set[str]:
    """The families that the program draws from, as its record or its source shows."""
    found = {str(fact.detail.generator) for fact in patch.evidence.a if isinstance(fact.detail, Draw)}
    found.add("torch")
    for draft in patch.every():
        for node in ast.walk(draft.tree):
            module, _, name = (
                (draft.names.called(node) if isinstance(node, ast.Call) else "") or ""
            ).rpartition(".")
            if module == "random" and name in calls.PYTHON_DRAWS:
                found.add("python")
            elif module == "numpy.random" and name in calls.NUMPY_DRAWS:
                found.add("numpy")
    return found & set(FAMILIES)


def never_seeded(patch: Patch) -> set[str]:
    """The families that are drawn from and that nothing seeds."""
    rows = [fact.detail for fact in patch.evidence.a]
    known = {str(row.generator) for row in rows if isinstance(row, Seed) and row.value is not None}
    unseeded = {str(row.generator) for row in rows if isinstance(row, Draw) and row.seeded is False}
    return (_drawn(patch) - known - seeded_in_source(patch)) | (unseeded & set(FAMILIES))


def seed_start(patch: Patch, families: Collection[str]) -> None:
    """Seed families of process-wide generators before anything draws."""
    draft = patch.program()
    early = any(
        isinstance(fact.detail, Draw) and fact.site and fact.site.function == "<module>"
        for fact in patch.evidence.a
        if fact.site is None or fact.site.file != draft.file
    )
    own = _own_modules(patch) if early else None
    last = draft.last_import(own)
    number, last = _number(draft, last)
    for family in FAMILIES:
        if last is not None and family in families:
            last = draft.late_import("random" if family == "python" else family, last, own)
    line = None if last is None else (last.end_lineno or last.lineno) + 1
    ranks = any(fact.process.startswith("rank") for fact in patch.evidence.a[:1])
    if ranks:
        number += f' + int({draft.module("os", line)}.environ["RANK"])'  # each rank its own numbers
    texts = {"python": "{}.seed({})", "numpy": "{}.random.seed({})", "torch": "{}.manual_seed({})"}
    lines = [
        texts[family].format(draft.module("random" if family == "python" else family, line or 1), number)
        for family in FAMILIES
        if family in families
    ]
    helper = next((name for name in _imported(draft) if name in SEEDERS), None)
    if helper is not None and "torch" in families and not ranks:
        lines = [f"{draft.module(helper, line or 1)}.{SEEDERS[helper]}({number})"]  # in its own words
    if last is None:
        draft.at_top(*lines)
    elif not early and (helped := _own_helper(draft)) is not None:
        draft.after(
            last, helped
        )  # where the program seeds all by a library's function, it only does so too late
    else:
        draft.after(last, *lines)


def _own_modules(patch: Patch) -> set[str]:
    """What the program's own modules may be imported by: the names in the paths of its files."""
    files = patch.evidence.sources
    return {name.removesuffix(".py") for file in files for name in file.split("/")}


def _own_helper(draft: Draft) -> str | None:
    """The program's call of a library's function that seeds every generator, as it stands there."""
    imported = {
        (alias.asname or alias.name).partition(".")[0]
        for node in draft.tree.body
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    for node in ast.walk(draft.tree):
        if not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)):
            continue
        call = node.value
        values = [*call.args, *(keyword.value for keyword in call.keywords)]
        if (
            last_name(call) in calls.SEEDING_HELPERS
            and ast.unparse(call.func).partition(".")[0] in imported
            and values
            and all(isinstance(value, ast.Constant) for value in values)
        ):
            return draft.source(call)
    return None


def _imported(draft: Draft) -> list[str]:
    """The packages that a program imports at its start, in that order."""
    found: list[str] = []
    for node in draft.tree.body:
        if isinstance(node, ast.Import):
            found += [alias.name.partition(".")[0] for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.append(node.module.partition(".")[0])
    return found


def _number(draft: Draft, last: ast.stmt | None) -> tuple[str, ast.stmt | None]:
    """The program's own name for its seed, if it stands right behind the imports, and where it stands."""
    for node in draft.tree.body if last is not None else ():
        if last is not None and node.lineno <= last.lineno:
            continue
        if not (isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)):
            break
        target = node.targets[0]
        if isinstance(target, ast.Name) and "seed" in target.id.lower() and type(node.value.value) is int:
            return target.id, node
    return "0", last


# -- numbers


def other_processes(patch: Patch, site: Site | None, kind: type[Detail]) -> bool:
    """Whether a line ran in another process than the program's own."""
    return any("/" in fact.process for fact in facts_at(patch.evidence.a, site, kind))


def in_workers(patch: Patch) -> bool:
    """Whether the program's other processes are the workers of loaders, which torch seeds."""
    named: set[str] = set()
    for draft in patch.every():
        for node in ast.walk(draft.tree):
            if isinstance(node, ast.Call):
                named.add(last_name(node))
                named.update(given.arg or "" for given in node.keywords)
    return _WORKERS in named and not named & {"Pool", "Process", "ProcessPoolExecutor", "spawn"}


def fresh(
    patch: Patch, draft: Draft, node: ast.AST, site: Site | None, kind: type[Detail], bits: int = 64
) -> str:
    """A number for a seed, as source: fixed where the line runs once, else another one each time."""
    if other_processes(patch, site, kind):
        if not in_workers(patch):
            raise UnclearPlace("a process draws that nothing seeds")
        seed_start(patch, {"torch"} - seeded_in_source(patch))
        return f"{draft.module('random', draft.statement(node).lineno)}.getrandbits({bits})"
    if runs_once(patch, draft, node, site, kind):
        patch.fixed += 1
        return str(patch.fixed - 1)
    random = draft.module("random")
    name = draft.names_given.setdefault("SEEDS", draft.free("SEEDS"))
    draft.after_imports(f"{name} = {random}.Random(0)  # gives each generator a seed of its own")
    return f"{name}.getrandbits({bits})"
