"""The table for people: whole in files and pipes, and as a terminal has room for it."""

import json
import subprocess
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from test_write import FIRST, SECOND, SUMMARY, TOTALS, rendered, row

from conftest import Done, shown_on_terminal
from ltv.output.formats import render_text
from ltv.report.summary import Summary
from ltv.terminal import display_width
from LTV_Calculate import RankedCustomer

Run = Callable[..., Done]
Start = Callable[..., "subprocess.Popen[bytes]"]
MakeFile = Callable[..., str]

SHORT = "* fewer than 13 weeks or fewer than 2 orders: too short a history to go by"

#: What a terminal is spared, in this order (SPEC, section 7).
SPARED = [
    "visits_per_week", "revenue_per_visit", "begin", "visits", "last_name", "last_order", "weeks",
]  # fmt: skip


def lines_of(*rows: RankedCustomer, width: int | None = None) -> list[str]:
    """The lines of the table and of what stands below it, its head included."""
    return "".join(render_text(rows, SUMMARY, width)).splitlines()[3:]


def table(*rows: RankedCustomer, width: int | None = None) -> list[str]:
    """The lines of the table, its head included."""
    return lines_of(*rows, width=width)[: len(rows) + 2]


def regular(rank: int, customer_id: str, name: str | None = None, **more: Any) -> RankedCustomer:
    """A row of a customer with a long history."""
    one: RankedCustomer = row(rank, customer_id, name, **{"orders": 2, "weeks": 13, **more})
    return one


# --- Whole --------------------------------------------------------------------------------------


def test_the_whole_table():
    assert rendered("text", FIRST, SECOND) == (
        "Top 2 of 2 customers by 10-year lifetime value (LTV), in USD\n"
        "Data from 2017-01-01 to 2017-01-09 UTC, 3 weeks\n"
        "\n"
        "   customer last        LTV revenue                     USD per visits"
        "                  last\n"
        "#  id       name        USD     USD orders visits weeks   visit  /week"
        "      begin      order\n"
        "1* c1       Müller 3,468.40   20.01      1      2     3   10.01 0.6667"
        " 2017-01-01 2017-01-03\n"
        "2* c2              1,734.20    6.67      1      0     2       - 0.0000"
        " 2017-01-01 2017-01-09\n"
        f"{SHORT}\n"
    )


@pytest.mark.parametrize(
    ("added", "head"),
    [
        ({"recent_revenue": Decimal("9.10")}, ["recent"]),
        (
            {"expected_purchases": Decimal("1.2500"), "expected_revenue": Decimal("9.10")},
            ["expected", "expected"],
        ),
    ],
)
def test_what_is_ranked_by_stands_before_the_lifetime_value(added: dict[str, Any], head: list[str]):
    one = regular(1, "c1")._replace(**added)
    first_line, _, cells = table(one)
    assert first_line.split() == ["customer", "last", *head, "LTV", *table(FIRST)[0].split()[3:]]
    assert cells.split()[2 : 2 + len(added)] == [str(value) for value in added.values()]
    values = list(map(str, added.values()))
    assert table(one, width=20)[2].split() == ["1", "c1", *values, "0.00", "0.00", "2"]


def test_ids_and_names_stand_whole():
    ids = ["c0ffee5eed0123456789abcdef" + "0" * 32, "x" * 256, "王" * 100]
    rows = [regular(rank, one, "n" * 256) for rank, one in enumerate(ids, 1)]
    assert [line.split()[1:3] for line in table(*rows)[2:]] == [[one, "n" * 256] for one in ids]


def test_a_customer_without_orders_or_visits_has_dashes():
    assert table(row(1, "c1"))[2].split() == [
        "1*", "c1", "0.00", "0.00", "0", "0", "1", "-", "0.0000", "2017-01-01", "-",
    ]  # fmt: skip


def test_decimals_are_aligned():
    lines = table(
        regular(1, "a", ltv="1234567.89", revenue="0.05", revenue_per_visit="-0.05"),
        regular(2, "b", ltv="-0.01", revenue="-1000.00", visits_per_week="1000.0000"),
    )
    assert [line.partition(" 2017-")[0] for line in lines[2:]] == [
        "1 a             1,234,567.89      0.05      2      0    13   -0.05     0.0000",
        "2 b                    -0.01 -1,000.00      2      0    13       - 1,000.0000",
    ]


