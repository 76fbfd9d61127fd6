"""What is said of a run beside its rows."""

from typing import TYPE_CHECKING, NamedTuple

from ltv.report.figures import Figures
from ltv.times import day_text, weeks_between
from ltv.values import counted, measured
from LTV_Calculate import RankedCustomer, Totals

if TYPE_CHECKING:
    from ltv.ranking.model import ShownModel

#: What customers need for their history to tell what they are worth.
ENOUGH_WEEKS, ENOUGH_ORDERS = 13, 2

#: What is said of those that have less.
SHORT_HISTORY = (
    f"fewer than {ENOUGH_WEEKS} weeks or fewer than {ENOUGH_ORDERS} orders: "
    "too short a history to go by"
)

#: That are named as what results were made from.
_MOST_FILES = 5


class RankedBy(NamedTuple):
    """What customers were ranked by."""

    method: str = "ltv"
    weeks: str | None = None  # the half-life or the horizon, as it was given
    least: str = ""  # what a customer needs to be ranked
    segment: str | None = None  # that only customers in it are ranked
    ranked: int | None = None  # how many are, where something is needed
    model: "ShownModel | None" = None

    @property
    def weeks_text(self) -> str:
        """Return the half-life or the horizon, for people."""
        return measured(self.weeks or "", "week")

    @property
    def limits(self) -> str:
        """Return who is ranked, for after their number."""
        limits = [f"in the segment {self.segment}"] if self.segment else []
        return " ".join([*limits, *([f"with {self.least} or more"] if self.least else [])])

    @property
    def notes(self) -> list[str]:
        """Return what of the model is not to be trusted."""
        return self.model.notes if self.model else []


class Origin(NamedTuple):
    """What results were made from, and by what."""

    files: tuple[str, ...]  # in the order in which they were read
    program: str  # its name and version
    command: str  # as it may be shown to others

    @property
    def text(self) -> str:
        """Return one sentence about it, for people."""
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
        """Return what was ranked by, for people."""
        return {
            "ltv": f"{self.lifespan_years}-year lifetime value (LTV)",
            "revenue": "revenue",
            "recent": f"recent revenue (half-life {self.by.weeks_text})",
            "expected": f"expected revenue of the next {self.by.weeks_text}",
        }[self.by.method]

    @property
    def ranked_text(self) -> str:
        """Return how many were ranked, of how many."""
        customers = counted(self.totals.customers, "customer")
        if self.by.ranked is None:
            return customers
        return f"{self.by.ranked:,} {self.by.limits}, of {customers},"


def has_short_history(row: RankedCustomer) -> bool:
    """Return whether a customer has done too little to tell what it is worth."""
    return row.weeks < ENOUGH_WEEKS or row.orders < ENOUGH_ORDERS


def span_text(totals: Totals) -> str:
    """Return when the data is from, such as `2017-01-01 to 2017-01-09 UTC, 3 weeks`."""
    weeks = weeks_between(totals.begin, totals.end)
    return f"{day_text(totals.begin)} to {day_text(totals.end)} UTC, {counted(weeks, 'week')}"
