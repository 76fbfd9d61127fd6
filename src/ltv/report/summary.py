"""What is said of a run beside its rows."""

from typing import NamedTuple

from ltv.report.figures import Figures
from ltv.times import day_text, weeks_between
from LTV_Calculate import Totals


class Summary(NamedTuple):
    """What is said beside the rows."""

    currency: str
    lifespan_years: str  # as it was given
    totals: Totals
    events: dict[str, int]  # read, accepted, rejected, and perhaps earlier and later
    reasons: dict[str, int] = {}  # noqa: RUF012 - nobody changes it; rejected events by reason
    figures: Figures | None = None  # for the formats that have them
    warnings: tuple[str, ...] = ()


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
