"""CSV files of orders (`--csv`): rows, what is passed over, one key with different amounts."""

import csv
import gzip
import json
import os
import random
import re
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

import ltv.reading.csv_reader
import ltv.reading.files
from conftest import TINY_SIZES, Done
from ltv.parallel.csv_parts import csv_parts
from ltv.reading.csv_columns import CsvRules, mapping_of
from ltv.reading.files import state_of_file
from LTV_Ingest import Rules

Run = Callable[..., Done]
MakeFile = Callable[..., str]

COLUMNS = "customer_id=Email,key=Name,event_time=Created at,total_amount=Total"
HEADER = "Name,Email,Created at,Total"


def revenues(run: Run, file: str, *options: str, columns: str = COLUMNS) -> dict[str, str]:
    done = run(9, file, "--csv", columns, "-f", "jsonl", "-o", "-", *options)
    assert done.status == 0, done.err
    return {str(row["customer_id"]): str(row["revenue"]) for row in rows_of(done.out)}


def rows_of(text: str) -> list[dict[str, object]]:
    return [json.loads(line, parse_float=str) for line in text.splitlines()]


QUOTED = '"Name","Email","Created at","Total"'
ROW_TABLE = [
    (f'{QUOTED}\n"1","a","2021-01-01","10.5"\n', {"a": "10.50"}),
    (f'"","",,\r\n\n,,,\n{HEADER}\n1,a,2021-01-01,10.5\n', {"a": "10.50"}),
    (f"\n\nsep=;\r\n{QUOTED.replace(',', ';')}\r\n1;a;2021-01-01;10.5\r\n", {"a": "10.50"}),
    (f"{HEADER}\n1,a,2021-01-01,10.5\n", {"a": "10.50"}),
    (f"\ufeff{HEADER}\r\n1,a,2021-01-01 10:00:00,10\r\n", {"a": "10.00"}),
    ('Name;Email;Created at;Total\n1;"a;b";2021-01-01T00:00Z;"1,000"\n', {"a;b": "1000.00"}),
    ("Name\tEmail\tCreated at\tTotal\n1\ta\t2021-01-01\t7\n", {"a": "7.00"}),
    (
        f'{HEADER},x\n1,a,2021-01-01,1,"two\nlines ""q"""\n2,b,2021-01-01,2,\n',
        {"a": "1.00", "b": "2.00"},
    ),
    (f"{HEADER}\n1,a,2021-01-01,10\n1,a,,\n,,,\n\n{HEADER}\n1,,2021-01-01,3\n", {"a": "10.00"}),
    (f"{HEADER}\n1,a,2021-01-01,10\n1,a,2021-01-02,10\n", {"a": "10.00"}),
    (f'{HEADER}\n1,"a""b",2021-01-01,10\n2,a\\b,2021-01-01,1\n', {'a"b': "10.00", "a\\b": "1.00"}),
]


@pytest.mark.parametrize(("text", "expected"), ROW_TABLE)
def test_rows_are_orders(
    run: Run, make_file: MakeFile, text: str, expected: dict[str, str]
) -> None:
    assert revenues(run, make_file(text, "o.csv")) == expected
    assert revenues(run, make_file(gzip.compress(text.encode()), "o.csv.gz")) == expected
    assert revenues(run, make_file(text.lstrip("\ufeff").encode("utf-16"), "o16.csv")) == expected


def test_what_is_passed_over_is_said(run: Run, make_file: MakeFile) -> None:
    rows = ["1,a,bad,10,paid", "1,a,,,", "2,b,2021-01-01,1,paid", "3,,2021-01-01,2.5,paid"]
    text = "\n".join([f"{HEADER},S", *rows, "4,c,2021-01-01,9,void"])
    done = run(9, make_file(text, "o.csv"), "--csv", COLUMNS, "--csv-where", "S=paid", "-o", "-")
    assert done.status == 0
    assert "Read 2 events from 1 file: 1 accepted, 1 rejected.\n" in done.err
    passed = (
        'Passed over: further items 1, guests 1, rows with S "void" 1; guests spent 2.50 USD.\n'
    )
    assert passed in done.err


SAME_KEY = f"{HEADER}\n1,a,2021-01-01,10\n1,a,2021-01-05,-3.25\n"


