"""What is in the checkpoint that a resumed run begins with, and whether that run took it.

Which states are in it is known by their content as it was written, else by a key of the variable's name, else
by a number that no other variable has.
"""

from __future__ import annotations

import re
from typing import Final

from samebits.model.facts import Load
from samebits.trials.resume.align import Start
from samebits.trials.resume.history import History, State

#: Generators of the process -> the kind of state that each is.
PROCESS_WIDE: Final = {
    "python": "python-generator",
    "numpy": "numpy-generator",
    "torch": "torch-generator",
}
#: Kind of state -> what is in the key under which programs save it.
_WORDS: Final = {
    "scheduler": r"sched",
    "optimizer": r"optim|(?<![a-z])opt(?![a-z])",
    "scaler": r"scaler|amp",
    "loader-position": r"loader|sampler|position|batch_in_epoch",
}
#: Kind of state -> the method that takes it.
_TAKEN_BY: Final = {
    "optimizer": "Optimizer.load_state_dict",
    "scheduler": "LRScheduler.load_state_dict",
    "model-part": "Module.load_state_dict",
    "buffers": "Module.load_state_dict",
}


class Saved:
    """A checkpoint: all that was saved at its step.

    Attributes:
        of_another: it was saved by another process than that which is looked at: another rank.
    """

    def __init__(self, whole: History, cut: History, saver: History, resumed: History, begin: Start) -> None:
        self._whole, self._cut, self._resumed = whole, cut, resumed
        self._step = begin.save.step if begin.save is not None else begin.step
        self.of_another = saver is not cut
        saves = [fact.detail for fact in saver.saves() if fact.step == self._step]
        self._entries = [entry.partition("=") for save in saves for entry in save.keys or ()]
        self._holds: dict[str, str] = {}
        for save in saves:
            for text in save.holds or ():
                name, _, key = text.rpartition("=")
                if self.of_another and name.startswith("generator "):
                    continue  # of that process
                self._holds.setdefault(name, key)

    def how(self, kind: str, state: State) -> tuple[str, str | None]:
        """("not saved" | "not loaded" | "changed", key in the checkpoint)."""
        key = self.key(kind, state)
        if key is None:
            return "not saved", None
        return ("changed" if self._was_loaded(kind, state) else "not loaded"), key

    def key(self, kind: str, state: State) -> str | None:
        """Under which key a state is saved; None: it is not."""
        held = ("optimizer", state[1]) if state[0] == "rate" else state
        if (key := self._holds.get(" ".join(held))) is not None:
            return key or state[1]
        if state[0] == "buffers" and self.holds_model(state[1]):
            return None  # its parameters are there, without these
        if state[0] in ("counter", "position") or kind in ("value", "ema", "sampler-epoch"):
            if (key := self._by_name(state)) is not None:
                return key
            if (key := self._by_value(state)) is not None:
                return key
        words = _WORDS.get(kind)
        if words is None:
            return None
        return next((key for key, _, _ in self._entries if re.search(words, key.lower())), None)

    def holds_model(self, path: str) -> bool:
        """Whether parameters of a module are in it."""
        starts = tuple(f"{kind} {path}" for kind in ("parameters", "untrained"))
        return any(f"{name}.".startswith(f"{start}.") for name in self._holds for start in starts)

    def has_name(self, state: State) -> bool:
        """Whether a key is called as a variable is, whatever its value."""
        return bool(self._named(state))

    def _by_name(self, state: State) -> str | None:
        """A key of the variable's name; one whose value is another is another variable's."""
        near = self._as_saved(state)
        return next((key for key, value in self._named(state) if not value or value in near), None)

    def _named(self, state: State) -> list[tuple[str, str]]:
        """The keys that are called as a variable is, with the numbers that they have."""
        return [(key, value) for key, _, value in self._entries if key.split(".")[-1] == _leaf(state[1])]

    def _by_value(self, state: State) -> str | None:
        """The one key whose number the state had, if no other variable had it, and it is not 0 or 1."""
        values = self._values(state) - {"0", "1", "-1", "0.0", "1.0", "-1.0"}
        keys = [(key, value) for key, _, value in self._entries if value in values]
        if len(keys) != 1:
            return None
        key, value = keys[0]
        others = (one for one in self._cut.states() if one[0] == "counter" and one != state)
        return None if any(value in self._values(one) for one in others) else key

    def _values(self, state: State) -> set[str]:
        """The numbers that a state had around the save."""
        step = self._step
        near = (
            self._cut.value(state, step - 1),
            self._cut.value(state, step),
            self._whole.value(state, step),
        )
        return {value[1:] for value in near if value is not None and value.startswith("=")}

    def _as_saved(self, state: State) -> set[str]:
        """The same, and what programs save of a count that the next step begins with."""
        values = self._values(state)
        return values | {str(int(value) + 1) for value in values if value.isdigit()}

    def _was_loaded(self, kind: str, state: State) -> bool:
        if state[0] == "generator":
            return self.put_back(state)
        if state[0] == "counter":  # it has the number that is in the checkpoint
            return any(self._resumed.at(0).get(state) == f"={value}" for _, value in self._named(state))
        wanted = _TAKEN_BY.get(kind)
        return wanted is not None and any(
            isinstance(fact.detail, Load) and str(fact.detail.call).endswith(wanted) and fact.step == 0
            for fact in self._resumed.facts
        )

    def put_back(self, state: State) -> bool:
        """Whether a generator was given the state that is in the checkpoint.

        An object's is seen only by what it is then.  A process-wide one may be put back to what it was just
        before, as a framework does around what it draws for itself.
        """
        if " ".join(state) not in self._holds:
            return False
        if state[1] not in PROCESS_WIDE:
            return self._resumed.at(0)[state] != self._whole.value(state, self._whole.taken[0])
        return any(
            fact.detail.action == "restore" and fact.detail.path == state[1] and fact.step == 0
            for fact in self._resumed.checkpoints
        )


def _leaf(path: str) -> str:
    """The last name of a path: of ``a.b['c']``, c; of ``a.b[2]``, b."""
    return re.split(r"[.\[]", re.sub(r"\['([^']*)'\]$", r".\1", path))[-1]
