"""`Ingest`: what is accepted, and why and in which order what is not is refused (SPEC, 1 and 2)."""

import pickle
from collections.abc import Iterator, MutableMapping
from itertools import combinations
from types import MappingProxyType
from typing import Any

import pytest

from ltv.blocks import Block
from ltv.errors import REASONS, EventError
from ltv.reading.decoding import decode
from ltv.times import pack
from ltv.values import JsonNumber, parse_time, shown
from LTV_Classes import Customer
from LTV_Ingest import Fact, Ingest, Rules, block_of, fact_of, facts_of, join_fact

Event = dict[str, Any]

EVENTS: dict[str, Event] = {
    "CUSTOMER": {
        "type": "CUSTOMER",
        "verb": "NEW",
        "key": "c1",
        "event_time": "2017-01-06T12:46:46.384Z",
        "last_name": "Smith",
        "adr_city": "Middletown",
        "adr_state": "AK",
    },
    "SITE_VISIT": {
        "type": "SITE_VISIT",
        "verb": "NEW",
        "key": "p1",
        "event_time": "2017-01-06T12:45:52.041Z",
        "customer_id": "c1",
        "tags": [{"some key": "some value"}],
    },
    "IMAGE": {
        "type": "IMAGE",
        "verb": "UPLOAD",
        "key": "i1",
        "event_time": "2017-01-06T12:47:12.344Z",
        "customer_id": "c1",
        "camera_make": "Canon",
        "camera_model": "EOS 80D",
    },
    "ORDER": {
        "type": "ORDER",
        "verb": "NEW",
        "key": "o1",
        "event_time": "2017-01-06T12:55:55.555Z",
        "customer_id": "c1",
        "total_amount": "12.34 USD",
    },
}

REQUIRED = {
    "CUSTOMER": ["verb", "key", "event_time"],
    "SITE_VISIT": ["verb", "key", "event_time", "customer_id"],
    "IMAGE": ["verb", "key", "event_time", "customer_id"],
    "ORDER": ["verb", "key", "event_time", "customer_id", "total_amount"],
}

ID = "expected an id, a text or a whole number of 1 to 256 characters, got "
TIME = 'expected a time from 1970 to 2199 such as "2017-01-06T12:46:46.384Z", got '
AMOUNT = 'expected an amount such as "12.34 USD", got '
OBJECT = "expected a JSON object, got "
NAN, INFINITY = float("nan"), float("inf")
TYPES = "type: expected CUSTOMER or SITE_VISIT or IMAGE or ORDER"


def event(kind: str, **changes: Any) -> Event:
    """A good event of a type, with some members given other values."""
    return {**EVENTS[kind], **changes}


def without(kind: str, member: str) -> Event:
    """A good event of a type, but for a member that it does not have."""
    return {name: value for name, value in EVENTS[kind].items() if name != member}


def refusal(e: Any, **options: Any) -> tuple[str, str | None, str]:
    """How one event is refused: reason, member, message."""
    D: dict[str, Customer] = {}
    with pytest.raises(EventError) as caught:
        Ingest(e, D, **options)
    assert D == {}
    error = caught.value
    assert isinstance(error, ValueError)
    assert str(error) == f"{error.reason}: {error.message}"
    return error.reason, error.member, error.message


def ingested(*events: Any, **options: Any) -> dict[str, Customer]:
    """What is known of good events."""
    D: dict[str, Customer] = {}
    Ingest(list(events), D, **options)
    return D


def known(D: MutableMapping[str, Customer]) -> dict[str, Any]:
    """All that is known, as plain values."""
    return {
        customer_id: (
            customer.customer_id,
            customer.begin,
            customer.latest,
            customer.last_name,
            customer.adr_city,
            customer.adr_state,
            customer.visits,
            customer.images,
            customer.orders,
        )
        for customer_id, customer in D.items()
    }


# --- What is accepted -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "verb"),
    [
        ("CUSTOMER", "NEW"),
        ("CUSTOMER", "UPDATE"),
        ("SITE_VISIT", "NEW"),
        ("IMAGE", "UPLOAD"),
        ("ORDER", "NEW"),
        ("ORDER", "UPDATE"),
    ],
)
def test_every_verb(kind: str, verb: str) -> None:
    D = ingested(event(kind, verb=verb))
    assert list(D) == ["c1"]
    customer = D["c1"]
    counts = (customer.visit_count, customer.image_count, customer.order_count)
    assert counts == (kind == "SITE_VISIT", kind == "IMAGE", kind == "ORDER")
    assert customer.begin == customer.latest == parse_time(EVENTS[kind]["event_time"])
    assert customer.last_name == ("Smith" if kind == "CUSTOMER" else None)


def test_every_member_goes_to_its_place() -> None:
    customer = ingested(*EVENTS.values())["c1"]
    assert (customer.last_name, customer.adr_city, customer.adr_state) == (
        "Smith",
        "Middletown",
        "AK",
    )
    assert customer.begin == parse_time("2017-01-06T12:45:52.041Z")
    assert customer.latest == parse_time("2017-01-06T12:55:55.555Z")
    visit_time = parse_time("2017-01-06T12:45:52.041Z")
    assert customer.visits == [("p1", visit_time, [{"some key": "some value"}])]
    image_time = parse_time("2017-01-06T12:47:12.344Z")
    assert customer.images == [("i1", image_time, "Canon", "EOS 80D")]
    order_time = parse_time("2017-01-06T12:55:55.555Z")
    assert customer.orders == [("o1", order_time, 12_340_000, False)]


@pytest.mark.parametrize("kind", EVENTS)
def test_the_required_members_are_enough(kind: str) -> None:
    bare = {"type": kind} | {member: EVENTS[kind][member] for member in REQUIRED[kind]}
    customer = ingested(bare)["c1"]
    assert customer.last_name is customer.adr_city is customer.adr_state is None
    assert [visit.tags for visit in customer.visits] == [None] * (kind == "SITE_VISIT")
    assert [image.camera_make for image in customer.images] == [None] * (kind == "IMAGE")
    assert [image.camera_model for image in customer.images] == [None] * (kind == "IMAGE")