def test_wide_characters_take_two_columns_and_combining_ones_none():
    lines = table(
        regular(1, "王", "佐藤"),
        regular(2, "木金土", "e\u0301e\u0301e\u0301"),
        regular(3, "abcdef", "김"),
        regular(4, "abcdefghijk", "\u1100\u1175\u11b7"),  # the same name, spelt out
        regular(5, "e\U0001f600", "plain"),
    )
    assert [line.partition(" 0.00 ")[0] for line in lines[2:]] == [
        "1 王          佐藤 ",
        "2 木金土      e\u0301e\u0301e\u0301  ",
        "3 abcdef      김   ",
        "4 abcdefghijk \u1100\u1175\u11b7   ",
        "5 e\U0001f600         plain",
    ]


@pytest.mark.parametrize(
    ("summary", "lines"),
    [
        (
            Summary("EUR", "2.50", TOTALS._replace(end=TOTALS.begin, customers=1), {}),
            "Top 1 of 1 customer by 2.50-year lifetime value (LTV), in EUR\n"
            "Data from 2017-01-01 to 2017-01-01 UTC, 1 week\n\n",
        ),
        (
            Summary("USD", "10", TOTALS._replace(begin=0, customers=1234), {}),
            "Top 1 of 1,234 customers by 10-year lifetime value (LTV), in USD\n"
            "Data from 1970-01-01 to 2017-01-09 UTC, 2,455 weeks\n\n",
        ),
    ],
    ids=["one", "many"],
)
def test_what_stands_above_the_table(summary: Summary, lines: str):
    assert rendered("text", FIRST, summary=summary).startswith(lines)


# --- Short histories ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("weeks", "orders", "is_short"),
    [(12, 2, True), (13, 2, False), (13, 1, True), (1, 99, True), (99, 0, True), (5000, 2, False)],
)
def test_a_short_history_is_marked_after_the_rank(*, weeks: int, orders: int, is_short: bool):
    other = regular(10, "other")
    lines = lines_of(row(9, "c", weeks=weeks, orders=orders), other)
    assert [line[:3] for line in lines[2:4]] == ([" 9*", "10 "] if is_short else [" 9 ", "10 "])
    assert lines[1].startswith(" #  id" if is_short else " # id")
    assert lines[4:] == [SHORT] * is_short


# --- On a terminal ------------------------------------------------------------------------------

ORDINARY = [
    regular(
        9, "35de97bc1e02", "Williams", ltv="81648.56", revenue="2669.28", orders=2, visits=2,
        weeks=17, revenue_per_visit="1334.64", visits_per_week="0.1176", last_order=TOTALS.end,
    ),
    regular(
        10, "tie-b", "Østergård", ltv="7563.64", revenue="640.00", orders=11, weeks=44,
        last_order=TOTALS.begin,
    ),
]  # fmt: skip
UUIDS = [f"{number:08x}-75a3-4e3b-9d2c-{number * 0x1000:012x}" for number in (1, 16, 0x1234567)]


def test_ordinary_data_on_80_columns():
    lines = lines_of(*ORDINARY, width=80)
    assert lines == [
        "   customer     last            LTV  revenue                           last",
        " # id           name            USD      USD orders visits weeks      order",
        " 9 35de97bc1e02 Williams  81,648.56 2,669.28      2      2    17 2017-01-09",
        "10 tie-b        Østergård  7,563.64   640.00     11      0    44 2017-01-01",
        "Left out for want of room: revenue_per_visit, visits_per_week, begin",
    ]


def test_columns_are_left_out_in_their_order_until_a_row_fits():
    names = [*json.loads(rendered("jsonl", ORDINARY[0]))]
    widest = {}  # lines, by how many columns are left out
    for width in range(130, 31, -1):
        lines = lines_of(*ORDINARY, width=width)
        lines, note = lines[:4], " ".join(lines[4:])
        left_out = note.removeprefix("Left out for want of room: ").split(", ") if note else []
        count = len(left_out)
        assert left_out == [name for name in names if name in SPARED[:count]]
        assert [len(line.split()) for line in lines[2:]] == [len(names) - count] * 2
        widest[count] = max(map(len, lines))
        assert widest[count] <= width
        assert count == 0 or width < widest[count - 1]  # no column without need
        assert count == len(SPARED) or "…" not in str(lines)
    assert [*widest] == [*range(8)]


