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

Every row and every text has a checksum, and is held against it before anything else is done with
it: what was changed by anything but this program is told of by `damage`.
"""

import json
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, NamedTuple
from zlib import crc32

from ltv.times import PACKED_LENGTH, pack
from ltv.values import shard_of
from LTV_Classes import Customer, Stamped

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
    profile INTEGER, -- the checksum of its texts
    piece INTEGER, -- the newest
    checksum INTEGER NOT NULL,
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
    checksum INTEGER NOT NULL, -- of all but the visits
    visits_checksum INTEGER,
    orders TEXT,
    images TEXT,
    visits TEXT -- the last, since they are not always read
);
"""

#: The columns of pieces, and what of Facts is in them.
KINDS = ("orders", "images", "visits")

#: Where they begin in a row that was held against its checksums.
_FIRST_KIND = 2

#: How many rows are looked up by one query: each costs more than a row that is found.
_MANY_ROWS = 32

_FIND_CUSTOMERS = "SELECT * FROM customer WHERE shard = ? AND customer_id IN ({})"
_CUSTOMERS_AFTER = (
    "SELECT * FROM customer WHERE (shard, customer_id) > (?, ?) ORDER BY shard, customer_id LIMIT ?"
)
_FIND_PIECES = "SELECT number, previous, checksum, visits_checksum, orders, images{} FROM piece "
_SOME_PIECES, _ONE_PIECE = _FIND_PIECES + "WHERE number IN ({})", _FIND_PIECES + "WHERE number = ?"

#: That many keys are looked for in the text of facts; with more of them it is read.
_FEW_KEYS = 4

_LARGEST_INTEGER = 2**63 - 1  # of SQLite

CHECKSUM_BITS = 2**31 - 1  # so that SQLite can multiply with one


def checksum(text: str) -> int:
    """Return the checksum of a text."""
    return crc32(text.encode()) & CHECKSUM_BITS


def damage(what: str) -> sqlite3.DatabaseError:
    """Return the error of a store in which something is not as it was written."""
    return sqlite3.DatabaseError(f"{what} is not as it was written")


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
    profile: int | None
    piece: int | None
    checksum: int

    @classmethod
    def sealed(cls, *values: Any) -> "Known":
        """Return a row with its checksum."""
        return cls._make((*values, checksum(_ROW % values)))

    @classmethod
    def stored(cls, row: tuple[Any, ...]) -> "Known":
        """Return a row as it was read. Raises sqlite3.DatabaseError for one that was changed."""
        if checksum(_ROW % row[:-1]) != row[-1]:
            raise damage("a customer")
        known = cls._make(row)
        revenue: int | str = known.revenue_micros
        return known if isinstance(revenue, int) else known._replace(revenue_micros=int(revenue))

    def to_store(self) -> tuple[Any, ...]:
        """Return the row as it is written."""
        if -_LARGEST_INTEGER <= self.revenue_micros <= _LARGEST_INTEGER:
            return self
        return self._replace(revenue_micros=str(self.revenue_micros))  # type: ignore[arg-type]

    @property
    def span(self) -> tuple[str, str]:
        """The first and the last time, packed; empty for none."""
        if self.begin is None or self.latest is None:
            return "", ""
        return pack(self.begin), pack(self.latest)


_ROW = " ".join(["%s"] * (len(Known._fields) - 1))

#: In ASCII, since tags may hold what no UTF-8 does.
encoded = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode


def decoded(text: str, kind: str = "profile") -> dict[str, Any]:
    """Return facts of one kind, or the texts of a profile, by key."""
    facts: dict[str, Any] = json.loads(text)
    return facts if kind == "visits" else {key: tuple(stamped) for key, stamped in facts.items()}


def place_of(customer_id: str) -> int:
    """Where among the rows a customer is; a number of these make a shard of a run."""
    return shard_of(customer_id, SHARDS)


def stored_profile(connection: sqlite3.Connection, known: Known) -> dict[str, Stamped]:
    """The texts of a customer's profile by member, with their stamps. Raises sqlite3.Error."""
    if known.profile is None:
        return {}
    query = "SELECT texts FROM profile WHERE shard = ? AND customer_id = ?"
    row = connection.execute(query, known[:2]).fetchone()
    if row is None or checksum(str(*row)) != known.profile:
        raise damage("a profile")
    return decoded(*row)


def learn_stored(connection: sqlite3.Connection, known: Known, customer: Customer) -> None:
    """Have `customer` know all that the store does of it. Raises sqlite3.Error."""
    for time in filter(None, known.span):
        customer.see(time)
    for member, stamped in stored_profile(connection, known).items():
        customer.set_profile(member, *stamped)
    (orders,), (images,), (visits,) = PiecesAtHand(connection).of_all([known])
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
    return {known.customer_id: known for known in map(Known.stored, rows)}


