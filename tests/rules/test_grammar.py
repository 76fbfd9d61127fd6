"""Every form of id, time, amount, currency, lifespan and optional text, good and bad (SPEC, 1)."""

import re
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from ltv.errors import EventError
from ltv.terminal import escaped
from ltv.values import (
    CURRENCY,
    JsonNumber,
    amount_text_pattern,
    parse_amount,
    parse_date,
    parse_id,
    parse_optional_text,
    parse_time,
    shown,
)
from LTV_Calculate import parse_lifespan

EMOJI = "\U0001f600"
SURROGATE = "\ud83d"
ARABIC_7 = "\u0667"
FULL_WIDTH_7 = "\uff17"
DIGITS_18 = "123456789012345678"


def micros(year: int, month: int, day: int, *clock: int) -> int:
    """Microseconds from 1970 to a time in UTC; `clock` is hour, minute, second, microsecond."""
    hour, minute, second, microsecond = (*clock, 0, 0, 0, 0)[:4]
    instant = datetime(year, month, day, hour, minute, second, microsecond)
    return (instant - datetime(1970, 1, 1)) // timedelta(microseconds=1)


def short(value: object) -> str:
    """The name of a case: pytest's own would be the whole value, of any length.

    Without backslashes: pytest doubles them when it is called once more in a process, as by mutmut.
    """
    if isinstance(value, int) and value.bit_length() > 100:
        return "long int"
    return ascii(value).replace("\\", "/")[:50]


def said(error: EventError) -> tuple[str, str | None, str]:
    """All that an error says."""
    assert str(error) == f"{error.reason}: {error.message}"
    return error.reason, error.member, error.message


# --- Ids --------------------------------------------------------------------------------------

IDS: list[tuple[Any, str]] = [
    ("c1", "c1"),
    (" ", " "),
    ("\n", "\n"),
    ("c1\n", "c1\n"),
    ("\x00", "\x00"),
    ("a" * 256, "a" * 256),
    (EMOJI * 256, EMOJI * 256),
    ("7", "7"),
    ("007", "007"),
    ("-0", "-0"),
    ("7.0", "7.0"),
    ("1" * 19, "1" * 19),
    (ARABIC_7, ARABIC_7),
    (7, "7"),
    (0, "0"),
    (-0, "0"),
    (-5, "-5"),
    (int(DIGITS_18), DIGITS_18),
    (-int(DIGITS_18), "-" + DIGITS_18),
    (10**18 - 1, "9" * 18),
    (1 - 10**18, "-" + "9" * 18),
    (JsonNumber("7"), "7"),
    (JsonNumber("0"), "0"),
    (JsonNumber("-0"), "0"),
    (JsonNumber("-5"), "-5"),
    (JsonNumber("9" * 18), "9" * 18),
    (JsonNumber("-" + "9" * 18), "-" + "9" * 18),
    (Decimal("7"), "7"),
    (Decimal("-5"), "-5"),
    # integers of up to 256 characters
    (10**18, "1" + "0" * 18),
    (-(10**18), "-1" + "0" * 18),
    (10**255, "1" + "0" * 255),
    (1 - 10**255, "-" + "9" * 255),
    (JsonNumber("9" * 256), "9" * 256),
    (JsonNumber("-" + "9" * 255), "-" + "9" * 255),
    # numbers whose fraction is all zeros
    (JsonNumber("7.0"), "7"),
    (JsonNumber("305.000"), "305"),
    (JsonNumber("0.0"), "0"),
    (JsonNumber("-0.0"), "0"),
    (JsonNumber("-5.0"), "-5"),
    (JsonNumber("7." + "0" * 5000), "7"),
    (JsonNumber("9007199254740991.0"), "9007199254740991"),
    (JsonNumber("-9007199254740991.0"), "-9007199254740991"),
    (7.0, "7"),
    (-0.0, "0"),
    (2.0**53 - 1, "9007199254740991"),
    (1 - 2.0**53, "-9007199254740991"),
    (Decimal("7.0"), "7"),
    ("305.0", "305.0"),
    # MongoDB's Extended JSON
    ({"$oid": "5a934e000102030405000000"}, "5a934e000102030405000000"),
    ({"$oid": "305.0"}, "305.0"),
    ({"$oid": "a" * 256}, "a" * 256),
    ({"$numberInt": "7"}, "7"),
    ({"$numberInt": "-0"}, "0"),
    ({"$numberLong": "1234567890123456789"}, "1234567890123456789"),
    ({"$numberLong": "-5"}, "-5"),
    ({"$numberDouble": "305.0"}, "305"),
    ({"$numberDouble": "305"}, "305"),
    ({"$numberDouble": "-0.0"}, "0"),
    ({"$numberInt": "305.0"}, "305"),
]

#: A value that is no id, and how it is shown.
NO_IDS: list[tuple[Any, str]] = [
    ("", '""'),
    ("a" * 257, '"' + "a" * 59 + '…"'),
    (EMOJI * 257, '"' + EMOJI * 59 + '…"'),
    (SURROGATE, f'"{SURROGATE}"'),
    ("c1\udfff", '"c1\udfff"'),
    (10**256, "1" + "0" * 58 + "…"),
    (-(10**255), "-1" + "0" * 57 + "…"),
    (10**5000, "1" + "0" * 58 + "…"),
    (JsonNumber("1" * 257), "1" * 59 + "…"),
    (JsonNumber("-" + "1" * 256), "-" + "1" * 58 + "…"),
    (JsonNumber("1" * 5000), "1" * 59 + "…"),
    (JsonNumber("1" * 5000 + ".0"), "1" * 59 + "…"),
    (JsonNumber("7.5"), "7.5"),
    (JsonNumber("7.01"), "7.01"),
    (JsonNumber("7.0e0"), "7.0e0"),
    (JsonNumber("7e0"), "7e0"),
    (JsonNumber("1E3"), "1E3"),
    (JsonNumber("9007199254740992.0"), "9007199254740992.0"),
    (JsonNumber("-9007199254740992.0"), "-9007199254740992.0"),
    (JsonNumber("9" * 17 + ".0"), "9" * 17 + ".0"),
    (7.5, "7.5"),
    (2.0**53, "9007199254740992.0"),
    (-(2.0**53), "-9007199254740992.0"),
    (1e22, "1e+22"),
    (float("nan"), "NaN"),
    (float("inf"), "Infinity"),
    (float("-inf"), "-Infinity"),
    (Decimal("7.5"), "7.5"),
    (Decimal("1E+3"), "1E+3"),
    (Decimal("NaN"), "NaN"),
    (Decimal("Infinity"), "Infinity"),
    (True, "true"),
    (False, "false"),
    ([], "an array"),
    (["c1"], "an array"),
    ({}, "an object"),
    ({"id": "c1"}, "an object"),
    # not as Extended JSON has it
    ({"$oid": ""}, '""'),
    ({"$oid": "a" * 257}, '"' + "a" * 59 + '…"'),
    ({"$oid": SURROGATE}, f'"{SURROGATE}"'),
    ({"$oid": 7}, "an object"),
    ({"$oid": JsonNumber("7")}, "an object"),
    ({"$oid": None}, "an object"),
    ({"$oid": {"$oid": "c1"}}, "an object"),
    ({"$oid": "c1", "$numberInt": "7"}, "an object"),
    ({"$oid": "c1", "x": None}, "an object"),
    ({"$OID": "c1"}, "an object"),
    ({"oid": "c1"}, "an object"),
    ({"$numberInt": 7}, "an object"),
    ({"$numberInt": JsonNumber("7")}, "an object"),
    ({"$numberInt": ""}, ""),
    ({"$numberInt": "007"}, "007"),
    ({"$numberInt": "+7"}, "+7"),
    ({"$numberInt": " 7"}, " 7"),
    ({"$numberInt": "7\n"}, "7\n"),
    ({"$numberInt": ARABIC_7}, ARABIC_7),
    ({"$numberLong": "c1"}, "c1"),
    ({"$numberLong": "1" * 257}, "1" * 59 + "…"),
    ({"$numberDouble": "NaN"}, "NaN"),
    ({"$numberDouble": "Infinity"}, "Infinity"),
    ({"$numberDouble": "1E+2"}, "1E+2"),
    ({"$numberDouble": "7."}, "7."),
    ({"$numberDouble": "7.5"}, "7.5"),
    ({"$numberDecimal": "7"}, "an object"),
    ({"$date": "2017-01-01"}, "an object"),
    ({"$uuid": "c1"}, "an object"),
]


