"""What joining customers changes in a store, as rows to be written.

A change is found by whoever has the customers at hand, a worker for those of its shards, and
written by the one process that has the store open.
"""

import sqlite3
from collections.abc import Iterable, Iterator
from itertools import groupby, islice, zip_longest
from operator import itemgetter
from typing import Any, NamedTuple

from ltv.store.pieces import (
    KINDS,
    Known,
    PiecesAtHand,
    all_known,
    checksum,
    decoded,
    encoded,
    pieces_of,
    place_of,
    stored_profile,
)
from LTV_Classes import Customer, Facts, news

#: How much one piece holds of each kind; a customer with much of it has many pieces.
_MOST_FACTS = 10_000

#: How many small pieces there may be before they are put together, and what is small.
_MOST_SMALL_PIECES = 16
_SMALL_FACTS = 1_000

#: How many orders and images of several customers are read at once, or a few more.
_MOST_FACTS_AT_HAND = 10_000

#: JSON of facts by key, for each of KINDS; None for none.
Texts = tuple[str | None, ...]


class Change(NamedTuple):
    """What is to be written of a customer: its row, its new pieces, the numbers of dropped ones."""

    known: Known | None  # the row that is replaced
    row: tuple[Any, ...]  # from shard to profile
    profile: str | None  # None: as it is
    previous: int | None  # the piece in front of the new ones
    texts: list[Texts]
    dropped: list[int]


class _News(NamedTuple):
    """What joining changes in the facts of a customer, and in the sums of them."""

    facts: list[dict[str, Any]]  # for each of KINDS
    added: list[int]  # how many of them are of keys that were not known
    revenue_micros: int  # the difference


def changes_of(
    customers: Iterable[Customer], connection: sqlite3.Connection | None
) -> Iterator[Change]:
    """What joining `customers` into the store changes in it; no connection: it is empty.

    Raises sqlite3.Error.
    """
    placed = [(place_of(one.customer_id), one.customer_id, one) for one in customers]
    placed.sort(key=itemgetter(0, 1))
    for shard, of_shard in groupby(placed, key=itemgetter(0)):
        some = [customer for *_, customer in of_shard]
        if connection is None:
            yield from map(replacement, some)
        else:
            yield from _changes_in_shard(shard, some, PiecesAtHand(connection))


def _changes_in_shard(
    shard: int, customers: list[Customer], pieces: PiecesAtHand
) -> Iterator[Change]:
    """What joining `customers`, all of one shard, changes in it. Raises sqlite3.Error."""
    known_ones = all_known(pieces.connection, shard, [one.customer_id for one in customers])
    for both in _in_groups([(one, known_ones.get(one.customer_id)) for one in customers]):
        pieces.fetch(
            known.piece
            for customer, known in both
            if known and known.piece is not None and _has_few_to_compare(customer, known)
        )
        for customer, known in both:
            if known is None:
                yield replacement(customer)
            elif change := _joined(pieces, known, customer):
                yield change


def _in_groups(
    both: Iterable[tuple[Customer, Known | None]],
) -> Iterator[list[tuple[Customer, Known | None]]]:
    """Customers whose orders and images may be at hand together."""
    group: list[tuple[Customer, Known | None]] = []
    facts = 0
    for customer, known in both:
        group.append((customer, known))
        facts += known.order_count + known.image_count if known else 0
        if facts >= _MOST_FACTS_AT_HAND:
            yield group
            group, facts = [], 0
    yield group


def _has_few_to_compare(customer: Customer, known: Known) -> bool:
    """Whether orders or images of `customer` may be known, and those that are are not many."""
    are_any = (customer.order_count and known.order_count) or (
        customer.image_count and known.image_count
    )
    return bool(are_any) and known.order_count + known.image_count <= _SMALL_FACTS


def replacement(
    customer: Customer, known: Known | None = None, dropped: Iterable[int] = ()
) -> Change:
    """All that is known of `customer` in the place of what was there."""
    facts = customer.facts
    profile = encoded(facts.profile) if facts.profile or known else None
    row = (
        place_of(customer.customer_id),
        customer.customer_id,
        customer.begin,
        customer.latest,
        customer.revenue_micros,
        customer.order_count,
        customer.visit_count,
        customer.image_count,
        0,
        None if profile is None else checksum(profile),
    )
    texts = _texts([facts.orders, facts.images, facts.visits])
    return Change(known, row, profile, None, texts, [*dropped])


