"""A standalone Spark cluster on loopback: one master, two workers, each a process."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import spark_environment

HOST = "127.0.0.1"
WORKERS = 2
SECONDS_TO_START = 120

#: What is logged says which tasks run; the levels of a user would drown what the program says.
LOGGING = """\
rootLogger.level = error
rootLogger.appenderRef.stderr.ref = console
appender.console.type = Console
appender.console.name = console
appender.console.target = SYSTEM_ERR
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %p %m%n
logger.tasks.name = org.apache.spark.scheduler.TaskSetManager
logger.tasks.level = {tasks}
"""


class Cluster:
    """Started and stopped by `with`; `directory` takes logs and what executors leave."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._home = spark_environment.spark_home()
        self._port = free_port()
        self._master: subprocess.Popen[bytes] | None = None
        self.workers: list[subprocess.Popen[bytes]] = []

    @property
    def url(self) -> str:
        return f"spark://{HOST}:{self._port}"

    @property
    def environment(self) -> dict[str, str]:
        """For the cluster's processes, and for drivers."""
        dropped = ("PYTHON", "COVERAGE", "SPARK", "VIRTUAL_ENV")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
        return kept | {
            "SPARK_HOME": self._home,
            "SPARK_LOCAL_IP": HOST,
            "SPARK_NO_DAEMONIZE": "1",
            "SPARK_DAEMON_MEMORY": "256m",
            "SPARK_LOCAL_DIRS": str(self.directory / "local"),
            "PYSPARK_PYTHON": str(spark_environment.PYTHON),
            "PYSPARK_DRIVER_PYTHON": str(spark_environment.PYTHON),
        }

    def options(self, tasks_logged: str = "error", **settings: str) -> list[str]:
        """Options of spark-submit for a driver on this cluster."""
        logging = self.directory / f"log4j2-{tasks_logged}.properties"
        logging.write_text(LOGGING.format(tasks=tasks_logged))
        every = {
            "spark.ui.enabled": "false",
            "spark.driver.memory": "1g",
            "spark.executor.memory": "512m",
            "spark.executor.cores": "1",
            "spark.driver.host": HOST,
            "spark.driver.extraJavaOptions": f"-Dlog4j2.configurationFile={logging}",
            "spark.scheduler.minRegisteredResourcesRatio": "1.0",
            "spark.scheduler.maxRegisteredResourcesWaitingTime": f"{SECONDS_TO_START}s",
            "spark.shuffle.io.retryWait": "1s",
        }
        pairs = (f"{name}={value}" for name, value in (every | settings).items())
        options = [part for pair in pairs for part in ("--conf", pair)]
        return ["--master", self.url, *options]

    def __enter__(self) -> "Cluster":
        self._master = self._start("master", "Master", "--port", str(self._port))
        self._wait_for("master", "I have been elected leader", 1)
        while len(self.workers) < WORKERS:
            self.start_worker()
        return self

    def __exit__(self, *exception: object) -> None:
        for process in [*self.workers, self._master]:
            if process is not None:
                kill(process)

    def start_worker(self) -> None:
        """Start one more worker, of one core, and wait until the master knows it."""
        self.workers.append(self._start("worker", "Worker", self.url, "-c", "1", "-m", "1g"))
        self._wait_for("master", "Registering worker", len(self.workers))

    def kill_worker(self) -> None:
        """Kill a worker with its executors, as when its machine is gone."""
        kill(self.workers[-1])

    def _start(self, role: str, name: str, *arguments: str) -> subprocess.Popen[bytes]:
        command = [f"{self._home}/bin/spark-class", f"org.apache.spark.deploy.{role}.{name}"]
        command += ["--host", HOST, "--webui-port", "0", *arguments]
        if role == "worker":
            command += ["--work-dir", str(self.directory / "work")]
        with open(self.directory / f"{role}.log", "ab") as log:
            return subprocess.Popen(
                command,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def _wait_for(self, role: str, text: str, times: int) -> None:
        log = self.directory / f"{role}.log"
        for _ in every_tenth_of_a_second():
            if log.read_text("utf-8", "replace").count(text) >= times:
                return
        raise AssertionError(f"{role}.log does not say {text!r}: {log.read_text()}")


def every_tenth_of_a_second() -> Iterator[None]:
    end = time.monotonic() + SECONDS_TO_START
    while time.monotonic() < end:
        yield
        time.sleep(0.1)


def kill(process: subprocess.Popen[bytes]) -> None:
    """Kill a process that leads a group, with the group."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind((HOST, 0))
        return int(listening.getsockname()[1])
