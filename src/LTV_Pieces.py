"""What is known of customers as rows of a store, and how more of it joins what is there.

| table | a row is |
|---|---|
| `customer` | a customer: its span and sums, all that a ranking reads |
| `profile` | the name and address of a customer, as JSON by member |
| `piece` | some of the visits, orders and images of a customer, as JSON by key |

The pieces of a customer are parts like any others: what is known is their join. So what is new goes
into a piece of its own at the end of the file, and what is old stays where it is. `customer.piece`
is the newest, `piece.previous` leads on to the older ones. Of small pieces, such as a day leaves,
there are only so many before they are put together. What changes every day
is kept short, since the cost of a run is mostly how many pages of the file it changes.
"""

import json
import re
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby, islice, zip_longest
from operator import itemgetter
from typing import Any, NamedTuple

from LTV_Classes import Customer, Facts, Stamped, news
from LTV_Grammar import BEHIND_LAST_INSTANT
from LTV_Shards import shard_of
from LTV_Time import PACKED_LENGTH, pack, unpack

__all__ = [
    "SHARDS",
    "TABLES",
    "Change",
    "Known",
    "are_plain",
    "changes_of",
    "check_places",
    "find_known",
    "learn_stored",
    "pieces_of",
    "replacement",
    "stored_number",
    "stored_profile",
    "stored_time",
]

#: Customers stand by shard: then a run, which takes them shard by shard, reads and writes a page of
#: the file once. Its own shards, if they are a power of two, are made of whole ones of these.
SHARDS = 4096

TABLES = """
CREATE TABLE customer (
    shard INTEGER NOT NULL,
    customer_id TEXT NOT NULL,
    begin INTEGER, -- microseconds since 1970
    latest INTEGER,
    revenue_micros NOT NULL, -- an integer, or its digits where it is over 64 bits
    order_count INTEGER NOT NULL,
    visit_count INTEGER NOT NULL,
    image_count INTEGER NOT NULL,
    small_pieces INTEGER NOT NULL, -- how many of the newest pieces are small
    piece INTEGER, -- the newest
    PRIMARY KEY (shard, customer_id)
) WITHOUT ROWID;
CREATE TABLE profile (
    shard INTEGER NOT NULL,
    customer_id TEXT NOT NULL,
    texts TEXT NOT NULL,
    PRIMARY KEY (shard, customer_id)
) WITHOUT ROWID;
CREATE TABLE piece (
    number INTEGER PRIMARY KEY,
    previous INTEGER,
    orders TEXT,
    images TEXT,
    visits TEXT
);
"""

#: The columns of pieces, and what of Facts is in them.
_KINDS = ("orders", "images", "visits")

#: How much one piece holds of each kind; a customer with much of it has many pieces.
_MOST_FACTS = 10_000

#: How many small pieces there may be before they are put together, and what is small.
_MOST_SMALL_PIECES = 16
_SMALL_FACTS = 1_000

#: How many customers are looked up by one query: each costs more than a row that is found.
_FEW_IDS, _MANY_IDS = 4, 32

_FIND_SOME = "SELECT * FROM customer WHERE shard = ? AND customer_id IN ({})"

_LARGEST_INTEGER = 2**63 - 1

#: JSON of facts by key, for each of _KINDS; None for none.
Texts = tuple[str | None, ...]


class Known(NamedTuple):
    """A row of the table of customers."""

    shard: int
    customer_id: str
    begin: int | None  # microseconds since 1970
    latest: int | None
    revenue_micros: int
    order_count: int
    visit_count: int
    image_count: int
    small_pieces: int
    piece: int | None

    @property
    def span(self) -> tuple[str, str]:
        """The first and the last time, packed; empty for none."""
        if self.begin is None or self.latest is None:
            return "", ""
        return pack(self.begin), pack(self.latest)


class Change(NamedTuple):
    """What is to be written of a customer: its row, its new pieces, the numbers of dropped ones."""

    row: tuple[Any, ...]  # from shard to small_pieces
    profile: str | None  # None: as it is
    previous: int | None  # the piece in front of the new ones
    texts: list[Texts]
    dropped: list[int]


