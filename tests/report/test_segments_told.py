"""What a marketer acts on: by hand on a small log, and against a plain second counting."""

import json
import random
from collections import Counter
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Any

import pytest

import ltv.parallel.driver
import ltv.reading.files
import segments_oracle as oracle
from hostile import hostile_events
from ltv.ranking.segments import SEGMENTS
from ltv.report.digest import Digest, digest_of
from ltv.report.figures import figures_of
from ltv.report.habits import nearest_rank, usual_time
from ltv.times import time_text
from LTV_Calculate import totals
from LTV_Classes import Customer
from LTV_Ingest import Ingest

Known = dict[str, Customer]


def order(customer_id: str, key: object, day: date | str, amount: str = "10") -> dict[str, str]:
    return {
        "type": "ORDER", "verb": "NEW", "key": str(key), "customer_id": customer_id,
        "event_time": str(day), "total_amount": amount,
    }  # fmt: skip


def visit(customer_id: str, day: date | str) -> dict[str, str]:
    return {
        "type": "SITE_VISIT", "verb": "NEW", "key": "p", "customer_id": customer_id,
        "event_time": str(day),
    }  # fmt: skip


def digest(D: Known) -> Digest:
    found = totals(D)
    return digest_of(figures_of(D.values(), found.end, "10", at_once=17), found, {})


def known_from(events: Any) -> Known:
    D: Known = {}
    Ingest(events, D)
    return D


def shop(seed: int, customers: int = 50, days: int = 500) -> Known:
    """Customers who order every so often, some of them twice a day, and some of whom leave."""
    rng = random.Random(seed)
    events = []
    for number in range(customers):
        day = date(2016, 1, 1) + timedelta(rng.randrange(days))
        who = f"c{number}"
        events.append(visit(who, day - timedelta(rng.randrange(40))))
        pace = rng.randrange(1, 60)
        for key in range(rng.choice([0, 1, 1, 2, 3, 4, 5, 9, 30])):
            amount = str(rng.choice([1, 1, 1, -1]) * rng.randrange(200))
            events.append(order(who, key, f"{day}T{rng.randrange(24):02}:00", amount))
            day += timedelta(rng.choice([0, pace, pace, rng.randrange(2 * pace)]))
    last = date(2016, 1, 1) + timedelta(days)
    return known_from(event for event in events if event["event_time"][:10] <= str(last))


def exact(value: Fraction) -> Decimal:
    """To two decimals, half away from zero."""
    quotient = Decimal(value.numerator) / Decimal(value.denominator)
    return quotient.quantize(Decimal("0.01"), ROUND_HALF_UP) + 0


def money(micros: int) -> Decimal:
    return exact(Fraction(micros, 10**6))


def percent(part: int, whole: int) -> Decimal | None:
    return exact(Fraction(100 * part, whole)) if whole > 0 else None


# --- By hand ----------------------------------------------------------------------------------

#: The end is 2017-04-30. a comes every 10 days until March, b every 40, c once, d and e often.
SMALL = [
    *(order("a", n, date(2017, 1, 1) + timedelta(10 * n), "100") for n in range(6)),
    *(order("b", n, date(2017, 1, 10) + timedelta(40 * n), "50") for n in range(3)),
    order("c", 1, "2017-01-20", "30"),
    order("d", 1, "2017-04-29", "20"),
    order("d", 2, "2017-04-29T23:00", "20"),
    order("d", 3, "2017-04-30", "7"),
    order("e", 1, "2017-02-01", "0"),
    visit("f", "2017-04-01"),
]  # fmt: skip


@pytest.fixture(scope="module")
def small() -> Digest:
    return digest(known_from(SMALL))


def test_segments_by_hand(small: Digest):
    """R: c, e, a, b, d have 1 to 5; F: c, e, b, d, a; M: e, c, d, b, a."""
    assert (small.segments.customers, small.segments.without_orders) == (5, 1)
    found = {each.name: each[1:] for each in small.segments.segments}
    assert list(found) == list(SEGMENTS)
    some = {name: share for name, share in found.items() if share[0]}
    assert some == {
        "loyal": (2, Decimal("40.00"), Decimal("750.00"), Decimal("90.69")),  # 3, 10; 4, 7
        "champions": (1, Decimal("20.00"), Decimal("47.00"), Decimal("5.68")),  # 5, 7
        "lost": (2, Decimal("40.00"), Decimal("30.00"), Decimal("3.63")),  # 1, 3; 2, 3
    }
    assert found["new"] == (0, Decimal("0.00"), Decimal("0.00"), Decimal("0.00"))


