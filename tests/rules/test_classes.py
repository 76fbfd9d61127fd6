"""What is known of a customer, and how pieces of it join (SPEC, section 3)."""

import pickle
import random
from collections.abc import Callable, Sequence
from decimal import Decimal
from itertools import permutations
from typing import Any

import pytest

from ltv.reading.decoding import decode
from ltv.values import parse_time
from LTV_Classes import Customer, Image, Order, Visit, news
from LTV_Ingest import Ingest

Event = dict[str, Any]

MONDAY = "2017-01-02"
TUESDAY = "2017-01-03"
WEDNESDAY = "2017-01-04"


def profile(event_time: str, verb: str = "NEW", **texts: Any) -> Event:
    return {"type": "CUSTOMER", "verb": verb, "key": "c1", "event_time": event_time, **texts}


def visit(event_time: str, key: str = "p1", of: str = "c1", **tags: Any) -> Event:
    event = {"type": "SITE_VISIT", "verb": "NEW", "key": key, "customer_id": of}
    return {**event, "event_time": event_time, **tags}


def image(event_time: str, key: str = "i1", **camera: Any) -> Event:
    event = {"type": "IMAGE", "verb": "UPLOAD", "key": key, "customer_id": "c1"}
    return {**event, "event_time": event_time, **camera}


def order(event_time: str, verb: str, amount: Any, key: str = "o1", of: str = "c1") -> Event:
    event = {"type": "ORDER", "verb": verb, "key": key, "customer_id": of}
    return {**event, "event_time": event_time, "total_amount": amount}


def known(customer: Customer) -> tuple[Any, ...]:
    """All that is known, as plain values."""
    return (
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


def ingested(events: Sequence[Event]) -> Customer:
    """What is known of c1 from events, all at once."""
    D: dict[str, Customer] = {}
    Ingest(events, D)
    return D["c1"]


def joined(events: Sequence[Event]) -> Customer:
    """What is known of c1 from events, each of them a piece of its own."""
    customer = Customer("c1")
    for event in events:
        customer.join(ingested([event]))
    return customer


def in_every_order(events: Sequence[Event]) -> Customer:
    """What is known of c1, after a check that neither order nor repetition nor pieces matter."""
    customer = ingested(events)
    for arranged in permutations(events):
        assert known(ingested(arranged)) == known(customer)
        assert known(ingested([*arranged, *arranged])) == known(customer)
        assert known(joined(arranged)) == known(customer)
    return customer


# --- Visits -----------------------------------------------------------------------------------


def test_the_same_visit_counts_once() -> None:
    customer = in_every_order([visit(MONDAY), visit(f"{MONDAY}T00:00:00.000Z"), visit(MONDAY)])
    assert customer.visit_count == 1
    assert customer.visits == [Visit("p1", parse_time(MONDAY), None)]


def test_another_time_or_page_is_another_visit() -> None:
    customer = in_every_order(
        [visit(TUESDAY), visit(MONDAY, "p2"), visit(MONDAY), visit(f"{MONDAY}T00:00:00.000001")]
    )
    assert customer.visit_count == 4
    monday = parse_time(MONDAY)
    assert customer.visits == [
        Visit("p1", monday),
        Visit("p2", monday),
        Visit("p1", monday + 1),
        Visit("p1", parse_time(TUESDAY)),
    ]


@pytest.mark.parametrize(
    ("one", "other", "winner"),
    [
        ([{"a": "b"}], None, [{"a": "b"}]),
        ([], None, []),
        ([{"a": "b"}], [], [{"a": "b"}]),  # "[{" is greater than "[]"
        (["x"], [], []),  # and "[]" than '["'
        ([{"a": "b"}], [{"a": "c"}], [{"a": "c"}]),
        ([{"a": "z"}], [{"b": "a"}], [{"b": "a"}]),
        ([{"b": 1, "a": 1}], [{"a": 2}], [{"a": 2}]),  # members are sorted
        ([{"a": 9}], [{"a": 10}], [{"a": 9}]),  # as texts
        ([{"a": "\uffff"}], [{"a": "\U0001f600"}], [{"a": "\U0001f600"}]),  # by code point
        ([{"a": "é"}], [{"a": "z"}], [{"a": "é"}]),  # not as escapes
    ],
)
def test_of_two_tags_of_one_visit_the_greater_text_stays(one: Any, other: Any, winner: Any) -> None:
    customer = in_every_order([visit(MONDAY, tags=one), visit(MONDAY, tags=other), visit(MONDAY)])
    assert customer.visits == [Visit("p1", parse_time(MONDAY), winner)]


def test_each_visit_has_its_own_tags() -> None:
    customer = in_every_order([visit(MONDAY, tags=["a"]), visit(TUESDAY, tags=["b"])])
    assert [visit.tags for visit in customer.visits] == [["a"], ["b"]]


def test_one_visit_under_two_customers_is_two_visits() -> None:
    D: dict[str, Customer] = {}
    Ingest([visit(MONDAY), visit(MONDAY, of="c2", tags=["a"]), visit(MONDAY, of="c2")], D)
    assert D["c1"].visits == [Visit("p1", parse_time(MONDAY))]
    assert D["c2"].visits == [Visit("p1", parse_time(MONDAY), ["a"])]


def tag_text(number: str) -> str:
    """The text of a visit with a number in its tags."""
    return (
        '{"type":"SITE_VISIT","verb":"NEW","key":"p1","customer_id":"c1",'
        f'"event_time":"{MONDAY}","tags":[{{"name":"n","value":{number}}}]}}'
    )


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        ("7", 7),
        ("-7", -7),
        ("0.5", 0.5),
        ("1e3", 1000.0),
        ("10.00", 10.0),
        ("9" * 4299, int("9" * 4299)),
        ("9" * 4300, Decimal("9" * 4300)),
        ("-" + "9" * 4299, Decimal("-" + "9" * 4299)),
        ("-" + "9" * 4300, Decimal("-" + "9" * 4300)),
        ("9" * 5000, Decimal("9" * 5000)),
        ("-" + "9" * 5000, Decimal("-" + "9" * 5000)),
        ("1" + "0" * 5000, Decimal(10) ** 5000),
        ("0." + "3" * 5000, 1 / 3),
        ("1e5000", float("inf")),
        ("1e-5000", 0.0),
    ],
    ids=lambda value: str(value)[:10],
)
def test_numbers_of_any_length_in_tags(number: str, expected: Any) -> None:
    event = decode(tag_text(number))
    assert isinstance(event, dict)
    tags = ingested([event]).visits[0].tags
    assert tags is not None
    assert tags[0]["name"] == "n"
    assert tags[0]["value"] == expected
    assert type(tags[0]["value"]) is type(expected)


