"""`--timezone`: times without a zone are in another one, whichever way an event takes."""

import json
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from conftest import TINY_SIZES, Done
from ltv.cluster.tasks import PartOfPlace, Setting, read
from ltv.parallel.parts import Part
from ltv.times import time_text
from ltv.values import parse_time
from LTV_Ingest import Rules

Run = Callable[..., Done]
MakeFile = Callable[..., str]

NEW_YORK, BERLIN = "America/New_York", "Europe/Berlin"

INSTANTS = [
    ("2021-07-01 00:30:00", BERLIN, "2021-06-30T22:30:00Z"),
    ("2021-01-01", BERLIN, "2020-12-31T23:00:00Z"),
    ("2021-07-01T00:30", BERLIN, "2021-06-30T22:30:00Z"),
    ("2021-07-01:00:30:00,25", "Asia/Kathmandu", "2021-06-30T18:45:00.25Z"),
    ("2021-07-01 00:30:00Z", BERLIN, "2021-07-01T00:30:00Z"),
    ("2021-07-01 00:30:00 UTC", BERLIN, "2021-07-01T00:30:00Z"),
    ("2021-07-01 00:30:00+00", BERLIN, "2021-07-01T00:30:00Z"),
    ("2021-07-01 00:30:00 -05:00", BERLIN, "2021-07-01T05:30:00Z"),
    ("2021-10-31 02:30:00", BERLIN, "2021-10-31T00:30:00Z"),  # shown twice: the first
    ("2021-03-28 02:30:00", BERLIN, "2021-03-28T01:30:00Z"),  # skipped: as before
    ("1971-01-01 00:00:00", "Africa/Monrovia", "1971-01-01T00:44:30Z"),
    ("1969-12-31 20:00:00", NEW_YORK, "1970-01-01T01:00:00Z"),
    ("2021-07-01 00:30:00", None, "2021-07-01T00:30:00Z"),
]


@pytest.mark.parametrize(("time", "zone", "expected"), INSTANTS)
def test_an_instant(time: str, zone: str | None, expected: str) -> None:
    assert time_text(parse_time(time, zone)) == expected
    assert time_text(parse_time({"$date": time}, zone)) == expected


FORMS = ["%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S.%f", "%Y-%m-%dT%H:%M", "%Y-%m-%d"]


def logs(seed: int, zone: str) -> tuple[str, str]:
    """A log of times without a zone and with one, and the same in UTC."""
    rng = random.Random(seed)
    forms = rng.sample(FORMS, rng.choice([1, 1, 4]))
    lines: list[list[str]] = [[], []]
    for number in range(120):
        time = datetime(2021, 1, 1) + timedelta(minutes=rng.randrange(500_000), milliseconds=7)
        form = rng.choice(forms)
        text = time.strftime(form)
        local = datetime.strptime(text, form).replace(tzinfo=ZoneInfo(zone))
        if rng.random() < 0.2:
            text += "" if form == "%Y-%m-%d" else "+01:00"
            if text.endswith("+01:00"):
                local = datetime.fromisoformat(text)
        event = {"type": "SITE_VISIT", "verb": "NEW", "key": f"k{number}"}
        event["customer_id"] = f"c{rng.randrange(9)}"
        if rng.random() < 0.7:
            event |= {"type": "ORDER", "total_amount": f"{number}.50 USD"}
        for log, one in zip(lines, (text, local.astimezone(UTC).isoformat()), strict=True):
            log.append(json.dumps(event | {"event_time": one}))
    return "\n".join(lines[0]) + "\n", "\n".join(lines[1]) + "\n"


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("way", ["a dict", "shards", "a store"])
def test_a_log_is_that_of_the_same_instants_in_utc(
    run: Run, make_file: MakeFile, monkeypatch: pytest.MonkeyPatch, way: str, seed: int
) -> None:
    zone = [BERLIN, NEW_YORK][seed % 2]
    local, in_utc = logs(seed, zone)
    expected = run(9, make_file(in_utc), "-f", "jsonl", "-o", "-")
    options = ["--store", "s.store"] if way == "a store" else []
    if way == "shards":
        for module, name, size in TINY_SIZES:
            monkeypatch.setattr(module, name, size)
        options = ["--workers", "1"]
    done = run(9, make_file(local), "--timezone", zone, "-f", "jsonl", "-o", "-", *options)
    assert (done.status, done.out) == (0, expected.out)


def test_a_task_of_a_cluster_has_the_zone(make_file: MakeFile) -> None:
    local, in_utc = logs(1, BERLIN)
    pieces = [
        [piece for _, piece in read([PartOfPlace(0, Part(make_file(log)))], 0, Setting(1, rules))]
        for log, rules in (
            (local, Rules(with_details=False, timezone=BERLIN)),
            (in_utc, Rules(with_details=False)),
        )
    ]
    customers = [[piece for piece in some if isinstance(piece, bytes)] for some in pieces]
    assert customers[0] == customers[1] != []


def test_a_lone_time_is_named_with_its_place(
    run: Run, make_file: MakeFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    local, _ = logs(0, BERLIN)
    far = json.loads(local.splitlines()[0]) | {"event_time": "2030-01-01 00:30:00"}
    for module, name, size in TINY_SIZES:
        monkeypatch.setattr(module, name, size)
    log = make_file(f"{local}{json.dumps(far)}\n", "log")
    done = run(9, log, "--timezone", BERLIN, "--workers", "1", "-o", "-")
    assert "2029-12-31T23:30:00Z" in done.err
    assert f"{log}: line 121: the latest event" in done.err


def test_an_unknown_zone_is_a_mistake(run: Run) -> None:
    done = run(9, "--timezone", "Europe/Berlino")
    assert done.status == 2
    assert "expected the name of a time zone, such as Europe/Berlin" in done.err
