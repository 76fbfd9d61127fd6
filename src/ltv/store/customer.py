"""A Customer out of a store, of which only what was asked for is read."""

from collections.abc import Collection
from copy import copy
from typing import Any

from ltv.store.file import StoreFile, file_errors
from ltv.store.pieces import (
    Known,
    PiecesAtHand,
    all_known,
    learn_stored,
    place_of,
    stored_profile,
)
from LTV_Classes import Customer, Stamped


def find_known(file: StoreFile, customer_id: str) -> Known | None:
    """Return the row of a customer, None if it is not there. Raises FileError."""
    with file_errors(file.path):
        return all_known(file.connection, place_of(customer_id), [customer_id]).get(customer_id)


def stamps_of(file: StoreFile, customers: list[Known]) -> list[Collection[Stamped]]:
    """Return the stamps of the orders of each of the customers with these rows.

    Raises FileError.
    """
    with file_errors(file.path):
        (orders,) = PiecesAtHand(file.connection).of_all(customers, ["orders"])
    return [of_one.values() for of_one in orders]


def _at_hand(name: str) -> Any:
    """Return the property of a Customer by this name, out of its row while that is all there is."""
    of_all = getattr(Customer, name)
    return property(
        lambda self: getattr(self._known, name) if self._known else of_all.fget(self),
        doc=of_all.__doc__,
    )


class StoredCustomer(Customer):
    """A Customer out of a store: its span and sums are at hand, the rest is read when asked for.

    The rest is also read before the store forgets it; a store that is closed raises FileError.
    """

    __slots__ = ("__weakref__", "_file", "_known", "_stamps")

    def __init__(
        self, known: Known, file: StoreFile, stamps: Collection[Stamped] | None = None
    ) -> None:
        self.customer_id = known.customer_id
        self.first_time, self.last_time = known.span
        self._known: Known | None = known
        self._stamps = stamps  # of its orders, where they were read with those of others
        self._file = file

    def __getattr__(self, name: str) -> Any:
        """What is not there before it is read."""
        if name not in Customer.__slots__ or self._known is None:
            raise AttributeError(name)
        self.load()
        return getattr(self, name)

    def load(self) -> None:
        """Read all that is not there yet."""
        if self._known is None:
            return
        found = Customer(self.customer_id)
        for time in filter(None, (self.first_time, self.last_time)):
            found.see(time)
        known = find_known(self._file, self.customer_id)
        if known:
            with file_errors(self._file.path):
                learn_stored(self._file.connection, known, found)
        for slot in Customer.__slots__:
            setattr(self, slot, getattr(found, slot))
        self._known = None

    def __reduce__(self) -> tuple[Any, ...]:
        """A copy needs no store: it is a Customer that knows the same."""
        return copy, (Customer(self.customer_id).join(self),)

    @property
    def last_name(self) -> str | None:
        """From the latest CUSTOMER event that carries it; None when none does."""
        if self._known is None:
            return super().last_name
        with file_errors(self._file.path):
            stamped = stored_profile(self._file.connection, self._known).get("last_name")
        return stamped[2] if stamped else None

    @property
    def order_stamps(self) -> Collection[Stamped]:
        """Packed time, is_update and amount in micros of the event that set each order's amount."""
        if self._known is None:
            return super().order_stamps
        if self._stamps is None:
            self._stamps = stamps_of(self._file, [self._known])[0]
        return self._stamps

    visit_count = _at_hand("visit_count")
    image_count = _at_hand("image_count")
    order_count = _at_hand("order_count")
    revenue_micros = _at_hand("revenue_micros")
