"""An order, or a number, that follows Python's randomised hash of strings."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Final

from samebits.causes._edits import Draft
from samebits.causes._evidence import FactPair, made_elsewhere, nearest, outside, pairs, reach, spot, sure
from samebits.causes._instances import SEED, Instances, becomes_number
from samebits.causes._orderfix import digest_text, sort_elements
from samebits.causes._patch import Patch, mends
from samebits.causes._seeds import differing_seed
from samebits.causes._sortfix import sort_set, take_smallest
from samebits.model.cause import Cause, Evidence
from samebits.model.facts import Hash, Iteration, Sort
from samebits.model.finding import Finding
from samebits.model.rule import Hit, Rule
from samebits.source.kinds import SET_METHODS, SET_OPERATIONS
from samebits.source.module import Module, keyword, last_name
from samebits.source.order import Orders

_FIX = """\
for name in sorted(names):  # not `for name in names`: the order of a set of strings is new in every process
    ..."""
_FIX_HASH = """\
import hashlib
number = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little")  # not hash(text)"""
_TEXT = frozenset({"str", "bytes"})


def _content(detail: Iteration | Sort) -> int | None:
    return detail.content if isinstance(detail, Iteration) else None


def _same_elements(pair: FactPair[Iteration | Sort]) -> bool:
    """Whether what was ordered is the same in both runs: other elements have another order anyway."""
    return isinstance(pair.detail, Sort) or (pair.equal(_content) and _content(pair.detail) is not None)


def match(evidence: Evidence) -> Finding | None:
    found: list[FactPair[Iteration | Sort]] = pairs(evidence, Iteration, Sort)
    other = [pair for pair in found if pair.differs(lambda d: d.order) and pair.detail.by == "hash"]
    order = nearest(other, _same_elements) or nearest(other, lambda p: True)
    if order is not None and order.a is not None:
        same, made = _same_elements(order), made_elsewhere(order)
        return Finding(
            sure(evidence, order.a, 0.95 if same else 0.3 if order.differs(_content) else 0.6),
            order.site,
            f"the order taken at {spot(order.site)} follows the hashes of strings, which every process "
            "salts anew"
            + (": the same elements came in another order" if same else "")
            + (f" (the set is made at {spot(made)})." if made else "."),
            _FIX,
            subject=order.a.detail,
        )
    hashes = pairs(evidence, Hash)
    number = nearest(
        hashes,
        lambda p: p.differs(lambda d: d.value) and str(p.detail.of) in _TEXT,
    )
    if number is None or number.a is None:
        return None
    seeds = differing_seed(evidence) is not None
    confidence = 0.9 * reach(evidence, number.a) if seeds else sure(evidence, number.a, 0.85)
    return Finding(
        confidence * (1.0 if outside(evidence) > 0.2 else 0.5),
        number.site,
        f"hash() of a {number.detail.of} at {spot(number.site)} gave the two runs different numbers: every "
        "process salts it anew.",
        _FIX_HASH,
    )


def _change(patch: Patch, finding: Finding) -> str | None:
    rows = [fact.detail for fact in patch.evidence.a if fact.site == finding.site]
    rows = [finding.subject] if finding.subject is not None else rows
    number = next((row for row in rows if isinstance(row, Hash) and str(row.of) in _TEXT), None)
    if number is not None and not any(isinstance(row, Iteration | Sort) for row in rows):
        digest_text(patch, finding.site, str(number.of))
    else:
        sort_elements(patch, finding.site)
    return None


_LOAD: Final = ast.Load()
#: What texts are called.
_TEXTS: Final = frozenset(
    {"name", "text", "string", "word", "label", "path", "filename", "title", "filepath", "stem", "uid", "tag"}
)


