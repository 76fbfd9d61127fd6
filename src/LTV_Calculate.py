"""Weeks and the simple lifetime value of customers (SPEC, section 4).

    ltv = 52 x a x t,  a = revenue per visit x visits per week = revenue / weeks

with t the expected lifespan in years. Everything is exact until a row is made, where each figure is
rounded once, half away from zero.

Source of the formula: Kissmetrics, "How to calculate lifetime value", the simple equation.
"""

import heapq
import re
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from functools import lru_cache, partial
from itertools import chain, islice
from operator import itemgetter
from typing import Any, NamedTuple, Protocol, TypeVar, runtime_checkable

from ltv.times import DAY, WEEK, days_since_1970, unpack, weeks_between
from ltv.values import MICROS_PER_UNIT, number_text, shown
from LTV_Classes import Customer, Stamped, begin_of, end_of

WEEKS_PER_YEAR = 52
LONGEST_SPAN = 1000

SPAN = re.compile(r"(?:0|[1-9][0-9]{0,3})(?:\.[0-9]+)?", re.ASCII)

#: Two different fractions revenue / weeks with weeks below 2 ** 14 (1970 to 2199 has 12,002) differ
#: by more than 1 / 2 ** 28, so scaled by this and cut to integers they still differ, in the same
#: order; and equal ones stay equal.
_ORDER_PRESERVING_SCALE = 2**28

#: That many customers or more are looked at before the threshold is raised.
_FEWEST_BETWEEN = 1_000

#: Less than 1 by much more than floating point is off in a few steps.
_A_LITTLE_LESS = 1 - 1e-9


class RankedCustomer(NamedTuple):
    """One row of the ranking; money is in the unit of the currency that was summed.

    `revenue_per_visit` is None for a customer without visits. `begin` and `last_order` (None
    without orders) are in microseconds since 1970. What follows them is None but for who is ranked
    by it (ltv.ranking.by).
    """

    rank: int
    customer_id: str
    last_name: str | None
    ltv: Decimal
    revenue: Decimal
    orders: int
    visits: int
    weeks: int
    revenue_per_visit: Decimal | None
    visits_per_week: Decimal
    begin: int
    last_order: int | None
    recent_revenue: Decimal | None = None
    expected_purchases: Decimal | None = None
    expected_revenue: Decimal | None = None


class Candidate(NamedTuple):
    """A customer that may be among the best of several parts of the data: the best is the smallest.

    `falling_value` falls as what is ranked by rises, and is comparable where the end of the data
    is the same. Times are in microseconds since 1970. `purchases` is how many are expected, by a
    method that expects any.
    """

    falling_value: int
    customer_id: str
    last_name: str | None
    revenue_micros: int
    orders: int
    visits: int
    weeks: int
    begin: int
    last_order: int | None
    purchases: float = 0.0


class Bought(Protocol):
    """What customers are ranked by, such as a Customer; times are packed, amounts in micros."""

    @property
    def customer_id(self) -> str: ...
    @property
    def first_time(self) -> str: ...
    @property
    def order_count(self) -> int: ...
    @property
    def revenue_micros(self) -> int: ...
    @property
    def order_stamps(self) -> Collection[Stamped]: ...


class Method(Protocol):
    """What customers are ranked by; it can be pickled, for where a part of them is."""

    def value(self, customer: Bought, /) -> tuple[int, float]:
        """Return the value, in parts that are whole, and how many purchases are expected."""

    def row(self, row: RankedCustomer, candidate: Candidate, /) -> RankedCustomer:
        """Return the row of a candidate with what it is ranked by."""


class Group(Protocol):
    """Some of all customers; it can be pickled, for where a part of them is."""

    def has(self, customer: Bought, /) -> bool:
        """Return whether a customer is one of them."""


class Ranking(NamedTuple):
    """How customers are ranked: by a method, and only who has so many weeks and orders."""

    method: Method | None = None  # simple lifetime value
    min_weeks: int = 0
    min_orders: int = 0
    within: Group | None = None  # all

    @property
    def is_of_all(self) -> bool:
        """Whether every customer with events is ranked."""
        return not any(self.limits.values())

    @property
    def limits(self) -> dict[str, Any]:
        """Return what is asked of who is ranked, by name."""
        return {name: value for name, value in self._asdict().items() if name != "method"}


