"""A Spark run without Spark: its command line, its tasks, and its account of them."""

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

import pytest

import ltv.cluster.job
import ltv.options
import ltv.parallel.shards
from conftest import Done
from ltv.account import Account
from ltv.arguments import UsageError
from ltv.cluster.hadoop import HadoopFile
from ltv.cluster.job import take_into_account
from ltv.cluster.tasks import (
    FailedTask,
    Outcome,
    PartOfPlace,
    PartRejects,
    Piece,
    Question,
    Setting,
    Standing,
    rank_partition,
    read,
    read_contents,
    read_listed,
    read_rows,
)
from ltv.errors import FileError, LTVError
from ltv.options import parse_options
from ltv.parallel.parts import Part, parts_of
from ltv.reading.files import state_of_file
from ltv.times import unpack
from LTV_Calculate import SIMPLE, best_of, join_totals, ranked, topXSimpleLTVCustomers, totals
from LTV_Ingest import Ingest, Rules

RULES = Rules(with_details=False)


def order(number: int, customer: str = "c", amount: str = "1.50") -> str:
    time = f"2017-01-{1 + number % 28:02}T10:00:00Z"
    members = {"type": "ORDER", "verb": "NEW", "key": f"o{number}", "customer_id": customer}
    return json.dumps({**members, "event_time": time, "total_amount": amount})


# The command line

SPARK = ["--engine", "spark"]


def test_options():
    given = ["--until", "2017-12-31", "7", "a", "b", "-o", "out", "--partitions", "3", "-q", *SPARK]
    options = parse_options(given)
    assert options.engine == "spark"
    assert options.partitions == 3
    assert options.output == "out"
    assert options.rejects is None
    assert options.x == 7
    assert options.paths == ["a", "b"]
    assert options.before == ltv.options.day_after("2017-12-31")
    assert options.quiet


EXAMPLE = "; for example: python Main_Calculation.py 10 logs/ -o top.csv"

MISTAKES = {
    "0 a -o b": "argument X: given '0', expected a whole number of at least 1, such as 10",
    "1 -o b": "FILE is missing, expected the files that Spark is to read",
    "1 a": "argument -o/--output: expected the path of a new directory, with --engine spark",
    "1 a -o -": "argument -o/--output: expected the path of a new directory, with --engine spark",
    "1 a -o b --partitions 0": "argument --partitions: given '0', expected a whole number of at "
    "least 1, such as 10",
    "1 a -o b --workers 2": "argument --workers: cannot be used with --engine spark",
    "1 a -o b -f csv": "argument --format: cannot be used with --engine spark",
    "1 a -o b --excel": "argument --excel: cannot be used with --engine spark",
    "1 a -o b --rejects c": "argument --rejects: cannot be used with --engine spark",
    "1 a -o b --store c": "argument --store: cannot be used with --engine spark",
    "1 a -o b --explain c": "argument --explain: cannot be used with --engine spark",
    "1 a -o b --temp c": "argument --temp: cannot be used with --engine spark",
}


@pytest.mark.parametrize("arguments", MISTAKES)
def test_a_mistake_is_told_in_one_line(arguments: str):
    with pytest.raises(UsageError) as caught:
        parse_options([*arguments.split(), *SPARK])
    assert str(caught.value) == MISTAKES[arguments] + EXAMPLE


def test_partitions_are_of_a_cluster_alone():
    with pytest.raises(
        UsageError, match="argument --partitions: can only be used with --engine spark"
    ):
        parse_options(["1", "a", "--partitions", "2"])


def test_what_is_said_without_pyspark(finish: Callable[..., Done], make_file: Callable[..., str]):
    done = finish(1, make_file("{}"), "-o", "b", *SPARK)
    missing = "pyspark is missing; to have it: pip install pyspark"
    assert done == (1, "", f"Main_Calculation.py: {missing}\n")


# Tasks


def dealt(pieces: Iterable[tuple[int, Piece]], partitions: int) -> list[list[Piece]]:
    """The pieces by what they are for, as Spark brings them."""
    places: list[list[Piece]] = [[] for _ in range(partitions + 1)]
    for partition, piece in pieces:
        places[partition].append(piece)
    return places


