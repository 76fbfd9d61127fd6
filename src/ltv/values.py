"""The grammars of ids, times, amounts and other values of an event (SPEC, section 1).

| text | value |
|---|---|
| id `"7"`, `7`, `7.0`, `{"$numberInt": "7"}` | `"7"` |
| time `2017-01-01T02:00:00.5+02:00` | 1483228800500000, microseconds since 1970 in UTC |
| amount `"1,234.50 usd"`, `"$1,234.5"` | 1234500000, micros (millionths of the currency unit) |

Each is decided here and nowhere else. Values are those of `json.loads`, and objects of MongoDB's
Extended JSON such as `{"$oid": "7"}` are among them. Of a number the spelling counts, which is that
of a `JsonNumber` or `Decimal` itself, and of a float what `json.dumps` writes.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from operator import itemgetter
from typing import Any
from zlib import crc32

from ltv.errors import OTHER_CURRENCY, EventError
from ltv.terminal import escaped
from ltv.times import DAY, HOUR, MILLISECOND, MINUTE, SECOND, days_since_1970

MAX_TEXT_LENGTH = 256
MICROS_PER_UNIT = 1_000_000

_EPOCH = datetime(1970, 1, 1)
_MICROSECOND = timedelta(microseconds=1)
_FIRST_INSTANT = 0
BEHIND_LAST_INSTANT = days_since_1970("2200-01-01") * DAY

MAX_OPEN_BRACKETS = 256

# Pieces of the patterns here, and of those that the layouts of whole events are made into
# (ltv.reading.layouts): each of these matches nothing that the full grammar does not.

HOUR_PATTERN = "(?:[01][0-9]|2[0-3])"
SIXTY_PATTERN = "[0-5][0-9]"
CLOCK_PATTERN = rf"{HOUR_PATTERN}:{SIXTY_PATTERN}:{SIXTY_PATTERN}(?:\.[0-9]{{1,6}}+)?+"
OFFSET_PATTERN = f"[+-]{HOUR_PATTERN}(?::?{SIXTY_PATTERN})?"

#: Every real date of the years whose instants are known.
REAL_DATE_PATTERN = (
    "(?:20[0-9][0-9]|19[7-9][0-9]|21[0-9][0-9])-"
    "(?:(?:0[1-9]|1[0-2])-(?:0[1-9]|1[0-9]|2[0-8])|(?:0[13-9]|1[0-2])-(?:29|30)|"
    "(?:0[13578]|1[02])-31|02-29"
    "(?<=(?:19(?:7[26]|8[048]|9[26])|20(?:[02468][048]|[13579][26])|"
    "21(?:0[48]|[2468][048]|[13579][26]))-02-29))"
)

#: What an amount is spelt as, less its sign.
NUMBER_PATTERN = r"(?:(?:[0-9]{1,12}|[0-9]{1,3}(?:,[0-9]{3}){1,3})(?:\.[0-9]{1,30})?|\.[0-9]{1,30})"
JSON_NUMBER_PATTERN = r"-?(?:0|[1-9][0-9]{0,11})(?:\.[0-9]{1,30})?"
#: All ids that are integers, but for -0 and those of 256 digits.
INTEGER_ID_PATTERN = f"(?:0|-?[1-9][0-9]{{0,{MAX_TEXT_LENGTH - 2}}}+)"
#: The integers before a fraction of zeros; a few more are ids.
FLOAT_ID_PATTERN = "(?:0|-?[1-9][0-9]{0,14}+)"

_CURRENCY_OF_SIGN = {"$": "USD", "US$": "USD", "€": "EUR", "£": "GBP"}
_CURRENCY_PATTERN = r"(?:[A-Za-z]{3}|US\$|\$|€|£)"
_SPACE_PATTERN = "(?:\\ |\u00a0|\u202f)"

CURRENCY = re.compile(r"[A-Za-z]{3}", re.ASCII)
_CURRENCY_OR_SIGN = re.compile(_CURRENCY_PATTERN, re.ASCII)

INTEGER_OR_ZEROS = re.compile(
    rf"(?P<integer> -? (?: 0 | [1-9][0-9]{{0,{MAX_TEXT_LENGTH - 1}}} ) ) (?P<zeros> \.0+ )?",
    re.VERBOSE | re.ASCII,
)
_BEYOND_FLOATS = 2**53  # from here on not every integer is a float

MILLISECONDS = re.compile(r"-?0|[1-9][0-9]{0,12}", re.ASCII)

DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)

TIME = re.compile(
    rf"""
    (?P<date> [0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}} )
    (?:
        [Tt\ :]
        (?P<hour> {HOUR_PATTERN} ) : (?P<minute> {SIXTY_PATTERN} )
        (?:
            : (?P<second> {SIXTY_PATTERN} )
            (?: [.,] (?P<fraction> [0-9]{{1,9}} ) )?
        )?
        (?:
            \ ?
            (?:
                (?P<utc> [Zz] | UTC | GMT )
              | (?P<sign> [+-] )
                (?P<offset_hour> {HOUR_PATTERN} ) (?: :? (?P<offset_minute> {SIXTY_PATTERN} ) )?
            )
        )?
    )?
    """,
    re.VERBOSE | re.ASCII,
)

AMOUNT = re.compile(
    rf"""
    (?P<sign> [+-] )?
    (?: (?P<before> {_CURRENCY_PATTERN} ) {_SPACE_PATTERN}? (?(sign) | (?P<later_sign> [+-] )? ) )?
    (?P<number> {NUMBER_PATTERN} )
    (?(before) | (?: {_SPACE_PATTERN}? (?P<after> {_CURRENCY_PATTERN} ) )? )
    """,
    re.VERBOSE | re.ASCII,
)


class JsonNumber:
    """A JSON number by its `text`, so that no digit is lost between file and sum."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return f"JsonNumber({self.text!r})"


