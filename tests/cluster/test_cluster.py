"""The ranking on a Spark cluster against a local run: the same rows, counts, rejects and failures.

The cluster is a real one, of a master and two workers. Most runs share one Spark context, whose
partitions of files are tiny, so that small logs are split among tasks.
"""

import contextlib
import gzip
import json
import os
import random
import re
import select
import shlex
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import make_log
import random_logs
import spark_environment
from conftest import PROJECT
from spark_cluster import Cluster
from spark_outcome import Outcome, outcome_of, run_locally

pytestmark = pytest.mark.spark

SAMPLE = PROJECT / "input"
CDNOW = PROJECT.parent / "shared/data/cdnow.jsonl.gz"

SPLIT_BYTES = 6000
SECONDS = 300

#: A file system of Hadoop's that is not the local one, for what Python cannot open by itself.
MOUNT = "viewfs://logs/all"


class Session:
    """Runs on the cluster beside local ones."""

    def __init__(self, cluster: Cluster, root: Path) -> None:
        self._root = root
        settings = {
            "spark.sql.files.maxPartitionBytes": str(SPLIT_BYTES),
            "spark.ui.showConsoleProgress": "false",
            "spark.hadoop.fs.viewfs.mounttable.logs.link./all": root.as_uri(),
        }
        options = shlex.join([*cluster.options(**settings), "pyspark-shell"])
        self.process = subprocess.Popen(  # not by spark-submit, which passes on no standard input
            [str(spark_environment.PYTHON), str(Path(__file__).with_name("spark_session.py"))],
            env=cluster.environment | {"PYSPARK_SUBMIT_ARGS": options},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="utf-8",
            start_new_session=True,
        )

    def run(self, directory: Path, *arguments: object) -> Outcome:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        command = [*map(str, arguments), "-o", str(directory)]
        self.process.stdin.write(json.dumps(command) + "\n")
        self.process.stdin.flush()
        assert select.select([self.process.stdout], [], [], SECONDS)[0], "there is no answer"
        status, said = json.loads(self.process.stdout.readline())
        return outcome_of(directory, status, said)

    def mounted(self, path: Path) -> str:
        """The path of a file on the other file system."""
        return f"{MOUNT}/{path.relative_to(self._root)}"

    def as_if_local(self, outcome: Outcome) -> Outcome:
        """The same with the files of the other file system named as here."""
        named = json.dumps(outcome).replace(MOUNT, str(self._root))
        return Outcome(*json.loads(named))


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    spark_environment.make()
    with Cluster(tmp_path_factory.mktemp("cluster")) as started:
        yield started


