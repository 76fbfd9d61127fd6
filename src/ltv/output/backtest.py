"""A backtest in every format (SPEC, section 10): which ranking to believe, the sentence first.

| format | |
|---|---|
| `text`, `md` | by method and size: share of the later revenue, difference to simple LTV |
| `csv`, `jsonl` | a row for each method and size |
| `json` | `backtest` in the place of `top` |
| `html` | the report, with curves (ltv.report.backtest) |
"""

from collections.abc import Callable, Iterator, Sequence

from ltv.output.formats import (
    csv_lines,
    json_summary,
    markdown_notes,
    markdown_table,
    paragraph,
    span_line,
)
from ltv.output.json_text import json_block, json_object
from ltv.output.table import Column, table_lines
from ltv.ranking.backtest import Backtest, BacktestRun, TestedMethod, Top
from ltv.report.summary import Summary
from ltv.values import counted, measured

_NOTHING = "-"

_SHARES = "What the first customers of each ranking brought, in % of all later revenue"
_MARKS = "+ more than LTV, - less, beyond chance (95 %)"
_PRECISION = "How many of them are among as many who brought most"

_Row = tuple[str, list[str]]


def render_text(run: BacktestRun, summary: Summary, width: int | None = None) -> Iterator[str]:
    """Yield the backtest for people, line by line; `width` is that of a terminal, if it is one."""
    yield f"{_title(run.backtest, summary)}\n{span_line(summary)}\n\n"
    yield paragraph(run.backtest.verdict, width)
    yield "\n"
    yield paragraph(f"{_SHARES}:", width)
    for line in table_lines(_share_columns(run.backtest), width):
        yield f"{line}\n"
    yield paragraph(f"{_MARKS}.", width)
    yield "\n"
    yield paragraph(f"{_PRECISION}:", width)
    for line in table_lines(_precision_columns(run.backtest), width):
        yield f"{line}\n"
    yield "\n"
    for note in _notes(run.backtest, summary):
        yield paragraph(note, width)


def _render_markdown(run: BacktestRun, summary: Summary) -> Iterator[str]:
    yield f"{_title(run.backtest, summary)}.\n{span_line(summary)}.\n"
    yield from markdown_notes(summary)
    yield f"\n**{run.backtest.verdict}**\n\n{_SHARES}. {_MARKS}.\n\n"
    yield from markdown_table(_unpadded(_share_columns(run.backtest)))
    yield f"\n{_PRECISION}.\n\n"
    yield from markdown_table(_unpadded(_precision_columns(run.backtest)))
    yield "\n"
    for note in _notes(run.backtest, summary):
        yield f"- {note}\n"


def _unpadded(columns: Sequence[Column]) -> list[Column]:
    return [
        Column(tuple(map(str.strip, head)), list(map(str.strip, cells)), kind)
        for head, cells, kind in columns
    ]


def _title(backtest: Backtest, summary: Summary) -> str:
    return (
        f"Backtest: {counted(backtest.customers, 'customer')} ranked by what was known on "
        f"{backtest.date}, in {summary.currency}"
    )


def _share_columns(backtest: Backtest) -> list[Column]:
    rows = _rows(backtest, lambda top: f"{top.share_percent}{mark_of(top)}")
    best = [f"{top.best_share_percent} " for top in backtest.tops]
    chance = [f"{top.random_share_percent} " for top in backtest.tops]
    return _columns(backtest, [*rows, ("best possible", best), ("random choice", chance)])


def _precision_columns(backtest: Backtest) -> list[Column]:
    return _columns(backtest, _rows(backtest, lambda top: f"{top.precision:,} "))


def _rows(backtest: Backtest, text: Callable[[Top], str]) -> list[_Row]:
    """Return a row for each method, with a text for each size."""
    nothing = [f"{_NOTHING} "] * len(backtest.tops)
    return [
        (label_of(method), [text(top) for top in method.tops] or nothing)
        for method in backtest.methods
    ]


def _columns(backtest: Backtest, rows: Sequence[_Row]) -> list[Column]:
    cells = zip(*(cells for _, cells in rows), strict=True)
    return [
        Column(("", "method"), [name for name, _ in rows], "text"),
        *(
            Column(("first ", f"{top.customers:,} "), column)
            for top, column in zip(backtest.tops, cells, strict=True)
        ),
    ]


def mark_of(top: Top) -> str:
    """Return how the share compares with that of simple LTV, in a character."""
    if top.difference and top.difference.low > 0:
        return "+"
    return "-" if top.difference and top.difference.high < 0 else " "


def label_of(method: TestedMethod) -> str:
    """Return the short name of a method, near to what `--by` calls it."""
    name = {"ltv": "LTV", "recent-fitted": "recent, fitted"}.get(method.method, method.method)
    weeks = method.half_life_weeks
    if weeks is None:
        return name
    return f"{name} ({measured(f'{weeks:f}', 'week')})"


def _notes(backtest: Backtest, summary: Summary) -> Iterator[str]:
    currency = summary.currency
    yield (
        f"Later is until {backtest.end[:10]}: {backtest.later_customers:,} of the "
        f"{counted(backtest.customers, 'customer')} brought {backtest.later_revenue:,} {currency}. "
        f"{counted(backtest.began_later, 'customer')} began later and brought "
        f"{backtest.revenue_of_those:,} {currency}."
    )
    ratios = [
        f"{label_of(method)} {method.predicted_to_real:,}"
        for method in backtest.methods
        if method.predicted_to_real is not None
    ]
    yield f"Predicted / real, of all together: {', '.join(ratios)}."
    for method in backtest.methods:
        if method.why_not:
            yield f"Not ranked by {label_of(method)}: {method.why_not}."


def _render_json(run: BacktestRun, summary: Summary) -> Iterator[str]:
    yield "{\n"
    yield from json_summary(summary)
    yield f'  "backtest": {json_block(run.backtest, "  ")}\n}}\n'


def rows_of(backtest: Backtest) -> Iterator[dict[str, object]]:
    """Yield a row for each method and size."""
    for method in backtest.methods:
        for top in method.tops:
            members = top._asdict()
            difference = members.pop("difference")
            value, low, high = difference or (None, None, None)
            yield {
                "method": method.method,
                "half_life_weeks": method.half_life_weeks,
                **members,
                "difference": value,
                "low": low,
                "high": high,
                "predicted_to_real": method.predicted_to_real,
            }


def _render_json_lines(run: BacktestRun, summary: Summary) -> Iterator[str]:
    for row in rows_of(run.backtest):
        yield json_object(row.items()) + "\n"


def _render_csv(run: BacktestRun, summary: Summary) -> Iterator[str]:
    return csv_lines(rows_of(run.backtest))


def _render_html(run: BacktestRun, summary: Summary) -> Iterator[str]:
    from ltv.report.backtest import render_backtest  # noqa: PLC0415 - only for html

    return render_backtest(run, summary)


FORMATS: dict[str, Callable[[BacktestRun, Summary], Iterator[str]]] = {
    "text": render_text,
    "csv": _render_csv,
    "json": _render_json,
    "jsonl": _render_json_lines,
    "md": _render_markdown,
    "html": _render_html,
}


def render(format_name: str, run: BacktestRun, summary: Summary) -> Iterator[bytes]:
    """Yield the backtest in one of `FORMATS`, in UTF-8, piece by piece."""
    return map(str.encode, FORMATS[format_name](run, summary))
