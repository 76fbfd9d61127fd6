"""Rows of one CSV file with one key and different amounts: found, summed, or the greatest.

By SPEC the latest event of an order replaces its amount. In exports, refunds and items are rows of
their own under their order's number, so that nobody can know what another amount means.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import NamedTuple

from ltv.blocks import amounts_of
from ltv.errors import FileError
from ltv.parallel.rows_again import OrderRow, can_be_read_again, orders_in
from ltv.parallel.shards import ShardWriter, blocks_of_shards
from ltv.reading.csv_columns import CsvRules
from ltv.values import amount_text
from LTV_Ingest import Fact, Rules, facts_of

_JOINS: dict[str, Callable[[Iterable[int]], int]] = {"sum": sum, "max": max}


class Order(NamedTuple):
    """Which order has more than one amount."""

    key: bytes
    customer_id: bytes


class Repeated(NamedTuple):
    """The first order, by key and customer, with two amounts; how many rows repeat one amount."""

    first: Order | None
    rows: int


def repeated_in(paths: list[str], shards: range, currency: str) -> Repeated:
    """Return which orders of `shards` have more than one row. Raises OSError."""
    found: list[Order] = []
    count = 0
    for blocks in blocks_of_shards(paths, shards):
        for block in blocks:
            if block.type == "ORDER":
                _, _, keys, owners, amounts = block.columns
                if len(set(keys)) == len(keys):
                    continue
                amount_of = dict(zip(zip(keys, owners, strict=True), amounts, strict=True))
                count += block.events - len(amount_of)
                rows = zip(keys, owners, amounts, strict=True)
                if len(set(rows)) != len(amount_of):
                    micros = amounts_of(amounts, currency)  # of which there are many spellings
                    micros_of = dict(zip(zip(keys, owners, strict=True), micros, strict=True))
                    rows_of = zip(keys, owners, micros, strict=True)
                    found += (Order(*row[:2]) for row in rows_of if micros_of[row[:2]] != row[2])
    return Repeated(min(found, default=None), count)


def joined(
    paths: list[str], shards: range, how: str, rules: Rules, all_shards: int, path: str
) -> list[str]:
    """Write `shards` anew, each row of an order with the sum or the greatest of its amounts.

    Returns the paths of the files, which begin as `path` does. Raises FileError, OSError.
    """
    numbers = iter(range(1_000_000))
    begin = f"{path}-{shards.start:05}"
    writer = ShardWriter(all_shards, lambda: f"{begin}-{next(numbers):05}.rows")
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


def failure(file: str, order: Order, csv: CsvRules, rules: Rules) -> FileError:
    """Return the failure of a run over an order with two amounts; the rows are looked for again.

    Where the file cannot be read again, no row is named.
    """
    rows: list[OrderRow] = []
    for row in orders_in(file, csv, rules) if can_be_read_again(file) else ():
        if row[2:] == order and not (rows and row.amount == rows[0].amount):
            rows.append(row)
            if len(rows) > 1:
                break
    what = f'the order "{order.key.decode()}" of the customer "{order.customer_id.decode()}"'
    amounts = map(amount_text, amounts_of([row.amount for row in rows], rules.currency))
    places = zip(amounts, rows, strict=True)
    where = " and ".join(f"{amount} on line {row.line:,}" for amount, row in places)
    remedy = (
        "say with --csv-same-key sum, last or max whether"
        " they add up, the latest or the greatest counts"
    )
    return FileError(file, f"{what} has different amounts{': ' * bool(where)}{where}; {remedy}")
