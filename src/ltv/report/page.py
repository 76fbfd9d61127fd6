"""The report: the ranking and the figures behind it as one HTML file for people to look at.

It needs no network and no script: charts are inline SVG, and its `Content-Security-Policy` allows
nothing but its own style. All texts of the data are escaped, and cut for the eye.

| section | |
|---|---|
| What this is | the data, and what became of the events |
| The shop in numbers | customers, revenue, orders, visits |
| The top | a bar for each of the best, and the table |
| The model | with expected revenue: its parameters, and what of it is not to be trusted |
| How value is spread | distribution of lifetime values, concentration of revenue |
| How the shop moves | revenue, orders, visits, new customers over time |
| How cohorts do | revenue of a customer so far, by when the customer began |
| How to read it | the formula with one customer's figures, what it is not, the words |
"""

import base64
import hashlib
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from html import escape
from itertools import chain, groupby, islice
from typing import NamedTuple

from ltv.errors import EARLIER, LATER
from ltv.report.charts import Bar, Caption, Column, Tick, columns, compact, curve, ranked_bars
from ltv.report.digest import CohortTable, Digest, PeriodTable, Share, ValueSpread, digest_of
from ltv.report.style import STYLE
from ltv.report.summary import Summary, counted
from ltv.report.wording import Wording, wording_of, years_text
from ltv.terminal import ELLIPSIS, display_width, escaped, shortened
from ltv.times import day_text, weeks_between
from LTV_Calculate import RankedCustomer

_MOST_BARS = 20  # fit on one page of paper
_FEW_WEEKS = 13

_TEXT_WIDTH = 20  # of ids and names, in columns

_LONGEST_VALUE = 14  # that is written whole at a bar

#: On one character; more than any language has would reach into other lines.
_MOST_MARKS = 4

_DASH = "\N{EN DASH}"

_NAMED_SHARES = (1, 5, 10, 20, 50)
_HEATS = 6
_MOST_TIME_TICKS = 5
_MOST_VALUE_TICKS = 12

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

#: What the reasons for a rejection mean, in a few words.
REASON_TEXTS = {
    "too-long": "longer than 16 MiB",
    "not-utf8": "not text in UTF-8",
    "not-json": "not JSON, or cut off",
    "not-an-object": "JSON, but not an object",
    "missing": "without something that every event of its type has",
    "unknown-type": "of a type that is not known",
    "unknown-verb": "with a verb that its type does not have",
    "bad-id": "with an invalid id",
    "bad-time": "with an invalid time, or one outside 1970 to 2199",
    "bad-amount": "with an invalid amount",
    "other-currency": "with an amount in another currency",
}


class _Story(NamedTuple):
    """All that the report tells of."""

    rows: Sequence[RankedCustomer]
    summary: Summary
    digest: Digest
    wording: Wording


def render_report(rows: Sequence[RankedCustomer], summary: Summary) -> Iterator[str]:
    """The report, piece by piece; the summary has figures, and there is at least one row."""
    story = _story(rows, summary)
    sections = (_what, _numbers, _top, _model, _spread, _moves, _cohorts, _reading)
    yield from render_page(
        f"Top {len(rows):,} of {summary.ranked_text} by {story.wording.name}",
        f"Ranked by {story.wording.lede}",
        summary,
        (section(story) for section in sections),
    )


def shop_sections(summary: Summary) -> tuple[Iterable[str], Iterable[str]]:
    """Return the sections on the data, and those on the shop, which need no ranking."""
    story = _story((), summary)
    shop = (_model, _numbers, _spread, _moves, _cohorts)
    return _what(story), chain.from_iterable(section(story) for section in shop)


def _story(rows: Sequence[RankedCustomer], summary: Summary) -> _Story:
    assert summary.figures is not None, "the format is one of those with figures"
    digest = digest_of(summary.figures, summary.totals, summary.reasons)
    return _Story(rows, summary, digest, wording_of(summary))


def render_page(
    title: str,
    lede: str,
    summary: Summary,
    sections: Iterable[Iterable[str]],
    *,
    style: str = STYLE,
) -> Iterator[str]:
    """The page of these sections, piece by piece; `lede` says what is on it."""
    yield from _head(title, lede, summary, style)
    yield "<main>\n"
    for section in sections:
        yield from section
    yield "</main>\n<footer>"
    if summary.origin:
        text = escape(escaped(summary.origin.text))
        yield f'<p class="note origin"><bdi>{text}</bdi></p>\n'
    yield (
        '<p class="note">Made from the events alone: the same events give the '
        "same figures, whenever and wherever they are ranked.</p></footer>\n</body>\n</html>\n"
    )


