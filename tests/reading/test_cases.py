"""Files as people have them: what each must come to, and its kind in a hundred variations.

The files are in `shared/cases` beside the project, with a README; each is one of public reports by
users of other tools. What is expected of the variations comes from the oracle.
"""

import bz2
import gzip
import io
import json
import lzma
import os
import random
import sqlite3
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import against_oracle
import oracle
from conftest import PROJECT, Done

CASES = PROJECT.parent / "shared" / "cases"
MARK = b"\xef\xbb\xbf"

Run = Callable[..., Done]
Event = dict[str, Any]
Files = list[tuple[str, bytes]]


# --- The files themselves ---------------------------------------------------------------------


class Right(NamedTuple):
    """What is right of a file or folder: by customer the revenue, the reasons of the rejects."""

    accepted: int = 0
    revenue: dict[str, str] | None = None
    rejects: tuple[str, ...] = ()
    says: tuple[str, ...] = ()  # of the failure, or of the warning
    status: int = 0


TWO = {"c1": "20.00", "c2": "5.50"}
ONE = {"c1": "20.00"}
RIGHT = {
    "01-two-arrays.json": Right(6, TWO),
    "02c-wrapper-event-per-line.json": Right(status=1, says=("events",)),
    "02h-wrapper-cut-off.json": Right(status=1, says=("events",)),
    "03-bom-each-file-cat.jsonl": Right(6, TWO),
    "04a-bigquery-utc.jsonl": Right(3, ONE),
    "04b-postgres-plus00.jsonl": Right(3, ONE),
    "06-literal-backslash-n.json": Right(status=1, says=("line 1",), rejects=("not-json",)),
    "07-pandas-float-ids.jsonl": Right(3, {"305": "20.00"}),
    "07b-python-nan.jsonl": Right(3, ONE),
    "08-float-noise.jsonl": Right(6, {"c1": "222.73"}),
    "09-separate-currency.jsonl": Right(
        5, {"c1": "20.00", "c2": "0.00"}, ("other-currency",) * 2, ("2", "EUR", "--currency")
    ),
    "11-epoch-zero.jsonl": Right(
        7, {"c1": "500.00", "c2": "5000.00"}, says=("1970-01-01", "--since")
    ),
    "12-banner-3-lines.log": Right(6, TWO, ("not-json",) * 3),
    "14a-double-gzip.json.gz": Right(6, TWO),
    "14m-three-arrays.tgz": Right(status=1, says=("tar",)),
    "17-64bit-ids.jsonl": Right(5, {"1234567890123456789": "20.00", "900719925474099312": "7.00"}),
    "18c-firehose": Right(3, ONE),
    "18f-hive": Right(6, TWO),
    "19-glued-files-without-newline.jsonl": Right(7, {"c1": "20.00", "c2": "500.00", "c3": "1.00"}),
}

needs_the_cases = pytest.mark.skipif(
    not CASES.is_dir(), reason="there is no shared/cases beside the project"
)


@needs_the_cases
def test_every_file_has_what_is_right_of_it():
    assert sorted(RIGHT) == sorted(
        path.name for path in CASES.iterdir() if path.name != "README.md"
    )


def files_of(case: Path) -> Files:
    """A file, or all below a folder."""
    paths = sorted(path for path in case.rglob("*") if path.is_file()) if case.is_dir() else [case]
    return [(str(path), path.read_bytes()) for path in paths]


@needs_the_cases
@pytest.mark.parametrize("name", RIGHT)
def test_the_oracle_is_right(name: str):
    right = RIGHT[name]
    try:
        result = oracle.run(files_of(CASES / name), 1000)
    except oracle.Failure as failure:
        assert failure.status == right.status
        found = (failure.says,) if failure.says else tuple(f"line {n}" for n in failure.lines)
        assert found == right.says
        assert tuple(each["reason"] for each in failure.rejects) == right.rejects
        return
    assert right.status == 0
    assert result.counts["accepted"] == right.accepted
    assert {row["customer_id"]: row["revenue"] for row in result.rows} == right.revenue
    assert tuple(each["reason"] for each in result.rejects) == right.rejects
    assert tuple(word for warned in result.warnings for word in warned.says) == right.says


