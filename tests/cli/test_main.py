"""The command line from argv to files, streams and exit status (SPEC, sections 7 and 8)."""

import array
import fcntl
import gzip
import itertools
import json
import os
import random
import shutil
import signal
import stat
import subprocess
import sys
import termios
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import pytest

import ltv.customers
import ltv.options
import ltv.output.target
import ltv.signals
from conftest import EARLIER_REJECTS, PROJECT, UNMEASURED, Done, without_origin
from ltv.ranking.segments import SEGMENTS
from ltv.report.figures import figures_of
from ltv.report.page import render_report
from ltv.report.summary import Summary
from LTV_Calculate import topXSimpleLTVCustomers, totals
from LTV_Classes import Customer
from LTV_Ingest import Ingest

CDNOW = PROJECT.parent / "shared" / "data" / "cdnow.jsonl.gz"

Run = Callable[..., Done]
Start = Callable[..., subprocess.Popen[bytes]]
MakeFile = Callable[..., str]

# The worked example of SPEC.md, section 5.
SAMPLE = (
    '{"type":"CUSTOMER","verb":"NEW","key":"c1","event_time":"2017-01-01T10:00:00.000Z"}\n'
    '{"type":"SITE_VISIT","verb":"NEW","key":"p1","customer_id":"c1",'
    '"event_time":"2017-01-01T10:01:00.000Z"}\n'
    '{"type":"ORDER","verb":"NEW","key":"o1","customer_id":"c1",'
    '"event_time":"2017-01-01T10:02:00.000Z","total_amount":"10.00 USD"}\n'
    '{"type":"ORDER","verb":"UPDATE","key":"o1","customer_id":"c1",'
    '"event_time":"2017-01-03T10:02:00.000Z","total_amount":"20.01 USD"}\n'
    '{"type":"SITE_VISIT","verb":"NEW","key":"p1","customer_id":"c1",'
    '"event_time":"2017-01-09T00:00:00.000Z"}\n'
    '{"type":"ORDER","verb":"NEW","key":"o1","customer_id":"c2",'
    '"event_time":"2017-01-08T23:59:59.999Z","total_amount":"6.67 USD"}\n'
)
TABLE = (
    "Top 2 of 2 customers by 10-year lifetime value (LTV), in USD\n"
    "Data from 2017-01-01 to 2017-01-09 UTC, 3 weeks\n"
    "\n"
    "   customer last      LTV revenue                     USD per visits                  last\n"
    "#  id       name      USD     USD orders visits weeks   visit  /week      begin      order\n"
    "1* c1            3,468.40   20.01      1      2     3   10.01 0.6667 2017-01-01 2017-01-03\n"
    "2* c2            1,734.20    6.67      1      0     2       - 0.0000 2017-01-08 2017-01-08\n"
    "* fewer than 13 weeks or fewer than 2 orders: too short a history to go by\n"
)
ROWS = (
    '{"rank": 1, "customer_id": "c1", "last_name": null, "ltv": 3468.40, "revenue": 20.01, '
    '"orders": 1, "visits": 2, "weeks": 3, "revenue_per_visit": 10.01, "visits_per_week": 0.6667, '
    '"begin": "2017-01-01T10:00:00Z", "last_order": "2017-01-03T10:02:00Z"}',
    '{"rank": 2, "customer_id": "c2", "last_name": null, "ltv": 1734.20, "revenue": 6.67, '
    '"orders": 1, "visits": 0, "weeks": 2, "revenue_per_visit": null, "visits_per_week": 0.0000, '
    '"begin": "2017-01-08T23:59:59.999Z", "last_order": "2017-01-08T23:59:59.999Z"}',
)
HALVES = (
    '"customers": 1, "revenue": 20.01, "percent_of_revenue": 75.00',
    '"customers": 2, "revenue": 26.68, "percent_of_revenue": 100.00',
)
FIGURES = (
    "{\n"
    '    "revenue": 26.68,\n'
    '    "revenue_per_visit": 13.34,\n'
    '    "visits_per_customer_week": 0.4000,\n'
    '    "customer_weeks": 5,\n'
    '    "customers_with_orders": 2,\n'
    '    "percent_with_orders": 100.00,\n'
    '    "shop": {\n'
    '      "begin": null,\n'
    '      "end": null,\n'
    '      "figures": [\n'
    + ",\n".join(
        f'        {{"figure": "{name}", "all": {value}, "last": null, "before": null, '
        '"change": null, "year_before": null, "year_change": null}'
        for name, value in (
            ("revenue", "26.68"),
            ("customers_with_orders", "2"),
            ("orders", "2"),
            ("average_order_value", "13.34"),
            ("percent_came_back", "0.00"),
            ("returning_revenue", "0.00"),
        )
    )
    + "\n      ]\n    },\n"
    '    "rejected_for": {},\n'
    '    "ltv": {\n'
    '      "below_zero": 0,\n'
    '      "zero": 0,\n'
    '      "bins": [\n'
    '        {"least": 1000.00, "below": 2000.00, "customers": 1},\n'
    '        {"least": 2000.00, "below": 5000.00, "customers": 1}\n'
    "      ]\n"
    "    },\n"
    '    "concentration": [\n'
    + ",\n".join(f'      {{"percent": {n}, {HALVES[n > 50]}}}' for n in range(1, 101))
    + "\n"
    "    ],\n"
    '    "periods": {\n'
    '      "unit": "week",\n'
    '      "periods": [\n'
    '        {"begin": "2016-12-26", "revenue": 0.00, "orders": 0, "visits": 1, "images": 0, '
    '"new_customers": 1, "new_revenue": 0.00, "returning_revenue": 0.00},\n'
    '        {"begin": "2017-01-02", "revenue": 26.68, "orders": 2, "visits": 0, "images": 0, '
    '"new_customers": 1, "new_revenue": 26.68, "returning_revenue": 0.00},\n'
    '        {"begin": "2017-01-09", "revenue": 0.00, "orders": 0, "visits": 1, "images": 0, '
    '"new_customers": 0, "new_revenue": 0.00, "returning_revenue": 0.00}\n'
    "      ]\n"
    "    },\n"
    '    "cohorts": {\n'
    '      "unit": "month",\n'
    '      "cohorts": [\n'
    '        {"begin": "2017-01-01", "customers": 2, "revenue_per_customer": [13.34], '
    '"percent_retained": [100.00]}\n'
    "      ],\n"
    '      "mean_percent_retained": [null]\n'
    "    },\n"
    '    "segments": {\n'
    '      "customers": 2,\n'
    '      "without_orders": 0,\n'
    '      "segments": [\n'
    + ",\n".join(
        f'        {{"name": "{name}", "customers": {count}, "percent_of_customers": {share}, '
        f'"revenue": {revenue}, "percent_of_revenue": {of_revenue}}}'
        for name, count, share, revenue, of_revenue in (
            ("champions", 1, "50.00", "6.67", "25.00"),  # R 5, F 5, M 3
            ("loyal", 1, "50.00", "20.01", "75.00"),  # R 3, F 3, M 5
            *((name, 0, "0.00", "0.00", "0.00") for name in SEGMENTS[2:]),
        )
    )
    + "\n      ]\n    },\n"
    '    "at_risk": {"customers": 0, "percent_of_best": 0.00, "revenue": 0.00, '
    '"usual_days": null, "best": []},\n'
    '    "second_order": {\n'
    '      "customers": 2,\n'
    '      "returned": 0,\n'
    '      "percent": 0.00,\n'
    '      "median_days": null,\n'
    '      "within": [\n'
    + ",\n".join(
        f'        {{"days": {days}, "customers": 0, "returned": 0, "percent": null}}'
        for days in (30, 60, 90, 180, 365)
    )
    + "\n      ]\n    }\n"
    "  }"
)


def report_of_sample() -> str:
    D: dict[str, Customer] = {}
    Ingest(map(json.loads, SAMPLE.splitlines()), D)
    events = {"read": 6, "accepted": 6, "rejected": 0}
    found = totals(D)
    summary = Summary("USD", "10", found, events, {}, figures_of(D.values(), found.end, "10"))
    return "".join(render_report(topXSimpleLTVCustomers(10, D), summary))


REPORT = report_of_sample()  # its own tests are those of test_report.py

RESULTS = {
    "text": TABLE,
    "csv": (
        "rank,customer_id,last_name,ltv,revenue,orders,visits,weeks,revenue_per_visit,"
        "visits_per_week,begin,last_order\r\n"
        "1,c1,,3468.40,20.01,1,2,3,10.01,0.6667,2017-01-01T10:00:00Z,2017-01-03T10:02:00Z\r\n"
        "2,c2,,1734.20,6.67,1,0,2,,0.0000,2017-01-08T23:59:59.999Z,2017-01-08T23:59:59.999Z\r\n"
    ),
    "json": (
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
        f'  "figures": {FIGURES},\n'
        '  "top": [\n'
        f"    {ROWS[0]},\n"
        f"    {ROWS[1]}\n"
        "  ]\n"
        "}\n"
    ),
    "jsonl": f"{ROWS[0]}\n{ROWS[1]}\n",
    "md": (
        "Top 2 of 2 customers by 10-year lifetime value (LTV), in USD.\n"
        "Data from 2017-01-01 to 2017-01-09 UTC, 3 weeks.\n"
        "\n"
        "| # | customer id | last name | LTV USD | revenue USD | orders | visits | weeks "
        "| USD per visit | visits /week | begin | last order |\n"
        "| --: | :-- | :-- | --: | --: | --: | --: | --: | --: | --: | --: | --: |\n"
        "| 1 | c1 |  | 3,468.40 | 20.01 | 1 | 2 | 3 | 10.01 | 0.6667 "
        "| 2017-01-01T10:00:00Z | 2017-01-03T10:02:00Z |\n"
        "| 2 | c2 |  | 1,734.20 | 6.67 | 1 | 0 | 2 | - | 0.0000 "
        "| 2017-01-08T23:59:59.999Z | 2017-01-08T23:59:59.999Z |\n"
    ),
    "html": REPORT,
}
ENDINGS = {
    "text": [".txt"],
    "csv": [".csv"],
    "json": [".json"],
    "jsonl": [".jsonl", ".ndjson"],
    "md": [".md", ".markdown"],
    "html": [".html", ".htm"],
}
DATA_LINE = (
    "Data from 2017-01-01 to 2017-01-09 UTC, 3 weeks: 2 customers, 2 visits, 2 orders, 0 images.\n"
)

