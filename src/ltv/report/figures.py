"""How value is spread over customers, how the shop activity, how cohorts do: sums for the report.

    figures = join(figures_of(some, end, "10"), figures_of(others, end, "10"))

A join as everything else is: of parts that share no customer, in any order, by exact integers. What
is kept has a bound, whatever the data are:

| figure | kept | at most |
|---|---|---|
| distribution of ltv | customers by bin, three bins for each power of ten | 100 bins |
| concentration | customers and their revenue, by revenue | 65,536 revenues |
| periods | revenue, orders, visits, images, new customers by day | 84,006 days, 1970 to 2199 |
| cohorts | customers by the period they began in; revenue by that and the order's | 24; 300 |

Where more revenues differ than are kept, those that are alike in their leading bits count as one:
in as many bits as there is room for, never below 9. As each keeps the exact sum of its customers,
what the best of all customers hold is exact but for a part of one of them, where it is off by less
than a thousandth of its sum.
"""

from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache, partial
from itertools import chain, groupby, islice, repeat
from operator import add, attrgetter, itemgetter, mul
from typing import NamedTuple

from ltv.times import pack
from LTV_Calculate import ltv_fraction, parse_lifespan, weeks_until
from LTV_Classes import Customer

#: Between two of these, the lower one included, is a bin of lifetime values: 0.01, 0.02, 0.05, 0.1,
#: ... to more than all the money that any log can name.
BOUNDS_IN_CENTS = tuple(digit * 10**zeros for zeros in range(33) for digit in (1, 2, 5))

_MOST_REVENUES = 65_536
_ALL_BITS = 128  # more than any revenue has
_FEWER_BITS = 24

MONTHS_PER_YEAR = 12

#: What a cohort may span, in months; each is made of whole ones of those before it.
COHORT_UNITS = (1, 3, 12, 60, 120)
_MOST_COHORTS = 24

_CUSTOMERS_AT_ONCE = 10_000

_month_of_day = itemgetter(slice(len("1970-01")))


class Days(NamedTuple):
    """By day in UTC, `YYYY-MM-DD`. An order belongs to the day of the event that set its amount."""

    revenue: Counter[str]  # in micros
    orders: Counter[str]
    visits: Counter[str]
    images: Counter[str]
    new_customers: Counter[str]


class Distribution(NamedTuple):
    """How many customers have a lifetime value below zero, of zero, and in each of the bins.

    Bin i is of the values from `BOUNDS_IN_CENTS[i - 1]` to below `BOUNDS_IN_CENTS[i]`, bin 0 of
    those above zero and below the first.
    """

    below_zero: int
    zero: int
    bins: Counter[int]


class Revenues(NamedTuple):
    """How many customers have a revenue, in micros, by its leading bits, and what these leave out.

    That is in `rests`, the sum for all of them; nothing is left out of all bits.
    """

    bits: int
    customers: Counter[int]
    rests: Counter[int]

    def sums_of(self, leading: Sequence[int]) -> Iterable[int]:
        """What all customers with each of these leading bits come to."""
        products = map(mul, leading, map(self.customers.__getitem__, leading))
        return map(add, products, map(self.rests.get, leading, repeat(0)))


class Cohorts(NamedTuple):
    """Customers by the period they began in, and revenue in micros by that and by the order's.

    A period is the number of its first month, counted from the year 0, divided by its months.
    """

    months: int  # of a period, one of COHORT_UNITS
    customers: Counter[int]
    revenue: Counter[tuple[int, int]]


class Figures(NamedTuple):
    """What customers add up to."""

    revenue: int  # in micros
    customer_weeks: int
    with_orders: int  # customers
    distribution: Distribution
    revenues: Revenues
    days: Days
    cohorts: Cohorts


class NewCustomers(NamedTuple):
    """Customers with events, as much as the figures need of each: at least one."""

    begins: list[str]  # the day, `YYYY-MM-DD`
    revenues: list[int]  # in micros
    with_orders: int  # how many ever ordered


class Activity(NamedTuple):
    """What customers did by day, `YYYY-MM-DD`, in UTC."""

    revenue: Mapping[str, Mapping[str, int]]  # in micros, by the month they began in, and day
    orders: Mapping[str, int]
    visits: Mapping[str, int]
    images: Mapping[str, int]


def figures_of(customers: Iterable[Customer], end: int, lifespan: str) -> Figures:
    """The figures of `customers`, of which it holds some at a time.

    `end` is that of all the data, in microseconds since 1970, `lifespan` is in years. Raises
    ValueError for a wrong lifespan.
    """
    return add_customers(no_figures(), customers, end, lifespan)


