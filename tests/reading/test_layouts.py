"""Layouts: whatever they match, the full path accepts, and says the same of it."""

import json
import random
import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import date, timedelta
from functools import partial
from itertools import chain, cycle
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import ltv.reading.layouts
from ltv.blocks import COLUMNS
from ltv.errors import EventError
from ltv.parallel.shards import ShardWriter
from ltv.parallel.workers import customers_of_shards
from ltv.reading.decoding import decode
from ltv.reading.layouts import (
    Layout,
    Learner,
    Match,
    Matcher,
    Piece,
    bounded,
    layout_of,
    matcher_of,
)
from ltv.times import lengthened, shortened
from ltv.values import (
    FLOAT_ID_PATTERN,
    HOUR_PATTERN,
    INTEGER_ID_PATTERN,
    JSON_NUMBER_PATTERN,
    REAL_DATE_PATTERN,
    SIXTY_PATTERN,
    JsonNumber,
    amount_text_pattern,
    parse_amount,
    parse_date,
    parse_id,
    parse_optional_text,
    parse_time,
)
from LTV_Classes import Customer
from LTV_Ingest import Fact, Rules, fact_of, facts_of, join_fact
from random_logs import (
    EDGE_TIMES,
    NO_JSON_VALUES,
    ODD_AMOUNT_VALUES,
    ODD_AMOUNTS,
    ODD_IDS,
    ODD_TIME_VALUES,
    ODD_TIMES,
    ODD_TYPE_NAMES,
    ODD_TYPES,
    ODD_VERBS,
    OTHER_CURRENCIES,
    TEXTS,
    ascii_surrogates,
)

# The same examples in every run, and no files of them.
steady = settings(deadline=None, derandomize=True, database=None, max_examples=300)

Members = list[tuple[str, str]]

# --- What both paths say ----------------------------------------------------------------------


def fact_of_event(value: object, currency: str = "USD") -> Fact | None:
    """What the rules make of a decoded event, as much as a ranking needs; None: refused."""
    try:
        return fact_of(value, Rules(currency, with_details=False))
    except EventError:
        return None


def fact_of_bytes(raw: bytes, currency: str = "USD") -> Fact | None:
    """What the full path makes of one event; None: refused."""
    try:
        value = decode(raw.decode("utf-8", "surrogateescape"))
    except EventError:
        return None
    return fact_of_event(value, currency)


def facts_of_match(match: Match, currency: str = "USD") -> list[Fact]:
    """What the blocks of a match say; by `facts_of`, and the same by a plain reading."""
    plain = [
        fact_of_row(block.type, dict(zip(COLUMNS[block.type], row, strict=True)), currency)
        for block in match.blocks
        for row in zip(*block.columns, strict=True)
    ]
    assert [fact for block in match.blocks for fact in facts_of(block, currency)] == plain
    return plain


def fact_of_row(event_type: str, row: dict[str, bytes], currency: str) -> Fact:
    fields = {member: field.decode() for member, field in row.items()}
    value: object = ""
    if event_type == "ORDER":
        text = fields["total_amount"]
        value = parse_amount(text[1:-1] if text[0] == '"' else JsonNumber(text), currency)
    elif event_type == "CUSTOMER":
        name = parse_optional_text(json.loads(fields["last_name"] or "null"))
        value = {} if name is None else {"last_name": name}
    owner = fields["key"] if event_type == "CUSTOMER" else fields["customer_id"]
    time = lengthened(fields["event_time"])
    assert shortened(time.encode()) == row["event_time"]
    assert fields.get("verb", "") in ("", "U")
    return Fact(event_type, owner, fields["key"], time, fields.get("verb") == "U", value)


def checked(matcher: Matcher, text: bytes, separator: str, currency: str = "USD") -> Match:
    """What `matcher` takes of `text`, once it is certain that the full path takes just that."""
    match = matcher.match(text)
    latin = text.decode("latin-1")  # a character for each byte
    decoder = json.JSONDecoder(parse_int=str, parse_float=str)
    lines = separator.encode().replace(b"\r\n", b"\n")
    between = re.compile(re.escape(lines).replace(b"\\\n", b"\r?\n"))  # a CR makes no difference
    expected = []
    position = 0
    for _ in range(match.events):
        _, end = decoder.raw_decode(latin, position)
        fact = fact_of_bytes(text[position:end], currency)
        assert fact is not None, f"refused by the full path: {text[position:end]!r}"
        expected.append(fact)
        found = between.match(text, end)
        assert found, f"not separated: {text[end:]!r}"
        position = found.end()
    assert match.length == position
    assert match.newlines == text.count(b"\n", 0, position)
    assert sum(block.events for block in match.blocks) == match.events
    assert sorted(facts_of_match(match, currency), key=repr) == sorted(expected, key=repr)
    return match


def taken_of(
    matcher: Matcher, events: list[bytes], separator: str, currency: str = "USD"
) -> list[bytes]:
    """The events that are taken when all stand in one text, others being passed over."""
    places = {}
    text = b""
    for event in events:
        places[len(text)] = event
        text += event + separator.encode()
    taken = []
    position = 0
    while position < len(text):
        behind = position + checked(matcher, text[position:], separator, currency).length
        if behind == position:
            behind = min((place for place in places if place > position), default=len(text))
        else:
            taken += [event for at, event in places.items() if position <= at < behind]
        position = behind
    return taken


def matcher_for(events: Iterable[str], separator: str = "\n", currency: str = "USD") -> Matcher:
    """A new matcher of the layouts of these events, all of which can be learnt."""
    layouts = dict.fromkeys(map(layout_of, events))
    assert None not in layouts
    return Matcher(tuple(layout for layout in layouts if layout), separator, currency)


# --- Events of every layout: `@` is a digit of 1 to 9 that differs from event to event --------

