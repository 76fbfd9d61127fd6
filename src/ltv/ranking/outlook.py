"""What one customer gets by each other method than simple lifetime value, and why: `--explain`."""

from decimal import Decimal
from typing import NamedTuple

from ltv.ranking.by import ExpectedRevenue, RecentRevenue, Sampled, Span, sample_of
from ltv.ranking.model import Model, TooFewRepeatersError, fit_model
from ltv.ranking.purchases import Purchases, purchases_of
from ltv.times import DAY
from LTV_Calculate import (
    Method,
    Rankable,
    RankedCustomer,
    Ranking,
    Searchable,
    best_customers,
    ranked,
    rounded,
)
from LTV_Classes import Customer


class Outlook(NamedTuple):
    """What a customer gets by each method; money in the unit of the currency.

    `purchases` is None without a purchase day, P(alive) where it is not known; with `why_not` there
    is no model, and nothing is expected.
    """

    half_life: Span  # weeks
    horizon: Span  # weeks
    recent_revenue: Decimal | None
    purchases: Purchases | None
    expected_purchases: Decimal | None
    expected_spend: Decimal | None  # of a purchase day
    expected_revenue: Decimal | None
    alive: Decimal | None
    why_not: str | None


def outlook_of(
    customer: Customer,
    D: Rankable | Searchable | Sampled,
    end: int,
    *,
    half_life: Span = 13,
    horizon: Span = 52,
    method: Method | None = None,
) -> Outlook:
    """Return what `customer` of `D` gets by each method at `end`, in microseconds since 1970.

    The model is that of `method`, which is ranked by, if it has one; else it is fitted to `D`.
    """
    purchases = purchases_of(customer.order_stamps)
    recent = _row(RecentRevenue(end, half_life), customer, end)
    expected = recent  # which has nothing that is expected
    spend = alive = why_not = None
    try:
        model = _model_of(method, D, end)
    except TooFewRepeatersError as error:
        why_not = str(error)
    else:
        expected = _row(ExpectedRevenue(model, end, horizon), customer, end)
        if purchases:
            spend = _rounded(model.expected_spend(purchases), 2)
            probability = model.alive(purchases, end // DAY)
            alive = None if probability is None else _rounded(probability, 4)
    return Outlook(
        half_life,
        horizon,
        recent.recent_revenue,
        purchases,
        expected.expected_purchases,
        spend,
        expected.expected_revenue,
        alive,
        why_not,
    )


def _model_of(method: Method | None, D: Rankable | Searchable | Sampled, end: int) -> Model:
    return method.model if isinstance(method, ExpectedRevenue) else fit_model(sample_of(D, end))


def _row(method: Method, customer: Customer, end: int) -> RankedCustomer:
    alone = {customer.customer_id: customer}
    (row,) = ranked(best_customers(1, alone, Ranking(method), end=end), method=method)
    return row


def _rounded(value: float, places: int) -> Decimal:
    return rounded(*value.as_integer_ratio(), places=places)
