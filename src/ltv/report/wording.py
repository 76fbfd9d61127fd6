"""What the report says of the method that customers are ranked by (SPEC, section 9)."""

from typing import NamedTuple

from ltv.report.summary import Summary
from ltv.values import measured

_NOT_PROFIT = "Not profit: it is made of revenue, before all costs. Refunds are taken off."


class Wording(NamedTuple):
    """Words for one method; plain text without anything of the data, so good for HTML as it is."""

    name: str
    lede: str  # what stands after "Ranked by"
    when: str  # after an amount
    columns: tuple[str, ...]  # fields of a row that are shown first: what it is ranked by, ...
    cautions: tuple[str, ...]  # what the number is not


def wording_of(summary: Summary) -> Wording:
    """Return the words for the method of a summary."""
    years, weeks = years_text(summary), summary.by.weeks_text
    match summary.by.method:
        case "revenue":
            return Wording(
                "revenue",
                "what each customer has brought so far, refunds taken off.",
                "",
                ("revenue",),
                (
                    _NOT_PROFIT,
                    "Not a prediction: who left long ago counts like who came yesterday.",
                ),
            )
        case "recent":
            return Wording(
                "recent revenue",
                f"revenue in which an order weighs half as much for every {weeks} of its age.",
                "",
                ("recent_revenue",),
                (
                    _NOT_PROFIT,
                    "Not a prediction: it says only that what was lately counts for more than "
                    "what was long ago. Who buys seldom and much moves down between two orders.",
                ),
            )
        case "expected":
            return Wording(
                "expected revenue",
                f"the revenue that a model expects of each customer in the {weeks} after the end.",
                f" in {weeks}",
                ("expected_revenue", "expected_purchases"),
                (
                    _NOT_PROFIT,
                    "Not certain for one customer: it is the mean of all whose purchase days were "
                    "alike, and most of them bring less, a few much more.",
                    "Not aware of seasons, prices and campaigns: it has customers go on, and "
                    "leave, as they did in the data. Who has yet to come is not in it.",
                ),
            )
    return Wording(
        "lifetime value",
        "the revenue that each customer would bring in "
        f"{years} if the average week so far went on.",
        f" in {years}",
        ("ltv",),
        (
            _NOT_PROFIT,
            "Not a prediction: it projects the past, and knows nothing of customers who leave.",
            "Not fair to the patient: who came lately and ordered once has a short, good past.",
        ),
    )


def years_text(summary: Summary) -> str:
    """Return the lifespan that was given."""
    return measured(summary.lifespan_years, "year")
