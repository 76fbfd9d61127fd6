"""A second, slow and plain implementation of SPEC.md (sections 1 to 8), to test against.

It holds everything in memory, scans again what it has scanned before and sorts everybody.
It shares no code with the program, so that a mistake has to be made twice to go unseen.
"""

from __future__ import annotations

import bz2
import json
import lzma
import re
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

SPACE = b" \t\n\r"  # what JSON calls white space
MAX_EVENT_BYTES = 16 * 1024 * 1024
MAX_OPEN_BRACKETS = 256
MAX_CHARACTERS = 256
MAX_ID_DIGITS = 18
UNITS_TO_KNOW_A_LOG_BY = 100
TEXT_IN_REJECTS = 1000
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class Failure(Exception):  # noqa: N818
    """The run fails (status 1): a file is damaged, or there is nothing to rank."""

    def __init__(self, why: str, damaged_file: str | None = None) -> None:
        super().__init__(why)
        self.damaged_file = damaged_file
        self.rejects: list[dict[str, Any]] = []
        self.counts: dict[str, int] = {}
        self.reasons: dict[str, int] = {}


@dataclass(frozen=True)
class Number:
    """A JSON number, as it is spelt."""

    text: str


@dataclass
class Unit:
    """What is read as one event: its place, its text, and its value or what is wrong with it."""

    line: int
    offset: int
    text: str
    value: Any = None
    problem: str | None = None  # too-long, not-utf8, not-json; None: `value` counts


# --- JSON (section 2: not-json) ---------------------------------------------------------------

# A string, a bracket, or a quotation mark that begins nothing that is a string.
BRACKET_OR_STRING = re.compile(r'"(?:[^"\\\x00-\x1f]++|\\[^\x00-\x1f])*+"|["\[\]{}]')


def too_deep(text: str, start: int) -> bool:
    """Whether more than 256 brackets are open at once in the value that begins at `start`."""
    if text[start : start + 1] not in ("{", "["):
        return False
    is_open = 0
    for match in BRACKET_OR_STRING.finditer(text, start):
        token = match.group()
        if token in ("{", "["):
            is_open += 1
        elif token in ("}", "]"):
            is_open -= 1
        elif token == '"':  # no string: whatever reads on will stop here
            return False
        if is_open > MAX_OPEN_BRACKETS:
            return True
        if is_open == 0:
            return False
    return False


@dataclass
class Scanned:
    """A JSON value found in a text, the position behind it, and the NaNs and Infinities in it."""

    value: Any
    end: int
    constants: list[str]


def scan_value(text: str, start: int) -> Scanned | None:
    """The JSON value that begins at `start`, NaN and Infinity let pass; None when it is none."""
    if too_deep(text, start):
        return None
    constants: list[str] = []
    decoder = json.JSONDecoder(
        parse_int=Number, parse_float=Number, parse_constant=constants.append
    )
    try:
        value, end = decoder.raw_decode(text, start)
    except json.JSONDecodeError:
        return None
    return Scanned(value, end, constants)


def decoded(text: str) -> tuple[Any, bool]:
    """The value of a stripped text that is exactly one strict JSON value, and whether it is."""
    scanned = scan_value(text, 0)
    if scanned is None or scanned.constants or scanned.end != len(text):
        return None, False
    return scanned.value, True