SIMPLE = Ranking()


class Counted(Protocol):
    """What a row shows of a customer, such as a Customer."""

    @property
    def customer_id(self) -> str: ...
    @property
    def last_name(self) -> str | None: ...
    @property
    def revenue_micros(self) -> int: ...
    @property
    def order_count(self) -> int: ...
    @property
    def visit_count(self) -> int: ...
    @property
    def begin(self) -> int | None: ...
    @property
    def last_order(self) -> int | None: ...


@runtime_checkable
class Tabulated(Protocol):
    """A D that has at hand what is asked of all its customers, such as a store."""

    def __getitem__(self, customer_id: str, /) -> Counted: ...

    def values(self) -> Iterable[Bought]: ...

    def figures(self, threshold: "Threshold") -> Iterable[tuple[str, str, int]]:
        """Of each customer with events: customer_id, the day of its begin, revenue in micros.

        Customers below the threshold, which may rise meanwhile, may be left out.
        """

    def totals(self) -> "Totals":
        """The same as `totals` of a dict of the same customers."""


@runtime_checkable
class ReadsMany(Protocol):
    """A D that is asked for many customers at once, such as a store on a server."""

    def each(self, customer_ids: Sequence[str], /) -> Iterable[Counted]:
        """The same as to get each of them by its id."""


@runtime_checkable
class Spread(Protocol):
    """A D in parts that share no customer and are ranked where they are, such as by processes."""

    def end(self) -> int:
        """The same as `end_of_data` of a dict of the same customers."""

    def best_customers(self, x: int, ranking: Ranking, /) -> list[Candidate]:
        """The same as `best_customers` of a dict of the same customers."""

    def count_ranked(self, ranking: Ranking, /) -> int:
        """The same as `count_ranked` of a dict of the same customers."""

    def totals(self) -> "Totals":
        """The same as `totals` of a dict of the same customers."""


@runtime_checkable
class Searchable(Protocol):
    """A Spread D in which one customer can be looked up."""

    def end(self) -> int:
        """The same as `end_of_data` of a dict of the same customers."""

    def get(self, customer_id: str, /) -> Customer | None:
        """What is known of the customer with this id, if anything is."""

    def ids_beginning(self, prefix: str, most: int, /) -> list[str]:
        """The first `most` of the ids that begin with `prefix`, in code-point order."""

    def count_before(self, candidate: Candidate, ranking: Ranking, /) -> int:
        """The same as `count_before` of a dict of the same customers."""


@runtime_checkable
class Parted(Protocol):
    """A D in parts that share no customer, and are looked at where they are."""

    def gathered(self, gather: "Gather[Gathered]", /) -> Iterable["Gathered"]:
        """The same as `gathered` of a dict of the same customers, in any number of parts."""


class Threshold:
    """What customers have to come up to for being among the best so far; at first, all do."""

    def __init__(self, end: int) -> None:
        self.end = end  # of the data, in microseconds since 1970
        self._falling_value = 0

    def raise_to(self, falling_value: int) -> None:
        """Have customers with a higher falling value be below it, if they are not yet."""
        self._falling_value = min(self._falling_value, falling_value)

    @property
    def revenue_rate(self) -> float:
        """Micros per microsecond: who took less in all the time from begin to `end` is below.

        Since the weeks of a customer cover all of that time. 0.0 when none can be told by that.
        """
        if self._falling_value >= 0:
            return 0.0
        try:
            micros_per_week: float = -self._falling_value / _ORDER_PRESERVING_SCALE
        except OverflowError:  # no revenue that a log can name
            return 0.0
        return micros_per_week / WEEK * _A_LITTLE_LESS


#: What sorts the best first, customer_id, weeks, and how many purchases are expected.
SortKey = tuple[int, str, int, float]

#: What can be ranked.
Rankable = Mapping[str, Customer] | Tabulated | Spread

