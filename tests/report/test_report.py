"""The report: figures are those of the other formats, texts are inert, its charts are bounded."""

import base64
import csv
import hashlib
import html
import json
import random
import re
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from conftest import SOURCES, Done, without_origin
from hostile import TEXTS, hostile_events, hostile_log
from ltv.errors import REASONS
from ltv.options import VERSION
from ltv.report.charts import axis_of, compact
from ltv.report.figures import figures_of
from ltv.report.html import DASH
from ltv.report.notes import REASON_TEXTS
from ltv.report.page import render_report
from ltv.report.script import SCRIPT
from ltv.report.segments_page import WHO
from ltv.report.style import STYLE
from ltv.report.summary import Summary
from ltv.terminal import UNSAFE
from LTV_Calculate import topXSimpleLTVCustomers, totals
from LTV_Ingest import Ingest

Run = Callable[..., Done]

VOID = {"meta", "br"}
#: What ends these may be left out.
OPEN_ENDED = {"td", "th"}
ATTRIBUTES = {
    "lang", "charset", "http-equiv", "content", "name", "class", "id", "aria-labelledby",
    "aria-label", "aria-hidden", "role", "tabindex", "scope", "href", "data-rows", "width",
    "height",
    "viewbox", "preserveaspectratio", "points", "x", "y", "x1", "x2", "y1", "y2", "cx", "cy", "r",
}  # fmt: skip
TAGS = VOID | {
    "html", "head", "title", "style", "script", "body", "header", "nav", "a", "main", "footer",
    "section", "h1", "h2", "h3", "p", "dl", "dt", "dd", "div", "table", "thead", "tbody", "tr",
    "th", "td", "code", "figure", "figcaption", "b", "strong", "bdi", "span", "details",
    "summary", "ul", "li", "svg", "desc", "g", "rect", "line", "text", "circle", "polyline",
}  # fmt: skip