BASES: dict[str, Members] = {
    "visit": [
        ("type", '"SITE_VISIT"'), ("verb", '"NEW"'), ("key", '"p@"'), ("customer_id", '"c@"'),
        ("event_time", '"2017-01-0@T10:01:0@.12@Z"'),
    ],
    "image": [
        ("type", '"IMAGE"'), ("verb", '"UPLOAD"'), ("key", '"i@"'), ("customer_id", '"c@"'),
        ("event_time", '"2017-01-0@T10:01:0@.12@Z"'),
    ],
    "order": [
        ("type", '"ORDER"'), ("verb", '"NEW"'), ("key", '"o@"'), ("customer_id", '"c@"'),
        ("event_time", '"2017-01-0@T10:01:0@.12@Z"'), ("total_amount", '"1@.50 USD"'),
    ],
    "order-update": [
        ("type", '"ORDER"'), ("verb", '"UPDATE"'), ("key", '"o@"'), ("customer_id", '"c@"'),
        ("event_time", '"2017-01-0@T10:01:0@.12@Z"'), ("total_amount", "1@.50"),
    ],
    "customer": [
        ("type", '"CUSTOMER"'), ("verb", '"NEW"'), ("key", '"c@"'),
        ("event_time", '"2017-01-0@T10:01:0@.12@Z"'), ("last_name", '"Name @"'),
        ("adr_city", '"City @"'), ("adr_state", '"S@"'),
    ],
    "customer-bare": [
        ("type", '"CUSTOMER"'), ("verb", '"UPDATE"'), ("key", '"c@"'),
        ("event_time", '"2017-01-0@"'),
    ],
}  # fmt: skip

#: comma, colon, behind the opening and before the closing bracket
SPACES = {
    "compact": (",", ":", "", ""),
    "spaced": (", ", ": ", "", ""),
    "odd": (" ,\t", " : ", " ", "\t "),
    "pretty": (",\n  ", ": ", "\n  ", "\n"),
    "windows": (",\r\n\t", ":", "\r\n\t", "\r\n"),
}

EXTRAS = {
    "text": '"x@"',
    "text-empty": '""',
    "text-accented": '"é@ 佐藤 😀"',
    "text-escaped": r'"\"\\\/\b\f\n\r\t\u00e9@\ud800"',
    "text-with-delete": '"\x7f@\u0085\u2028"',
    "text-like-json": "\"},{'type':[@]\"",
    "text-long": '"' + "x" * 300 + '@"',
    "number": "1@",
    "number-odd": "-0.50@e+30",
    "number-long": "9" * 400,
    "null": "null",
    "true": "true",
    "nan": "NaN",
    "infinity": "-Infinity",
    "array-of-nan": '[NaN,Infinity,"@",{"a":-Infinity}]',
    "array-empty": "[ ]",
    "object-empty": "{}",
    "array": '[1@,-0,"@",null,true,false,1.5E3]',
    "object": '{"a":"@" ,"é":null}',
    "tags": '[{"name":"n","value":"@"},{"name":1}]',
    "array-of-arrays": "[[], [ 1 ,@],[]]",
}
TOO_DEEP = ["[[[@]]]", '{"a":{"b":{"c":@}}}', '[{"a":[@]}]']

OPTIONAL_VALUES = [
    "null", "NaN", "7@", "true", '["x"]', '{"a":"@"}', '""', '"é@"', r'"\u00e9@"',
    r'"\ud83d\ude00"', r'"\ud800"', '"' + "x" * 256 + '"', '"' + "é" * 128 + '"',
    '"' + r"\n" * 256 + '"',
]  # fmt: skip

EXTENDED = [
    ("key", '{"$oid":"5a93@"}'),
    ("customer_id", '{ "$oid" : "é@" }'),
    ("key", '{"$numberInt":"7@"}'),
    ("customer_id", '{"$numberLong": "-7@"}'),
    ("key", '{"$numberDouble":"7@.0"}'),
    ("customer_id", '{"$numberDouble":"7@"}'),
    ("event_time", '{"$date":"2017-01-0@T10:01:0@.12@Z"}'),
    ("event_time", '{"$date": "2017-01-0@ 10:01:0@,@ UTC"}'),
    ("total_amount", '{"$numberDecimal":"1@.50"}'),
    ("total_amount", '{"$numberDouble":"-1@.45000000000002"}'),
    ("total_amount", '{ "$numberInt" : "1@" }'),
    ("last_name", '{"$oid":"@"}'),
    ("x", '{"$oid":"5a93@"}'),
]

CURRENCY_VALUES = ['"USD"', "NaN", '" usd "', '"$"', '"US$"', '""', "null", "7@", "[]"]

ID_VALUES = [
    '"7@"',
    "7@",
    "-7@",
    "7@.0",
    "-12345678901234@.00",
    "12345678901234567@",
    '"é@"',
    '"=@"',
    '" "',
    '"' + "x" * 256 + '"',
]


OFFSET_TIMES = [
    "2017-01-0@T01:00+01:00",
    "2017-01-0@T01:00+01",
    "2017-01-0@T01:00-0001",
    "2017-02-28 23:5@:59,123 -0330",
    "2017-01-01T00:00:0@.123+05:30",
    "2016-12-31t23:00:00.12345@789 -0800",
    "2199-12-30:20:00:00.@-23:59",
    "1970-01-02T00:00:00.@00000+2359",
]


def written(members: Members, style: str = "compact") -> str:
    comma, colon, begin, end = SPACES[style]
    inside = comma.join(f'"{name}"{colon}{value}' for name, value in members)
    return "{" + begin + inside + end + "}"


def with_member(members: Members, name: str, value: str) -> Members:
    """The same members, with another value of that name, or with one more member."""
    if name not in dict(members):
        return [*members, (name, value)]
    return [(known, value if known == name else old) for known, old in members]


def varieties() -> Iterator[tuple[str, str]]:
    """Events with something of their own in how they are written, by name."""
    rng = random.Random(20170101)
    for kind, members in BASES.items():
        for style in SPACES:
            yield f"{kind}-{style}", written(members, style)
        for number in range(4):
            yield f"{kind}-order-{number}", written(rng.sample(members, len(members)))
        yield f"{kind}-type-last", written([*members[1:], members[0]])
    for name, value in EXTRAS.items():
        kind = rng.choice(list(BASES))
        place = rng.randint(0, len(BASES[kind]))
        members = [*BASES[kind][:place], ("x" + name, value), *BASES[kind][place:]]
        yield f"{kind}-extra-{name}", written(members)
    for number, value in enumerate(OPTIONAL_VALUES):
        yield f"last-name-{number}", written(with_member(BASES["customer"], "last_name", value))
    for number, value in enumerate(ID_VALUES):
        for member in ("key", "customer_id"):
            yield f"{member}-{number}", written(with_member(BASES["order"], member, value))
        yield f"customer-key-{number}", written(with_member(BASES["customer"], "key", value))
    for number, value in enumerate(OFFSET_TIMES):
        yield f"offset-{number}", written(with_member(BASES["order"], "event_time", f'"{value}"'))
    yield "stray-members", written([*BASES["visit"], ("total_amount", "[]"), ("last_name", '"@"')])
    for number, value in enumerate(CURRENCY_VALUES):
        yield f"currency-{number}", written(with_member(BASES["order"], "currency", value))
    yield "stray-mongodb", written([*BASES["visit"], ("total_amount", '{"$numberInt":"1@"}')])
    yield "stray-oid", written([*BASES["customer"], ("customer_id", '{"$oid":"1@"}')])
    yield "stray-currency", written([*BASES["visit"], ("currency", '"@"')])
    for number, (member, value) in enumerate(EXTENDED):
        for kind in ("order", "customer"):
            if kind == "order" or member in ("key", "event_time"):
                yield f"{kind}-mongodb-{number}", written(with_member(BASES[kind], member, value))
    yield "stray-customer-id", written([*BASES["customer"], ("customer_id", '"x@"')])
    yield "tags", written([*BASES["visit"], ("tags", EXTRAS["tags"])])
    yield "camera", written([*BASES["image"], ("camera_make", '"M@"'), ("camera_model", "null")])
    yield "name-accented", written([*BASES["visit"], ("é\x7f佐", '"@"'), ("", "@"), (".*", "@")])
    yield "type-escaped", written(with_member(BASES["visit"], "type", r'"SITE_VIS\u0049T"'))
    yield "verb-escaped", written(with_member(BASES["image"], "verb", r'"UPL\u004fAD"'))


