"""What is known of a customer, and how two pieces of it join (SPEC, section 3).

A join is sets that grow, a smallest time, a latest value: commutative, associative and idempotent,
so the order, the repetition and the slicing of the events make no difference.

| of a customer | joined by |
|---|---|
| begin, latest | the smallest, the greatest time |
| visits | union by (page_id, event_time) |
| images, orders | by key, the latest event |
| last_name, adr_city, adr_state | each from the latest event that carries it |

Latest is the greatest tuple (event_time, is_update, value): so a tie of times goes to the UPDATE,
and a further one to the greater value.

Units: times given out are microseconds since 1970-01-01T00:00:00Z; times taken in and kept are
packed (ltv.times), which sort alike; amounts are micros, millionths of the currency unit.
"""

import gc
import json
import sys
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from operator import itemgetter
from typing import Any, NamedTuple, TypeVar

from ltv.times import PACKED_LENGTH, unpack

_DAY_OF = itemgetter(slice(len("1970-01-01")))


def _exact_integer(digits: str) -> int | Decimal:
    return int(digits) if len(digits) < sys.int_info.default_max_str_digits else Decimal(digits)


def _from_json(text: str) -> Any:
    return json.loads(text, parse_int=_exact_integer)


class Visit(NamedTuple):
    """One view of a page of the site by a customer."""

    page_id: str
    event_time: int  # microseconds since 1970, UTC
    tags: list[Any] | None = None


class Image(NamedTuple):
    """One uploaded image, as its latest event has it."""

    image_id: str
    event_time: int  # microseconds since 1970, UTC
    camera_make: str | None = None
    camera_model: str | None = None


class Order(NamedTuple):
    """One order, as its latest event has it."""

    order_id: str
    event_time: int  # of the event that set the amount; microseconds since 1970, UTC
    amount_micros: int
    is_update: bool = False

    @property
    def total_amount(self) -> Decimal:
        """The amount in the currency's own unit, exactly."""
        digits = tuple(map(int, str(abs(self.amount_micros))))
        return Decimal((int(self.amount_micros < 0), digits, -6))


Time = TypeVar("Time", str, bytes, int)

#: Packed event_time, is_update, value: the greater tuple is the later.
Stamped = tuple[str, bool, Any]