def test_long_integers_of_python_in_tags() -> None:
    tags = ingested([visit(MONDAY, tags=[10**5000, -(10**5000)])]).visits[0].tags
    assert tags == [Decimal(10) ** 5000, -(Decimal(10) ** 5000)]


# --- Images -----------------------------------------------------------------------------------


def test_facts_before_the_first_event_and_of_an_image() -> None:
    customer = Customer("c1")
    assert (customer.first_time, customer.last_time, *customer.facts) == ("", "", {}, {}, {}, {})
    customer.add_image("i1", "2017-01-01T00:00:00.000000", "{}")
    assert customer.facts.images == {"i1": ("2017-01-01T00:00:00.000000", False, "{}")}


def test_news_are_what_is_not_known_or_later() -> None:
    facts = {"new": (1,), "earlier": (1,), "same": (2,), "later": (3,)}
    assert news(facts, {"earlier": (2,), "same": (2,), "later": (2,)}) == {
        "new": (1,),
        "later": (3,),
    }
    assert news({}, facts) == {}


def test_an_image_is_known_by_its_latest_event() -> None:
    customer = in_every_order(
        [
            image(TUESDAY, camera_make="Canon", camera_model="B"),
            image(WEDNESDAY, camera_make="Apple"),
            image(MONDAY, camera_make="Zeiss", camera_model="Z"),
        ]
    )
    assert customer.image_count == 1
    assert customer.images == [Image("i1", parse_time(WEDNESDAY), "Apple", None)]


def test_an_image_without_a_camera_may_be_the_latest() -> None:
    customer = in_every_order([image(MONDAY, camera_make="Canon"), image(TUESDAY)])
    assert customer.images == [Image("i1", parse_time(TUESDAY), None, None)]


