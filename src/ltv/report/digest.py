"""What the figures show, each rounded once: what `--format json` and the report tell of them.

| in JSON, below `figures` | |
|---|---|
| `revenue`, `revenue_per_visit`, `visits_per_customer_week` | of all customers |
| `customer_weeks`, `customers_with_orders`, `percent_with_orders` | |
| `rejected_for` | how many events were rejected for each reason there was |
| `ltv` | customers `below_zero`, of `zero`, and `bins`: from `least`, included, to `below` |
| `concentration` | for the best 1, 2, ... 100 % of the customers by revenue, what they hold |
| `periods` | `unit`, and for each from the begin to the end of the data what happened |
| `cohorts` | `unit`, and customers by when they began, with `revenue_per_customer` so far |

The best p % of n customers are p x n / 100 of them, rounded up; of those with the same revenue it
matters not which. What they hold of a total that is not above 0 is absent; where there are refunds,
it may be above 100 %. In a period in which nothing is known to have happened, all is absent: a gap
is not a zero. The first and the last one hold the first and the last event, and are no gaps.
"""

from bisect import bisect_left
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from fractions import Fraction
from itertools import accumulate
from typing import NamedTuple

from ltv.report.figures import (
    BOUNDS_IN_CENTS,
    Cohorts,
    Days,
    Distribution,
    Figures,
    Revenues,
    month_of,
    narrowest,
)
from ltv.times import DAY, day_text, days_since_1970, week_number, weeks_between
from ltv.values import MICROS_PER_UNIT
from LTV_Calculate import Totals, rounded

#: A unit of time is its number of months, or:
WEEK = 0
_NAMES = {WEEK: "week", 1: "month", 3: "quarter", 12: "year"}

_PERIOD_UNITS = (1, 3, 12, 24)
_MOST_PERIODS = 120

_MONTHS_PER_YEAR = 12


class Bin(NamedTuple):
    """How many customers have a lifetime value from `least` to less than `below`.

    The first bin there can be, from 0, leaves 0 itself out.
    """

    least: Decimal
    below: Decimal
    customers: int


class ValueSpread(NamedTuple):
    """How many customers have which lifetime value; bins from the lowest to the highest in use."""

    below_zero: int
    zero: int
    bins: list[Bin]


class Share(NamedTuple):
    """What the best `percent` of the customers by revenue hold."""

    percent: int
    customers: int
    revenue: Decimal
    percent_of_revenue: Decimal | None


class Period(NamedTuple):
    """What happened in a period that begins on a day, `YYYY-MM-DD`; None where nothing is known."""

    begin: str
    revenue: Decimal | None
    orders: int | None
    visits: int | None
    images: int | None
    new_customers: int | None


class PeriodTable(NamedTuple):
    """All periods from the begin to the end of the data."""

    unit: str
    periods: list[Period]


class Cohort(NamedTuple):
    """The customers who began in a period: revenue of each so far at the end of it, and later."""

    begin: str
    customers: int
    revenue_per_customer: list[Decimal]


class CohortTable(NamedTuple):
    """All cohorts that have customers."""

    unit: str
    cohorts: list[Cohort]


class Digest(NamedTuple):
    """What the figures show."""

    revenue: Decimal
    revenue_per_visit: Decimal | None
    visits_per_customer_week: Decimal
    customer_weeks: int
    customers_with_orders: int
    percent_with_orders: Decimal
    rejected_for: dict[str, int]
    ltv: ValueSpread
    concentration: list[Share]
    periods: PeriodTable
    cohorts: CohortTable


def digest_of(figures: Figures, totals: Totals, reasons: dict[str, int]) -> Digest:
    """What the figures of all customers show, of which there is at least one."""
    revenue, visits = figures.revenue, totals.visits
    return Digest(
        revenue=_money(revenue),
        revenue_per_visit=_money(Fraction(revenue, visits)) if visits else None,
        visits_per_customer_week=rounded(visits, figures.customer_weeks, places=4),
        customer_weeks=figures.customer_weeks,
        customers_with_orders=figures.with_orders,
        percent_with_orders=rounded(100 * figures.with_orders, totals.customers, places=2),
        rejected_for=reasons,
        ltv=_value_spread(figures.distribution),
        concentration=_concentration(figures.revenues, totals.customers, revenue),
        periods=_period_table(figures.days, totals),
        cohorts=_cohort_table(figures.cohorts, totals.end),
    )


