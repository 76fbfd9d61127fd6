"""How value is spread over customers: the distribution of it, and the share of the best."""

from collections.abc import Iterator, Sequence
from decimal import Decimal

from ltv.report.charts import Caption, Column, Tick, columns, compact, curve
from ltv.report.digest import Share, ValueSpread
from ltv.report.html import Section, html_figure, html_paragraph, html_section, html_table
from ltv.report.story import Story
from ltv.values import counted

_NAMED_SHARES = (1, 5, 10, 20, 50)


def spread_section(story: Story) -> Section:
    """Return how lifetime value and revenue are spread."""
    return html_section(
        "spread",
        "How value is spread",
        _distribution(story.digest.ltv, story.summary.currency),
        _concentration(story),
    )


def _distribution(spread: ValueSpread, currency: str) -> Iterator[str]:
    aside = [("<0", spread.below_zero), ("0", spread.zero)]
    counts = [(label, count) for label, count in aside if count]
    ticks = [Tick(number + 0.5, label) for number, (label, _) in enumerate(counts)]
    ticks += _value_ticks(spread, len(counts))
    counts += [(f"{each.least:,} to {each.below:,}", each.customers) for each in spread.bins]
    items = [
        Column(Decimal(count), f"{counted(count, 'customer')}: {label} {currency}")
        for label, count in counts
    ]
    title = f"Customers by lifetime value, {currency}"
    caption = (
        f"<b>{title}.</b> Each column is a range of values, about twice as high as the one to "
        "its left; its height is the number of customers in it."
    )
    told = _distribution_told(spread, currency)
    yield from html_paragraph(told)
    chart = columns(Caption("ltv-chart", title, told), items, ticks, least_step=Decimal(1))
    yield from html_figure(caption, chart)


def _distribution_told(spread: ValueSpread, currency: str) -> str:
    parts = []
    if spread.bins:
        most = max(spread.bins, key=lambda each: each.customers)
        parts.append(
            f"The most common range is {most.least:,} to {most.below:,} {currency}, with "
            f"{counted(most.customers, 'customer')}."
        )
    if spread.zero:
        parts.append(f"{counted(spread.zero, 'customer')} brought nothing so far.")
    if spread.below_zero:
        parts.append(f"{counted(spread.below_zero, 'customer')} got more back than they paid.")
    return " ".join(parts)


def _value_ticks(spread: ValueSpread, shift: int) -> list[Tick]:
    """Return the bounds of the bins; the ends first, then the powers of ten."""
    bounds = [each.least for each in spread.bins] + [each.below for each in spread.bins[-1:]]
    return [
        Tick(shift + number, compact(bound), _rank_of(bound, number in (0, len(bounds) - 1)))
        for number, bound in enumerate(bounds)
    ]


def _rank_of(bound: Decimal, is_end: bool) -> int:
    is_round = not bound or bound.normalize().as_tuple().digits == (1,)
    return 0 if is_end else 1 if is_round else 2


def _concentration(story: Story) -> Iterator[str]:
    shares = story.digest.concentration
    yield "<h3>How concentrated revenue is</h3>\n"
    if shares[-1].percent_of_revenue is None:
        yield from html_paragraph("There is no revenue above zero to have a share of.")
        return
    named = [share for share in shares if share.percent in _NAMED_SHARES]
    fifth = next(share for share in named if share.percent == 20)  # noqa: PLR2004 - percent
    told = (
        f"The best 20 % of customers by revenue ({fifth.customers:,} of "
        f"{story.summary.totals.customers:,}) hold {fifth.percent_of_revenue} % of it."
    )
    yield from html_paragraph(told)
    yield '<div class="pair">\n'
    points = [(0, Decimal(0))] + [
        (share.percent, share.percent_of_revenue or Decimal(0)) for share in shares
    ]
    title = "Share of revenue held by the best customers"
    caption = (
        f"<b>{title}.</b> From left to right, more and more of the customers, the best first; "
        "upwards, what part of all revenue they hold. The dashed line is where all would be "
        "alike: the further above it, the more hangs on a few."
    )
    if any(value > points[-1][1] for _, value in points):
        caption += " Above 100 % is what those behind take back with refunds."
    chart = curve(Caption("share-chart", title, told), points, _NAMED_SHARES)
    yield from html_figure(caption, chart)
    yield from _share_table(named, story.summary.currency)
    yield "</div>\n"


def _share_table(shares: Sequence[Share], currency: str) -> Iterator[str]:
    return html_table(
        "Share of revenue held by the best customers",
        "shares",
        ("the best", "customers", f"revenue, {currency}", "share"),
        (
            f'<th scope="row">{share.percent} %</th><td>{share.customers:,}</td>'
            f"<td>{share.revenue:,}</td><td>{share.percent_of_revenue} %</td>"
            for share in shares
        ),
    )
