"""What happens inside a started process: `attach` prepares it, `main` runs the script as Python would.

Run as a file (`python .../child.py script.py args`), never imported by the script.  Processes that the
script starts come here through `bootstrap/sitecustomize.py`; one that runs a script file is started
again through this file, so that the script's own source is instrumented there too.
"""

from __future__ import annotations

import builtins
import os
import runpy
import sys
from contextlib import suppress
from importlib.machinery import SourceFileLoader
from types import ModuleType, TracebackType
from typing import Any

_attached = False
_session: Any = None


def attach() -> None:
    """Prepare this process: control at once, facts from now on, events once torch is imported."""
    global _attached, _session
    if _attached:
        return
    script = _plain_script()
    if script is not None:
        os.execv(sys.executable, [sys.executable, *script[0], os.path.abspath(__file__), *script[1]])
    _attached = True
    from samebits.launch import control

    observing = "SAMEBITS_PLAN" in os.environ
    controlled = control.install(observing=observing)
    if not observing:
        return
    from samebits import _imports as imports
    from samebits.launch import attached
    from samebits.record import instrument
    from samebits.record.session import PLAN, Plan, Session

    plan = Plan.from_json(os.environ[PLAN])
    attached.announce(plan.folder)  # before torch can be imported
    _session = Session(plan)
    seeded = controlled is not None and controlled.identity.seed is not None
    instrument.install(
        _session,
        ignore=[_session.plan.folder],
        seeded=("python", "numpy", "torch") if seeded else (),
    )
    os.register_at_fork(after_in_child=instrument.reset_after_fork)
    _session.on_stop = _stopped
    imports.after("torch", _torch_imported)


def _plain_script() -> tuple[list[str], list[str]] | None:
    """(interpreter options, script and arguments) if this process is about to run a script file."""
    words = sys.orig_argv[1:]
    options = []
    while words and words[0].startswith("-") and words[0] != "-":
        if words[0] in ("-c", "-m") or words[0].startswith(("-c", "-m")):
            return None
        if words[0] in ("-W", "-X"):
            options.append(words.pop(0))
        options.append(words.pop(0))
    if not words or words[0] == "-" or os.path.abspath(words[0]) == os.path.abspath(__file__):
        return None
    if not words[0].endswith(".py") or not os.path.isfile(words[0]):
        return None
    from samebits.record.sources import is_user_file

    return (options, words) if is_user_file(words[0]) else None


def _stopped() -> None:
    from samebits.launch import leave

    leave.watch()


def _torch_imported(torch: ModuleType) -> None:
    from samebits.record.trace import Trace

    Trace(_session).install()


def main(argv: list[str]) -> None:
    """Run ``script.py args`` or ``-m module args`` as ``__main__``."""
    attach()
    try:
        if argv[0] == "-m":
            sys.argv = argv[1:]
            if not sys.flags.safe_path:
                with suppress(OSError):  # it was deleted
                    sys.path[0] = os.getcwd()
            runpy.run_module(argv[1], run_name="__main__", alter_sys=True)
        else:
            _run_script(argv)
    except SystemExit:
        if _session is not None and _session.stopped:
            from samebits.launch import leave

            leave.leave()
        raise
    except BaseException as error:
        if _session is not None:
            _session.note("exception", {"type": type(error).__name__, "message": str(error)[:2000]})
            _session.end("interrupted" if isinstance(error, KeyboardInterrupt) else "failed")
        shown = error.with_traceback(_own_frames_dropped(error.__traceback__))
        sys.excepthook(type(shown), shown, shown.__traceback__)  # the program may have set its own
        sys.stderr.flush()
        raise SystemExit(130 if isinstance(error, KeyboardInterrupt) else 1) from None


def _run_script(argv: list[str]) -> None:
    from samebits.record import instrument

    script = argv[0]  # made absolute and not normalized: so does Python
    if not os.path.isabs(script):
        script = os.path.join(os.getcwd(), script)
    sys.argv = argv
    if not sys.flags.safe_path:
        sys.path[0] = os.path.dirname(os.path.realpath(script))
    with open(script, "rb") as f:
        source = f.read()
    module = ModuleType("__main__")
    module.__file__ = script
    module.__loader__ = SourceFileLoader("__main__", script)
    module.__dict__.update(__builtins__=builtins, __cached__=None)
    if sys.version_info < (3, 14):  # from then on annotations are evaluated when they are asked for
        module.__annotations__ = {}
    sys.modules["__main__"] = module
    exec(instrument.compile_user(source, script), module.__dict__)  # noqa: S102


def _own_frames_dropped(tb: TracebackType | None) -> TracebackType | None:
    """The traceback from the script's first frame on, as Python itself would print it."""
    from samebits.record import watch

    ours = (__file__, runpy.__file__, "<frozen runpy>")
    skipped = tb
    while skipped is not None and skipped.tb_frame.f_code.co_filename in ours:
        skipped = skipped.tb_next
    return watch.without_watch(skipped or tb)


if __name__ == "__main__":
    # The module that sitecustomize attached holds the session; this file, run as a script, is another one.
    from samebits.launch import child

    child.main(sys.argv[1:])
