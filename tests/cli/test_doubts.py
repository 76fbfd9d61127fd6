"""Warnings, and runs that have no order left (SPEC, sections 6 and 8)."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import ltv.customers
from conftest import TINY_SIZES, Done

Run = Callable[..., Done]
MakeFile = Callable[..., str]


@pytest.fixture(params=["small", "large"], autouse=True)
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Whether logs are read in one piece, or in parts by two processes."""
    if request.param == "large":
        for module, name, value in TINY_SIZES:
            monkeypatch.setattr(module, name, value)
        monkeypatch.setattr(ltv.customers, "processor_count", lambda: 2)
    return str(request.param)


def orders(*amounts: str, **members: Any) -> str:
    """Orders of these amounts, an event a line."""
    event = {"type": "ORDER", "verb": "NEW", "customer_id": "c1", "event_time": "2017-01-02"}
    return "".join(
        json.dumps({**event, "key": f"o{number}", "total_amount": amount, **members}) + "\n"
        for number, amount in enumerate(amounts)
    )


VISIT = '{"type":"SITE_VISIT","verb":"NEW","key":"p","customer_id":"c","event_time":"2017-01-02"}\n'
WISH = '{"type":"WISH"}\n'

REJECTED = "more than half of the events were rejected"
LOST = "more than half of the order events are lost"

WARNINGS: dict[str, tuple[str, list[str]]] = {
    "half": (VISIT + WISH, []),
    "more-than-half": (VISIT + 2 * WISH, [f"{REJECTED}: 2 of 3"]),
    "half-in-another-currency": (orders("1 USD", "1 EUR"), []),
    "most-in-another-currency": (
        9 * VISIT + orders("1 USD", "1 EUR", "1 EUR"),
        [f"{LOST}: 2 of 3 are not in USD, 2 in EUR, which --currency EUR sums"],
    ),
    "by-currency": (
        9 * VISIT + orders("1", "GBP 1", "1 EUR", "1 GBP", "EUR 1", "CHF 1"),
        [f"{LOST}: 5 of 6 are not in USD, 2 in EUR, which --currency EUR sums"],
    ),
    "other-faults-of-orders-do-not-count": (
        9 * VISIT + orders("1 USD", "1 JPY", "x", "y", "z"),
        [],
    ),
    "both": (
        orders("1 USD", *["1 JPY"] * 40),
        [
            f"{REJECTED}: 40 of 41",
            f"{LOST}: 40 of 41 are not in USD, 40 in JPY, which --currency JPY sums",
        ],
    ),
}


@pytest.mark.parametrize(("log", "warnings"), WARNINGS.values(), ids=WARNINGS)
def test_warnings(log: str, warnings: list[str], run: Run, make_file: MakeFile):
    file = make_file(log)
    done = run(9, file, "-o", "out.json", "-q")
    said = [f"Warning: {text}." for text in warnings]
    assert (done.status, done.err.splitlines()) == (0, said)
    assert json.loads(Path("out.json").read_bytes())["warnings"] == warnings
    assert run(9, file, "-o", "-").err.startswith("".join(f"{line}\n" for line in said) + "Read ")
    for output in ("out.html", "out.md"):
        assert run(9, file, "-o", output, "-q").status == 0
        text = Path(output).read_text("utf-8").replace("<b>Warning:</b>", "Warning:")
        assert [line for line in said if line in text] == said
        assert text.count("Warning:") == len(said)


SEE = "; see out.txt.rejects.jsonl"
NOTHING, NO_ORDER = "nothing to rank in 1 file", "no order is left in 1 file"
YEN = "3 order events rejected, 2 in JPY, which --currency JPY sums"