def _head(title: str, lede: str, summary: Summary, style: str) -> Iterator[str]:
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    yield (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        '<meta name="format-detection" content="telephone=no">\n'
        '<meta name="referrer" content="no-referrer">\n'
        f"<title>{title}</title>\n<style>{style}</style>\n</head>\n<body>\n<header>\n"
        f'<p class="eyebrow">Customer lifetime value</p>\n<h1>{title}</h1>\n'
        f'<p class="lede">{lede} Data from '
        f"{day_text(summary.totals.begin)} to {day_text(summary.totals.end)} (UTC); amounts "
        f"in {summary.currency}.</p>\n</header>\n"
    )


def html_section(name: str, heading: str, *parts: Iterable[str]) -> Iterator[str]:
    yield f'<section aria-labelledby="{name}">\n<h2 id="{name}">{heading}</h2>\n'
    for part in parts:
        yield from part
    yield "</section>\n"


def html_paragraph(text: str) -> Iterator[str]:
    yield f"<p>{text}</p>\n"


def _facts(facts: Iterable[tuple[str, str]], name: str) -> Iterator[str]:
    """Names and values."""
    yield f'<dl class="{name}">\n'
    for title, value in facts:
        yield f"<div><dt>{title}</dt><dd>{value}</dd></div>\n"
    yield "</dl>\n"


def html_table(
    label: str, name: str, head: Sequence[str], rows: Iterable[str], note: str = ""
) -> Iterator[str]:
    """A table that scrolls inside its own region where it is too wide; `rows` are HTML."""
    if note:
        yield f'<p class="note">{note}</p>\n'
    yield f'<div class="scroll" role="region" aria-label="{label}" tabindex="0">\n'
    yield f'<table class="{name}">\n'
    cells = "".join(f'<th scope="col">{cell}</th>' for cell in head)
    yield f"<thead><tr>{cells}</tr></thead>\n<tbody>\n"
    for row in rows:
        yield f"<tr>{row}</tr>\n"
    yield "</tbody>\n</table>\n</div>\n"


# --- What this is -----------------------------------------------------------------------------


def _what(story: _Story) -> Iterator[str]:
    summary, events = story.summary, story.summary.events
    totals = summary.totals
    rejected = events["rejected"]
    facts = [
        ("first event, UTC", day_text(totals.begin)),
        ("last event, UTC", day_text(totals.end)),
        ("calendar weeks", f"{weeks_between(totals.begin, totals.end):,}"),
        ("currency that is summed", summary.currency),
        ("expected lifespan of a customer", years_text(summary)),
        *((f"events {what}", f"{count:,}") for what, count in events.items()),
    ]
    return html_section(
        "what",
        "What this is",
        html_paragraph(
            "A ranking of customers, made from a log of what they did: signing up, visiting, "
            f"uploading images, ordering. {_use_told(events)}"
        ),
        *(html_paragraph(f"<b>Warning:</b> {escape(warning)}.") for warning in summary.warnings),
        _facts(facts, "facts"),
        _reasons(story.digest.rejected_for) if rejected else (),
    )


def _use_told(events: dict[str, int]) -> str:
    """Which of the events the figures are made of."""
    if not events["read"]:
        return "Ranked from what is stored; no events were read in this run."
    whys = {
        "rejected": "could not be used",
        EARLIER: "came earlier than was asked for",
        LATER: "came later than was asked for",
    }
    left_out = [
        f"{events[what]:,} {why} and {'is' if events[what] == 1 else 'are'} in none of the figures"
        for what, why in whys.items()
        if events.get(what)
    ]
    if not left_out:
        return "All events could be used."
    return f"Of {counted(events['read'], 'event')}, {'; '.join(left_out)}."


def _reasons(reasons: dict[str, int]) -> Iterator[str]:
    return html_table(
        "Reasons for rejection",
        "reasons",
        ("reason", "the event was", "events"),
        (
            f"<td><code>{reason}</code></td><td>{REASON_TEXTS[reason]}</td><td>{count:,}</td>"
            for reason, count in reasons.items()
        ),
        "Why events were rejected:",
    )


