"""What becomes of the events of a run: the account of it, and files into `Ingest`.

account = Account(rejects)
intake = Intake(files, account)
Ingest(intake, D, errors=intake)
account.read, account.accepted, account.rejected
"""

import os
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from ltv.clock import LatestTimes
from ltv.errors import LATER, REASONS, EventError
from ltv.output.formats import reject_line
from ltv.output.target import Target
from ltv.reading.framing import Unit, read_units
from ltv.times import pack
from ltv.values import parse_time

__all__ = ["Account", "Intake"]


class Account:
    """How many events were read, and what became of them.

    Every rejected event is written to `rejects`, if given; they come in the order of the files and
    of the events in them. `later` counts the events that are good but behind the end asked for;
    `times` are those of the events that were accepted.
    """

    def __init__(self, rejects: Target | None) -> None:
        self.read = 0
        self.later = 0
        self.times = LatestTimes()
        self.rejects = rejects
        self._refused: Counter[str] = Counter()

    def count_rejected(self, reasons: Counter[str]) -> None:
        """Count rejected events, by their reasons."""
        self._refused.update(reasons)

    def write_reject(self, file: str, line: int, offset: int, text: str, error: EventError) -> None:
        """Write down the place and the begin of an event that was rejected, and why."""
        if self.rejects:
            name = os.fsencode(file).decode("utf-8", "surrogateescape")  # in any locale
            self.rejects.write([reject_line(name, line, offset, text, error).encode("utf-8")])

    @property
    def reasons(self) -> dict[str, int]:
        """How many events were rejected for each reason there was, in the order of `REASONS`."""
        return {reason: self._refused[reason] for reason in REASONS if self._refused[reason]}

    @property
    def rejected(self) -> int:
        """How many events were rejected."""
        return self._refused.total()

    @property
    def accepted(self) -> int:
        """How many events are known now."""
        return self.read - self.rejected - self.later


class Intake:
    """The events of `files` one after another; and where `Ingest` puts the errors.

    `add` is told of more and more bytes and events that are read.
    """

    def __init__(
        self,
        files: list[str],
        account: Account,
        add: Callable[[int, int], object] = lambda byte_count, events: None,
    ) -> None:
        self._files = files
        self._account = account
        self._add = add
        self._added = 0  # events
        self._present: tuple[str, Unit] | None = None
        self._is_refused = False

    def __iter__(self) -> Iterator[Any]:
        for file in self._files:
            for unit in read_units(file, self._count):
                self._account.read += 1
                self._present = file, unit
                self._is_refused = False
                if unit.error is not None:
                    self.append(unit.error)
                    continue
                value: Any = unit.value
                yield value
                if not self._is_refused:
                    self._account.times.see(pack(parse_time(value["event_time"])))

    def _count(self, byte_count: int) -> None:
        events, self._added = self._account.read - self._added, self._account.read
        self._add(byte_count, events)

    def append(self, error: EventError) -> None:
        """Take the error of the event that was handed out last."""
        assert self._present is not None, "an error belongs to an event"
        self._is_refused = True
        if error.reason == LATER:
            self._account.later += 1
            return
        file, unit = self._present
        self._account.count_rejected(Counter([error.reason]))
        self._account.write_reject(file, unit.line, unit.offset, unit.preview, error)
