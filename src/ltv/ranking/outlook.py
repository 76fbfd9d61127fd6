"""What one customer gets by other methods than simple lifetime value, and why: `--explain`."""

from decimal import Decimal
from typing import NamedTuple

from ltv.ranking.by import ExpectedRevenue, RecentRevenue, Span
from ltv.ranking.purchases import Purchases, purchases_of
from ltv.times import DAY
from LTV_Calculate import Method, Ranking, best_customers, ranked, rounded_float
from LTV_Classes import Customer


class Expectation(NamedTuple):
    """What stands behind expected revenue; money in the unit of the currency.

    `spend` and `purchases` are None without a purchase day, `alive` where it is not known.
    """

    horizon: Span  # weeks
    purchases: Purchases | None
    spend: Decimal | None  # of one more purchase day
    alive: Decimal | None  # the probability


class Outlook(NamedTuple):
    """What a customer gets by recent revenue, and what stands behind that by expected revenue."""

    half_life: Span  # weeks
    recent_revenue: Decimal  # in the unit of the currency
    expectation: Expectation | None  # of the model that was ranked by, if there is one


def outlook_of(customer: Customer, end: int, method: Method | None) -> Outlook:
    """Return what a customer gets at `end`, in microseconds since 1970.

    `method` is what was ranked by. The half-life is its own, else the default; no model is fitted
    for one customer, so without that of `method` nothing is expected.
    """
    recent = method if isinstance(method, RecentRevenue) else RecentRevenue(end)
    alone = {customer.customer_id: customer}
    (row,) = ranked(best_customers(1, alone, Ranking(recent), end=end), method=recent)
    assert row.recent_revenue is not None, "it was ranked by it"
    expectation = None
    if isinstance(method, ExpectedRevenue):
        expectation = _expectation_of(customer, end, method)
    return Outlook(recent.half_life, row.recent_revenue, expectation)


def _expectation_of(customer: Customer, end: int, method: ExpectedRevenue) -> Expectation:
    purchases = purchases_of(customer.order_stamps)
    if purchases is None:
        return Expectation(method.horizon, None, None, None)
    alive = method.model.alive(purchases, end // DAY)
    return Expectation(
        method.horizon,
        purchases,
        rounded_float(method.model.expected_spend(purchases), places=2),
        None if alive is None else rounded_float(alive, places=4),
    )
