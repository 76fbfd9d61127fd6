"""Rows and rejects as text, CSV and JSON (SPEC, section 7).

| format | endings | |
|---|---|---|
| `text` | `.txt` | a table for people |
| `csv` | `.csv` | RFC 4180, one header line |
| `json` | `.json` | one object: the summary, the figures, and the rows as `top` |
| `jsonl` | `.jsonl`, `.ndjson` | one row a line |
| `md` | `.md`, `.markdown` | a table of GitHub's Markdown |
| `html` | `.html`, `.htm` | the report (ltv.report.page) |
"""

import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from decimal import Decimal
from itertools import groupby
from json.encoder import encode_basestring
from textwrap import fill

from ltv.errors import EventError
from ltv.output.json_text import json_block, json_object, json_text, safe
from ltv.output.table import Column, fitting, table_lines
from ltv.report.digest import digest_of
from ltv.report.summary import SHORT_HISTORY, Summary, has_short_history, span_text
from ltv.terminal import escaped
from ltv.times import day_text, time_text
from LTV_Calculate import RankedCustomer

#: The most columns of a terminal that sentences for people take.
TEXT_WIDTH = 80

#: What a terminal that is too narrow for all columns of the ranking is spared, in this order.
SPARE_COLUMNS = (
    "visits_per_week",
    "revenue_per_visit",
    "begin",
    "visits",
    "last_name",
    "last_order",
    "weeks",
)

#: What a spreadsheet would run as a formula, in front of the text or after its white space.
_FORMULA = re.compile("\\s*[=+\\-@\t\r＝＋－＠]")


def reject_line(
    file: str, line: int | None, offset: int | None, text: str, error: EventError
) -> str:
    """Return a line of the rejects file, with its newline: place and begin of a text, and why."""
    place = f'"line": {json_text(line)}, "offset": {json_text(offset)}'
    return f'{{"file": {json_text(file)}, {place}{_rest_of_reject(text, error)}\n'


def _rest_of_reject(text: str, error: EventError) -> str:
    member = "null" if error.member is None else f'"{error.member}"'
    why = f'"reason": "{error.reason}", "member": {member}'
    message, text = encode_basestring(error.message), encode_basestring(text)
    return safe(f', {why}, "message": {message}, "text": {text}}}')


def reject_row(line: int, offset: int, text: str, error: EventError) -> bytes:
    """Return the same for a file and a line that are not known yet: see `reject_lines`."""
    return f"{line}\t{offset}\t{_rest_of_reject(text, error)}\n".encode()


def reject_lines(file: str, rows: Iterable[bytes], line_shift: int | None) -> Iterator[bytes]:
    """Yield the lines of the rejects file, with their newlines, for what `reject_row` made.

    Lines are shifted by `line_shift`, None where nobody knows the place of what is in `file`.
    """
    begin = f'{{"file": {json_text(file)}, "line": '.encode()
    for row in rows:
        line, offset, rest = row.split(b"\t", 2)
        if line_shift is None:
            yield b'%bnull, "offset": null%b' % (begin, rest)
        else:
            yield b'%b%d, "offset": %b%b' % (begin, int(line) + line_shift, offset, rest)


#: What `--by` adds to a row: the field, and the head of its column.
ADDED = {
    "recent_revenue": ("recent", "{}"),
    "expected_purchases": ("expected", "purchases"),
    "expected_revenue": ("expected", "{}"),
}


def added_to(row: RankedCustomer) -> dict[str, Decimal]:
    """Return what a row has by what it is ranked by."""
    members = row._asdict()
    return {name: members[name] for name in ADDED if members[name] is not None}


def row_members(row: RankedCustomer) -> dict[str, object]:
    """Return what a row shows by name, with its times as text."""
    members = {name: value for name, value in row._asdict().items() if name not in ADDED}
    times = {"begin": time_text(row.begin), "last_order": optional_time_text(row.last_order)}
    return members | times | added_to(row)


def optional_time_text(instant: int | None) -> str | None:
    """Return an instant as `time_text` does; None for None."""
    return None if instant is None else time_text(instant)


def _render_json_lines(rows: Sequence[RankedCustomer], summary: Summary) -> Iterator[str]:
    for row in rows:
        yield json_object(row_members(row).items()) + "\n"


def render_summary(summary: Summary) -> Iterator[bytes]:
    """Yield the same as `json` has without rows and figures, with the rejected events by reason."""
    members = *_summary_members(summary).items(), ("rejected_for", summary.reasons)
    yield json_object(members).encode("utf-8") + b"\n"


