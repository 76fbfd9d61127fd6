"""A D that lives in one SQLite file between runs: a mapping of customer_id to Customer.

    with Store("shop.store") as store:
        Ingest(events, store)
        topXSimpleLTVCustomers(10, store)

All that is written in the `with` block is one transaction: it is kept whole when the block ends,
and not at all when an exception, a kill or a power cut ends it. One process may write at a time.
"""

import math
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import closing
from functools import partial
from typing import Any, TypeVar
from weakref import WeakSet

from ltv.report.figures import Activity, NewCustomers
from ltv.store.changes import Change, changes_of, replacement
from ltv.store.customer import StoredCustomer, find_known, stamps_of
from ltv.store.figures import activity_of_known
from ltv.store.file import StoreFile, connected, file_errors
from ltv.store.kept import KeptMapping
from ltv.store.pieces import (
    Known,
    known_after,
    piece_row,
    pieces_of,
)
from ltv.times import day_text
from ltv.values import MAX_TEXT_LENGTH, is_encodable
from LTV_Calculate import Threshold, Totals
from LTV_Classes import Customer

Row = TypeVar("Row", bound=tuple[Any, ...])

_ROWS_AT_ONCE = 1_000

#: How many orders, images and visits are in memory at once, or those of one customer more.
_MOST_FACTS = 20_000

_PUT_PIECE = "INSERT INTO piece VALUES (?, ?, ?, ?, ?, ?, ?)"
_DROP_PIECE = "DELETE FROM piece WHERE number = ?"
_DROP_CUSTOMER = "DELETE FROM {} WHERE shard = ? AND customer_id = ?"
_PUT_PROFILE = "REPLACE INTO profile VALUES (?, ?, ?)"
_PUT_CUSTOMER = f"REPLACE INTO customer VALUES ({', '.join('?' for _ in Known._fields)})"

#: After a place: all, or with a rate of revenue those that come up to it. To SQLite a text, as the
#: digits of a long integer are, is greater than any number.
_SOME_ROWS = """
SELECT shard, customer_id, begin, revenue_micros FROM customer
WHERE (shard, customer_id) > (?, ?) AND NOT (? > 0 AND revenue_micros < ? * (? - begin))
ORDER BY shard, customer_id LIMIT ?
"""


#: SQLite has texts in the order of their UTF-8, which is that of their code points.
_SOME_IDS = """
SELECT customer_id FROM customer
WHERE customer_id BETWEEN ? AND ? AND begin IS NOT NULL
ORDER BY customer_id LIMIT ?
"""

#: No id has more characters, and there is none greater.
_GREATEST = "\U0010ffff" * MAX_TEXT_LENGTH


def changes_to_store(path: str | None, customers: Iterable[Customer]) -> list[Change]:
    """What joining `customers` changes in the store at `path`; None for one that is empty.

    For any process while another has the store open to write: it sees what was kept before. Raises
    FileError.
    """
    if path is None:
        return list(changes_of(customers, None))
    with file_errors(path), closing(connected(path, "ro")) as connection:
        return list(changes_of(customers, connection))


def _figures_of(rows: list[tuple[Any, ...]]) -> Iterable[tuple[str, str, int]]:
    """Of customers with events: customer_id, the day of the begin, revenue in micros."""
    _, customer_ids, begins, revenues = zip(*rows, strict=True)
    if None not in begins:  # as nearly always
        return zip(customer_ids, map(day_text, begins), map(int, revenues), strict=True)
    return [
        (customer_id, day_text(begin), int(revenue))
        for _, customer_id, begin, revenue in rows
        if begin is not None
    ]


