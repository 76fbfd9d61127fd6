"""The weeks over which the shop is compared, and who of its customers came back.

| span | |
|---|---|
| `last` | the last 13 whole weeks before the week of the end of the data |
| `before` | the 13 weeks before these |
| `year_before` | the weeks of `last`, 52 weeks earlier |

A customer comes back with an order on a later day (UTC) than that of its first: an order belongs to
the day of the event that set its amount, and two on one day are one visit to the till.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping
from functools import lru_cache
from typing import TypeVar

from ltv.times import DAY, WEEK, day_text, week_begin

WEEKS = 13
ALL, LAST, BEFORE, YEAR_BEFORE = "all", "last", "before", "year_before"

#: How many weeks before the week of the end each span begins.
_BEGINS = {LAST: WEEKS, BEFORE: 2 * WEEKS, YEAR_BEFORE: 52 + WEEKS}

Day = TypeVar("Day", str, bytes)

#: How many customers ordered in a span, and (True) how many of them had come back by its end; in
#: `ALL` the data, only who came back.
Buyers = Counter[tuple[str, bool]]


def span_days(span: str, end: int) -> list[str]:
    """Return the days of a span, `YYYY-MM-DD`; `end` is that of the data, in microseconds."""
    first = week_begin(end) - _BEGINS[span] * WEEK
    return [day_text(first + number * DAY) for number in range(7 * WEEKS)]


@lru_cache(maxsize=1)  # for all shards that a process has
def span_of_days(end: int) -> Mapping[str, str]:
    """Return the span of each day that lies in one; `end` as of `span_days`."""
    return {day: span for span in _BEGINS for day in span_days(span, end)}


def add_returns(
    orders: Collection[tuple[object, Day, int]],
    span_of: Mapping[Day, str],
    returning: Counter[Day],
    buyers: Buyers,
) -> None:
    """Add what the orders of some customers, all of each, say of who came back.

    `orders` are (customer, day, amount in micros); `span_of` has the span of a day that lies in
    one; `returning` is the revenue of orders by which a customer came back, in micros, by day.
    """
    first_days: dict[object, Day] = {}
    for customer, day, _ in orders:
        if first_days.setdefault(customer, day) > day:
            first_days[customer] = day
    found: defaultdict[tuple[str, bool], set[object]] = defaultdict(set)
    for customer, day, amount in orders:
        span = span_of.get(day)
        if span:
            found[span, False].add(customer)
        if day > first_days[customer]:
            returning[day] += amount
            found[ALL, True].add(customer)
            if span:
                found[span, True].add(customer)
    buyers.update({key: len(customers) for key, customers in found.items()})
