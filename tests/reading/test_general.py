"""Events of any layout, matched many at once: what is taken is what the full path makes of it."""

import json
import random
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from test_layouts import VARIETIES, changed, fact_of_bytes, facts_of_match, siblings
from test_read import reading

from ltv.reading.general import GeneralMatcher, general_matcher
from ltv.reading.layouts import Learner, Match, layout_of
from LTV_Ingest import Fact
from random_logs import random_events

VISIT = ('"type":"SITE_VISIT"', '"verb":"NEW"', '"key":"p1"', '"customer_id":"c1"',
         '"event_time":"2017-01-01T10:00:00.000Z"')  # fmt: skip
ORDER = ('"type":"ORDER"', '"verb":"UPDATE"', '"key":"o1"', '"customer_id":"c1"',
         '"event_time":"2017-01-01T10:00:00.000Z"', '"total_amount":"12.34 USD"')  # fmt: skip
CUSTOMER = ('"type":"CUSTOMER"', '"verb":"NEW"', '"key":"c1"', '"last_name":"Smith"',
            '"event_time":"2017-01-01T10:00:00.000Z"')  # fmt: skip


def event(members: Iterable[str], *more: str) -> bytes:
    return ("{" + ",".join([*members, *more]) + "}").encode()


def with_value(members: tuple[str, ...], name: str, value: str) -> tuple[str, ...]:
    return tuple(f'"{name}":{value}' if one.startswith(f'"{name}"') else one for one in members)


def check(match: Match, expected: list[Fact], currency: str = "USD") -> None:
    assert sorted(facts_of_match(match, currency), key=repr) == sorted(expected, key=repr)
    assert match.events == len(expected)


def check_lines(lines: list[bytes], currency: str = "USD") -> Match:
    """Check that of lines all is taken or passed over as it should be."""
    text = b"".join(line + b"\n" for line in lines)
    match = general_matcher(currency).match(text, is_of_lines=True)
    assert (match.length, match.newlines) == (len(text), len(lines))
    passed_over = {other.line: other for other in match.others}
    offset = 0
    expected = []
    for number, line in enumerate(lines):
        other = passed_over.get(number)
        if other:
            assert (other.offset, other.text) == (offset, line + b"\n")
        elif line.strip(b" \t\r,"):
            fact = fact_of_bytes(line.strip(b" \t\r,"), currency)
            assert fact is not None, f"refused by the full path: {line!r}"
            expected.append(fact)
        offset += len(line) + 1
    check(match, expected, currency)
    return match