VARIETIES = dict(varieties())


def siblings(event: str, count: int = 9) -> list[bytes]:
    """Events that differ in their values alone."""
    return [event.replace("@", str(digit)).encode() for digit in range(1, count + 1)]


EACH_VARIETY = pytest.mark.parametrize("event", VARIETIES.values(), ids=VARIETIES.keys())


@EACH_VARIETY
def test_an_event_teaches_its_layout(event: str):
    first, *others = siblings(event)
    for separator in ("\n", ", ", ""):
        matcher = matcher_for([first.decode()], separator)
        assert taken_of(matcher, others, separator) == (others if separator else others[:-1])
    assert len({layout_of(sibling.decode()) for sibling in siblings(event)}) == 1


def test_the_layouts_of_all_events_are_known_at_once():
    rng = random.Random(2)
    names = rng.sample(sorted(VARIETIES), len(VARIETIES))
    for begin in range(0, len(names), 40):
        known = [VARIETIES[name] for name in names[begin : begin + 40]]
        matcher = matcher_for([siblings(event)[0].decode() for event in known])
        events = [sibling for event in known for sibling in siblings(event, 3)]
        rng.shuffle(events)
        assert taken_of(matcher, events, "\n") == events
        plain = [event for event in events if not event.isascii() or b"\\" not in event]
        assert taken_of(matcher, plain, "\n") == plain


@pytest.mark.parametrize("value", TOO_DEEP)
def test_what_is_nested_deeper_takes_the_full_path(value: str):
    event = written([*BASES["visit"], ("x", value)])
    shallow = written([*BASES["visit"], ("x", "[[@]]")])
    matcher = matcher_for([siblings(event)[0].decode()])
    assert taken_of(matcher, siblings(event) + siblings(shallow), "\n") == siblings(shallow)


UNCOMMON = {
    "twice": written([*BASES["visit"], ("key", '"p2"')]),
    "twice-of-no-use": written([*BASES["visit"], ("x", "1"), ("x", "1")]),
    "escaped-name": written([*BASES["visit"], (r"\u0078", "1")]),
    "escaped-time": written(with_member(BASES["visit"], "event_time", r'"2017-01-0\u0031"')),
    "milliseconds": written(with_member(BASES["visit"], "event_time", '{"$date":1483706806384}')),
    "milliseconds-of-mongodb": written(
        with_member(BASES["visit"], "event_time", '{"$date":{"$numberLong":"1483706806384"}}')
    ),
    "escaped-mongodb": written(with_member(BASES["visit"], "key", r'{"\u0024oid":"@"}')),
    "41-members": written([*BASES["visit"], *((f"x{n}", "1") for n in range(36))]),
    "cut-off": written(BASES["visit"])[:-1],
    "in-space": " " + written(BASES["visit"]),
    "with-space-behind": written(BASES["visit"]) + " ",
}


@pytest.mark.parametrize("event", UNCOMMON.values(), ids=UNCOMMON.keys())
def test_what_is_uncommon_teaches_nothing(event: str):
    assert layout_of(event.replace("@", "1")) is None


def test_an_event_may_have_40_members():
    event = written([*BASES["visit"], *((f"x{n}", "1") for n in range(35))])
    assert taken_of(matcher_for([event.replace("@", "1")]), siblings(event), "\n") == siblings(
        event
    )


def test_a_layout_is_its_type_and_its_pieces():
    assert layout_of('{"type":"IMAGE", "verb":"UPLOAD","key":7,"customer_id":"c",'
                     '"event_time":"2017-01-01","x":null }') == Layout(
        "IMAGE",
        (
            Piece("literal", '{"type":'), Piece("literal", '"IMAGE"'),
            Piece("literal", ', "verb":'), Piece("literal", '"UPLOAD"'),
            Piece("literal", ',"key":'), Piece("integer-id", "", "key"),
            Piece("literal", ',"customer_id":'), Piece("id", "", "customer_id"),
            Piece("literal", ',"event_time":'),
            Piece("time", f'"({REAL_DATE_PATTERN})"', "event_time"),
            Piece("literal", ',"x":'), Piece("constant", ""),
            Piece("literal", " }"),
        ),
    )  # fmt: skip


def test_digits_of_numbers_are_not_limited():
    """Whatever limit `PYTHONINTMAXSTRDIGITS` sets."""
    event = written([*BASES["visit"], ("x", "9" * 700)])
    limit = sys.get_int_max_str_digits()
    sys.set_int_max_str_digits(640)
    try:
        layout = layout_of(event.replace("@", "1"))
    finally:
        sys.set_int_max_str_digits(limit)
    assert layout is not None


# --- Values -----------------------------------------------------------------------------------

CLOCKS = ["10:0@", "10:0@:5@", *(f"23:59:5@.{'0123456@9'[-n:]}" for n in range(1, 10)),
          "23:59:5@,@", "23:59:59,12@", "23:59:59,1234567@"]  # fmt: skip
ZONES = ["", "Z", "z", "+00:00", "-00:00", "+0000", "-0000", "+00", " -00", "UTC", " UTC", " GMT",
         " Z", " +00:00"]  # fmt: skip


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("separator", "Tt :")
def test_every_spelling_of_a_time_can_be_learnt(separator: str, zone: str):
    for clock in CLOCKS:
        time = f'"2017-01-1@{separator}{clock}{zone}"'
        event = written(with_member(BASES["order"], "event_time", time))
        matcher = matcher_for([siblings(event)[0].decode()])
        assert taken_of(matcher, siblings(event), "\n") == siblings(event)