FAILURES: dict[str, tuple[str, list[str], str]] = {
    "no-event": (WISH, [], f"{NOTHING}: 1 event rejected, 1 for unknown-type{SEE}"),
    "no-event-the-most-common-reason": (
        WISH + "x\n[]\nx\n",
        [],
        f"{NOTHING}: 4 events rejected, 2 for not-json{SEE}",
    ),
    "no-event-a-tie-of-reasons": (
        WISH + "[]\n",
        [],
        f"{NOTHING}: 2 events rejected, 1 for not-an-object{SEE}",
    ),
    "no-event-but-orders": (
        3 * WISH + orders("x"),
        [],
        f"{NOTHING}: 1 order event rejected, 1 for bad-amount{SEE}",
    ),
    "no-event-of-the-days-asked-for": (
        3 * VISIT + WISH + orders("x"),
        ["--until", "2016-12-31"],
        f"{NOTHING}: 4 of 5 events are later than --until{SEE}",
    ),
    "no-event-of-the-days-asked-for-and-as-many-rejected": (
        VISIT + WISH,
        ["--since", "2017-12-31"],
        f"{NOTHING}: 1 event rejected, 1 for unknown-type{SEE}",
    ),
    "no-event-between-the-days-asked-for": (
        2 * orders("1", event_time="2018-01-01") + VISIT + WISH,
        ["--since", "2017-12-30", "--until", "2017-12-31"],
        f"{NOTHING}: 2 of 4 events are later than --until{SEE}",
    ),
    "no-order": (VISIT + orders("1 JPY", "1 CHF", "JPY 2"), [], f"{NO_ORDER}: {YEN}{SEE}"),
    "no-order-by-any-reason": (
        VISIT + orders("x", "1 JPY", "y") + 9 * WISH + orders("", verb="OLD"),
        [],
        f"{NO_ORDER}: 4 order events rejected, 2 for bad-amount{SEE}",
    ),
    "no-order-that-is-not-later": (
        VISIT + orders("1 USD", event_time="2018-01-01") + orders("1 JPY", "1 JPY", "1 EUR"),
        ["--until", "2017-12-31"],
        f"{NO_ORDER}: {YEN}{SEE}",
    ),
    "no-order-that-is-not-earlier": (
        VISIT + orders("1 USD", event_time="2016-12-31") + orders("1 JPY", "1 JPY", "1 EUR"),
        ["--since", "2017-01-01"],
        f"{NO_ORDER}: {YEN}{SEE}",
    ),
}


@pytest.mark.parametrize(("log", "options", "problem"), FAILURES.values(), ids=FAILURES)
def test_no_order_is_left(
    log: str, options: list[str], problem: str, run: Run, make_file: MakeFile
):
    done = run(9, make_file(log), "-o", "out.txt", "-q", *options)
    assert done == (1, "", f"Main_Calculation.py: {problem}\n")
    assert not Path("out.txt").exists()
    assert Path("out.txt.rejects.jsonl").read_text("utf-8").startswith('{"file": ')


def test_who_has_too_few_orders_is_not_for_the_rejects_to_say(run: Run, make_file: MakeFile):
    done = run(9, make_file(VISIT + WISH), "-o", "out.txt", "-q", "--min-orders", "1")
    problem = "nobody to rank: none of 1 customer has 1 order or more"
    assert done == (1, "", f"Main_Calculation.py: {problem}\n")
    assert Path("out.txt.rejects.jsonl").exists()


@pytest.mark.parametrize(
    ("option", "what"), [("--until=2016-12-31", "later"), ("--since=2018-01-01", "earlier")]
)
def test_no_event_is_of_the_days_asked_for(option: str, what: str, run: Run, make_file: MakeFile):
    done = run(9, make_file(VISIT), "-o", "out.txt", "-q", option)
    problem = f"{NOTHING}: 1 of 1 event is {what} than {option.partition('=')[0]}"
    assert done == (1, "", f"Main_Calculation.py: {problem}\n")


@pytest.mark.parametrize(
    "log",
    [
        VISIT,
        VISIT + WISH,  # no order was read
        VISIT + orders("1 JPY", event_time="2018-01-01"),  # nor here: it is later
        VISIT + orders("1 JPY", "1 USD"),
    ],
)
def test_no_order_or_one_is_enough(log: str, run: Run, make_file: MakeFile):
    assert run(9, make_file(log), "-o", "-", "-q", "--until", "2017-12-31").status == 0


def test_orders_that_a_store_knows_are_enough(run: Run, make_file: MakeFile):
    lost = make_file(VISIT + orders("1 JPY"), "lost")
    visits = make_file(VISIT, "visits")
    good = make_file(orders("1 USD"), "good")
    problem = "no order is left in store: 1 order event rejected, 1 in JPY"
    expected = f"Main_Calculation.py: {problem}, which --currency JPY sums\n"
    for file, status in ((visits, 0), (lost, 1), (good, 0), (lost, 0)):
        done = run(9, file, "--store", "store", "-o", "-", "-q")
        assert done.status == status
        if status:
            assert done.err == expected


@pytest.mark.parametrize(
    ("pack", "name", "command"),
    [
        (bytes, "x.zip", "unzip -p x.zip"),
        (bytes, "-x.zip", "unzip -p ./-x.zip"),
        (bytes, "a b.zip", "unzip -p 'a b.zip'"),
        (gzip.compress, "x.zip.gz", None),
    ],
)
def test_a_command_is_told_only_where_it_does_what_is_wanted(
    pack: Callable[[bytes], bytes], name: str, command: str | None, run: Run, in_tmp: Path
):
    (in_tmp / name).write_bytes(pack(b"PK\x03\x04" + bytes(600)))
    remedy = f": {command} | python Main_Calculation.py X -" if command else ""
    done = run(3, "-o", "out.csv", "--", name)
    said = f"Main_Calculation.py: {name}: not an event log: it is a zip archive{remedy}\n"
    assert (done.status, done.err) == (1, said)
