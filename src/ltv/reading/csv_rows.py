"""What the rows of a CSV file come to.

Apart from its reader, since the account that every run has takes them, and few runs read CSV.
"""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from ltv.blocks import Block

#: What rows are that are passed over.
GUESTS, ITEMS, BLANK, HEADERS = "guests", "further items", "blank rows", "repeated headers"


class RowBlocks(NamedTuple):
    """The events of many rows by column, and on which line each stands."""

    blocks: list[Block]
    events: int
    lines: Sequence[int]

    def line_of(self, short_time: bytes) -> int:
        """Return the line of the first event with a time."""
        return self.lines[self.blocks[0].times.index(short_time)]


class PassedOver(NamedTuple):
    """How many rows were passed over, by what they are, and what guests spent (micros)."""

    rows: Counter[str]
    spent: int = 0
    hint: str = ""  # what is to be warned of
    line: int = 0
