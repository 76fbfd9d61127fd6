"""What can be wrong, as one family of exceptions; every message is one plain line.

LTVError(ValueError)
  EventError          one event breaks a rule: reason, member
  DamagedFileError    how much of a file is lost cannot be known: file, line, offset, cause
    NotAnEventLogError  a file has no events: file, cause
  FileError           a file cannot be found, read or written as asked: path, cause
"""

import errno
import shlex

#: Why an event can be rejected, in the order in which the reasons are tested (SPEC, section 2).
REASONS = (
    "too-long",
    "not-utf8",
    "not-json",
    "not-an-object",
    "missing",
    "unknown-type",
    "unknown-verb",
    "bad-id",
    "bad-time",
    "bad-amount",
    "other-currency",
)

#: The members that may be `missing`, in the order in which they are looked for.
REQUIRED_MEMBERS = ("type", "verb", "key", "event_time", "customer_id", "total_amount")

#: What rejected events are counted by: the reason, of `missing` with the member.
CAUSES = tuple(
    cause
    for reason in REASONS
    for cause in (
        [f"{reason} {member}" for member in REQUIRED_MEMBERS] if reason == "missing" else [reason]
    )
)

OTHER_CURRENCY = REASONS[-1]

#: What an event is counted as that is outside the span asked for. Not a rejection.
EARLIER, LATER = "earlier", "later"


OUT_OF_MEMORY = "out of memory"


class LTVError(ValueError):
    """Anything this program refuses; `str()` of it is one line for a person."""


class EventError(LTVError):
    """One event that is refused.

    `reason` is one of `REASONS`, or `EARLIER` or `LATER` outside the span asked for; `member` is
    the name of the member at fault or None; `message` says in plain words what was expected;
    `position` is the index in the event's text where that was not found, 0 where it matters not;
    `currency` is that of an amount in another one than is summed, in capitals.
    """

    def __init__(
        self,
        reason: str,
        member: str | None,
        message: str,
        position: int = 0,
        currency: str = "",
    ) -> None:
        super().__init__(reason, member, message, position, currency)
        self.reason = reason
        self.member = member
        self.message = message
        self.position = position
        self.currency = currency

    def __str__(self) -> str:
        return f"{self.reason}: {self.message}"

    @property
    def cause(self) -> str:
        """Which of `CAUSES` a rejected event is counted by."""
        return f"{self.reason} {self.member}" if self.reason == "missing" else self.reason

    def bare(self) -> "EventError":
        """The same less where it was raised, which would keep all that was at hand there."""
        self.__context__ = None
        return self.with_traceback(None)


class DamagedFileError(LTVError):
    """A file that cannot be read to its end; the place is where reading stopped making sense.

    `line` counts from 1; `offset` is in bytes of the uncompressed text, from 0. `event_line` is
    where the event begins that the place is in the middle of, if it is.
    """

    def __init__(
        self, file: str, line: int, offset: int, problem: str, event_line: int = 0
    ) -> None:
        super().__init__(file, line, offset, problem, event_line)
        self.file = file
        self.line = line
        self.offset = offset
        self.problem = problem
        self.event_line = event_line

    @property
    def cause(self) -> str:
        """What is wrong there."""
        where = f"in the event that begins on line {self.event_line:,}: " if self.event_line else ""
        return f"{where}{self.problem}"

    def shifted(self, lines: int) -> "DamagedFileError":
        """Return the same in a file with so many lines more in front."""
        event_line = self.event_line + lines if self.event_line else 0
        return DamagedFileError(self.file, self.line + lines, self.offset, self.problem, event_line)

    def __str__(self) -> str:
        return f"{self.file}: line {self.line:,}, byte offset {self.offset:,}: {self.cause}"


class NotAnEventLogError(DamagedFileError):
    """A file that is something else; `command`, if there is one, takes the events out of it.

    `line` is that of the first fault, 0 for the file as a whole.
    """

    def __init__(self, file: str, line: int, offset: int, problem: str, command: str = "") -> None:
        super().__init__(file, line, offset, problem)
        self.command = command
        self.args = file, line, offset, problem, command  # what it is made anew from elsewhere

    @property
    def cause(self) -> str:
        """What it is, and what to do."""
        file = f"./{self.file}" if self.file.startswith("-") else self.file
        file = "FILE" if self.file == "-" else shlex.quote(file)
        remedy = f": {self.command} {file} | python Main_Calculation.py X -" if self.command else ""
        return f"not an event log{self.problem}{remedy}"

    def shifted(self, lines: int) -> "DamagedFileError":
        """Return the same: only the begin of a file tells."""
        return self

    def __str__(self) -> str:
        return super().__str__() if self.line else f"{self.file}: {self.cause}"


class FileError(LTVError):
    """A file that cannot be found, read or written as asked."""

    def __init__(self, path: str, cause: str) -> None:
        super().__init__(path, cause)
        self.path = path
        self.cause = cause

    def __str__(self) -> str:
        return f"{self.path}: {self.cause}"


_LIMITS = {
    errno.EMFILE: "; ulimit -n sets how many",
    errno.EFBIG: "; ulimit -f sets how large",
}


def reason_of(error: OSError) -> str:
    """Why it failed, in the system's words, without errno and path."""
    reason = error.strerror or str(error)
    return f"{reason}{_LIMITS.get(error.errno or 0, '')}"


def shortage_of(error: BaseException | None) -> str:
    """Return which limit of the machine or of the user was hit, empty if none is known.

    Of memory and open files that is looked for in what the error came of, too.
    """
    causes = error, error and error.__cause__
    while error is not None:
        number = error.errno if isinstance(error, OSError) else None
        # Of a SystemError: where Python itself did not look whether it had any.
        if isinstance(error, MemoryError | SystemError) or number == errno.ENOMEM:
            return OUT_OF_MEMORY
        if isinstance(error, OSError) and number in (errno.EMFILE, errno.ENFILE):
            return f"{error.filename or 'opening a file'}: {reason_of(error)}"
        if isinstance(error, ImportError) and error in causes:  # a library that is not there
            return f"a module of Python cannot be loaded: {error}"
        if isinstance(error, RuntimeError) and str(error) == "can't start new thread":
            return "no more threads can be started; ulimit -u sets how many"
        error = error.__cause__ or error.__context__
    return ""
