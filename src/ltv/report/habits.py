"""How customers with orders buy: ranks, times between orders, and who comes again, as sums.

    habits.add(buying_of(some), end)
    habits.join(habits_of_others)

Days with orders count, in UTC: several orders on a day are one, and a time between orders is the
days from one such day to the next, at least 1.

| kept | at most |
|---|---|
| the columns of segments, the usual time of each | 24 bytes a customer, and its id |
| times between orders, times to the second, first orders, by days | 84,006 days each |
| who ordered in a month, by the month of the begin | 2,760 x 2,760 / 2 pairs of months |
"""

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import lru_cache, partial
from itertools import compress, repeat
from operator import sub
from typing import NamedTuple

from ltv.ranking.segments import Buyers, buyers, packed
from ltv.report.spans import BEFORE, LAST, YEAR_BEFORE, span_of_days
from ltv.times import DAY, date_text, days_since_1970, month_number, unpack
from LTV_Classes import Stamped

#: The units in which cohorts may be shown, in months: each begins and ends where smaller ones do.
COHORT_UNITS = (1, 3, 12, 60, 120)

#: For how many days after the first order it is asked who came again.
WITHIN_DAYS = (30, 60, 90, 180, 365)

#: With fewer times between orders, what is usual for a customer is not known.
_FEWEST_TIMES = 3

PERCENT_USUAL = 95

_SPANS = (None, LAST, BEFORE, YEAR_BEFORE)

NO_PERIOD = 0  # before the first order; month 0 is that of the year 0

#: A customer's month of the begin, and its order in a period (Periods) after one in another.
Move = tuple[int, int, int]

#: The time of an order, in a form that sorts as the instants do; its day since 1970; the amount in
#: micros.
DatedOrder = tuple[str | bytes, int, int]


class Buying(NamedTuple):
    """Customers with orders, by column."""

    ids: list[bytes]  # in UTF-8
    begins: list[str]  # the day that each began, `YYYY-MM-DD`
    orders: Sequence[Sequence[DatedOrder]]  # of each, rising
    last_orders: list[int]  # in microseconds since 1970
    revenues: list[int]  # in micros


def buying_of(
    ids: Iterable[str], begins: Iterable[str], orders: Iterable[Collection[Stamped]]
) -> Buying:
    """Return the buying of those of the customers that have orders.

    The columns are of each its id, the day of its begin, and the stamps of its orders: packed time,
    is_update, amount in micros.
    """
    known = [one for one in zip(ids, begins, orders, strict=True) if one[2]]
    dated = [
        sorted([(time, days_since_1970(time[:10]), amount) for time, _, amount in stamps])
        for _, _, stamps in known
    ]
    return Buying(
        [customer_id.encode() for customer_id, _, _ in known],
        [begin for _, begin, _ in known],
        dated,
        [unpack(some[-1][0]) for some in dated],
        [sum([amount for _, _, amount in some]) for some in dated],
    )


