"""What is noted of a call that reads or sets one thing: clock, entropy, hash, variable, flag, file."""

from __future__ import annotations

import datetime
import os
import re
from itertools import islice
from typing import Final

from samebits.model import facts
from samebits.usercode.content import deciding, digest
from samebits.usercode.watched import Call, path_of


def clock_read(call: Call) -> None:
    value = call.result
    if isinstance(value, datetime.datetime):
        value = value.timestamp()
    elif isinstance(value, datetime.date):
        value = value.toordinal()
    elif not isinstance(value, int | float):
        value = digest(value)
    call.emit(facts.Clock(call=call.call, value=value))


def alarm_set(call: Call) -> None:
    """A limit of time that something else keeps: the reading is nobody's."""
    call.emit(facts.Clock(call=call.call))


def limit_set(call: Call) -> None:
    """As `alarm_set`, unless there is no limit."""
    if call.argument(1 if call.call.endswith("wait_for") else 0, "timeout") is not None:
        alarm_set(call)


def entropy_read(call: Call) -> None:
    value = call.args[0] if call.result is None and call.args else call.result
    if call.call.startswith("tempfile."):
        value = path_of(value[1] if isinstance(value, tuple) else value)
    elif call.call.startswith("uuid."):
        value = value.bytes
    call.emit(facts.Entropy(call=call.call, value=value if call.call.endswith("pid") else digest(value)))


def hashed(call: Call) -> None:
    of = "object" if call.call == "id" else deciding(call.args[0])
    call.emit(facts.Hash(call=call.call, of=of, value=call.result))


_PLAIN: Final = re.compile(r"[-+]?\d{1,4}(\.\d{1,6})?|true|false|on|off|yes|no|", re.IGNORECASE)


def variable_of(name: str) -> facts.Variable:
    """What may be noted of an environment variable."""
    value = os.environ.get(name)
    plain = value is not None and _PLAIN.fullmatch(value) is not None
    return facts.Variable(name=name, set=value is not None, value=value if plain else None)


def variable(call: Call) -> None:
    call.emit(variable_of(str(call.argument(0, "key"))))


def probe(call: Call) -> None:
    path = call.owner if isinstance(call.owner, os.PathLike) else call.argument(0, "path")
    call.emit(facts.Probe(call=call.call, path=path_of(path), value=bool(call.result)))


def _set_to(call: Call) -> bool | int | float | str | None:
    value = next(iter((*call.args, *call.kwargs.values())), None)
    return value if isinstance(value, bool | int | float | str) else None


def threads_set(call: Call) -> None:
    call.emit(facts.Threads(call=call.call, value=_set_to(call)))


def flag_set(call: Call) -> None:
    call.emit(facts.Flag(call=call.call, value=_set_to(call)))


def made_empty(call: Call) -> None:
    call.emit(facts.Empty(call=call.call))


def loaded(call: Call) -> None:
    into = call.call.endswith("load_state_dict")
    value = call.argument(0, "state_dict") if into else call.result
    keys = [str(key)[:200] for key in islice(value, 50)] if isinstance(value, dict) else None
    path = None if into else path_of(call.argument(0, "f", call.kwargs.get("file")))
    call.emit(facts.Load(call=call.call, path=path, keys=keys))


def saved(call: Call) -> None:
    index = 0 if call.call.startswith("numpy.") else 1
    call.emit(facts.Save(call=call.call, path=path_of(call.argument(index, "f" if index else "file"))))
