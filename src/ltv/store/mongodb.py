"""A D that lives in a MongoDB database between runs: a mapping of customer_id to Customer.

    with Store("mongodb://localhost/shop") as store:
        Ingest(events, store)
        topXSimpleLTVCustomers(10, store)

The same as a store in a file (ltv.store.sqlite): all that is written in the `with` block is kept
whole when the block ends, or not at all. Customers are read, joined here, and written whole: how
two pieces of what is known join is decided in LTV_Classes alone.
"""

import heapq
import math
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from functools import partial
from itertools import chain, groupby, islice, takewhile
from operator import itemgetter
from typing import NamedTuple

from ltv.address import Address
from ltv.report.figures import Activity, NewCustomers, what_they_did
from ltv.store.documents import (
    Change,
    Document,
    Written,
    by_size,
    change_of,
    customer_of,
    documents_of,
    gone,
    is_there,
    part_ids,
    revenue_of,
    with_news,
)
from ltv.store.kept import KeptMapping
from ltv.store.server import KINDS, Database
from ltv.store.server_errors import damage_errors, server_errors
from ltv.times import day_text
from ltv.values import is_encodable
from LTV_Calculate import Threshold, Totals, join_totals
from LTV_Classes import Customer

#: How many facts of several customers are in memory at once, or those of one customer more.
_MOST_FACTS = 20_000

#: How many customers are read, joined or changed by one call to the server.
_AT_ONCE = 1_000

_id_of = itemgetter("_id")


class Row(NamedTuple):
    """What a row of the ranking shows of a customer (LTV_Calculate.Counted)."""

    customer_id: str
    last_name: str | None
    revenue_micros: int
    order_count: int
    visit_count: int
    begin: int | None
    last_order: int | None


def _row_of(document: Document) -> Row:
    names = ("order_count", "visit_count", "begin", "last_order")
    figures = [document[name] for name in names]
    return Row(document["_id"], document["last_name"], revenue_of(document), *figures)


def changes_to_store(
    address: Address, currency: str, run: int, customers: Iterable[Customer]
) -> list[Change]:
    """Return what joining `customers` changes in the store at `address`, for its `run` to write.

    For any process while another has the store open to write. Raises FileError.
    """
    if run == 1:
        return [change_of(None, documents_of(customer, run)) for customer in customers]
    with Store(address, currency, is_written=False) as store:
        return store.changes_of(run, customers)


