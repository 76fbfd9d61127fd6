"""What the figures show, each rounded once: what `--format json` and the report tell of them.

| in JSON, below `figures` | |
|---|---|
| `revenue`, `revenue_per_visit`, `visits_per_customer_week` | of all customers |
| `customer_weeks`, `customers_with_orders`, `percent_with_orders` | |
| `shop` | how the shop does, and did before (ltv.report.shop) |
| `rejected_for` | how many events were rejected for each reason there was |
| `ltv` | customers `below_zero`, of `zero`, and `bins`: from `least`, included, to `below` |
| `concentration` | for the best 1, 2, ... 100 % of the customers by revenue, what they hold |
| `periods` | `unit`, and for each from the begin to the end of the data what happened |
| `cohorts` | `unit`, and customers by when they began, with `revenue_per_customer` so far |
| `segments`, `at_risk`, `second_order` | what a marketer acts on (ltv.report.segments) |

The best p % of n customers are p x n / 100 of them, rounded up; of those with the same revenue it
matters not which. What they hold of a total that is not above 0 is absent; where there are refunds,
it may be above 100 %. In a period in which nothing is known to have happened, all is absent: a gap
is not a zero. The first and the last one hold the first and the last event, and are no gaps.
"""

from collections import Counter
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from fractions import Fraction
from itertools import accumulate, islice, repeat
from typing import NamedTuple

from ltv.report.figures import BOUNDS_IN_CENTS, ZERO, Figures
from ltv.report.habits import COHORT_UNITS
from ltv.report.segments import AtRisk, SecondOrder, SegmentTable, actions_of, money, percent_of
from ltv.report.shop import Shop, shop_of
from ltv.times import (
    DAY,
    MONTHS_PER_YEAR,
    day_text,
    days_since_1970,
    month_number,
    week_number,
    weeks_between,
)
from LTV_Calculate import Totals, rounded

#: A unit of time is its number of months, or:
WEEK = 0
_NAMES = {WEEK: "week", 1: "month", 3: "quarter", 12: "year"}

_PERIOD_UNITS = (1, 3, 12, 24)
_MOST_PERIODS = 120

_MOST_COHORTS = 24


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
    """What happened in a period that begins on a day, `YYYY-MM-DD`; None where nothing is known.

    Revenue is new, of orders on the first day on which their customer ordered, or returning.
    """

    begin: str
    revenue: Decimal | None
    orders: int | None
    visits: int | None
    images: int | None
    new_customers: int | None
    new_revenue: Decimal | None
    returning_revenue: Decimal | None


class PeriodTable(NamedTuple):
    """All periods from the begin to the end of the data."""

    unit: str
    periods: list[Period]


class Cohort(NamedTuple):
    """The customers who began in a period: figures of it, and of each later one."""

    begin: str
    customers: int
    revenue_per_customer: list[Decimal]  # so far, at the end of it
    percent_retained: list[Decimal]  # who ordered in it


class CohortTable(NamedTuple):
    """All cohorts that have customers.

    The mean of their customers leaves out the last period of the data, which may be incomplete.
    """

    unit: str
    cohorts: list[Cohort]
    mean_percent_retained: list[Decimal | None]


class Digest(NamedTuple):
    """What the figures show."""

    revenue: Decimal
    revenue_per_visit: Decimal | None
    visits_per_customer_week: Decimal
    customer_weeks: int
    customers_with_orders: int
    percent_with_orders: Decimal
    shop: Shop
    rejected_for: dict[str, int]
    ltv: ValueSpread
    concentration: list[Share]
    periods: PeriodTable
    cohorts: CohortTable
    segments: SegmentTable
    at_risk: AtRisk
    second_order: SecondOrder


def digest_of(figures: Figures, totals: Totals, reasons: dict[str, int]) -> Digest:
    """Return what the figures of all customers show, of which there is at least one."""
    revenue, visits = figures.revenue.total(), totals.visits
    customer_weeks, with_orders = figures.counts["customer_weeks"], figures.habits.customers
    return Digest(
        revenue=money(revenue),
        revenue_per_visit=money(Fraction(revenue, visits)) if visits else None,
        visits_per_customer_week=rounded(visits, customer_weeks, places=4),
        customer_weeks=customer_weeks,
        customers_with_orders=with_orders,
        percent_with_orders=rounded(100 * with_orders, totals.customers, places=2),
        shop=shop_of(figures, totals),
        rejected_for=reasons,
        ltv=_value_spread(figures.bins),
        concentration=_concentration(figures, totals.customers, revenue),
        periods=_period_table(figures, totals),
        cohorts=_cohort_table(figures, totals),
        **actions_of(figures.habits, totals.customers, totals.end)._asdict(),
    )


