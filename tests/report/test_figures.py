"""The figures: by hand on a small log, against plain sums on random ones, and as a join."""

import json
import random
from collections import Counter, defaultdict
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Any

import pytest

import ltv.ranking.segments
from figures_in_order import in_order
from hostile import hostile_events
from ltv.report.digest import Bin, Cohort, Digest, Period, Share, ValueSpread, digest_of
from ltv.report.figures import BOUNDS_IN_CENTS, Figures, figures_of, no_figures
from ltv.times import DAY
from LTV_Calculate import Totals, totals
from LTV_Classes import Customer
from LTV_Ingest import Ingest

Known = dict[str, Customer]


def order(customer_id: str, key: str, time: str, amount: str, verb: str = "NEW") -> dict[str, str]:
    return {
        "type": "ORDER", "verb": verb, "key": key, "customer_id": customer_id,
        "event_time": time, "total_amount": amount,
    }  # fmt: skip


def visit(customer_id: str, time: str) -> dict[str, str]:
    return {
        "type": "SITE_VISIT", "verb": "NEW", "key": "p", "customer_id": customer_id,
        "event_time": time,
    }  # fmt: skip


def image(customer_id: str, time: str) -> dict[str, str]:
    return {**visit(customer_id, time), "type": "IMAGE", "verb": "UPLOAD"}


def known_from(events: Any) -> Known:
    D: Known = {}
    Ingest(events, D)
    return D


def digest(D: Known, lifespan: str = "10", reasons: dict[str, int] | None = None) -> Digest:
    found = totals(D)
    return digest_of(figures_of(D.values(), found.end, lifespan), found, reasons or {})


# --- By hand ----------------------------------------------------------------------------------

#: Weeks begin on 2017-01-02, 09, 16, 23, 30 and 2017-02-06; the end is in the last of them.
SMALL = [
    visit("a", "2017-01-02T08:00:00Z"),
    visit("a", "2017-01-29T23:59:59.999999Z"),
    order("a", "o1", "2017-01-03", "10.00 USD"),
    order("a", "o1", "2017-02-06", "60.00 USD", "UPDATE"),  # all of it in the last week
    order("a", "o2", "2017-01-08T23:59:59Z", "30.00 USD"),
    order("b", "o1", "2017-01-09", "-6.00 USD"),
    visit("c", "2017-01-16"),
    image("c", "2017-01-23"),
    order("d", "o1", "2017-02-01", "8.40 USD"),
    order("d", "o2", "2017-02-02", "0.00 USD"),
]


@pytest.fixture(scope="module")
def small() -> Digest:
    return digest(known_from(SMALL), reasons={"missing": 2})


def test_sums_by_hand(small: Digest):
    assert small.revenue == Decimal("92.40")
    assert small.revenue_per_visit == Decimal("30.80")
    assert small.customer_weeks == 6 + 5 + 4 + 2
    assert small.visits_per_customer_week == Decimal("0.1765")
    assert (small.customers_with_orders, small.percent_with_orders) == (3, Decimal("75.00"))
    assert small.rejected_for == {"missing": 2}


def test_distribution_by_hand(small: Digest):
    """a: 520 x 90 / 6 = 7,800; b is below zero, c zero; d: 520 x 8.40 / 2 = 2,184."""
    assert small.ltv == ValueSpread(
        1, 1, [Bin(Decimal(2000), Decimal(5000), 1), Bin(Decimal(5000), Decimal(10000), 1)]
    )


def test_concentration_by_hand(small: Digest):
    """Of 92.40, a has 90 and d 8.40; c has nothing, and b takes 6 back."""
    assert len(small.concentration) == 100
    by_percent = {share.percent: share[1:] for share in small.concentration}
    assert by_percent[1] == by_percent[25] == (1, Decimal("90.00"), Decimal("97.40"))
    assert by_percent[26] == by_percent[50] == (2, Decimal("98.40"), Decimal("106.49"))
    assert by_percent[75] == (3, Decimal("98.40"), Decimal("106.49"))
    assert by_percent[76] == by_percent[100] == (4, Decimal("92.40"), Decimal("100.00"))


def test_weeks_by_hand(small: Digest):
    assert small.periods.unit == "week"
    assert small.periods.periods == [
        Period("2017-01-02", Decimal("30.00"), 1, 1, 0, 1, Decimal("30.00"), Decimal("0.00")),
        Period("2017-01-09", Decimal("-6.00"), 1, 0, 0, 1, Decimal("-6.00"), Decimal("0.00")),
        Period("2017-01-16", Decimal("0.00"), 0, 1, 0, 1, Decimal("0.00"), Decimal("0.00")),
        Period("2017-01-23", Decimal("0.00"), 0, 1, 1, 0, Decimal("0.00"), Decimal("0.00")),
        Period("2017-01-30", Decimal("8.40"), 2, 0, 0, 1, Decimal("8.40"), Decimal("0.00")),
        Period("2017-02-06", Decimal("60.00"), 1, 0, 0, 0, Decimal("0.00"), Decimal("60.00")),
    ]