@pytest.mark.parametrize("kind", EVENTS)
@pytest.mark.parametrize("value", [[], "c9", 7, None])
def test_members_of_other_types_are_ignored(kind: str, value: Any) -> None:
    others: Event = {name: value for e in EVENTS.values() for name in e if name not in EVENTS[kind]}
    assert others
    noise = {**others, "Type": 1, "": None, "VERB": "DELETE", "site_name": {"a": [1.5]}}
    assert known(ingested({**EVENTS[kind], **noise})) == known(ingested(EVENTS[kind]))


@pytest.mark.parametrize("customer_id", [7, "7", JsonNumber("7")])
def test_a_number_and_its_spelling_are_one_customer(customer_id: Any) -> None:
    D = ingested(event("CUSTOMER", key="7"), event("ORDER", customer_id=customer_id))
    assert list(D) == ["7"]
    assert D["7"].order_count == 1
    D = ingested(event("CUSTOMER", key=customer_id), event("SITE_VISIT", customer_id="7"))
    assert list(D) == ["7"]
    assert D["7"].visit_count == 1


def test_a_number_and_its_spelling_are_one_key() -> None:
    for kind in ("SITE_VISIT", "IMAGE", "ORDER"):
        customer = ingested(event(kind, key=7), event(kind, key="7"))["c1"]
        assert customer.visit_count + customer.image_count + customer.order_count == 1


SURROGATE = "\ud83d"
NO_TEXTS = [None, 7, JsonNumber("7"), 7.5, True, False, [], ["x"], {}, {"x": "y"}, NAN, -INFINITY]
LONG_OR_NOT_UTF8 = ["x" * 257, "\U0001f600" * 257, SURROGATE, "x\udfff"]
TEXT_MEMBERS = [
    ("CUSTOMER", "last_name"),
    ("CUSTOMER", "adr_city"),
    ("CUSTOMER", "adr_state"),
    ("IMAGE", "camera_make"),
    ("IMAGE", "camera_model"),
]


def optional_text_of(customer: Customer, member: str) -> Any:
    """What is known as the value of an optional text."""
    return getattr(customer.images[0] if customer.images else customer, member)


@pytest.mark.parametrize(("kind", "member"), TEXT_MEMBERS)
def test_an_optional_text_never_costs_an_event(kind: str, member: str) -> None:
    for value in NO_TEXTS + LONG_OR_NOT_UTF8:
        D = ingested(event(kind, **{member: value}))
        assert known(D) == known(ingested(without(kind, member))), ascii(value)
        assert optional_text_of(D["c1"], member) is None


@pytest.mark.parametrize(("kind", "member"), TEXT_MEMBERS)
def test_an_optional_text_is_kept(kind: str, member: str) -> None:
    for value in ("", " ", "x" * 256, "\U0001f600" * 256, "a\nb", "\x00"):
        D = ingested(event(kind, **{member: value}))
        assert optional_text_of(D["c1"], member) == value


@pytest.mark.parametrize(
    "tags",
    [None, 7, JsonNumber("7"), 7.5, True, False, "", "x" * 300, SURROGATE, {}, {"x": "y"}, NAN],
)
def test_tags_never_cost_an_event(tags: Any) -> None:
    D = ingested(event("SITE_VISIT", tags=tags))
    assert known(D) == known(ingested(without("SITE_VISIT", "tags")))
    assert D["c1"].visits[0].tags is None


@pytest.mark.parametrize(
    "tags",
    [
        [],
        [{}],
        [{"a": "b"}, {"a": None, "b": [True, False, 1, -2, 0.5]}],
        [{'\u20ac\n"\\': "\x00\U0001f600"}],
        [SURROGATE],
    ],
    ids=["none", "no members", "nested", "escaped", "surrogate"],
)
def test_tags_are_kept(tags: Any) -> None:
    assert ingested(event("SITE_VISIT", tags=tags))["c1"].visits[0].tags == tags


def test_tags_with_nan_are_kept_as_python_writes_them() -> None:
    tags = [{"name": "n", "value": NAN}, {"name": "m", "value": [INFINITY, -INFINITY]}]
    fact = fact_of(event("SITE_VISIT", tags=tags), Rules())
    first, second = '{"name":"n","value":NaN}', '{"name":"m","value":[Infinity,-Infinity]}'
    assert fact.value == f"[{first},{second}]"
    visits = [ingested(*2 * [event("SITE_VISIT", tags=tags)])["c1"].visits for _ in range(2)]
    assert len(visits[0]) == 1
    assert repr(visits[0][0].tags) == repr(visits[1][0].tags) == repr(tags)


def nested(depth: int) -> list[Any]:
    """Arrays in each other."""
    tags: list[Any] = []
    for _ in range(depth - 1):
        tags = [tags]
    return tags


@pytest.mark.parametrize(
    "tags",
    [
        [{"name": "n", "value": float("nan")}],
        [{"name": "n", "value": float("inf")}],
        [{"name": "n", "value": float("-inf")}],
        nested(254),
        nested(600),
        [{1: {}, "1": {"a": "b"}}],
    ],
    ids=["nan", "inf", "-inf", "depth 254", "depth 600", "names alike"],
)
def test_tags_of_json_loads_never_cost_an_event_or_the_visits(tags: list[Any]) -> None:
    customer = ingested(event("SITE_VISIT", tags=tags))["c1"]
    keys = [(visit.page_id, visit.event_time) for visit in customer.visits]
    assert keys == [("p1", parse_time("2017-01-06T12:45:52.041Z"))]


@pytest.mark.parametrize("is_of_objects", [False, True])
@pytest.mark.parametrize(("depth", "are_kept"), [(1, True), (255, True), (256, False)])
def test_tags_are_kept_to_the_depth_of_json(
    depth: int, are_kept: bool, is_of_objects: bool
) -> None:
    tags = nested(depth)
    if is_of_objects:
        tags = [objects(depth - 1)] if depth > 1 else []
    visit = ingested(event("SITE_VISIT", tags=tags))["c1"].visits[0]
    assert visit.tags == (tags if are_kept else None)


def objects(depth: int) -> dict[str, Any]:
    """Objects in each other."""
    tag: dict[str, Any] = {}
    for _ in range(depth - 1):
        tag = {"a": tag}
    return tag


