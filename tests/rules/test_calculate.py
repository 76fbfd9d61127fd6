"""Weeks, simple lifetime value, rounding and ranking (SPEC, sections 4 and 5)."""

import random
from collections.abc import Iterable, Iterator
from decimal import Decimal
from fractions import Fraction
from types import MappingProxyType
from typing import Any

import pytest

import ltv.values
from ltv.reading.decoding import decode
from ltv.times import DAY, WEEK, pack, weeks_between
from ltv.values import MICROS_PER_UNIT, parse_amount, parse_time
from LTV_Calculate import (
    Candidate,
    RankedCustomer,
    Ranking,
    Threshold,
    Totals,
    best_customers,
    best_of,
    count_before,
    end_of_data,
    join_totals,
    ranked,
    topXSimpleLTVCustomers,
    totals,
)
from LTV_Classes import Customer
from LTV_Ingest import Ingest

MONDAY = parse_time("2017-01-02")


def customer(
    customer_id: str,
    amounts: Iterable[str] = (),
    *,
    visits: int = 0,
    begin: int = MONDAY,
    latest: int | None = None,
) -> Customer:
    """A customer with orders of these amounts and that many visits, all at its begin."""
    made = Customer(customer_id)
    time = pack(begin)
    made.see(time)
    if latest is not None:
        made.see(pack(latest))
    for number, amount in enumerate(amounts):
        made.add_order(f"o{number}", time, False, parse_amount(amount, "USD"))
    for number in range(visits):
        made.add_visit(f"p{number}", time, "")
    return made


def by_id(*customers: Customer) -> dict[str, Customer]:
    return {made.customer_id: made for made in customers}


def shown(*amounts: str, visits: int = 0, weeks: int = 1, **options: Any) -> dict[str, str]:
    """The figures of a customer's row as they are shown."""
    latest = MONDAY + (weeks - 1) * 7 * DAY
    [row] = topXSimpleLTVCustomers(
        1, by_id(customer("c1", amounts, visits=visits, latest=latest)), **options
    )
    assert row.weeks == weeks
    return {name: str(value) for name, value in row._asdict().items()}


def ids(rows: Iterable[RankedCustomer]) -> list[str]:
    return [row.customer_id for row in rows]


# --- The example ------------------------------------------------------------------------------

EXAMPLE = """
{"type":"CUSTOMER","verb":"NEW","key":"c1","event_time":"2017-01-01T10:00:00.000Z"}
{"type":"SITE_VISIT","verb":"NEW","key":"p1","customer_id":"c1","event_time":"2017-01-01T10:01:00.000Z"}
{"type":"ORDER","verb":"NEW","key":"o1","customer_id":"c1","event_time":"2017-01-01T10:02:00.000Z","total_amount":"10.00 USD"}
{"type":"ORDER","verb":"UPDATE","key":"o1","customer_id":"c1","event_time":"2017-01-03T10:02:00.000Z","total_amount":"20.01 USD"}
{"type":"SITE_VISIT","verb":"NEW","key":"p1","customer_id":"c1","event_time":"2017-01-09T00:00:00.000Z"}
{"type":"ORDER","verb":"NEW","key":"o1","customer_id":"c2","event_time":"2017-01-08T23:59:59.999Z","total_amount":"6.67 USD"}
"""  # noqa: E501 - as the SPEC has it


def example() -> dict[str, Customer]:
    """What is known from section 5's events."""
    D: dict[str, Customer] = {}
    Ingest(map(decode, EXAMPLE.strip().splitlines()), D)
    return D


def test_the_example() -> None:
    assert topXSimpleLTVCustomers(10, example()) == [
        RankedCustomer(
            rank=1,
            customer_id="c1",
            last_name=None,
            ltv=Decimal("3468.40"),
            revenue=Decimal("20.01"),
            orders=1,
            visits=2,
            weeks=3,
            revenue_per_visit=Decimal("10.01"),  # 10.005
            visits_per_week=Decimal("0.6667"),
            begin=parse_time("2017-01-01T10:00:00Z"),
            last_order=parse_time("2017-01-03T10:02:00Z"),
        ),
        RankedCustomer(
            rank=2,
            customer_id="c2",
            last_name=None,
            ltv=Decimal("1734.20"),
            revenue=Decimal("6.67"),
            orders=1,
            visits=0,
            weeks=2,
            revenue_per_visit=None,
            visits_per_week=Decimal("0.0000"),
            begin=parse_time("2017-01-08T23:59:59.999Z"),
            last_order=parse_time("2017-01-08T23:59:59.999Z"),
        ),
    ]


