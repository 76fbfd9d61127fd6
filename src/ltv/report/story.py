"""All that the report tells of."""

from collections.abc import Sequence
from typing import NamedTuple

from ltv.report.digest import Digest, digest_of
from ltv.report.summary import Summary
from ltv.report.wording import Wording, wording_of
from LTV_Calculate import RankedCustomer


class Story(NamedTuple):
    """What the sections of the page are made from; without rows where nothing is ranked."""

    rows: Sequence[RankedCustomer]
    summary: Summary
    digest: Digest
    wording: Wording


def story_of(rows: Sequence[RankedCustomer], summary: Summary) -> Story:
    """Return what there is to tell of; the summary has figures."""
    assert summary.figures is not None, "the format is one of those with figures"
    digest = digest_of(summary.figures, summary.totals, summary.reasons)
    return Story(rows, summary, digest, wording_of(summary))