# --- What is refused --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "no_event",
    [None, 7, 7.5, True, "", "x", '{"type":"CUSTOMER"}', b"", b"x", JsonNumber("7"), NAN, INFINITY],
)
def test_no_object(no_event: Any) -> None:
    message = f"expected a JSON object, got {shown(no_event)}"
    expected = ("not-an-object", None, message)
    assert refusal(no_event) == expected
    assert refusal([no_event]) == expected


def test_an_array_in_an_iterable_is_no_object() -> None:
    expected = ("not-an-object", None, "expected a JSON object, got an array")
    assert refusal([[EVENTS["ORDER"]]]) == expected
    assert refusal([[]]) == expected


@pytest.mark.parametrize("e", [{}, {"type": None}, {"Type": "ORDER"}, without("ORDER", "type")])
def test_missing_type(e: Event) -> None:
    assert refusal(e) == ("missing", "type", "type: expected this member, it is missing or null")


@pytest.mark.parametrize(
    ("kind", "member"), [(kind, member) for kind in REQUIRED for member in REQUIRED[kind]]
)
def test_missing(kind: str, member: str) -> None:
    expected = ("missing", member, f"{member}: expected this member, it is missing or null")
    assert refusal(without(kind, member)) == expected
    assert refusal(event(kind, **{member: None})) == expected


@pytest.mark.parametrize(
    "kind",
    [
        "customer",
        "Customer",
        "CUSTOMER ",
        "CUSTOMER\n",
        "SITE VISIT",
        "SITE_VISITS",
        "",
        "NEW",
        0,
        7,
        False,
        True,
        [],
        ["CUSTOMER"],
        {},
        {"type": "CUSTOMER"},
        JsonNumber("7"),
        NAN,
        INFINITY,
    ],
)
def test_unknown_type(kind: Any) -> None:
    expected = ("unknown-type", "type", f"{TYPES}, got {shown(kind)}")
    assert refusal({"type": kind}) == expected
    assert refusal(event("ORDER", type=kind)) == expected


@pytest.mark.parametrize(
    "verb",
    ["new", "New", "NEW ", "NEW\n", " NEW", "DELETE", "", 0, 7, False, True, [], ["NEW"], {}, NAN],
)
@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("CUSTOMER", "verb of CUSTOMER: expected NEW or UPDATE"),
        ("SITE_VISIT", "verb of SITE_VISIT: expected NEW"),
        ("IMAGE", "verb of IMAGE: expected UPLOAD"),
        ("ORDER", "verb of ORDER: expected NEW or UPDATE"),
    ],
)
def test_unknown_verb(kind: str, verb: Any, message: str) -> None:
    assert refusal(event(kind, verb=verb)) == (
        "unknown-verb",
        "verb",
        f"{message}, got {shown(verb)}",
    )


@pytest.mark.parametrize(
    ("kind", "verb", "message"),
    [
        ("CUSTOMER", "UPLOAD", "verb of CUSTOMER: expected NEW or UPDATE"),
        ("SITE_VISIT", "UPDATE", "verb of SITE_VISIT: expected NEW"),
        ("SITE_VISIT", "UPLOAD", "verb of SITE_VISIT: expected NEW"),
        ("IMAGE", "NEW", "verb of IMAGE: expected UPLOAD"),
        ("IMAGE", "UPDATE", "verb of IMAGE: expected UPLOAD"),
        ("ORDER", "UPLOAD", "verb of ORDER: expected NEW or UPDATE"),
    ],
)
def test_verb_of_another_type(kind: str, verb: str, message: str) -> None:
    assert refusal(event(kind, verb=verb)) == (
        "unknown-verb",
        "verb",
        f"{message}, got {shown(verb)}",
    )


@pytest.mark.parametrize(
    ("kind", "changes", "expected"),
    [
        (kind, {member: value}, (reason, member, f"{member}: {message}"))
        for kinds, member, value, reason, message in [
            (list(EVENTS), "key", "", "bad-id", ID + '""'),
            (list(EVENTS), "key", 7.5, "bad-id", ID + "7.5"),
            (list(EVENTS), "key", JsonNumber("1e3"), "bad-id", ID + "1e3"),
            (list(EVENTS), "key", True, "bad-id", ID + "true"),
            (list(EVENTS), "key", False, "bad-id", ID + "false"),
            (list(EVENTS), "key", [], "bad-id", ID + "an array"),
            (list(EVENTS), "key", {}, "bad-id", ID + "an object"),
            (list(EVENTS), "event_time", "", "bad-time", TIME + '""'),
            (list(EVENTS), "event_time", "now", "bad-time", TIME + '"now"'),
            (list(EVENTS), "event_time", 0, "bad-time", TIME + "0"),
            (list(EVENTS), "event_time", False, "bad-time", TIME + "false"),
            (list(EVENTS), "event_time", [], "bad-time", TIME + "an array"),
            (["SITE_VISIT", "IMAGE", "ORDER"], "customer_id", "", "bad-id", ID + '""'),
            (["SITE_VISIT", "IMAGE", "ORDER"], "customer_id", -0.5, "bad-id", ID + "-0.5"),
            (["SITE_VISIT", "IMAGE", "ORDER"], "customer_id", False, "bad-id", ID + "false"),
            (["SITE_VISIT", "IMAGE", "ORDER"], "customer_id", [], "bad-id", ID + "an array"),
            (["ORDER"], "total_amount", "", "bad-amount", AMOUNT + '""'),
            (["ORDER"], "total_amount", "ten USD", "bad-amount", AMOUNT + '"ten USD"'),
            (["ORDER"], "total_amount", JsonNumber("1e3"), "bad-amount", AMOUNT + "1e3"),
            (["ORDER"], "total_amount", False, "bad-amount", AMOUNT + "false"),
            (["ORDER"], "total_amount", {}, "bad-amount", AMOUNT + "an object"),
            # what is missing in a data frame
            (list(EVENTS), "key", NAN, "bad-id", ID + "NaN"),
            (["SITE_VISIT", "IMAGE", "ORDER"], "customer_id", NAN, "bad-id", ID + "NaN"),
            (list(EVENTS), "event_time", NAN, "bad-time", TIME + "NaN"),
            (["ORDER"], "total_amount", NAN, "bad-amount", AMOUNT + "NaN"),
            (["ORDER"], "total_amount", -INFINITY, "bad-amount", AMOUNT + "-Infinity"),
            (
                ["ORDER"],
                "total_amount",
                "5 EUR",
                "other-currency",
                'expected an amount in USD, got "5 EUR"',
            ),
        ]
        for kind in kinds
    ],
)
def test_bad_value(kind: str, changes: Event, expected: tuple[str, str, str]) -> None:
    assert refusal(event(kind, **changes)) == expected


