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
from typing import Any, NamedTuple

import pytest

import Main_Calculation
import make_log
import random_logs
import spark_environment
from spark_cluster import Cluster
from test_oracle import random_files, random_options

pytestmark = pytest.mark.spark

TOP = Path(__file__).resolve().parent.parent.parent
PROGRAM = TOP / "src/LTV_Spark.py"
SAMPLE = TOP / "input"
CDNOW = TOP.parent / "shared/data/cdnow.jsonl.gz"

SPLIT_BYTES = 4000
SECONDS = 300

#: A file system of Hadoop's that is not the local one, for what Python cannot open by itself.
MOUNT = "viewfs://logs/all"


class Outcome(NamedTuple):
    """What a run came to; its failure in a line."""

    status: int
    failure: str
    rows: list[str]
    summary: dict[str, Any]
    rejects: list[dict[str, Any]]


def rows_of(path: Path) -> list[str]:
    return path.read_text("utf-8").split("\n")[:-1] if path.exists() else []


def sorted_rejects(lines: list[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in sorted(lines)]


def outcome_of(directory: Path, status: int, said: str) -> Outcome:
    """What a run on the cluster left in `directory`, and nothing beside it."""
    assert list(directory.parent.glob(f".{directory.name}*")) == []
    committed = (directory / "_SUCCESS").exists()
    assert committed == (status == 0)
    rejects = [line for part in directory.glob("rejects/part-*") for line in rows_of(part)]
    summary = directory / "summary.json"
    return Outcome(
        status,
        said.splitlines()[-1].removeprefix("LTV_Spark.py: ") if status else "",
        rows_of(directory / "top/part-00000.jsonl"),
        json.loads(summary.read_text("utf-8")) if summary.exists() else {},
        sorted_rejects(rejects),
    )


def run_locally(
    directory: Path, arguments: list[str], capfd: pytest.CaptureFixture[str]
) -> Outcome:
    """The same run on this machine; its places are named as those of the cluster."""
    capfd.readouterr()
    rows, summary, rejects = (directory / name for name in ("rows.jsonl", "all.json", "rejects"))
    directory.mkdir()
    status = 0
    for output in (rows, summary):
        command = [*arguments, "-o", str(output), "--rejects", str(rejects)]
        status = Main_Calculation.main(command)
    said = capfd.readouterr().err.splitlines()
    known = json.loads(summary.read_text("utf-8")) if status == 0 else {}
    known.pop("top", None)
    if status == 0:
        known["reasons"] = reasons_said(said)
    return Outcome(
        status,
        said[-1].removeprefix("Main_Calculation.py: ") if status else "",
        rows_of(rows),
        known,
        sorted_rejects(rows_of(rejects)),
    )


def reasons_said(lines: list[str]) -> dict[str, int]:
    for line in lines:
        if line.startswith("Rejected for: "):
            pairs = re.findall(r"([a-z0-9-]+) ([0-9,]+)", line.partition(": ")[2])
            return {reason: int(count.replace(",", "")) for reason, count in pairs}
    return {}


class Session:
    """Runs on the cluster beside local ones."""

    def __init__(self, cluster: Cluster, root: Path) -> None:
        self._root = root
        settings = {
            "spark.sql.files.maxPartitionBytes": str(SPLIT_BYTES),
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


@pytest.mark.parametrize("may_be_hurt", [False, True])
def test_random_logs(may_be_hurt: bool, compare: Compare, tmp_path: Path):
    found = set()
    for seed in range(12):
        rng = random.Random(f"{seed} {may_be_hurt}")
        paths = [
            write(tmp_path / name, data)
            for name, data in random_files(rng, may_be_hurt=may_be_hurt)
        ]
        options = [f"--{name}={value}" for name, value in random_options(rng).items() if value]
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
    for seed in range(8):
        rng = random.Random(f"{seed} mounted")
        logs = tmp_path / f"logs-{seed} {{é}}"
        logs.mkdir()
        lines = lines_of_random_events(rng, rng.choice([20, 100]))
        data = [*random_files(rng, may_be_hurt=False), ("lines", b"\n".join(lines))]
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
    write(logs / ".hidden", b"no event log")
    assert compare(9, logs).rejects
    expected = run_locally(tmp_path / "here", ["9", str(logs)], capfd)
    write(logs / "_hidden", b"no event log")
    for number, pattern in enumerate((logs, f"{logs}/*.log", f"{logs}/{{0,1,2}}.log")):
        assert session.run(tmp_path / f"out-{number}", 9, pattern) == expected


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
    "no-json-in-a-run": EVENT * 3 + b'{"type":\n"IMAGE" oh}\n' + b"\n\noh\n" + b"[" * 99,
    "behind-the-array": b"[\n" + EVENT + b"]\noh",
}


@pytest.mark.parametrize("name", DAMAGED)
def test_damage_fails_the_run(name: str, compare: Compare, session: Session, tmp_path: Path):
    good, bad = write(tmp_path / "good", EVENT), write(tmp_path / name, DAMAGED[name])
    found = compare(10, good, bad, bad)
    assert found.status == 1
    assert str(bad) in found.failure
    mounted = session.run(tmp_path / "mounted", 10, *map(session.mounted, [good, bad]))
    assert session.as_if_local(mounted) == found


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
    assert found.failure == f"{tmp_path}/out: cannot be written: it is there already"
    assert found.status == 1
    assert list((tmp_path / "out").iterdir()) == []


# A driver of its own


class Submitted:
    """A run that is submitted to the cluster, with what Spark says of its tasks."""

    def __init__(self, cluster: Cluster, directory: Path, *arguments: object) -> None:
        self.directory = directory
        settings = {"spark.sql.files.maxPartitionBytes": "1m"}
        command = [str(spark_environment.SPARK_SUBMIT), *cluster.options("info", **settings)]
        command.append(str(PROGRAM))
        self.process = subprocess.Popen(
            [*command, *map(str, arguments), "-o", str(directory)],
            env=cluster.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,  # as spark-submit does with that of Python
            encoding="utf-8",
            start_new_session=True,
        )
        self.lines: list[str] = []

    def wait_for(self, pattern: str) -> None:
        """Read on until Spark says what matches."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line)
            if re.search(pattern, line):
                return
        raise AssertionError(f"the run ended without {pattern}: {''.join(self.lines)}")

    def outcome(self) -> Outcome:
        assert self.process.stdout is not None
        with self.process:
            self.lines += self.process.stdout
        return outcome_of(self.directory, self.process.returncode, "".join(self.lines))


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of about 20 parts, a few events of it bad."""
    path = tmp_path_factory.mktemp("log") / "log.jsonl"
    with open(path, "w", encoding="utf-8") as file:
        make_log.write_log(file, make_log.events(150_000, 3000, bad=500), "jsonl")
    return path


@pytest.mark.parametrize(
    "moment",
    [
        pytest.param(r"Finished task .* in stage 0\.0 .* \(4/", id="reading"),
        pytest.param(r"Finished task .* in stage 3\.0 .* \(2/", id="ranking"),
    ],
)
def test_a_worker_is_killed(
    moment: str, cluster: Cluster, log: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
):
    """What it had done is done again by the other one."""
    submitted = Submitted(cluster, tmp_path / "out", 100, log, "--partitions", 12)
    submitted.wait_for(moment)
    cluster.kill_worker()
    found = submitted.outcome()
    cluster.start_worker()
    assert any("Lost task" in line or "Resubmitted" in line for line in submitted.lines)
    assert found.status == 0
    assert len(found.rejects) == 500
    assert found == run_locally(tmp_path / "local", ["100", str(log)], capfd)


def test_a_signal_in_the_middle_of_the_job(cluster: Cluster, log: Path, tmp_path: Path):
    submitted = Submitted(cluster, tmp_path / "out", 100, log)
    submitted.wait_for(r"Finished task .* in stage 0\.0 .* \(2/")
    os.kill(driver_of(submitted.process.pid), signal.SIGTERM)
    found = submitted.outcome()
    assert found.status == 128 + signal.SIGTERM
    assert "LTV_Spark.py: interrupted by SIGTERM\n" in submitted.lines
    assert not (tmp_path / "out").exists()


def driver_of(submitting: int) -> int:
    """The process of Python below the one that submits."""
    for thread in Path(f"/proc/{submitting}/task").iterdir():
        for child in (thread / "children").read_text().split():
            if b"LTV_Spark" in Path(f"/proc/{child}/cmdline").read_bytes():
                return int(child)
    raise AssertionError("there is no driver")