@pytest.mark.parametrize(
    ("one", "other", "winner"),
    [
        ({"camera_make": "Canon"}, {"camera_make": "Zeiss"}, ("Zeiss", None)),
        (
            {"camera_make": "Canon", "camera_model": "B"},
            {"camera_make": "Canon", "camera_model": "A"},
            ("Canon", "B"),
        ),
        (
            {"camera_make": "Canon", "camera_model": "Z"},
            {"camera_make": "Zeiss", "camera_model": "A"},
            ("Zeiss", "A"),
        ),
        ({"camera_make": "Zeiss"}, {"camera_model": "A"}, (None, "A")),
        ({"camera_make": "\uffff"}, {"camera_make": "\U0001f600"}, ("\U0001f600", None)),
    ],
)
def test_of_two_cameras_at_one_time_the_greater_text_stays(
    one: Event, other: Event, winner: tuple[str | None, str | None]
) -> None:
    customer = in_every_order([image(MONDAY, **one), image(MONDAY, **other)])
    assert customer.images == [Image("i1", parse_time(MONDAY), *winner)]


def test_images_are_by_key() -> None:
    keys = ["i2", "I1", "i10", "é"]
    customer = in_every_order([image(MONDAY, key) for key in keys])
    assert [image.image_id for image in customer.images] == ["I1", "i10", "i2", "é"]
    assert customer.image_count == 4


# --- Orders -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ([order(MONDAY, "NEW", "10")], (MONDAY, "10", False)),
        ([order(MONDAY, "UPDATE", "10")], (MONDAY, "10", True)),
        (
            [order(MONDAY, "NEW", "10"), order(TUESDAY, "UPDATE", "3")],
            (TUESDAY, "3", True),
        ),
        (
            [order(MONDAY, "UPDATE", "10"), order(TUESDAY, "NEW", "3")],
            (TUESDAY, "3", False),
        ),
        (
            [order(MONDAY, "NEW", "10"), order(TUESDAY, "NEW", "3")],
            (TUESDAY, "3", False),
        ),
        (
            [
                order(MONDAY, "NEW", "10"),
                order(TUESDAY, "UPDATE", "99"),
                order(WEDNESDAY, "UPDATE", "0"),
            ],
            (WEDNESDAY, "0", True),
        ),
        (
            [order(MONDAY, "NEW", "10"), order(MONDAY, "UPDATE", "3")],
            (MONDAY, "3", True),
        ),
        (
            [order(MONDAY, "NEW", "10"), order(f"{MONDAY}T00:00:00.000000999", "UPDATE", "3")],
            (MONDAY, "3", True),
        ),
        (
            [order(MONDAY, "NEW", "3"), order(MONDAY, "NEW", "10")],
            (MONDAY, "10", False),
        ),
        (
            [order(MONDAY, "UPDATE", "9"), order(MONDAY, "UPDATE", "10"), order(MONDAY, "NEW", 99)],
            (MONDAY, "10", True),
        ),
        (
            [order(MONDAY, "UPDATE", "-10"), order(MONDAY, "UPDATE", "-9")],
            (MONDAY, "-9", True),
        ),
        (
            [order(MONDAY, "NEW", "-0.000001"), order(MONDAY, "NEW", "0")],
            (MONDAY, "0", False),
        ),
        (
            [order(MONDAY, "NEW", "10.000"), order(MONDAY, "NEW", "$10")],
            (MONDAY, "10", False),
        ),
    ],
)
def test_order(events: list[Event], expected: tuple[str, str, bool]) -> None:
    event_time, amount, is_update = expected
    customer = in_every_order(events)
    micros = int(Decimal(amount) * 1_000_000)
    assert customer.orders == [Order("o1", parse_time(event_time), micros, is_update)]
    assert customer.orders[0].total_amount == Decimal(amount)
    assert customer.order_count == 1
    assert customer.revenue_micros == micros


def test_orders_are_by_key() -> None:
    keys = ["o2", "O1", "o10", "é"]
    customer = in_every_order([order(MONDAY, "NEW", "1.5", key) for key in keys])
    assert [order.order_id for order in customer.orders] == ["O1", "o10", "o2", "é"]
    assert customer.revenue_micros == 6_000_000


def test_one_order_key_under_two_customers_is_two_orders() -> None:
    D: dict[str, Customer] = {}
    Ingest([order(MONDAY, "NEW", "10"), order(TUESDAY, "UPDATE", "3", of="c2")], D)
    assert [(D[who].order_count, D[who].revenue_micros) for who in ("c1", "c2")] == [
        (1, 10_000_000),
        (1, 3_000_000),
    ]