def text_refusal(text: str) -> tuple[str, str | None, str]:
    """How one event in its text is refused."""
    with pytest.raises(EventError) as caught:
        Ingest([decode(text)], {})
    error = caught.value
    return error.reason, error.member, error.message


LIMIT = 16 * 1024 * 1024
TOO_LONG = ("too-long", None, "expected an event of at most 16 MiB (16,777,216 bytes)")
TOO_DEEP = "expected at most 256 brackets open at once"

#: The texts of events with a fault, and perhaps others that are tested later.
TEXT_FAULTS: dict[str, tuple[str, tuple[str, str | None, str]]] = {
    "too-long": ("{" + " " * (LIMIT - 1) + "}", TOO_LONG),
    "too-long in bytes": ('"' + "é" * (LIMIT // 2 - 1) + "x" + '"', TOO_LONG),
    "too-long, not-utf8, not-json": ("{" + "\udcff" * LIMIT, TOO_LONG),
    "not-utf8": (
        '{"a": "\udcff"}',
        ("not-utf8", None, "expected UTF-8, got something else at character 8"),
    ),
    "not-utf8, not-json": (
        "\udcff",
        ("not-utf8", None, "expected UTF-8, got something else at character 1"),
    ),
    "not-json": (
        '{"a": x}',
        ("not-json", None, "expected JSON, got something else at character 7"),
    ),
    "cut off": (
        '{"type": "ORDER"',
        ("not-json", None, "expected more JSON, got the end at character 17"),
    ),
    "not-json, not-an-object": (
        "[1 2]",
        ("not-json", None, "expected JSON, got something else at character 4"),
    ),
    "more behind": (
        '{"type": "ORDER"} x',
        ("not-json", None, "expected one JSON value alone, got more after it at character 18"),
    ),
    "NaN": ("NaN", ("not-an-object", None, OBJECT + "NaN")),
    "-Infinity": ("-Infinity", ("not-an-object", None, OBJECT + "-Infinity")),
    "NaN as type": ('{"type": NaN}', ("unknown-type", "type", TYPES + ", got NaN")),
    "-NaN": ("-NaN", ("not-json", None, "expected JSON, got something else at character 1")),
    "257 brackets": ("[" * 257 + "]" * 257, ("not-json", None, TOO_DEEP)),
    "257 brackets of objects": ('{"a":' * 257 + "1" + "}" * 257, ("not-json", None, TOO_DEEP)),
    "256 brackets": ("[" * 256 + "]" * 256, ("not-an-object", None, OBJECT + "an array")),
    "not-an-object": ('"ORDER"', ("not-an-object", None, OBJECT + '"ORDER"')),
    "a long number": ("1" * 5000, ("not-an-object", None, OBJECT + "1" * 59 + "…")),
    "missing": ("{}", ("missing", "type", "type: expected this member, it is missing or null")),
    "type twice": (
        '{"type": "ORDER", "type": "order"}',
        ("unknown-type", "type", TYPES + ', got "order"'),
    ),
}


@pytest.mark.parametrize(("text", "expected"), TEXT_FAULTS.values(), ids=TEXT_FAULTS)
def test_faults_of_a_text(text: str, expected: tuple[str, str | None, str]) -> None:
    assert text_refusal(text) == expected


@pytest.mark.parametrize(
    "text", ["{" + " " * (LIMIT - 2) + "}", '"' + "é" * (LIMIT // 2 - 1) + '"']
)
def test_16_mebibytes_are_not_too_long(text: str) -> None:
    assert text_refusal(text)[0] in ("missing", "not-an-object")


# --- The order of the reasons -----------------------------------------------------------------

#: What can be wrong with an order, in the order in which it is tested.
FAULTS: list[tuple[str, str, Any]] = [
    ("missing", "type", None),
    ("unknown-type", "type", "order"),
    ("missing", "verb", None),
    ("missing", "key", None),
    ("missing", "event_time", None),
    ("missing", "customer_id", None),
    ("missing", "total_amount", None),
    ("unknown-verb", "verb", "new"),
    ("bad-id", "key", ""),
    ("bad-id", "customer_id", ""),
    ("bad-time", "event_time", "now"),
    ("earlier", "event_time", "2016-12-31"),
    ("later", "event_time", "2018-01-01"),
    ("bad-amount", "total_amount", "ten"),
    ("other-currency", "total_amount", "5 EUR"),
]

SPAN = {"since": parse_time("2017-01-01"), "before": parse_time("2018-01-01")}


@pytest.mark.parametrize(("reason", "member", "value"), FAULTS)
def test_one_fault(reason: str, member: str, value: Any) -> None:
    faulty = event("ORDER", **{member: value})
    assert refusal(faulty, **SPAN)[:2] == (reason, member)


@pytest.mark.parametrize(
    ("first", "second"),
    [pair for pair in combinations(FAULTS, 2) if pair[0][1] != pair[1][1]],
    ids=lambda fault: f"{fault[0]} {fault[1]}",
)
def test_the_first_of_two_faults(first: tuple[str, str, Any], second: tuple[str, str, Any]) -> None:
    for pair in ((first, second), (second, first)):  # the order of the members is no matter
        faulty = {member: value for _, member, value in pair}
        e = {**faulty, **{name: v for name, v in EVENTS["ORDER"].items() if name not in faulty}}
        assert refusal(e, **SPAN)[:2] == first[:2]


@pytest.mark.parametrize("first", range(len(FAULTS)))
def test_the_first_of_all_faults_from_there_on(first: int) -> None:
    faulty: Event = {}
    for _, member, value in FAULTS[first:]:
        faulty.setdefault(member, value)
    assert refusal(event("ORDER", **faulty), **SPAN)[:2] == FAULTS[first][:2]


def test_every_reason_is_tested() -> None:
    of_texts = {reason for _, (reason, _, _) in TEXT_FAULTS.values()}
    assert of_texts | {reason for reason, _, _ in FAULTS} == {*REASONS, "earlier", "later"}


def test_an_unknown_type_hides_what_else_is_missing() -> None:
    assert refusal({"type": "order"}) == ("unknown-type", "type", TYPES + ', got "order"')


@pytest.mark.parametrize("kind", EVENTS)
def test_of_several_missing_members_the_first_is_named(kind: str) -> None:
    for count in range(1, len(REQUIRED[kind]) + 1):
        missing = REQUIRED[kind][-count:]
        e = {name: value for name, value in EVENTS[kind].items() if name not in missing}
        assert refusal(e)[:2] == ("missing", missing[0])


# --- Members that occur twice -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("members", "amount"),
    [
        ('"total_amount": "1 USD", "total_amount": "2 USD"', 2_000_000),
        ('"total_amount": null, "total_amount": 2', 2_000_000),
        ('"total_amount": "5 EUR", "total_amount": "2.5"', 2_500_000),
        ('"total_amount": "2", "total_amoun\\u0074": "3"', 3_000_000),
    ],
)
def test_the_last_of_two_members_counts(members: str, amount: int) -> None:
    text = (
        '{"type": "ORDER", "verb": "NEW", "key": "o1", "customer_id": "c1",'
        f' "event_time": "2017-01-06", {members}}}'
    )
    orders = ingested(decode(text))["c1"].orders
    assert [order.amount_micros for order in orders] == [amount]


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ('"total_amount": "2", "total_amount": null', ("missing", "total_amount")),
        ('"total_amount": "2", "total_amount": "5 EUR"', ("other-currency", "total_amount")),
        ('"total_amount": "2", "type": "order"', ("unknown-type", "type")),
        ('"total_amount": "2", "key": ""', ("bad-id", "key")),
    ],
)
def test_the_last_of_two_members_costs(members: str, expected: tuple[str, str]) -> None:
    text = (
        '{"type": "ORDER", "verb": "NEW", "key": "o1", "customer_id": "c1",'
        f' "event_time": "2017-01-06", {members}}}'
    )
    assert text_refusal(text)[:2] == expected


# --- One event, several, and the mapping that takes them --------------------------------------

GOOD = [
    event("ORDER", key="o1", customer_id="c1"),
    event("ORDER", key="o2", customer_id="c2"),
    event("SITE_VISIT", key="p1", customer_id="c1"),
    event("IMAGE", key="i1", customer_id="c3"),
    event("CUSTOMER", key="c2"),
    event("ORDER", key="o1", customer_id="c1", verb="UPDATE", total_amount="-5"),
    event("SITE_VISIT", key="p1", customer_id="c1", event_time="2017-03-01"),
]
BAD = event("ORDER", key="o3", customer_id="c9", total_amount="ten")


class PickledCustomers(MutableMapping[str, Customer]):
    """A mapping whose customers live elsewhere: what is read from it is always a copy."""

    def __init__(self) -> None:
        self.pickles: dict[str, bytes] = {}

    def __getitem__(self, customer_id: str) -> Customer:
        customer = pickle.loads(self.pickles[customer_id])
        assert isinstance(customer, Customer)
        return customer

    def __setitem__(self, customer_id: str, customer: Customer) -> None:
        self.pickles[customer_id] = pickle.dumps(customer)

    def __delitem__(self, customer_id: str) -> None:
        del self.pickles[customer_id]

    def __iter__(self) -> Iterator[str]:
        return iter(self.pickles)

    def __len__(self) -> int:
        return len(self.pickles)


@pytest.mark.parametrize(
    "given",
    [
        lambda: GOOD,
        lambda: tuple(GOOD),
        lambda: iter(GOOD),
        lambda: (e for e in GOOD),
        lambda: dict(enumerate(GOOD)).values(),
        lambda: map(MappingProxyType, GOOD),
    ],
    ids=["list", "tuple", "iterator", "generator", "view", "other mappings"],
)
def test_an_iterable_is_the_same_as_its_events_one_by_one(given: Any) -> None:
    one_by_one: dict[str, Customer] = {}
    for e in GOOD:
        Ingest(e, one_by_one)
    together: dict[str, Customer] = {}
    Ingest(given(), together)
    assert known(together) == known(one_by_one)
    assert list(together) == ["c1", "c2", "c3"]


@pytest.mark.parametrize("e", [GOOD[0], GOOD, [], iter(GOOD)])
def test_the_mapping_is_returned(e: Any) -> None:
    D: dict[str, Customer] = {}
    assert Ingest(e, D) is D
    assert Ingest(e, D, errors=[]) is D


def test_no_events_leave_nothing() -> None:
    D: dict[str, Customer] = {}
    Ingest([], D)
    assert D == {}


def test_any_mapping_will_do() -> None:
    D = PickledCustomers()
    for e in GOOD:
        Ingest(e, D)
    assert known(D) == known(ingested(*GOOD))
    at_once = PickledCustomers()
    Ingest(GOOD, at_once)
    assert known(at_once) == known(D)
    before = dict(D.pickles)
    with pytest.raises(EventError):
        Ingest(event("ORDER", total_amount="ten"), D)
    assert D.pickles == before


def test_events_join_what_is_known_from_before() -> None:
    D = ingested(*GOOD[:3])
    Ingest(GOOD[3:], D)
    assert known(D) == known(ingested(*GOOD))


def test_events_are_left_as_they_were() -> None:
    e = event("SITE_VISIT", tags=[{"a": [1]}])
    copy = pickle.loads(pickle.dumps(e))
    D = ingested(e)
    e["tags"][0]["a"].append(2)
    assert D["c1"].visits[0].tags == copy["tags"]
    D["c1"].visits[0].tags.append(3)  # type: ignore[union-attr]  # there are tags
    assert D["c1"].visits[0].tags == copy["tags"]


def test_the_first_bad_event_is_raised_and_what_came_before_is_there() -> None:
    D: dict[str, Customer] = {}
    stream = iter([GOOD[0], GOOD[1], BAD, GOOD[3], BAD])
    with pytest.raises(EventError) as caught:
        Ingest(stream, D)
    assert (caught.value.reason, caught.value.member) == ("bad-amount", "total_amount")
    assert known(D) == known(ingested(*GOOD[:2]))
    assert list(stream) == [GOOD[3], BAD]


def test_what_comes_from_a_bad_event_is_nothing_at_all() -> None:
    D = ingested(*GOOD)
    for reason, member, value in FAULTS:
        if reason in ("earlier", "later"):
            continue  # which is asked for here
        with pytest.raises(EventError):
            Ingest(event("ORDER", **{"event_time": "2019-01-01", member: value}), D)
    assert known(D) == known(ingested(*GOOD))


class Counting:
    """A sink that is no list."""

    def __init__(self) -> None:
        self.reasons: list[str] = []

    def append(self, error: EventError, /) -> int:
        self.reasons.append(error.reason)
        return len(self.reasons)


def test_collected_errors_do_not_stop_the_rest() -> None:
    errors: list[EventError] = []
    D: dict[str, Customer] = {}
    bad = [None, "x", {"type": "ORDER"}, {"type": "x"}, BAD, event("IMAGE", key=[])]
    mixed = [e for pair in zip(bad, GOOD, strict=False) for e in pair]
    Ingest(iter([*mixed, *GOOD[len(bad) :]]), D, errors=errors)
    assert known(D) == known(ingested(*GOOD))
    assert [(error.reason, error.member) for error in errors] == [
        ("not-an-object", None),
        ("not-an-object", None),
        ("missing", "verb"),
        ("unknown-type", "type"),
        ("bad-amount", "total_amount"),
        ("bad-id", "key"),
    ]


def test_errors_go_into_whatever_takes_them() -> None:
    sink = Counting()
    D = Ingest([BAD, GOOD[0], b"x"], {}, errors=sink)
    assert sink.reasons == ["bad-amount", "not-an-object"]
    assert list(D) == ["c1"]
    Ingest({"type": "order"}, D, errors=sink)
    assert sink.reasons == ["bad-amount", "not-an-object", "unknown-type"]


def test_other_errors_are_not_collected() -> None:
    def broken() -> Iterator[Event]:
        yield GOOD[0]
        raise OSError("the disk is gone")

    D: dict[str, Customer] = {}
    with pytest.raises(OSError, match="the disk is gone"):
        Ingest(broken(), D, errors=[])
    assert known(D) == known(ingested(GOOD[0]))


# --- Facts ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("e", "expected"),
    [
        (
            event("CUSTOMER", key=7, verb="UPDATE", adr_city=7),
            ("7", "7", True, {"last_name": "Smith", "adr_state": "AK"}),
        ),
        (event("SITE_VISIT", key=7), ("c1", "7", False, '[{"some key":"some value"}]')),
        (without("SITE_VISIT", "tags"), ("c1", "p1", False, "")),
        (
            event("IMAGE", customer_id=7),
            ("7", "i1", False, '{"camera_make":"Canon","camera_model":"EOS 80D"}'),
        ),
        (event("IMAGE", camera_make=7, camera_model=None), ("c1", "i1", False, "")),
        (event("ORDER"), ("c1", "o1", False, 12_340_000)),
        (event("ORDER", verb="UPDATE", total_amount="-5"), ("c1", "o1", True, -5_000_000)),
    ],
)
def test_the_fact_of_an_event(e: Event, expected: tuple[str, str, bool, Any]) -> None:
    customer_id, key, is_update, value = expected
    time = pack(parse_time(e["event_time"]))
    assert fact_of(e, Rules()) == Fact(e["type"], customer_id, key, time, is_update, value)


