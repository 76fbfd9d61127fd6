"""`--explain`: what went into one customer's value, against the ranking and the oracle."""

import json
import os
import random
from collections import Counter
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from test_main import AN_EXAMPLE, FIRST_OF_BAD, OLD, SAMPLE, contents, said

import ltv.customers
import ltv.options
import ltv.output.explain
import ltv.reading.files
import oracle
import random_logs
from conftest import TINY_SIZES, Done
from ltv.output.explain import UnknownCustomerError, explain
from LTV_Classes import Customer
from LTV_Ingest import Ingest

Run = Callable[..., Done]
MakeFile = Callable[..., str]

WAYS = ("in one piece", "by one process", "by two")


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Has small logs read in one piece, or in parts and shards by so many processes."""
    monkeypatch.setattr("os.fsync", lambda descriptor: None)  # hundreds of them take their time
    name_of_way = str(request.param)
    if name_of_way == WAYS[0]:
        monkeypatch.setattr(ltv.reading.files, "_SMALL_BYTES", 10**9)
        return name_of_way
    for module, name, value in TINY_SIZES:
        monkeypatch.setattr(module, name, value)
    processes = WAYS.index(name_of_way)
    monkeypatch.setattr(ltv.customers, "processor_count", lambda: processes)
    return name_of_way


def lines(*events: dict[str, object]) -> str:
    return "".join(json.dumps(event) + "\n" for event in events)


def order(customer_id: object, key: object, amount: str, **members: object) -> dict[str, object]:
    event: dict[str, object] = {
        "type": "ORDER",
        "verb": "NEW",
        "key": key,
        "customer_id": customer_id,
        "event_time": "2017-01-04T12:00:00Z",
        "total_amount": amount,
    }
    return event | members


def visit(customer_id: object, key: object, **members: object) -> dict[str, object]:
    event: dict[str, object] = {
        "type": "SITE_VISIT",
        "verb": "NEW",
        "key": key,
        "customer_id": customer_id,
        "event_time": "2017-01-04T12:00:00Z",
    }
    return event | members


@pytest.fixture
def sample(in_tmp: Path, make_file: MakeFile) -> str:
    """The worked example as `log.jsonl` in the working directory."""
    make_file(SAMPLE, "log.jsonl")
    return "log.jsonl"


# --- Against the oracle -----------------------------------------------------------------------


def events_of(
    data: bytes, options: dict[str, str]
) -> tuple[list[oracle.Event], list[dict[str, Any]]]:
    """What the oracle accepts, and its ranking of all customers."""
    last_day = oracle.date.fromisoformat(options["until"]) if "until" in options else None
    sorting = oracle.Sorting(options["currency"], last_day)
    for unit in oracle.units("log", data):
        sorting.add("log", unit)
    if not sorting.accepted:
        return [], []
    result = oracle.ranked(sorting, 10**9, Fraction(options["lifespan"]))
    return sorting.accepted, result.rows


def latest_orders(events: list[oracle.Event]) -> list[dict[str, Any]]:
    """The events that set the amounts of a customer's orders, by time, in another way."""
    latest: dict[str, tuple[Any, bool, Fraction]] = {}
    for event in events:
        if event.kind == "ORDER":
            stamp = event.time, event.verb == "UPDATE", event.amount
            latest[event.key] = max(latest.get(event.key, stamp), stamp)
    by_time = sorted(latest.items(), key=lambda item: (item[1][0], item[0]))
    return [
        {
            "order_id": key,
            "event_time": oracle.rfc3339(time),
            "verb": "UPDATE" if is_update else "NEW",
            "amount": amount,
        }
        for key, (time, is_update, amount) in by_time
    ]


