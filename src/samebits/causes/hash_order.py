"""An order, or a number, that follows Python's randomised hash of strings."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Final

from samebits.causes._evidence import FactPair, made_elsewhere, nearest, outside, pairs, reach, spot, sure
from samebits.causes._kinds import SET_METHODS, Kinds
from samebits.causes._orderfix import digest_text, sort_elements
from samebits.causes._patch import Patch, mends
from samebits.causes._scopes import Scopes
from samebits.causes._seeds import differing_seed
from samebits.model.cause import Cause, Evidence
from samebits.model.facts import Hash, Iteration, Sort
from samebits.model.finding import Finding
from samebits.model.rule import Hit

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


#: What takes the elements of a set in their order.
_IN_ORDER: Final = frozenset(
    {
        *("list", "tuple", "enumerate", "zip", "iter", "map", "filter", "dict.fromkeys"),
        *(
            "collections.deque",
            "collections.OrderedDict.fromkeys",
            "itertools.chain",
            "itertools.chain.from_iterable",
        ),
        *("itertools.cycle", "itertools.islice", "itertools.accumulate", "itertools.product"),
        *("itertools.combinations", "itertools.permutations", "numpy.fromiter"),
    }
)
#: What takes elements in any order and gives the same.
_ANY_ORDER: Final = frozenset(
    {"sorted", "set", "frozenset", "len", "sum", "min", "max", "any", "all", "collections.Counter"}
)
_UPDATES: Final = frozenset(
    {"update", "intersection_update", "difference_update", "symmetric_difference_update", "isdisjoint"}
    | {"issubset", "issuperset"}
    | SET_METHODS
)
#: Methods that keep the order in which they are called.
_KEEPS: Final = frozenset(
    {
        "append",
        "appendleft",
        "extend",
        "insert",
        "write",
        "writelines",
        "put",
        "add_module",
        "register_buffer",
    }
)
#: Modules whose functions draw, or compute with what has an order.
_COMPUTES: Final = ("torch.", "random.", "numpy.random.")


class _Reader:
    """Finds in one file what takes the order of a set, and what takes `hash()` of a text for a number."""

    def __init__(self, tree: ast.Module) -> None:
        self.tree = tree
        self.names = Scopes(tree)
        self.kinds = Kinds(tree, self.names)

    def hits(self) -> Iterator[Hit]:
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Call):
                yield from self._call(node)
            elif isinstance(node, ast.ListComp):
                source = node.generators[0].iter
                if self.kinds.is_set(source) and not self._order_is_lost(node):
                    yield self._order(source, "the list gets its order from")
            elif isinstance(node, ast.For | ast.AsyncFor):
                if self.kinds.is_set(node.iter) and (act := self._keeps_order(node)):
                    yield self._order(node.iter, f"{act} in the order of")
            elif (
                isinstance(node, ast.Starred)
                and isinstance(node.ctx, ast.Load)
                and self.kinds.is_set(node.value)
            ):
                above = self.names.parent(node)
                if isinstance(above, ast.List | ast.Tuple) and not self._order_is_lost(above):
                    yield self._order(node.value, "the elements are laid out in the order of")

    def _call(self, node: ast.Call) -> Iterator[Hit]:
        name = self.names.called(node)
        if name in ("sorted", "min", "max") or (
            isinstance(node.func, ast.Attribute) and node.func.attr == "sort"
        ):
            key = next((keyword.value for keyword in node.keywords if keyword.arg == "key"), None)
            if key is not None and self.names.qualified(key) == "hash":
                yield Hit(node, "the order follows hash(), which every process salts anew for text.", _FIX)
        if (
            name == "hash"
            and len(node.args) == 1
            and self.kinds.is_text(node.args[0])
            and (use := self._use(node))
        ):
            yield Hit(node, f"hash() of a text becomes {use}, and every process salts it anew.", _FIX_HASH)
        match node:
            case ast.Call(func=ast.Attribute(value=inner, attr="join"), args=[joined]):
                if self.kinds.is_text(inner) and (source := self._source(joined)) is not None:
                    yield self._order(source, "the text is joined in the order of")
            case ast.Call(func=ast.Attribute(value=inner, attr="pop"), args=[]):
                if self.kinds.is_set(inner) and not self._single(inner):
                    yield self._order(inner, "pop() takes whichever comes first in")
            case _:
                pass
        if name in _IN_ORDER and not self._order_is_lost(node):
            for argument in node.args[1:] if name in ("map", "filter") else node.args:
                if (source := self._source(argument)) is not None:
                    if name == "iter" and self._single(source):
                        continue
                    yield self._order(source, f"{name}() takes the order of")
                    break

    def _order(self, source: ast.expr, does: str) -> Hit:
        return Hit(source, f"{does} a set, which is new in every process where its elements hold text.", _FIX)

    def _source(self, node: ast.expr) -> ast.expr | None:
        """The set whose order an argument has."""
        if isinstance(node, ast.GeneratorExp):
            node = node.generators[0].iter
        elif isinstance(node, ast.Starred):
            node = node.value
        return node if self.kinds.is_set(node) else None

    def _use(self, node: ast.Call) -> str | None:
        """What `hash()` of a text is used for, if that outlives the process's own tables."""
        if getattr(self.names.function(node), "name", None) == "__hash__":
            return None
        below: ast.AST = node
        for above in self.names.parents(node):
            match above:
                case ast.BinOp(op=ast.Mod() | ast.BitAnd()) if above.left is below:
                    return "a number of a bucket, or a seed"
                case ast.keyword(arg=str(name)) if "seed" in name:
                    return "a seed"
                case ast.Call() if below is not above.func and "seed" in _last(above).lower():
                    return "a seed"
                case ast.Call() if self.names.called(above) in ("random.Random", "numpy.random.default_rng"):
                    return "a seed"
                case ast.Assign(targets=[ast.Name(id=name)]) if "seed" in name.lower():
                    return "a seed"
                case ast.stmt():
                    return None
                case _:
                    below = above
        return None

    def _order_is_lost(self, node: ast.expr) -> bool:
        """Whether what an expression gives goes where its order does not matter."""
        above = self.names.parent(node)
        while isinstance(above, ast.Call) and node in above.args:
            name = self.names.called(above)
            keyed = any(keyword.arg == "key" for keyword in above.keywords)
            if name in _ANY_ORDER and not (keyed and name in ("min", "max")):
                return True
            if isinstance(above.func, ast.Attribute) and above.func.attr in _UPDATES:
                return True
            if name not in _IN_ORDER:
                return False
            node, above = above, self.names.parent(above)
        match above:
            case ast.Starred():  # f(*map(g, names)): of a function that takes any order
                return self._order_is_lost_as_arguments(above)
            case ast.Compare():  # list(a) == list(b) is a fault of its own; `x in list(names)` is none
                return all(isinstance(op, ast.In | ast.NotIn) for op in above.ops)
            case ast.For() | ast.AsyncFor() if above.iter is node:
                return self._keeps_order(above) is None
            case ast.comprehension():
                held = self.names.parent(above)
                if isinstance(held, ast.SetComp):
                    return True
                return isinstance(held, ast.GeneratorExp | ast.ListComp) and self._order_is_lost(held)
            case ast.Assign(targets=[ast.Name(id=name)]):
                return self._sorted_later(name)
            case _:
                return False

    def _order_is_lost_as_arguments(self, node: ast.Starred) -> bool:
        above = self.names.parent(node)
        if not isinstance(above, ast.Call):
            return False
        name = self.names.called(above)
        return name in ("min", "max") or (
            isinstance(above.func, ast.Attribute) and above.func.attr in _UPDATES
        )

    def _sorted_later(self, name: str) -> bool:
        """`names = list(found)`, then `names.sort()`."""
        return any(
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in ("sort", "shuffle")
            and isinstance(node.func.value, ast.Name)
            and node.func.value.id == name
            for node in ast.walk(self.tree)
        )

    def _single(self, source: ast.expr) -> bool:
        """Whether the code around has asked for the number of elements: then there is but one to take."""
        text = ast.dump(source)
        for above in self.names.parents(source):
            if isinstance(above, ast.FunctionDef | ast.AsyncFunctionDef | ast.Module):
                return any(
                    self.names.called(node) == "len" and ast.dump(node.args[0]) == text
                    for node in ast.walk(above)
                    if isinstance(node, ast.Call) and node.args
                )
        return False

    def _keeps_order(self, loop: ast.For | ast.AsyncFor) -> str | None:
        """What the body of a loop does that keeps the order of its turns; None if nothing visible."""
        for node in (inner for statement in loop.body for inner in ast.walk(statement)):
            match node:
                case ast.Yield() | ast.YieldFrom():
                    return "values are yielded"
                case ast.Call():
                    name, last = self.names.called(node) or "", _last(node)
                    if name == "print":
                        return "lines are printed"
                    if name.startswith(_COMPUTES) and not name.startswith("torch.cuda."):
                        return f"{name}() is called"
                    if (
                        isinstance(node.func, ast.Attribute)
                        and last in _KEEPS
                        and not self._sorted_target(node)
                    ):
                        return f"{last}() is called"
                case _:
                    pass
        return None

    def _sorted_target(self, node: ast.Call) -> bool:
        assert isinstance(node.func, ast.Attribute)
        return isinstance(node.func.value, ast.Name) and self._sorted_later(node.func.value.id)


def _last(node: ast.Call) -> str:
    """The last name of a call: `manual_seed` of `torch.manual_seed(0)`."""
    function = node.func
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def rule(tree: ast.Module) -> Iterator[Hit]:
    return _Reader(tree).hits()


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
    rule=rule,
    invalid=(
        "words = {'cat', 'dog', 'emu'}\nvocabulary = {word: i for i, word in enumerate(words)}\n",
        "import torch\n\ntorch.manual_seed(hash('train') % 2**32)\n",
    ),
    valid=(
        "words = {'cat', 'dog', 'emu'}\nvocabulary = {word: i for i, word in enumerate(sorted(words))}\n",
        "import zlib\n\nimport torch\n\ntorch.manual_seed(zlib.crc32(b'train'))\n",
    ),
)
