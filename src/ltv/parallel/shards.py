"""Events dealt out to shards of customers, on disk, and what a shard has read back.

A shard has all that is known of some customers, so that it can be ingested and ranked by itself.
Which one a customer is in, the id alone decides. Each part of the input leaves one file:

| | |
|---|---|
| header | where each block begins, and where the last one ends |
| blocks | by shard, and in it by type of event: a line for each event |
| lines | the members of COLUMNS, with tabs between them; times are short (ltv.times) |

An event that says the same has the same line. Ids stand as they are, but those with a control
character, a quote or a backslash as in JSON: then they have a backslash, which no other has.
"""

import array
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import accumulate, pairwise
from zlib import crc32

from ltv.reading.layouts import COLUMNS, Row
from ltv.times import PACKED_LENGTH, lengthened, shortened
from ltv.values import MICROS_PER_UNIT, JsonNumber, parse_amount, parse_optional_text, shard_of
from LTV_Classes import Customer
from LTV_Ingest import Fact

__all__ = [
    "Dealer",
    "ShardRows",
    "amounts_of",
    "customers_of_shards",
    "last_name_of",
    "rows_of_shards",
]

_TYPES = tuple(COLUMNS)

_OWNER = {
    event_type: columns.index("key" if event_type == "CUSTOMER" else "customer_id")
    for event_type, columns in COLUMNS.items()
}

_IDS = ("key", "customer_id")

#: How many lines for each shard are worth the joining.
_ROWS_TO_JOIN = 64

_MOST_AMOUNTS = 100_000

_OFFSET_BYTES = array.array("Q").itemsize


class Dealer:
    """Deals events out to `shards` shards; `held` is how many it holds in memory."""

    def __init__(self, shards: int) -> None:
        self.held = 0
        self._shards = shards
        self._waiting = 0
        self._lines: dict[str, list[list[bytes]]] = _lists_by_type(shards)
        self._takers = {
            event_type: [lines.append for lines in of_shards]
            for event_type, of_shards in self._lines.items()
        }
        self._joined: dict[str, list[list[bytes]]] = _lists_by_type(shards)

    def deal_rows(self, event_type: str, rows: list[Row]) -> None:
        """Take rows with the columns that events of this type have."""
        owner = _OWNER[event_type]
        shards = self._shards
        takers = self._takers[event_type]
        for row in rows:  # joined at once, while it is in the processor's cache
            takers[crc32(row[owner]) % shards](b"\t".join(row))
        self._wait_for_more(len(rows))

    def deal_fact(self, fact: Fact) -> None:
        """Take what the full path found an event to say, but for what no ranking needs."""
        shard = shard_of(fact.customer_id, self._shards)
        self._takers[fact.type][shard](_line_of(fact))
        self._wait_for_more(1)

    def _wait_for_more(self, count: int) -> None:
        self.held += count
        self._waiting += count
        if self._waiting > _ROWS_TO_JOIN * self._shards:
            self._join()

    def _join(self) -> None:
        for event_type, of_shards in self._lines.items():
            for lines, joined in zip(of_shards, self._joined[event_type], strict=True):
                if lines:
                    joined.append(b"\n".join(lines))
                    lines.clear()
        self._waiting = 0

    def write(self, path: str) -> None:
        """Write all that is held to a new file, and hold nothing any more. Raises OSError."""
        self._join()
        blocks = [
            b"\n".join(self._joined[event_type][shard])
            for shard in range(self._shards)
            for event_type in _TYPES
        ]
        self._joined = _lists_by_type(self._shards)
        self.held = 0
        header_bytes = (len(blocks) + 1) * _OFFSET_BYTES
        offsets = array.array("Q", accumulate(map(len, blocks), initial=header_bytes))
        with open(path, "xb") as file:
            file.write(offsets.tobytes())
            file.writelines(blocks)


def _lists_by_type(shards: int) -> dict[str, list[list[bytes]]]:
    return {event_type: [[] for _ in range(shards)] for event_type in _TYPES}


def _line_of(fact: Fact) -> bytes:
    """The line of an event that says this."""
    member = {
        "event_time": shortened(fact.time.encode()).decode(),
        "verb": "U" if fact.is_update else "",
        "key": _escaped(fact.key),
        "customer_id": _escaped(fact.customer_id),
    }
    if fact.type == "ORDER":
        sign = "-" if fact.value < 0 else ""
        whole, micros = divmod(abs(fact.value), MICROS_PER_UNIT)
        member["total_amount"] = f'"{sign}{whole}.{micros:06}"'
    elif fact.type == "CUSTOMER":
        name = fact.value.get("last_name")
        member["last_name"] = "" if name is None else json.dumps(name)
    return "\t".join(member[column] for column in COLUMNS[fact.type]).encode()


def _escaped(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)[1:-1]


def _unescaped(field: bytes) -> bytes:
    return str(json.loads(b'"%b"' % field)).encode() if b"\\" in field else field