class _Reader:
    """Finds in one file what takes the order of a set, and what takes `hash()` of a text for a number."""

    def __init__(self, module: Module) -> None:
        self.module = module
        self.names = module.names
        self.kinds = module.kinds
        self.orders = Orders(module, printed=True)
        self.instances = Instances(module)

    def hits(self) -> Iterator[Hit]:
        for node, name, last in self.module.calls:
            yield from self._call(node, name, last)
        sets = [*self.module.every(ast.Set), *self.module.every(ast.SetComp)]
        if not sets and not re.search(r"\b(frozen)?set\b|\.(keys|items)\(\) *[&|^-]", self.module.text):
            return
        held = self.kinds.held_sets
        operations = [each for each in self.module.every(ast.BinOp) if isinstance(each.op, SET_OPERATIONS)]
        names = [each for each in self.module.every(ast.Name) if each.id in held]
        attributes = [each for each in self.module.every(ast.Attribute) if each.attr in held]
        for each in (*sets, *operations, *names, *attributes):
            if isinstance(getattr(each, "ctx", _LOAD), ast.Load):
                yield from self._set(each)

    def _call(self, node: ast.Call, name: str | None, last: str) -> Iterator[Hit]:
        if name in ("sorted", "min", "max") or last == "sort":
            key = keyword(node, "key")
            if key is not None and self.names.qualified(key) == "hash":
                yield Hit(
                    self.module.place(node),
                    "the order follows hash(), which every process salts anew for text.",
                    _FIX,
                )
        if name == "hash" and len(node.args) == 1 and (use := self._number(node)):
            why = f"hash() of a text becomes {use}, and every process salts it anew."
            yield Hit(self.module.place(node), why, _FIX_HASH)
        match node:
            case ast.Call(func=ast.Attribute(value=inner, attr="pop"), args=[]):
                if self.kinds.is_set(inner) and not self._single(inner):
                    yield self._order(inner, "pop() takes whichever comes first in")
            case _:
                pass
        if name in ("set", "frozenset") or last in SET_METHODS or self.kinds.is_set(node):
            yield from self._set(node)

    def _number(self, node: ast.Call) -> str | None:
        """What `hash()` of a text becomes: of what is a text by its name alone, whether it is a seed."""
        if self.kinds.is_text(node.args[0]):
            return becomes_number(self.module, node)
        if last_name(node.args[0]) not in _TEXTS:
            return None
        use = becomes_number(self.module, node)
        return use if use == SEED else None

    def _set(self, node: ast.expr) -> Iterator[Hit]:
        """A set where its order is taken: not where it is named, or made."""
        above = self.names.parent(node)
        if isinstance(
            above, ast.Assign | ast.AnnAssign | ast.NamedExpr | ast.Return
        ) or not self.kinds.is_set(node):
            return
        if self.instances.is_objects(node):
            return  # of which `address-order` tells
        if isinstance(above, ast.BinOp | ast.Attribute | ast.Subscript | ast.IfExp):
            return
        if isinstance(above, ast.Call) and self.names.called(above) in ("iter", "next"):
            if self._single(node):
                return
            first = self.names.parent(above)
            if self.names.called(first) == "next" and self.kinds.least(node) > 1:  # type: ignore[arg-type]
                yield self._order(node, "next() takes whichever comes first in")
                return
        use = self.orders.use(node)
        if use is not None:
            yield self._order(node, use.does, use.returned_by)

    def _order(self, source: ast.expr, does: str, returned_by: str | None = None) -> Hit:
        return Hit(
            self.module.place(source),
            f"{does} a set, which is new in every process where its elements hold text.",
            _FIX,
            mend=_sort,
            returned_by=returned_by,
        )

    def _single(self, source: ast.expr) -> bool:
        """Whether the code around has asked for the number of elements: then there is but one to take."""
        text = ast.dump(source)
        above = self.module.function(source) or self.module.tree
        return any(
            self.names.called(node) == "len" and bool(node.args) and ast.dump(node.args[0]) == text
            for node in ast.walk(above)
            if isinstance(node, ast.Call)
        )


def _sort(draft: Draft, node: ast.expr) -> None:
    above = draft.names.parent(node)
    call = draft.names.parent(above) if isinstance(above, ast.Attribute) and above.attr == "pop" else None
    if isinstance(call, ast.Call) and call.func is above:
        take_smallest(draft, call)
    else:
        sort_set(draft, node)


def rule(module: Module) -> Iterator[Hit]:
    return _Reader(module).hits()


CAUSE = Cause(
    name="hash-order",
    title="Order or number from the hash of strings",
    what="Iterating over a set of strings or bytes, popping from one, or using `hash()` of a string as a "
    "number.",
    why="Python salts the hash of strings in every process unless PYTHONHASHSEED is set before it starts; "
    "setting the variable inside the program has no effect.",
    fix=_FIX,
    sources=(
        "https://docs.python.org/3/using/cmdline.html#envvar-PYTHONHASHSEED",
        "https://github.com/Lightning-AI/pytorch-lightning/issues/2156",
        "https://docs.python.org/3/reference/datamodel.html#object.__hash__",
    ),
    match=match,
    mend=mends(_change),
    rule=Rule(file=rule),
    invalid=(
        "words = {'cat', 'dog', 'emu'}\nvocabulary = {word: i for i, word in enumerate(words)}\n",
        "import torch\n\ntorch.manual_seed(hash('train') % 2**32)\n",
    ),
    valid=(
        "words = {'cat', 'dog', 'emu'}\nvocabulary = {word: i for i, word in enumerate(sorted(words))}\n",
        "import zlib\n\nimport torch\n\ntorch.manual_seed(zlib.crc32(b'train'))\n",
    ),
)