TAKEN: dict[str, bytes] = {
    "plain": event(VISIT),
    "spaced": b'{ "type" : "SITE_VISIT" ,\t"verb": "NEW", "key" :"p1","customer_id":"c1" ,'
              b'"event_time":"2017-01-01T10:00:00.000Z" }',
    "crlf": event(VISIT) + b"\r",
    "comma-after": event(VISIT) + b" , ",
    "in-another-order": event(reversed(ORDER)),
    "more-members": event(ORDER, '"a":1', '"b":"x"', '"c":null', '"d":true', '"":-1.5e+3'),
    "nested": event(ORDER, '"a":[]', '"b":{}', '"c":[1,"x",{"d":[null,{"e":"f"}]}]', '"g":[[[]]]'),
    "names-that-begin-alike": event(VISIT, '"types":1', '"key_":[]', '"event_times":{"key":1}'),
    "known-names-further-in": event(VISIT, '"x":{"type":"ORDER","key":1,"customer_id":"c2"}'),
    "escapes": event(CUSTOMER, r'"x":"\"\\\/\b\f\n\r\t\u00e9"', r'"y":{"\"":"\\"}'),
    "names-of-members-escaped": event(VISIT, r'"na\u00efve":1', r'"a\"m\\":2', r'"\ud800":3',
                                      r'"type\u00e9":4', r'"\t\/key":[5]'),
    "escaped-name": event(with_value(CUSTOMER, "last_name", r'"O\u0027Hara \"x\""')),
    "not-ascii": event(with_value(CUSTOMER, "last_name", '"Ünsal 佐藤 😀"'), '"é":"ü"'),
    "repeated": event(('"type":"ORDER"', *VISIT, *ORDER), '"key":"o2"', '"total_amount":"1"'),
    "ids-as-numbers": event(with_value(with_value(VISIT, "key", "305.0"), "customer_id", "-7")),
    "ids-escaped": event(with_value(with_value(VISIT, "key", r'"caf\u00e9 \/"'),
                                    "customer_id", r'"\ud83d\ude00x\u007f"')),
    "id-escaped-as-long-as-can-be": event(with_value(VISIT, "key", '"' + r"\u00e9" * 256 + '"')),
    "ids-of-words": event(with_value(with_value(VISIT, "key", '"null"'), "customer_id", '"NaN"')),
    "ids-of-zero": event(with_value(with_value(VISIT, "key", "0"), "customer_id", "0.00")),
    "amount-as-number": event(with_value(ORDER, "total_amount", "182.45000000000002")),
    "amount-with-a-sign": event(with_value(ORDER, "total_amount", '"-$1,234.5"')),
    "currency": event(ORDER, '"currency":"usd"'),
    "currency-absent": event(ORDER, '"currency":null'),
    "currency-empty": event(ORDER, '"currency":""'),
    "currency-of-another-type": event(ORDER, '"currency":5'),
    "name-absent": event(with_value(CUSTOMER, "last_name", "null")),
    "name-of-another-type": event(with_value(CUSTOMER, "last_name", "NaN")),
    "nothing-where-it-is-ignored": event(VISIT, '"total_amount":null', '"last_name":NaN'),
    "an-amount-where-it-is-ignored": event(VISIT, '"total_amount":"ten"', '"currency":"EUR"'),
    "constants": event(VISIT, '"a":NaN', '"b":[-Infinity,Infinity]'),
    **{text: event(with_value(VISIT, "event_time", f'"{text}"')) for text in (
        "2017-01-01", "2017-01-01 10:00", "2017-01-01t10:00:00z", "2017-01-01:10:00:00.1",
        "2017-01-01T10:00:00.123456789 UTC", "2017-01-01T10:00:00,5Z", "2017-01-01 10:00:00+02",
        "2017-01-01T10:00:00-0130",
        "2017-01-01T10:00:00.123456789 +05:30", "2016-12-31t23:59:59,25 -0800",
        "1970-01-01T02:00:00+02", "2199-12-31T20:59:59.999-03:00",
        "2016-02-29T23:59:59.999999+00:00")},
}  # fmt: skip


@pytest.mark.parametrize("name", TAKEN)
def test_what_is_taken(name: str):
    for lines in ([TAKEN[name]], [TAKEN[name], *TAKEN.values()]):
        match = check_lines(lines)
        assert match.others == []
    objects = b" ,\n".join(TAKEN.values())
    match = general_matcher("USD").match(objects + b"\n", is_of_lines=False)
    assert (match.events, match.others) == (len(TAKEN), [])


