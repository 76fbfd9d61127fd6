"""Small files, good, bad and damaged, and what must become of each.

Every case is one file, with the exit status, how many events are accepted, the rejects as
(line, offset, reason, member), and of a run that fails the one line, `{file}` standing for the
name of the file. What is expected follows from SPEC.md; only the words
of the messages are the program's.
"""

import bz2
import json
import lzma
import struct
import zlib
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

MAX_EVENT_BYTES = 16 * 1024 * 1024

Event = dict[str, Any] | bytes  # as bytes: its text, in one line
Reject = tuple[int, str, str | None]  # the number of the event, reason, member
Framing = Callable[[Sequence[Event]], tuple[bytes, list[tuple[int, int]]]]


class Case(NamedTuple):
    """What must become of one file. Without a message the run succeeds."""

    data: bytes
    accepted: int
    rejects: list[tuple[int, int, str, str | None]]
    message: str | None

    @property
    def status(self) -> int:
        """The exit status."""
        return 0 if self.message is None else 1


CASES: dict[str, Case] = {}


def add(
    name: str,
    data: bytes,
    accepted: int,
    *rejects: tuple[int, int, str, str | None],
) -> None:
    """A file that gives results."""
    assert name not in CASES, name
    CASES[name] = Case(data, accepted, list(rejects), None)


def fail(name: str, data: bytes, cause: str = "", place: str = "line 1, byte offset 0") -> None:
    """A file that is damaged, at `place`; without a cause see MESSAGES."""
    assert name not in CASES, name
    if not cause:
        line, offset, cause = MESSAGES[name]
        place = f"line {line:,}, byte offset {offset:,}"
    CASES[name] = Case(data, 0, [], f"{{file}}: {place}: {cause}")


def nothing(name: str, data: bytes, *rejects: tuple[int, int, str, str | None]) -> None:
    """A file that leaves nothing to rank; its rejects are written."""
    assert name not in CASES, name
    see = "; see out.csv.rejects.jsonl" if rejects else ""
    CASES[name] = Case(data, 0, list(rejects), f"nothing to rank in 1 file{see}")


# --- Events, and the framings of section 6 ----------------------------------------------------


def order(number: int, **changes: Any) -> dict[str, Any]:
    """A good order, but for the changes; `...` for a member that is left out."""
    members = {
        "type": "ORDER",
        "verb": "NEW",
        "key": f"o{number}",
        "customer_id": f"c{number % 3}",
        "event_time": f"2017-01-{number % 28 + 1:02}T10:00:00Z",
        "total_amount": f"{number}.00 USD",
    }
    return {name: value for name, value in (members | changes).items() if value is not ...}


def customer(identity: str, name: str) -> dict[str, Any]:
    return {
        "type": "CUSTOMER",
        "verb": "NEW",
        "key": identity,
        "event_time": "2017-01-01",
        "last_name": name,
    }


def text_of(event: Event) -> bytes:
    """An event in one line, ASCII only."""
    return event if isinstance(event, bytes) else json.dumps(event, separators=(",", ":")).encode()


def raw_text_of(event: dict[str, Any]) -> bytes:
    """An event in one line, its characters as they are."""
    return json.dumps(event, separators=(",", ":"), ensure_ascii=False).encode()


def pretty_text_of(event: Event) -> bytes:
    return event if isinstance(event, bytes) else json.dumps(event, indent=2).encode()


GOOD = text_of(order(1))
GOOD_2 = text_of(order(2))


def placed(pieces: Iterable[tuple[bytes, bool]]) -> tuple[bytes, list[tuple[int, int]]]:
    """The pieces put together, and line and offset of those that are events."""
    data = b""
    places = []
    for piece, is_event in pieces:
        if is_event:
            places.append((data.count(b"\n") + 1, len(data)))
        data += piece
    return data, places


def framed(
    events: Sequence[Event],
    begin: bytes,
    between: bytes,
    end: bytes,
    text: Callable[[Event], bytes] = text_of,
) -> tuple[bytes, list[tuple[int, int]]]:
    pieces = [(begin, False)]
    for i, event in enumerate(events):
        pieces += [(between, False)] * bool(i) + [(text(event), True)]
    return placed([*pieces, (end, False)])


def json_lines(events: Sequence[Event]) -> tuple[bytes, list[tuple[int, int]]]:
    return framed(events, b"", b"\n", b"\n")


def array(events: Sequence[Event]) -> tuple[bytes, list[tuple[int, int]]]:
    return framed(events, b"[\n", b",\n", b"\n]\n")


def pretty_array(events: Sequence[Event]) -> tuple[bytes, list[tuple[int, int]]]:
    return framed(events, b"[\n  ", b",\n  ", b"\n]\n", pretty_text_of)


def one_line_array(events: Sequence[Event]) -> tuple[bytes, list[tuple[int, int]]]:
    return framed(events, b"[", b",", b"]\n")


def run(events: Sequence[Event]) -> tuple[bytes, list[tuple[int, int]]]:
    """One a line; by its commas not JSON Lines."""
    return framed(events, b"", b",\n", b",\n")


def glued_run(events: Sequence[Event]) -> tuple[bytes, list[tuple[int, int]]]:
    """Nothing between objects, and a space where there must be something."""
    pieces: list[tuple[bytes, bool]] = []
    before = b"{"
    for event in map(text_of, events):
        if not event.startswith(b"{") or not before.startswith(b"{"):
            pieces.append((b" ", False))
        pieces.append((event, True))
        before = event
    return placed([*pieces, (b"\n", False)])


def pretty_run(events: Sequence[Event]) -> tuple[bytes, list[tuple[int, int]]]:
    return framed(events, b"", b"\n", b"\n", pretty_text_of)


FRAMINGS: dict[str, Framing] = {
    "json-lines": json_lines,
    "array": array,
    "pretty-array": pretty_array,
    "one-line-array": one_line_array,
    "run": run,
    "glued-run": glued_run,
    "pretty-run": pretty_run,
}
ON_LINES = {"json-lines": json_lines, "array": array}


def add_framed(
    name: str,
    framing: Framing,
    events: Sequence[Event],
    *rejects: Reject,
    packed: Callable[[bytes], bytes] = bytes,
) -> None:
    """A file in which every bad event costs itself alone."""
    data, places = framing(events)
    bad = [(*places[number], reason, member) for number, reason, member in rejects]
    add(name, packed(data), len(events) - len(bad), *bad)


