"""What is said of two runs or more: what was compared, whether it agrees, what is missing, what broke it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

from samebits.compare.batch_makers import made_in
from samebits.compare.diverge import IdlePlace, first_divergence
from samebits.compare.explain import explain, gather
from samebits.compare.gaps import Gap, gaps
from samebits.compare.pairs import ThreadPair, pairs
from samebits.compare.risks import risks
from samebits.compare.shared import Coverage, repeat
from samebits.compare.threads import RunLike, is_worker
from samebits.compare.unexplained import command, unexplained
from samebits.compare.verdict import Place, Verdict, count
from samebits.errors import UsageError
from samebits.model.divergence import Divergence, EnvironmentDifference
from samebits.model.operators import public_name


def place_of(run: RunLike, divergence: Divergence) -> Place:
    """Where two runs diverge, in the user's words; ``run`` is the one whose event is shown."""
    event = divergence.event
    site = event.site
    record = run.records.get(divergence.process)
    classes = None if record is None else record.notes.get("modules")
    kind = classes.get(event.module) if isinstance(classes, dict) else None
    return Place(
        rank=divergence.rank,
        process=divergence.process,
        thread=event.thread,
        step=divergence.step,
        phase=event.phase,
        op=public_name(event),
        change=divergence.change,
        module=event.module,
        node=event.node,
        file=site.file if site else None,
        line=site.line if site else None,
        function=site.function if site else None,
        difference=divergence.difference,
        module_class=kind if isinstance(kind, str) else None,
    )


def _decisive(compared: Sequence[ThreadPair]) -> tuple[str, ...]:
    """The keys, of either run, of the processes that decide the verdict."""
    return tuple(dict.fromkeys(key for pair in compared for key in (pair.process, pair.beside)))


def _operations(kinds: Counter[str]) -> int:
    return kinds["op"] + kinds["region"] + kinds["collective"]


def _compared(
    run_a: RunLike, run_b: RunLike, compared: Sequence[ThreadPair]
) -> tuple[str, Counter[str], int]:
    """What was compared, in words; how many events of each kind; how many steps."""
    kinds: Counter[str] = Counter()
    for pair in compared:
        kinds.update(pair.a.kinds() & pair.b.kinds())
    shared = [key for key in run_a.records if key in run_b.records and not is_worker(key)]
    steps = max((min(run_a.records[key].steps, run_b.records[key].steps) for key in shared), default=0)
    parts = [count(steps, "step")]
    if _operations(kinds):
        parts.append(count(_operations(kinds), "operation"))
    for kind, noun in (("loss", "loss"), ("gradient", "gradient"), ("parameter", "parameter value")):
        if kinds[kind]:
            parts.append(count(kinds[kind], noun))
    if kinds["batch"]:
        parts.append(count(kinds["batch"], "batch"))
    if kinds["read"]:
        parts.append(count(kinds["read"], "value") + " read by the program")
    ranks = len({pair.process for pair in compared})
    words = ", ".join(parts) + (f", in {count(ranks, 'process')}" if ranks > 1 else "") + "."
    until = {watched.until for p in compared if p.shared and (watched := p.shared.a).level == "op"}
    if _operations(kinds) and (limits := [step for step in until if step is not None]):
        words += f" Operations were recorded up to step {min(limits):,}, and from there on per step."
    alike = list(dict.fromkeys(said for p in compared if p.shared and (said := p.shared.words())))
    words += "".join(f" {said}" for said in alike)
    if not _operations(kinds) and kinds.total() and not alike:
        words += " Observed per step: single operations were not recorded."
    if kinds["partial"]:
        words += (
            f" Of the gradients and parameters, {kinds['partial']:,} were left unread in both runs, by the "
            "schedule that keeps observation cheap."
        )
    stride = max((_stride(run_a.records[key].notes.get("schedule"), steps) for key in shared), default=1)
    if stride > 1:
        words += (
            f" Gradients and parameters were read in turn, each in one of at most {count(stride, 'step')}, "
            "and every parameter at the end, so that observation stays cheap."
        )
    workers = sorted({key for key in (*run_a.records, *run_b.records) if is_worker(key)})
    decisive = _decisive(compared)
    helpers = [key for key in workers if key not in decisive]
    if helpers:
        words += f" What {count(len(helpers), 'child process')} computed was compared only where it arrived."
    for note in _left_out(run_a, run_b):
        words += f" Left out: {note}."
    return words, kinds, steps