Gathered = TypeVar("Gathered")

#: Customers that are at hand, by id.
Customers = Mapping[str, Bought] | Tabulated

#: Makes something of parts of the customers; it can be pickled, and so can that.
Gather = Callable[[Iterable[Customers]], Gathered]


class Totals(NamedTuple):
    """What the customers of `D` with events add up to; times in microseconds since 1970."""

    begin: int
    end: int
    customers: int
    visits: int
    orders: int
    images: int


def topXSimpleLTVCustomers(  # noqa: PLR0913 - who is ranked is said by name
    x: int,
    D: Rankable,
    *,
    lifespan: int | float | str | Decimal = 10,
    end: int | None = None,
    min_weeks: int = 0,
    min_orders: int = 0,
    within: Group | None = None,
) -> list[RankedCustomer]:
    """The `x` customers of `D` with the highest simple lifetime value, best first.

    The same as all customers sorted by exact ltv, highest first, ties by customer_id in code-point
    order, cut to `x`; in O(len(D) log x). `lifespan` is in years, above 0 and up to 1,000. `end` is
    the latest event_time of all the data (microseconds since 1970) where `D` is only a part of it.
    Who has not `min_weeks` and `min_orders`, or is not `within` a group, is left out.

    Raises ValueError when `x` is no whole number above 0, or for a lifespan out of range.
    """
    ranking = Ranking(None, min_weeks, min_orders, within)
    parse_lifespan(lifespan)
    return ranked(best_customers(x, D, ranking, end=end), lifespan)


def best_customers(
    x: int,
    D: Rankable,
    ranking: Ranking = SIMPLE,
    *,
    end: int | None = None,
    threshold: Threshold | None = None,
) -> list[Candidate]:
    """Return the best `x` customers by a ranking, as of each part of the data for `best_of`.

    That needs the common `end`, and parts that share no customer. Given the same `threshold` for
    several parts, those of a later part that are not among the best of an earlier one may be left
    out. Raises ValueError as `topXSimpleLTVCustomers` does.
    """
    check_count(x)
    if isinstance(D, Spread):
        return D.best_customers(x, ranking)
    if end is None:
        end = end_of_data(D)
    keys = _best_keys(x, D, ranking, threshold or Threshold(end))
    ids = [customer_id for _, customer_id, *_ in keys]
    customers = D.each(ids) if isinstance(D, ReadsMany) else map(D.__getitem__, ids)
    return [
        _candidate_of(customer, falling_value, weeks, purchases)
        for customer, (falling_value, _, weeks, purchases) in zip(customers, keys, strict=True)
    ]


def check_count(x: object) -> None:
    """Raise ValueError unless `x`, how many customers are asked for, is a whole number above 0."""
    if isinstance(x, bool) or not isinstance(x, int) or x < 1:
        raise ValueError(f"x: expected a whole number above 0, got {shown(x)}")


def _best_keys(
    x: int, D: Mapping[str, Customer] | Tabulated, ranking: Ranking, threshold: Threshold
) -> list[SortKey]:
    """The `x` smallest sort keys."""
    keys = sort_keys(D, ranking, threshold)
    best: list[SortKey] = []
    while some := list(islice(keys, min(max(x, _FEWEST_BETWEEN), sys.maxsize))):
        best = heapq.nsmallest(x, chain(best, some))
        if len(best) == x:
            threshold.raise_to(best[-1][0])
    return best


def _candidate_of(customer: Counted, falling_value: int, weeks: int, purchases: float) -> Candidate:
    assert customer.begin is not None, "only who has events is ranked"
    return Candidate(
        falling_value,
        customer.customer_id,
        customer.last_name,
        customer.revenue_micros,
        customer.order_count,
        customer.visit_count,
        weeks,
        customer.begin,
        customer.last_order,
        purchases,
    )


def best_of(x: int, candidates: Iterable[Candidate]) -> list[Candidate]:
    """The best `x` of the best of several parts of the data, best first."""
    return heapq.nsmallest(x, candidates, key=itemgetter(0, 1))


