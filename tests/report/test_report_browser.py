"""The report as a real browser shows it: headless Chromium, and axe-core for what is accessible.

LTV_PICTURES names a directory for pictures of all pages in all views, and on paper: they are there
to be looked at, after each change of the style.
"""

import json
import os
import random
import shutil
import subprocess
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

import Main_Calculation
import random_logs
from conftest import SOURCES
from hostile import hostile_log
from node_packages import cannot, node_with_packages

pytestmark = pytest.mark.browser

BROWSER = Path(__file__).parent / "browser"
WIDTHS = {"phone": 390, "tablet": 820, "wide": 1280}
VIEWS = [f"{width}{scheme}" for width in WIDTHS for scheme in ("", "-dark")]
#: How many rows each report is to have.
ROWS = {
    "sample": 50, "years": 200, "hostile": 160, "random": 10, "one": 1, "model": 10, "backtest": 20,
}  # fmt: skip
REPORTS = tuple(ROWS)
TABLES = REPORTS[:-1]

#: What axe-core looks at: each scheme and width once, of other reports each scheme.
AXED = [("sample", view) for view in VIEWS] + [
    (report, view) for report in REPORTS[1:] for view in ("phone", "wide-dark")
]
PRINTED = ("phone-dark", "wide")  # on paper, where all views are the same

#: Below this, in pixels, stand no more of the figures of the shop.
FIRST_SCREEN = {"wide": 900, "phone": 1600}

PAPER = 935  # pixels of 96 an inch: the height of Letter, which is less than A4's, less its margins


def chromium_and_node() -> tuple[str, str]:
    """The commands, with the packages of package.json beside it."""
    needed = "chromium is needed, on Debian: apt-get install chromium"
    chromium = shutil.which("chromium") or cannot(needed)
    return chromium, node_with_packages(BROWSER)


