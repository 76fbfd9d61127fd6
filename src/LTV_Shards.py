"""Events dealt out to shards of customers, on disk, and a shard back into Customers.

A shard has all that is known of some customers, so that it can be ingested and ranked by itself.
Which one a customer is in, the id alone decides. Each part of the input leaves one file:

| | |
|---|---|
| header | where each block begins, and where the last one ends |
| blocks | by shard, and in it by kind: the rows of each type of event, then facts as JSON |

Fields stand on lines of their own: none of them can hold a control character.
"""

import array
import json
from collections import defaultdict
from collections.abc import Iterator
from functools import lru_cache
from itertools import accumulate, pairwise
from zlib import crc32

from LTV_Classes import Customer
from LTV_Grammar import parse_amount, parse_optional_text
from LTV_Ingest import Fact, join_fact
from LTV_Json import JsonNumber
from LTV_Layouts import COLUMNS, Row
from LTV_Time import PACKED_LENGTH

__all__ = ["Dealer", "customers_of_shards", "shard_of"]

_FACTS = "facts"
_KINDS = (*COLUMNS, _FACTS)

_OWNER = {
    event_type: columns.index("key" if event_type == "CUSTOMER" else "customer_id")
    for event_type, columns in COLUMNS.items()
}

#: How many rows for each shard are worth the joining.
_ROWS_TO_JOIN = 64

_MOST_AMOUNTS = 100_000

_OFFSET_BYTES = array.array("Q").itemsize


def shard_of(customer_id: str, shards: int) -> int:
    """Which of `shards` shards has all that is known of this customer."""
    return crc32(customer_id.encode()) % shards


class Dealer:
    """Deals events out to `shards` shards; `held` is how many it holds in memory."""

    def __init__(self, shards: int) -> None:
        self.held = 0
        self._shards = shards
        self._waiting = 0
        self._lines: dict[str, list[list[bytes]]] = _lists_by_kind(shards)
        self._joined: dict[str, list[list[bytes]]] = _lists_by_kind(shards)

    def deal_rows(self, event_type: str, rows: list[Row]) -> None:
        """Take rows with the columns that events of this type have."""
        owner = _OWNER[event_type]
        shards = self._shards
        takers = [lines.append for lines in self._lines[event_type]]
        for row in rows:  # joined at once, while it is in the processor's cache
            takers[crc32(row[owner]) % shards](b"\n".join(row))
        self._wait_for_more(len(rows))

    def deal_fact(self, fact: Fact) -> None:
        """Take what the full path found an event to say."""
        shard = shard_of(fact.customer_id, self._shards)
        self._lines[_FACTS][shard].append(json.dumps(fact).encode())
        self._wait_for_more(1)

    def _wait_for_more(self, count: int) -> None:
        self.held += count
        self._waiting += count
        if self._waiting > _ROWS_TO_JOIN * self._shards:
            self._join()

    def _join(self) -> None:
        for kind, of_shards in self._lines.items():
            for lines, joined in zip(of_shards, self._joined[kind], strict=True):
                if lines:
                    joined.append(b"\n".join(lines))
                    lines.clear()
        self._waiting = 0

    def write(self, path: str) -> None:
        """Write all that is held to a new file, and hold nothing any more. Raises OSError."""
        self._join()
        blocks = [
            b"\n".join(self._joined[kind][shard])
            for shard in range(self._shards)
            for kind in _KINDS
        ]
        self._joined = _lists_by_kind(self._shards)
        self.held = 0
        header_bytes = (len(blocks) + 1) * _OFFSET_BYTES
        offsets = array.array("Q", accumulate(map(len, blocks), initial=header_bytes))
        with open(path, "xb") as file:
            file.write(offsets.tobytes())
            file.writelines(blocks)


def _lists_by_kind(shards: int) -> dict[str, list[list[bytes]]]:
    return {kind: [[] for _ in range(shards)] for kind in _KINDS}


