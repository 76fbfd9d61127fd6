"""A second, slow and plain implementation of SPEC.md (sections 1 to 8), to test against.

It holds everything in memory, scans again what it has scanned before and sorts everybody.
It shares no code with the program, so that a mistake has to be made twice to go unseen.
Files to units: `oracle_reading.py`. Here: units to events, to customers, to the result of a run.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

from oracle_reading import Failure, Number, Unit, units

MAX_CHARACTERS = 256
TEXT_IN_REJECTS = 1000
LONE_AFTER = timedelta(days=371)


# --- Members (section 1) ----------------------------------------------------------------------

VERBS = {
    "CUSTOMER": ["NEW", "UPDATE"],
    "SITE_VISIT": ["NEW"],
    "IMAGE": ["UPLOAD"],
    "ORDER": ["NEW", "UPDATE"],
}
REQUIRED = {
    "CUSTOMER": ["verb", "key", "event_time"],
    "SITE_VISIT": ["verb", "key", "event_time", "customer_id"],
    "IMAGE": ["verb", "key", "event_time", "customer_id"],
    "ORDER": ["verb", "key", "event_time", "customer_id", "total_amount"],
}
CUSTOMER_TEXTS = ["last_name", "adr_city", "adr_state"]


class RejectionError(Exception):
    """One event breaks a rule: the reason, the member at fault, and the currency it is in."""

    def __init__(self, reason: str, member: str | None = None, currency: str | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.member = member
        self.currency = currency  # of other-currency


class EarlierError(Exception):
    """An event lies before the first day that was asked for."""


class LaterError(Exception):
    """An event lies after the last day that was asked for."""


@dataclass(frozen=True)
class Rules:
    """What a run was asked for: the currency being summed, the days, both counted."""

    currency: str = "USD"
    first_day: date | None = None
    last_day: date | None = None


@dataclass(frozen=True)
class Event:
    """An accepted event."""

    kind: str
    verb: str
    key: str
    customer_id: str
    time: datetime
    amount: Fraction = Fraction(0)  # of an ORDER
    texts: tuple[tuple[str, str], ...] = ()  # of a CUSTOMER: those that it carries


def can_be_utf8(text: str) -> bool:
    """Return whether there is no lone surrogate in a text."""
    return not any("\ud800" <= character <= "\udfff" for character in text)


def extended(value: Any) -> tuple[str, Any]:
    """Return the one member of MongoDB's Extended JSON, name and value; else two empty texts."""
    if isinstance(value, dict) and len(value) == 1:
        ((name, inner),) = value.items()
        return name, inner
    return "", ""


JSON_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]*)")
WHOLE_JSON_NUMBER = re.compile(r"(?P<integer>-?(?:0|[1-9][0-9]*))\.0+")


def id_of(value: Any) -> str | None:
    """Section 1, Ids: return the id that a JSON value stands for, or None."""
    name, inner = extended(value)
    if name == "$oid" and isinstance(inner, str):
        value = inner
    elif name in ("$numberInt", "$numberLong", "$numberDouble") and isinstance(inner, str):
        value = Number(inner)
    if isinstance(value, str):
        return value if 1 <= len(value) <= MAX_CHARACTERS and can_be_utf8(value) else None
    if not isinstance(value, Number):
        return None
    if JSON_INTEGER.fullmatch(value.text):
        return id_of_integer(value.text) if len(value.text) <= MAX_CHARACTERS else None
    match = WHOLE_JSON_NUMBER.fullmatch(value.text)
    if match and abs(Decimal(match["integer"])) < 2**53:
        return id_of_integer(match["integer"])
    return None


def id_of_integer(text: str) -> str:
    return "0" if text == "-0" else text


TIME = re.compile(
    r"""
    (?P<year>[0-9]{4})-(?P<month>[0-9]{2})-(?P<day>[0-9]{2})
    (?:
        [Tt\ :] (?P<hour>[0-9]{2}):(?P<minute>[0-9]{2})
        (?: :(?P<second>[0-9]{2}) (?: [.,](?P<fraction>[0-9]{1,9}) )? )?
        (?:
            \ ? (?: [Zz] | UTC | GMT |
            (?P<sign>[+-]) (?P<off_hour>[0-9]{2}) (?: :?(?P<off_minute>[0-9]{2}) )? )
        )?
    )?
    """,
    re.VERBOSE,
)
FIRST_INSTANT = datetime(1970, 1, 1, tzinfo=UTC)