def test_the_digits_of_the_example() -> None:
    first, second = topXSimpleLTVCustomers(2, example())
    figures = (first.ltv, first.revenue, first.revenue_per_visit, first.visits_per_week)
    assert [str(figure) for figure in figures] == ["3468.40", "20.01", "10.01", "0.6667"]
    assert [str(second.ltv), str(second.visits_per_week)] == ["1734.20", "0.0000"]


def test_the_totals_of_the_example() -> None:
    assert totals(example()) == Totals(
        begin=parse_time("2017-01-01T10:00"),
        end=parse_time("2017-01-09"),
        customers=2,
        visits=2,
        orders=2,
        images=0,
    )


def test_totals_add_up_over_customers() -> None:
    a, b = customer("a", ["1", "2"], visits=3, latest=MONDAY + DAY), customer("b", ["5"], visits=1)
    for image_id in ("i1", "i2"):
        a.add_image(image_id, pack(MONDAY), "{}")
    b.add_image("i1", pack(MONDAY), "{}")
    b.see(pack(MONDAY - DAY))
    expected = Totals(MONDAY - DAY, MONDAY + DAY, customers=2, visits=4, orders=3, images=3)
    assert totals(by_id(a, b)) == totals(by_id(b, a)) == expected


def test_the_last_name_is_in_the_row() -> None:
    D: dict[str, Customer] = {}
    profile = {"type": "CUSTOMER", "verb": "NEW", "key": "c1", "event_time": "2017-01-01"}
    Ingest({**profile, "last_name": "Smith"}, D)
    assert topXSimpleLTVCustomers(1, D)[0].last_name == "Smith"


# --- Weeks ------------------------------------------------------------------------------------


def test_weeks_of_a_customer_end_with_the_data_of_all() -> None:
    D = by_id(
        customer("a", ["1"], begin=MONDAY, latest=MONDAY),
        customer("b", ["1"], begin=MONDAY - 1, latest=MONDAY + 14 * DAY),
    )
    assert {row.customer_id: row.weeks for row in topXSimpleLTVCustomers(2, D)} == {"a": 3, "b": 4}
    assert end_of_data(D) == MONDAY + 14 * DAY


def test_the_end_of_no_data_is_the_first_instant() -> None:
    assert end_of_data({}) == 0


# --- Figures ----------------------------------------------------------------------------------


def test_revenue_per_visit_is_absent_without_visits() -> None:
    [row] = topXSimpleLTVCustomers(1, by_id(customer("c1", ["10"])))
    assert row.revenue_per_visit is None
    assert str(row.visits_per_week) == "0.0000"
    assert str(row.ltv) == "5200.00"


def test_a_customer_without_orders_is_worth_nothing() -> None:
    figures = shown(visits=3, weeks=2)
    assert figures == {
        "rank": "1",
        "customer_id": "c1",
        "last_name": "None",
        "ltv": "0.00",
        "revenue": "0.00",
        "orders": "0",
        "visits": "3",
        "weeks": "2",
        "revenue_per_visit": "0.00",
        "visits_per_week": "1.5000",
        "begin": str(MONDAY),
        "last_order": "None",
        "recent_revenue": "None",
        "expected_purchases": "None",
        "expected_revenue": "None",
    }


def test_the_last_order_is_the_latest_event_that_set_an_amount() -> None:
    order = {"type": "ORDER", "key": "o1", "customer_id": "c1", "total_amount": "5"}
    visit = {"type": "SITE_VISIT", "verb": "NEW", "key": "p1", "customer_id": "c1"}
    events = [
        {**visit, "event_time": "2017-01-01"},
        {**order, "verb": "NEW", "event_time": "2017-01-02"},
        {**order, "verb": "UPDATE", "event_time": "2017-01-03"},  # the amount stays the same
        {**order, "verb": "NEW", "key": "o2", "event_time": "2017-01-02T12:00"},
        {**visit, "event_time": "2017-01-04"},
    ]
    for log in (events, events[::-1]):
        D: dict[str, Customer] = {}
        Ingest(log, D)
        [row] = topXSimpleLTVCustomers(1, D)
        assert (row.begin, row.last_order) == (MONDAY - DAY, MONDAY + DAY)


