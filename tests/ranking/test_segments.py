"""Segments: held to a plain second counting; `--segment`, the same however it runs."""

import csv
import json
import random
from collections import Counter

import pytest

import ltv.parallel.driver
import ltv.ranking.segments
import ltv.reading.files
from hostile import hostile_events
from ltv.ranking.segments import (
    SEGMENTS,
    AllBounds,
    Segment,
    all_buyers,
    bounds_of,
    buyers_among,
    segment_of,
)
from ltv.times import DAY, time_text
from LTV_Calculate import topXSimpleLTVCustomers
from LTV_Ingest import Ingest
from segments_oracle import NAME, segments


def shop_events(seed, customers=60):
    """Events of customers with few different days, numbers and amounts of orders, and of others."""
    rng = random.Random(seed)
    for number in range(customers):
        who = {"customer_id": f"c{rng.randrange(1000)}-{number}"}
        seen = {"type": "SITE_VISIT", "verb": "NEW", "key": "p", **who}
        yield seen | {"event_time": time_text(17_000 * DAY)}
        for order in range(rng.choice([0, 1, 1, 1, 2, 3, 9])):
            time = time_text((17_000 + rng.choice([1, 2, 3, 50, rng.randrange(300)])) * DAY)
            amount = str(rng.choice([-5, 0, 10, 10, 20, rng.randrange(10**6)]))
            new = {"type": "ORDER", "verb": "NEW", "key": f"o{order}", **who}
            yield new | {"event_time": time, "total_amount": amount}


def shop(seed, customers=60):
    return Ingest(shop_events(seed, customers), {})


def found_in(D, parts=1):
    """The segment of each customer, found from so many parts."""
    customers = list(D.values())
    pieces = [buyers_among(customers[first::parts]) for first in range(parts)]
    bounds = bounds_of([piece for piece in pieces if piece.orders])
    return {
        customer.customer_id: name
        for customer in customers
        for name in SEGMENTS
        if Segment(name, bounds).has(customer)
    }


def test_every_score_has_one_of_the_ten_names():
    cells = [(r, f, m) for r in range(1, 6) for f in range(1, 6) for m in range(1, 6)]
    columns = {2: 0, 3: 0, 4: 1, 5: 1, 6: 2, 7: 3, 8: 3, 9: 4, 10: 4}
    assert [segment_of(r, f, m) for r, f, m in cells] == [
        NAME[r][columns[f + m]] for r, f, m in cells
    ]
    assert {segment_of(*cell) for cell in cells} == set(SEGMENTS)
    assert len(SEGMENTS) == len(set(SEGMENTS)) == 10


@pytest.mark.parametrize("seed", range(12))
def test_they_are_those_of_a_plain_counting(seed):
    D = shop(seed, customers=random.Random(seed).choice([1, 2, 3, 4, 5, 6, 7, 11, 60]))
    expected = segments(D)
    assert found_in(D) == expected
    assert found_in(D, parts=3) == expected
    assert all_buyers(D) == [buyers_among(D.values())]


@pytest.mark.parametrize("at_once", [1, 3, 40])
def test_the_ids_of_more_than_are_sorted_at_once(at_once, monkeypatch):
    """All but a few with the same values, and ids that go on where others end."""
    monkeypatch.setattr(ltv.ranking.segments, "_AT_ONCE", at_once)
    ids = ["a" * number for number in range(1, 15)] + [f"aa{n}" for n in range(15)] + ["é", "\0"]
    events = [
        {
            "type": "ORDER",
            "verb": "NEW",
            "key": "o",
            "customer_id": customer_id,
            "event_time": "2017-01-02",
            "total_amount": "5",
        }
        for customer_id in ids
    ]
    D = Ingest(events, {})
    for parts in (1, 4):
        assert found_in(D, parts) == segments(D)
    same = Ingest([event | {"customer_id": "b" * 9 + event["customer_id"]} for event in events], {})
    assert found_in(same) == segments(same)
    assert found_in(shop(1)) == segments(shop(1))


def test_hostile_ids_and_amounts_of_more_than_eight_bytes():
    big = {"type": "ORDER", "verb": "NEW", "event_time": "2017-05-05", "total_amount": "9" * 12}
    events = list(hostile_events())
    events += [big | {"key": f"{n}", "customer_id": f"{n % 3}"} for n in range(40)]
    D = Ingest(events, {})
    assert max(map(abs, buyers_among(D.values()).revenues)) > 2**63
    assert found_in(D) == segments(D)


def test_nobody_ordered():
    D = Ingest([{"type": "CUSTOMER", "verb": "NEW", "key": "c", "event_time": "2017-01-01"}], {})
    assert bounds_of(all_buyers(D)) == AllBounds((), (), ())
    assert found_in(D) == {}