class Habits(NamedTuple):
    """What customers with orders add up to; times are in days."""

    buyers: list[Buyers]  # in parts
    usual: list[Sequence[int]]  # of each of them, the time it usually orders within; 0: not known
    between: Counter[int]  # times between orders
    first_orders: Counter[int]  # customers by the day of the first order, since 1970
    to_second: Counter[int]  # customers by the time from the first to the second order
    in_span: Counter[str]  # customers by the spans (ltv.report.spans) that they ordered in
    first_in_span: Counter[str]  # of these, who had never ordered before, and on one day in it
    within: Counter[int]  # of WITHIN_DAYS: customers who ordered again so soon, and could have
    #: Customers by the months of the begin and of orders, and how many of COHORT_UNITS these are
    #: the first orders in.
    active: Counter[tuple[int, int, int]]

    @property
    def customers(self) -> int:
        """Return how many they are."""
        return self.first_orders.total()

    def join(self, more: "Habits") -> None:
        """Add what other customers come to; the end of the data is the same."""
        self.buyers.extend(more.buyers)
        self.usual.extend(more.usual)
        for counter in self._fields[2:]:
            getattr(self, counter).update(getattr(more, counter))

    def add(
        self, buying: Buying, usual: list[int], seconds: list[int], times: list[int], end: int
    ) -> None:
        """Add customers, less in which months and spans they ordered.

        `usual` and `seconds` are of each the time it usually orders within, and that from its first
        to the second order, 0 where they are not known; `times` are those between orders of all of
        them; `end` is that of all the data, in microseconds since 1970.
        """
        counts = list(map(len, buying.orders))
        self.buyers.append(buyers(buying.ids, buying.last_orders, counts, buying.revenues))
        self.usual.append(packed(usual))
        self.between.update(times)
        first_days = [orders[0][1] for orders in buying.orders]
        self._add_seconds(first_days, seconds, end // DAY)
        self._add_first_spans(first_days, seconds, span_of_days(end))

    def add_moves(self, moves: Counter[Move]) -> None:
        """Add in which months and spans customers ordered."""
        for (began, before, period), many in moves.items():
            month, new_units, span = _what_is_new(before, period)
            if new_units:
                self.active[began, month, new_units] += many
            if span:
                self.in_span[span] += many

    def _add_seconds(self, first_days: list[int], seconds: list[int], end: int) -> None:
        """Add times from the first order to the second, 0 where there is none; `end` is a day."""
        self.first_orders.update(first_days)
        self.to_second.update(seconds)
        del self.to_second[0]
        ages = map(sub, repeat(end), first_days)
        least = map(partial(bisect_left, WITHIN_DAYS), seconds)
        most = map(partial(bisect_right, WITHIN_DAYS), ages)
        places = Counter(compress(zip(least, most, strict=True), seconds))
        for (first, after), many in places.items():
            self.within.update(dict.fromkeys(WITHIN_DAYS[first:after], many))

    def _add_first_spans(
        self, first_days: list[int], seconds: list[int], span_of: Mapping[int, str]
    ) -> None:
        """Add who ordered first in a span, and no later day in it; arguments as above."""
        for first, second in zip(first_days, seconds, strict=True):
            span = span_of.get(first)
            if span and not (second and span_of.get(first + second) == span):
                self.first_in_span[span] += 1


class Periods(dict[int, int]):
    """The number of the month and the span of each day since 1970: at most 84,006.

    `end` is that of all the data, in microseconds since 1970.
    """

    def __init__(self, end: int) -> None:
        self._span_of = span_of_days(end)

    def __missing__(self, day: int) -> int:
        number = month_number(date_text(day)) * len(_SPANS) + _SPANS.index(self._span_of.get(day))
        self[day] = number
        return number


@lru_cache(maxsize=100_000)
def _what_is_new(before: int, period: int) -> tuple[int, int, str | None]:
    """Return the month of a period, of how many of COHORT_UNITS it is in another, and its span.

    The span only if that of the period `before` is another one.
    """
    (month_before, span_before), (month, span) = (
        divmod(number, len(_SPANS)) for number in (before, period)
    )
    new_units = sum(month_before // unit != month // unit for unit in COHORT_UNITS)
    return month, new_units, _SPANS[span] if span != span_before else None


def no_habits() -> Habits:
    """Return what no customers add up to."""
    return Habits([], [], *(Counter() for _ in Habits._fields[2:]))


def usual_time(times: list[int]) -> int:
    """Return the 95th percentile, by nearest rank, of a customer's times; 0 for fewer than three.

    >>> usual_time([1, 7, 3]), usual_time([1, 7])
    (7, 0)
    """
    if len(times) < _FEWEST_TIMES:
        return 0
    place = -(-PERCENT_USUAL * len(times) // 100)
    return max(times) if place == len(times) else sorted(times)[place - 1]


def nearest_rank(times: Counter[int], percent: int) -> int | None:
    """Return the percentile of these times by nearest rank, None where there are none."""
    place = -(-percent * times.total() // 100)
    for time, many in sorted(times.items()):
        place -= many
        if place <= 0:
            return time
    return None