@pytest.mark.parametrize(("how", "revenue"), [("sum", "6.75"), ("last", "-3.25"), ("max", "10.00")])
def test_different_amounts_of_one_key_as_asked_for(
    run: Run, make_file: MakeFile, how: str, revenue: str
) -> None:
    assert revenues(run, make_file(SAME_KEY), "--csv-same-key", how) == {"a": revenue}


def test_different_amounts_of_one_key_fail_the_run(run: Run, make_file: MakeFile) -> None:
    done = run(9, make_file(SAME_KEY, "o.csv"), "--csv", COLUMNS, "-o", "-")
    assert (done.status, done.out) == (1, "")
    assert 'the order "1" of the customer "a" has different amounts: 10.00 on line 2' in done.err
    assert "and -3.25 on line 3; say with --csv-same-key" in done.err


def test_rows_that_repeat_an_amount_are_said(run: Run, make_file: MakeFile) -> None:
    file = make_file(f"{HEADER}\n" + "1,a,2021-01-01,10\n" * 3 + "1,b,2021-01-01,10.0\n")
    done = run(9, file, "--csv", COLUMNS, "-o", "-")
    said = "Counted once: 2 rows with the key and amount of another; if they are items, --csv"
    assert said in done.err
    assert revenues(run, file, "--csv-same-key", "sum") == {"a": "30.00", "b": "10.00"}
    assert "Counted once" not in run(9, file, "--csv", COLUMNS, "--csv-same-key", "max").err


def test_files_may_differ_in_the_amount_of_an_order(run: Run, make_file: MakeFile) -> None:
    one = make_file(f"{HEADER}\n1,a,2021-01-01,10\n", "one.csv")
    other = make_file(f"{HEADER}\n1,a,2021-01-02,7\n", "other.csv")
    assert revenues(run, one, other) == {"a": "7.00"}


CELLS = [
    (["--decimal-comma"], COLUMNS, '1,a,2021-01-01,"1.250,50",0', "1250.50"),
    (["--decimal-comma"], COLUMNS, '1,a,2021-01-01,"1 250,50 $",0', "1250.50"),
    ([], f"{COLUMNS},minus=M", "1,a,2021-01-01,0.3,0.1", "0.20"),
    ([], f"{COLUMNS},minus=M", "1,a,2021-01-01,10,-$2.50", "7.50"),
    ([], f"{COLUMNS},minus=M", "1,a,2021-01-01,10,(2.50)", "7.50"),
    ([], COLUMNS, "1,a,2021-01-01,(12.00),0", "-12.00"),
    ([], COLUMNS, '1,a,2021-01-01,"$ (1,012.00) ",0', "-1012.00"),
    (["--decimal-comma"], COLUMNS, '1,a,2021-01-01,"(12,00 $)",0', "-12.00"),
    (["--csv-time", "%d/%m/%Y"], COLUMNS, "1,a,04/03/2021,5,0", "5.00"),
    (["--timezone", "Europe/Berlin"], COLUMNS, "1,a,2021-01-01 00:30,5,0", "5.00"),
    ([], COLUMNS, "1,a, 2021-01-01 , 5 ,0", "5.00"),
    ([], COLUMNS.replace("=Name", "=Name+M"), "1,a,2021-01-01,5,x", "5.00"),
    ([], COLUMNS.replace("=Name", "=@row"), "1,a,2021-01-01,5,x", "5.00"),
    (["--csv-quote", "none"], COLUMNS, '"1,a,2021-01-01,5,x', "5.00"),
    (["--csv-encoding", "cp1252"], COLUMNS, "1,a,2021-01-01,5,x", "5.00"),
]


@pytest.mark.parametrize(("options", "columns", "row", "revenue"), CELLS)
def test_cells_as_asked_for(
    run: Run, make_file: MakeFile, options: list[str], columns: str, row: str, revenue: str
) -> None:
    file = make_file(f"{HEADER},M\n{row}\n")
    assert revenues(run, file, *options, columns=columns) == {"a": revenue}


def test_a_time_in_a_zone_is_of_another_day_in_utc(run: Run, make_file: MakeFile) -> None:
    file = make_file(f"{HEADER}\n1,a,2021-07-01 00:30,5\n")
    options = ("--timezone", "Europe/Berlin", "-f", "jsonl", "-o", "-")
    assert '"begin": "2021-06-30T22:30:00Z"' in run(1, file, "--csv", COLUMNS, *options).out