def events_with(kind: str, member: str, values: Iterable[str]) -> list[bytes]:
    """Events with these JSON texts in that member."""
    return [
        written(with_member(BASES[kind], member, value)).replace("@", "1").encode()
        for value in values
    ]


def quoted(texts: Iterable[str]) -> list[str]:
    return [ascii_surrogates(json.dumps(text, ensure_ascii=False)) for text in texts]


DATES = [
    "1969-12-31", "1970-01-01", "2199-12-31", "2200-01-01", "2016-02-29", "2017-02-29",
    "2000-02-29",
    "2100-02-29", "1900-02-29", "2104-02-29", "2017-02-28", "2017-02-30", "2017-04-30",
    "2017-04-31",
    "2017-06-31", "2017-09-31", "2017-11-31", "2017-12-31", "2017-12-32", "2017-13-01",
    "2017-00-01",
    "2017-01-00", "0000-00-00", "9999-12-31", "2017-1-01", "\u0662017-01-01", "2017-01-01 ",
]  # fmt: skip
CLOCK_TIMES = [
    "00:00:00", "23:59:59", "24:00:00", "29:00:00", "10:60:00", "10:59:60", "10:00", "1:00:00",
    "10:00:00.", "10:00:00,5", "10:00:0\u0661", "-1:00:00", "10:00:99", "99:99:99", "10.00.00",
]  # fmt: skip


@pytest.mark.parametrize(
    "clock",
    ["", "T10:00", " 23:59:59", "T23:59:59.999999", "t23:59:59.1Z", "T23:59:59,9 UTC"],
)
def test_times_that_are_taken(clock: str):
    learnt = written(with_member(BASES["order"], "event_time", f'"2017-01-01{clock}"'))
    matcher = matcher_for([learnt])
    around = [clock[:1] + time + clock[9:] for time in CLOCK_TIMES] if clock else []
    times = [date + clock for date in DATES] + ["2017-01-01" + other for other in around]
    times += ODD_TIMES + EDGE_TIMES
    shape = re.sub("[0-9]", "[0-9]", re.escape(f"2017-01-01{clock}"))
    same_shape = [time for time in times if re.fullmatch(shape, time)]
    good = [event for event in events_with("order", "event_time", quoted(same_shape))
            if fact_of_bytes(event)]  # fmt: skip
    events = events_with("order", "event_time", [*quoted(times), *ODD_TIME_VALUES])
    for event in events:
        checked(matcher, event + b"\n", "\n")
    assert set(taken_of(matcher, events, "\n")) == set(good)
    assert len(good) >= 9


AMOUNTS = [
    ".5", "-.99 USD", "5 usd", "Usd 5", "uSD5", "5$", "5 $", "$ 5", "US$5", "5 US$", "-US$ 5",
    "us$5", "€5", "5 €", "-€5", "€ -5", "-€-5", "£5", "5£", "5 eur", "eur5", "-USD 5", "-USD5",
    "-USD -5", "5\u00a0USD", "5\u202fUSD", "USD\u00a05", "5 \u00a0USD", "  5 USD  ", " .5 ",
    "5 USD\u00a0",
    "182.45000000000002", "0.0000005", "0.00000049", "1." + "9" * 30, "1." + "9" * 31,
    "999999999999.9999995", "-999999999999.9999999 USD", "1,234.5678905", "5 ¥", "5 CAD", "$5 CAD",
    "5.", "USD .5", "$.5", ".", "USD", " ", "- 5",
]  # fmt: skip
AMOUNT_VALUES = ["182.45000000000002", "-0.0000005", "1." + "9" * 30, "1." + "9" * 31, "1e3"]


@pytest.mark.parametrize("currency", ["USD", "EUR", "GBP", "CAD"])
@pytest.mark.parametrize("learnt", ['"10.00 USD"', '"10.00 EUR"', "10.00", '"$5"'])
def test_amounts_that_are_taken(learnt: str, currency: str):
    """All good ones, whatever spelling they were learnt from, unless they hold an escape."""
    matcher = matcher_for(
        [written(with_member(BASES["order"], "total_amount", learnt)).replace("@", "1")],
        currency=currency,
    )
    others = [text.replace("USD", currency) for text in ODD_AMOUNTS]
    texts = quoted([*ODD_AMOUNTS, *OTHER_CURRENCIES, *others, *AMOUNTS])
    values = [*texts, *ODD_AMOUNT_VALUES, *AMOUNT_VALUES, *NO_JSON_VALUES]
    values = [value for value in values if not value.startswith("{")]
    events = events_with("order", "total_amount", values)
    taken = []
    for event in events:
        if checked(matcher, event + b"\n", "\n", currency).events:
            taken.append(event)
    accepted = [event for event in events if fact_of_bytes(event, currency)]
    assert taken == accepted
    assert len(accepted) > 40


@pytest.mark.parametrize("currency", ["USD", "EUR", "CAD"])
@pytest.mark.parametrize("learnt", ['"USD"', '"EUR"', '""', "null"])
def test_amounts_beside_a_currency_that_are_taken(learnt: str, currency: str):
    """All good ones but for escapes and, beside another currency, dollar signs."""
    order = with_member(BASES["order"], "currency", learnt)
    matcher = matcher_for([written(order).replace("@", "1")], currency=currency)
    values = [
        *quoted(
            ["USD", "usd", " Usd  ", "EUR", "eur", "CAD", "$", "US$", "us$", "€", " € ", "£", "",
             " ", "US", "USDT", "A$", "USD\u00a0", "U\nD", "dollars", "\ud800"]
        ),
        r'"\u0055SD"', r'"\u20ac"', "null", "true", "7", "[]", '["EUR"]', '{"$oid":"EUR"}',
    ]  # fmt: skip
    amounts = ["5", '"5"', '"5 USD"', '"usd 5"', '"5 EUR"', '"5€"', '"CAD 5"', '"$5"', '"US$5"']
    events = [
        written(with_member(with_member(order, "currency", value), "total_amount", amount))
        .replace("@", "1")
        .encode()
        for value in values
        for amount in amounts
    ]
    is_text = learnt.startswith('"')
    expected = [
        event
        for event in events
        if fact_of_bytes(event, currency)
        and (b'"currency":"' in event) == is_text
        and (is_text or re.search(b'"currency":(null|true)', event))
        and b"\\" not in event
        and (b'"$5"' not in event or currency == "USD")
    ]
    assert taken_of(matcher, events, "\n", currency) == expected
    assert len(expected) >= 6