def add_customers(
    figures: Figures, customers: Iterable[Customer], end: int, lifespan: str
) -> Figures:
    """The same as `join(figures, figures_of(customers, end, lifespan))`, faster."""
    known = (customer for customer in customers if customer.first_time)
    for batch in iter(lambda: list(islice(known, _CUSTOMERS_AT_ONCE)), []):
        figures = add_new_customers(figures, _new_customers_of(batch), end, lifespan)
        figures = add_activity(figures, _activity_of(batch), end)
    return figures


def _new_customers_of(customers: list[Customer]) -> NewCustomers:
    return NewCustomers(
        begins=[customer.first_time[:10] for customer in customers],
        revenues=[customer.revenue_micros for customer in customers],
        with_orders=sum(bool(customer.order_count) for customer in customers),
    )


def _activity_of(customers: list[Customer]) -> Activity:
    revenue: defaultdict[str, Counter[str]] = defaultdict(Counter)
    days: list[str] = []
    for customer in customers:
        by_day = revenue[customer.first_time[:7]]
        for time, _, amount in customer.order_stamps:
            days.append(time[:10])
            by_day[time[:10]] += amount
    return Activity(
        revenue=revenue,
        orders=Counter(days),
        visits=Counter(chain.from_iterable(map(attrgetter("visit_days"), customers))),
        images=Counter(chain.from_iterable(map(attrgetter("image_days"), customers))),
    )


def no_figures() -> Figures:
    """What no customers add up to."""
    return Figures(
        revenue=0,
        customer_weeks=0,
        with_orders=0,
        distribution=Distribution(0, 0, Counter()),
        revenues=Revenues(_ALL_BITS, Counter(), Counter()),
        days=Days(*(Counter() for _ in Days._fields)),
        cohorts=Cohorts(COHORT_UNITS[0], Counter(), Counter()),
    )


def join(figures: Figures, more: Figures) -> Figures:
    """What two parts of the data add up to that share no customer and have the same end.

    The first is used up by that; the other stays as it is.
    """
    for mine, theirs in zip(figures.days, more.days, strict=True):
        mine.update(theirs)
    return Figures(
        figures.revenue + more.revenue,
        figures.customer_weeks + more.customer_weeks,
        figures.with_orders + more.with_orders,
        _joined_distribution(figures.distribution, more.distribution),
        _joined_revenues(figures.revenues, more.revenues),
        figures.days,
        _joined_cohorts(figures.cohorts, more.cohorts),
    )


def add_new_customers(
    figures: Figures, new_customers: NewCustomers, end: int, lifespan: str
) -> Figures:
    """The figures with more customers, less what they did; `end` and `lifespan` as above."""
    weeks = list(map(weeks_until(end), new_customers.begins))
    spread = _distribution(new_customers.revenues, weeks, parse_lifespan(lifespan))
    figures.days.new_customers.update(new_customers.begins)
    began = Counter([begin[:7] for begin in new_customers.begins])
    return figures._replace(
        revenue=figures.revenue + sum(new_customers.revenues),
        customer_weeks=figures.customer_weeks + sum(weeks),
        with_orders=figures.with_orders + new_customers.with_orders,
        distribution=_joined_distribution(figures.distribution, spread),
        revenues=_with_revenues(figures.revenues, new_customers.revenues),
        cohorts=_joined_cohorts(figures.cohorts, _cohorts(began, {}, end)),
    )


def add_activity(figures: Figures, activity: Activity, end: int) -> Figures:
    """The figures with what customers did that they have; `end` as above."""
    days = figures.days
    days.orders.update(activity.orders)
    days.visits.update(activity.visits)
    days.images.update(activity.images)
    by_months: Counter[tuple[str, str]] = Counter()
    for begin, by_day in activity.revenue.items():
        days.revenue.update(by_day)
        for month, of_month in groupby(sorted(by_day), key=_month_of_day):
            by_months[begin, month] = sum(map(by_day.__getitem__, of_month))
    if not by_months:
        return figures
    cohorts = _cohorts(Counter(), by_months, end)
    return figures._replace(cohorts=_joined_cohorts(figures.cohorts, cohorts))


def _distribution(revenues: list[int], weeks: list[int], years: tuple[int, int]) -> Distribution:
    # In proportion to the revenue, and inversely to the weeks.
    numerator, denominator = ltv_fraction(100, 1, years)
    cents = [
        revenue * numerator // (many * denominator)
        for revenue, many in zip(revenues, weeks, strict=True)
        if revenue > 0
    ]
    bins = Counter(map(partial(bisect_right, BOUNDS_IN_CENTS), cents))
    below_zero = sum(revenue < 0 for revenue in revenues)
    return Distribution(below_zero, revenues.count(0), bins)


