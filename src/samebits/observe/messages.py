"""When the record of a worker is complete, though a signal ends the worker, and which tasks it received.

Pools end their workers by SIGTERM once nobody needs them, and so do programs that manage workers themselves;
such a worker cannot close its record.  So when a process of `multiprocessing` sends something (into a queue
or a pipe) or has nothing to do, it writes all that it has observed, with a note that the record is complete.
It takes the note back when it receives another task or has computed more.

What a worker computes after that and never sends reaches nobody: a record without it is complete, too.

A pool's worker also notes a digest of the bytes of the tasks it received.  Which worker receives which task
is a matter of time; by the digest, `compare` finds the workers of two runs that received the same tasks.  It
matches commands by the digest of `observe.command`, and all other processes by their keys.
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

#: Threads of `multiprocessing` itself: they send what was put into a queue, or the files of tensors.
_SENDING: Final = ("QueueFeederThread", "(_serve)")


class Messages(Patcher):
    """Changes the queues and pipes of `multiprocessing`; forked children inherit that.

    It is installed before torch is imported: a pool's worker opens its queues first, and imports torch only
    with its first task.
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
            self._around(kind, "put", self._send)
            self._around(kind, "get", self._receive_task)

    def _connections(self, module: ModuleType) -> None:
        self._around(module.Connection, "send", self._send)
        self._around(module.Connection, "recv", self._receive_task)
        self._around(
            module.Connection, "_recv_bytes", self._read_bytes
        )  # under `recv` and under a queue's `get`

    def _send(self, original: Callable[..., Any], channel: Any, *args: Any, **kwargs: Any) -> Any:
        if self._session.can_receive_tasks:
            self._session.draws.take()  # which may make its record
        if self._may_mark_complete():
            self._session.mark_complete()
        return original(channel, *args, **kwargs)

    def _read_bytes(self, original: Callable[..., Any], connection: Any, *args: Any) -> Any:
        received = original(connection, *args)
        if received is not None and self._is_pool_worker():
            self._received = blake2b(received.getvalue(), digest_size=16).digest()
        return received

    def _receive_task(self, original: Callable[..., Any], channel: Any, *args: Any, **kwargs: Any) -> Any:
        if not self._session.can_receive_tasks or _loads_batches():
            return original(channel, *args, **kwargs)
        if self._may_mark_complete() and _is_empty(channel):
            self._session.mark_complete()
        self._received = None
        received = original(channel, *args, **kwargs)
        if received is not None:  # by None a worker learns that there is nothing more to do
            self._session.unmark_complete()
            if self._is_pool_worker():
                self._session.add_task(self._received)
        return received

    def _is_pool_worker(self) -> bool:
        """Whether this is a pool's worker."""
        process = sys.modules.get("multiprocessing.process")
        if process is None or not self._session.can_receive_tasks:
            return False
        target = getattr(process.current_process(), "_target", None)
        return getattr(target, "__module__", "").endswith(_POOLS)

    def _may_mark_complete(self) -> bool:
        """Whether the parent may terminate this process, and no other thread of it may be computing."""
        if not self._session.parent_may_terminate or _loads_batches():
            return False
        here = threading.current_thread()
        return all(one is here or one.name.endswith(_SENDING) for one in threading.enumerate())


def _loads_batches() -> bool:
    """Whether this is a DataLoader's worker: its record decides no verdict, and every batch is compared."""
    loading = sys.modules.get("torch.utils.data._utils.worker")
    return loading is not None and loading._worker_info is not None


def _is_empty(channel: Any) -> bool:
    with suppress(Exception):  # closed: the program will see it
        return bool(channel.empty() if hasattr(channel, "empty") else not channel.poll())
    return False