UNREAD_TIMES = [
    (
        "1,a,04/03/2021,10\n",
        "04/03/2021",
        "such as --csv-time '%m/%d/%Y' or '%d/%m/%Y'",
    ),
    (
        "1,a,04/03/2021 10:15,10\n2,a,14/03/2021 22:15,10\n",
        "04/03/2021 10:15",
        "such as --csv-time '%d/%m/%Y %H:%M'",
    ),
    (
        '1,a,"Mar 4, 2024 10:15:22 AM",10\n',
        "Mar 4, 2024 10:15:22 AM",
        "such as --csv-time '%b %d, %Y %I:%M:%S %p'",
    ),
    (
        "1,a,10-Dez-25,10\n",
        "10-Dez-25",
        "for example --csv-time '%m/%d/%Y %H:%M', with months in English",
    ),
]
NO_COLUMNS = ["", "x", "x,key=Name", "shopify,x=Name", "key=Name,key=Email"]
REFUSED = [
    (f"Report\n\n{HEADER}\n1,a,2021-01-01,1\n", COLUMNS, 2, "; line 3 has all of them: tail -n +3"),
    (
        f"{HEADER}\r1,a,2021-01-01,1\r",
        COLUMNS,
        1,
        "its lines end with CR alone: give it through tr",
    ),
    (
        f"Sub\rtotal,{HEADER}\n1,1,a,2021-01-01,1\n",
        COLUMNS,
        1,
        r"its header has a CR in it: give it through tr -d '\r'",
    ),
    (f'{HEADER}\n1,a,2021-01-01,"24,90 €"\n', COLUMNS, 1, "only with --decimal-comma: 1 row."),
    (f"{HEADER}\n1,\udce4,2021-01-01,2\n", COLUMNS, 1, "names another, such as cp1252: 1 row."),
    (
        f"{HEADER}\n1,a,2021-01-01,10\n",
        COLUMNS.replace("Total", "Sum"),
        2,
        'there is no column "Sum"',
    ),
    (f"{HEADER},Total\n1,a,2021-01-01,10,1\n", COLUMNS, 2, 'two columns have the name "Total"'),
    (f"{HEADER}\n", COLUMNS, 1, "nothing to rank"),
    ("", COLUMNS, 1, "nothing to rank"),
    ('{"type":"ORDER"}\n', COLUMNS, 1, "it looks like JSON, not CSV: leave out --csv"),
    *(
        (f"{HEADER}\n{rows}", COLUMNS, 1, f'"{shown}": say how times are written, {remedy}\n')
        for rows, shown, remedy in UNREAD_TIMES
    ),
    (f"{HEADER}\n", "key=Name", 2, "a column for customer_id and event_time and total_amount"),
    *((HEADER, columns, 2, "expected shopify or stripe, or MEMBER=COL") for columns in NO_COLUMNS),
]


@pytest.mark.parametrize(("text", "columns", "status", "message"), REFUSED)
def test_what_cannot_be_read_is_said(
    run: Run, make_file: MakeFile, text: str, columns: str, status: int, message: str
) -> None:
    file = make_file(text.encode("utf-8", "surrogateescape"), "o.csv")
    done = run(9, file, "--csv", columns, "-o", "-")
    assert (done.status, done.out) == (status, "")
    assert message in done.err


def test_a_log_that_is_csv_names_the_option(run: Run, make_file: MakeFile) -> None:
    done = run(9, make_file(f"{HEADER}\n1,a,2021-01-01,10\n", "o.csv"), "-o", "-")
    assert done.status == 1
    assert "it looks like CSV, expected each event as a JSON object, or --csv" in done.err


BAD_ROWS = [
    ("1,a,2021-01-01", "not-json"),
    ("1,a,2021-01-01,2,3", "not-json"),
    ('1,"a"b,2021-01-01,2', "not-json"),
    ('1,"a,2021-01-01,2', "not-json"),
    (",a,2021-01-01,2", "missing"),
    ("1,a,yesterday,2", "bad-time"),
    ("1,a,2021-01-01,x", "bad-amount"),
    ("1,a,2021-01-01,(-2)", "bad-amount"),
    ("1,a,2021-01-01,(2", "bad-amount"),
    ("1,a,2021-01-01,2 EUR", "other-currency"),
    (b"1,\xe4,2021-01-01,2", "not-utf8"),
]


