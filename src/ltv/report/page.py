"""The report: the ranking and the figures behind it as one HTML file for people to look at.

It needs no network: charts are inline SVG, and its `Content-Security-Policy` allows nothing but its
own style and the one script of the table (ltv.report.script). All texts of the data are escaped.

| section | |
|---|---|
| The shop in numbers | six figures, and how they changed (ltv.report.numbers) |
| The top | the ranking (ltv.report.top) |
| How value is spread | distribution of lifetime values, the share of the best (ltv.report.spread) |
| How the shop moves, how cohorts do | over time (ltv.report.moves) |
| The model | with expected revenue: its parameters, and what of it is not to be trusted |
| How to read it | the formula with one customer's figures, what it is not, the words |
| The data | what became of the events (ltv.report.notes) |
"""

import base64
import hashlib
from collections.abc import Iterator, Sequence
from html import escape

from ltv.report.html import Section, html_paragraph
from ltv.report.moves import cohorts_section, moves_section
from ltv.report.notes import data_section, model_sections, reading_section, use_told
from ltv.report.numbers import numbers_section
from ltv.report.script import SCRIPT
from ltv.report.segments_page import at_risk_section, returns_section, segments_section
from ltv.report.spread import spread_section
from ltv.report.story import Story, story_of
from ltv.report.style import STYLE
from ltv.report.summary import Summary
from ltv.report.top import top_section
from ltv.terminal import escaped
from ltv.times import day_text
from LTV_Calculate import RankedCustomer


def render_report(rows: Sequence[RankedCustomer], summary: Summary) -> Iterator[str]:
    """Yield the report, piece by piece; the summary has figures, and there is at least one row."""
    story = story_of(rows, summary)
    numbers, *others, data = shop_sections(story)
    sections = [numbers, top_section(story), *others, reading_section(story), data]
    return render_page(
        f"Top {len(rows):,} of {summary.ranked_text} by {story.wording.name}",
        f"Ranked by {story.wording.lede}",
        summary,
        sections,
        script=SCRIPT,
    )


def shop_sections(story: Story) -> list[Section]:
    """Return the sections on the shop and the data, which need no ranking."""
    return [
        numbers_section(story),
        at_risk_section(story),
        segments_section(story),
        spread_section(story),
        moves_section(story),
        cohorts_section(story),
        returns_section(story),
        *model_sections(story),
        data_section(story),
    ]


def render_page(
    title: str,
    lede: str,
    summary: Summary,
    sections: Sequence[Section],
    *,
    style: str = STYLE,
    script: str = "",
) -> Iterator[str]:
    """Yield the page of these sections, piece by piece.

    `lede` says what is on it; `style` is its style sheet, `script` what it may run.
    """
    yield _head(title, style, script)
    yield (
        f'<header>\n<p class="eyebrow">Customer lifetime value</p>\n<h1>{title}</h1>\n'
        f'<p class="lede">{lede} Data from '
        f"{day_text(summary.totals.begin)} to {day_text(summary.totals.end)} (UTC); amounts "
        f"in {summary.currency}.</p>\n"
    )
    yield from html_paragraph(f'{use_told(summary.events)} <a href="#data">The data</a>', "note")
    for warning in summary.warnings:
        yield from html_paragraph(f"<b>Warning:</b> {escape(warning)}.", "warning")
    links = (f'<a href="#{section.name}">{section.heading}</a>' for section in sections)
    yield f'<nav aria-label="Sections">{" ".join(links)}</nav>\n</header>\n<main>\n'
    for section in sections:
        yield from section.pieces()
    yield "</main>\n<footer>"
    if summary.origin:
        text = escape(escaped(summary.origin.text))
        yield f'<p class="note origin"><bdi>{text}</bdi></p>\n'
    yield (
        '<p class="note">Made from the events alone: the same events give the '
        "same figures, whenever and wherever they are ranked.</p></footer>\n</body>\n</html>\n"
    )


def _head(title: str, style: str, script: str) -> str:
    allowed = {"style": style, "script": script}
    sources = "".join(f" {name}-src {_hash(text)};" for name, text in allowed.items() if text)
    policy = f"default-src 'none';{sources} base-uri 'none'; form-action 'none'"
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        '<meta name="format-detection" content="telephone=no">\n'
        '<meta name="referrer" content="no-referrer">\n'
        f"<title>{title}</title>\n<style>{style}</style>\n</head>\n<body>\n"
    )


def _hash(text: str) -> str:
    """Return what in a policy allows this text, which stands between its tags."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
