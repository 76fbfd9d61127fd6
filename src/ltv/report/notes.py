"""What the figures are made of, and how to read them: the data, the model, the words."""

from collections.abc import Iterator
from html import escape

from ltv.errors import EARLIER, LATER
from ltv.report.html import (
    DASH,
    Section,
    html_facts,
    html_paragraph,
    html_section,
    html_table,
    or_dash,
)
from ltv.report.story import Story
from ltv.report.summary import Summary
from ltv.report.wording import years_text
from ltv.terminal import escaped
from ltv.times import day_text, weeks_between
from ltv.values import counted

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


def data_section(story: Story) -> Section:
    """Return what the data is, and what became of the events."""
    summary, digest, totals = story.summary, story.digest, story.summary.totals
    facts = [
        ("first event, UTC", day_text(totals.begin)),
        ("last event, UTC", day_text(totals.end)),
        ("calendar weeks", f"{weeks_between(totals.begin, totals.end):,}"),
        ("expected lifespan of a customer", years_text(summary)),
        *((f"events {what}", f"{count:,}") for what, count in summary.events.items()),
        ("customers, also without orders", f"{totals.customers:,}"),
        ("of them ever ordered", f"{digest.percent_with_orders} %"),
        ("visits", f"{totals.visits:,}"),
        ("visits per customer and week", f"{digest.visits_per_customer_week:,}"),
        (f"revenue per visit, {summary.currency}", or_dash(digest.revenue_per_visit)),
    ]
    return html_section(
        "data",
        "The data",
        html_paragraph(
            "Made from a log of what customers did: signing up, visiting, uploading images, "
            f"ordering. {use_told(summary.events)}"
        ),
        html_facts(facts),
        _reasons(digest.rejected_for) if summary.events["rejected"] else (),
    )


def use_told(events: dict[str, int]) -> str:
    """Return which of the events the figures are made of."""
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


def model_sections(story: Story) -> Iterator[Section]:
    """Yield what was fitted, if anything was."""
    model = story.summary.by.model
    if model is None:
        return
    customers = counted(model.customers, "customer")
    yield html_section(
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
                + "".join(f"<td>{number}</td>" for number in estimate or 3 * (DASH,))
                for fit in (model.bg_nbd, model.gamma_gamma)
                if fit
                for name, estimate in list(fit._asdict().items())[:-1]
            ),
            f"With the bounds of 95 %; {DASH} is what the data does not tell.",
        ),
    )


def reading_section(story: Story) -> Section:
    """Return what the number is, and what it is not."""
    return html_section(
        "reading",
        "How to read it",
        _example(story),
        _cautions(story),
        _words(story.summary),
    )


def _example(story: Story) -> Iterator[str]:
    row, summary = story.rows[0], story.summary
    currency = summary.currency
    weeks, years = counted(row.weeks, "week"), years_text(summary)
    yield from html_paragraph(
        "The lifetime value of a customer is the average week so far, continued: revenue divided "
        "by weeks, times the 52 weeks of a year, times the years a customer is expected to stay."
    )
    yield (
        f'<div class="formula"><p>lifetime value = 52 × revenue ÷ weeks × {years}</p>\n'
        f"<p>For <bdi>{escape(escaped(row.customer_id))}</bdi>, the first of the ranking: "
        f"52 × {row.revenue:,} {currency} ÷ {weeks} × {years} = "
        f"<strong>{row.ltv:,} {currency}</strong></p></div>\n"
    )
    yield from html_paragraph(
        "Visits are not left out: revenue ÷ weeks is revenue per visit × visits per week. Weeks "
        "go from Monday to Sunday in UTC, and are counted from a customer's first event to the "
        "last event of all the data, both included. Figures are rounded once, at the end."
    )


def _cautions(story: Story) -> Iterator[str]:
    yield "<h3>What the number is not</h3>\n<ul>\n"
    for caution in story.wording.cautions:
        yield f"<li>{caution}</li>\n"
    yield "</ul>\n"


def _words(summary: Summary) -> Iterator[str]:
    words = {
        "customer": "whoever an event names, also without having signed up",
        "order": "counts once, at its latest amount; a refund is an amount below zero",
        "visit": "one view of a page by a customer at a time",
        "revenue": f"the sum of the orders, in {summary.currency}",
        "weeks": "calendar weeks from the customer's first event to the end of the data",
        "lifespan": f"how long a customer is expected to stay: {years_text(summary)}",
        "returning": "ordering again on a later day than the first time",
        "cohort": "the customers who began in the same period",
        "rejected": "an event that breaks a rule; each is written down with its place and why",
    }
    yield '<h3>Words</h3>\n<dl class="words">\n'
    for word, meaning in words.items():
        yield f"<dt>{word}</dt><dd>{meaning}</dd>\n"
    yield "</dl>\n"
