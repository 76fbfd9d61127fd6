"""`--by` and `--min-...` from the command line: the same however it runs, and what is said."""

import csv
import json
import random
from html import unescape
from pathlib import Path

import pytest
from simulated_shops import shop

import ltv.parallel.driver
import ltv.reading.files
from conftest import PROJECT
from ltv.errors import EventError
from ltv.times import DAY, time_text
from LTV_Ingest import Ingest

METHODS = {
    "ltv": ["--min-weeks", "13", "--min-orders", "2"],
    "revenue": ["--by", "revenue", "--min-weeks", "20"],
    "recent": ["--by", "recent", "--half-life", "2.5", "--min-orders", "1"],
    "expected": ["--by", "expected", "--horizon", "26", "--min-weeks", "30"],
}
PROGRAM = "Main_Calculation.py: "


def order(customer_id, key, day, amount="10", **members):
    return json.dumps(
        {
            "type": "ORDER",
            "verb": "NEW",
            "key": key,
            "customer_id": customer_id,
            "event_time": time_text(day * DAY),
            "total_amount": amount,
        }
        | members
    )


def came_back(count, customers=50):
    """So many of the customers with another purchase day, at prices that differ."""
    rng = random.Random(count)
    lines = []
    for number in range(customers):
        day = 17_200 + rng.randrange(100)
        lines.append(order(f"c{number}", "o1", day, str(rng.randrange(5, 90))))
        if number < count:
            lines += [
                order(f"c{number}", f"o{n + 2}", day + rng.randrange(10, 200), str(price))
                for n, price in enumerate(rng.choices(range(5, 90), k=rng.randrange(1, 6)))
            ]
    return lines


def is_accepted(line):
    try:
        Ingest(json.loads(line), {})
    except (EventError, ValueError):
        return False
    return True


@pytest.fixture(scope="module")
def events():
    """A third of the events of the sample, by customer, without those that are rejected."""
    text = (PROJECT / "input" / "events.txt").read_text("utf-8", "replace")
    lines = [line.rstrip(",") for line in text.split("\n")]

    def name_of(line):
        event = json.loads(line)
        return event["key" if event["type"] == "CUSTOMER" else "customer_id"]

    return [
        line for line in lines if is_accepted(line) and sum(str(name_of(line)).encode()) % 3 == 0
    ]


def without_counts(text):
    """JSON without how many events were read."""
    return [line for line in text.split("\n") if not line.startswith('  "events"')]


@pytest.mark.parametrize("method", METHODS)
def test_the_same_bytes_in_any_order_by_processes_and_with_a_store(
    method, events, run, make_file, monkeypatch
):
    def ranked(*arguments):
        done = run(20, *arguments, *METHODS[method], "-f", "json", "-o", "-", "-q")
        assert (done.status, done.err) == (0, "")
        return without_counts(done.out)

    expected = ranked(make_file("\n".join(events)))
    assert sum('"rank": ' in line for line in expected) == 20
    rng = random.Random(method)
    twice = events + rng.sample(events, 100)
    rng.shuffle(twice)
    log = make_file("\n".join(twice), "twice")
    halves = make_file("\n".join(twice[:400]), "one"), make_file("\n".join(twice[400:]), "two")
    assert ranked(log) == expected
    for half in halves:
        assert run(1, half, "--store", "shop", "-q", "-o", "-").status == 0
    assert ranked("--store", "shop") == expected
    monkeypatch.setattr(ltv.reading.files, "_SMALL_BYTES", -1)
    monkeypatch.setattr(ltv.parallel.driver, "_LEAST_PART_BYTES", 20_000)
    assert ranked(log, "--workers", 1) == expected
    assert ranked(*reversed(halves), "--workers", 2) == expected
    assert ranked(*halves, "--store", "another", "--workers", 1) == expected


@pytest.mark.parametrize("is_large", [False, True])
@pytest.mark.parametrize("by", METHODS)
def test_minimums_leave_customers_out_and_nothing_else(
    *, by, is_large, events, run, make_file, monkeypatch
):
    if is_large:
        monkeypatch.setattr(ltv.reading.files, "_SMALL_BYTES", -1)
    log = make_file("\n".join(events))

    def found(*options):
        done = run(1000, log, "--by", by, *options, "-f", "json", "-o", "-", "-q", "--workers", 1)
        assert done.status == 0
        return json.loads(done.out, parse_float=str)

    everybody, some = found(), found("--min-weeks", 20, "--min-orders", 2)
    rows = [row for row in everybody["top"] if row["weeks"] >= 20 and row["orders"] >= 2]
    assert 10 < len(rows) < len(everybody["top"])
    expected = [row | {"rank": rank} for rank, row in enumerate(rows, 1)]
    assert some.pop("top") == expected
    assert some.pop("ranked") == len(rows)
    everybody.pop("top")
    assert some == everybody


