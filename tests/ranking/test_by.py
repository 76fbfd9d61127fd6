"""Rankings by revenue, recent and expected revenue, beside a plain second way to each."""

import pickle
import random
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from types import MappingProxyType

import pytest
from simulated_shops import model_of, shop

from ltv.output.formats import row_members
from ltv.ranking.by import (
    ExpectedRevenue,
    RecentRevenue,
    Revenue,
    top_by_expected_revenue,
    top_by_recent_revenue,
    top_by_revenue,
)
from ltv.ranking.model import Forecast, TooFewRepeatersError
from ltv.ranking.purchases import purchases_of
from ltv.times import DAY, pack, unpack
from ltv.values import parse_time, shard_of
from LTV_Calculate import (
    RankedCustomer,
    Ranking,
    best_customers,
    best_of,
    end_of_data,
    ranked,
    topXSimpleLTVCustomers,
)
from LTV_Classes import Customer

UNIT = 1_000_000
ROW = RankedCustomer._fields[:12]
METHODS = (top_by_revenue, top_by_recent_revenue, top_by_expected_revenue)


@pytest.fixture(scope="module")
def D():
    """A shop where some of what was bought was sent back, to be changed by nobody."""
    made = shop(11, 300)
    for number in range(0, 300, 7):
        made[f"c{number}"].add_order("back", pack(16_300 * DAY), True, -5 * UNIT)
    return MappingProxyType(made)


def customer(customer_id, *orders, begin="2017-01-02"):
    """Of pairs of time and amount in units."""
    made = Customer(customer_id)
    made.see(pack(parse_time(begin)))
    for number, (time, amount) in enumerate(orders):
        made.see(pack(parse_time(time)))
        made.add_order(f"o{number}", pack(parse_time(time)), False, int(amount * UNIT))
    return made


def by_id(*customers):
    return {one.customer_id: one for one in customers}


def half_up(value, places):
    """Fraction to Decimal, rounded half away from zero."""
    exact = Decimal(value.numerator) / Decimal(value.denominator)
    return exact.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)


@pytest.mark.parametrize("top", METHODS)
def test_rows_are_those_of_simple_ltv_but_for_rank_and_what_is_added(top, D):
    simple = {row.customer_id: row for row in topXSimpleLTVCustomers(len(D), D, lifespan=3)}
    rows = top(len(D) + 5, D, lifespan=3)
    assert [row.rank for row in rows] == list(range(1, len(D) + 1))
    for row in rows:
        assert row[1:12] == simple[row.customer_id][1:12]


def test_by_revenue(D):
    keys = sorted((-one.revenue_micros, one.customer_id) for one in D.values())
    rows = top_by_revenue(20, D)
    assert [row.customer_id for row in rows] == [name for _, name in keys[:20]]
    assert list(row_members(rows[0])) == list(ROW)


