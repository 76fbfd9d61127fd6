"""The weeks over which the shop is compared, and who of its customers came back.

| span | |
|---|---|
| `last` | the last 13 whole weeks before the week of the end of the data |
| `before` | the 13 weeks before these |
| `year_before` | the weeks of `last`, 52 weeks earlier |

A customer comes back with an order on a later day (UTC) than that of its first: an order belongs to
the day of the event that set its amount, and two on one day are one visit to the till.
"""

from collections import Counter, deque
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import compress
from operator import eq, not_
from typing import Generic, NamedTuple, TypeVar

from ltv.times import DAY, WEEK, day_text, week_begin

WEEKS = 13
ALL, LAST, BEFORE, YEAR_BEFORE = "all", "last", "before", "year_before"

#: How many weeks before the week of the end each span begins.
_BEGINS = {LAST: WEEKS, BEFORE: 2 * WEEKS, YEAR_BEFORE: 52 + WEEKS}

Day = TypeVar("Day", str, bytes)

#: How many customers ordered in a span, and (True) how many of them had come back by its end; in
#: `ALL` the data, only who came back.
Buyers = Counter[tuple[str, bool]]


class Bought(NamedTuple, Generic[Day]):
    """Orders by column; of each the day of its customer's first order, and the amount in micros."""

    customers: Sequence[object]
    days: Sequence[Day]
    first_days: Iterable[Day]
    amounts: Sequence[int]


def span_days(span: str, end: int) -> list[str]:
    """Return the days of a span, `YYYY-MM-DD`; `end` is that of the data, in microseconds."""
    first = week_begin(end) - _BEGINS[span] * WEEK
    return [day_text(first + number * DAY) for number in range(7 * WEEKS)]


@lru_cache(maxsize=1)  # for all shards that a process has
def span_of_days(end: int) -> Mapping[str, str]:
    """Return the span of each day that lies in one; `end` as of `span_days`."""
    return {day: span for span in _BEGINS for day in span_days(span, end)}


def add_buyers(
    bought: Bought[Day], span_of: Mapping[Day, str], first_revenue: Counter[Day], buyers: Buyers
) -> None:
    """Add what the orders of some customers, all of each, say of who came back.

    `span_of` has the span of a day that lies in one; `first_revenue` is what orders on the day of
    a customer's first one brought, in micros, by day.
    """
    customers, days, first_days, amounts = bought
    is_first = list(map(eq, days, first_days))
    for day, amount in compress(zip(days, amounts, strict=True), is_first):
        first_revenue[day] += amount
    is_later = list(map(not_, is_first))
    spans = list(map(span_of.get, days))
    _add_customers(buyers, False, spans, customers)
    later = compress(spans, is_later), compress(customers, is_later)
    buyers[ALL, True] += len(_add_customers(buyers, True, *later))


def _add_customers(
    buyers: Buyers, came_back: bool, spans: Iterable[str | None], customers: Iterable[object]
) -> set[object]:
    """Add how many customers ordered in each span, and return all of them."""
    found: dict[str | None, set[object]] = {span: set() for span in (None, *_BEGINS)}
    deque(map(set.add, map(found.__getitem__, spans), customers), maxlen=0)
    buyers.update({(span, came_back): len(found[span]) for span in _BEGINS})
    return set().union(*found.values())