def test_nobody_is_left(run, make_file, in_tmp):
    Path("top.csv").write_text("earlier", "utf-8")
    log = make_file("\n".join(came_back(30)))
    for options, least in (
        (["--min-weeks", 99], "99 weeks"),
        (["--min-orders", 99, "--by", "revenue"], "99 orders"),
        (["--min-weeks", 1, "--min-orders", 99, "--by", "expected"], "1 week and 99 orders"),
    ):
        done = run(5, log, "-o", "top.csv", "-q", *options)
        said = f"{PROGRAM}nobody to rank: none of 50 customers has {least} or more\n"
        assert done == (1, "", said)
    assert Path("top.csv").read_text("utf-8") == "earlier"


# --- The model --------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [0, 1, 19])
@pytest.mark.parametrize("options", [[], ["--store", "shop"], ["--explain", "c0"]])
def test_too_few_came_back(count, options, run, make_file):
    log = make_file("\n".join(came_back(count)))
    done = run(5, log, "-q", "-o", "-", "--by", "expected", *options)
    customers = "1 customer" if count == 1 else f"{count} customers"
    why = f"only {customers} came back, too few for a model; --by recent needs none"
    assert done == (1, "", f"{PROGRAM}{why}\n")


def robot():
    """Who bought on 300 days, beside many who hardly came back."""
    return came_back(30, 200) + [order("robot", f"r{n}", 17_150 + n) for n in range(300)]


def same():
    """Who all buy alike: three times, at one price."""
    return [order(f"c{n % 40}", f"o{n}", 17_000 + 7 * n) for n in range(120)]


def as_events(D):
    """The orders of a shop as events, and the visit that ends it."""
    (visitor,) = (one for one in D.values() if not one.orders)
    visit = {"type": "SITE_VISIT", "verb": "NEW", "key": "p", "customer_id": visitor.customer_id}
    return [json.dumps(visit | {"event_time": time_text(visitor.begin)})] + [
        order(one.customer_id, each.order_id, 0, f"{each.amount_micros / 10**6:.2f}")
        .replace(time_text(0), time_text(each.event_time))
        for one in D.values()
        for each in one.orders
    ]  # fmt: skip


SAME = "all who came back spend the same on a purchase day: 10.00"
FEW = "only {} customers came back: the total may be off by a third"
RATE = "all customers buy at one rate, as far as the data shows"
STAY = "no sign that customers leave: a, b and P(alive) are not known, predictions stand"
UNKNOWN = "a, b and P(alive) are not known, as far as the data shows; predictions stand"
UNEVEN = "spend is too uneven for a mean: each customer's own mean is used"
ROBOT = 'more than 100 times the mean, which pulls the parameters: "robot" (300 purchase days)'


def uneven(rng):
    """Spend without a mean: a few customers pay a million times what others do."""
    scale = 10 ** rng.uniform(0, 6)
    return lambda: scale * rng.uniform(0.9, 1.1)


@pytest.mark.parametrize(
    ("lines", "notes"),
    [
        (came_back(20), [FEW.format(20), UNKNOWN, UNEVEN]),
        (came_back(199, 220), [FEW.format(199), UNKNOWN, UNEVEN]),
        (robot(), [FEW.format(31), ROBOT]),
        (same(), [FEW.format(40), RATE, STAY, SAME]),
        (as_events(shop(5, 400, spending=uneven)), [UNEVEN]),
    ],
    ids=["20", "199", "robot", "same", "uneven"],
)  # fmt: skip
def test_what_is_not_to_be_trusted_is_said(lines, notes, run, make_file, in_tmp):
    log = make_file("\n".join(lines))
    done = run(5, log, "--by", "expected", "-o", "top.json")
    assert done.status == 0
    model = json.loads(Path("top.json").read_bytes())["model"]
    assert model["notes"] == notes
    is_unknown = any(note in notes for note in (STAY, UNKNOWN))
    assert (model["bg_nbd"]["a"] is None) == (model["bg_nbd"]["b"] is None) == is_unknown
    assert (model["bg_nbd"]["r"] is None) == (RATE in notes)
    assert (model["gamma_gamma"] is None) == (SAME in notes)
    said = [line for line in done.err.splitlines() if line.startswith("Note")]
    assert said == [f"Note on the model: {note}." for note in notes]
    for output in ("top.md", "top.html"):
        assert run(5, log, "--by", "expected", "-o", output, "-q") == (0, "", "")
        page = unescape(Path(output).read_text("utf-8")).replace("`", "")
        assert [note for note in notes if note not in page] == []


def test_nothing_is_said_of_a_model_that_is_to_be_trusted(run, make_file):
    log = make_file("\n".join(as_events(shop(1, 800))))
    done = run(3, log, "--by", "expected", "-f", "json", "-o", "-")
    model = json.loads(done.out)["model"]
    assert list(model) == ["customers", "repeaters", "bg_nbd", "gamma_gamma", "notes"]
    assert model["customers"] == 800
    assert model["notes"] == []
    fits = [model[name] for name in ("bg_nbd", "gamma_gamma")]
    assert [list(fit) for fit in fits] == [
        ["r", "alpha", "a", "b", "log_likelihood"],
        ["p", "q", "v", "log_likelihood"],
    ]
    for fit in fits:
        fit.pop("log_likelihood")
        assert all(0 < one["low"] < one["value"] < one["high"] for one in fit.values())
    texts = [f"{name} {one['value']:.5f}" for fit in fits for name, one in fit.items()]
    said = f"BG/NBD {', '.join(texts[:4])}; Gamma-Gamma {', '.join(texts[4:])}."
    start = f"Model of 800 customers, {model['repeaters']} of whom came back: "
    assert start + said in done.err.splitlines()


