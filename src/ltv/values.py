"""The grammars of ids, times, amounts and other values of an event (SPEC, section 1).

| text | value |
|---|---|
| id `"7"`, `7` | `"7"` |
| time `2017-01-01T02:00:00.5+02:00` | 1483228800500000, microseconds since 1970 in UTC |
| amount `"1,234.50 USD"` | 1234500000, micros (millionths of the currency unit) |

Each is decided here and nowhere else. Values are those of `json.loads`; of a number the spelling
counts, which is that of a `JsonNumber` or `Decimal` itself, and the `repr` of a float.
"""

import json
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from operator import itemgetter
from typing import Any
from zlib import crc32

from ltv.errors import OTHER_CURRENCY, EventError
from ltv.times import DAY, HOUR, MINUTE, SECOND, days_since_1970

MAX_TEXT_LENGTH = 256
MICROS_PER_UNIT = 1_000_000

_FIRST_INSTANT = 0
BEHIND_LAST_INSTANT = days_since_1970("2200-01-01") * DAY

MAX_OPEN_BRACKETS = 256

# Pieces of the patterns here, and of those that the layouts of whole events are made into
# (ltv.reading.layouts): each of these matches nothing that the full grammar does not.

HOUR_PATTERN = "(?:[01][0-9]|2[0-3])"
SIXTY_PATTERN = "[0-5][0-9]"

#: Every real date of the years whose instants are known.
REAL_DATE_PATTERN = (
    "(?:20[0-9][0-9]|19[7-9][0-9]|21[0-9][0-9])-"
    "(?:(?:0[1-9]|1[0-2])-(?:0[1-9]|1[0-9]|2[0-8])|(?:0[13-9]|1[0-2])-(?:29|30)|"
    "(?:0[13578]|1[02])-31|02-29"
    "(?<=(?:19(?:7[26]|8[048]|9[26])|20(?:[02468][048]|[13579][26])|"
    "21(?:0[48]|[2468][048]|[13579][26]))-02-29))"
)

NUMBER_PATTERN = r"(?:[0-9]{1,12}|[0-9]{1,3}(?:,[0-9]{3}){1,3})(?:\.[0-9]{1,6})?"
JSON_NUMBER_PATTERN = r"-?(?:0|[1-9][0-9]{0,11})(?:\.[0-9]{1,6})?"
INTEGER_ID_PATTERN = "(?:0|-?[1-9][0-9]{0,17})"

INTEGER_ID = re.compile(r"-?[0-9]{1,18}", re.ASCII)

CURRENCY = re.compile(r"[A-Z]{3}", re.ASCII)

DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)

TIME = re.compile(
    rf"""
    (?P<date> [0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}} )
    (?:
        [Tt\ :]
        (?P<hour> {HOUR_PATTERN} ) : (?P<minute> {SIXTY_PATTERN} )
        (?:
            : (?P<second> {SIXTY_PATTERN} )
            (?: \. (?P<fraction> [0-9]{{1,9}} ) )?
        )?
        (?:
            [Zz]
          | (?P<sign> [+-] )
            (?P<offset_hour> {HOUR_PATTERN} ) :? (?P<offset_minute> {SIXTY_PATTERN} )
        )?
    )?
    """,
    re.VERBOSE | re.ASCII,
)

