"""The sections of the page about whom to write to: customers at risk, segments, second orders."""

from collections.abc import Iterator
from html import escape

from ltv.report.html import Section, html_paragraph, html_section, html_table, or_dash
from ltv.report.segments import AtRisk, CustomerAtRisk, SecondOrder, SegmentShare
from ltv.report.story import Story
from ltv.terminal import escaped
from ltv.values import counted

_MOST_SHOWN = 20

#: Who is in a segment, in plain words.
WHO = {
    "champions": "ordered lately, often, and for much",
    "loyal": "order often or for much, and did not long ago",
    "potential-loyal": "ordered lately, now and then or for something",
    "new": "ordered lately, once or little",
    "promising": "ordered not long ago, once or little",
    "need-attention": "in the middle: neither lately nor long ago, neither much nor little",
    "about-to-sleep": "ordered some time ago, seldom or little",
    "at-risk": "ordered often or for much, but not for a long time",
    "cannot-lose": "were among the best, and have not ordered for a long time",
    "lost": "ordered seldom or little, a long time ago",
}


def at_risk_section(story: Story) -> Section:
    """Return which of the best customers have been away for longer than is usual."""
    at_risk, currency = story.digest.at_risk, story.summary.currency
    shown = at_risk.best[:_MOST_SHOWN]
    head = (
        "customer id", "days<br>since", "usually<br>within", f"revenue<br>{currency}", "orders",
        "last order",
    )  # fmt: skip
    note = f"The {len(shown)} with most revenue:" if len(shown) < at_risk.customers else ""
    rows = map(_at_risk_row, shown)
    return html_section(
        "at-risk",
        "The best customers at risk",
        html_paragraph(_at_risk_told(at_risk, currency)),
        html_table("Customers at risk, by revenue", "act risk", head, rows, note) if shown else (),
    )


def _at_risk_told(at_risk: AtRisk, currency: str) -> str:
    if at_risk.usual_days is None:
        return "Nobody has ordered on a second day yet, so nobody can be said to be late."
    if not at_risk.customers:
        return "None of the best customers has been away for longer than usual."
    have = "has" if at_risk.customers == 1 else "have"
    return (
        f"{counted(at_risk.customers, 'customer')} of the best fifth by revenue "
        f"({at_risk.percent_of_best} % of it), who brought {at_risk.revenue:,} {currency}, {have} "
        "not ordered for longer than usual. Usual is the time within which 19 of 20 of a "
        "customer's orders followed the one before; where too few are known, of all customers: "
        f"{counted(at_risk.usual_days, 'day')}."
    )


def _at_risk_row(one: CustomerAtRisk) -> str:
    days = f"{one.days_since:,}", f"{one.usual_days:,}"
    cells = f"{one.revenue:,}", f"{one.orders:,}", one.last_order[:10]
    return (
        f'<th scope="row">{escape(escaped(one.customer_id))}</th>'
        f"<td>{'</td><td>'.join((*days, *cells))}</td>"
    )


def segments_section(story: Story) -> Section:
    """Return how many customers are in which segment, and what they brought."""
    table, currency = story.digest.segments, story.summary.currency
    without = table.without_orders
    others = f" {counted(without, 'other')} never ordered." if without else ""
    head = (
        "segment", "customers", "share", f"revenue<br>{currency}", "share",
    )  # fmt: skip
    return html_section(
        "segments",
        "Segments",
        html_paragraph(
            f"The {counted(table.customers, 'customer')} with orders, by how lately and how often "
            f"they ordered and how much they brought, each compared with all the others.{others}"
        ),
        html_table(
            "Customers and revenue by segment",
            "act segments",
            head,
            map(_segment_row, table.segments),
            "<code>--segment loyal</code> ranks only the customers of one of them.",
        ),
    )


def _segment_row(share: SegmentShare) -> str:
    return (
        f'<th scope="row">{share.name}<br><span class="note">{WHO[share.name]}</span></th>'
        f"<td>{share.customers:,}</td>"
        f"<td>{_percent(share.percent_of_customers)}</td><td>{share.revenue:,}</td>"
        f"<td>{_percent(share.percent_of_revenue)}</td>"
    )


def _percent(share: object) -> str:
    return or_dash(None) if share is None else f"{share} %"


def returns_section(story: Story) -> Section:
    """Return how many customers ordered again, and how soon."""
    second = story.digest.second_order
    return html_section(
        "returns",
        "How soon customers order again",
        html_paragraph(_returns_told(second)),
        html_table(
            "Customers who ordered again",
            "act returns",
            ("within", "customers<br>for so long", "ordered<br>again", "share"),
            _returns_rows(second),
            "A customer counts from the first order on, where that is long enough ago; several "
            "orders on a day are one.",
        ),
    )


def _returns_told(second: SecondOrder) -> str:
    told = (
        f"{second.returned:,} of {counted(second.customers, 'customer')} with orders ordered "
        "again on another day"
    )
    if second.median_days is None:
        return f"{told}."
    days = counted(second.median_days, "day")
    return f"{told} ({second.percent} %), half of them within {days} of the first order."


def _returns_rows(second: SecondOrder) -> Iterator[str]:
    for rate in second.within:
        yield (
            f'<th scope="row">{rate.days} days</th><td>{rate.customers:,}</td>'
            f"<td>{rate.returned:,}</td><td>{_percent(rate.percent)}</td>"
        )