def test_what_a_model_expects_of_one_customer_is_explained(run, make_file):
    D = shop(1, 800)
    log = make_file("\n".join(as_events(D)))
    rows = json.loads(run(801, log, "--by", "expected", "-f", "json", "-o", "-", "-q").out)["top"]
    days = {name: {one.event_time // DAY for one in D[name].orders} for name in D}
    kinds = [
        next(name for name in D if len(days[name]) == 1),
        next(name for name in D if len(days[name]) == 3),
        "visitor",
    ]
    for name in kinds:
        (row,) = (row for row in rows if row["customer_id"] == name)
        done = run(log, f"--explain={name}", "--by", "expected", "-f", "json", "-q")
        found = json.loads(done.out)["customer"]
        assert {key: found[key] for key in row} == row
        by_method = found["by_method"]
        assert by_method["expected"] == row["expected_revenue"]
        assert by_method["purchase_days"] == len(days[name])
        assert (by_method["p_alive"] is not None) == (len(days[name]) > 1)
        text = run(log, f"--explain={name}", "--by", "expected", "-q").out
        title = f"Customer {name}: rank {row['rank']:,} of 801 by expected revenue of the next 52 "
        assert text.startswith(title)
        assert ("P(alive)" in text) == (len(days[name]) > 1)
        assert ("no purchase so far" in text) == (name == "visitor")
    spend = json.loads(run(log, f"--explain={kinds[1]}", "--by=expected", "-f=json", "-q").out)
    found = spend["customer"]["by_method"]
    product = found["expected_purchases"] * found["expected_spend"]
    assert found["expected"] == pytest.approx(product, abs=0.01)


def test_who_is_not_ranked_is_explained_without_a_rank(run, make_file):
    log = make_file("\n".join(came_back(30)))
    options = ["--min-orders", 2, "--by", "recent", "--half-life", 4, "-q"]
    text = run(log, "--explain", "c49", *options).out
    title = (
        "Customer c49: not ranked, for less than 2 orders, by recent revenue (half-life 4 weeks)"
    )
    assert text.splitlines()[0] == title
    assert "\n  recent " in text
    found = json.loads(run(log, "--explain", "c49", *options, "-f", "json").out)
    assert found["customer"]["rank"] is None
    assert (found["by"], found["half_life_weeks"], found["ranked"]) == ("recent", 4, 30)


# --- In each format ---------------------------------------------------------------------------

ADDED = {
    "ltv": [],
    "revenue": [],
    "recent": ["recent_revenue"],
    "expected": ["expected_purchases", "expected_revenue"],
}
TITLES = {
    "ltv": "10-year lifetime value (LTV)",
    "revenue": "revenue",
    "recent": "recent revenue (half-life 2.5 weeks)",
    "expected": "expected revenue of the next 26 weeks",
}
WEEKS = {"recent": ("half_life_weeks", 2.5), "expected": ("horizon_weeks", 26)}


@pytest.mark.parametrize("by", METHODS)
def test_what_is_ranked_by_is_in_every_format(by, events, run, make_file, in_tmp):
    log = make_file("\n".join(events))
    for ending in ("csv", "jsonl", "json", "txt", "md", "html"):
        assert run(5, log, *METHODS[by], "-o", f"top.{ending}", "-q") == (0, "", "")
    with open("top.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    names = list(rows[0])
    assert names[12:] == ADDED[by]
    lines = Path("top.jsonl").read_text("utf-8").splitlines()
    assert [list(json.loads(line)) for line in lines] == 5 * [names]
    found = json.loads(Path("top.json").read_bytes(), parse_float=str)
    assert found["top"] == [json.loads(line, parse_float=str) for line in lines]
    assert found["by"] == by
    unit, weeks = WEEKS.get(by, ("half_life_weeks", None))
    assert found.get(unit) == (None if weeks is None else type(found[unit])(weeks))
    assert ("model" in found) == (by == "expected")
    field = ADDED[by][-1] if ADDED[by] else by
    value = f"{float(rows[0][field]):,.2f}"
    for ending in ("txt", "md", "html"):
        page = Path(f"top.{ending}").read_text("utf-8")
        if ending != "html":
            assert f" by {TITLES[by]}, in USD" in page
        assert value in page
    name = "lifetime value" if by == "ltv" else field.replace("_", " ")
    assert f", of {found['customers']} customers, by {name}</h1>" in page
    assert f"<p>The first comes to {value} USD" in page
    assert f">{name}<br>USD</th>" in page
    assert ('<h2 id="model">' in page) == (by == "expected")