def test_cohorts_by_hand(small: Digest):
    assert small.cohorts.unit == "month"
    assert small.cohorts.cohorts == [
        Cohort(
            "2017-01-01",
            3,
            [Decimal("8.00"), Decimal("28.00")],
            [Decimal("66.67"), Decimal("33.33")],
        ),
        Cohort("2017-02-01", 1, [Decimal("8.40")], [Decimal("100.00")]),
    ]
    assert small.cohorts.mean_percent_retained == [Decimal("66.67"), None]


def test_a_week_without_data_is_a_gap():
    found = digest(known_from([visit("a", "2017-01-02"), visit("a", "2017-01-16")]))
    assert found.periods.periods[1] == Period("2017-01-09", *[None] * 7)
    assert found.revenue_per_visit == Decimal("0.00")


def test_the_last_week_is_no_gap_for_all_that_was_only_updated_in_it():
    """The end of the data may be an event that adds to none of the sums."""
    update = {"type": "CUSTOMER", "verb": "UPDATE", "key": "a", "last_name": "A"}
    events = [visit("a", "2017-01-02")] + [
        update | {"event_time": time} for time in ("2017-01-09", "2017-01-16")
    ]
    assert digest(known_from(events)).periods.periods[1:] == [
        Period("2017-01-09", *[None] * 7),
        Period("2017-01-16", Decimal("0.00"), 0, 0, 0, 0, Decimal("0.00"), Decimal("0.00")),
    ]


@pytest.mark.parametrize("amount", ["0", "-1"])
def test_a_share_of_no_revenue_is_absent(amount: str):
    found = digest(known_from([order("a", "o", "2017-01-02", amount)]))
    assert {share.percent_of_revenue for share in found.concentration} == {None}
    assert found.revenue_per_visit is None


LTVS = [
    # revenue of a customer of one week, with the bin of 520 times as much
    ("0.000001", "0.00", "0.01"),
    ("0.000019", "0.00", "0.01"),  # 0.00988
    ("0.000020", "0.01", "0.02"),  # 0.0104
    ("0.384615", "100.00", "200.00"),  # 199.9998
    ("0.384616", "200.00", "500.00"),  # 200.00032
    ("25", "10000.00", "20000.00"),
    ("999999999999.999999", "500000000000000.00", "1000000000000000.00"),
]


@pytest.mark.parametrize(("amount", "least", "below"), LTVS)
def test_bins(amount: str, least: str, below: str):
    found = digest(known_from([order("a", "o", "2017-01-02", amount)]))
    assert found.ltv == ValueSpread(0, 0, [Bin(Decimal(least), Decimal(below), 1)])


def test_a_value_on_a_bound_is_in_the_bin_above_it():
    found = digest(known_from([order("a", "o", "2017-01-02", "25")]), lifespan="0.4")
    assert found.ltv.bins == [Bin(Decimal(500), Decimal(1000), 1)]
    found = digest(known_from([order("a", "o", "2017-01-02", "24.999999")]), lifespan="0.4")
    assert found.ltv.bins == [Bin(Decimal(500), Decimal(1000), 1)]
    found = digest(known_from([order("a", "o", "2017-01-02", "25")]), lifespan="0.384")
    assert found.ltv.bins == [Bin(Decimal(200), Decimal(500), 1)]


UNITS = [
    # last day of data from 2017-01-02 on, unit and number of periods, unit and number of cohorts
    ("2017-01-02", "week", 1, "month", 1),
    ("2018-12-31", "week", 105, "month", 24),
    ("2019-01-01", "week", 105, "quarter", 9),
    ("2019-04-21", "week", 120, "quarter", 10),
    ("2019-04-22", "month", 28, "quarter", 10),
    ("2022-12-31", "month", 72, "quarter", 24),
    ("2023-01-01", "month", 73, "year", 7),
    ("2026-12-31", "month", 120, "year", 10),
    ("2027-01-01", "quarter", 41, "year", 11),
    ("2046-12-31", "quarter", 120, "5 years", 7),
    ("2047-01-01", "year", 31, "5 years", 7),
    ("2136-12-31", "year", 120, "10 years", 13),
    ("2137-01-01", "2 years", 61, "10 years", 13),
    ("2199-12-31", "2 years", 92, "10 years", 19),
]


