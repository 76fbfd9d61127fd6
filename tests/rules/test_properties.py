"""What holds for all events: order, repetition and slicing make no difference (SPEC, section 3)."""

import json
import random
import unicodedata
from collections.abc import Iterable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from ltv.errors import REASONS, EventError
from ltv.output.formats import reject_line, render
from ltv.report.summary import Summary
from ltv.terminal import escaped
from ltv.times import pack
from ltv.values import parse_time
from LTV_Calculate import (
    best_customers,
    best_of,
    end_of_data,
    join_totals,
    ranked,
    topXSimpleLTVCustomers,
    totals,
)
from LTV_Classes import Customer
from LTV_Ingest import Ingest, Rules, fact_of, join_fact

Event = dict[str, Any]
Known = dict[str, Customer]

# The same examples in every run, and no files of them.
steady = settings(deadline=None, derandomize=True, database=None, max_examples=150)

# --- Few keys and times, so that ties abound --------------------------------------------------

customer_ids = st.sampled_from(["c1", "c2", "7", 7])
keys = st.sampled_from(["k1", "k2", "7", 7])
times = st.sampled_from(
    [
        "2017-01-01T23:59:59.999999Z",
        "2017-01-02",
        "2017-01-02T01:00+01:00",
        "2017-01-02:00:00:00.0000009",
        "2017-01-09 12:00",
        "2016-02-29T12:00:00-0500",
    ]
)
verbs = st.sampled_from(["NEW", "UPDATE"])
amounts = st.sampled_from(["1", "10 USD", "$0.005", "-$1", "1,000.000001", "0", -1, 2.5, "USD 10"])
texts = st.sampled_from(["A", "B", "", "\uffff", "\U0001f600", None, 7])
tag_values: list[Any] = [None, [], [{"a": 1}], [{"a": "\uffff"}], [{"b": 1, "a": 2}], ["x"], {}]
tags = st.sampled_from(tag_values)


def members(kind: str, /, **strategies: st.SearchStrategy[Any]) -> st.SearchStrategy[Event]:
    """Events of a type, with members from strategies."""
    return st.fixed_dictionaries(
        {"type": st.just(kind), "key": keys, "event_time": times} | strategies
    )


events = st.one_of(
    members(
        "CUSTOMER",
        key=customer_ids,
        verb=verbs,
        last_name=texts,
        adr_city=texts,
        adr_state=texts,
    ),
    members("SITE_VISIT", verb=st.just("NEW"), customer_id=customer_ids, tags=tags),
    members(
        "IMAGE",
        verb=st.just("UPLOAD"),
        customer_id=customer_ids,
        camera_make=texts,
        camera_model=texts,
    ),
    members("ORDER", verb=verbs, customer_id=customer_ids, total_amount=amounts),
)
logs = st.lists(events, min_size=1, max_size=12)


def ingested(log: Iterable[Event]) -> Known:
    D: Known = {}
    Ingest(log, D)
    return D


def state_of(D: Known) -> list[Any]:
    """All that is known, whatever the order of the customers in D."""
    return [
        (
            customer_id,
            D[customer_id].customer_id,
            D[customer_id].begin,
            D[customer_id].latest,
            D[customer_id].last_name,
            D[customer_id].adr_city,
            D[customer_id].adr_state,
            D[customer_id].visits,
            D[customer_id].images,
            D[customer_id].orders,
        )
        for customer_id in sorted(D)
    ]


def everything(D: Known) -> list[Any]:
    """The rows and all that is known, whatever the order of the customers in D."""
    return [topXSimpleLTVCustomers(10, D), totals(D), state_of(D)]


def join_into(D: Known, part: Known) -> None:
    """Join what a part knows into D, customer by customer."""
    for customer_id, customer in part.items():
        D[customer_id] = D.get(customer_id, Customer(customer_id)).join(customer)


@steady
@given(logs, st.data())
def test_the_order_of_events_makes_no_difference(log: list[Event], data: st.DataObject) -> None:
    shuffled = data.draw(st.permutations(log))
    assert everything(ingested(shuffled)) == everything(ingested(log))


@steady
@given(logs, st.data())
def test_repeated_events_make_no_difference(log: list[Event], data: st.DataObject) -> None:
    repeated = data.draw(st.lists(st.sampled_from(log), max_size=12))
    expected = everything(ingested(log))
    assert everything(ingested(log + repeated)) == expected
    assert everything(ingested(repeated + log)) == expected


@steady
@given(logs, st.data())
def test_parts_joined_are_the_whole(log: list[Event], data: st.DataObject) -> None:
    parts: list[list[Event]] = [[], [], []]
    for event in log:
        for part in data.draw(st.sets(st.integers(0, 2), min_size=1)):  # some in several parts
            parts[part].append(event)
    whole: Known = {}
    for part in data.draw(st.permutations(range(3))):
        join_into(whole, ingested(parts[part]))
    assert everything(whole) == everything(ingested(log))


