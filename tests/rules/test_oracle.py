"""The program against the plain oracle, on seeded random logs full of good and bad events."""

import random
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

import against_oracle
import oracle
import random_logs
from conftest import Done
from oracle_reading import Number

Run = Callable[..., Done]


def compare(run: Run, seed: int, *, may_be_hurt: bool, has_store: bool = False) -> str:
    rng = random.Random(seed)
    files = random_logs.random_files(rng, may_be_hurt=may_be_hurt)
    x, options = rng.choice([1, 3, 1000]), random_logs.random_options(rng)
    if has_store:
        options["until"] = options["until"] or "2199-12-31"  # times in these logs jump
    if rng.random() < 0.2:
        options["max_rejects"] = rng.choice([0, 3, 20])
    more = ["--store", f"store-{seed}"] if has_store else []
    result = against_oracle.compare(run, files, x, options, *more)
    return type(result).__name__


def compare_many(run: Run, seeds: range, *, may_be_hurt: bool, has_store: bool = False) -> None:
    outcomes = set()
    for seed in seeds:
        try:
            outcomes.add(compare(run, seed, may_be_hurt=may_be_hurt, has_store=has_store))
        except AssertionError as error:
            error.add_note(f"seed {seed}, may_be_hurt={may_be_hurt}")
            raise
    assert len(outcomes) > 1, "the logs must show results and failures"


@pytest.mark.parametrize("may_be_hurt", [False, True])
def test_every_row_count_and_reject_agrees(run: Run, may_be_hurt: bool) -> None:
    compare_many(run, range(40), may_be_hurt=may_be_hurt)


@pytest.mark.parametrize("may_be_hurt", [False, True])
def test_every_row_count_and_reject_agrees_over_a_store(run: Run, may_be_hurt: bool) -> None:
    compare_many(run, range(200, 224), may_be_hurt=may_be_hurt, has_store=True)


@pytest.mark.slow
@pytest.mark.parametrize("may_be_hurt", [False, True])
def test_every_row_count_and_reject_agrees_on_many_logs(run: Run, may_be_hurt: bool) -> None:
    compare_many(run, range(1000, 2500), may_be_hurt=may_be_hurt)


# --- The oracle's own values, against what SPEC.md says in so many words -------------------------

GOOD_IDS = [
    ("a", "a"), (Number("7"), "7"), (Number("-0"), "0"), (Number("305.0"), "305"),
    (Number("-0.00"), "0"), ("305.0", "305.0"), (Number("9007199254740991.0"), "9007199254740991"),
    (Number("9" * 256), "9" * 256), ("x" * 256, "x" * 256), ({"$oid": "5f"}, "5f"),
    ({"$numberInt": "7"}, "7"), ({"$numberLong": "-0"}, "0"), ({"$numberDouble": "7.0"}, "7"),
]  # fmt: skip
BAD_IDS: list[Any] = [
    "", "x" * 257, "\ud800", None, True, [], {}, Number("1e3"), Number("7.0e0"), Number("7.5"),
    Number("9007199254740992.0"), Number("9" * 257), {"$oid": ""}, {"$oid": Number("7")},
    {"$oid": "a", "b": "c"}, {"$numberLong": Number("7")}, {"$numberLong": "07"},
    {"$numberDouble": "NaN"}, {"$numberDecimal": "7"},
]  # fmt: skip


@pytest.mark.parametrize(("value", "expected"), GOOD_IDS + [(bad, None) for bad in BAD_IDS])
def test_ids_of_the_oracle(value: Any, expected: str | None) -> None:
    assert oracle.id_of(value) == expected


