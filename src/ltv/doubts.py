"""What is doubtful about the events of a run: warnings, and why there is no order left."""

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from ltv.account import Account
from ltv.clock import Edge, Place
from ltv.errors import CAUSES, EARLIER, LATER, OTHER_CURRENCY
from ltv.values import counted


class Doubt(NamedTuple):
    """A warning; the text is the same however the events are spread over files."""

    text: str
    place: Place | None = None

    def __str__(self) -> str:
        return f"{self.place}: {self.text}" if self.place else self.text


def doubts_of(account: Account, currency: str, edges: Iterable[Edge]) -> list[Doubt]:
    """Return the warnings of a run that sums amounts in `currency`.

    The edges are those of all that is known now.
    """
    doubts = []
    if 2 * account.rejected > account.read:
        what = f"{account.rejected:,} of {account.read:,}"
        doubts.append(Doubt(f"more than half of the events were rejected: {what}"))
    others = account.currencies.total()
    if others > account.accepted_orders:
        what = f"{others:,} of {others + account.accepted_orders:,} are not in {currency}"
        most = _most_in_one_currency(account)
        doubts.append(Doubt(f"more than half of the order events are lost: {what}, {most}"))
    doubts += hints_of(account)
    doubts += [Doubt(edge.oddity, edge.place) for edge in edges if edge.oddity]
    return doubts


def hints_of(account: Account) -> list[Doubt]:
    """Return what is to be warned of rows of CSV."""
    hints = sorted(account.hints.items())
    return [Doubt(f"{text}: {counted(rows, 'row')}", place) for text, (rows, place) in hints]


def has_lost_all_orders(account: Account) -> bool:
    """Return whether order events were rejected, and none accepted."""
    return account.refused_orders.total() > 0 and account.accepted_orders == 0


def why_left_out(account: Account) -> str:
    """Return why no event is accepted: most lie outside the days asked for, or are rejected."""
    if account.outside.total() <= account.rejected:
        return why_rejected(account)
    what, number = max(account.outside.items(), key=lambda item: item[1])
    are = "is" if number == 1 else "are"
    option = {EARLIER: "--since", LATER: "--until"}[what]
    return f"{number:,} of {counted(account.read, 'event')} {are} {what} than {option}"


def why_rejected(account: Account) -> str:
    """Return what most orders, or else most events, were rejected for; empty for nothing."""
    counts, noun = account.refused_orders, "order event"
    if not counts:
        counts, noun = Counter(account.causes), "event"
    if not counts:
        return ""
    reason = max(CAUSES, key=counts.__getitem__)
    rejected = f"{counted(counts.total(), noun)} rejected"
    if reason == OTHER_CURRENCY:
        return f"{rejected}, {_most_in_one_currency(account)}"
    return f"{rejected}, {counts[reason]:,} for {reason}"


def _most_in_one_currency(account: Account) -> str:
    currency, number = min(account.currencies.items(), key=lambda item: (-item[1], item[0]))
    return f"{number:,} in {currency}, which --currency {currency} sums"