def expected_of(
    row: dict[str, Any], events: list[oracle.Event], all_events: list[oracle.Event]
) -> dict[str, Any]:
    begin, end = min(event.time for event in events), max(event.time for event in all_events)
    visits = {(event.key, event.time) for event in events if event.kind == "SITE_VISIT"}
    times = sorted(time for _, time in visits)
    of_page = Counter(key for key, _ in visits)
    pages = sorted(of_page.items(), key=lambda page: (-page[1], page[0]))
    orders = [event.time for event in events if event.kind == "ORDER"]
    return row | {
        "last_order": oracle.rfc3339(max(orders)) if orders else None,
        "images": len({event.key for event in events if event.kind == "IMAGE"}),
        "begin": oracle.rfc3339(begin),
        "begin_week": oracle.monday(begin).isoformat(),
        "end_week": oracle.monday(end).isoformat(),
        "first_visit": oracle.rfc3339(times[0]) if times else None,
        "last_visit": oracle.rfc3339(times[-1]) if times else None,
        "pages": len(of_page),
        "order_events": latest_orders(events),
        "page_visits": [{"page_id": key, "visits": count} for key, count in pages[:20]],
    }


def compare(run: Run, rng: random.Random, make_file: MakeFile) -> int:
    """Explain every customer of a random log; how many there are."""
    texts = random_logs.random_events(rng, rng.choice([2, 20, 60]))
    data = random_logs.json_lines(rng, texts)
    options = {"lifespan": rng.choice(["10", "2.5"]), "currency": rng.choice(["USD", "EUR"])}
    if rng.random() < 0.3:
        options["until"] = "2017-06-30"
    try:
        events, rows = events_of(data, options)
    except oracle.Failure:
        return 0
    log = make_file(data, "log")
    given = [word for name, value in options.items() for word in (f"--{name}", value)]
    for row in rows:
        done = run(log, f"--explain={row['customer_id']}", "-f", "json", "-q", *given)
        assert done.status == 0
        found = json.loads(done.out, parse_float=str)
        assert found["customers"] == len(rows)
        customer = found["customer"]
        assert Fraction(options["lifespan"]) == Fraction(customer.pop("formula").split(" x ")[2])
        by_method = customer.pop("by_method")
        assert [by_method["ltv"], by_method["revenue"]] == [customer["ltv"], customer["revenue"]]
        for each in customer["order_events"]:
            each["amount"] = Fraction(each["amount"])
        own = [event for event in events if event.customer_id == row["customer_id"]]
        assert customer == expected_of(row, own, events)
    return len(rows)


def test_every_customer_of_random_logs(way: str, run: Run, make_file: MakeFile):
    counts = []
    for seed in range(10 if way != "by two" else 2):
        try:
            counts.append(compare(run, random.Random(seed), make_file))
        except AssertionError as error:
            error.add_note(f"seed {seed}")
            raise
    assert max(counts) > 4


# --- By the table -----------------------------------------------------------------------------

C1 = """\
Customer c1: rank 1 of 2 by 10-year lifetime value (LTV)
Data from 2017-01-01 to 2017-01-09 UTC, 3 weeks

3 weeks, the first and the last counted
        time                 week of Monday event
  begin 2017-01-01T10:00:00Z 2016-12-26     the customer's first
  end   2017-01-09T00:00:00Z 2017-01-09     the last of all the data

1 order, 20.01 USD of revenue
  order amount set at        by       USD
  o1    2017-01-03T10:02:00Z UPDATE 20.01
  all                               20.01

2 visits from 2017-01-01T10:01:00Z to 2017-01-09T00:00:00Z
  page visits
  p1        2
0.6667 visits per week, 10.01 USD of revenue per visit
0 images

LTV = 52 x revenue / weeks x years
    = 52 x 20.01 / 3 x 10
    = 3,468.40 USD
Fewer than 13 weeks or fewer than 2 orders: too short a history to go by

By each method (--by)
               USD
  ltv     3,468.40 the average week, continued
  revenue    20.01 the sum of the orders
  recent     19.12 an order weighs half as much every 13 weeks
"""
C2_JSON = """\
{
  "currency": "USD",
  "lifespan_years": 2.50,
  "by": "ltv",
  "begin": "2017-01-01T10:00:00Z",
  "end": "2017-01-09T00:00:00Z",
  "events": {"read": 6, "accepted": 6, "rejected": 0},
  "customers": 2,
  "visits": 2,
  "orders": 2,
  "images": 0,
  "warnings": [],
  "customer": {
    "rank": 2,
    "customer_id": "c2",
    "last_name": null,
    "ltv": 433.55,
    "revenue": 6.67,
    "orders": 1,
    "visits": 0,
    "weeks": 2,
    "revenue_per_visit": null,
    "visits_per_week": 0.0000,
    "begin": "2017-01-08T23:59:59.999Z",
    "last_order": "2017-01-08T23:59:59.999Z",
    "images": 0,
    "begin_week": "2017-01-02",
    "end_week": "2017-01-09",
    "formula": "52 x 6.67 / 2 x 2.50",
    "first_visit": null,
    "last_visit": null,
    "pages": 0,
    "by_method": {"ltv": 433.55, "revenue": 6.67, "recent": 6.62, "half_life_weeks": 13},
    "order_events": [
      {"order_id": "o1", "event_time": "2017-01-08T23:59:59.999Z", "verb": "NEW", "amount": 6.67}
    ],
    "page_visits": []
  }
}
"""