def file_at(path: str) -> HadoopFile:
    return HadoopFile(path, path, path, path, 0, 0, False)


class Result(NamedTuple):
    """What all parts came to."""

    account: Account
    end: int
    line_shifts: dict[tuple[int, int], int]


def account_of(places: list[list[Piece]], path: str) -> Result:
    outcomes = [one for one in places[-1] if isinstance(one, Outcome | FailedTask)]
    account = Account()
    line_shifts: dict[tuple[int, int], int] = {}
    take_into_account(outcomes, [file_at(path)], account, line_shifts)
    return Result(account, unpack(account.end) if account.end else 0, line_shifts)


@pytest.mark.parametrize("partitions", [1, 2, 300])
@pytest.mark.parametrize("part_bytes", [150, 1000, 10**6])
def test_tasks_find_what_one_process_finds(partitions: int, part_bytes: int, make_file):
    lines = [order(n, f"c{n % 7}", f"{n}.25") for n in range(60)]
    lines[3], lines[40], lines[50] = "oh", '{"type": 1}', " " * 999
    path = make_file("\n".join(lines))
    setting = Setting(partitions, RULES)
    pieces: list[tuple[int, Piece]] = []
    parts = parts_of(path, part_bytes, is_alone=False, state=state_of_file(path))
    for task, part in enumerate(parts):
        pieces += read_listed(task, [[PartOfPlace(0, part, task)]], setting)
    places = dealt(reversed(pieces), partitions)
    result = account_of(places, path)
    question = Question(3, SIMPLE, result.end, [path], result.line_shifts)
    found = [
        one
        for partition, some in enumerate(places)
        for one in rank_partition(partition, some, setting, question)
    ]
    D = Ingest((json.loads(line) for n, line in enumerate(lines) if n not in {3, 40, 50}), {})
    standings = [one for one in found if isinstance(one, Standing)]
    best = best_of(3, (candidate for one in standings for candidate in one.best))
    assert ranked(best) == topXSimpleLTVCustomers(3, D)
    assert join_totals(one.totals for one in standings) == totals(D)
    rejects = sorted((json.loads(one) for one in found if isinstance(one, str)), key=json.dumps)
    assert [reject["line"] for reject in rejects] == [4, 41]
    assert result.account.read == 59
    assert result.account.reasons == {"not-json": 1, "unknown-type": 1}
    assert str(result.account.first_reject).startswith(f"{path}, line 4: not-json: ")


def test_what_is_known_of_a_customer_comes_joined(make_file):
    """However often its events are repeated, a task sends as much."""
    events = "\n".join(order(n) for n in range(50)) + "\n"
    sizes = set()
    for times in (1, 20):
        part = PartOfPlace(0, Part(make_file(events * times)))
        pieces = dealt(read([part], 0, Setting(1, RULES)), 1)[0]
        sizes.add(sum(len(piece) for piece in pieces if isinstance(piece, bytes)))
    assert len(sizes) == 1


def test_lines_that_spark_has_split():
    """The first block of a file has places, the others have not."""
    lines = [order(1), "oh", order(2), "ha"]
    rows = [
        (bytearray(line.encode()), "file:/a", begin)
        for line, begin in zip(lines, [0, 0, 9, 9], strict=True)
    ]
    pieces = list(read_rows(5, rows, {"file:/a": 0}, {0: 3}, Setting(2, RULES)))
    places = dealt(pieces, 2)
    result = account_of(places, "a")
    assert result.account.read == 4
    assert result.line_shifts == {(0, 0): 0}
    rejects = [one for one in places[5 % 2] if isinstance(one, PartRejects)]
    assert [(one.number, one.rows[0].split(b"\t")[:2]) for one in rejects] == [
        (0, [b"2", b"%d" % (3 + len(lines[0]) + 1)]),
        (None, [b"2", b"%d" % (len(lines[2]) + 1)]),
    ]
    question = Question(1, SIMPLE, result.end, ["a"], result.line_shifts)
    found = rank_partition(1, places[1], Setting(2, RULES), question)
    said = [json.loads(one) for one in found if isinstance(one, str)]
    assert [one["line"] for one in said] == [2, None]
    assert [one["offset"] for one in said] == [3 + len(lines[0]) + 1, None]
    assert str(result.account.first_reject).startswith("a, line 2: not-json: ")
    alone = [one for one in places[-1] if isinstance(one, Outcome) and one.number is None]
    account = Account()
    take_into_account(alone, [file_at("a")], account, {})
    assert str(account.first_reject).startswith("a: not-json: ")


