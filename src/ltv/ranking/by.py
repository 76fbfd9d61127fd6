"""The best customers by other methods than simple lifetime value (SPEC, section 9).

| | ranks by | adds to a row |
|---|---|---|
| `top_by_revenue` | revenue, exactly | |
| `top_by_recent_revenue` | revenue by its age, exactly | `recent_revenue` |
| `top_by_expected_revenue` | a model's expectation | `expected_purchases`, `expected_revenue` |

Of data in parts that share no customer:

    sample_of(part, end) of each -> Sample.join -> fit_model -> Model         (`expected` alone)
    best_by(x, part, method, end) of each -> best_of_parts -> rows_by

where a method is Revenue(), RecentRevenue(end, half_life) or ExpectedRevenue(model, end, horizon).
"""

import heapq
from collections.abc import Iterable, Mapping
from decimal import Decimal
from functools import cache
from typing import NamedTuple, Protocol

from ltv.ranking.model import Forecast, Model, fit_model
from ltv.ranking.purchases import Sample, purchases_of
from ltv.times import DAY, days_since_1970
from ltv.values import MICROS_PER_UNIT
from LTV_Calculate import (
    Candidate,
    RankedCustomer,
    candidate_of,
    check_count,
    end_of_data,
    parse_lifespan,
    parse_span,
    ranked,
    rounded,
    weeks_until,
)
from LTV_Classes import Customer

Span = int | float | str | Decimal

#: Every float is a whole number of these parts.
_PARTS = 2**1074


class RowBy(NamedTuple):
    """One row: what simple lifetime value shows, with the rank of another method, and its value."""

    customer: RankedCustomer
    recent_revenue: Decimal | None = None
    expected_purchases: Decimal | None = None
    expected_revenue: Decimal | None = None

    def columns(self) -> dict[str, object]:
        """Return what stands in the row, by the names of its columns."""
        added = zip(self._fields[1:], self[1:], strict=True)
        return self.customer._asdict() | {name: one for name, one in added if one is not None}


class Standing(NamedTuple):
    """A customer that may be among the best of several parts, by one method.

    The candidate's `falling_value` is that method's; `purchases` are expected, where it expects.
    """

    candidate: Candidate
    purchases: float = 0.0


class Method(Protocol):
    """What customers are ranked by."""

    def value(self, customer: Customer) -> tuple[int, float]:
        """Return the value, in parts that are whole, and how many purchases are expected."""

    def row(self, customer: RankedCustomer, standing: Standing) -> RowBy:
        """Return the row of a customer whose rank is known."""


class Revenue:
    """By revenue."""

    def value(self, customer: Customer) -> tuple[int, float]:
        """Return the revenue in micros."""
        return customer.revenue_micros, 0.0

    def row(self, customer: RankedCustomer, _: Standing) -> RowBy:
        """Return the row, to which nothing is added."""
        return RowBy(customer)


class RecentRevenue:
    """By revenue that loses half of its weight every `half_life` weeks until the day of `end`.

    The weights are floats, taken exactly. Raises ValueError for a wrong half-life.
    """

    def __init__(self, end: int, half_life: Span = 13) -> None:
        half_life_days = 7 * _weeks("half-life", half_life)
        end_day = end // DAY

        @cache  # at most 84,006 days exist
        def weight(day: str) -> int:
            return _parts(2.0 ** (-(end_day - days_since_1970(day)) / half_life_days))

        self._weight = weight

    def value(self, customer: Customer) -> tuple[int, float]:
        """Return the weighted revenue, in parts of micros."""
        weight = self._weight
        orders = customer.order_stamps
        return sum([amount * weight(time[:10]) for time, _, amount in orders]), 0.0

    def row(self, customer: RankedCustomer, standing: Standing) -> RowBy:
        """Return the row with `recent_revenue`."""
        value = -standing.candidate.falling_value
        revenue = rounded(value, _PARTS * MICROS_PER_UNIT, places=2)
        return RowBy(customer, recent_revenue=revenue)