@pytest.mark.parametrize("kind", ["SITE_VISIT", "IMAGE"])
def test_a_fact_may_be_without_details(kind: str) -> None:
    fact = fact_of(EVENTS[kind], Rules())
    assert fact.value != ""
    assert fact_of(EVENTS[kind], Rules(with_details=False)) == fact._replace(value="")


def test_without_details_a_profile_is_a_name() -> None:
    fact = fact_of(EVENTS["CUSTOMER"], Rules())
    assert fact.value == {"last_name": "Smith", "adr_city": "Middletown", "adr_state": "AK"}
    expected = fact._replace(value={"last_name": "Smith"})
    assert fact_of(EVENTS["CUSTOMER"], Rules(with_details=False)) == expected


def test_without_details_an_order_stays_whole() -> None:
    fact = fact_of(EVENTS["ORDER"], Rules())
    assert fact.value
    assert fact_of(EVENTS["ORDER"], Rules(with_details=False)) == fact


def test_facts_that_are_joined_are_the_events_ingested() -> None:
    D: MutableMapping[str, Customer] = PickledCustomers()
    for e in GOOD:
        join_fact(fact_of(e, Rules()), D)
    assert known(D) == known(ingested(*GOOD))


@pytest.mark.parametrize(
    ("e", "rules", "reason"),
    [
        (BAD, Rules(), "bad-amount"),
        (BAD, Rules(before=0), "later"),
        (BAD, Rules(since=parse_time("2199-12-31")), "earlier"),
        (event("ORDER"), Rules(currency="EUR"), "other-currency"),
        (event("ORDER"), Rules(before=0), "later"),
        (None, Rules(), "not-an-object"),
    ],
)
def test_what_is_no_fact(e: Any, rules: Rules, reason: str) -> None:
    with pytest.raises(EventError) as caught:
        fact_of(e, rules)
    assert caught.value.reason == reason
    assert refusal(e, **rules._asdict())[0] == reason