def test_one_key_may_name_a_visit_an_image_and_an_order() -> None:
    events = [visit(MONDAY, "k"), image(MONDAY, "k"), order(MONDAY, "NEW", "1", "k")]
    customer = in_every_order(events)
    counts = (customer.visit_count, customer.image_count, customer.order_count)
    assert counts == (1, 1, 1)


@pytest.mark.parametrize(
    ("micros", "expected"),
    [
        (20_010_000, "20.01"),
        (0, "0"),
        (-1, "-0.000001"),
        (999_999_999_999_999_999, "999999999999.999999"),
        (-999_999_999_999_999_999, "-999999999999.999999"),
    ],
)
def test_total_amount_is_exact(micros: int, expected: str) -> None:
    assert Order("o1", 0, micros).total_amount == Decimal(expected)


# --- Profiles and begin -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ([profile(MONDAY)], (None, None, None)),
        ([profile(MONDAY, last_name="", adr_city="X")], ("", "X", None)),
        (
            [profile(MONDAY, last_name="Young"), profile(TUESDAY, "UPDATE", last_name="Adams")],
            ("Adams", None, None),
        ),
        (
            [profile(MONDAY, "UPDATE", last_name="Young"), profile(TUESDAY, last_name="Adams")],
            ("Adams", None, None),
        ),
        (
            [
                profile(MONDAY, last_name="Young", adr_city="X", adr_state="AK"),
                profile(TUESDAY, "UPDATE", adr_city="Y"),
                profile(WEDNESDAY, "UPDATE", adr_state=None, last_name=7, adr_city="x" * 257),
            ],
            ("Young", "Y", "AK"),
        ),
        (
            [profile(TUESDAY, last_name="Young"), profile(MONDAY, adr_city="X", last_name="Adams")],
            ("Young", "X", None),
        ),
        (
            [profile(MONDAY, last_name="Young"), profile(MONDAY, "UPDATE", last_name="Adams")],
            ("Adams", None, None),
        ),
        (
            [profile(MONDAY, last_name="Young"), profile(MONDAY, "UPDATE", adr_city="X")],
            ("Young", "X", None),
        ),
        (
            [
                profile(MONDAY, last_name="Young", adr_city="A"),
                profile(MONDAY, last_name="Adams", adr_city="B"),
            ],
            ("Young", "B", None),
        ),
        (
            [
                profile(MONDAY, "UPDATE", last_name="\uffff"),
                profile(MONDAY, "UPDATE", last_name="\U0001f600"),
                profile(MONDAY, "UPDATE", last_name="z"),
            ],
            ("\U0001f600", None, None),
        ),
        (
            [profile(MONDAY, last_name=""), profile(MONDAY)],
            ("", None, None),
        ),
    ],
)
def test_profile(events: list[Event], expected: tuple[str | None, ...]) -> None:
    customer = in_every_order(events)
    assert (customer.last_name, customer.adr_city, customer.adr_state) == expected


@pytest.mark.parametrize(
    "first",
    [
        profile(MONDAY),
        profile(MONDAY, "UPDATE"),
        visit(MONDAY),
        image(MONDAY),
        order(MONDAY, "NEW", "1"),
        order(MONDAY, "UPDATE", "1"),
    ],
    ids=lambda event: f"{event['type']} {event['verb']}",
)
def test_begin_and_latest_are_of_any_event(first: Event) -> None:
    rest = [profile(TUESDAY), visit(TUESDAY)]
    customer = in_every_order([first, *rest])
    assert (customer.begin, customer.latest) == (parse_time(MONDAY), parse_time(TUESDAY))
    last = {**first, "event_time": WEDNESDAY}
    customer = in_every_order([last, *rest])
    assert (customer.begin, customer.latest) == (parse_time(TUESDAY), parse_time(WEDNESDAY))


def test_a_replaced_event_still_counts_for_begin_and_latest() -> None:
    customer = in_every_order(
        [order(MONDAY, "NEW", "1"), order(WEDNESDAY, "UPDATE", "2"), image(TUESDAY)]
    )
    assert (customer.begin, customer.latest) == (parse_time(MONDAY), parse_time(WEDNESDAY))


def test_the_first_instant_is_a_begin() -> None:
    customer = in_every_order([visit("1970-01-01"), visit(MONDAY)])
    assert (customer.begin, customer.latest) == (0, parse_time(MONDAY))
    customer = ingested([visit("1970-01-01")])
    assert (customer.begin, customer.latest) == (0, 0)


# --- Joining ----------------------------------------------------------------------------------

