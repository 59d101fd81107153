"""Seeds where none was given: at the program's start, where an object is made, and in a library's call.

All that was never seeded is seeded in one round.  A number that is the same each time is given only where a
line runs once; elsewhere each gets a number of its own from one generator that is made outside.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator
from typing import Final

from samebits.causes._edits import Draft, UnclearPlace
from samebits.causes._libraries import SPACES, TRIALS, Argument, argument
from samebits.causes._patch import InWords, Patch
from samebits.causes._trace import call_at, calls_at, facts_at, last_name, made, runs_once, seen
from samebits.model import calls
from samebits.model.facts import Create, Detail, Draw, Seed
from samebits.model.finding import Finding
from samebits.model.sites import Site

FAMILIES: Final = ("python", "numpy", "torch")
_OBJECTS: Final = frozenset(
    {*calls.PYTHON_GENERATORS, *calls.PYTHON_ENTROPY, *calls.NUMPY_GENERATORS, *calls.BIT_GENERATORS}
)
_BITS: Final = {"RandomState": 32}
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
    last = None if early else draft.last_import()
    number, last = _number(draft, last)
    line = None if last is None else (last.end_lineno or last.lineno) + 1
    if any(fact.process.startswith("rank") for fact in patch.evidence.a[:1]):
        number += f' + int({draft.module("os", line)}.environ["RANK"])'  # each rank its own numbers
    texts = {"python": "{}.seed({})", "numpy": "{}.random.seed({})", "torch": "{}.manual_seed({})"}
    lines = [
        texts[family].format(draft.module("random" if family == "python" else family, line or 1), number)
        for family in FAMILIES
        if family in families
    ]
    if last is None:
        draft.at_top(*lines)
    elif (own := _own_helper(draft)) is not None:
        draft.after(
            last, own
        )  # where the program seeds all by a library's function, it only does so too late
    else:
        draft.after(last, *lines)


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


def _in_workers(patch: Patch) -> bool:
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
        if not _in_workers(patch):
            raise UnclearPlace("a process draws that nothing seeds")
        seed_start(patch, {"torch"} - seeded_in_source(patch))
        return f"{draft.module('random')}.getrandbits({bits})"
    if runs_once(patch, draft, node, site, kind):
        patch.fixed += 1
        return str(patch.fixed - 1)
    random = draft.module("random")
    name = draft.names_given.setdefault("SEEDS", draft.free("SEEDS"))
    draft.after_imports(f"{name} = {random}.Random(0)  # gives each generator a seed of its own")
    return f"{name}.getrandbits({bits})"


# -- objects


def seed_object(patch: Patch, site: Site | None, kind: type[Detail] = Create) -> None:
    """Give the generator object that a line makes, or reseeds from the system, a seed by its signature."""
    draft = patch.draft(site)
    assert site is not None
    found = calls_at(draft, site.line, _OBJECTS)
    if found:
        call = found[0]
        given: list[ast.expr] = [*call.args, *(word.value for word in call.keywords)]
        if given and not (isinstance(given[0], ast.Constant) and given[0].value is None):
            raise UnclearPlace("it is made of something else")
        number = fresh(patch, draft, call, site, kind, _BITS.get(last_name(call), 64))
        function = draft.source(call.func).replace("SystemRandom", "Random")  # which takes no seed
        draft.replace(call, f"{function}({number})")
        return
    if not calls_at(draft, site.line, {"seed", "seed_all"}):
        _seed_drawn_from(patch, draft, site)
        return
    call = call_at(draft, site, {"seed", "seed_all"})
    number = fresh(patch, draft, call, site, Seed, 63)
    used = not isinstance(draft.names.parent(call), ast.Expr)
    owner = draft.source(call.func.value) if isinstance(call.func, ast.Attribute) else ""
    if draft.names.qualified(call.func) in ("random.seed", "numpy.random.seed"):
        draft.replace(call, f"{draft.source(call.func)}({number})")
        return
    name = "manual_seed_all" if last_name(call) == "seed_all" else "manual_seed"
    draft.replace(call, f"{owner}.{name}({number}){'.initial_seed()' if used else ''}")


def _seed_drawn_from(patch: Patch, draft: Draft, site: Site) -> None:
    """The line draws (`self.rng.normal()`): its object gets the seed where that is made."""
    places: list[Site] = []
    for call in calls_at(draft, site.line, {*calls.PYTHON_DRAWS, *calls.NUMPY_DRAWS}):
        if isinstance(call.func, ast.Attribute):
            for other, node in made(patch, draft, call.func.value) or []:
                if isinstance(node, ast.Call) and last_name(node) in _OBJECTS:
                    places.append(Site(other.file, node.lineno))
    if not places or site in places:
        raise UnclearPlace("where the generator is made is not known")
    for place in dict.fromkeys(places):
        seed_object(patch, place)


def unseeded_objects(patch: Patch) -> Iterator[Site]:
    """Where the program itself makes generators without a seed."""
    sites = {}
    for fact in patch.evidence.a:
        row = fact.detail
        if not isinstance(row, Create) or row.seeded is not False or row.by or fact.site is None:
            continue
        if row.generator != "torch.Generator":  # that starts from a number that is fixed in torch
            sites[fact.site.file, fact.site.line] = fact.site
    yield from sites.values()


# -- libraries


def _libraries_at(patch: Patch, draft: Draft, site: Site) -> set[str]:
    """The packages whose functions a line was seen to draw with, or names."""
    rows = [fact.detail for fact in facts_at(patch.evidence.a, site)]
    words = [str(word) for row in rows for word in (getattr(row, "by", ""), getattr(row, "call", "")) if word]
    words += [draft.names.called(call) or "" for call in calls_at(draft, site.line)]
    return {word.partition(".")[0] for word in words if "." in word}


def keep_order(patch: Patch, site: Site | None) -> bool:
    """Give a method that loses the order of rows the argument that keeps it, in a file that imports it."""
    draft = patch.draft(site)
    modules = {
        alias.name.partition(".")[0]
        for node in ast.walk(draft.tree)
        if isinstance(node, ast.Import)
        for alias in node.names
    }
    done = False
    for call in calls_at(draft, site.line) if site is not None else ():
        for library in sorted(modules):
            row = argument(library, last_name(call))
            if row is None or row.value is None or draft.names.called(call) is not None:
                continue
            if row.needs <= {given.arg for given in call.keywords}:
                draft.keyword(call, row.name, row.value)
                done = True
    return done


def seed_library(patch: Patch, finding: Finding) -> bool:
    """Give the library's call on a finding's line the argument that makes it repeat."""
    site = finding.site
    draft = patch.draft(site)
    assert site is not None
    libraries = _libraries_at(patch, draft, site)
    for call in calls_at(draft, site.line):
        for library in libraries:
            if library in SPACES and last_name(call) == "sample":
                _seed_space(patch, draft, call, site)
                return True
            row = argument(library, last_name(call))
            if row is not None and row.value is None:
                _give(patch, draft, call, site, row)
                return True
            if _seed_made(patch, draft, call, site, library):
                return True
    return any(_seed_trials(patch, library) for library in libraries & TRIALS.keys())


def _give(patch: Patch, draft: Draft, call: ast.Call, site: Site, row: Argument) -> None:
    kind = type(next((fact.detail for fact in facts_at(patch.evidence.a, site)), Draw()))
    draft.keyword(call, row.name, fresh(patch, draft, call, site, kind, 32))


def _seed_made(patch: Patch, draft: Draft, call: ast.Call, site: Site, library: str) -> bool:
    """A method drew: seed its object where that is made (`KMeans(8)` of `model.fit(x)`)."""
    if not isinstance(call.func, ast.Attribute):
        return False
    done = False
    for other, node in made(patch, draft, call.func.value) or []:
        done = _give_maker(patch, other, node, library) or done
    return done


def _give_maker(patch: Patch, draft: Draft, node: ast.AST, library: str) -> bool:
    """The argument of a library's constructor, where it takes one and was given none."""
    row = argument(library, last_name(node)) if isinstance(node, ast.Call) else None
    if row is None or row.value is not None or not isinstance(node, ast.Call):
        return False
    if any(given.arg == row.name for given in node.keywords):
        return False
    draft.keyword(node, row.name, fresh(patch, draft, node, None, Create, 32))
    return True