IDS = [
    "305.0", "305.000", "-7.0", "0.0", "-0.0", "999999999999999.0", "9007199254740991.0",
    "9007199254740992.0", "-9007199254740992.0", "305.5", "305.0e0", "305.", "0305.0", "9" * 255,
    "9" * 256, "9" * 257, "-" + "9" * 254, "-" + "9" * 255, "-" + "9" * 256, '"305.0"',
]  # fmt: skip


TEXTS_OF_EXTENDED = [
    "5", "-5", "5.0", "305.000", "5.5", "+5", ".5", "5.", "05", "1e3", "NaN", "5 USD", "$5",
    "1,234", " 5", "", "x", "2017-01-02", "2017-01-02T10:00", "9" * 18, "9" * 31, "x" * 257, "é",
    "5\\n", "182.45000000000002", "-0", "-0.0", "9007199254740992.0",
]  # fmt: skip


@pytest.mark.parametrize(("member", "learnt"), EXTENDED)
def test_objects_of_extended_json_that_are_taken(member: str, learnt: str):
    """No more than the full path takes, and none where another name stands."""
    kind = "customer" if member == "last_name" else "order"
    matcher = matcher_for([written(with_member(BASES[kind], member, learnt)).replace("@", "1")])
    names = ["$oid", "$date", "$numberInt", "$numberLong", "$numberDouble", "$numberDecimal", "oid"]
    values = [f'{{"{name}":"{text}"}}' for name in names for text in TEXTS_OF_EXTENDED]
    values += [value.replace("@", "2") for _, value in EXTENDED]
    values += [f'{{"{name}":{text}}}' for name in names for text in ("5", "null", '{"$oid":"5"}')]
    taken = 0
    for event in events_with(kind, member, values):
        taken += checked(matcher, event + b"\n", "\n").events
    assert taken > 0


@pytest.mark.parametrize("member", ["key", "customer_id"])
def test_ids_that_are_taken(member: str):
    """All good ones but for escapes, -0, objects, and more than 255 or 15 digits, or 256 bytes."""
    learnt = events_with("order", member, ['"x"', "7", "7.0"])
    matcher = matcher_for([event.decode() for event in learnt])
    wide = ['"' + "é" * 128 + '"', '"' + "é" * 128 + 'x"', '"' + "😀" * 64 + '"']
    values = [*ODD_IDS, *IDS, *wide, *NO_JSON_VALUES, *quoted(TEXTS)]
    events = events_with("order", member, values)
    for event in events:
        checked(matcher, event + b"\n", "\n")
    expected = [
        event
        for event, value in zip(events, values, strict=True)
        if fact_of_bytes(event)
        and "\\" not in value
        and not re.fullmatch(r"-0(\.0+)?|[0-9]{256}|-?[0-9]{16}\.0+|\{.*", value)
        and len(value.encode()) <= 258
    ]
    assert taken_of(matcher, events, "\n") == expected
    assert len(expected) > 10


def test_types_and_verbs_that_are_taken():
    matcher = matcher_for([siblings(event)[0].decode() for event in VARIETIES.values()
                           if event.startswith('{"type":')][:40])  # fmt: skip
    values = ['"NEW"', '"UPDATE"', '"UPLOAD"', '"SITE_VISIT"', '"CUSTOMER"', '"IMAGE"', '"ORDER"',
              *ODD_TYPES, *ODD_TYPE_NAMES, *ODD_VERBS]  # fmt: skip
    for kind in BASES:
        for member in ("type", "verb"):
            for event in events_with(kind, member, values):
                checked(matcher, event + b"\n", "\n")
    assert taken_of(
        matcher, events_with("order", "verb", ['"NEW"', '"UPDATE"', '"UPLOAD"']), "\n"
    ) == (events_with("order", "verb", ['"NEW"', '"UPDATE"']))


# --- Events that were changed -----------------------------------------------------------------

PUT_IN = [
    b"\n", b"\t", b"\x00", b"\x1f", b"\x7f", b"\r\n", b"\xff", b"\xc3", b"\xc3\xa9",
    b"\xed\xa0\x80",
    b"\xf4\x90\x80\x80", b"\\", b"\\n", b"\\ud800", b"\\u00e9", b"\\x", b"\\u12", b'"', b'\\"',
    b"'",
    b"0", b"-", b"-0", b"+", b".", b"1e3", b"NaN", b"Infinity", b"null", b"true", b"[", b"]", b"{",
    b"}", b"[]", b"{}", b",", b":", b" ", b"", b"x" * 256, b"x" * 257, b"T", b"Z", b"+00:00", b"2",
    b"}\n{", b'":"', b'","', b'"}\n{"', b"//", b"\xef\xbb\xbf", b"\xc2\x85", b"\xe2\x80\xa8",
]  # fmt: skip
VALUES = [
    *ODD_IDS, *ODD_AMOUNT_VALUES, *quoted(ODD_AMOUNTS), *quoted(ODD_TIMES), *quoted(EDGE_TIMES),
    *ODD_TYPES, *ODD_TYPE_NAMES, *ODD_VERBS, *NO_JSON_VALUES, *EXTRAS.values(), *OPTIONAL_VALUES,
    *quoted(TEXTS), *quoted(OTHER_CURRENCIES), *TOO_DEEP, "NaN", "-Infinity", "-NaN",
    "[NaN]", "[1,]", "[\n1]", '{"a":\n1}',
    '"' + "9" * 300 + '"', "1" * 5000,
]  # fmt: skip
STRING_OR_NUMBER = re.compile(rb'"[^"]*"|-?[0-9][0-9.eE+-]*|null|true|\[.*?\]|\{[^{]*?\}(?!$)')


def changed(rng: random.Random, event: bytes) -> bytes:  # noqa: PLR0911 - one for each way
    """The event with something put in, taken out, put instead, doubled, or swapped."""
    way = rng.randrange(7)
    begin = rng.randrange(len(event))
    end = min(begin + rng.choice([1, 1, 1, 2, 5, 20]), len(event))
    if way == 0:
        return event[:begin] + rng.choice(PUT_IN) + event[begin:]
    if way == 1:
        return event[:begin] + event[end:]
    if way == 2:
        return event[:begin] + rng.choice(PUT_IN) + event[begin + 1 :]
    if way == 3:
        return event[:begin] + bytes([rng.randrange(256)]) + event[begin + 1 :]
    if way == 4:
        return event[:end] + event[begin:end] + event[end:]
    places = [match.span() for match in STRING_OR_NUMBER.finditer(event)]
    if len(places) < 2:
        return event
    (begin, end), (other, other_end) = sorted(rng.sample(places, 2))
    if way == 5:
        value: bytes = rng.choice(VALUES).replace("@", "1").encode()
        return event[:begin] + value + event[end:]
    middle = event[end:other]
    return event[:begin] + event[other:other_end] + middle + event[begin:end] + event[other_end:]


