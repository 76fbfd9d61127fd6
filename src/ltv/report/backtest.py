"""The page of a backtest: which ranking to believe, with curves, and what the shop is like.

| section | |
|---|---|
| Which ranking to believe | the sentence, the curves, the shares by size |
| How predictions did | predicted and real, in all and by tenth |
| the others | as in the report of a ranking (ltv.report.page) |
"""

from collections.abc import Iterator, Sequence

from ltv.ranking.backtest import (
    Backtest,
    BacktestRun,
    Difference,
    TestedMethod,
    name_of,
)
from ltv.report.charts import Caption, Line, curves, swatch
from ltv.report.html import (
    DASH,
    Section,
    html_figure,
    html_paragraph,
    html_section,
    html_table,
)
from ltv.report.page import render_page, shop_sections
from ltv.report.story import story_of
from ltv.report.style import STYLE
from ltv.report.summary import Summary
from ltv.values import counted

#: The lines differ by more than their colours, and by none that the style has not.
_STYLE = """
.line.ltv{stroke:var(--ink)}
.line.revenue{stroke:var(--ink);stroke-dasharray:2 4}
.line.recent-fitted{stroke-dasharray:8 4}
.line.expected{stroke:var(--mark)}
.line.best{stroke:var(--strong);stroke-dasharray:1 3}
.swatch{vertical-align:.1em;margin:0 .35em 0 0}
.legend span{white-space:nowrap;margin-right:1.25em}
.shares :is(td,th):first-child,.tenths :is(td,th):first-child{text-align:left}
"""


def render_backtest(run: BacktestRun, summary: Summary) -> Iterator[str]:
    """Yield the page, piece by piece; the summary has figures."""
    backtest = run.backtest
    lede = (
        f"{counted(backtest.customers, 'customer')} ranked by what was known on {backtest.date}, "
        "in several ways, beside what they then spent."
    )
    sections = [
        _believe(run, summary),
        _predictions(backtest, summary),
        *shop_sections(story_of((), summary)),
    ]
    title = "Which ranking to believe"
    return render_page(title, lede, summary, sections, style=STYLE + _STYLE)


def _believe(run: BacktestRun, summary: Summary) -> Section:
    backtest = run.backtest
    return html_section(
        "believe",
        "Which ranking to believe",
        html_paragraph(f"<strong>{backtest.verdict}</strong>"),
        html_paragraph(_later_told(backtest, summary)),
        _chart(run),
        _shares(backtest),
        _differences(backtest),
        _not_ranked(backtest),
    )


def _later_told(backtest: Backtest, summary: Summary) -> str:
    currency = summary.currency
    return (
        f"After {backtest.date} and until {backtest.end[:10]}, {backtest.later_customers:,} of the "
        f"{counted(backtest.customers, 'customer')} brought {backtest.later_revenue:,} {currency} "
        f"by new orders. {counted(backtest.began_later, 'customer')} began later, whom no ranking "
        f"could know, and brought {backtest.revenue_of_those:,} {currency}."
    )


def _chart(run: BacktestRun) -> Iterator[str]:
    names = {method.method: _name(method) for method in run.backtest.methods}
    names["best"] = "best possible"
    title = "Later revenue caught by the first customers"
    told = (
        "From left to right, more and more of the customers, the first of each ranking first; "
        "upwards, what part of all later revenue they brought."
    )
    legend = " ".join(f"<span>{swatch(name)}{names[name]}</span>" for name, _ in run.curves)
    chart = curves(Caption("caught-chart", title, told), [Line(*curve) for curve in run.curves])
    caption = f'<b>{title}.</b> {told}<br><span class="legend">{legend}</span>'
    return html_figure(caption, chart)


def _name(method: TestedMethod) -> str:
    return name_of(method.method, method.half_life_weeks)


def _head(backtest: Backtest) -> tuple[str, ...]:
    return ("ranked by", *(f"first<br>{top.customers:,}" for top in backtest.tops))


def _row(name: str, cells: Sequence[object]) -> str:
    return f'<th scope="row">{name}</th>' + "".join(f"<td>{cell}</td>" for cell in cells)


def _shares(backtest: Backtest) -> Iterator[str]:
    rows = [
        _row(_name(method), [f"{top.share_percent} ({top.precision:,})" for top in method.tops])
        for method in backtest.methods
        if method.tops
    ]
    best = _row("best possible", [top.best_share_percent for top in backtest.tops])
    chance = _row("random choice", [top.random_share_percent for top in backtest.tops])
    note = (
        "What the first customers brought, in percent of all later revenue; in brackets, how many "
        "of them are among as many who brought most:"
    )
    label = "Later revenue caught by the first customers"
    return html_table(label, "shares", _head(backtest), [*rows, best, chance], note)


def _differences(backtest: Backtest) -> Iterator[str]:
    rows = [
        _row(_name(method), [_difference_text(top.difference) for top in method.tops])
        for method in backtest.methods[1:]
        if method.tops
    ]
    note = (
        "Points more than simple lifetime value, with the 95 % interval; where 0 lies inside of "
        "it, the difference may be chance:"
    )
    return html_table("Differences to simple LTV", "shares", _head(backtest), rows, note)


def _difference_text(difference: Difference | None) -> str:
    assert difference is not None, "all but simple lifetime value have one"
    value, low, high = difference
    return f"{value:+} ({low} to {high})"


def _not_ranked(backtest: Backtest) -> Iterator[str]:
    for method in backtest.methods:
        if method.why_not:
            yield from html_paragraph(f"Not ranked by {_name(method)}: {method.why_not}.")


def _predictions(backtest: Backtest, summary: Summary) -> Section:
    methods = [method for method in backtest.methods if method.by_tenth]
    told = "; ".join(f"by {_name(method)} {method.predicted_to_real:,}" for method in methods)
    head = [
        "customers",
        *(f"{what}<br>{_name(method)}" for method in methods for what in ("predicted", "real")),
    ]
    tenths = zip(*(method.by_tenth or [] for method in methods), strict=True)
    rows = [
        _row(
            f"{10 * number}{DASH}{10 * number + 10} %",
            [f"{money:,}" for tenth in of_methods for money in tenth],
        )
        for number, of_methods in enumerate(tenths)
    ]
    note = f"Tenths of the customers, the first of each ranking first; {summary.currency}:"
    return html_section(
        "predictions",
        "How predictions did",
        html_paragraph(f"Predicted / real, of all together: {told}."),
        html_table("Predicted and real by tenth", "tenths", head, rows, note),
    )