BAD = '{"type":"WISH"}\n{"type":"ORDER","verb":"NEW"}\n{"type":\n'
BAD_ACCOUNT = (
    "Read 9 events from 1 file: 6 accepted, 3 rejected.\n"
    "Rejected for: not-json 1, missing key 1, unknown-type 1.\n"
)
FIRST_OF_BAD = (
    'line {}: unknown-type: type: expected CUSTOMER or SITE_VISIT or IMAGE or ORDER, got "WISH"'
)
OLD = "what an earlier run left\n"


def said(problem: str) -> str:
    return f"Main_Calculation.py: {problem}\n"


def contents(directory: Path) -> dict[str, bytes | str]:
    """What is in a directory: bytes of files, and where links lead."""
    return {
        path.name: os.readlink(path) if path.is_symlink() else path.read_bytes()
        for path in directory.iterdir()
        if path.is_symlink() or path.is_file()
    }


@pytest.fixture
def log(in_tmp: Path, make_file: MakeFile) -> str:
    """The worked example as `log.jsonl` in the working directory."""
    make_file(SAMPLE, "log.jsonl")
    return "log.jsonl"


@pytest.fixture
def bad_log(in_tmp: Path, make_file: MakeFile) -> str:
    """The worked example and three bad events as `bad.jsonl` in the working directory."""
    make_file(SAMPLE + BAD, "bad.jsonl")
    return "bad.jsonl"