@needs_the_cases
@pytest.mark.parametrize("name", RIGHT)
def test_the_program_is_right(name: str, run: Run):
    right = RIGHT[name]
    done = run(1000, CASES / name, "-q", "-o", "out.json")
    assert done.status == right.status, done.err
    assert all(word in done.err for word in right.says)
    assert done.err.count("\n") == bool(right.says)
    assert ("tar -xOf" in done.err) == (right.says == ("tar",))
    rejects = Path("out.json.rejects.jsonl")
    lines = rejects.read_text().splitlines() if rejects.exists() else []
    assert tuple(json.loads(line)["reason"] for line in lines) == right.rejects
    if right.status == 0:
        result = json.loads(Path("out.json").read_text(), parse_float=str)
        assert result["events"]["accepted"] == right.accepted
        assert {row["customer_id"]: row["revenue"] for row in result["top"]} == right.revenue


# --- Events to make variations of -------------------------------------------------------------

ORDERS = ("20.00 USD", "5.50 USD", 7, "500", "$1.00", "-3.25 USD")


def good_event(rng: random.Random) -> Event:
    """A good event of any type, of few customers and in few weeks."""
    kind = rng.choice(["CUSTOMER", "SITE_VISIT", "IMAGE", "ORDER", "ORDER"])
    event: Event = {
        "type": kind,
        "verb": "UPLOAD" if kind == "IMAGE" else "NEW",
        "key": f"{kind[0]}{rng.randint(1, 4)}",
        "event_time": f"2024-0{rng.randint(1, 3)}-{rng.randint(1, 28):02}T10:0{rng.randint(0, 9)}Z",
    }
    if kind == "CUSTOMER":
        event["last_name"] = rng.choice(["Lindqvist", "Ōé", '}]{["'])
    else:
        event["customer_id"] = rng.choice(["c1", "c2", "c3"])
    if kind == "SITE_VISIT":
        event["tags"] = rng.choice([[], [{"name": "a", "value": "}{"}], [{"n": [1, {}]}]])
    if kind == "ORDER":
        event["total_amount"] = rng.choice(ORDERS)
    return event


def event_of(rng: random.Random) -> Event:
    """A good event, or one of several that is JSON but breaks a rule."""
    event = good_event(rng)
    if rng.random() < 0.15:
        event[rng.choice(["verb", "key", "event_time", "customer_id"])] = rng.choice([None, "", []])
    return event


def order_of(rng: random.Random, **members: Any) -> Event:
    order = {"type": "ORDER", "verb": "NEW", "key": f"o{rng.randint(1, 9)}", "customer_id": "c1"}
    return order | {"event_time": "2024-03-01T10:05:00Z", "total_amount": "20.00 USD"} | members


def events_of(rng: random.Random, least: int = 1, most: int = 8) -> list[Event]:
    return [event_of(rng) for _ in range(rng.randint(least, most))]


def compact(event: Event, rng: random.Random) -> bytes:
    """An event on one line."""
    spaced = rng.random() < 0.5
    return json.dumps(
        event, separators=None if spaced else (",", ":"), ensure_ascii=rng.random() < 0.5
    ).encode()


def line_end(rng: random.Random) -> bytes:
    return rng.choice([b"\n", b"\n", b"\r\n", b"\n\n", b" \n", b"\r\n\t\r\n"])


def json_lines(rng: random.Random, events: list[Event]) -> bytes:
    """JSON Lines with one kind of line end, the last line closed or not."""
    end = line_end(rng)
    return end.join(compact(event, rng) for event in events) + rng.choice([b"", end, end])


def pretty(rng: random.Random, events: list[Event]) -> bytes:
    """Objects over many lines each."""
    return b"\n".join(json.dumps(event, indent=2).encode() for event in events) + b"\n"