@pytest.mark.parametrize(("value", "expected"), IDS, ids=short)
def test_id(value: Any, expected: str) -> None:
    assert parse_id(value, "key") == expected


@pytest.mark.parametrize("member", ["key", "customer_id"])
@pytest.mark.parametrize(("value", "shown"), NO_IDS, ids=short)
def test_no_id(value: Any, shown: str, member: str) -> None:
    with pytest.raises(EventError) as caught:
        parse_id(value, member)
    assert said(caught.value) == (
        "bad-id",
        member,
        f"{member}: expected an id, a text or a whole number of 1 to 256 characters, got "
        f"{escaped(shown)}",
    )


# --- Times ------------------------------------------------------------------------------------

TIMES: list[tuple[Any, int]] = [
    ("2017-01-06", micros(2017, 1, 6)),
    ("2017-01-06T12:46", micros(2017, 1, 6, 12, 46)),
    ("2017-01-06T12:46:46", micros(2017, 1, 6, 12, 46, 46)),
    ("2017-01-06T12:46:46.384Z", micros(2017, 1, 6, 12, 46, 46, 384_000)),
    ("2017-01-06T00:00:00", micros(2017, 1, 6)),
    ("2017-01-06T23:59:59", micros(2017, 1, 6, 23, 59, 59)),
    # separators
    ("2017-01-06t12:46:46", micros(2017, 1, 6, 12, 46, 46)),
    ("2017-01-06 12:46:46", micros(2017, 1, 6, 12, 46, 46)),
    ("2017-01-06:12:46:46", micros(2017, 1, 6, 12, 46, 46)),
    ("2017-01-06:12:46:46.384Z", micros(2017, 1, 6, 12, 46, 46, 384_000)),
    ("2017-01-06:12:46", micros(2017, 1, 6, 12, 46)),
    # fractions, cut and not rounded
    ("2017-01-06T12:46:46.3", micros(2017, 1, 6, 12, 46, 46, 300_000)),
    ("2017-01-06T12:46:46.38", micros(2017, 1, 6, 12, 46, 46, 380_000)),
    ("2017-01-06T12:46:46.384", micros(2017, 1, 6, 12, 46, 46, 384_000)),
    ("2017-01-06T12:46:46.3841", micros(2017, 1, 6, 12, 46, 46, 384_100)),
    ("2017-01-06T12:46:46.38412", micros(2017, 1, 6, 12, 46, 46, 384_120)),
    ("2017-01-06T12:46:46.384123", micros(2017, 1, 6, 12, 46, 46, 384_123)),
    ("2017-01-06T12:46:46.3841239", micros(2017, 1, 6, 12, 46, 46, 384_123)),
    ("2017-01-06T12:46:46.38412350", micros(2017, 1, 6, 12, 46, 46, 384_123)),
    ("2017-01-06T12:46:46.384123999", micros(2017, 1, 6, 12, 46, 46, 384_123)),
    ("2017-01-06T12:46:46.0", micros(2017, 1, 6, 12, 46, 46)),
    ("2017-01-06T12:46:46.000001", micros(2017, 1, 6, 12, 46, 46, 1)),
    ("2017-01-06T12:46:46.000000999", micros(2017, 1, 6, 12, 46, 46)),
    ("2017-01-01T23:59:59.999999999", micros(2017, 1, 1, 23, 59, 59, 999_999)),
    # offsets
    ("2017-01-06T12:46Z", micros(2017, 1, 6, 12, 46)),
    ("2017-01-06T12:46z", micros(2017, 1, 6, 12, 46)),
    ("2017-01-06T12:46:46z", micros(2017, 1, 6, 12, 46, 46)),
    ("2017-01-06T12:46+00:00", micros(2017, 1, 6, 12, 46)),
    ("2017-01-06T12:46-00:00", micros(2017, 1, 6, 12, 46)),
    ("2017-01-06T12:46+0000", micros(2017, 1, 6, 12, 46)),
    ("2017-01-06T12:46+02:00", micros(2017, 1, 6, 10, 46)),
    ("2017-01-06T12:46:46.5+0200", micros(2017, 1, 6, 10, 46, 46, 500_000)),
    ("2017-01-06 12:46:46-05:30", micros(2017, 1, 6, 18, 16, 46)),
    ("2017-01-06:12:46:46-0530", micros(2017, 1, 6, 18, 16, 46)),
    ("2017-01-06T12:46+23:59", micros(2017, 1, 5, 12, 47)),
    ("2017-01-06T12:46-23:59", micros(2017, 1, 7, 12, 45)),
    # a comma before the fraction
    ("2017-01-06T12:46:46,3", micros(2017, 1, 6, 12, 46, 46, 300_000)),
    ("2017-01-06 12:46:46,384", micros(2017, 1, 6, 12, 46, 46, 384_000)),
    ("2017-01-06T12:46:46,384123999Z", micros(2017, 1, 6, 12, 46, 46, 384_123)),
    # zones of other spellings, after at most one space
    ("2017-01-06T12:46UTC", micros(2017, 1, 6, 12, 46)),
    ("2017-01-06T12:46GMT", micros(2017, 1, 6, 12, 46)),
    ("2017-01-06 12:46:46 UTC", micros(2017, 1, 6, 12, 46, 46)),
    ("2017-01-06 12:46:46.384 GMT", micros(2017, 1, 6, 12, 46, 46, 384_000)),
    ("2017-01-06T12:46 Z", micros(2017, 1, 6, 12, 46)),
    ("2017-01-06T12:46 z", micros(2017, 1, 6, 12, 46)),
    ("2017-01-06 12:46:46 +0000", micros(2017, 1, 6, 12, 46, 46)),
    ("2017-01-06 12:46:46 -05:30", micros(2017, 1, 6, 18, 16, 46)),
    ("2017-01-06 12:46:46+00", micros(2017, 1, 6, 12, 46, 46)),
    ("2017-01-06 12:46:46.384+02", micros(2017, 1, 6, 10, 46, 46, 384_000)),
    ("2017-01-06:12:46-05", micros(2017, 1, 6, 17, 46)),
    ("2017-01-06T12:46 +23", micros(2017, 1, 5, 13, 46)),
    ("1970-01-01T23:00+23", 0),
    # offsets over midnight, month, year, leap day
    ("2017-01-01T00:30+01:00", micros(2016, 12, 31, 23, 30)),
    ("2016-12-31T23:30-01:00", micros(2017, 1, 1, 0, 30)),
    ("2016-03-01T00:00:00+00:01", micros(2016, 2, 29, 23, 59)),
    ("2017-02-28T23:59-00:01", micros(2017, 3, 1)),
    # leap days
    ("2016-02-29", micros(2016, 2, 29)),
    ("2000-02-29", micros(2000, 2, 29)),
    ("1972-02-29T23:59:59.999999Z", micros(1972, 2, 29, 23, 59, 59, 999_999)),
    # the first and the last instant
    ("1970-01-01", 0),
    ("1970-01-01T00:00:00.000000Z", 0),
    ("1970-01-01T00:00:00.000000999", 0),
    ("1970-01-01T00:00:00.000001", 1),
    ("1970-01-01T01:00+01:00", 0),
    ("1969-12-31T23:30-00:30", 0),
    ("1969-12-31T00:01-23:59", 0),
    ("2199-12-31", micros(2199, 12, 31)),
    ("2199-12-31T23:59:59.999999Z", 7_258_118_399_999_999),
    ("2199-12-31T23:59:59.999999999Z", 7_258_118_399_999_999),
    ("2200-01-01T00:00+00:01", micros(2199, 12, 31, 23, 59)),
    ("2200-01-01T23:58:59.999999+23:59", 7_258_118_399_999_999),
    # MongoDB's Extended JSON
    ({"$date": "2017-01-06T12:46:46.384Z"}, micros(2017, 1, 6, 12, 46, 46, 384_000)),
    ({"$date": "2017-01-06:12:46 +02"}, micros(2017, 1, 6, 10, 46)),
    ({"$date": "2017-01-06"}, micros(2017, 1, 6)),
    ({"$date": JsonNumber("1483706806384")}, micros(2017, 1, 6, 12, 46, 46, 384_000)),
    ({"$date": 1483706806384}, micros(2017, 1, 6, 12, 46, 46, 384_000)),
    ({"$date": Decimal("1483706806384")}, micros(2017, 1, 6, 12, 46, 46, 384_000)),
    ({"$date": {"$numberLong": "1483706806384"}}, micros(2017, 1, 6, 12, 46, 46, 384_000)),
    ({"$date": 0}, 0),
    ({"$date": JsonNumber("-0")}, 0),
    ({"$date": {"$numberLong": "-0"}}, 0),
    ({"$date": {"$numberLong": "1"}}, 1000),
    ({"$date": 7_258_118_399_999}, 7_258_118_399_999_000),
]