def add_bad(framing_name: str, name: str, bad: Event, reason: str, member: str | None) -> None:
    """Good, bad, good."""
    framing = FRAMINGS[framing_name]
    add_framed(f"{framing_name}-{name}", framing, [order(1), bad, order(2)], (1, reason, member))


# --- Compression, the same bytes with any library ---------------------------------------------


def gzipped(data: bytes, crc: int = 0, length: int = 0) -> bytes:
    """A gzip member that stores `data`; `crc` and `length` are errors to add."""
    assert len(data) < 2**16
    trailer = struct.pack("<II", (zlib.crc32(data) + crc) % 2**32, (len(data) + length) % 2**32)
    stored = struct.pack("<BHH", 1, len(data), len(data) ^ 0xFFFF) + data
    return b"\x1f\x8b\x08\0\0\0\0\0\0\xff" + stored + trailer


def changed(data: bytes, place: int) -> bytes:
    """`data` with another byte at `place`."""
    place %= len(data)
    return data[:place] + bytes([data[place] ^ 0xFF]) + data[place + 1 :]


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzipped,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
}


# --- Reasons ----------------------------------------------------------------------------------

#: Whatever is JSON costs itself alone in any framing.
BAD_EVENTS: list[tuple[str, Event, str, str | None]] = [
    ("not-an-object", b"42", "not-an-object", None),
    ("missing", order(3, customer_id=...), "missing", "customer_id"),
    ("unknown-type", order(3, type="order"), "unknown-type", "type"),
    ("unknown-verb", order(3, verb="DELETE"), "unknown-verb", "verb"),
    ("bad-id", order(3, customer_id=""), "bad-id", "customer_id"),
    ("bad-time", order(3, event_time="2017-02-29"), "bad-time", "event_time"),
    ("bad-amount", order(3, total_amount="1e3"), "bad-amount", "total_amount"),
    ("other-currency", order(3, total_amount="3 EUR"), "other-currency", "total_amount"),
]
NOT_JSON = GOOD.replace(b'"verb":', b'"verb"')
NOT_UTF8 = GOOD.replace(b"o1", b"o\xe9")
NO_EVENT_BEHIND = "and no event begins on the next line, so what is lost is unknown"
TOO_LONG = "expected an event of at most 16 MiB (16,777,216 bytes)"


def of_size(length: int) -> bytes:
    """A good event of that many bytes."""
    event = text_of(order(3, note=""))
    return event[:-2] + b"x" * (length - len(event)) + b'"}'


def reasons_in_every_framing() -> None:
    for framing_name, framing in FRAMINGS.items():
        for name, event, reason, member in BAD_EVENTS:
            add_bad(framing_name, name, event, reason, member)
        constants = [order(3, note=float(text)) for text in ("nan", "inf", "-inf")]
        add_framed(
            f"{framing_name}-constants",
            framing,
            [order(1), *constants, order(2)],
            *[(number, "not-json", None) for number in (1, 2, 3)],
        )
        # Text that is not JSON costs the rest of its line.
        for name, bad in (
            ("not-json", NOT_JSON),
            ("not-utf8", NOT_UTF8),
            ("too-long", of_size(MAX_EVENT_BYTES + 1)),
        ):
            data, places = framing([order(1), bad, order(2)])
            packed = bz2.compress(data) if name == "too-long" else data
            case = f"{framing_name}-{name}"
            line, offset = places[1]
            if framing is one_line_array:
                found = {"not-json": NOT_JSON.index(b'"verb"') + 6, "not-utf8": bad.find(b"\xe9")}
                words = {
                    "not-json": f"expected JSON, got something else at character "
                    f"{found['not-json'] + 1}",
                    "not-utf8": f"expected UTF-8, got something else at character "
                    f"{found['not-utf8'] + 1}",
                    "too-long": TOO_LONG,
                }
                at = offset + found.get(name, 0)
                place = f"line 1, byte offset {at:,}"
                fail(case, packed, f"{words[name]}, {NO_EVENT_BEHIND}", place)
            elif framing is glued_run:
                add(case, packed, 1, (line, offset, name, None))
            else:
                add(case, packed, 2, (line, offset, name, None))
        if framing in (json_lines, pretty_array):
            longest = bz2.compress(framing([order(1), of_size(MAX_EVENT_BYTES), order(2)])[0])
            add(f"{framing_name}-longest", longest, 3)


MEMBERS = ("type", "verb", "key", "event_time", "customer_id", "total_amount")


