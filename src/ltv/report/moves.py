"""How the shop moves over time, and how its cohorts do."""

from collections.abc import Iterator
from decimal import Decimal

from ltv.report.charts import Caption, Column, Tick, columns, compact
from ltv.report.digest import Cohort, CohortTable, PeriodTable
from ltv.report.html import (
    DASH,
    Section,
    html_figure,
    html_paragraph,
    html_section,
    html_table,
    or_dash,
)
from ltv.report.story import Story
from ltv.values import counted

_HEATS = 6
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def moves_section(story: Story) -> Section:
    """Return what happened by period."""
    table, currency = story.digest.periods, story.summary.currency
    figures = [
        ("revenue", f"Revenue, {currency}"),
        ("new_revenue", f"Revenue of new customers, {currency}"),
        ("returning_revenue", f"Revenue of returning customers, {currency}"),
        ("orders", "Orders"),
        ("visits", "Visits"),
        ("new_customers", "New customers"),
    ]
    charts = (
        html_figure(f"<b>{title}</b>", _period_chart(table, field, title))
        for field, title in figures
        if field != "visits" or story.summary.totals.visits
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
        "of the first event. Revenue is of new customers on their first day with orders, and of "
        "returning ones later. The first and the last of the columns may be incomplete."
    )


def _label(unit: str, begin: str) -> str:
    """Return what a period is called that begins on a day."""
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
        else f"{year}{DASH}{year + int(unit.removesuffix(' years')) - 1}"
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
    step = Decimal(0 if field.endswith("revenue") else 1)
    return columns(caption, items, _time_ticks(table), height=110, least_step=step)


def _time_ticks(table: PeriodTable) -> list[Tick]:
    """Return where another month, or another period, begins; the ends first, then round ones."""
    unit = {"week": "month"}.get(table.unit, table.unit)
    begins = [period.begin for period in table.periods]
    labels = [_label(unit, begin) for begin in begins]
    places = [n for n, label in enumerate(labels) if n == 0 or label != labels[n - 1]]
    ticks = []
    for place in places:
        is_end = place in (places[0], places[-1])
        rank = 0 if is_end else _roundness(unit, begins[place])
        month, *year = labels[place].split()
        is_inside = unit == "month" and not is_end
        ticks.append(
            Tick(place, (month if rank > 1 else year[0]) if is_inside else labels[place], rank)
        )
    return ticks


def _roundness(unit: str, begin: str) -> int:
    """Return 1 for the roundest: of months and quarters the years, of years the tens; up to 3."""
    number, parts = (int(begin[:4]), (10, 5)) if "year" in unit else (int(begin[5:7]) - 1, (12, 3))
    return next((rank for rank, part in enumerate(parts, 1) if number % part == 0), 3)


def _period_table(table: PeriodTable, currency: str) -> Iterator[str]:
    heads = {
        "revenue": f"revenue, {currency}",
        "orders": "orders",
        "visits": "visits",
        "new_customers": "new customers",
        "new_revenue": "of new customers",
        "returning_revenue": "of returning ones",
    }
    yield "<details><summary>The same in numbers</summary>\n"
    yield from html_table(
        f"What happened by {table.unit}",
        "periods",
        ("begins", *heads.values()),
        (
            f'<th scope="row">{period.begin}</th>'
            + "".join(f"<td>{or_dash(getattr(period, field))}</td>" for field in heads)
            for period in table.periods
        ),
    )
    yield "</details>\n"


def cohorts_section(story: Story) -> Section:
    """Return what customers brought by when they began."""
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
        _revenue_table(table, currency),
        _retained_table(table),
    )


def _period(unit: str) -> str:
    return f"period of {unit}" if unit[0].isdigit() else unit


def _revenue_table(table: CohortTable, currency: str) -> Iterator[str]:
    most = max(max(cohort.revenue_per_customer) for cohort in table.cohorts)
    rows = [_heat_row(table, cohort, cohort.revenue_per_customer, most) for cohort in table.cohorts]
    caption = (
        f"Revenue per customer so far, {currency}, by {_period(table.unit)}; 0 is the one that the "
        "customers began in. The stronger the colour, the more."
    )
    label = "Revenue per customer so far, by cohort"
    return html_table(label, "heat", _heat_head(table), rows, caption)


def _retained_table(table: CohortTable) -> Iterator[str]:
    most = max(max(cohort.percent_retained) for cohort in table.cohorts)
    rows = [_heat_row(table, cohort, cohort.percent_retained, most) for cohort in table.cohorts]
    customers = sum(cohort.customers for cohort in table.cohorts)
    means = "".join(_heat_cell(share, most) for share in table.mean_percent_retained)
    caption = (
        f"Customers who ordered in a {_period(table.unit)}, in percent of all of the cohort. The "
        "mean is of all customers who could, without the last, perhaps incomplete number of each "
        "row."
    )
    mean = f'<th scope="row">mean</th><td>{customers:,}</td>{means}'
    label = "Customers retained, in percent, by cohort"
    return html_table(label, "heat retained", _heat_head(table), [*rows, mean], caption)


def _heat_head(table: CohortTable) -> tuple[str, ...]:
    return "began", "customers", *map(str, range(len(table.mean_percent_retained)))


def _heat_row(table: CohortTable, cohort: Cohort, values: list[Decimal], most: Decimal) -> str:
    cells = "".join(_heat_cell(value, most) for value in values)
    label = _label(table.unit, cohort.begin)
    return f'<th scope="row">{label}</th><td>{cohort.customers:,}</td>{cells}'


def _heat_cell(value: Decimal | None, most: Decimal) -> str:
    if value is None:
        return f"<td>{DASH}</td>"
    heat = min(int(_HEATS * value / most), _HEATS - 1) if value > 0 else 0
    return f'<td class="h{heat}">{_few_digits(value, most)}</td>'


def _few_digits(value: Decimal, most: Decimal) -> str:
    """Return it with as many decimals as have room, the same for all up to `most`."""
    if most >= 10_000:  # noqa: PLR2004 - four digits have room
        return compact(value)
    places = 0 if most >= 100 else 1 if most >= 10 else 2  # noqa: PLR2004 - so have these
    text = f"{value:.{places}f}"
    return text.removeprefix("-") if not float(text) else text