def time_of(value: Any) -> datetime | None:
    """Section 1, Times: return the instant in UTC, or None."""
    name, inner = extended(value)
    if name == "$date":
        inner_name, digits = extended(inner)
        if inner_name == "$numberLong" and isinstance(digits, str):
            inner = Number(digits)
        if isinstance(inner, Number):
            return time_of_milliseconds(inner.text)
        value = inner
    return time_of_text(value) if isinstance(value, str) else None


def time_of_milliseconds(text: str) -> datetime | None:
    """Return the instant so many milliseconds after 1970, or None."""
    if not JSON_INTEGER.fullmatch(text) or len(text) > len("7258118399999"):
        return None
    instant = FIRST_INSTANT + timedelta(milliseconds=int(text))
    return instant if 1970 <= instant.year <= 2199 else None


def time_of_text(text: str) -> datetime | None:
    """Return the instant that is spelt so, or None."""
    match = TIME.fullmatch(text)
    if match is None:
        return None
    number = {name: int(match[name] or "0") for name in TIME.groupindex if name != "sign"}
    if number["off_hour"] > 23 or number["off_minute"] > 59:
        return None
    offset = timedelta(hours=number["off_hour"], minutes=number["off_minute"])
    microseconds = int((match["fraction"] or "").ljust(6, "0")[:6])
    try:
        local = datetime(
            number["year"], number["month"], number["day"],
            number["hour"], number["minute"], number["second"], microseconds, tzinfo=UTC,
        )  # fmt: skip
        instant = local + offset if match["sign"] == "-" else local - offset
    except (ValueError, OverflowError):  # not a real date or clock time; before the year 1
        return None
    return instant if 1970 <= instant.year <= 2199 else None


DIGITS = r"(?:[0-9]{1,12}|[0-9]{1,3}(?:,[0-9]{3}){1,3})"
UNSIGNED = rf"(?:{DIGITS}(?:\.[0-9]{{1,30}})?|\.[0-9]{{1,30}})"
CURRENCY = r"(?:[A-Za-z]{3}|\$|US\$|€|£)"
GAP = "[ \u00a0\u202f]?"
N = re.compile(rf"(?P<sign>[+-]?)(?P<n>{UNSIGNED})")
AMOUNTS = [
    N,
    re.compile(rf"(?P<sign>[+-]?)(?P<n>{UNSIGNED}){GAP}(?P<currency>{CURRENCY})"),
    re.compile(rf"(?P<currency>{CURRENCY}){GAP}(?P<sign>[+-]?)(?P<n>{UNSIGNED})"),
    re.compile(rf"(?P<sign>[+-])(?P<currency>{CURRENCY}){GAP}(?P<n>{UNSIGNED})"),
]
NUMBERS = ("$numberDecimal", "$numberDouble", "$numberInt", "$numberLong")


def amount_of(value: Any) -> tuple[Fraction, str | None] | None:
    """Section 1, Amounts: return the exact amount and how it spells a currency, if it names one.

    None when the value is no amount.
    """
    name, inner = extended(value)
    if name in NUMBERS and isinstance(inner, str):
        value = Number(inner)
    if isinstance(value, Number):
        matches = [N.fullmatch(value.text)]
    elif isinstance(value, str):
        matches = [pattern.fullmatch(value.strip(" ")) for pattern in AMOUNTS]
    else:
        return None
    for match in filter(None, matches):
        return exact(match["sign"], match["n"]), match.groupdict().get("currency")
    return None


def exact(sign: str, unsigned: str) -> Fraction:
    """Return the value of an N, rounded after its sixth decimal, half away from zero."""
    whole, _, decimals = unsigned.replace(",", "").partition(".")
    millionths = int((whole or "0") + decimals[:6].ljust(6, "0"))
    if decimals[6:7] >= "5":
        millionths += 1
    return Fraction(-millionths if sign == "-" else millionths, 10**6)


def currency_of(spelt: str | None, member: Any, summed: str) -> str:
    """Return the currency of an amount, by how it spells it, the member and what is summed.

    Raises RejectionError where the member names none, or another one.
    """
    named = None
    if isinstance(member, str) and member != "":
        if not re.fullmatch(CURRENCY, member.strip(" ")):
            raise RejectionError("bad-amount", "total_amount")
        named = code_of(member.strip(" "))
    if spelt is None:
        return named or summed
    if spelt == "$":
        return named or "USD"
    if named not in (None, code_of(spelt)):
        raise RejectionError("bad-amount", "total_amount")
    return code_of(spelt)