def test_the_worked_example(way: str, run: Run, sample: str, in_tmp: Path):
    done = run(sample, "--explain", "c1")
    assert done == (
        0,
        C1,
        "Read 6 events from 1 file: 6 accepted, 0 rejected.\n"
        "Data from 2017-01-01 to 2017-01-09 UTC, 3 weeks: "
        "2 customers, 2 visits, 2 orders, 0 images.\n",
    )
    assert os.listdir(in_tmp) == [sample]


def test_as_json(way: str, run: Run, sample: str, in_tmp: Path):
    done = run(sample, "--explain", "c2", "-f", "json", "-q", "--lifespan", "2.50")
    assert done == (0, C2_JSON, "")
    assert os.listdir(in_tmp) == [sample]


def test_into_a_file(run: Run, sample: str, in_tmp: Path):
    done = run(sample, "--explain", "c1", "-o", "c1.json")
    assert done.out == C1
    assert done.err.endswith("\nResults: c1.json\n")
    assert json.loads((in_tmp / "c1.json").read_text("utf-8"))["customer"]["ltv"] == 3468.40
    assert run(sample, "--explain", "c1", "-o", "c1.txt", "-q") == (0, "", "")
    assert (in_tmp / "c1.txt").read_text("utf-8") == C1


def test_earlier_results_are_left_as_they_are(
    run: Run, sample: str, in_tmp: Path, monkeypatch: pytest.MonkeyPatch
):
    for directory in ("input", "output"):
        (in_tmp / directory).mkdir()
    (in_tmp / "input" / "log.jsonl").write_text(SAMPLE + "{}\n", "utf-8")
    for name in ("output.txt", "output.rejects.jsonl"):
        (in_tmp / "output" / name).write_text(OLD, "utf-8")
    monkeypatch.setattr(ltv.options, "PROJECT", str(in_tmp))
    assert run("--explain", "c1", "-q") == (0, C1, "")
    assert contents(in_tmp / "output") == {
        "output.txt": OLD.encode(),
        "output.rejects.jsonl": OLD.encode(),
    }


@pytest.mark.parametrize(
    "arguments",
    [
        ["log.jsonl", "--explain", "c1"],
        ["--explain", "c1", "log.jsonl"],
        ["10", "log.jsonl", "--explain", "c1"],
        ["1", "--explain", "c1", "log.jsonl"],
        ["--explain=c1", "1", "log.jsonl"],
    ],
)
def test_with_x_and_without(arguments: list[str], run: Run, sample: str):
    assert run(*arguments, "-q") == (0, C1, "")


def test_several_files_without_x(run: Run, sample: str, make_file: MakeFile):
    make_file(lines(visit("c3", "p")), "7.jsonl")
    options = ltv.options.parse_options(["7.jsonl", "--explain", "c3", sample])
    assert (options.x, options.paths) == (1, ["7.jsonl", sample])
    assert run("7.jsonl", sample, "--explain", "c3", "-q").status == 0


def test_a_name_of_digits_alone_is_an_x(run: Run, sample: str):
    options = ltv.options.parse_options(["2017", sample, "--explain", "c1"])
    assert (options.x, options.paths) == (2017, [sample])
    options = ltv.options.parse_options(["./2017", sample, "--explain", "c1"])
    assert (options.x, options.paths) == (1, ["./2017", sample])


