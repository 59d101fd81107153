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
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.machinery import SourceFileLoader
from types import ModuleType
from typing import Any, Final, NoReturn

#: How many calls there are below a program's first frame because of this file.
_FRAMES: Final = 4 if sys.version_info < (3, 12) else 3  # `exec` counted, too

#: Variables of a process that is observed or controlled.
_ATTACHES: Final = frozenset({"SAMEBITS_PLAN", "SAMEBITS_CONTROL"})

_attached = False
_session: Any = None


def attach() -> None:
    """Prepare this process: control at once, facts from now on, events once torch is imported.

    Of a process that is in a mirror and neither controlled nor observed the files are kept, and no more.
    """
    global _attached, _session
    if _attached:
        return
    _keep_files()
    if not (_runs_here() or _ATTACHES & os.environ.keys()):
        return
    script = _plain_script()
    if script is not None:
        os.execv(sys.executable, [sys.executable, *script[0], os.path.abspath(__file__), *script[1]])
    _attached = True
    from samebits.control import install
    from samebits.control.settings import Control
    from samebits.launch import announced, obstacle, shown

    if not _runs_here():
        shown.show_errors_without_us()  # a module or a command, which Python runs itself

    from samebits.observe.plan import PLAN, Plan
    from samebits.observe.session import Session

    plan = Plan.from_json(os.environ[PLAN]) if PLAN in os.environ else None
    rewrite = os.environ.get("SAMEBITS_REWRITE") != "0" and (plan is None or plan.rewrite)
    installed = install.install(rewrite=rewrite, starting=obstacle.Warned())
    if installed is not None:
        announced.say()
    if plan is None:
        return
    from samebits._runtime import forks, imports
    from samebits.launch import attached
    from samebits.manifest import connection_file
    from samebits.observe.messages import Messages
    from samebits.usercode import loading

    attached.announce(plan.folder)  # before torch can be imported
    control = Control() if installed is None else installed.control
    _session = Session(plan, control.as_json())
    connection = connection_file(sys.orig_argv)
    loading.install(
        _session,
        ignore=[_session.plan.folder, *([connection] if connection is not None else [])],
        seeded=("python", "numpy", "torch") if control.seed is not None else (),
        rewrite=rewrite,
        draws=plan.draws,
    )
    forks.register(after_in_child=loading.reset_after_fork)
    # Before torch is imported, for the child may be what does it.
    forks.register(before=_session.key.before_fork, after_in_child=_session.after_fork)
    _session.on_step_limit = _stopped
    Messages(_session).install()
    imports.after("torch", _torch_imported)


def _keep_files() -> None:
    """In a mirror nothing may be written before this, and nothing without it."""
    from samebits._runtime import mirrored

    if os.environ.get(mirrored.VARIABLE):
        from samebits.launch import copy_up

        try:
            copy_up.install()
        except OSError as e:
            raise SystemExit(f"samebits: the mirror that this program is to run in is gone: {e}") from None


def _runs_here() -> bool:
    """Whether `main` runs this process's program."""
    return os.path.abspath(__file__) in map(os.path.abspath, sys.orig_argv[1:])


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
    from samebits.usercode.files import is_user_file

    return (options, words) if is_user_file(words[0]) else None


def _stopped() -> None:
    from samebits.launch import leave, stalled

    stalled.say_stopped(_session.plan.folder)
    leave.watch()


def _torch_imported(torch: ModuleType) -> None:
    from samebits.observe.hooks import Trace

    Trace(_session).install()


def main(argv: list[str]) -> None:
    """Run ``script.py args`` or ``-m module args`` as ``__main__``."""
    attach()
    try:
        if argv[0] == "-m":
            _run_module(argv[1:])
        else:
            _run_script(argv)
    except SystemExit:
        if _session is not None and _session.stopped_early:
            from samebits.launch import leave

            leave.leave()
        raise
    except BaseException as error:
        if _session is not None:
            if isinstance(error, KeyboardInterrupt) and _waits_for_the_stopped():
                from samebits.launch import leave

                _session.end("stopped")
                leave.leave()
            _session.note("exception", {"type": type(error).__name__, "message": _message(error)})
            _session.end("interrupted" if isinstance(error, KeyboardInterrupt) else "failed")
        from samebits.launch import shown

        shown.show_errors_without_us()
        raise  # Python shows it, and ends as it ends


def _waits_for_the_stopped() -> bool:
    """Whether an interrupt is that of samebits, for a program that would wait for ever."""
    from samebits.launch import stalled

    return stalled.has_stopped(_session.plan.folder)


def _message(error: BaseException) -> str:
    try:
        return str(error)[:2000]
    except Exception:
        return ""


def _main_module() -> ModuleType:
    """A new `__main__`, as Python has it before it runs a program."""
    module = sys.modules["__main__"] = ModuleType("__main__")
    module.__dict__["__builtins__"] = builtins
    if sys.version_info < (3, 14):  # from then on annotations are evaluated when they are asked for
        module.__annotations__ = {}
    return module


def _run_module(argv: list[str]) -> None:
    sys.argv = ["-m", *argv[1:]]
    if not sys.flags.safe_path:
        with suppress(OSError):  # it was deleted
            sys.path[0] = os.getcwd()
    _main_module()
    with _depth():
        runpy._run_module_as_main(argv[0])  # type: ignore[attr-defined]  # what `python -m` calls


def _run_script(argv: list[str]) -> None:
    from samebits.usercode import loading

    script = argv[0]  # made absolute and not normalized: so does Python
    if not os.path.isabs(script):
        script = os.path.join(os.getcwd(), script)
    try:
        with open(script, "rb") as f:
            code = loading.compile_user(f.read(), script)
    except Exception:
        _become_python(argv)
    sys.argv = argv
    if not sys.flags.safe_path:
        sys.path[0] = os.path.dirname(os.path.realpath(script))
    module = _main_module()
    module.__file__ = script
    module.__loader__ = SourceFileLoader("__main__", script)
    module.__dict__["__cached__"] = None
    with _depth():
        exec(code, module.__dict__)  # noqa: S102


def _become_python(argv: list[str]) -> NoReturn:
    """Let Python itself say why it cannot run a script: its reader of files has words of its own."""
    from samebits.control.process_key import VARIABLE
    from samebits.observe.plan import PLAN

    for name in (PLAN, VARIABLE):
        os.environ.pop(name, None)
    words = sys.orig_argv[1:]
    here = [os.path.abspath(word) == os.path.abspath(__file__) for word in words]
    options = words[: here.index(True)] if True in here else []
    sys.stdout.flush()
    sys.stderr.flush()
    os.execv(sys.executable, [sys.executable, *options, *argv])


@contextmanager
def _depth() -> Iterator[None]:
    """The program recurses as deep as it would without the frames of this file."""
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(limit + _FRAMES)
    try:
        yield
    finally:
        if sys.getrecursionlimit() == limit + _FRAMES:
            sys.setrecursionlimit(limit)


if __name__ == "__main__":
    # The module that sitecustomize attached holds the session; this file, run as a script, is another one.
    from samebits.launch import child

    child.main(sys.argv[1:])