@pytest.mark.parametrize("part_bytes", [150, 10**6])
def test_where_a_lone_event_stands(part_bytes: int, make_file: Callable[..., str]):
    lines = [order(n) for n in range(60)]
    lines[45] = lines[45].replace('"2017-', '"2199-')
    path = make_file("\n".join(lines))
    pieces: list[tuple[int, Piece]] = []
    parts = parts_of(path, part_bytes, is_alone=False, state=state_of_file(path))
    for task, part in enumerate(parts):
        pieces += read_listed(task, [[PartOfPlace(0, part, task)]], Setting(2, RULES))
    assert account_of(dealt(pieces, 2), path).account.edges[1].place == (path, 46)
    rows = [(bytearray(line.encode()), "file:/a", n // 30) for n, line in enumerate(lines)]
    split = dealt(read_rows(0, rows, {"file:/a": 0}, {0: 0}, Setting(2, RULES)), 2)
    assert account_of(split, "a").account.edges[1].place == ("a", None)  # in the second block


def test_whole_files():
    data = bytearray(f"[{order(1)},{order(2)}]".encode())
    places = dealt(read_contents(0, [(data, "a")], {"a": 0}, Setting(1, RULES)), 1)
    assert account_of(places, "a").account.accepted == 2


def failure_of(path: str, tmp_path: Path) -> LTVError:
    places = dealt(read([PartOfPlace(0, Part(path))], 0, Setting(1, RULES)), 1)
    assert places[0] == []
    with pytest.raises(LTVError) as caught:
        account_of(places, path)
    return caught.value


def test_what_is_wrong_with_a_file_is_told(make_file, tmp_path: Path):
    path = make_file(f"[{order(1)}\n")
    assert str(failure_of(path, tmp_path)) == (
        f"{path}: line 2, byte offset {len(order(1)) + 2}: "
        "the array is cut off, its closing ] is missing"
    )
    missing = str(tmp_path / "none")
    assert str(failure_of(missing, tmp_path)) == f"{missing}: No such file or directory"


def test_the_first_file_with_trouble_is_named():
    errors = [FileError(f"/{n}", "cannot be read") for n in range(2)]
    outcomes = [FailedTask(1, errors[1]), FailedTask(0, errors[0])]
    files = [file_at("/0")._replace(name="logs/0"), file_at("/1")]
    with pytest.raises(FileError) as caught:
        take_into_account(outcomes, files, Account(), {})
    assert str(caught.value) == "logs/0: cannot be read"


def test_a_disk_that_takes_nothing_is_told_to_spark(
    monkeypatch: pytest.MonkeyPatch, make_file, tmp_path: Path
):
    """It may try the disk of another machine."""
    part = PartOfPlace(0, Part(make_file(order(1))))
    monkeypatch.setenv("SPARK_LOCAL_DIRS", f"{tmp_path}/none,{tmp_path}")
    with pytest.raises(FileError) as caught:
        list(read([part], 0, Setting(1, RULES)))
    expected = f"{tmp_path}/none: cannot be written: No such file or directory"
    assert str(caught.value) == expected
    monkeypatch.setenv("SPARK_LOCAL_DIRS", str(tmp_path))

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(ltv.parallel.shards, "open", fail, raising=False)
    with pytest.raises(FileError) as caught:
        list(read([part], 0, Setting(1, RULES)))
    assert str(caught.value) == f"{tmp_path}: cannot be written: No space left on device"
