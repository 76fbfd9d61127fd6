"""The bytes of every format, of rows and of rejects."""

import csv
import io
import json
from decimal import Decimal
from typing import Any

import pytest

from ltv.errors import EventError
from ltv.output.formats import ENDINGS, FORMATS, reject_line, reject_lines, reject_row, render
from ltv.reading.units import Unit
from ltv.report.summary import Summary, span_text
from ltv.values import counted
from LTV_Calculate import RankedCustomer, Totals

TOTALS = Totals(
    begin=1483264800_000_000,  # 2017-01-01T10:00:00Z
    end=1483920000_000_000,  # 2017-01-09T00:00:00Z
    customers=2,
    visits=2,
    orders=2,
    images=0,
)
BEGIN = "2017-01-01T10:00:00Z"
SUMMARY = Summary("USD", "10", TOTALS, {"read": 6, "accepted": 6, "rejected": 0})


def row(
    rank: int, customer_id: str, last_name: str | None = None, **figures: Any
) -> RankedCustomer:
    """A row; figures that are not given are those of a customer of whom nothing else is known."""
    known: dict[str, Any] = {
        "ltv": "0.00", "revenue": "0.00", "orders": 0, "visits": 0, "weeks": 1,
        "revenue_per_visit": None, "visits_per_week": "0.0000",
        "begin": TOTALS.begin, "last_order": None,
    } | figures  # fmt: skip
    for figure in ("ltv", "revenue", "revenue_per_visit", "visits_per_week"):
        known[figure] = None if known[figure] is None else Decimal(known[figure])
    return RankedCustomer(rank, customer_id, last_name, **known)


FIRST = row(
    1, "c1", "Müller", ltv="3468.40", revenue="20.01", orders=1, visits=2, weeks=3,
    revenue_per_visit="10.01", visits_per_week="0.6667", last_order=1483437720_500_000,
)  # fmt: skip
SECOND = row(2, "c2", ltv="1734.20", revenue="6.67", orders=1, weeks=2, last_order=TOTALS.end)


def rendered(format_name: str, *rows: RankedCustomer, summary: Summary = SUMMARY) -> str:
    return b"".join(render(format_name, rows, summary)).decode("utf-8")


def test_every_format_has_an_ending_of_its_own():
    assert list(FORMATS) == list(ENDINGS) == ["text", "csv", "json", "jsonl", "md", "html"]
    usual = [endings[0] for endings in ENDINGS.values()]
    assert usual == [".txt", ".csv", ".json", ".jsonl", ".md", ".html"]


# --- What is said of the data ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 weeks"), (1, "1 week"), (2, "2 weeks"), (1000, "1,000 weeks")],
)
def test_counted(count: int, text: str):
    assert counted(count, "week") == text


def test_span_text():
    assert span_text(TOTALS) == "2017-01-01 to 2017-01-09 UTC, 3 weeks"


# --- CSV --------------------------------------------------------------------------------------

HEADER = (
    "rank,customer_id,last_name,ltv,revenue,orders,visits,weeks,revenue_per_visit,visits_per_week,"
    "begin,last_order\r\n"
)


def test_csv():
    assert rendered("csv", FIRST, SECOND) == (
        HEADER + f"1,c1,Müller,3468.40,20.01,1,2,3,10.01,0.6667,{BEGIN},2017-01-03T10:02:00.5Z\r\n"
        f"2,c2,,1734.20,6.67,1,0,2,,0.0000,{BEGIN},2017-01-09T00:00:00Z\r\n"
    )


def test_csv_numbers_are_plain():
    refunded = row(1000, "c", ltv="-1234567.80", revenue="-0.05", orders=1_000, weeks=12_002)
    assert rendered("csv", refunded) == (
        HEADER + f"1000,c,,-1234567.80,-0.05,1000,0,12002,,0.0000,{BEGIN},\r\n"
    )


QUOTED = {
    "plain": "plain",
    "two words": "two words",
    "": "",
    "a,b": '"a,b"',
    'say "x"': '"say ""x"""',
    '"': '""""',
    "a\nb": '"a\nb"',
    "a\rb": '"a\rb"',
    "a\r\nb": '"a\r\nb"',
    "a;b": "a;b",
    "O'Brien": "O'Brien",
    "佐藤": "佐藤",
    "\x1b[2J": "\x1b[2J",
}


