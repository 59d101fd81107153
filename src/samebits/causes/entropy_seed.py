"""A seed, or a value used as data, that comes from the clock, a process id, uuid, urandom or secrets."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

from samebits.causes._draws import NUMPY, PYTHON, TORCH, of
from samebits.causes._edits import Draft, UnclearPlace
from samebits.causes._entropy import EntropySeeds
from samebits.causes._evidence import before, facts, is_random, outside, pairs, reach, spot, sure
from samebits.causes._libraryfix import give_parameter
from samebits.causes._patch import InWords, Patch, mends
from samebits.causes._seedfix import seed_object
from samebits.causes._seeds import differing_draw, differing_seed, seed_drawn, seeded_by_system
from samebits.causes._source import at_line, follow, text_of
from samebits.causes._startfix import fresh
from samebits.causes._trace import call_at, calls_at, last_name
from samebits.model import calls
from samebits.model.cause import Cause, Evidence
from samebits.model.facts import Clock, Create, Detail, Entropy, Fact, Hash, Seed
from samebits.model.finding import Finding
from samebits.model.rule import Hit, Rule
from samebits.model.sites import Site
from samebits.source.module import Module

_FIX = """\
seed = 0  # a fixed number, or one given as an argument and written to the log
torch.manual_seed(seed)"""


_SYSTEM: Final = "SystemRandom"  # which is made once, and drawn from


def _derived(value: Any, seed: Any) -> bool:
    """Whether a seed is plainly a reading in other units or cut to fewer bits."""
    if isinstance(value, bool) or isinstance(seed, bool) or not isinstance(seed, int):
        return False
    if not isinstance(value, (int, float)) or seed < 100 or value != value or abs(value) > 1e30:
        return False
    for scale in (1, 1_000, 1_000_000, 1_000_000_000):
        scaled = int(value * scale)
        for cut in (0, 1 << 16, 1 << 31, (1 << 31) - 1, 1 << 32, (1 << 32) - 1, 10_000, 100_000, 1_000_000):
            if (scaled % cut if cut else scaled) == seed:
                return True
    return False


def _origin(
    evidence: Evidence, seed: Fact[Seed | Create], rows: list[Fact[Clock | Entropy]]
) -> tuple[Fact[Clock | Entropy], bool] | None:
    """The reading that a seed comes from, and whether that is certain; the nearest one as a guess."""
    earlier = [fact for fact in rows if fact.process == seed.process and fact.at <= seed.at]
    for fact in reversed(earlier):
        if _derived(fact.detail.value, seed.detail.value):
            return fact, True
    earlier = [fact for fact in earlier if not _of_library(fact)]
    for fact in reversed(earlier):
        if fact.site is None or seed.site is None or fact.site.file != seed.site.file:
            continue
        if fact.site.line == seed.site.line:
            return fact, True
        uses = follow(text_of(evidence, fact.site), at_line(fact.site.line))
        if seed.site.line in uses.arguments:
            return fact, True
    return (earlier[-1], False) if earlier else None


def _of_library(fact: Fact[Clock | Entropy]) -> bool:
    """Whether a library read a clock: for its own ends, unless the seed is plainly that reading."""
    return isinstance(fact.detail, Clock) and fact.detail.by is not None


def _used_as_data(evidence: Evidence) -> Finding | None:
    """A reading of entropy that differs and was no seed: its value may have been used itself."""
    rows = [pair for pair in pairs(evidence, Entropy) if pair.differs(lambda d: d.value)]
    pair = rows[-1] if rows else None
    if pair is not None and _SYSTEM in str(pair.detail.call):  # a generator: what it gave first
        pair = next(each for each in rows if _SYSTEM in str(each.detail.call))
    if pair is None or pair.a is None:
        return None
    uses = follow(text_of(evidence, pair.site), at_line(pair.site.line)) if pair.site else None
    used = (
        uses is not None
        and evidence.divergence.event.site is not None
        and (evidence.divergence.event.site.line in uses.arguments)
    )
    if uses is not None and uses.arguments and uses.arguments <= uses.shown and not (used or uses.stored):
        return None  # printed or logged, and nothing else
    call = str(pair.a.detail.call or "a reading of entropy")
    # A temporary file's name is rarely computed with; the order of such files is another cause's.
    base = 0.25 if call.startswith("tempfile.") else 0.9 if used or _SYSTEM in call else 0.3
    return Finding(
        sure(evidence, pair.a, base),
        pair.site,
        f"{call} at {spot(pair.site)} gave the two runs different "
        "values; if anything is computed from them, it differs too.",
        _FIX,
        subject=pair.a.detail,
    )


def match(evidence: Evidence) -> Finding | None:
    # Of the generator that was drawn from, where that is torch's: a seed for others may be another's number.
    pair = (differing_seed(evidence, TORCH) if is_random(evidence) else None) or differing_seed(evidence)
    readings: tuple[list[Fact[Clock | Entropy]], list[Fact[Clock | Entropy]]]
    readings = facts(evidence, Clock, Entropy)
    if pair is None or pair.a is None:
        return _used_as_data(evidence)
    seed = pair.a
    origin = _origin(evidence, seed, readings[0])
    hashes, _ = facts(evidence, Hash)
    if origin is None:
        if hashes or seeded_by_system(evidence, own=True) is not None:
            return None  # a number from hash(), or from generator.seed()
        if seed_drawn(evidence, seed) is not None:
            return None  # from a generator that is itself the matter
        return Finding(
            0.6 * reach(evidence, seed),
            seed.site,
            f"{seed.detail.call or 'a seed'} at {spot(seed.site)} seeds {of(seed)} with a number that "
            "differs from run to run; where the number comes from was not seen.",
            _FIX,
        )
    source, certain = origin
    if not certain and any(before(evidence, fact) and fact.at <= seed.at for fact in hashes):
        certain = False
    drawn = differing_draw(evidence, PYTHON | NUMPY)
    through_torch = of(seed) in TORCH
    strength = 1.0 if through_torch else max(outside(evidence), 0.85 if drawn else 0.0)
    if (
        through_torch
        and evidence.divergence.generators_equal is True
        and evidence.divergence.inputs_equal is True
    ):
        strength = 0.2
    return Finding(
        (0.96 if certain else 0.7) * strength * reach(evidence, seed),
        source.site or seed.site,
        f"{of(seed)} is seeded at {spot(seed.site)} with a number that differs from run to run; it comes "
        f"from {source.detail.call or 'a reading'} at {spot(source.site)}.",
        _FIX,
    )


#: What gives a name or a text rather than a number: it stays, and the seed that is made of it is fixed.
_NAMES: Final = frozenset({*calls.UUIDS, *calls.TEMPORARY, *calls.CALENDAR, "token_hex", "token_urlsafe"})
_NUMBERS: Final = frozenset(
    {*calls.CLOCKS, *calls.OS_ENTROPY, *calls.SECRETS, *calls.DATETIME, *calls.PYTHON_ENTROPY} - _NAMES
)
_BYTES: Final = frozenset({"urandom", "getrandom", "token_bytes"})
_SAME_NUMBER: Final = frozenset({"int", "round", "abs"})


def _change(patch: Patch, finding: Finding) -> str | None:
    draft = patch.draft(finding.site)
    assert finding.site is not None
    found = calls_at(draft, finding.site.line, _NUMBERS)
    if not found and give_parameter(patch, finding.site):
        return None
    if not found and isinstance(subject := finding.subject, Entropy) and _SYSTEM in str(subject.call):
        seed_object(patch, finding.site, Entropy)
        return None
    if not found or _kept_whole(draft, found[0]):
        _fix_seeds(patch, seen=bool(found))
        return None
    call = found[0]
    kind = Clock if last_name(call) in (*calls.CLOCKS, *calls.DATETIME) else Entropy
    number = fresh(patch, draft, call, finding.site, kind, 31)
    if last_name(call) in calls.PYTHON_ENTROPY:
        draft.replace(call, f"{draft.module('random', call.lineno)}.Random({number})")
    elif last_name(call) in _BYTES:
        size = draft.source(call.args[0]) if call.args else "32"
        draft.replace(
            call,
            f"bytes({size})" if number.isdigit() else number.replace("getrandbits(31)", f"randbytes({size})"),
        )
    else:
        draft.replace(_whole(draft, call, fixed=number.isdigit()), number)
    return None


def _kept_whole(draft: Draft, call: ast.Call) -> bool:
    """Whether a reading is kept, or written as a text: it may be of use elsewhere, as it is."""
    node: ast.AST | None = call
    while isinstance(node, ast.expr):
        node = draft.names.parent(node)
        if isinstance(node, ast.FormattedValue | ast.JoinedStr):
            return True
    if not isinstance(node, ast.Assign):
        return False
    names = [target.id for target in node.targets if isinstance(target, ast.Name)]
    return node.value is call and not any("seed" in name.lower() for name in names)


def _whole(draft: Draft, call: ast.Call, *, fixed: bool) -> ast.expr:
    """The expression around a reading that is but the same number: `int(time.time() * 1000)`."""
    node: ast.expr = call
    while True:
        above = draft.names.parent(node)
        match above:
            case ast.Attribute():
                pass
            case ast.Call() if above.func is node or (
                above.args == [node] and not above.keywords and draft.names.called(above) in _SAME_NUMBER
            ):
                pass
            case ast.BinOp(left=left, right=right) if fixed:
                other = right if left is node else left
                if any(
                    not isinstance(part, ast.Constant | ast.BinOp | ast.operator) for part in ast.walk(other)
                ):
                    break
            case _:
                break
        assert isinstance(above, ast.expr)
        node = above
    if last_name(node) in ("strftime", "isoformat", "timetuple"):
        raise UnclearPlace("it is a text")
    return node


def _fix_seeds(patch: Patch, *, seen: bool) -> None:
    """Fix the numbers that the generators are seeded with, where these differ between the runs.

    ``seen``: the program itself reads them; else a setting may, which is then to be set.
    """

    def seeds(rows: Sequence[Fact[Detail]]) -> dict[Site, set[object]]:
        found: dict[Site, set[object]] = {}
        for fact in rows:
            if isinstance(fact.detail, Seed | Create) and fact.site and fact.detail.value is not None:
                found.setdefault(fact.site, set()).add(fact.detail.value)
        return found

    seeds_b = seeds(patch.evidence.b)
    for site, values in seeds(patch.evidence.a).items():
        if site in seeds_b and not values & seeds_b[site]:
            draft = patch.draft(site)
            call = call_at(
                draft, site, {"seed", "manual_seed", "manual_seed_all", *calls.SEEDING_HELPERS, *_MAKERS}
            )
            if not call.args:
                raise UnclearPlace("the seed is not a plain argument")
            if not seen and (setting := _setting(call.args[0])) is not None:
                raise InWords(
                    f"# {draft.source(call.args[0])}, used at {site}, is another number in each run:\n"
                    f"# give it one in the configuration, or on the command line ({setting}=0)\n"
                    f"{setting}: 0"
                )
            draft.replace(call.args[0], fresh(patch, draft, call, site, Seed, 31))


def _setting(node: ast.expr) -> str | None:
    """The name of a setting, in a configuration or among arguments: the ``seed`` of ``cfg.train.seed``."""
    root, name = node, None
    while isinstance(root, ast.Attribute | ast.Subscript):
        key = root.attr if isinstance(root, ast.Attribute) else getattr(root.slice, "value", None)
        name = name or (str(key) if key is not None else None)
        root = root.value
    return name if isinstance(root, ast.Name) and _SETTINGS.fullmatch(root.id) else None


_SETTINGS: Final = re.compile(r"(cfg|config|conf|args|opts?|options|hparams|params|settings)", re.IGNORECASE)
_MAKERS: Final = frozenset({*calls.PYTHON_GENERATORS, *calls.NUMPY_GENERATORS, *calls.BIT_GENERATORS})

_SEEDS: Final = (
    "seed",
    "Random",
    "default_rng",
    "PRNG",
    "random_state",
    "PCG64",
    "Philox",
    "MT19937",
    "SFC64",
)


def rule(module: Module) -> Iterator[Hit]:
    if not any(word in module.text for word in _SEEDS):
        return
    told: dict[ast.Call, list[ast.Call]] = {}
    for call, of_what, source in EntropySeeds(module).seedings():
        if source is None:
            why = f"{module.source(call)} seeds {of_what} from the operating system, anew in every run."
            yield Hit(module.place(call), why, _FIX)
        else:
            told.setdefault(source, []).append(call)
    for source, seeded in told.items():
        first, *others = seeded
        what = f"the seed that {module.source(first.func)}() gets"
        why = f"{what} is made of {module.source(source)}, which is another in every run."
        places = [(module.place(other), "the same seed") for other in others]
        if source.lineno != first.lineno:
            places.insert(0, (module.place(source), "where it comes from"))
        yield Hit(module.place(first), why, _FIX, places=tuple(places))


CAUSE = Cause(
    name="entropy-seed",
    title="A seed that is new in every run",
    what="A seed, or a number used as data, made from the time, a process id, `uuid`, `os.urandom`, "
    "`secrets` or `random.SystemRandom`.",
    why="Such a value is different in every run by design, and with it everything drawn afterwards.",
    fix=_FIX,
    sources=(
        "https://docs.pytorch.org/docs/stable/notes/randomness.html",
        "https://github.com/pytorch/pytorch/issues/13197",
        "https://docs.python.org/3/library/time.html#time.time",
    ),
    match=match,
    mend=mends(_change),
    rule=Rule(file=rule),
    invalid=(
        "import time\nimport torch\n\ntorch.manual_seed(int(time.time()))\n",
        "import os\nimport random\n\nrandom.seed(os.getpid())\nprint(random.random())\n",
    ),
    valid=(
        "import torch\n\ntorch.manual_seed(1234)\n",
        "import random\n\nrandom.seed(1234)\nprint(random.random())\n",
    ),
)
