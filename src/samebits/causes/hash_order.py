"""An order, or a number, that follows Python's randomised hash of strings."""

from __future__ import annotations

from samebits.causes._evidence import Pair, nearest, outside, pairs, reach, spot, sure
from samebits.causes._seeds import differing_seed
from samebits.model.cause import Cause, Evidence
from samebits.model.facts import Hash, Iteration, Sort
from samebits.model.finding import Finding

_FIX = """\
for name in sorted(names):  # not `for name in names`: the order of a set of strings is new in every process
    ..."""
_FIX_HASH = """\
import hashlib
number = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little")  # not hash(text)"""
_TEXT = frozenset({"str", "bytes"})


def match(evidence: Evidence) -> Finding | None:
    found: list[Pair[Iteration | Sort]] = pairs(evidence, Iteration, Sort)
    order = nearest(found, lambda p: p.differs(lambda d: d.order) and p.detail.by == "hash")
    if order is not None and order.a is not None:
        same = order.equal(lambda d: d.content if isinstance(d, Iteration) else None)
        return Finding(
            sure(evidence, order.a, 0.95 if same else 0.6),
            order.site,
            f"the order taken at {spot(order.site)} follows the hashes of strings, which every process salts "
            "anew" + (": the same elements came in another order." if same else "."),
            _FIX,
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
        f"hash() of a {number.detail.of} at {spot(number.site)} gave the two runs "
        f"different numbers: "
        "every process salts it anew.",
        _FIX_HASH,
    )


CAUSE = Cause(
    name="hash-order",
    title="Order or number from the hash of strings",
    what="Iterating over a set of strings or bytes, popping from one, or using `hash()` of a string "
    "as a number.",
    why="Python salts the hash of strings in every process unless PYTHONHASHSEED is set before it "
    "starts; setting "
    "the variable inside the program has no effect.",
    fix=_FIX,
    sources=(
        "https://docs.python.org/3/using/cmdline.html#envvar-PYTHONHASHSEED",
        "https://github.com/Lightning-AI/pytorch-lightning/issues/2156",
        "https://docs.python.org/3/reference/datamodel.html#object.__hash__",
    ),
    match=match,
    invalid=(
        "words = {'cat', 'dog', 'emu'}\nvocabulary = {word: i for i, word in enumerate(words)}\n",
        "import torch\n\ntorch.manual_seed(hash('train') % 2**32)\n",
    ),
    valid=(
        "words = {'cat', 'dog', 'emu'}\nvocabulary = {word: i for i, word in enumerate(sorted(words))}\n",
        "import zlib\n\nimport torch\n\ntorch.manual_seed(zlib.crc32(b'train'))\n",
    ),
)
