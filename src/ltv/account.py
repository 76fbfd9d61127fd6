"""What becomes of the events of a run: files into `Ingest`, and the account of them.

account = Account(write_reject)
events = EventLogs(files, account)
Ingest(events, D, errors=account)
account.read, account.accepted, account.rejected
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import NamedTuple

from ltv.blocks import Block
from ltv.clock import EARLIEST, LATEST, Edge, Place
from ltv.errors import CAUSES, EARLIER, LATER, EventError
from ltv.reading.csv_rows import Hint, InRows, NameInRow, PassedOver, RowBlocks
from ltv.reading.framing import LINES, RUN
from ltv.reading.layouts import Match
from ltv.reading.units import PartReader, Unit, read_units
from ltv.times import pack, shortened
from ltv.values import parse_time
from LTV_Ingest import Fact

#: Takes file, line, offset and text of an event that was rejected, and why.
WriteReject = Callable[[str, int, int, str, EventError], object]

#: Takes a file, rows of its rejects (ltv.output.formats), and by what to shift their lines.
WriteRejectRows = Callable[[str, Iterable[bytes], int], object]


class FirstReject(NamedTuple):
    """The place of the first event that was rejected, and why."""

    file: str
    line: int | None  # None where nobody knows it
    reason: str  # in plain words

    def __str__(self) -> str:
        line = "" if self.line is None else f", line {self.line:,}"
        return f"{self.file}{line}: {self.reason}"


class Counts:
    """How many events of a part of the input were read, and what became of them."""

    def __init__(self) -> None:
        self.read = 0
        self.outside: Counter[str] = Counter()  # the span asked for, by EARLIER and LATER
        self.refused: Counter[str] = Counter()  # by cause (ltv.errors.CAUSES)
        self.first_reject: FirstReject | None = None
        self.refused_orders: Counter[str] = Counter()  # those with the type ORDER, by cause
        self.currencies: Counter[str] = Counter()  # of the amounts in another one than is summed
        self.accepted_orders = 0
        self.edges = Edge(EARLIEST), Edge(LATEST)  # of the times of the accepted ones
        self.passed: Counter[str] = Counter()  # rows of CSV that are no events, by what they are
        self.spent = 0  # by guests, micros
        self.repeated = 0  # rows with the key and the amount of another
        self.hints: dict[str, tuple[int, Place]] = {}  # of how many rows of CSV, and the first

    def join(self, counts: "Counts", file: str, line_shift: int | None) -> None:
        """Take what was counted of the next part of the input, which is of `file`.

        Its lines are to be shifted by `line_shift`, None where nobody knows by how many.
        """
        self.read += counts.read
        self.outside.update(counts.outside)
        self.refused.update(counts.refused)
        if self.first_reject is None and counts.first_reject:
            _, line, reason = counts.first_reject
            self.first_reject = FirstReject(file, _shifted(line, line_shift), reason)
        self.refused_orders.update(counts.refused_orders)
        self.currencies.update(counts.currencies)
        self.accepted_orders += counts.accepted_orders
        for edge, later in zip(self.edges, counts.edges, strict=True):
            edge.join(later, file, line_shift)
        self.passed.update(counts.passed)
        self.spent += counts.spent
        for text, (rows, place) in counts.hints.items():
            self._hint(text, rows, Place(file, _shifted(place.line, line_shift)))

    def _hint(self, text: str, rows: int, place: Place) -> None:
        known, first = self.hints.get(text, (0, place))
        self.hints[text] = known + rows, first

    @property
    def end(self) -> str:
        """The packed time of the last accepted event, empty for none."""
        return self.edges[1].time

    @property
    def causes(self) -> dict[str, int]:
        """How many events were rejected for each cause there was, in the order of `CAUSES`."""
        return {cause: self.refused[cause] for cause in CAUSES if self.refused[cause]}

    @property
    def reasons(self) -> dict[str, int]:
        """The same by reason alone, whichever member is missing."""
        reasons: Counter[str] = Counter()
        for cause, count in self.causes.items():
            reasons[cause.partition(" ")[0]] += count
        return dict(reasons)

    @property
    def rejected(self) -> int:
        """How many events were rejected."""
        return self.refused.total()

    @property
    def accepted(self) -> int:
        """How many events are known now."""
        return self.read - self.rejected - self.outside.total()


def _shifted(line: int | None, shift: int | None) -> int | None:
    """Return the line in its file; None where nobody knows it."""
    return None if line is None or shift is None else line + shift


class Account(Counts):
    """The counts of the events that are read; `Ingest` tells it of each (LTV_Ingest.Accounts).

    `write_reject`, if given, is called with every rejected event, in the order in which they are
    read; `write_reject_rows` is for what another process has read.
    """

    def __init__(
        self,
        write_reject: WriteReject | None = None,
        write_reject_rows: WriteRejectRows | None = None,
    ) -> None:
        super().__init__()
        self.write_reject = write_reject
        self.write_reject_rows = write_reject_rows
        self._file = ""
        self._present: Unit | None = None
        self._match: Match | RowBlocks | None = None
        self._is_counted = True  # the block given out last, as one event of each row
        self.timezone: str | None = None  # of times without a zone; None for UTC

    @property
    def counts(self) -> Counts:
        """The counts alone, which can be sent to another process."""
        counts = Counts()
        vars(counts).update({name: getattr(self, name) for name in vars(counts)})
        return counts

    def events(self, file: str, found: Iterable[Unit | Match | InRows]) -> Iterator[object]:
        """Yield each event of `file` that is JSON, alone or in Blocks; count them all."""
        for one in found:
            if isinstance(one, Unit):
                self.read += 1
                self._file, self._present = file, one
                if one.error is None:
                    yield one.value
                else:
                    self.append(one.error)
            elif isinstance(one, Match | RowBlocks):
                self.read += one.events
                self._file, self._match = file, one
                for block in one.blocks:
                    self._is_counted = isinstance(one, Match) or block is one.blocks[0]
                    yield block
                self._match, self._is_counted = None, True
            elif isinstance(one, NameInRow):
                yield one.event
            else:
                self._pass_over(file, one)

    def _pass_over(self, file: str, what: PassedOver | Hint) -> None:
        if isinstance(what, PassedOver):
            self.passed.update(what.rows)
            self.spent += what.spent
        else:
            self._hint(what.text, what.rows, Place(file, what.line))

    @property
    def present(self) -> Unit:
        """The event that was given out last, which stands alone."""
        assert self._present is not None, "no event of a Block is asked for"
        return self._present

    def append(self, error: EventError) -> None:
        """Take the error of the event that was given out last, or of one of its Block."""
        if error.reason in (EARLIER, LATER):
            self.outside[error.reason] += self._is_counted
            return
        unit, cause = self.present, error.cause
        self.refused[cause] += 1
        if self.first_reject is None:
            self.first_reject = FirstReject(self._file, unit.line, str(error))
        if isinstance(unit.value, dict) and unit.value.get("type") == "ORDER":
            self.refused_orders[cause] += 1
        if error.currency:
            self.currencies[error.currency] += 1
        if self.write_reject:
            self.write_reject(self._file, unit.line, unit.offset, unit.preview, error)

    def accept(self, fact: Fact) -> None:
        """Note the event that was given out last."""
        self.accepted_orders += fact.type == "ORDER"
        for edge in self.edges:
            if edge.see(fact.time):
                edge.place = Place(self._file, self.present.line)

    def accept_block(self, block: Block) -> None:
        """Note the events of a Block that was given out last, or a part of it."""
        times = block.times
        if block.type == "ORDER":
            self.accepted_orders += len(times)
        for edge in self.edges:
            edge.see_all(times, self._place_of)

    def _place_of(self, time: str) -> Place:
        """Return the place of the first event with a packed time, in a Block given out last."""
        match = self._match
        assert match is not None, "a Block was given out"
        if isinstance(match, RowBlocks):
            return Place(self._file, match.line_of(shortened(time.encode())))
        passed_over = {match.offset + other.offset for other in match.others}
        part = PartReader(
            self._file,
            iter([match.text[: match.length]]),
            framing=LINES if match.is_of_lines else RUN,
            begin=match.offset,
        )
        for unit in part:
            assert isinstance(unit, Unit), "there are no matches without a learner"
            if unit.offset in passed_over or not isinstance(unit.value, dict):
                continue
            with suppress(EventError):  # of what is on the line of what was passed over
                if pack(parse_time(unit.value.get("event_time"), self.timezone)) == time:
                    return Place(self._file, match.line + unit.line - 1)
        raise AssertionError(time)


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
