"""Blocks: many good events of one type by column, as bytes, as a pattern finds them in a log.

    Block("SITE_VISIT", ((b"2017-01-01T10:01:00.000",), (b"p1",), (b"c1",)))

| field | |
|---|---|
| event_time | short (ltv.times) |
| verb | whether it is an UPDATE: `U`, or empty |
| key, customer_id | the id itself |
| total_amount, last_name | as in JSON; a last_name that is absent is empty |

A block has what a ranking needs, and no more: no tags, no cameras.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import compress
from typing import NamedTuple

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


class Block(NamedTuple):
    """Good events of one `type`; `columns` are as long as each other, one for each of COLUMNS."""

    type: str
    columns: tuple[Sequence[bytes], ...]
    text: bytes = b""  # the same as lines, where it is at hand

    @property
    def events(self) -> int:
        """Return how many events there are."""
        return len(self.columns[0])

    @property
    def times(self) -> Sequence[bytes]:
        """Return the short time of each event."""
        return self.columns[0]

    @property
    def owners(self) -> Sequence[bytes]:
        """Return the id of the customer of each event."""
        return self.columns[OWNERS[self.type]]

    def lines(self) -> Iterator[bytes]:
        """Yield the fields of each event with tabs between them; equal events have equal lines."""
        if self.text:
            return iter(self.text.split(b"\n"))
        return map(b"\t".join, zip(*self.columns, strict=True))

    def only(self, are_kept: Sequence[bool]) -> "Block":
        """Return the block of the events that are kept."""
        return Block(self.type, tuple(list(compress(column, are_kept)) for column in self.columns))


class _Amounts(dict[bytes, int]):
    """Amounts in micros by their JSON; a shop has the same ones again and again."""

    def __init__(self, currency: str) -> None:
        super().__init__()
        self._currency = currency

    def __missing__(self, field: bytes) -> int:
        if len(self) >= _MOST_AMOUNTS:
            self.clear()
        text = field.decode()
        value = text[1:-1] if text.startswith('"') else JsonNumber(text)
        amount = self[field] = parse_amount(value, self._currency)
        return amount


@lru_cache(maxsize=1)
def _amounts(currency: str) -> _Amounts:
    """Return the same for all blocks that a process has."""
    return _Amounts(currency)


def amounts_of(fields: Iterable[bytes], currency: str) -> list[int]:
    """Return the amounts in this JSON, in micros."""
    return list(map(_amounts(currency).__getitem__, fields))


def last_name_of(field: bytes) -> str | None:
    """Return the name in this JSON, None where it is none that is kept."""
    if b"\\" in field:
        return parse_optional_text(json.loads(field))
    return field[1:-1].decode() if field else None