class Store(KeptMapping):
    """The customers at `path`, the address of a database; it is made when it is to be written.

    Amounts are in `currency`, and must be if it is there. `open`, a `with` statement, and then
    every use raise FileError for what is wrong with it.
    """

    def __init__(self, path: str, currency: str = "USD", *, is_written: bool = True) -> None:
        address = path if isinstance(path, Address) else Address(path)
        super().__init__(address, is_written=is_written)
        self._address = address
        self._currency = currency
        self._database = Database(address, currency)
        self._totals = Totals(0, 0, 0, 0, 0, 0)
        self._has_lost_span = False

    def _open(self) -> None:
        with server_errors(self._address):
            if self._is_written:
                self._database.open_to_write()
            else:
                self._database.open_to_read()
        self._totals = Totals(*self._database.head["totals"])

    def close(self) -> None:
        """Let go of the database; what was not committed is as if it had never been."""
        self._pending.clear()
        self._has_lost_span = False
        self._database.close()

    def commit(self) -> None:
        """Keep all that was written."""
        self._flush()
        with server_errors(self._address):
            if self._database.has_staged or self._database.is_new:
                self._find_span()
                self._database.commit(self._totals)

    # What a mapping does

    def _stored(self, customer_id: str) -> Customer | None:
        with server_errors(self._address):
            return next(self._customers_of(self._found([customer_id]).values()), None)

    def _put(self, customers: dict[str, Customer]) -> None:
        with server_errors(self._address):
            self._begin()
            known = self._found(customers)
            run = self._database.run
            with damage_errors(self._address):
                changes = [
                    change_of(known.get(customer_id), documents_of(customer, run))
                    for customer_id, customer in customers.items()
                ]
            self._has_lost_span |= bool(known)
            self._write(changes, is_again=self._database.has_staged)

    def __delitem__(self, customer_id: str) -> None:
        self._flush()
        is_id = isinstance(customer_id, str) and is_encodable(customer_id)
        with server_errors(self._address):
            self._begin()
            known = self._found([customer_id]).get(customer_id) if is_id else None
            if known is None:
                raise KeyError(customer_id)
            written = Written(gone(customer_id, self._database.run), [])
            self._has_lost_span = True
            self._write([change_of(known, written)], is_again=self._database.has_staged)

    def __iter__(self) -> Iterator[str]:
        return map(_id_of, self._documents({}, ["is_gone"]))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    # What a ranking asks

    def figures(self, threshold: Threshold) -> Iterator[tuple[str, str, int]]:
        """Of each customer with events: customer_id, the day of its begin, revenue in micros.

        Those that are below the threshold are left out.
        """
        documents = self._documents({}, ["begin", "revenue_micros", "is_gone"])
        with damage_errors(self._address):
            for document in documents:
                begin, revenue = document["begin"], revenue_of(document)
                rate = threshold.revenue_rate
                if begin is None or (rate > 0 and revenue < rate * (threshold.end - begin)):
                    continue
                yield document["_id"], day_text(begin), revenue

    def each(self, customer_ids: Sequence[str]) -> Iterator[Row]:
        """Yield what a row shows of each of these customers, in their order."""
        self._flush()
        rest = iter(customer_ids)
        while some := list(islice(rest, _AT_ONCE)):
            with server_errors(self._address):
                found = self._found(some)
            with damage_errors(self._address):
                yield from [_row_of(found[customer_id]) for customer_id in some]

    def customers(self) -> Iterator[Customer]:
        """Yield all customers."""
        with damage_errors(self._address), server_errors(self._address):
            for some in _by_facts(self._documents()):
                yield from self._customers_of(some)

    def activities(self) -> Iterator[tuple[NewCustomers, Activity]]:
        """Yield some customers at a time and what they did."""
        customers = (customer for customer in self.customers() if customer.first_time)
        while some := list(islice(customers, _AT_ONCE)):
            yield what_they_did(some)

    def ids_beginning(self, prefix: str, most: int) -> list[str]:
        """Return the first `most` ids of customers with events that begin so, in their order."""
        documents = self._documents({"_id": {"$gte": prefix}}, ["begin", "is_gone"], is_sorted=True)
        there = takewhile(lambda one: one["_id"].startswith(prefix), documents)
        ids = (one["_id"] for one in there if one["begin"] is not None)
        first = list(islice(ids, most))
        with server_errors(self._address):
            self._database.check_unchanged()
        return first

    def totals(self) -> Totals:
        """The same as `totals` of a dict of the same customers."""
        self._flush()
        with server_errors(self._address):
            self._find_span()
        return self._totals

    # Joining

    def join(self, customers: Iterable[Customer]) -> None:
        """Join pieces of what is known of different customers into it.

        The same as `store[id] = store[id].join(customer)` of each, or `= customer` of a new one.
        """
        self._flush()
        with server_errors(self._address):
            is_again = self._database.has_staged
            is_empty = self._database.is_new and not is_again
            rest = iter(customers)
            while some := list(islice(rest, _AT_ONCE)):
                self._begin()
                changes = self._news_of(some, is_empty=is_empty)
                self._write(changes, is_again=is_again)

    def write(self, changes: Iterable[Change]) -> None:
        """Write what `changes_to_store` found, once, and each customer in one of them at most."""
        with server_errors(self._address):
            self._begin()
            self._write(changes, is_again=False)

    def changes_finder(self) -> Callable[[Iterable[Customer]], list[Change]]:
        """Return what finds, in any process, what joining customers changes (for `write`)."""
        return partial(changes_to_store, self._address, self._currency, self._database.run)

    def changes_of(self, run: int, customers: Iterable[Customer]) -> list[Change]:
        """Return what joining `customers` changes, for a run of this number. Raises FileError."""
        found: list[Change] = []
        with server_errors(self._address):
            self._database.check_run(run)
            rest = iter(customers)
            while some := list(islice(rest, _AT_ONCE)):
                found += self._news_of(some, is_empty=False)
        return found

    # Within

    def _begin(self) -> None:
        """Have what was committed in its place before more is written."""
        if not self._database.has_staged:
            self._database.begin()

    def _news_of(self, customers: list[Customer], *, is_empty: bool) -> Iterator[Change]:
        """Yield what joining customers changes; it `is_empty` where nothing is known."""
        run = self._database.run
        by_id = {customer.customer_id: customer for customer in customers}
        known = {} if is_empty else self._found(by_id)
        for customer in customers:
            if customer.customer_id not in known:
                yield change_of(None, documents_of(customer, run))
        with damage_errors(self._address):
            for some in _by_facts(known.values()):
                parts = self._parts_of(some)
                for before in some:
                    joined = self._read(before, parts).join(by_id[before["_id"]])
                    written = with_news(documents_of(joined, run), before, parts)
                    if written:
                        yield change_of(before, written)

    def _write(self, changes: Iterable[Change], *, is_again: bool) -> None:
        for some in by_size(changes):
            self._write_some(some, is_again=is_again)

    def _write_some(self, changes: list[Change], *, is_again: bool) -> None:
        parts = {key: part for change in changes for key, part in change.parts.items()}
        customers = {change.customer_id: change.customer for change in changes}
        for kind, documents in zip(KINDS, (parts, customers), strict=True):
            self._database.stage(kind, list(documents.values()), documents if is_again else ())
        before = [self._totals] if self._totals.customers else []
        come = join_totals([*before, *(change.come for change in changes if change.come)])
        went = join_totals(change.gone for change in changes if change.gone)
        counts = [now - then for now, then in zip(come[2:], went[2:], strict=True)]
        self._totals = Totals(come.begin, come.end, *counts)

    def _find_span(self) -> None:
        """Find begin and end of all anew when customers are gone that may have had them."""
        if self._has_lost_span:
            documents = self._documents({}, ["begin", "latest", "is_gone"])
            begin, end = math.inf, 0
            for one in documents:
                if one["begin"] is not None:
                    begin, end = min(begin, one["begin"]), max(end, one["latest"])
            begin = 0 if begin == math.inf else int(begin)
            self._totals = self._totals._replace(begin=begin, end=end)
            self._has_lost_span = False

    def _documents(
        self,
        query: Document | None = None,
        members: Sequence[str] | None = None,
        *,
        is_sorted: bool = False,
    ) -> Iterator[Document]:
        """Yield the document of each customer that the query finds, or some members of it.

        What is staged comes before what is known. What is written meanwhile may be among it or not.
        """
        self._flush()
        with server_errors(self._address):
            known, staged = self._database.collections("customers")
            found = known.find(query, members, batch_size=_AT_ONCE)
            if staged is not None:
                both = [one.find(query, members, batch_size=_AT_ONCE) for one in (staged, known)]
                in_order = [one.sort("_id", 1) for one in both]
                by_id = groupby(heapq.merge(*in_order, key=_id_of), _id_of)
                found = (next(of_one) for _, of_one in by_id)
            elif is_sorted:
                found = found.sort("_id", 1)
            yield from filter(is_there, found)
            self._database.check_unchanged()

    def _found(self, ids: Iterable[str]) -> dict[str, Document]:
        """Return the documents of those of these customers that are there, by id."""
        found = self._database.find("customers", ids)
        self._database.check_unchanged()
        return {key: document for key, document in found.items() if is_there(document)}

    def _parts_of(self, documents: Iterable[Document]) -> dict[str, Document]:
        """Return the documents with the facts of these customers, by id."""
        ids = list(chain.from_iterable(map(part_ids, documents)))
        found = self._database.find("facts", ids) if ids else {}
        if ids:
            self._database.check_unchanged()
        return found

    def _customers_of(self, documents: Collection[Document]) -> Iterator[Customer]:
        parts = self._parts_of(documents)
        for document in documents:
            yield self._read(document, parts)

    def _read(self, document: Document, parts: dict[str, Document]) -> Customer:
        """Return the customer in a document and its parts. Raises FileError for what is none."""
        with damage_errors(self._address):
            return customer_of(document, [parts[one] for one in part_ids(document)])


def _by_facts(documents: Iterable[Document]) -> Iterator[list[Document]]:
    """Yield documents of customers some at a time, by how many facts these have."""
    some: list[Document] = []
    facts = 0
    for document in documents:
        some.append(document)
        facts += 1 + document["order_count"] + document["image_count"] + document["visit_count"]
        if facts >= _MOST_FACTS:
            yield some
            some, facts = [], 0
    if some:
        yield some