def doubled(rng: random.Random, event: bytes) -> bytes:
    """The event with a member once more, perhaps with another value."""
    name = rng.choice(["type", "verb", "key", "customer_id", "event_time", "total_amount", "x"])
    member = f'"{name}":{rng.choice(VALUES)}'.replace("@", "1").encode()
    return (
        event[:1] + member + b"," + event[1:]
        if rng.random() < 0.5
        else (event[:-1] + b"," + member + b"}")
    )


@EACH_VARIETY
def test_changed_events_are_taken_only_if_they_are_good(event: str):
    rng = random.Random(event)
    good = siblings(event)
    matcher = matcher_for([good[0].decode()])
    bad = []
    for _ in range(60):
        mutant = changed(rng, rng.choice(good))
        if rng.random() < 0.3:
            mutant = changed(rng, mutant) if len(mutant) > 50 else mutant
        if rng.random() < 0.1:
            mutant = doubled(rng, mutant)
        bad.append(mutant)
    for mutant in bad:
        checked(matcher, mutant + b"\n", "\n")
        checked(matcher, mutant + b"\n" + good[1] + b"\n", "\n")
    mixed = rng.sample(bad + good, len(bad + good))
    taken = set(taken_of(matcher, mixed, "\n"))
    assert taken >= {sibling for sibling in good if sibling.isascii()}


def test_changed_events_where_many_layouts_are_known():
    rng = random.Random(3)
    names = rng.sample(sorted(VARIETIES), 60)
    matcher = matcher_for([siblings(VARIETIES[name])[0].decode() for name in names])
    count = 0
    for name in names:
        for sibling in siblings(VARIETIES[name], 2):
            for _ in range(20):
                count += checked(matcher, changed(rng, sibling) + b"\n", "\n").events
    assert count > 100


@pytest.mark.parametrize(
    "separator", ["\n", "\r\n", " ", ",", ", ", ",\n", "\n\n", "\t", "", ",\n  "]
)
def test_separators(separator: str):
    events = [*siblings(VARIETIES["visit-compact"]), *siblings(VARIETIES["order-pretty"])]
    matcher = matcher_for([VARIETIES["visit-compact"].replace("@", "1"),
                           VARIETIES["order-pretty"].replace("@", "1")], separator)  # fmt: skip
    for order in (events, events[:9], events[9:], events[::-1]):
        behind_last = 0 if separator else 1  # what follows it may belong to it
        assert taken_of(matcher, order, separator) == order[: len(order) - behind_last]
    text = events[0] + separator.encode() + events[1]
    assert checked(matcher, text, separator).events == 1
    others = [b"\n", b" ", b",", b"x", b"\r\n", b"]", b""]
    for other in others:
        for event in events:
            checked(matcher, event + other + event + separator.encode(), separator)


@pytest.mark.parametrize("known", ["\n", "\r\n"])
def test_line_breaks_of_two_kinds(known: str):
    events = siblings(VARIETIES["visit-compact"])
    matcher = matcher_for([events[0].decode()], known)
    for line_breaks in ([b"\n", b"\r\n"], [b"\r\n", b"\r\n", b"\n"]):
        pairs = zip(events, cycle(line_breaks), strict=False)
        assert checked(matcher, b"".join(chain(*pairs)), known).events == len(events)
    for text in (b"\r", b"\r\n", b"\n", b"x\r"):  # which is no JSON in a text
        bad = events[1].replace(b"p2", text)
        assert bad != events[1]
        for line_break in (b"\n", b"\r\n", b"\r\r\n", b"\r"):
            lines = events[0] + b"\n" + bad + line_break + events[0] + b"\r\n"
            assert checked(matcher, lines, known).events == 1


ODD_TEXTS: dict[str, tuple[bytes, int]] = {
    "nothing": (b"", 0),
    "separators": (b"\n\n\n", 0),
    "half": (siblings(VARIETIES["visit-compact"])[0][:-1], 0),
    "no-separator": (siblings(VARIETIES["visit-compact"])[0], 0),
    "behind-a-separator": (b"\n" + siblings(VARIETIES["visit-compact"])[0] + b"\n", 0),
    "one": (siblings(VARIETIES["visit-compact"])[0] + b"\n", 1),
    "one-then-rest": (siblings(VARIETIES["visit-compact"])[0] + b"\n{}\n", 1),
    "one-then-no-utf8": (siblings(VARIETIES["visit-compact"])[0] + b"\n\xff\n", 1),
    "one-then-escape": (siblings(VARIETIES["visit-compact"])[0] + b"\n\\\n", 1),
    "one-then-half-character": (siblings(VARIETIES["visit-compact"])[0] + b"\n\xc3", 1),
}


@pytest.mark.parametrize(("text", "count"), ODD_TEXTS.values(), ids=ODD_TEXTS.keys())
def test_what_is_not_taken_is_left_whole(text: bytes, count: int):
    matcher = matcher_for([VARIETIES["visit-compact"].replace("@", "1")])
    assert checked(matcher, text, "\n").events == count


def test_what_is_not_utf_8_costs_no_other_event():
    events = siblings(VARIETIES["customer-compact"])
    matcher = matcher_for([VARIETIES["customer-compact"].replace("@", "1")])
    bad = events[3].replace(b"Name", b"\xff")
    assert taken_of(matcher, [*events, bad, *events], "\n") == [*events, *events]
    accented = [event.replace(b"Name", "é".encode()) for event in events]
    assert taken_of(matcher, accented, "\n") == accented


@pytest.mark.parametrize("currency", ["USD", "EUR"])
def test_customers_of_rows_are_those_of_facts(tmp_path: Path, currency: str):
    rng = random.Random(5)
    names = rng.sample(sorted(VARIETIES), 60)
    matcher = matcher_for(
        [siblings(VARIETIES[name])[0].decode() for name in names], currency=currency
    )
    events = [sibling for name in names for sibling in siblings(VARIETIES[name], 4)]
    events += [changed(rng, event) for event in events for _ in range(2)]
    rng.shuffle(events)
    paths = [str(tmp_path / name) for name in ("blocks", "facts")]
    by_blocks, by_facts = (ShardWriter(1, partial(str, path)) for path in paths)
    D: dict[str, Customer] = {}
    count = 0
    for event in events:
        match = checked(matcher, event + b"\n", "\n", currency)
        if match.events == 1 and match.length >= len(event):  # not the first of two lines alone
            fact = fact_of_bytes(event, currency)
            assert fact is not None
            for block in match.blocks:
                by_blocks.add_block(block)
            by_facts.add(fact)
            join_fact(fact, D)
            count += 1
    assert count > 150
    for writer in (by_blocks, by_facts):
        writer.write()
        (customers,) = customers_of_shards(writer.paths, range(1), Rules(currency))
        assert known(customers) == known(D)