class Store(KeptMapping):
    """The customers in the file `path`; it is made when it is to be written and not there.

    Amounts are in `currency`, and must be if it is there. `open`, a `with` statement, and then
    every use raise FileError for what is wrong with it.
    """

    def __init__(self, path: str, currency: str = "USD", *, is_written: bool = True) -> None:
        super().__init__(path, is_written=is_written)
        self._file = StoreFile(path, currency)
        self._given: WeakSet[StoredCustomer] = WeakSet()
        self._has_lost_rows = False

    def _open(self) -> None:
        with file_errors(self.path):
            if self._is_written:
                self._file.open_to_write()
            else:
                self._file.open_to_read()

    def close(self) -> None:
        """Let go of the file; what was not committed is as if it had never been."""
        self._pending.clear()
        self._has_lost_rows = False
        self._file.close()

    def commit(self) -> None:
        """Keep all that was written."""
        self._flush()
        with file_errors(self.path):
            if self._file.connection.in_transaction:
                self._find_span()
                self._file.commit()

    @property
    def known_path(self) -> str | None:
        """For `changes_to_store`: where to find what was kept, None when that is nothing."""
        return None if self._file.is_new else self._file.real

    def changes_finder(self) -> "Callable[[Iterable[Customer]], list[Change]]":
        """Return what finds, in any process, what joining customers changes (for `write`)."""
        return partial(changes_to_store, self.known_path)

    # What a mapping does

    def _stored(self, customer_id: str) -> Customer | None:
        known = self._find(customer_id)
        if known is None:
            return None
        customer = StoredCustomer(known, self._file)
        self._given.add(customer)
        return customer

    def __delitem__(self, customer_id: str) -> None:
        self._flush()
        self._begin()
        known = self._find(customer_id)
        if known is None:
            raise KeyError(customer_id)
        self._load({customer_id})
        with file_errors(self.path):
            drops = [(number,) for number in self._pieces(known)]
            self._file.connection.executemany(_DROP_PIECE, drops)
            for table in ("customer", "profile"):
                self._file.connection.execute(_DROP_CUSTOMER.format(table), known[:2])
        self._file.account = self._file.account.exchanged([known], [])
        self._has_lost_rows = True

    def __iter__(self) -> Iterator[str]:
        for some in self._known_ones():
            yield from [known.customer_id for known in some]

    def __len__(self) -> int:
        self._flush()
        with file_errors(self.path):
            rows = self._file.connection.execute("SELECT count(*) FROM customer")
            return int(rows.fetchone()[0])

    # What a ranking asks

    def figures(self, threshold: Threshold) -> Iterator[tuple[str, str, int]]:
        """Of each customer with events: customer_id, the day of its begin, revenue in micros.

        Most of those that are below the threshold are not even read.
        """

        def read(place: tuple[float, str]) -> list[tuple[Any, ...]]:
            rate = threshold.revenue_rate
            values = (*place, rate, rate, threshold.end, _ROWS_AT_ONCE)
            return self._file.connection.execute(_SOME_ROWS, values).fetchall()

        for rows in self._pages(read):
            with file_errors(self.path):
                found = _figures_of(rows)
            yield from found

    def customers(self) -> Iterator[Customer]:
        """Yield all customers, with their orders at hand."""
        for some in self._known_ones():
            both = zip(some, stamps_of(self._file, some), strict=True)
            found = [StoredCustomer(known, self._file, stamps) for known, stamps in both]
            self._given.update(found)
            yield from found

    def activities(self) -> Iterator[tuple[NewCustomers, Activity]]:
        """Yield all customers with events, some at a time, and what they did."""
        for customers in self._known_ones():
            with file_errors(self.path):
                part = activity_of_known(self._file.connection, customers)
            yield part

    def ids_beginning(self, prefix: str, most: int) -> list[str]:
        """Return the first `most` ids of customers with events that begin so, in their order."""
        self._flush()
        with file_errors(self.path):
            rows = self._file.connection.execute(_SOME_IDS, (prefix, prefix + _GREATEST, most))
            return [customer_id for (customer_id,) in rows]

    def totals(self) -> Totals:
        """The same as `totals` of a dict of the same customers."""
        self._flush()
        with file_errors(self.path):
            self._find_span()
            return self._file.known_now().totals

    # Joining

    def join(self, customers: Iterable[Customer]) -> None:
        """Join pieces of what is known of different customers into it.

        The same as `store[id] = store[id].join(customer)` of each, or `= customer` of a new one;
        but what is written is the news of a customer rather than all that is known of it.
        """
        self._flush()
        self._begin()
        with file_errors(self.path):
            connection = None if self._file.is_new and not len(self) else self._file.connection
            self.write(list(changes_of(customers, connection)))

    def write(self, changes: Iterable[Change]) -> None:
        """Write what `changes_to_store` found, once, and each customer in one of them at most."""
        self._begin()
        gone, customers, profiles, pieces, drops = [], [], [], [], []
        last_piece = self._file.account.last_piece
        for known, row, profile, piece, texts, dropped in changes:
            for some in texts:
                last_piece += 1
                pieces.append(piece_row(last_piece, piece, some))
                piece = last_piece  # noqa: PLW2901 - the newest of the customer
            customers.append(Known.sealed(*row, piece))
            if known is not None:
                gone.append(known)
            if profile is not None:
                profiles.append((*row[:2], profile))
            drops += [(dropped_piece,) for dropped_piece in dropped]
        with file_errors(self.path):
            execute = self._file.connection.executemany
            execute(_DROP_PIECE, drops)
            execute(_PUT_PIECE, pieces)
            execute(_PUT_CUSTOMER, [customer.to_store() for customer in customers])
            execute(_PUT_PROFILE, profiles)
        account = self._file.account.exchanged(gone, customers)
        self._file.account = account._replace(last_piece=last_piece)

    # Within

    def _begin(self) -> None:
        with file_errors(self.path):
            if not self._file.connection.in_transaction:  # after a commit
                self._file.begin()
                self._file.check()

    def _find_span(self) -> None:
        """Have the account know begin and latest anew when rows are gone that may have had them."""
        if self._has_lost_rows:
            self._file.account = self._file.account.narrowed(self._file.connection)
            self._has_lost_rows = False

    def _put(self, customers: dict[str, Customer]) -> None:
        self._begin()
        self._load(customers)
        self.write([self._replacement(customer) for customer in customers.values()])

    def _load(self, customer_ids: Collection[str]) -> None:
        """Have these customers that were given out know all that their rows do, which will go."""
        for customer in self._given:
            if customer.customer_id in customer_ids:
                customer.load()

    def _replacement(self, customer: Customer) -> Change:
        known = self._find(customer.customer_id)
        if known is None:
            return replacement(customer)
        self._has_lost_rows = True
        return replacement(customer, known, self._pieces(known))

    def _find(self, customer_id: object) -> Known | None:
        if not isinstance(customer_id, str) or not is_encodable(customer_id):
            return None
        return find_known(self._file, customer_id)

    def _pieces(self, known: Known) -> list[int]:
        with file_errors(self.path):
            found = pieces_of(self._file.connection, known.piece, has_visits=False)
            return [number for number, *_ in found]

    def _known_ones(self) -> Iterator[list[Known]]:
        """Yield the rows of all customers, some at a time.

        What they are in pieces may be read before the next ones are asked for.
        """
        return self._pages(
            lambda place: known_after(self._file.connection, place, _ROWS_AT_ONCE, _MOST_FACTS)
        )

    def _pages(self, read: Callable[[tuple[float, str]], list[Row]]) -> Iterator[list[Row]]:
        """Yield what `read` gives for the begin, and then for the shard and id of its last row.

        What is written meanwhile may be among it or not.
        """
        self._flush()
        place: tuple[float, str] = -math.inf, ""
        while True:
            with file_errors(self.path):
                rows = read(place)
            if not rows:
                return
            yield rows
            place = rows[-1][:2]