def known_after(
    connection: sqlite3.Connection, place: tuple[float, str], most: int, most_facts: int
) -> list[Known]:
    """Return the rows of customers after a place, the shard and id of one, in their order.

    So many at `most`, or until their orders, images and visits come to `most_facts`. Raises
    sqlite3.Error.
    """
    found: list[Known] = []
    for row in connection.execute(_CUSTOMERS_AFTER, (*place, most)):
        known = Known.stored(row)
        found.append(known)
        most_facts -= known.order_count + known.image_count + known.visit_count
        if most_facts <= 0:
            break
    return found


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


def piece_row(number: int, previous: int | None, texts: Sequence[str | None]) -> tuple[Any, ...]:
    """Return a row of pieces; `texts` are facts as they are written, for each of KINDS."""
    orders, images, visits = texts
    of_visits = None if visits is None else checksum(visits)
    sealed = checksum(f"{number} {previous} {of_visits} {orders} {images}")
    return number, previous, sealed, of_visits, orders, images, visits


def pieces_of(
    connection: sqlite3.Connection, piece: int | None, *, has_visits: bool = True
) -> Iterator[tuple[Any, ...]]:
    """The rows of pieces, their number, the one before, and texts: from `piece` to the oldest.

    The texts are for each of KINDS, or for all but the visits. Raises sqlite3.Error.
    """
    query = _ONE_PIECE.format(", visits" if has_visits else "")
    while piece is not None:
        row = connection.execute(query, (piece,)).fetchone()
        if row is None:
            raise damage(f"piece {piece}")
        yield (checked := _checked_piece(row))
        piece = checked[1]


def _checked_piece(row: tuple[Any, ...]) -> tuple[Any, ...]:
    """The row less its checksums. Raises sqlite3.DatabaseError for one that was changed."""
    number, previous, sealed, of_visits, orders, images, *visits = row
    is_whole = checksum(f"{number} {previous} {of_visits} {orders} {images}") == sealed
    for text in visits:
        is_whole &= of_visits == (None if text is None else checksum(str(text)))
    if not is_whole:
        raise damage(f"piece {number}")
    return number, previous, orders, images, *visits


class PiecesAtHand:
    """The pieces in a store; those of many customers are read by few queries."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self._rows: dict[int, tuple[Any, ...]] = {}

    def fetch(self, pieces: Iterable[int], *, has_visits: bool = False) -> None:
        """Have these and those before them at hand, and no others. Raises sqlite3.Error.

        What is not there is told of when it is asked for.
        """
        self._rows.clear()
        query = _SOME_PIECES.format(", visits" if has_visits else "", "{}")
        numbers = sorted(pieces)
        while numbers:
            found = map(_checked_piece, _found(self.connection, query, numbers))
            rows = {row[0]: row for row in found}
            self._rows.update(rows)
            before = {row[1] for row in rows.values() if row[1] is not None}
            numbers = sorted(before - self._rows.keys())

    def of_all(
        self, customers: Sequence[Known], kinds: Sequence[str] = KINDS
    ) -> list[list[dict[str, Any]]]:
        """Return what is known of each of these customers, in lists for each of `kinds`.

        The same as `facts` of all keys, but all texts are decoded at once: of a member that occurs
        twice in a JSON object, the last one counts. Raises sqlite3.Error.
        """
        numbers = [one.piece for one in customers if one.piece is not None]
        self.fetch(numbers, has_visits="visits" in kinds)
        columns = [_FIRST_KIND + KINDS.index(kind) for kind in kinds]
        last = max(columns)
        pieces = [list(self._chain(one.piece, last))[::-1] for one in customers]
        found = []
        for column in columns:
            rows_of = ([row[column][1:-1] for row in rows if row[column]] for rows in pieces)
            texts = map("{{{}}}".format, map(",".join, rows_of))
            found.append(json.loads(f"[{','.join(texts)}]"))
        return found

    def facts(self, piece: int | None, kind: str, keys: Collection[str]) -> dict[str, Any]:
        """What is known by these `keys`, of one kind, in a piece and those before it.

        There may be facts by other keys, too. Raises sqlite3.Error.
        """
        column = _FIRST_KIND + KINDS.index(kind)
        texts = (row[column] for row in self._chain(piece, column) if row[column])
        if len(keys) <= _FEW_KEYS:
            names = [encoded(key) for key in keys]
            texts = (text for text in texts if any(name in text for name in names))
        found: dict[str, Any] = {}
        for text in reversed(list(texts)):  # what is in a later piece is the later
            found.update(decoded(text, kind))
        return found

    def _chain(self, piece: int | None, column: int) -> Iterator[tuple[Any, ...]]:
        """Yield the rows of a piece and of those before it, as far as to that column at least."""
        while piece is not None and len(row := self._rows.get(piece, ())) > column:
            yield row
            piece = row[1]
        if piece is not None:
            has_visits = column == _FIRST_KIND + KINDS.index("visits")
            yield from pieces_of(self.connection, piece, has_visits=has_visits)
