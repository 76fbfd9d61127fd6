"""What is said of a run beside its rows."""

from typing import TYPE_CHECKING, NamedTuple

from ltv.report.figures import Figures
from ltv.times import day_text, weeks_between
from LTV_Calculate import Totals

if TYPE_CHECKING:
    from ltv.ranking.model import ShownModel


#: That are named as what results were made from.
_MOST_FILES = 5


class RankedBy(NamedTuple):
    """What customers were ranked by."""

    method: str = "ltv"
    weeks: str | None = None  # the half-life or the horizon, as it was given
    least: str = ""  # what a customer needs to be ranked
    ranked: int | None = None  # how many are, where something is needed
    model: "ShownModel | None" = None

    @property
    def notes(self) -> list[str]:
        """What of the model is not to be trusted."""
        return self.model.notes if self.model else []


class Origin(NamedTuple):
    """What results were made from, and by what."""

    files: tuple[str, ...]  # in the order in which they were read
    program: str  # its name and version
    command: str  # as it may be shown to others

    @property
    def text(self) -> str:
        """One sentence about it, for people."""
        shown = ["standard input" if file == "-" else file for file in self.files[:_MOST_FILES]]
        more = len(self.files) - len(shown)
        source = ", ".join(shown) + (f" and {counted(more, 'more file')}" if more else "")
        made = f"Made from {source}" if source else "Made without reading events,"
        return f"{made} by {self.program}: {self.command}"


class Summary(NamedTuple):
    """What is said beside the rows."""

    currency: str
    lifespan_years: str  # as it was given
    totals: Totals
    events: dict[str, int]  # read, accepted, rejected, and perhaps earlier and later
    reasons: dict[str, int] = {}  # noqa: RUF012 - nobody changes it; rejected events by reason
    figures: Figures | None = None  # for the formats that have them
    warnings: tuple[str, ...] = ()
    by: RankedBy = RankedBy()
    origin: Origin | None = None

    @property
    def method_text(self) -> str:
        """What was ranked by, for people."""
        return {
            "ltv": f"{self.lifespan_years}-year lifetime value (LTV)",
            "revenue": "revenue",
            "recent": f"recent revenue (half-life {self.by.weeks} weeks)",
            "expected": f"expected revenue of the next {self.by.weeks} weeks",
        }[self.by.method]

    @property
    def ranked_text(self) -> str:
        """How many were ranked, of how many."""
        customers = counted(self.totals.customers, "customer")
        if self.by.ranked is None:
            return customers
        return f"{self.by.ranked:,} with {self.by.least} or more, of {customers},"


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
