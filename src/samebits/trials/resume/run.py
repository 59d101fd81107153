"""Does a checkpoint go on?  The program whole, and again interrupted and restarted, laid side by side.

Each run is in a mirror of the working folder, so that no checkpoint of the user's is found or overwritten; a
restart is in the mirror of the run that it goes on from.  The whole run must repeat: that is seen in the
interrupted run's steps before the kill.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from samebits.compare.twins import twins_between
from samebits.compare.verdict import count
from samebits.control.settings import Control
from samebits.errors import UsageError
from samebits.launch.mirror import Mirror
from samebits.launch.output import last_error
from samebits.launch.process import new_folder, start
from samebits.launch.program import Program
from samebits.launch.signals import Interrupted
from samebits.launch.verify import AS_IT_IS, prepare
from samebits.observe.plan import KILLS, Plan
from samebits.record.run import Run
from samebits.trials.resume import flags, judge, leftovers, remedies
from samebits.trials.resume.history import History, Told, read
from samebits.trials.resume.outcome import Resumed, Trial, worst

#: Called as progress(run, runs, steps, seconds left or None).
Progress = Callable[[int, int, int, "float | None"], None]
#: Called with a sentence, before and while it goes on.
Say = Callable[[str], None]
HALF: Final = (
    'write the checkpoint to a temporary name and put it in place at once: torch.save(state, "last.pt.new"); '
    'os.replace("last.pt.new", "last.pt")'
)


@dataclass(frozen=True, slots=True)
class Asked:
    """What the caller asks for.

    Raises:
        UsageError: it would be interrupted where it ends, or behind that.
    """

    program: Program
    words: tuple[str, ...] = ()  # behind the program's own, where it goes on
    trials: int = 3
    kill: str = "term"
    at: int | None = None
    steps: int | None = None
    seed: int | None = None  # of the kill points; None: others each time
    control: Control = AS_IT_IS
    out: Path = Path(".samebits")
    timeout: float | None = None

    def __post_init__(self) -> None:
        if self.at is not None and self.steps is not None and self.at >= self.steps:
            raise UsageError(
                f"resume: the whole run ends after {count(self.steps, 'step')}, so it cannot be interrupted "
                f"after {self.at}; give a smaller --at, or more --steps"
            )


def resume(asked: Asked, *, progress: Progress | None = None, say: Say = lambda _: None) -> Resumed:
    """Run the program whole, then interrupt it and restart it, and say whether it goes on as if nothing was.

    Raises:
        LaunchError: it could not be started, or not be observed.
    """
    assert asked.kill in KILLS
    draws = prepare(asked.program, asked.control, asked.out)
    resuming = _Resuming(asked, draws, progress, say)
    try:
        return resuming.verdict()
    except Interrupted:
        nothing = resuming.told("incomplete", None, 0.0, [], "interrupted before a trial was done")
        return replace(nothing, interrupted=True)


class _Resuming:
    def __init__(self, asked: Asked, draws: str | None, progress: Progress | None, say: Say) -> None:
        self.asked, self.draws, self.progress, self.say = asked, draws, progress, say
        self.here = Path.cwd()
        self.out = asked.out.absolute()
        self.total = 1 + 2 * asked.trials
        self.done = 0
        self.hidden: tuple[str, ...] = ()  # what an earlier run left in the folder
        self.ids: list[str] = []
        self.mean: float | None = None  # seconds of a step
        self.whole_steps = 0
        self.first: Run | None = None  # the whole run
        self.repeated: dict[str, None] = {}  # streams that a restarted run began anew, a sentence each

    def verdict(self) -> Resumed:
        """Of all trials, or of those that were done as somebody asked for an end."""
        asked = self.asked
        self.say(f"1 + 2 x {asked.trials} runs: the program whole, then each time interrupted and restarted")
        whole_run, whole, seconds = self._whole()
        if whole.main is not None and (old := leftovers.found(whole.main)):
            self.say(f"it went on from {old[0]}, which was there before; again without it")
            self.hidden, self.total = old, self.total + 1
            whole_run, whole, seconds = self._whole()
        main = whole.main
        if main is not None and (old := leftovers.found(main)):
            reason = f"the whole run goes on from {old[0]}, which was there before; move it away"
            return self.told("incomplete", main, seconds, [], reason)
        status = whole_run.info.get("status")
        if status not in ("finished", "stopped"):
            reason = f"the whole run {_how(whole_run)}\n{last_error(whole_run.path)}".rstrip()
            return self.told("failed", main, seconds, [], reason)
        if main is None or not main.steps:
            return self.told("incomplete", main, seconds, [], "the whole run took no optimizer step")
        if main.steps < 2:
            return self.told("incomplete", main, seconds, [], "the whole run took one optimizer step alone")
        self.whole_steps = main.steps
        self.mean = seconds / main.steps
        first = judge.first_save(main)
        if first is None and asked.kill != "term":
            way = self._way(main)
            return self.told(
                "incomplete",
                main,
                seconds,
                [],
                f"the whole run saved no checkpoint that is seen: {judge.SEEN}{way}",
            )
        self.say(
            f"the whole run took {main.steps:,} steps in {seconds:.0f} s; "
            f"{2 * asked.trials} more runs of at most that, together about {self._left(0, 0):.0f} s"
        )
        trials: list[Trial] = []
        stopped = None
        try:
            for step in self._points(main, first):
                trial = self._trial(whole, main, step)
                trials.append(trial)
                if trial.word == "failed" and trial.reason and "does not repeat" in trial.reason:
                    break
        except Interrupted as signal:
            if not trials:
                raise
            stopped = signal
        return replace(self.told(worst(trials), main, seconds, trials, None), interrupted=stopped is not None)

    def _whole(self) -> tuple[Run, Told, float]:
        """The whole run, what it held, and its seconds."""
        began = time.monotonic()
        with Mirror(self.here, self.asked.program) as mirror:
            leftovers.take_out(mirror.folder, self.hidden)
            self.first = self._run(mirror.program(self.asked.program), steps=self.asked.steps)
        return self.first, read(self.first), time.monotonic() - began

    def _points(self, whole: History, first: int | None) -> list[int]:
        """After how many steps each trial's run is interrupted."""
        asked = self.asked
        if asked.at is not None:
            return [asked.at] * asked.trials
        least = 1 if first is None else min(first + 1, whole.steps - 1)
        chosen = random.Random(asked.seed)
        last = whole.steps
        if asked.kill == "save":  # the first save behind it is cut off
            least, last = 1, max(fact.step for fact in whole.saves() if fact.step < whole.steps) + 1
        every = range(least, last) if least < last else range(1, whole.steps)
        if len(every) >= asked.trials:
            return sorted(chosen.sample(every, asked.trials))
        return sorted(chosen.choices(every, k=asked.trials))

    def _trial(self, whole: Told, main: History, step: int) -> Trial:
        asked = self.asked
        with Mirror(self.here, asked.program) as mirror:
            leftovers.take_out(mirror.folder, self.hidden)
            program = mirror.program(asked.program)
            cut_run = self._run(program, kill=(step, asked.kill), goal=step)
            cut = read(cut_run)
            trial = Trial("complete", asked.kill, step, runs=(cut_run.id,))
            early = judge.cut_short(main, cut.main, trial)
            if early is not None:
                self.done += 1
                return early
            assert cut.main is not None
            again = replace(program, target=(*program.target, *asked.words))
            newest = cut.main.saves()[-1].step if cut.main.saves() else 0
            limit = None if asked.steps is None else max(1, asked.steps - newest)
            resumed_run = self._run(again, steps=limit, goal=max(1, main.steps - newest))
        resumed = read(resumed_run)
        trial = replace(trial, runs=(cut_run.id, resumed_run.id))
        status = resumed_run.info.get("status")
        if status not in ("finished", "stopped"):
            said = last_error(resumed_run.path).rstrip()
            half = judge.half_written(cut.main, resumed.main, asked.kill)
            reason = f"the restarted run {_how(resumed_run)}" + (
                f": the checkpoint was half written when the run was killed; {HALF}" if half else f"\n{said}"
            )
            return replace(trial, word="failed", reason=reason)
        judged = [
            judge.judged(
                theirs,
                cut.by_process.get(name, cut.main),
                cut.main,
                resumed.by_process[name],
                trial,
            )
            for name, theirs in sorted(whole.by_process.items())
            if name in resumed.by_process
        ]
        if not judged:
            reason = f"the restarted run took no optimizer step{self._way(main)}"
            return replace(trial, word="incomplete", reason=reason)
        word = worst(judged)
        found = judge.first([one for one in judged if one.word == word])
        if word == "loses" and self.first is not None:
            begun = twins_between(self.first, resumed_run)
            self.repeated.update(dict.fromkeys(one.sentence() for one in begun))
        if found.reason == judge.LOADED_NONE:
            found = replace(found, reason=f"{found.reason}{self._way(main)}")
        return found

    def _way(self, main: History) -> str:
        """How the program may be told to go on, as far as its source and its framework show it."""
        found = flags.resuming(main.sources)
        if found and not self.asked.words:
            return f'; it has {", ".join(found[:4])}: give --resume-with "{flags.example(found[0])}"'
        used = remedies.framework(main)
        if used is not None:
            how, where = remedies.WAYS[used]
            return f"; {used} goes on by {how}, and keeps its checkpoints in {where}"
        return ""

    def _run(
        self,
        program: Program,
        *,
        steps: int | None = None,
        kill: tuple[int, str] | None = None,
        goal: int = 0,
    ) -> Run:
        self.done += 1
        number = self.done
        folder = new_folder(self.out)
        plan = Plan(folder=str(folder), level="step", steps=steps, draws=self.draws, census=True, kill=kill)

        def tell(done: int) -> None:
            if self.progress is not None:
                self.progress(number, self.total, done, self._left(done, goal))

        self.ids.append(folder.name)
        path = start(
            program,
            self.asked.control,
            plan,
            quiet=True,
            timeout=self.asked.timeout,
            progress=tell,
            verify=self.ids[0],
        )
        return Run.open(path)

    def _left(self, done: int, goal: int) -> float | None:
        """Seconds that are left, as far as the whole run tells it."""
        if self.mean is None:
            return None
        remaining = self.total - self.done
        return self.mean * (max(0, goal - done) + remaining * 0.6 * self.whole_steps)

    def told(
        self, word: str, whole: History | None, seconds: float, trials: Sequence[Trial], reason: str | None
    ) -> Resumed:
        notes = list(self.repeated)
        if whole is not None and "census_until" in whole.notes:
            notes.append(
                f"states were kept up to step {whole.notes['census_until']}; later ones were too many"
            )
        return Resumed(
            word,  # type: ignore[arg-type]
            0 if whole is None else whole.steps,
            seconds,
            tuple(trials),
            reason,
            tuple(notes),
            tuple(self.ids),
            self.asked.trials,
        )


def _how(run: Run) -> str:
    code = run.info.get("exit_code")
    if run.info.get("status") == "timeout":
        return "was stopped by its time limit"
    if isinstance(code, int) and code < 0:
        return f"ended by signal {-code}"
    return f"failed with exit code {code}"