def array(rng: random.Random, events: list[Event]) -> bytes:
    """A JSON array: on one line, an event a line, or an event over many."""
    way = rng.randrange(3)
    if way == 0:
        return b"[" + rng.choice([b", ", b","]).join(compact(e, rng) for e in events) + b"]"
    if way == 1:
        end = rng.choice([b"\n", b"\r\n"])
        lines = (b"," + end).join(compact(event, rng) for event in events)
        return b"[" + end + lines + end + b"]"
    indents: list[int | str] = [1, 4, "\t"]
    return json.dumps(events, indent=rng.choice(indents)).encode()


def any_framing(rng: random.Random, events: list[Event]) -> bytes:
    return rng.choice([json_lines, pretty, array])(rng, events)


# --- The kinds --------------------------------------------------------------------------------

Kind = Callable[[random.Random], tuple[Files, dict[str, Any]]]


def log(data: bytes, **options: Any) -> tuple[Files, dict[str, Any]]:
    """One file, and options."""
    return [("log", data)], options


def several_arrays(rng: random.Random) -> tuple[Files, dict[str, Any]]:
    gap = rng.choice([b"", b"", b" ", b"\n", b"\r\n\r\n", MARK, b"\n" + MARK])
    arrays = [array(rng, events_of(rng, 0, 4)) for _ in range(rng.randint(2, 5))]
    data = rng.choice([b"", b"\n ", MARK]) + gap.join(arrays) + rng.choice([b"", b"\n"])
    way = rng.random()
    if way < 0.1:
        data = data.rstrip()[: -rng.randint(1, 60)]
    elif way < 0.25:
        after = rng.choice([b"]", b",", b"x", b"null", compact(event_of(rng), rng), b"[", b"[5]"])
        data += after
    elif way < 0.3:
        data = b",".join(arrays)
    return log(data)


NAMES = ["events", "value", "Records", "Items", "data set", "type_of_all"]


def wrapper(rng: random.Random) -> tuple[Files, dict[str, Any]]:
    name = rng.choice(NAMES)
    before = {
        "count": 3, "ok": True, "note": "a]}", "meta": {"type": "x", "a": [1]}, "none": [],
        "pages": [1, 2], "links": [{"href": "/", "n": [{"type": 1}]}],
    }  # fmt: skip
    outer: Event = {key: before[key] for key in rng.sample(sorted(before), rng.randint(0, 3))}
    outer[name] = "@"
    if rng.random() < 0.3:
        outer |= {"next": None, "type": "page"}
    way = rng.randrange(3)
    indent: int | None = rng.choice([0, 2]) if way == 0 else None
    events = [json.dumps(good_event(rng), indent=indent) for _ in range(rng.randint(1, 6))]
    between = rng.choice(["\n", "\n  "]) if way == 1 else ""
    inside = f",{between}".join(events)
    before_events, after_events = json.dumps(outer, indent=indent).split('"@"')
    text = f"{before_events}[{between}{inside}{between}]{after_events}"
    begin = text.index(events[0]) + len(events[0])  # up to here all is whole
    fault = rng.random()
    if fault < 0.3:
        text = text[: rng.randint(begin, len(text))]
    elif fault < 0.5:
        at = rng.randint(begin, len(text))
        text = text[:at] + rng.choice([",,", "x", "\n", "}", "]]", "NaN", '"']) + text[at:]
    elif fault < 0.6 and "\n" not in text:
        text = "\n".join([text] * rng.randint(2, 4))
    return log(rng.choice([b"", MARK, b"\n"]) + text.encode() + rng.choice([b"", b"\n"]))


def joined_with_marks(rng: random.Random) -> tuple[Files, dict[str, Any]]:
    framing = rng.choice([json_lines, json_lines, pretty, array])
    parts = []
    for _ in range(rng.randint(1, 5)):
        data = framing(rng, events_of(rng, 1, 3))
        parts += [MARK * rng.choice([0, 1, 1, 1, 2]), rng.choice([b"", b"", b" "]), data]
        if framing is json_lines and rng.random() < 0.5:
            parts.append(rng.choice([b"\n", b"\n" + MARK + b"\n"]))
    return log(b"".join(parts) + rng.choice([b"", MARK]))