AN_ID = "expected the id of a customer, a text of 1 to 256 characters"


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--explain"], "argument --explain: expected one argument"),
        (["--explain", ""], f"argument --explain: given '', {AN_ID}"),
        (["--explain", 257 * "x"], f"argument --explain: given '{257 * 'x'}', {AN_ID}"),
        (["--explain", "\ud800"], rf"argument --explain: given '\ud800', {AN_ID}"),
        (
            ["--explain", "c", "0"],
            "argument X: given '0', expected a whole number of at least 1, such as 10",
        ),
        (
            ["--explain", "c", ""],
            "argument X: given '', expected a whole number of at least 1, such as 10",
        ),
        (
            ["--explain", "c", "a\0"],
            r"argument FILE: given 'a\x00', expected the path of a file, such as top.csv",
        ),
        *(
            (
                ["--explain", "c", *arguments],
                f"argument --explain: given the format {name}, expected text or json",
            )
            for arguments, name in (
                (["-f", "csv"], "csv"),
                (["-o", "c.jsonl"], "jsonl"),
                (["-o", "c.txt", "-f", "csv"], "csv"),
            )
        ),
    ],
)
def test_mistakes(arguments: list[str], problem: str, run: Run, in_tmp: Path):
    assert run(*arguments) == (2, "", said(problem + AN_EXAMPLE))
    assert os.listdir(in_tmp) == []


# --- Ranks and figures ------------------------------------------------------------------------


def text_of(run: Run, log: str, customer_id: str, *options: str) -> str:
    done = run(log, f"--explain={customer_id}", "-q", *options)
    assert (done.status, done.err) == (0, "")
    return str(done.out)


def test_ties_stand_in_the_order_of_their_ids(way: str, run: Run, make_file: MakeFile):
    amounts = {"b": "2", "a": "2", "é": "2", "Z": "2", "top": "2.000001", "last": "-1", "none": ""}
    log = make_file(
        lines(
            *(order(name, "o", amount) if amount else visit(name, "p")
              for name, amount in amounts.items())
        )
    )  # fmt: skip
    ranks = ["top", "Z", "a", "b", "é", "none", "last"]
    for rank, name in enumerate(ranks, 1):
        assert f"Customer {name}: rank {rank} of 7 by" in text_of(run, log, name)


def test_a_customer_without_orders_or_visits(way: str, run: Run, make_file: MakeFile):
    log = make_file(
        lines(
            {
                "type": "CUSTOMER",
                "verb": "NEW",
                "key": "c",
                "event_time": "2017-01-02",
                "last_name": "Nobody",
            },
            order("d", "o", "1"),
        )
    )
    assert text_of(run, log, "c") == (
        "Customer c, Nobody: rank 2 of 2 by 10-year lifetime value (LTV)\n"
        "Data from 2017-01-02 to 2017-01-04 UTC, 1 week\n"
        "\n"
        "1 week, the first and the last counted\n"
        "        time                 week of Monday event\n"
        "  begin 2017-01-02T00:00:00Z 2017-01-02     the customer's first\n"
        "  end   2017-01-04T12:00:00Z 2017-01-02     the last of all the data\n"
        "\n"
        "0 orders, 0.00 USD of revenue\n"
        "\n"
        "0 visits\n"
        "0 images\n"
        "\n"
        "LTV = 52 x revenue / weeks x years\n"
        "    = 52 x 0.00 / 1 x 10\n"
        "    = 0.00 USD\n"
        "Fewer than 13 weeks or fewer than 2 orders: too short a history to go by\n"
        "\n"
        "By each method (--by)\n"
        "           USD\n"
        "  ltv     0.00 the average week, continued\n"
        "  revenue 0.00 the sum of the orders\n"
        "  recent  0.00 an order weighs half as much every 13 weeks\n"
    )


