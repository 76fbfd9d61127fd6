"""A run on a Spark cluster of which a part is killed, and one that is told to end."""

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import make_log
import spark_environment
from conftest import SOURCES
from ltv.reading.state import LONGER, changed
from spark_cluster import Cluster, kill
from spark_outcome import Outcome, outcome_of, run_locally

pytestmark = pytest.mark.spark

PROGRAM = SOURCES / "Main_Calculation.py"


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    spark_environment.make()
    with Cluster(tmp_path_factory.mktemp("cluster")) as started:
        yield started


class Submitted:
    """A run that is submitted to the cluster, with what Spark says of its tasks."""

    def __init__(self, cluster: Cluster, directory: Path, *arguments: object) -> None:
        self.directory = directory
        settings = {
            "spark.sql.files.maxPartitionBytes": "1m",
            "spark.hadoop.fs.viewfs.mounttable.logs.link./all": directory.parent.as_uri(),
        }
        command = [str(spark_environment.SPARK_SUBMIT), *cluster.options("info", **settings)]
        command.append(str(PROGRAM))
        self.process = subprocess.Popen(
            [*command, *map(str, arguments), "-o", str(directory), "--engine", "spark"],
            env=cluster.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,  # as spark-submit does with that of Python
            encoding="utf-8",
            start_new_session=True,
        )
        self.lines: list[str] = []

    def __enter__(self) -> "Submitted":
        return self

    def __exit__(self, *exception: object) -> None:
        kill(self.process)

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
    with Submitted(cluster, tmp_path / "out", 100, log, "--partitions", 12) as submitted:
        submitted.wait_for(moment)
        cluster.kill_worker()
        found = submitted.outcome()
    cluster.start_worker()
    said = "".join(submitted.lines)
    assert re.search("Lost (task|executor)|Resubmitted", said), said
    assert found.status == 0
    assert len(found.rejects) == 500
    assert found == run_locally(tmp_path / "local", ["100", str(log)], capfd)


def touch(path: Path) -> None:
    os.utime(path)


def append(path: Path) -> None:
    with path.open("a") as file:
        file.write("{}\n")


@pytest.mark.parametrize(
    "case",
    [  # whether only Hadoop can read it, what happens to it, and what is said
        (False, touch, "it was written to"),
        (False, Path.unlink, "it cannot be opened any more (No such file or directory)"),
        (False, append, None),
        (True, touch, "it was written to"),
        (True, append, LONGER),
    ],
)
def test_a_file_changes(
    case: tuple[bool, Callable[[Path], object], str | None],
    cluster: Cluster,
    log: Path,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
):
    is_mounted, change, how = case
    path = Path(shutil.copy2(log, tmp_path))
    name = f"viewfs://logs/all/{path.name}" if is_mounted else str(path)
    with Submitted(cluster, tmp_path / "out", 100, name) as submitted:
        submitted.wait_for(r"Finished task .* in stage 0\.0 .* \(2/")
        change(path)
        found = submitted.outcome()
    if how is None:
        expected = run_locally(tmp_path / "local", ["100", str(log)], capfd)
        assert (found.status, found.rows) == (0, expected.rows)
        assert found.summary == expected.summary
        return
    assert (found.status, found.failure) == (1, str(changed(name, how)))
    assert not (tmp_path / "out").exists()


def test_a_signal_in_the_middle_of_the_job(cluster: Cluster, log: Path, tmp_path: Path):
    with Submitted(cluster, tmp_path / "out", 100, log) as submitted:
        submitted.wait_for(r"Finished task .* in stage 0\.0 .* \(2/")
        os.kill(driver_of(submitted.process.pid), signal.SIGTERM)
        found = submitted.outcome()
    assert found.status == 128 + signal.SIGTERM
    assert "Main_Calculation.py: interrupted by SIGTERM\n" in submitted.lines
    assert not (tmp_path / "out").exists()


def driver_of(submitting: int) -> int:
    """The process of Python below the one that submits."""
    for thread in Path(f"/proc/{submitting}/task").iterdir():
        for child in (thread / "children").read_text().split():
            if b"Main_Calculation" in Path(f"/proc/{child}/cmdline").read_bytes():
                return int(child)
    raise AssertionError("there is no driver")