ZONES = [
    "", "Z", "z", "UTC", "GMT", "+00", "-00", "+0000", "+00:00", "+01", "-03", "+0530", "-04:30",
    "+23:59",
]  # fmt: skip
NO_ZONES = [
    "+24", "utc", "CET", "+1", "+010", "UTC+1", "Zulu", "+00:60", "U", "ZZ", "  UTC", "+01:0",
    "±01",
]  # fmt: skip


def zones(rng: random.Random) -> tuple[Files, dict[str, Any]]:
    events = []
    for event in events_of(rng, 3, 8):
        is_good = rng.random() < 0.8
        clocks = ["10:00", "10:00:00", "23:59:59.999999", "10:00:00,5"]
        clock = rng.choice(clocks if is_good else ["10:00,5", "24:00", "10", "10:00:00,"])
        zone = rng.choice(["", "", " "]) + rng.choice(ZONES if rng.random() < 0.8 else NO_ZONES)
        if event.get("event_time"):
            day = rng.choice(["2024-03-01", "2024-02-29", "2024-03-03"])
            event["event_time"] = f"{day}{rng.choice('T :t')}{clock}{zone}"
            if rng.random() < 0.15:
                milliseconds = rng.choice([1709287200000, -1, 0, 1709287200000.0, "1709287200000"])
                long = {"$numberLong": str(milliseconds)}
                event["event_time"] = {"$date": rng.choice([milliseconds, long, f"{day} 10:00Z"])}
        events.append(event)
    return log(any_framing(rng, events))


def literal_line_breaks(rng: random.Random) -> tuple[Files, dict[str, Any]]:
    gap = rng.choice([b"\\n", b"\\r\\n", b"\\t", b"\\n ", b";", b"\\", b"\\\\n"])
    lines = [
        gap.join(compact(event, rng) for event in events_of(rng, 2, 5)) + rng.choice([b"", gap])
        for _ in range(rng.randint(1, 3))
    ]
    if rng.random() < 0.3:
        lines.insert(rng.randint(0, len(lines)), compact(good_event(rng), rng))
    return log(b"\n".join(lines) + rng.choice([b"", b"\n"]))


def float_ids(rng: random.Random) -> tuple[Files, dict[str, Any]]:
    spellings = [
        "305", "305.0", '"305"', '"305.0"', "305.00", "-0", "0.0", "-0.0", "305.5", "3.05e2",
        "9007199254740991.0", "9007199254740992.0", "-9007199254740992.0", '{"$numberLong":"305"}',
        '{"$numberDouble":"305.0"}', '{"$oid":"305"}', '{"$oid":305}', '{"$numberInt":"305","a":1}',
    ]  # fmt: skip
    return log(with_spellings(rng, ["key", "customer_id"], spellings))


def with_spellings(rng: random.Random, members: list[str], spellings: list[str]) -> bytes:
    """Events with values in some members that are JSON texts of these."""
    lines = []
    for event in [order_of(rng), *events_of(rng, 2, 7)]:
        chosen = {name: f"@{name}@" for name in members if name in event and rng.random() < 0.8}
        text = json.dumps(event | chosen)
        for name in chosen:
            text = text.replace(f'"@{name}@"', rng.choice(spellings))
        lines.append(text.encode())
    way = rng.randrange(3)
    return b"[" + b",\n".join(lines) + b"]" if way == 0 else b"\n".join(lines)


def constants(rng: random.Random) -> tuple[Files, dict[str, Any]]:
    members = ["last_name", "tags", "referrer", "currency", "camera_make"]
    if rng.random() < 0.4:
        members += ["type", "verb", "key", "event_time", "customer_id", "total_amount"]
    lines = []
    for event in events_of(rng, 3, 8):
        event |= {name: f"@{name}@" for name in rng.sample(members, rng.randint(0, 3))}
        text = json.dumps(event)
        for name in members:
            value = rng.choice(
                ["NaN", "Infinity", "-Infinity", "[NaN]", '{"a":NaN}', "-NaN", "nan"]
            )
            text = text.replace(f'"@{name}@"', value if rng.random() < 0.9 else "NaN")
        lines.append(text)
    if rng.random() < 0.3:
        lines.insert(rng.randint(1, len(lines)), rng.choice(["NaN", "Infinity", "-Infinity"]))
    return log("\n".join(lines).encode())