def rules_of_events() -> None:
    for member in MEMBERS:
        add_bad("json-lines", f"missing-{member}", order(3, **{member: ...}), "missing", member)
        add_bad("json-lines", f"null-{member}", order(3, **{member: None}), "missing", member)
    for name, event in (
        ("null", b"null"),
        ("string", b'"{}"'),
        ("array", b"[" + GOOD + b"]"),
        ("true", b"true"),
        ("number", b"-1.5e3"),
    ):
        add_bad("json-lines", f"value-{name}", event, "not-an-object", None)
    for name, identity in (
        ("empty", ""),
        ("257-characters", "x" * 257),
        ("true", True),
        ("array", ["c1"]),
        ("fraction", 1.5),
        ("lone-surrogate", "\ud800"),
        ("257-digits", 10**256),
    ):
        add_bad("json-lines", f"key-{name}", order(3, key=identity), "bad-id", "key")
    add_framed(
        "json-lines-ids-at-their-limits",
        json_lines,
        [
            order(1, key="x" * 256),
            order(1, key="\U0001f600" * 256),
            order(1, key=10**255),
            order(1, key=1 - 10**255),
            order(1, key=1.0),
            text_of(order(1, key="?")).replace(b'"?"', b"-0"),
        ],
    )
    for name, time in (
        ("number", 1483707355),
        ("february-30", "2017-02-30T10:00:00Z"),
        ("hour-24", "2017-01-01T24:00:00Z"),
        ("leap-second", "2017-01-01T23:59:60Z"),
        ("1969", "1969-12-31T23:59:59Z"),
        ("1969-by-offset", "1970-01-01T00:30:00+01:00"),
        ("2200-by-offset", "2199-12-31T23:30:00-01:00"),
        ("space-behind", "2017-01-01 "),
        ("other-digits", "\uff12\uff10\uff11\uff17-01-01"),
        ("newline-behind", "2017-01-01\n"),
        ("escape", "\x1b[2J"),
    ):
        add_bad("json-lines", f"time-{name}", order(3, event_time=time), "bad-time", "event_time")
    for name, amount in (
        ("empty", ""),
        ("exponent", "1e3"),
        ("comma", "1,23"),
        ("13-digits", "1234567890123"),
        ("31-decimals", "1." + "1" * 31),
        ("two-signs", "-$-1"),
        ("other-digits", "١٢"),
        ("nan", "NaN"),
        ("newline-behind", "1.00\n"),
        ("lone-surrogate", "1.00\udfff"),
        ("object", {"amount": 1}),
    ):
        bad = order(3, total_amount=amount)
        add_bad("json-lines", f"amount-{name}", bad, "bad-amount", "total_amount")
    for name, digits, reason in (
        ("exponent", b"1e3", "bad-amount"),
        ("5000-digits", b"1" * 5000, "bad-amount"),
        ("5000-decimals", b"1." + b"1" * 5000, "bad-amount"),
        ("exponent-of-5000-digits", b"1e" + b"9" * 5000, "bad-amount"),
    ):
        event_text = text_of(order(3, total_amount="?")).replace(b'"?"', digits)
        add_bad("json-lines", f"number-as-amount-{name}", event_text, reason, "total_amount")
        add_bad("one-line-array", f"number-as-amount-{name}", event_text, reason, "total_amount")
        key_text = text_of(order(3, key="?")).replace(b'"?"', digits)
        add_bad("json-lines", f"number-as-key-{name}", key_text, "bad-id", "key")
        ignored = text_of(order(3, note="?")).replace(b'"?"', digits)
        add_framed(f"json-lines-number-ignored-{name}", json_lines, [order(1), ignored])


def members_that_occur_twice() -> None:
    def twice(member: str, first: bytes, last: bytes) -> bytes:
        text = text_of(order(3, **{member: ...}))
        return b'{"%b":%b,%b,"%b":%b}' % (member.encode(), first, text[1:-1], member.encode(), last)

    for name, event, reject in (
        ("key", twice("key", b'""', b'"o3"'), None),
        ("type", twice("type", b'"WISH"', b'"ORDER"'), None),
        ("escaped-name", twice("key", b'""', b'"o3"').replace(b'"key"', b'"\\u006bey"', 1), None),
        ("null-last", twice("key", b'"o3"', b"null"), ("missing", "key")),
        ("bad-last", twice("total_amount", b"1", b"true"), ("bad-amount", "total_amount")),
    ):
        if reject is None:
            add_framed(f"json-lines-twice-{name}", json_lines, [order(1), event, order(2)])
        else:
            add_bad("json-lines", f"twice-{name}", event, *reject)


# --- Encodings and texts ----------------------------------------------------------------------

ILL_FORMED = {
    "latin-1": b"M\xfcller",
    "windows-quotes": b"\x93M\x94",
    "overlong-slash": b"\xc0\xaf",
    "overlong-quote": b"\xe0\x80\xa2",
    "overlong-nul": b"\xc0\x80",
    "encoded-surrogate": b"\xed\xa0\x80",
    "encoded-surrogate-pair": b"\xed\xa0\xbd\xed\xb8\x80",
    "beyond-unicode": b"\xf4\x90\x80\x80",
    "truncated-2": b"\xc3",
    "truncated-3": b"\xe2\x82",
    "truncated-4": b"\xf0\x9f\x98",
    "continuation-alone": b"\x80",
    "never-in-utf-8": b"\xff",
}
MARK = b"\xef\xbb\xbf"


def encodings() -> None:
    for name, text in ILL_FORMED.items():
        event = text_of(order(3, note="?")).replace(b"?", text)
        for framing_name in ON_LINES:
            add_bad(framing_name, f"ill-formed-{name}", event, "not-utf8", None)
    both = NOT_JSON.replace(b"o1", b"o\xff")
    add_bad("json-lines", "ill-formed-and-not-json", both, "not-utf8", None)
    add_bad("json-lines", "ill-formed-name", b'{"\xff":1}', "not-utf8", None)
    add_bad("json-lines", "ill-formed-outside-strings", b"{\xa0}", "not-utf8", None)
    lines = GOOD + b"\n" + GOOD_2[:-20] + b"\xe2\x82"
    add("json-lines-ill-formed-at-the-end", lines, 1, (2, len(GOOD) + 1, "not-utf8", None))
    add("array-ill-formed-blank", b"[\n" + GOOD + b",\n\xff\n" + GOOD_2 + b"\n]", 2, (
        3, len(GOOD) + 4, "not-utf8", None
    ))  # fmt: skip

    for name, framing in FRAMINGS.items():
        add(f"{name}-mark", MARK + framing([order(1), order(2)])[0], 2)
    add("json-lines-mark-twice", MARK * 2 + GOOD + b"\n" + GOOD_2, 1, (1, 3, "not-json", None))
    add_bad("json-lines", "mark-in-the-middle", MARK + GOOD, "not-json", None)
    add_bad("array", "mark-in-the-middle", MARK + GOOD, "not-json", None)
    add_framed("json-lines-mark-in-a-name", json_lines, [order(1), order(2, note="\ufeff")])
    nothing("mark-alone", MARK)
    lines = json_lines([order(1), order(2)])[0]
    other = "expected UTF-8, got UTF-16 or UTF-32"
    for name, encoding, mark in (
        ("utf-16-le", "utf-16-le", b"\xff\xfe"),
        ("utf-16-be", "utf-16-be", b"\xfe\xff"),
        ("utf-32-le", "utf-32-le", b"\xff\xfe\0\0"),
        ("utf-32-be", "utf-32-be", b"\0\0\xfe\xff"),
    ):
        for framing_name, framing in ON_LINES.items():
            text = framing([order(1), order(2)])[0].decode().encode(encoding)
            fail(f"{framing_name}-{name}-with-mark", mark + text, other)
            if encoding.startswith("utf-16"):
                fail(f"{framing_name}-{name}", text, other)
    for encoding in ("utf-32-le", "utf-32-be"):
        fail(f"json-lines-{encoding}", lines.decode().encode(encoding))


