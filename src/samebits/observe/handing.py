"""A process that has handed over what it computed may be ended: its record is whole.

Pools end their workers by SIGTERM once nobody needs them, and so do programs that hand out work themselves;
such a worker closes no record.  So where a process of `multiprocessing` hands something over (puts it into a
queue, sends it through a pipe) or finds nothing to do, it commits what there is, with a note that says so.
The note goes when it gets something to do, or has computed more.

What a process computes after that, and never hands over, is nobody's when it is ended there.

What a pool's worker gets to do is noted too, as a digest of the bytes that came.  Which worker takes what
is a matter of time; by this those of two runs that took the same are known.  So are commands, by what they
were told.  Other processes have a task of their own, whatever comes to them.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from hashlib import blake2b
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

from samebits._runtime.patcher import Patcher

if TYPE_CHECKING:
    from samebits.observe.session import Session

#: Where the functions are that a pool's workers run, all of one pool with the same arguments.
_POOLS: Final = ("multiprocessing.pool", "concurrent.futures.process", "loky.process_executor")

#: Threads of `multiprocessing` that send what was put into a queue, and hand out the files of tensors.
_SENDING: Final = ("QueueFeederThread", "(_serve)")


class Handing(Patcher):
    """Installed once per process, and inherited by what it forks.

    Before torch is imported: a pool's worker takes hold of its queues first, and imports torch with its work.
    """

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._received: bytes | None = None  # digest of the message read last

    def install(self) -> None:
        self._after("multiprocessing.queues", self._queues)
        self._after("multiprocessing.connection", self._connections)

    def _queues(self, module: ModuleType) -> None:
        for kind in (module.SimpleQueue, module.Queue):
            self._around(kind, "put", self._give)
            self._around(kind, "get", self._take)

    def _connections(self, module: ModuleType) -> None:
        self._around(module.Connection, "send", self._give)
        self._around(module.Connection, "recv", self._take)
        self._around(
            module.Connection, "_recv_bytes", self._receive
        )  # under `recv` and under a queue's `get`

    def _give(self, original: Callable[..., Any], channel: Any, *args: Any, **kwargs: Any) -> Any:
        if self._counts():
            self._session.hand_over()
        return original(channel, *args, **kwargs)

    def _receive(self, original: Callable[..., Any], connection: Any, *args: Any) -> Any:
        received = original(connection, *args)
        if received is not None and self._works():
            self._received = blake2b(received.getvalue(), digest_size=16).digest()
        return received

    def _take(self, original: Callable[..., Any], channel: Any, *args: Any, **kwargs: Any) -> Any:
        if not self._session.may_take_work or _loads_batches():
            return original(channel, *args, **kwargs)
        if self._counts() and _is_empty(channel):
            self._session.hand_over()
        self._received = None
        taken = original(channel, *args, **kwargs)
        if taken is not None:  # which is how a worker is told that there is nothing more to do
            self._session.go_on()
            if self._works():
                self._session.took(self._received)
        return taken

    def _works(self) -> bool:
        """Whether this is a pool's worker."""
        process = sys.modules.get("multiprocessing.process")
        if process is None or not self._session.may_take_work:
            return False
        target = getattr(process.current_process(), "_target", None)
        return getattr(target, "__module__", "").endswith(_POOLS)

    def _counts(self) -> bool:
        """Whether this is such a process, no other thread of it may be computing, and no loader's."""
        if not self._session.may_be_ended or _loads_batches():
            return False
        here = threading.current_thread()
        return all(one is here or one.name.endswith(_SENDING) for one in threading.enumerate())


def _loads_batches() -> bool:
    """Whether this is a DataLoader's worker: these decide no verdict, and hand over every batch."""
    loading = sys.modules.get("torch.utils.data._utils.worker")
    return loading is not None and loading._worker_info is not None


def _is_empty(channel: Any) -> bool:
    with suppress(Exception):  # closed: the program will see it
        return bool(channel.empty() if hasattr(channel, "empty") else not channel.poll())
    return False