class _News(NamedTuple):
    """What joining changes in the facts of a customer, and in the sums of them."""

    facts: list[dict[str, Any]]  # for each of _KINDS
    added: list[int]  # how many of them are of keys that were not known
    revenue_micros: int  # the difference


_PACKED = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}", re.ASCII)

#: In ASCII, since tags may hold what no UTF-8 does.
_encode = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode


def _decoded(text: str, kind: str = "profile") -> dict[str, Any]:
    """Facts of one kind by key. Raises sqlite3.DatabaseError when they are none."""
    try:
        facts = json.loads(text).items()
        if kind == "visits":
            return {_checked_visit(visit): _checked(tags, str) for visit, tags in facts}
        value_type = int if kind == "orders" else str
        return {key: _checked_stamp(value_type, *stamped) for key, stamped in facts}
    except (ValueError, TypeError, AttributeError, RecursionError):
        raise _damage(kind) from None


def _checked(value: Any, expected: type) -> Any:
    if type(value) is not expected:  # True is an int, too
        raise TypeError
    return value


def _checked_visit(visit: str) -> str:
    _checked_time(visit[:PACKED_LENGTH])
    return visit


def _checked_stamp(value_type: type, time: Any, is_later: Any, value: Any) -> Stamped:
    return _checked_time(time), _checked(is_later, bool), _checked(value, value_type)


def _checked_time(time: str) -> str:
    if not _PACKED.fullmatch(time) or not 0 <= unpack(time) < BEHIND_LAST_INSTANT:
        raise ValueError
    return time


def _damage(expected: str) -> sqlite3.DatabaseError:
    return sqlite3.DatabaseError(f"expected {expected}, got something else")


def stored_time(value: Any) -> int:
    """A time in a row, in microseconds since 1970. Raises sqlite3.DatabaseError for none."""
    if type(value) is not int or not 0 <= value < BEHIND_LAST_INSTANT:
        raise _damage("a time")
    return value


def stored_number(value: Any) -> int:
    """An integer in a row, or its digits. Raises sqlite3.DatabaseError for none."""
    try:
        return int(value if isinstance(value, str) else _checked(value, int))
    except (ValueError, TypeError):
        raise _damage("a number") from None


def check_places(shards: Iterable[Any], customer_ids: Sequence[Any]) -> None:
    """Raises sqlite3.DatabaseError unless customers with these ids stand there."""
    if set(map(type, customer_ids)) != {str} or list(shards) != list(map(_shard_of, customer_ids)):
        raise _damage("a customer")


def are_plain(values: Sequence[Any], end: int | None = None) -> bool:
    """Whether all are integers and, where there is an `end`, from 0 to below it."""
    are_integers = set(map(type, values)) == {int}
    return are_integers and (end is None or (min(values) >= 0 and max(values) < end))


def _known_of(row: tuple[Any, ...]) -> Known:
    shard, customer_id, begin, latest, *numbers, piece = row
    if (begin is None) != (latest is None):
        raise _damage("a time")
    span = (begin, latest) if begin is None else (stored_time(begin), stored_time(latest))
    newest = None if piece is None else stored_number(piece)
    return Known._make((shard, customer_id, *span, *map(stored_number, numbers), newest))


def _shard_of(customer_id: str) -> int:
    """Where among the rows a customer is; a number of these make a shard of a run."""
    return shard_of(customer_id, SHARDS)


def find_known(connection: sqlite3.Connection, customer_id: str) -> Known | None:
    """The row of a customer, if it is there. Raises sqlite3.Error."""
    query = "SELECT * FROM customer WHERE shard = ? AND customer_id = ?"
    row = connection.execute(query, (_shard_of(customer_id), customer_id)).fetchone()
    return None if row is None else _known_of(row)


def stored_profile(connection: sqlite3.Connection, known: Known) -> dict[str, Stamped]:
    """The texts of a customer's profile by member, with their stamps. Raises sqlite3.Error."""
    query = "SELECT texts FROM profile WHERE shard = ? AND customer_id = ?"
    row = connection.execute(query, known[:2]).fetchone()
    return _decoded(row[0]) if row else {}