def code_of(spelt: str) -> str:
    """Return the code of a currency."""
    return {"$": "USD", "US$": "USD", "€": "EUR", "£": "GBP"}.get(spelt, spelt.upper())


def is_text(value: Any) -> bool:
    """Whether an optional text is there, by section 1."""
    return isinstance(value, str) and len(value) <= MAX_CHARACTERS and can_be_utf8(value)


# --- Accepted and rejected (section 2) --------------------------------------------------------


def event_of(value: Any, rules: Rules) -> Event:
    """Return the event that a JSON value is.

    Raises RejectionError with the first reason why it is none; EarlierError, LaterError.
    """
    if not isinstance(value, dict):
        raise RejectionError("not-an-object")
    kind = kind_of(value)
    for member in REQUIRED[kind]:
        if value.get(member) is None:
            raise RejectionError("missing", member)
    verb = value["verb"]
    if not isinstance(verb, str) or verb not in VERBS[kind]:
        raise RejectionError("unknown-verb", "verb")
    key = checked_id(value, "key")
    customer_id = key if kind == "CUSTOMER" else checked_id(value, "customer_id")
    time = time_of(value["event_time"])
    if time is None:
        raise RejectionError("bad-time", "event_time")
    if rules.first_day is not None and time.date() < rules.first_day:
        raise EarlierError
    if rules.last_day is not None and time.date() > rules.last_day:
        raise LaterError
    if kind == "ORDER":
        return Event(kind, verb, key, customer_id, time, checked_amount(value, rules.currency))
    if kind == "CUSTOMER":
        texts = tuple((name, value[name]) for name in CUSTOMER_TEXTS if is_text(value.get(name)))
        return Event(kind, verb, key, customer_id, time, texts=texts)
    return Event(kind, verb, key, customer_id, time)


def kind_of(value: dict[str, Any]) -> str:
    """The type of an event."""
    kind = value.get("type")
    if kind is None:
        raise RejectionError("missing", "type")
    if not isinstance(kind, str) or kind not in VERBS:
        raise RejectionError("unknown-type", "type")
    return kind


def checked_id(value: dict[str, Any], member: str) -> str:
    """The id in a member."""
    identity = id_of(value[member])
    if identity is None:
        raise RejectionError("bad-id", member)
    return identity


def checked_amount(value: dict[str, Any], summed: str) -> Fraction:
    """The amount of an order, in the currency being summed."""
    found = amount_of(value["total_amount"])
    if found is None:
        raise RejectionError("bad-amount", "total_amount")
    amount, spelt = found
    currency = currency_of(spelt, value.get("currency"), summed)
    if currency != summed:
        raise RejectionError("other-currency", "total_amount", currency)
    return amount


# --- What is known (section 3), and what it is worth (section 4) ------------------------------


@dataclass
class Customer:
    """What is known of one customer."""

    customer_id: str
    last_name: str | None
    begin: datetime
    last_order: datetime | None
    revenue: Fraction
    orders: int
    visits: int
    images: int
    weeks: int
    ltv: Fraction


def rank_in_time(event: Event) -> tuple[datetime, bool]:
    """Latest: the greatest time; on a tie UPDATE beats NEW."""
    return event.time, event.verb == "UPDATE"


def latest_text(events: list[Event], name: str) -> str | None:
    """A text of a customer, from the latest CUSTOMER event that carries it."""
    carried = [
        (rank_in_time(event), text)
        for event in events
        for carried_name, text in event.texts
        if event.kind == "CUSTOMER" and carried_name == name
    ]
    return max(carried)[1] if carried else None


def orders_of(events: list[Event]) -> dict[str, Event]:
    """The event that set the amount of each of a customer's orders: its latest."""
    versions: dict[str, list[Event]] = {}
    for event in events:
        if event.kind == "ORDER":
            versions.setdefault(event.key, []).append(event)
    return {
        key: max(of_key, key=lambda event: (rank_in_time(event), event.amount))
        for key, of_key in versions.items()
    }


def monday(instant: datetime) -> date:
    """The first day of the week of an instant."""
    return instant.date() - timedelta(days=instant.weekday())


def weeks_between(begin: datetime, end: datetime) -> int:
    """Section 4: calendar weeks from the week of begin to the week of end, both counted."""
    return (monday(end) - monday(begin)).days // 7 + 1