def test_at_risk_by_hand(small: Digest):
    """a is the only one of the best fifth, and came every 10 days, but not for 69 days."""
    (one,) = small.at_risk.best
    assert one == ("a", Decimal("600.00"), 6, "2017-02-20T00:00:00Z", 69, 10)
    assert small.at_risk[:4] == (1, Decimal("100.00"), Decimal("600.00"), 40)


def test_second_orders_by_hand(small: Digest):
    """a after 10 days, b after 40, d after 1, but d's first order was yesterday."""
    assert small.second_order[:4] == (5, 3, Decimal("60.00"), 10)
    assert [(one.days, one.customers, one.returned) for one in small.second_order.within] == [
        (30, 4, 1),
        (60, 4, 2),
        (90, 3, 2),
        (180, 0, 0),
        (365, 0, 0),
    ]
    assert [one.percent for one in small.second_order.within[2:4]] == [Decimal("66.67"), None]


def test_cohorts_by_hand(small: Digest):
    """January: a in two months, b in three, c in one; April, in which the data ends: d, not f."""
    assert [(each.begin, each.percent_retained) for each in small.cohorts.cohorts] == [
        ("2017-01-01", [Decimal(text) for text in ("100.00", "66.67", "33.33", "0.00")]),
        ("2017-02-01", [Decimal(text) for text in ("100.00", "0.00", "0.00")]),
        ("2017-04-01", [Decimal("50.00")]),
    ]
    means = [Decimal("100.00"), Decimal("50.00"), Decimal("33.33"), None]
    assert small.cohorts.mean_percent_retained == means


def test_new_and_returning_revenue_by_hand(small: Digest):
    (week,) = (each for each in small.periods.periods if each.begin == "2017-04-24")
    assert (week.new_revenue, week.returning_revenue) == (Decimal("40.00"), Decimal("7.00"))
    (week,) = (each for each in small.periods.periods if each.begin == "2017-01-09")
    assert (week.new_revenue, week.returning_revenue) == (Decimal("50.00"), Decimal("100.00"))


def test_nobody_ordered():
    found = digest(known_from([visit("f", "2017-04-01")]))
    assert {each[1:] for each in found.segments.segments} == {(0, None, Decimal("0.00"), None)}
    assert found.at_risk == (0, None, Decimal("0.00"), None, [])
    assert found.second_order[:4] == (0, 0, None, None)


PERCENTILES = [
    # times, the usual one: of 19 the longest, of 20 the one before it
    ([5, 5], 0),
    ([7, 1, 3], 7),
    (list(range(1, 20)), 19),
    (list(range(1, 21)), 19),
    (list(range(1, 41)), 38),
]


@pytest.mark.parametrize(("times", "usual"), PERCENTILES)
def test_the_usual_time(times: list[int], usual: int):
    assert usual_time(times) == usual
    assert oracle.nearest_rank(times, 95) == nearest_rank(Counter(times), 95)


# --- Against a plain second counting ----------------------------------------------------------

SHOPS = [shop(seed, customers) for seed, customers in enumerate([50, 50, 50, 3, 7, 1, 90])]
SHOPS.append(known_from(hostile_events(90)))


@pytest.mark.parametrize("D", SHOPS)
def test_segments_are_those_of_plain_sums(D: Known):
    names = oracle.segments(D)
    total = sum(map(oracle.revenue, D.values()))
    table = digest(D).segments
    assert (table.customers, table.without_orders) == (len(names), len(D) - len(names))
    for each in table.segments:
        inside = [D[one] for one, name in names.items() if name == each.name]
        revenue = sum(map(oracle.revenue, inside))
        assert each[1:] == (
            len(inside),
            percent(len(inside), len(names)),
            money(revenue),
            percent(revenue, total),
        )


@pytest.mark.parametrize("D", SHOPS)
def test_customers_at_risk_are_those_of_plain_sums(D: Known):
    expected = oracle.at_risk(D, totals(D).end)
    found = digest(D).at_risk
    rows = sorted(expected, key=lambda one: (-oracle.revenue(D[one]), one))
    assert found.customers == len(rows)
    assert found.usual_days == oracle.usual_of_all(D)
    assert found.revenue == money(sum(oracle.revenue(D[one]) for one in rows))
    assert found.best == [
        (
            one,
            money(oracle.revenue(D[one])),
            len(D[one].orders),
            time_text(oracle.last_order(D[one])),
            *expected[one],
        )
        for one in rows
    ]


