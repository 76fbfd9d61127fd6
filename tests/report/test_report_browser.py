"""The report as a real browser shows it: headless Chromium, and axe-core for what is accessible."""

import json
import random
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

import Main_Calculation
import random_logs
from conftest import SOURCES
from hostile import hostile_log
from node_packages import cannot, node_with_packages

pytestmark = pytest.mark.browser

BROWSER = Path(__file__).parent / "browser"
VIEWS = ("narrow", "wide", "dark")
REPORTS = ("sample", "hostile", "random", "one")


def chromium_and_node() -> tuple[str, str]:
    """The commands, with the packages of package.json beside it."""
    needed = "chromium is needed, on Debian: apt-get install chromium"
    chromium = shutil.which("chromium") or cannot(needed)
    return chromium, node_with_packages(BROWSER)


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the browser saw of each report in each view."""
    chromium, node = chromium_and_node()
    directory = tmp_path_factory.mktemp("reports")
    (directory / "hostile.jsonl").write_text(hostile_log(), "utf-8")
    rng = random.Random(6)
    random_log = random_logs.json_lines(rng, random_logs.random_events(rng, 400))
    (directory / "random.jsonl").write_bytes(random_log)
    (directory / "one.jsonl").write_text(
        '{"type":"SITE_VISIT","verb":"NEW","key":"p","customer_id":"c","event_time":"2017-01-01"}',
        "utf-8",
    )
    logs = {"sample": SOURCES.parent / "input"} | {
        name: directory / f"{name}.jsonl" for name in REPORTS[1:]
    }
    paths = []
    for name, log in logs.items():
        paths.append(str(directory / f"{name}.html"))
        assert Main_Calculation.main(["50", str(log), "-o", paths[-1], "-q"]) == 0
    command = [node, str(BROWSER / "look.mjs"), chromium, *paths]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    return {
        f"{Path(key.rpartition(' ')[0]).stem} {key.rpartition(' ')[2]}": found
        for key, found in json.loads(done.stdout).items()
    }


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("report", REPORTS)
def test_the_report_does_nothing_but_show_itself(seen: dict[str, Any], report: str, view: str):
    found = seen[f"{report} {view}"]
    assert found["messages"] == []
    assert found["requests"] == []
    assert found["foreign"] == 0
    assert found["title"].startswith("Top ")


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("report", REPORTS)
def test_the_report_is_as_wide_as_its_window(seen: dict[str, Any], report: str, view: str):
    assert seen[f"{report} {view}"]["width"] == (400 if view == "narrow" else 1280)


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("report", REPORTS)
def test_the_report_is_not_blank(seen: dict[str, Any], report: str, view: str):
    assert seen[f"{report} {view}"]["colours"] > 20


def test_the_report_is_light_or_dark_as_is_asked_for(seen: dict[str, Any]):
    assert seen["sample wide"]["ground"] == "rgb(252, 251, 249)"
    assert seen["sample dark"]["ground"] == "rgb(19, 21, 23)"


@pytest.mark.parametrize("report", REPORTS)
def test_the_report_is_printed_on_some_pages(seen: dict[str, Any], report: str):
    pages = {seen[f"{report} {view}"]["pages"] for view in VIEWS}
    assert len(pages) == 1, "paper is the same whatever the screen"
    assert 3 <= pages.pop() <= 15


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("report", REPORTS)
def test_axe_finds_no_violation(seen: dict[str, Any], report: str, view: str):
    assert seen[f"{report} {view}"]["violations"] == []


def test_hostile_texts_are_shown_as_texts(seen: dict[str, Any]):
    text = seen["hostile wide"]["text"]
    assert "<script>alert(1)" in text
    assert r"\u202egnirts" in text
    assert "\u202e" not in text