def years_log() -> str:
    """Two years of orders, so that all weeks can be compared; ids that are UUIDs, names, visits."""
    rng = random.Random(3)
    lines = []
    for number in range(600):
        day = rng.randrange(700)
        customer_id = str(UUID(int=rng.getrandbits(128)))
        lines.append(
            f'{{"type":"CUSTOMER","verb":"NEW","key":"{customer_id}","event_time":"2024-12-01",'
            f'"last_name":"{rng.choice(("Smith", "van der Berg", "Papadopoulos"))}"}}\n'
        )
        for key in range(rng.randrange(1, 5)):
            month, of_month = divmod((day + key * rng.randrange(90)) % 720, 30)
            year, of_year = divmod(month, 12)
            time = f"{2023 + year}-{of_year + 1:02}-{min(of_month + 1, 28):02}"
            amount = f"{rng.paretovariate(1.2) * 20:.2f}"
            lines.append(
                f'{{"type":"ORDER","verb":"NEW","key":"{number}-{key}","customer_id":"{customer_id}",'
                f'"event_time":"{time}","total_amount":"{amount}"}}\n'
                f'{{"type":"SITE_VISIT","verb":"NEW","key":"{key}","customer_id":"{customer_id}",'
                f'"event_time":"{time}"}}\n'
            )
    return "".join(lines)


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the browser saw of each report in each view."""
    chromium, node = chromium_and_node()
    directory = tmp_path_factory.mktemp("reports")
    (directory / "hostile.jsonl").write_text(hostile_log(160), "utf-8")
    (directory / "years.jsonl").write_text(years_log(), "utf-8")
    rng = random.Random(6)
    random_log = random_logs.json_lines(rng, random_logs.random_events(rng, 400))
    (directory / "random.jsonl").write_bytes(random_log)
    (directory / "one.jsonl").write_text(
        '{"type":"SITE_VISIT","verb":"NEW","key":"p","customer_id":"c","event_time":"2017-01-01"}',
        "utf-8",
    )
    sample = str(SOURCES.parent / "input")
    arguments: dict[str, list[str]] = {
        "sample": [sample],
        "model": [sample, "--by", "expected"],
        "backtest": [sample, "--backtest", "2017-07-31"],
    }
    paths = []
    for name in REPORTS:
        paths.append(str(directory / f"{name}.html"))
        asked = arguments.get(name) or [str(directory / f"{name}.jsonl")]
        assert Main_Calculation.main([str(ROWS[name]), *asked, "-o", paths[-1], "-q"]) == 0
    pictures = os.environ.get("LTV_PICTURES") or str(directory)
    command = [node, str(BROWSER / "look.mjs"), chromium, pictures, *paths]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=500)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("view", [*VIEWS, "bare"])
@pytest.mark.parametrize("report", REPORTS)
def test_the_report_does_nothing_but_show_itself(seen: dict[str, Any], report: str, view: str):
    found = seen[f"{report} {view}"]
    assert found["messages"] == []
    assert found["requests"] == []
    assert found["foreign"] == 0
    assert found["title"].startswith("Which ranking" if report == "backtest" else "Top ")


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("report", REPORTS)
def test_the_report_is_as_wide_as_its_window(seen: dict[str, Any], report: str, view: str):
    assert seen[f"{report} {view}"]["width"] == WIDTHS[view.removesuffix("-dark")]


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("report", REPORTS)
def test_the_report_is_not_blank(seen: dict[str, Any], report: str, view: str):
    assert seen[f"{report} {view}"]["colours"] > 20


@pytest.mark.parametrize("view", FIRST_SCREEN)
@pytest.mark.parametrize("report", TABLES)
def test_the_figures_of_the_shop_are_on_the_first_screen(
    seen: dict[str, Any], report: str, view: str
):
    figures = seen[f"{report} {view}"]["figures"]
    names = [figure["name"].partition(",")[0].partition(":")[0] for figure in figures]
    assert names == [
        "revenue", "customers who ordered", "orders", "average order value", "repeat rate",
        "revenue of returning customers",
    ]  # fmt: skip
    assert max(figure["bottom"] for figure in figures) <= FIRST_SCREEN[view]


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("report", REPORTS)
def test_labels_of_charts_are_apart(seen: dict[str, Any], report: str, view: str):
    assert seen[f"{report} {view}"]["crowded"] == []


def test_the_report_is_light_or_dark_as_is_asked_for(seen: dict[str, Any]):
    assert seen["sample wide"]["ground"] == "rgb(252, 251, 249)"
    assert seen["sample wide-dark"]["ground"] == "rgb(19, 21, 23)"


@pytest.mark.parametrize("report", REPORTS)
def test_the_report_is_printed_on_some_pages(seen: dict[str, Any], report: str):
    pages = {seen[f"{report} {view}"]["pages"] for view in PRINTED}
    assert len(pages) == 1, "paper is the same whatever the screen"
    assert 3 <= pages.pop() <= 30


@pytest.mark.parametrize("report", ["sample", "years", "model"])
def test_the_first_page_on_paper_has_the_figures_and_ten_customers(
    seen: dict[str, Any], report: str
):
    found = seen[f"{report} bare"]
    assert len(found["figures"]) == 6
    assert found["tenth"] <= PAPER


@pytest.mark.parametrize(("report", "view"), AXED)
def test_axe_finds_no_violation_and_decides_all(seen: dict[str, Any], report: str, view: str):
    found = seen[f"{report} {view}"]
    assert found["violations"] == []
    assert found["undecided"] == []
    assert found["faint"] == []


# --- The table of the top -----------------------------------------------------------------------


@pytest.mark.parametrize("report", TABLES)
def test_rows_are_folded_where_a_script_runs(seen: dict[str, Any], report: str):
    whole = seen[f"{report} bare"]["rows"]
    assert seen[f"{report} wide"]["rows"] == min(whole, 100)
    used = seen[f"{report} wide"]["used"]
    assert used["offered"] == (f"Show {whole - 100} more" if whole > 100 else None)
    assert used["opened"] == [f"{rank:,}" for rank in range(1, whole + 1)]


def test_there_is_something_to_fold(seen: dict[str, Any]):
    assert [seen[f"{name} bare"]["rows"] for name in TABLES] == [50, 200, 160, 10, 1, 10]


def test_the_head_stays_in_sight(seen: dict[str, Any]):
    assert seen["sample wide"]["used"]["sticks"] in (0, 1)


def number_of(cell: str) -> float:
    return float(cell.replace(",", "").removesuffix("†"))


def test_columns_are_sorted(seen: dict[str, Any]):
    by_column = seen["years wide"]["used"]["sorted"]
    assert list(by_column) == [
        "1 ascending",
        "0 ascending",
        "3 descending",
        "3 ascending",
        "4 descending",
    ]
    ids = by_column["1 ascending"]
    assert ids == sorted(ids)
    assert len(ids) == 100
    assert by_column["0 ascending"] == [str(rank) for rank in range(1, 101)]
    falling, rising = by_column["3 descending"], by_column["3 ascending"]
    assert list(map(number_of, falling)) == sorted(map(number_of, falling), reverse=True)
    assert list(map(number_of, rising)) == sorted(map(number_of, rising))
    assert number_of(rising[-1]) < number_of(falling[-1])


@pytest.mark.parametrize("report", TABLES)
def test_customers_are_found_by_a_part_of_the_id_or_name(seen: dict[str, Any], report: str):
    found = seen[f"{report} wide"]["used"]["found"]
    assert found["no such customer"] == {"ids": [], "said": "0 found"}
    ids = found["1"]["ids"]
    count = int(found["1"]["said"].removesuffix(" found"))
    assert len(ids) == min(count, 100)
    assert report == "one" or (any("1" in each for each in ids) and count > 0)


# --- Hostile texts ------------------------------------------------------------------------------


@pytest.mark.parametrize("view", [*VIEWS, "bare"])
def test_hostile_texts_are_shown_as_texts(seen: dict[str, Any], view: str):
    text = seen[f"hostile {view}"]["text"]
    assert "<script>alert(1)" in text
    assert r"\u202egnirts" in text
    assert "\u202e" not in text


def test_hostile_texts_are_texts_also_where_they_were_folded(seen: dict[str, Any]):
    found = seen["hostile wide"]["used"]["found"]["<script>"]
    assert found["said"] == f"{len(found['ids'])} found"
    assert len(found["ids"]) > 10
    assert all("<script>" in each for each in found["ids"])