BITING = {
    "nul": "a\0b",
    "terminal-escape": "\x1b[2J\x1b]0;title\x07",
    "c1": "a\x9b2J",
    "backspaces": "abc\b\b\b\x7f",
    "line-breaks": "a\r\nb\x0b\x0c\x85c",
    "separators": "a\u2028b\u2029c",
    "bidi": "\u202ecba\u202c\u2066x\u2069\u200f",
    "zero-width": "a\u200b\u200d\ufeffb",
    "equals": '=HYPERLINK("http://example.com")',
    "plus": "+1+1",
    "minus": "-2+3",
    "at": "@SUM(1)",
    "tab": "\t=1",
    "full-width": "\uff1d1",
    "spaces": "  =1",
    "carriage-return": "\r=1",
    "quotes": '"a","b"\'',
    "combining": "a" + "\u0301" * 200,
    "wide": "王" * 100,
    "noncharacters": "\ufffe\uffff\U0010ffff",
    "braces": '}{][\\",:\\u0000',
    "blank": "   ",
}


def texts_that_bite() -> None:
    for name, text in BITING.items():
        identities = [text, "1" + text]
        events: list[Event] = [
            *(order(number, customer_id=text) for number, text in enumerate(identities, 1)),
            *(customer(text, text) for text in identities),
        ]
        add_framed(f"json-lines-text-{name}", json_lines, events)
        add_framed(f"pretty-array-text-{name}", pretty_array, events)
        bad = order(3, type=text, customer_id=text)
        add_bad("json-lines", f"text-as-type-{name}", bad, "unknown-type", "type")
        if min(text) >= " ":
            raw = [raw_text_of(event) for event in events if isinstance(event, dict)]
            add_framed(f"one-line-array-text-raw-{name}", one_line_array, raw)
            add_framed(f"glued-run-text-raw-{name}", glued_run, raw)
        else:
            raw_bad = text_of(order(3, note="?")).replace(b"?", text.encode())
            if "\n" not in text:
                add_bad("json-lines", f"text-raw-{name}", raw_bad, "not-json", None)
    surrogate = "\ud83d"
    add_bad("json-lines", "surrogate-id", order(3, customer_id=surrogate), "bad-id", "customer_id")
    add_bad("json-lines", "surrogate-type", order(3, type=surrogate), "unknown-type", "type")
    add_bad("json-lines", "surrogate-verb", order(3, verb=surrogate), "unknown-verb", "verb")
    add_bad(
        "json-lines", "surrogate-time", order(3, event_time=surrogate), "bad-time", "event_time"
    )
    add_framed(
        "json-lines-surrogates-that-do-no-harm",
        json_lines,
        [
            order(1, note=surrogate),
            order(2, **{surrogate: 1}),
            customer("c1", surrogate),
            customer("c2", surrogate + "\ude00"),
        ],
    )
    colliding = ["plumless", "buckeroo"]
    assert len({zlib.crc32(text.encode()) for text in colliding}) == 1
    add_framed(
        "json-lines-ids-of-one-crc32",
        json_lines,
        [order(number, customer_id=text) for number, text in enumerate(colliding, 1)],
    )
    alike = ["e\u0301", "\u00e9", "E\u0301", "é ", "0", "00", "0.0", "ß", "ss"]
    add_framed(
        "json-lines-ids-that-look-alike",
        json_lines,
        [order(number, customer_id=text) for number, text in enumerate(alike, 1)],
    )


# --- What is not JSON -------------------------------------------------------------------------

#: What stands for the value of a member that nobody reads.
BAD_VALUES = {
    "single-quotes": b"'a'",
    "hex": b"0x1F",
    "leading-zero": b"01",
    "plus": b"+1",
    "no-leading-digit": b".5",
    "no-decimals": b"1.",
    "no-exponent": b"1e",
    "minus-alone": b"-",
    "python-true": b"True",
    "undefined": b"undefined",
    "lower-nan": b"nan",
    "nothing": b"",
    "comment": b"1 /* one */",
    "comma-in-array": b"[1,]",
    "comma-first": b"[,1]",
    "wrong-bracket": b"[1}",
    "hex-escape": b'"\\x41"',
    "short-escape": b'"\\u12"',
    "python-escape": b'"\\u+123"',
    "tab": b'"a\tb"',
    "underscores": b"1_000",
    "other-digits": "\u0661".encode(),
    "form-feed": b"1\f",
    "no-break-space": b"1\xc2\xa0",
}
BAD_TEXTS = {
    "unquoted-name": GOOD.replace(b'"type"', b"type"),
    "comma-last": GOOD[:-1] + b",}",
    "commas-doubled": GOOD.replace(b",", b",,", 1),
    "comma-missing": GOOD.replace(b",", b" ", 1),
    "colon-doubled": GOOD.replace(b":", b"::", 1),
    "quote-missing": GOOD.replace(b'"', b"", 1),
    "bracket-missing": GOOD[:-1],
    "bracket-doubled": GOOD + b"}",
    "cut-in-a-string": GOOD[:30],
    "cut-in-a-literal": b'{"note":tru',
    "cut-behind-a-backslash": b'{"note":"\\',
    "half": GOOD[20:],
    "trailing-garbage-glued": GOOD + b"x",
    "comment": b"# " + GOOD,
    "json-c": b"/* good */" + GOOD,
    "log-prefix": b"2017-01-01 INFO " + GOOD,
    "two-in-quotes": b'"' + GOOD + b'"',
    "html": b"<p>502 Bad Gateway</p>",
    "nul": b"\0" * 512,
    "form-feed": b"\f",
    "no-break-space": b"\xc2\xa0",
    "ideographic-space": b"\xe3\x80\x80",
}