def _joined(pieces: PiecesAtHand, known: Known, customer: Customer) -> Change | None:
    """What changes when `customer` joins what is known of it already; None for nothing."""
    facts = customer.facts
    profile = stored_profile(pieces.connection, known) if facts.profile else {}
    profile_news = news(facts.profile, profile) if facts.profile else {}
    begin, latest = customer.begin, customer.latest
    are_later = begin is not None and known.latest is not None and begin > known.latest
    if known.begin is not None and (begin is None or known.begin < begin):
        begin = known.begin
    if known.latest is not None and (latest is None or known.latest > latest):
        latest = known.latest
    found = _news_of(pieces, known, facts, are_later=are_later)
    if not any(found.facts) and not profile_news and (begin, latest) == (known.begin, known.latest):
        return None
    orders, images, visits = found.added
    row = (
        known.shard,
        known.customer_id,
        begin,
        latest,
        known.revenue_micros + found.revenue_micros,
        known.order_count + orders,
        known.visit_count + visits,
        known.image_count + images,
    )
    texts = encoded(profile | profile_news) if profile_news else None
    of_profile = known.profile if texts is None else checksum(texts)
    small, previous, of_facts, dropped = _pieces_with(pieces, known, found.facts)
    return Change(known, (*row, small, of_profile), texts, previous, of_facts, dropped)


def _news_of(pieces: PiecesAtHand, known: Known, facts: Facts, *, are_later: bool) -> _News:
    """What of `facts` is not known; `are_later`: they are of events after all known ones.

    Then no visit of them can be known, as a daily log has it.
    """
    all_news: list[dict[str, Any]] = []
    added, revenue_micros = [], 0
    found: dict[str, Any]
    for kind, found, count in (
        ("orders", facts.orders, known.order_count),
        ("images", facts.images, known.image_count),
        ("visits", facts.visits, 0 if are_later else known.visit_count),
    ):
        replaced = []
        if found and count:
            before = pieces.facts(known.piece, kind, found)
            found = news(found, before)  # noqa: PLW2901 - what is left of it
            replaced = [before[key] for key in found if key in before]
        if found and kind == "orders":
            revenue_micros = _sum_of(found.values()) - _sum_of(replaced)
        all_news.append(found)
        added.append(len(found) - len(replaced))
    return _News(all_news, added, revenue_micros)


def _sum_of(orders: Iterable[Any]) -> int:
    return sum([amount for _, _, amount in orders])


def _pieces_with(
    pieces: PiecesAtHand, known: Known, facts: list[dict[str, Any]]
) -> tuple[int, int | None, list[Texts], list[int]]:
    """What the pieces of a customer are when `facts` are in a new one, if there are any.

    How many of the newest are small; from then on as in a Change. When there are too many small
    ones, they go into the new one.
    """
    if not any(facts):
        return known.small_pieces, known.piece, [], []
    if max(map(len, facts)) > _SMALL_FACTS:
        return 0, known.piece, _texts(facts), []
    if known.small_pieces < _MOST_SMALL_PIECES:
        return known.small_pieces + 1, known.piece, _texts(facts), []
    small = list(islice(pieces_of(pieces.connection, known.piece), known.small_pieces))
    for _, _, *texts in small:
        facts = [
            decoded(text, kind) | later if text else later
            for kind, text, later in zip(KINDS, texts, facts, strict=True)
        ]
    return 0, small[-1][1], _texts(facts), [number for number, *_ in small]


def _texts(facts: list[dict[str, Any]]) -> list[Texts]:
    """Facts of each of KINDS as they are written, in pieces of a bounded size."""
    if max(map(len, facts)) <= _MOST_FACTS:
        return [tuple([encoded(one) if one else None for one in facts])] if any(facts) else []
    return list(zip_longest(*(list(_slices(one)) for one in facts)))


def _slices(facts: dict[str, Any]) -> Iterator[str]:
    items = iter(facts.items())
    while some := dict(islice(items, _MOST_FACTS)):
        yield encoded(some)