@pytest.mark.parametrize(("text", "cell"), QUOTED.items(), ids=map(ascii, QUOTED))
def test_csv_quoting(text: str, cell: str):
    written = rendered("csv", row(1, "c", text), row(2, "d"))
    assert written == (
        f"{HEADER}1,c,{cell},0.00,0.00,0,0,1,,0.0000,{BEGIN},\r\n"
        f"2,d,,0.00,0.00,0,0,1,,0.0000,{BEGIN},\r\n"
    )
    assert list(csv.reader(io.StringIO(written, newline="")))[1][2] == text


FORMULAS = [
    "=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "\t", "\r", "=", "＝1+1", "＋1", "－1", "＠x",
    " =1", "   +1", " \t =1", "\n=1", "\r\n-1", "\u00a0@x", "\u3000＝1", "\u2003－1", " ＠",
    " \t", "\x0b=1", "-5",
]  # fmt: skip
HARMLESS = [
    "1=1", "a+b", "O-1", "x@y", "'=1", '"=1"', ".", "*", "/", "(=1)", " a", "\n", " ", "\u2013",
    "\u2212" "1", "a\t", "_=1", "|x", "%0A", "\u200b",
]  # fmt: skip


@pytest.mark.parametrize("text", FORMULAS, ids=ascii)
def test_csv_cell_that_a_spreadsheet_would_run(text: str):
    written = rendered("csv", row(1, text, text))
    cells = list(csv.reader(io.StringIO(written, newline="")))[1]
    assert cells[:3] == ["1", "'" + text, "'" + text]


@pytest.mark.parametrize("text", HARMLESS, ids=ascii)
def test_csv_cell_that_a_spreadsheet_would_not_run(text: str):
    written = rendered("csv", row(1, text, text))
    cells = list(csv.reader(io.StringIO(written, newline="")))[1]
    assert cells[:3] == ["1", text, text]


def test_csv_guard_goes_inside_the_quotes():
    assert rendered("csv", row(1, '=A1,"x"', " +\n")) == (
        HEADER + '1,"\'=A1,""x""","\' +\n",0.00,0.00,0,0,1,,0.0000,' + f"{BEGIN},\r\n"
    )


# --- Markdown ---------------------------------------------------------------------------------


def test_markdown():
    assert rendered("md", FIRST, SECOND) == (
        "Top 2 of 2 customers by 10-year lifetime value (LTV), in USD.\n"
        "Data from 2017-01-01 to 2017-01-09 UTC, 3 weeks.\n"
        "\n"
        "| # | customer id | last name | LTV USD | revenue USD | orders | visits | weeks "
        "| USD per visit | visits /week | begin | last order |\n"
        "| --: | :-- | :-- | --: | --: | --: | --: | --: | --: | --: | --: | --: |\n"
        "| 1 | c1 | Müller | 3,468.40 | 20.01 | 1 | 2 | 3 | 10.01 | 0.6667 "
        f"| {BEGIN} | 2017-01-03T10:02:00.5Z |\n"
        "| 2 | c2 |  | 1,734.20 | 6.67 | 1 | 0 | 2 | - | 0.0000 "
        f"| {BEGIN} | 2017-01-09T00:00:00Z |\n"
    )


MARKDOWN = {
    "plain": "plain",
    "O'Brien": "O'Brien",
    "St. John, Jr.": "St. John, Jr.",
    "Smith-Jones": "Smith-Jones",
    "佐藤": "佐藤",
    "": "",
    "a|b": r"`a\|b`",
    "a\\|b": r"`a\\|b`",
    "|": r"`\|`",
    "`": "`` ` ``",
    "a`b": "``a`b``",
    "``a": "``` ``a ```",
    "a`b``c": "```a`b``c```",
    "a\nb": r"`a\nb`",
    "a\r\n": r"`a\r\n`",
    "\x1b[2J": r"`\x1b[2J`",
    "\u202ex": r"`\u202ex`",
    "<b>": "`<b>`",
    "&lt;": "`&lt;`",
    "*a*": "`*a*`",
    "_a_": "`_a_`",
    "~~a~~": "`~~a~~`",
    "[a](b)": "`[a](b)`",
    "www.example.com": "`www.example.com`",
    "https://x": "`https://x`",
    "@everyone": "`@everyone`",
    "#1": "`#1`",
    ":+1:": "`:+1:`",
    "a\\": "`a\\`",
    " *a* ": "`  *a*  `",
    " a": "` a`",
    "a ": "`a `",
    " a ": "`  a  `",
    " ": "` `",
    "  ": "`  `",
    "a  b": "`a  b`",
    "a b c": "a b c",
    "GH-12": "`GH-12`",
    "Anne-Marie": "Anne-Marie",
    "a-": "a-",
}


