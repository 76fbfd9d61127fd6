"""`Ingest(e, D)`: is it an event by the rules (SPEC, sections 1 and 2), and into which Customer
does it go.

    D = {}
    Ingest({"type": "SITE_VISIT", "verb": "NEW", "key": "p1", "customer_id": "c1",
            "event_time": "2017-01-01T10:01:00Z"}, D)
    D["c1"].visits
"""

from collections.abc import Iterable, Mapping, MutableMapping
from typing import Any, NamedTuple, Protocol

from ltv.errors import LATER, EventError
from ltv.times import pack, time_text
from ltv.values import (
    compact,
    parse_amount,
    parse_id,
    parse_optional_text,
    parse_time,
    shown,
)
from LTV_Classes import Customer

__all__ = ["ErrorSink", "Fact", "Ingest", "Rules", "fact_of", "join_fact"]

Event = Mapping[str, Any]

RANKED_PROFILE = ("last_name",)

PROFILE = (*RANKED_PROFILE, "adr_city", "adr_state")

CAMERA = ("camera_make", "camera_model")

_VERBS = {
    "CUSTOMER": ("NEW", "UPDATE"),
    "SITE_VISIT": ("NEW",),
    "IMAGE": ("UPLOAD",),
    "ORDER": ("NEW", "UPDATE"),
}

_REQUIRED = {
    "CUSTOMER": ("verb", "key", "event_time"),
    "SITE_VISIT": ("verb", "key", "event_time", "customer_id"),
    "IMAGE": ("verb", "key", "event_time", "customer_id"),
    "ORDER": ("verb", "key", "event_time", "customer_id", "total_amount"),
}


class Rules(NamedTuple):
    """What a run asks of events beyond what they must be anyway.

    Amounts must be in `currency`. A good event at or after the time `before` (microseconds since
    1970) is refused too, with the reason `later`. Without `with_details`, what no ranking needs is
    not kept: tags, cameras, city and state.
    """

    currency: str = "USD"
    before: int | None = None
    with_details: bool = True


class Fact(NamedTuple):
    """What a good event says of a customer."""

    type: str
    customer_id: str
    key: str
    time: str  # packed
    is_update: bool
    value: Any  # ORDER: micros; CUSTOMER: texts by member; else tags or camera as JSON text, or ""


class ErrorSink(Protocol):
    """Somewhere to put errors: a list will do."""

    def append(self, error: EventError, /) -> object: ...


def Ingest(
    e: Event | Iterable[Any],
    D: MutableMapping[str, Customer],
    *,
    currency: str = "USD",
    before: int | None = None,
    with_details: bool = True,
    errors: ErrorSink | None = None,
) -> MutableMapping[str, Customer]:
    """Join the event `e`, or each event of the iterable `e`, into `D`, and return `D`.

    `D` maps customer_id to Customer; any mapping will do. Values of an event are those of
    `json.loads`. What `currency`, `before` and `with_details` ask of it, `Rules` says.

    Raises EventError at the first event that is refused, `D` then holding what came before it;
    given `errors`, appends the EventErrors to it and goes on.
    """
    rules = Rules(currency, before, with_details)
    for event in _each(e):
        try:
            join_fact(fact_of(event, rules), D)
        except EventError as error:
            if errors is None:
                raise
            errors.append(error)
    return D


def _each(e: Event | Iterable[Any]) -> Iterable[object]:
    if isinstance(e, Mapping | str | bytes) or not isinstance(e, Iterable):
        return (e,)
    return e


def fact_of(event: object, rules: Rules) -> Fact:
    """What `event` says, when it is one by the rules. Raises EventError when it is none."""
    if not isinstance(event, Mapping):
        raise EventError("not-an-object", None, f"expected a JSON object, got {shown(event)}")
    kind = _checked_type(event)
    key = parse_id(event["key"], "key")
    customer_id = key if kind == "CUSTOMER" else parse_id(event["customer_id"], "customer_id")
    instant = parse_time(event["event_time"])
    value: Any = ""
    if kind == "ORDER":
        value = parse_amount(event["total_amount"], rules.currency)
    elif kind == "CUSTOMER":
        value = _optional_texts(event, PROFILE if rules.with_details else RANKED_PROFILE)
    elif rules.with_details:
        value = _details(event, kind)
    if rules.before is not None and instant >= rules.before:
        expected = f"expected a time before {time_text(rules.before)}, got {time_text(instant)}"
        raise EventError(LATER, "event_time", f"event_time: {expected}")
    return Fact(kind, customer_id, key, pack(instant), event["verb"] == "UPDATE", value)


def join_fact(fact: Fact, D: MutableMapping[str, Customer]) -> None:
    """Have the customer in `D` know `fact`."""
    kind, customer_id, key, time, is_update, value = fact
    customer = D.get(customer_id)
    if customer is None:
        customer = Customer(customer_id)
    customer.see(time)
    if kind == "SITE_VISIT":
        customer.add_visit(key, time, value)
    elif kind == "ORDER":
        customer.add_order(key, time, is_update, value)
    elif kind == "IMAGE":
        customer.add_image(key, time, value)
    else:
        for member, text in value.items():
            customer.set_profile(member, time, is_update, text)
    D[customer_id] = customer


def _checked_type(event: Event) -> str:
    """The type of an event that has a known type and verb and all members it needs."""
    kind = event.get("type")
    if kind is None:
        raise _missing("type")
    if not isinstance(kind, str) or kind not in _VERBS:
        raise _unknown("type", tuple(_VERBS), kind)
    for member in _REQUIRED[kind]:
        if event.get(member) is None:
            raise _missing(member)
    verbs = _VERBS[kind]
    if event["verb"] not in verbs:
        raise _unknown("verb", verbs, event["verb"], f" of {kind}")
    return kind


def _missing(member: str) -> EventError:
    return EventError("missing", member, f"{member}: expected this member, it is missing or null")


def _unknown(member: str, known: tuple[str, ...], value: object, whose: str = "") -> EventError:
    expected = f"{member}{whose}: expected {' or '.join(known)}, got {shown(value)}"
    return EventError(f"unknown-{member}", member, expected)


def _optional_texts(event: Event, members: tuple[str, ...]) -> dict[str, str]:
    texts = {member: parse_optional_text(event.get(member)) for member in members}
    return {member: text for member, text in texts.items() if text is not None}


def _details(event: Event, kind: str) -> str:
    """The tags of a visit, the camera of an image, as compact JSON text; empty for none."""
    details: object = None
    if kind == "SITE_VISIT" and isinstance(event.get("tags"), list):
        details = event["tags"]
    elif kind == "IMAGE":
        details = _optional_texts(event, CAMERA) or None
    try:
        return "" if details is None else compact(details)
    except ValueError:  # nested deeper than any event that is JSON
        return ""
