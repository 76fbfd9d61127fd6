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
from itertools import accumulate, chain, compress, repeat
from operator import itemgetter, ne, sub
from typing import NamedTuple, TypeVar

from ltv.ranking.segments import Buyers, buyers, packed
from ltv.report.spans import BEFORE, LAST, YEAR_BEFORE, span_of_days
from ltv.times import DAY, day_text, days_since_1970, month_number, unpack
from LTV_Classes import Stamped

_DAY_OF = itemgetter(slice(len("1970-01-01")))

#: The units in which cohorts may be shown, in months: each begins and ends where smaller ones do.
COHORT_UNITS = (1, 3, 12, 60, 120)

#: For how many days after the first order it is asked who came again.
WITHIN_DAYS = (30, 60, 90, 180, 365)

#: With fewer times between orders, what is usual for a customer is not known.
_FEWEST_TIMES = 3

PERCENT_USUAL = 95

_SPANS = (None, LAST, BEFORE, YEAR_BEFORE)

_NO_PERIOD = 0  # before the first order; month 0 is that of the year 0

T = TypeVar("T")


class Buying(NamedTuple):
    """Customers with orders, by column."""

    ids: list[bytes]  # in UTF-8
    begins: list[str]  # the day that each began, `YYYY-MM-DD`
    times: list[Sequence[str | bytes]]  # of the orders of each, rising; each begins with the day
    last_orders: list[int]  # in microseconds since 1970
    revenues: list[int]  # in micros

    def join(self, more: "Buying") -> None:
        """Add other customers."""
        for name in self._fields:
            getattr(self, name).extend(getattr(more, name))


def no_buying() -> Buying:
    """Return that of no customers."""
    return Buying([], [], [], [], [])


def buying_of(
    ids: Iterable[str], begins: Iterable[str], orders: Iterable[Collection[Stamped]]
) -> Buying:
    """Return the buying of those of the customers that have orders.

    The columns are of each its id, the day of its begin, and the stamps of its orders: packed time,
    is_update, amount in micros.
    """
    buying = no_buying()
    for customer_id, begin, stamps in zip(ids, begins, orders, strict=True):
        if stamps:
            times = sorted([time for time, _, _ in stamps])
            buying.ids.append(customer_id.encode())
            buying.begins.append(begin)
            buying.times.append(times)
            buying.last_orders.append(unpack(times[-1]))
            buying.revenues.append(sum([amount for _, _, amount in stamps]))
    return buying


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

    def add(self, buying: Buying, end: int) -> None:
        """Add customers; `end` is that of all the data, in microseconds since 1970."""
        if not buying.ids:
            return
        counts = list(map(len, buying.times))
        self.buyers.append(buyers(buying.ids, buying.last_orders, counts, buying.revenues))
        ends = list(accumulate(counts))
        firsts = [0, *ends[:-1]]
        texts = map(_DAY_OF, chain.from_iterable(buying.times))
        days = list(map(_numbers().__getitem__, texts))
        first_days = list(map(days.__getitem__, firsts))
        seconds = self._add_times(days, firsts, ends)
        self._add_seconds(first_days, seconds, end // DAY)
        span_of = span_of_days(end)
        self._add_first_spans(first_days, seconds, span_of)
        self._add_active(buying, days, firsts, span_of)

    def _add_times(self, days: list[int], firsts: list[int], ends: list[int]) -> list[int]:
        """Add times between orders: `days` are of all customers, each from a first to an end.

        Return the time from the first to the second order of each customer, 0 where there is none.
        """
        times = list(map(sub, days, _before(days, firsts, map(days.__getitem__, firsts))))
        self.between.update(times)
        del self.between[0]  # of a first order, and of others on the same day
        usual = []
        seconds = []
        for first, end in zip(firsts, ends, strict=True):
            own = list(filter(None, times[first + 1 : end]))
            usual.append(usual_time(own))
            seconds.append(own[0] if own else 0)
        self.usual.append(packed(usual))
        return seconds

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

    def _add_active(
        self, buying: Buying, days: list[int], firsts: list[int], span_of: Mapping[int, str]
    ) -> None:
        """Add in which months and spans customers ordered; arguments as above."""
        numbers = {day: _period(day, span_of.get(day)) for day in set(days)}
        periods = list(map(numbers.__getitem__, days))
        before = _before(periods, firsts, repeat(_NO_PERIOD))
        began = map(_month_of, map(_numbers().__getitem__, buying.begins))
        of_orders = chain.from_iterable(map(repeat, began, map(len, buying.times)))
        triples = zip(of_orders, before, periods, strict=True)
        new = Counter(compress(triples, map(ne, before, periods)))
        for (begin, last, period), many in new.items():
            (last_month, last_span), (month, span) = _parts(last), _parts(period)
            if month != last_month:
                self.active[begin, month, _new_units(last_month, month)] += many
            if span and span != last_span:
                self.in_span[span] += many


def _period(day: int, span: str | None) -> int:
    """Return the number of a month and a span: that of days on which nothing else begins."""
    return _month_of(day) * len(_SPANS) + _SPANS.index(span)


def _parts(period: int) -> tuple[int, str | None]:
    """Return the month and the span of this number."""
    month, span = divmod(period, len(_SPANS))
    return month, _SPANS[span]


def _before(column: list[T], firsts: list[int], of_firsts: Iterable[T]) -> list[T]:
    """Return what stands before each in a column; for the first of each customer, what is given."""
    before = [*column[:1], *column[:-1]]
    for first, of_first in zip(firsts, of_firsts, strict=False):
        before[first] = of_first
    return before


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


@lru_cache(maxsize=100_000)
def _new_units(before: int, month: int) -> int:
    """Return of how many of COHORT_UNITS a month is in another one than that before it is."""
    return sum(before // unit != month // unit for unit in COHORT_UNITS)


class _Numbers(dict[str | bytes, int]):
    """Days since 1970 by their texts: at most 84,006, twice."""

    def __missing__(self, text: str | bytes) -> int:
        number = self[text] = days_since_1970(text if isinstance(text, str) else text.decode())
        return number


@lru_cache(maxsize=100_000)  # at most 84,006 days exist
def _month_of(number: int) -> int:
    """Return the months from the year 0 to a day since 1970."""
    return month_number(day_text(number * DAY))


@lru_cache(maxsize=1)  # for all customers that a process has
def _numbers() -> _Numbers:
    return _Numbers()