def _money(micros: int | Fraction) -> Decimal:
    exact = Fraction(micros)
    return rounded(exact.numerator, exact.denominator * MICROS_PER_UNIT, places=2)


def _value_spread(distribution: Distribution) -> ValueSpread:
    used = distribution.bins.keys()
    bounds = (0, *BOUNDS_IN_CENTS)
    bins = [
        Bin(
            rounded(bounds[number], 100, places=2),
            rounded(bounds[number + 1], 100, places=2),
            distribution.bins[number],
        )
        for number in (range(min(used), max(used) + 1) if used else ())
    ]
    return ValueSpread(distribution.below_zero, distribution.zero, bins)


def _concentration(revenues: Revenues, customers: int, total: int) -> list[Share]:
    counts = [-(-percent * customers // 100) for percent in range(1, 101)]  # rounded up
    return [
        Share(
            percent,
            count,
            _money(held),
            rounded(*(100 * held / total).as_integer_ratio(), places=2) if total > 0 else None,
        )
        for percent, count, held in zip(
            range(1, 101), counts, _held_by_best(revenues, counts), strict=True
        )
    ]


def _held_by_best(revenues: Revenues, counts: list[int]) -> Iterator[Fraction]:
    """The revenue in micros of so many customers with the highest, for rising `counts`."""
    best_first = sorted(revenues.customers, reverse=True)
    up_to = list(accumulate(map(revenues.customers.__getitem__, best_first)))
    held = list(accumulate(revenues.sums_of(best_first)))
    for count in counts:
        last = bisect_left(up_to, count)
        revenue = best_first[last]
        (all_of_it,) = revenues.sums_of([revenue])
        mean = Fraction(all_of_it, revenues.customers[revenue])
        yield held[last] - (up_to[last] - count) * mean


def _period_table(days: Days, totals: Totals) -> PeriodTable:
    unit = _period_unit(totals)
    by_period = [_by_period(by_day, unit) for by_day in days]
    first, last = (_period_of(day_text(time), unit) for time in (totals.begin, totals.end))
    periods = []
    for number in range(first, last + 1):
        begin = _begin_of(number, unit)
        if number in (first, last) or any(number in of_kind for of_kind in by_period):
            revenue, *counts = (of_kind.get(number, 0) for of_kind in by_period)
            periods.append(Period(begin, _money(revenue), *counts))
        else:
            periods.append(Period(begin, None, None, None, None, None))
    return PeriodTable(_name_of(unit), periods)


def _period_unit(totals: Totals) -> int:
    if weeks_between(totals.begin, totals.end) <= _MOST_PERIODS:
        return WEEK
    first, last = (month_of(day_text(time)[:7]) for time in (totals.begin, totals.end))
    return narrowest(_PERIOD_UNITS, first, last, _MOST_PERIODS)


def _by_period(by_day: dict[str, int], unit: int) -> dict[int, int]:
    by_period: dict[int, int] = {}
    for day, count in by_day.items():
        number = _period_of(day, unit)
        by_period[number] = by_period.get(number, 0) + count
    return by_period


def _period_of(day: str, unit: int) -> int:
    if unit == WEEK:
        return week_number(days_since_1970(day) * DAY)
    return month_of(day[:7]) // unit


def _begin_of(number: int, unit: int) -> str:
    """The first day of a period."""
    if unit == WEEK:
        return date.fromordinal(_FIRST_MONDAY + 7 * number).isoformat()
    year, month = divmod(number * unit, _MONTHS_PER_YEAR)
    return f"{year:04}-{month + 1:02}-01"


_FIRST_MONDAY = date(1969, 12, 29).toordinal()  # of the week of 1970-01-01


def _name_of(unit: int) -> str:
    return _NAMES.get(unit) or f"{unit // _MONTHS_PER_YEAR} years"


def _cohort_table(cohorts: Cohorts, end: int) -> CohortTable:
    last = month_of(day_text(end)[:7]) // cohorts.months
    return CohortTable(
        _name_of(cohorts.months),
        [_cohort(cohorts, begin, last) for begin in sorted(cohorts.customers)],
    )


def _cohort(cohorts: Cohorts, begin: int, last: int) -> Cohort:
    size = cohorts.customers[begin]
    so_far = accumulate(cohorts.revenue[begin, period] for period in range(begin, last + 1))
    return Cohort(
        _begin_of(begin, cohorts.months), size, [_money(Fraction(sum_, size)) for sum_ in so_far]
    )
