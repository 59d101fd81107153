"""The weights that a run ended with, as one number: what two trainings that are the same have in common."""

from __future__ import annotations

from hashlib import blake2b

from samebits.model.events import KINDS, PARTIAL
from samebits.record.reader import Record
from samebits.record.run import Run


def last_weights(record: Record) -> dict[tuple[str, int], bytes]:
    """The last known digest of each parameter, by its name and how often that came before in its reading.

    In the order of their last reading, which at the end is that of the optimizers.
    """
    found: dict[tuple[str, int], bytes] = {}
    parameter = KINDS.index("parameter")
    for thread in record.threads():
        steps: dict[int, dict[tuple[str, int], bytes]] = {}
        for chunk in record.chunks(thread):
            columns = record.columns(chunk.structure)
            if parameter not in columns.kind:
                continue
            read = steps.setdefault(chunk.step, {})
            seen: dict[str, int] = {}
            for offset, kind in enumerate(columns.kind):
                if kind == parameter and not columns.flags[offset] & PARTIAL:
                    name = record.name(columns.name[offset])
                    number = seen.get(name, 0)
                    seen[name] = number + 1
                    read[name, number] = chunk.digests[offset * 8 : offset * 8 + 8]
        for _, read in sorted(steps.items()):
            for parameter_read, digest in read.items():
                found.pop(parameter_read, None)
                found[parameter_read] = digest
    return found


def weights_hash(run: Run) -> str | None:
    """32 hexadecimal digits over the last values of all parameters of all processes.

    Equal, also across machines, where these are equal to the bit; None where nothing was trained.  Names do
    not count: a model is called by its class where another one lives beside it.
    """
    hashed = blake2b(digest_size=16)
    any_read = False
    for key, record in sorted(run.records.items()):
        hashed.update(f"{key}\0".encode("utf-8", "surrogatepass"))
        for digest in last_weights(record).values():
            any_read = True
            hashed.update(digest)
    return hashed.hexdigest() if any_read else None
