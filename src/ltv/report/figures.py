"""How value is spread over customers, how the shop does, how cohorts do: sums for the report.

    figures = figures_of(some, end, "10")
    figures.join(figures_of(others, end, "10"))

A join as everything else is: of parts that share no customer, in any order, by exact integers.

| figure | kept | at most |
|---|---|---|
| distribution of ltv | customers by bin, three bins for each power of ten | 100 bins |
| who buys how, concentration | columns of customers with orders (ltv.report.habits) | |
| periods | revenue, orders, visits, images, new customers by day | 84,006 days, 1970 to 2199 |
| cohorts | revenue by the months of the begin and of the order | 2,760 months |
| who came back | revenue of first days by day, customers by span | the same days |
"""

import heapq
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from itertools import chain, islice, repeat
from operator import attrgetter, floordiv, mul
from typing import NamedTuple

from ltv.ranking.segments import sorted_runs
from ltv.report.day_sums import DaySums
from ltv.report.habits import Buying, Habits, buying_of, no_habits
from ltv.times import date_text
from LTV_Calculate import ltv_fraction, parse_lifespan, weeks_until
from LTV_Classes import Customer

#: Bin i of lifetime values is from bound i - 1, included, to bound i; bin 0 is below zero. Bounds
#: are 0, 0.01, 0.02, 0.05, 0.1, ... to more than all the money that any log can name.
BOUNDS_IN_CENTS = (0, *(digit * 10**zeros for zeros in range(33) for digit in (1, 2, 5)))
ZERO = -1  # a bin of its own
_BIN_OF_ZERO = 1  # where it is by the bounds


class NewCustomers(NamedTuple):
    """Customers with events, as much as the figures need of each: at least one."""

    begins: list[str]  # the day, `YYYY-MM-DD`
    revenues: list[int]  # in micros


class Activity(NamedTuple):
    """What customers did."""

    buying: Buying  # of those who ordered
    visits: Counter[str]  # by day, `YYYY-MM-DD`, in UTC
    images: Counter[str]


class Figures(NamedTuple):
    """What customers add up to; days are `YYYY-MM-DD`, months `YYYY-MM`, in UTC.

    An order belongs to the day of the event that set its amount.
    """

    habits: Habits
    counts: Counter[str]  # `customer_weeks`
    bins: Counter[int]  # customers by lifetime value, see BOUNDS_IN_CENTS
    revenue: Counter[str]  # in micros, by day, as the four that follow
    orders: Counter[str]
    visits: Counter[str]
    images: Counter[str]
    new_customers: Counter[str]
    first_revenue: Counter[str]  # in micros, of orders on the day of a customer's first one
    cohorts: Counter[tuple[str, str]]  # revenue in micros by month of begin, and of order

    def join(self, more: "Figures") -> None:
        """Add what other customers come to; the end of the data is the same."""
        self.habits.join(more.habits)
        for counter in self._fields[1:]:
            getattr(self, counter).update(getattr(more, counter))

    def add_new_customers(self, new_customers: NewCustomers, end: int, lifespan: str) -> None:
        """Add customers, less what they did; `end` and `lifespan` as of `figures_of`."""
        begins, revenues = new_customers
        weeks = list(map(weeks_until(end), begins))
        # The value is in proportion to the revenue, and inversely to the weeks.
        numerator, denominator = ltv_fraction(100, 1, parse_lifespan(lifespan))
        cents = map(
            floordiv, map(mul, revenues, repeat(numerator)), map(mul, weeks, repeat(denominator))
        )
        zeros = revenues.count(0)
        self.bins.update(map(partial(bisect_right, BOUNDS_IN_CENTS), cents))
        self.bins.update({_BIN_OF_ZERO: -zeros, ZERO: zeros})
        self.counts.update(customer_weeks=sum(weeks))
        self.new_customers.update(begins)

    def add_day_sums(self, sums: DaySums) -> None:
        """Add what customers did."""
        self.habits.join(sums.habits)
        self.habits.add_moves(sums.moves)
        self.orders.update(_by_date(sums.orders))
        self.first_revenue.update(_by_date(sums.first_revenue))
        for month, by_day in sums.revenue.items():
            by_date = _by_date(by_day)
            self.revenue.update(by_date)
            for date, revenue in by_date.items():
                self.cohorts[month, date[:7]] += revenue
        for counter, by_text in ((self.visits, sums.visits), (self.images, sums.images)):
            counter.update({day.decode(): number for day, number in by_text.items()})

    def best_revenues(self) -> Iterator[int]:
        """Yield the revenue of each customer in micros, the highest first."""
        without_orders = self.new_customers.total() - self.habits.customers
        columns = chain(
            (part.revenues for part in self.habits.buyers), repeat((0,), without_orders)
        )
        return heapq.merge(*map(reversed, sorted_runs(columns)), reverse=True)


def _by_date(by_day: Mapping[int, int]) -> dict[str, int]:
    """Return the same by the date of the day since 1970."""
    return dict(zip(map(date_text, by_day), by_day.values(), strict=True))


def no_figures() -> Figures:
    """Return what no customers add up to."""
    return Figures(no_habits(), *(Counter() for _ in Figures._fields[1:]))


def figures_of(
    customers: Iterable[Customer], end: int, lifespan: str, *, at_once: int = 10_000
) -> Figures:
    """Return the figures of `customers`, of which it holds so many `at_once`.

    `end` is that of all the data, in microseconds since 1970, `lifespan` is in years. Raises
    ValueError for a wrong lifespan.
    """
    known = (customer for customer in customers if customer.first_time)
    batches = iter(lambda: list(islice(known, at_once)), [])
    return figures_of_parts(map(what_they_did, batches), end, lifespan)


def figures_of_parts(
    parts: Iterable[tuple[NewCustomers, Activity]], end: int, lifespan: str
) -> Figures:
    """Return the figures of customers and what they did, in parts that share no customer.

    `end` and `lifespan` as of `figures_of`.
    """
    figures = no_figures()
    for new_customers, activity in parts:
        figures.add_new_customers(new_customers, end, lifespan)
        sums = DaySums(end)
        sums.add_orders(activity.buying)
        figures.add_day_sums(sums)
        figures.visits.update(activity.visits)
        figures.images.update(activity.images)
    return figures


def what_they_did(customers: list[Customer]) -> tuple[NewCustomers, Activity]:
    """Return what the figures need of customers with events."""
    begins = [customer.first_time[:10] for customer in customers]
    new_customers = NewCustomers(
        begins,
        revenues=[customer.revenue_micros for customer in customers],
    )
    return new_customers, Activity(
        buying_of(
            [customer.customer_id for customer in customers],
            begins,
            [customer.order_stamps for customer in customers],
        ),
        Counter(chain.from_iterable(map(attrgetter("visit_days"), customers))),
        Counter(chain.from_iterable(map(attrgetter("image_days"), customers))),
    )
