"""Rows of CSV files that are read once more, to say where an order stands.

Shards do not keep the lines of what they hold, and few runs need one.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from ltv.errors import EventError
from ltv.reading.csv_columns import CsvRules
from ltv.reading.csv_reader import CsvReader
from ltv.reading.csv_rows import RowBlocks
from ltv.reading.files import reading, state_of_file
from ltv.reading.units import Unit
from LTV_Ingest import Rules, block_of, fact_of


class OrderRow(NamedTuple):
    """An order, its amount as blocks have it, and the line on which its row begins."""

    line: int
    amount: bytes
    key: bytes
    customer_id: bytes


def can_be_read_again(file: str) -> bool:
    """Return whether a file still has what a run has read of it, as a pipe has not."""
    return state_of_file(file) is not None


def orders_in(file: str, csv: CsvRules, rules: Rules) -> Iterator[OrderRow]:
    """Yield the good orders of a file. Raises FileError."""
    with reading(file) as source:
        for found in CsvReader(file, source.text(), csv, rules):
            yield from _orders_of(found, rules)


def _orders_of(found: object, rules: Rules) -> Iterable[OrderRow]:
    if isinstance(found, RowBlocks):
        _, _, keys, owners, amounts = found.blocks[0].columns
        return map(OrderRow, found.lines, amounts, keys, owners)
    if isinstance(found, Unit) and found.error is None:
        try:
            _, _, key, owner, amount = block_of(fact_of(found.value, rules)).columns
        except EventError:
            return []
        return [OrderRow(found.line, amount[0], key[0], owner[0])]
    return []


def places_of_orders(
    files: list[str], csv: CsvRules, rules: Rules, customer_id: str
) -> dict[str, list[tuple[str, int]]]:
    """Return the file and line of each row of the orders of a customer, by their keys.

    Files that cannot be read again are left out. Raises FileError.
    """
    places: defaultdict[str, list[tuple[str, int]]] = defaultdict(list)
    known = customer_id.encode()
    for file in filter(can_be_read_again, files):
        for line, _, key, owner in orders_in(file, csv, rules):
            if owner == known:
                places[key.decode()].append((file, line))
    return places
