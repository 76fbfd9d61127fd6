"""`Ingest(e, D)`: is it an event by the rules (SPEC, sections 1 and 2), and into which Customer
does it go.

    D = {}
    Ingest({"type": "SITE_VISIT", "verb": "NEW", "key": "p1", "customer_id": "c1",
            "event_time": "2017-01-01T10:01:00Z"}, D)
    D["c1"].visits

| `e` | |
|---|---|
| an event | values as of `json.loads` |
| a Block | events of one type by column, which a pattern found to be events by the rules |
| an iterable | of events and Blocks |
| parts of files | for a D that is spread: whoever has a part of D ingests parts of the files |

| `D` | |
|---|---|
| any mapping of customer_id to Customer | a dict, a store |
| `KeepsBlocks` | shards on disk, a shard by column |
| `Spread` | shards of customers over processes |
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping
from itertools import repeat
from typing import Any, NamedTuple, NoReturn, Protocol, TypeVar, overload, runtime_checkable

from ltv.blocks import COLUMNS, Block, amount_field, amounts_of, last_name_of
from ltv.errors import EARLIER, LATER, EventError
from ltv.times import instant_of, lengthened, pack, shortened, time_text
from ltv.values import (
    compact,
    parse_amount,
    parse_id,
    parse_optional_text,
    parse_time,
    shown,
)
from LTV_Classes import Customer

Event = Mapping[str, Any]

RANKED_PROFILE = ("last_name",)

PROFILE = (*RANKED_PROFILE, "adr_city", "adr_state")

CAMERA = ("camera_make", "camera_model")

VERBS = {
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

    Amounts must be in `currency`. An event before the time `since` is refused with the reason
    `earlier`, one at or after `before` with `later` (both microseconds since 1970), whatever its
    amount is. Without `with_details`, what no ranking needs is not kept: tags, cameras, city and
    state. Times without a zone are in `timezone`, by default in UTC.
    """

    currency: str = "USD"
    since: int | None = None
    before: int | None = None
    with_details: bool = True
    timezone: str | None = None

    def outside(self, instant: int) -> EventError | None:
        """Return why an event at an instant is not asked for; None if it is."""
        if self.since is not None and instant < self.since:
            reason, expected = EARLIER, f"from {time_text(self.since)} on"
        elif self.before is not None and instant >= self.before:
            reason, expected = LATER, f"before {time_text(self.before)}"
        else:
            return None
        message = f"event_time: expected a time {expected}, got {time_text(instant)}"
        return EventError(reason, "event_time", message)


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


@runtime_checkable
class Accounts(Protocol):
    """An ErrorSink that is told of the accepted events, too."""

    def append(self, error: EventError, /) -> object: ...

    def accept(self, fact: "Fact", /) -> object:
        """Note an accepted event that says this."""

    def accept_block(self, block: Block, /) -> object:
        """Note the accepted events of a block, one at least."""


@runtime_checkable
class KeepsBlocks(Protocol):
    """A D that keeps what it is given by column."""

    def add(self, fact: "Fact", /) -> object:
        """Join what one event says."""

    def add_block(self, block: Block, /) -> object:
        """Join what the events of a block say."""


@runtime_checkable
class Spread(Protocol):
    """A D that is spread over processes or machines, each of which calls `Ingest` for its part."""

    def ingest(self, parts: Any, rules: Rules, errors: Any, /) -> object:
        """Have parts of files ingested wherever D is."""


AnyD = TypeVar("AnyD", bound=KeepsBlocks | Spread)


@overload
def Ingest(
    e: Event | Block | Iterable[Any],
    D: MutableMapping[str, Customer],
    *,
    currency: str = ...,
    since: int | None = ...,
    before: int | None = ...,
    with_details: bool = ...,
    timezone: str | None = ...,
    errors: ErrorSink | None = ...,
) -> MutableMapping[str, Customer]: ...


@overload
def Ingest(
    e: Event | Block | Iterable[Any],
    D: AnyD,
    *,
    currency: str = ...,
    since: int | None = ...,
    before: int | None = ...,
    with_details: bool = ...,
    timezone: str | None = ...,
    errors: ErrorSink | None = ...,
) -> AnyD: ...


