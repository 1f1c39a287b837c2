"""How far a long job has come, for whoever shows the progress of the whole run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

Within = Callable[[int, int], None]  # steps done, steps in all
_listener: ContextVar[Within | None] = ContextVar("listener", default=None)


@contextmanager
def listening(listener: Within | None) -> Iterator[None]:
    """Tell a listener how far the job that is done here has come; jobs on other machines tell nobody."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)


def within(done: int, of: int) -> None:
    """Say how far a job has come."""
    if listener := _listener.get():
        listener(done, of)
