"""A table of aligned columns: whole, or as a terminal has room for it. Numbers are never cut.

#  customer  ltv
1  c1        3,468.40
"""

import unicodedata
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal, NamedTuple

from ltv.terminal import cut_in_the_middle, display_width, escaped, shortened

#: The fewest columns that a cut id keeps: a character at either end.
_LEAST_ID = 3

#: Turns the direction of writing back, where a terminal follows it: else the numbers after a text
#: from right to left would be shown in the opposite order.
_LEFT_TO_RIGHT = "\u200e"


class Column(NamedTuple):
    """A column with its head of one or more lines. Texts and ids stand left, numbers right."""

    head: tuple[str, ...]
    cells: Sequence[str]
    kind: Literal["number", "text", "id"] = "number"


def fitting(columns: Mapping[str, Column], spare: Sequence[str], width: int) -> dict[str, Column]:
    """Return the columns that stay when a row is to fit `width`.

    Those named in `spare` are left out one after another, in that order, until it does.
    """
    widths = {name: _width(_escaped(column)) for name, column in columns.items()}
    for name in spare:
        if sum(widths.values()) + len(widths) - 1 <= width:
            break
        widths.pop(name, None)
    return {name: columns[name] for name in widths}


def table_lines(columns: Sequence[Column], width: int | None = None) -> Iterator[str]:
    """Yield the lines of the table: whole, or for a terminal of `width` columns.

    There, ids are cut in the middle where a row is wider, but never so that two of them are alike.
    """
    columns = [_escaped(column) for column in columns]
    if width is not None:
        excess = sum(map(_width, columns)) + len(columns) - 1 - width
        columns = [_cut(column, excess) if column.kind == "id" else column for column in columns]
    widths = [_width(column) for column in columns]
    for part in ("head", "cells"):
        for cells in zip(*(getattr(column, part) for column in columns), strict=True):
            pieces = map(_aligned, cells, widths, columns)
            yield (" ".join(pieces) if width is None else _directed(pieces)).rstrip()


def _escaped(column: Column) -> Column:
    return column._replace(cells=[escaped(cell) for cell in column.cells])


def _width(column: Column) -> int:
    return max(map(display_width, (*column.head, *column.cells)))


def _cut(column: Column, excess: int) -> Column:
    """Return the ids narrower by `excess`, or by as much of it as leaves them different."""
    widest = _width(column)
    ids = set(column.cells)

    def differ(width: int) -> bool:
        return len({cut_in_the_middle(one, width) for one in ids}) == len(ids)

    least = max(widest - excess, _LEAST_ID)
    width = least + bisect_left(range(least, widest), True, key=differ)
    return column._replace(
        head=tuple(shortened(line, width) for line in column.head),
        cells=[cut_in_the_middle(cell, width) for cell in column.cells],
    )


def _aligned(text: str, width: int, column: Column) -> str:
    blank = " " * (width - display_width(text))
    return blank + text if column.kind == "number" else text + blank


def _directed(pieces: Iterator[str]) -> str:
    """Return a row of these pieces, in this order also where a terminal follows directions."""
    line, was_turned = "", False
    for piece in pieces:
        is_turned = not piece.isascii() and any(
            unicodedata.bidirectional(character) in ("R", "AL", "AN") for character in piece
        )
        line += (_LEFT_TO_RIGHT if is_turned or was_turned else "") + piece + " "
        was_turned = is_turned
    return line
