"""What torch's generators of the CPU give, as facts; where the observer sees it, which is the native one.

Where operations are recorded each one that draws is seen.  Elsewhere some are looked at for this alone: the
first ones of a process that another one started, and those that follow a seed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from samebits.model.facts import TorchDraw
from samebits.model.sites import Site

if TYPE_CHECKING:
    from samebits.observe.session import Session
    from samebits.observe.sources import Sources

#: Operations that are looked at: the first ones of a child, those after a seed, and all of these together.
_FIRST: Final = 1 << 16
_AFTER_SEED: Final = 1 << 12
_AFTER_SEEDS: Final = 1 << 16


class TorchDraws:
    """Those of one process."""

    def __init__(self, session: Session, sources: Sources) -> None:
        self._session, self._sources = session, sources
        self._left = _AFTER_SEEDS

    @property
    def _observer(self) -> Any:
        """None once nothing is recorded any more."""
        return None if self._session.ended else self._session.observer

    def watch(self) -> None:
        """In a process that another one started: its first operations are looked at."""
        if self._observer is not None and not self._session.operations:
            self._observer.draws(_FIRST)

    def before_seed(self) -> None:
        """A generator of torch's is about to be seeded."""
        self.take()
        session = self._session
        if self._observer is not None and self._left > 0 and not (session.operations or session.key.is_child):
            self._left -= _AFTER_SEED
            self._observer.draws(_AFTER_SEED)

    def stop(self) -> None:
        """Note what is left, and look at nothing from now on."""
        self.take()
        if self._observer is not None:
            self._observer.draws(0)

    def take(self) -> None:
        """Note what was drawn since the last time."""
        observer = self._observer
        for own, call, module, place, thread, state, n, at, loader in observer.drawn() if observer else ():
            site = None if place is None else Site(self._sources.relative(place[1]), *place[2:])
            draw = TorchDraw(
                generator="torch.Generator" if own else "torch",
                call=call,
                module=module or None,
                state=state,
                n=n,
                thread=thread,
                loader=loader or None,
            )
            self._session.fact(draw, site, at=at)