def learn_stored(connection: sqlite3.Connection, known: Known, customer: Customer) -> None:
    """Have `customer` know all that the store does of it. Raises sqlite3.Error."""
    for time in filter(None, known.span):
        customer.see(time)
    for member, stamped in stored_profile(connection, known).items():
        customer.set_profile(member, *stamped)
    orders, images, visits = (_stored_facts(connection, known.piece, kind) for kind in _KINDS)
    for key, stamped in orders.items():
        customer.add_order(key, *stamped)
    for key, (time, _, camera) in images.items():
        customer.add_image(key, time, camera)
    for visit, tags in visits.items():
        customer.add_visit(visit[PACKED_LENGTH:], visit[:PACKED_LENGTH], tags)


def _all_known(
    connection: sqlite3.Connection, shard: int, customer_ids: Iterable[str]
) -> dict[str, Known]:
    """The rows of those of these customers, all of one shard, that are there.

    Raises sqlite3.Error.
    """
    ids = iter(customer_ids)
    found = {}
    while some := list(islice(ids, _MANY_IDS)):
        places = _FEW_IDS if len(some) <= _FEW_IDS else _MANY_IDS  # so that queries are few, too
        some += some[:1] * (places - len(some))
        query = _FIND_SOME.format(", ".join("?" * places))
        rows = connection.execute(query, (shard, *some)).fetchall()
        found.update({known.customer_id: known for known in _all_known_of(rows)})
    return found


def _all_known_of(rows: list[tuple[Any, ...]]) -> Iterable[Known]:
    """`_known_of` each row."""
    if rows:
        _, _, begins, latest, *numbers = zip(*rows, strict=True)
        times = (*begins, *latest)
        if are_plain(times, BEHIND_LAST_INSTANT) and all(map(are_plain, numbers)):  # nearly all
            return map(Known._make, rows)
    return map(_known_of, rows)


def changes_of(
    customers: Iterable[Customer], connection: sqlite3.Connection | None
) -> Iterator[Change]:
    """What joining `customers` into the store changes in it; no connection: it is empty.

    Raises sqlite3.Error.
    """
    placed = [(_shard_of(one.customer_id), one.customer_id, one) for one in customers]
    placed.sort(key=itemgetter(0, 1))
    for shard, of_shard in groupby(placed, key=itemgetter(0)):
        some = list(of_shard)
        ids = [customer_id for _, customer_id, _ in some]
        all_known = _all_known(connection, shard, ids) if connection else {}
        for *_, customer in some:
            known = all_known.get(customer.customer_id)
            if connection is None or known is None:
                yield replacement(customer)
            else:
                change = _joined(connection, known, customer)
                if change:
                    yield change


def replacement(customer: Customer, *, is_new: bool = True, dropped: Iterable[int] = ()) -> Change:
    """All that is known of `customer` in the place of what was there."""
    facts = customer.facts
    row = (
        _shard_of(customer.customer_id),
        customer.customer_id,
        customer.begin,
        customer.latest,
        _storable(customer.revenue_micros),
        customer.order_count,
        customer.visit_count,
        customer.image_count,
        0,
    )
    texts = _texts([facts.orders, facts.images, facts.visits])
    profile = _encode(facts.profile) if facts.profile or not is_new else None
    return Change(row, profile, None, texts, [*dropped])


def _joined(connection: sqlite3.Connection, known: Known, customer: Customer) -> Change | None:
    """What changes when `customer` joins what is known of it already; None for nothing."""
    facts = customer.facts
    profile = stored_profile(connection, known) if facts.profile else {}
    profile_news = news(facts.profile, profile) if facts.profile else {}
    begin, latest = customer.begin, customer.latest
    are_later = begin is not None and known.latest is not None and begin > known.latest
    if known.begin is not None and (begin is None or known.begin < begin):
        begin = known.begin
    if known.latest is not None and (latest is None or known.latest > latest):
        latest = known.latest
    found = _news_of(connection, known, facts, are_later=are_later)
    is_any = any(found.facts)
    if not is_any and not profile_news and (begin, latest) == (known.begin, known.latest):
        return None
    orders, images, visits = found.added
    row = (
        known.shard,
        known.customer_id,
        begin,
        latest,
        _storable(known.revenue_micros + found.revenue_micros),
        known.order_count + orders,
        known.visit_count + visits,
        known.image_count + images,
    )
    texts = _encode(profile | profile_news) if profile_news else None
    if not is_any:
        return Change((*row, known.small_pieces), texts, known.piece, [], [])
    return _with_piece(connection, known, (row, texts), found.facts)


