"""Files into `Ingest`, with an account of what became of every event.

intake = Intake(files, rejects)
Ingest(intake, D, errors=intake)
intake.read, intake.accepted, intake.rejected
"""

import os
from collections import Counter
from collections.abc import Iterator

from LTV_Errors import LATER, REASONS, EventError
from LTV_Output import Target
from LTV_Read import Unit, read_units
from LTV_Write import reject_line

__all__ = ["Intake"]


class Intake:
    """The events of `files` one after another; and where `Ingest` puts the errors.

    Every rejected event is written to `rejects`, if given, in the order of the files and of the
    events in them. `later` counts the events that are good but behind the end asked for.
    """

    def __init__(self, files: list[str], rejects: Target | None) -> None:
        self.read = 0
        self.later = 0
        self._files = files
        self._rejects = rejects
        self._refused: Counter[str] = Counter()
        self._present: tuple[str, Unit] | None = None

    def __iter__(self) -> Iterator[object]:
        for file in self._files:
            for unit in read_units(file):
                self.read += 1
                self._present = file, unit
                if unit.error is None:
                    yield unit.value
                else:
                    self.append(unit.error)

    def append(self, error: EventError) -> None:
        """Take the error of the event that was handed out last."""
        assert self._present is not None, "an error belongs to an event"
        if error.reason == LATER:
            self.later += 1
        else:
            self._refused[error.reason] += 1
            if self._rejects:
                file, unit = self._present
                name = os.fsencode(file).decode("utf-8", "surrogateescape")  # in any locale
                line = reject_line(name, unit.line, unit.offset, unit.preview, error)
                self._rejects.write([line.encode("utf-8")])

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
        """How many events went into `D`."""
        return self.read - self.rejected - self.later