def noise(rng: random.Random) -> tuple[Files, dict[str, Any]]:
    spellings = []
    for _ in range(6):
        cents = rng.randint(-(10**6), 10**7)
        number = cents / 100 * rng.choice([1, 1, 3, 0.1]) + rng.choice([0, 0.1, 0.2])
        text = rng.choice([repr(number), repr(number), f"{number:.6f}", f"{number:.7f}"])
        text += rng.choice(["", "", "5", "0" * 8, "9" * 20, "0" * 31])
        spellings += [text] * 3
        spellings += [f'"{text} USD"', f'"{text}"', f'{{"$numberDouble":"{text}"}}']
    spellings += ["0.30000000000000004", "1e-7", "999999999999.9999999", '"0.0000005"', '".5"']
    return log(with_spellings(rng, ["total_amount"], spellings))


CURRENCIES: list[Any] = [
    "USD",
    "usd",
    " USD ",
    "$",
    "US$",
    "JPY",
    "EUR",
    "€",
    "gbp",
    "",
    None,
    5,
    " ",
    "US",
    {},
]
AMOUNTS = [20.0, 2980, "15.00", "15 USD", "€15", "$15", "15 eur", "US$ 15", "£\u00a015", "x", ".5"]


def currencies(rng: random.Random) -> tuple[Files, dict[str, Any]]:
    events = events_of(rng, 0, 3)
    for number in range(rng.randint(1, 8)):
        order = order_of(rng, key=f"o{number}", total_amount=rng.choice(AMOUNTS))
        if rng.random() < 0.8:
            order["currency"] = rng.choice(CURRENCIES)
        events.append(order)
    rng.shuffle(events)
    return log(any_framing(rng, events), currency=rng.choice(["USD", "USD", "EUR", "jpy"]))


def lone_times(rng: random.Random) -> tuple[Files, dict[str, Any]]:
    events = [good_event(rng) for _ in range(rng.randint(1, 7))]
    lone = rng.sample(
        [
            "1970-01-01",
            "1970-01-01T00:00:00Z",
            "2022-12-20",
            "2025-03-20",
            "2199-12-31",
            "2024-05-01",
        ],
        rng.choice([0, 1, 1, 2]),
    )
    for time in lone:
        for event in rng.sample(events, 1) * rng.choice([1, 1, 2]):
            events.insert(rng.randint(0, len(events)), event | {"event_time": time})
    if rng.random() < 0.3:  # bad in another way, which does not matter where it is left out
        events.append(order_of(rng, event_time="1970-01-02", total_amount="5 EUR"))
    return log(
        any_framing(rng, events),
        since=rng.choice([None, None, "1971-01-01", "2024-01-01", "2024-02-10"]),
        until=rng.choice([None, None, "2024-12-31", "2024-03-31", "2024-02-20"]),
    )


BANNERS = [
    "# shop event log v3", "started 2024-03-01", "[INFO] begin", "[", "[{", '["a"]', "{", "}", ",",
    "type,verb,key", '"x"', '{"version":3}', "null", "{} x", "=====", 'r","event_time":"2024"}',
]  # fmt: skip


def banners(rng: random.Random) -> tuple[Files, dict[str, Any]]:
    end = rng.choice(["\n", "\r\n"])
    choices = rng.sample(BANNERS, 3) if rng.random() < 0.5 else BANNERS[:2]
    count = rng.choice([1, 2, 3, 3, 5, 8, 9, 9, 10, 11])
    lines = [rng.choice(choices) + end for _ in range(count)]
    if rng.random() < 0.3:
        lines.insert(rng.randint(0, count), end)
    events = [good_event(rng), *events_of(rng, 0, 6)]
    body = rng.choice([json_lines, json_lines, json_lines, pretty])(rng, events)
    return log("".join(lines).encode() + body)