def _value_spread(customers: Counter[int]) -> ValueSpread:
    used = [number for number, many in customers.items() if number > 0 and many]
    bounds = [rounded(cents, 100, places=2) for cents in BOUNDS_IN_CENTS]
    bins = [
        Bin(bounds[number - 1], bounds[number], customers[number])
        for number in (range(min(used), max(used) + 1) if used else ())
    ]
    return ValueSpread(customers[0], customers[ZERO], bins)


def _concentration(figures: Figures, customers: int, total: int) -> list[Share]:
    best_first = figures.best_revenues()
    held = before = 0
    shares = []
    for percent in range(1, 101):
        count = -(-percent * customers // 100)  # rounded up
        held += sum(islice(best_first, count - before))
        before = count
        shares.append(Share(percent, count, money(held), percent_of(held, total)))
    return shares


def _period_table(figures: Figures, totals: Totals) -> PeriodTable:
    is_long = weeks_between(totals.begin, totals.end) > _MOST_PERIODS
    unit = _narrowest(_PERIOD_UNITS, totals, _MOST_PERIODS) if is_long else WEEK
    counters = figures.orders, figures.visits, figures.images, figures.new_customers
    by_day = figures.revenue, *counters, figures.first_revenue
    by_period = [_by_period(of_kind, unit) for of_kind in by_day]
    first, last = (_period_of(day_text(time), unit) for time in (totals.begin, totals.end))
    periods = []
    for number in range(first, last + 1):
        begin = _begin_of(number, unit)
        if number in (first, last) or any(number in of_kind for of_kind in by_period):
            revenue, orders, visits, images, new_customers, new = (
                of_kind[number] for of_kind in by_period
            )
            counts = orders, visits, images, new_customers
            split = money(new), money(revenue - new)
            periods.append(Period(begin, money(revenue), *counts, *split))
        else:
            periods.append(Period(begin, *repeat(None, len(Period._fields) - 1)))
    return PeriodTable(_name_of(unit), periods)


def _narrowest(units: Iterable[int], totals: Totals, most: int) -> int:
    """Return the first of `units` of which at most so many go from the begin to the end."""
    first, last = (_period_of(day_text(time), 1) for time in (totals.begin, totals.end))
    return next(unit for unit in units if last // unit - first // unit < most)


def _by_period(by_day: Counter[str], unit: int) -> Counter[int]:
    by_period: Counter[int] = Counter()
    for day, count in by_day.items():
        by_period[_period_of(day, unit)] += count
    return by_period


def _period_of(day: str, unit: int) -> int:
    """Return the number of the period of a day, or of a month where the unit is not the week."""
    if unit == WEEK:
        return week_number(days_since_1970(day) * DAY)
    return month_number(day) // unit


def _begin_of(number: int, unit: int) -> str:
    """Return the first day of a period."""
    if unit == WEEK:
        return date.fromordinal(_FIRST_MONDAY + 7 * number).isoformat()
    year, month = divmod(number * unit, MONTHS_PER_YEAR)
    return f"{year:04}-{month + 1:02}-01"


_FIRST_MONDAY = date(1969, 12, 29).toordinal()  # of the week of 1970-01-01


def _name_of(unit: int) -> str:
    return _NAMES.get(unit) or f"{unit // MONTHS_PER_YEAR} years"


def _cohort_table(figures: Figures, totals: Totals) -> CohortTable:
    unit = _narrowest(COHORT_UNITS, totals, _MOST_COHORTS)
    last = _period_of(day_text(totals.end), unit)
    revenue: Counter[tuple[int, int]] = Counter()
    for (began, ordered), amount in figures.cohorts.items():
        revenue[_period_of(began, unit), _period_of(ordered, unit)] += amount
    active = _active(figures, unit)
    cohorts = []
    sums: Counter[int] = Counter()
    sizes: Counter[int] = Counter()
    for begin, size in sorted(_by_period(figures.new_customers, unit).items()):
        periods = range(begin, last + 1)
        so_far = accumulate(revenue[begin, period] for period in periods)
        per_customer = [money(Fraction(sum_, size)) for sum_ in so_far]
        retained = [active[begin, period] for period in periods]
        percent = [rounded(100 * many, size, places=2) for many in retained]
        cohorts.append(Cohort(_begin_of(begin, unit), size, per_customer, percent))
        sums.update(dict(enumerate(retained[:-1])))
        sizes.update(dict.fromkeys(range(len(retained) - 1), size))
    ages = range(max(len(cohort.percent_retained) for cohort in cohorts))
    means = [percent_of(sums[age], sizes[age]) for age in ages]
    return CohortTable(_name_of(unit), cohorts, means)


def _active(figures: Figures, unit: int) -> Counter[tuple[int, int]]:
    """Return how many customers who began in a period ordered in a period."""
    level = COHORT_UNITS.index(unit)
    active: Counter[tuple[int, int]] = Counter()
    for (began, ordered, new_units), many in figures.habits.active.items():
        if new_units > level:
            active[began // unit, ordered // unit] += many
    return active
