"""Instants, days and weeks, and the texts that instants are packed into."""

import random
from datetime import date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ltv.times import (
    DAY,
    HOUR,
    MINUTE,
    PACKED_LENGTH,
    SECOND,
    day_text,
    days_since_1970,
    lengthened,
    pack,
    shortened,
    time_text,
    unpack,
    week_begin,
    weeks_between,
)
from ltv.values import parse_time

EPOCH = datetime(1970, 1, 1)
DAYS = 84_006  # of 1970 to 2199
BEHIND_LAST = DAYS * 24 * 60 * 60 * 1_000_000

# The same examples in every run, and no files of them.
steady = settings(deadline=None, derandomize=True, database=None, max_examples=500)


def instant_of(year: int, month: int, day: int, *clock: int) -> int:
    """Microseconds from 1970 to a time in UTC; `clock` is hour, minute, second, microsecond."""
    hour, minute, second, microsecond = (*clock, 0, 0, 0, 0)[:4]
    instant = datetime(year, month, day, hour, minute, second, microsecond)
    return (instant - EPOCH) // timedelta(microseconds=1)


# --- Days -------------------------------------------------------------------------------------


def test_units_are_counted_in_microseconds() -> None:
    assert (SECOND, MINUTE, HOUR, DAY) == (
        1_000_000,
        60_000_000,
        3_600_000_000,
        86_400_000_000,
    )


def test_every_day_of_the_years_has_its_number() -> None:
    for number in range(DAYS):
        text = (EPOCH + timedelta(days=number)).strftime("%Y-%m-%d")
        assert days_since_1970(text) == number, text
    assert text == "2199-12-31"


@pytest.mark.parametrize(
    "text",
    [
        "2017-02-29",
        "2100-02-29",
        "2017-02-30",
        "2017-04-31",
        "2017-00-01",
        "2017-13-01",
        "2017-01-00",
        "2017-01-32",
        "0000-01-01",
    ],
)
def test_no_day(text: str) -> None:
    for _ in range(2):  # what is remembered is no other
        with pytest.raises(ValueError):
            days_since_1970(text)


# --- Texts ------------------------------------------------------------------------------------

PACKED = [
    (0, "1970-01-01T00:00:00.000000"),
    (1, "1970-01-01T00:00:00.000001"),
    (SECOND - 1, "1970-01-01T00:00:00.999999"),
    (SECOND, "1970-01-01T00:00:01.000000"),
    (MINUTE - 1, "1970-01-01T00:00:59.999999"),
    (MINUTE, "1970-01-01T00:01:00.000000"),
    (HOUR - 1, "1970-01-01T00:59:59.999999"),
    (HOUR, "1970-01-01T01:00:00.000000"),
    (DAY - 1, "1970-01-01T23:59:59.999999"),
    (DAY, "1970-01-02T00:00:00.000000"),
    (instant_of(2016, 2, 29, 12), "2016-02-29T12:00:00.000000"),
    (1_483_264_800_500_000, "2017-01-01T10:00:00.500000"),
    (instant_of(2017, 1, 9, 1, 2, 3, 45), "2017-01-09T01:02:03.000045"),
    (instant_of(2100, 2, 28, 23, 59, 59, 999_999), "2100-02-28T23:59:59.999999"),
    (instant_of(2100, 3, 1), "2100-03-01T00:00:00.000000"),
    (BEHIND_LAST - 1, "2199-12-31T23:59:59.999999"),
]


@pytest.mark.parametrize(("instant", "packed"), PACKED)
def test_packed(instant: int, packed: str) -> None:
    assert pack(instant) == packed
    assert unpack(packed) == instant
    assert len(packed) == PACKED_LENGTH


# Any, and those around where a digit carries.
instants = st.one_of(
    st.integers(0, BEHIND_LAST - 1),
    st.builds(
        lambda days, unit, count, rest: (days * DAY + count * unit + rest) % BEHIND_LAST,
        st.integers(0, DAYS - 1),
        st.sampled_from([1, 1000, SECOND, MINUTE, HOUR]),
        st.integers(0, 60),
        st.integers(-1, 1),
    ),
)


@steady
@given(instants)
def test_what_is_packed_can_be_unpacked(instant: int) -> None:
    packed = pack(instant)
    assert unpack(packed) == instant
    assert len(packed) == PACKED_LENGTH
    assert packed == (EPOCH + timedelta(microseconds=instant)).isoformat(timespec="microseconds")


@pytest.mark.parametrize(
    ("packed", "short"),
    [
        ("1970-01-01T00:00:00.000000", "1970-01-01T00:00:00.000"),
        ("2017-01-01T10:00:00.500000", "2017-01-01T10:00:00.500"),
        ("2017-01-01T10:00:00.999000", "2017-01-01T10:00:00.999"),
        ("2017-01-01T10:00:00.500100", "2017-01-01T10:00:00.500100"),
        ("2017-01-01T10:00:00.000001", "2017-01-01T10:00:00.000001"),
    ],
)
def test_short(packed: str, short: str) -> None:
    assert shortened(packed.encode()) == short.encode()
    assert lengthened(short) == packed


@steady
@given(instants, instants, st.integers(-2 * DAY, 2 * DAY))
def test_packed_texts_are_in_the_order_of_instants(one: int, far: int, distance: int) -> None:
    for other in (far, (one + distance) % BEHIND_LAST, one):
        assert (pack(one) < pack(other)) == (one < other)
        assert (pack(one) == pack(other)) == (one == other)