def _seed_trials(patch: Patch, library: str) -> bool:
    """A search over trials drew: its sampler gets a seed, and one trial runs after the other."""
    done = False
    name, threads, value = TRIALS[library]
    for draft in patch.every():
        for node in ast.walk(draft.tree):
            done = _give_maker(patch, draft, node, library) or done
            if not isinstance(node, ast.Call) or last_name(node) != name:
                continue
            if any(given.arg == threads for given in node.keywords):
                draft.keyword(node, threads, value)
                done = True
    return done


def _seed_space(patch: Patch, draft: Draft, call: ast.Call, site: Site) -> None:
    """`env.action_space.seed(0)` after the statement that makes the environment."""
    if not isinstance(call.func, ast.Attribute):
        raise UnclearPlace("it is no space's method")
    space = call.func.value
    root: ast.expr = space
    while isinstance(root, ast.Attribute) and not _assigned(draft, root, call):
        root = root.value
    found = _assigned(draft, root, call)
    if len(found) != 1:
        raise UnclearPlace("where the environment is made is not known")
    number = fresh(patch, draft, found[0], None, Draw, 31)
    draft.after(found[0], f"{draft.source(space)}.seed({number})")


def _assigned(draft: Draft, target: ast.expr, seen_from: ast.AST) -> list[ast.Assign]:
    """The statements that assign to a name or attribute as it is written, in the same function or outside."""
    text, scopes = ast.unparse(target), {draft.names.function(seen_from), None}
    return [
        node
        for node in ast.walk(draft.tree)
        if isinstance(node, ast.Assign)
        and any(ast.unparse(one) == text for one in node.targets)
        and draft.names.function(node) in scopes
    ]


