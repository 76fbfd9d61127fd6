"""What a process does around a run: its exit status, its streams, and what it says."""

import contextlib
import io
import os
import sys
import traceback
from collections.abc import Callable, Iterable
from typing import TextIO

from ltv.address import without_passwords
from ltv.arguments import PROGRAM, UsageError
from ltv.errors import LTVError, reason_of, shortage_of
from ltv.reading.csv_columns import ColumnsError
from ltv.signals import Interrupted, listen
from ltv.terminal import escaped

DONE, FAILED, MISUSED, REJECTED = 0, 1, 2, 3


class RunFailedError(LTVError):
    """The run came to its end, and there are no results to write."""


class NobodyRankedError(RunFailedError):
    """Customers are known, and none of them is asked for: rejected events do not tell why."""


class TooManyRejectedError(RunFailedError):
    """More events were rejected than the run was to allow."""


def exit_status(run: Callable[[], None]) -> int:
    """Call `run` and return the exit status that it leads to; say in one line why it failed."""
    try:
        run()
    except SystemExit:  # of argparse, after --help and --version
        return DONE
    except UsageError as error:
        say_failure(str(error))
        return MISUSED
    except ColumnsError as error:
        say_failure(str(error))
        return MISUSED
    except Interrupted as interruption:
        say_failure(str(interruption))
        return interruption.status
    except BrokenPipeError:
        leave(sys.stdout)  # whoever read the results has seen enough
    except Exception as error:
        say_failure(cause_of(error))
        return REJECTED if isinstance(error, TooManyRejectedError) else FAILED
    return DONE


def cause_of(error: Exception) -> str:
    """Why the run failed, for a person."""
    if isinstance(error, LTVError):
        return str(error)
    shortage = shortage_of(error)
    if shortage:
        return shortage
    if isinstance(error, OSError):
        if error.filename:
            return f"{error.filename}: {reason_of(error)}"
        return f"the system stopped this run: {reason_of(error)}; with LTV_DEBUG=1 it says where"
    return f"a fault of this program: {error!r}; with LTV_DEBUG=1 it says where"


def say_failure(message: str) -> None:
    """Say in one line why the run failed, or with LTV_DEBUG=1 also where."""
    if os.environ.get("LTV_DEBUG") == "1":
        for line in traceback.format_exc().splitlines():
            say(escaped(line))
    say(f"{PROGRAM}: {escaped(message)}")


def flush_standard_output(status: int) -> int:
    """Have all of it out before Python ends; returns the exit status that this leaves."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError as error:
        leave(sys.stdout)
        if status == DONE and not isinstance(error, BrokenPipeError):
            say_failure(f"standard output: {reason_of(error)}")
            return FAILED
    return status


def abandon_standard_output() -> None:
    """Have what is still held back for it go nowhere: perhaps nobody ever reads it."""
    if sys.stdout is not None:
        with contextlib.suppress(OSError):
            leave(sys.stdout)


def say(text: str) -> None:
    """Print to standard error, if there is one that takes it."""
    if sys.stderr is None:
        return
    try:
        print(without_passwords(text), file=sys.stderr, flush=True)
    except OSError:
        leave(sys.stderr)


def leave(stream: TextIO) -> None:
    """Have what `stream` could not get rid of go nowhere, and quietly, when Python ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def tell(lines: Iterable[str], *, quiet: bool) -> None:
    """Say what happened, a line each, unless `quiet`."""
    if not quiet:
        for line in lines:
            say(escaped(line))


def prepare_process() -> None:
    """What only a process of its own may do: listen to signals, set up its streams."""
    listen()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