def test_somebody_is_at_risk_by_each_of_both_rules():
    risks = [(one, D) for D in SHOPS for one in oracle.at_risk(D, totals(D).end)]
    by_own = [len(oracle.times_between(D[one])) >= 3 for one, D in risks]
    assert by_own.count(True) > 3
    assert by_own.count(False) > 3


@pytest.mark.parametrize("D", SHOPS)
def test_second_orders_are_those_of_plain_sums(D: Known):
    end = totals(D).end
    firsts = [times[0] for times in map(oracle.times_between, D.values()) if times]
    buyers = len(oracle.buyers_of(D))
    found = digest(D).second_order
    of_all = buyers, len(firsts), percent(len(firsts), buyers)
    assert found[:4] == (*of_all, oracle.nearest_rank(firsts, 50))
    for days, old, returned, share in found.within:
        assert (old, returned) == oracle.came_again(D, end, days)
        assert share == percent(returned, old)


@pytest.mark.parametrize("D", SHOPS)
def test_new_and_returning_revenue_are_plain_sums(D: Known):
    table = digest(D).periods
    begins = [date.fromisoformat(period.begin) for period in table.periods]
    for number, by_day in enumerate(oracle.revenue_by_day(D)):
        sums = [0] * len(begins)
        for day, amount in by_day.items():
            sums[max(place for place, begin in enumerate(begins) if begin <= day)] += amount
        found = [period[-2:][number] for period in table.periods]
        assert [each or 0 for each in found] == list(map(money, sums))


SPANS = [(300, 1), (700, 1), (1_000, 3), (2_500, 12), (9_000, 60), (45_000, 120)]


@pytest.mark.parametrize(("days", "months"), SPANS)
def test_retained_are_those_of_plain_sums(days: int, months: int):
    D = shop(days, days=days)
    table = digest(D).cohorts
    assert table.unit == {1: "month", 3: "quarter", 12: "year"}.get(months, f"{months // 12} years")

    def period_of(day: date) -> int:
        return (day.year * 12 + day.month - 1) // months

    rows, means = oracle.retained(D, period_of, period_of(oracle.day_of(totals(D).end)))
    found = {period_of(date.fromisoformat(each.begin)): each for each in table.cohorts}
    assert {begin: each.percent_retained for begin, each in found.items()} == {
        begin: list(map(exact, row)) for begin, row in rows.items()
    }
    assert table.mean_percent_retained == [None if one is None else exact(one) for one in means]


# --- However it runs --------------------------------------------------------------------------


def test_json_has_them_the_same_by_processes_and_with_a_store(
    run: Any, make_file: Any, monkeypatch: pytest.MonkeyPatch
):
    D = shop(1, 70)
    events = [
        order(one, each.order_id, time_text(each.event_time), f"{each.total_amount}")
        for one, customer in D.items()
        for each in customer.orders
    ]
    log = make_file("\n".join(map(json.dumps, events)))
    again = known_from(events)

    def figures(*arguments: object) -> Any:
        done = run(5, *arguments, "-f", "json", "-o", "-", "-q")
        assert (done.status, done.err) == (0, "")
        return json.loads(done.out, parse_float=Decimal)["figures"]

    expected = figures(log)
    shown = digest(again)
    assert [tuple(row.values()) for row in expected["segments"]["segments"]] == list(
        shown.segments.segments
    )
    assert [tuple(row.values()) for row in expected["at_risk"]["best"]] == shown.at_risk.best
    assert tuple(expected["second_order"].values())[:4] == shown.second_order[:4]
    means = expected["cohorts"]["mean_percent_retained"]
    assert means == shown.cohorts.mean_percent_retained
    monkeypatch.setattr(ltv.reading.files, "_SMALL_BYTES", -1)
    monkeypatch.setattr(ltv.parallel.driver, "_LEAST_PART_BYTES", 20_000)
    assert figures(log, "--workers", 1) == expected
    assert figures(log, "--store", "shop", "--workers", 1) == expected
    assert figures("--store", "shop") | {"rejected_for": {}} == expected
