"""A table of aligned columns that fits a width, by cutting texts and never numbers.

#  customer  ltv
1  c1        3,468.40
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from ltv.terminal import display_width, escaped, shortened


class Column(NamedTuple):
    """A column with its head of one or more lines. Texts stand to the left, numbers to the right.

    A text column may be cut, down to `least` columns of the terminal.
    """

    head: tuple[str, ...]
    cells: Sequence[str]
    least: int | None = None

    @property
    def is_text(self) -> bool:
        """Whether it may be cut."""
        return self.least is not None


def table_lines(columns: Sequence[Column], width: int) -> Iterator[str]:
    """The lines of the table, at most `width` wide where the numbers leave room for it."""
    columns = [_escaped(column) for column in columns]
    widths = _widths(columns, width)
    for cells in zip(*(column.head for column in columns), strict=True):
        yield _line(columns, cells, widths)
    for cells in zip(*(column.cells for column in columns), strict=True):
        yield _line(columns, cells, widths)


def _escaped(column: Column) -> Column:
    return column._replace(cells=[escaped(cell) for cell in column.cells])


def _widths(columns: Sequence[Column], width: int) -> list[int]:
    """As wide as the contents; where that is too wide, the widest text gives way first."""
    widths = [max(map(display_width, (*column.head, *column.cells))) for column in columns]
    excess = sum(widths) + len(widths) - 1 - width
    while excess > 0:
        spare = [
            (widths[i] - column.least, i)
            for i, column in enumerate(columns)
            if column.least is not None and widths[i] > column.least
        ]
        if not spare:
            break
        widths[max(spare)[1]] -= 1
        excess -= 1
    return widths


def _line(columns: Sequence[Column], cells: Sequence[str], widths: Sequence[int]) -> str:
    return " ".join(
        _aligned(shortened(cell, width), width, to_left=column.is_text)
        for column, cell, width in zip(columns, cells, widths, strict=True)
    ).rstrip()


def _aligned(text: str, width: int, *, to_left: bool) -> str:
    blank = " " * (width - display_width(text))
    return text + blank if to_left else blank + text