# --- Blocks -----------------------------------------------------------------------------------

TIME_1, SHORT_1 = "2017-01-06T12:55:55.555000", b"2017-01-06T12:55:55.555"
TIME_2 = "2017-01-06T12:55:55.555001"

#: What an event says, and the row of it in a block.
ROWS: list[tuple[Fact, tuple[bytes, ...]]] = [
    (
        Fact("SITE_VISIT", "\u00fc", "\u20ac", TIME_1, False, ""),
        (SHORT_1, b"\xe2\x82\xac", b"\xc3\xbc"),
    ),
    (Fact("IMAGE", "c1", "i1", TIME_2, False, ""), (TIME_2.encode(), b"i1", b"c1")),
    (
        Fact("ORDER", "c1", "o1", TIME_1, False, 12_340_000),
        (SHORT_1, b"", b"o1", b"c1", b"12340000e-6"),
    ),
    (
        Fact("ORDER", "c1", "o1", TIME_2, True, -1),
        (TIME_2.encode(), b"U", b"o1", b"c1", b"-1e-6"),
    ),
    (Fact("ORDER", "c1", "o1", TIME_1, False, 0), (SHORT_1, b"", b"o1", b"c1", b"0e-6")),
    (
        Fact("ORDER", "c1", "o1", TIME_1, False, -(10**18)),
        (SHORT_1, b"", b"o1", b"c1", b"-1000000000000000000e-6"),
    ),
    (
        Fact("CUSTOMER", "c1", "c1", TIME_1, True, {"last_name": 'A\n"'}),
        (SHORT_1, b"U", b"c1", b'"A\\n\\""'),
    ),
    (Fact("CUSTOMER", "c1", "c1", TIME_1, False, {}), (SHORT_1, b"", b"c1", b"")),
]


