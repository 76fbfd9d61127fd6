"""The signals that ask a run to end: it unwinds, cleaning up, and says which signal it was.

listen()
with held_back(): ...  # what must be done whole, and soon
with undisturbed(): ...  # the same, when it is the end of the run
stop_listening()
"""

import contextlib
import signal
import sys
from collections.abc import Callable, Iterator
from typing import NoReturn

if sys.platform == "win32":  # pragma: no cover - Windows
    import threading

#: The signals that ask a run to end; Windows has no SIGHUP.
ENDING_SIGNALS = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
]

#: An exit status above this tells of a signal.
SIGNALLED = 128

_SECONDS_UNTIL_AGAIN = 0.01


class Interrupted(BaseException):
    """A signal asked the run to end."""

    def __init__(self, number: int) -> None:
        super().__init__(f"interrupted by {signal.Signals(number).name}")
        self.number = number
        self.status = SIGNALLED + number


def listen() -> None:
    """Have signals interrupt the run, but for those that are ignored, as under nohup."""
    for number in ENDING_SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, interrupt)
    sys.unraisablehook = _interrupt_again


def stop_listening() -> None:
    """Have no signal change the exit status any more.

    Python gives its own handlers back before it is gone, but leaves SIG_IGN in place.
    """
    for number in ENDING_SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def interrupt(number: int, frame: object) -> NoReturn:
    """The handler of signals: unwind, cleaning up, in which no further signal disturbs.

    Raises Interrupted.
    """
    for signal_number in ENDING_SIGNALS:
        signal.signal(signal_number, _pass_over)
    raise Interrupted(number)


def _pass_over(number: int, frame: object) -> None:
    """A handler that does nothing.

    With SIG_IGN in its place, Python complains of a signal that has come but not been handled yet.
    """


def undisturbed() -> contextlib.AbstractContextManager[None]:
    """Nothing asks the run to end in here; what tries to is not heard after it, either."""
    return _handled_by(_pass_over)


@contextlib.contextmanager
def held_back() -> Iterator[None]:
    """What asks the run to end in here is heard when it is left."""
    came: list[int] = []
    try:
        with _handled_by(lambda number, _: came.append(number)):
            yield
    finally:
        if came:
            interrupt(came[0], None)


@contextlib.contextmanager
def _handled_by(handler: Callable[[int, object], None]) -> Iterator[None]:
    """Signals that would interrupt the run are handled so instead."""
    heard = [number for number in ENDING_SIGNALS if signal.getsignal(number) is interrupt]
    for number in heard:
        signal.signal(number, handler)
    try:
        yield
    finally:
        for number in heard:
            signal.signal(number, interrupt)


def _interrupt_again(unraisable: "sys.UnraisableHookArgs") -> None:
    """The hook for what is raised where nothing can be, as in what Python calls to free an object.

    An interruption comes once more, a moment later, lest the run go on as if nothing had been. That
    there was no memory to free something is nothing to say: the run meets that itself, or gets by.
    """
    if isinstance(unraisable.exc_value, MemoryError):
        return
    if not isinstance(unraisable.exc_value, Interrupted):
        sys.__unraisablehook__(unraisable)
        return
    number = unraisable.exc_value.number
    if sys.platform == "win32":  # pragma: no cover - Windows
        again = threading.Timer(_SECONDS_UNTIL_AGAIN, signal.raise_signal, (number,))
        again.daemon = True
        again.start()
    else:  # no thread: a limit may not let it start
        signal.signal(signal.SIGALRM, lambda *_: signal.raise_signal(number))
        signal.setitimer(signal.ITIMER_REAL, _SECONDS_UNTIL_AGAIN)
    signal.signal(number, interrupt)  # last: what it raised in here would be lost as well
