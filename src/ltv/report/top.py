"""The table of the top customers, which can be sorted and searched where a script may run."""

from collections.abc import Iterator, Sequence
from html import escape

from ltv.report.html import DASH, Section, html_paragraph, html_section, or_dash
from ltv.report.script import END, FOLDED_AFTER, SCRIPT
from ltv.report.story import Story
from ltv.report.summary import ENOUGH_ORDERS, ENOUGH_WEEKS, SHORT_HISTORY, has_short_history
from ltv.terminal import escaped
from ltv.times import day_text
from LTV_Calculate import RankedCustomer

#: Columns that are sorted as texts, which times as they are shown are good for, too.
_TEXTS = ("customer_id", "last_name", "begin", "last_order")

_CLASSES = dict.fromkeys(_TEXTS, ' class="text"') | dict.fromkeys(_TEXTS[:2], ' class="text name"')


def top_section(story: Story) -> Section:
    """Return the ranking."""
    rows, currency, wording = story.rows, story.summary.currency, story.wording
    first, last = (getattr(row, wording.columns[0]) for row in (rows[0], rows[-1]))
    range_text = f"The first comes to {first:,} {currency}{wording.when}" + (
        f", the last of the {len(rows):,} to {last:,}" if len(rows) > 1 else ""
    )
    return html_section(
        "top",
        f"The top {len(rows):,}" if len(rows) > 1 else "The best customer",
        html_paragraph(f"{range_text}. {_short_told(rows)}"),
        _table(story),
    )


def _short_told(rows: Sequence[RankedCustomer]) -> str:
    """Return how many of the top have done too little to tell."""
    few = sum(map(has_short_history, rows))
    if not few:
        return f"All of them have {ENOUGH_WEEKS} weeks and {ENOUGH_ORDERS} orders or more."
    return f"{few:,} of {len(rows):,} (marked †) {'has' if few == 1 else 'have'} {SHORT_HISTORY}."


def _table(story: Story) -> Iterator[str]:
    heads = _heads(story)
    cells = "".join(
        f'<th scope="col"{_CLASSES.get(field, "")}>{head}</th>' for field, head in heads.items()
    )
    fields = list(heads)[2:]
    yield '<div class="scroll tall" role="region" aria-label="The top customers" tabindex="0">\n'
    named = " named" if "last_name" in heads else ""
    yield f'<table class="top{named}" data-rows="{len(story.rows)}">\n'
    yield f"<thead><tr>{cells}</tr></thead>\n<tbody>\n"
    for number, row in enumerate(story.rows):
        if number == FOLDED_AFTER:
            yield f"<script>{SCRIPT}</script>\n"
        yield _row(row, fields)
    if len(story.rows) <= FOLDED_AFTER:
        yield f"<script>{SCRIPT}</script>\n"
    yield f"{END}\n</tbody>\n</table>\n</div>\n"


def _heads(story: Story) -> dict[str, str]:
    """Return the heads of the columns by the field of a row; what it is ranked by comes first.

    Of what no customer has there is no column.
    """
    wording, currency = story.wording, story.summary.currency
    added = {
        "recent_revenue": f"recent revenue<br>{currency}",
        "expected_revenue": f"expected revenue<br>{currency}",
        "expected_purchases": "expected<br>purchase days",
    }
    usual = {
        "ltv": f"lifetime value<br>{currency}",
        "revenue": f"revenue<br>{currency}",
        "orders": "orders",
        "visits": "visits",
        "weeks": "weeks",
        "revenue_per_visit": "revenue<br>per visit",
        "visits_per_week": "visits<br>per week",
        "begin": "begin",
        "last_order": "last order",
    }
    first = {field: (added | usual)[field] for field in wording.columns}
    heads = {"rank": "#", "customer_id": "customer id", "last_name": "last name"} | first | usual
    if not any(row.last_name for row in story.rows):
        del heads["last_name"]
    if not story.summary.totals.visits:
        for field in ("visits", "revenue_per_visit", "visits_per_week"):
            del heads[field]
    return heads


def _row(row: RankedCustomer, fields: list[str]) -> str:
    """Return a row; what ends a cell and a row is left out, as HTML allows."""
    as_text = {
        "last_name": escape(escaped(row.last_name or "")),
        "orders": f"{row.orders:,}{'†' if row.orders < ENOUGH_ORDERS else ''}",
        "weeks": f"{row.weeks:,}{'†' if row.weeks < ENOUGH_WEEKS else ''}",
        "begin": day_text(row.begin),
        "last_order": DASH if row.last_order is None else day_text(row.last_order),
    }
    cells = [
        as_text[field] if field in as_text else or_dash(getattr(row, field)) for field in fields
    ]
    customer_id = escape(escaped(row.customer_id))
    return f"<tr><td>{row.rank:,}<th scope=row>{customer_id}<td>{'<td>'.join(cells)}</tr>\n"