def test_orders_by_time_with_their_exact_amounts(way: str, run: Run, make_file: MakeFile):
    log = make_file(
        lines(
            order("c", "late", "1,234.5 EUR", event_time="2017-02-01"),
            order("c", 7, "-2000.000001", verb="UPDATE"),
            order("c", "7", "9999", event_time="2017-01-01"),
            order("c", "6", "0.12", event_time="2017-01-04T12:00:00.5Z"),
            order("c", "zero", "-0"),
        )
    )
    text = text_of(run, log, "c", "--currency", "EUR", "--lifespan", "0.5")
    assert (
        "4 orders, -765.38 EUR of revenue\n"
        "  order amount set at          by               EUR\n"
        "  7     2017-01-04T12:00:00Z   UPDATE -2,000.000001\n"
        "  zero  2017-01-04T12:00:00Z   NEW             0.00\n"
        "  6     2017-01-04T12:00:00.5Z NEW             0.12\n"
        "  late  2017-02-01T00:00:00Z   NEW         1,234.50\n"
        "  all                                   -765.380001\n"
    ) in text
    assert (
        "LTV = 52 x revenue / weeks x years\n"
        "    = 52 x -765.380001 / 6 x 0.5\n"
        "    = -3,316.65 EUR\n"
    ) in text


def test_many_visits_make_few_lines(way: str, run: Run, make_file: MakeFile):
    seconds = [f"2017-01-04T12:{number // 60:02}:{number % 60:02}Z" for number in range(500)]
    events = [visit("c", f"p{number}", event_time=time) for number, time in enumerate(seconds)]
    events += [visit("c", "p9", event_time=time) for time in seconds[:100]]
    text = text_of(run, make_file(lines(*events)), "c")
    assert len(text.splitlines()) < 50
    assert (
        "599 visits from 2017-01-04T12:00:00Z to 2017-01-04T12:08:19Z\n"
        "  page visits\n"
        "  p9      100\n"
        "  p0        1\n"
        "  p1        1\n"
        "  p10       1\n"
    ) in text
    assert (
        "  p112      1\n"
        "  p113      1\n"
        "  p114      1\n"
        "  and 480 more pages\n"
        "599.0000 visits per week, 0.00 USD of revenue per visit\n"
    ) in text


HOSTILE = "\x1b[2J\u202e" + 250 * "x"


def test_what_a_terminal_would_act_on_is_escaped(way: str, run: Run, make_file: MakeFile):
    name = "N\nme\x07"
    log = make_file(
        lines(
            order(HOSTILE, HOSTILE, "1"),
            visit(HOSTILE, HOSTILE),
            visit(HOSTILE, "=1"),
            {
                "type": "CUSTOMER",
                "verb": "NEW",
                "key": HOSTILE,
                "event_time": "2017-01-02",
                "last_name": name,
            },
        )
    )
    text = text_of(run, log, HOSTILE)
    title, *rest = text.splitlines()
    assert title == (
        rf"Customer \x1b[2J\u202e{250 * 'x'}, N\nme\x07: "
        "rank 1 of 1 by 10-year lifetime value (LTV)"
    )
    assert text.replace("\n", "").isprintable()
    assert [line.split()[0] for line in rest if "x" * 250 in line] == [title.split()[1][:-1]] * 2
    found = json.loads(text_of(run, log, HOSTILE, "-f", "json"))["customer"]
    assert (found["customer_id"], found["last_name"]) == (HOSTILE, name)
    assert found["order_events"][0]["order_id"] == HOSTILE
    assert found["page_visits"][0]["page_id"] == HOSTILE


# --- By the begin of an id --------------------------------------------------------------------

IDS = ["35de97", "c1", "c10", "c11", "x1…", "x1…2", "é1", "é2", *(f"m{n:02}" for n in range(20))]
SHARED_M = '"m00", "m01", "m02", "m03", "m04" and more'

#: What is given; whose value is explained, or what is said of those that begin so.
BEGINS = {
    "c1": "c1",  # the whole id is tried first
    "c10": "c10",
    "35": "35de97",
    "3": "35de97",
    "35de97…": "35de97",
    "35de…": "35de97",
    "x1…": "x1…",
    "x1": '"x1…", "x1…2"',
    "x1…2": "x1…2",
    "x1……": '"x1…", "x1…2"',
    "é": '"é1", "é2"',
    "c": '"c1", "c10", "c11"',
    "m": SHARED_M,
    "m1": SHARED_M.replace("m0", "m1"),
    "35…7": "35de97",  # as a terminal shows a long one
    "3…e97": "35de97",
    "m0…5": "m05",
    "m…5": '"m05", "m15"',
    "…9": '"m09", "m19"',
    "c1…1": "c11",
    "x…": '"x1…", "x1…2"',
    "35de97…7": "",  # one that is cut is longer than what is left of it
    "35…8": "",
    "…": '"35de97", "c1", "c10", "c11", "m00" and more',
    "35de977": "",
    "5de97": "",
    "C1": "",
    "e": "",
}