#: A value that is no time, and how it is shown.
NO_TIMES: list[tuple[Any, str]] = [
    (value, f'"{value}"')
    for value in [
        "",
        "yesterday",
        # dates
        "2017",
        "2017-01",
        "2017-1-06",
        "2017-01-6",
        "17-01-06",
        "02017-01-06",
        "+2017-01-06",
        "-2017-01-06",
        "2017/01/06",
        "2017.01.06",
        "20170106",
        "2017-006",
        "2017-W01-5",
        "01-06-2017",
        "2017-00-06",
        "2017-13-06",
        "2017-01-00",
        "2017-01-32",
        "2017-04-31",
        "2017-02-29",
        "2016-02-30",
        "2100-02-29",
        "1900-02-29",
        "0000-01-01",
        "0001-01-01",
        "9999-12-31",
        # clock times
        "2017-01-06T",
        "2017-01-06T12",
        "2017-01-06T12Z",
        "2017-01-06T1246",
        "2017-01-06T12:4",
        "2017-01-06T1:46",
        "2017-01-06T12:46:",
        "2017-01-06T12:46:4",
        "2017-01-06T12:46.5",
        "2017-01-06T12:46:46.",
        "2017-01-06T12:46:46.Z",
        "2017-01-06T12:46:46.1234567890",
        "2017-01-06T12:46:46.-1",
        "2017-01-06T24:00",
        "2017-01-06T24:00:00",
        "2017-01-06T25:00",
        "2017-01-06T23:60",
        "2017-01-06T23:59:60",
        "2016-12-31T23:59:60Z",
        "2017-01-06T23:59:61",
        "2017-01-06T-1:00",
        "2017-01-06T12:46 PM",
        # separators
        "2017-01-0612:46",
        "2017-01-06  12:46",
        "2017-01-06T 12:46",
        "2017-01-06TT12:46",
        "2017-01-06_12:46",
        "2017-01-06-12:46",
        "2017-01-06\t12:46",
        "2017-01-06\u00a012:46",
        # offsets
        "2017-01-06Z",
        "2017-01-06+02:00",
        "2017-01-06T12:46ZZ",
        "2017-01-06T12:46  Z",
        "2017-01-06T12:46Z ",
        "2017-01-06T12:46 ",
        "2017-01-06T12:46\u00a0Z",
        "2017-01-06T12:46\tUTC",
        "2017-01-06T12:46utc",
        "2017-01-06T12:46Utc",
        "2017-01-06T12:46gmt",
        "2017-01-06T12:46UT",
        "2017-01-06T12:46CET",
        "2017-01-06T12:46UTC+02:00",
        "2017-01-06T12:46GMT+2",
        "2017-01-06T12:46 UTC Z",
        "2017-01-06 UTC",
        "2017-01-06 +02",
        "2017-01-06T12:46  +02:00",
        "2017-01-06T12:46+ 02:00",
        "2017-01-06T12:46+2",
        "2017-01-06T12:46+02:",
        "2017-01-06T12:46+020",
        "2017-01-06T12:46+24",
        "2017-01-06T12:46,5",
        "2017-01-06T12:46:46,",
        "2017-01-06T12:46:46,.5",
        "2017-01-06T12:46:46,1234567890",
        "2017-01-06T12:46Z+02:00",
        "2017-01-06T12:46+2:00",
        "2017-01-06T12:46+02:0",
        "2017-01-06T12:46+02:000",
        "2017-01-06T12:46+02:00:00",
        "2017-01-06T12:46+-02:00",
        "2017-01-06T12:46\u221202:00",
        "2017-01-06T12:46+24:00",
        "2017-01-06T12:46-24:00",
        "2017-01-06T12:46+2400",
        "2017-01-06T12:46+02:60",
        "2017-01-06T12:46+0260",
        # outside of the years
        "1969-12-31",
        "1969-12-31T23:59:59.999999Z",
        "1969-12-31T23:30-00:29",
        "1970-01-01T00:59+01:00",
        "1970-01-01T00:59:59.999999+01:00",
        "2200-01-01",
        "2200-01-01T00:00:00Z",
        "2199-12-31T23:59-00:01",
        "2199-12-31T23:59:59.999999-00:01",
        "2200-01-01T01:00+01:00",
        # white space and newlines around
        " 2017-01-06",
        "2017-01-06 ",
        "2017-01-06\n",
        "2017-01-06T12:46:46Z\n",
        "2017-01-06T12:46:46\n",
        "\n2017-01-06",
        "2017-01-06\x00",
        # digits that are not ASCII
        f"201{FULL_WIDTH_7}-01-06",
        f"201{ARABIC_7}-01-06",
        f"2017-01-06T12:46:4{ARABIC_7}",
        f"2017-01-06T12:46:46.{FULL_WIDTH_7}",
        f"2017-01-06T12:46+0{ARABIC_7}:00",
        SURROGATE,
    ]
] + [
    ("2017-01-06T12:46:46.384Z" + "!" * 36, '"2017-01-06T12:46:46.384Z' + "!" * 36 + '"'),
    ("2017-01-06T12:46:46.384Z" + "!" * 37, '"2017-01-06T12:46:46.384Z' + "!" * 35 + '…"'),
    (1483706806, "1483706806"),
    (0, "0"),
    (10**5000, "1" + "0" * 58 + "…"),
    (JsonNumber("20170106"), "20170106"),
    (1483706806.384, "1483706806.384"),
    (Decimal("2017.0106"), "2017.0106"),
    (True, "true"),
    (False, "false"),
    ([], "an array"),
    (["2017-01-06"], "an array"),
    ({}, "an object"),
    (float("nan"), "NaN"),
    (float("-inf"), "-Infinity"),
]