@pytest.mark.parametrize(("row", "reason"), BAD_ROWS)
def test_a_bad_row_costs_itself_alone(
    run: Run, make_file: MakeFile, row: str | bytes, reason: str
) -> None:
    row = row if isinstance(row, bytes) else row.encode()
    head = f"{HEADER}\n8,x,2021-01-01,é\n7,y,2021-01-01,1\n".encode()
    file = make_file(head + row + b"\n9,z,2021-01-01,3\n", "o.csv")
    done = run(9, file, "--csv", COLUMNS, "--rejects", "r.jsonl", "-f", "jsonl", "-o", "-")
    assert {one["customer_id"] for one in rows_of(done.out)} == {"y", "z"}
    with open("r.jsonl", encoding="utf-8") as rejects:
        reject = rows_of(rejects.read())[1]
    expected = (4, len(head), reason, row.decode("utf-8", "replace"))
    assert tuple(reject[name] for name in ("line", "offset", "reason", "text")) == expected


ENCODED = [("utf-8-sig", "utf-8"), ("utf-16", "utf-16-le"), ("utf-16", "utf-16"), ("cp1252",) * 2]


@pytest.mark.parametrize(("asked", "written"), ENCODED)
def test_places_are_in_bytes_of_the_encoding(
    run: Run, make_file: MakeFile, asked: str, written: str
) -> None:
    head = f"{HEADER}\n8,é,2021-01-01,1\n7,y,2021-01-01,1\n".encode(written)
    bad = "1,é,x,1\n".encode(written).removeprefix("".encode(written))
    options = ("--csv-encoding", asked, "--rejects", "r.jsonl", "-f", "jsonl", "-o", "-")
    done = run(9, make_file(head + bad, "o.csv"), "--csv", COLUMNS, *options)
    assert {one["customer_id"] for one in rows_of(done.out)} == {"é", "y"}
    (reject,) = rows_of(Path("r.jsonl").read_text("utf-8"))
    assert (reject["line"], reject["offset"], reject["text"]) == (4, len(head), "1,é,x,1")


@pytest.mark.parametrize("data", [HEADER.encode() + b"\n1", b"\xff\xfe" + b"\x00\xd8a\x00" * 9])
def test_text_that_is_not_in_the_encoding_is_damage(
    run: Run, make_file: MakeFile, data: bytes
) -> None:
    done = run(9, make_file(data), "--csv", COLUMNS, "--csv-encoding", "utf-16", "-o", "-")
    assert done.status == 1
    assert "expected text in utf-16-le; --csv-encoding names another" in done.err


def test_a_quote_that_never_closes_costs_its_line(
    run: Run, make_file: MakeFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ltv.reading.csv_reader, "MAX_EVENT_BYTES", 300_000)  # 16 MiB take long
    rows = "".join(f"{number},a,2021-01-01,1\n" for number in range(30_000))
    file = make_file(f'{HEADER}\nx,"a,2021-01-01,1\n{rows}', "o.csv")
    options = ("--workers", "1", "-f", "json", "-o", "-")
    done = run(1, file, "--csv", COLUMNS, "--rejects", "r.jsonl", *options)
    assert json.loads(done.out)["events"] == {"read": 30_001, "accepted": 30_000, "rejected": 1}
    with open("r.jsonl", encoding="utf-8") as rejects:
        assert [one["reason"] for one in rows_of(rejects.read())] == ["too-long"]


def test_a_row_that_is_too_long_costs_itself(
    run: Run, make_file: MakeFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ltv.reading.csv_reader, "MAX_EVENT_BYTES", 3_000)
    monkeypatch.setattr(ltv.reading.csv_reader, "_BLOCK_LENGTH", 1_000)
    cells, lines = "," * 5_000, "\n".join(f'x,"{n}' for n in range(2_000))
    long = [f"3,a,2021-01-01,1{cells}", f'4,a,2021-01-01,1,"{lines}"']
    rows = ["1,a,2021-01-01,1,", *long[:1], "5,a,2021-01-01,1,", f"6,b,2021-01-01,9{cells}"]
    file = make_file("\n".join([f"{HEADER},N", *rows]), "o.csv")
    done = run(1, file, "--csv", COLUMNS, "--rejects", "r.jsonl", "-f", "json", "-o", "-")
    assert json.loads(done.out)["events"] == {"read": 4, "accepted": 2, "rejected": 2}
    with open("r.jsonl", encoding="utf-8") as rejects:
        found = [(one["line"], one["reason"]) for one in rows_of(rejects.read())]
    assert found == [(3, "too-long"), (5, "too-long")]