TIMES = [MONDAY, TUESDAY, f"{TUESDAY}T12:00"]


def random_event(rng: random.Random) -> Event:
    """One of few events, so that many have a key and a time in common."""
    event_time = rng.choice(TIMES)
    kind = rng.choice(["profile", "visit", "image", "order"])
    if kind == "profile":
        members = rng.sample(["last_name", "adr_city", "adr_state"], rng.randint(0, 3))
        texts = {member: rng.choice(["A", "B", ""]) for member in members}
        return profile(event_time, rng.choice(["NEW", "UPDATE"]), **texts)
    if kind == "visit":
        return visit(event_time, rng.choice("pq"), tags=rng.choice([None, [], ["a"], [{"b": 1}]]))
    if kind == "image":
        camera = {"camera_make": rng.choice(["A", None]), "camera_model": rng.choice(["B", "C"])}
        return image(event_time, rng.choice("ij"), **camera)
    verb = rng.choice(["NEW", "UPDATE"])
    return order(event_time, verb, rng.choice(["1", "-1", "0.5"]), rng.choice("op"))


def random_piece(rng: random.Random) -> Customer:
    """A piece of c1, perhaps one of which nothing is known yet."""
    customer = Customer("c1")
    for _ in range(rng.randint(0, 5)):
        customer.join(ingested([random_event(rng)]))
    return customer


def copy(customer: Customer) -> Customer:
    """The same piece, sharing nothing."""
    twin = pickle.loads(pickle.dumps(customer))
    assert isinstance(twin, Customer)
    return twin


def join(a: Customer, b: Customer) -> Customer:
    """a and b joined, both left as they are."""
    return copy(a).join(b)


@pytest.mark.parametrize("seed", range(100))
def test_join_is_commutative_associative_and_idempotent(seed: int) -> None:
    rng = random.Random(seed)
    a, b, c = (random_piece(rng) for _ in range(3))
    a_and_b = known(join(a, b))
    assert a_and_b == known(join(b, a))
    assert known(join(join(a, b), c)) == known(join(a, join(b, c)))
    assert known(join(a, a)) == known(a)
    assert known(a.join(a)) == known(copy(a))
    assert known(join(join(a, b), b)) == a_and_b
    assert known(join(join(a, b), a)) == a_and_b


def test_join_returns_the_piece_that_learnt() -> None:
    a, b = ingested([visit(MONDAY)]), ingested([order(TUESDAY, "NEW", "1")])
    known_to_b = known(b)
    assert a.join(b) is a
    assert (a.visit_count, a.order_count) == (1, 1)
    assert known(b) == known_to_b


def test_joined_pieces_share_nothing() -> None:
    a, b = ingested([visit(MONDAY)]), ingested([visit(TUESDAY), profile(TUESDAY, last_name="A")])
    a.join(b)
    known_to_b = known(b)
    a.join(ingested([order(WEDNESDAY, "NEW", "1"), profile(WEDNESDAY, last_name="B")]))
    assert known(b) == known_to_b


def test_nothing_is_known_of_a_new_customer() -> None:
    nothing = Customer("c1")
    assert known(nothing) == ("c1", None, None, None, None, None, [], [], [])
    assert nothing.revenue_micros == 0
    something = ingested([visit(MONDAY), profile(TUESDAY, last_name="A")])
    assert known(join(nothing, something)) == known(something)
    assert known(join(something, nothing)) == known(something)


@pytest.mark.parametrize(
    "get", [lambda c: c.visits, lambda c: c.images, lambda c: c.orders], ids=["v", "i", "o"]
)
def test_what_is_handed_out_is_no_way_in(get: Callable[[Customer], list[Any]]) -> None:
    customer = ingested([visit(MONDAY), image(MONDAY), order(MONDAY, "NEW", "1")])
    before = known(customer)
    get(customer).clear()
    assert known(customer) == before
    assert len(get(customer)) == 1


def test_visits_images_and_orders_are_of_their_types() -> None:
    customer = ingested([visit(MONDAY), image(MONDAY), order(MONDAY, "NEW", "1")])
    assert type(customer.visits[0]) is Visit
    assert type(customer.images[0]) is Image
    assert type(customer.orders[0]) is Order


def test_repr_says_how_much_is_known() -> None:
    customer = ingested([visit(MONDAY), visit(TUESDAY), order(MONDAY, "NEW", "1")])
    assert repr(customer) == "<Customer 'c1': 1 orders, 2 visits, 0 images>"