def test_refunds_count_as_they_stand() -> None:
    figures = shown("10", "-25.50", visits=4, weeks=3)
    assert figures["revenue"] == "-15.50"
    assert figures["orders"] == "2"
    assert figures["revenue_per_visit"] == "-3.88"  # -3.875
    assert figures["ltv"] == "-2686.67"


@pytest.mark.parametrize(
    ("amount", "revenue"),
    [
        ("0.004999", "0.00"),
        ("0.005", "0.01"),
        ("0.005001", "0.01"),
        ("0.014999", "0.01"),
        ("0.015", "0.02"),
        ("0.025", "0.03"),
        ("0.994999", "0.99"),
        ("0.995", "1.00"),
        ("2.675", "2.68"),
        ("1.005", "1.01"),
        ("0.000001", "0.00"),
        ("-0.000001", "0.00"),
        ("-0.004999", "0.00"),
        ("-0", "0.00"),
        ("-0.005", "-0.01"),
        ("-0.014999", "-0.01"),
        ("-0.015", "-0.02"),
        ("-0.025", "-0.03"),
        ("-0.995", "-1.00"),
        ("-2.675", "-2.68"),
        ("-10", "-10.00"),
        ("9999.995", "10000.00"),
        ("999999999999.999999", "1000000000000.00"),
        ("999999999999.994999", "999999999999.99"),
        ("-999999999999.9999995", "-1000000000000.00"),
        ("-999999999999.995", "-1000000000000.00"),
    ],
)
def test_revenue_is_rounded_half_away_from_zero(amount: str, revenue: str) -> None:
    assert shown(amount)["revenue"] == revenue


@pytest.mark.parametrize(
    ("amount", "visits", "expected"),
    [
        ("0.01", 2, "0.01"),  # 0.005
        ("-0.01", 2, "-0.01"),
        ("0.05", 2, "0.03"),  # 0.025
        ("-0.05", 2, "-0.03"),
        ("0.009999", 2, "0.00"),  # 0.0049995
        ("-0.009999", 2, "0.00"),
        ("0.01", 3, "0.00"),
        ("0.02", 3, "0.01"),
        ("10", 3, "3.33"),
        ("20", 3, "6.67"),
        ("-20", 3, "-6.67"),
        ("0.000001", 1, "0.00"),
    ],
)
def test_revenue_per_visit(amount: str, visits: int, expected: str) -> None:
    assert shown(amount, visits=visits)["revenue_per_visit"] == expected


@pytest.mark.parametrize(
    ("visits", "weeks", "expected"),
    [
        (1, 1, "1.0000"),
        (1, 3, "0.3333"),
        (2, 3, "0.6667"),
        (1, 16, "0.0625"),
        (1, 32, "0.0313"),  # 0.03125
        (3, 32, "0.0938"),  # 0.09375
        (7, 2, "3.5000"),
        (1, 12_001, "0.0001"),
        (0, 5, "0.0000"),
    ],
)
def test_visits_per_week(visits: int, weeks: int, expected: str) -> None:
    assert shown(visits=visits, weeks=weeks)["visits_per_week"] == expected


@pytest.mark.parametrize(
    ("amount", "weeks", "lifespan", "expected"),
    [
        ("10", 1, 10, "5200.00"),
        ("10", 3, 10, "1733.33"),
        ("20", 3, 10, "3466.67"),
        ("-20", 3, 10, "-3466.67"),
        ("0.000125", 1, 10, "0.07"),  # 0.065
        ("-0.000125", 1, 10, "-0.07"),
        ("0.000009", 1, 10, "0.00"),  # 0.00468
        ("-0.000009", 1, 10, "0.00"),
        ("0.00001", 1, 10, "0.01"),
        ("0.000625", 1, 1, "0.03"),  # 0.0325
        ("0.000625", 1, "0.5", "0.02"),  # 0.01625
        ("0.000625", 5, 1, "0.01"),  # 0.0065
        ("0.01", 1, "0.125", "0.07"),  # 0.065
        ("-0.01", 1, "0.125", "-0.07"),
        ("0.01", 2, "0.25", "0.07"),  # 0.065 too
        ("0.01", 1, "0.1249999999999999999999999999999999999999", "0.06"),
        ("1", 1, "0.1", "5.20"),
        ("1", 1, 0.1, "5.20"),
        ("1", 1, 2.5, "130.00"),
        ("1", 1, Decimal("2.50"), "130.00"),
        ("1", 1, 1000, "52000.00"),
        ("1", 1, "1000.000", "52000.00"),
        ("1", 1, "0.00000001", "0.00"),
        ("999999999999.999999", 1, 1000, "51999999999999999.95"),  # ...99.948
        ("999999999999.999999", 1, "999.999999", "51999999947999999.95"),
    ],
)
def test_ltv(amount: str, weeks: int, lifespan: Any, expected: str) -> None:
    assert shown(amount, weeks=weeks, lifespan=lifespan)["ltv"] == expected