@steady
@given(logs, st.data())
def test_parts_may_be_joined_before_more_events_come(log: list[Event], data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(log)))
    D: Known = {}
    join_into(D, ingested(log[:cut]))
    Ingest(log[cut:], D)
    assert everything(D) == everything(ingested(log))


@steady
@given(logs, st.integers(1, 4), st.data())
def test_the_best_and_the_totals_of_parts_are_those_of_all(
    log: list[Event], x: int, data: st.DataObject
) -> None:
    D = ingested(log)
    end = end_of_data(D)
    parts: dict[int, Known] = {}
    for customer_id in D:  # no customer is in two parts
        parts.setdefault(data.draw(st.integers(0, 2)), {})[customer_id] = D[customer_id]
    best = [placed for part in parts.values() for placed in best_customers(x, part, end=end)]
    shuffled = data.draw(st.permutations(best))
    assert ranked(best_of(x, shuffled)) == topXSimpleLTVCustomers(x, D)
    assert join_totals(map(totals, parts.values())) == totals(D)


@steady
@given(logs, st.integers(1, 4))
def test_the_top_of_shards_is_the_top_of_all(log: list[Event], x: int) -> None:
    D = ingested(log)
    end = end_of_data(D)
    tops = [
        row
        for customer_id in D
        for row in topXSimpleLTVCustomers(x, {customer_id: D[customer_id]}, end=end)
    ]
    best = {row.customer_id: D[row.customer_id] for row in tops}
    rows = topXSimpleLTVCustomers(x, D)
    assert topXSimpleLTVCustomers(x, best, end=end) == rows
    figures = {row.customer_id: row._replace(rank=0) for row in tops}
    assert [row._replace(rank=0) for row in rows] == [figures[row.customer_id] for row in rows]


# --- The steps of Ingest, and visits at once --------------------------------------------------

rules = st.builds(
    Rules,
    currency=st.sampled_from(["USD", "EUR"]),
    since=st.one_of(st.none(), times.map(parse_time)),
    before=st.one_of(st.none(), times.map(parse_time)),
    with_details=st.booleans(),
    timezone=st.sampled_from([None, "Europe/Berlin", "America/New_York"]),
)


@steady
@given(st.lists(st.one_of(events, st.none()), max_size=12), rules)
def test_facts_that_are_joined_are_the_events_ingested(log: list[Any], asked: Rules) -> None:
    D: Known = {}
    facts, problems = [], []
    for event in log:
        try:
            facts.append(fact_of(event, asked))
        except EventError as error:
            problems.append(str(error))
    for fact in facts:
        join_fact(fact, D)
    errors: list[EventError] = []
    expected: Known = {}
    Ingest(log, expected, errors=errors, **asked._asdict())
    assert problems == [str(error) for error in errors]
    assert list(D) == list(expected)
    assert state_of(D) == state_of(expected)


page_ids = st.sampled_from(["p", "q", "", "2", "é"])
packed_times = times.map(lambda time: pack(parse_time(time)))
tag_texts = st.sampled_from(["", "[]", '["x"]', '[{"a":1}]'])
visits = st.lists(st.tuples(page_ids, packed_times, tag_texts), max_size=6)


# --- Whatever comes ---------------------------------------------------------------------------

# All of Unicode, and often what is special: controls, overrides of direction, half a surrogate pair
# (never both halves next to each other, which JSON would take for one character).
special = st.sampled_from("\x00\x1b\r\n\x7f\x85\x9b\u200e\u202e\u2066\u2028\ufeff\ud83d=,\"'")
any_text = st.text(st.one_of(special, st.characters(exclude_categories=["Cs"])), max_size=8)
json_values = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.integers(-(10**40), 10**40),
        st.floats(allow_nan=False, allow_infinity=False),
        any_text,
        st.sampled_from(["CUSTOMER", "ORDER", "NEW", "UPDATE", "UPLOAD", "x" * 257, "2017-01-01"]),
    ),
    lambda values: st.one_of(
        st.lists(values, max_size=3), st.dictionaries(any_text, values, max_size=3)
    ),
    max_leaves=6,
)
member_names = st.sampled_from(
    [
        "type",
        "verb",
        "key",
        "event_time",
        "customer_id",
        "total_amount",
        "last_name",
        "adr_city",
        "adr_state",
        "tags",
        "camera_make",
        "camera_model",
    ]
)
OPTIONAL = ("last_name", "adr_city", "adr_state", "tags", "camera_make", "camera_model")
changes = st.dictionaries(member_names, json_values, max_size=3)