@pytest.mark.parametrize(("fact", "row"), ROWS)
def test_a_block_of_one_fact(fact: Fact, row: tuple[bytes, ...]) -> None:
    block = block_of(fact)
    assert (block.type, list(zip(*block.columns, strict=True))) == (fact.type, [row])
    assert list(facts_of(block, "USD")) == [fact]


@pytest.mark.parametrize("currency", ["USD", "EUR"])
def test_the_events_of_a_block_are_joined_as_others_are(currency: str) -> None:
    amounts = (f'"5 {currency}"'.encode(), b"7.5")
    keys = (b"o1", b"o1"), (b"c1", b"c1")
    orders = Block("ORDER", ((SHORT_1, TIME_2.encode()), (b"", b"U"), *keys, amounts))
    image = event("IMAGE")
    events = [
        event("ORDER", event_time=TIME_1, total_amount=f"5 {currency}"),
        event("ORDER", event_time=TIME_2, verb="UPDATE", total_amount=7.5),
    ]
    expected = known(ingested(*events, image, currency=currency))
    assert known(ingested(orders, image, currency=currency)) == expected
    assert known(ingested(image, orders, currency=currency)) == expected
    assert known(Ingest(orders, {}, currency=currency)) == known(
        ingested(*events, currency=currency)
    )


class ByColumn:
    """A D that keeps what it is given."""

    def __init__(self) -> None:
        self.given: list[Any] = []

    def add(self, fact: Fact, /) -> None:
        self.given.append(fact)

    def add_block(self, block: Block, /) -> None:
        self.given.append(list(block.lines()))


class Told(Counting):
    """A sink that is told of times, too."""

    def __init__(self) -> None:
        super().__init__()
        self.accepted: list[Any] = []

    def accept(self, fact: Fact, /) -> None:
        self.accepted.append(fact.time)

    def accept_block(self, block: Block, /) -> None:
        self.accepted.append(list(block.times))


def test_blocks_are_kept_as_they_are_and_told_of_but_for_what_is_later() -> None:
    first, second, third = b"2017-01-31T23:59:59.999", b"2017-02-01T00:00:00.000", b"2017-02-02"
    late = third + b"T00:00:00.000"
    visits = Block("SITE_VISIT", ((second, first, late), (b"p2", b"p1", b"p3"), (b"c1",) * 3))
    only_late = Block("IMAGE", ((second,), (b"i1",), (b"c1",)))
    early = Block("IMAGE", ((first,), (b"i2",), (b"c1",)))
    order = event("ORDER")
    D, told = ByColumn(), Told()
    given = [visits, only_late, BAD, early, order]  # whatever else is wrong with it
    assert Ingest(given, D, before=parse_time("2017-02-01"), errors=told) is D
    fact = fact_of(order, Rules())
    assert D.given == [[first + b"\tp1\tc1"], [first + b"\ti2\tc1"], fact]
    assert told.accepted == [[first], [first], fact.time]
    assert told.reasons == ["later", "later", "later", "bad-amount"]
    D = Ingest([visits, order], ByColumn())
    assert D.given == [list(visits.lines()), fact]


def test_blocks_are_told_of_but_for_what_is_earlier() -> None:
    times = b"2017-01-31T23:59:59.999999", b"2017-02-01T00:00:00.000", b"2017-02-28T00:00:00.000"
    visits = Block("SITE_VISIT", (times, (b"p1", b"p2", b"p3"), (b"c1",) * 3))
    D, told = ByColumn(), Told()
    Ingest(visits, D, since=parse_time("2017-02-01"), errors=told)
    assert told.reasons == ["earlier"]
    assert told.accepted == [[*times[1:]]]
    D, told = ByColumn(), Told()
    since, before = map(parse_time, ("2017-02-01", "2017-02-28"))
    Ingest(visits, D, since=since, before=before, errors=told)
    assert told.reasons == ["earlier", "later"]
    assert D.given == [[times[1] + b"\tp2\tc1"]]


@pytest.mark.parametrize("before", ["2017-02-01", "2017-01-15"])
def test_a_later_event_of_a_block_is_refused_as_others_are(before: str) -> None:
    times = b"2017-01-10T00:00:00.000", b"2017-02-01T01:00:00.500"
    block = Block("IMAGE", (times, (b"i1", b"i2"), (b"c1", b"c1")))
    expected = f"expected a time before {before}T00:00:00Z, got 2017-02-01T01:00:00.5Z"
    assert refusal(block, before=parse_time(before)) == (
        "later",
        "event_time",
        f"event_time: {expected}",
    )


# --- Later, and other currencies --------------------------------------------------------------


@pytest.mark.parametrize("kind", EVENTS)
@pytest.mark.parametrize(
    ("event_time", "is_later"),
    [
        ("2016-12-31", False),
        ("2017-01-31T23:59:59.999999Z", False),
        ("2017-01-31T23:59:59.999999999Z", False),
        ("2017-02-01T00:59:59.999999+01:00", False),
        ("2017-02-01", True),
        ("2017-02-01T00:00:00.000001Z", True),
        ("2017-01-31T23:00:00-01:00", True),
        ("2199-12-31", True),
    ],
)
def test_later(kind: str, event_time: str, is_later: bool) -> None:
    e = event(kind, event_time=event_time)
    before = parse_time("2017-02-01")
    if not is_later:
        assert known(ingested(e, before=before)) == known(ingested(e))
        return
    reason, member, message = refusal(e, before=before)
    assert (reason, member) == ("later", "event_time")
    assert message.startswith("event_time: expected a time before 2017-02-01T00:00:00Z, got 2")


