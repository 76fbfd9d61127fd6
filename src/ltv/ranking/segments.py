r"""Segments by recency, frequency and money: who is in which, by ranks over all customers.

| R \ F + M | 2, 3 | 4, 5 | 6 | 7, 8 | 9, 10 |
|---|---|---|---|---|---|
| 5 | new | potential-loyal | potential-loyal | champions | champions |
| 4 | promising | potential-loyal | potential-loyal | loyal | champions |
| 3 | about-to-sleep | about-to-sleep | need-attention | loyal | loyal |
| 2 | lost | lost | at-risk | at-risk | cannot-lose |
| 1 | lost | lost | lost | at-risk | cannot-lose |

Each score is the fifth, 1 to 5, in which a customer is when those with orders are sorted by (value,
customer_id), the smallest first: R by the time of the last order, F by the number of orders, M by
revenue. Of n, the one in place i has 5 x i / n, rounded up. Who has no order is in no segment.

    bounds = bounds_of(all_buyers(D))
    Ranking(within=Segment("loyal", bounds))

Ranks need all customers at once: their columns take 20 bytes and the id of each.
"""

from array import array
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import chain, compress
from typing import NamedTuple

from ltv.times import unpack
from LTV_Calculate import Bought, Customers, Parted, Rankable, Searchable, gathered
from LTV_Classes import end_of

_LOST, _NEW, _POTENTIAL, _LOYAL, _CHAMPIONS = "lost", "new", "potential-loyal", "loyal", "champions"
_SLEEP, _RISK, _CANNOT = "about-to-sleep", "at-risk", "cannot-lose"

#: By R less 1, and the group of F + M.
_TABLE = (
    (_LOST, _LOST, _LOST, _RISK, _CANNOT),
    (_LOST, _LOST, _RISK, _RISK, _CANNOT),
    (_SLEEP, _SLEEP, "need-attention", _LOYAL, _LOYAL),
    ("promising", _POTENTIAL, _POTENTIAL, _LOYAL, _CHAMPIONS),
    (_NEW, _POTENTIAL, _POTENTIAL, _CHAMPIONS, _CHAMPIONS),
)
_LEAST_OF_GROUPS = (4, 6, 7, 9)  # the F + M that each but the first begins with

#: From who buys most, and lately, to who is gone.
SEGMENTS = (
    *(_CHAMPIONS, _LOYAL, _POTENTIAL, _NEW, "promising"),
    *("need-attention", _SLEEP, _RISK, _CANNOT, _LOST),
)

FIFTHS = 5

#: Stands between ids: no UTF-8 has it.
_BETWEEN = b"\xff"

#: How many numbers or ids are sorted at once, as objects of Python.
_AT_ONCE = 100_000


class Buyers(NamedTuple):
    """Customers with orders by column, as much as all of them are ranked by."""

    joined_ids: bytes  # in UTF-8
    last_orders: Sequence[int]  # in microseconds since 1970
    orders: Sequence[int]
    revenues: Sequence[int]  # in micros

    @property
    def ids(self) -> list[bytes]:
        """Return the id of each."""
        return self.joined_ids.split(_BETWEEN) if self.orders else []


def buyers(
    ids: Iterable[bytes], last_orders: Iterable[int], orders: Iterable[int], revenues: Iterable[int]
) -> Buyers:
    """Return the customers with these columns (Buyers) in the form that takes least memory."""
    columns = (packed(list(column)) for column in (last_orders, orders, revenues))
    return Buyers(_BETWEEN.join(ids), *columns)


def packed(numbers: list[int]) -> Sequence[int]:
    """Return the numbers in 4 or 8 bytes each, where they fit."""
    for code in "Iq":
        try:
            return array(code, numbers)
        except OverflowError:
            pass
    return numbers


def buyers_among(customers: Iterable[Bought]) -> Buyers:
    """Return those of the customers that have orders."""
    with_orders = [customer for customer in customers if customer.order_count]
    return buyers(
        [customer.customer_id.encode() for customer in with_orders],
        map(last_order_of, with_orders),
        [customer.order_count for customer in with_orders],
        [customer.revenue_micros for customer in with_orders],
    )


def last_order_of(customer: Bought) -> int:
    """Return when the last order of a customer was, in microseconds since 1970."""
    return unpack(end_of([time for time, _, _ in customer.order_stamps]))


def all_buyers(D: Customers | Rankable | Searchable | Parted) -> list[Buyers]:
    """Return all customers of `D` with orders, in parts."""
    return list(chain.from_iterable(gathered(D, _buyers_of_parts)))


def _buyers_of_parts(parts: Iterable[Customers]) -> list[Buyers]:
    return [buyers_among(D.values()) for D in parts]


