"""Instants, days and weeks, in UTC, and the text that an instant is packed into.

| | |
|---|---|
| instant | `1483264800500000`, microseconds since 1970-01-01T00:00:00Z |
| packed | `"2017-01-01T10:00:00.500000"`: of one length, and in the order of the instants |
| short | `"2017-01-01T10:00:00.500"`: packed, less the last three digits where they are zeros |
| shown | `"2017-01-01T10:00:00.5Z"`: RFC 3339, with as many digits as needed |

What is known of customers holds packed times, since most logs have times nearly as they are packed;
short ones, in which the events of a large input wait, are in the same order.
"""

from datetime import date, datetime, timedelta
from functools import lru_cache

MILLISECOND = 1000
SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
WEEK = 7 * DAY

MONTHS_PER_YEAR = 12

PACKED_LENGTH = len("1970-01-01T00:00:00.000000")
_SHORT_LENGTH = len("1970-01-01T00:00:00.000")

_EPOCH = datetime(1970, 1, 1)
_MICROSECOND = timedelta(microseconds=1)
_EPOCH_ORDINAL = date(1970, 1, 1).toordinal()

_THURSDAY = 3  # days after Monday: what day 0, 1970-01-01, was

_DAYS_KEPT = 100_000  # 84,006 days lie in 1970 to 2199


@lru_cache(_DAYS_KEPT)
def days_since_1970(text: str) -> int:
    """Days from 1970-01-01 to the date `YYYY-MM-DD`. Raises ValueError for no real date."""
    return date(int(text[:4]), int(text[5:7]), int(text[8:10])).toordinal() - _EPOCH_ORDINAL


@lru_cache(_DAYS_KEPT)
def date_text(days: int) -> str:
    """Return the date, as `YYYY-MM-DD`, that is so many days after 1970-01-01."""
    return date.fromordinal(_EPOCH_ORDINAL + days).isoformat()


def pack(instant: int) -> str:
    """The text whose order is that of the instants.

    >>> pack(500_000)
    '1970-01-01T00:00:00.500000'
    """
    days, rest = divmod(instant, DAY)
    seconds, micros = divmod(rest, SECOND)
    minutes, second = divmod(seconds, 60)
    return f"{date_text(days)}T{minutes // 60:02}:{minutes % 60:02}:{second:02}.{micros:06}"


def unpack(packed: str) -> int:
    """The instant that was packed.

    >>> unpack("1970-01-01T00:00:01.000000")
    1000000
    """
    return (datetime.fromisoformat(packed) - _EPOCH) // _MICROSECOND


def shortened(packed: bytes) -> bytes:
    """A packed time less its last three digits where they are zeros: of bytes, as it is read.

    >>> shortened(b"1970-01-01T00:00:01.500000"), shortened(b"1970-01-01T00:00:01.500010")
    (b'1970-01-01T00:00:01.500', b'1970-01-01T00:00:01.500010')
    """
    return packed[:_SHORT_LENGTH] if packed.endswith(b"000") else packed


def lengthened(short: str) -> str:
    """The packed time that was shortened.

    >>> lengthened("1970-01-01T00:00:01.500")
    '1970-01-01T00:00:01.500000'
    """
    return short.ljust(PACKED_LENGTH, "0")


def instant_of(short: bytes) -> int:
    """Return the instant of a short time.

    >>> instant_of(b"1970-01-01T00:00:01.500")
    1500000
    """
    return unpack(short.decode())


def time_text(instant: int) -> str:
    """RFC 3339 in UTC of `instant`, with as many digits as needed.

    >>> time_text(500_000), time_text(0)
    ('1970-01-01T00:00:00.5Z', '1970-01-01T00:00:00Z')
    """
    return pack(instant).rstrip("0").rstrip(".") + "Z"


@lru_cache(_DAYS_KEPT)
def month_number(text: str) -> int:
    """Return how many months lie between that of 0000-01 and that of a text, `YYYY-MM...`.

    >>> month_number("1970-01"), month_number("1970-02-28")
    (23640, 23641)
    """
    return int(text[:4]) * MONTHS_PER_YEAR + int(text[5:7]) - 1


def day_text(instant: int) -> str:
    """The day in UTC of `instant`, as `YYYY-MM-DD`."""
    return date_text(instant // DAY)


def weeks_between(begin: int, end: int) -> int:
    """How many weeks, Monday to Sunday in UTC, the instants `begin` to `end` touch; at least 1.

    >>> weeks_between(2 * DAY, 4 * DAY)  # from a Saturday to the Monday
    2
    """
    return max(1, week_number(end) - week_number(begin) + 1)


def week_begin(instant: int) -> int:
    """The instant at which the week of `instant` begins, on Monday 00:00 UTC.

    >>> week_begin(DAY) == -3 * DAY  # of a Friday
    True
    """
    return (7 * week_number(instant) - _THURSDAY) * DAY


def week_number(instant: int) -> int:
    """How many Mondays lie between the week of 1970-01-01 and that of `instant`, in UTC."""
    return (instant // DAY + _THURSDAY) // 7