@pytest.mark.slow
def test_the_limit_of_a_row_is_16_mib(run: Run, make_file: MakeFile) -> None:
    most = 16 * 1024 * 1024 - len('1,"",2021-01-01,1\n') - len(HEADER)
    for more, reason in ((0, "bad-id"), (1000, "too-long")):
        file = make_file(f'{HEADER}\n1,"{"a" * (most + more)}",2021-01-01,1\n2,b,2021-01-01,1\n')
        done = run(1, file, "--csv", COLUMNS, "-o", "-")
        assert f"Rejected for: {reason} 1." in done.err
    lines = f"{'x' * 170}\n" * 100_000
    file = make_file(f'{HEADER}\n1,b,2021-01-01,1\n2,"{lines}')
    done = run(1, file, "--csv", COLUMNS, "-o", "-")
    assert "Rejected for: too-long 1, not-json 99,999." in done.err


def plainly_read(path: str) -> dict[str, Decimal]:
    """The revenue of each customer, by a second and plain reading of good rows."""
    latest: dict[tuple[str, str], tuple[str, Decimal]] = {}
    with open(path, encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row["Email"] and row["Total"]:
                new = row["Created at"], Decimal(row["Total"])
                latest[row["Email"], row["Name"]] = max(
                    new, latest.get((row["Email"], row["Name"]), new)
                )
    sums: dict[str, Decimal] = {}
    for (customer, _), (_, amount) in latest.items():
        sums[customer] = sums.get(customer, Decimal(0)) + amount
    return sums


@pytest.mark.parametrize("seed", range(6))
def test_random_files_against_a_plain_reading(
    run: Run, make_file: MakeFile, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    rng = random.Random(seed)
    file = make_file("", "o.csv")
    with open(file, "w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(["Name", "Email", "Created at", "Total", "Note"])
        for _ in range(300):
            time = f"2021-0{rng.randint(1, 9)}-{rng.randint(10, 28)} 1{rng.randint(0, 9)}:00:00"
            note = rng.choice(["", "a\nb", 'say "x"', "ü,\r\n,"])
            customer = rng.choice(["", "a", "b,c", 'd"e', "f\\g", "ü"])
            total = rng.choice(["", f"{rng.randint(-99, 999)}.{rng.randint(10, 99)}"])
            writer.writerow([f"#{rng.randint(1, 60)}", customer, time, total, note])
    monkeypatch.setattr(ltv.reading.csv_reader, "_BLOCK_LENGTH", rng.choice([40, 300, 5000]))
    if seed % 2:
        monkeypatch.setattr(ltv.reading.files, "_SMALL_BYTES", -1)
    found = revenues(run, file, "--csv-same-key", "last", "--workers", str(1 + seed % 2))
    assert {name: Decimal(value) for name, value in found.items()} == plainly_read(file)


def messy(rng: random.Random) -> str:
    """A file with further items, guests, and rows that are bad in all ways."""
    lines = [f"{HEADER},Note"]
    for number in range(rng.choice([5, 60, 200])):
        time = f"2021-0{rng.randint(1, 9)}-{rng.randint(10, 28)} 10:00:00"
        time += rng.choice(["", "", " +0000", "Z", ".5", " +0530", "x"])
        amount = rng.choice(
            ["1.50", "7", "", "", "0.10", "-3.00", "01.00", "1,000.00", "x", "2 EUR"]
        )
        note = rng.choice(["", '"a\nb"', '"x ""y"" \n,,,,\n"', '"o', 'p"q', "ü", ",", '"r"s'])
        key = rng.choice([f"#{number}", f"#{number}", f"#{number - 1}", ""])
        amount = f'"{amount}"' if "," in amount else amount
        lines.append(f"{key},{rng.choice(['a', 'b', '', 'c|'])},{time},{amount},{note}")
        if rng.random() < 0.1:
            lines.append(rng.choice(["", ",,,,", lines[0]]))
    return "\n".join(lines) + rng.choice(["\n", ""])


@pytest.mark.parametrize("seed", range(16))
def test_a_file_that_is_cut_is_read_as_a_whole(
    run: Run, make_file: MakeFile, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    file = make_file(messy(random.Random(seed)), "o.csv")
    options = ("--csv-same-key", ["sum", "max", "last"][seed % 3], "-f", "jsonl", "-o", "top.jsonl")
    came_out = []
    for is_cut in (False, True):
        if is_cut:
            for module, name, size in TINY_SIZES:
                monkeypatch.setattr(module, name, size)
        done = run(9, file, "--csv", COLUMNS, *options, "--workers", "1")
        paths = [path for path in ("top.jsonl", "top.jsonl.rejects.jsonl") if os.path.exists(path)]
        texts = [Path(path).read_text("utf-8") for path in paths]
        came_out.append((done, paths, texts))
        for path in paths:
            os.remove(path)
    assert came_out[0] == came_out[1]


def test_a_file_is_cut_where_rows_begin(make_file: MakeFile) -> None:
    rows = "".join(f'{n},a,2021-01-01,1,"a\n{n},b\n"\n,,,,tip\n' for n in range(100))
    file = make_file(f"{HEADER},Note\n{rows}", "o.csv")
    state = state_of_file(file)
    assert state
    csv_rules = CsvRules(mapping_of(COLUMNS).columns)
    parts = list(csv_parts(file, 400, state, csv_rules, Rules()))
    data = Path(file).read_bytes()
    texts = [data[part.begin : part.end] for part in parts]
    assert b"".join(texts) == data
    assert len(parts) > 5
    assert all(re.match(rb"[0-9]+,a,", text) for text in texts[1:])


def test_a_store_and_explain_take_csv(run: Run, make_file: MakeFile) -> None:
    file = make_file(f"{HEADER}\n1,a,2021-01-01,10\n")
    assert revenues(run, file, "--store", "s.store") == {"a": "10.00"}
    assert "1 order, 10.00 USD of revenue" in run(file, "--csv", COLUMNS, "--explain", "a").out


TO_EVENTS = [
    (f"{HEADER}\n1,a,2021-01-01,10.5\n2,b,2021-01-02 03:04:05.6,-7.123456\n", ()),
    (SAME_KEY, ("--csv-same-key", "sum")),
    (SAME_KEY, ("--csv-same-key", "last")),
    (f'{HEADER}\n1,"ü""\\",2021-01-01,10\n1,a,2021-01-01,2\nbad,x,y,z\n', ()),
    (f"{HEADER}\n1,a,2021-01-01,10 EUR\n2,a,2021-03-01,5\n", ("--currency", "eur")),
    (f"{HEADER}\n1,a,2021-01-01,1\n2,a,2021-03-01,5\n", ("--until", "2021-02-01")),
    (f"{HEADER}\n1,a,2021-07-01,1\n", ("--timezone", "Europe/Berlin")),
]


@pytest.mark.parametrize(("text", "options"), TO_EVENTS)
def test_events_that_are_written_rank_as_their_file(
    run: Run, make_file: MakeFile, text: str, options: tuple[str, ...]
) -> None:
    columns = f"{COLUMNS},last_name=Email"
    file, shown = make_file(text, "o.csv"), ("-f", "jsonl", "-o", "-")
    ranking = run(9, file, "--csv", columns, *options, *shown)
    assert ranking.status == 0
    done = run(file, "--csv", columns, "--to-events", *options, "-o", "events.jsonl")
    read = [line for line in ranking.err.splitlines() if line.startswith(("Read", "Rej", "Pass"))]
    assert done.err.splitlines()[: len(read)] == read
    assert "Results: events.jsonl\n" in done.err
    currency = ("--currency", "eur") * ("eur" in options)
    assert run(9, "events.jsonl", *currency, *shown).out == ranking.out
    with open("events.jsonl", encoding="utf-8") as events:
        assert run(file, "--csv", columns, "--to-events", *options).out == events.read()


def test_an_event_that_is_written(run: Run, make_file: MakeFile) -> None:
    file = make_file(f"{HEADER}\n1,a,2021-01-01,1\n1,a,2021-01-01,1\n", "o.csv")
    assert run(file, "--csv", COLUMNS, "--to-events").out == (
        '{"type": "ORDER", "verb": "NEW", "key": "1", "event_time": "2021-01-01T00:00:00Z",'
        ' "customer_id": "a", "total_amount": "1.00 USD"}\n'
    )


def test_events_are_written_safe_for_a_terminal(run: Run, make_file: MakeFile) -> None:
    file = make_file(f"{HEADER}\nq\x9b2J,\u202eé,2021-01-01,1\n", "o.csv")
    done = run(file, "--csv", COLUMNS, "--to-events")
    assert '"key": "q\\u009b2J"' in done.out
    assert '"customer_id": "\\u202eé"' in done.out


NOT_WITH_TO_EVENTS = [
    (("--by", "recent"), "argument --by: cannot be used with --to-events, which ranks nobody"),
    (("--store", "s"), "argument --store: cannot be used with --to-events"),
    (("-f", "csv"), "argument --to-events: given the format csv, expected jsonl"),
    (("-o", "top.html"), "argument --to-events: given the format html, expected jsonl"),
    (("-o", "a.xyz"), "argument -o/--output: given 'a.xyz'"),
]


@pytest.mark.parametrize(("options", "message"), NOT_WITH_TO_EVENTS)
def test_what_does_not_go_with_to_events(run: Run, options: tuple[str, ...], message: str) -> None:
    done = run("o.csv", "--csv", COLUMNS, "--to-events", *options)
    assert done.status == 2
    assert message in done.err


def test_too_many_rejects_leave_no_events(run: Run, make_file: MakeFile) -> None:
    file = make_file(f"{HEADER}\n1,a,2021-01-01,1\n1,a,x,1\n", "o.csv")
    done = run(file, "--csv", COLUMNS, "--to-events", "--strict")
    assert (done.status, done.out) == (3, "")


EXPLAINED = """
  order amount set at        by    USD line
  1     2021-01-05T00:00:00Z NEW -3.25 2, 3
  x"    2021-01-06T00:00:00Z NEW  1.00 4
  all                            -2.25
"""


def test_explain_names_the_rows(run: Run, make_file: MakeFile) -> None:
    file = make_file(f'{SAME_KEY}"x""",a,2021-01-06,1\n9,b,2021-01-06,1\n', "o.csv")
    options = ("--csv-same-key", "last", "--explain", "a")
    assert EXPLAINED in run(file, "--csv", COLUMNS, *options).out
    other = make_file(f"{HEADER}\n1,a,2020-01-05,7\n", "other.csv")
    for store in ((), ("--store", "s.store")):
        done = run(file, other, "--csv", COLUMNS, *options, *store)
        assert f"{file}:2, {file}:3, {other}:2\n" in done.out
        done = run(file, other, "--csv", COLUMNS, *options, *store, "-f", "json")
        orders = json.loads(done.out)["customer"]["order_events"]
        assert orders[1]["rows"] == [{"file": file, "line": 4}]
    assert "line" not in run("--explain", "a", "--store", "s.store").out


def test_an_amount_with_a_comma_is_warned_of(run: Run, make_file: MakeFile) -> None:
    rows = '1,a,2021-01-01,"24,90"\n2,a,2021-01-01,1\n3,a,2021-01-01,"1.000,00"\n'
    file = make_file(f"{HEADER}\n{rows}", "o.csv")
    done = run(9, file, "--csv", COLUMNS, "-o", "-", "-q")
    hint = "amounts can be read only with --decimal-comma: 2 rows.\n"
    assert f"Warning: {file}: line 2: {hint}" in done.err


UNREAD = [
    ("Order Status", "Cancelled", 'orders with the Order Status "Cancelled" count; --csv-where'),
    ("status", "wc-on-hold", 'orders with the status "wc-on-hold" count; --csv-where says which'),
    ("Payment Status", "Partially Refunded", 'orders with the Payment Status "Partially Refunded"'),
    ("Cancelled at", "2021-01-02", 'orders with a time in "Cancelled at" count; --csv-where'),
    ("Refunded Amount", "0.50", 'the column "Refunded Amount" is not taken off; "minus=R'),
    ("Currency", "EUR", 'amounts of another Currency count as USD; "currency=Currency" in --csv'),
]


@pytest.mark.parametrize(("name", "cell", "warning"), UNREAD)
def test_a_column_that_changes_what_amounts_mean_is_warned_of(
    run: Run, make_file: MakeFile, name: str, cell: str, warning: str
) -> None:
    file = make_file(f"{HEADER},{name}\n1,a,2021-01-01,1,\n2,a,2021-01-01,2,{cell}\n", "o.csv")
    done = run(9, file, "--csv", COLUMNS, "-o", "-", "-q")
    assert (done.status, f"Warning: {file}: line 3: {warning}" in done.err) == (0, True)
    assert ": 1 row.\n" in done.err
    asked = [COLUMNS, "--csv-where", f"{name}=,{cell}"]
    if "at" not in name:
        asked = [f"{COLUMNS},{'minus' if 'Ref' in name else 'currency'}={name}"]
    assert "arning: /" not in run(9, file, "--csv", *asked, "-o", "-", "-q").err


WARNED_ROWS = [
    ("1,a,2021-01-01,1,x,", "rows have other numbers of cells than the header, as of separators"),
    ("1,a,2021-01-01,1,PAID ", 'rows with N "PAID " are left out: --csv-where has it spelt other'),
    (
        '1,a,2021-01-01,1,"Best" cup',
        "a quote is not closed as in CSV; where quotes are characters li",
    ),
    ('1,a,2021-01-01,1,"cup\n2,b,2021-01-01,1,12"', "a cell in quotes holds whole rows; where"),
    ("1,0,2021-01-01,1,x", 'the customer "0" may be all guests; map customer_id to another column'),
]


@pytest.mark.parametrize(("row", "warning"), WARNED_ROWS)
def test_a_row_that_may_mean_something_else_is_warned_of(
    run: Run, make_file: MakeFile, row: str, warning: str
) -> None:
    rows = f'8,y,2021-01-01,1,"two\nlines, that is"\n{row}\n9,z,2021-01-01,1,\n'
    file = make_file(f"{HEADER},N\n{rows}", "o.csv")
    where = ("--csv-where", "N=paid, x,") if "PAID" in row else ()
    done = run(9, file, "--csv", COLUMNS, "-o", "-", "-q", *where)
    assert (done.status, done.err.count("Warning: ")) == (0, 1)
    assert f"Warning: {file}: line 4: {warning}" in done.err


FINE = [("Fulfillment Status", "pending"), ("Refund Date", "2021-01-01"), ("Refund", "0.00")]


@pytest.mark.parametrize(("name", "cell"), [*FINE, ("Status", "Completed"), ("currency", "usd")])
def test_other_columns_are_not_warned_of(
    run: Run, make_file: MakeFile, name: str, cell: str
) -> None:
    file = make_file(f"{HEADER},{name}\n1,a,2021-01-01,1,{cell}\n", "o.csv")
    assert run(9, file, "--csv", COLUMNS, "-o", "-", "-q").err == ""


def test_a_row_with_a_name_is_one_event(run: Run, make_file: MakeFile) -> None:
    rows = [
        "1,a,2021-01-01,1,X",
        "2,b,2021-01-01,1,",
        '3,"c""",2021-01-02,1,Z',
        "4,a,2020-01-01,1,Y",
    ]
    file = make_file("\n".join([f"{HEADER},N", *rows, '5,"d""",2020-01-01,1,Z']))
    columns = f"{COLUMNS},last_name=N"
    done = run(9, file, "--csv", columns, "--since", "2021-01-01", "-f", "json", "-o", "-")
    shown = json.loads(done.out)
    assert shown["events"] == {"read": 5, "accepted": 3, "rejected": 0, "earlier": 2}
    assert [row["last_name"] for row in shown["top"]] == ["X", None, "Z"]


def test_day_and_month_the_wrong_way_round_are_warned_of(run: Run, make_file: MakeFile) -> None:
    file = make_file(f"{HEADER}\n1,a,04/03/2021,1\n2,a,31/03/2021,2\n3,a,x,2\n4,a,30/03/2021,2\n")
    done = run(9, file, "--csv", COLUMNS, "--csv-time", "%m/%d/%Y", "-o", "-", "-q")
    hint = "times can be read only with day and month the other way round, --csv-time '%d/%m/%Y'"
    assert f"Warning: {file}: line 3: {hint}: 2 rows.\n" in done.err


def test_a_column_has_its_values_given_at_once(run: Run) -> None:
    done = run(9, "o.csv", "--csv", COLUMNS, "--csv-where", "S=paid", "--csv-where", "S=sent")
    assert done.status == 2
    assert "argument --csv-where: a column is given twice: give its values at once" in done.err


@pytest.mark.parametrize("option", ["--decimal-comma", "--to-events"])
def test_options_of_csv_need_csv(run: Run, make_file: MakeFile, option: str) -> None:
    done = run(9, make_file(""), option)
    assert done.status == 2
    assert f"argument {option}: can only be used with --csv" in done.err