def not_json() -> None:
    for framing_name in (*ON_LINES, "run"):
        for name, text in BAD_VALUES.items():
            event = text_of(order(3, note="?")).replace(b'"?"', text)
            add_bad(framing_name, f"value-{name}", event, "not-json", None)
    for framing_name in ON_LINES:
        for name, event in BAD_TEXTS.items():
            add_bad(framing_name, f"line-{name}", event, "not-json", None)
    add_bad("json-lines", "two-on-a-line", GOOD + GOOD_2, "not-json", None)
    for name, text in (("garbage", b"x"), ("comment", b"// good"), ("colon", b":")):
        add_bad("json-lines", f"trailing-{name}", GOOD + b" " + text, "not-json", None)
        lines = b"[\n" + GOOD + b" " + text + b",\n" + GOOD_2 + b"\n]"
        add(f"array-trailing-{name}", lines, 2, (2, len(GOOD) + 3, "not-json", None))
    add_bad("json-lines", "comma-behind", GOOD + b",", "not-json", None)
    add_framed("array-two-on-a-line", array, [order(1), order(2)])
    glued = GOOD + b"\n" + GOOD_2 + b"\n" + GOOD + b"x" + GOOD_2 + b"\n" + GOOD
    at = len(GOOD) + len(GOOD_2) + 2
    add("json-lines-garbage-between", glued, 3, (3, at, "not-json", None))
    add("array-garbage-between", b"[\n" + glued + b"]", 3, (4, at + 2, "not-json", None))


def nested(depth: int) -> bytes:
    """A good event in which that many brackets are open at once."""
    return text_of(order(3, note="?")).replace(b'"?"', b"[" * (depth - 1) + b"]" * (depth - 1))


def depths() -> None:
    for framing_name, framing in FRAMINGS.items():
        add_framed(f"{framing_name}-depth-256", framing, [order(1), nested(256), order(2)])
    for depth in (257, 2_000, 100_000):
        for framing_name, framing in FRAMINGS.items():
            data, places = framing([order(1), nested(depth), order(2)])
            packed = bz2.compress(data) if depth > 1000 else data
            name = f"{framing_name}-depth-{depth}"
            if framing is one_line_array:
                fail(name, packed, DEPTH, f"line 1, byte offset {places[1][1]:,}")
            else:
                add(name, packed, 1 if framing is glued_run else 2, (
                    *places[1], "not-json", None
                ))  # fmt: skip
    for framing_name in ON_LINES:
        for bracket in (b"[", b"{", b'{"a":', b"]"):
            deep = bz2.compress(FRAMINGS[framing_name]([order(1), bracket * 50_000, order(2)])[0])
            line, offset = FRAMINGS[framing_name]([order(1), b""])[1][1]
            place = {b"[": "array", b"{": "object", b'{"a":': "member", b"]": "closed"}[bracket]
            name = f"{framing_name}-depth-open-{place}"
            if bracket == b"]" and framing_name == "array":
                fail(name, deep, BEHIND, f"line 3, byte offset {offset + 1:,}")
            else:
                add(name, deep, 2, (line, offset, "not-json", None))
    in_string = order(3, note="[{" * 1000, **{"}" * 300: '\\"['})
    for framing_name, framing in FRAMINGS.items():
        add_framed(f"{framing_name}-brackets-in-strings", framing, [order(1), in_string])


# --- Framing ----------------------------------------------------------------------------------

CUT = "the array is cut off, its closing ] is missing"
BEHIND = "expected nothing behind the closing ] of the array"
DEPTH = f"expected at most 256 brackets open at once, {NO_EVENT_BEHIND}"
NO_LOG_YET = "no event log as far as it was read: expected JSON, got something else at character {}"
GOT_ELSE = "expected JSON, got something else at character {}, " + NO_EVENT_BEHIND
NO_LOG = 'not an event log: no JSON object with a "type" in the first {} read'
NO_LOG_ONE = NO_LOG.replace("first {}", "one")