class Page(HTMLParser):
    """What is in a page: tags closed as they were opened, their attributes, tables, and texts."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str, str | None]] = []
        self.tables: dict[str, list[list[str]]] = {}
        self.text = ""
        self._rows: list[list[str]] = []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += [(tag, name, value) for name, value in attrs]
        if tag in OPEN_ENDED and self.open[-1] in OPEN_ENDED:
            self.open.pop()
        if tag not in VOID and not (self.get_starttag_text() or "").endswith("/>"):
            self.open.append(tag)
        if tag == "table":
            self._rows = self.tables[dict(attrs)["class"] or ""] = []
        elif tag == "tr":
            self._rows.append([])
        elif tag in ("td", "th"):
            self._rows[-1].append("")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += [(tag, name, value) for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        if tag == "tr" and self.open[-1] in OPEN_ENDED:
            self.open.pop()
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if {"style", "script"} & set(self.open):
            return
        self.text += data
        if self.open and {"td", "th"} & set(self.open):
            self._rows[-1][-1] += data

    @property
    def top(self) -> list[list[str]]:
        """The table of the top, with its head."""
        return next(rows for name, rows in self.tables.items() if name.startswith("top"))

    def facts(self, html: str) -> dict[str, str]:
        found = re.findall(r"<div><dt>([^<]*)</dt><dd>([^<]*)</dd></div>", html)
        return dict(found)


def plain(cell: str) -> str:
    return cell.replace(",", "").removesuffix("†").replace("\N{EN DASH}", "")


def report_of(log: Any, x: int = 10, **changes: Any) -> str:
    D: dict[str, Any] = {}
    Ingest(log, D)
    found = totals(D)
    counts = {"read": 6, "accepted": 6, "rejected": 0}
    summary = Summary("USD", "10", found, counts, {}, figures_of(D.values(), found.end, "10"))
    rows = topXSimpleLTVCustomers(x, D)
    return "".join(render_report(rows, summary._replace(**changes)))


def event(kind: str, customer_id: str, time: str, **more: str) -> dict[str, str]:
    verb = "UPLOAD" if kind == "IMAGE" else "NEW"
    key = customer_id if kind == "CUSTOMER" else more.pop("key", "k")
    return {
        "type": kind, "verb": verb, "key": key, "customer_id": customer_id, "event_time": time,
        **more,
    }  # fmt: skip


# --- The figures are those of the other formats -----------------------------------------------


@pytest.fixture
def sample(run: Run, in_tmp: Path) -> tuple[str, list[dict[str, str]], dict[str, Any]]:
    """The report of the sample log, its CSV, its JSON."""
    log = SOURCES.parent / "input"
    for ending in ("html", "csv", "json"):
        assert run(50, log, "-o", f"top.{ending}", "-q") == (0, "", "")
    with open(in_tmp / "top.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    found = json.loads((in_tmp / "top.json").read_bytes(), parse_float=str, parse_int=str)
    return (in_tmp / "top.html").read_text("utf-8"), rows, found


def test_the_table_has_the_figures_of_the_csv(sample: Any):
    html, rows, _ = sample
    head, *table = Page(html).top
    assert len(head) == len(rows[0])
    assert len(table) == 50
    for cells, row in zip(table, rows, strict=True):
        row["begin"], row["last_order"] = row["begin"][:10], row["last_order"][:10]
        expected = list(row.values())
        assert [plain(cell) for cell in cells[3:]] == expected[3:]
        assert cells[:3] == expected[:3]


def test_the_facts_are_those_of_the_json(sample: Any):
    html, _, found = sample
    figures = found["figures"]
    facts = {name: plain(value) for name, value in Page(html).facts(html).items()}
    assert facts == {
        "first event, UTC": found["begin"][:10],
        "last event, UTC": found["end"][:10],
        "calendar weeks": "53",
        "expected lifespan of a customer": "10 years",
        "events read": found["events"]["read"],
        "events accepted": found["events"]["accepted"],
        "events rejected": found["events"]["rejected"],
        "customers, also without orders": found["customers"],
        "of them ever ordered": figures["percent_with_orders"] + " %",
        "visits": found["visits"],
        "visits per customer and week": figures["visits_per_customer_week"],
        "revenue per visit, USD": figures["revenue_per_visit"],
    }


def tiles(html: str) -> list[list[str]]:
    """The figures of the shop, each with its name, and what stands below it."""
    (found,) = re.findall(r'<dl class="facts big">(.*?)</dl>', html, re.DOTALL)
    return [
        [re.sub("<.*?>", "", text) for text in re.findall(r"<d[td]>(.*?)</d[td]>", tile)]
        for tile in found.split("</div>")[:-1]
    ]


def test_the_figures_of_the_shop_are_those_of_the_json(sample: Any):
    html, _, found = sample
    figures = {each["figure"]: each for each in found["figures"]["shop"]["figures"]}
    names = {
        "revenue, USD": "revenue",
        "customers who ordered": "customers_with_orders",
        "orders": "orders",
        "average order value, USD": "average_order_value",
        "repeat rate: customers who ordered again later": "percent_came_back",
        "revenue of returning customers, USD": "returning_revenue",
    }
    shown = tiles(html)
    assert [name for name, *_ in shown] == list(names)
    for name, of_all, last, change in shown:
        figure = figures[names[name]]
        assert plain(of_all).removesuffix(" %") == figure["all"]
        assert plain(last).removesuffix(" in 13 weeks").removesuffix(" %") == figure["last"]
        sign = "\N{MINUS SIGN}" if figure["change"].startswith("-") else "+"
        arrow = "▼" if sign != "+" else "▲"
        unit = "points" if "repeat" in name else "%"
        assert change == f"{arrow} {sign}{figure['change'].lstrip('-')} {unit} vs 13 before"
        assert figure["year_change"] == "null" or figure["year_change"] is None


TOLD = [
    # the first day of the data that ends in the week of 2018-07-02; the lines below a figure
    ("2018-06-25", "It does not hold 13 whole weeks before the week of its end", 0),
    ("2018-04-02", "The data begins too late to compare these with the 13 before.", 1),
    ("2018-01-01", "with the 13 weeks before. It has no data of these weeks a year earlier.", 2),
    ("2017-04-03", "with the 13 weeks before, and with the same weeks a year earlier.", 3),
]


@pytest.mark.parametrize(("begin", "text", "lines"), TOLD)
def test_weeks_are_compared_as_far_as_the_data_goes(begin: str, text: str, lines: int):
    days = [date.fromisoformat(begin) + timedelta(day) for day in range(0, 500, 7)]
    some = [order("a", day.isoformat(), "5") | {"key": day.isoformat()} for day in days]
    log = [each for each in some if each["event_time"] < "2018-07-02"]
    html = report_of([*log, visit("a", "2018-07-02")])
    assert text in html
    assert len(tiles(html)[0]) == 2 + lines
    if lines == 3:
        assert tiles(html)[0][2:] == [
            "65.00 in 13 weeks", "■ 0.00 % vs 13 before", "■ 0.00 % vs a year ago"
        ]  # fmt: skip


def test_no_two_parts_of_the_page_have_the_same_name(sample: Any):
    html, *_ = sample
    names = re.findall(r'<h2[^>]*>(.*?)</h2>|role="region" aria-label="(.*?)"', html)
    assert len(set(map(max, names))) == len(names) > 15


def test_who_never_ordered_is_told_of_where_there_is_anybody():
    html = report_of([order("a", "2017-01-02", "1")])
    assert "each compared with all the others.</p>" in html
    html = report_of([order("a", "2017-01-02", "1"), visit("b", "2017-01-02")])
    assert "each compared with all the others. 1 other never ordered.</p>" in html


def test_where_there_is_no_change_in_percent_stands_what_was():
    weeks = {"2017-04-03": "-5", "2018-01-01": "-2", "2018-04-02": "7"}
    log = [order("a", day, amount) | {"key": day} for day, amount in weeks.items()]
    html = report_of([*log, visit("a", "2018-07-02")])
    assert tiles(html)[0][2:] == ["7.00 in 13 weeks", "-2.00 in 13 before", "-5.00 a year ago"]
    assert tiles(html)[1][3:] == ["■ 0.00 % vs 13 before", "■ 0.00 % vs a year ago"]
    assert tiles(html)[5][2:] == ["7.00 in 13 weeks", "-2.00 in 13 before", "0.00 a year ago"]


def test_the_tables_are_those_of_the_json(sample: Any):
    html, _, found = sample
    figures, tables = found["figures"], Page(html).tables
    reasons = {row[0]: row[2] for row in tables["reasons"][1:]}
    assert reasons == figures["rejected_for"]
    shares = [[*map(plain, row)] for row in tables["shares"][1:]]
    by_percent = {share["percent"]: share for share in figures["concentration"]}
    assert shares == [
        [
            f"{percent} %",
            by_percent[percent]["customers"],
            by_percent[percent]["revenue"],
            by_percent[percent]["percent_of_revenue"] + " %",
        ]
        for percent in ("1", "5", "10", "20", "50")
    ]
    weeks = [[*map(plain, row)] for row in tables["periods"][1:]]
    names = (
        *("begin", "revenue", "orders", "visits", "new_customers"),
        *("new_revenue", "returning_revenue"),
    )
    assert weeks == [[week[name] for name in names] for week in figures["periods"]["periods"]]
    cohorts = tables["heat"][1:]
    assert [row[1] for row in cohorts] == [
        cohort["customers"] for cohort in figures["cohorts"]["cohorts"]
    ]
    for row, cohort in zip(cohorts, figures["cohorts"]["cohorts"], strict=True):
        exact = [Decimal(value) for value in cohort["revenue_per_customer"]]
        for cell, value in zip(row[2:], exact, strict=True):
            assert abs(Decimal(cell) - value) <= Decimal("0.5")
    *retained, means = tables["heat retained"][1:]
    exact_rows = [cohort["percent_retained"] for cohort in figures["cohorts"]["cohorts"]]
    exact_rows.append([each or DASH for each in figures["cohorts"]["mean_percent_retained"]])
    for row, values in zip([*retained, means], exact_rows, strict=True):
        for cell, value in zip(row[2:], values, strict=True):
            assert cell == value or abs(Decimal(cell) - Decimal(value)) <= Decimal("0.5")
    assert means[:2] == ["mean", found["customers"]]


def test_whom_to_write_to_is_as_in_the_json(sample: Any):
    html, _, found = sample
    figures, tables = found["figures"], Page(html).tables
    assert [[*map(plain, row)] for row in tables["act segments"][1:]] == [
        [
            row["name"] + WHO[row["name"]].replace(",", ""),
            row["customers"],
            row["percent_of_customers"] + " %",
            row["revenue"],
            row["percent_of_revenue"] + " %",
        ]
        for row in figures["segments"]["segments"]
    ]
    names = "customer_id", "days_since", "usual_days", "revenue", "orders", "last_order"
    at_risk = [
        [row[name][:10] if name == "last_order" else row[name] for name in names]
        for row in figures["at_risk"]["best"][:20]
    ]
    assert [[*map(plain, row)] for row in tables["act risk"][1:]] == at_risk
    assert len(at_risk) == 20
    assert f"{figures['at_risk']['customers']} customers of the best fifth by revenue" in html
    assert tables["act returns"][1:] == [
        [
            f"{row['days']} days",
            row["customers"],
            row["returned"],
            f"{row['percent']} %" if row["percent"] else DASH,
        ]
        for row in figures["second_order"]["within"]
    ]


def test_sums_over_the_csv_of_all_customers(run: Run, in_tmp: Path, sample: Any):
    """The figures are sums of the rows of everybody, of which each was tried by itself."""
    assert run(1000, SOURCES.parent / "input", "-o", "all.csv", "-q").status == 0
    with open(in_tmp / "all.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    figures = sample[2]["figures"]
    assert abs(sum(Decimal(row["revenue"]) for row in rows) - Decimal(figures["revenue"])) < 1
    assert sum(int(row["weeks"]) for row in rows) == int(figures["customer_weeks"])
    assert sum(row["orders"] != "0" for row in rows) == int(figures["customers_with_orders"])
    assert sum(row["ltv"] == "0.00" for row in rows) == int(figures["ltv"]["zero"])
    for each in figures["ltv"]["bins"]:
        least, below = Decimal(each["least"]), Decimal(each["below"])
        assert int(each["customers"]) == sum(least <= Decimal(row["ltv"]) < below for row in rows)


def test_the_example_is_the_first_row(sample: Any):
    html, rows, _ = sample
    first = rows[0]
    text = f"52 × {Decimal(first['revenue']):,} USD ÷ {first['weeks']} weeks × 10 years = "
    assert text + f"<strong>{Decimal(first['ltv']):,} USD</strong>" in html


# --- Its texts are inert ----------------------------------------------------------------------


def hostile_report() -> str:
    events = [*hostile_events(60)]
    events += [order(f"rich {n}", "2017-01-02", "999999999999") for n in range(60)]
    counts = {"read": 9, "accepted": 8, "rejected": 1}
    return report_of([*events, *events], 60, events=counts, reasons={"missing": 1})


def test_only_what_the_report_is_made_of_is_in_it():
    page = Page(hostile_report())
    assert page.tags == TAGS
    assert {name for _, name, _ in page.attributes} == ATTRIBUTES


@pytest.mark.parametrize("text", TEXTS, ids=ascii)
def test_a_text_is_shown_whole(text: str):
    html = report_of([event("CUSTOMER", text, "2017-01-02", last_name=text)])
    assert not UNSAFE.search(html.replace("\n", ""))
    whole = text.encode("unicode_escape").decode() if UNSAFE.search(text) else text
    assert Page(html).top[1][1:3] == [whole, whole]


def test_the_policy_allows_the_style_and_the_script_alone():
    html = hostile_report()
    sources = []
    for tag, constant in (("style", STYLE), ("script", SCRIPT)):
        (text,) = re.findall(f"<{tag}>(.*?)</{tag}>", html, re.DOTALL)
        assert text == constant
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        sources.append(f"{tag}-src 'sha256-{digest}';")
    policy = f"default-src 'none'; {' '.join(sources)} base-uri 'none'; form-action 'none'"
    assert f'<meta http-equiv="Content-Security-Policy" content="{policy}">' in html
    assert not re.search(r"url\(|@import|expression", STYLE)


def test_there_is_no_column_of_what_no_customer_has():
    html = report_of([order("a", "2017-01-02", "5")])
    assert Page(html).top == [
        ["#", "customer id", "lifetime valueUSD", "revenueUSD", "orders", "weeks", "begin",
         "last order"],
        ["1", "a", "2,600.00", "5.00", "1†", "1†", "2017-01-02", "2017-01-02"],
    ]  # fmt: skip
    assert "visits-chart" not in html


@pytest.mark.parametrize("rows", [1, 100, 101, 250])
def test_what_the_script_folds_is_whole_without_it(rows: int):
    """It makes a comment of what stands after the first 100 rows, up to the next end of one."""
    hostile = [visit(f"{n} --> --!> <!-- </script>", "2017-01-02") for n in range(rows)]
    html = report_of(hostile, rows)
    table = Page(html).top
    assert len(table) == 1 + rows
    before, after = html.split(f"<script>{SCRIPT}</script>\n")
    assert before.count("<tr><td>") == min(rows, 100)
    folded, end, _ = after.partition("-->")
    assert (folded + end).endswith("<!-- -->")
    assert folded.count("<tr><td>") == rows - min(rows, 100)
    assert "--!>" not in folded


def test_a_row_takes_few_bytes_above_its_texts():
    html = report_of([visit(f"c{n}", "2017-01-02") for n in range(300)], 300)
    page = Page(html)
    assert len(page.top) == 301
    rows = re.findall(r"<tr><td>.*", html)
    texts = ["".join(cells) for cells in page.top[1:]]
    assert len(rows) == len(texts)
    for row, text in zip(rows, texts, strict=True):
        assert len(row.encode()) - len(text.encode()) <= 150


def test_every_reference_is_to_something_in_the_page():
    page = Page(hostile_report())
    ids = [value for _, name, value in page.attributes if name == "id"]
    assert len(ids) == len(set(ids))
    for _, name, value in page.attributes:
        if name == "aria-labelledby":
            assert set((value or "").split()) <= set(ids)
        if name == "href":
            assert (value or "").removeprefix("#") in ids


# --- Its charts are bounded, its bytes are stable -----------------------------------------------


def test_size_of_the_widest_charts():
    events = []
    for n in range(2300):
        time = f"{1970 + n // 10}-{n % 12 + 1:02}-01"
        amount = f"{10 ** (n % 12)}.{10 ** (n % 6):06}"
        events.append(event("ORDER", f"c{n}", time, total_amount=amount))
    assert len(report_of(events, 1).encode()) <= 300_000


def test_bytes_are_stable(run: Run, in_tmp: Path):
    lines = hostile_log().splitlines(keepends=True)
    (in_tmp / "log").write_text("".join(lines), "utf-8")
    random.Random(1).shuffle(lines)
    (in_tmp / "shuffled").write_text("".join(lines), "utf-8")
    for name in ("log", "shuffled"):
        assert run(40, name, "-o", f"{name}.html", "-q").status == 0
    pages = [(in_tmp / f"{name}.html").read_bytes() for name in ("log", "shuffled")]
    assert without_origin(pages[0]) == without_origin(pages[1])


def origin_of(page: str) -> str:
    """What it says that it was made from, and by what."""
    (text,) = re.findall('<p class="note origin"><bdi>([^<]*)</bdi></p>', page)
    return html.unescape(text)


def test_files_version_and_command_are_named(run: Run, in_tmp: Path):
    (in_tmp / "log").write_text(hostile_log(), "utf-8")
    name = "<b>\x1b&'.jsonl"
    for one in (name, *"abcde"):
        (in_tmp / one).write_text("")
    made = f"by Main_Calculation.py {VERSION}: python Main_Calculation.py 3"
    for arguments, text in (
        (["log"], f"Made from log {made} log"),
        (["log", name], f"Made from log, <b>\\x1b&'.jsonl {made} log '<b>\\x1b&'\"'\"'.jsonl'"),
        (["log", *"abcd"], f"Made from log, a, b, c, d {made} log a b c d"),
        (["log", *"abcde"], f"Made from log, a, b, c, d and 1 more file {made} log a b c d e"),
        (["log", "--store", "s"], f"Made from log {made} log --store s"),
        (["--store", "s"], f"Made without reading events, {made} --store s"),
        (["log", "--temp", ".", "--workers=2", "--quiet"], f"Made from log {made} log"),
    ):
        done = run(3, *arguments, "-q", "-f", "html", "-o", "-")
        assert done.status == 0
        assert origin_of(done.out) == f"{text} -f html -o -"


# --- What it says -----------------------------------------------------------------------------


def test_every_reason_has_its_words():
    assert list(REASON_TEXTS) == list(REASONS)


def visit(customer_id: str, time: str) -> dict[str, str]:
    return event("SITE_VISIT", customer_id, time)


def order(customer_id: str, time: str, amount: str) -> dict[str, str]:
    return event("ORDER", customer_id, time, total_amount=amount)


SAID = [
    ([visit("a", "2017-01-02")], "The best customer"),
    ([visit("a", "2017-01-02")], "The first comes to 0.00 USD in 10 years."),
    ([visit("a", "2017-01-02")], "1 customer brought nothing so far."),
    ([visit("a", "2017-01-02")], "There is no revenue above zero to have a share of."),
    ([visit("a", "2017-01-02")], "of them ever ordered0.00 %"),
    ([visit("a", "2017-01-02")], "1 of 1 (marked †) has fewer than 13 weeks or"),
    ([visit("a", "2017-01-02"), visit("b", "2017-04-01")], "The top 2"),
    (
        [visit("a", "2017-01-02")],
        "to the week of 2017-01-02. Nobody ordered. An order belongs to the day",
    ),
    (
        [visit("a", "2017-01-02"), visit("b", "2017-04-01")],
        "2 of 2 (marked †) have fewer than 13 weeks or fewer than 2 orders: too short",
    ),
    (
        [order("a", "2017-01-02", "1"), order("a", "2017-04-01", "1") | {"key": "2"}],
        "All of them have 13 weeks and 2 orders or more.",
    ),
    ([visit("a", "2017-01-02"), visit("a", "2017-01-16")], "In 1 of 3 nothing is known"),
    ([order("a", "2017-01-02", "-1")], "1 customer got more back than they paid."),
    ([order("a", "2017-01-02", "-1")], "The first comes to -520.00 USD in 10 years."),
    (
        [order("a", "2017-01-02", "3"), order("b", "2017-01-09", "1")],
        "The first comes to 780.00 USD in 10 years, the last of the 2 to 520.00.",
    ),
    (
        [order("a", "2017-01-02", "3"), order("b", "2017-01-09", "1")],
        "Revenue was highest in the week of 2017-01-02: 3.00 USD.",
    ),
    (
        [order("a", "2017-01-02", "3"), order("b", "2017-01-09", "1")],
        "The most common range is 500.00 to 1,000.00 USD, with 2 customers.",
    ),
    (
        [order("a", "2017-01-02", "3"), order("b", "2017-01-09", "-1")],
        "Above 100 % is what those behind take back with refunds.",
    ),
    (
        [order("a", "2017-01-02", "3"), visit("b", "2017-02-09"), order("b", "2017-02-10", "1")],
        "The 1 customer of Jan 2017 had brought 3.00 USD each by the end of it, and 3.00 by the "
        "end of the data.",
    ),
    ([visit("a", "2010-01-02"), visit("a", "2017-01-02")], "from Jan 2010 to Jan 2017."),
    ([visit("a", "1990-01-02"), visit("a", "2017-10-02")], "from Q1 1990 to Q4 2017."),
    ([visit("a", "1970-01-02"), visit("a", "2017-10-02")], "By year, from 1970 to 2017."),
    (
        [visit("a", "1970-01-02"), visit("a", "2199-10-02")],
        "By period of 2 years, from 1970\N{EN DASH}1971 to 2198\N{EN DASH}2199.",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("events", "text"), SAID)
def test_what_it_says(events: list[dict[str, str]], text: str):
    assert text in Page(report_of(events)).text


def test_rejects_in_words(run: Run, in_tmp: Path):
    good = json.dumps(visit("a", "2017-01-02"))
    (in_tmp / "log").write_text(f'{good}\n{{"type":"X"}}\n', "utf-8")
    out = run(1, "log", "-o", "-", "-f", "html", "-q").out
    assert "Of 2 events, 1 could not be used and is in none of the figures." in out
    (in_tmp / "log").write_text(f'{good}\n{{"type":"X"}}\n[]\n', "utf-8")
    out = run(1, "log", "-o", "-", "-f", "html", "--until", "2017-01-31", "-q").out
    assert "Of 3 events, 2 could not be used and are in none of the figures." in out
    assert "<dt>events later</dt><dd>0</dd>" in out


USE = [
    ({"read": 0, "accepted": 0, "rejected": 0},
     "Ranked from what is stored; no events were read in this run."),
    ({"read": 2, "accepted": 2, "rejected": 0}, "All events could be used."),
    ({"read": 2, "accepted": 2, "rejected": 0, "later": 0}, "All events could be used."),
    ({"read": 2, "accepted": 1, "rejected": 0, "later": 1},
     "Of 2 events, 1 came later than was asked for and is in none of the figures."),
    ({"read": 6000, "accepted": 1000, "rejected": 2000, "later": 3000},
     "Of 6,000 events, 2,000 could not be used and are in none of the figures; "
     "3,000 came later than was asked for and are in none of the figures."),
    ({"read": 5, "accepted": 2, "rejected": 0, "earlier": 1, "later": 2},
     "Of 5 events, 1 came earlier than was asked for and is in none of the figures; "
     "2 came later than was asked for and are in none of the figures."),
]  # fmt: skip


@pytest.mark.parametrize(("events", "text"), USE)
def test_which_events_it_is_made_of(events: dict[str, int], text: str):
    html = report_of([visit("a", "2017-01-02")], events=events, reasons={"missing": 1})
    assert f"uploading images, ordering. {text}</p>" in html
    assert f'<p class="note">{text} <a href="#data">The data</a></p>' in html


def test_a_store_without_files(run: Run, in_tmp: Path):
    (in_tmp / "log").write_text(json.dumps(visit("a", "2017-01-02")), "utf-8")
    assert run(1, "log", "--store", "shop.store", "-o", "-", "-q").status == 0
    out = run(1, "--store", "shop.store", "-o", "-", "-f", "html", "-q").out
    assert "Ranked from what is stored; no events were read in this run." in out


def test_one_year():
    assert "continued" in report_of([visit("a", "2017-01-02")], lifespan_years="1")
    html = report_of([visit("a", "2017-01-02")], lifespan_years="1")
    assert "in 1 year if the average week so far went on" in html


#: What is not shown below charts, by the width of the window.
HIDDEN = {"phone": {"wide", "wider"}, "tablet": {"wider"}, "desk": set[str]()}


def labels_of(html: str, chart: str, width: str) -> list[str]:
    """What stands below a chart of columns, from left to right, in a window of such a width."""
    (found,) = re.findall(f'<svg class="chart {chart}".*', html)
    labels = re.findall(r'<text x="([^"]*)%"[^>]*class="(tick[^"]*)">(.*?)</text>', found)
    shown = [(float(x), label) for x, name, label in labels if not HIDDEN[width] & {*name.split()}]
    return [label for _, label in sorted(shown)]


LABELS = [
    # the last day from 1996-12-30 on, what stands below the columns on a phone, a tablet, a desk
    ("1997-01-05", "Dec 1996", "Dec 1996", "Dec 1996"),
    ("1997-01-20", "Dec 1996", "Dec 1996, Jan 1997", "Dec 1996, Jan 1997"),
    (
        "1997-06-30",
        "Dec 1996, Mar, Apr, Jun 1997",
        "Dec 1996, Feb, Mar, Apr, May, Jun 1997",
        "Dec 1996, Feb, Mar, Apr, May, Jun 1997",
    ),
    (
        "1998-06-30",
        "Dec 1996, Jul, Oct, 1998, Jun 1998",
        "Dec 1996, Apr, May, Jun, Jul, Aug, Sep, Oct, Nov, Dec, 1998, Feb, Mar, Jun 1998",
        "Dec 1996, Mar, Apr, May, Jun, Jul, Aug, Sep, Oct, Nov, Dec, 1998, Feb, Mar, Apr, Jun 1998",
    ),
    (
        "2000-06-30",
        "Dec 1996, 1998, 1999, Jun 2000",
        "Dec 1996, Jul, Oct, 1998, Apr, Jul, Oct, 1999, Apr, Jul, Oct, Jun 2000",
        "Dec 1996, Apr, Jul, Oct, 1998, Apr, Jul, Oct, 1999, Apr, Jul, Oct, 2000, Jun 2000",
    ),
    (
        "2023-06-30",
        "Q4 1996, Q1 2005, Q1 2013, Q2 2023",
        "Q4 1996, Q1 2001, Q1 2005, Q1 2009, Q1 2013, Q1 2017, Q2 2023",
        "Q4 1996, Q1 2001, Q1 2003, Q1 2005, Q1 2007, Q1 2009, Q1 2011, Q1 2013, Q1 2015, Q1 2017, "
        "Q1 2019, Q2 2023",
    ),
    (
        "2040-06-30",
        "1996, 2010, 2020, 2030, 2040",
        "1996, 2000, 2005, 2010, 2015, 2020, 2025, 2030, 2035, 2040",
        "1996, 2000, 2005, 2010, 2015, 2020, 2025, 2030, 2035, 2040",
    ),
]


@pytest.mark.parametrize(("last", "phone", "tablet", "desk"), LABELS)
def test_labels_of_times_have_room(last: str, phone: str, tablet: str, desk: str):
    html = report_of([visit("a", "1996-12-30"), visit("a", last)])
    found = {width: ", ".join(labels_of(html, "visits-chart", width)) for width in HIDDEN}
    assert found == {"phone": phone, "tablet": tablet, "desk": desk}


def test_labels_of_values_have_room():
    amounts = ["-1", "0", *(str(50 * 2**power) for power in range(9))]
    html = report_of([order(f"c{n}", "2017-01-02", text) for n, text in enumerate(amounts)])
    everywhere = "&lt;0 0 20k 50k 100k 200k 500k 1M 2M 5M 10M"
    assert " ".join(labels_of(html, "ltv-chart", "desk")) == everywhere
    assert " ".join(labels_of(html, "ltv-chart", "phone")) == "&lt;0 0 100k 1M 10M"


@pytest.mark.parametrize(("weeks", "values"), [(8, 8), (9, 0)])
def test_few_columns_have_their_values(weeks: int, values: int):
    days = [date(2017, 1, 2) + timedelta(weeks=week) for week in range(weeks)]
    html = report_of([visit("a", day.isoformat()) for day in days])
    (chart,) = re.findall('<svg class="chart visits-chart".*', html)
    assert chart.count('class="over"') == values


@pytest.mark.parametrize("weeks", range(70, 118, 7))
def test_the_ends_of_an_axis_and_its_years_keep_their_labels(weeks: int):
    first, last = date(2016, 2, 1), date(2016, 2, 1) + timedelta(weeks=weeks)
    html = report_of([visit("a", first.isoformat()), visit("a", last.isoformat())])
    for width in HIDDEN:
        begin, *others, end = labels_of(html, "visits-chart", width)
        assert (begin, end) == ("Feb 2016", f"{last:%b %Y}")
        assert "2017" in others


# --- Axes -------------------------------------------------------------------------------------

AXES = [
    (["0"], "0", ["0", "1"]),
    (["7"], "0", ["0", "2", "4", "6", "8"]),
    (["1"], "1", ["0", "1"]),
    (["2"], "1", ["0", "1", "2"]),
    (["1"], "0", ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]),
    (["-7", "-2"], "0", ["-8", "-6", "-4", "-2", "0"]),
    (["-30", "95"], "0", ["-50", "0", "50", "100"]),
    (["43583.65"], "0", ["0", "10000", "20000", "30000", "40000", "50000"]),
]


@pytest.mark.parametrize(("values", "least_step", "ticks"), AXES)
def test_axes(values: list[str], least_step: str, ticks: list[str]):
    axis = axis_of(map(Decimal, values), Decimal(least_step))
    assert [f"{tick:f}" for tick in axis.ticks] == ticks


COMPACT = [
    ("0", "0"), ("0.01", "0.01"), ("0.5", "0.5"), ("1", "1"), ("12.50", "12.5"), ("999", "999"),
    ("1000", "1k"), ("1500", "1.5k"), ("20000", "20k"), ("123456", "123k"), ("2000000", "2M"),
    ("-53763440858.11", "-53.8B"), ("2e12", "2T"), ("5e14", "500T"), ("5e15", "5e15"),
    ("-1e24", "-1e24"), ("1.5e16", "1.5e16"), ("-1.236e17", "-1.24e17"), ("999.4", "999"),
    ("999.6", "1k"), ("999499", "999k"), ("999999", "1M"), ("-999999999999999", "-1e15"),
]  # fmt: skip


@pytest.mark.parametrize(("value", "text"), COMPACT)
def test_compact(value: str, text: str):
    assert compact(Decimal(value)) == text
