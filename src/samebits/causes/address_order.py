"""An order that follows the addresses of objects: sets of objects, sorting by `id`."""

from __future__ import annotations

from samebits.causes._evidence import FactPair, made_elsewhere, nearest, pairs, reach, spot, sure
from samebits.causes._orderfix import keep_insertion, number_objects
from samebits.causes._patch import Patch, mends
from samebits.causes._seeds import differing_seed
from samebits.model.cause import Cause, Evidence
from samebits.model.facts import Hash, Iteration, Sort
from samebits.model.finding import Finding

_FIX = """\
layers = list(dict.fromkeys(layers))  # keeps each once, in the order given; a set does not"""


def match(evidence: Evidence) -> Finding | None:
    found: list[FactPair[Iteration | Sort]] = pairs(evidence, Iteration, Sort)
    order = nearest(found, lambda p: p.differs(lambda d: d.order) and p.detail.by == "address")
    if order is not None and order.a is not None:
        made = made_elsewhere(order)
        there = f"; the set is made at {spot(made)}, where a list or a dict keeps the order" if made else ""
        return Finding(
            sure(evidence, order.a, 0.94),
            made or order.site,
            f"the order taken at {spot(order.site)} follows where objects lie in memory, which is new in "
            f"every process{there}.",
            _FIX,
            subject=order.a.detail,
        )
    number = nearest(
        pairs(evidence, Hash),
        lambda p: p.differs(lambda d: d.value) and str(p.detail.of) not in ("str", "bytes"),
    )
    if number is None or number.a is None:
        return None
    # id() differs in every run, also where nothing comes of it: alone it says little.
    seeded = differing_seed(evidence) is not None
    return Finding(
        0.8 * reach(evidence, number.a) if seeded else sure(evidence, number.a, 0.45),
        number.site,
        f"{number.detail.call or 'id()'} at {spot(number.site)} gave the address of an object, which is new "
        "in every process.",
        _FIX,
    )


def _change(patch: Patch, finding: Finding) -> str | None:
    rows = [fact.detail for fact in patch.evidence.a if fact.site == finding.site]
    rows = [finding.subject] if finding.subject is not None else rows
    if any(isinstance(row, Hash) for row in rows) and not any(
        isinstance(row, Iteration | Sort) for row in rows
    ):
        number_objects(patch, finding.site)
    else:
        keep_insertion(patch, finding.site)
    return None


CAUSE = Cause(
    name="address-order",
    title="Order from the addresses of objects",
    what="Iterating over a set of objects that are hashed by address (modules, parameters, instances "
    "without `__hash__`), sorting by `id`, or using `id()` or `hash()` of an object as a number.",
    why="Where an object lies in memory changes from process to process, and with it the order of a set. "
    "PYTHONHASHSEED has no influence on it.",
    fix=_FIX,
    sources=(
        "https://docs.python.org/3/library/functions.html#id",
        "https://docs.python.org/3/reference/datamodel.html#object.__hash__",
        "https://github.com/pytorch/pytorch/issues/7068",
    ),
    match=match,
    mend=mends(_change),
    invalid=(
        "import torch\n\nlayers = {torch.nn.Linear(2, 2) for _ in range(8)}\n"
        "model = torch.nn.Sequential(*layers)\n",
        "items = [object() for _ in range(8)]\nitems.sort(key=id)\n",
    ),
    valid=(
        "import torch\n\nlayers = [torch.nn.Linear(2, 2) for _ in range(8)]\n"
        "model = torch.nn.Sequential(*layers)\n",
        "items = [(number, object()) for number in range(8)]\nitems.sort(key=lambda item: item[0])\n",
    ),
)