def test_ltv_is_not_made_of_rounded_figures() -> None:
    # 0.004 a visit and 1.5 visits a week would give 0.00, or with 0.01: 7.80.
    figures = shown("0.012", visits=3, weeks=2)
    assert figures["revenue_per_visit"] == "0.00"
    assert figures["ltv"] == "3.12"


def test_revenue_is_the_sum_of_exact_amounts() -> None:
    assert shown(*["0.1"] * 3)["revenue"] == "0.30"
    assert shown(*["0.001"] * 5)["revenue"] == "0.01"  # 0.005, each of them nothing
    assert shown("0.004", "0.004", "-0.003")["revenue"] == "0.01"
    assert shown("999999999999.999999", "0.005001", "-999999999999")["revenue"] == "1.01"


def test_huge_sums_are_exact() -> None:
    huge = Customer("c1")
    time = pack(MONDAY)
    huge.see(time)
    huge.add_order("o1", time, False, 10**40 + 15_000)  # beyond the 28 digits of a Decimal
    huge.add_order("o2", time, False, -10_000)
    huge.add_order("o3", time, False, 10**40)
    huge.add_visit("p1", time, "")
    [row] = topXSimpleLTVCustomers(1, by_id(huge))
    assert str(row.revenue) == "2" + "0" * 34 + ".01"  # half a cent above
    assert str(row.revenue_per_visit) == "2" + "0" * 34 + ".01"
    assert str(row.ltv) == "1040" + "0" * 33 + "2.60"


def test_many_large_orders() -> None:
    figures = shown(*["999999999999.999999"] * 1_000)
    assert figures["revenue"] == "1000000000000000.00"
    assert figures["ltv"] == "519999999999999999.48"
    assert figures["orders"] == "1000"


# --- Ranking ----------------------------------------------------------------------------------


def test_the_best_are_first_and_ranks_run() -> None:
    amounts = {"a": "-5", "b": "10", "c": "0", "d": "10", "e": "11", "f": "-0.01"}
    D = by_id(*(customer(customer_id, [amount]) for customer_id, amount in amounts.items()))
    rows = topXSimpleLTVCustomers(6, D)
    assert ids(rows) == ["e", "b", "d", "c", "f", "a"]
    assert [row.rank for row in rows] == [1, 2, 3, 4, 5, 6]


def test_fewer_weeks_may_beat_more_revenue() -> None:
    D = by_id(customer("long", ["100"], begin=MONDAY - 70 * DAY), customer("new", ["10"], visits=1))
    assert ids(topXSimpleLTVCustomers(2, D)) == ["new", "long"]


def test_equal_figures_are_ranked_by_the_exact_value() -> None:
    D = by_id(
        customer("a", ["0.000001"]),
        customer("b", ["0.000003"]),
        customer("c", ["0.000002"]),
        customer("d", ["-0.000001"]),
        customer("e", ["0"]),
    )
    rows = topXSimpleLTVCustomers(5, D)
    assert ids(rows) == ["b", "c", "a", "e", "d"]
    assert {str(row.ltv) for row in rows} == {"0.00"}


def test_values_that_differ_by_next_to_nothing_are_told_apart() -> None:
    # 12001/12002 > 12000/12001 > ... by about 1/144,000,000 of a millionth.
    end = parse_time("2199-12-31")
    weeks_before = [11_998, 11_999, 12_000, 12_001]
    D = {}
    for weeks in weeks_before:
        begin = end - (weeks - 1) * 7 * DAY
        D[f"{weeks}"] = customer(f"{weeks}", [f"0.{weeks - 1:06}"], begin=begin, latest=end)
        D[f"-{weeks}"] = customer(f"-{weeks}", [f"-0.{weeks - 1:06}"], begin=begin, latest=end)
    rows = topXSimpleLTVCustomers(8, D)
    assert [int(row.customer_id) for row in rows] == [
        12_001, 12_000, 11_999, 11_998, -11_998, -11_999, -12_000, -12_001,
    ]  # fmt: skip
    assert {str(row.ltv) for row in rows} == {"0.00"}  # 0.00052, less