@pytest.mark.parametrize(
    ("instant", "expected"),
    [
        (0, "1970-01-01T00:00:00Z"),
        (instant_of(2017, 1, 9), "2017-01-09T00:00:00Z"),
        (instant_of(2017, 1, 9, 1, 2, 3), "2017-01-09T01:02:03Z"),
        (instant_of(2017, 1, 9, 23, 59, 59, 999_000), "2017-01-09T23:59:59.999Z"),
        (instant_of(2017, 1, 9, 0, 0, 0, 100_000), "2017-01-09T00:00:00.1Z"),
        (instant_of(2016, 2, 29, 0, 0, 0, 10), "2016-02-29T00:00:00.00001Z"),
        (7_258_118_399_999_999, "2199-12-31T23:59:59.999999Z"),
    ],
)
def test_time_text(instant: int, expected: str) -> None:
    assert time_text(instant) == expected
    assert parse_time(expected) == instant


@pytest.mark.parametrize(
    ("instant", "expected"),
    [
        (0, "1970-01-01"),
        (DAY - 1, "1970-01-01"),
        (DAY, "1970-01-02"),
        (instant_of(2016, 2, 29, 23, 59, 59, 999_999), "2016-02-29"),
        (BEHIND_LAST - 1, "2199-12-31"),
    ],
)
def test_day_text(instant: int, expected: str) -> None:
    assert day_text(instant) == expected


# --- Weeks ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("begin", "end", "weeks"),
    [
        # one instant, one day, one week
        ("2017-01-01", "2017-01-01", 1),
        ("2017-01-02", "2017-01-02T23:59:59.999999", 1),
        ("2017-01-02", "2017-01-08T23:59:59.999999", 1),
        ("1970-01-01", "1970-01-01", 1),
        ("2199-12-31T23:59:59.999999", "2199-12-31T23:59:59.999999", 1),
        # Sunday to Monday
        ("2017-01-01", "2017-01-02", 2),
        ("2017-01-01T23:59:59.999999", "2017-01-02T00:00:00", 2),
        ("2017-01-08T23:59:59.999999", "2017-01-09", 2),
        ("2017-01-02", "2017-01-09", 2),
        ("2017-01-07", "2017-01-08", 1),
        ("2017-01-01T10:00", "2017-01-09", 3),
        ("2017-01-02T00:30+01:00", "2017-01-02T00:30Z", 2),
        ("2017-01-01T23:30-01:00", "2017-01-08T23:30Z", 1),
        # before a Monday of 1970
        ("1970-01-01", "1970-01-04T23:59:59.999999", 1),
        ("1970-01-01", "1970-01-05", 2),
        # year ends inside of a week and between two
        ("2016-12-31", "2017-01-01", 1),
        ("2018-12-31", "2019-01-01", 1),
        ("2017-12-31", "2018-01-01", 2),
        ("2017-01-01", "2017-12-31", 53),
        ("2017-01-02", "2017-12-31", 52),
        ("2018-01-01", "2018-12-31", 53),
        # years of 53 weeks: 2015, 2020, 2026
        ("2014-12-29", "2016-01-03", 53),
        ("2015-12-28", "2016-01-03T23:59:59.999999", 1),
        ("2015-12-27", "2016-01-04", 3),
        ("2015-12-31", "2017-01-01", 53),
        ("2020-01-01", "2020-12-31", 53),
        ("2019-12-30", "2021-01-03", 53),
        ("2020-12-28", "2021-01-04", 2),
        ("2026-01-01", "2026-12-31", 53),
        # leap days
        ("2016-02-28", "2016-02-29", 2),
        ("2016-02-29", "2016-03-06", 1),
        ("2016-02-29", "2016-03-07", 2),
        ("2020-02-29", "2020-03-01", 1),
        ("2000-02-28", "2000-03-05", 1),
        # as many as can be
        ("1970-01-01", "2199-12-31T23:59:59.999999", 12_002),
        # the end before the begin
        ("2017-01-09", "2017-01-08", 1),
        ("2017-01-09", "2017-01-02", 1),
        ("2199-12-31", "1970-01-01", 1),
    ],
)
def test_weeks(begin: str, end: str, weeks: int) -> None:
    assert weeks_between(parse_time(begin), parse_time(end)) == weeks


@pytest.mark.parametrize(
    ("instant", "begin"),
    [
        (0, instant_of(1969, 12, 29)),
        (instant_of(1970, 1, 4, 23, 59, 59, 999_999), instant_of(1969, 12, 29)),
        (instant_of(1970, 1, 5), instant_of(1970, 1, 5)),
        (instant_of(2017, 1, 1), instant_of(2016, 12, 26)),
        (instant_of(2199, 12, 31), instant_of(2199, 12, 30)),
    ],
)
def test_week_begin(instant: int, begin: int) -> None:
    assert week_begin(instant) == begin


def test_weeks_are_those_of_the_calendar() -> None:
    rng = random.Random(4)
    for _ in range(2_000):
        first, last = sorted(rng.randrange(BEHIND_LAST) for _ in range(2))
        mondays = [monday_of(first), monday_of(last)]
        expected = (mondays[1] - mondays[0]).days // 7 + 1
        assert weeks_between(first, last) == expected, (first, last)


def monday_of(instant: int) -> date:
    """The Monday of the week of an instant, by the ISO calendar."""
    year, week, _ = (datetime(1970, 1, 1) + timedelta(microseconds=instant)).isocalendar()
    return date.fromisocalendar(year, week, 1)