def test_money_of_seven_digits_and_uuids_fit_80_columns():
    rows = [
        regular(rank, one, "Williams", ltv="9876543.21", revenue="-1234567.80")
        for rank, one in enumerate(UUIDS, 1)
    ]
    lines = table(*rows, width=80)
    assert max(map(len, lines)) <= 80
    assert [line.split()[1:4] for line in lines[2:]] == [
        [one, "9,876,543.21", "-1,234,567.80"] for one in UUIDS
    ]


def test_ids_are_cut_in_the_middle_when_nothing_else_is_left():
    rows = [regular(rank, one, "Williams") for rank, one in enumerate([*UUIDS, "c1"], 1)]
    assert lines_of(*rows, width=34) == [
        "  customer      LTV revenue",
        "# id            USD     USD orders",
        "1 000000…01000 0.00    0.00      2",
        "2 000000…10000 0.00    0.00      2",
        "3 012345…67000 0.00    0.00      2",
        "4 c1           0.00    0.00      2",
        "Left out for want of room:",
        "last_name, visits, weeks,",
        "revenue_per_visit,",
        "visits_per_week, begin, last_order",
    ]


@pytest.mark.parametrize("place", [0, 3, 50, 99, 100, 150, 196, 199])
def test_no_two_ids_are_cut_alike(place: int):
    """Of 60 ids of 200 characters that differ in two."""
    ids = [("x" * place + f"{number:02}" + "y" * 200)[:201] for number in range(10, 70)]
    lines = table(*(regular(rank, one) for rank, one in enumerate(ids, 1)), width=80)
    shown = [line.split()[1] for line in lines[2:]]
    assert len(set(shown)) == 60
    if place in (0, 3, 196, 199):  # within what 80 columns have room for
        assert {len(line) for line in lines[2:]} == {80}
        for one, cut in zip(ids, shown, strict=True):
            begin, _, end = cut.partition("…")
            assert one.startswith(begin)
            assert one.endswith(end)
            assert abs(len(begin) - len(end)) <= 1


def test_ids_are_cut_by_columns():
    accented = "e\u0301"
    ids = ["王" * 100, accented * 100, "\x1b" * 100, "\U0001f600" * 99 + "!"]
    lines = table(*(regular(rank, one) for rank, one in enumerate(ids, 1)), width=42)
    assert {display_width(line) for line in lines[1:]} == {42}
    assert [line[2:].partition(" ")[0] for line in lines[2:]] == [
        "王王王王王…王王王王",
        f"{accented * 10}…{accented * 9}",
        r"\x1b\x1b\x…b\x1b\x1b",
        "\U0001f600\U0001f600\U0001f600\U0001f600\U0001f600…\U0001f600\U0001f600\U0001f600\U0001f600!",
    ]


def test_numbers_are_never_cut():
    one = row(
        1_234_567, "x" * 256, "y" * 256, ltv="519999999999999999.48",
        revenue="-999999999999.99", orders=1_234_567, visits=7_654_321, weeks=12_002,
        revenue_per_visit="-130645.08", visits_per_week="637.7538",
    )  # fmt: skip
    money = ["519,999,999,999,999,999.48", "-999,999,999,999.99"]
    assert table(one)[2].split() == [
        "1,234,567", "x" * 256, "y" * 256, *money, "1,234,567", "7,654,321", "12,002",
        "-130,645.08", "637.7538", "2017-01-01", "-",
    ]  # fmt: skip
    for width in (1, 10, 40):
        assert table(one, width=width)[2].split() == ["1,234,567", "x…x", *money, "1,234,567"]


def test_ten_thousand_rows():
    rows = [regular(rank, f"{rank % 97:04}-{'0' * 36}-{rank:05}") for rank in range(1, 10_001)]
    lines = table(*rows, width=60)
    assert len({line.split()[1] for line in lines[2:]}) == 10_000
    assert max(map(len, lines)) == 60


