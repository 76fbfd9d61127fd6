"""What the rows of a CSV file come to.

Apart from its reader, since the account that every run has takes them, and few runs read CSV.
"""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from ltv.blocks import Block

#: In the place of the framing of other files.
CSV = "csv"

#: What rows are that are passed over.
GUESTS, ITEMS, BLANK, HEADERS = "guests", "further items", "blank rows", "repeated headers"


class RowBlocks(NamedTuple):
    """Many rows by column: a block of orders, perhaps one of names, and the line of each order."""

    blocks: list[Block]
    lines: Sequence[int]

    @property
    def events(self) -> int:
        """Return how many events count: one of each row."""
        return self.blocks[0].events

    def line_of(self, short_time: bytes) -> int:
        """Return the line of the first row with a time."""
        return self.lines[self.blocks[0].times.index(short_time)]


class NameInRow(NamedTuple):
    """The name in the row of the event before, which counts once."""

    event: dict[str, object]


class PassedOver(NamedTuple):
    """How many rows were passed over, by what they are, and what guests spent (micros)."""

    rows: Counter[str]
    spent: int = 0


class Hint(NamedTuple):
    """What is to be warned of: this `text` of so many rows, the first of them on a line."""

    text: str
    rows: int
    line: int


#: What is not an event alone.
InRows = RowBlocks | NameInRow | PassedOver | Hint