COMPRESSIONS: list[Callable[[bytes], bytes]] = [
    lambda data: gzip.compress(data, mtime=0),
    bz2.compress,
    lzma.compress,
]


def compressed_again(rng: random.Random) -> tuple[Files, dict[str, Any]]:
    data = any_framing(rng, events_of(rng))
    for _ in range(rng.choice([1, 2, 2, 2, 3, 3, 4])):
        compress = rng.choice(COMPRESSIONS)
        cut = rng.choice([0, 0, rng.randint(0, len(data))])
        padding = rng.choice([b"", b"", b"\0" * 512])
        data = compress(data[:cut]) + padding + compress(data[cut:]) + padding
        if rng.random() < 0.08:
            data = data[: -rng.randint(1, 20)]
    return log(data)


def tar(files: Files) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name, data in files:
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return packed.getvalue()


def zipped(files: Files) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, data in files:
            archive.writestr(name, data)
    return packed.getvalue()


def sqlite(files: Files) -> bytes:
    with sqlite3.connect(":memory:") as connection:
        connection.execute("CREATE TABLE event (text)")
        connection.executemany("INSERT INTO event VALUES (?)", [(data,) for _, data in files])
        connection.commit()
        data = connection.serialize()
    connection.close()
    return data


def other_kinds(rng: random.Random) -> tuple[Files, dict[str, Any]]:
    inner = [(f"arr{n}.json", any_framing(rng, events_of(rng))) for n in range(rng.randint(1, 3))]
    text = inner[0][1]
    data = rng.choice(
        [
            tar(inner),
            tar(inner),
            zipped(inner),
            sqlite(inner),
            b"PAR1" + text + b"PAR1",
            b"Obj\x01" + text,
            b"ORC\x0a" + text,
            b"%PDF-1.7\n" + text,
            rng.choice([b"", b"\n", MARK]) + b"<html>\n" + text,
        ]
    )
    for _ in range(rng.choice([0, 1, 1, 2])):
        data = rng.choice(COMPRESSIONS)(data)
    good = json_lines(rng, events_of(rng))
    return ([("good", good)] if rng.random() < 0.3 else []) + [("log", data)], {}


def long_ids(rng: random.Random) -> tuple[Files, dict[str, Any]]:
    digits = rng.choice([18, 19, 20, 39, 40, 254, 255, 256, 257, 1000])
    number = str(rng.randint(1, 9)) * digits
    spellings = [number, number, f'"{number}"', f"-{number}", f"{number}.0", number[:-1] + "3"]
    spellings += ["1234567890123456789", f'{{"$numberLong":"{number}"}}', "9223372036854775807"]
    return log(with_spellings(rng, ["key", "customer_id"], spellings))


def glued(rng: random.Random) -> tuple[Files, dict[str, Any]]:
    lines = []
    for _ in range(rng.randint(1, 5)):
        gap = rng.choice([b"", b"", b"", b" ", b",", b", ", b",,", b"\t", MARK])
        line = gap.join(compact(event, rng) for event in events_of(rng, 1, 4))
        way = rng.random()
        if way < 0.1:
            line = line[: -rng.randint(1, 40)]
        elif way < 0.25:
            line += rng.choice(
                [b"x", b" x", b" 5", b"]", b"[]", b" \xff", b'{"a', b"[" * 300, b"{{"]
            )
        elif way < 0.35:
            line += compact(good_event(rng) | {"deep": nested(rng.choice([254, 255, 256]))}, rng)
        elif way < 0.4:
            at = rng.randint(1, len(line))
            line = line[:at] + rng.choice([b"\xff", b'"', b"}", b"{"]) + line[at:]
        elif way < 0.5:
            line = rng.choice([b",", b" , ", b",,"]) + line + rng.choice([b"", b",", b" ,"])
        lines.append(line + line_end(rng))
    return log(b"".join(lines) + rng.choice([b"", compact(event_of(rng), rng)]))


def nested(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth - 1):
        value = [value]
    return value