class ExpectedRevenue:
    """By what the model expects of a customer in the `horizon` weeks after `end`.

    Raises ValueError for a wrong horizon.
    """

    def __init__(self, model: Model, end: int, horizon: Span = 52) -> None:
        self._forecast = Forecast(model, _weeks("horizon", horizon), end // DAY)

    def value(self, customer: Customer) -> tuple[int, float]:
        """Return the expected revenue, in parts, and the expected purchase days."""
        purchases, revenue = self._forecast.expected(purchases_of(customer.order_stamps))
        return _parts(revenue), purchases

    def row(self, customer: RankedCustomer, standing: Standing) -> RowBy:
        """Return the row with `expected_purchases` and `expected_revenue`."""
        value = -standing.candidate.falling_value
        return RowBy(
            customer,
            expected_purchases=rounded(*standing.purchases.as_integer_ratio(), places=4),
            expected_revenue=rounded(value, _PARTS, places=2),
        )


def top_by_revenue(
    x: int, D: Mapping[str, Customer], *, lifespan: Span = 10, end: int | None = None
) -> list[RowBy]:
    """Return the `x` customers of `D` with the most revenue, best first.

    The same as topXSimpleLTVCustomers but for what it ranks by; so are the arguments and errors.
    """
    return _top(x, D, Revenue(), lifespan, _end(D, end))


def top_by_recent_revenue(
    x: int,
    D: Mapping[str, Customer],
    *,
    half_life: Span = 13,
    lifespan: Span = 10,
    end: int | None = None,
) -> list[RowBy]:
    """Return the `x` customers of `D` with the most recent revenue, best first.

    `half_life` is in weeks, above 0 and up to 1,000; the rest is as in topXSimpleLTVCustomers.
    """
    end = _end(D, end)
    return _top(x, D, RecentRevenue(end, half_life), lifespan, end)


def top_by_expected_revenue(
    x: int,
    D: Mapping[str, Customer],
    *,
    horizon: Span = 52,
    lifespan: Span = 10,
    end: int | None = None,
    model: Model | None = None,
) -> list[RowBy]:
    """Return the `x` customers of `D` with the most expected revenue, best first.

    `horizon` is in weeks, above 0 and up to 1,000. `model` is that of all customers where `D` is
    only a part of them; by default it is fitted to `D`, which raises TooFewRepeatersError. The rest
    is as in topXSimpleLTVCustomers.
    """
    check_count(x)
    _weeks("horizon", horizon)
    end = _end(D, end)
    model = model or fit_model(sample_of(D, end))
    return _top(x, D, ExpectedRevenue(model, end, horizon), lifespan, end)


def sample_of(D: Mapping[str, Customer], end: int) -> Sample:
    """Return what the model is fitted to; `end` is of all the data, in microseconds since 1970."""
    sample = Sample()
    for customer_id, customer in D.items():
        purchases = purchases_of(customer.order_stamps)
        if purchases:
            sample.add(customer_id, purchases, end // DAY)
    return sample


def best_by(x: int, D: Mapping[str, Customer], method: Method, end: int) -> list[Standing]:
    """Return the best `x` customers of `D` by a method, for `best_of_parts`.

    `end` is that of all the data. Raises ValueError as topXSimpleLTVCustomers does.
    """
    check_count(x)
    values = (
        (-value, customer_id, purchases)
        for customer_id, customer in D.items()
        if customer.first_time
        for value, purchases in [method.value(customer)]
    )
    weeks_since = weeks_until(end)
    standings = []
    for falling_value, customer_id, purchases in heapq.nsmallest(x, values):
        customer = D[customer_id]
        weeks = weeks_since(customer.first_time[:10])
        standings.append(Standing(candidate_of(customer, falling_value, weeks), purchases))
    return standings


def best_of_parts(x: int, parts: Iterable[Iterable[Standing]]) -> list[Standing]:
    """Return the best `x` of the best of parts that share no customer, best first."""
    standings = (standing for part in parts for standing in part)
    return heapq.nsmallest(x, standings, key=lambda standing: standing.candidate[:2])


def rows_by(method: Method, standings: list[Standing], lifespan: Span = 10) -> list[RowBy]:
    """Return the rows of standings that come best first. Raises ValueError for a wrong lifespan."""
    customers = ranked([standing.candidate for standing in standings], lifespan)
    return [method.row(*pair) for pair in zip(customers, standings, strict=True)]


def _top(
    x: int, D: Mapping[str, Customer], method: Method, lifespan: Span, end: int
) -> list[RowBy]:
    parse_lifespan(lifespan)
    return rows_by(method, best_by(x, D, method, end), lifespan)


def _end(D: Mapping[str, Customer], end: int | None) -> int:
    return end_of_data(D) if end is None else end


def _weeks(name: str, value: Span) -> float:
    """Return a number of weeks as a float; what is so near to 0 gives the same for all."""
    numerator, denominator = parse_span(name, "weeks", value)
    return max(numerator / denominator, 1e-200)


def _parts(value: float) -> int:
    numerator, denominator = value.as_integer_ratio()
    return numerator * (_PARTS // denominator)