def _render_json(rows: Sequence[RankedCustomer], summary: Summary) -> Iterator[str]:
    yield "{\n"
    yield from json_summary(summary)
    yield '  "top": ['
    for row in rows:
        yield "\n    " if row.rank == 1 else ",\n    "
        yield json_object(row_members(row).items())
    yield "\n  ]\n}\n"


def json_summary(summary: Summary) -> Iterator[str]:
    """Yield the members of the JSON object that stand before the results, a line each."""
    for name, value in _summary_members(summary).items():
        yield f'  "{name}": {json_text(value)},\n'
    if summary.figures:
        digest = digest_of(summary.figures, summary.totals, summary.reasons)
        yield f'  "figures": {json_block(digest, "  ")},\n'


def _summary_members(summary: Summary) -> dict[str, object]:
    totals, by = summary.totals, summary.by
    unit = "half_life_weeks" if by.method == "recent" else "horizon_weeks"
    weeks = {} if by.weeks is None else {unit: Decimal(by.weeks)}
    return {
        "currency": summary.currency,
        "lifespan_years": Decimal(summary.lifespan_years),
        "by": by.method,
        **weeks,
        **({"segment": by.segment} if by.segment else {}),
        "begin": time_text(totals.begin),
        "end": time_text(totals.end),
        "events": summary.events,
        "customers": totals.customers,
        **({} if by.ranked is None else {"ranked": by.ranked}),
        "visits": totals.visits,
        "orders": totals.orders,
        "images": totals.images,
        "warnings": [*summary.warnings],
        **({"model": by.model} if by.model else {}),
    }


def _render_csv(rows: Sequence[RankedCustomer], summary: Summary) -> Iterator[str]:
    yield from csv_lines(map(row_members, rows))


def csv_lines(rows: Iterable[dict[str, object]]) -> Iterator[str]:
    """Yield the names of the columns and the rows, at least one, line by line."""
    line = io.StringIO(newline="")
    writer = csv.writer(line)
    for number, row in enumerate(rows):
        if number == 0:
            writer.writerow(row)
        cells = row.values()
        writer.writerow(map(_csv_cell, cells))
        yield line.getvalue()
        line.seek(0)
        line.truncate()
    yield line.getvalue()


def _csv_cell(cell: object) -> object:
    """Return what is written of a cell: a Decimal with its very digits, as in JSON."""
    if isinstance(cell, str):
        return _inert(cell)
    return format(cell, "f") if isinstance(cell, Decimal) else cell


def _inert(text: str) -> str:
    """Return `text` so that a spreadsheet does not run it."""
    return "'" + text if _FORMULA.match(text) else text


def _render_markdown(rows: Sequence[RankedCustomer], summary: Summary) -> Iterator[str]:
    columns = _columns(rows, summary.currency, time_text)
    yield _title(len(rows), summary) + ".\n"
    yield span_line(summary) + ".\n"
    yield from markdown_notes(summary)
    yield "\n"
    yield from markdown_table([*columns.values()])


def markdown_notes(summary: Summary) -> Iterator[str]:
    """Yield the warnings, and what of a model is not to be trusted, a line each."""
    for warning in summary.warnings:
        yield f"Warning: {warning}.\n"
    for note in summary.by.notes:
        yield f"Note on the model: {_markdown(note)}.\n"


def markdown_table(columns: Sequence[Column]) -> Iterator[str]:
    """Yield a table in Markdown, line by line."""
    yield _markdown_line([" ".join(filter(None, column.head)) for column in columns])
    yield _markdown_line(["--:" if column.kind == "number" else ":--" for column in columns])
    texts = [
        [cell if column.kind == "number" else _markdown(cell) for cell in column.cells]
        for column in columns
    ]
    for cells in zip(*texts, strict=True):
        yield _markdown_line(cells)


def _markdown_line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |\n"


#: What Markdown, and GitHub, which makes links of more (addresses, `GH-12`), show as it is.
_PLAIN = re.compile(r"(?! )(?:[^\W_]|[,']|-(?!\d)|\.(?![^ ])| (?=[^ ]))*")


def _markdown(text: str) -> str:
    """Return `text` in a cell, in a span of code unless it is plain."""
    shown = escaped(text)
    if _PLAIN.fullmatch(shown):
        return shown
    longest = max((len(list(run)) for mark, run in groupby(shown) if mark == "`"), default=0)
    fence = "`" * (longest + 1)
    padded = shown[0] == shown[-1] == " " and shown.strip(" ")  # loses a space on each side
    blank = " " if padded or "`" in (shown[0], shown[-1]) else ""
    return f"{fence}{blank}{shown}{blank}{fence}".replace("|", "\\|")


def _render_html(rows: Sequence[RankedCustomer], summary: Summary) -> Iterator[str]:
    from ltv.report.page import render_report  # noqa: PLC0415 - only for html

    return render_report(rows, summary)


