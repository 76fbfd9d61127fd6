"""A backtest in every format (SPEC, section 10): which ranking to believe, the sentence first.

| format | |
|---|---|
| `text`, `md` | by method and size: share of the later revenue, difference to simple LTV |
| `csv`, `jsonl` | a row for each method and size |
| `json` | `backtest` in the place of `top` |
| `html` | the report, with curves (ltv.report.backtest) |
"""

from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal

from ltv.output.formats import (
    TEXT_WIDTH,
    csv_lines,
    json_block,
    json_object,
    json_summary,
    markdown_notes,
    markdown_table,
    span_line,
)
from ltv.output.table import Column, table_lines
from ltv.ranking.backtest import Backtest, BacktestRun, TestedMethod, Top
from ltv.report.summary import Summary, counted

_NOTHING = "-"


def render_text(run: BacktestRun, summary: Summary) -> Iterator[str]:
    """The backtest for people, line by line."""
    yield f"{_title(run.backtest, summary)}\n{span_line(summary)}\n\n{run.backtest.verdict}\n"
    for caption, columns in _tables(run.backtest):
        yield f"\n{caption}:\n"
        for line in table_lines(columns, TEXT_WIDTH):
            yield f"{line}\n"
    yield "\n"
    for note in _notes(run.backtest, summary):
        yield f"{note}\n"


def _render_markdown(run: BacktestRun, summary: Summary) -> Iterator[str]:
    yield f"{_title(run.backtest, summary)}.\n{span_line(summary)}.\n"
    yield from markdown_notes(summary)
    yield f"\n**{run.backtest.verdict}**\n"
    for caption, columns in _tables(run.backtest):
        yield f"\n{caption}:\n\n"
        yield from markdown_table(columns)
    yield "\n"
    for note in _notes(run.backtest, summary):
        yield f"- {note}\n"


def _title(backtest: Backtest, summary: Summary) -> str:
    return (
        f"Backtest: {counted(backtest.customers, 'customer')} ranked by what was known on "
        f"{backtest.date}, in {summary.currency}"
    )


def _tables(backtest: Backtest) -> Iterator[tuple[str, list[Column]]]:
    """Yield what is shown by method and size, each with its caption."""
    tops = next(method.tops for method in backtest.methods if method.tops)
    sizes = [top.customers for top in tops]
    names = [label_of(method) for method in backtest.methods]
    methods = backtest.methods
    best, chance = ([f"{top[place]}" for top in tops] for place in (3, 4))

    def columns(rows: Sequence[tuple[str, Sequence[str]]]) -> list[Column]:
        cells = list(zip(*(cells for _, cells in rows), strict=True))
        return [
            Column(("", "method"), [name for name, _ in rows], least=10),
            *(Column(("first", f"{size:,}"), cells[place]) for place, size in enumerate(sizes)),
        ]

    def of_each(text: Callable[[Top], str]) -> list[tuple[str, Sequence[str]]]:
        return [
            (name, [text(top) for top in method.tops] or [_NOTHING] * len(sizes))
            for name, method in zip(names, methods, strict=True)
        ]

    shares = of_each(lambda top: f"{top.share_percent}")
    yield (
        "What the first customers of each ranking brought, in % of all later revenue",
        columns([*shares, ("best possible", best), ("random choice", chance)]),
    )
    yield (
        "How many of them are among as many customers with the most later revenue",
        columns(of_each(lambda top: f"{top.precision:,}")),
    )
    yield (
        "Points more than LTV, with the 95 % interval",
        columns(of_each(_difference_text)[1:]),
    )


def _difference_text(top: Top) -> str:
    if top.difference is None:
        return _NOTHING
    value, low, high = top.difference
    return f"{value:+} ({low}..{high})"


def label_of(method: TestedMethod) -> str:
    """Return the short name of a method, near to what `--by` calls it."""
    name = {"ltv": "LTV", "recent-fitted": "recent, fitted"}.get(method.method, method.method)
    weeks = method.half_life_weeks
    return name if weeks is None else f"{name} ({counted_weeks(weeks)})"


def counted_weeks(weeks: Decimal) -> str:
    """Return a number of weeks with its noun."""
    return f"{weeks:f} {'week' if weeks == 1 else 'weeks'}"


def _notes(backtest: Backtest, summary: Summary) -> Iterator[str]:
    currency = summary.currency
    yield (
        f"Until {backtest.end[:10]} they brought {backtest.later_revenue:,} {currency}; "
        f"{backtest.later_customers:,} of them brought something. "
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
            yield f"{label_of(method)}: not ranked: {method.why_not}."


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
    """The backtest in one of `FORMATS`, in UTF-8, piece by piece."""
    for piece in FORMATS[format_name](run, summary):
        yield piece.encode("utf-8")