#: What is said of damaged files: line, offset and cause, each read and found right. Behind `...`
#: stand the words of a library, which differ between its versions.
MESSAGES = {
    "array-alone-closed": (1, 1, NO_LOG_ONE),
    "array-cut-in-an-event": (
        4,
        166,
        "in the event that begins on line 3: expected more JSON, got the end at character 42, "
        + NO_EVENT_BEHIND,
    ),
    "array-cut-in-an-event-before-a-line": (
        3,
        43,
        "no event log as far as it was read: in the event that begins on line 2: "
        "expected JSON, got something else at character 42",
    ),
    "array-in-an-array": (1, 125, NO_LOG_ONE),
    "array-text-before-its-end": (3, 125, GOT_ELSE.format(1)),
    "bzip2-changed-at-the-end": (1, 0, "the bzip2 stream is broken: ..."),
    "bzip2-changed-in-the-middle": (1, 0, "the bzip2 stream is broken: ..."),
    "bzip2-cut-by-1": (3, 244, "the bzip2 stream is cut off"),
    "bzip2-cut-in-half": (1, 0, "the bzip2 stream is cut off"),
    "bzip2-cut-in-its-header": (1, 0, "the bzip2 stream is cut off"),
    "bzip2-cut-in-the-second": (3, 244, "the bzip2 stream is cut off"),
    "bzip2-event-behind": (3, 244, "expected nothing but bzip2 streams, got more behind"),
    "bzip2-header-alone": (1, 0, "the bzip2 stream is cut off"),
    "bzip2-header-behind": (3, 244, "the bzip2 stream is cut off"),
    "bzip2-in-itself": (1, 0, NO_LOG_YET.format(1)),
    "bzip2-newline-behind": (3, 244, "expected nothing but bzip2 streams, got more behind"),
    "bzip2-of-an-array-cut": (3, 124, CUT),
    "bzip2-text-behind": (3, 244, "expected nothing but bzip2 streams, got more behind"),
    "bzip2-text-behind-zeros": (3, 244, "expected nothing but bzip2 streams, got more behind"),
    "first-bytes-of-zip": (1, 21, NO_LOG_ONE),
    "first-bytes-of-zstandard": (1, 13, NO_LOG_ONE),
    "gzip-changed-at-the-end": (1, 0, "the gzip stream is broken: ..."),
    "gzip-changed-in-the-middle": (1, 0, "the gzip stream is broken: ..."),
    "gzip-cut-by-1": (3, 244, "the gzip stream is cut off"),
    "gzip-cut-in-half": (1, 118, "the gzip stream is cut off"),
    "gzip-cut-in-its-header": (1, 0, "the gzip stream is cut off"),
    "gzip-cut-in-the-second": (3, 244, "the gzip stream is cut off"),
    "gzip-event-behind": (3, 244, "expected nothing but gzip streams, got more behind"),
    "gzip-first-bytes": (1, 0, "the gzip stream is cut off"),
    "gzip-header-alone": (1, 0, "the gzip stream is cut off"),
    "gzip-header-behind": (3, 244, "the gzip stream is cut off"),
    "gzip-in-itself": (1, 144, NO_LOG_ONE),
    "gzip-newline-behind": (3, 244, "expected nothing but gzip streams, got more behind"),
    "gzip-of-an-array-cut": (3, 124, CUT),
    "gzip-text-behind": (3, 244, "expected nothing but gzip streams, got more behind"),
    "gzip-text-behind-zeros": (3, 244, "expected nothing but gzip streams, got more behind"),
    "gzip-then-bzip2": (2, 122, "expected nothing but gzip streams, got more behind"),
    "gzip-unknown-method": (1, 0, "the gzip stream is broken: ..."),
    "gzip-wrong-checksum": (1, 0, "the gzip stream is broken: ..."),
    "gzip-wrong-checksum-of-nothing": (1, 0, "the gzip stream is broken: ..."),
    "gzip-wrong-length": (1, 0, "the gzip stream is broken: ..."),
    "json-lines-utf-32-be": (1, 0, NO_LOG_YET.format(1)),
    "json-lines-utf-32-le": (1, 1, NO_LOG_YET.format(2)),
    "newline-before-gzip": (2, 145, NO_LOG_ONE),
    "no-log-array-of-numbers": (1, 7, NO_LOG.format(3)),
    "no-log-config": (8, 71, NO_LOG_ONE),
    "no-log-csv": (1, 0, NO_LOG_YET.format(1)),
    "no-log-empty-object": (1, 2, NO_LOG_ONE),
    "no-log-empty-objects": (1, 200, NO_LOG.format(100)),
    "no-log-form": (1, 19, NO_LOG_ONE),
    "no-log-html": (1, 0, NO_LOG_YET.format(1)),
    "no-log-null": (1, 4, NO_LOG_ONE),
    "no-log-number": (2, 3, NO_LOG_ONE),
    "no-log-one-line-config": (2, 34, NO_LOG_ONE),
    "no-log-one-line-of-prose": (2, 10, NO_LOG_ONE),
    "no-log-open-bracket": (1, 1, NO_LOG_ONE),
    "no-log-png": (1, 0, NO_LOG_YET.format(1)),
    "no-log-prose": (1, 0, NO_LOG_YET.format(1)),
    "no-log-python": (1, 0, NO_LOG_YET.format(1)),
    "no-log-quotation-mark": (1, 1, NO_LOG_ONE),
    "no-log-shell": (3, 20, NO_LOG.format(2)),
    "no-log-sql": (2, 45, NO_LOG_ONE),
    "no-log-string": (1, 6, NO_LOG_ONE),
    "no-log-type-in-capitals": (1, 121, NO_LOG_ONE),
    "no-log-xml": (1, 39, NO_LOG_ONE),
    "no-log-yaml": (1, 0, NO_LOG_YET.format(1)),
    "no-log-zeros": (1, 4_096, NO_LOG_ONE),
    "object-around-an-array": (1, 134, NO_LOG_ONE),
    "pretty-run-half-first": (
        2,
        15,
        "no event log as far as it was read: "
        "expected a comma, white space or { behind the event at character 6",
    ),
    "pretty-run-half-last": (
        14,
        262,
        "in the event that begins on line 9: expected more JSON, got the end at character 116, "
        + NO_EVENT_BEHIND,
    ),
    "xz-changed-at-the-end": (1, 0, "the xz stream is broken: ..."),
    "xz-changed-in-the-middle": (1, 0, "the xz stream is broken: ..."),
    "xz-cut-by-1": (3, 244, "the xz stream is cut off"),
    "xz-cut-in-half": (1, 67, "the xz stream is cut off"),
    "xz-cut-in-its-header": (1, 0, "the xz stream is cut off"),
    "xz-cut-in-the-second": (3, 244, "the xz stream is cut off"),
    "xz-event-behind": (3, 244, "expected nothing but xz streams, got more behind"),
    "xz-header-alone": (1, 0, "the xz stream is cut off"),
    "xz-header-behind": (3, 244, "the xz stream is cut off"),
    "xz-in-itself": (1, 172, NO_LOG_ONE),
    "xz-newline-behind": (3, 244, "expected nothing but xz streams, got more behind"),
    "xz-of-an-array-cut": (3, 124, CUT),
    "xz-text-behind": (3, 244, "expected nothing but xz streams, got more behind"),
    "xz-text-behind-zeros": (3, 244, "expected nothing but xz streams, got more behind"),
    "zeros-before-gzip": (1, 146, NO_LOG_ONE),
}


def commas() -> None:
    for name, begin, between, end in (
        ("missing", b"[", b" ", b"]"),
        ("missing-glued", b"[", b"", b"]"),
        ("doubled", b"[", b",,", b"]"),
        ("leading", b"[,", b",", b"]"),
        ("trailing", b"[", b",", b",]"),
        ("everywhere", b"[ ,\n, ", b"\n,,\r\n,", b",,\n]\n"),
        ("on-the-next-line", b"[\n  ", b"\n, ", b"\n]"),
    ):
        events = [order(number) for number in range(1, 5)]
        add(f"array-commas-{name}", framed(events, begin, between, end)[0], 4)
        run_begin, run_end = begin.replace(b"[", b""), end.replace(b"]", b"")
        if name != "on-the-next-line":
            add(f"run-commas-{name}", framed(events, run_begin, between, run_end)[0], 4)
    text = GOOD + b"\n, " + GOOD_2 + b"\n"  # the first line is a whole object: JSON Lines
    add("json-lines-commas-on-the-next-line", text, 1, (2, len(GOOD) + 1, "not-json", None))