@pytest.mark.parametrize(("last", "unit", "periods", "cohort_unit", "ages"), UNITS)
def test_units(last: str, unit: str, periods: int, cohort_unit: str, ages: int):
    found = digest(known_from([visit("a", "2017-01-02"), visit("a", last)]))
    assert (found.periods.unit, len(found.periods.periods)) == (unit, periods)
    assert found.cohorts.unit == cohort_unit
    assert [len(cohort.revenue_per_customer) for cohort in found.cohorts.cohorts] == [ages]


# --- Against plain sums -----------------------------------------------------------------------


def random_shop(seed: int, customers: int = 60, days: int = 500) -> Known:
    """Customers with some visits, images and orders, also refunds, from a random day on."""
    rng = random.Random(seed)
    first = date(2016, 1, 1) + timedelta(rng.randrange(3000))

    def some_day() -> str:
        return (first + timedelta(rng.randrange(days))).isoformat()

    events = []
    for number in range(customers):
        customer_id = f"c{number}"
        events.append(visit(customer_id, some_day()))
        events += [visit(customer_id, some_day()) for _ in range(rng.randrange(5))]
        events += [image(customer_id, some_day()) for _ in range(rng.randrange(2))]
        for key in range(rng.randrange(4)):
            amount = f"{rng.choice([1, 1, 1, 1, -1]) * rng.randrange(50_000) / 100:.2f}"
            events.append(order(customer_id, f"o{key}", some_day(), amount))
            if rng.random() < 0.3:
                events.append(order(customer_id, f"o{key}", some_day(), "5.01", "UPDATE"))
    return known_from(events)


def day_of(time: int) -> date:
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=time)).date()


def money(value: Fraction) -> Decimal:
    exact = Decimal(abs(value).numerator) / Decimal(abs(value).denominator)
    rounded = exact.quantize(Decimal("0.01"), ROUND_HALF_UP)
    return -rounded if value < 0 and rounded else rounded


def plain_weeks(D: Known) -> dict[str, list[Fraction]]:
    """By Monday: revenue, orders, visits, images, new customers."""
    weeks: dict[str, list[Fraction]] = defaultdict(lambda: [Fraction(0)] * 5)

    def add(time: int | None, column: int, amount: Fraction) -> None:
        assert time is not None
        day = day_of(time)
        monday = (day - timedelta(day.weekday())).isoformat()
        weeks[monday] = list(weeks[monday])
        weeks[monday][column] += amount

    for customer in D.values():
        add(customer.begin, 4, Fraction(1))
        for each in customer.orders:
            add(each.event_time, 0, Fraction(each.total_amount))
            add(each.event_time, 1, Fraction(1))
        for seen in customer.visits:
            add(seen.event_time, 2, Fraction(1))
        for upload in customer.images:
            add(upload.event_time, 3, Fraction(1))
    return weeks


@pytest.mark.parametrize("seed", range(8))
def test_weeks_are_plain_sums(seed: int):
    D = random_shop(seed)
    expected = plain_weeks(D)
    found = digest(D).periods
    assert found.unit == "week"
    for period in found.periods:
        sums = expected.pop(period.begin, None)
        if sums is None:
            assert set(period[1:]) == {None}
        else:
            assert list(period[1:6]) == [money(sums[0]), *sums[1:]]
    assert not expected