def test_equal_values_of_different_fractions_are_a_tie() -> None:
    week = 7 * DAY
    D = by_id(
        customer("d", ["10"], begin=MONDAY - 2 * week),
        customer("a", ["20"], begin=MONDAY - 5 * week),
        customer("c", ["3.333333"]),
        customer("b", ["6.666666"], begin=MONDAY - week),
        customer("e", ["3.333334"]),
    )
    assert ids(topXSimpleLTVCustomers(5, D)) == ["e", "a", "d", "b", "c"]


CODE_POINTS = ["", "-1", "10", "9", "B", "a", "aa", "z", "é", "\ue000", "\uffff", "\U0001f600"]


@pytest.mark.parametrize("seed", range(5))
def test_ties_are_by_the_code_points_of_ids(seed: int) -> None:
    shuffled = random.Random(seed).sample(CODE_POINTS, len(CODE_POINTS))
    D = by_id(*(customer(customer_id, ["1"]) for customer_id in shuffled))
    rows = topXSimpleLTVCustomers(len(CODE_POINTS), D)
    assert ids(rows) == CODE_POINTS
    assert [row.rank for row in rows] == list(range(1, len(CODE_POINTS) + 1))
    assert ids(topXSimpleLTVCustomers(3, D)) == CODE_POINTS[:3]


@pytest.mark.parametrize("x", [1, 2, 3, 4, 1000, 10**18, 2**63, 10**30])
def test_x(x: int) -> None:
    D = by_id(*(customer(customer_id, [customer_id]) for customer_id in "123"))
    assert ids(topXSimpleLTVCustomers(x, D)) == ["3", "2", "1"][:x]


@pytest.mark.parametrize("x", [0, -1, -(10**30), True, False, 1.0, 1.5, "3", "", None, [3]])
def test_no_x(x: Any) -> None:
    with pytest.raises(ValueError) as caught:
        topXSimpleLTVCustomers(x, example())
    assert str(caught.value) == f"x: expected a whole number above 0, got {ltv.values.shown(x)}"


def test_no_x_of_any_length() -> None:
    with pytest.raises(ValueError, match=r"^x: expected a whole number above 0, got"):
        topXSimpleLTVCustomers(-(10**5000), example())


@pytest.mark.parametrize("lifespan", [0, -1, 1001, "0", "ten", "1e1", "", True, None, 1e-9])
def test_no_lifespan(lifespan: Any) -> None:
    with pytest.raises(ValueError) as caught:
        topXSimpleLTVCustomers(1, example(), lifespan=lifespan)
    expected = f"lifespan: expected years above 0 and up to 1,000, got {ltv.values.shown(lifespan)}"
    assert str(caught.value) == expected


def test_the_first_instant_is_a_begin_and_an_end() -> None:
    D = by_id(customer("a", ["1"], begin=0), customer("b", ["2"], begin=0))
    assert [(row.customer_id, row.weeks) for row in topXSimpleLTVCustomers(2, D)] == [
        ("b", 1),
        ("a", 1),
    ]
    assert totals(D) == Totals(0, 0, customers=2, visits=0, orders=2, images=0)


def test_nobody_is_known() -> None:
    assert topXSimpleLTVCustomers(3, {}) == []


def test_nobody_adds_up_to_nothing() -> None:
    assert totals({}) == totals(by_id(Customer("a"))) == join_totals([]) == (0, 0, 0, 0, 0, 0)


def test_the_last_digit_of_the_greatest_amounts_decides() -> None:
    D = by_id(customer("a", ["999999999999.999998"]), customer("b", ["999999999999.999999"]))
    assert [row.customer_id for row in topXSimpleLTVCustomers(2, D)] == ["b", "a"]


class Table:
    """A D that has figures at hand, and notes what the threshold was at each customer."""

    def __init__(self, D: dict[str, Customer]) -> None:
        self._D = D
        self.rates: list[float] = []

    def __getitem__(self, customer_id: str, /) -> Customer:
        return self._D[customer_id]

    def values(self) -> Iterable[Customer]:
        return self._D.values()

    def figures(self, threshold: Threshold) -> Iterator[tuple[str, str, int]]:
        for customer_id, one in self._D.items():
            self.rates.append(threshold.revenue_rate)
            yield customer_id, one.first_time[:10], one.revenue_micros

    def totals(self) -> Totals:
        return totals(self._D)


