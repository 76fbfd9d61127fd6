"""The weeks over which the shop is compared, and who of its customers came back.

| span | |
|---|---|
| `last` | the last 13 whole weeks before the week of the end of the data |
| `before` | the 13 weeks before these |
| `year_before` | the weeks of `last`, 52 weeks earlier |

A customer comes back with an order on a later day (UTC) than that of its first: an order belongs to
the day of the event that set its amount, and two on one day are one visit to the till. Who comes
back is counted by ltv.report.habits.
"""

from collections.abc import Mapping
from functools import lru_cache

from ltv.times import DAY, WEEK, day_text, days_since_1970, week_begin
from LTV_Calculate import WEEKS_PER_YEAR

WEEKS = 13
ALL, LAST, BEFORE, YEAR_BEFORE = "all", "last", "before", "year_before"

#: How many weeks before the week of the end each span begins.
_BEGINS = {LAST: WEEKS, BEFORE: 2 * WEEKS, YEAR_BEFORE: WEEKS_PER_YEAR + WEEKS}


def span_days(span: str, end: int) -> list[str]:
    """Return the days of a span, `YYYY-MM-DD`; `end` is that of the data, in microseconds."""
    first = week_begin(end) - _BEGINS[span] * WEEK
    return [day_text(first + number * DAY) for number in range(7 * WEEKS)]


@lru_cache(maxsize=1)  # for all customers that a process has
def span_of_days(end: int) -> Mapping[int, str]:
    """Return the span of each day since 1970 that lies in one; `end` as of `span_days`."""
    return {days_since_1970(day): span for span in _BEGINS for day in span_days(span, end)}