#: What is no time in Extended JSON, `{"$date": ...}`.
NO_DATES: list[Any] = [
    "",
    "now",
    "2017-01-06 ",
    "1483706806384",
    -1,
    JsonNumber("-1"),
    7_258_118_400_000,
    {"$numberLong": "7258118400000"},
    10**100,
    JsonNumber("9" * 5000),
    JsonNumber("0.0"),
    JsonNumber("1e3"),
    0.0,
    float("nan"),
    True,
    None,
    [],
    {},
    {"$numberLong": ""},
    {"$numberLong": "+1"},
    {"$numberLong": "01"},
    {"$numberLong": " 1"},
    {"$numberLong": "1\n"},
    {"$numberLong": "1.0"},
    {"$numberLong": "1e3"},
    {"$numberLong": ARABIC_7},
    {"$numberLong": "9" * 5000},
    {"$numberLong": "2017-01-06"},
    {"$numberLong": 1},
    {"$numberLong": JsonNumber("1")},
    {"$numberLong": "1", "x": 1},
    {"$numberInt": "1"},
    {"$date": "2017-01-06"},
]

OBJECTS_THAT_ARE_NO_TIMES: list[Any] = [
    *[{"$date": date} for date in NO_DATES],
    {"$date": "2017-01-06", "x": 1},
    {"$numberLong": "1483706806384"},
    {"date": "2017-01-06"},
    {"$timestamp": {"t": 1, "i": 1}},
]


@pytest.mark.parametrize(("value", "expected"), TIMES, ids=short)
def test_time(value: Any, expected: int) -> None:
    assert parse_time(value) == expected


def shown_inside(value: dict[str, Any]) -> str:
    """What is shown of an object that is no time: of one with a date, that."""
    return shown(value["$date"]) if value.keys() == {"$date"} else "an object"


@pytest.mark.parametrize(
    ("value", "shown"),
    [*NO_TIMES, *[(value, shown_inside(value)) for value in OBJECTS_THAT_ARE_NO_TIMES]],
    ids=short,
)
def test_no_time(value: Any, shown: str) -> None:
    with pytest.raises(EventError) as caught:
        parse_time(value)
    assert said(caught.value) == (
        "bad-time",
        "event_time",
        'event_time: expected a time from 1970 to 2199 such as "2017-01-06T12:46:46.384Z", '
        f"got {escaped(shown)}",
    )


def test_every_day_of_the_years_is_a_time_and_no_other() -> None:
    real = {
        (datetime(1970, 1, 1) + timedelta(days=day)).strftime("%Y-%m-%d") for day in range(84_006)
    }
    assert max(real) == "2199-12-31"
    for year in range(1968, 2203):
        for month in range(14):
            for day in (0, 1, 28, 29, 30, 31, 32):
                text = f"{year:04}-{month:02}-{day:02}"
                assert is_date(text) == (text in real), text


def is_date(text: str) -> bool:
    try:
        parse_time(text)
    except EventError:
        return False
    return True


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1970-01-01", 0),
        ("2016-02-29", micros(2016, 2, 29)),
        ("2017-12-31", micros(2017, 12, 31)),
        ("2199-12-31", micros(2199, 12, 31)),
    ],
)
def test_date(text: str, expected: int) -> None:
    assert parse_date(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1969-12-31",
        "2200-01-01",
        "2017-02-29",
        "2017-1-1",
        "2017-01-01T00:00",
        "2017-01-01Z",
        "2017-01-01\n",
        " 2017-01-01",
        f"201{ARABIC_7}-01-01",
    ],
)
def test_no_date(text: str) -> None:
    with pytest.raises(ValueError):
        parse_date(text)


# --- Amounts ----------------------------------------------------------------------------------