TEN = datetime(2024, 3, 1, 10, tzinfo=UTC)
SAME_TIMES: list[Any] = [
    "2024-03-01 10:00:00 UTC", "2024-03-01 10:00:00+00", "2024-03-01T10:00Z", "2024-03-01t10:00 z",
    "2024-03-01:10:00:00,000000999", "2024-03-01 10:00GMT", "2024-03-01 11:00 +01",
    "2024-03-01 05:30 -0430", "2024-03-01T10:00-00:00", {"$date": "2024-03-01T10:00"},
    {"$date": Number("1709287200000")}, {"$date": {"$numberLong": "1709287200000"}},
]  # fmt: skip
BAD_TIMES: list[Any] = [
    "2024-03-01 UTC", "2024-03-01 10:00  UTC", "2024-03-01 10:00utc", "2024-03-01 10:00 CET",
    "2024-03-01 10:00+1", "2024-03-01 10:00,5", "2024-03-01 10", " 2024-03-01", "2024-02-30",
    "1969-12-31", "2200-01-01", Number("1709287200"), {"$date": Number("-1")}, {"$date": "x"},
    {"$date": Number("7258118400000")}, {"$date": Number("1e12")}, {"$numberLong": "1709287200000"},
    {"$date": {"$numberLong": Number("1709287200000")}}, {"$date": {"$date": "2024-03-01"}},
]  # fmt: skip


@pytest.mark.parametrize(
    ("value", "expected"), [(good, TEN) for good in SAME_TIMES] + [(bad, None) for bad in BAD_TIMES]
)
def test_times_of_the_oracle(value: Any, expected: datetime | None) -> None:
    assert oracle.time_of(value) == expected


#: An amount, the member `currency`, and millionths and currency; None is bad. EUR is summed.
AMOUNTS: list[tuple[Any, Any, Any]] = [
    (Number("182.45000000000002"), None, (182_450_000, "EUR")),
    ("19.990000000000002 USD", None, (19_990_000, "USD")),
    ("0.0000005", None, (1, "EUR")),
    ("-0.0000005", None, (-1, "EUR")),
    ("0.00000049999999", None, (0, "EUR")),
    ("999999999999.9999999", None, (10**18, "EUR")),
    (".99", None, (990_000, "EUR")),
    ("  1,234.5\u00a0usd ", None, (1_234_500_000, "USD")),
    ("-US$5", None, (-5_000_000, "USD")),
    ("US$ -5", None, (-5_000_000, "USD")),
    ("€\u202f5", None, (5_000_000, "EUR")),
    ("5 £", None, (5_000_000, "GBP")),
    ("$5", None, (5_000_000, "USD")),
    ("$5", "cad", (5_000_000, "CAD")),
    ("5", " CAD ", (5_000_000, "CAD")),
    ("5", "$", (5_000_000, "USD")),
    ("5", "", (5_000_000, "EUR")),
    ("5", Number("5"), (5_000_000, "EUR")),
    ("5 USD", "$", (5_000_000, "USD")),
    ({"$numberDecimal": "-5.5"}, "JPY", (-5_500_000, "JPY")),
    ({"$numberDouble": ".5"}, None, (500_000, "EUR")),
    ("5 USD", "EUR", None),
    ("5", "US", None),
    ("5", " ", None),
    ("-$-5", None, None),
    ("5  USD", None, None),
    ("\u00a05", None, None),
    ("1e3", None, None),
    (Number("1e3"), None, None),
    ("5.", None, None),
    ("1" * 13, None, None),
    ("1." + "0" * 31, None, None),
    ("12,34", None, None),
    ({"$numberDecimal": "5 USD"}, None, None),
    ({"$numberDecimal": "NaN"}, None, None),
    (True, None, None),
]


@pytest.mark.parametrize(("value", "member", "expected"), AMOUNTS)
def test_amounts_of_the_oracle(value: Any, member: Any, expected: Any) -> None:
    found = None
    amount = oracle.amount_of(value)
    if amount is not None:
        try:
            found = amount[0] * 10**6, oracle.currency_of(amount[1], member, "EUR")
        except oracle.RejectionError as error:
            assert error.reason == "bad-amount"
    assert found == expected
