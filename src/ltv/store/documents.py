"""What is known of a customer as documents of MongoDB, for this program and for others.

| a customer | |
|---|---|
| `_id` | customer_id |
| `run` | the number of the run that wrote it |
| `begin`, `latest`, `last_order` | microseconds since 1970, or null |
| `revenue_micros` | an integer, or its digits where it is over 64 bits |
| `order_count`, `visit_count`, `image_count` | |
| `last_name` | a text, or null |
| `parts` | how many documents have the facts of it: nearly always one |
| `is_gone` | there, and true, where the customer was taken out |

| facts of a customer | |
|---|---|
| `_id` | the number of the part, from 1, a space, customer_id |
| `run` | as above |
| `orders` | of each `order_id`, `event_time`, `is_update`, `amount_micros` |
| `images` | of each `image_id`, `event_time`, `camera` (JSON text) |
| `visits` | of each `page_id`, `event_time`, `tags` (JSON text) |
| `profile` | of `last_name`, ... `text`, `event_time`, `is_update`; in the first part |

A ranking reads the former alone, which are short and flat.

Times are integers since a date of MongoDB holds milliseconds. A document holds 16 MiB.
"""

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain, islice
from typing import Any, NamedTuple

from ltv.errors import LTVError
from ltv.times import PACKED_LENGTH, pack, unpack
from ltv.values import is_encodable
from LTV_Calculate import Totals
from LTV_Classes import Customer, Facts

Document = dict[str, Any]

#: How many facts are in one document, and how many bytes of texts before it has fewer.
_MOST_FACTS = 10_000
_MOST_BYTES = 8 * 1024 * 1024

#: What a fact takes up beside its texts: the names of its members, numbers.
_FACT_BYTES = 120

_MOST_DOCUMENT_BYTES = 16 * 1024 * 1024

_LARGEST_INTEGER = 2**63 - 1


_HEAD_TYPES = {
    "layout": int,
    "currency": str,
    "run": int,
    "base": str,
    "staged": str | None,
    "totals": list,
}


def is_head(document: Document) -> bool:
    """Return whether a document is a head (ltv.store.server) as this program writes it."""
    kinds = _HEAD_TYPES.items()
    return (
        all(name in document and isinstance(document[name], kind) for name, kind in kinds)
        and len(document["totals"]) == len(Totals._fields)
        and all(isinstance(one, int) for one in document["totals"])
    )


class Written(NamedTuple):
    """A customer as it is written: its own document, and those of the facts of it."""

    customer: Document
    parts: list[Document]


def is_there(document: Document) -> bool:
    """Return whether the document is of a customer, and not of one that was taken out."""
    return "is_gone" not in document


def part_ids(document: Document) -> list[str]:
    """Return the ids of the documents with the facts of a customer."""
    return [f"{number} {document['_id']}" for number in range(1, document.get("parts", 0) + 1)]


def revenue_of(document: Document) -> int:
    """Return the revenue of a customer, in micros."""
    return int(document["revenue_micros"])


def gone(customer_id: str, run: int) -> Document:
    """Return what is written of a customer that is taken out."""
    return {"_id": customer_id, "run": run, "is_gone": True}


def documents_of(customer: Customer, run: int) -> Written:
    """Return what a run writes of a customer."""
    facts = customer.facts
    revenue = customer.revenue_micros
    slices = list(_slices(facts))
    if facts.profile:
        slices = slices or [{}]
        slices[0]["profile"] = {
            member: {"text": text, "event_time": unpack(time), "is_update": is_update}
            for member, (time, is_update, text) in facts.profile.items()
        }
    document = {
        "_id": customer.customer_id,
        "run": run,
        "begin": customer.begin,
        "latest": customer.latest,
        "last_order": customer.last_order,
        "revenue_micros": revenue if abs(revenue) <= _LARGEST_INTEGER else str(revenue),
        "order_count": customer.order_count,
        "visit_count": customer.visit_count,
        "image_count": customer.image_count,
        "last_name": customer.last_name,
        "parts": len(slices),
    }
    ids = part_ids(document)
    parts = [{"_id": id_, "run": run} | part for id_, part in zip(ids, slices, strict=True)]
    return Written(document, parts)


def customer_of(document: Document, parts: Iterable[Document]) -> Customer:
    """Return the customer that is written in these documents.

    Raises KeyError, TypeError or ValueError for what no run has written.
    """
    customer = Customer(document["_id"])
    for time in (document["begin"], document["latest"]):
        if time is not None:
            customer.see(pack(time))
    for some in parts:
        for member, one in some.get("profile", {}).items():
            customer.set_profile(member, pack(one["event_time"]), one["is_update"], one["text"])
        for one in some.get("orders", ()):
            customer.add_order(
                one["order_id"], pack(one["event_time"]), one["is_update"], one["amount_micros"]
            )
        for one in some.get("images", ()):
            customer.add_image(one["image_id"], pack(one["event_time"]), one["camera"])
        for one in some.get("visits", ()):
            customer.add_visit(one["page_id"], pack(one["event_time"]), _text_of(one["tags"]))
    return customer


