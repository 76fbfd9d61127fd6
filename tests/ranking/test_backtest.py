"""`--backtest`: held to a slow and plain second counting, and to the figures of SPEC."""

import csv
import io
import json
import math
import random
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from html.parser import HTMLParser
from pathlib import Path

import backtest_oracle
import pytest

import oracle
import oracle_reading
from conftest import PROJECT, TINY_SIZES, without_origin
from ltv.ranking.backtest import BeganLater, Period, Scores, backtest_of, best_values
from ltv.ranking.by import sample_of
from ltv.ranking.model import Forecast, TooFewRepeatersError, fit_model
from ltv.ranking.purchases import purchases_of
from ltv.times import DAY
from LTV_Ingest import Ingest

CDNOW = PROJECT.parent / "shared" / "data" / "cdnow.jsonl.gz"

FIRST_DAY = datetime(2017, 1, 2)
KNOWN = "2017-07-31"
FORMATS = ("txt", "csv", "json", "jsonl", "md", "html")

ROW = [
    "method",
    "half_life_weeks",
    "customers",
    "precision",
    "share_percent",
    "best_share_percent",
    "random_share_percent",
    "difference",
    "low",
    "high",
    "predicted_to_real",
]


def order(key, customer_id, time, amount, verb="NEW"):
    return {
        "type": "ORDER",
        "verb": verb,
        "key": key,
        "customer_id": customer_id,
        "event_time": str(time),
        "total_amount": f"{amount:.2f} USD",
    }


def visit(customer_id, time):
    return {
        "type": "SITE_VISIT",
        "verb": "NEW",
        "key": "p",
        "customer_id": customer_id,
        "event_time": str(time),
    }


def lines_of(events):
    return [json.dumps(event).encode() for event in events]


def random_shop(seed, customers=45):
    """A year of orders: some updated, also after KNOWN, some sent back, some of equal amounts."""
    rng = random.Random(seed)
    midnight = datetime.fromisoformat(KNOWN) + timedelta(days=1)
    instants = [midnight, midnight - timedelta(microseconds=1), datetime(2017, 12, 31, 12)]
    events = []
    for number in range(customers):
        customer_id = f"c{number:02}" if rng.random() < 0.9 else f"日{number}"
        begin = FIRST_DAY + timedelta(days=rng.choice([0, 0, 30, 120, rng.uniform(0, 360)]))
        if rng.random() < 0.5:
            events.append(visit(customer_id, begin))
        for key in range(rng.choice([0, 1, 2, 4, 9])):
            time = rng.choice([*instants, begin, begin + timedelta(days=rng.uniform(0, 300))])
            time = min(max(time, begin), datetime(2017, 12, 31, 12))
            amount = rng.choice([10, 10, 20.01, 0, -5, rng.uniform(1, 90)])
            events.append(order(f"o{key}", customer_id, time, amount))
            while rng.random() < 0.25:
                time += timedelta(days=rng.uniform(0, 90))
                time = min(time, datetime(2017, 12, 31, 12))
                events.append(order(f"o{key}", customer_id, time, rng.choice([0, 7, 31]), "UPDATE"))
    lines = lines_of(events)
    lines += [line[:-2] for line in lines if rng.random() < 0.02]  # which are rejected
    rng.shuffle(lines)
    return lines


def accepted(lines):
    sorting = oracle.Sorting("USD")
    for unit in oracle_reading.units("log", b"\n".join(lines)):
        sorting.add("log", unit)
    return sorting.accepted