@pytest.mark.parametrize("place", [0, 999, 1000, 2499])
def test_the_best_may_be_anywhere_among_many(place: int) -> None:
    D = by_id(
        *(customer(f"c{number}", ["9" if number == place else "1"]) for number in range(2500))
    )
    table = Table(D)
    best = topXSimpleLTVCustomers(2, D)
    assert [row.customer_id for row in best] == [f"c{place}", "c0" if place else "c1"]
    assert topXSimpleLTVCustomers(2, table) == best
    assert table.rates[:1000] == [0.0] * 1000
    assert 0.99 < min(table.rates[1000:]) * WEEK / MICROS_PER_UNIT < 1


class Found(Table):
    """A D in which customers can be looked up."""

    def get(self, customer_id: str, /) -> Customer | None:
        return self._D.get(customer_id)

    def ids_beginning(self, prefix: str, most: int, /) -> list[str]:
        return sorted(one for one in self._D if one.startswith(prefix))[:most]

    def end(self) -> int:
        return end_of_data(self._D)

    def count_before(self, candidate: Candidate, _: Ranking, /) -> int:
        return 100 + int(candidate.customer_id)


def test_how_many_come_before_a_customer() -> None:
    amounts = {"1": "5", "2": "9", "3": "5", "4": "1"}
    D = by_id(*(customer(one, [amount]) for one, amount in amounts.items()))
    end = end_of_data(D) + WEEK
    candidates = best_customers(4, D, end=end)
    assert [candidate.customer_id for candidate in candidates] == ["2", "1", "3", "4"]
    for place, candidate in enumerate(candidates):
        assert count_before(candidate, D, end=end) == place
        assert count_before(candidate, Table(D), end=end) == place
        found = count_before(candidate, Found(D), end=end)
        assert found == 100 + int(candidate.customer_id)