@pytest.fixture(scope="module")
def session(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    session = Session(cluster, tmp_path_factory.getbasetemp())
    with session.process as process:
        try:
            yield session
            assert process.stdin is not None
            process.stdin.close()
            assert process.wait(timeout=SECONDS) == 0
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


Compare = Callable[..., Outcome]


@pytest.fixture
def compare(session: Session, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> Compare:
    """Holds a run on the cluster equal to a local one, and returns what both came to."""

    def compare_both(*arguments: object, partitions: int | None = None) -> Outcome:
        directory, place = tmp_path / "on-cluster", tmp_path / "local"
        for path in (directory, place):
            shutil.rmtree(path, ignore_errors=True)
        more = [] if partitions is None else ["--partitions", partitions]
        found = session.run(directory, *arguments, *more)
        expected = run_locally(place, [str(argument) for argument in arguments], capfd)
        see = expected.failure.replace(str(place / "rejects"), str(directory / "rejects"))
        assert found == expected._replace(failure=see)
        return found

    return compare_both


def write(path: Path, data: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


# Logs


@pytest.mark.parametrize("partitions", [None, 1, 7])
def test_the_sample(partitions: int | None, compare: Compare):
    assert compare(50, SAMPLE, partitions=partitions).status == 0


def test_cdnow(compare: Compare):
    if not CDNOW.exists():
        pytest.skip("needs CDNOW, which is not the project's")
    found = compare(1000, CDNOW, partitions=5)
    assert found.summary["events"]["read"] == 162_888


def test_options(compare: Compare):
    options = ["--until", "2017-06-30", "--currency", "EUR", "--lifespan", "2.5"]
    found = compare(10**9, SAMPLE, *options, partitions=3)
    assert found.summary["events"]["later"]


@pytest.mark.parametrize("partitions", [None, 4])
@pytest.mark.parametrize(
    "options",
    [
        ["--by", "revenue", "--min-weeks", 13],
        ["--by", "recent", "--half-life", "2.5", "--min-orders", 2],
        ["--by", "expected", "--horizon", 13],
        ["--segment", "loyal"],
        ["--min-weeks", 54],
    ],
    ids=["revenue", "recent", "expected", "segment", "nobody"],
)
def test_other_rankings(options: list[object], partitions: int | None, compare: Compare):
    found = compare(100, SAMPLE, *options, partitions=partitions)
    assert found.status == (54 in options)


@pytest.mark.parametrize("may_be_hurt", [False, True])
def test_random_logs(may_be_hurt: bool, compare: Compare, tmp_path: Path):
    found = set()
    for seed in range(12):
        rng = random.Random(f"{seed} {may_be_hurt}")
        paths = [
            write(tmp_path / name, data)
            for name, data in random_logs.random_files(rng, may_be_hurt=may_be_hurt)
        ]
        options = [
            f"--{name}={value}" for name, value in random_logs.random_options(rng).items() if value
        ]
        partitions = rng.choice([None, 1, 2, 5, 16])
        found.add(compare(rng.choice([1, 3, 1000]), *paths, *options, partitions=partitions).status)
    assert 0 in found
    assert (1 in found) >= may_be_hurt


def lines_of_random_events(rng: random.Random, count: int) -> list[bytes]:
    events = random_logs.random_events(rng, count)
    return [event for event in events if b"\n" not in event]


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("line_break", [b"\n", b"\r\n"])
def test_lines_split_among_tasks(mark: bytes, line_break: bytes, compare: Compare, tmp_path: Path):
    lines = lines_of_random_events(random.Random(f"{mark!r} {line_break!r}"), 300)
    first = b'{"type":"IMAGE"}'
    log = write(tmp_path / "log", mark + line_break.join([first, *lines]))
    assert log.stat().st_size > 5 * SPLIT_BYTES
    assert compare(100, log, partitions=3).rejects


@pytest.mark.parametrize("partitions", [1, 4])
def test_a_customer_with_much_of_everything(partitions: int, compare: Compare, tmp_path: Path):
    rng = random.Random(7)
    texts = [json.loads(text) for text in make_log.events(6000, 300, seed=7)]
    for event in texts:
        if rng.random() < 0.3:
            event["key" if event["type"] == "CUSTOMER" else "customer_id"] = "heavy"
    lines = [json.dumps(event) for event in texts]
    paths = [
        write(tmp_path / f"{n}.jsonl", "\n".join(lines[n::3]).encode("utf-8")) for n in range(3)
    ]
    found = compare(5, *paths, *paths[:1], partitions=partitions)
    assert any('"customer_id": "heavy"' in row for row in found.rows)


# Another file system than the local one


def test_files_that_only_hadoop_reads(
    session: Session, tmp_path: Path, capfd: pytest.CaptureFixture[str]
):
    """What Spark splits has no places; all else is the same, in every framing and compression."""
    are_split = set()
    for seed in range(4):
        rng = random.Random(f"{seed} mounted")
        logs = tmp_path / f"logs-{seed} {{é}}"
        logs.mkdir()
        lines = lines_of_random_events(rng, rng.choice([20, 100]))
        data = [*random_logs.random_files(rng, may_be_hurt=False), ("lines", b"\n".join(lines))]
        plain = [(f"name{rng.choice(['', '.gz'])}", random_logs.json_lines(rng, lines))]
        paths = [write(logs / name, text) for name, text in data + plain]
        local, directory = tmp_path / f"local-{seed}", tmp_path / f"out-{seed}"
        both = [*map(session.mounted, paths), session.mounted(paths[0])]
        escaped = [re.sub(r"([{}])", r"\\\1", one) for one in both]
        found = session.as_if_local(session.run(directory, 100, *escaped, "--partitions", 3))
        expected = run_locally(local, ["100", *map(str, [*paths, paths[0]])], capfd)
        are_split.add(any(reject["line"] is None for reject in found.rejects))
        assert without_places(found) == without_places(expected)
        assert all_places(found) <= all_places(expected)
    assert are_split == {False, True}


def without_places(outcome: Outcome) -> Outcome:
    rejects = [{**reject, "line": None, "offset": None} for reject in outcome.rejects]
    return outcome._replace(rejects=sorted(rejects, key=json.dumps))


def all_places(outcome: Outcome) -> set[tuple[str, int, int]]:
    places = {(one["file"], one["line"], one["offset"]) for one in outcome.rejects}
    return {place for place in places if place[1] is not None}


def test_directories_and_patterns(
    session: Session, compare: Compare, tmp_path: Path, capfd: pytest.CaptureFixture[str]
):
    logs = tmp_path / "logs"
    logs.mkdir()
    lines = lines_of_random_events(random.Random(3), 60)
    for number in range(3):
        write(logs / f"{number}.log", b"\n".join(lines[number::3]))
    expected = run_locally(tmp_path / "here", ["9", str(logs)], capfd)
    for name in (".hidden", "_hidden", ".x/y", "_x/y", "a._COPYING_"):
        write(logs / name, b"no event log")
    (logs / "link").symlink_to(tmp_path)  # where the results are
    assert compare(9, logs).rejects
    patterns = (logs, f"{logs}/*.log", f"{logs}/{{0,1,2}}.log", f"{logs}/[._0-9]*")
    for number, pattern in enumerate(patterns):
        assert session.run(tmp_path / f"out-{number}", 9, pattern) == expected
    mounted = f"{session.mounted(logs)}/[._0-9]*"
    found = session.as_if_local(session.run(tmp_path / "mounted", 9, mounted))
    assert without_places(found) == without_places(expected)


@pytest.mark.parametrize("name", ["_x", ".x", "x._COPYING_"])
def test_a_file_that_is_named_but_spark_passes_over(
    name: str, session: Session, compare: Compare, tmp_path: Path
):
    log, good = write(tmp_path / name, EVENT), write(tmp_path / "good", EVENT)
    assert compare(9, log, good).summary["events"]["read"] == 2
    found = session.run(tmp_path / "mounted", 9, session.mounted(log), session.mounted(good))
    problem = "Spark passes over a file with such a name; rename it"
    assert (found.status, found.failure) == (1, f"{session.mounted(log)}: {problem}")


def test_directories_in_directories(
    session: Session, compare: Compare, tmp_path: Path, capfd: pytest.CaptureFixture[str]
):
    logs = tmp_path / "_logs"
    names = ("a-b", "a/b", "a/_day=1/c", "a.b", "é/2017/01/d", "_day=2/e")
    lines = lines_of_random_events(random.Random(4), 120)
    for number, name in enumerate(names):
        write(logs / name, b"\n".join([b'{"type":"IMAGE"}', *lines[number :: len(names)]]))
    for name in ("a/.x", "a/_b/c", "é/.x/c", "é/2017/_SUCCESS", "b/c._COPYING_/d"):
        write(logs / name, b"no event log")
    expected = run_locally(tmp_path / "here", ["9", str(logs)], capfd)
    assert len({reject["file"] for reject in expected.rejects}) == len(names)
    assert compare(9, logs) == expected
    mounted = session.as_if_local(session.run(tmp_path / "mounted", 9, session.mounted(logs)))
    assert without_places(mounted) == without_places(expected)


# Failures


EVENT = b'{"type":"IMAGE","verb":"UPLOAD","key":"i","customer_id":"c","event_time":"2017-01-01"}\n'
ZIPPED = gzip.compress(EVENT * 50)

DAMAGED = {
    "gzip-cut-off": ZIPPED[:-9],
    "gzip-checksum": ZIPPED[:-8] + bytes([ZIPPED[-8] ^ 1]) + ZIPPED[-7:],
    "gzip-and-more": ZIPPED + b"more",
    "utf-16": EVENT.decode().encode("utf-16"),
    "no-event-log": b"{}\n" * 200,
    "array-not-closed": b"[\n" + EVENT * 3,
    "no-json-in-a-run": EVENT.replace(b",", b",\n") * 3 + b"oh\noh\n",
    "behind-the-array": b"[\n" + EVENT + b"]\noh",
}


@pytest.mark.parametrize("name", DAMAGED)
def test_damage_fails_the_run(name: str, compare: Compare, session: Session, tmp_path: Path):
    good, bad = write(tmp_path / "good", EVENT), write(tmp_path / name, DAMAGED[name])
    found = compare(10, good, bad, bad)
    assert found.status == 1
    assert str(bad) in found.failure
    mounted = session.run(tmp_path / "mounted", 10, *map(session.mounted, [good, bad]))
    see = found.failure.replace(str(tmp_path / "on-cluster"), str(tmp_path / "mounted"))
    assert session.as_if_local(mounted) == found._replace(failure=see)


def test_a_file_that_is_not_there(compare: Compare, tmp_path: Path):
    assert compare(10, SAMPLE, tmp_path / "none").failure.endswith("No such file or directory")


@pytest.mark.parametrize("arguments", [["--strict"], ["--max-rejects", 16]])
def test_too_many_rejects(arguments: list[object], compare: Compare):
    assert compare(10, SAMPLE, *arguments).rejects


def test_as_many_rejects_as_allowed(compare: Compare):
    assert compare(10, SAMPLE, "--max-rejects", 17).status == 0


@pytest.mark.parametrize("data", [b"", b"[]", b'{"type":1}\n'])
def test_nothing_to_rank(data: bytes, compare: Compare, tmp_path: Path):
    assert compare(10, write(tmp_path / "log", data)).failure.startswith("nothing to rank in 1 ")


def test_a_directory_that_is_there(session: Session, tmp_path: Path):
    (tmp_path / "out").mkdir()
    found = session.run(tmp_path / "out", 10, SAMPLE)
    problem = "cannot be written: it is there already; name another with -o"
    assert found.failure == f"{tmp_path}/out: {problem}"
    assert found.status == 1
    assert list((tmp_path / "out").iterdir()) == []


def test_a_directory_that_cannot_be_made(session: Session, tmp_path: Path):
    """That is said before anything is read, here of a file that is damaged."""
    file = write(tmp_path / "file", b"[")
    found = session.run(file / "out", 10, file)
    begin, _, cause = found.failure.partition(": cannot be written: ")
    assert (found.status, begin) == (1, str(file / "out"))
    assert cause.endswith("; name another with -o")