AMOUNT = re.compile(
    rf"""
    (?:
        (?P<before> [A-Z]{{3}} ) \ ? (?P<after_currency> [+-]? {NUMBER_PATTERN} )
      | (?P<number> [+-]? {NUMBER_PATTERN} ) (?: \ ? (?P<behind> [A-Z]{{3}} ) )?
      | (?P<dollars> [+-]? \$ {NUMBER_PATTERN} | \$ [+-] {NUMBER_PATTERN} )
    )
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
        return repr(value)
    return str(value) if isinstance(value, Decimal) else None


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
    if value is None or isinstance(value, bool | float):
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


def amount_text_pattern(currency: str) -> str:
    """A pattern of the texts that are amounts in `currency`, without groups."""
    dollars = rf"|[+-]?\${NUMBER_PATTERN}|\$[+-]{NUMBER_PATTERN}" if currency == "USD" else ""
    number = f"[+-]?{NUMBER_PATTERN}"
    common = rf"[+-]?[0-9]{{1,12}}\.[0-9]{{1,6}} {currency}"  # one of the others, found faster
    return f"(?:{common}|{number}(?: ?{currency})?|{currency} ?{number}{dollars})"


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
    if isinstance(value, str):
        if value and _is_short_text(value):
            return value
    else:
        digits = number_text(value)
        if digits is not None and INTEGER_ID.fullmatch(digits):
            return str(int(digits))
    expected = (
        "expected an id, a text of 1 to 256 characters or a whole number of at most 18 digits"
    )
    raise EventError("bad-id", member, f"{member}: {expected}, got {shown(value)}")


def parse_optional_text(value: object) -> str | None:
    """`value` when it is a text that can be kept (at most 256 characters, in UTF-8), else None."""
    return value if isinstance(value, str) and _is_short_text(value) else None


def _instant(text: str) -> int:
    match = TIME.fullmatch(text)
    if not match:
        raise ValueError(text)
    day, hour, minute, second, fraction, sign, offset_hour, offset_minute = match.groups()
    instant = days_since_1970(day) * DAY
    if hour:
        instant += int(hour) * HOUR + int(minute) * MINUTE + int(second or 0) * SECOND
    if fraction:
        instant += int(fraction[:6].ljust(6, "0"))
    if sign:
        offset = int(offset_hour) * HOUR + int(offset_minute) * MINUTE
        instant -= offset if sign == "+" else -offset
    if not _FIRST_INSTANT <= instant < BEHIND_LAST_INSTANT:
        raise ValueError(text)
    return instant


def parse_time(value: object, member: str = "event_time") -> int:
    """Microseconds from 1970-01-01T00:00:00Z to `value`. Raises EventError `bad-time`.

    >>> parse_time("1970-01-01T02:00:00.5+02:00")
    500000
    """
    try:
        if isinstance(value, str):
            return _instant(value)
    except ValueError:
        pass  # said below, as for any other value
    expected = 'expected a time from 1970 to 2199 such as "2017-01-06T12:46:46.384Z"'
    raise EventError("bad-time", member, f"{member}: {expected}, got {shown(value)}")


def parse_date(text: str) -> int:
    """Microseconds from 1970 to the begin of the day `YYYY-MM-DD` in UTC.

    Raises ValueError for anything but a real date from 1970 to 2199.
    """
    if not DATE.fullmatch(text):
        raise ValueError(text)
    return _instant(text)


def parse_amount(value: object, currency: str, member: str = "total_amount") -> int:
    """The amount in micros, exactly; at most 18 digits, so it fits 64 bits.

    Raises EventError `bad-amount`, or `other-currency` when it is not in `currency`.

    >>> parse_amount("-$1,234.50", "USD")
    -1234500000
    """
    text = value if isinstance(value, str) else number_text(value)
    match = AMOUNT.fullmatch(text) if text is not None else None
    if not match:
        expected = f'expected an amount such as "12.34 {currency}"'
        raise EventError("bad-amount", member, f"{member}: {expected}, got {shown(value)}")
    before, after_currency, number, behind, dollars = match.groups()
    stated = "USD" if dollars else before or behind or currency
    if stated != currency:
        message = f"{member}: expected an amount in {currency}, got {shown(value)}"
        raise EventError(OTHER_CURRENCY, member, message, currency=stated)
    return _micros(after_currency or number or dollars)


def _micros(number: str) -> int:
    whole, _, fraction = number.replace(",", "").replace("$", "").partition(".")
    return int(whole + fraction.ljust(6, "0"))


_MAX_SHOWN = 60


def shown(value: object) -> str:
    """`value` for a message: short, a text in quotes, a number as it is spelt."""
    if isinstance(value, str):
        return f'"{_shortened(value)}"'
    number = number_text(value)
    if number is not None:
        return _shortened(number)
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    if isinstance(value, list):
        return "an array"
    return "an object" if isinstance(value, Mapping) else f"a {type(value).__name__}"


def _shortened(text: str) -> str:
    return text if len(text) <= _MAX_SHOWN else text[: _MAX_SHOWN - 1] + "…"


def shard_of(customer_id: str, shards: int) -> int:
    """Which of `shards` shards has all that is known of this customer."""
    return crc32(customer_id.encode()) % shards