def known(D: dict[str, Customer]) -> dict[str, object]:
    return {
        customer_id: (
            customer.customer_id, customer.visits, customer.images, customer.orders,
            customer.last_name, customer.begin, customer.latest,
        )
        for customer_id, customer in D.items()
    }  # fmt: skip


# --- Pieces of the grammar --------------------------------------------------------------------


def test_all_real_dates():
    pattern = re.compile(REAL_DATE_PATTERN)
    first = date(1970, 1, 1)
    days = (date(2200, 1, 1) - first).days
    real = {(first + timedelta(day)).isoformat() for day in range(days)}
    assert len(real) == 84_006
    months_and_days = [f"-{month:02}-{day:02}" for month in range(100) for day in range(100)]
    plausible = [end for end in months_and_days if end[1:3] <= "13" and end[4:] <= "33"]
    found: set[str] = set()
    for year in range(1960, 2211):
        texts = [f"{year}{end}" for end in (months_and_days if year % 50 == 0 else plausible)]
        found.update(filter(pattern.fullmatch, texts))
    assert found == real
    for year in [*range(1960), *range(2211, 10_000)]:
        assert not pattern.match(f"{year:04}-01-01")
    for text in (
        "2017-1-01",
        "2017-01-1",
        "2017-01-011",
        "\uff12017-01-01",
        "2017/01/01",
        " 2017-01-01",
    ):
        assert not pattern.fullmatch(text)


def test_all_hours_minutes_and_seconds():
    texts = [f"{number:02}" for number in range(100)]
    assert [text for text in texts if re.fullmatch(HOUR_PATTERN, text)] == texts[:24]
    assert [text for text in texts if re.fullmatch(SIXTY_PATTERN, text)] == texts[:60]
    for pattern in (HOUR_PATTERN, SIXTY_PATTERN):
        assert not any(
            re.fullmatch(pattern, text) for text in ("", "0", "000", "0\n", " 1", "1\u0660")
        )


digits = st.text("0123456789", min_size=1, max_size=13)
signs = st.sampled_from(["", "", "+", "-", "+-"])
fractions = st.one_of(
    st.just(""),
    st.text("0123456789", max_size=8).map(lambda text: "." + text),
    st.text("0459", min_size=5, max_size=32).map(lambda text: "." + text),
)
grouped = st.lists(st.text("0123456789", min_size=2, max_size=4), min_size=1, max_size=5)
wholes = st.one_of(
    digits, st.just(""), grouped.map(",".join), st.integers(0, 10**13).map("{:,}".format)
)
currencies = st.sampled_from(
    ["USD", "EUR", "USD ", " USD", "  USD", "$", "$ ", "usd", "", "US", "US$", " uSd ", "€",
     "€\u00a0", "\u202feur", "£"]
)  # fmt: skip
amounts = st.one_of(
    st.tuples(signs, wholes, fractions, currencies).map("".join),
    st.tuples(currencies, signs, wholes, fractions).map("".join),
    st.tuples(signs, currencies, signs, wholes, fractions).map("".join),
    st.text("0123456789.,+-$ USDeur€\u00a0\u202f\n\u0663", max_size=14),
    st.text(max_size=8),
)


@settings(steady, max_examples=500)
@given(amounts, st.sampled_from(["USD", "EUR"]))
@example("5\n", "USD")
@example("5 USD\n", "USD")
@example("$5", "EUR")
@example("5 USD", "EUR")
def test_the_pattern_of_amounts_is_what_is_parsed(text: str, currency: str):
    try:
        parse_amount(text, currency)
        is_accepted = True
    except EventError:
        is_accepted = False
    is_matched = re.fullmatch(amount_text_pattern(currency).encode(), text.encode()) is not None
    assert is_matched is is_accepted


numbers = st.one_of(
    st.tuples(st.integers(-(10**18), 10**18), st.integers(0, 3)).map(
        lambda parts: f"{parts[0]}.{'0' * parts[1]}"
    ),
    st.tuples(st.sampled_from(["", "-", "+"]), digits, fractions).map("".join),
    st.text("0123456789.eE+-", max_size=20),
    st.integers(-(10**20), 10**20).map(str),
)


@settings(steady, max_examples=500)
@given(numbers)
@example("-0")
@example("1e3")
@example("1\n")
def test_the_patterns_of_numbers_match_but_what_is_accepted(text: str):
    """A JSON number that is an amount, and one that is an id as it stands, or less its fraction."""
    try:
        value = decode(text)
    except EventError:
        value = None
    is_amount = is_id = False
    if isinstance(value, JsonNumber):
        with suppress(EventError):
            parse_amount(value, "USD")
            is_amount = True
        with suppress(EventError):
            is_id = parse_id(value, "key") == text
    assert (re.fullmatch(JSON_NUMBER_PATTERN, text) is not None) is is_amount
    assert (re.fullmatch(INTEGER_ID_PATTERN, text) is not None) is is_id
    whole, _, zeros = text.partition(".")
    if re.fullmatch(FLOAT_ID_PATTERN, whole) and zeros and not zeros.strip("0"):
        assert parse_id(value, "key") == whole


TIME_PARTS = st.tuples(
    st.sampled_from(DATES),
    st.sampled_from(["", "T", "t", " ", ":", "_"]),
    st.sampled_from(
        ["", *CLOCK_TIMES, "10:00:00.1", "10:00:00,123", "23:59:59.1234567", "10:00:00.123456789"]
    ),
    st.sampled_from([*ZONES, "+01:00", "-0001", "+24:00", "+01", " UTC ", "  Z", "utc"]),
).map("".join)


@steady
@given(TIME_PARTS, TIME_PARTS)
def test_a_time_teaches_no_more_than_what_is_accepted(learnt: str, other: str):
    def is_good(time: str) -> bool:
        try:
            parse_time(time)
        except EventError:
            return False
        return True

    (event,) = events_with("visit", "event_time", quoted([learnt]))
    layout = layout_of(event.decode()) if is_good(learnt) else None
    if layout:
        matcher = Matcher((layout,), "\n", "USD")
        assert checked(matcher, event + b"\n", "\n").events == 1
        for text in events_with("visit", "event_time", quoted([other])):
            checked(matcher, text + b"\n", "\n")


