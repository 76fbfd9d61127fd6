"""What is known of customers as rows of a store, and how they are read.

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
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, NamedTuple

from ltv.times import PACKED_LENGTH, pack, unpack
from ltv.values import BEHIND_LAST_INSTANT, shard_of
from LTV_Classes import Customer, Stamped

__all__ = [
    "KINDS",
    "SHARDS",
    "TABLES",
    "Known",
    "PiecesAtHand",
    "all_known",
    "are_plain",
    "check_places",
    "decoded",
    "encoded",
    "find_known",
    "learn_stored",
    "pieces_of",
    "place_of",
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
KINDS = ("orders", "images", "visits")

#: How many rows are looked up by one query: each costs more than a row that is found.
_MANY_ROWS = 32

_FIND_CUSTOMERS = "SELECT * FROM customer WHERE shard = ? AND customer_id IN ({})"
_FIND_PIECES = "SELECT number, previous, orders, images FROM piece WHERE number IN ({})"

#: That many keys are looked for in the text of facts; with more of them it is read.
_FEW_KEYS = 4


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


#: In ASCII, since tags may hold what no UTF-8 does.
encoded = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode

_PACKED = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}", re.ASCII)


def decoded(text: str, kind: str = "profile") -> dict[str, Any]:
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
    if set(map(type, customer_ids)) != {str} or list(shards) != list(map(place_of, customer_ids)):
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


def place_of(customer_id: str) -> int:
    """Where among the rows a customer is; a number of these make a shard of a run."""
    return shard_of(customer_id, SHARDS)


def find_known(connection: sqlite3.Connection, customer_id: str) -> Known | None:
    """The row of a customer, if it is there. Raises sqlite3.Error."""
    query = "SELECT * FROM customer WHERE shard = ? AND customer_id = ?"
    row = connection.execute(query, (place_of(customer_id), customer_id)).fetchone()
    return None if row is None else _known_of(row)


def stored_profile(connection: sqlite3.Connection, known: Known) -> dict[str, Stamped]:
    """The texts of a customer's profile by member, with their stamps. Raises sqlite3.Error."""
    query = "SELECT texts FROM profile WHERE shard = ? AND customer_id = ?"
    row = connection.execute(query, known[:2]).fetchone()
    return decoded(row[0]) if row else {}


def learn_stored(connection: sqlite3.Connection, known: Known, customer: Customer) -> None:
    """Have `customer` know all that the store does of it. Raises sqlite3.Error."""
    for time in filter(None, known.span):
        customer.see(time)
    for member, stamped in stored_profile(connection, known).items():
        customer.set_profile(member, *stamped)
    orders, images, visits = (_stored_facts(connection, known.piece, kind) for kind in KINDS)
    for key, stamped in orders.items():
        customer.add_order(key, *stamped)
    for key, (time, _, camera) in images.items():
        customer.add_image(key, time, camera)
    for visit, tags in visits.items():
        customer.add_visit(visit[PACKED_LENGTH:], visit[:PACKED_LENGTH], tags)


def all_known(
    connection: sqlite3.Connection, shard: int, customer_ids: Iterable[str]
) -> dict[str, Known]:
    """The rows of those of these customers, all of one shard, that are there.

    Raises sqlite3.Error.
    """
    rows = _found(connection, _FIND_CUSTOMERS, customer_ids, shard)
    return {known.customer_id: known for known in _all_known_of(rows)}


def _found(
    connection: sqlite3.Connection, query: str, values: Iterable[Any], *first: Any
) -> list[tuple[Any, ...]]:
    """The rows that are there for these values."""
    rest = iter(values)
    found: list[tuple[Any, ...]] = []
    while some := list(islice(rest, _MANY_ROWS)):
        places = 1 << (len(some) - 1).bit_length()  # so that there are few queries to prepare
        some += some[:1] * (places - len(some))
        found += connection.execute(query.format(", ".join("?" * places)), (*first, *some))
    return found


def _all_known_of(rows: list[tuple[Any, ...]]) -> Iterable[Known]:
    """`_known_of` each row."""
    if rows:
        _, _, begins, latest, *numbers, pieces = zip(*rows, strict=True)
        times = (*begins, *latest)
        are_links = set(map(type, pieces)) <= {int, type(None)}
        if are_links and are_plain(times, BEHIND_LAST_INSTANT) and all(map(are_plain, numbers)):
            return map(Known._make, rows)
    return map(_known_of, rows)


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
    return _facts_in(list(_texts_of(connection, piece, kind)), kind)


def _texts_of(connection: sqlite3.Connection, piece: int | None, kind: str) -> Iterator[str]:
    """The facts of one kind as they are written, the newest first."""
    for *_, value in pieces_of(connection, piece, kind):
        yield from _text_in(value, kind)


def _facts_in(texts: Sequence[str], kind: str) -> dict[str, Any]:
    """The facts of one kind in texts of which the newest comes first."""
    found: dict[str, Any] = {}
    for text in reversed(texts):  # what is in a later piece is the later
        found.update(decoded(text, kind))
    return found


class PiecesAtHand:
    """The pieces in a store; the orders and images of some customers are read by few queries."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self._rows: dict[int, tuple[Any, ...]] = {}

    def fetch(self, pieces: Iterable[int]) -> None:
        """Have these and those before them at hand, and no others. Raises sqlite3.Error.

        What leads nowhere is told of when it is asked for.
        """
        self._rows.clear()
        numbers = sorted(pieces)
        while numbers:
            rows = _found(self.connection, _FIND_PIECES, numbers)
            good = {row[0]: row for row in rows if _is_before(row[1], row[0])}
            self._rows.update(good)
            before = {row[1] for row in good.values() if row[1] is not None}
            numbers = sorted(before - self._rows.keys())

    def facts(self, piece: int | None, kind: str, keys: Collection[str]) -> dict[str, Any]:
        """What is known by these `keys`, of one kind, in a piece and those before it.

        There may be facts by other keys, too. Raises sqlite3.Error.
        """
        texts = self._texts(piece, kind)
        if len(keys) <= _FEW_KEYS:
            names = [encoded(key) for key in keys]
            texts = (text for text in texts if any(name in text for name in names))
        return _facts_in(list(texts), kind)

    def _texts(self, piece: int | None, kind: str) -> Iterator[str]:
        column = 2 + KINDS.index(kind)
        while piece in self._rows and kind != "visits":
            _, piece, *_ = row = self._rows[piece]
            yield from _text_in(row[column], kind)
        yield from _texts_of(self.connection, piece, kind)


def _text_in(value: Any, kind: str) -> Iterable[str]:
    """The text in a column of a piece, if there is one. Raises sqlite3.DatabaseError."""
    if value is None:
        return ()
    if not isinstance(value, str) or value[:1] != "{" or value[-1:] != "}":
        raise _damage(kind)
    return (value,)
