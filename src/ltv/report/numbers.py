"""The first screen of the report: the six figures of the shop, and how they changed."""

from collections.abc import Iterator
from decimal import Decimal

from ltv.report.html import Section, html_paragraph, html_section, or_dash
from ltv.report.shop import Shop, ShopFigure
from ltv.report.spans import WEEKS
from ltv.report.story import Story


def numbers_section(story: Story) -> Section:
    """Return the figures of the shop."""
    shop, currency = story.digest.shop, story.summary.currency
    return html_section(
        "numbers",
        "The shop in numbers",
        html_paragraph(_told(shop), "note"),
        _tiles(shop.figures, currency),
    )


def _told(shop: Shop) -> str:
    if shop.begin is None:
        return (
            f"Of all the data. It does not hold {WEEKS} whole weeks before the week of its end, "
            "so there is nothing to compare yet."
        )
    told = (
        f"The large figures are of all the data, the small ones of its last {WEEKS} whole weeks, "
        f"{shop.begin} to {shop.end}"
    )
    revenue = shop.figures[0]
    if revenue.before is None:
        return f"{told}. The data begins too late to compare these with the {WEEKS} before."
    told += f", compared with the {WEEKS} weeks before"
    if revenue.year_before is None:
        return f"{told}. It has no data of these weeks a year earlier."
    return f"{told}, and with the same weeks a year earlier."


def _tiles(figures: list[ShopFigure], currency: str) -> Iterator[str]:
    names = {
        "revenue": f"revenue, {currency}",
        "customers_with_orders": "customers who ordered",
        "orders": "orders",
        "average_order_value": f"average order value, {currency}",
        "percent_came_back": "repeat rate: customers who ordered again later",
        "returning_revenue": f"revenue of returning customers, {currency}",
    }
    yield '<dl class="facts big">\n'
    for figure in figures:
        unit = " %" if figure.figure.startswith("percent") else ""
        yield f"<div><dt>{names[figure.figure]}</dt><dd>{_text(figure.all, unit)}</dd>"
        if figure.last is not None:
            yield f"<dd><b>{_text(figure.last, unit)}</b> in {WEEKS} weeks</dd>"
        for change, was, at, than in (
            (figure.change, figure.before, "in ", f"{WEEKS} before"),
            (figure.year_change, figure.year_before, "", "a year ago"),
        ):
            if change is not None:
                yield f"<dd>{_change(change, ' points' if unit else ' %')} vs {than}</dd>"
            elif was is not None:
                yield f"<dd>{_text(was, unit)} {at}{than}</dd>"
        yield "</div>\n"
    yield "</dl>\n"


def _text(value: Decimal | int | None, unit: str) -> str:
    return or_dash(value) + (unit if value is not None else "")


def _change(change: Decimal, unit: str) -> str:
    """Return it with its sign, and an arrow for who does not see the colour."""
    name, arrow = ("up", "▲") if change > 0 else ("down", "▼") if change < 0 else ("same", "■")
    number = f"{change:+,}".replace("-", "\N{MINUS SIGN}") if change else f"{change}"
    return f'<b class="{name}">{arrow} {number}{unit}</b>'
