"""How far a rule's fixes can be trusted: seen from what the rule finds in its own examples."""

from __future__ import annotations

from samebits.audit.engine import joined
from samebits.audit.one_file import audited_source
from samebits.audit.reading import Source
from samebits.model.cause import Cause


def safety(cause: Cause) -> str:
    """What `--fix` does with what a cause's rule finds, in a sentence."""
    if cause.rule is None:
        return (
            "No rule finds it in source, so samebits audit mends nothing of it; samebits cure tries its fix."
        )
    hits = [
        found.hit
        for text in cause.invalid
        for found in joined([audited_source(Source("<text>", text), {cause.name})], {cause.name}).findings
        if found.hit is not None and found.hit.mend is not None
    ]
    if not hits:
        return "The fix is for a person to make: samebits audit changes nothing of it."
    if all(hit.safe for hit in hits):
        return "--fix makes it: what the mended program does, the program could have done before."
    if any(hit.safe for hit in hits):
        return (
            "--fix makes it where the program could have done the same before, --unsafe-fixes also elsewhere."
        )
    return "Only --fix --unsafe-fixes makes it: the mended program computes other numbers than before."