# --- What a terminal would act on ---------------------------------------------------------------

UNSAFE = {
    "\x00": r"\x00", "\a": r"\x07", "\b": r"\x08", "\t": r"\t", "\n": r"\n", "\r": r"\r",
    "\x1b": r"\x1b", "\x7f": r"\x7f", "\x85": r"\x85", "\x9b": r"\x9b", "\u061c": r"\u061c",
    "\u200e": r"\u200e", "\u200f": r"\u200f", "\u2028": r"\u2028", "\u2029": r"\u2029",
    "\u202a": r"\u202a", "\u202b": r"\u202b", "\u202c": r"\u202c", "\u202d": r"\u202d",
    "\u202e": r"\u202e", "\u2066": r"\u2066", "\u2067": r"\u2067", "\u2068": r"\u2068",
    "\u2069": r"\u2069", "\ufeff": r"\ufeff",
}  # fmt: skip


@pytest.mark.parametrize(("character", "shown"), UNSAFE.items(), ids=UNSAFE.values())
def test_what_a_terminal_would_act_on_is_escaped(character: str, shown: str):
    line = table(regular(1, f"a{character}b", f"{character}c"))[-1]
    assert line.split()[:3] == ["1", f"a{shown}b", f"{shown}c"]
    assert character == "\n" or character not in rendered("text", row(1, character, character))
    as_json = rendered("jsonl", row(1, character, character))
    assert as_json.count(character) == (character == "\n")
    assert json.loads(as_json)["customer_id"] == character


def test_an_escape_counts_with_all_its_columns():
    lines = table(regular(1, "\x1b" * 5, "ok"), regular(2, "c2", "ok"))
    assert [line.partition(" 0.00")[0] for line in lines[2:]] == [
        r"1 \x1b\x1b\x1b\x1b\x1b ok  ",
        r"2 c2                   ok  ",
    ]


LEFT_TO_RIGHT = "\u200e"
TURNED = ["שרה", "محمد", "٣٤", "a שרה"]


@pytest.mark.parametrize("text", TURNED)
def test_numbers_after_a_text_from_right_to_left_keep_their_order(text: str):
    """Such a terminal would begin with the last one: marks of no width hold it back."""
    rows = [regular(1, text, text), regular(2, "c2", text), regular(3, "王", "Müller")]
    for width in (200, 30):
        lines = table(*rows, width=width)
        plain = [line.replace(LEFT_TO_RIGHT, "") for line in lines]
        assert len({display_width(line) for line in lines[1:]}) == 1
        first, second, third = lines[2:]
        assert first.startswith(f"1 {LEFT_TO_RIGHT}{text} ")
        assert first.count(LEFT_TO_RIGHT) == (3 if width == 200 else 2)
        assert second.count(LEFT_TO_RIGHT) == (2 if width == 200 else 0)
        assert LEFT_TO_RIGHT not in third
        rest = first.rpartition(text)[2]
        assert rest.lstrip(" ").startswith(LEFT_TO_RIGHT)
        if width == 200:
            assert plain == table(*rows)
    assert LEFT_TO_RIGHT not in rendered("text", *rows)


# --- The command --------------------------------------------------------------------------------


def log_of(count: int, id_of: Callable[[int], str] = "customer-{}".format) -> str:
    """Orders of so many customers, the first of whom spent most."""
    return "".join(
        json.dumps(
            {
                "type": "ORDER",
                "verb": "NEW",
                "key": "o1",
                "customer_id": id_of(number),
                "event_time": "2017-01-04T12:00:00Z",
                "total_amount": f"{count - number}.00",
            }
        )
        + "\n"
        for number in range(count)
    )


@pytest.fixture
def on_terminal(start: Start) -> Callable[..., tuple[int, str]]:
    """Runs the program with a terminal of so many columns as standard output."""

    def run_there(
        columns: int, *arguments: object, env: dict[str, str | None] | None = None
    ) -> tuple[int, str]:
        environment = {"COLUMNS": None, **(env or {})}
        done: tuple[int, str] = shown_on_terminal(
            columns, lambda terminal: start(*arguments, stdout=terminal, env=environment)
        )
        return done

    return run_there