def Ingest(  # noqa: PLR0913 - what a run asks of events, each by its name
    e: Event | Block | Iterable[Any],
    D: Any,
    *,
    currency: str = "USD",
    since: int | None = None,
    before: int | None = None,
    with_details: bool = True,
    timezone: str | None = None,
    errors: ErrorSink | None = None,
) -> Any:
    """Join the event `e`, or each event of `e`, into `D`, and return `D`.

    `D` maps customer_id to Customer; any mapping will do. What `currency`, `since`, `before`,
    `with_details` and `timezone` ask of an event, `Rules` says.

    Raises EventError at the first event that is refused, `D` then holding what came before it;
    given `errors`, appends the EventErrors to it and goes on.
    """
    rules = Rules(currency, since, before, with_details, timezone)
    if isinstance(D, Spread):
        D.ingest(e, rules, errors)
        return D
    refuse = _raise if errors is None else errors.append
    account = errors if isinstance(errors, Accounts) else None
    keeper = D if isinstance(D, KeepsBlocks) else _Keeper(D, currency)
    for one in _each(e):
        if isinstance(one, Block):
            block = _within_span(one, rules, refuse)
            if block.events:
                keeper.add_block(block)
                if account:
                    account.accept_block(block)
            continue
        try:
            fact = fact_of(one, rules)
        except EventError as error:
            refuse(error)
            continue
        keeper.add(fact)
        if account:
            account.accept(fact)
    return D


def _raise(error: EventError) -> NoReturn:
    raise error


def _each(e: Event | Block | Iterable[Any]) -> Iterable[object]:
    if isinstance(e, Mapping | Block | str | bytes) or not isinstance(e, Iterable):
        return (e,)
    return e


def fact_of(event: object, rules: Rules) -> Fact:
    """What `event` says, when it is one by the rules. Raises EventError when it is none."""
    if not isinstance(event, Mapping):
        raise EventError("not-an-object", None, f"expected a JSON object, got {shown(event)}")
    kind = _checked_type(event)
    key = parse_id(event["key"], "key")
    customer_id = key if kind == "CUSTOMER" else parse_id(event["customer_id"], "customer_id")
    instant = parse_time(event["event_time"], rules.timezone)
    if outside := rules.outside(instant):
        raise outside
    value: Any = ""
    if kind == "ORDER":
        value = parse_amount(event["total_amount"], rules.currency, event.get("currency"))
    elif kind == "CUSTOMER":
        value = _optional_texts(event, PROFILE if rules.with_details else RANKED_PROFILE)
    elif rules.with_details:
        value = _details(event, kind)
    return Fact(kind, customer_id, key, pack(instant), event["verb"] == "UPDATE", value)


def _within_span(block: Block, rules: Rules, refuse: Callable[[EventError], object]) -> Block:
    """Return the block of the events in the span that is asked for; refuse the others."""
    if (rules.since, rules.before) == (None, None):
        return block
    times = block.times
    if not any(rules.outside(instant_of(time)) for time in (min(times), max(times))):
        return block
    errors = [rules.outside(instant_of(time)) for time in times]
    for error in filter(None, errors):
        refuse(error)
    return block.only([error is None for error in errors])


class _Keeper:
    """Joins what events say into a mapping of customer_id to Customer."""

    def __init__(self, D: MutableMapping[str, Customer], currency: str) -> None:
        self._D = D
        self._currency = currency

    def add(self, fact: Fact) -> None:
        join_fact(fact, self._D)

    def add_block(self, block: Block) -> None:
        for fact in facts_of(block, self._currency):
            join_fact(fact, self._D)


def facts_of(block: Block, currency: str) -> Iterator[Fact]:
    """Yield what each event of a block says; amounts are in `currency`."""
    fields = dict(zip(COLUMNS[block.type], block.columns, strict=True))
    updates: Iterable[bytes] = fields.get("verb", repeat(b""))
    values: Iterable[Any] = repeat("")
    if block.type == "ORDER":
        values = amounts_of(fields["total_amount"], currency)
    elif block.type == "CUSTOMER":
        values = map(_profile_of, fields["last_name"])
    columns = block.owners, fields["key"], block.times, updates, values
    for owner, key, time, update, value in zip(*columns, strict=False):
        yield Fact(
            block.type,
            owner.decode(),
            key.decode(),
            lengthened(time.decode()),
            bool(update),
            value,
        )


def block_of(fact: Fact) -> Block:
    """Return the block of the one event that says this, less what no ranking needs."""
    fields = {
        "event_time": shortened(fact.time.encode()),
        "verb": b"U" if fact.is_update else b"",
        "key": fact.key.encode(),
        "customer_id": fact.customer_id.encode(),
    }
    if fact.type == "ORDER":
        fields["total_amount"] = amount_field(fact.value)
    elif fact.type == "CUSTOMER":
        name = fact.value.get("last_name")
        fields["last_name"] = b"" if name is None else json.dumps(name).encode()
    return Block(fact.type, tuple((fields[member],) for member in COLUMNS[fact.type]))


def _profile_of(last_name: bytes) -> dict[str, str]:
    name = last_name_of(last_name)
    return {} if name is None else {"last_name": name}


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
    if not isinstance(kind, str) or kind not in VERBS:
        raise _unknown("type", tuple(VERBS), kind)
    for member in _REQUIRED[kind]:
        if event.get(member) is None:
            raise _missing(member)
    verbs = VERBS[kind]
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