@steady
@given(events, changes, st.integers(0, 2**14))
def test_any_value_in_any_member_is_taken_or_refused(
    event: Event, changed: Event, seed: int
) -> None:
    changed_event = list({**event, **changed}.items())
    random.Random(seed).shuffle(changed_event)
    D: Known = {}
    try:
        Ingest(dict(changed_event), D)
    except EventError as error:
        assert error.reason in REASONS
        assert error.member in changed or "type" in changed
        assert error.member not in OPTIONAL
        assert error.message.startswith(f"{error.member}")
        assert len(error.message) <= 200
        assert D == {}
    else:
        assert len(everything(D)[0]) == 1


@steady
@given(st.lists(json_values, max_size=4))
def test_anything_for_an_event_is_taken_or_refused(values: list[Any]) -> None:
    errors: list[EventError] = []
    D: Known = {}
    Ingest(values, D, errors=errors)
    assert len(errors) == len(values)  # none of them happens to be an event
    for value, error in zip(values, errors, strict=True):
        assert (error.reason == "not-an-object") == (not isinstance(value, dict))
    assert D == {}


@steady
@given(events, st.dictionaries(st.sampled_from(OPTIONAL), json_values))
def test_optional_members_never_cost_an_event(event: Event, optional: Event) -> None:
    bare = ingested([{name: value for name, value in event.items() if name not in OPTIONAL}])
    full = ingested([{**event, **optional}])
    rows, bare_rows = (topXSimpleLTVCustomers(1, D) for D in (full, bare))
    assert [row._replace(last_name=None) for row in rows] == bare_rows
    assert everything(full)[1] == everything(bare)[1]


# --- What is shown ----------------------------------------------------------------------------

OVERRIDES_AND_MARKS = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}


def is_unsafe(character: str) -> bool:
    """Whether a terminal acts on it, or it cannot be written: by its Unicode properties."""
    return (
        unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp")
        or unicodedata.bidirectional(character) in OVERRIDES_AND_MARKS
        or character in "\u200e\u200f\u061c"
    )


def assert_safe_lines(text: str) -> None:
    assert [character for character in text if is_unsafe(character) and character != "\n"] == []
    text.encode("utf-8")


def test_what_is_unsafe_is_escaped_and_nothing_else() -> None:
    for code_point in range(0x110000):
        character = chr(code_point)
        if is_unsafe(character):
            assert escaped(character).isascii()
            assert escaped(character).isprintable()
        elif character.isprintable():
            assert escaped(character) == character


@steady
@given(any_text)
def test_escaped_text_is_safe_and_on_one_line(text: str) -> None:
    assert "\n" not in escaped(text)
    assert_safe_lines(escaped(text))


def summary_of(D: Known) -> Summary:
    return Summary("USD", "10", totals(D), {"read": 1, "accepted": 1, "rejected": 0})


@steady
@given(st.lists(st.tuples(any_text, any_text), min_size=1, max_size=4))
def test_rendered_text_is_safe(names: list[tuple[str, str]]) -> None:
    event = {"type": "CUSTOMER", "verb": "NEW", "event_time": "2017-01-01"}
    log = [{**event, "key": key, "last_name": last_name} for key, last_name in names]
    D: Known = {"c1": ingested([{**event, "key": "c1"}])["c1"]}
    Ingest(log, D, errors=[])
    rows = topXSimpleLTVCustomers(10, D)
    for form in ("text", "json", "jsonl"):
        text = b"".join(render(form, rows, summary_of(D))).decode("utf-8")
        assert_safe_lines(text)
        harmless = [row._replace(customer_id="c1", last_name="A") for row in rows]
        assert text.count("\n") == b"".join(render(form, harmless, summary_of(D))).count(b"\n")
        if form == "json":
            assert [row["customer_id"] for row in json.loads(text)["top"]] == sorted(D)
        elif form == "jsonl":
            shown = [json.loads(line) for line in text.splitlines()]
            assert [row["last_name"] for row in shown] == [row.last_name for row in rows]


# What stands in a file or is its name: bytes that are not UTF-8 come as lone surrogates.
bytes_as_text = st.lists(
    st.one_of(any_text.map(lambda text: text.encode("utf-8", "replace")), st.binary(max_size=4)),
    max_size=3,
).map(lambda pieces: b"".join(pieces).decode("utf-8", "surrogateescape"))


@steady
@given(events, changes, bytes_as_text, bytes_as_text)
def test_a_rejects_line_is_safe(event: Event, changed: Event, file: str, text: str) -> None:
    errors: list[EventError] = []
    Ingest([{**event, **changed}, text], {}, errors=errors)
    for error in errors:
        line = reject_line(file, 1, 0, text, error)
        assert_safe_lines(line)
        assert line.count("\n") == 1
        assert json.loads(line)["message"] == error.message
        assert_safe_lines(escaped(str(error)))