PASSED_OVER: dict[str, bytes] = {
    "bad-json": b'{"type":"SITE_VISIT",}',
    "half": event(ORDER)[:-9],
    "two": event(VISIT) * 2,
    "not-an-object": b"[1]",
    "text-before": b"x " + event(VISIT),
    "text-after": event(VISIT) + b" x",
    "comma-at-the-end": event(VISIT, ""),
    "comma-doubled": event(VISIT[:2], "", *VISIT[2:]),
    "comma-missing": event(VISIT).replace(b",", b" ", 1),
    "mark": b"\xef\xbb\xbf" + event(VISIT),
    "no-type": event(VISIT[1:]),
    "unknown-type": event(with_value(VISIT, "type", '"VISIT"')),
    "escaped-type": event(with_value(VISIT, "type", r'"SITE_V\u0049SIT"')),
    "escaped-member": event(VISIT[1:], r'"t\u0079pe":"SITE_VISIT"'),
    "another-verb": event(with_value(VISIT, "verb", '"UPDATE"')),
    "no-verb": event(VISIT[:1], *VISIT[2:]),
    "no-key": event(VISIT[:2], *VISIT[3:]),
    "key-null": event(with_value(VISIT, "key", "null")),
    "key-empty": event(with_value(VISIT, "key", '""')),
    "key-escaped-and-plain": event(VISIT, r'"key":"\u0070"'),
    **{f"key-{name}": event(with_value(VISIT, "key", f'"{text}"')) for name, text in {
        "with-a-quote": r"\"", "with-a-backslash": r"x\\", "with-a-slash": r"\/\t",
        "with-a-tab": r"\t", "with-a-line-break": r"x\ny", "with-nul": r"\u0000",
        "lone-surrogate": r"\ud83d", "escaped-too-long": r"\u0061" * 257}.items()},
    "key-too-long": event(with_value(VISIT, "key", '"' + "x" * 257 + '"')),
    "key-of-both-kinds": event(VISIT, '"key":7'),
    "key-with-an-exponent": event(with_value(VISIT, "key", "1e3")),
    "customer-object": event(with_value(VISIT, "customer_id", '{"$oid":"c1"}')),
    "time-before-1970": event(with_value(VISIT, "event_time", '"1970-01-01T01:59:59+02"')),
    "time-after-2199": event(with_value(VISIT, "event_time", '"2199-12-31T21:00:00.0-03:00"')),
    "time-with-a-bad-offset": event(with_value(VISIT, "event_time", '"2017-01-01T10:00:00+24:00"')),
    "time-null": event(with_value(VISIT, "event_time", "null")),
    "time-bad": event(with_value(VISIT, "event_time", '"2017-02-29"')),
    "time-number": event(with_value(VISIT, "event_time", "1483228800")),
    "time-then-null": event(VISIT, '"event_time":null'),
    "amount-null": event(with_value(ORDER, "total_amount", "null")),
    "amount-bad": event(with_value(ORDER, "total_amount", '"ten"')),
    "amount-in-another-currency": event(with_value(ORDER, "total_amount", '"1 EUR"')),
    "amount-missing": event(ORDER[:-1]),
    "amount-then-null": event(ORDER, '"total_amount":null'),
    "currency-of-another": event(ORDER, '"currency":"EUR"'),
    "currency-then-null": event(ORDER, '"currency":"USD"', '"currency":null'),
    "name-too-long": event(with_value(CUSTOMER, "last_name", '"' + "x" * 257 + '"')),
    "name-then-null": event(CUSTOMER, '"last_name":null'),
    "name-of-a-member-in-escapes": event(VISIT, r'"\u006bey":"p2"'),
    "name-of-a-member-badly-escaped": event(VISIT, r'"\u00g1":1'),
    "nested-deepest": event(VISIT, '"x":[[[[[[[[1]]]]]]]]'),
    "nested-badly": event(VISIT, '"x":[1 2]'),
    "nested-comma": event(VISIT, '"x":{"a":1,}'),
    "control-character": event(VISIT, '"x":"\t"'),
    "not-utf-8": event(VISIT, '"x":"@"').replace(b"@", b"\xff"),
}  # fmt: skip


@pytest.mark.parametrize("name", PASSED_OVER)
def test_what_is_passed_over_costs_no_other(name: str):
    line = PASSED_OVER[name]
    match = check_lines([event(VISIT), line, event(ORDER), b"", line, event(CUSTOMER)])
    assert [other.line for other in match.others] == [1, 4]
    assert match.events == 3


def test_a_line_of_nothing_is_nothing():
    match = check_lines([b"", event(VISIT), b" \t", b",", b"\r", event(VISIT)])
    assert (match.events, match.others) == (2, [])