# -- what causes ask for


def seed_everything(patch: Patch, finding: Finding, family: str) -> str | None:
    """The fix of a generator that was never seeded: its own seed, and all others that are missing."""
    subject = finding.subject
    generator = str(getattr(subject, "generator", "") or "")
    site = finding.site
    if not generator:
        here = [
            f.detail
            for f in patch.evidence.a
            if isinstance(f.detail, Create | Draw | Seed) and f.site == site
        ]
        generator = next((str(row.generator) for row in here if _family(row) == family), family)
    subject = subject or next((fact.detail for fact in facts_at(patch.evidence.a, site, Create)), None)
    named = generator not in FAMILIES or bool(getattr(subject, "by", None))
    if other_processes(patch, site, Draw) and not _in_workers(patch):
        raise UnclearPlace("a process draws that no seed of the program's start reaches")
    missing = never_seeded(patch)
    if site is not None and named and seed_library(patch, finding):
        pass
    elif generator in FAMILIES and not _reseeded(patch, site, family):
        missing.add(family)
    elif by := getattr(subject, "by", None):
        raise InWords(
            f"# {site}: {by} makes a generator of its own; give it the seed that it takes (seed=,\n"
            "# random_state=, rng=), or let samebits run seed it without a change to the program"
        )
    else:
        seed_object(patch, site)
    if missing:
        seed_start(patch, missing)
    for other in unseeded_objects(patch):
        if site is None or (other.file, other.line) != (site.file, site.line):
            try:
                seed_object(patch, other)
            except UnclearPlace:
                continue
    return None


def _family(row: Create | Draw | Seed) -> str:
    return str(row.generator).partition(".")[0]


def _reseeded(patch: Patch, site: Site | None, family: str) -> bool:
    """Whether the line itself seeds the process-wide generator from the system: `torch.seed()`."""
    if site is None or not seen(patch, site, Seed):
        return False
    return bool(calls_at(patch.draft(site), site.line, {"seed", "seed_all"}))