def _joined_distribution(one: Distribution, other: Distribution) -> Distribution:
    one.bins.update(other.bins)
    return Distribution(one.below_zero + other.below_zero, one.zero + other.zero, one.bins)


def _with_revenues(known: Revenues, revenues: list[int]) -> Revenues:
    if known.bits == _ALL_BITS:
        known.customers.update(revenues)
    else:
        for revenue in revenues:
            leading = _leading(revenue, known.bits)
            known.customers[leading] += 1
            known.rests[leading] += revenue - leading
    return _few(known)


def _joined_revenues(one: Revenues, other: Revenues) -> Revenues:
    """The same in any order: no part has fewer bits than all of them together have room for."""
    bits = min(one.bits, other.bits)
    joined, more = _coarser(one, bits), _coarser(other, bits)
    _add(joined.customers, more.customers)
    _add(joined.rests, more.rests)
    return _few(joined)


def _add(mine: Counter[int], theirs: Counter[int]) -> None:
    """The same as `mine.update(theirs)`, faster where they have few keys in common."""
    sums = {key: mine[key] + theirs[key] for key in mine.keys() & theirs.keys()}
    dict.update(mine, theirs)
    dict.update(mine, sums)


def _few(revenues: Revenues) -> Revenues:
    """The same in as many bits as there is room for."""
    if len(revenues.customers) <= _MOST_REVENUES:
        return revenues

    def are_too_many(bits: int) -> bool:
        leading = {_leading(revenue, bits) for revenue in revenues.customers}
        return len(leading) > _MOST_REVENUES

    fewer = range(1, min(revenues.bits, _FEWER_BITS + 1))
    return _coarser(revenues, bisect_left(fewer, True, key=are_too_many))


def _coarser(revenues: Revenues, bits: int) -> Revenues:
    if bits == revenues.bits:
        return revenues
    coarser = Revenues(bits, Counter(), Counter())
    sums = revenues.sums_of(list(revenues.customers))
    for (revenue, count), sum_ in zip(revenues.customers.items(), sums, strict=True):
        leading = _leading(revenue, bits)
        coarser.customers[leading] += count
        coarser.rests[leading] += sum_ - count * leading
    return coarser


def _leading(number: int, bits: int) -> int:
    """`number` with all but so many of its leading bits set to 0."""
    dropped = max(number.bit_length() - bits, 0)
    leading = abs(number) >> dropped << dropped
    return -leading if number < 0 else leading


def _cohorts(
    began: Mapping[str, int], revenues: Mapping[tuple[str, str], int], end: int
) -> Cohorts:
    """Customers by the month they began in, and revenues by that and the month of the order."""
    first = month_of(min(chain(began, (begin for begin, _ in revenues))))
    months = narrowest(COHORT_UNITS, first, month_of(pack(end)[:7]), _MOST_COHORTS)
    cohorts = Cohorts(months, Counter(), Counter())
    for begin, count in began.items():
        cohorts.customers[month_of(begin) // months] += count
    for (begin, month), revenue in revenues.items():
        cohorts.revenue[month_of(begin) // months, month_of(month) // months] += revenue
    return cohorts


@lru_cache(maxsize=4096)  # 2,760 months lie in 1970 to 2199
def month_of(text: str) -> int:
    """The number of the month `YYYY-MM`, counted from the year 0."""
    return int(text[:4]) * MONTHS_PER_YEAR + int(text[5:]) - 1


def narrowest(units: Iterable[int], first: int, last: int, most: int) -> int:
    """The first of `units`, in months, of which `most` or fewer go from month to month.

    >>> narrowest((1, 3, 12), 2017 * 12, 2018 * 12 + 11, 23)
    3
    """
    return next(unit for unit in units if last // unit - first // unit < most)


def _joined_cohorts(one: Cohorts, other: Cohorts) -> Cohorts:
    """The same in any order: no part has wider periods than all of them together need."""
    months = max(one.months, other.months)
    joined, more = _wider(one, months), _wider(other, months)
    joined.customers.update(more.customers)
    joined.revenue.update(more.revenue)
    return joined


def _wider(cohorts: Cohorts, months: int) -> Cohorts:
    if months == cohorts.months:
        return cohorts
    factor = months // cohorts.months
    wider = Cohorts(months, Counter(), Counter())
    for begin, count in cohorts.customers.items():
        wider.customers[begin // factor] += count
    for (begin, ordered), revenue in cohorts.revenue.items():
        wider.revenue[begin // factor, ordered // factor] += revenue
    return wider