WIDTHS = {
    "80": (80, None, 80),
    "200": (200, None, 200),
    "not known": (0, None, 80),
    "COLUMNS": (200, "60", 60),
    "COLUMNS that says nothing": (200, "wide", 200),
}


@pytest.mark.parametrize(("columns", "variable", "width"), WIDTHS.values(), ids=WIDTHS.keys())
def test_a_terminal_has_as_many_columns_as_it_has(
    columns: int, variable: str | None, width: int, on_terminal, make_file: MakeFile
):
    log = make_file(log_of(3, "{:0>250}".format))
    status, shown = on_terminal(
        columns, 3, log, "-q", "-o", "-", env={"COLUMNS": variable} if variable else {}
    )
    assert status == 0
    lines = shown.splitlines()
    assert "0…0" in lines[5]
    assert max(map(len, lines[3:8])) == width


def test_columns_of_the_environment_are_no_terminal(
    run: Run, make_file: MakeFile, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("COLUMNS", "40")
    log = make_file(log_of(3, "{:0>150}".format))
    done = run(3, log, "-o", "out.txt")
    assert done.out == Path("out.txt").read_text("utf-8")
    assert [len(line.split()[1]) for line in done.out.splitlines()[5:8]] == [150] * 3


def test_a_long_table_has_all_rows_on_a_terminal_and_all_columns_in_a_file(
    on_terminal, run: Run, make_file: MakeFile, tmp_path: Path
):
    log = make_file(log_of(60))
    status, shown = on_terminal(60, 60, log, "-o", "out.txt")
    whole = (tmp_path / "out.txt").read_text("utf-8")
    assert (status, whole) == (0, run(60, log, "-o", "-").out)
    cells = [[line.split() for line in text.splitlines()[5:65]] for text in (shown, whole)]
    assert [one[:5] for one in cells[0]] == [one[:5] for one in cells[1]]
    assert max(map(len, shown.splitlines()[3:])) <= 60 < max(map(len, whole.splitlines()[3:]))


@pytest.mark.parametrize("count", [50, 51])
@pytest.mark.parametrize("name", ["out.txt", "out.csv"])
def test_of_a_long_table_elsewhere_the_first_rows_are_shown(
    count: int, name: str, run: Run, make_file: MakeFile
):
    log = make_file(log_of(60))
    done = run(count, log, "-o", name, "-q", "--rejects", "r")
    whole = run(count, log, "-o", "-", "-q").out
    assert (done.status, done.out) == (0, "")  # -q
    done = run(count, log, "-o", name)
    if count == 50:
        assert done.out == whole
    else:
        lines = done.out.splitlines()
        assert lines[0] == whole.splitlines()[0]
        assert [line.split()[0] for line in lines[5:25]] == [f"{n}*" for n in range(1, 21)]
        assert lines[25:] == [SHORT, f"The other 31 rows are in {name}"]
    if name == "out.txt":
        assert Path(name).read_text("utf-8") == whole
    assert len(whole.splitlines()) == 5 + count + 1


def test_the_place_of_the_rest_is_shown_escaped(run: Run, make_file: MakeFile):
    done = run(51, make_file(log_of(51)), "-o", "a\x1b[2J.txt")
    assert done.out.splitlines()[-1] == r"The other 31 rows are in a\x1b[2J.txt"


def test_results_that_go_to_standard_output_are_whole(run: Run, make_file: MakeFile):
    done = run(10_000, make_file(log_of(51)), "-o", "-")
    assert len(done.out.splitlines()) == 5 + 51 + 1


def test_other_texts_on_a_terminal(on_terminal, make_file: MakeFile):
    ids = ["a" * 60 + "1" + "b" * 60, "a" * 60 + "2" + "b" * 60]
    log = make_file(log_of(2, ids.__getitem__).replace('"o1"', '"order-' + "0" * 90 + '-1"'))
    status, shown = on_terminal(50, log, "--explain", ids[0])
    assert status == 0
    assert "\n  order-0000000…0000000-1 2017-01-04T12:00:00Z NEW 2.00\n" not in shown
    assert ids[0] in shown
    orders = [line for line in shown.splitlines() if line.startswith("  order-")]
    assert list(map(len, orders)) == [50]
    assert "…" in orders[0]