def number_text(value: object) -> str | None:
    """The spelling of a number, or None when `value` is none (True and False are none)."""
    if isinstance(value, JsonNumber):
        return value.text
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return _integer_text(value)
    if isinstance(value, float):
        return json.dumps(value)
    return str(value) if isinstance(value, Decimal) else None


#: What objects of MongoDB's Extended JSON stand for, by the name of their member.
_NUMBER_OBJECTS: dict[str, Callable[[str], object]] = {
    "$numberInt": JsonNumber,
    "$numberLong": JsonNumber,
    "$numberDouble": JsonNumber,
}
_ID_OBJECTS = _NUMBER_OBJECTS | {"$oid": str}
_AMOUNT_OBJECTS = _NUMBER_OBJECTS | {"$numberDecimal": JsonNumber}
_MILLISECONDS_OBJECTS: dict[str, Callable[[str], object]] = {"$numberLong": JsonNumber}


def _unwrapped(value: object, kinds: Mapping[str, Callable[[str], object]]) -> object:
    """Return what an object of one of these kinds stands for, and anything else as it is."""
    if isinstance(value, Mapping) and len(value) == 1:
        [(name, text)] = value.items()
        if name in kinds and isinstance(text, str):
            return kinds[name](text)
    return value


def _integer_text(value: int) -> str:
    """Its decimal digits; Decimal, unlike `str`, has no limit on how many."""
    return format(Decimal(value), "f")


def compact(value: object, most_open: int = MAX_OPEN_BRACKETS - 1) -> str:
    """`value` as JSON text without white space, its members sorted by name.

    Raises ValueError when more than `most_open` brackets are open at once; by default, what an
    event's own bracket leaves of MAX_OPEN_BRACKETS.
    """
    if isinstance(value, Mapping | list | tuple):
        if not most_open:
            raise ValueError("too many brackets open at once")
        return _compact_container(value, most_open - 1)
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    number = number_text(value)
    return _quoted(str(value)) if number is None else number


def _compact_container(value: Mapping[Any, Any] | Sequence[Any], most_open: int) -> str:
    if not isinstance(value, Mapping):
        return "[" + ",".join([compact(element, most_open) for element in value]) + "]"
    members = sorted([(str(name), member) for name, member in value.items()], key=itemgetter(0))
    texts = [f"{_quoted(name)}:{compact(member, most_open)}" for name, member in members]
    return "{" + ",".join(texts) + "}"


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def currency_pattern(currency: str) -> str:
    """A pattern of what stands for `currency`, without groups."""
    letters = "".join([f"[{letter}{letter.lower()}]" for letter in currency])
    signs = [re.escape(sign) for sign, named in _CURRENCY_OF_SIGN.items() if named == currency]
    return f"(?:{'|'.join([letters, *signs])})"


def amount_text_pattern(currency: str) -> str:
    """A pattern of the texts that are amounts in `currency` by themselves, without groups."""
    common = rf"[+-]?[0-9]{{1,12}}\.[0-9]{{1,6}} {currency}"  # one of the others, found faster
    name, space, number = currency_pattern(currency), f"{_SPACE_PATTERN}?", NUMBER_PATTERN
    named_first = f"(?:[+-]{name}{space}|{name}{space}[+-]?){number}"
    return f"(?:{common}| *(?:[+-]?{number}(?:{space}{name})?|{named_first}) *)"