def test_later_says_both_times() -> None:
    e = event("IMAGE", event_time="2017-02-01 02:00:00.50+01:00")
    expected = "expected a time before 2017-02-01T00:00:00Z, got 2017-02-01T01:00:00.5Z"
    message = f"event_time: {expected}"
    assert refusal(e, before=parse_time("2017-02-01")) == ("later", "event_time", message)


@pytest.mark.parametrize("kind", EVENTS)
@pytest.mark.parametrize(
    ("event_time", "is_earlier"),
    [
        ("1970-01-01", True),
        ("2017-01-31T23:59:59.999999Z", True),
        ("2017-02-01T00:59:59.999999+01:00", True),
        ("2017-02-01", False),
        ("2017-01-31T23:00:00-01:00", False),
        ("2199-12-31", False),
    ],
)
def test_earlier(kind: str, event_time: str, is_earlier: bool) -> None:
    e = event(kind, event_time=event_time)
    since = parse_time("2017-02-01")
    if not is_earlier:
        assert known(ingested(e, since=since)) == known(ingested(e))
        return
    reason, member, message = refusal(e, since=since)
    assert (reason, member) == ("earlier", "event_time")
    assert message.startswith("event_time: expected a time from 2017-02-01T00:00:00Z on, got ")


def test_everything_is_later_than_the_first_instant() -> None:
    assert refusal(event("ORDER", event_time="1970-01-01"), before=0)[0] == "later"


@pytest.mark.parametrize("amount", ["ten", "5 EUR", {}, "1e3", float("nan")])
@pytest.mark.parametrize("currency", [None, "EUR", "dollars"])
def test_of_a_later_event_the_amount_does_not_matter(amount: Any, currency: str | None) -> None:
    e = event("ORDER", total_amount=amount, currency=currency)
    assert refusal(e, before=parse_time("2017-01-07"))[0] != "later"
    assert refusal(e, before=parse_time("2017-01-06"))[0] == "later"


def test_later_events_change_nothing() -> None:
    D = ingested(*GOOD)
    errors: list[EventError] = []
    before = parse_time("2018-01-01")
    Ingest([{**e, "event_time": "2018-01-01"} for e in GOOD], D, before=before, errors=errors)
    assert [error.reason for error in errors] == ["later"] * len(GOOD)
    assert known(D) == known(ingested(*GOOD))


@pytest.mark.parametrize(
    ("amount", "currency", "expected"),
    [
        ("5 EUR", "EUR", 5_000_000),
        ("EUR5", "EUR", 5_000_000),
        ("5", "EUR", 5_000_000),
        (5, "EUR", 5_000_000),
        ("5", "USD", 5_000_000),
        ("$5", "USD", 5_000_000),
        ("5 USD", "USD", 5_000_000),
    ],
)
def test_currency(amount: Any, currency: str, expected: int) -> None:
    D = ingested(event("ORDER", total_amount=amount), currency=currency)
    assert D["c1"].revenue_micros == expected


@pytest.mark.parametrize(
    ("amount", "currency"), [("5 USD", "EUR"), ("$5", "EUR"), ("-$5", "EUR"), ("5 EUR", "USD")]
)
def test_other_currency(amount: str, currency: str) -> None:
    message = f'total_amount: expected an amount in {currency}, got "{amount}"'
    expected = ("other-currency", "total_amount", message)
    assert refusal(event("ORDER", total_amount=amount), currency=currency) == expected


@pytest.mark.parametrize(
    ("amount", "beside", "currency"),
    [
        ("5", "EUR", "EUR"),
        (JsonNumber("5.0"), " eur ", "EUR"),
        ("5 EUR", "€", "EUR"),
        ("$5", "CAD", "CAD"),
        ("5", None, "USD"),
        ("5", "", "USD"),
        ("5", float("nan"), "USD"),
        ("5", 7, "USD"),
    ],
)
def test_the_member_currency(amount: Any, beside: Any, currency: str) -> None:
    e = event("ORDER", total_amount=amount, currency=beside)
    assert ingested(e, currency=currency)["c1"].revenue_micros == 5_000_000


@pytest.mark.parametrize(
    ("amount", "beside", "currency", "reason"),
    [
        ("5", "EUR", "USD", "other-currency"),
        ("$5", "EUR", "USD", "other-currency"),
        ("5 USD", "EUR", "USD", "bad-amount"),
        ("5 USD", "EUR", "EUR", "bad-amount"),
        ("5 USD", "euros", "USD", "bad-amount"),
    ],
)
def test_the_member_currency_may_cost_an_order(
    amount: str, beside: str, currency: str, reason: str
) -> None:
    e = event("ORDER", total_amount=amount, currency=beside)
    assert refusal(e, currency=currency)[:2] == (reason, "total_amount")


def test_a_currency_is_of_orders_alone() -> None:
    for member in ("total_amount", "currency"):
        for kind in ("CUSTOMER", "SITE_VISIT", "IMAGE"):
            e = event(kind, **{member: "5 USD"})
            assert list(ingested(e, currency="EUR")) == ["c1"]


def test_an_event_as_mongoexport_writes_it() -> None:
    e = {
        "_id": {"$oid": "5a934e000102030405000000"},
        "type": "ORDER",
        "verb": "UPDATE",
        "key": {"$oid": "5a934e000102030405000001"},
        "customer_id": {"$numberLong": "305"},
        "event_time": {"$date": {"$numberLong": "1483707355555"}},
        "total_amount": {"$numberDecimal": "12.34"},
    }
    D = ingested(e, event("CUSTOMER", key=305.0))
    order = ("5a934e000102030405000001", 1_483_707_355_555_000, 12_340_000, True)
    assert {customer_id: customer.orders for customer_id, customer in D.items()} == {"305": [order]}
