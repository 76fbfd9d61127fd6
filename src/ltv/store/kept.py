"""What every store is: a mapping of customer_id to Customer that is kept whole, or not at all.

Customers that are set wait in memory until there are many of them, or until more is asked for than
one by its id: then the store at hand writes them.
"""

from abc import abstractmethod
from collections.abc import Iterator, MutableMapping, ValuesView
from itertools import islice
from typing import Self

from ltv.errors import FileError
from ltv.values import is_encodable
from LTV_Classes import Customer

#: How many customers are changed in memory before they are written.
_MOST_PENDING = 1_000


def check_layout(path: str, layout: int, known: int) -> None:
    """Raise FileError unless the store at `path` has the layout that is `known`."""
    if layout != known:
        age = "a newer" if layout > known else "an older"
        made = f"this store was made by {age} version of this program (layout {layout}, "
        remedy = "" if layout > known else "; make it anew from the logs"
        raise FileError(path, f"{made}known is {known}){remedy}")


def check_currency(path: str, currency: str, wanted: str) -> None:
    """Raise FileError unless the amounts in the store at `path` are in the currency `wanted`."""
    if currency != wanted:
        raise FileError(path, f"the amounts in this store are in {currency}, not in {wanted}")


class _Values(ValuesView[Customer]):
    """The customers of a store, with their orders at hand."""

    def __init__(self, store: "KeptMapping") -> None:
        super().__init__(store)
        self._store = store

    def __iter__(self) -> Iterator[Customer]:
        return self._store.customers()


class KeptMapping(MutableMapping[str, Customer]):
    """A mapping of which a `with` block keeps all that was written in it, or nothing."""

    def __init__(self, path: str, *, is_written: bool) -> None:
        self.path = path
        self._is_written = is_written
        self._pending: dict[str, Customer] = {}

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(self, exception_type: object, *exception: object) -> None:
        try:
            if exception_type is None and self._is_written:
                self.commit()
        finally:
            self.close()

    def open(self) -> None:
        """Have the store: to write, for this process alone, else as it is now. Raises FileError."""
        try:
            self._open()
        except BaseException:
            self.close()
            raise

    @abstractmethod
    def _open(self) -> None:
        """Have the store, or leave it to `close` to clean up."""

    @abstractmethod
    def commit(self) -> None:
        """Keep all that was written."""

    @abstractmethod
    def close(self) -> None:
        """Let go of the store; what was not committed is as if it had never been."""

    @abstractmethod
    def customers(self) -> Iterator[Customer]:
        """Yield all customers, with their orders at hand."""

    @abstractmethod
    def _stored(self, customer_id: str) -> Customer | None:
        """What was written of a customer."""

    @abstractmethod
    def _put(self, customers: dict[str, Customer]) -> None:
        """Write customers in the place of what was there."""

    def __getitem__(self, customer_id: str) -> Customer:
        customer = self._pending.get(customer_id)
        if customer is None and isinstance(customer_id, str) and is_encodable(customer_id):
            customer = self._stored(customer_id)
        if customer is None:
            raise KeyError(customer_id)
        return customer

    def __setitem__(self, customer_id: str, customer: Customer) -> None:
        if customer_id != customer.customer_id:
            raise ValueError(f"expected the customer {customer_id!r}, got {customer!r}")
        if not is_encodable(customer_id):
            raise ValueError(f"expected an id that can be written, got {customer_id!r}")
        self._pending.pop(customer_id, None)
        self._pending[customer_id] = customer  # after those that were set longer ago
        if len(self._pending) >= _MOST_PENDING:
            self._flush(_MOST_PENDING // 2)  # who is set again and again is written once

    def values(self) -> ValuesView[Customer]:
        """Return the customers; to go through them all is faster than to get each by its id."""
        return _Values(self)

    def _flush(self, count: int | None = None) -> None:
        """Write the customers that were set, or so many of those that were set longest ago."""
        some = dict(islice(self._pending.items(), count))
        if some:
            self._put(some)
            for customer_id in some:
                del self._pending[customer_id]