def test_a_ranking_within_a_segment_is_that_of_all_less_the_others():
    D = shop(5, customers=80)
    names = segments(D)
    bounds = bounds_of(all_buyers(D))
    everybody = topXSimpleLTVCustomers(100, D)
    ranked: Counter[str] = Counter()
    for name in SEGMENTS:
        rows = [row for row in everybody if names.get(row.customer_id) == name]
        expected = [row._replace(rank=rank) for rank, row in enumerate(rows, 1)]
        assert topXSimpleLTVCustomers(100, D, within=Segment(name, bounds)) == expected
        ranked[name] = len(expected)
    assert ranked.total() == len(names)
    assert len(+ranked) > 7


# --- The command line -------------------------------------------------------------------------


@pytest.fixture(scope="module")
def log():
    return [json.dumps(event) for event in shop_events(2, customers=120)]


def rows_of(done):
    assert (done.status, done.err) == (0, "")
    return json.loads(done.out, parse_float=str)


@pytest.mark.parametrize("by", ["ltv", "recent"])
def test_it_is_the_same_by_processes_and_with_a_store(by, log, run, make_file, monkeypatch):
    names = segments(Ingest(map(json.loads, log), {}))
    file, rest = make_file("\n".join(log[:250]), "one"), make_file("\n".join(log[250:]), "two")
    question = ["--by", by, "-f", "json", "-o", "-", "-q"]
    everybody = rows_of(run(1000, file, rest, *question))

    def check(name, *arguments):
        found = rows_of(run(1000, *arguments, *question, "--segment", name))
        rows = [row for row in everybody["top"] if names.get(row["customer_id"]) == name]
        assert found["top"] == [row | {"rank": rank} for rank, row in enumerate(rows, 1)]
        assert (found["segment"], found["ranked"]) == (name, len(rows))
        assert found["customers"] == everybody["customers"]
        assert found["figures"] == everybody["figures"]

    check("champions", file, rest)
    if by != "ltv":
        return  # which customers are in it has nothing to do with the method
    check("lost", file, rest)
    for some in (file, rest):
        assert run(1, some, "--store", "shop", "-q", "-o", "-").status == 0
    everybody["figures"]["rejected_for"] = {}
    check("loyal", "--store", "shop")
    monkeypatch.setattr(ltv.reading.files, "_SMALL_BYTES", -1)
    monkeypatch.setattr(ltv.parallel.driver, "_LEAST_PART_BYTES", 20_000)
    monkeypatch.setattr(ltv.parallel.driver, "_LEAST_SHARDS", 4)
    check("lost", rest, file, "--store", "another", "--workers", 1)
    check("at-risk", rest, file, "--workers", 2)


def test_every_format_says_which_segment_it_is(log, run, make_file):
    file = make_file("\n".join(log))
    names = segments(Ingest(map(json.loads, log), {}))
    ids = [key for key, name in names.items() if name == "loyal"]
    title = f"Top 2 of {len(ids)} in the segment loyal, of 120 customers, by "
    question = [2, file, "--segment", "loyal", "-o", "-", "-q", "-f"]
    for form in ("text", "md", "html"):
        done = run(*question, form)
        assert done.status == 0
        assert title in done.out
    rows = list(csv.DictReader(run(*question, "csv").out.splitlines()))
    lines = [json.loads(line) for line in run(*question, "jsonl").out.splitlines()]
    assert [row["customer_id"] for row in rows] == [row["customer_id"] for row in lines]
    assert len(rows) == 2
    assert {row["customer_id"] for row in rows} <= set(ids)


def test_who_is_in_another_segment_has_no_rank(log, run, make_file):
    file = make_file("\n".join(log))
    names = segments(Ingest(map(json.loads, log), {}))
    lost = next(key for key, name in names.items() if name == "lost")
    explained = run(file, "--explain", lost, "--segment", "loyal", "-q").out
    assert explained.startswith(f"Customer {lost}: not ranked, not in the segment loyal, by 10")
    of_lost = sum(name == "lost" for name in names.values())
    explained = run(file, "--explain", lost, "--segment", "lost", "-q").out
    assert f" of {of_lost} by 10-year lifetime value" in explained.split("\n")[0]


MISTAKES = [
    (["--segment", "Loyal"], "given 'Loyal', expected {}, perhaps loyal"),
    (["--segment", "vip"], "given 'vip', expected {}"),
]


@pytest.mark.parametrize(("options", "message"), MISTAKES)
def test_another_name_is_a_mistake_with_the_names(options, message, run, make_file):
    done = run(10, make_file(""), *options)
    names = ", ".join(SEGMENTS[:-1]) + f" or {SEGMENTS[-1]}"
    assert done.status == 2
    assert message.format(names) + "; for example" in done.err


def test_a_backtest_ranks_all(run, make_file):
    done = run(10, make_file(""), "--backtest", "2017-01-01", "--segment", "loyal")
    assert done.status == 2
    assert "argument --segment: cannot be used with --backtest" in done.err


def test_nobody_is_in_it(run, make_file):
    log = make_file(json.dumps(next(shop_events(1))))
    done = run(3, log, "--segment", "new", "--min-orders", "2", "-q")
    assert done.status == 1
    assert done.err == (
        "Main_Calculation.py: nobody to rank: none of 1 customer is in the segment new and has "
        "2 orders or more\n"
    )