#: A value, and how many micros of US dollars it is.
AMOUNTS: list[tuple[Any, int]] = [
    ("0", 0),
    ("-0", 0),
    ("+0", 0),
    ("-0.000000", 0),
    ("10", 10_000_000),
    ("10.5", 10_500_000),
    ("10.50", 10_500_000),
    ("20.01 USD", 20_010_000),
    ("+10", 10_000_000),
    ("-10", -10_000_000),
    ("-0.5", -500_000),
    ("+0.5", 500_000),
    ("-0.000001", -1),
    ("0.000001", 1),
    ("0.1", 100_000),
    ("0.12", 120_000),
    ("0.123", 123_000),
    ("0.1234", 123_400),
    ("0.12345", 123_450),
    ("0.123456", 123_456),
    ("007", 7_000_000),
    ("000000000007", 7_000_000),
    ("999999999999", 999_999_999_999_000_000),
    ("999999999999.999999", 999_999_999_999_999_999),
    ("-999999999999.999999", -999_999_999_999_999_999),
    # currencies
    ("10USD", 10_000_000),
    ("10 USD", 10_000_000),
    ("USD10", 10_000_000),
    ("USD 10", 10_000_000),
    ("-10.5 USD", -10_500_000),
    ("+10.5USD", 10_500_000),
    ("USD -10.5", -10_500_000),
    ("USD-10.5", -10_500_000),
    ("USD +10.5", 10_500_000),
    ("USD+10.5", 10_500_000),
    ("$10", 10_000_000),
    ("$10.05", 10_050_000),
    ("$-10", -10_000_000),
    ("$+10", 10_000_000),
    ("-$10", -10_000_000),
    ("+$10", 10_000_000),
    ("-$0.5", -500_000),
    ("$-0.5", -500_000),
    # groups
    ("1,234", 1_234_000_000),
    ("12,345", 12_345_000_000),
    ("123,456", 123_456_000_000),
    ("1,234,567", 1_234_567_000_000),
    ("1,234,567,890", 1_234_567_890_000_000),
    ("123,456,789,012", 123_456_789_012_000_000),
    ("-1,234.5", -1_234_500_000),
    ("+1,234.567891 USD", 1_234_567_891),
    ("USD 1,234,567.89", 1_234_567_890_000),
    ("$1,234", 1_234_000_000),
    ("-$1,234,567.000001", -1_234_567_000_001),
    ("$-999,999,999,999.999999", -999_999_999_999_999_999),
    ("0,001", 1_000_000),
    # no digits before the point
    (".5", 500_000),
    ("-.5", -500_000),
    ("+.99", 990_000),
    (".99 USD", 990_000),
    ("USD .99", 990_000),
    ("$.5", 500_000),
    ("-$.5", -500_000),
    # decimals after the sixth are rounded, half away from zero
    ("0.1234567", 123_457),
    ("0.1234564", 123_456),
    ("0.1234565", 123_457),
    ("-0.1234565", -123_457),
    ("0.12345649999999999999999999999", 123_456),
    ("0.1234565000000000000000000000", 123_457),
    ("0.0000000", 0),
    ("0.0000005", 1),
    ("-0.0000005", -1),
    ("-0.0000004", 0),
    (".000000" + "4" + "9" * 23, 0),
    ("182.45000000000002", 182_450_000),
    ("1.9999995", 2_000_000),
    ("999999999999.9999990", 999_999_999_999_999_999),
    ("999999999999.9999995", 10**18),
    ("-999999999999.9999999", -(10**18)),
    ("123456789012." + "1" * 30, 123_456_789_012_111_111),
    # currencies of either case, and signs of currencies
    ("10 usd", 10_000_000),
    ("10Usd", 10_000_000),
    ("usd 10", 10_000_000),
    ("uSD10", 10_000_000),
    ("10$", 10_000_000),
    ("10 $", 10_000_000),
    ("-10 $", -10_000_000),
    ("US$10", 10_000_000),
    ("US$ 10", 10_000_000),
    ("10 US$", 10_000_000),
    ("-US$10", -10_000_000),
    ("US$-10", -10_000_000),
    # a sign before a leading currency
    ("-USD 10", -10_000_000),
    ("-USD10", -10_000_000),
    ("+USD 10", 10_000_000),
    ("$ 10", 10_000_000),
    ("$ -10", -10_000_000),
    ("$ +10", 10_000_000),
    ("-$ 10", -10_000_000),
    ("+$ 10", 10_000_000),
    # white space
    ("10\u00a0USD", 10_000_000),
    ("10\u202f$", 10_000_000),
    ("USD\u00a010", 10_000_000),
    ("-$\u202f1,234.5", -1_234_500_000),
    ("10 ", 10_000_000),
    (" 10", 10_000_000),
    ("   10 USD    ", 10_000_000),
    (" -$10 ", -10_000_000),
    (" " * 1000 + ".5" + " " * 1000, 500_000),
    # JSON numbers, as they are spelt
    (JsonNumber("10"), 10_000_000),
    (JsonNumber("10.00"), 10_000_000),
    (JsonNumber("-10.5"), -10_500_000),
    (JsonNumber("-0"), 0),
    (JsonNumber("-0.5"), -500_000),
    (JsonNumber("0.123456"), 123_456),
    (JsonNumber("999999999999.999999"), 999_999_999_999_999_999),
    # values of Python
    (10, 10_000_000),
    (0, 0),
    (-10, -10_000_000),
    (999_999_999_999, 999_999_999_999_000_000),
    (10.0, 10_000_000),
    (0.1, 100_000),
    (-0.0, 0),
    (2.675, 2_675_000),
    (0.0001, 100),
    (123456789012.125, 123_456_789_012_125_000),
    (Decimal("10"), 10_000_000),
    (Decimal("-10.50"), -10_500_000),
    (Decimal("0.000001"), 1),
    (Decimal("0.000000"), 0),
    (Decimal("999999999999.999999"), 999_999_999_999_999_999),
    (JsonNumber("0.1234567"), 123_457),
    (JsonNumber("182.45000000000002"), 182_450_000),
    (JsonNumber("-0.0000005"), -1),
    (JsonNumber("1." + "9" * 30), 2_000_000),
    (JsonNumber("999999999999.9999999"), 10**18),
    (0.1 + 0.2, 300_000),
    (Decimal("1.0000000"), 1_000_000),
    # MongoDB's Extended JSON
    ({"$numberDecimal": "12.34"}, 12_340_000),
    ({"$numberDecimal": "-1,234.5"}, -1_234_500_000),
    ({"$numberDecimal": "+.5"}, 500_000),
    ({"$numberDouble": "182.45000000000002"}, 182_450_000),
    ({"$numberDouble": "10.0"}, 10_000_000),
    ({"$numberInt": "10"}, 10_000_000),
    ({"$numberInt": "007"}, 7_000_000),
    ({"$numberLong": "-999999999999"}, -999_999_999_999_000_000),
]