@contextmanager
def without_collecting() -> Iterator[None]:
    """In the block no cycles are looked for: what is known of customers has none, and is much."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def begin_of(times: Iterable[Time]) -> Time:
    """Return the begin of a customer whose events have these times, which sort alike."""
    return min(times)


def end_of(times: Iterable[Time]) -> Time:
    """Return the end of data whose events have these times, which sort alike."""
    return max(times)


def latest_of(stamps: Iterable[Any]) -> Any:
    """Return the value that counts of those with the same key."""
    return max(stamps)


def keep_latest(known: dict[Any, Any], key: object, candidate: Any) -> None:
    """Set `known[key]` to the candidate, unless what is there is later."""
    known[key] = latest_of((known[key], candidate)) if key in known else candidate


class Facts(NamedTuple):
    """What is known of a customer by key, as it is kept: of two values the later is the greater."""

    profile: dict[str, Stamped]
    visits: dict[str, str]  # packed time and page_id: JSON text of tags, "" for none
    images: dict[str, Stamped]
    orders: dict[str, Stamped]


def news(facts: dict[str, Any], known: dict[str, Any]) -> dict[str, Any]:
    """What joining `facts` of one kind into `known` ones would change."""
    return {
        key: value
        for key, value in facts.items()
        if key not in known or latest_of((known[key], value)) != known[key]
    }


class Customer:
    """All that is known of one customer.

    `first_time` and `last_time` are the earliest and the latest event_time of any of its events,
    packed; empty before the first event.
    """

    __slots__ = (
        "_images",
        "_orders",
        "_profile",
        "_visits",
        "customer_id",
        "first_time",
        "last_time",
    )

    def __init__(self, customer_id: str) -> None:
        self.customer_id = customer_id
        self.first_time = ""
        self.last_time = ""
        self._profile: dict[str, Stamped] = {}
        self._visits: dict[str, str] = {}  # packed time and page_id: JSON text of tags, "" for none
        self._images: dict[str, Stamped] = {}  # value: JSON text of the camera
        self._orders: dict[str, Stamped] = {}  # value: amount in micros

    def __repr__(self) -> str:
        known = f"{self.order_count} orders, {self.visit_count} visits, {self.image_count} images"
        return f"<Customer {self.customer_id!r}: {known}>"

    def see(self, time: str) -> None:
        """Note that one of the customer's events has this packed time."""
        self.first_time = begin_of((self.first_time or time, time))
        self.last_time = end_of((self.last_time, time))

    def set_profile(self, member: str, time: str, is_update: bool, text: str) -> None:
        """Learn `last_name`, `adr_city` or `adr_state` from a CUSTOMER event."""
        keep_latest(self._profile, member, (time, is_update, text))

    def add_visit(self, page_id: str, time: str, tags: str) -> None:
        """Learn of a visit; `tags` is compact JSON text with sorted members, or empty."""
        keep_latest(self._visits, time + page_id, tags)

    def add_image(self, image_id: str, time: str, camera: str) -> None:
        """Learn of an upload; `camera` is compact JSON text with sorted members, or empty."""
        keep_latest(self._images, image_id, (time, False, camera))

    def add_order(self, order_id: str, time: str, is_update: bool, amount: int) -> None:
        """Learn an order's amount, in micros, from its NEW or UPDATE."""
        keep_latest(self._orders, order_id, (time, is_update, amount))

    def join(self, other: "Customer") -> "Customer":
        """Learn all that `other`, another piece of the same customer, knows; returns self."""
        for time in (other.first_time, other.last_time):
            if time:
                self.see(time)
        for mine, theirs in (
            (self._profile, other._profile),
            (self._images, other._images),
            (self._orders, other._orders),
        ):
            for key, latest in theirs.items():
                keep_latest(mine, key, latest)
        for visit, tags in other._visits.items():
            self.add_visit(visit[PACKED_LENGTH:], visit[:PACKED_LENGTH], tags)
        return self

    @property
    def facts(self) -> Facts:
        """All that is known but the span of its events; to be read, not to be changed."""
        return Facts(self._profile, self._visits, self._images, self._orders)

    @property
    def begin(self) -> int | None:
        """The earliest event_time of any of its events; None before the first."""
        return unpack(self.first_time) if self.first_time else None

    @property
    def latest(self) -> int | None:
        """The latest event_time of any of its events; None before the first."""
        return unpack(self.last_time) if self.last_time else None

    def _text(self, member: str) -> str | None:
        return self._profile[member][2] if member in self._profile else None

    @property
    def last_name(self) -> str | None:
        """From the latest CUSTOMER event that carries it; None when none does."""
        return self._text("last_name")

    @property
    def adr_city(self) -> str | None:
        """From the latest CUSTOMER event that carries it; None when none does."""
        return self._text("adr_city")

    @property
    def adr_state(self) -> str | None:
        """From the latest CUSTOMER event that carries it; None when none does."""
        return self._text("adr_state")

    @property
    def visit_count(self) -> int:
        """How many visits are known."""
        return len(self._visits)

    @property
    def image_count(self) -> int:
        """How many images are known."""
        return len(self._images)

    @property
    def order_count(self) -> int:
        """How many orders are known."""
        return len(self._orders)

    @property
    def revenue_micros(self) -> int:
        """The sum of the order amounts, in micros, exactly."""
        return sum([amount for _, _, amount in self._orders.values()])

    @property
    def last_order(self) -> int | None:
        """The latest time of the events that set the amounts of its orders; None without orders."""
        times = [time for time, _, _ in self.order_stamps]
        return unpack(end_of(times)) if times else None

    @property
    def visit_days(self) -> Iterator[str]:
        """The day in UTC of every visit, as `YYYY-MM-DD`; at no cost of making Visits."""
        return map(_DAY_OF, self._visits)

    @property
    def image_days(self) -> list[str]:
        """The day in UTC of every image, as `YYYY-MM-DD`."""
        return [time[:10] for time, _, _ in self._images.values()]

    @property
    def order_stamps(self) -> Collection[Stamped]:
        """Packed time, is_update and amount in micros of the event that set each order's amount."""
        return self._orders.values()

    @property
    def visits(self) -> list[Visit]:
        """Every visit, by time."""
        return [
            Visit(
                visit[PACKED_LENGTH:],
                unpack(visit[:PACKED_LENGTH]),
                _from_json(tags) if tags else None,
            )
            for visit, tags in sorted(self._visits.items())
        ]

    @property
    def images(self) -> list[Image]:
        """Every image, by id."""
        return [
            Image(image_id, unpack(time), **(json.loads(camera) if camera else {}))
            for image_id, (time, _, camera) in sorted(self._images.items())
        ]

    @property
    def orders(self) -> list[Order]:
        """Every order, by id."""
        return [
            Order(order_id, unpack(time), amount, is_update)
            for order_id, (time, is_update, amount) in sorted(self._orders.items())
        ]