def _stride(schedule: Any, steps: int) -> int:
    """The longest stride that came into use of a schedule, a list of (from step, stride)."""
    pairs = [pair for pair in schedule if isinstance(pair, list)] if isinstance(schedule, list) else []
    pairs = [pair for pair in pairs if len(pair) == 2 and all(type(n) is int for n in pair)]
    return max((stride for since, stride in pairs if since < steps), default=1)


def _left_out(run_a: RunLike, run_b: RunLike) -> list[str]:
    found: dict[str, None] = {}
    for run in (run_a, run_b):
        for record in run.records.values():
            note = record.notes.get("left_out")
            for part in [note] if isinstance(note, str) else note if isinstance(note, list) else []:
                found[str(part)] = None
    return list(found)


def _environment(run_a: RunLike, run_b: RunLike) -> tuple[EnvironmentDifference, ...]:
    from samebits.manifest import diff

    for key in sorted(set(run_a.records) & set(run_b.records)):
        if not is_worker(key):
            return tuple(diff(dict(run_a.records[key].manifest), dict(run_b.records[key].manifest)))
    return ()


def _commands(run_a: RunLike, run_b: RunLike) -> tuple[str, ...]:
    """What was run, where two runs are not one command."""
    words = tuple(command(run.info) for run in (run_a, run_b))
    return words if all(words) and words[0] != words[1] else ()


def _unexplained(run: RunLike, divergence: Divergence, commands: Sequence[str]) -> str:
    if commands:
        return (
            "The two runs are not one command, which may be all there is to it: compare two of one command."
        )
    record = run.records.get(divergence.process)
    seen = record is not None and Coverage.of(record).operations(divergence.step)
    return unexplained(divergence, seen, run.info)


def _failure(run: RunLike) -> str | None:
    status = run.info.get("status")
    code = run.info.get("exit_code")
    if status == "failed" or (isinstance(code, int) and code != 0 and status == "finished"):
        return f"run {run.id} failed" + (f" with exit code {code}" if isinstance(code, int) else "")
    return None


def _told_to_stop(run_a: RunLike, run_b: RunLike, compared: Sequence[ThreadPair]) -> list[Gap]:
    """Where one run was told by `--steps` to stop, and the other went on."""
    found: list[Gap] = []
    for pair in compared:
        if pair.process not in run_a.records or pair.beside not in run_b.records:
            continue
        sides = ((run_a, pair.a.record, pair.b.record), (run_b, pair.b.record, pair.a.record))
        for run, record, other in sides:
            if record.status == "stopped" and record.steps < other.steps:
                gap = Gap(run.id, None, f"was told to stop after {count(record.steps, 'step')}")
                if gap not in found:
                    found.append(gap)
    return found


def _nothing(run: RunLike, other: RunLike, compared: Sequence[ThreadPair], missing: Sequence[Gap]) -> str:
    """Why, and how to make two records that can be compared."""
    if missing:
        return f": {missing[0]}"
    if not run.records or not other.records:
        return ": no process of the program used torch in both runs"
    advice = f"Record both alike, for example with: {repeat(run.info, 'op')}"
    apart = [said for p in compared if p.shared is not None and (said := p.shared.words()) is not None]
    if apart:
        return f". {apart[0].partition(':')[0]}, and they share no result. {advice}"
    return (
        ": neither run has a batch, a loss, a gradient, a parameter or a value that was read. Look at every "
        f"operation: {repeat(run.info, 'op')}"
    )