#: A value that is no amount, and how it is shown.
NO_AMOUNTS: list[tuple[Any, str]] = [
    (value, f'"{value}"')
    for value in [
        "",
        " ",
        "ten",
        "None",
        "USD",
        "$",
        "-",
        "+",
        "-$",
        ".",
        # numbers
        "5.",
        "5.USD",
        "-5.",
        "USD 5.",
        "$5.",
        ". 5",
        "-$.",
        "0." + "1" * 31,
        ".0000000000000000000000000000000",
        "1234567890123.0",
        ",999",
        "1,234,567,890,123.5",
        "1.2.3",
        "1234567890123",
        "0000000000007",
        "--5",
        "+-5",
        "-+5",
        "- 5",
        "5-",
        "(5)",
        "1_000",
        "1 000",
        "1'000",
        "1.234,56",
        "0x10",
        "5%",
        # exponents, NaN, Infinity
        "1e3",
        "1E3",
        "1e-3",
        "1.5e3",
        "1e3 USD",
        "NaN",
        "nan",
        "Infinity",
        "-Infinity",
        "inf",
        # groups
        "1,23",
        "1,2345",
        "1234,567",
        ",123",
        "1,,234",
        "1,234,",
        "1234,567,890",
        "1,234567",
        "12,34,567",
        "1,234,56",
        "1,234,567,890,123",
        "1,234.5,6",
        "1, 234",
        "0.123,456",
        # currencies
        "10 US",
        "10 us$",
        "us$10",
        "Us$10",
        "10 US $",
        "US $10",
        "10 A$",
        "CA$10",
        "10 ¥",
        "¥10",
        "10 \uff04",
        "10 \u212aRW",
        "10 u\u017fd",
        "€10€",
        "$10€",
        "USD 10 $",
        "10 USD$",
        "10 USDD",
        "10 U$D",
        "10 ÜSD",
        "10 \uff35\uff33\uff24",
        "10  USD",
        "10\tUSD",
        "10 \u00a0USD",
        "10\u00a0\u00a0USD",
        "10\u2009USD",
        "10\u3000USD",
        "\u00a010",
        "10 USD\u00a0",
        "10 USD\t",
        "\u202f10 USD",
        " \n10",
        "USD  10",
        "USD\t10",
        "USD10USD",
        "USD 10 USD",
        "USD 10 EUR",
        "10 USD USD",
        "US10",
        # dollars
        "- $ 10",
        "-$-10",
        "-$ -10",
        "-USD -10",
        "+USD+10",
        "- USD 10",
        "10 -USD",
        "10 USD-",
        "10-",
        "USD - 10",
        "+$+10",
        "-$+10",
        "- $10",
        "$$10",
        "$10 USD",
        "USD $10",
        "$10$",
        "$1,23",
        "\uff0410",
        # white space and newlines
        "10\n",
        "10 USD\n",
        "USD 10\n",
        "$10\n",
        "\n10",
        "10\nUSD",
        "10\x00",
        # digits and signs that are not ASCII
        f"1{ARABIC_7}",
        FULL_WIDTH_7,
        f"0.{ARABIC_7}",
        f"1,23{FULL_WIDTH_7}",
        "\u22125",
        "\uff0b5",
        "5\u066b5",
        "½",
        "²",
        SURROGATE,
    ]
] + [
    ("1" * 60, '"' + "1" * 60 + '"'),
    ("1" * 61, '"' + "1" * 59 + '…"'),
    (JsonNumber("1e3"), "1e3"),
    (JsonNumber("1E3"), "1E3"),
    (JsonNumber("1e0"), "1e0"),
    (JsonNumber("1.5e+3"), "1.5e+3"),
    (JsonNumber("1234567890123"), "1234567890123"),
    (JsonNumber("1" * 5000), "1" * 59 + "…"),
    (1_000_000_000_000, "1000000000000"),
    (-(10**12), "-1000000000000"),
    (10**5000, "1" + "0" * 58 + "…"),
    (1e12, "1000000000000.0"),
    (1e16, "1e+16"),
    (1e-5, "1e-05"),
    (float("nan"), "NaN"),
    (float("inf"), "Infinity"),
    (float("-inf"), "-Infinity"),
    (Decimal("1E+3"), "1E+3"),
    (Decimal("0.0000001"), "1E-7"),
    (Decimal("NaN"), "NaN"),
    (Decimal("sNaN"), "sNaN"),
    (Decimal("-Infinity"), "-Infinity"),
    (True, "true"),
    (False, "false"),
    ([], "an array"),
    (["10"], "an array"),
    ({}, "an object"),
    ({"amount": "10"}, "an object"),
    (JsonNumber("0." + "1" * 31), "0." + "1" * 31),
    # not as Extended JSON has it
    ({"$numberDecimal": ""}, ""),
    ({"$numberDecimal": "ten"}, "ten"),
    ({"$numberDecimal": "10 USD"}, "10 USD"),
    ({"$numberDecimal": "USD10"}, "USD10"),
    ({"$numberDecimal": "$10"}, "$10"),
    ({"$numberDecimal": " 10"}, " 10"),
    ({"$numberDecimal": "10 "}, "10 "),
    ({"$numberDecimal": "1E+3"}, "1E+3"),
    ({"$numberDecimal": "NaN"}, "NaN"),
    ({"$numberDouble": "-Infinity"}, "-Infinity"),
    ({"$numberDouble": "5."}, "5."),
    ({"$numberInt": ARABIC_7}, ARABIC_7),
    ({"$numberInt": "1234567890123"}, "1234567890123"),
    ({"$numberDecimal": 10}, "an object"),
    ({"$numberDecimal": JsonNumber("10")}, "an object"),
    ({"$numberDecimal": None}, "an object"),
    ({"$numberDecimal": {"$numberDecimal": "10"}}, "an object"),
    ({"$numberDecimal": "10", "x": 1}, "an object"),
    ({"$numberdecimal": "10"}, "an object"),
    ({"$oid": "10"}, "an object"),
]

#: A text, the currency being summed, and the micros.
AMOUNTS_IN: list[tuple[str, str, int]] = [
    ("10", "EUR", 10_000_000),
    ("10 EUR", "EUR", 10_000_000),
    ("EUR-10", "EUR", -10_000_000),
    ("EUR 1,234.5", "EUR", 1_234_500_000),
    ("10", "XXX", 10_000_000),
    ("10 XXX", "XXX", 10_000_000),
    ("10 xxx", "XXX", 10_000_000),
    ("€10", "EUR", 10_000_000),
    ("-€10", "EUR", -10_000_000),
    ("10 €", "EUR", 10_000_000),
    ("1,234.50\u00a0€", "EUR", 1_234_500_000),
    ("€ -.5", "EUR", -500_000),
    ("£10", "GBP", 10_000_000),
    ("10£", "GBP", 10_000_000),
    ("gbp 10", "GBP", 10_000_000),
]

