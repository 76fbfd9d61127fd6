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
from ltv.report.page import REASON_TEXTS, render_report
from ltv.report.style import STYLE
from ltv.report.summary import Summary
from ltv.terminal import UNSAFE
from LTV_Calculate import topXSimpleLTVCustomers, totals
from LTV_Ingest import Ingest

Run = Callable[..., Done]

VOID = {"meta", "br"}
ATTRIBUTES = {
    "lang", "charset", "http-equiv", "content", "name", "class", "id", "aria-labelledby",
    "aria-label", "aria-hidden", "role", "tabindex", "scope", "dir", "title", "width", "height",
    "viewbox", "preserveaspectratio", "points", "x", "y", "x1", "x2", "y1", "y2", "cx", "cy", "r",
}  # fmt: skip
TAGS = VOID | {
    "html", "head", "title", "style", "body", "header", "main", "footer", "section", "h1", "h2",
    "h3", "p", "dl", "dt", "dd", "div", "table", "thead", "tbody", "tr", "th", "td", "code",
    "figure", "figcaption", "b", "strong", "bdi", "span", "details", "summary", "ul", "li",
    "svg", "desc", "g", "rect", "line", "text", "circle", "polyline", "tspan",
}  # fmt: skip


class Page(HTMLParser):
    """What is in a page: tags closed as they were opened, their attributes, tables, and texts."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str, str | None]] = []
        self.tables: dict[str, list[list[str]]] = {}
        self.hovers: list[str] = []
        self.text = ""
        self._rows: list[list[str]] = []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += [(tag, name, value) for name, value in attrs]
        if tag not in VOID and not (self.get_starttag_text() or "").endswith("/>"):
            self.open.append(tag)
        if tag == "table":
            self._rows = self.tables[dict(attrs)["class"] or ""] = []
        elif tag == "tr":
            self._rows.append([])
        elif tag in ("td", "th"):
            self._rows[-1].append("")
        if tag == "td" and "title" in dict(attrs):
            self.hovers.append(dict(attrs)["title"] or "")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += [(tag, name, value) for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" in self.open:
            return
        self.text += data
        if self.open and {"td", "th"} & set(self.open):
            self._rows[-1][-1] += data

    def facts(self, html: str) -> dict[str, str]:
        found = re.findall(r"<div><dt>(.*?)</dt><dd>(.*?)</dd></div>", html)
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
    head, *table = Page(html).tables["wide top"]
    assert len(head) == len(rows[0])
    assert len(table) == 50
    for cells, row in zip(table, rows, strict=True):
        row["begin"], row["last_order"] = row["begin"][:10], row["last_order"][:10]
        expected = list(row.values())
        assert [plain(cell) for cell in cells[3:]] == expected[3:]
        assert cells[0] == expected[0]
        for cell, text in zip(cells[1:3], expected[1:3], strict=True):
            assert cell == text or text.startswith(cell.removesuffix("…"))


def test_the_facts_are_those_of_the_json(sample: Any):
    html, _, found = sample
    figures = found["figures"]
    facts = {name: plain(value) for name, value in Page(html).facts(html).items()}
    assert facts == {
        "first event, UTC": found["begin"][:10],
        "last event, UTC": found["end"][:10],
        "calendar weeks": "53",
        "currency that is summed": "USD",
        "expected lifespan of a customer": "10 years",
        "events read": found["events"]["read"],
        "events accepted": found["events"]["accepted"],
        "events rejected": found["events"]["rejected"],
        "customers": found["customers"],
        "revenue, USD": figures["revenue"],
        "orders": found["orders"],
        "visits": found["visits"],
        "revenue per visit, USD": figures["revenue_per_visit"],
        "visits per customer and week": figures["visits_per_customer_week"],
        "of customers ever ordered": figures["percent_with_orders"] + " %",
    }


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
    names = ("begin", "revenue", "orders", "visits", "new_customers")
    assert weeks == [[week[name] for name in names] for week in figures["periods"]["periods"]]
    cohorts = tables["heat"][1:]
    assert [row[1] for row in cohorts] == [
        cohort["customers"] for cohort in figures["cohorts"]["cohorts"]
    ]
    for row, cohort in zip(cohorts, figures["cohorts"]["cohorts"], strict=True):
        exact = [Decimal(value) for value in cohort["revenue_per_customer"]]
        for cell, value in zip(row[2:], exact, strict=True):
            assert abs(Decimal(cell) - value) <= Decimal("0.5")


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
def test_a_text_is_shown_and_whole_on_hover(text: str):
    html = report_of([event("CUSTOMER", text, "2017-01-02", last_name=text)])
    assert not UNSAFE.search(html.replace("\n", ""))
    page = Page(html)
    cells = page.tables["wide top"][1][1:3]
    whole = text.encode("unicode_escape").decode() if UNSAFE.search(text) else text
    if cells[0] != whole:
        assert cells[0].endswith("…") or "\u0301" in text
        assert page.hovers == [whole, whole]
    assert len(cells[0]) <= 40


def test_towers_of_marks_are_cut():
    html = report_of([event("SITE_VISIT", "e" + "\u0301" * 200, "2017-01-02")])
    assert Page(html).tables["wide top"][1][1] == "e" + "\u0301" * 4


INVISIBLE = ["\U000e0041", "\U000e0100", "\U0001d167", "\u0e49", "\u200d", "\u0591"]


@pytest.mark.parametrize("mark", INVISIBLE, ids=ascii)
def test_marks_of_any_script_are_cut(mark: str):
    text = "e" + mark * 100
    page = Page(report_of([event("SITE_VISIT", text, "2017-01-02")]))
    assert page.tables["wide top"][1][1] == "e" + mark * 4
    assert page.hovers == [text]


def test_many_characters_without_width_are_cut():
    text = ("e" + "\u0301" * 4) * 19
    page = Page(report_of([event("SITE_VISIT", text, "2017-01-02")]))
    assert page.tables["wide top"][1][1] == text[:39] + "…"
    assert page.hovers == [text]


def test_the_policy_allows_the_style_alone():
    html = hostile_report()
    (style,) = re.findall(r"<style>(.*?)</style>", html, re.DOTALL)
    assert style == STYLE
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    assert f'<meta http-equiv="Content-Security-Policy" content="{policy}">' in html
    assert not re.search(r"url\(|@import|expression", style)


def test_every_reference_is_to_something_in_the_page():
    page = Page(hostile_report())
    ids = [value for _, name, value in page.attributes if name == "id"]
    assert len(ids) == len(set(ids))
    for _, name, value in page.attributes:
        if name == "aria-labelledby":
            assert set((value or "").split()) <= set(ids)


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
    ([visit("a", "2017-01-02")], "0 of 1 customer ever ordered: 0 orders, together 0.00 USD."),
    ([visit("a", "2017-01-02")], "1 of 1 has fewer than 13 weeks behind them (marked †)"),
    ([visit("a", "2017-01-02"), visit("b", "2017-04-01")], "The top 2"),
    (
        [visit("a", "2017-01-02")],
        "to the week of 2017-01-02. Nobody ordered. An order belongs to the day",
    ),
    (
        [visit("a", "2017-01-02"), visit("b", "2017-04-01")],
        "1 of 2 has fewer than 13 weeks behind them (marked †)",
    ),
    ([visit("a", "2017-01-02"), visit("a", "2017-04-01")], "for 13 weeks or more."),
    ([visit("a", "2017-01-02"), visit("a", "2017-04-01")], "Of the top 1, none has fewer than 13"),
    ([visit("a", "2017-01-02"), visit("b", "2017-01-02")], "Of the top 2, 2 have fewer than 13"),
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


def test_a_store_without_files(run: Run, in_tmp: Path):
    (in_tmp / "log").write_text(json.dumps(visit("a", "2017-01-02")), "utf-8")
    assert run(1, "log", "--store", "shop.store", "-o", "-", "-q").status == 0
    out = run(1, "--store", "shop.store", "-o", "-", "-f", "html", "-q").out
    assert "Ranked from what is stored; no events were read in this run." in out


def test_one_year():
    assert "continued" in report_of([visit("a", "2017-01-02")], lifespan_years="1")
    html = report_of([visit("a", "2017-01-02")], lifespan_years="1")
    assert "in 1 year if the average week so far went on" in html


def test_of_many_rows_the_first_are_drawn():
    html = report_of([visit(f"c{n}", "2017-01-02") for n in range(40)], 40)
    assert "<b>Lifetime value of the top 20, USD</b> (of the best ones)" in html
    assert html.count('class="label"') == 20
    assert len(Page(html).tables["wide top"]) == 41


def test_the_parts_of_a_label_keep_their_order():
    html = report_of([event("CUSTOMER", "\u05d0\u05d1", "2017-01-02", last_name="\u05d2<")])
    label = (
        '<svg class="clip" y="0" width="70%" height="24"><text x="0" y="17" class="label">'
        "<tspan>1.</tspan> <tspan>\u05d0\u05d1</tspan> <tspan>\u05d2&lt;</tspan> "
        "<tspan>†</tspan></text></svg>"
    )
    assert label in html
    assert "\ntspan{unicode-bidi:isolate}\n" in STYLE
    assert "\n.chart .clip{overflow:hidden}\n" in STYLE


def labels_of(html: str, chart: str) -> list[str]:
    """What stands below a chart of columns."""
    (found,) = re.findall(f'<svg class="chart {chart}".*', html)
    return re.findall(r'<text [^>]*class="tick[^>]*>(.*?)</text>', found)


LABELS = [
    # the last day from 1996-12-30 on, what stands below the weeks or what else the columns are
    ("1997-01-05", ["Dec 1996"]),
    ("1997-01-20", ["Dec 1996"]),
    ("1997-06-30", ["Dec 1996", "Apr 1997", "Jun 1997"]),
    ("1998-06-30", ["Dec 1996", "Aug 1997", "Dec 1997", "Apr 1998"]),
    ("2000-06-30", ["Dec 1996", "Jun 1998", "Mar 1999", "Dec 1999"]),
    ("2023-06-30", ["Q4 1996", "Q4 2007", "Q2 2013", "Q4 2018"]),
    ("2040-06-30", ["1996", "2005", "2014", "2023", "2032"]),
]


@pytest.mark.parametrize(("last", "labels"), LABELS)
def test_labels_of_times_have_room(last: str, labels: list[str]):
    html = report_of([visit("a", "1996-12-30"), visit("a", last)])
    assert labels_of(html, "visits-chart") == labels


def test_labels_of_values_have_room():
    amounts = ["-1", "0", *(str(50 * 2**power) for power in range(9))]
    html = report_of([order(f"c{n}", "2017-01-02", text) for n, text in enumerate(amounts)])
    labels = ["&lt;0", "0", "50k", "100k", "200k", "500k", "1M", "2M", "5M", "10M"]
    assert labels_of(html, "ltv-chart") == labels


@pytest.mark.parametrize(("weeks", "values"), [(8, 8), (9, 0)])
def test_few_columns_have_their_values(weeks: int, values: int):
    days = [date(2017, 1, 2) + timedelta(weeks=week) for week in range(weeks)]
    html = report_of([visit("a", day.isoformat()) for day in days])
    (chart,) = re.findall('<svg class="chart visits-chart".*', html)
    assert chart.count('class="over"') == values


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
