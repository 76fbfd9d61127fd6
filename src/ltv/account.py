"""What becomes of the events of a run: files into `Ingest`, and the account of them.

account = Account(write_reject)
events = EventLogs(files, account)
Ingest(events, D, errors=account)
account.read, account.accepted, account.rejected
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from ltv.blocks import Block
from ltv.clock import LatestTimes
from ltv.errors import EARLIER, LATER, REASONS, EventError
from ltv.reading.framing import Unit, read_units
from ltv.reading.layouts import Match
from ltv.times import lengthened
from LTV_Classes import end_of

#: Takes file, line, offset and text of an event that was rejected, and why.
WriteReject = Callable[[str, int, int, str, EventError], object]


class Counts(NamedTuple):
    """How many events of a part of the input were read, and what became of them."""

    read: int
    outside: Counter[str]  # the span asked for, by EARLIER and LATER
    refused: Counter[str]  # by reason
    end: str  # the packed time of the last accepted one, empty for none
    times: LatestTimes  # of the accepted ones


class Account:
    """How many events were read, and what became of them; `Ingest` tells it (LTV_Ingest.Accounts).

    `write_reject`, if given, is called with every rejected event, in the order in which they are
    read. `outside` counts the events outside the span asked for, by EARLIER and LATER; `end` is the
    packed time of the last accepted event, `times` are those of all of them.
    """

    def __init__(self, write_reject: WriteReject | None = None) -> None:
        self.read = 0
        self.outside: Counter[str] = Counter()
        self.end = ""
        self.times = LatestTimes()
        self.refused: Counter[str] = Counter()
        self.write_reject = write_reject
        self._file = ""
        self._present: Unit | None = None

    def events(self, file: str, found: Iterable[Unit | Match]) -> Iterator[object]:
        """Yield each event of `file` that is JSON, alone or in Blocks; count them all."""
        for one in found:
            if isinstance(one, Match):
                self.read += one.events
                yield from one.blocks
                continue
            self.read += 1
            self._file, self._present = file, one
            if one.error is None:
                yield one.value
            else:
                self.append(one.error)

    @property
    def present(self) -> Unit:
        """The event that was given out last, which stands alone."""
        assert self._present is not None, "no event of a Block is asked for"
        return self._present

    def append(self, error: EventError) -> None:
        """Take the error of the event that was given out last, or of one of its Block."""
        if error.reason in (EARLIER, LATER):
            self.outside[error.reason] += 1
            return
        self.refused[error.reason] += 1
        unit = self.present
        if self.write_reject:
            self.write_reject(self._file, unit.line, unit.offset, unit.preview, error)

    def accept(self, time: str) -> None:
        """Note the packed time of the event that was given out last."""
        self.end = end_of((self.end or time, time))
        self.times.see(time)

    def accept_block(self, block: Block) -> None:
        """Note the times of a Block."""
        end = _packed(end_of(block.times))
        self.end = end_of((self.end or end, end))
        self.times.see_all(end, map(_packed, block.times))

    @property
    def counts(self) -> Counts:
        """What is counted."""
        return Counts(self.read, self.outside, self.refused, self.end, self.times)

    def join(self, counts: Counts) -> None:
        """Take what was counted of another part of the input."""
        self.read += counts.read
        self.outside.update(counts.outside)
        self.refused.update(counts.refused)
        if counts.end:
            self.end = end_of((self.end or counts.end, counts.end))
        self.times.join(counts.times)

    @property
    def reasons(self) -> dict[str, int]:
        """How many events were rejected for each reason there was, in the order of `REASONS`."""
        return {reason: self.refused[reason] for reason in REASONS if self.refused[reason]}

    @property
    def rejected(self) -> int:
        """How many events were rejected."""
        return self.refused.total()

    @property
    def accepted(self) -> int:
        """How many events are known now."""
        return self.read - self.rejected - self.outside.total()


def _packed(short: bytes) -> str:
    return lengthened(short.decode())


class EventLogs:
    """The events of `files`, one file after another; `add`, if set, is told of what is read."""

    def __init__(self, files: list[str], account: Account) -> None:
        self.files = files
        self.add: Callable[[int, int], object] = lambda byte_count, events: None
        self._account = account
        self._added = 0  # events

    def __iter__(self) -> Iterator[object]:
        for file in self.files:
            yield from self._account.events(file, read_units(file, self._count))

    def _count(self, byte_count: int) -> None:
        events, self._added = self._account.read - self._added, self._account.read
        self.add(byte_count, events)
