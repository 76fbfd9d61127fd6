"""The best customers by other methods than simple lifetime value (SPEC, section 9).

| | ranks by | adds to a row |
|---|---|---|
| `top_by_revenue` | revenue, exactly | |
| `top_by_recent_revenue` | revenue by its age, exactly | `recent_revenue` |
| `top_by_expected_revenue` | a model's expectation | `expected_purchases`, `expected_revenue` |

Of data in parts that share no customer, `expected` needs what each part gives to the model first:

    sample_of(part, end) of each -> Sample.join -> fit_model -> Model
    best_customers(x, part, Ranking(method), end=end) of each -> best_of -> ranked

where a method is Revenue(), RecentRevenue(end, half_life) or ExpectedRevenue(model, end, horizon).
"""

from collections.abc import Iterable
from decimal import Decimal
from functools import partial
from itertools import chain

from ltv.ranking.bg_nbd import DAYS_PER_WEEK
from ltv.ranking.model import Forecast, Model, fit_model
from ltv.ranking.purchases import Sample, purchases_of
from ltv.times import DAY, days_since_1970
from ltv.values import MICROS_PER_UNIT
from LTV_Calculate import (
    Bought,
    Candidate,
    Customers,
    Method,
    Parted,
    Rankable,
    RankedCustomer,
    Ranking,
    Searchable,
    best_customers,
    check_count,
    end_of_data,
    gathered,
    parse_lifespan,
    parse_span,
    ranked,
    rounded,
    rounded_float,
)

Span = int | float | str | Decimal

#: Every float is a whole number of these parts: the unit of what floats are ranked by.
PARTS = 2**1074


class Revenue:
    """By revenue."""

    def value(self, customer: Bought) -> tuple[int, float]:
        """Return the revenue in micros."""
        return customer.revenue_micros, 0.0

    def row(self, row: RankedCustomer, _: Candidate) -> RankedCustomer:
        """Return the row: revenue is in each."""
        return row


class _Weights(dict[str, int]):
    """The weights of days, in parts that are whole; at most 84,006 days exist."""

    def __init__(self, end_day: int, half_life_days: float) -> None:
        super().__init__()
        self._end_day = end_day
        self._half_life_days = half_life_days

    def __missing__(self, day: str) -> int:
        age = self._end_day - days_since_1970(day)
        weight = self[day] = _parts(2.0 ** (-age / self._half_life_days))
        return weight


class RecentRevenue:
    """By revenue that loses half of its weight every `half_life` weeks until the day of `end`.

    The weights are floats, taken exactly. Raises ValueError for a wrong half-life.
    """

    def __init__(self, end: int, half_life: Span = 13) -> None:
        self.half_life = half_life
        self._end = end
        self._weights = _Weights(end // DAY, DAYS_PER_WEEK * _weeks("half-life", half_life))

    def __reduce__(self) -> tuple[object, ...]:
        return RecentRevenue, (self._end, self.half_life)

    def value(self, customer: Bought) -> tuple[int, float]:
        """Return the weighted revenue, in parts of micros."""
        weights = self._weights
        return sum([amount * weights[time[:10]] for time, _, amount in customer.order_stamps]), 0.0

    def row(self, row: RankedCustomer, candidate: Candidate) -> RankedCustomer:
        """Return the row with `recent_revenue`."""
        value = -candidate.falling_value
        return row._replace(recent_revenue=rounded(value, PARTS * MICROS_PER_UNIT, places=2))


class ExpectedRevenue:
    """By what the model expects of a customer in the `horizon` weeks after `end`.

    Raises ValueError for a wrong horizon.
    """

    def __init__(self, model: Model, end: int, horizon: Span = 52) -> None:
        self.model = model
        self.horizon = horizon
        self._end = end
        self._forecast = Forecast(model, _weeks("horizon", horizon), end // DAY)

    def __reduce__(self) -> tuple[object, ...]:
        return ExpectedRevenue, (self.model, self._end, self.horizon)

    def value(self, customer: Bought) -> tuple[int, float]:
        """Return the expected revenue, in parts, and the expected purchase days."""
        purchases, revenue = self._forecast.expected(purchases_of(customer.order_stamps))
        return _parts(revenue), purchases

    def row(self, row: RankedCustomer, candidate: Candidate) -> RankedCustomer:
        """Return the row with `expected_purchases` and `expected_revenue`."""
        return row._replace(
            expected_purchases=rounded_float(candidate.purchases, places=4),
            expected_revenue=rounded(-candidate.falling_value, PARTS, places=2),
        )


def top_by_revenue(
    x: int, D: Rankable, *, lifespan: Span = 10, end: int | None = None
) -> list[RankedCustomer]:
    """Return the `x` customers of `D` with the most revenue, best first.

    The same as topXSimpleLTVCustomers but for what it ranks by; so are the arguments and errors.
    """
    return _top(x, D, Revenue(), lifespan, end)


def top_by_recent_revenue(
    x: int,
    D: Rankable,
    *,
    half_life: Span = 13,
    lifespan: Span = 10,
    end: int | None = None,
) -> list[RankedCustomer]:
    """Return the `x` customers of `D` with the most recent revenue, best first.

    `half_life` is in weeks, above 0 and up to 1,000; the rest is as in topXSimpleLTVCustomers.
    """
    end = _end(D, end)
    return _top(x, D, RecentRevenue(end, half_life), lifespan, end)


def top_by_expected_revenue(
    x: int,
    D: Rankable,
    *,
    horizon: Span = 52,
    lifespan: Span = 10,
    end: int | None = None,
    model: Model | None = None,
) -> list[RankedCustomer]:
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


def _top(
    x: int, D: Rankable, method: Method, lifespan: Span, end: int | None
) -> list[RankedCustomer]:
    parse_lifespan(lifespan)
    return ranked(best_customers(x, D, Ranking(method), end=end), lifespan, method)


def sample_of(D: Customers | Rankable | Searchable | Parted, end: int) -> Sample:
    """Return what the model is fitted to; `end` is of all the data, in microseconds since 1970."""
    sample = Sample()
    for part in gathered(D, partial(_sample_of_parts, end_day=end // DAY)):
        sample.join(part)
    return sample


def _sample_of_parts(parts: Iterable[Customers], end_day: int) -> Sample:
    sample = Sample()
    for customer in chain.from_iterable(D.values() for D in parts):
        purchases = purchases_of(customer.order_stamps)
        if purchases:
            sample.add(customer.customer_id, purchases, end_day)
    return sample.pack()


def _end(D: Rankable, end: int | None) -> int:
    return end_of_data(D) if end is None else end


def _weeks(name: str, value: Span) -> float:
    """Return a number of weeks as a float; what is so near to 0 gives the same for all."""
    numerator, denominator = parse_span(name, "weeks", value)
    return max(numerator / denominator, 1e-200)


def _parts(value: float) -> int:
    numerator, denominator = value.as_integer_ratio()
    return numerator * (PARTS // denominator)
