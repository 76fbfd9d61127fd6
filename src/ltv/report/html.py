"""The parts that a page is put together from: sections, paragraphs, facts, tables, figures.

What is handed in is HTML: texts of the data are escaped by whoever has them.
"""

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from itertools import chain
from typing import NamedTuple

DASH = "\N{EN DASH}"


class Section(NamedTuple):
    """A section of a page, to which the page links; `body` is HTML in pieces."""

    name: str
    heading: str
    body: Iterable[str]

    def pieces(self) -> Iterator[str]:
        """Yield its HTML."""
        yield f'<section aria-labelledby="{self.name}">\n'
        yield f'<h2 id="{self.name}">{self.heading}</h2>\n'
        yield from self.body
        yield "</section>\n"


def html_section(name: str, heading: str, *parts: Iterable[str]) -> Section:
    """Return a section of these parts, each in pieces; `name` is its anchor."""
    return Section(name, heading, chain.from_iterable(parts))


def html_paragraph(text: str, name: str = "") -> Iterator[str]:
    """Yield a paragraph, of the class `name` of the style."""
    yield f'<p class="{name}">{text}</p>\n' if name else f"<p>{text}</p>\n"


def html_facts(facts: Iterable[tuple[str, str]]) -> Iterator[str]:
    """Yield names and values."""
    yield '<dl class="facts">\n'
    for title, value in facts:
        yield f"<div><dt>{title}</dt><dd>{value}</dd></div>\n"
    yield "</dl>\n"


def html_figure(caption: str, *charts: str) -> Iterator[str]:
    """Yield charts under their caption."""
    yield f"<figure>\n<figcaption>{caption}</figcaption>\n"
    for chart in charts:
        yield chart + "\n"
    yield "</figure>\n"


def html_table(
    label: str, name: str, head: Sequence[str], rows: Iterable[str], note: str = ""
) -> Iterator[str]:
    """Yield a table that scrolls inside its own region where it is too wide; `rows` are cells.

    `label` is what the region is called, `name` a class of the style, `note` stands above it.
    """
    if note:
        yield from html_paragraph(note, "note")
    yield f'<div class="scroll" role="region" aria-label="{label}" tabindex="0">\n'
    yield f'<table class="{name}">\n'
    cells = "".join(f'<th scope="col">{cell}</th>' for cell in head)
    yield f"<thead><tr>{cells}</tr></thead>\n<tbody>\n"
    for row in rows:
        yield f"<tr>{row}</tr>\n"
    yield "</tbody>\n</table>\n</div>\n"


def or_dash(number: Decimal | int | None) -> str:
    """Return a number for people, a dash where there is none."""
    return DASH if number is None else f"{number:,}"