class ShardRows:
    """What a shard has, by type of event; each event once or more than once."""

    def __init__(self, data: dict[str, bytes]) -> None:
        self._data = data

    def lines(self, event_type: str) -> list[bytes]:
        """The line of each event; those that say the same are equal."""
        data = self._data[event_type]
        return data.split(b"\n") if data else []

    def columns(self, event_type: str) -> list[list[bytes]]:
        """The members of each event, by column."""
        data = self._data[event_type]
        width = len(COLUMNS[event_type])
        fields = data.replace(b"\n", b"\t").split(b"\t") if data else []
        columns = [fields[column::width] for column in range(width)]
        if b"\\" in data:
            for number, name in enumerate(COLUMNS[event_type]):
                if name in _IDS:
                    columns[number] = list(map(_unescaped, columns[number]))
        return columns


def rows_of_shards(paths: list[str], shards: range) -> Iterator[ShardRows]:
    """What each of `shards` has, from the files that parts of the input left. Raises OSError."""
    parts = [_read_blocks(path, shards) for path in paths]
    for shard in range(len(shards)):
        first = shard * len(_TYPES)
        yield ShardRows(
            {
                event_type: b"\n".join(filter(None, [part[first + number] for part in parts]))
                for number, event_type in enumerate(_TYPES)
            }
        )


def _read_blocks(path: str, shards: range) -> list[bytes]:
    """The blocks of `shards`, which stand one behind the other."""
    with open(path, "rb") as file:
        file.seek(shards.start * len(_TYPES) * _OFFSET_BYTES)
        offsets = array.array("Q", file.read((len(shards) * len(_TYPES) + 1) * _OFFSET_BYTES))
        file.seek(offsets[0])
        data = file.read(offsets[-1] - offsets[0])
    return [data[begin - offsets[0] : end - offsets[0]] for begin, end in pairwise(offsets)]


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
    """The same for all shards that a process has."""
    return _Amounts(currency)


def amounts_of(fields: Iterable[bytes], currency: str) -> list[int]:
    """The amounts in this JSON, in micros."""
    return list(map(_amounts(currency).__getitem__, fields))


def last_name_of(field: bytes) -> str | None:
    """The name in this JSON, None where it is none that is kept."""
    if b"\\" in field:
        return parse_optional_text(json.loads(field))
    return field[1:-1].decode() if field else None


def customers_of_shards(
    paths: list[str], shards: range, currency: str
) -> Iterator[dict[str, Customer]]:
    """All customers of each of `shards`, from the files that parts of the input left.

    Raises OSError.
    """
    for rows in rows_of_shards(paths, shards):
        D = _Customers()
        _join_visits(_texts(rows.columns("SITE_VISIT")), D)  # one after the other: what is done
        _join_orders(rows.columns("ORDER"), D, currency)  # with makes room in the cache
        for time, image_id, customer_id in zip(*_texts(rows.columns("IMAGE")), strict=True):
            customer = D[customer_id]
            customer.see(lengthened(time))
            customer.add_image(image_id, lengthened(time), "")
        *profiles, names = rows.columns("CUSTOMER")
        for time, update, customer_id, name in zip(*_texts(profiles), names, strict=True):
            customer = D[customer_id]
            customer.see(lengthened(time))
            text = last_name_of(name)
            if text is not None:
                customer.set_profile("last_name", lengthened(time), bool(update), text)
        yield D


class _Customers(dict[str, Customer]):
    """Customers by id, each made when it is asked for."""

    def __missing__(self, customer_id: str) -> Customer:
        customer = self[customer_id] = Customer(customer_id)
        return customer


def _texts(columns: list[list[bytes]]) -> list[list[str]]:
    return [list(map(bytes.decode, column)) for column in columns]


def _join_visits(columns: list[list[str]], D: dict[str, Customer]) -> None:
    visits_of = defaultdict(list)
    for time, page_id, customer_id in zip(*columns, strict=True):
        visits_of[customer_id].append(lengthened(time) + page_id)
    for customer_id, visits in visits_of.items():
        customer = D[customer_id]
        customer.add_untagged_visits(visits)
        customer.see(min(visits)[:PACKED_LENGTH])
        customer.see(max(visits)[:PACKED_LENGTH])


def _join_orders(columns: list[list[bytes]], D: dict[str, Customer], currency: str) -> None:
    *others, amounts = columns
    times, updates, order_ids, customer_ids = _texts(others)
    micros = amounts_of(amounts, currency)
    stamps = zip(map(lengthened, times), map(bool, updates), micros, strict=True)
    orders_of = defaultdict(list)
    for customer_id, order in zip(customer_ids, zip(order_ids, stamps, strict=True), strict=True):
        orders_of[customer_id].append(order)
    for customer_id, orders in orders_of.items():
        D[customer_id].add_orders(orders)