def test_objects_that_are_not_events_are_passed_over_outside_of_lines():
    typeless = event(VISIT[1:])
    text = b"\n".join([event(VISIT), typeless + b",", event(ORDER), typeless, event(CUSTOMER)])
    match = general_matcher("USD").match(text + b"\n]", is_of_lines=False)
    assert (match.events, match.length, match.newlines) == (3, len(text) + 1, 5)
    places = [text.index(typeless), text.rindex(typeless)]
    assert [(other.offset, other.line) for other in match.others] == [
        (places[0], 1),
        (places[1], 3),
    ]
    assert [other.text.rstrip(b",\n") for other in match.others] == [typeless] * 2


@pytest.mark.parametrize("end", [b"x", b"]", b"[1]", b'{"type":', event(VISIT)[:-1], b"\xff"])
def test_outside_of_lines_what_is_not_an_object_ends_it(end: bytes):
    text = event(VISIT) + b"\n" + event(ORDER) + b",\n"
    match = general_matcher("USD").match(text + end + event(ORDER) + b"\n", is_of_lines=False)
    assert (match.events, match.length) == (2, len(text))


BESIDE = ['"x":1', '"y":{"a":[1,{"b":null}]}', '"z":"é"', r'"w":"\n"']


def shuffled(rng: random.Random, one: str) -> bytes:
    """The event with its members in another order, some twice, and others beside them."""
    members = [f"{json.dumps(name)}:{json.dumps(value)}" for name, value in json.loads(one).items()]
    members += rng.sample(members, rng.randint(0, 2))
    members += rng.sample(
        ['"x":1', '"y":{"a":[1,{"b":null}]}', '"z":"é"', r'"w":"\n"'], rng.randint(0, 4)
    )
    rng.shuffle(members)
    return event(members)


def test_changed_events_are_taken_only_if_they_are_good():
    rng = random.Random(1)
    taken = 0
    for one in VARIETIES.values():
        raw = [*siblings(one, 3), *(changed(rng, sibling) for sibling in siblings(one, 3))]
        lines = [line for line in raw if b"\n" not in line]
        if fact_of_bytes(siblings(one, 1)[0]) is not None:
            lines += [shuffled(rng, siblings(one, 1)[0].decode()) for _ in range(3)]
        taken += check_lines(lines).events
    assert taken > 200


@pytest.mark.parametrize("currency", ["USD", "EUR"])
def test_random_events(currency: str):
    rng = random.Random(f"general-{currency}")
    taken = 0
    for _ in range(40):
        lines = [line for line in random_events(rng, 30, 0.1) if b"\n" not in line]
        lines = [line for line in lines if line.strip()]
        taken += check_lines(lines, currency).events
    assert taken > 50


def hostile_lines() -> list[bytes]:
    """Lines in which much can be tried in many ways, with a fault at the end."""
    members = ['"last_name":"x"', '"total_amount":"1"', '"currency":"USD"', '"key":"k"', '"key":1',
               '"event_time":"2017-01-01T00:00:00Z"', '"x":[[[[1]]]]', '"y":{"a":[{"a":[1,2]}]}',
               '"z":"' + r"\n" * 50 + '"']  # fmt: skip
    return [
        ("{" + ",".join([one] * 2000) + end).encode() for one in members for end in ("x", ",}", '"')
    ]


@pytest.mark.parametrize("is_of_lines", [True, False], ids=["lines", "values"])
def test_hostile_lines_are_done_with(is_of_lines: bool):
    """Which no machine is if there are two ways to try each of 2,000 members."""
    for line in hostile_lines():
        match = general_matcher("USD").match(line + b"\n", is_of_lines=is_of_lines)
        assert match.events == 0


def test_the_same_matcher_is_used_again():
    assert general_matcher("USD") is general_matcher("USD")
    assert isinstance(general_matcher("EUR"), GeneralMatcher)


def test_deeper_brackets_are_looked_at_where_there_are_many():
    matcher = GeneralMatcher("USD", None)
    deep = [event(VISIT, f'"x":{"[" * depth}{"]" * depth}') for depth in (5, 6, 7)]
    few = b"".join(one + b"\n" for one in [*[event(VISIT)] * 60, *deep])
    many = b"".join(one + b"\n" for one in [*[event(VISIT)] * 15, *deep])
    found = [matcher.match(text, is_of_lines=True).events for text in (few, few, many, many, few)]
    assert found == [60, 60, 15, 18, 63]


