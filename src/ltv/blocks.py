"""Blocks: many good events of one type by column, as bytes, as a pattern finds them in a log.

    Block("SITE_VISIT", ((b"2017-01-01T10:01:00.000",), (b"p1",), (b"c1",)))

| field | |
|---|---|
| event_time | short (ltv.times) |
| verb | whether it is an UPDATE: `U`, or empty |
| key, customer_id | the id itself |
| total_amount | as in JSON, in the currency that is summed; or as `amount_field` writes it |
| last_name | as in JSON; one that is absent is empty |

A block has what a ranking needs, and no more: no tags, no cameras.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import compress
from operator import itemgetter

from ltv.values import JsonNumber, parse_amount, parse_optional_text

#: The members that a block has, by the type of its events; the time is the first.
COLUMNS = {
    "SITE_VISIT": ("event_time", "key", "customer_id"),
    "ORDER": ("event_time", "verb", "key", "customer_id", "total_amount"),
    "IMAGE": ("event_time", "key", "customer_id"),
    "CUSTOMER": ("event_time", "verb", "key", "last_name"),
}

#: The column with the id of the customer.
OWNERS = {
    event_type: columns.index("key" if event_type == "CUSTOMER" else "customer_id")
    for event_type, columns in COLUMNS.items()
}

_MOST_AMOUNTS = 100_000

_MICROS = "e-6"  # no amount of an event has an exponent


class Block:
    """Good events of one `type`, given by `columns`, one for each of COLUMNS, or by `rows`, which
    have these at `places`.
    """

    __slots__ = ("_columns", "_places", "_rows", "type")

    def __init__(
        self,
        event_type: str,
        columns: Sequence[Sequence[bytes]] | None = None,
        *,
        rows: Sequence[tuple[bytes, ...]] = (),
        places: Sequence[int] = (),
    ) -> None:
        self.type = event_type
        self._columns = columns
        self._rows = rows
        self._places = places

    @property
    def columns(self) -> Sequence[Sequence[bytes]]:
        """Return the fields of all events by column."""
        if self._columns is None:
            self._columns = list(map(self._column, range(len(self._places))))
        return self._columns

    @property
    def events(self) -> int:
        """Return how many events there are."""
        return len(self._rows) if self._columns is None else len(self._columns[0])

    @property
    def times(self) -> Sequence[bytes]:
        """Return the short time of each event."""
        return self._column(0)

    @property
    def owners(self) -> Sequence[bytes]:
        """Return the id of the customer of each event."""
        return self._column(OWNERS[self.type])

    @property
    def keys(self) -> Sequence[bytes]:
        """Return the key of each event."""
        return self._column(COLUMNS[self.type].index("key"))

    def _column(self, number: int) -> Sequence[bytes]:
        if self._columns is None:
            place = self._places[number]
            return [row[place] for row in self._rows]
        return self._columns[number]

    def lines(self) -> Iterator[bytes]:
        """Yield the fields of each event with tabs between them; equal events have equal lines."""
        if self._columns is None:
            return map(b"\t".join, map(itemgetter(*self._places), self._rows))
        return map(b"\t".join, zip(*self._columns, strict=True))

    def only(self, are_kept: Sequence[bool]) -> "Block":
        """Return the block of the events that are kept."""
        return Block(self.type, [list(compress(column, are_kept)) for column in self.columns])


class _Amounts(dict[bytes, int]):
    """Amounts in micros by their JSON; a shop has the same ones again and again."""

    def __init__(self, currency: str) -> None:
        super().__init__()
        self._currency = currency

    def __missing__(self, field: bytes) -> int:
        if len(self) >= _MOST_AMOUNTS:
            self.clear()
        text = field.decode()
        if text.endswith(_MICROS):
            amount = int(text.removesuffix(_MICROS))
        else:
            value = text[1:-1] if text.startswith('"') else JsonNumber(text)
            amount = parse_amount(value, self._currency)
        self[field] = amount
        return amount


@lru_cache(maxsize=1)
def _amounts(currency: str) -> _Amounts:
    """Return the same for all blocks that a process has."""
    return _Amounts(currency)


def amounts_of(fields: Iterable[bytes], currency: str) -> list[int]:
    """Return the amounts in this JSON, in micros."""
    return list(map(_amounts(currency).__getitem__, fields))


def amount_field(micros: int) -> bytes:
    """Return JSON of an amount in micros, for `amounts_of`.

    >>> amount_field(-12_340_000)
    b'-12340000e-6'
    """
    return f"{micros}{_MICROS}".encode()


def last_name_of(field: bytes) -> str | None:
    """Return the name in this JSON, None where it is none that is kept."""
    if b"\\" in field:
        return parse_optional_text(json.loads(field))
    return field[1:-1].decode() if field else None
