"""Tables of a report, made of the documents of cure, stress and resume, whatever ran them.

A table is plain data (docs/reference/report.md), which the page draws as it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from samebits.compare.verdict import said_line

#: What a word of a document means for a reader's eye.
_TONES: Final[Mapping[str, str]] = {
    "needed": "agrees",
    "ok": "agrees",
    "complete": "agrees",
    "finding": "parts",
    "loses": "parts",
    "failed": "parts",
}

Cell = str | Mapping[str, str]


def tables(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The tables of a document of cure, stress or resume; none of another one."""
    made = {"samebits.cure": _cure, "samebits.stress": _stress, "samebits.resume": _resume}
    return made[document["format"]](document) if document.get("format") in made else []


def _table(
    name: str,
    title: str,
    sentence: str,
    head: Sequence[str],
    rows: Sequence[Sequence[Cell]],
    *,
    code: str = "",
    notes: Sequence[str] = (),
) -> dict[str, Any]:
    return {
        "name": name,
        "title": title,
        "sentence": sentence,
        "head": list(head),
        "rows": [[cell if isinstance(cell, str) else dict(cell) for cell in row] for row in rows],
        "code": code,
        "notes": list(notes),
    }


def _word(word: str) -> Cell:
    return {"text": word, "tone": _TONES.get(word, "")}


def _cure(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    rows = []
    for needed in document["needed"]:
        cost = needed["cost"]
        told = "" if cost is None else f"{cost['low']:+.1%} to {cost['high']:+.1%}"
        if cost is not None and not cost["told"]:
            told = f"inconclusive ({told})"
        why = (needed["cause"] or {}).get("why") or ""
        known = _word("needed") if needed["shown"] else "made"
        rows.append([known, needed["name"], needed["place"] or "", needed["what"], told, why])
    proof = document["proof"]
    said = f"{document['runs']} runs."
    if proof is not None:
        weights = ", ".join(str(each) for each in proof["weights"])
        said += f" The program so changed, run again, ends with the weights {weights}."
    command = " ".join(document["command"] or ())
    return [
        _table(
            "cure",
            "What makes it repeat",
            said,
            ("", "change", "at", "what it does", "cost of a step", "why"),
            rows,
            code=document["patch"] or command,
            notes=[f"and run it so: {command}"] if command and document["patch"] else [],
        )
    ]


def _stress(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    rows = []
    for row in document["rows"]:
        reach = row["reach"] or {}
        weights = "" if not row["reach"] else "yes" if reach.get("weights") else "no"
        rows.append(
            [_word(row["word"]), row["name"], row["what"], row["should"], weights, row["at"], row["sentence"]]
        )
    matrix = _table(
        "stress",
        "One thing changed at a time",
        document["headline"],
        ("", "change", "what was changed", "should reach the weights", "does", "enters at", "in words"),
        rows,
    )
    twins = document.get("twins") or []
    if not twins:
        return [matrix]
    lines = []
    for twin in twins:
        at = [
            said_line(site["file"], site["line"]) if site else "" for site in (twin["site"], twin["seeded"])
        ]
        processes = ", ".join(twin["processes"])
        lines.append([twin["kind"], twin["generator"], processes, *at, f"{twin['draws']}", twin["sentence"]])
    heads = ("repeats between", "generator", "processes", "draws at", "seeded at", "equal draws", "in words")
    said = "Random streams of the first run that are one and the same, where each should differ."
    return [matrix, _table("twins", "Twins", said, heads, lines)]


def _resume(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    trials = [
        [
            _word(trial["word"]),
            f"{trial['killed_after']}",
            "" if trial["resumed_at"] is None else f"{trial['resumed_at']}",
            "" if trial["parts_at"] is None else f"{trial['parts_at']}",
            ", ".join(missing["name"] for missing in trial["missing"]) or trial["reason"] or "",
        ]
        for trial in document["trials"]
    ]
    missing = [
        [one["name"], one["how"], one["saved_at"] or one["loaded_at"] or "", one["evidence"], one["fix"]]
        for one in document["missing"]
    ]
    found = [
        _table(
            "resume",
            "Interrupted and restarted",
            f"The whole run took {document['steps']} steps. {document['reason'] or ''}".strip(),
            ("", "killed after step", "goes on at step", "parts at step", "what is missing"),
            trials,
            notes=document["notes"],
        )
    ]
    if missing:
        head = ("state", "how", "at", "evidence", "what to add")
        found.append(_table("missing", "What the checkpoint lacks", "", head, missing))
    return found
