"""The generator, and the sample log that it made."""

import json
from collections import Counter
from io import StringIO

import pytest

import make_log
from conftest import PROJECT
from ltv.errors import EventError
from LTV_Ingest import Ingest

SAMPLE = PROJECT / "input" / "events.txt"


def test_the_sample_is_what_the_generator_makes() -> None:
    text = StringIO()
    make_log.write_log(text, make_log.events(4000, 320, 2017, bad=17, showcase=True), "array")
    assert text.getvalue() == SAMPLE.read_text("utf-8")


def test_the_sample_shows_what_real_logs_are_like() -> None:
    events = [line.removesuffix(",") for line in SAMPLE.read_text("utf-8").splitlines()[1:-1]]
    good = [event for event in events if event not in {text for _, text in make_log.BAD}]
    assert len(events) - len(good) == 17
    assert max(Counter(good).values()) > 1, "some events come twice"
    loaded = [json.loads(event) for event in good]
    kinds = Counter((event["type"], event["verb"]) for event in loaded)
    assert set(kinds) == {
        ("CUSTOMER", "NEW"),
        ("CUSTOMER", "UPDATE"),
        ("SITE_VISIT", "NEW"),
        ("IMAGE", "UPLOAD"),
        ("ORDER", "NEW"),
        ("ORDER", "UPDATE"),
    }
    times = [event["event_time"] for event in loaded]
    assert times != sorted(times), "they come out of order"
    customers = Ingest(loaded, {})
    assert 300 <= len(customers) <= 400
    signed_up = {str(event["key"]) for event in loaded if event["type"] == "CUSTOMER"}
    assert set(customers) - signed_up, "a customer has no CUSTOMER event"
    assert any(c.order_count and not c.visit_count for c in customers.values())


@pytest.mark.parametrize("options", [{}, {"heavy_tail": True}, {"showcase": True}, {"bad": 40}])
def test_every_event_but_the_bad_ones_is_accepted(options: dict) -> None:
    texts = list(make_log.events(3000, 200, seed=5, **options))
    assert len(texts) == 3000
    bad = {text for _, text in make_log.BAD}
    errors: list[EventError] = []
    Ingest([json.loads(text) for text in texts if text not in bad], {}, errors=errors)
    assert errors == []
    assert sum(text in bad for text in texts) == options.get("bad", 0)


def test_the_seed_alone_decides() -> None:
    first, again, other = (list(make_log.events(500, 30, seed)) for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_a_log_as_json_lines_is_one_event_a_line() -> None:
    text = StringIO()
    make_log.write_log(text, make_log.events(50, 5), "jsonl")
    assert len([json.loads(line) for line in text.getvalue().splitlines()]) == 50
