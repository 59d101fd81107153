"""A process that has handed over what it computed may be ended: its record is whole.

Pools end their workers by SIGTERM once nobody needs them, and so do programs that hand out work themselves;
such a worker closes no record.  So where a process of `multiprocessing` hands something over (puts it into a
queue, sends it through a pipe) or finds nothing to do, it commits what there is, with a note that says so.
The note goes when it gets something to do, or has computed more.

What a process computes after that, and never hands over, is nobody's when it is ended there.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

from samebits import _imports as imports
from samebits._replaced import wrap

if TYPE_CHECKING:
    from samebits.record.session import Session

#: Threads of `multiprocessing` that send what was put into a queue, and hand out the files of tensors.
_SENDING: Final = ("QueueFeederThread", "(_serve)")


class Handing:
    """Installed once per process, and inherited by what it forks.

    Before torch is imported: a pool's worker takes hold of its queues first, and imports torch with its work.
    """

    def __init__(self, session: Session) -> None:
        self._session = session

    def install(self) -> None:
        imports.after("multiprocessing.queues", self._queues)
        imports.after("multiprocessing.connection", self._connections)

    def _queues(self, module: ModuleType) -> None:
        for kind in (module.SimpleQueue, module.Queue):
            wrap(kind, "put", self._give)
            wrap(kind, "get", self._take)

    def _connections(self, module: ModuleType) -> None:
        wrap(module.Connection, "send", self._give)
        wrap(module.Connection, "recv", self._take)

    def _give(self, original: Callable[..., Any], channel: Any, *args: Any, **kwargs: Any) -> Any:
        if self._counts():
            self._session.hand_over()
        return original(channel, *args, **kwargs)

    def _take(self, original: Callable[..., Any], channel: Any, *args: Any, **kwargs: Any) -> Any:
        if not self._counts():
            return original(channel, *args, **kwargs)
        if _is_empty(channel):
            self._session.hand_over()
        taken = original(channel, *args, **kwargs)
        if taken is not None:  # which is how a worker is told that there is nothing more to do
            self._session.go_on()
        return taken

    def _counts(self) -> bool:
        """Whether this is such a process, no other thread of it may be computing, and no loader's."""
        if not self._session.may_be_ended:
            return False
        loading = sys.modules.get("torch.utils.data._utils.worker")
        if loading is not None and loading._worker_info is not None:
            return False  # these decide no verdict, and hand over every batch
        here = threading.current_thread()
        return all(one is here or one.name.endswith(_SENDING) for one in threading.enumerate())


def _is_empty(channel: Any) -> bool:
    with suppress(Exception):  # closed: the program will see it
        return bool(channel.empty() if hasattr(channel, "empty") else not channel.poll())
    return False