#: The value and id of the last customer of each fifth but the best one, the lowest first; with
#: fewer than five customers, some fifths have none. Where all with the value are in the fifth, what
#: stands for the id is greater than any.
Bounds = tuple[tuple[int, bytes], ...]


class AllBounds(NamedTuple):
    """The bounds of recency, frequency and money."""

    last_orders: Bounds
    orders: Bounds
    revenues: Bounds


def bounds_of(parts: Sequence[Buyers]) -> AllBounds:
    """Return where fifths of all customers with orders end."""
    return AllBounds(*(_bounds(parts, column) for column in AllBounds._fields))


def _bounds(parts: Sequence[Buyers], column: str) -> Bounds:
    columns: list[Sequence[int]] = [getattr(part, column) for part in parts]
    runs = sorted_runs(columns)
    count = sum(map(len, runs))
    places = [count * fifth // FIFTHS for fifth in range(1, FIFTHS)]
    bounds = []
    for place in filter(None, places):
        value = _value_in(runs, place)
        less, up_to = (sum(cut(run, value) for run in runs) for cut in (bisect_left, bisect_right))
        customer_id = _BETWEEN
        if place < up_to:
            ids = partial(_ids_with, value, parts, columns)
            customer_id = _id_in(ids, place - less, up_to - less)
        bounds.append((value, customer_id))
    return tuple(bounds)


def sorted_runs(columns: Iterable[Sequence[int]]) -> list[Sequence[int]]:
    """Return all the numbers in runs, each rising, which take no more memory than they do."""
    runs: list[Sequence[int]] = []
    waiting: list[int] = []
    for column in columns:
        waiting += column
        if len(waiting) >= _AT_ONCE:
            runs.append(packed(sorted(waiting)))
            waiting.clear()
    return [*runs, packed(sorted(waiting))] if waiting else runs


def _value_in(runs: list[Sequence[int]], place: int) -> int:
    """Return the value in a place, from 1, of all: the least one that as many do not exceed."""
    low, high = min(run[0] for run in runs), max(run[-1] for run in runs)
    while low < high:
        middle = (low + high) // 2
        if sum(bisect_right(run, middle) for run in runs) >= place:
            high = middle
        else:
            low = middle + 1
    return low


def _ids_with(
    value: int, parts: Iterable[Buyers], columns: Iterable[Sequence[int]]
) -> Iterator[bytes]:
    """Return the ids of the customers that have the value in the column."""
    pairs = zip(parts, columns, strict=True)
    return chain.from_iterable(
        compress(part.ids, map(value.__eq__, column)) for part, column in pairs
    )


def _id_in(ids: Callable[[], Iterator[bytes]], place: int, total: int) -> bytes:
    """Return the id in a place, from 1, of them all: byte by byte while they are too many to sort.

    `ids` yields the `total` of them, in any order.
    """
    prefix, count = b"", total
    if count > _AT_ONCE:
        least, greatest = min(ids()), max(ids())
        pairs = enumerate(zip(least, greatest, strict=False))
        prefix = least[: next((at for at, (one, other) in pairs if one != other), len(least))]
    while count > _AT_ONCE:
        length = len(prefix)
        counts = Counter(one[length : length + 1] for one in ids() if one.startswith(prefix))
        for following, count in sorted(counts.items()):  # noqa: B007 - it is of the last one
            if place <= count:
                break
            place -= count
        if not following:
            return prefix
        prefix += following
    some = (one for one in ids() if one.startswith(prefix)) if prefix else ids()
    return sorted(some)[place - 1]


def scores(bounds: Bounds, values: Iterable[int], ids: Iterable[bytes]) -> Iterator[int]:
    """Yield the fifth, 1 to 5, of each customer with a value and an id."""
    if all(customer_id == _BETWEEN for _, customer_id in bounds):  # which takes half of the time
        below = map(partial(bisect_left, [value for value, _ in bounds]), values)
    else:
        below = map(partial(bisect_left, bounds), zip(values, ids, strict=True))
    return map(range(FIFTHS - len(bounds), FIFTHS + 1).__getitem__, below)


def segment_of(recency: int, frequency: int, money: int) -> str:
    """Return the name of the segment with these scores."""
    return _TABLE[recency - 1][bisect_right(_LEAST_OF_GROUPS, frequency + money)]


class Segment(NamedTuple):
    """A segment of all customers, whose bounds are known."""

    name: str
    bounds: AllBounds

    def has(self, customer: Bought) -> bool:
        """Return whether a customer is in it."""
        if not customer.order_count:
            return False
        values = last_order_of(customer), customer.order_count, customer.revenue_micros
        ids = [customer.customer_id.encode()]
        pairs = zip(self.bounds, values, strict=True)
        return (
            segment_of(*(next(scores(bounds, [value], ids)) for bounds, value in pairs))
            == self.name
        )
