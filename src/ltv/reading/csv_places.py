"""Rows of a CSV text with where they stand in their file: line, byte offset, their own text."""

from collections.abc import Sequence
from functools import lru_cache
from io import StringIO
from itertools import accumulate
from typing import NamedTuple

from ltv.errors import EventError
from ltv.reading.units import PREVIEW_LENGTH, Unit


class PlacedRows(NamedTuple):
    """Rows of a block with where they stand in it."""

    rows: list[list[str] | EventError]
    row: int  # how many come before them in the file, the header included
    begins: Sequence[int]  # the number of the first line of each
    line_count: int
    text: str
    line: int  # of the block
    offset: int
    encoding: str

    def line_of(self, number: int) -> int:
        """Return the line on which a row begins."""
        return self.line + self.begins[number]

    def _span(self, number: int) -> tuple[int, int]:
        """Return where the text of a row begins and ends in that of the block."""
        places = _line_begins(self.text)
        end = self.begins[number + 1] if number + 1 < len(self.rows) else self.line_count
        return places[self.begins[number]], places[end]

    def row_text(self, number: int) -> str:
        """Return the text of a row, without its line break."""
        begin, end = self._span(number)
        return self.text[begin:end].rstrip("\r\n")

    def unit(self, number: int, event: object, error: EventError | None) -> Unit:
        """Return a row as one event with its place."""
        offset = self.offset + _line_offsets(self.text, self.encoding)[self.begins[number]]
        text = self.row_text(number)[: 4 * PREVIEW_LENGTH]
        return Unit(self.line_of(number), offset, text, event, error and error.bare())


@lru_cache(maxsize=1)
def _line_offsets(text: str, encoding: str) -> list[int]:
    """Return where each line of a block begins, and where the last one ends, in bytes."""
    if text.isascii() and encoding == "utf-8":
        return _line_begins(text)
    lines = StringIO(text, newline="\n")
    return list(
        accumulate((len(line.encode(encoding, "surrogateescape")) for line in lines), initial=0)
    )


@lru_cache(maxsize=1)
def _line_begins(text: str) -> list[int]:
    """Return the same in characters."""
    return list(accumulate(map(len, StringIO(text, newline="\n")), initial=0))