def count_before(
    candidate: Candidate, D: Rankable | Searchable, ranking: Ranking = SIMPLE, *, end: int
) -> int:
    """How many customers of `D` come before `candidate`, which need not be one of them.

    `end` is that of all the data, and it and the ranking as they were for `best_customers` that
    gave the candidate.
    """
    if isinstance(D, Searchable):
        return D.count_before(candidate, ranking)
    assert not isinstance(D, Spread), "it can be searched, too"
    place = candidate.falling_value, candidate.customer_id
    threshold = Threshold(end)
    threshold.raise_to(candidate.falling_value)
    return sum(key[:2] < place for key in sort_keys(D, ranking, threshold))


def count_ranked(D: Rankable, ranking: Ranking, *, end: int) -> int:
    """Return how many customers of `D` are ranked; `end` is that of all the data."""
    if isinstance(D, Spread):
        return D.count_ranked(ranking)
    return sum(1 for _ in _ranked_customers(D, ranking, end))


def ranked(
    candidates: Sequence[Candidate],
    lifespan: int | float | str | Decimal = 10,
    method: Method | None = None,
) -> list[RankedCustomer]:
    """Return the rows of candidates that come best first by a method.

    Raises ValueError for a wrong lifespan.
    """
    years = parse_lifespan(lifespan)
    rows = [_row(rank, candidate, years) for rank, candidate in enumerate(candidates, 1)]
    if method is None:
        return rows
    pairs = zip(rows, candidates, strict=True)
    return [method.row(row, candidate) for row, candidate in pairs]


def totals(D: Rankable) -> Totals:
    """The span of the data, 0 where there are no events, and how much of each kind is known."""
    if isinstance(D, Tabulated | Spread):
        return D.totals()
    customers = D.values()
    first_times = [customer.first_time for customer in customers if customer.first_time]
    return Totals(
        begin=unpack(begin_of(first_times)) if first_times else 0,
        end=end_of_data(D),
        customers=len(first_times),
        visits=sum(customer.visit_count for customer in customers),
        orders=sum(customer.order_count for customer in customers),
        images=sum(customer.image_count for customer in customers),
    )


def join_totals(parts: Iterable[Totals]) -> Totals:
    """What parts of the data that share no customer add up to."""
    columns = list(zip(*parts, strict=True))
    if not columns:
        return Totals(0, 0, 0, 0, 0, 0)
    begins, ends, *counts = columns
    return Totals(begin_of(begins), end_of(ends), *map(sum, counts))


def end_of_data(D: Rankable | Searchable) -> int:
    """The latest event_time of all customers in `D`, in microseconds since 1970; 0 for none."""
    if isinstance(D, Spread | Searchable):
        return D.end()
    if isinstance(D, Tabulated):
        return D.totals().end
    last_times = [customer.last_time for customer in D.values() if customer.last_time]
    return unpack(end_of(last_times)) if last_times else 0


def gathered(
    D: Customers | Rankable | Searchable | Parted, gather: Gather[Gathered]
) -> Iterable[Gathered]:
    """Return what `gather` makes of the customers of `D`, of some parts of them after the other."""
    if isinstance(D, Parted):
        return D.gathered(gather)
    assert not isinstance(D, Spread | Searchable), "it has parts, too"
    return [gather([D])]


def parse_lifespan(value: int | float | str | Decimal) -> tuple[int, int]:
    """A lifespan in years as an exact fraction (numerator, denominator).

    Raises ValueError unless it is a decimal above 0 and up to 1,000, without an exponent.
    """
    return parse_span("lifespan", "years", value)


def parse_span(name: str, unit: str, value: int | float | str | Decimal) -> tuple[int, int]:
    """Return a span of time as an exact fraction (numerator, denominator).

    `name` says in the message what it is for, `unit` in what it is. Raises ValueError unless it
    is a decimal above 0 and up to 1,000, without an exponent.
    """
    text = value if isinstance(value, str) else number_text(value)
    if text is not None and SPAN.fullmatch(text):
        span = Decimal(text)
        if 0 < span <= LONGEST_SPAN:
            return span.as_integer_ratio()
    raise ValueError(f"{name}: expected {unit} above 0 and up to 1,000, got {shown(value)}")