def is_encodable(text: str) -> bool:
    """Whether `text` can be written in UTF-8, that is, holds no lone surrogate."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _is_short_text(value: object) -> bool:
    return (
        isinstance(value, str)
        and len(value) <= MAX_TEXT_LENGTH
        and (value.isascii() or is_encodable(value))
    )


def parse_id(value: object, member: str) -> str:
    """The id that `value` stands for. Raises EventError `bad-id` naming `member`."""
    value = value if isinstance(value, str) else _unwrapped(value, _ID_OBJECTS)
    if isinstance(value, str):
        if value and _is_short_text(value):
            return value
    else:
        integer = _integer_of(number_text(value) or "")
        if integer is not None:
            return str(integer)
    expected = "expected an id, a text or a whole number of 1 to 256 characters"
    raise EventError("bad-id", member, f"{member}: {expected}, got {shown(value)}")


def _integer_of(number: str) -> int | None:
    match = INTEGER_OR_ZEROS.fullmatch(number)
    if not match or len(match["integer"]) > MAX_TEXT_LENGTH:
        return None
    integer = int(match["integer"])
    return None if match["zeros"] and abs(integer) >= _BEYOND_FLOATS else integer


def parse_optional_text(value: object) -> str | None:
    """`value` when it is a text that can be kept (at most 256 characters, in UTF-8), else None."""
    return value if isinstance(value, str) and _is_short_text(value) else None


def _instant(text: str, timezone: str | None = None) -> int:
    match = TIME.fullmatch(text)
    if not match:
        raise ValueError(text)
    day, hour, minute, second, fraction, utc, sign, offset_hour, offset_minute = match.groups()
    instant = days_since_1970(day) * DAY
    if hour:
        instant += int(hour) * HOUR + int(minute) * MINUTE + int(second or 0) * SECOND
    if fraction:
        instant += int(fraction[:6].ljust(6, "0"))
    if sign:
        offset = int(offset_hour) * HOUR + int(offset_minute or 0) * MINUTE
        instant -= offset if sign == "+" else -offset
    elif timezone and not utc:
        instant -= _offset_in(timezone, instant)
    return _checked_instant(instant)


def _offset_in(timezone: str, local: int) -> int:
    """Return what a clock in this zone that shows `local` is ahead of UTC, both in microseconds.

    Of a time that it shows twice, the first; of one that it skips, as before it does.
    """
    from zoneinfo import ZoneInfo  # noqa: PLC0415 - only some runs have a time zone

    time = _EPOCH + timedelta(microseconds=local)
    offset = time.replace(tzinfo=ZoneInfo(timezone)).utcoffset()
    assert offset is not None, "a zone has an offset at any time"
    return offset // _MICROSECOND


def _instant_of_date(date: object, timezone: str | None) -> int:
    """The instant of `{"$date": date}` in Extended JSON. Raises ValueError."""
    if isinstance(date, str):
        return _instant(date, timezone)
    milliseconds = number_text(_unwrapped(date, _MILLISECONDS_OBJECTS)) or ""
    if not MILLISECONDS.fullmatch(milliseconds):
        raise ValueError(milliseconds)
    return _checked_instant(int(milliseconds) * MILLISECOND)


def _checked_instant(instant: int) -> int:
    if not _FIRST_INSTANT <= instant < BEHIND_LAST_INSTANT:
        raise ValueError(instant)
    return instant


def parse_time(value: object, timezone: str | None = None) -> int:
    """Microseconds from 1970-01-01T00:00:00Z to `value`. Raises EventError `bad-time`.

    One without a zone is in `timezone`, such as "Europe/Berlin"; by default in UTC.

    >>> parse_time("1970-01-01T02:00:00.5+02:00")
    500000
    """
    try:
        if isinstance(value, str):
            return _instant(value, timezone)
        if isinstance(value, Mapping) and value.keys() == {"$date"}:
            value = value["$date"]
            return _instant_of_date(value, timezone)
    except ValueError:
        pass  # said below, as for any other value
    expected = 'expected a time from 1970 to 2199 such as "2017-01-06T12:46:46.384Z"'
    raise EventError("bad-time", "event_time", f"event_time: {expected}, got {shown(value)}")


def parse_date(text: str) -> int:
    """Microseconds from 1970 to the begin of the day `YYYY-MM-DD` in UTC.

    Raises ValueError for anything but a real date from 1970 to 2199.
    """
    if not DATE.fullmatch(text):
        raise ValueError(text)
    return _instant(text)


def parse_amount(value: object, currency: str, beside: object = None) -> int:
    """The amount `total_amount` in micros, exactly but for decimals after the sixth.

    `beside` is the member `currency` of the same event. At most 10**18, so it fits 64 bits.
    Raises EventError `bad-amount`, or `other-currency` when it is not in `currency`.

    >>> parse_amount("-$1,234.50", "USD")
    -1234500000
    """
    value = value if isinstance(value, str) else _unwrapped(value, _AMOUNT_OBJECTS)
    text = value.strip(" ") if isinstance(value, str) else number_text(value)
    match = AMOUNT.fullmatch(text or "")
    sign, before, later_sign, number, after = match.groups() if match else (None,) * 5
    name = before or after or ""
    if number is None or (name and not isinstance(value, str)):
        raise _bad_amount(f'an amount such as "12.34 {currency}"', value)
    if beside is not None or name not in ("", currency):
        _check_currency(value, name, beside, currency)
    return -_micros(number) if "-" in (sign, later_sign) else _micros(number)


def _check_currency(value: object, name: str, beside: object, currency: str) -> None:
    """Raise EventError unless the amount `value`, which has this `name`, is in `currency`."""
    stated = _currency_beside(beside)
    named = stated if stated and name == "$" else _currency_named(name)
    if named and stated and named != stated:
        raise _bad_amount(f"an amount in {stated} as the member currency has it", value)
    actual = named or stated or currency
    if actual != currency:
        got = f"{shown(value)} with the currency {shown(beside)}" if stated else shown(value)
        message = f"total_amount: expected an amount in {currency}, got {got}"
        raise EventError(OTHER_CURRENCY, "total_amount", message, currency=actual)


def _bad_amount(expected: str, value: object) -> EventError:
    message = f"total_amount: expected {expected}, got {shown(value)}"
    return EventError("bad-amount", "total_amount", message)


def _currency_beside(beside: object) -> str:
    """The currency that the member `currency` names; empty where it is absent."""
    if not isinstance(beside, str) or not beside:
        return ""
    name = beside.strip(" ")
    if not _CURRENCY_OR_SIGN.fullmatch(name):
        raise _bad_amount('a member currency such as "USD"', beside)
    return _currency_named(name)


def _currency_named(name: str) -> str:
    return _CURRENCY_OF_SIGN.get(name) or name.upper()


def _micros(number: str) -> int:
    whole, _, fraction = number.replace(",", "").partition(".")
    micros = int(whole + fraction[:6].ljust(6, "0"))
    return micros + 1 if fraction[6:7] >= "5" else micros


def amount_text(micros: int) -> str:
    """Return an amount exactly, with two decimals at least.

    >>> amount_text(-1_234_500_000)
    '-1234.50'
    """
    whole, fraction = divmod(abs(micros), MICROS_PER_UNIT)
    decimals = f"{fraction:06}".rstrip("0").ljust(2, "0")
    return f"{'-' if micros < 0 else ''}{whole}.{decimals}"


_MAX_SHOWN = 60


def shown(value: object) -> str:
    """`value` for a message: short, in one line, a text in quotes, a number as it is spelt."""
    if isinstance(value, str):
        return f'"{_in_one_line(value)}"'
    number = number_text(value)
    if number is not None:
        return _in_one_line(number)
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    if isinstance(value, list):
        return "an array"
    return "an object" if isinstance(value, Mapping) else f"a {type(value).__name__}"


def _in_one_line(text: str) -> str:
    return escaped(text if len(text) <= _MAX_SHOWN else text[: _MAX_SHOWN - 1] + "…")


def counted(count: int, noun: str) -> str:
    """Return the count with its noun.

    >>> counted(1, "week"), counted(1000, "week")
    ('1 week', '1,000 weeks')
    """
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def measured(span: str, unit: str) -> str:
    """Return a span of time, as it was given, with its unit.

    >>> measured("1", "week"), measured("2.50", "week")
    ('1 week', '2.50 weeks')
    """
    return f"{span} {unit}" if span == "1" else f"{span} {unit}s"


def shard_of(customer_id: str, shards: int) -> int:
    """Which of `shards` shards has all that is known of this customer."""
    return crc32(customer_id.encode()) % shards