def white_space() -> None:
    events = [order(1), order(2), order(4)]
    for name, framing in FRAMINGS.items():
        data = framing(events)[0]
        add(f"{name}-crlf", data.replace(b"\n", b"\r\n"), 3)
        add(f"{name}-cr-only", data.replace(b"\n", b"\r"), 3)
        add(f"{name}-blank-lines", b"\n \t\r\n" + data.replace(b"\n", b"\n\n \n") + b"\n \n", 3)
        add(f"{name}-no-newline-at-the-end", data.rstrip(b"\n"), 3)
    for name, space in (("form-feed", b"\f"), ("no-break-space", b"\xc2\xa0"), ("nul", b"\0")):
        first = space + b"\n"
        lines = GOOD + b"\n" + GOOD_2 + b"\n"
        add(f"json-lines-{name}-first", first + lines, 2, (1, 0, "not-json", None))
        add(f"json-lines-{name}-last", lines + space, 2, (3, len(lines), "not-json", None))
    add("json-lines-crlf-and-bad", GOOD + b"\r\n\r\nx\r\n" + GOOD_2 + b"\r\n", 2, (
        3, len(GOOD) + 4, "not-json", None
    ))  # fmt: skip
    add("json-lines-indented", b"  " + GOOD + b"\n\t x\n " + GOOD_2, 2, (
        2, len(GOOD) + 5, "not-json", None
    ))  # fmt: skip


def halves() -> None:
    half = GOOD[20:] + b"\n"
    lines = GOOD + b"\n" + GOOD_2 + b"\n"
    add("json-lines-half-first", half + lines, 2, (1, 0, "not-json", None))
    add("json-lines-half-first-behind-blank-lines", b"\n\n" + half + lines, 2, (
        3, 2, "not-json", None
    ))  # fmt: skip
    add("json-lines-half-first-of-two", half + GOOD, 1, (1, 0, "not-json", None))
    add("json-lines-half-first-a-digit", b"1}\n" + lines, 2, (1, 0, "not-json", None))
    add("json-lines-half-last", lines + GOOD[:50], 2, (3, len(lines), "not-json", None))
    add("json-lines-half-first-and-last", half + lines + GOOD[:50], 2, (
        1, 0, "not-json", None
    ), (4, len(half + lines), "not-json", None))  # fmt: skip
    fail("run-two-halves-first", half * 2 + lines, NO_LOG_YET.format(1))
    cut = GOOD[:40] + b"\n"
    add("run-two-cut-first", cut * 2 + lines, 2, (1, 0, "not-json", None), (
        2, len(cut), "not-json", None
    ))  # fmt: skip
    add("run-half-before-each", (half + GOOD + b"\n") * 2, 2, (1, 0, "not-json", None), (
        3, len(half + GOOD) + 1, "not-json", None
    ))  # fmt: skip
    pretty = pretty_run([order(1), order(2)])[0]
    fail("pretty-run-half-first", pretty[30:])
    fail("pretty-run-half-last", pretty[: pretty.rindex(b"\n  ")])


def place_of(data: bytes, offset: int) -> str:
    line = data.count(b"\n", 0, offset) + 1
    return f"line {line:,}, byte offset {offset:,}"


def arrays() -> None:
    for name, framing in (("array", array), ("pretty-array", pretty_array)):
        whole = framing([order(1), order(2)])[0]
        body = whole.rstrip(b"\n]")
        for what, data in (
            ("not-closed", body + b"\n"),
            ("not-closed-behind-a-comma", body + b",\n"),
            ("not-closed-at-all", body),
        ):
            fail(f"{name}-{what}", data, CUT, place_of(data, len(data)))
        for what, behind in (
            ("closed-twice", b"]"),
            ("text-behind", b"the end"),
            ("event-behind", GOOD),
            ("array-behind", whole),
            ("comma-behind", b","),
            ("nul-behind", b"\0"),
            ("mark-behind", MARK),
        ):
            fail(f"{name}-{what}", whole + behind, BEHIND, place_of(whole + behind, len(whole)))
        add(f"{name}-white-space-behind", whole + b" \r\n\t\n", 2)
    fail("array-cut-in-an-event", b"[\n" + GOOD + b",\n" + GOOD_2[:40] + b"\n")
    fail("array-cut-in-an-event-before-a-line", b"[\n" + GOOD[:40] + b"\nx\n" + GOOD + b"]")
    fail("array-alone-opened", b"[", CUT, place_of(b"[", 1))
    fail("array-alone-closed", b"]")
    fail("array-of-commas-not-closed", b"[,,", CUT, place_of(b"[,,", 3))
    nothing("array-empty", b"[]")
    nothing("array-empty-on-lines", b"\n[\n\n]\n")
    nothing("array-of-commas", b"[ , , ]")
    fail("array-empty-closed-twice", b"[]]", BEHIND, place_of(b"[]]", 2))
    fail("array-in-an-array", b"[[" + GOOD + b"]]")
    add_bad("array", "array-in-it", b"[" + GOOD + b"]", "not-an-object", None)
    add_bad("one-line-array", "array-in-it", b"[" + GOOD + b"]", "not-an-object", None)
    bracket = b"[\n" + GOOD + b"\n]\n" + GOOD_2 + b"\n]\n"
    fail("array-closed-in-the-middle", bracket, BEHIND, place_of(bracket, len(GOOD) + 5))
    text = b"[\n" + GOOD + b",\nx\n\n\n]\n"
    add("array-text-last", text, 1, (3, len(GOOD) + 4, "not-json", None))
    text = b"[\n" + GOOD + b",\nx\ny\n" + GOOD_2 + b"\n]\n"
    fail("array-two-lines-of-text", text, GOT_ELSE.format(1), place_of(text, len(GOOD) + 4))
    text = b"[\n" + GOOD + b",\nx]\n"
    fail("array-text-before-its-end", text)
    wrapped = b'{"events":[' + GOOD + b"]}"
    fail("object-around-an-array", wrapped)
    text = run([order(1), b"x", order(2)])[0] + b"y"
    add("run-text-last", text, 2, (2, len(GOOD) + 2, "not-json", None), (
        4, len(text) - 1, "not-json", None
    ))  # fmt: skip
    text = run([order(1), order(2)])[0] + b"]"
    add("run-closed", text, 2, (3, len(text) - 1, "not-json", None))


# --- Compression ------------------------------------------------------------------------------