@pytest.fixture
def earlier(in_tmp: Path, make_file: MakeFile) -> dict[str, bytes | str]:
    """What an earlier run left in the working directory, `out.txt` and `out.txt.rejects.jsonl`."""
    make_file(OLD, "out.txt")
    make_file(EARLIER_REJECTS, "out.txt.rejects.jsonl")
    return {"out.txt": OLD.encode(), "out.txt.rejects.jsonl": EARLIER_REJECTS.encode()}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project of its own for the defaults of this process: `input/` with the worked example."""
    directory = tmp_path / "project"
    (directory / "input").mkdir(parents=True)
    (directory / "input" / "log.jsonl").write_text(SAMPLE, encoding="utf-8")
    monkeypatch.setattr(ltv.options, "PROJECT", str(directory))
    return directory


# --- The results, and where they go -----------------------------------------------------------


def test_the_worked_example(run: Run, log: str, in_tmp: Path):
    assert run(10, log, "-o", "out.txt") == (
        0,
        TABLE,
        f"Read 6 events from 1 file: 6 accepted, 0 rejected.\n{DATA_LINE}Results: out.txt\n",
    )
    assert contents(in_tmp) == {"log.jsonl": SAMPLE.encode(), "out.txt": TABLE.encode()}


@pytest.mark.parametrize("format_name", RESULTS)
def test_the_ending_of_the_output_decides_the_format(
    format_name: str, run: Run, log: str, in_tmp: Path
):
    for ending in ENDINGS[format_name]:
        for name in ("top.2017" + ending, "TOP" + ending.upper()):
            done = run(10, log, "-o", name)
            assert (done.status, done.out) == (0, TABLE)
            assert without_origin((in_tmp / name).read_bytes()) == RESULTS[format_name].encode()


@pytest.mark.parametrize("words", ["-f csv -o -", "-o top.csv", "--backtest 2017-03-01 -o top.csv"])
def test_csv_for_excel_begins_with_a_byte_order_mark(words: str, run: Run, log: str, in_tmp: Path):
    if "--backtest" in words:
        times = ("2016-12-01", "2017-06-01")
        later = [json.dumps(ORDER | {"customer_id": "c1", "event_time": at}) for at in times]
        (in_tmp / log).write_text("\n".join(later).replace('"o"', '"o1"', 1))
    written = []
    for more in ([], ["--excel"]):
        done = run(10, log, *words.split(), *more, "-q")
        assert done.status == 0
        written.append(done.out.encode() if "-o -" in words else Path("top.csv").read_bytes())
    assert written[1] == b"\xef\xbb\xbf" + written[0]
    assert written[0].startswith((b"rank,", b"method,"))


@pytest.mark.parametrize("format_name", RESULTS)
@pytest.mark.parametrize("name", ["top", "top.dat", "top.csv", "top.json.gz", ".json"])
def test_the_format_asked_for_decides_before_the_ending(
    format_name: str, name: str, run: Run, log: str, in_tmp: Path
):
    assert run(10, log, "--output", name, "--format", format_name).status == 0
    assert without_origin((in_tmp / name).read_bytes()) == RESULTS[format_name].encode()


@pytest.mark.parametrize("name", ["top", "top.", ".csv", "day.1/csv", "..top"])
def test_without_an_ending_it_is_text(name: str, run: Run, log: str, in_tmp: Path):
    (in_tmp / "day.1").mkdir()
    assert run(10, log, "-o", name).status == 0
    assert (in_tmp / name).read_bytes() == TABLE.encode()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no FIFOs")
@pytest.mark.parametrize(("name", "format_name"), [("top.pipe", "text"), ("top.csv", "csv")])
def test_a_pipe_needs_no_ending_that_is_known(
    name: str, format_name: str, start: Start, log: str, in_tmp: Path
):
    os.mkfifo(name)
    process = start(10, log, "-q", "-o", name)
    assert without_origin(Path(name).read_bytes()) == RESULTS[format_name].encode()
    assert process.wait(60) == 0


@pytest.mark.parametrize("format_name", [None, *RESULTS])
def test_default_files(format_name: str | None, run: Run, project: Path):
    options = ["-f", format_name] if format_name else []
    name = "output" + ENDINGS[format_name or "text"][0]
    for _ in range(2):  # the directory is made when it is not there
        assert run(10, *options) == (
            0,
            TABLE,
            "Read 6 events from 1 file: 6 accepted, 0 rejected.\n"
            f"{DATA_LINE}Results: project/output/{name}\n",
        )
    assert os.listdir(project / "output") == [name]
    written = (project / "output" / name).read_bytes()
    assert without_origin(written) == RESULTS[format_name or "text"].encode()


def test_default_rejects_are_beside_the_default_output(run: Run, project: Path):
    (project / "input" / "bad.jsonl").write_text(SAMPLE + BAD, encoding="utf-8")
    done = run(10, "-f", "json")
    assert done.err.endswith(
        "Results: project/output/output.json\n"
        "Rejected events, with place and reason: project/output/output.rejects.jsonl\n"
    )
    assert sorted(contents(project / "output")) == ["output.json", "output.rejects.jsonl"]
    file = json.loads((project / "output" / "output.rejects.jsonl").read_text().splitlines()[0])
    assert file["file"] == "project/input/bad.jsonl"


@pytest.mark.parametrize(
    ("output", "rejects"),
    [
        ("project/output/output.csv", "project/output/output.rejects.jsonl"),
        ("project/link/output.csv.txt", "project/link/output.rejects.jsonl"),
        ("project/output/../output/output.html", "project/output/../output/output.rejects.jsonl"),
        ("project/output/output", "project/output/output.rejects.jsonl"),
        ("project/output/top.csv", "project/output/top.csv.rejects.jsonl"),
        ("project/output/outputs.csv", "project/output/outputs.csv.rejects.jsonl"),
        ("project/output.csv", "project/output.csv.rejects.jsonl"),
        ("output.csv", "output.csv.rejects.jsonl"),
    ],
)
def test_rejects_of_the_projects_own_output_by_name(
    output: str, rejects: str, run: Run, bad_log: str, project: Path
):
    (project / "output").mkdir()
    (project / "link").symlink_to("output")
    done = run(10, bad_log, "-o", output)
    assert done.err.endswith(
        f"Results: {output}\nRejected events, with place and reason: {rejects}\n"
    )
    assert len(rejects_in(Path(rejects))) == 3


def test_rejects_of_a_name_in_a_directory_that_is_gone(
    run: Run, project: Path, monkeypatch: pytest.MonkeyPatch
):
    (project / "gone").mkdir()
    monkeypatch.chdir(project / "gone")
    (project / "gone").rmdir()
    done = run(10, "-o", "output.csv")
    monkeypatch.chdir(project)
    assert done == (1, "", said("the working directory: No such file or directory"))


def test_defaults_without_a_working_directory(
    run: Run, project: Path, monkeypatch: pytest.MonkeyPatch
):
    (project / "gone").mkdir()
    monkeypatch.chdir(project / "gone")
    (project / "gone").rmdir()
    done = run(10, "-q")
    monkeypatch.chdir(project)
    assert done == (0, "", "")
    assert (project / "output" / "output.txt").read_bytes() == TABLE.encode()


def test_an_output_directory_that_cannot_be_made(run: Run, project: Path):
    (project / "output").write_text("in the way")
    reason = "cannot be written: Not a directory"
    expected = f"project/output/output.txt: {reason}; name another with -o"
    assert run(10) == (1, "", said(expected))


def test_the_project_itself_from_its_directory_and_from_elsewhere(tmp_path: Path):
    copy = tmp_path / "copy"
    for name in ("src", "input"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(PROJECT / name, copy / name, ignore=ignored)
    results: list[dict[str, bytes | str]] = []
    for directory, output in ((copy / "src", "../output/output"), (tmp_path, "copy/output/output")):
        done = subprocess.run(
            [sys.executable, "-S", "-E", os.path.relpath(copy / "src", directory) + "/"
             "Main_Calculation.py", "10"],
            cwd=directory, capture_output=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0
        assert done.stderr.decode() == (
            "Read 4,000 events from 1 file: 3,983 accepted, 17 rejected.\n"
            "Rejected for: not-json 1, not-an-object 1, missing type 1, missing key 1, "
            "missing customer_id 1, missing total_amount 1, unknown-type 2, "
            "unknown-verb 1, bad-id 2, bad-time 2, bad-amount 3, other-currency 1.\n"
            "Data from 2017-01-01 to 2017-12-31 UTC, 53 weeks: "
            "328 customers, 2,268 visits, 925 orders, 337 images.\n"
            f"Results: {output}.txt\n"
            f"Rejected events, with place and reason: {output}.rejects.jsonl\n"
        )
        written = contents(copy / "output")
        assert sorted(written) == ["output.rejects.jsonl", "output.txt"]
        assert written["output.txt"] == done.stdout
        assert len(done.stdout.splitlines()) == 5 + 10 + 1
        results.append(written)
    assert results[0]["output.txt"] == results[1]["output.txt"]


@pytest.mark.skipif(not CDNOW.exists(), reason="shared/data/ is not beside the project's root")
def test_the_cdnow_log(in_tmp: Path):
    program = str(PROJECT / "src" / "Main_Calculation.py")
    # With -S nothing measures coverage, which takes its time and would tell nothing new.
    done = subprocess.run(
        [sys.executable, "-S", "-E", program, "1", str(CDNOW), "-o", "top.json"],
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0
    assert done.stderr.decode().startswith(
        "Read 162,888 events from 1 file: 162,888 accepted, 0 rejected.\n"
        "Data from 1997-01-01 to 1998-06-30 UTC, 79 weeks: "
        "23,570 customers, 69,659 visits, 69,659 orders, 0 images.\n"
    )
    (first,) = json.loads((in_tmp / "top.json").read_bytes(), parse_float=str)["top"]
    assert first["customer_id"] == "92809333cc3c"
    assert (first["ltv"], first["revenue"]) == ("97003.78", "13990.93")
    assert (first["orders"], first["visits"], first["weeks"]) == (201, 201, 75)


@pytest.mark.parametrize("format_name", RESULTS)
def test_results_on_standard_output_alone(
    format_name: str, run: Run, finish: Run, log: str, in_tmp: Path
):
    account = f"Read 6 events from 1 file: 6 accepted, 0 rejected.\n{DATA_LINE}"
    expected = (0, RESULTS[format_name], account)
    for call in (run, finish):
        done = call(10, log, "-o", "-", "-f", format_name)
        assert done._replace(out=without_origin(done.out.encode()).decode()) == expected
    assert list(contents(in_tmp)) == ["log.jsonl"]


def test_no_rejects_beside_standard_output(run: Run, bad_log: str, in_tmp: Path):
    done = run(10, bad_log, "-o", "-")
    assert (done.status, done.out) == (0, TABLE)
    assert done.err == f"{BAD_ACCOUNT}{DATA_LINE}"
    assert list(contents(in_tmp)) == ["bad.jsonl"]


def test_rejects_can_be_asked_for_beside_standard_output(run: Run, bad_log: str, in_tmp: Path):
    done = run(10, bad_log, "-o", "-", "--rejects", "why.jsonl")
    assert done.err.endswith("Rejected events, with place and reason: why.jsonl\n")
    assert len((in_tmp / "why.jsonl").read_text().splitlines()) == 3


def test_another_name_of_standard_output(finish: Run, log: str, in_tmp: Path):
    done = finish(10, log, "-o", "/dev/stdout", "-f", "jsonl", "-q")
    assert done == (0, RESULTS["jsonl"], "")
    assert finish(10, log, "-o", "top.txt", "-q", redirected="> top.txt") == (0, "", "")
    assert contents(in_tmp) == {"log.jsonl": SAMPLE.encode(), "top.txt": TABLE.encode()}


def test_from_one_pipe_into_another(finish: Run, in_tmp: Path):
    data = gzip.compress(SAMPLE.encode())
    assert finish(10, "-", "-o", "-", "-f", "csv", "-q", data=data) == (0, RESULTS["csv"], "")
    assert list(contents(in_tmp)) == []


def test_quiet(run: Run, log: str, bad_log: str, in_tmp: Path):
    for option in ("-q", "--quiet"):
        assert run(10, log, "-o", "top.csv", option) == (0, "", "")
        assert (in_tmp / "top.csv").read_bytes() == RESULTS["csv"].encode()
        assert run(10, bad_log, "-o", "bad.csv", option) == (0, "", "")
        assert run(10, bad_log, "-o", "-", option) == (0, TABLE, "")
        assert run(10, "missing", option) == (1, "", said("missing: No such file or directory"))


@pytest.mark.parametrize(
    ("x", "count"),
    [("1", 1), ("2", 2), ("3", 2), ("002", 2), ("9" * 5000, 2)],
    ids=["fewer", "all", "more", "zeros", "far-more"],
)
def test_how_many_customers(x: str, count: int, run: Run, log: str):
    done = run(x, log, "-o", "top.jsonl")
    assert (done.status, len(done.out.splitlines())) == (0, 5 + count + 1)
    assert done.out.startswith(f"Top {count} of 2 customers ")


@pytest.mark.parametrize(
    "arguments",
    [
        ["10", "log.jsonl", "-o", "top.csv", "-q"],
        ["-q", "-o", "top.csv", "10", "log.jsonl"],
        ["--quiet", "10", "--output=top.csv", "log.jsonl"],
        ["10", "-otop.csv", "log.jsonl", "-q"],
        ["-q", "-o", "ignored.csv", "10", "-o", "top.csv", "--", "log.jsonl"],
    ],
    ids=range(5),
)
def test_options_may_stand_anywhere(arguments: list[str], run: Run, log: str, in_tmp: Path):
    assert run(*arguments) == (0, "", "")
    assert contents(in_tmp) == {"log.jsonl": SAMPLE.encode(), "top.csv": RESULTS["csv"].encode()}


def test_files_may_stand_between_options(run: Run, log: str, make_file: MakeFile):
    make_file("", "empty")
    done = run("10", log, "-o", "top.csv", "empty", "--strict", "empty")
    assert done.err.startswith("Read 6 events from 3 files: 6 accepted, 0 rejected.\n")


def test_a_file_whose_name_begins_like_an_option(run: Run, make_file: MakeFile):
    make_file(SAMPLE, "-q.jsonl")
    assert run("10", "-o", "top.csv", "--", "-q.jsonl").status == 0
    assert run("10", "-o", "top.csv", "./-q.jsonl").status == 0


# --- What the options do ----------------------------------------------------------------------


def figures(run: Run, in_tmp: Path, *arguments: object) -> dict[str, Any]:
    """The results in JSON of a run that does not fail, decimals as texts."""
    assert run(10, *arguments, "-q", "-o", "figures.json") == (0, "", "")
    found = json.loads((in_tmp / "figures.json").read_bytes(), parse_float=str)
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize(
    ("years", "shown", "ltv"),
    [
        ("1", 1, "346.84"),
        ("10", 10, "3468.40"),
        ("10.0", "10.0", "3468.40"),
        ("2.50", "2.50", "867.10"),
        ("0.001", "0.001", "0.35"),
        ("1000", 1000, "346840.00"),
    ],
)
def test_lifespan(*, years: str, shown: object, ltv: str, run: Run, log: str, in_tmp: Path):
    found = figures(run, in_tmp, log, "--lifespan", years)
    assert (found["lifespan_years"], found["top"][0]["ltv"]) == (shown, ltv)
    title = run(10, log, "-o", "-", "--lifespan", years).out.splitlines()[0]
    assert title == f"Top 2 of 2 customers by {years}-year lifetime value (LTV), in USD"


def test_currency(run: Run, in_tmp: Path, make_file: MakeFile):
    order = '{"type":"ORDER","verb":"NEW","key":%d,"customer_id":"c","event_time":"2017-01-02",'
    amounts = ['"1 EUR"', '"2 USD"', '"4"', "8", '"$16"', '"EUR 32"']
    log = make_file("\n".join((order % n) + f'"total_amount":{amount}}}'
                              for n, amount in enumerate(amounts)), "mixed.jsonl")  # fmt: skip
    for currency, revenue, rejected in (("USD", "30.00", 2), ("EUR", "45.00", 2)):
        found = figures(run, in_tmp, log, "--currency", currency)
        assert found["currency"] == currency
        assert found["events"] == {"read": 6, "accepted": 6 - rejected, "rejected": rejected}
        assert found["top"][0]["revenue"] == revenue
    assert "in EUR\n" in run(1, log, "-o", "-", "--currency", "EUR").out
    assert "in EUR\n" in run(1, log, "-o", "-", "--currency", "eUr").out
    assert figures(run, in_tmp, log)["currency"] == "USD"
    assert figures(run, in_tmp, log, "--currency", "eUr") == figures(
        run, in_tmp, log, "--currency", "EUR"
    )


@pytest.mark.parametrize(
    ("day", "later", "ltv"),
    [("2017-01-08", 1, "5202.60"), ("2017-01-09", 0, "3468.40"), ("2017-01-02", 3, "2600.00"),
     ("2017-01-01", 3, "5200.00"), ("2199-12-31", 0, "3468.40")],
)  # fmt: skip
def test_until(*, day: str, later: int, ltv: str, run: Run, log: str, in_tmp: Path):
    if day == "2017-01-02":  # the end of the data is that of the events that count
        ltv = "5200.00"
    found = figures(run, in_tmp, log, "--until", day)
    accepted = 6 - later
    assert found["events"] == {"read": 6, "accepted": accepted, "rejected": 0, "later": later}
    assert found["top"][0]["ltv"] == ltv
    done = run(10, log, "-o", "-", "--until", day)
    account = f"Read 6 events from 1 file: {accepted} accepted, 0 rejected, {later} later than"
    assert done.err.splitlines()[0] == f"{account} {day}."


@pytest.mark.parametrize(
    ("day", "earlier", "ltv"),
    [("2017-01-01", 0, "3468.40"), ("2017-01-02", 3, "5202.60"), ("2017-01-03", 3, "5202.60")],
)
def test_since(*, day: str, earlier: int, ltv: str, run: Run, log: str, in_tmp: Path):
    found = figures(run, in_tmp, log, "--since", day)
    accepted = 6 - earlier
    assert found["events"] == {"read": 6, "accepted": accepted, "rejected": 0, "earlier": earlier}
    assert found["top"][0]["ltv"] == ltv
    done = run(10, log, "-o", "-", "--since", day, "--until", "2017-01-08")
    account = f"Read 6 events from 1 file: {accepted - 1} accepted, 0 rejected, "
    outside = f"{earlier} earlier than {day}, 1 later than 2017-01-08."
    assert done.err.splitlines()[0] == account + outside


def test_events_that_are_later_are_no_rejects_but_bad_ones_are(run: Run, bad_log: str):
    done = run(10, bad_log, "-o", "out.txt", "--until", "2016-12-31")
    assert done == (
        1,
        "",
        "Read 9 events from 1 file: 0 accepted, 3 rejected, 6 later than 2016-12-31.\n"
        "Rejected for: not-json 1, missing key 1, unknown-type 1.\n"
        + said(
            "nothing to rank in 1 file: 6 of 9 events are later than --until; "
            "see out.txt.rejects.jsonl"
        ),
    )


@pytest.mark.parametrize("count", ["1", "2", "64"])
def test_workers_make_no_difference(count: str, run: Run, log: str):
    done = run(10, log, "-o", "-", "-f", "json", "-q", "--workers", count)
    assert done == (0, RESULTS["json"], "")


def test_help_leads_with_the_formula_and_examples(run: Run):
    for option in ("-h", "--help"):
        done = run(option)
        assert (done.status, done.err) == (0, "")
    paragraphs = done.out.split("\n\n")
    assert paragraphs[0] == "usage: python Main_Calculation.py X [FILE ...] [options]"
    assert paragraphs[2] == "  LTV = 52 x revenue / weeks x years"
    assert paragraphs[4].startswith("examples:\n  python Main_Calculation.py 10 ")
    assert [line.split()[0] for line in paragraphs[-1].splitlines()] == [
        "exit", "0", "1", "2", "3", "130,",
    ]  # fmt: skip
    assert all(name in done.out for name in RESULTS)


#: Of each option, but for those of argparse itself.
HELP = {
    "--csv MEMBER=COLUMN,...": "the files are CSV, a row an order: the columns of customer_id, "
    "key (or @row), event_time, total_amount; also of currency, last_name, minus (taken off the "
    "amount)",
    "--csv-where COLUMN=VALUE,...": "only rows with one of these values; may be given again for "
    "another column",
    "--csv-same-key HOW": "rows of one order with different amounts: sum, last or max; else the "
    "run fails",
    "--csv-time FORMAT": "how times are written, as for strptime, such as '%m/%d/%Y %H:%M'",
    "--timezone NAME": "the zone of times without one, such as Europe/Berlin; default: UTC",
    "--decimal-comma": "amounts in CSV are written as 1.250,00",
    "--csv-quote QUOTE": "none: a quote in CSV is a character like others; default: double",
    "--csv-encoding NAME": "of CSV; default: utf-8",
    "--to-events": "instead of the ranking, write the events that CSV is read as, as JSON Lines",
    "X": "how many customers to show; not needed with --explain or --to-events",
    "FILE": "event files, directories of them, or - for standard input; default: input/",
    "--output PATH": "where the results go; - for standard output; default: output/output.txt",
    "--format FORMAT": "text, csv, json, jsonl, md, html; default: by the output's ending, "
    "else text",
    "--rejects PATH": "where rejected events go; default: the output's name with .rejects.jsonl "
    "added; nowhere with -o -",
    "--excel": "begin the CSV with a byte-order mark, by which Excel knows accents",
    "--segment NAME": "rank only customers in this segment: champions, loyal, potential-loyal, "
    "new, promising, need-attention, about-to-sleep, at-risk, cannot-lose, lost",
    "--strict": "fail when any event is rejected",
    "--max-rejects N": "fail when more than N events are rejected",
    "--lifespan YEARS": "how long a customer stays; default: 10",
    "--currency CUR": "the currency that is summed; amounts in others are rejected; default: USD",
    "--since DATE": "only events from the begin of that day, UTC, such as 2017-01-31",
    "--until DATE": "only events up to the end of that day, UTC",
    "--by METHOD": "what to rank by: ltv, revenue, recent, expected; default: ltv",
    "--half-life WEEKS": "with --by recent or --backtest, the age at which revenue counts half; "
    "default: 13",
    "--horizon WEEKS": "with --by expected, how far ahead to look; default: 52",
    "--min-weeks N": "rank only customers of at least N weeks",
    "--min-orders N": "rank only customers with at least N orders",
    "--backtest DATE": "instead of the ranking, show how well each method would have ranked by "
    "what was known at the end of that day, UTC",
    "--explain CUSTOMER_ID": "instead of the ranking, show what went into the value of one "
    "customer, given by its id or the begin of it",
    "--store PATH": "join the events into this file (or mongodb://HOST/DB) and rank all that it "
    "knows; without FILE, only rank",
    "--workers N": "how many processes read a large input; default: one for each processor",
    "--temp DIR": "directory for what does not fit in memory; default: the system's",
    "--engine ENGINE": "local (on this machine) or spark (on a cluster); default: local",
    "--partitions N": "with --engine spark, how many parts the customers are dealt into; default: "
    "one for each 64 MiB of JSON, at least one for each processor",
    "--quiet": "print only errors and warnings; the results go where -o says",
}


@pytest.mark.parametrize("columns", ["40", "80", "200"])
def test_the_help_says_what_each_option_does_in_80_columns(
    columns: str, run: Run, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("COLUMNS", columns)
    done = run("--help")
    assert max(map(len, done.out.splitlines())) <= 80
    words = " ".join(done.out.split())
    assert [name for name, text in HELP.items() if f"{name} {text}" not in words] == []
    named = {action.dest for action in ltv.options.command_line_parser()._actions}
    assert len(named) == len(HELP) + len(("help", "version"))


def test_examples_of_the_help_are_understood(run: Run):
    examples = [
        line.split("  ")[1] for line in run("--help").out.splitlines() if "  python" in line
    ]
    assert len(examples) >= 4
    for example in examples:
        arguments = example.partition("Main_Calculation.py ")[2].split()
        assert ltv.options.parse_options(arguments).x > 0


def test_version(run: Run):
    done = run("--version")
    assert (done.status, done.err) == (0, "")
    version = (PROJECT / "pyproject.toml").read_text("utf-8").partition('\nversion = "')[2]
    assert done.out == f"Main_Calculation.py {version.partition(chr(34))[0]}\n"


def test_no_arguments(run: Run, finish: Run):
    expected = run("--help").out
    assert run() == (2, "", expected)
    done = finish()
    assert (done.status, done.out) == (2, "")
    assert done.err.splitlines()[:4] == expected.splitlines()[:4]


A_NUMBER = "expected a whole number of at least 1, such as 10"
A_COUNT = "expected a whole number of at least 0, such as 10"
A_FORMAT = "expected text, csv, json, jsonl, md or html"
A_FILE = "expected the path of a file, such as top.csv"
A_METHOD = "expected ltv, revenue, recent or expected"
WEEKS = "expected weeks above 0 and up to 1000, such as 10 or 2.5"
YEARS = "expected years above 0 and up to 1000, such as 10 or 2.5"
LETTERS = "expected a currency as three letters, such as USD"
AN_ENDING = (
    "expected a name that ends in .txt, .csv, .json, .jsonl, .ndjson, .md, .markdown, .html or "
    ".htm, or a format given with -f"
)
A_DATE = "expected a date from 1970 to 2199, such as 2017-12-31"

MISTAKES: list[tuple[list[str], str]] = [
    *(([x], f"argument X: given '{x}', {A_NUMBER}")
      for x in ("0", "-5", "1.5", "ten", "", "+1", " 1", "1e3", "1_0",
                "\uff11\uff10", "000", "0x1")),
    (["log.jsonl", "10"], f"argument X: given 'log.jsonl', {A_NUMBER}"),
    (["-q"], "X is missing, expected how many customers to show"),
    (["-o", "top.csv"], "X is missing, expected how many customers to show"),
    (["10", ""], f"argument FILE: given '', {A_FILE}"),
    (["10", "a\0b"], rf"argument FILE: given 'a\x00b', {A_FILE}"),
    (["10", "-o", ""], f"argument -o/--output: given '', {A_FILE}"),
    (["10", "-o", "a\0"], rf"argument -o/--output: given 'a\x00', {A_FILE}"),
    (["10", "-o"], "argument -o/--output: expected one argument"),
    *((["10", "-o", name], f"argument -o/--output: given '{name}', {AN_ENDING}")
      for name in ("top.dat", "top.xlsx", "top.csv.bak", "no/top.json.gz", ".top.c", "top.jsonl~")),
    (["10", "--explain", "c", "-o", "c.pdf"],
     f"argument -o/--output: given 'c.pdf', {AN_ENDING}"),
    *((["10", *words.split(), "--excel"],
       f"argument --excel: given the format {given}, expected csv")
      for words, given in (("", "text"), ("-o top.json", "json"), ("-f md -o top.csv", "md"))),
    (["10", "--rejects", ""], f"argument --rejects: given '', {A_FILE}"),
    (["10", "--rejects", "-"],
     "argument --rejects: given '-', expected the path of a file, such as rejects.jsonl"),
    (["10", "--strict=yes"], "argument --strict: ignored explicit argument 'yes'"),
    *((["10", f"--max-rejects={n}"], f"argument --max-rejects: given '{n}', {A_COUNT}")
      for n in ("-1", "x", "", "1.0")),
    *((["10", f"--lifespan={years}"], f"argument --lifespan: given '{years}', {YEARS}")
      for years in ("0", "0.0", "-1", "1000.01", "1001", "1e1", "ten", "", "NaN", "1,5", ".5",
                    "5.", "+5", "\uff11")),
    *((["10", "--by", method, f"--{name}={weeks}"], f"argument --{name}: given '{weeks}', {WEEKS}")
      for method, name in (("recent", "half-life"), ("expected", "horizon"))
      for weeks in ("0", "0.0", "-1", "1000.01", "1e1", "ten", "", "NaN", "1,5", ".5", "5.")),
    *((["10", *f"{words} --half-life 13".split()],
       "argument --half-life: can only be used with --by recent or --backtest")
      for words in ("", "--by ltv", "--by revenue", "--by expected")),
    *((["10", *f"{words} --horizon 52".split()],
       "argument --horizon: can only be used with --by expected")
      for words in ("", "--by ltv", "--by revenue", "--by recent")),
    *((["10", f"--by={method}"], f"argument --by: given '{method}', {A_METHOD}{perhaps}")
      for method, perhaps in (
          ("best", ""), ("", ""), ("LTV", ", perhaps ltv"), ("recnet", ", perhaps recent"),
          ("expect", ""), ("revenu", ", perhaps revenue"))),
    *((["10", f"--min-{what}={n}"], f"argument --min-{what}: given '{n}', {A_COUNT}")
      for what in ("weeks", "orders") for n in ("-1", "x", "", "1.5")),
    *((["10", f"--currency={currency}"], f"argument --currency: given '{currency}', {LETTERS}")
      for currency in ("US", "USDX", "$", "", "U D", "ÄÖÜ", "\ufb00s", "us\u0131")),
    *((["10", f"--until={day}"], f"argument --until: given '{day}', {A_DATE}")
      for day in ("2017-02-30", "2017-1-1", "1969-12-31", "2200-01-01", "today", "",
                  "2017-01-01T00:00", "20170101", "2017-01-01Z")),
    (["10", "--since", "2017-02-30"], f"argument --since: given '2017-02-30', {A_DATE}"),
    (["10", "--since", "2017-01-02", "--until", "2017-01-01"],
     "argument --since: 2017-01-02 is after --until 2017-01-01"),
    *((["10", f"--workers={n}"], f"argument --workers: given '{n}', {A_NUMBER}")
      for n in ("0", "-1", "two", "")),
    (["10", "--nope"], "unrecognized arguments: --nope, expected an option that --help lists"),
    (["10", "--out", "x"], "unrecognized arguments: --out x, expected an option that --help lists"),
    (["10", "-x"], "unrecognized arguments: -x, expected an option that --help lists"),
    *((["10", *words.split()], f"unrecognized arguments: {words}, expected {meant}")
      for words, meant in (
          ("--untill 2017-12-31", "--until"), ("--untl=2017-12-31", "--until"),
          ("--unril", "--until"), ("--ouput top.csv -x", "--output"), ("--ouptut", "--output"),
          ("--formt", "--format"), ("--sstrict", "--strict"), ("--trict", "--strict"),
          ("--stricT", "--strict"), ("--quite", "--quiet"), ("--max_rejects 3", "--max-rejects"),
          ("--helpp", "--help"), ("--half-live 3", "--half-life"), ("--min-order", "--min-orders"),
          ("--stroe a --wrokers 2", "--store and --workers"),
          ("--timeout 3", "an option that --help lists"), ("---until", "--until"),
          ("--unt", "an option that --help lists"), ("--stritc9", "an option that --help lists"),
      )),
    *((["10", "-f", given], f"argument -f/--format: given '{given}', {A_FORMAT}{perhaps}")
      for given, perhaps in (
          ("xml", ""), ("", ""), ("cvs", ", perhaps csv"), ("jsn", ", perhaps json"),
          ("CSV", ", perhaps csv"), ("jsonll", ", perhaps jsonl"), ("htnl", ", perhaps html"),
      )),
    (["10", "--engine=sprak"],
     "argument --engine: given 'sprak', expected local or spark, perhaps spark"),
    (["\x1b[2J"], rf"argument X: given '\x1b[2J', {A_NUMBER}"),
    (["1\n2"], rf"argument X: given '1\n2', {A_NUMBER}"),
    (["\u202e1"], rf"argument X: given '\u202e1', {A_NUMBER}"),
    (["10", "--\x1b"], r"unrecognized arguments: --\x1b, expected an option that --help lists"),
]  # fmt: skip
AN_EXAMPLE = "; for example: python Main_Calculation.py 10 logs/ -o top.csv"


@pytest.mark.parametrize(("arguments", "problem"), MISTAKES, ids=map(str, range(len(MISTAKES))))
def test_mistakes_on_the_command_line(
    arguments: list[str], problem: str, run: Run, earlier: dict[str, bytes | str], in_tmp: Path
):
    assert run(*arguments) == (2, "", said(problem + AN_EXAMPLE))
    assert contents(in_tmp) == earlier


# --- Rejects ----------------------------------------------------------------------------------

REJECTS = [
    {
        "file": "bad.jsonl",
        "line": 7,
        "offset": len(SAMPLE),
        "reason": "unknown-type",
        "member": "type",
        "message": 'type: expected CUSTOMER or SITE_VISIT or IMAGE or ORDER, got "WISH"',
        "text": '{"type":"WISH"}',
    },
    {
        "file": "bad.jsonl",
        "line": 8,
        "offset": len(SAMPLE) + 16,
        "reason": "missing",
        "member": "key",
        "message": "key: expected this member, it is missing or null",
        "text": '{"type":"ORDER","verb":"NEW"}',
    },
    {
        "file": "bad.jsonl",
        "line": 9,
        "offset": len(SAMPLE) + 46,
        "reason": "not-json",
        "member": None,
        "message": "expected more JSON, got the end at character 9",
        "text": '{"type":',
    },
]


def rejects_in(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


@pytest.mark.parametrize(
    "output",
    ["out.txt", "out.csv", "out", "out.2017.json", "deeper/out.txt", "output.txt", ".csv", "out."],
)
def test_rejects_are_beside_the_output(output: str, run: Run, bad_log: str, in_tmp: Path):
    rejects = f"{output}.rejects.jsonl"
    (in_tmp / "deeper").mkdir()
    assert run(10, bad_log, "-o", output) == (
        0,
        TABLE,
        f"{BAD_ACCOUNT}{DATA_LINE}Results: {output}\n"
        f"Rejected events, with place and reason: {rejects}\n",
    )
    assert rejects_in(in_tmp / rejects) == REJECTS


def test_rejects_where_they_are_asked_for(run: Run, bad_log: str, in_tmp: Path):
    done = run(10, bad_log, "-o", "out.txt", "--rejects", "why.txt")
    assert done.err.endswith("Rejected events, with place and reason: why.txt\n")
    assert rejects_in(in_tmp / "why.txt") == REJECTS
    assert sorted(contents(in_tmp)) == ["bad.jsonl", "out.txt", "why.txt"]


def test_rejects_of_several_files_in_the_order_given(run: Run, in_tmp: Path, make_file: MakeFile):
    for name in ("logs/b", "logs/a", "first"):
        make_file(BAD, name)
    make_file(SAMPLE, "good")
    assert run(10, "first", "logs", "good", "-q", "-o", "out.txt").status == 0
    places = [
        (reject["file"], reject["offset"])
        for reject in rejects_in(in_tmp / "out.txt.rejects.jsonl")
    ]
    assert places == list(itertools.product(("first", "logs/a", "logs/b"), (0, 16, 46)))


def test_earlier_rejects_are_removed_when_there_are_none(
    run: Run, log: str, earlier: dict[str, bytes | str], in_tmp: Path
):
    assert run(10, log, "-o", "out.txt", "-q", "--strict") == (0, "", "")
    assert sorted(contents(in_tmp)) == ["log.jsonl", "out.txt"]
    (in_tmp / "why.jsonl").write_text(EARLIER_REJECTS)
    assert run(10, log, "-o", "out.txt", "-q", "--rejects", "why.jsonl") == (0, "", "")
    assert sorted(contents(in_tmp)) == ["log.jsonl", "out.txt"]


def test_rejects_may_go_nowhere(run: Run, log: str, bad_log: str, device: Callable[[str], str]):
    null = device("null")
    for file in (log, bad_log):
        assert run(10, file, "-o", "out.txt", "-q", "--rejects", null) == (0, "", "")
    assert stat.S_ISCHR(os.stat(null).st_mode)


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (["--strict"], "3 events rejected, --strict allows 0"),
        (["--max-rejects", "0"], "3 events rejected, --max-rejects allows 0"),
        (["--max-rejects", "2"], "3 events rejected, --max-rejects allows 2"),
        (["--strict", "--max-rejects", "5"], "3 events rejected, --strict allows 0"),
    ],
    ids=["strict", "max-0", "max-2", "both"],
)
def test_too_many_rejects(
    *,
    options: list[str],
    problem: str,
    run: Run,
    bad_log: str,
    earlier: dict[str, bytes | str],
    in_tmp: Path,
):
    first = f"the first: bad.jsonl, {FIRST_OF_BAD.format(7)}"
    assert run(10, bad_log, "-o", "out.txt", *options) == (
        3,
        "",
        BAD_ACCOUNT + said(f"{problem}; {first}; see out.txt.rejects.jsonl"),
    )
    assert rejects_in(in_tmp / "out.txt.rejects.jsonl") == REJECTS
    assert (in_tmp / "out.txt").read_text() == OLD
    assert sorted(contents(in_tmp)) == ["bad.jsonl", "out.txt", "out.txt.rejects.jsonl"]
    assert run(10, bad_log, "-o", "out.txt", "-q", *options) == (
        3,
        "",
        said(f"{problem}; {first}; see out.txt.rejects.jsonl"),
    )
    assert run(10, bad_log, "-o", "-", "-q", *options) == (3, "", said(f"{problem}; {first}"))


def test_one_event_too_many(run: Run, make_file: MakeFile):
    file = make_file(SAMPLE + BAD.splitlines()[0])
    done = run(10, file, "-o", "out.txt", "-q", "--strict")
    problem = f"1 event rejected, --strict allows 0; the first: {file}, {FIRST_OF_BAD.format(7)}"
    assert done == (3, "", said(f"{problem}; see out.txt.rejects.jsonl"))


def test_the_first_reject_is_that_of_the_first_file(run: Run, in_tmp: Path, make_file: MakeFile):
    make_file(SAMPLE, "good")
    make_file("\n" + BAD.splitlines(keepends=True)[1], "logs/a/z")
    make_file(BAD, "logs/b")
    problem = "4 events rejected, --max-rejects allows 3; the first: logs/a/z, line 2: missing: key"
    done = run(10, "good", "logs", "good", "-o", "-", "-q", "--max-rejects", 3)
    assert done == (3, "", said(f"{problem}: expected this member, it is missing or null"))


def test_too_many_rejects_and_nothing_left_to_rank(run: Run, in_tmp: Path, make_file: MakeFile):
    make_file(BAD, "bad.jsonl")
    problem = "3 events rejected, --strict allows 0; the first: bad.jsonl, "
    done = run(10, "bad.jsonl", "-o", "-", "-q", "--strict")
    assert done == (3, "", said(problem + FIRST_OF_BAD.format(1)))
    assert run(10, "bad.jsonl", "-o", "-", "-q").status == 1
    make_file("[", "damaged.json")
    assert run(10, "bad.jsonl", "damaged.json", "-o", "-", "-q", "--strict").status == 1


def test_what_is_missing_is_said_by_member(run: Run, make_file: MakeFile):
    order: dict[str, object]
    order = {"customer_id": "c", "total_amount": "1", "event_time": "2017-01-02", "key": "o",
             "verb": "NEW", "type": "ORDER"}  # fmt: skip
    events = [{**order, "key": number} for number in range(3)]
    for number, name in enumerate(order):
        events += (number + 1) * [{other: order[other] for other in order if other != name}]
    events += [{**order, "event_time": "now"}, {**order, "type": "WISH"}]
    done = run(1, make_file("\n".join(map(json.dumps, events))), "-o", "-", "-f", "json")
    assert (
        "Rejected for: missing type 6, missing verb 5, missing key 4, missing event_time 3, "
        "missing customer_id 1, missing total_amount 2, unknown-type 1, bad-time 1."
    ) in done.err.splitlines()
    expected = {"missing": 21, "unknown-type": 1, "bad-time": 1}
    assert json.loads(done.out)["figures"]["rejected_for"] == expected


@pytest.mark.parametrize("count", ["3", "4", "9" * 30])
def test_as_many_rejects_as_allowed(count: str, run: Run, bad_log: str, in_tmp: Path):
    assert run(10, bad_log, "-o", "out.txt", "-q", "--max-rejects", count) == (0, "", "")
    assert rejects_in(in_tmp / "out.txt.rejects.jsonl") == REJECTS


def test_nothing_left_to_rank_but_rejects(
    run: Run, earlier: dict[str, bytes | str], in_tmp: Path, make_file: MakeFile
):
    make_file(BAD, "bad.jsonl")
    assert run(10, "bad.jsonl", "-o", "out.txt") == (
        1,
        "",
        "Read 3 events from 1 file: 0 accepted, 3 rejected.\n"
        "Rejected for: not-json 1, missing key 1, unknown-type 1.\n"
        + said(
            "nothing to rank in 1 file: 1 order event rejected, 1 for missing key; "
            "see out.txt.rejects.jsonl"
        ),
    )
    found = rejects_in(in_tmp / "out.txt.rejects.jsonl")
    assert [reject["reason"] for reject in found] == ["unknown-type", "missing", "not-json"]
    assert (in_tmp / "out.txt").read_text() == OLD


# --- Failures ---------------------------------------------------------------------------------

CUT_OFF = "the array is cut off, its closing ] is missing"
ZIP = "not an event log: it is a zip archive: unzip -p a | python Main_Calculation.py X -"

FAILURES: dict[str, tuple[dict[str, bytes], list[str], str]] = {
    # files, arguments after X, what is said
    "missing": ({}, ["missing"], "missing: No such file or directory"),
    "missing-after-good": ({"a": SAMPLE.encode()}, ["a", "no"], "no: No such file or directory"),
    "array-cut-off": ({"a": b"[" + BAD.encode()[:16]}, ["a"],
                      f"a: line 2, byte offset 17: {CUT_OFF}"),
    "damaged-after-good": ({"a": SAMPLE.encode(), "b": b"["}, ["a", "b"],
                           f"b: line 1, byte offset 1: {CUT_OFF}"),
    "damaged-after-bad": ({"a": (SAMPLE + BAD).encode(), "b": b"["}, ["a", "b", "--strict"],
                          f"b: line 1, byte offset 1: {CUT_OFF}"),
    "gzip-cut-off": ({"a": gzip.compress(SAMPLE.encode())[:-1]}, ["a"],
                     f"a: line 7, byte offset {len(SAMPLE)}: "
                     "the gzip stream is cut off"),
    "utf-16": ({"a": SAMPLE.encode("utf-16")}, ["a"],
               "a: line 1, byte offset 0: expected UTF-8, got UTF-16 or UTF-32"),
    "no-event-log": ({"a": b"PK\3\4"}, ["a"], f"a: {ZIP}"),
    "nothing-to-rank": ({"a": b"", "b": b"[]"}, ["a", "b"], "nothing to rank in 2 files"),
    "all-later": ({"a": SAMPLE.encode()}, ["a", "--until", "2016-12-31"],
                  "nothing to rank in 1 file: 6 of 6 events are later than --until"),
    "empty-directory": ({"d/.x": b""}, ["d"], "nothing to rank in 0 files"),
    "rejects-directory": ({"a": SAMPLE.encode()}, ["a", "--rejects", "no/why"],
                          "no/why: cannot be written: No such file or directory; "
                          "name another with --rejects"),
    "rejects-are-a-directory": ({"a": SAMPLE.encode(), "d/x": b""}, ["a", "--rejects", "d"],
                                "d: expected a file to write, got a directory; "
                                "name another with --rejects"),
    "output-is-input": ({}, ["out.txt"],
                        "out.txt: cannot be the output and an input (out.txt) at once"),
    "rejects-are-input": ({}, ["out.txt.rejects.jsonl"],
                          "out.txt.rejects.jsonl: cannot be the rejects and an input "
                          "(out.txt.rejects.jsonl) at once"),
    "rejects-are-output": ({"a": SAMPLE.encode()}, ["a", "--rejects", "./out.txt"],
                           "out.txt: cannot be the output and the rejects (./out.txt) at once"),
}  # fmt: skip


@pytest.mark.parametrize(("files", "arguments", "problem"), FAILURES.values(), ids=FAILURES.keys())
def test_a_failure_is_said_in_one_line_and_leaves_every_file(
    *,
    files: dict[str, bytes],
    arguments: list[str],
    problem: str,
    run: Run,
    earlier: dict[str, bytes | str],
    in_tmp: Path,
    make_file: MakeFile,
):
    for name, content in files.items():
        make_file(content, name)
    before = contents(in_tmp)
    assert run(10, *arguments, "-o", "out.txt", "-q") == (1, "", said(problem))
    assert contents(in_tmp) == before
    assert earlier.items() <= before.items()


@pytest.mark.parametrize(
    ("output", "reason"),
    [
        ("no/top.csv", "cannot be written: No such file or directory"),
        ("log.jsonl/top.csv", "cannot be written: Not a directory"),
        (".", "expected a file to write, got a directory"),
    ],
)
@pytest.mark.parametrize("option", ["-o", "--rejects"])
def test_an_output_that_cannot_be_written(
    option: str, output: str, reason: str, run: Run, log: str, in_tmp: Path
):
    """The line says so before anything is read, here of a file that is damaged."""
    with open(log, "w") as file:
        file.write("[")
    done = run(10, log, "-o", "out.csv", option, output)
    assert done == (1, "", said(f"{output}: {reason}; name another with {option}"))
    assert list(contents(in_tmp)) == ["log.jsonl"]


TOO_MANY = "Too many open files; ulimit -n sets how many"


@pytest.mark.parametrize(
    ("error", "problem"),
    [
        (OSError(5, "Input/output error", "disk"), "disk: Input/output error"),
        (
            OSError(5, "Input/output error"),
            "the system stopped this run: Input/output error; with LTV_DEBUG=1 it says where",
        ),
        (OSError(24, "Too many open files", "disk"), f"disk: {TOO_MANY}"),
        (OSError(24, "Too many open files"), f"opening a file: {TOO_MANY}"),
        (MemoryError(), "out of memory"),
        (OSError(12, "Cannot allocate memory"), "out of memory"),
        (SystemError("error return without exception set"), "out of memory"),
        (
            RuntimeError("can't start new thread"),
            "no more threads can be started; ulimit -u sets how many",
        ),
        (
            ImportError("x.so: failed to map segment from shared object"),
            "a module of Python cannot be loaded: x.so: failed to map segment from shared object",
        ),
        (
            RuntimeError("odd\x1b"),
            r"a fault of this program: RuntimeError('odd\x1b'); with LTV_DEBUG=1 it says where",
        ),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_what_nobody_expects(
    *,
    error: Exception,
    problem: str,
    run: Run,
    log: str,
    earlier: dict[str, bytes | str],
    in_tmp: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    def fail(*arguments: object, **options: object) -> None:
        raise error

    before = contents(in_tmp)
    monkeypatch.setattr(ltv.customers, "is_large", fail)
    assert run(10, log, "-o", "out.txt") == (1, "", said(problem))
    assert contents(in_tmp) == before


def test_debug_says_where(run: Run, finish: Run, monkeypatch: pytest.MonkeyPatch):
    problem = said("missing: No such file or directory")
    monkeypatch.setenv("LTV_DEBUG", "1")
    done = finish(10, "missing", env={"LTV_DEBUG": "1"})
    for status, out, err in (run(10, "missing"), done):
        assert (status, out) == (1, "")
        assert err.startswith("Traceback (most recent call last):\n")
        assert "ltv/reading/files.py" in err
        assert err.endswith("\n" + problem)
    monkeypatch.setenv("LTV_DEBUG", "0")
    assert run(10, "missing").err == problem


def test_debug_escapes_what_a_terminal_would_act_on(run: Run, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("LTV_DEBUG", "1")
    done = run(10, "missing\x1b[2J")
    assert r"missing\x1b[2J" in done.err
    assert "\x1b" not in done.err


# --- Different files --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "spelling", ["log.jsonl", "./log.jsonl", "above/log.jsonl", "link", "twin"]
)
def test_an_input_is_never_overwritten(spelling: str, run: Run, log: str, in_tmp: Path):
    (in_tmp / "above").symlink_to(in_tmp)
    (in_tmp / "link").symlink_to(log)
    os.link(log, "twin")
    before = contents(in_tmp)
    at_once = "cannot be the {} and an input (log.jsonl) at once"
    for arguments, role in (
        (["-o", spelling], "output"),
        (["-o", "out.txt", "--rejects", spelling], "rejects"),
    ):
        done = run(10, log, *arguments)
        assert done == (1, "", said(f"{spelling}: {at_once.format(role)}"))
        assert contents(in_tmp) == before


def test_standard_input_is_never_overwritten(finish: Run, log: str, in_tmp: Path):
    with open(log, "rb") as stream:
        done = finish(10, "-", "-o", log, stdin=stream)
    assert done == (1, "", said("log.jsonl: cannot be the output and an input (-) at once"))
    assert contents(in_tmp) == {"log.jsonl": SAMPLE.encode()}


def test_own_files_in_an_input_directory_are_passed_over(
    run: Run, in_tmp: Path, make_file: MakeFile
):
    make_file(SAMPLE + BAD, "logs/a.jsonl")
    make_file("not to be read", "logs/.hidden")
    make_file("not to be read", "logs/_deeper/b")
    make_file(BAD, "logs/day=1/b")
    read = []
    for _ in range(3):
        options = ["-o", "logs/day=1/top.json", "--store", "logs/shop.store"]
        done = run(10, "logs", *options, "--rejects", "logs/why")
        assert done.status == 0
        read.append((done, contents(in_tmp / "logs/day=1"), rejects_in(in_tmp / "logs/why")))
    assert read[0] == read[1] == read[2]
    assert read[0][0].err.startswith("Read 12 events from 2 files: ")
    assert sorted(read[0][1]) == ["b", "top.json"]
    assert sorted(contents(in_tmp / "logs")) == [".hidden", "a.jsonl", "shop.store", "why"]


def test_results_behind_a_link(run: Run, log: str, in_tmp: Path):
    (in_tmp / "real").mkdir()
    (in_tmp / "real" / "top").write_text(OLD)
    (in_tmp / "top.csv").symlink_to("real/top")
    assert run(10, log, "-o", "top.csv", "-q").status == 0
    assert contents(in_tmp)["top.csv"] == "real/top"
    assert contents(in_tmp / "real") == {"top": RESULTS["csv"].encode()}


# --- The same events, the same bytes ----------------------------------------------------------

NAMES = ["Müller", "佐藤", "=1+1", "a\u202eb", "O'Brien", None]


def some_events() -> list[str]:
    """Events of a few customers, with ties, bad ones and repetitions among them."""
    rng = random.Random(7)
    events: list[str] = []
    for number in range(150):
        event: dict[str, object] = {
            "type": rng.choice(["CUSTOMER", "SITE_VISIT", "IMAGE", "ORDER", "ORDER"]),
            "key": f"k{rng.randrange(40)}",
            "event_time": f"2017-0{rng.randrange(1, 9)}-0{rng.randrange(1, 9)}T10:00:00+02:00",
            "customer_id": rng.choice(["c1", "c2", "ü", 7, "7", "\ufffd", "\U0001f600"]),
            "total_amount": rng.choice(["1.005", 2.5, "$-3", "1,000 USD", "4 EUR"]),
            "last_name": rng.choice(NAMES),
        }
        event["verb"] = "UPLOAD" if event["type"] == "IMAGE" else "NEW"
        events.append(json.dumps(event, ensure_ascii=number % 2 == 0))
    return events + events[::7]


def test_neither_order_nor_files_nor_framing_make_a_difference(
    run: Run, in_tmp: Path, make_file: MakeFile
):
    rng = random.Random(8)
    events = some_events()
    results = set()
    for turn in range(12):
        count = rng.choice([1, 2, 5])
        names = [f"part-{turn}-{number}" for number in range(count)]
        for number, name in enumerate(names):
            part = events[number::count]
            text = f"[{','.join(part)}]" if rng.random() < 0.5 else "\n".join(part)
            data = text.encode("utf-8")
            make_file(gzip.compress(data) if rng.random() < 0.3 else data, name)
        rng.shuffle(names)
        for format_name in RESULTS:
            name = "top" + ENDINGS[format_name][0]
            assert run(5, *names, "-q", "-o", name).status == 0
        results.add(tuple(sorted(
            (name, without_origin((in_tmp / name).read_bytes())) for name in contents(in_tmp)
            if name.startswith("top.") and "rejects" not in name
        )))  # fmt: skip
        rng.shuffle(events)
    assert len(results) == 1
    assert len(results.pop()) == len(RESULTS)


ASCII_LOCALE: dict[str, str | None] = {
    "LC_ALL": "C",
    "PYTHONUTF8": "0",
    "PYTHONCOERCECLOCALE": "0",
}
ENVIRONMENTS: dict[str, dict[str, str | None]] = {
    "hash-seed-0": {"PYTHONHASHSEED": "0"},
    "hash-seed-1": {"PYTHONHASHSEED": "1"},
    "time-zone": {"TZ": "Pacific/Kiritimati"},
    "c-locale": {"LC_ALL": "C"},
    "ascii-locale": ASCII_LOCALE,
    "ascii": {"PYTHONIOENCODING": "ascii"},
    "unbuffered": {"PYTHONUNBUFFERED": "1"},
}


@pytest.mark.parametrize("env", ENVIRONMENTS.values(), ids=ENVIRONMENTS.keys())
def test_the_environment_makes_no_difference(
    env: dict[str, str | None], run: Run, finish: Run, in_tmp: Path, make_file: MakeFile
):
    make_file("\n".join(some_events()), "log.jsonl")
    assert run(5, "log.jsonl", "-q", "-o", "here.json").status == 0
    expected = (in_tmp / "here.json").read_text("utf-8")
    assert finish(5, "log.jsonl", "-q", "-o", "-", "-f", "json", env=env) == (0, expected, "")
    done = finish(5, "log.jsonl", "-o", "there.txt", env=env)
    assert done.status == 0
    assert done.err.endswith("reason: there.txt.rejects.jsonl\n")
    shown = (in_tmp / "there.txt").read_bytes()
    if {"PYTHONUTF8", "PYTHONIOENCODING"} & env.keys():  # a terminal that has no more than ASCII
        assert done.out == shown.decode("utf-8").encode("ascii", "backslashreplace").decode("ascii")
    else:
        assert done.out == shown.decode("utf-8")
    here, there = (in_tmp / f"{name}.rejects.jsonl" for name in ("here.json", "there.txt"))
    assert there.read_bytes() == here.read_bytes()


def test_the_locale_makes_no_difference_to_names_of_files(
    finish: Run, in_tmp: Path, make_file: MakeFile
):
    make_file(SAMPLE + BAD, "lög.jsonl")
    rejects = set()
    for env in ({}, ASCII_LOCALE):
        assert finish(5, "lög.jsonl", "-q", "-o", "out.txt", env=env) == (0, "", "")
        rejects.add((in_tmp / "out.txt.rejects.jsonl").read_bytes())
    assert len(rejects) == 1


# --- What a terminal would act on -------------------------------------------------------------

NASTY, SHOWN = "a\x1b[2J\u202e\nb.jsonl", r"a\x1b[2J\u202e\nb.jsonl"


def test_names_of_files_are_shown_escaped(run: Run, in_tmp: Path, make_file: MakeFile):
    make_file(SAMPLE + BAD, NASTY)
    done = run(10, NASTY, "-o", f"out-{NASTY}", "--rejects", f"why-{NASTY}")
    assert done == (
        0,
        TABLE,
        f"{BAD_ACCOUNT}{DATA_LINE}Results: out-{SHOWN}\n"
        f"Rejected events, with place and reason: why-{SHOWN}\n",
    )
    assert {reject["file"] for reject in rejects_in(in_tmp / f"why-{NASTY}")} == {NASTY}
    assert run(10, f"no-{NASTY}").err == said(f"no-{SHOWN}: No such file or directory")
    damaged = run(10, make_file("[", f"d-{NASTY}").rpartition("/")[2], "-o", "out.txt")
    assert damaged.err == said(f"d-{SHOWN}: line 1, byte offset 1: {CUT_OFF}")


@pytest.mark.skipif(os.name != "posix", reason="names of files are text there")
def test_names_of_files_that_are_no_text(run: Run, in_tmp: Path):
    name = os.fsdecode(b"log-\xff.jsonl")
    try:
        (in_tmp / name).write_text(SAMPLE + BAD, encoding="utf-8")
    except OSError:
        pytest.skip("this file system has none")
    done = run(10, name, "-o", "out.txt")
    assert done.status == 0
    assert rejects_in(in_tmp / "out.txt.rejects.jsonl")[0]["file"] == name
    assert run(10, f"no-{name}").err == said(r"no-log-\udcff.jsonl: No such file or directory")


def test_names_of_customers_are_shown_escaped(run: Run, make_file: MakeFile):
    event = {"type": "CUSTOMER", "verb": "NEW", "key": "\x1b[2J", "event_time": "2017-01-01"}
    file = make_file(json.dumps({**event, "last_name": "\u202e\x07"}))
    done = run(1, file, "-o", "out.txt")
    assert done.out.splitlines()[5].startswith(r"1* \x1b[2J  \u202e\x07 0.00 ")


# --- Streams that are closed or full ----------------------------------------------------------

FULL = pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full")


def closed_pipe() -> int:
    """The end to write to of a pipe whose reader has gone."""
    reading, writing = os.pipe()
    os.close(reading)
    return writing


@pytest.mark.parametrize("output", ["out.txt", "-"])
def test_a_reader_that_goes_early_is_no_failure(output: str, start: Start, log: str, in_tmp: Path):
    pipe = closed_pipe()
    process = start(10, log, "-o", output, stdout=pipe)
    os.close(pipe)
    err = process.communicate()[1].decode()
    assert process.returncode == 0
    assert "Traceback" not in err
    assert "Exception" not in err
    assert "Broken pipe" not in err
    assert (in_tmp / "out.txt").exists() is (output == "out.txt")


@pytest.mark.parametrize(
    "options", [["-o", "out.txt"], ["-o", "-", "-q"]], ids=["table", "results"]
)
def test_head(options: list[str], finish: Run, in_tmp: Path, make_file: MakeFile):
    customer = '{"type":"CUSTOMER","verb":"NEW","key":%d,"event_time":"2017-01-01"}\n'
    make_file("".join(customer % number for number in range(5000)), "many.jsonl")
    done = finish(5000, "many.jsonl", *options, redirected="3>&1 | head -n 1")
    title = "Top 5,000 of 5,000 customers by 10-year lifetime value (LTV), in USD\n"
    assert (done.status, done.out) == (0, title)
    account = (
        "Read 5,000 events from 1 file: 5,000 accepted, 0 rejected.\n"
        "Data from 2017-01-01 to 2017-01-01 UTC, 1 week: "
        "5,000 customers, 0 visits, 0 orders, 0 images.\n"
        "Results: out.txt\n"
    )
    assert done.err == ("" if "-q" in options else account)


@pytest.mark.parametrize("option", ["--help", "--version"])
def test_a_reader_of_the_help_that_goes_early_is_no_failure(option: str, start: Start):
    pipe = closed_pipe()
    process = start(option, stdout=pipe)
    os.close(pipe)
    err = process.communicate()[1].decode()
    assert (process.returncode, err) == (0, "")


def test_an_output_that_is_full(run: Run, log: str, in_tmp: Path, device: Callable[[str], str]):
    full = device("full")
    reason = "cannot be written: No space left on device"
    assert run(10, log, "-o", full, "-q") == (1, "", said(f"{full}: {reason}"))
    assert list(contents(in_tmp)) == ["log.jsonl"]


@FULL
@pytest.mark.parametrize(
    ("output", "problem"),
    [
        ("out.txt", "standard output: No space left on device"),
        ("-", "-: cannot be written: No space left on device"),
    ],
    ids=["table", "results"],
)
def test_a_standard_output_that_is_full(
    *,
    output: str,
    problem: str,
    finish: Run,
    log: str,
    earlier: dict[str, bytes | str],
    in_tmp: Path,
):
    before = contents(in_tmp)
    done = finish(10, log, "-o", output, redirected="> /dev/full")
    assert contents(in_tmp) == before
    assert done == (1, "", said(problem))


@FULL
def test_a_version_that_cannot_be_told(finish: Run):
    done = finish("--version", redirected=">/dev/full")
    assert done == (1, "", said("standard output: No space left on device"))


@FULL
@pytest.mark.parametrize(
    ("arguments", "status"),
    [(["10", "log.jsonl", "-o", "out.txt"], 0), (["10", "missing"], 1), (["0"], 2), ([], 2)],
    ids=["done", "failed", "mistaken", "no-arguments"],
)
def test_a_standard_error_that_is_full(arguments: list[str], status: int, finish: Run, log: str):
    assert finish(*arguments, redirected="2> /dev/full").status == status


def test_a_standard_output_that_is_closed(finish: Run, log: str, in_tmp: Path):
    done = finish(10, log, "-o", "out.txt", redirected=">&-")
    account = f"Read 6 events from 1 file: 6 accepted, 0 rejected.\n{DATA_LINE}Results: out.txt\n"
    assert done == (0, "", account)
    assert (in_tmp / "out.txt").read_bytes() == TABLE.encode()


def test_results_to_a_standard_output_that_is_closed(finish: Run, log: str):
    done = finish(10, log, "-o", "-", redirected=">&-")
    assert done.status == 1
    assert len(done.err.splitlines()) == 1
    assert "standard output" in done.err
    assert "a fault of this program" not in done.err


def test_a_standard_error_that_is_closed(finish: Run, log: str, in_tmp: Path):
    assert finish(10, log, "-o", "out.txt", redirected="2>&-") == (0, TABLE, "")
    assert (in_tmp / "out.txt").read_bytes() == TABLE.encode()
    assert finish(10, "missing", redirected="2>&-") == (1, "", "")
    assert finish(0, redirected="2>&-") == (2, "", "")
    assert finish(redirected="2>&-") == (2, "", "")


def test_every_stream_closed(finish: Run, log: str, in_tmp: Path):
    assert finish(10, log, "-o", "out.txt", redirected="<&- >&- 2>&-") == (0, "", "")
    assert (in_tmp / "out.txt").read_bytes() == TABLE.encode()
    assert (in_tmp / log).read_bytes() == SAMPLE.encode()


# --- Signals ----------------------------------------------------------------------------------

SIGNALS = {"SIGINT": 130, "SIGTERM": 143, "SIGHUP": 129}
EACH_SIGNAL = pytest.mark.parametrize(("name", "status"), SIGNALS.items(), ids=SIGNALS.keys())
NEEDS_FIFO = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no FIFOs")


ENOUGH = (SAMPLE + BAD).encode() * 400  # more than a pipe holds, so it is read when it is written


@NEEDS_FIFO
@EACH_SIGNAL
def test_a_signal_in_the_middle_of_a_file(
    name: str, status: int, start: Start, earlier: dict[str, bytes | str], in_tmp: Path
):
    os.mkfifo("fifo")
    process = start(10, "fifo", "-o", "out.txt", env=UNMEASURED)
    with open("fifo", "wb", buffering=0) as fifo:  # waits for the program to open it
        fifo.write(ENOUGH)
        assert len(list(in_tmp.glob(".ltv-*"))) == 2
        process.send_signal(signal.Signals[name])
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out.decode(), err.decode()) == (
        status,
        "",
        said(f"interrupted by {name}"),
    )
    assert sorted(os.listdir()) == ["fifo", "out.txt", "out.txt.rejects.jsonl"]
    assert contents(in_tmp) == earlier


@NEEDS_FIFO
@EACH_SIGNAL
def test_a_signal_while_a_file_is_waited_for(
    name: str, status: int, start: Start, earlier: dict[str, bytes | str], in_tmp: Path
):
    os.mkfifo("first")
    os.mkfifo("second")
    process = start(10, "first", "second", "-o", "out.txt", "-q", env=UNMEASURED)
    with open("first", "wb", buffering=0) as fifo:
        fifo.write(ENOUGH)
    process.send_signal(signal.Signals[name])  # nobody opens the second
    assert process.communicate(timeout=60) == (b"", said(f"interrupted by {name}").encode())
    assert process.returncode == status
    assert sorted(os.listdir()) == ["first", "out.txt", "out.txt.rejects.jsonl", "second"]
    assert contents(in_tmp) == earlier


@EACH_SIGNAL
def test_a_signal_while_standard_input_is_read(name: str, status: int, start: Start, in_tmp: Path):
    process = start(10, "-", "-o", "out.txt", stdin=subprocess.PIPE, env=UNMEASURED)
    assert process.stdin is not None
    process.stdin.write(ENOUGH)
    process.stdin.flush()
    process.send_signal(signal.Signals[name])
    assert process.wait(60) == status  # before its standard input ends
    out, err = process.communicate(timeout=60)
    assert (out, err.decode()) == (b"", said(f"interrupted by {name}"))
    assert os.listdir() == []


PIPE_HOLDS = 65_536
ORDER = {
    "type": "ORDER", "verb": "NEW", "key": "o", "event_time": "2017-01-01", "total_amount": "1",
}  # fmt: skip


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="a pipe holds as much on Linux")
@EACH_SIGNAL
def test_a_signal_while_the_end_of_the_table_is_not_read(
    name: str, status: int, start: Start, finish: Run, in_tmp: Path
):
    """What is held back when the pipe is full is not waited for, either."""
    ids = ["\u202e" * 254 + str(number) for number in range(10, 90)]  # six bytes a character
    (in_tmp / "log").write_text("\n".join(json.dumps(ORDER | {"customer_id": one}) for one in ids))
    short, long = (len(finish(x, "log", "-o", "out.txt").out) for x in (30, 50))
    x = 30 + (PIPE_HOLDS + 4000 - short) * 20 // (long - short)
    assert x <= 50
    process = start(x, "log", "-o", "out.txt", env=UNMEASURED)
    assert process.stdout is not None
    held, before = array.array("i", [0]), -1
    while held[0] < PIPE_HOLDS // 2 or held[0] > before:  # until it waits for more room
        before = held[0]
        assert process.poll() is None
        time.sleep(0.2)
        fcntl.ioctl(process.stdout, termios.FIONREAD, held)
    process.send_signal(signal.Signals[name])
    assert process.wait(20) == status
    assert process.stderr is not None
    assert process.stderr.read().decode() == said(f"interrupted by {name}")


def test_a_signal_just_when_a_file_is_made(
    run: Run, log: str, in_tmp: Path, monkeypatch: pytest.MonkeyPatch
):
    def open_and_signal(*arguments: Any) -> IO[bytes]:
        file: IO[bytes] = open(*arguments)  # noqa: SIM115 - it is handed on
        monkeypatch.delattr(ltv.output.target, "open")
        try:
            signal.raise_signal(signal.SIGTERM)
        except BaseException:
            file.close()
            raise
        return file

    monkeypatch.setattr(ltv.output.target, "open", open_and_signal, raising=False)
    handlers = {number: signal.getsignal(number) for number in ltv.signals.ENDING_SIGNALS}
    signal.signal(signal.SIGTERM, ltv.signals.interrupt)
    try:
        done = run(10, log, "-o", "out.txt")
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    assert done == (143, "", said("interrupted by SIGTERM"))
    assert os.listdir() == ["log.jsonl"]


@NEEDS_FIFO
def test_a_signal_that_is_ignored_stays_ignored(start: Start, in_tmp: Path):
    os.mkfifo("fifo")

    def ignore() -> None:  # as nohup does
        signal.signal(signal.SIGHUP, signal.SIG_IGN)

    process = start(10, "fifo", "-o", "out.txt", "-q", preexec_fn=ignore)
    with open("fifo", "wb", buffering=0) as fifo:
        process.send_signal(signal.SIGHUP)
        fifo.write(SAMPLE.encode())
    assert process.communicate() == (b"", b"")
    assert process.returncode == 0
    assert (in_tmp / "out.txt").read_bytes() == TABLE.encode()


@NEEDS_FIFO
def test_with_debug_a_signal_still_has_its_status(start: Start, in_tmp: Path):
    os.mkfifo("fifo")
    process = start(10, "fifo", "-o", "out.txt", env=UNMEASURED | {"LTV_DEBUG": "1"})
    with open("fifo", "wb", buffering=0):
        process.terminate()
        err = process.communicate()[1].decode()
    assert process.returncode == 143
    assert err.startswith("Traceback")
    assert err.endswith(said("interrupted by SIGTERM"))
    assert os.listdir() == ["fifo"]