def _news_of(
    connection: sqlite3.Connection, known: Known, facts: Facts, *, are_later: bool
) -> _News:
    """What of `facts` is not known; `are_later`: they are of events behind all known ones.

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
            before = _stored_facts(connection, known.piece, kind)
            found = news(found, before)  # noqa: PLW2901 - what is left of it
            replaced = [before[key] for key in found if key in before]
        if found and kind == "orders":
            revenue_micros = _sum_of(found.values()) - _sum_of(replaced)
        all_news.append(found)
        added.append(len(found) - len(replaced))
    return _News(all_news, added, revenue_micros)


def _sum_of(orders: Iterable[Any]) -> int:
    return sum([amount for _, _, amount in orders])


def _with_piece(
    connection: sqlite3.Connection,
    known: Known,
    row: tuple[tuple[Any, ...], str | None],
    facts: list[dict[str, Any]],
) -> Change:
    """The change of a customer that gets a piece with `facts`.

    When there are too many small ones, they go into it.
    """
    small_pieces, previous = known.small_pieces, known.piece
    dropped: list[int] = []
    if max(map(len, facts)) > _SMALL_FACTS:
        small_pieces = 0
    elif small_pieces < _MOST_SMALL_PIECES:
        small_pieces += 1
    else:
        facts, dropped, previous = _put_together(connection, known, facts)
        small_pieces = 0
    sums, profile = row
    texts = _texts(facts)
    return Change((*sums, small_pieces), profile, previous, texts, dropped)


def _put_together(
    connection: sqlite3.Connection, known: Known, facts: list[dict[str, Any]]
) -> tuple[list[dict[str, Any]], list[int], int | None]:
    """The small pieces and `facts` as one, the numbers of them, and the piece in front of them."""
    pieces = list(islice(pieces_of(connection, known.piece), known.small_pieces))
    for _, _, *texts in pieces:
        facts = [
            _decoded(text, kind) | later if text else later
            for kind, text, later in zip(_KINDS, texts, facts, strict=True)
        ]
    dropped = [number for number, *_ in pieces]
    return facts, dropped, pieces[-1][1]


def pieces_of(
    connection: sqlite3.Connection, piece: int | None, columns: str = "orders, images, visits"
) -> Iterator[tuple[Any, ...]]:
    """The rows of pieces, their number, the one before, and `columns`: from `piece` to the oldest.

    Raises sqlite3.Error.
    """
    query = f"SELECT number, previous, {columns} FROM piece WHERE number = ?"
    while piece is not None:
        row = connection.execute(query, (piece,)).fetchone()
        if row is None or not _is_before(row[1], piece):
            raise sqlite3.DatabaseError(f"piece {piece} is not what it should be")
        yield row
        piece = row[1]


def _is_before(previous: Any, piece: int) -> bool:
    return previous is None or (type(previous) is int and previous < piece)


def _stored_facts(connection: sqlite3.Connection, piece: int | None, kind: str) -> dict[str, Any]:
    """The facts of one kind in a piece and those before it."""
    texts = [text for _, _, text in pieces_of(connection, piece, kind) if text]
    found: dict[str, Any] = {}
    for text in reversed(texts):  # what is in a later piece is the later
        found.update(_decoded(text, kind))
    return found


def _texts(facts: list[dict[str, Any]]) -> list[Texts]:
    """Facts of each of _KINDS as they are written, in pieces of a bounded size."""
    if max(map(len, facts)) <= _MOST_FACTS:
        return [tuple([_encode(one) if one else None for one in facts])] if any(facts) else []
    return list(zip_longest(*(list(_slices(one)) for one in facts)))


def _slices(facts: dict[str, Any]) -> Iterator[str]:
    items = iter(facts.items())
    while some := dict(islice(items, _MOST_FACTS)):
        yield _encode(some)


def _storable(number: int) -> int | str:
    return number if abs(number) <= _LARGEST_INTEGER else str(number)
