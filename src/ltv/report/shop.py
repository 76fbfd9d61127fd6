"""How the shop does: its figures of all time, and of 13 weeks beside those before.

| figure | of some orders |
|---|---|
| `revenue`, `orders` | the sum of their amounts; how many there are |
| `customers_with_orders` | how many customers placed them |
| `average_order_value` | revenue / orders |
| `percent_came_back` | how many of these customers had come back by then (ltv.report.spans) |
| `returning_revenue` | the revenue of orders by which a customer came back |

The weeks are those of ltv.report.spans, each shown where it lies whole in the data. A change is in
percent of the weeks before, where these are above 0, and in points of what is in percent. All is
exact and rounded once.
"""

from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from ltv.report.figures import Figures
from ltv.report.spans import ALL, BEFORE, LAST, YEAR_BEFORE, span_days
from ltv.times import day_text
from ltv.values import MICROS_PER_UNIT
from LTV_Calculate import Totals, rounded

#: The figures, and the decimal places that are shown.
_PLACES = {
    "revenue": 2,
    "customers_with_orders": 0,
    "orders": 0,
    "average_order_value": 2,
    "percent_came_back": 2,
    "returning_revenue": 2,
}


class ShopFigure(NamedTuple):
    """A figure of the shop: of all time, of the spans, and how much it changed since the others."""

    figure: str
    all: Decimal | int | None
    last: Decimal | int | None
    before: Decimal | int | None
    change: Decimal | None
    year_before: Decimal | int | None
    year_change: Decimal | None


class Shop(NamedTuple):
    """How the shop does; `begin` and `end` are the first and the last day of the last 13 weeks."""

    begin: str | None
    end: str | None
    figures: list[ShopFigure]


def shop_of(figures: Figures, totals: Totals) -> Shop:
    """Return how the shop does; `totals` are of the same customers, of which there are some."""
    begin = day_text(totals.begin)
    days = {span: span_days(span, totals.end) for span in (LAST, BEFORE, YEAR_BEFORE)}
    exact = {span: _in_span(figures, span, some) for span, some in days.items() if some[0] >= begin}
    exact[ALL] = _in_all(figures)
    nothing: dict[str, Fraction | None] = dict.fromkeys(_PLACES)
    of_all, last, before, year_before = (
        exact.get(span, nothing) for span in (ALL, LAST, BEFORE, YEAR_BEFORE)
    )
    return Shop(
        days[LAST][0] if LAST in exact else None,
        days[LAST][-1] if LAST in exact else None,
        [
            ShopFigure(
                name,
                _shown(of_all[name], places),
                _shown(last[name], places),
                _shown(before[name], places),
                _change(name, last[name], before[name]),
                _shown(year_before[name], places),
                _change(name, last[name], year_before[name]),
            )
            for name, places in _PLACES.items()
        ],
    )


def _in_all(figures: Figures) -> dict[str, Fraction | None]:
    return _figures_of(
        figures.revenue.total(),
        figures.habits.customers,
        figures.orders.total(),
        figures.habits.to_second.total(),
        figures.revenue.total() - figures.first_revenue.total(),
    )


def _in_span(figures: Figures, span: str, days: list[str]) -> dict[str, Fraction | None]:
    revenue, orders, first_revenue = (
        sum(map(by_day.__getitem__, days))
        for by_day in (figures.revenue, figures.orders, figures.first_revenue)
    )
    buyers = figures.habits.in_span[span]
    came_back = buyers - figures.habits.first_in_span[span]
    return _figures_of(revenue, buyers, orders, came_back, revenue - first_revenue)


def _figures_of(
    revenue: int, buyers: int, orders: int, came_back: int, returning: int
) -> dict[str, Fraction | None]:
    """Return the figures of some orders, exactly; the revenues given are in micros."""
    money = Fraction(revenue, MICROS_PER_UNIT)
    values = (
        money,
        Fraction(buyers),
        Fraction(orders),
        money / orders if orders else None,
        Fraction(100 * came_back, buyers) if buyers else None,
        Fraction(returning, MICROS_PER_UNIT),
    )
    return dict(zip(_PLACES, values, strict=True))


def _shown(exact: Fraction | None, places: int) -> Decimal | int | None:
    if exact is None:
        return None
    return rounded(*exact.as_integer_ratio(), places=places) if places else int(exact)


def _change(name: str, now: Fraction | None, before: Fraction | None) -> Decimal | None:
    if now is None or before is None:
        return None
    if name.startswith("percent"):
        return rounded(*(now - before).as_integer_ratio(), places=2)
    if before <= 0:
        return None
    return rounded(*(100 * (now - before) / before).as_integer_ratio(), places=2)
