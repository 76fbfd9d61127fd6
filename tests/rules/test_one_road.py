"""One road: whatever is changed in the user's files changes the rows of every run alike."""

import gzip
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import make_log
from conftest import SOURCES

#: How the same events are given, with the options of the run.
WAYS: dict[str, Callable[[Path], tuple[str, bytes]]] = {
    "plain": lambda log: (str(log), b""),
    "gzip": lambda log: (f"{log}.gz", b""),
    "pipe": lambda log: ("-", log.read_bytes()),
}

Rows = dict[tuple[str, ...], dict[str, bytes]]  # by options and way

OPTIONS = ("--since", "2017-01-15", "--until", "2017-09-30")

CHANGES = {
    "the earlier value wins": ("LTV_Classes.py", "return max(stamps)", "return min(stamps)"),
    "a customer begins with its latest event": (
        "LTV_Classes.py", "return min(times)", "return max(times)",
    ),
    "the data ends with the earliest last event": (
        "LTV_Classes.py", "return max(times)", "return min(times)",
    ),
    "weeks start on Sunday": (
        "LTV_Calculate.py",
        "weeks_between(days_since_1970(day) * DAY, end)",
        "weeks_between((days_since_1970(day) + 1) * DAY, end + DAY)",
    ),
    "a year has 50 weeks": ("LTV_Calculate.py", "WEEKS_PER_YEAR = 52", "WEEKS_PER_YEAR = 50"),
    "orders are not updated": (
        "LTV_Ingest.py", '"ORDER": ("NEW", "UPDATE")', '"ORDER": ("NEW",)',
    ),
    "a month more is earlier than asked for": (
        "LTV_Ingest.py", "instant < self.since", "instant < self.since + 30 * 86_400_000_000",
    ),
    "a month more is later than asked for": (
        "LTV_Ingest.py", "instant >= self.before", "instant >= self.before - 30 * 86_400_000_000",
    ),
}  # fmt: skip


@pytest.fixture(scope="module", params=[1_000, 9_000], ids=["small", "large"])
def log(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A log in which keys come again, later, earlier and at once."""
    path = tmp_path_factory.mktemp("log") / "log.jsonl"
    with open(path, "w", encoding="utf-8") as file:
        events = list(make_log.events(request.param, request.param // 20))
        make_log.write_log(file, [*events, *events[:50]], "jsonl")
    data = path.read_bytes()
    Path(f"{path}.gz").write_bytes(gzip.compress(data))
    return path


#: Several runs in one process, which costs less than one for each: sources, lists of arguments.
RUNNER = """
import json, sys
sys.path.insert(0, sys.argv[1])
from Main_Calculation import main
for arguments in json.loads(sys.argv[2]):
    main(arguments)
"""


def rows_of(sources: Path, log: Path, directory: Path, *options: str) -> dict[str, bytes]:
    """Return the rows of each way; none of a run that failed. In `directory` they are written."""
    runs = {}
    data = b""
    for way, given in WAYS.items():
        file, more = given(log)
        data += more
        output = directory / f"{way}.csv"
        output.unlink(missing_ok=True)
        runs[output] = ["10", file, "-q", "-o", str(output), "--workers", "1", *options]
    subprocess.run(
        [sys.executable, "-c", RUNNER, str(sources), json.dumps([*runs.values()])],
        input=data,
        capture_output=True,
        check=True,
    )
    return {path.stem: path.read_bytes() if path.exists() else b"" for path in runs}


@pytest.fixture(scope="module")
def before(log: Path) -> Rows:
    """The rows without any change, by the options."""
    rows: Rows = {options: rows_of(SOURCES, log, log.parent, *options) for options in ((), OPTIONS)}
    assert {each.count(b"\n") for ways in rows.values() for each in ways.values()} == {11}
    return rows


def copy_with(directory: Path, name: str, old: str, new: str) -> Path:
    """A copy of the sources in which `old` is `new`; what is compiled is copied with the rest."""
    shutil.copytree(SOURCES, directory, ignore=shutil.ignore_patterns("*.pyc.*"))
    text = (directory / name).read_text("utf-8")
    assert text.count(old) == 1
    (directory / name).write_text(text.replace(old, new), "utf-8")
    return directory


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_of_a_rule_changes_every_run_alike(
    change: str, log: Path, before: Rows, tmp_path: Path
):
    sources = copy_with(tmp_path / "src", *CHANGES[change])
    after = {*rows_of(sources, log, tmp_path, *OPTIONS).values()}
    assert len(after) == 1
    assert after.isdisjoint({b"", *before[OPTIONS].values()})


@pytest.mark.parametrize(
    ("name", "definition", "stub"),
    [
        (
            "LTV_Ingest.py",
            "    rules = Rules(currency, since, before, with_details, timezone)\n",
            "    return D\n",
        ),
        (
            "LTV_Calculate.py",
            "    parse_lifespan(lifespan)\n    return ranked(",
            "    return []\n    return ranked(",
        ),
    ],
    ids=["Ingest loads nothing", "topXSimpleLTVCustomers finds nobody"],
)
def test_without_the_users_functions_no_run_gives_a_row(
    name: str, definition: str, stub: str, log: Path, before: Rows, tmp_path: Path
):
    assert len(before[()]) == len(WAYS)
    sources = copy_with(tmp_path / "src", name, definition, stub)
    after = rows_of(sources, log, tmp_path)
    assert [rows.count(b"\n") for rows in after.values() if rows.count(b"\n") > 1] == []