def customer_of(
    customer_id: str, events: list[Event], end: datetime, lifespan: Fraction
) -> Customer:
    """What is known of a customer from its accepted events."""
    orders = orders_of(events)
    begin = min(event.time for event in events)
    revenue = sum((order.amount for order in orders.values()), Fraction(0))
    weeks = weeks_between(begin, end)
    return Customer(
        customer_id=customer_id,
        last_name=latest_text(events, "last_name"),
        begin=begin,
        last_order=max((order.time for order in orders.values()), default=None),
        revenue=revenue,
        orders=len(orders),
        visits=len({(event.key, event.time) for event in events if event.kind == "SITE_VISIT"}),
        images=len({event.key for event in events if event.kind == "IMAGE"}),
        weeks=weeks,
        ltv=52 * (revenue / weeks) * lifespan,
    )


def rounded(value: Fraction, places: int) -> str:
    """Section 4: half away from zero, from the exact value; never a negative zero."""
    scaled = abs(value) * 10**places
    whole = int(scaled)
    if scaled - whole >= Fraction(1, 2):
        whole += 1
    digits = str(whole).rjust(places + 1, "0")
    sign = "-" if value < 0 and whole else ""
    return f"{sign}{digits[:-places]}.{digits[-places:]}"


def row_of(rank: int, customer: Customer) -> dict[str, Any]:
    """Section 7: one row of the results."""
    revenue_per_visit = None
    if customer.visits:
        revenue_per_visit = rounded(customer.revenue / customer.visits, 2)
    return {
        "rank": rank,
        "customer_id": customer.customer_id,
        "last_name": customer.last_name,
        "ltv": rounded(customer.ltv, 2),
        "revenue": rounded(customer.revenue, 2),
        "orders": customer.orders,
        "visits": customer.visits,
        "weeks": customer.weeks,
        "revenue_per_visit": revenue_per_visit,
        "visits_per_week": rounded(Fraction(customer.visits, customer.weeks), 4),
        "begin": rfc3339(customer.begin),
        "last_order": None if customer.last_order is None else rfc3339(customer.last_order),
    }


def rfc3339(instant: datetime) -> str:
    """Section 7: in UTC with `Z`, and as many digits as needed."""
    text = instant.strftime("%Y-%m-%dT%H:%M:%S")
    if instant.microsecond:
        text += f".{instant.microsecond:06}".rstrip("0")
    return text + "Z"


# --- A run ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Warned:
    """Section 8: one warning, words that are in its line, and the place that it names."""

    kind: str  # rejected, currency, latest, earliest
    says: tuple[str, ...] = ()
    place: tuple[str, int] | None = None  # file and line; on standard error alone