def compression() -> None:
    text = json_lines([order(1), order(2)])[0]
    first, second = GOOD + b"\n", GOOD_2 + b"\n"
    for name, pack in PACKERS.items():
        whole = pack(text)
        add(f"{name}-whole", whole, 2)
        add(f"{name}-several", pack(first) + pack(second), 2)
        add(f"{name}-split-in-an-event", pack(text[:50]) + pack(text[50:]), 2)
        add(f"{name}-zeros-behind", whole + b"\0" * 512, 2)
        add(f"{name}-zeros-between", pack(first) + b"\0" * 512 + pack(second), 2)
        add(f"{name}-empty-members", pack(b"") + whole + pack(b""), 2)
        nothing(f"{name}-of-nothing", pack(b""))
        nothing(f"{name}-of-blanks", pack(b" \n\n"))
        add(f"{name}-of-an-array", pack(array([order(1), order(2)])[0]), 2)
        for what, data in (
            ("cut-by-1", whole[:-1]),
            ("cut-in-half", whole[: len(whole) // 2]),
            ("cut-in-its-header", whole[:8]),
            ("header-alone", whole[:6]),
            ("cut-in-the-second", pack(first) + pack(second)[:-1]),
            ("text-behind", whole + b"garbage"),
            ("newline-behind", whole + b"\n"),
            ("text-behind-zeros", whole + b"\0\0\0\0" + b"garbage"),
            ("event-behind", whole + GOOD),
            ("header-behind", whole + whole[:3]),
            ("changed-at-the-end", changed(whole, -2)),
            ("changed-in-the-middle", changed(whole, len(whole) // 2)),
            ("in-itself", pack(pack(GOOD))),
            ("of-an-array-cut", pack(array([order(1)])[0][:-2])),
        ):
            fail(f"{name}-{what}", data)
    fail("gzip-wrong-checksum", gzipped(text, crc=1))
    fail("gzip-wrong-length", gzipped(text, length=1))
    fail("gzip-wrong-checksum-of-nothing", gzipped(b"", crc=1))
    fail("gzip-unknown-method", b"\x1f\x8b\x07" + gzipped(text)[3:])
    fail("gzip-first-bytes", b"\x1f\x8b")
    head = b"\x1f\x8b\x08\x0c\0\0\0\0\0\xff" + b"\x04\0abcd" + b"events.jsonl\0"
    add("gzip-named", head + gzipped(text)[10:], 2)
    add("gzip-then-gzip-of-another-kind", gzipped(first) + head + gzipped(second)[10:], 2)
    fail("gzip-then-bzip2", gzipped(first) + bz2.compress(second))
    add("lies-about-itself.gz", text, 2)
    add("lies-about-itself.xz", gzipped(text), 2)
    add("lies-about-itself.csv", array([order(1), order(2)])[0], 2)
    fail("zeros-before-gzip", b"\0\0" + gzipped(GOOD))
    fail("newline-before-gzip", b"\n" + gzipped(GOOD))
    fail("first-bytes-of-zip", b"PK\x03\x04\x14\0\0\0\x08\0" + zlib.compress(b"", 0))
    fail(
        "first-bytes-of-zstandard", b"\x28\xb5\x2f\xfd\x04\x00" + b"\x41\0\0" + b"\x99\xe9\xd8\x51"
    )


# --- Not an event log -------------------------------------------------------------------------


def no_event_logs() -> None:
    nothing("empty", b"")
    nothing("blank", b" \t\r\n\n")
    nothing("newline", b"\n")
    nothing("commas", b",,,\n, ,")
    for name, data in (
        ("csv", b"customer_id,total_amount\nc1,12.34\nc2,5.00\n"),
        ("prose", b"Dear all,\n\nthe log is attached.\n"),
        ("one-line-of-prose", b"Not Found\n"),
        ("html", b"<!DOCTYPE html>\n<html><body>502 Bad Gateway</body></html>\n"),
        ("config", json.dumps({"name": "shop", "servers": [{"type": "db"}]}, indent=2).encode()),
        ("one-line-config", b'{"name":"shop","types":["ORDER"]}\n'),
        ("png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0\x1f\x15\xc4\x89"),
        ("null", b"null"),
        ("number", b"42\n"),
        ("string", b'"type"'),
        ("empty-object", b"{}"),
        ("empty-objects", b"{}" * 150),
        ("array-of-numbers", b"[1,2,3]"),
        ("zeros", b"\0" * 4096),
        ("quotation-mark", b'"'),
        ("open-bracket", b"{"),
        ("type-in-capitals", text_of(order(1)).replace(b'"type"', b'"Type"')),
        ("shell", b"#!/bin/sh\n{ echo; }\n"),
        ("python", b"import json\n\nprint({})\n"),
        ("yaml", b"- type: ORDER\n  verb: NEW\n"),
        ("xml", b'<?xml version="1.0"?><type>ORDER</type>'),
        ("sql", b'INSERT INTO log VALUES (\'{"type":"ORDER"}\');\n'),
        ("form", b"type=ORDER&verb=NEW"),
    ):
        fail(f"no-log-{name}", data)
    for name, framing in FRAMINGS.items():
        for count in (99, 100, 101):
            events: list[Event] = [{"n": number} for number in range(count)]
            case = f"{name}-{count}-without-a-type"
            rejects: list[Reject] = [(number, "missing", "type") for number in range(count)]
            if count < 100:
                add_framed(case, framing, [*events, order(1)], *rejects)
            else:
                data, places = framing([*events, order(1)])
                behind = places[99][1] + len(
                    (pretty_text_of if "pretty" in name else text_of)(events[99])
                )
                fail(case, data, NO_LOG.format(100), place_of(data, behind))
    for count in (99, 100):
        lines = [b"x" if number != 1 else b"{}" for number in range(count)]
        data, places = json_lines([*lines, order(1)])
        case = f"json-lines-{count}-bad-lines-first"
        if count < 100:
            bad = [(*place, "not-json", None) for place in places[:count]]
            bad[1] = (*places[1], "missing", "type")  # type: ignore[assignment]
            add(case, data, 1, *bad)
        else:
            fail(case, data, NO_LOG.format(100), place_of(data, places[100][1] - 1))
    nothing("json-lines-typed-but-bad", b'{"type":1}\n{"type":"WISH"}\n', (
        1, 0, "unknown-type", "type"
    ), (2, 11, "unknown-type", "type"))  # fmt: skip
    nothing("json-lines-type-null", b'{"type":null}\n', (1, 0, "missing", "type"))


def all_cases() -> dict[str, Case]:
    """Every case by the name of its file."""
    if not CASES:
        for family in (
            reasons_in_every_framing,
            rules_of_events,
            members_that_occur_twice,
            encodings,
            texts_that_bite,
            not_json,
            depths,
            commas,
            white_space,
            halves,
            arrays,
            compression,
            no_event_logs,
        ):
            family()
    return CASES