def sort_keys(D: Customers, ranking: Ranking, threshold: Threshold) -> Iterator[SortKey]:
    """Yield of each customer of `D` that is ranked what sorts the best first.

    The threshold, which may rise meanwhile, has the end of all the data.
    """
    method = ranking.method
    if method is None and ranking.is_of_all:
        weeks_since = weeks_until(threshold.end)
        for customer_id, day, revenue_micros in _figures(D, threshold):
            weeks = weeks_since(day)
            yield _falling_ltv(revenue_micros, weeks), customer_id, weeks, 0.0
        return
    for customer, weeks in _ranked_customers(D, ranking, threshold.end):
        if method is None:
            falling_value, purchases = _falling_ltv(customer.revenue_micros, weeks), 0.0
        else:
            value, purchases = method.value(customer)
            falling_value = -value
        yield falling_value, customer.customer_id, weeks, purchases


def _falling_ltv(revenue_micros: int, weeks: int) -> int:
    return -(revenue_micros * _ORDER_PRESERVING_SCALE // weeks)


def _ranked_customers(D: Customers, ranking: Ranking, end: int) -> Iterator[tuple[Bought, int]]:
    """Each customer with events that is ranked, and its weeks."""
    weeks_since = weeks_until(end)
    for customer in D.values():
        if customer.first_time and customer.order_count >= ranking.min_orders:
            weeks = weeks_since(customer.first_time[:10])
            if weeks >= ranking.min_weeks and (not ranking.within or ranking.within.has(customer)):
                yield customer, weeks


def _figures(D: Customers, threshold: Threshold) -> Iterable[tuple[str, str, int]]:
    if isinstance(D, Tabulated):
        return D.figures(threshold)
    return (
        (customer_id, customer.first_time[:10], customer.revenue_micros)
        for customer_id, customer in D.items()
        if customer.first_time
    )


@lru_cache(maxsize=1)  # for all shards that a process has; at most 84,006 days exist
def weeks_until(end: int) -> Callable[[str], int]:
    """What gives the weeks from a day, `YYYY-MM-DD`, to the instant `end`, both counted."""
    return lru_cache(maxsize=None)(partial(_weeks_since, end=end))


def _weeks_since(day: str, end: int) -> int:
    return weeks_between(days_since_1970(day) * DAY, end)


def _row(rank: int, candidate: Candidate, years: tuple[int, int]) -> RankedCustomer:
    _, customer_id, last_name, revenue, orders, visits, weeks, begin, last_order, _ = candidate
    return RankedCustomer(
        rank=rank,
        customer_id=customer_id,
        last_name=last_name,
        ltv=rounded(*ltv_fraction(revenue, weeks, years), places=2),
        revenue=rounded(revenue, MICROS_PER_UNIT, places=2),
        orders=orders,
        visits=visits,
        weeks=weeks,
        revenue_per_visit=rounded(revenue, visits * MICROS_PER_UNIT, places=2) if visits else None,
        visits_per_week=rounded(visits, weeks, places=4),
        begin=begin,
        last_order=last_order,
    )


def ltv_fraction(revenue: int, weeks: int, years: tuple[int, int]) -> tuple[int, int]:
    """The exact lifetime value as (numerator, denominator above 0).

    `revenue` is in micros; `years`, the lifespan, a fraction likewise.
    """
    numerator, denominator = years
    return WEEKS_PER_YEAR * numerator * revenue, denominator * weeks * MICROS_PER_UNIT


def rounded(numerator: int, denominator: int, *, places: int) -> Decimal:
    """numerator / denominator (above 0), rounded half away from zero; never -0."""
    digits = (2 * abs(numerator) * 10**places + denominator) // (2 * denominator)
    sign = 1 if numerator < 0 and digits else 0
    return Decimal((sign, tuple(map(int, str(digits))), -places))


def rounded_float(value: float, *, places: int) -> Decimal:
    """Return the exact value of a float, rounded half away from zero; never -0."""
    return rounded(*value.as_integer_ratio(), places=places)