@pytest.mark.parametrize("half_life", [13, "0.3", Decimal(1000), 2.5])
def test_by_recent_revenue(half_life, D):
    end_day = end_of_data(D) // DAY
    exact = {
        name: sum(
            Fraction(2.0 ** (-(end_day - unpack(time) // DAY) / (7 * float(half_life)))) * amount
            for time, _, amount in one.order_stamps
        )
        / UNIT
        for name, one in D.items()
    }
    best = sorted(exact, key=lambda name: (-exact[name], name))[:20]
    rows = top_by_recent_revenue(20, D, half_life=half_life)
    assert [row.customer_id for row in rows] == best
    assert [row.recent_revenue for row in rows] == [half_up(exact[name], 2) for name in best]
    assert list(row_members(rows[0])) == [*ROW, "recent_revenue"]


def test_recent_revenue_of_one_half_life_ago_is_the_half():
    D = by_id(
        customer("old", ("2017-01-02T23:59:59.9", 20.02)),
        customer("new", ("2017-04-03T00:00:00", 10.01), ("2017-04-03T10:00:00", -1)),
    )
    rows = top_by_recent_revenue(2, D)
    assert [(row.customer_id, str(row.recent_revenue)) for row in rows] == [
        ("old", "10.01"),
        ("new", "9.01"),
    ]


def test_what_differs_by_less_than_any_digit_shown_is_ranked_by_it():
    # Weights are exact: after 1,000 half-lives a trillion is still more than a trillion less 1.
    first, last = "2017-01-02", ("2036-03-03", 1)
    D = by_id(
        customer("less", (first, 999_999_999_998), last),
        customer("more", (first, 999_999_999_999), last),
        customer("none", last),
    )
    rows = top_by_recent_revenue(3, D, half_life=1)
    assert [row.customer_id for row in rows] == ["more", "less", "none"]
    assert {str(row.recent_revenue) for row in rows} == {"1.00"}


def test_a_half_life_that_is_no_float_above_0_leaves_the_last_day_alone():
    D = by_id(customer("a", ("2017-01-02", 5), ("2017-01-03", 7)))
    (row,) = top_by_recent_revenue(1, D, half_life="0." + "0" * 400 + "1")
    assert str(row.recent_revenue) == "7.00"


def test_a_horizon_of_no_time_brings_nothing(D):
    (row,) = top_by_expected_revenue(1, D, horizon="0." + "0" * 400 + "1")
    assert row.expected_purchases == row.expected_revenue == 0


def test_by_expected_revenue(D):
    model = model_of(dict(D))
    forecast = Forecast(model, 26.0, end_of_data(D) // DAY)
    expected = {name: forecast.expected(purchases_of(one.order_stamps)) for name, one in D.items()}
    best = sorted(expected, key=lambda name: (-expected[name][1], name))
    rows = top_by_expected_revenue(len(D), D, horizon=26)
    assert [row.customer_id for row in rows] == best
    for row in rows:
        purchases, revenue = map(Fraction, expected[row.customer_id])
        assert row.expected_purchases == half_up(purchases, 4)
        assert row.expected_revenue == half_up(revenue, 2)
    assert rows[-1].customer_id == "visitor"  # the only one without purchases
    assert rows[-1].expected_revenue == rows[-1].expected_purchases == 0
    assert list(row_members(rows[0])) == [
        *ROW,
        "expected_purchases",
        "expected_revenue",
    ]


@pytest.mark.parametrize("top", METHODS)
def test_ties_are_ranked_by_customer_id_in_code_point_order(top, D):
    model = model_of(dict(D))
    tied = by_id(
        *(customer(name, ("2017-01-02", 5)) for name in ("b", "\U0001f600", "\uffff", "a"))
    )
    more = {"model": model} if top is top_by_expected_revenue else {}
    rows = top(3, tied, **more)
    assert [row.customer_id for row in rows] == ["a", "b", "\uffff"]


@pytest.mark.parametrize("parts", [1, 2, 7])
def test_any_order_and_slices_give_the_same_rows(parts, D):
    end = end_of_data(D)
    names = list(D)
    random.Random(parts).shuffle(names)
    slices = [{n: D[n] for n in names if shard_of(n, parts) == one} for one in range(parts)]
    model = model_of(dict(D))
    for top, method in (
        (top_by_revenue, Revenue()),
        (top_by_recent_revenue, RecentRevenue(end)),
        (top_by_expected_revenue, ExpectedRevenue(model, end)),
    ):
        ranking = Ranking(pickle.loads(pickle.dumps(method)))  # as it comes to another process
        best = [one for part in slices for one in best_customers(30, part, ranking, end=end)]
        assert ranked(best_of(30, best), method=method) == top(30, D)


@pytest.mark.parametrize("top", METHODS)
@pytest.mark.parametrize("x", [0, -1, True, 1.0, "3"])
def test_x_is_a_whole_number_above_0(top, x, D):
    with pytest.raises(ValueError, match=r"^x: expected a whole number above 0, got "):
        top(x, D)


@pytest.mark.parametrize("weeks", [0, -1, 1000.5, "1e2", "", True, float("nan")])
def test_weeks_are_above_0_and_up_to_1000(weeks, D):
    for top, name in ((top_by_recent_revenue, "half_life"), (top_by_expected_revenue, "horizon")):
        shown_name = name.replace("_", "-")
        with pytest.raises(ValueError, match=f"^{shown_name}: expected weeks above 0 and up to 1,"):
            top(1, D, **{name: weeks})


def test_without_a_model_there_is_no_ranking_by_it():
    nobody: dict[str, Customer] = {}
    for D in (nobody, by_id(customer("a", ("2017-01-02", 5)))):
        with pytest.raises(TooFewRepeatersError, match="too few for a model"):
            top_by_expected_revenue(1, D)
    assert top_by_revenue(1, nobody) == top_by_recent_revenue(1, nobody) == []