@dataclass
class Result:
    """What a run that does not fail has to say."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    reasons: dict[str, int] = field(default_factory=dict)
    rejects: list[dict[str, Any]] = field(default_factory=list)
    begin: str = ""
    end: str = ""
    customers: int = 0
    visits: int = 0
    orders: int = 0
    images: int = 0
    warnings: list[Warned] = field(default_factory=list)


def reject_of(file: str, unit: Unit, reason: str, member: str | None) -> dict[str, Any]:
    """Section 7: one line of the rejects, without its message."""
    return {
        "file": file,
        "line": unit.line,
        "offset": unit.offset,
        "reason": reason,
        "member": member,
        "text": unit.text[:TEXT_IN_REJECTS],
    }


@dataclass
class Sorting:
    """Section 2: the events of a run, accepted, rejected, earlier or later."""

    currency: str
    last_day: date | None = None
    first_day: date | None = None
    accepted: list[Event] = field(default_factory=list)
    places: list[tuple[str, int]] = field(default_factory=list)  # of the accepted
    rejects: list[dict[str, Any]] = field(default_factory=list)
    earlier: int = 0
    later: int = 0
    rejected_orders: int = 0
    other_currencies: Counter[str] = field(default_factory=Counter)

    def add(self, file: str, unit: Unit) -> None:
        """Find out which of the four a unit is."""
        rules = Rules(self.currency, self.first_day, self.last_day)
        try:
            if unit.problem is not None:
                raise RejectionError(unit.problem)
            event = event_of(unit.value, rules)
        except RejectionError as rejected:
            self.rejects.append(reject_of(file, unit, rejected.reason, rejected.member))
            self.rejected_orders += is_order(unit)
            if rejected.currency is not None:
                self.other_currencies[rejected.currency] += 1
        except EarlierError:
            self.earlier += 1
        except LaterError:
            self.later += 1
        else:
            self.accepted.append(event)
            self.places.append((file, unit.line))

    def accepted_orders(self) -> int:
        return sum(event.kind == "ORDER" for event in self.accepted)

    def counts(self) -> dict[str, int]:
        accepted, rejected = len(self.accepted), len(self.rejects)
        return {
            "read": accepted + rejected + self.earlier + self.later,
            "accepted": accepted,
            "rejected": rejected,
            "earlier": self.earlier,
            "later": self.later,
        }

    def reasons(self) -> dict[str, int]:
        return dict(Counter(reject["reason"] for reject in self.rejects))

    def failed(self, failure: Failure) -> Failure:
        """Return the failure, with what was rejected until then."""
        failure.rejects, failure.counts = self.rejects, self.counts()
        failure.reasons = self.reasons()
        return failure


def is_order(unit: Unit) -> bool:
    """Return whether a unit is an ORDER event, good or bad."""
    return (
        unit.problem is None and isinstance(unit.value, dict) and unit.value.get("type") == "ORDER"
    )


def run(
    files: list[tuple[str, bytes]],
    x: int,
    *,
    lifespan: str = "10",
    currency: str = "USD",
    since: str | None = None,
    until: str | None = None,
    max_rejects: int | None = None,
) -> Result:
    """Return what comes of the files as they are, with the top `x`. Raises Failure."""
    sorting = Sorting(
        currency.upper(),
        None if until is None else date.fromisoformat(until),
        None if since is None else date.fromisoformat(since),
    )
    for name, data in files:
        try:
            found = units(name, data)
        except Failure as damage:
            for unit in damage.units:  # of no event log: they say why
                sorting.add(name, unit)
            raise sorting.failed(damage) from damage
        for unit in found:
            sorting.add(name, unit)
    if max_rejects is not None and len(sorting.rejects) > max_rejects:
        first = sorting.rejects[0]["line"]
        failure = sorting.failed(Failure("more rejects than allowed", lines=[first]))
        failure.status = 3
        raise failure
    return ranked(sorting, x, Fraction(Decimal(lifespan)))


def ranked(sorting: Sorting, x: int, lifespan: Fraction) -> Result:
    """Return the result of a run. Raises Failure, where nothing or no order could be ranked."""
    if not sorting.accepted:
        raise sorting.failed(Failure("there is nothing to rank"))
    if sorting.rejected_orders and not sorting.accepted_orders():
        raise sorting.failed(Failure("every ORDER event was rejected"))
    return result_of(sorting, x, lifespan)


def result_of(sorting: Sorting, x: int, lifespan: Fraction) -> Result:
    """Section 4: the top `x`, by exact ltv, ties by customer_id; and what is known at all."""
    begin = min(event.time for event in sorting.accepted)
    end = max(event.time for event in sorting.accepted)
    of_customer: dict[str, list[Event]] = {}
    for event in sorting.accepted:
        of_customer.setdefault(event.customer_id, []).append(event)
    customers = [
        customer_of(customer_id, events, end, lifespan)
        for customer_id, events in of_customer.items()
    ]
    customers.sort(key=lambda customer: (-customer.ltv, customer.customer_id))
    return Result(
        rows=[row_of(rank, customer) for rank, customer in enumerate(customers[:x], 1)],
        counts=sorting.counts(),
        reasons=sorting.reasons(),
        rejects=sorting.rejects,
        begin=rfc3339(begin),
        end=rfc3339(end),
        customers=len(customers),
        visits=sum(customer.visits for customer in customers),
        orders=sum(customer.orders for customer in customers),
        images=sum(customer.images for customer in customers),
        warnings=warnings_of(sorting),
    )


def warnings_of(sorting: Sorting) -> list[Warned]:
    """Section 8: the warnings of a run."""
    found = []
    if 2 * len(sorting.rejects) > sorting.counts()["read"]:
        found.append(Warned("rejected"))
    others = sorting.other_currencies.total()
    if others > sorting.accepted_orders():
        most = min(sorting.other_currencies.items(), key=lambda item: (-item[1], item[0]))[0]
        found.append(Warned("currency", (f"{others:,}", most, "--currency")))
    times = sorted({event.time for event in sorting.accepted})
    if len(times) > 1 and times[-1] - times[-2] > LONE_AFTER:
        found.append(lone(sorting, "latest", times[-1], "--until"))
    if len(times) > 1 and times[1] - times[0] > LONE_AFTER:
        found.append(lone(sorting, "earliest", times[0], "--since"))
    return found


def lone(sorting: Sorting, kind: str, time: datetime, option: str) -> Warned:
    """Return the warning of a time that is far from all others."""
    first = next(
        place
        for event, place in zip(sorting.accepted, sorting.places, strict=True)
        if event.time == time
    )
    return Warned(kind, (f"{time:%Y-%m-%d}", option), first)