OTHER_CURRENCIES: list[tuple[str, str]] = [
    ("10 EUR", "USD"),
    ("EUR 10", "USD"),
    ("10EUR", "USD"),
    ("EUR-1,234.5", "USD"),
    ("0 EUR", "USD"),
    ("10 USD", "EUR"),
    ("USD10", "EUR"),
    ("$10", "EUR"),
    ("-$10", "EUR"),
    ("$-10", "EUR"),
    ("10 USX", "USD"),
    ("10 NAN", "USD"),
    ("10 eur", "USD"),
    ("nan 10", "USD"),
    ("€10", "USD"),
    ("10 €", "USD"),
    ("£10", "USD"),
    ("£10", "EUR"),
    ("€10", "GBP"),
    ("US$10", "EUR"),
    ("10 US$", "CAD"),
    ("10$", "CAD"),
]

#: A value, the member `currency`, the currency being summed, and the micros.
AMOUNTS_BESIDE: list[tuple[Any, Any, str, int]] = [
    (JsonNumber("10.5"), "EUR", "EUR", 10_500_000),
    (10.5, "eur", "EUR", 10_500_000),
    ("10.5", "Eur", "EUR", 10_500_000),
    ({"$numberDecimal": "10.5"}, "EUR", "EUR", 10_500_000),
    ("10", "  EUR ", "EUR", 10_000_000),
    ("10", "€", "EUR", 10_000_000),
    ("10", " £", "GBP", 10_000_000),
    ("10", "$", "USD", 10_000_000),
    ("10", "US$", "USD", 10_000_000),
    # both name the same
    ("10 EUR", "EUR", "EUR", 10_000_000),
    ("10 eur", "€", "EUR", 10_000_000),
    ("€10", "eur", "EUR", 10_000_000),
    ("£10", "£", "GBP", 10_000_000),
    ("10 USD", "$", "USD", 10_000_000),
    ("US$10", "usd", "USD", 10_000_000),
    # $ is that of the member
    ("$10", "USD", "USD", 10_000_000),
    ("$10", "CAD", "CAD", 10_000_000),
    ("-10 $", "aud", "AUD", -10_000_000),
    ("$10", "$", "USD", 10_000_000),
    ("$10", "US$", "USD", 10_000_000),
    ("$10", "€", "EUR", 10_000_000),
    # absent
    ("10 EUR", "", "EUR", 10_000_000),
    ("10", "", "EUR", 10_000_000),
    ("$10", None, "USD", 10_000_000),
    ("10", None, "EUR", 10_000_000),
    ("10", JsonNumber("5"), "EUR", 10_000_000),
    ("10", float("nan"), "EUR", 10_000_000),
    ("10", True, "EUR", 10_000_000),
    ("10", ["USD"], "EUR", 10_000_000),
    ("10", {"code": "USD"}, "EUR", 10_000_000),
]

#: A value, the member `currency`, the currency being summed, and what was expected.
NO_AMOUNTS_BESIDE: list[tuple[Any, Any, str, str]] = [
    *[
        ("10", name, "USD", f'expected a member currency such as "USD", got "{name}"')
        for name in (
            " ", "US", "USDT", "US D", "U$D", "us$", "A$", "¥", "dollars", "10", "USD\n",
            "\tUSD", "\u00a0USD", "USD\u00a0", "-$", "$$", "\uff35\uff33\uff24", "u\u017fd",
            SURROGATE,
        )
    ],
    ("ten", "EUR", "USD", 'expected an amount such as "12.34 USD", got "ten"'),
    ("ten", "dollars", "USD", 'expected an amount such as "12.34 USD", got "ten"'),
    ("1 USD", "EUR", "USD", 'expected an amount in EUR as the member currency has it, got "1 USD"'),
    ("1 USD", "EUR", "EUR", 'expected an amount in EUR as the member currency has it, got "1 USD"'),
    ("10 EUR", "$", "EUR", 'expected an amount in USD as the member currency has it, got "10 EUR"'),
    ("US$10", "CAD", "CAD", 'expected an amount in CAD as the member currency has it, got "US$10"'),
    ("€10", " usd", "USD", 'expected an amount in USD as the member currency has it, got "€10"'),
]  # fmt: skip

OTHER_CURRENCIES_BESIDE: list[tuple[Any, Any, str, str]] = [
    ("10", "EUR", "USD", 'expected an amount in USD, got "10" with the currency "EUR"'),
    (JsonNumber("10"), "eur ", "USD", 'expected an amount in USD, got 10 with the currency "eur "'),
    ({"$numberInt": "1"}, "€", "USD", 'expected an amount in USD, got 1 with the currency "€"'),
    ("10 EUR", "EUR", "USD", 'expected an amount in USD, got "10 EUR" with the currency "EUR"'),
    ("$10", "CAD", "USD", 'expected an amount in USD, got "$10" with the currency "CAD"'),
    ("$10", "USD", "CAD", 'expected an amount in CAD, got "$10" with the currency "USD"'),
    ("$10", "", "CAD", 'expected an amount in CAD, got "$10"'),
    ("10 EUR", None, "USD", 'expected an amount in USD, got "10 EUR"'),
]


@pytest.mark.parametrize(("value", "expected"), AMOUNTS, ids=short)
def test_amount(value: Any, expected: int) -> None:
    assert parse_amount(value, "USD") == expected


@pytest.mark.parametrize(("value", "shown"), NO_AMOUNTS, ids=short)
def test_no_amount(value: Any, shown: str) -> None:
    with pytest.raises(EventError) as caught:
        parse_amount(value, "USD")
    message = f'total_amount: expected an amount such as "12.34 USD", got {escaped(shown)}'
    assert said(caught.value) == ("bad-amount", "total_amount", message)


@pytest.mark.parametrize(("text", "currency", "expected"), AMOUNTS_IN, ids=short)
def test_amount_in_a_currency(text: str, currency: str, expected: int) -> None:
    assert parse_amount(text, currency) == expected


@pytest.mark.parametrize(("text", "currency"), OTHER_CURRENCIES, ids=short)
def test_other_currency(text: str, currency: str) -> None:
    with pytest.raises(EventError) as caught:
        parse_amount(text, currency)
    message = f'total_amount: expected an amount in {currency}, got "{text}"'
    assert said(caught.value) == ("other-currency", "total_amount", message)