@pytest.mark.parametrize("seed", range(8))
def test_shares_are_plain_sums(seed: int):
    D = random_shop(seed)
    orders = [map(Fraction, (o.total_amount for o in customer.orders)) for customer in D.values()]
    best_first = sorted((sum(amounts, Fraction(0)) for amounts in orders), reverse=True)
    total = sum(best_first, Fraction(0))
    for percent, count, held, share in digest(D).concentration:
        assert count == -(-percent * len(D) // 100)
        exact = sum(best_first[:count], Fraction(0))
        assert held == money(exact)
        assert share == money(100 * exact / total)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize(("days", "months"), [(500, 1), (2000, 3)])
def test_cohorts_are_plain_sums(seed: int, days: int, months: int):
    D = random_shop(seed, days=days)

    def period_of(time: int | None) -> int:
        assert time is not None
        return (day_of(time).year * 12 + day_of(time).month - 1) // months

    sizes: Counter[int] = Counter(period_of(customer.begin) for customer in D.values())
    last = period_of(totals(D).end)
    found = digest(D).cohorts
    assert found.unit == {1: "month", 3: "quarter"}[months]
    assert [cohort.customers for cohort in found.cohorts] == [sizes[key] for key in sorted(sizes)]
    for begin, cohort in zip(sorted(sizes), found.cohorts, strict=True):
        year, month = divmod(begin * months, 12)
        assert cohort.begin == f"{year}-{month + 1:02}-01"
        assert cohort.revenue_per_customer == [
            money(
                sum(
                    (
                        Fraction(each.total_amount)
                        for customer in D.values()
                        if period_of(customer.begin) == begin
                        for each in customer.orders
                        if period_of(each.event_time) <= period
                    ),
                    Fraction(0),
                )
                / sizes[begin]
            )
            for period in range(begin, last + 1)
        ]


# --- A join -----------------------------------------------------------------------------------


def in_parts(D: Known, rng: random.Random, end: int) -> Figures:
    """The figures of D by shuffled parts, joined in a tree of any form."""
    customers = list(D.values())
    rng.shuffle(customers)
    cuts = sorted(rng.randrange(len(customers) + 1) for _ in range(4))
    bounds = zip([0, *cuts], [*cuts, len(customers)], strict=True)
    parts = [figures_of(customers[first:last], end, "10") for first, last in bounds]
    while len(parts) > 1:
        one, other = parts.pop(rng.randrange(len(parts))), parts.pop(rng.randrange(len(parts)))
        one.join(other)
        parts.append(one)
    return parts[0]


def wide_shop(seed: int) -> Known:
    return known_from(hostile_events(seed=seed))


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("shop", [random_shop, wide_shop])
def test_parts_join_to_the_whole(seed: int, shop: Any):
    D = shop(seed)
    found = totals(D)
    rng = random.Random(seed)
    whole = figures_of(D.values(), found.end, "10")
    for _ in range(3):
        joined = in_parts(D, rng, found.end)
        assert in_order(joined) == in_order(whole)
        assert digest_of(joined, found, {}) == digest_of(whole, found, {})
    assert in_order(figures_of(D.values(), found.end, "10", at_once=7)) == in_order(whole)
    none = no_figures()
    none.join(whole)
    assert none == whole


def test_a_joined_part_stays_as_it_is():
    D = random_shop(1)
    end = totals(D).end
    part, again = (figures_of(D.values(), end, "10") for _ in range(2))
    joined = no_figures()
    joined.join(part)
    joined.join(part)
    assert part == again != joined


def test_customers_of_whom_nothing_is_known_do_not_count():
    assert figures_of([Customer("c")], 0, "10") == no_figures()


def test_a_wrong_lifespan_is_refused():
    with pytest.raises(ValueError, match="lifespan: expected years above 0"):
        figures_of(random_shop(1).values(), 0, "0")


# --- Bounded ----------------------------------------------------------------------------------


def customers_with(revenues: list[int]) -> Known:
    D: Known = {}
    for number, revenue in enumerate(revenues):
        customer = D[f"c{number}"] = Customer(f"c{number}")
        customer.see("2017-01-02T00:00:00.000000")
        customer.add_order("o", "2017-01-02T00:00:00.000000", False, revenue)
    return D


@pytest.mark.parametrize("at_once", [1, 7, 1000, 100_000])
def test_the_best_of_many(at_once: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(ltv.ranking.segments, "_AT_ONCE", at_once)
    rng = random.Random(at_once)
    revenues = [int(rng.paretovariate(0.3) * 1000) * rng.choice([1, 1, -1]) for _ in range(2000)]
    edges = [sign * 2**63 + more for sign in (-1, 1) for more in (-1, 0, 1)]
    D = customers_with([*revenues, *edges, 0, 10**25, -(10**25), 10**25])
    for number in range(20):
        customer = D[f"none{number}"] = Customer(f"none{number}")
        customer.see("2017-01-02T00:00:00.000000")
    figures = figures_of(D.values(), totals(D).end, "10")
    best_first = sorted((customer.revenue_micros for customer in D.values()), reverse=True)
    assert list(figures.best_revenues()) == best_first


def test_any_lifetime_value_has_a_bin():
    most = 10**18 * 10**7  # micros of the greatest amount, times orders
    assert BOUNDS_IN_CENTS[-1] > 100 * 52 * 1000 * most // 10**6


def test_any_span_has_a_unit():
    found = digest(known_from([visit("a", "1970-01-01"), visit("a", "2199-12-31")]))
    assert (found.periods.unit, len(found.periods.periods)) == ("2 years", 115)
    assert found.cohorts.unit == "10 years"


def test_the_figures_of_all_years_are_small():
    D = known_from(hostile_events(400))
    found = totals(D)
    assert found.end - found.begin > 229 * 365 * DAY
    shown = digest_of(figures_of(D.values(), found.end, "10"), found, {})
    assert len(shown.periods.periods) == 115
    assert len(shown.cohorts.cohorts) <= 24
    assert len(json.dumps(shown, default=str)) < 50_000


def test_the_best_of_two_customers():
    D = customers_with([3_000_000, 1_000_000])
    shares = digest(D).concentration
    assert shares[0] == Share(1, 1, Decimal("3.00"), Decimal("75.00"))
    assert shares[49] == Share(50, 1, Decimal("3.00"), Decimal("75.00"))
    assert shares[50] == Share(51, 2, Decimal("4.00"), Decimal("100.00"))
    assert isinstance(totals(D), Totals)