def _slices(facts: Facts) -> Iterator[Document]:
    """Yield the facts by kind, so many of each at a time, in the order they became known.

    So what is new changes the last documents of a customer alone.
    """
    kinds = [_orders(facts), _images(facts), _visits(facts)]
    while some := list(chain.from_iterable(islice(one, _MOST_FACTS) for one in kinds)):
        found: Document = {}
        size = 0
        for kind, one in some:
            size += _size_of(one)
            if found and size > _MOST_BYTES:
                yield found
                found, size = {}, _size_of(one)
            found.setdefault(kind, []).append(one)
        yield found


def _size_of(fact: Document) -> int:
    """Return at least how many bytes a fact takes up."""
    texts = [value for value in fact.values() if isinstance(value, str | bytes)]
    return _FACT_BYTES + sum(len(text) * (1 if text.isascii() else 4) for text in texts)


def _orders(facts: Facts) -> Iterator[tuple[str, Document]]:
    for order_id, (time, is_update, amount) in facts.orders.items():
        order = {"order_id": order_id, "event_time": unpack(time)}
        yield "orders", order | {"is_update": is_update, "amount_micros": amount}


def _images(facts: Facts) -> Iterator[tuple[str, Document]]:
    for image_id, (time, _, camera) in facts.images.items():
        yield "images", {"image_id": image_id, "event_time": unpack(time), "camera": camera}


def _visits(facts: Facts) -> Iterator[tuple[str, Document]]:
    for visit, tags in facts.visits.items():
        page_id, time = visit[PACKED_LENGTH:], visit[:PACKED_LENGTH]
        yield "visits", {"page_id": page_id, "event_time": unpack(time), "tags": _storable(tags)}


def _storable(text: str) -> str | bytes:
    """Return a text as it can be written: tags may hold what no UTF-8 does."""
    return text if is_encodable(text) else text.encode("utf-8", "surrogatepass")


def _text_of(value: str | bytes) -> str:
    return value if isinstance(value, str) else value.decode("utf-8", "surrogatepass")


def is_same(written: Mapping[str, Any], known: Mapping[str, Any]) -> bool:
    """Return whether two documents differ in no more than the run that wrote them."""
    return {**written, "run": 0} == {**known, "run": 0}


def with_news(written: Written, customer: Document, parts: dict[str, Document]) -> Written | None:
    """Return of what is `written` that which the known documents of a customer have not.

    None where that is nothing: then the joined customer knows what was known. `parts` are by id.
    """
    changed = [one for one in written.parts if not is_same(one, parts.get(one["_id"], {}))]
    is_known = not changed and is_same(written.customer, customer)
    return None if is_known else Written(written.customer, changed)


class Change(NamedTuple):
    """What is to be written of a customer, and what it adds to the sums of all."""

    customer_id: str
    gone: Totals | None  # None: it was not there, or had no events
    come: Totals | None
    customer: bytes
    parts: dict[str, bytes]  # by id


def change_of(known: Document | None, written: Written) -> Change:
    """Return what is to be written of a customer of which the document is `known`, if one is."""
    parts = {part["_id"]: _encoded(part) for part in written.parts}
    customer = written.customer
    before = None if known is None else _totals_of(known)
    return Change(customer["_id"], before, _totals_of(customer), _encoded(customer), parts)


def _totals_of(document: Document) -> Totals | None:
    if document.get("begin") is None:
        return None
    names = ("visit_count", "order_count", "image_count")
    return Totals(document["begin"], document["latest"], 1, *(document[name] for name in names))


def _encoded(document: Document) -> bytes:
    import bson  # noqa: PLC0415 - only this store needs it

    text: bytes = bson.encode(document)
    if len(text) > _MOST_DOCUMENT_BYTES:
        customer_id = document["_id"].split(" ", 1)[-1]  # it is one of a part: others are short
        raise LTVError(f"an event of customer {customer_id!r} is larger than MongoDB holds")
    return text


def by_size(changes: Iterable[Change]) -> Iterator[list[Change]]:
    """Yield changes some at a time, as many as take up a document of the greatest size."""
    some: list[Change] = []
    size = 0
    for change in changes:
        some.append(change)
        size += len(change.customer) + sum(map(len, change.parts.values()))
        if size >= _MOST_DOCUMENT_BYTES:
            yield some
            some, size = [], 0
    if some:
        yield some