@pytest.mark.parametrize(("text", "cell"), MARKDOWN.items(), ids=map(ascii, MARKDOWN))
def test_markdown_that_would_be_something_else_is_code(text: str, cell: str):
    line = rendered("md", row(1, "c", text), row(2, "d")).splitlines()[-2]
    assert line == f"| 1 | c | {cell} | 0.00 | 0.00 | 0 | 0 | 1 | - | 0.0000 | {BEGIN} | - |"


# --- JSON -------------------------------------------------------------------------------------

FIRST_AS_JSON = (
    '{"rank": 1, "customer_id": "c1", "last_name": "Müller", "ltv": 3468.40, "revenue": 20.01, '
    '"orders": 1, "visits": 2, "weeks": 3, "revenue_per_visit": 10.01, "visits_per_week": 0.6667, '
    '"begin": "2017-01-01T10:00:00Z", "last_order": "2017-01-03T10:02:00.5Z"}'
)
SECOND_AS_JSON = (
    '{"rank": 2, "customer_id": "c2", "last_name": null, "ltv": 1734.20, "revenue": 6.67, '
    '"orders": 1, "visits": 0, "weeks": 2, "revenue_per_visit": null, "visits_per_week": 0.0000, '
    '"begin": "2017-01-01T10:00:00Z", "last_order": "2017-01-09T00:00:00Z"}'
)


def test_json():
    assert rendered("json", FIRST, SECOND) == (
        "{\n"
        '  "currency": "USD",\n'
        '  "lifespan_years": 10,\n'
        '  "by": "ltv",\n'
        '  "begin": "2017-01-01T10:00:00Z",\n'
        '  "end": "2017-01-09T00:00:00Z",\n'
        '  "events": {"read": 6, "accepted": 6, "rejected": 0},\n'
        '  "customers": 2,\n'
        '  "visits": 2,\n'
        '  "orders": 2,\n'
        '  "images": 0,\n'
        '  "warnings": [],\n'
        '  "top": [\n'
        f"    {FIRST_AS_JSON},\n"
        f"    {SECOND_AS_JSON}\n"
        "  ]\n"
        "}\n"
    )


def test_json_lines():
    assert rendered("jsonl", FIRST, SECOND) == f"{FIRST_AS_JSON}\n{SECOND_AS_JSON}\n"


def test_json_says_how_many_events_were_later_when_it_was_asked():
    events = {"read": 9, "accepted": 3, "rejected": 2, "later": 4}
    written = rendered("json", FIRST, summary=SUMMARY._replace(events=events))
    assert '  "events": {"read": 9, "accepted": 3, "rejected": 2, "later": 4},\n' in written
    assert "later" not in rendered("json", FIRST)


@pytest.mark.parametrize("years", ["10", "2.50", "0.0000001", "1000", "999.999999999999999999999"])
def test_json_has_the_lifespan_as_it_was_given(years: str):
    written = rendered("json", FIRST, summary=SUMMARY._replace(lifespan_years=years))
    assert f'  "lifespan_years": {years},\n' in written


@pytest.mark.parametrize(
    ("instant", "text"),
    [
        (0, "1970-01-01T00:00:00Z"),
        (1, "1970-01-01T00:00:00.000001Z"),
        (100_000, "1970-01-01T00:00:00.1Z"),
        (1483264800_120_000, "2017-01-01T10:00:00.12Z"),
        (7258118399_999_999, "2199-12-31T23:59:59.999999Z"),
    ],
)
def test_json_times_have_as_many_digits_as_needed(instant: int, text: str):
    written = rendered("json", FIRST, summary=SUMMARY._replace(totals=TOTALS._replace(end=instant)))
    assert f'  "end": "{text}",\n' in written