def customers_of_shards(
    paths: list[str], shards: range, currency: str
) -> Iterator[dict[str, Customer]]:
    """All customers of each of `shards`, from the files that parts of the input left.

    Raises OSError.
    """
    parts = [_read_blocks(path, shards) for path in paths]
    for shard in range(len(shards)):
        blocks = {
            kind: [part[shard * len(_KINDS) + number] for part in parts]
            for number, kind in enumerate(_KINDS)
        }
        D = _Customers()
        _join_visits(_fields(blocks["SITE_VISIT"]), D)  # one after the other: what is done with
        _join_orders(_fields(blocks["ORDER"]), D, currency)  # makes room in the processor's cache
        _join_images(_fields(blocks["IMAGE"]), D)
        _join_profiles(_fields(blocks["CUSTOMER"]), D)
        for fact in _fields(blocks[_FACTS]):
            join_fact(Fact(*json.loads(fact)), D)
        yield D


def _read_blocks(path: str, shards: range) -> list[bytes]:
    """The blocks of `shards`, which stand one behind the other."""
    with open(path, "rb") as file:
        file.seek(shards.start * len(_KINDS) * _OFFSET_BYTES)
        offsets = array.array("Q", file.read((len(shards) * len(_KINDS) + 1) * _OFFSET_BYTES))
        file.seek(offsets[0])
        data = file.read(offsets[-1] - offsets[0])
    return [data[begin - offsets[0] : end - offsets[0]] for begin, end in pairwise(offsets)]


def _fields(blocks: list[bytes]) -> list[str]:
    filled = [block for block in blocks if block]
    return b"\n".join(filled).decode().split("\n") if filled else []


class _Customers(dict[str, Customer]):
    """Customers by id, each made when it is asked for."""

    def __missing__(self, customer_id: str) -> Customer:
        customer = self[customer_id] = Customer(customer_id)
        return customer


class _Amounts(dict[str, int]):
    """Amounts in micros by their JSON; a shop has the same ones again and again."""

    def __init__(self, currency: str) -> None:
        super().__init__()
        self._currency = currency

    def __missing__(self, text: str) -> int:
        if len(self) >= _MOST_AMOUNTS:
            self.clear()
        value = text[1:-1] if text.startswith('"') else JsonNumber(text)
        amount = self[text] = parse_amount(value, self._currency)
        return amount


@lru_cache(maxsize=1)
def _amounts(currency: str) -> _Amounts:
    """The same for all shards that a process has."""
    return _Amounts(currency)


def _packed(times: list[str]) -> list[str]:
    return [time.ljust(PACKED_LENGTH, "0") for time in times]


def _join_visits(fields: list[str], D: dict[str, Customer]) -> None:
    times, pages, ids = _packed(fields[0::3]), fields[1::3], fields[2::3]
    visits_of = defaultdict(list)
    for customer_id, time, page_id in zip(ids, times, pages, strict=True):
        visits_of[customer_id].append(time + page_id)
    for customer_id, visits in visits_of.items():
        customer = D[customer_id]
        customer.add_untagged_visits(visits)
        customer.see(min(visits)[:PACKED_LENGTH])
        customer.see(max(visits)[:PACKED_LENGTH])


def _join_orders(fields: list[str], D: dict[str, Customer], currency: str) -> None:
    updates, times, order_ids, ids, texts = (fields[column::5] for column in range(5))
    amounts = map(_amounts(currency).__getitem__, texts)
    stamps = zip(_packed(times), map(bool, updates), amounts, strict=True)
    orders_of = defaultdict(list)
    for customer_id, order in zip(ids, zip(order_ids, stamps, strict=True), strict=True):
        orders_of[customer_id].append(order)
    for customer_id, orders in orders_of.items():
        D[customer_id].add_orders(orders)


def _join_images(fields: list[str], D: dict[str, Customer]) -> None:
    times, images, ids = _packed(fields[0::3]), fields[1::3], fields[2::3]
    for customer_id, time, image_id in zip(ids, times, images, strict=True):
        customer = D[customer_id]
        customer.see(time)
        customer.add_image(image_id, time, "")


def _join_profiles(fields: list[str], D: dict[str, Customer]) -> None:
    rows = zip(*(fields[column::4] for column in range(4)), strict=True)
    for is_update, short_time, customer_id, name in rows:
        time = short_time.ljust(PACKED_LENGTH, "0")
        customer = D[customer_id]
        customer.see(time)
        text = json.loads(name) if "\\" in name else name[1:-1]
        if name and parse_optional_text(text) is not None:
            customer.set_profile("last_name", time, bool(is_update), text)