def as_utf8(data: bytes) -> str | None:
    """The text, or None when it is not UTF-8."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return None


def judged(raw: bytes) -> tuple[Any, str | None]:
    """The JSON value of a stripped text, and the first of the reasons why it has none."""
    if len(raw) > MAX_EVENT_BYTES:
        return None, "too-long"
    text = as_utf8(raw)
    if text is None:
        return None, "not-utf8"
    value, is_json = decoded(text)
    return value, None if is_json else "not-json"


# --- Files (section 6) ------------------------------------------------------------------------


def new_gzip_member() -> Any:
    return zlib.decompressobj(wbits=31)


def new_bzip2_member() -> Any:
    return bz2.BZ2Decompressor()


def new_xz_member() -> Any:
    return lzma.LZMADecompressor(format=lzma.FORMAT_XZ)


COMPRESSIONS = [
    (b"\x1f\x8b", new_gzip_member),
    (b"BZh", new_bzip2_member),
    (b"\xfd7zXZ\x00", new_xz_member),
]


def uncompressed(name: str, data: bytes) -> bytes:
    """Section 6: the text of a file, recognised as compressed by its first bytes."""
    for magic, new_member in COMPRESSIONS:
        if data.startswith(magic):
            return b"".join(members(name, data, magic, new_member))
    return data


def members(name: str, data: bytes, magic: bytes, new_member: Any) -> Iterator[bytes]:
    """The members of a compressed file, one after another, zero padding left out."""
    while data:
        if not data.startswith(magic):
            raise Failure(f"{name}: something stands behind the compressed stream", name)
        member = new_member()
        try:
            text = member.decompress(data)
        except (zlib.error, lzma.LZMAError, OSError, ValueError, EOFError) as error:
            raise Failure(f"{name}: the compressed stream is damaged: {error}", name) from error
        if not member.eof:
            raise Failure(f"{name}: the compressed stream is cut off", name)
        yield text
        data = member.unused_data.lstrip(b"\0")


def units(name: str, data: bytes) -> list[Unit]:
    """Section 6: the units of one file, whatever its compression and its framing."""
    data = uncompressed(name, data)
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise Failure(f"{name}: UTF-16 instead of UTF-8", name)
    start = len(BYTE_ORDER_MARK) if data.startswith(BYTE_ORDER_MARK) else 0
    if data[start:].lstrip(SPACE).startswith(b"["):
        found = array_units(name, data, data.index(b"[", start) + 1)
    elif is_json_lines(data, start):
        found = line_units(data, start)
    else:
        found = run_units(name, data, start)
    if found and not any(is_typed(unit) for unit in found[:UNITS_TO_KNOW_A_LOG_BY]):
        raise Failure(f"{name}: not an event log", name)
    return found


def is_typed(unit: Unit) -> bool:
    """Whether a unit is what an event log is known by: a JSON object with a `type` member."""
    return unit.problem is None and isinstance(unit.value, dict) and "type" in unit.value


def lines_of(data: bytes, start: int) -> Iterator[tuple[int, int, bytes]]:
    """The lines that are not blank: number, offset of the first byte that is not white, text."""
    offset = start
    for number, line in enumerate(data[start:].split(b"\n"), 1):
        if line.strip(SPACE):
            yield number, offset + len(line) - len(line.lstrip(SPACE)), line.strip(SPACE)
        offset += len(line) + 1


def is_json_lines(data: bytes, start: int) -> bool:
    """Whether one of the first two lines that are not blank is one whole JSON object."""
    for count, (_, _, text) in enumerate(lines_of(data, start), 1):
        value, problem = judged(text)
        if problem is None and isinstance(value, dict):
            return True
        if count == 2:
            break
    return False


def line_units(data: bytes, start: int) -> list[Unit]:
    """JSON Lines: every line that is not blank is a unit."""
    found = []
    for number, offset, raw in lines_of(data, start):
        value, problem = judged(raw)
        found.append(Unit(number, offset, shown(raw), value, problem))
    return found


def shown(raw: bytes) -> str:
    """The text of a unit, undecodable bytes as U+FFFD."""
    return raw.decode("utf-8", errors="replace")


class Places:
    """Line numbers of offsets that only ever grow."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.line = 1
        self.offset = 0

    def line_of(self, offset: int) -> int:
        self.line += self.data.count(b"\n", self.offset, offset)
        self.offset = offset
        return self.line


def skip(data: bytes, at: int, what: bytes) -> int:
    """The first position from `at` on that holds none of the bytes in `what`."""
    while at < len(data) and data[at] in what:
        at += 1
    return at


def array_units(name: str, data: bytes, start: int) -> list[Unit]:
    """A JSON array of events; `start` is behind its `[`."""
    found, at = units_between(name, data, start, in_array=True)
    if at == len(data):
        raise Failure(f"{name}: the array is not closed", name)
    behind = skip(data, at + 1, SPACE)
    if behind < len(data):
        raise Failure(f"{name}: something stands behind the array, offset {behind}", name)
    return found


def run_units(name: str, data: bytes, start: int) -> list[Unit]:
    """JSON objects one after another, with white space, a comma or nothing between."""
    return units_between(name, data, start, in_array=False)[0]


def units_between(name: str, data: bytes, at: int, in_array: bool) -> tuple[list[Unit], int]:
    """The units of an array or a run, and where its `]` or the file's end stands."""
    # One character for each byte: positions are offsets, and brackets, quotation marks and
    # digits are the same as in UTF-8.
    latin = data.decode("latin-1")
    places = Places(data)
    found: list[Unit] = []
    while True:
        at = skip(data, at, SPACE + b",")
        if at == len(data) or (in_array and data[at] == ord("]")):
            return found, at
        line = places.line_of(at)
        unit, end = whole_unit(data, latin, at, line, in_array)
        if unit is None:
            unit, end = bad_line(name, data, at, line, in_array)
        found.append(unit)
        at = end