def test_json_numbers_have_exactly_their_digits():
    huge = row(
        1, "c", ltv="51999999999999999948.00", revenue="-0.10", visits=10**15,
        revenue_per_visit="0.00", visits_per_week="100.0000",
    )  # fmt: skip
    expected = (
        '{"rank": 1, "customer_id": "c", "last_name": null, "ltv": 51999999999999999948.00, '
        '"revenue": -0.10, "orders": 0, "visits": 1000000000000000, "weeks": 1, '
        '"revenue_per_visit": 0.00, "visits_per_week": 100.0000, '
        '"begin": "2017-01-01T10:00:00Z", "last_order": null}\n'
    )
    assert rendered("jsonl", huge) == expected
    assert expected.strip() in rendered("json", huge)


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("é佐😀", '"é佐😀"'),
        ('"\\/', '"\\"\\\\/"'),
        ("\b\f\n\r\t\x00", '"\\b\\f\\n\\r\\t\\u0000"'),
        ("\x1b\x7f\x9b", '"\\u001b\\u007f\\u009b"'),
        ("\u202e\u2066\u2028\ufeff", '"\\u202e\\u2066\\u2028\\ufeff"'),
        ("", '""'),
    ],
    ids=["as-it-is", "quotes", "control", "terminal", "direction", "empty"],
)
def test_json_texts(text: str, written: str):
    line = rendered("jsonl", row(1, "c", text))
    assert f'"last_name": {written}, ' in line
    assert json.loads(line)["last_name"] == text


# --- Rejects ----------------------------------------------------------------------------------

ERROR = EventError("bad-id", "key", 'key: expected an id, got ""')


def test_reject_line():
    error = EventError("bad-amount", "total_amount", 'total_amount: expected "1", got "é"')
    assert reject_line("logs/a.json", 1234, 56789, '{"total_amount":"é"}', error) == (
        '{"file": "logs/a.json", "line": 1234, "offset": 56789, "reason": "bad-amount", '
        '"member": "total_amount", "message": "total_amount: expected \\"1\\", got \\"é\\"", '
        '"text": "{\\"total_amount\\":\\"é\\"}"}\n'
    )


def test_reject_line_without_a_member():
    error = EventError("not-json", None, "expected JSON")
    assert reject_line("-", 1, 0, "x", error) == (
        '{"file": "-", "line": 1, "offset": 0, "reason": "not-json", "member": null, '
        '"message": "expected JSON", "text": "x"}\n'
    )


@pytest.mark.parametrize("text", ["x", "\t\t", "a\nb\r\x0b\u2028", '"\\', "\ufffd\ud83d\udcff😀"])
@pytest.mark.parametrize("member", ["key", None])
def test_reject_lines_of_rows_are_the_same(text: str, member: str | None):
    error = EventError("bad-id", member, f"key: expected an id, got {text}")
    rows = [reject_row(line, 10 * line, text, error) for line in (1, 2)]
    for shift in (0, 98):
        expected = [reject_line("é\t", n + shift, 10 * n, text, error).encode() for n in (1, 2)]
        assert list(reject_lines("é\t", rows, shift)) == expected
    expected = [reject_line("f", None, None, text, error).encode()] * 2
    assert list(reject_lines("f", rows, None)) == expected


def text_in_reject(text: str) -> str:
    line = reject_line("f", 1, 0, Unit(1, 0, text, None, ERROR).preview, ERROR)
    assert line.isprintable() is False  # for its newline alone
    assert line[:-1].isprintable()
    found = json.loads(line)["text"]
    assert isinstance(found, str)
    return found


@pytest.mark.parametrize(
    ("text", "preview"),
    [
        ("x" * 1000, "x" * 1000),
        ("x" * 1001, "x" * 1000),
        ("é" * 5000, "é" * 1000),
        ("😀" * 5000, "😀" * 1000),
        ("\n" * 1001, "\n" * 1000),
        ("a\udcffb", "a\ufffdb"),
        ("\udcf0\udc9f\udc98" * 5000, "\ufffd" * 1000),
        ("\udced\udca0\udc80", "\ufffd" * 3),
        ("\x1b]0;x\a\u202e\r\n\t\0", "\x1b]0;x\a\u202e\r\n\t\0"),
    ],
    ids=[
        "1000", "1001", "two-bytes", "four-bytes", "escaped", "undecodable", "cut-short",
        "surrogate", "unsafe",
    ],
)  # fmt: skip
def test_reject_line_has_the_first_1000_characters(text: str, preview: str):
    assert text_in_reject(text) == preview


def test_reject_line_of_a_file_whose_name_is_no_text():
    line = reject_line("logs/\udcff\x1b\u202e\n", 1, 0, "x", ERROR)
    assert line.startswith('{"file": "logs/\\udcff\\u001b\\u202e\\n", "line": 1, ')
    assert line.encode("utf-8").endswith(b'"text": "x"}\n')
