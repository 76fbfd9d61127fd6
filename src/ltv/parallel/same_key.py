"""Rows of one CSV file with one key and different amounts: found, summed, or the greatest.

By SPEC the latest event of an order replaces its amount. In exports, refunds and items are rows of
their own under their order's number, so that nobody can know what another amount means.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import NamedTuple

from ltv.errors import EventError, FileError
from ltv.parallel.shards import ShardWriter, blocks_of_shards
from ltv.reading.csv_columns import CsvRules
from ltv.reading.csv_orders import CsvReader
from ltv.reading.csv_rows import RowBlocks
from ltv.reading.files import reading
from ltv.reading.units import Unit
from LTV_Ingest import Fact, Rules, block_of, fact_of, facts_of

_JOINS: dict[str, Callable[[Iterable[int]], int]] = {"sum": sum, "max": max}


class Order(NamedTuple):
    """Which order has more than one amount."""

    key: bytes
    customer_id: bytes


def first_with_amounts(paths: list[str], shards: range) -> Order | None:
    """Return the first order, by key and customer, of `shards` with two amounts.

    Raises OSError.
    """
    found: list[Order] = []
    for blocks in blocks_of_shards(paths, shards):
        for block in blocks:
            if block.type == "ORDER":
                _, _, keys, owners, amounts = block.columns
                amount_of = dict(zip(zip(keys, owners, strict=True), amounts, strict=True))
                rows = zip(keys, owners, amounts, strict=True)
                if len(set(rows)) != len(amount_of):
                    rows = zip(keys, owners, amounts, strict=True)
                    others = (row[:2] for row in rows if amount_of[row[:2]] != row[2])
                    found.append(Order(*min(others)))
    return min(found, default=None)


def joined(
    paths: list[str], shards: range, how: str, rules: Rules, all_shards: int, path: str
) -> list[str]:
    """Write `shards` anew, each row of an order with the sum or the greatest of its amounts.

    Returns the paths of the files, which begin as `path` does. Raises FileError, OSError.
    """
    numbers = iter(range(1_000_000))
    writer = ShardWriter(all_shards, lambda: f"{path}-{next(numbers):05}.rows")
    for blocks in blocks_of_shards(paths, shards):
        amounts: dict[tuple[str, str], list[int]] = defaultdict(list)
        facts: list[Fact] = []
        for block in blocks:
            for fact in facts_of(block, rules.currency):
                facts.append(fact)
                if fact.type == "ORDER":
                    amounts[fact.key, fact.customer_id].append(fact.value)
        for fact in facts:
            if fact.type == "ORDER":
                value = _JOINS[how](amounts[fact.key, fact.customer_id])
                writer.add(fact._replace(value=value))
            else:
                writer.add(fact)
    writer.write()
    return writer.paths


def failure(file: str, order: Order, csv: CsvRules, rules: Rules, *, is_again: bool) -> FileError:
    """Return the failure of a run over an order with two amounts; the rows are looked for again.

    Where the file cannot be read again, `is_again` is False, and no row is named.
    """
    rows: list[tuple[int, bytes, bytes, bytes]] = []  # line and amount
    if is_again:
        with reading(file) as source:
            for found in CsvReader(file, source.text(), csv, rules):
                rows += [row for row in _rows_of(found, rules) if row[2:] == order]
                different = [row for row in rows if row[1] != rows[0][1]]
                if different:
                    rows = [rows[0], different[0]]
                    break
    what = f'the order "{order.key.decode()}" of the customer "{order.customer_id.decode()}"'
    where = " and ".join(f"{Decimal(row[1].decode()):,.2f} on line {row[0]:,}" for row in rows)
    remedy = (
        "say with --csv-same-key sum, last or max whether"
        " they add up, the latest or the greatest counts"
    )
    return FileError(file, f"{what} has different amounts{': ' * bool(where)}{where}; {remedy}")


def _rows_of(found: object, rules: Rules) -> Iterable[tuple[int, bytes, bytes, bytes]]:
    """Return line, amount, key and customer_id of the orders in what was found."""
    if isinstance(found, RowBlocks) and found.blocks[0].type == "ORDER":
        _, _, keys, owners, amounts = found.blocks[0].columns
        return list(zip(found.lines, amounts, keys, owners, strict=True))
    if isinstance(found, Unit) and found.error is None:
        try:
            fact = fact_of(found.value, rules)
        except EventError:
            return []
        if fact.type == "ORDER":
            _, _, key, owner, amount = (column[0] for column in block_of(fact).columns)
            return [(found.line, amount, key, owner)]
    return []