# --- The shop in numbers ----------------------------------------------------------------------


def _numbers(story: _Story) -> Iterator[str]:
    summary, digest, totals = story.summary, story.digest, story.summary.totals
    currency = summary.currency
    facts = [
        ("customers", f"{totals.customers:,}"),
        (f"revenue, {currency}", f"{digest.revenue:,}"),
        ("orders", f"{totals.orders:,}"),
        ("visits", f"{totals.visits:,}"),
        (f"revenue per visit, {currency}", _or_dash(digest.revenue_per_visit)),
        ("visits per customer and week", f"{digest.visits_per_customer_week:,}"),
        ("of customers ever ordered", f"{digest.percent_with_orders} %"),
    ]
    return html_section(
        "numbers",
        "The shop in numbers",
        html_paragraph(
            f"{digest.customers_with_orders:,} of {counted(totals.customers, 'customer')} ever "
            f"ordered: {counted(totals.orders, 'order')}, together {digest.revenue:,} {currency}."
        ),
        _facts(facts, "facts big"),
    )


def _or_dash(number: Decimal | int | None) -> str:
    return _DASH if number is None else f"{number:,}"


# --- The top ----------------------------------------------------------------------------------


def _top(story: _Story) -> Iterator[str]:
    rows, currency, wording = story.rows, story.summary.currency, story.wording
    drawn = rows[:_MOST_BARS]
    first, last = (_value(row, wording) for row in (rows[0], rows[-1]))
    range_text = f"The first comes to {first:,} {currency}{wording.when}" + (
        f", the last of the {len(rows):,} to {last:,}" if len(rows) > 1 else ""
    )
    title = f"{wording.name.capitalize()} of the top {len(drawn):,}, {currency}"
    told = f"{range_text}. All values are in the table that follows."
    bars = [_bar(row, _value(row, wording)) for row in drawn]
    chart = ranked_bars(Caption("top-chart", title, told), bars)
    return html_section(
        "top",
        f"The top {len(rows):,}" if len(rows) > 1 else "The best customer",
        html_paragraph(f"{range_text}. {_few_weeks(rows)}"),
        html_figure(
            f"<b>{title}</b>" + (" (of the best ones)" if len(drawn) < len(rows) else ""), chart
        ),
        _top_table(story),
    )


def _value(row: RankedCustomer, wording: Wording) -> Decimal:
    """Return what a row is ranked by."""
    value: Decimal = getattr(row, wording.columns[0])
    return value


def _few_weeks(rows: Sequence[RankedCustomer]) -> str:
    """How many of the top are too new to tell."""
    few = sum(row.weeks < _FEW_WEEKS for row in rows)
    if not few:
        return f"All of them have been customers for {_FEW_WEEKS} weeks or more."
    return (
        f"{few:,} of {len(rows):,} {'has' if few == 1 else 'have'} fewer than {_FEW_WEEKS} weeks "
        "behind them (marked †): too short a time to tell their average week from a lucky one."
    )


def html_figure(caption: str, *charts: str) -> Iterator[str]:
    yield f"<figure>\n<figcaption>{caption}</figcaption>\n"
    for chart in charts:
        yield chart + "\n"
    yield "</figure>\n"