def whole_unit(
    data: bytes, latin: str, at: int, line: int, in_array: bool
) -> tuple[Unit | None, int]:
    """An event that is JSON, or is but for NaN and Infinity: it costs itself alone."""
    scanned = scan_value(latin, at)
    if scanned is None or not may_follow(data, scanned.end, in_array):
        return None, at
    raw = data[at : scanned.end]
    value, problem = judged(raw)
    if problem is not None and not (problem == "not-json" and scanned.constants):
        return None, at
    return Unit(line, at, shown(raw), value, problem), scanned.end


def may_follow(data: bytes, end: int, in_array: bool) -> bool:
    """Whether an event may end here: a comma, white space, the next `{`, the array's/file's end."""
    if end == len(data):
        return True
    return data[end] in SPACE + b",{" or (in_array and data[end] == ord("]"))


def bad_line(name: str, data: bytes, at: int, line: int, in_array: bool) -> tuple[Unit, int]:
    """Text that is not JSON, too long or not UTF-8: it costs the rest of the line it begins on,

    provided that next comes a line that begins with `{` or `]`, or the end of a run.
    """
    line_end = data.find(b"\n", at)
    if line_end < 0:
        line_end = len(data)
    after = skip(data, line_end, SPACE)
    recovers = not in_array if after == len(data) else data[after] in b"{]"
    if not recovers:
        raise Failure(f"{name}: text that is not JSON, line {line}, offset {at}", name)
    raw = data[at:line_end].strip(SPACE)
    return Unit(line, at, shown(raw), None, judged(raw)[1] or "not-json"), line_end


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
    """One event breaks a rule: the reason, and the member at fault."""

    def __init__(self, reason: str, member: str | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.member = member


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
    """Whether there is no lone surrogate in a text."""
    return not any("\ud800" <= character <= "\udfff" for character in text)


def id_of(value: Any) -> str | None:
    """Section 1, Ids: the id that a JSON value stands for, or None."""
    if isinstance(value, str):
        return value if 1 <= len(value) <= MAX_CHARACTERS and can_be_utf8(value) else None
    if isinstance(value, Number):
        if not re.fullmatch(r"-?[0-9]+", value.text):
            return None
        if len(value.text.lstrip("-")) > MAX_ID_DIGITS:
            return None
        return str(int(value.text))
    return None


TIME = re.compile(
    r"(?P<year>[0-9]{4})-(?P<month>[0-9]{2})-(?P<day>[0-9]{2})"
    r"(?:[Tt :](?P<hour>[0-9]{2}):(?P<minute>[0-9]{2})"
    r"(?::(?P<second>[0-9]{2})(?:\.(?P<fraction>[0-9]{1,9}))?)?"
    r"(?:[Zz]|(?P<sign>[+-])(?P<off_hour>[0-9]{2}):?(?P<off_minute>[0-9]{2}))?)?"
)


def time_of(value: Any) -> datetime | None:
    """Section 1, Times: the instant in UTC, or None."""
    match = TIME.fullmatch(value) if isinstance(value, str) else None
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


N = r"[+-]?(?:[0-9]{1,12}|[0-9]{1,3}(?:,[0-9]{3}){1,3})(?:\.[0-9]{1,6})?"
UNSIGNED_N = N.removeprefix("[+-]?")
AMOUNTS = [
    re.compile(rf"(?P<n>{N})"),
    re.compile(rf"(?P<n>{N}) ?(?P<cur>[A-Z]{{3}})"),
    re.compile(rf"(?P<cur>[A-Z]{{3}}) ?(?P<n>{N})"),
    re.compile(rf"(?P<cur>\$)(?P<n>{N})"),
]
SIGNED_DOLLARS = re.compile(rf"(?P<sign>[+-])\$(?P<n>{UNSIGNED_N})")


def amount_of(value: Any) -> tuple[Fraction, str | None] | None:
    """Section 1, Amounts: the exact amount and the currency it names; None when it is neither."""
    if isinstance(value, Number):
        match = AMOUNTS[0].fullmatch(value.text)
        return (exact(match["n"]), None) if match else None
    if not isinstance(value, str):
        return None
    match = SIGNED_DOLLARS.fullmatch(value)
    if match:
        return exact(match["sign"] + match["n"]), "USD"
    for pattern in AMOUNTS:
        match = pattern.fullmatch(value)
        if match:
            currency = match.groupdict().get("cur")
            return exact(match["n"]), "USD" if currency == "$" else currency
    return None


def exact(n: str) -> Fraction:
    """The value of a text that is spelt as the N of section 1."""
    return Fraction(Decimal(n.replace(",", "")))


def is_text(value: Any) -> bool:
    """Whether an optional text is there, by section 1."""
    return isinstance(value, str) and len(value) <= MAX_CHARACTERS and can_be_utf8(value)


# --- Accepted and rejected (section 2) --------------------------------------------------------


def event_of(value: Any, currency: str) -> Event:
    """The event that a JSON value is, or the first reason why it is none."""
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
    if kind == "ORDER":
        return Event(kind, verb, key, customer_id, time, checked_amount(value, currency))
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


def checked_amount(value: dict[str, Any], currency: str) -> Fraction:
    """The amount of an order, in the currency being summed."""
    found = amount_of(value["total_amount"])
    if found is None:
        raise RejectionError("bad-amount", "total_amount")
    amount, named = found
    if named is not None and named != currency:
        raise RejectionError("other-currency", "total_amount")
    return amount


# --- What is known (section 3), and what it is worth (section 4) ------------------------------


@dataclass
class Customer:
    """What is known of one customer."""

    customer_id: str
    last_name: str | None
    begin: datetime
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


def order_amounts(events: list[Event]) -> dict[str, Fraction]:
    """The amount of each of a customer's orders, by its latest event."""
    versions: dict[str, list[tuple[tuple[datetime, bool], Fraction]]] = {}
    for event in events:
        if event.kind == "ORDER":
            versions.setdefault(event.key, []).append((rank_in_time(event), event.amount))
    return {key: max(of_key)[1] for key, of_key in versions.items()}


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
    amounts = order_amounts(events)
    begin = min(event.time for event in events)
    revenue = sum(amounts.values(), Fraction(0))
    weeks = weeks_between(begin, end)
    return Customer(
        customer_id=customer_id,
        last_name=latest_text(events, "last_name"),
        begin=begin,
        revenue=revenue,
        orders=len(amounts),
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
    }


def rfc3339(instant: datetime) -> str:
    """Section 7: in UTC with `Z`, and as many digits as needed."""
    text = instant.strftime("%Y-%m-%dT%H:%M:%S")
    if instant.microsecond:
        text += f".{instant.microsecond:06}".rstrip("0")
    return text + "Z"


# --- A run ------------------------------------------------------------------------------------


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
    """Section 2: the events of a run, accepted, rejected or later."""

    currency: str
    last_day: date | None
    accepted: list[Event] = field(default_factory=list)
    rejects: list[dict[str, Any]] = field(default_factory=list)
    later: int = 0

    def add(self, file: str, unit: Unit) -> None:
        """Find out which of the three a unit is."""
        try:
            if unit.problem is not None:
                raise RejectionError(unit.problem)
            event = event_of(unit.value, self.currency)
        except RejectionError as rejected:
            self.rejects.append(reject_of(file, unit, rejected.reason, rejected.member))
            return
        if self.last_day is not None and event.time.date() > self.last_day:
            self.later += 1
        else:
            self.accepted.append(event)

    def counts(self) -> dict[str, int]:
        accepted, rejected, later = len(self.accepted), len(self.rejects), self.later
        return {
            "read": accepted + rejected + later,
            "accepted": accepted,
            "rejected": rejected,
            "later": later,
        }

    def reasons(self) -> dict[str, int]:
        return dict(Counter(reject["reason"] for reject in self.rejects))


def run(
    files: list[tuple[str, bytes]],
    x: int,
    *,
    lifespan: str = "10",
    currency: str = "USD",
    until: str | None = None,
) -> Result:
    """Everything from the files as they are to the top `x`."""
    sorting = Sorting(currency, None if until is None else date.fromisoformat(until))
    for name, data in files:
        for unit in units(name, data):
            sorting.add(name, unit)
    if not sorting.accepted:
        failure = Failure("there is nothing to rank")
        failure.rejects, failure.counts = sorting.rejects, sorting.counts()
        failure.reasons = sorting.reasons()
        raise failure
    return ranked(sorting, x, Fraction(Decimal(lifespan)))


def ranked(sorting: Sorting, x: int, lifespan: Fraction) -> Result:
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
    )