def _incomplete(
    base: Verdict, run_a: RunLike, run_b: RunLike, compared: Sequence[ThreadPair], missing: Sequence[Gap]
) -> Verdict:
    """The verdict of runs that agree as far as they were compared, and were not compared to their ends."""
    if base.events == 0:
        reason = f"nothing could be compared{_nothing(run_a, run_b, compared, missing)}"
    else:
        agrees = f"agrees up to step {base.steps}" if base.steps else "agrees as far as it was recorded"
        reason = f"{agrees}; {missing[0]}"
    if len(missing) > 1:
        reason += f" (and {len(missing) - 1} more, in the notes)"
    notes = (*base.notes, *(str(gap) for gap in missing[1:]))
    return replace(base, verdict="incomplete", reason=reason, notes=tuple(dict.fromkeys(notes)))


def compare(run_a: RunLike, run_b: RunLike, idle: Collection[IdlePlace] = ()) -> Verdict:
    """The verdict over two runs; ``idle``: where values are known to reach no result (`idle_places`).

    Two runs that both failed give the verdict "failed".  If one did and the other did not, where they diverge
    first is the finding; where they do not, the verdict is "failed", too.
    """
    ids = (run_a.id, run_b.id)
    compared = pairs(run_a, run_b)
    words, kinds, steps = _compared(run_a, run_b, compared)
    decisive = _decisive(compared)
    base = Verdict(
        "same",
        ids,
        steps=steps,
        events=sum(n for kind, n in kinds.items() if kind not in ("partial", "training")) - kinds["partial"],
        operations=_operations(kinds),
        processes=decisive,
        pair=ids,
        compared=words,
        environment=_environment(run_a, run_b),
        commands=_commands(run_a, run_b),
    )
    failures = [(run, reason) for run in (run_a, run_b) if (reason := _failure(run)) is not None]
    code = failures[0][0].info.get("exit_code") if failures else None
    missing = [*gaps(run_a, run_b, decisive), *gaps(run_b, run_a, decisive)]
    missing += _told_to_stop(run_a, run_b, compared)
    if len(failures) == 2:
        notes = tuple(str(gap) for gap in missing)
        return replace(base, verdict="failed", reason=failures[0][1], exit_code=code, notes=notes)
    divergence, notes_seen = first_divergence(run_a, run_b, compared, idle)
    notes = (*notes_seen, *(reason for _, reason in failures))
    if divergence is None:
        base = replace(base, notes=notes)
        if failures and not missing:
            other = run_b if failures[0][0] is run_a else run_a
            agreed = "what both computed agrees" if base.events else "nothing that both computed was observed"
            reason = f"{failures[0][1]}, and run {other.id} did not; {agreed}"
            return replace(base, verdict="failed", reason=reason, exit_code=code)
        if missing or base.events == 0:
            return _incomplete(base, run_a, run_b, compared, missing)
        return replace(base, risks=risks(run_a, run_b))
    divergence = made_in(run_a, run_b, divergence)
    evidence = gather(run_a, run_b, divergence, compared, base.environment)
    causes = explain(evidence)
    return replace(
        base,
        verdict="diverged",
        first=place_of(run_a if divergence.a else run_b, divergence),
        causes=tuple(causes),
        unexplained="" if causes else _unexplained(run_a, divergence, base.commands),
        notes=(*notes, *(str(gap) for gap in missing)),
        exit_code=code,
        sources=evidence.sources,
        divergence=divergence,
    )


def compare_all(runs: Sequence[RunLike]) -> Verdict:
    """The verdict over any number of runs: each is compared with the first."""
    if len(runs) < 2:
        raise UsageError(f"a comparison needs at least two runs, and {len(runs)} were given")
    ids = tuple(run.id for run in runs)
    verdicts = [compare(runs[0], other) for other in runs[1:]]
    for outcome in ("failed", "diverged", "incomplete"):
        for verdict in verdicts:
            if verdict.verdict == outcome:
                return replace(verdict, runs=ids)
    notes = dict.fromkeys(note for verdict in verdicts for note in verdict.notes)
    return replace(verdicts[0], runs=ids, notes=tuple(notes))
