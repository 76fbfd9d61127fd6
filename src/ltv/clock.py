"""Whether one clock that went wrong stretches the weeks of customers.

The weeks of all customers end with the latest event, and those of each begin with its first. An
event more than 53 weeks (371 days) away from all others rather has a wrong time.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from ltv.times import WEEK, lengthened, time_text, unpack
from LTV_Classes import begin_of, end_of

_MOST_WEEKS = 53


class Place(NamedTuple):
    """Where an event stands; `line` counts from 1, None where nobody knows it."""

    file: str
    line: int | None

    def __str__(self) -> str:
        return self.file if self.line is None else f"{self.file}: line {self.line:,}"


class Side(NamedTuple):
    """One of the two ends of the data, and what is said of it."""

    outermost: Callable[[Any], Any]  # of times
    name: str
    direction: str
    whose: str
    option: str


EARLIEST = Side(begin_of, "earliest", "before", "its customer", "--since")
LATEST = Side(end_of, "latest", "after", "all customers", "--until")


class Edge:
    """The outermost packed time on one side of the data, and the next other one; empty for none.

    `other` may be one further in than that where it is within 53 weeks of `time`; `place`, that of
    the first event with `time`, is known where no other time is within them.
    """

    def __init__(self, side: Side) -> None:
        self.side = side
        self.time = ""
        self.other = ""
        self.place: Place | None = None
        self._has_neighbour = False  # within 53 weeks

    @property
    def is_alone(self) -> bool:
        """Whether no other time within 53 weeks is known."""
        if self.other and not self._has_neighbour:
            distance = abs(unpack(self.time) - unpack(self.other))
            self._has_neighbour = distance <= _MOST_WEEKS * WEEK
        return not self._has_neighbour

    def see(self, time: str) -> bool:
        """Take a time; return whether it is further out than all before."""
        if time == self.time:
            return False
        if not self.time or self.side.outermost((self.time, time)) == time:
            self.time, self.other = time, self.time
            self.place, self._has_neighbour = None, False
            return True
        if not self._has_neighbour and self.is_alone:
            self.other = self.side.outermost((self.other or time, time))
        return False

    def see_all(self, short_times: Sequence[bytes], place_of: Callable[[str], Place]) -> None:
        """Take times, which are gone through if it matters; `place_of` finds a packed one."""
        time = _packed(self.side.outermost(short_times))
        self.see(time)
        if time == self.time and self.is_alone:
            for other in map(_packed, short_times):
                self.see(other)
            if self.is_alone and self.place is None:
                self.place = place_of(time)

    def join(self, later: "Edge", file: str, line_shift: int | None) -> None:
        """Take what one of a later part of the data saw, whose lines in `file` are so much shifted.

        None where it is not known by how much.
        """
        if later.time and self.see(later.time) and later.place:
            line = later.place.line
            if line is not None:
                line = None if line_shift is None else line + line_shift
            self.place = Place(file, line)
        if later.other:
            self.see(later.other)

    @property
    def oddity(self) -> str:
        """What is odd about the outermost time, with the remedy; empty for nothing."""
        if not self.other or not self.is_alone:
            return ""
        _, name, direction, whose, option = self.side
        time, other = (time_text(unpack(packed)) for packed in (self.time, self.other))
        return (
            f"the {name} event ({time}) is more than {7 * _MOST_WEEKS} days {direction} the {name} "
            f"other one ({other}), which stretches the weeks of {whose}; {option} {other[:10]} "
            "leaves it out"
        )


def _packed(short_time: bytes) -> str:
    return lengthened(short_time.decode())