def expected_of(lines, horizon):
    """What the model expects of each customer; None without one."""
    end = int(datetime.fromisoformat(f"{KNOWN}T00:00+00:00").timestamp() * 1_000_000) + DAY
    events = []
    for line in lines:
        try:
            events.append(json.loads(line))
        except ValueError:
            continue
    D = Ingest(events, {}, before=end, errors=[])
    try:
        model = fit_model(sample_of(D, end - 1))
    except TooFewRepeatersError:
        return None
    forecast = Forecast(model, horizon, end // DAY - 1)
    return {name: forecast.expected(purchases_of(one.order_stamps))[1] for name, one in D.items()}


def write(path, lines):
    Path(path).write_bytes(b"\n".join(lines) + b"\n")


def backtest(run, x, *options, log="log"):
    done = run(x, log, "--backtest", KNOWN, "-q", "-o", "out.json", *options)
    assert done.status == 0, done.err
    return json.loads(Path("out.json").read_text("utf-8"), parse_float=str)


def without_reasons(found):
    """The same as the oracle gives, and the methods that have no reason why not."""
    reasons = {method["method"]: method.pop("why_not") for method in found["methods"]}
    for method, reason in reasons.items():
        assert (reason is None) == bool(found["methods"][list(reasons).index(method)]["tops"])
    return found


NAMES = {
    "believe simple": "ltv",
    "believe revenue": "revenue",
    "believe recent revenue with a half-life": "recent",
    "believe recent revenue with a fitted": "recent-fitted",
    "believe expected": "expected",
    "cannot tell": None,
}


@pytest.mark.parametrize("seed", range(6))
def test_as_the_second_counting_has_it(seed, run):
    lines = random_shop(seed, (200, 12, 90)[seed % 3])
    write("log", lines)
    x = (3, 1, 200)[seed % 3]
    options = {"half_life": (13, 2.5)[seed % 2]}
    if seed % 3 == 2:
        options |= {"min_weeks": 5, "min_orders": 2}
    arguments = [f"--{name.replace('_', '-')}={value}" for name, value in options.items()]
    found = backtest(run, x, *arguments)
    events = accepted(lines)
    after = (max(event.time.date() for event in events) - date.fromisoformat(KNOWN)).days
    expected = backtest_oracle.backtest(
        events, x, date.fromisoformat(KNOWN), expected=expected_of(lines, after / 7), **options
    )
    result = without_reasons(found["backtest"])
    for method in result["methods"]:
        if method["half_life_weeks"] is not None:
            method["half_life_weeks"] = float(method["half_life_weeks"])
    sentence = result.pop("verdict")
    named = expected.pop("verdict")
    assert [name for words, name in NAMES.items() if words in sentence] == [named]
    assert result == expected
    assert found.get("ranked") == (expected["customers"] if "min_weeks" in options else None)
    assert "top" not in found


@pytest.fixture(scope="module")
def shop_lines():
    return random_shop(7, 220)


def written(run, *arguments):
    """What a run leaves in each format, with what it shows."""
    found = {}
    for ending in FORMATS:
        done = run(5, *arguments, "--backtest", KNOWN, "-o", f"out.{ending}")
        assert done.status == 0, done.err
        found[ending] = done.out, without_origin(Path(f"out.{ending}").read_bytes())
    return found


def test_the_same_bytes_whatever_the_order_the_slices_and_the_processes(
    run, shop_lines, monkeypatch
):
    lines = sorted(line for line in shop_lines if line.endswith(b"}"))
    write("log", lines)
    whole = written(run, "log")
    rng = random.Random(1)
    rng.shuffle(lines)
    write("a", lines[:50])
    write("b", lines[50:])
    for module, name, value in TINY_SIZES:
        is_of_parts = name.endswith("_PART_BYTES")
        monkeypatch.setattr(module, name, 50_000 if is_of_parts else value)
    assert written(run, "b", "a", "--workers", 2) == whole
    write("log", [*lines, *lines[::3]])
    again = written(run, "log")
    for ending in ("txt", "csv", "jsonl", "md"):  # the others say how many events were read
        assert again[ending] == whole[ending]


def test_rows_are_those_of_json(run, shop_lines):
    write("log", shop_lines)
    found = written(run, "log")
    result = json.loads(found["json"][1], parse_float=str)["backtest"]
    expected = []
    for method in result["methods"]:
        for top in method["tops"]:
            difference = top["difference"] or {"value": None, "low": None, "high": None}
            names = ("method", "half_life_weeks", "predicted_to_real")
            row = {name: method[name] for name in names} | top
            row |= {"difference": difference["value"]}
            row |= {name: difference[name] for name in ("low", "high")}
            expected.append({name: row[name] for name in ROW})
    rows = [json.loads(line, parse_float=str) for line in found["jsonl"][1].splitlines()]
    assert rows == expected
    assert [list(row) for row in rows] == [ROW] * len(rows)
    table = list(csv.reader(io.StringIO(found["csv"][1].decode(), newline="")))
    texts = [["" if cell is None else str(cell) for cell in row.values()] for row in expected]
    assert table == [ROW, *texts]


@pytest.mark.parametrize(("half_life", "told"), [("1", "1 week"), ("0.0000001", "0.0000001 weeks")])
def test_a_half_life_is_told_as_it_was_given(half_life, told, run):
    write("log", lines_of([BEFORE, AFTER]))
    for ending, text in {
        "csv": f"\nrecent,{half_life},1,",
        "jsonl": f'"recent", "half_life_weeks": {half_life},',
        "txt": f"\nrecent ({told})",
        "html": f"recent revenue with a half-life of {told}<",
    }.items():
        arguments = ("--backtest", KNOWN, "--half-life", half_life, "-o", f"out.{ending}")
        assert run(1, "log", *arguments).status == 0
        assert text in Path(f"out.{ending}").read_text("utf-8")


def test_people_are_told_the_verdict_first(run, shop_lines):
    write("log", shop_lines)
    found = written(run, "log")
    verdict = json.loads(found["json"][1])["backtest"]["verdict"]
    shown, text = found["txt"]
    assert shown.encode() == text
    lines = shown.splitlines()
    assert lines[0].startswith("Backtest: ")
    assert " ".join(shown.split("\n\n")[1].splitlines()) == verdict
    assert max(map(len, lines)) <= 80
    markdown = found["md"][1].decode()
    assert markdown.split("\n\n")[1] == f"**{verdict}**"
    page = found["html"][1].decode()
    assert f"<strong>{verdict}</strong>" in page
    for name in ("ltv", "revenue", "recent", "recent-fitted", "expected", "best"):
        assert f'<polyline class="line {name}" points="0,' in page
    opened = Tags()
    opened.feed(page)
    assert opened.open == []


class Tags(HTMLParser):
    """Fails on a tag that closes another one."""

    def __init__(self):
        super().__init__()
        self.open = []

    def handle_starttag(self, tag, attrs):
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


MISTAKES = [
    ("--by revenue", "argument --by: cannot be used with --backtest"),
    ("--by ltv", "argument --by: cannot be used with --backtest"),
    ("--explain c1", "argument --explain: cannot be used with --backtest"),
    ("--store s.store", "argument --store: cannot be used with --backtest"),
    ("--horizon 5", "argument --horizon: can only be used with --by expected"),
    ("--engine spark", "argument --backtest: cannot be used with --engine spark"),
]


@pytest.mark.parametrize(("options", "message"), MISTAKES)
def test_mistakes(options, message, run):
    done = run(5, "log", "--backtest", KNOWN, "-o", "out", *options.split())
    assert (done.status, done.out) == (2, "")
    assert done.err.startswith(f"Main_Calculation.py: {message}; for example: ")


def test_a_date_that_is_none(run):
    done = run(5, "log", "--backtest", "2017-02-30")
    assert done.status == 2
    assert "argument --backtest: given '2017-02-30', expected a date" in done.err


BEFORE = order("o1", "c1", "2017-01-02", 10)
AFTER = order("o2", "c1", "2017-12-31", 10)
FAILURES = [
    (
        [BEFORE, AFTER],
        "2017-02-26",
        "--backtest needs 56 days of data before 2017-02-26 and as many after it: the data is "
        "from 2017-01-02 to 2017-12-31",
    ),
    (
        [BEFORE, AFTER],
        "2017-11-06",
        "--backtest needs 56 days of data before 2017-11-06 and as many after it: the data is "
        "from 2017-01-02 to 2017-12-31",
    ),
    (
        [BEFORE, AFTER],
        "2019-01-01",
        "--backtest needs 56 days of data before 2019-01-01 and as many after it: the data is "
        "from 2017-01-02 to 2017-12-31",
    ),
    (
        [BEFORE, order("o1", "c1", "2017-12-31", 99, "UPDATE"), order("o2", "c2", "2017-12-01", 5)],
        KNOWN,
        "nothing to test rankings by: of 1 customer known on 2017-07-31, the later revenue is 0.00",
    ),
    (
        [BEFORE, order("o2", "c1", "2017-12-31", -99)],
        KNOWN,
        "nothing to test rankings by: of 1 customer known on 2017-07-31, the later revenue is "
        "-99.00",
    ),
]


@pytest.mark.parametrize(("events", "day", "message"), FAILURES)
def test_failures(events, day, message, run):
    write("log", lines_of(events))
    Path("out.json").write_text("earlier")
    done = run(5, "log", "--backtest", day, "-q", "-o", "out.json")
    assert (done.status, done.out, done.err) == (1, "", f"Main_Calculation.py: {message}\n")
    assert Path("out.json").read_text() == "earlier"


@pytest.mark.parametrize(("day", "status"), [("2017-02-27", 0), ("2017-11-05", 0)])
def test_56_days_are_enough(day, status, run):
    write("log", lines_of([BEFORE, AFTER]))
    assert run(5, "log", "--backtest", day, "-q").status == status


def test_the_data_is_bounded_by_since_and_until(run):
    write("log", lines_of([BEFORE, AFTER]))
    done = run(5, "log", "--backtest", KNOWN, "--until", "2017-08-31", "-q")
    assert done.err.endswith("the data is from 2017-01-02 to 2017-01-02\n")


def test_when_nobody_is_left(run):
    write("log", lines_of([BEFORE, AFTER]))
    done = run(5, "log", "--backtest", KNOWN, "--min-orders", 2, "-q")
    message = "nobody to rank: none of 1 customer known on 2017-07-31 has 2 orders or more"
    assert (done.status, done.err) == (1, f"Main_Calculation.py: {message}\n")


def test_what_is_known_and_what_comes_later(run):
    """By hand: an order that is known is not later revenue, whatever is heard of it later."""
    write(
        "log",
        lines_of(
            [
                order("o1", "known", "2017-01-02", 10),
                order("o1", "known", "2017-09-01", 90, "UPDATE"),
                order("o2", "known", "2017-08-01T00:00:00", 5),
                order("o2", "known", "2017-10-01", 7, "UPDATE"),
                order("o3", "known", "2017-07-31T23:59:59.999999", 1),
                order("o1", "new", "2017-12-31", 3),
                visit("early", "2017-03-01"),
            ]
        ),
    )
    found = backtest(run, 1)["backtest"]
    assert {name: found[name] for name in list(found)[:7]} == {
        "date": KNOWN,
        "end": "2017-12-31T00:00:00Z",
        "customers": 2,
        "later_customers": 1,
        "later_revenue": "7.00",
        "began_later": 1,
        "revenue_of_those": "3.00",
    }
    simple = found["methods"][0]
    assert simple["tops"] == [
        {
            "customers": 1,
            "precision": 1,
            "share_percent": "100.00",
            "best_share_percent": "100.00",
            "random_share_percent": "50.00",
            "difference": None,
        }
    ]
    # 11.00 in 31 weeks; 153 days follow.
    predicted = oracle.rounded(Fraction(11, 31) * Fraction(153, 7), 2)
    assert simple["by_tenth"][0] == {"predicted": predicted, "real": "7.00"}
    assert simple["predicted_to_real"] == oracle.rounded(Fraction(11, 31) * Fraction(153, 49), 2)


def test_why_a_method_cannot_rank(run):
    write("log", lines_of([order("o1", "c1", "2017-06-01", 10), AFTER]))
    reasons = {
        method["method"]: (method["why_not"], method["tops"])
        for method in backtest(run, 1)["backtest"]["methods"][3:]
    }
    assert reasons == {
        "recent-fitted": ("fewer than 28 days to try half-lives on: 20", []),
        "expected": (
            "only 0 customers came back, too few for a model; --by recent needs none",
            [],
        ),
    }
    write("log", lines_of([BEFORE, AFTER]))
    (fitted,) = (
        method["why_not"]
        for method in backtest(run, 1)["backtest"]["methods"]
        if method["method"] == "recent-fitted"
    )
    assert fitted == "no revenue in the 70 days to try half-lives on"


def test_the_model_cannot_look_further_ahead_than_1000_weeks(run, shop_lines):
    write("log", [*shop_lines, *lines_of([order("o", "c01", "2037-01-01", 1)])])
    found = backtest(run, 1)
    assert found["backtest"]["methods"][4]["why_not"] == "more than 1,000 weeks lie after it"
    assert found["model"]["customers"] > 0


def test_the_shortest_of_half_lives_that_caught_alike_is_taken():
    assert best_values([5, 0, 1], [[1, 2, 3], [3, 2, 1], [9, 1, 0]]) == 1


#: By hand: of what four customers brought, who came first by simple LTV and by another method.
PERIOD = Period(0, 100, 200 * DAY)
VERDICTS = [
    (
        [1, 1, 1, 1] * 30,
        [4, 3, 2, 1] * 30,
        [1, 2, 3, 4] * 30,
        "For the first 30, the data cannot tell the methods apart: none caught more than simple "
        "lifetime value beyond chance (95 %).",
    ),
    (
        [0, 0, 0, 1] * 30,
        [4, 3, 2, 1] * 30,
        [1, 2, 3, 4] * 30,
        "For the first 30, believe revenue: it caught 100.00 % of what was spent later, 100.00 "
        "points more than simple lifetime value (95 % interval 100.00 to 100.00).",
    ),
    (
        [1, 0, 0, 0] * 30,
        [4, 3, 2, 1] * 30,
        [1, 2, 3, 4] * 30,
        "For the first 30, believe simple lifetime value: it caught 100.00 % of what was spent "
        "later, and every other method caught less, beyond chance.",
    ),
]


@pytest.mark.parametrize(("later", "simple", "other", "sentence"), VERDICTS)
def test_verdicts(later, simple, other, sentence):
    scores = [Scores("ltv", simple), Scores("revenue", other)]
    found = backtest_of(30, PERIOD, [1_000_000 * each for each in later], BeganLater(0, 0), scores)
    assert found.backtest.verdict == sentence


def test_the_greatest_share_is_believed():
    later = [1_000_000 * each for each in [0, 0, 1, 3] * 30]
    scores = [
        Scores("ltv", [4, 3, 2, 1] * 30),
        Scores("revenue", [1, 2, 4, 3] * 30),
        Scores("recent", [1, 2, 3, 4] * 30, Decimal("2.5")),
    ]
    found = backtest_of(30, PERIOD, later, BeganLater(0, 0), scores)
    assert "believe recent revenue with a half-life of 2.5 weeks: it" in found.backtest.verdict
    assert [math.floor(y) for _, y in found.curves[0].points][-1] == 60


needs_cdnow = pytest.mark.skipif(not CDNOW.exists(), reason="shared/data is not beside the project")


@pytest.fixture(scope="module")
def cdnow(tmp_path_factory):
    import Main_Calculation  # noqa: PLC0415 - as the fixtures that run it

    path = tmp_path_factory.mktemp("cdnow") / "out.json"
    arguments = ["100", str(CDNOW), "--backtest", "1997-09-30", "-q", "-o", str(path)]
    assert Main_Calculation.main(arguments) == 0
    return json.loads(path.read_text("utf-8"), parse_float=str)["backtest"]


@needs_cdnow
def test_figures_of_cdnow(cdnow):
    """As SPEC prints them."""
    assert (cdnow["customers"], cdnow["later_revenue"]) == (23_570, "776961.13")
    methods = {method["method"]: method for method in cdnow["methods"]}
    names = ("ltv", "revenue", "recent", "expected")
    first, fifth = ([methods[name]["tops"][place] for name in names] for place in (0, 2))
    assert {top["customers"] for top in first} == {100}
    assert [top["share_percent"] for top in first] == ["9.99", "10.09", "11.16", "10.93"]
    assert [top["precision"] for top in first] == [35, 35, 41, 41]
    assert {top["best_share_percent"] for top in first} == {"16.80"}
    assert {top["customers"] for top in fifth} == {1_179}
    assert [top["share_percent"] for top in fifth] == ["36.10", "35.55", "37.85", "38.12"]
    assert {top["best_share_percent"] for top in fifth} == {"57.71"}
    ratios = [methods[name]["predicted_to_real"] for name in ("ltv", "expected")]
    assert ratios == ["2.55", "0.82"]
    recent = methods["recent"]["tops"]
    assert recent[0]["difference"] == {"value": "1.17", "low": "-0.26", "high": "2.61"}
    assert (recent[2]["difference"]["low"], recent[2]["difference"]["high"]) == ("0.58", "2.92")
