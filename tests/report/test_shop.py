"""How the shop does: by hand, at the edges of the weeks, and against plain sums."""

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from test_figures import Known, day_of, known_from, money, order, random_shop, visit

from ltv.report.digest import digest_of
from ltv.report.figures import figures_of
from ltv.report.shop import Shop
from LTV_Calculate import totals

MONDAY = date(2018, 7, 2)  # of the week of the end
LAST, BEFORE, YEAR_BEFORE = (MONDAY - timedelta(weeks=weeks) for weeks in (13, 26, 65))


def shop_of(D: Known) -> Shop:
    found = totals(D)
    return digest_of(figures_of(D.values(), found.end, "10"), found, {}).shop


def rows_of(events: Any) -> dict[str, tuple[Any, ...]]:
    return {figure.figure: tuple(figure[1:]) for figure in shop_of(known_from(events)).figures}


def on(day: date, days: int = 0) -> str:
    return (day + timedelta(days)).isoformat()


EVENTS = [
    visit("c", on(YEAR_BEFORE)),  # the data begins on the first day of these weeks
    visit("c", on(MONDAY, 6)),
    order("a", "1", on(YEAR_BEFORE), "100"),
    order("b", "1", on(YEAR_BEFORE, 90), "20"),
    order("b", "2", on(YEAR_BEFORE, 91), "7"),  # in no span
    order("a", "2", on(BEFORE), "50.50"),
    order("d", "1", on(BEFORE, 90), "3"),
    order("a", "3", on(LAST), "10"),
    order("a", "4", on(LAST), "10"),
    order("d", "2", on(LAST, 90), "1"),
    order("e", "1", on(LAST, 1) + "T01:00:00Z", "8"),
    order("e", "2", on(LAST, 1) + "T23:00:00Z", "2"),  # on its first day: e did not come back
    order("a", "5", on(MONDAY), "5"),  # in the week of the end
]


def test_by_hand():
    shop = shop_of(known_from(EVENTS))
    assert (shop.begin, shop.end) == (on(LAST), on(MONDAY, -1))
    assert rows_of(EVENTS) == {
        "revenue": tuple(map(Decimal, ["216.50", "31.00", "53.50", "-42.06", "120.00", "-74.17"])),
        "customers_with_orders": (4, 3, 2, Decimal("50.00"), 2, Decimal("50.00")),
        "orders": (11, 5, 2, Decimal("150.00"), 2, Decimal("150.00")),
        "average_order_value": tuple(
            map(Decimal, ["19.68", "6.20", "26.75", "-76.82", "60.00", "-89.67"])
        ),
        # All but e; of a, d, e two; of a and d one; of a and b none.
        "percent_came_back": tuple(
            map(Decimal, ["75.00", "66.67", "50.00", "16.67", "0.00", "66.67"])
        ),
        "returning_revenue": (
            Decimal("83.50"), Decimal("21.00"), Decimal("50.50"), Decimal("-58.42"),
            Decimal("0.00"), None,
        ),
    }  # fmt: skip


def test_weeks_that_do_not_lie_whole_in_the_data_are_absent():
    def shown(begin: date) -> list[bool]:
        figures = rows_of([order("a", "1", on(begin), "1"), visit("a", on(MONDAY))])
        return [figures["orders"][column] is not None for column in (1, 2, 4)]

    assert shown(YEAR_BEFORE) == [True, True, True]
    assert shown(YEAR_BEFORE + timedelta(1)) == [True, True, False]
    assert shown(BEFORE) == [True, True, False]
    assert shown(BEFORE + timedelta(1)) == [True, False, False]
    assert shown(LAST) == [True, False, False]
    assert shown(LAST + timedelta(1)) == [False, False, False]
    assert shop_of(known_from([visit("a", on(MONDAY))]))[:2] == (None, None)
    assert shop_of(known_from([visit("a", "1970-01-01")]))[:2] == (None, None)


@pytest.mark.parametrize("amount", ["0", "-5"])
def test_no_change_in_percent_of_what_is_not_above_zero(amount: str):
    events = [order("a", "1", on(BEFORE), amount), order("a", "2", on(LAST), "10")]
    rows = rows_of([*events, visit("a", on(MONDAY))])
    assert rows["revenue"][1:4] == (
        Decimal("10.00"),
        Decimal(amount).quantize(Decimal("1.00")),
        None,
    )
    assert rows["average_order_value"][3] is None
    assert rows["percent_came_back"][1:4] == (Decimal(100), Decimal(0), Decimal(100))


def test_without_orders_there_is_no_average():
    rows = rows_of([visit("a", on(LAST)), visit("a", on(MONDAY))])
    assert rows["average_order_value"][:3] == (None, None, None)
    assert rows["percent_came_back"][:3] == (None, None, None)
    assert rows["orders"][:3] == (0, 0, None)


def plain_figures(D: Known, first: date, last: date) -> list[Decimal | int | None]:
    """The six figures of the orders of these days, in the plainest way."""

    def orders(customer: Any) -> Iterator[tuple[date, Fraction]]:
        return ((day_of(o.event_time), Fraction(o.total_amount)) for o in customer.orders)

    amounts, returning, came_back, buyers = [], [], set(), set()
    for customer in D.values():
        for day, amount in orders(customer):
            if first <= day <= last:
                amounts.append(amount)
                buyers.add(customer.customer_id)
                if any(other < day for other, _ in orders(customer)):
                    came_back.add(customer.customer_id)
                    returning.append(amount)
    revenue = sum(amounts, Fraction(0))
    return [
        money(revenue),
        len(buyers),
        len(amounts),
        money(revenue / len(amounts)) if amounts else None,
        money(Fraction(100 * len(came_back), len(buyers))) if buyers else None,
        money(sum(returning, Fraction(0))),
    ]


@pytest.mark.parametrize("seed", range(6))
def test_figures_are_plain_sums(seed: int):
    D = random_shop(seed, days=420 + 20 * seed)
    end = day_of(totals(D).end)
    monday = end - timedelta(end.weekday())
    begin = day_of(totals(D).begin)
    columns = list(zip(*shop_of(D).figures, strict=True))
    assert list(columns[1]) == plain_figures(D, begin, end)
    for column, weeks in ((2, 13), (3, 26), (5, 65)):
        first = monday - timedelta(weeks=weeks)
        if first >= begin:
            assert list(columns[column]) == plain_figures(D, first, first + timedelta(90))
        else:
            assert set(columns[column]) == {None}


def test_the_spans_of_random_shops_are_whole_and_not_whole():
    """Or the test before would prove little."""
    shown = [
        [
            figure is not None
            for figure in shop_of(random_shop(seed, days=420 + 20 * seed)).figures[0]
        ]
        for seed in range(6)
    ]
    assert {row[5] for row in shown} == {True, False}
