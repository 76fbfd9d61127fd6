"""What a store holds in all: one row, which every run that changes something writes anew.

SQLite keeps no checksums of what it stores, so a store has its own. All of it that counts is held
against one before it is used, and what is not as it was written is one kind of error:

| what | is held against |
|---|---|
| all rows of `customer`, when a store is opened, and before a run is kept | what they add up to |
| a row of `customer` that is read by its id | its `checksum` |
| the texts in `profile` | `profile` in the row of the customer |
| a text in `piece`, and which piece is before it | the checksum beside it |
| the account | its `checksum` |

A ranking reads few of the rows of customers. So it is SQLite that adds up all of them: what they
are ranked by, weighted with the checksum of the row, and the ids in their order as one text.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from typing import NamedTuple
from zlib import crc32

from ltv.store.pieces import CHECKSUM_BITS, SHARDS, Known, checksum, damage
from LTV_Calculate import Totals

ACCOUNT_TABLE = """
CREATE TABLE store (
    number INTEGER PRIMARY KEY, -- 1: there is one row
    currency TEXT NOT NULL,
    token TEXT NOT NULL, -- which no other store has
    run INTEGER NOT NULL, -- how many have changed something
    last_piece INTEGER NOT NULL, -- the highest number that a piece ever had
    row_sum INTEGER NOT NULL, -- what the rows of customers add up to
    id_checksum INTEGER NOT NULL, -- of their ids, in their order
    begin INTEGER NOT NULL, -- of all customers, in microseconds since 1970, or 0
    latest INTEGER NOT NULL,
    customers INTEGER NOT NULL, -- with events
    visits INTEGER NOT NULL,
    orders INTEGER NOT NULL,
    images INTEGER NOT NULL,
    checksum INTEGER NOT NULL
);
"""

_GET = "SELECT * FROM store"
_PUT = f"REPLACE INTO store VALUES (1{', ?' * 13})"

#: Sums are taken modulo a prime, so that none stays the same when one bit changes.
_PRIME = 2**32 - 5

_LEAST, _GREATEST = -(2**63), 2**63 - 1  # what SQLite cuts longer integers to

#: The sum of `_share_of` the rows of some shards, and their ids as the table is read: in its order.
#: Nothing on the way has more than 63 bits. To SQLite any text, which a damaged id may not be, is
#: less than x''.
_ADD_UP = f"""
SELECT
    sum(
        (
            shard + (customer_id < x'') + coalesce(begin + latest, 0) + checksum
            + CAST(revenue_micros AS INTEGER) % {_PRIME}
        ) % {_PRIME} * (checksum & {CHECKSUM_BITS}) % {_PRIME}
    ),
    CAST(group_concat(customer_id, char(10)) AS BLOB)
FROM customer WHERE shard >= ? AND shard < ?
"""

#: How many ids are in memory at once, about.
_MOST_IDS = 50_000

_SPAN = "SELECT coalesce(min(begin), 0), coalesce(max(latest), 0) FROM customer"


class Account(NamedTuple):
    """The row, but for its number and its checksum."""

    currency: str
    token: str
    run: int = 0
    last_piece: int = 0
    row_sum: int = 0
    id_checksum: int = 0
    begin: int = 0
    latest: int = 0
    customers: int = 0
    visits: int = 0
    orders: int = 0
    images: int = 0

    @classmethod
    def read(cls, connection: sqlite3.Connection) -> "Account":
        """Return the account of a store. Raises sqlite3.Error."""
        row = connection.execute(_GET).fetchone()
        if row is None or checksum(repr(row[:-1])) != row[-1]:
            raise damage("its account")
        return cls._make(row[1:-1])

    def write(self, connection: sqlite3.Connection) -> None:
        """Write it as the account of a store. Raises sqlite3.Error."""
        connection.execute(_PUT, (*self, checksum(repr((1, *self)))))

    @property
    def totals(self) -> Totals:
        """The same as `totals` of a dict of the same customers."""
        return Totals(
            self.begin, self.latest, self.customers, self.visits, self.orders, self.images
        )

    def exchanged(self, gone: Sequence[Known], come: Sequence[Known]) -> "Account":
        """Return what it is with the rows that have `come` for those that are `gone`.

        Its begin and latest are too wide where only a row that is gone had them.
        """
        begins = [row.begin for row in come if row.begin is not None]
        latest = [row.latest for row in come if row.latest is not None]
        if self.customers:
            begins.append(self.begin)
        row_sum = sum(map(_share_of, come)) - sum(map(_share_of, gone))
        changes = [now - before for now, before in zip(_sums(come), _sums(gone), strict=True)]
        customers, visits, orders, images = changes
        return self._replace(
            row_sum=(self.row_sum + row_sum) % _PRIME,
            begin=min(begins, default=0),
            latest=max([self.latest, *latest]),
            customers=self.customers + customers,
            visits=self.visits + visits,
            orders=self.orders + orders,
            images=self.images + images,
        )

    def narrowed(self, connection: sqlite3.Connection) -> "Account":
        """Return it with the begin and latest of all rows that are there. Raises sqlite3.Error."""
        begin, latest = connection.execute(_SPAN).fetchone()
        return self._replace(begin=begin, latest=latest)

    def check(self, connection: sqlite3.Connection) -> None:
        """Raises sqlite3.Error unless all rows of customers are there as they were written."""
        if self.with_ids(connection).id_checksum != self.id_checksum:
            raise damage("its list of customers")

    def with_ids(self, connection: sqlite3.Connection) -> "Account":
        """Return it with the checksum of the ids that are there.

        Raises sqlite3.Error unless the rows add up to what it says.
        """
        row_sum = id_checksum = 0
        for some, ids in self._added_up(connection):
            row_sum += some
            id_checksum = crc32(ids, id_checksum)
        if row_sum % _PRIME != self.row_sum:
            raise damage("its list of customers")
        return self._replace(id_checksum=id_checksum)

    def _added_up(self, connection: sqlite3.Connection) -> Iterator[tuple[int, bytes]]:
        """The sum and the ids of all rows, in their order, some shards at a time."""
        step = SHARDS * _MOST_IDS // max(self.customers, _MOST_IDS) or 1
        for shard in range(0, SHARDS, step):
            row_sum, ids = connection.execute(_ADD_UP, (shard, shard + step)).fetchone()
            if ids is not None:
                yield row_sum or 0, b"\n" + ids


def _share_of(row: Known) -> int:
    """What a row adds to the sum of all; in SQL the same but for multiples of the prime."""
    span = 0 if row.begin is None or row.latest is None else row.begin + row.latest
    revenue = row.revenue_micros
    if not _LEAST <= revenue <= _GREATEST:
        revenue = _LEAST if revenue < 0 else _GREATEST
    return (row.shard + 1 + span + row.checksum + revenue) * row.checksum


def _sums(rows: Sequence[Known]) -> tuple[int, int, int, int]:
    """How many rows are of customers with events, and their visits, orders and images."""
    return (
        sum(row.begin is not None for row in rows),
        sum([row.visit_count for row in rows]),
        sum([row.order_count for row in rows]),
        sum([row.image_count for row in rows]),
    )
