"""What a marketer acts on: segments, customers at risk, time to the second order.

| in JSON, below `figures` | |
|---|---|
| `segments` | customers and revenue of each segment (ltv.ranking.segments), and their shares |
| `at_risk` | of those who brought most, who has been away for long: how many, and the best |
| `second_order` | how many ordered on a second day, and how soon |

At risk are, of the customers with the money score 5, those whose days since the last order are more
than the 95th percentile of their own times between orders, or of all customers' times where they
have fewer than three (ltv.report.habits).
"""

import heapq
from collections import Counter
from collections.abc import Iterable, Iterator
from decimal import Decimal
from fractions import Fraction
from itertools import compress
from operator import itemgetter
from typing import NamedTuple

from ltv.ranking.segments import FIFTHS, SEGMENTS, bounds_of, scores, segment_of
from ltv.report.habits import PERCENT_USUAL, WITHIN_DAYS, Habits, nearest_rank
from ltv.times import DAY, time_text
from ltv.values import MICROS_PER_UNIT
from LTV_Calculate import rounded

_MOST_AT_RISK = 100  # that are listed

#: R, F and M of customers.
Cell = tuple[int, ...]


class SegmentShare(NamedTuple):
    """The customers of a segment, and their shares of all customers with orders."""

    name: str
    customers: int
    percent_of_customers: Decimal | None
    revenue: Decimal
    percent_of_revenue: Decimal | None


class SegmentTable(NamedTuple):
    """All segments, also those without customers."""

    customers: int  # with orders
    without_orders: int
    segments: list[SegmentShare]


class CustomerAtRisk(NamedTuple):
    """One of the best customers who has been away for long."""

    customer_id: str
    revenue: Decimal
    orders: int
    last_order: str
    days_since: int
    usual_days: int  # within which an order was to be expected


class AtRisk(NamedTuple):
    """The best customers who have been away for long; those with most revenue are listed."""

    customers: int
    percent_of_best: Decimal | None  # of the fifth with most revenue
    revenue: Decimal
    usual_days: int | None  # of all customers
    best: list[CustomerAtRisk]


class ReturnRate(NamedTuple):
    """Of the customers whose first order was at least so many days ago, who came again in them."""

    days: int
    customers: int
    returned: int
    percent: Decimal | None


class SecondOrder(NamedTuple):
    """How many customers ordered on a second day, and how soon after the first."""

    customers: int  # with orders
    returned: int
    percent: Decimal | None
    median_days: int | None  # of those who returned, by nearest rank
    within: list[ReturnRate]


class Actions(NamedTuple):
    """What a marketer acts on."""

    segments: SegmentTable
    at_risk: AtRisk
    second_order: SecondOrder


class _Away(NamedTuple):
    """A customer at risk; the best is the smallest."""

    falling_revenue: int  # in micros, below 0
    customer_id: bytes
    orders: int
    last_order: int
    days_since: int
    usual_days: int


class _Sums:
    """What the scores of customers add up to; money in micros."""

    def __init__(self, habits: Habits, end: int) -> None:
        self.customers: Counter[Cell] = Counter()
        self.revenues: Counter[Cell] = Counter()
        self.usual = nearest_rank(habits.between, PERCENT_USUAL)
        self.at_risk: Counter[str] = Counter()  # `customers`, `revenue`
        self.best: list[_Away] = []  # of those at risk
        bounds = bounds_of(habits.buyers)
        for part, usual in zip(habits.buyers, habits.usual, strict=True):
            ids = part.ids
            columns = zip(bounds, (part.last_orders, part.orders, part.revenues), strict=True)
            cells = list(zip(*[scores(*column, ids) for column in columns], strict=True))
            self.customers.update(cells)
            for cell, revenue in zip(cells, part.revenues, strict=True):
                self.revenues[cell] += revenue
            are_best = map(FIFTHS.__eq__, map(itemgetter(2), cells))
            rows = zip(ids, part.last_orders, part.orders, part.revenues, usual, strict=True)
            found = list(self._away(compress(rows, are_best), end))
            self.at_risk["customers"] += len(found)
            self.at_risk["revenue"] -= sum(one.falling_revenue for one in found)
            self.best += found
            if len(self.best) > 100 * _MOST_AT_RISK:
                self._cut()
        self._cut()

    def _cut(self) -> None:
        self.best = heapq.nsmallest(_MOST_AT_RISK, self.best)

    def _away(self, rows: Iterable[tuple[bytes, int, int, int, int]], end: int) -> Iterator[_Away]:
        for customer_id, last_order, orders, revenue, own_usual in rows:
            since = end // DAY - last_order // DAY
            usual = own_usual or self.usual
            if usual and since > usual:
                yield _Away(-revenue, customer_id, orders, last_order, since, usual)


def actions_of(habits: Habits, customers: int, end: int) -> Actions:
    """Return what a marketer acts on; `customers` are all, `end` in microseconds since 1970."""
    sums = _Sums(habits, end)
    return Actions(
        segments=_segment_table(sums, customers - habits.customers),
        at_risk=_at_risk(sums),
        second_order=_second_order(habits, end // DAY),
    )


def _segment_table(sums: _Sums, without_orders: int) -> SegmentTable:
    sizes: Counter[str] = Counter()
    revenues: Counter[str] = Counter()
    for cell, size in sums.customers.items():
        sizes[segment_of(*cell)] += size
        revenues[segment_of(*cell)] += sums.revenues[cell]
    customers, revenue = sizes.total(), revenues.total()
    shares = [
        SegmentShare(
            name,
            sizes[name],
            percent_of(sizes[name], customers),
            money(revenues[name]),
            percent_of(revenues[name], revenue),
        )
        for name in SEGMENTS
    ]
    return SegmentTable(customers, without_orders, shares)


def _at_risk(sums: _Sums) -> AtRisk:
    best = sum(size for (*_, of_money), size in sums.customers.items() if of_money == FIFTHS)
    listed = [
        CustomerAtRisk(
            one.customer_id.decode(),
            money(-one.falling_revenue),
            one.orders,
            time_text(one.last_order),
            one.days_since,
            one.usual_days,
        )
        for one in sums.best
    ]
    customers = sums.at_risk["customers"]
    share = percent_of(customers, best)
    return AtRisk(customers, share, money(sums.at_risk["revenue"]), sums.usual, listed)


def _second_order(habits: Habits, end_day: int) -> SecondOrder:
    customers, returned = habits.customers, habits.to_second.total()
    within = []
    for days in WITHIN_DAYS:
        old = sum(many for day, many in habits.first_orders.items() if end_day - day >= days)
        soon = habits.within[days]
        within.append(ReturnRate(days, old, soon, percent_of(soon, old)))
    median = nearest_rank(habits.to_second, 50)
    return SecondOrder(customers, returned, percent_of(returned, customers), median, within)


def percent_of(part: int, whole: int) -> Decimal | None:
    """Return a share in percent; None of what is not above 0."""
    return rounded(100 * part, whole, places=2) if whole > 0 else None


def money(micros: int | Fraction) -> Decimal:
    """Return an amount in micros in the unit of its currency, rounded once."""
    exact = Fraction(micros)
    return rounded(exact.numerator, exact.denominator * MICROS_PER_UNIT, places=2)