def _bar(row: RankedCustomer, ranked_by: Decimal) -> Bar:
    texts = [text for text in (row.customer_id, row.last_name) if text]
    label = [f"{row.rank:,}.", *(_cut(text, _TEXT_WIDTH * 2 // 3) for text in texts)]
    if row.weeks < _FEW_WEEKS:
        label.append("†")
    value = f"{ranked_by:,}"
    shown = value if len(value) <= _LONGEST_VALUE else compact(ranked_by)
    whole = escaped(", ".join([*texts, value]))
    return Bar(label, shown, ranked_by, whole)


def _cut(text: str, width: int = _TEXT_WIDTH) -> str:
    """`text` for the eye: safe, without towers of marks, and cut where it is wider.

    As marks and joiners have no width, their number has a bound of its own.
    """
    safe = escaped(text)
    if not safe.isascii():
        runs = groupby(safe, lambda character: display_width(character) == 0)
        safe = "".join("".join(islice(run, _MOST_MARKS if marks else None)) for marks, run in runs)
    cut = shortened(safe, width)
    return cut if len(cut) <= 2 * width else cut[: 2 * width - 1] + ELLIPSIS


def _top_table(story: _Story) -> Iterator[str]:
    currency, first = story.summary.currency, story.wording.columns
    heads = {
        **dict.fromkeys(first, ""),
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
    added = {
        "recent_revenue": f"recent revenue<br>{currency}",
        "expected_revenue": f"expected revenue<br>{currency}",
        "expected_purchases": "expected<br>purchase days",
    }
    heads |= {field: added[field] for field in first if field in added}
    caption = "Long ids and names are cut; they are whole where the pointer rests on them."
    head = ("#", "customer id", "last name", *heads.values())
    rows = (_top_row(row, heads) for row in story.rows)
    return html_table("The top customers", "wide top", head, rows, caption)


def _top_row(row: RankedCustomer, fields: Iterable[str]) -> str:
    as_text = {
        "weeks": f"{row.weeks:,}{'†' if row.weeks < _FEW_WEEKS else ''}",
        "begin": day_text(row.begin),
        "last_order": _DASH if row.last_order is None else day_text(row.last_order),
    }
    cells = [as_text.get(field) or _or_dash(getattr(row, field)) for field in fields]
    texts = _text_cell(row.customer_id) + _text_cell(row.last_name)
    return f"<td>{row.rank:,}</td>{texts}<td>{'</td><td>'.join(cells)}</td>"


def _text_cell(text: str | None) -> str:
    """Cut for the eye, and whole on hover."""
    whole = escaped(text or "")
    cut = _cut(whole)
    hover = "" if cut == whole else f' title="{escape(whole)}"'
    return f'<td dir="auto"{hover}>{escape(cut)}</td>' if whole else "<td></td>"


# --- The model --------------------------------------------------------------------------------


def _model(story: _Story) -> Iterator[str]:
    """Yield what was fitted, if anything was."""
    model = story.summary.by.model
    if model is None:
        return
    customers = counted(model.customers, "customer")
    yield from html_section(
        "model",
        "The model",
        html_paragraph(
            "How often customers buy, and when they leave, is by BG/NBD; what a day on which they "
            f"buy brings is by Gamma-Gamma. Fitted to {customers} with a purchase, "
            f"{model.repeaters:,} of whom came back on another day."
        ),
        *(html_paragraph(f"<b>Note:</b> {escape(escaped(note))}.") for note in model.notes),
        html_table(
            "Parameters of the model",
            "parameters",
            ("parameter", "value", "from", "to"),
            (
                f'<th scope="row">{name}</th>'
                + "".join(f"<td>{number}</td>" for number in estimate or 3 * (_DASH,))
                for fit in (model.bg_nbd, model.gamma_gamma)
                if fit
                for name, estimate in list(fit._asdict().items())[:-1]
            ),
            f"With the bounds of 95 %; {_DASH} is what the data does not tell.",
        ),
    )


# --- How value is spread ----------------------------------------------------------------------


def _spread(story: _Story) -> Iterator[str]:
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
    """At the bounds of the bins, or at powers of ten alone."""
    bounds = [each.least for each in spread.bins] + [each.below for each in spread.bins[-1:]]
    ticks = [Tick(shift + number, compact(bound)) for number, bound in enumerate(bounds)]
    if len(ticks) <= _MOST_VALUE_TICKS:
        return ticks
    tens = [
        tick
        for tick, bound in zip(ticks, bounds, strict=True)
        if bound and bound.normalize().as_tuple().digits == (1,)
    ]
    return tens[:: len(tens) // _MOST_VALUE_TICKS + 1]


def _concentration(story: _Story) -> Iterator[str]:
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


# --- How the shop moves -----------------------------------------------------------------------


def _moves(story: _Story) -> Iterator[str]:
    table, currency = story.digest.periods, story.summary.currency
    figures = [
        ("revenue", f"Revenue, {currency}"),
        ("orders", "Orders"),
        ("visits", "Visits"),
        ("new_customers", "New customers"),
    ]
    charts = (
        html_figure(f"<b>{title}</b>", _period_chart(table, field, title))
        for field, title in figures
    )
    return html_section(
        "moves",
        "How the shop moves",
        html_paragraph(_moves_told(table, currency)),
        *charts,
        _period_table(table, currency),
    )


def _moves_told(table: PeriodTable, currency: str) -> str:
    known = [period for period in table.periods if period.revenue is not None]
    gaps = len(table.periods) - len(known)
    best = max(known, key=lambda period: period.revenue or Decimal(0))
    told = (
        f"By {_period(table.unit)}, from {_label(table.unit, table.periods[0].begin)} to "
        f"{_label(table.unit, table.periods[-1].begin)}. "
    )
    if any(period.orders for period in known):
        told += (
            f"Revenue was highest in {_label(table.unit, best.begin)}: "
            f"{best.revenue:,} {currency}. "
        )
    else:
        told += "Nobody ordered. "
    if gaps:
        told += (
            f'<span class="key"></span>In {gaps:,} of {len(table.periods):,} nothing is known to '
            "have happened; there the charts are grey from top to bottom. "
        )
    return told + (
        "An order belongs to the day of the event that set its amount, a new customer to the day "
        "of the first event. The first and the last of the columns may be incomplete."
    )


def _label(unit: str, begin: str) -> str:
    """What a period is called that begins on a day."""
    year, month = int(begin[:4]), int(begin[5:7])
    if unit == "week":
        return f"the week of {begin}"
    if unit == "month":
        return f"{_MONTHS[month - 1]} {year}"
    if unit == "quarter":
        return f"Q{month // 3 + 1} {year}"
    return (
        str(year)
        if unit == "year"
        else f"{year}{_DASH}{year + int(unit.removesuffix(' years')) - 1}"
    )


def _period_chart(table: PeriodTable, field: str, title: str) -> str:
    items = [
        Column(
            None if value is None else Decimal(value),
            f"{_label(table.unit, begin)}: {'no data' if value is None else f'{value:,}'}",
        )
        for begin, value in ((period.begin, getattr(period, field)) for period in table.periods)
    ]
    known = [item.value for item in items if item.value is not None]
    told = f"By {_period(table.unit)}, from {min(known):,} to {max(known):,}."
    caption = Caption(f"{field.replace('_', '-')}-chart", f"{title} by {table.unit}", told)
    step = Decimal(0 if field == "revenue" else 1)
    return columns(caption, items, _time_ticks(table), height=110, least_step=step)


def _time_ticks(table: PeriodTable) -> list[Tick]:
    """At a few of the places where another month, or another period, begins."""
    unit = {"week": "month"}.get(table.unit, table.unit)
    if unit[0].isdigit():
        unit = "year"  # the first of them
    labels = [_label(unit, period.begin) for period in table.periods]
    ticks = [
        Tick(number, label)
        for number, label in enumerate(labels)
        if number == 0 or label != labels[number - 1]
    ]
    return ticks[:: -(-len(ticks) // _MOST_TIME_TICKS)]


def _period_table(table: PeriodTable, currency: str) -> Iterator[str]:
    yield "<details><summary>The same in numbers</summary>\n"
    yield from html_table(
        f"What happened by {table.unit}",
        "periods",
        ("begins", f"revenue, {currency}", "orders", "visits", "new customers"),
        (
            f'<th scope="row">{period.begin}</th>'
            + "".join(
                f"<td>{_or_dash(number)}</td>"
                for number in (period.revenue, period.orders, period.visits, period.new_customers)
            )
            for period in table.periods
        ),
    )
    yield "</details>\n"


# --- How cohorts do ---------------------------------------------------------------------------


def _cohorts(story: _Story) -> Iterator[str]:
    table, currency = story.digest.cohorts, story.summary.currency
    first = table.cohorts[0]
    later = len(first.revenue_per_customer) - 1
    told = (
        f"A cohort is all customers who began in the same {_period(table.unit)}. The "
        f"{counted(first.customers, 'customer')} of {_label(table.unit, first.begin)} had brought "
        f"{first.revenue_per_customer[0]:,} {currency} each by the end of it"
        + (f", and {first.revenue_per_customer[-1]:,} by the end of the data." if later else ".")
    )
    return html_section(
        "cohorts",
        "How cohorts do",
        html_paragraph(told),
        html_paragraph(
            "Along a row is how the customers of one cohort go on; down a column, whether later "
            "ones do better at the same age. The last number of a row is of a period that may be "
            "incomplete."
        ),
        _heat_table(table, currency),
    )


def _period(unit: str) -> str:
    return f"period of {unit}" if unit[0].isdigit() else unit


def _heat_table(table: CohortTable, currency: str) -> Iterator[str]:
    most = max(max(cohort.revenue_per_customer) for cohort in table.cohorts)
    width = max(len(cohort.revenue_per_customer) for cohort in table.cohorts)

    def rows() -> Iterator[str]:
        for cohort in table.cohorts:
            cells = ""
            for value in cohort.revenue_per_customer:
                heat = min(int(_HEATS * value / most), _HEATS - 1) if value > 0 else 0
                cells += f'<td class="h{heat}">{_few_digits(value, most)}</td>'
            label = _label(table.unit, cohort.begin)
            yield f'<th scope="row">{label}</th><td>{cohort.customers:,}</td>{cells}'

    head = ("began", "customers", *map(str, range(width)))
    caption = (
        f"Revenue per customer so far, {currency}, by {_period(table.unit)}; 0 is the one that the "
        "customers began in. The stronger the colour, the more."
    )
    return html_table("Revenue per customer so far, by cohort", "heat", head, rows(), caption)


def _few_digits(value: Decimal, most: Decimal) -> str:
    """With as many decimals as have room, the same for all up to `most`."""
    if most >= 10_000:  # noqa: PLR2004 - four digits have room
        return compact(value)
    places = 0 if most >= 100 else 1 if most >= 10 else 2  # noqa: PLR2004 - so have these
    text = f"{value:.{places}f}"
    return text.removeprefix("-") if not float(text) else text


# --- How to read it ---------------------------------------------------------------------------


def _reading(story: _Story) -> Iterator[str]:
    return html_section(
        "reading",
        "How to read it",
        _example(story),
        _cautions(story),
        _glossary(story.summary),
    )


def _example(story: _Story) -> Iterator[str]:
    row, summary = story.rows[0], story.summary
    currency = summary.currency
    weeks, years = counted(row.weeks, "week"), years_text(summary)
    yield from html_paragraph(
        "The lifetime value of a customer is the average week so far, continued: revenue divided "
        "by weeks, times the 52 weeks of a year, times the years a customer is expected to stay."
    )
    yield (
        f'<div class="formula"><p>lifetime value = 52 × revenue ÷ weeks × {years}</p>\n'
        f"<p>For <bdi>{escape(_cut(row.customer_id))}</bdi>, the first of the ranking: "
        f"52 × {row.revenue:,} {currency} ÷ {weeks} × {years} = "
        f"<strong>{row.ltv:,} {currency}</strong></p></div>\n"
    )
    yield from html_paragraph(
        "Visits are not left out: revenue ÷ weeks is revenue per visit × visits per week. Weeks "
        "go from Monday to Sunday in UTC, and are counted from a customer's first event to the "
        "last event of all the data, both included. Figures are rounded once, at the end."
    )


def _cautions(story: _Story) -> Iterator[str]:
    yield "<h3>What the number is not</h3>\n<ul>\n"
    for caution in story.wording.cautions:
        yield f"<li>{caution}</li>\n"
    if story.summary.by.method == "ltv":
        few = sum(row.weeks < _FEW_WEEKS for row in story.rows)
        new = f"{few:,} {'has' if few == 1 else 'have'}" if few else "none has"
        yield (
            "<li>Not fair to the patient: who came lately and ordered once has a short, good past. "
            f"Of the top {len(story.rows):,}, {new} fewer than {_FEW_WEEKS} weeks.</li>\n"
        )
    yield "</ul>\n"


def _glossary(summary: Summary) -> Iterator[str]:
    words = {
        "customer": "whoever an event names, also without having signed up",
        "order": "counts once, at its latest amount; a refund is an amount below zero",
        "visit": "one view of a page by a customer at a time",
        "revenue": f"the sum of the orders, in {summary.currency}",
        "weeks": "calendar weeks from the customer's first event to the end of the data",
        "lifespan": f"how long a customer is expected to stay: {years_text(summary)}",
        "cohort": "the customers who began in the same period",
        "rejected": "an event that breaks a rule; each is written down with its place and why",
    }
    yield '<h3>Words</h3>\n<dl class="words">\n'
    for word, meaning in words.items():
        yield f"<dt>{word}</dt><dd>{meaning}</dd>\n"
    yield "</dl>\n"