# --- Learner ----------------------------------------------------------------------------------

VISIT, ORDER, IMAGE = (VARIETIES[f"{kind}-compact"] for kind in ("visit", "order", "image"))


def numbered(event: str, number: int) -> str:
    return event.replace("@", str(number % 9 + 1))


def with_extra(name: str) -> str:
    """A visit with a member of its own."""
    return written([*BASES["visit"], (name, "1")]).replace("@", "1")


def test_the_first_sample_ends_with_its_last_event():
    learner = Learner((), "USD", "\n")
    for number in range(31):
        learner.learn(numbered(VISIT, number))
        assert learner.layouts == ()
        assert learner.matcher("\n") is None
    learner.learn(numbered(VISIT, 31))
    assert learner.layouts == (layout_of(numbered(VISIT, 1)),)
    matcher = learner.matcher("\n")
    assert matcher is not None
    assert taken_of(matcher, siblings(VISIT), "\n") == siblings(VISIT)


def test_samples_are_longer_and_longer(monkeypatch: pytest.MonkeyPatch):
    learner = Learner((), "USD", "\n")
    ends = []
    for number in range(1, 2101):
        before = learner.layouts
        eight = with_extra(f"x{(number - 1) // 8}")
        learner.learn(eight if number <= 40 else numbered(VISIT, number))
        if learner.layouts != before:
            ends.append(number)
    assert ends == [32, 64]
    samples = []
    monkeypatch.setattr(Learner, "learn_sample", lambda self: samples.append(self._units))
    learner = Learner((), "USD", "\n")
    learner.learn(VISIT)
    assert samples == []


def test_layouts_of_which_few_events_are_do_not_pay():
    learner = Learner((), "USD", "\n")
    for number in range(64):
        learner.learn(with_extra(f"x{number}") if number % 3 else numbered(VISIT, number))
    assert learner.matcher("\n") is None
    for number in range(192):
        learner.learn(numbered(VISIT, number))
    assert learner.layouts == (layout_of(numbered(VISIT, 1)),)


def test_the_most_common_layouts_are_known_first_and_what_came_once_is_not():
    learner = Learner((), "USD", "\n")
    for event in [IMAGE] * 3 + [ORDER] + [VISIT] * 5:
        learner.learn(event.replace("@", "1"))
    learner.learn_sample()
    assert [layout.type for layout in learner.layouts] == ["SITE_VISIT", "IMAGE"]
    learner.learn(ORDER.replace("@", "2"))
    learner.learn_sample()
    assert [layout.type for layout in learner.layouts] == ["SITE_VISIT", "IMAGE", "ORDER"]


def test_what_is_known_from_the_start_stays_first():
    layout = layout_of(IMAGE.replace("@", "1"))
    assert layout
    learner = Learner((layout,), "USD", "\n")
    for event in [VISIT] * 2 + [IMAGE] * 3:
        learner.learn(event.replace("@", "1"))
    learner.learn_sample()
    assert [layout.type for layout in learner.layouts] == ["IMAGE", "SITE_VISIT"]


def test_no_more_layouts_are_learnt_than_can_be_known():
    learner = Learner((), "USD", "\n")
    for number in [*range(100), *range(100)]:
        learner.learn(with_extra(f"x{number}"))
    assert len(learner.layouts) <= 16
    learner.learn_sample()
    assert len(learner.layouts) == 16
    first = layout_of(with_extra("x0"))
    assert learner.layouts[0] == first


@pytest.mark.parametrize("extra", ["x{number}", 'x"{number}'], ids=["other-members", "no-json"])
def test_of_a_hostile_log_only_so_many_events_are_looked_at(
    extra: str, monkeypatch: pytest.MonkeyPatch
):
    looked_at = []

    def counted(text: str) -> Layout | None:
        looked_at.append(len(text))
        return layout_of(text)

    monkeypatch.setattr(ltv.reading.layouts, "layout_of", counted)
    learner = Learner((), "USD", "\n")
    samples = []
    learn_sample = learner.learn_sample

    def counted_sample() -> None:
        samples.append(1)
        learn_sample()

    monkeypatch.setattr(learner, "learn_sample", counted_sample)
    for number in range(5000):
        learner.learn(with_extra(extra.format(number=number)))
    assert learner.layouts == ()
    assert learner.matcher("\n") is None
    assert 2048 <= len(looked_at) <= 2049
    assert len(samples) <= 8


def test_hostile_layouts_make_no_huge_pattern():
    """Compiling takes microseconds a character, and is done anew with each sample."""
    layouts = []
    for number in range(64):
        extras = [(f"x{number}-{other}", "[]") for other in range(number % 7)]
        layout = layout_of(written([*BASES["visit"], *extras]).replace("@", "1"))
        layouts += [layout] if layout else []
    assert 5 < len(bounded(layouts)) < 64
    matcher = Matcher(bounded(layouts), "\n", "USD")
    written_pattern = ltv.reading.layouts._PatternWriter(ltv.reading.layouts.PLAIN, "USD")
    assert len(written_pattern.pattern(matcher._tree, ltv.reading.layouts._Path())) < 500_000


def test_the_separator_that_is_told_first_counts():
    layout = layout_of(VISIT.replace("@", "1"))
    assert layout
    learner = Learner((layout,), "USD", None)
    assert learner.matcher(None) is None
    for told in (",", "\n", None):
        matcher = learner.matcher(told)
        assert matcher is not None
        assert taken_of(matcher, siblings(VISIT), ",") == siblings(VISIT)
    learner.separator = None
    assert learner.matcher(None) is None
    matcher = learner.matcher("\n")
    assert matcher is not None
    assert taken_of(matcher, siblings(VISIT), "\n") == siblings(VISIT)


def test_a_separator_is_noted_before_there_are_layouts():
    learner = Learner((), "USD", None)
    assert learner.matcher(",") is None
    assert learner.separator == ","


def test_a_matcher_is_made_once():
    layout = layout_of(VISIT.replace("@", "1"))
    assert layout
    matcher = matcher_of((layout,), "\n", "USD")
    assert Learner((layout,), "USD", None).matcher("\n") is matcher
    assert matcher_of((layout,), "\n", "EUR") is not matcher
    assert matcher_of((layout,), ",", "USD") is not matcher


def test_parse_date_knows_the_same_dates():
    for text in DATES:
        try:
            parse_date(text)
            is_real = True
        except ValueError:
            is_real = False
        assert (re.fullmatch(REAL_DATE_PATTERN, text) is not None) is is_real