@pytest.mark.parametrize("store", [[], ["--store", "shop.store"]], ids=["", "store"])
def test_the_begin_of_an_id(way: str, store: list[str], run: Run, make_file: MakeFile):
    log = make_file(lines(*(visit(each, "p") for each in IDS)))
    if store:
        assert run(1, log, "-q", "-o", "-", *store).status == 0
        log, where = "--store=shop.store", "not in the store shop.store"
    else:
        where = "in none of the events"
    for given, expected in BEGINS.items():
        done = run(log, "--explain", given, "-q")
        if expected in IDS:
            assert done.out.startswith(f"Customer {expected}: rank "), given
            assert (done.status, done.err) == (0, "")
        else:
            so = "begin so" if given.partition("…")[2] in ("", "…") else "begin and end so"
            begin_so = f"; ids that {so}: {expected}" if expected else ""
            assert done == (1, "", said(f'customer "{given}" is {where}{begin_so}'))


def test_the_begin_of_an_id_in_a_store_that_a_large_log_joins(
    way: str, run: Run, make_file: MakeFile
):
    log = make_file(lines(*(visit(each, "p") for each in IDS)))
    done = run(log, "--explain", "35d", "--store", "store", "-q")
    assert done.out.startswith("Customer 35de97: rank ")


# --- Who is not known -------------------------------------------------------------------------


@pytest.mark.parametrize("customer_id", ["nobody", "C1", " c1\n", "\uff43\uff11", "B  B", "b\x1bb"])
def test_a_customer_that_is_not_known(
    customer_id: str, way: str, run: Run, make_file: MakeFile, in_tmp: Path
):
    ids = ["c1", "c2", " b b", "b B", "b b", "bb", "c-1"]
    log = make_file(lines(*(visit(each, "p") for each in ids)) + "{}\n", "log.jsonl")
    make_file(OLD, "out.txt")
    done = run(log, f"--explain={customer_id}", "-o", "out.txt")
    shown = customer_id.replace("\n", r"\n").replace("\x1b", r"\x1b")
    assert done == (1, "", said(f'customer "{shown}" is in none of the events'))
    assert contents(in_tmp) == {"log.jsonl": Path(log).read_bytes(), "out.txt": OLD.encode()}


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ([], "nothing to rank in 1 file: 1 event rejected, 1 for unknown-type"),
        (["--strict"], "1 event rejected, --strict allows 0; the first: log, "),
    ],
)
def test_nothing_known_at_all(
    *, options: list[str], problem: str, way: str, run: Run, make_file: MakeFile
):
    make_file('{"type":"WISH"}\n', "log")
    expected = (3, problem + FIRST_OF_BAD.format(1)) if options else (1, problem)
    done = run("log", "--explain", "c", "-q", *options)
    assert done == (expected[0], "", said(expected[1]))


# --- From Python ------------------------------------------------------------------------------


def test_on_a_mapping():
    D = Ingest([order("c", "o", "5"), order("d", "o", "6"), visit("c", "p")], {})
    explanation = explain("c", D, lifespan="2")
    assert (explanation.rank, str(explanation.row.ltv)) == (2, "520.00")
    assert explanation.evidence.page_visits == [("p", 1)]
    with pytest.raises(UnknownCustomerError) as caught:
        explain("D", D)
    assert caught.value.customer_id == "D"
    Ingest([visit("dd", "p"), visit("ee", "p")], D)
    D["f"] = Customer("f")  # of whom there are no events
    assert explain("e…", D).row.customer_id == "ee"
    with pytest.raises(UnknownCustomerError) as caught:
        explain("", D)
    assert caught.value.ids == ["c", "d", "dd", "ee"]
    with pytest.raises(UnknownCustomerError) as caught:
        explain("f", D)
    assert caught.value.ids == []
    with pytest.raises(ValueError, match=r"^lifespan: expected years"):
        explain("c", D, lifespan=0)