def render_text(
    rows: Sequence[RankedCustomer],
    summary: Summary,
    width: int | None = None,
    most: int | None = None,
) -> Iterator[str]:
    """Yield the table for people, line by line.

    It is whole, or as a terminal of `width` columns has room for, and of the first `most` rows.
    """
    yield _title(len(rows), summary) + "\n"
    yield span_line(summary) + "\n\n"
    rows = rows[:most]
    columns = _columns(rows, summary.currency, day_text)
    is_short = list(map(has_short_history, rows))
    if any(is_short):
        ranks = zip(columns["rank"].cells, is_short, strict=True)
        columns["rank"] = Column(("", "# "), [rank + " *"[short] for rank, short in ranks])
    shown = columns if width is None else fitting(columns, SPARE_COLUMNS, width)
    for line in table_lines([*shown.values()], width):
        yield line + "\n"
    if any(is_short):
        yield paragraph(f"* {SHORT_HISTORY}", width)
    if len(shown) < len(columns):
        left_out = ", ".join(name for name in columns if name not in shown)
        yield paragraph(f"Left out for want of room: {left_out}", width)


def paragraph(text: str, width: int | None) -> str:
    """Return the lines of a text for people, on a terminal of `width` columns or elsewhere."""
    return fill(text, min(width or TEXT_WIDTH, TEXT_WIDTH)) + "\n"


def _title(count: int, summary: Summary) -> str:
    return f"Top {count:,} of {summary.ranked_text} by {summary.method_text}, in {summary.currency}"


def span_line(summary: Summary) -> str:
    """Return what days the data is of."""
    return f"Data from {span_text(summary.totals)}"


def _columns(
    rows: Sequence[RankedCustomer], currency: str, text_of: Callable[[int], str]
) -> dict[str, Column]:
    """Return the columns of the ranking by name; `text_of` gives the text of an instant."""
    last_orders = ["-" if row.last_order is None else text_of(row.last_order) for row in rows]
    return {
        "rank": Column(("", "#"), [f"{row.rank:,}" for row in rows]),
        "customer_id": Column(("customer", "id"), [row.customer_id for row in rows], "id"),
        "last_name": Column(("last", "name"), [row.last_name or "" for row in rows], "text"),
        **_added_columns(rows, currency),
        "ltv": Column(("LTV", currency), [f"{row.ltv:,}" for row in rows]),
        "revenue": Column(("revenue", currency), [f"{row.revenue:,}" for row in rows]),
        "orders": Column(("", "orders"), [f"{row.orders:,}" for row in rows]),
        "visits": Column(("", "visits"), [f"{row.visits:,}" for row in rows]),
        "weeks": Column(("", "weeks"), [f"{row.weeks:,}" for row in rows]),
        "revenue_per_visit": Column(
            (f"{currency} per", "visit"), [_or_dash(row.revenue_per_visit) for row in rows]
        ),
        "visits_per_week": Column(
            ("visits", "/week"), [f"{row.visits_per_week:,}" for row in rows]
        ),
        "begin": Column(("", "begin"), [text_of(row.begin) for row in rows]),
        "last_order": Column(("last", "order"), last_orders),
    }


def _added_columns(rows: Sequence[RankedCustomer], currency: str) -> dict[str, Column]:
    """Return what it is ranked by, which people want to see first."""
    added = list(map(added_to, rows))
    heads = {name: (ADDED[name][0], ADDED[name][1].format(currency)) for name in added[0]}
    return {
        name: Column(head, [f"{each[name]:,}" for each in added]) for name, head in heads.items()
    }


def _or_dash(number: Decimal | None) -> str:
    return "-" if number is None else f"{number:,}"


_Renderer = Callable[[Sequence[RankedCustomer], Summary], Iterator[str]]

FORMATS: dict[str, _Renderer] = {
    "text": render_text,
    "csv": _render_csv,
    "json": _render_json,
    "jsonl": _render_json_lines,
    "md": _render_markdown,
    "html": _render_html,
}

#: The only ones for which the figures are worth their time.
FORMATS_WITH_FIGURES = ("json", "html")

#: Of the names of files in each format, the usual one first.
ENDINGS = {
    "text": (".txt",),
    "csv": (".csv",),
    "json": (".json",),
    "jsonl": (".jsonl", ".ndjson"),
    "md": (".md", ".markdown"),
    "html": (".html", ".htm"),
}


def render(format_name: str, rows: Sequence[RankedCustomer], summary: Summary) -> Iterator[bytes]:
    """Yield the results in one of `FORMATS`, in UTF-8, piece by piece."""
    return map(str.encode, FORMATS[format_name](rows, summary))