FRAMINGS: dict[str, Callable[[list[bytes]], bytes]] = {
    "lines": lambda events: b"".join(one + b"\n" for one in events),
    "crlf-and-lf": lambda events: b"".join(
        one + (b"\r\n" if number % 3 else b"\n") for number, one in enumerate(events)
    ),
    "array": lambda events: b"[\n" + b",\n".join(events) + b"\n]\n",
    "one-line-array": lambda events: b"[" + b", ".join(events) + b"]",
    "run": lambda events: b"{\n}" + b"\n".join(events),
}


def messy(rng: random.Random, count: int) -> list[bytes]:
    """Events in layouts that hardly come twice, and some that are bad by a rule."""
    bases = [siblings(one, 1)[0] for one in VARIETIES.values()]
    good = [base.decode() for base in bases if fact_of_bytes(base) is not None]
    bad = [PASSED_OVER[name] for name in ("amount-bad", "no-key", "time-null", "nested-deepest")]
    return [
        rng.choice(bad) if rng.random() < 0.1 else shuffled(rng, rng.choice(good))
        for _ in range(count)
    ]


@pytest.mark.parametrize("framing", FRAMINGS)
def test_whole_logs_are_read_alike(framing: str):
    rng = random.Random(framing)
    content = FRAMINGS[framing](messy(rng, 400))
    expected = reading([content], None).outcome
    learner = Learner((), "USD", None)
    done = reading([content], learner)
    assert done.outcome == expected
    assert done.matched > 150


def test_faulty_lines_between_good_ones_are_read_alike():
    """Short and long: of a long one, what is looked at grows."""
    faulty = [
        *PASSED_OVER.values(),
        b'{"a":NaN} {} , ',
        b"{",
        b'{"a":1}\xff',
        b'{"a":' + b"[" * 300,
        b"{} \xef\xbb\xbf",
        event(VISIT) + b" \xef\xbb\xbf, ",
        b'{"a":1,,',
        b'{"\xff',
        b'{"a"}',
        b'{"a":' + b"[" * 300 + b"]" * 300 + b"}",
        event(VISIT) + b",,{bad",
    ]
    long = [line.replace(b"{", b'{"x":"' + b"y" * 1020 + b'",', 1) for line in faulty]
    good = [event(VISIT), event(ORDER), event(CUSTOMER)] * 12
    content = b"".join(
        one + b"\r\n" for bad in [*faulty, *long] for one in [*good, bad, event(ORDER), bad + b" "]
    )
    expected = reading([content], None).outcome
    done = reading([content], Learner((), "USD", None))
    assert done.outcome == expected
    assert done.matched > len(faulty)


@pytest.mark.parametrize("rest", [b" 5", b",[1]", b'"x"', b" {}", b"{bad", b", null", b" x"])
def test_what_stands_after_an_event_on_its_line(rest: bytes):
    """However the events before were taken."""
    rng = random.Random(2)
    for before in (1, 31, 32, 33, 64):
        lines = [one for one in messy(rng, 3 * before) if fact_of_bytes(one) is not None][:before]
        content = b"".join(
            one + b"\n" for one in [*lines, event(VISIT) + rest, *lines, event(ORDER)]
        )
        for known in ((), (layout_of(event(VISIT).decode()),)):
            learner = Learner(tuple(filter(None, known)), "USD", None)
            assert reading([content], learner).outcome == reading([content], None).outcome


def test_what_is_sampled_is_good():
    bad = PASSED_OVER["amount-bad"]
    text = b"\n".join([b"", bad, event(VISIT), b"x", event(ORDER) + b",", event(CUSTOMER), b""])
    matcher = general_matcher("USD")
    match = matcher.match(text, is_of_lines=True)
    samples: list[Any] = matcher.samples(match, text, 2, is_of_lines=True)
    assert samples == [event(VISIT).decode(), event(ORDER).decode()]
    assert matcher.samples(match, text, 0, is_of_lines=True) == []