@pytest.mark.parametrize(("value", "beside", "currency", "expected"), AMOUNTS_BESIDE, ids=short)
def test_amount_beside_a_currency(value: Any, beside: Any, currency: str, expected: int) -> None:
    assert parse_amount(value, currency, beside) == expected


@pytest.mark.parametrize(
    ("reason", "value", "beside", "currency", "message"),
    [
        *[("bad-amount", *case) for case in NO_AMOUNTS_BESIDE],
        *[("other-currency", *case) for case in OTHER_CURRENCIES_BESIDE],
    ],
    ids=short,
)
def test_no_amount_beside_a_currency(
    reason: str, value: Any, beside: Any, currency: str, message: str
) -> None:
    with pytest.raises(EventError) as caught:
        parse_amount(value, currency, beside)
    message = f"total_amount: {escaped(message)}"
    assert said(caught.value) == (reason, "total_amount", message)


@pytest.mark.parametrize("currency", ["USD", "EUR", "GBP", "CAD"])
def test_the_pattern_of_amounts_finds_these_and_no_others(currency: str) -> None:
    pattern = re.compile(amount_text_pattern(currency))
    for text in (
        [value for value, _ in [*AMOUNTS, *NO_AMOUNTS] if isinstance(value, str)]
        + [text for text, _, _ in AMOUNTS_IN]
        + [text for text, _ in OTHER_CURRENCIES]
    ):
        assert bool(pattern.fullmatch(text)) == is_amount(text, currency), text


def is_amount(text: str, currency: str) -> bool:
    try:
        parse_amount(text, currency)
    except EventError:
        return False
    return True


def test_no_amount_names_the_currency_being_summed() -> None:
    with pytest.raises(EventError) as caught:
        parse_amount("1e3 USD", "EUR")
    message = 'total_amount: expected an amount such as "12.34 EUR", got "1e3 USD"'
    assert said(caught.value) == ("bad-amount", "total_amount", message)


@pytest.mark.parametrize(
    ("text", "is_currency"),
    [
        ("USD", True),
        ("AAA", True),
        ("ZZZ", True),
        ("usd", True),
        ("UsD", True),
        ("US", False),
        ("USDT", False),
        ("US1", False),
        ("", False),
        ("$", False),
        ("US$", False),
        ("USD\n", False),
        (" USD", False),
        ("ÄÖÜ", False),
        ("\uff35\uff33\uff24", False),
    ],
)
def test_currency(text: str, is_currency: bool) -> None:
    assert bool(CURRENCY.fullmatch(text)) == is_currency


# --- Lifespans --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (10, (10, 1)),
        ("10", (10, 1)),
        ("10.0", (10, 1)),
        ("2.5", (5, 2)),
        ("0.1", (1, 10)),
        (0.1, (1, 10)),
        (2.5, (5, 2)),
        (10.0, (10, 1)),
        (Decimal("2.50"), (5, 2)),
        (JsonNumber("0.3"), (3, 10)),
        (1, (1, 1)),
        (1000, (1000, 1)),
        ("1000", (1000, 1)),
        ("1000.000", (1000, 1)),
        ("999.99", (99_999, 100)),
        ("0.000000000000000000000000000001", (1, 10**30)),
        ("0." + "3" * 40, (int("3" * 40), 10**40)),
    ],
)
def test_lifespan(value: Any, expected: tuple[int, int]) -> None:
    assert parse_lifespan(value) == expected


@pytest.mark.parametrize(
    "value",
    [
        0,
        "0",
        "0.0",
        -1,
        "-1",
        "-0.5",
        "+10",
        1001,
        "1001",
        "1000.000000000000000000000000000000000000001",
        "10000",
        1000.5,
        "",
        ".5",
        "5.",
        "010",
        "00.5",
        "1,000",
        "1e1",
        "1E1",
        1e-5,
        Decimal("1E+1"),
        Decimal("NaN"),
        float("nan"),
        float("inf"),
        "NaN",
        "Infinity",
        "ten",
        "10 years",
        " 10",
        "10 ",
        "10\n",
        "2.5\n",
        f"1{ARABIC_7}",
        FULL_WIDTH_7,
        "1_0",
        "0x10",
        True,
        False,
        None,
        [],
        {},
    ],
)
def test_no_lifespan(value: Any) -> None:
    with pytest.raises(ValueError) as caught:
        parse_lifespan(value)
    expected = f"lifespan: expected years above 0 and up to 1,000, got {shown(value)}"
    assert str(caught.value) == expected


def test_no_lifespan_of_any_length() -> None:
    with pytest.raises(ValueError, match=r"^lifespan: expected years above 0 "):
        parse_lifespan(10**5000)


# --- Optional texts ---------------------------------------------------------------------------

OPTIONAL_TEXTS: list[tuple[Any, str | None]] = [
    ("Smith", "Smith"),
    ("", ""),
    (" ", " "),
    ("7", "7"),
    ("null", "null"),
    ("a\nb", "a\nb"),
    ("\x00\x1b[31m", "\x00\x1b[31m"),
    ("Müller", "Müller"),
    ("a" * 256, "a" * 256),
    ("a" * 257, None),
    ("é" * 256, "é" * 256),
    ("é" * 257, None),
    (EMOJI * 256, EMOJI * 256),
    (EMOJI * 257, None),
    (SURROGATE, None),
    ("\ude00", None),
    ("Smith\udfff", None),
    ("\ude00\ud83d", None),
    (None, None),
    (7, None),
    (JsonNumber("7"), None),
    (7.5, None),
    (Decimal("7"), None),
    (True, None),
    (False, None),
    ([], None),
    (["Smith"], None),
    ({}, None),
    (b"Smith", None),
]


@pytest.mark.parametrize(("value", "expected"), OPTIONAL_TEXTS, ids=short)
def test_optional_text(value: Any, expected: str | None) -> None:
    assert parse_optional_text(value) == expected


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("abc", '"abc"'),
        ("", '""'),
        ("a" * 60, f'"{"a" * 60}"'),
        ("a" * 61, f'"{"a" * 59}…"'),
        ("a\nb\x1b[31m\u202e", r'"a\nb\x1b[31m\u202e"'),
        (7, "7"),
        (-0.5, "-0.5"),
        (float("nan"), "NaN"),
        (float("inf"), "Infinity"),
        (float("-inf"), "-Infinity"),
        (Decimal("1.50"), "1.50"),
        (JsonNumber("1e3"), "1e3"),
        pytest.param(10**5000, "1" + "0" * 58 + "…", id="5,001 digits"),
        (True, "true"),
        (False, "false"),
        (None, "null"),
        ([1], "an array"),
        ({}, "an object"),
        (b"x", "a bytes"),
    ],
)
def test_a_value_is_shown_short(value: Any, text: str) -> None:
    assert shown(value) == text