def test_a_threshold_is_told_by_its_revenue_a_week() -> None:
    threshold = Threshold(MONDAY)
    assert threshold.revenue_rate == 0.0
    best = best_customers(1, by_id(customer("a", ["604800"])))[0]
    threshold.raise_to(best.falling_value)
    rate = threshold.revenue_rate
    assert 0.999_999 < rate * WEEK / 604_800_000_000 < 1
    threshold.raise_to(best.falling_value // 2)
    assert threshold.revenue_rate == rate  # it is never lower than it was
    below_zero = Threshold(MONDAY)
    below_zero.raise_to(1)
    assert below_zero.revenue_rate == 0.0


def test_any_mapping_will_do() -> None:
    D = example()
    assert topXSimpleLTVCustomers(2, MappingProxyType(D)) == topXSimpleLTVCustomers(2, D)
    assert totals(MappingProxyType(D)) == totals(D)


def test_ranking_leaves_what_is_known() -> None:
    D = example()
    assert topXSimpleLTVCustomers(1, D) == topXSimpleLTVCustomers(2, D)[:1]
    assert list(D) == ["c1", "c2"]
    assert totals(D) == totals(example())


# --- Parts, and random customers --------------------------------------------------------------


def random_customers(seed: int, count: int) -> dict[str, Customer]:
    """Customers of few amounts and begins, so that there are ties."""
    rng = random.Random(seed)
    customers = []
    for number in range(count):
        amounts = rng.choices(["0", "1", "2", "0.000001", "-3", "1.5", "10"], k=rng.randint(0, 4))
        begin = MONDAY + rng.randrange(8) * 7 * DAY
        latest = begin + rng.randrange(30) * DAY
        name = rng.choice(["c", "C", "é", "\U0001f600", "\uffff"]) + str(number)
        visits = rng.randrange(3)
        customers.append(customer(name, amounts, visits=visits, begin=begin, latest=latest))
    return by_id(*customers)


def exact_ltv(made: Customer, end: int) -> Fraction:
    """The lifetime value in ten years, from the public parts of what is known."""
    assert made.begin is not None
    revenue = sum((Fraction(order.total_amount) for order in made.orders), Fraction(0))
    return 52 * revenue / weeks_between(made.begin, end) * 10


@pytest.mark.parametrize("seed", range(20))
def test_the_top_is_the_same_as_all_sorted_and_cut(seed: int) -> None:
    D = random_customers(seed, 60)
    end = max(made.latest or 0 for made in D.values())
    values = {customer_id: exact_ltv(made, end) for customer_id, made in D.items()}
    expected = sorted(D, key=lambda customer_id: (-values[customer_id], customer_id))
    assert len(set(values.values())) < len(values), "there should be ties"
    for x in (1, 2, 7, 59, 60, 61):
        rows = topXSimpleLTVCustomers(x, D)
        assert ids(rows) == expected[:x]
        assert [row.rank for row in rows] == list(range(1, min(x, 60) + 1))
    for row in topXSimpleLTVCustomers(60, D):
        assert abs(Fraction(row.ltv) - values[row.customer_id]) <= Fraction(1, 200)


@pytest.mark.parametrize("seed", range(20))
def test_the_top_of_the_tops_of_parts_is_the_top_of_all(seed: int) -> None:
    D = random_customers(seed, 60)
    end = end_of_data(D)
    parts: list[dict[str, Customer]] = [{}, {}, {}, {}]
    for number, customer_id in enumerate(D):
        parts[number % 4][customer_id] = D[customer_id]
    for x in (1, 5, 60):
        placed = [best for part in parts for best in best_customers(x, part, end=end)]
        random.Random(seed).shuffle(placed)
        top = best_of(x, placed)
        assert ranked(top) == topXSimpleLTVCustomers(x, D)
        assert best_of(x, best_of(x, placed[::2]) + best_of(x, placed[1::2])) == top
    assert max(map(end_of_data, parts)) == end


@pytest.mark.parametrize("seed", range(20))
def test_the_totals_of_parts_join_to_those_of_all(seed: int) -> None:
    D = random_customers(seed, 60)
    parts: list[dict[str, Customer]] = [{}, {}, {}, {}]
    for number, customer_id in enumerate(D):
        D[customer_id].add_image("i1", pack(MONDAY), "")
        parts[number % 4][customer_id] = D[customer_id]
    assert join_totals(map(totals, parts)) == totals(D)
    assert join_totals([totals(D)]) == totals(D)


def test_totals_of_parts_add_up_between_the_first_begin_and_the_last_end() -> None:
    parts = [Totals(5, 9, 1, 2, 3, 4), Totals(3, 7, 10, 20, 30, 40), Totals(4, 8, 0, 0, 0, 0)]
    assert join_totals(parts) == join_totals(iter(parts[::-1])) == Totals(3, 9, 11, 22, 33, 44)


def test_ties_between_parts_are_by_the_code_points_of_ids() -> None:
    parts = [by_id(customer(customer_id, ["1"])) for customer_id in CODE_POINTS]
    placed = [best for part in parts for best in best_customers(1, part)]
    rows = ranked(best_of(len(placed), reversed(placed)))
    assert ids(rows) == CODE_POINTS
    assert [row.rank for row in rows] == list(range(1, len(CODE_POINTS) + 1))
    assert ids(ranked(best_of(3, reversed(placed)))) == CODE_POINTS[:3]


def test_the_best_of_no_parts_are_none() -> None:
    assert best_of(3, []) == []
    assert ranked([]) == []


@pytest.mark.parametrize(
    ("x", "lifespan", "problem"), [(0, 10, "x: expected"), (1, 0, "lifespan: expected")]
)
def test_no_best_customers(x: int, lifespan: int, problem: str) -> None:
    with pytest.raises(ValueError, match=f"^{problem}"):
        ranked(best_customers(x, {}), lifespan)


def test_a_part_has_another_end_when_none_is_given() -> None:
    part = by_id(customer("a", ["1"]))
    assert topXSimpleLTVCustomers(1, part)[0].weeks == 1
    assert topXSimpleLTVCustomers(1, part, end=MONDAY + 7 * DAY)[0].weeks == 2
    assert topXSimpleLTVCustomers(1, part, end=MONDAY + 7 * DAY - 1)[0].weeks == 1
    later = by_id(customer("a", ["1"], latest=MONDAY + 7 * DAY))
    assert topXSimpleLTVCustomers(1, later, end=0)[0].weeks == 1


def test_a_customer_without_any_event_is_not_ranked() -> None:
    assert topXSimpleLTVCustomers(1, {"c1": Customer("c1")}) == []
