"""Rows and rejects as text, CSV and JSON (SPEC, section 7).

| format | ending | |
|---|---|---|
| `text` | `.txt` | a table for people |
| `csv` | `.csv` | RFC 4180, one header line |
| `json` | `.json` | one object: the summary, and the rows as `top` |
| `jsonl` | `.jsonl` | one row a line |
"""

import csv
import io
import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from decimal import Decimal
from typing import NamedTuple

from LTV_Calculate import RankedCustomer, Totals
from LTV_Errors import EventError
from LTV_Table import Column, table_lines
from LTV_Text import UNSAFE
from LTV_Time import day_text, time_text, weeks_between

__all__ = [
    "ENDINGS",
    "FORMATS",
    "Summary",
    "counted",
    "reject_line",
    "render",
    "render_summary",
    "render_text",
    "span_text",
]

#: The width of the table for people, in columns of a terminal, where the numbers leave room.
TEXT_WIDTH = 80

#: What a spreadsheet would run as a formula, in front of the text or behind its white space.
_FORMULA = re.compile("\\s*[=+\\-@\t\r＝＋－＠]")


class Summary(NamedTuple):
    """What is said beside the rows."""

    currency: str
    lifespan_years: str  # as it was given
    totals: Totals
    events: dict[str, int]  # read, accepted, rejected, and perhaps later


def _json_text(value: object) -> str:
    """JSON of `value` in one line, characters in it as they are but for unsafe ones.

    A Decimal is written with its very digits, which `json.dumps` cannot do.
    """
    if isinstance(value, Decimal):
        return format(value, "f")
    text = json.dumps(value, ensure_ascii=False)
    return UNSAFE.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def _json_object(members: Iterable[tuple[str, object]]) -> str:
    return "{" + ", ".join(f'"{name}": {_json_text(value)}' for name, value in members) + "}"


def reject_line(
    file: str, line: int | None, offset: int | None, text: str, error: EventError
) -> str:
    """One line of the rejects file, with its newline; the place and begin of a text, and why."""
    members = {
        "file": file,
        "line": line,
        "offset": offset,
        "reason": error.reason,
        "member": error.member,
        "message": error.message,
        "text": text,
    }
    return _json_text(members) + "\n"


def _render_json_lines(rows: Sequence[RankedCustomer], summary: Summary) -> Iterator[str]:
    for row in rows:
        yield _json_object(row._asdict().items()) + "\n"


def _summary_members(summary: Summary) -> dict[str, object]:
    totals = summary.totals
    return {
        "currency": summary.currency,
        "lifespan_years": Decimal(summary.lifespan_years),
        "begin": time_text(totals.begin),
        "end": time_text(totals.end),
        "events": summary.events,
        "customers": totals.customers,
        "visits": totals.visits,
        "orders": totals.orders,
        "images": totals.images,
    }


def render_summary(summary: Summary, reasons: dict[str, int]) -> Iterator[bytes]:
    """The same as `json` has without the rows, with how many events were rejected by reason."""
    yield _json_object([*_summary_members(summary).items(), ("reasons", reasons)]).encode("utf-8")
    yield b"\n"


def _render_json(rows: Sequence[RankedCustomer], summary: Summary) -> Iterator[str]:
    yield "{\n"
    for name, value in _summary_members(summary).items():
        yield f'  "{name}": {_json_text(value)},\n'
    yield '  "top": ['
    for row in rows:
        yield "\n    " if row.rank == 1 else ",\n    "
        yield _json_object(row._asdict().items())
    yield "\n  ]\n}\n"


def _render_csv(rows: Sequence[RankedCustomer], summary: Summary) -> Iterator[str]:
    line = io.StringIO(newline="")
    writer = csv.writer(line)
    writer.writerow(RankedCustomer._fields)
    for row in rows:
        writer.writerow([_inert(cell) if isinstance(cell, str) else cell for cell in row])
        yield line.getvalue()
        line.seek(0)
        line.truncate()
    yield line.getvalue()


def _inert(text: str) -> str:
    """`text` so that a spreadsheet does not run it."""
    return "'" + text if _FORMULA.match(text) else text


def render_text(rows: Sequence[RankedCustomer], summary: Summary) -> Iterator[str]:
    """The table for people, line by line."""
    yield _title(len(rows), summary) + "\n"
    yield _span(summary) + "\n\n"
    for line in table_lines(_columns(rows, summary.currency), TEXT_WIDTH):
        yield line + "\n"


def _title(count: int, summary: Summary) -> str:
    return (
        f"Top {count:,} of {counted(summary.totals.customers, 'customer')} by "
        f"{summary.lifespan_years}-year lifetime value (LTV), in {summary.currency}"
    )


def _span(summary: Summary) -> str:
    return f"Data from {span_text(summary.totals)}"


def _columns(rows: Sequence[RankedCustomer], currency: str) -> list[Column]:
    return [
        Column(("", "#"), [f"{row.rank:,}" for row in rows]),
        Column(("customer", "id"), [row.customer_id for row in rows], least=10),
        Column(("last", "name"), [row.last_name or "" for row in rows], least=8),
        Column(("LTV", currency), [f"{row.ltv:,}" for row in rows]),
        Column(("revenue", currency), [f"{row.revenue:,}" for row in rows]),
        Column(("", "orders"), [f"{row.orders:,}" for row in rows]),
        Column(("", "visits"), [f"{row.visits:,}" for row in rows]),
        Column(("", "weeks"), [f"{row.weeks:,}" for row in rows]),
        Column((f"{currency} per", "visit"), [_or_dash(row.revenue_per_visit) for row in rows]),
        Column(("visits", "/week"), [f"{row.visits_per_week:,}" for row in rows]),
    ]


def _or_dash(number: Decimal | None) -> str:
    return "-" if number is None else f"{number:,}"


def counted(count: int, noun: str) -> str:
    """The count with its noun.

    >>> counted(1, "week"), counted(1000, "week")
    ('1 week', '1,000 weeks')
    """
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def span_text(totals: Totals) -> str:
    """`2017-01-01 to 2017-01-09 UTC, 3 weeks`."""
    weeks = weeks_between(totals.begin, totals.end)
    return f"{day_text(totals.begin)} to {day_text(totals.end)} UTC, {counted(weeks, 'week')}"


_Renderer = Callable[[Sequence[RankedCustomer], Summary], Iterator[str]]

FORMATS: dict[str, _Renderer] = {
    "text": render_text,
    "csv": _render_csv,
    "json": _render_json,
    "jsonl": _render_json_lines,
}

ENDINGS = {"text": ".txt", "csv": ".csv", "json": ".json", "jsonl": ".jsonl"}


def render(format_name: str, rows: Sequence[RankedCustomer], summary: Summary) -> Iterator[bytes]:
    """The results in one of `FORMATS`, in UTF-8, piece by piece."""
    for piece in FORMATS[format_name](rows, summary):
        yield piece.encode("utf-8")