KINDS: dict[str, Kind] = {
    "01": several_arrays,
    "02": wrapper,
    "03": joined_with_marks,
    "04": zones,
    "06": literal_line_breaks,
    "07": float_ids,
    "07b": constants,
    "08": noise,
    "09": currencies,
    "11": lone_times,
    "12": banners,
    "14a": compressed_again,
    "14m": other_kinds,
    "17": long_ids,
    "19": glued,
}


def compare_many(run: Run, number: str, seeds: range) -> None:
    outcomes = set()
    for seed in seeds:
        files, options = KINDS[number](random.Random(f"{number} {seed}"))
        try:
            found = against_oracle.compare(run, files, 1000, options)
        except BaseException as error:
            error.add_note(f"variation {seed} of {number}, options {options}: {files}"[:3000])
            raise
        outcomes.add(found.says if isinstance(found, oracle.Failure) else bool(found.rejects))
    assert len(outcomes) > 1, "the variations must come to more than one thing"


@pytest.mark.parametrize("number", KINDS)
def test_the_kind(number: str, run: Run):
    compare_many(run, number, range(40))


@pytest.mark.slow
@pytest.mark.parametrize("number", KINDS)
def test_many_of_the_kind(number: str, run: Run):
    compare_many(run, number, range(1000, 2500))


@pytest.mark.slow
@pytest.mark.parametrize("bad", [b"", b"x", b'{"x":"' + b"x" * 16 * 1024**2 + b'"} {}', b"\xff"])
@pytest.mark.parametrize("first", [b"", b"{}\n"])
def test_long_lines_of_objects(first: bytes, bad: bytes, run: Run):
    """A line may be over 16 MiB, an event not."""
    event = compact(order_of(random.Random(1)) | {"padding": "x" * 10**6}, random.Random(1))
    data = first + event * 9 + bad + event * 9 + b"\n" + event
    against_oracle.compare(run, [("log", data)], 1000, {})


# --- Folders ----------------------------------------------------------------------------------

#: Names as writers of folders give them, and whether what is in them is read.
FOLDERS = {
    "2024/03/01/10": True, "2024": True, "dt=2024-03-01": True, "_dt=2024": True, "a b": True,
    "é": True, "": True, "_temporary/0": False, "_SUCCESS": False, ".hidden": False,
    "x/.git/y": False, "part._COPYING_": False, "_dt=1/_logs": False, "a._COPYING_.b": True,
    "x._": True, "__=": True,
}  # fmt: skip


def folder_files(rng: random.Random) -> tuple[Files, Files]:
    """Files in folders: those to be read, in the order of their paths, and the others."""
    read: Files = []
    left_out: Files = []
    for folder in rng.sample(sorted(FOLDERS), rng.randint(2, 6)):
        for number in range(rng.randint(1, 2)):
            is_hidden = rng.random() < 0.1
            name = rng.choice([".x", "_x", "x._COPYING_"]) if is_hidden else f"shop-{number}-x"
            path = os.path.join("folder", folder, name)
            is_read = FOLDERS[folder] and not is_hidden
            data = json_lines(rng, [order_of(rng), *events_of(rng, 0, 3)])
            (read if is_read else left_out).append((path, data if is_read else b"<not a log>"))
    read.append((os.path.join("folder", "today.jsonl"), json_lines(rng, [order_of(rng)])))
    return sorted(set(dict(read).items()), key=lambda file: os.fsencode(file[0])), left_out


def test_kinds_of_folders(in_tmp: Path, run: Run):
    """18c and 18f: every file in a folder is read, at any depth, beside folders or not."""
    for seed in range(40):
        folder = in_tmp / str(seed)
        folder.mkdir()
        os.chdir(folder)
        read, left_out = folder_files(random.Random(seed))
        for path, data in left_out:
            Path(path).parent.mkdir(parents=True, exist_ok=True)
            Path(path).write_bytes(data)
        found = against_oracle.ran(run, read, 1000, {}, of="folder")
        against_oracle.check_result(found, oracle.run(read, 1000), {})
