"""The same ranking on Apache Spark 4, with the same numbers.

    spark-submit src/Main_Calculation.py X PATH... -o DIR --engine spark

| step | where | |
|---|---|---|
| list | driver | the files that the paths stand for; from its begin, whether each may be split |
| read | tasks | parts of files to pieces of customers, which are shuffled (ltv.cluster.tasks) |
| account | driver | counts, damage, the end of the data |
| rank | tasks | a partition of the customers: the best of them; its rejects |
| join | driver | the best of all partitions |
| look | driver | whether a file changed since it was listed |
| write | both | aside, then put in place by one rename |

This needs `pip install pyspark`, here and nowhere else. No rule of what comes out is here: the
reading is that of a local run, and so are the ranking and what is said.
"""

import os
import shutil
import tempfile
import zipfile
from codecs import BOM_UTF8
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager, nullcontext, suppress
from functools import partial
from itertools import chain, groupby
from typing import Any, NamedTuple

from ltv.account import Account
from ltv.asked import nobody_ranked, ranked_by, ranking_of, top_by
from ltv.cluster.hadoop import Hadoop, HadoopFile, java_cause
from ltv.cluster.tasks import (
    FailedTask,
    Outcome,
    PartOfPlace,
    Question,
    Setting,
    Standing,
    gather_partition,
    rank_partition,
    read_contents,
    read_listed,
    read_rows,
)
from ltv.doubts import doubts_of
from ltv.errors import DamagedFileError, FileError, LTVError, NotAnEventLogError
from ltv.options import Options
from ltv.output.formats import render, render_summary
from ltv.parallel.parts import Part, parts_of, put_together
from ltv.process import RunFailedError, prepare_process, tell
from ltv.reading.files import LIKELY_COMPRESSION, begins_compressed, reading, state_of_file
from ltv.reading.framing import LINES
from ltv.reading.state import LONGER, FileState, changed, is_larger
from ltv.reading.units import PartReader
from ltv.report.summary import Summary
from ltv.run import (
    data_line,
    event_lines,
    events_of,
    lack_of,
    ranking_lines,
    rules_of,
    seen_in,
    too_many_rejected,
    warn,
)
from ltv.signals import Interrupted
from ltv.times import unpack
from ltv.values import counted
from LTV_Calculate import (
    SIMPLE,
    Candidate,
    Gather,
    Gathered,
    RankedCustomer,
    Ranking,
    Totals,
    best_of,
    join_totals,
    topXSimpleLTVCustomers,
)
from LTV_Ingest import Ingest, Rules

_TASKS_PER_CORE = 2
_LEAST_PART_BYTES = 1024 * 1024
_PARTITION_BYTES = 64 * 1024 * 1024  # of events as JSON

_FILES_OPENED_AT_ONCE = 16

_REJECTS_PER_FILE = 1_000_000


def run_on_cluster(options: Options, known_context: Any = None) -> None:
    """Read, rank, and put the results in place. Raises LTVError or Interrupted.

    With a SparkContext that is there already, to which `ship_modules` was done, it runs in that.
    """
    given = nullcontext(known_context) if known_context else _spark_context()
    with given as context:
        _heard_between_calls(context, partial(_run_in, context, options))


def _run_in(context: Any, options: Options) -> None:
    hadoop = Hadoop(context)
    with _job_errors():
        files = list(chain.from_iterable(map(hadoop.files, options.paths)))
        with _written_aside(hadoop, options.output) as directory:
            _Run(context, hadoop, files, options).finish(directory)


def _heard_between_calls(context: Any, action: Callable[[], None]) -> None:
    """Do `action` in a thread of its own, so that no signal comes in the middle of a call of Java.

    When this one is interrupted, Spark's jobs are cancelled, and what `action` has to clean up is
    waited for; what it has put in place by then is there.
    """
    with ThreadPoolExecutor(1) as thread:
        future = thread.submit(action)
        try:
            future.result()
        except Interrupted:
            while not future.done():
                context.cancelAllJobs()
                wait([future], timeout=1)
            if future.exception():
                raise


@contextmanager
def _spark_context() -> Iterator[Any]:
    """Spark, with what its workers need of this program."""
    try:
        from pyspark import SparkContext  # noqa: PLC0415 - needed by nothing else
    except ImportError:
        raise RunFailedError("pyspark is missing; to have it: pip install pyspark") from None
    try:
        context = SparkContext.getOrCreate()
    except Exception as error:
        reason = str(error).strip().partition("\n")[0]
        raise RunFailedError(f"Spark cannot be started: {reason}") from None
    try:
        prepare_process()  # Spark has a handler of its own for SIGINT
        with tempfile.TemporaryDirectory() as directory:
            ship_modules(context, directory)
            yield context
    finally:
        context.stop()


def ship_modules(context: Any, directory: str) -> None:
    """Have this program at the workers, unless it came by `--py-files`.

    `directory` is an empty one, needed as long as the context lives.
    """
    sources = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    if not os.path.isdir(sources):
        return
    copies = os.path.join(directory, "compiled")  # what is compiled is not left in the sources
    shutil.copytree(sources, copies, ignore=shutil.ignore_patterns("__pycache__"))
    archive = os.path.join(directory, "ltv.zip")
    with zipfile.PyZipFile(archive, "w") as modules:
        modules.writepy(copies)
        modules.writepy(os.path.join(copies, "ltv"))
    context.addPyFile(archive)


@contextmanager
def _job_errors() -> Iterator[None]:
    """Have the failure of a Spark job be told in a line."""
    from py4j.protocol import Py4JJavaError  # noqa: PLC0415 - comes with pyspark

    try:
        yield
    except Py4JJavaError as error:
        raise RunFailedError(f"Spark gave up: {java_cause(error)}") from None


@contextmanager
def _written_aside(hadoop: Hadoop, directory: str) -> Iterator[str]:
    """A new hidden directory beside `directory`; gone at the end, unless it was renamed."""
    parent, name = os.path.split(directory.rstrip("/"))
    aside = os.path.join(parent, f".{name}.ltv-{os.urandom(8).hex()}.tmp")
    try:
        if hadoop.exists(directory):
            raise FileError(directory, "it is there already")
        hadoop.make_directory(aside)
    except FileError as error:
        cause = f"cannot be written: {error.cause}; name another with -o"
        raise FileError(directory, cause) from None
    try:
        yield aside
    finally:
        with suppress(FileError):  # said already why the run failed
            hadoop.remove(aside)


class _Begin(NamedTuple):
    """What the begin of a file tells."""

    is_splittable: bool  # plain JSON Lines
    is_compressed: bool
    mark_bytes: int  # of a byte-order mark
    state: FileState | None  # of what every process finds without Hadoop


class _Run:
    """What the driver knows of a run."""

    def __init__(
        self, context: Any, hadoop: Hadoop, files: list[HadoopFile], options: Options
    ) -> None:
        self._context = context
        self._hadoop = hadoop
        self._files = files
        self._names = [file.name for file in files]
        self._options = options
        with ThreadPoolExecutor(_FILES_OPENED_AT_ONCE) as threads:
            self._begins = list(threads.map(self._begin_of, files))
        self._bytes = sum(map(self._likely_bytes, files, self._begins))
        cores = context.defaultParallelism
        partitions = options.partitions or max(cores, self._bytes // _PARTITION_BYTES)
        self._setting = Setting(partitions, rules_of(options))
        fair = max(self._bytes // (_TASKS_PER_CORE * cores), _LEAST_PART_BYTES)
        self._part_bytes = min(fair, self._most_bytes())

    def _likely_bytes(self, file: HadoopFile, begin: _Begin) -> int:
        return file.size * LIKELY_COMPRESSION if begin.is_compressed else file.size

    def _most_bytes(self) -> int:
        """The most that Spark puts into a partition of files."""
        text = self._context.getConf().get("spark.sql.files.maxPartitionBytes", "128m")
        utilities = self._context._jvm.org.apache.spark.network.util.JavaUtils
        return int(utilities.byteStringAsBytes(text))

    def _begin_of(self, file: HadoopFile) -> _Begin:
        state = None
        try:
            state = state_of_file(file.local_path) if file.local_path is not None else None
            head = next(self._hadoop.chunks(file), b"")
            is_compressed = begins_compressed(head)
            is_splittable = not is_compressed and _is_log_of_lines(
                file.name, self._hadoop.chunks(file)
            )
        except LTVError:  # to be told when it is read
            return _Begin(False, False, 0, state)
        mark_bytes = len(BOM_UTF8) if head.startswith(BOM_UTF8) else 0
        return _Begin(is_splittable, is_compressed, mark_bytes, state)

    @contextmanager
    def _all_unchanged(self) -> Iterator[None]:
        """Raise FileError at the end if a file changed, also instead of what came of that."""
        try:
            yield
        except Exception:
            self._check_all_unchanged()
            raise
        self._check_all_unchanged()

    def _check_all_unchanged(self) -> None:
        with ThreadPoolExecutor(_FILES_OPENED_AT_ONCE) as threads:
            list(threads.map(self._check_unchanged, self._files, self._begins))

    def _check_unchanged(self, file: HadoopFile, begin: _Begin) -> None:
        if file.local_path is not None and begin.state is not None:
            try:
                with reading(file.local_path, begin.state):
                    return
            except FileError as error:
                raise _named(error, file) from None
        try:
            now = self._hadoop.looked_at_again(file)
        except FileError as error:
            raise changed(file.name, f"it is gone ({error.cause})") from None
        if is_larger(file.name, file.size, file.mtime_ms, (now.size, now.mtime_ms)):
            raise changed(file.name, LONGER)  # Spark reads on, to wherever a line ends

    def finish(self, directory: str) -> None:
        """Read and rank, and leave in `directory` what came out, then put in its place."""
        options = self._options
        account = Account()
        D = ClusterCustomers(self._context, self._setting, self._names)
        parts = ClusterParts(self._files, self._sources())
        failure: RunFailedError | None = None
        rows = []
        ranking = Ranking()
        with self._all_unchanged():
            try:
                Ingest(parts, D, **self._setting.rules._asdict(), errors=account)
                ranking = ranking_of(options, D)
                rows = self._rows(D, ranking)
            except NotAnEventLogError as error:
                failure = RunFailedError(str(error))
            D.write_rejects(self._rejects_path(directory))
        what = counted(len(self._files), "file")
        failure = (
            failure
            or too_many_rejected(account, options)
            or lack_of(account, what, is_empty=not account.accepted, has_orders=False)
        )
        if not (failure or rows):
            failure = nobody_ranked(options, D.totals().customers)
        if failure:
            self._leave_rejects(account, directory)
            raise seen_in(failure, self._see(account))
        doubts = doubts_of(account, options.currency, account.edges)
        warn(doubts)
        events = events_of(account, options)
        summary = Summary(
            options.currency,
            options.lifespan,
            D.totals(),
            events,
            account.reasons,
            warnings=tuple(doubt.text for doubt in doubts),
            by=ranked_by(options, ranking, D.count_ranked(ranking)),
        )
        self._hadoop.write(f"{directory}/top/part-00000.jsonl", render("jsonl", rows, summary))
        self._hadoop.write(f"{directory}/summary.json", render_summary(summary))
        self._hadoop.write(f"{directory}/_SUCCESS", [])
        self._hadoop.rename(directory, self._options.output)
        tell(event_lines(self._names, account, options), quiet=options.quiet)
        lines = [data_line(summary), *ranking_lines(summary), *self._places(account)]
        tell(lines, quiet=options.quiet)

    def _rows(self, D: "ClusterCustomers", ranking: Ranking) -> list[RankedCustomer]:
        options = self._options
        if options.by != "ltv":
            return top_by(options, D, ranking)
        return topXSimpleLTVCustomers(options.x, D, lifespan=options.lifespan, **ranking.limits)

    def _leave_rejects(self, account: Account, directory: str) -> None:
        """Put the rejects in place alone: they say why the run failed."""
        if account.rejected:
            self._hadoop.rename(directory, self._options.output)
        tell(event_lines(self._names, account, self._options), quiet=self._options.quiet)

    def _see(self, account: Account) -> str:
        return f"; see {self._rejects_path(self._options.output)}" if account.rejected else ""

    def _places(self, account: Account) -> list[str]:
        lines = [f"Results: {self._options.output}"]
        if account.rejected:
            rejects = self._rejects_path(self._options.output)
            lines.append(f"Rejected events, with place and reason: {rejects}")
        return lines

    def _rejects_path(self, directory: str) -> str:
        return os.path.join(directory, "rejects")

    def _sources(self) -> Iterator[Any]:
        """What tasks read and deal out, as RDDs."""
        local = [number for number, file in enumerate(self._files) if file.local_path is not None]
        tasks = list(self._tasks(local))
        read = partial(read_listed, setting=self._setting)
        yield self._context.parallelize(tasks, max(len(tasks), 1)).mapPartitionsWithIndex(read)
        remote = [number for number, file in enumerate(self._files) if file.local_path is None]
        for numbers in _without_twins(remote, self._files):
            lines = [
                number
                for number in numbers
                if self._begins[number].is_splittable and not self._files[number].has_codec
            ]
            if lines:
                yield self._lines_of(lines)
            if len(lines) < len(numbers):
                yield self._contents_of([number for number in numbers if number not in lines])

    def _tasks(self, numbers: list[int]) -> Iterator[list[PartOfPlace]]:
        """Each part as a task; small files that follow each other as one."""
        files = (
            (self._parts(number), self._likely_bytes(self._files[number], self._begins[number]))
            for number in numbers
        )
        return put_together(files, self._part_bytes)

    def _parts(self, number: int) -> list[PartOfPlace]:
        path = self._files[number].local_path
        assert path is not None, "only what is local is cut here"
        state = self._begins[number].state
        parts: Iterable[Part] = [Part(path, state=state)]
        if self._begins[number].is_splittable:
            parts = parts_of(path, self._part_bytes, is_alone=False, state=state)
        elsewhere = state.elsewhere() if state else None
        return [
            PartOfPlace(number, part._replace(state=elsewhere), place)
            for place, part in enumerate(parts)
        ]

    def _frame(self, file_format: str, numbers: list[int], **options: str) -> Any:
        from pyspark.sql import SparkSession  # noqa: PLC0415 - needed by nothing else

        reader = SparkSession(self._context).read.format(file_format).options(**options)
        return reader.load([_literal(self._files[number].path) for number in numbers])

    def _lines_of(self, numbers: list[int]) -> Any:
        """The lines of files that only Hadoop can read, split among tasks by Spark."""
        frame = self._frame("text", numbers, lineSep="\n").selectExpr(
            "CAST(value AS BINARY)", "_metadata.file_path", "_metadata.file_block_start"
        )
        known = {self._files[number].uri: number for number in numbers}
        marks = {number: self._begins[number].mark_bytes for number in numbers}
        read = partial(read_rows, numbers=known, marks=marks, setting=self._setting)
        return frame.rdd.mapPartitionsWithIndex(read)

    def _contents_of(self, numbers: list[int]) -> Any:
        """Other files that only Hadoop can read, each whole in one task."""
        frame = self._frame("binaryFile", numbers).selectExpr("content", "_metadata.file_path")
        known = {self._files[number].uri: number for number in numbers}
        read = partial(read_contents, numbers=known, setting=self._setting)
        return frame.rdd.mapPartitionsWithIndex(read)


class ClusterParts(NamedTuple):
    """The files of a run, and the RDDs of what tasks read of them."""

    files: list[HadoopFile]
    sources: Iterator[Any]


class ClusterCustomers:
    """All customers in partitions of a cluster, as a D: tasks ingest and rank (LTV_Ingest.Spread).

    Its files have these `names`.
    """

    def __init__(self, context: Any, setting: Setting, names: list[str]) -> None:
        self._context = context
        self._setting = setting
        self._names = names
        self._account = Account()
        self._line_shifts: dict[tuple[int, int], int] = {}
        self._pieces: Any = None
        self._found: Any = None
        self._standings: list[Standing] = []

    def ingest(self, parts: ClusterParts, rules: Rules, account: Account) -> None:
        """Have tasks ingest the parts, and take what came of them into account."""
        self._account = account
        pieces = self._context.union(list(parts.sources))
        partitions = self._setting.partitions + 1  # the last has what became of the parts
        self._pieces = pieces.partitionBy(partitions, int).values()
        outcomes = self._context.runJob(self._pieces, list, [self._setting.partitions])
        try:
            take_into_account(outcomes, parts.files, account, self._line_shifts)
        except NotAnEventLogError:  # the rejects say why
            last, _ = max(self._line_shifts)
            self._names = self._names[: last + 1]
            raise

    def end(self) -> int:
        """Return the latest time of any event."""
        return unpack(self._account.end) if self._account.end else 0

    def best_customers(self, x: int, ranking: Ranking) -> list[Candidate]:
        """Return the best of all partitions."""
        found = self._looked_for(x, ranking)
        self._standings = found.filter(lambda one: isinstance(one, Standing)).collect()
        return best_of(x, chain.from_iterable(one.best for one in self._standings))

    def _looked_for(self, x: int, ranking: Ranking) -> Any:
        """Return the RDD of what stands in each partition, and of the rejects."""
        from pyspark import StorageLevel  # noqa: PLC0415 - needed by nothing else

        question = Question(x, ranking, self.end(), self._names, self._line_shifts)
        rank = partial(rank_partition, setting=self._setting, question=question)
        self._found = self._pieces.mapPartitionsWithIndex(rank)
        if self._account.rejected:
            self._found.persist(StorageLevel.DISK_ONLY)
        return self._found

    def count_ranked(self, _: Ranking) -> int:
        """Return how many customers were ranked."""
        return sum(one.ranked for one in self._standings)

    def gathered(self, gather: Gather[Gathered]) -> Iterator[Gathered]:
        """Yield what `gather` makes of one partition after the other (LTV_Calculate.gathered)."""
        take = partial(gather_partition, setting=self._setting, gather=gather)
        found: Iterator[Gathered] = self._pieces.mapPartitionsWithIndex(take).toLocalIterator()
        return found

    def totals(self) -> Totals:
        """Return what all customers add up to."""
        return join_totals(one.totals for one in self._standings)

    def write_rejects(self, directory: str) -> None:
        """Have tasks write the rejects, if there are any, to files in a new directory."""
        if self._account.rejected:
            files = -(-self._account.rejected // _REJECTS_PER_FILE)
            found = self._found or self._looked_for(1, SIMPLE)
            lines = found.filter(lambda one: isinstance(one, str)).coalesce(files)
            lines.saveAsTextFile(directory)


def take_into_account(
    outcomes: Iterable[Outcome | FailedTask],
    files: list[HadoopFile],
    account: Account,
    line_shifts: dict[tuple[int, int], int],
) -> None:
    """Take what became of all parts into account; raise the first of what is wrong with files.

    `line_shifts` gets what the lines of a part of a file, by both their numbers, are to be shifted
    by.
    """
    for outcome, shift in _shifted(outcomes, files):
        part = outcome.result
        line_shift = None if outcome.number is None else shift
        account.join(part.counts, files[part.file].name, line_shift)
        if outcome.number is not None:
            line_shifts[part.file, outcome.number] = shift


def _shifted(
    outcomes: Iterable[Outcome | FailedTask], files: list[HadoopFile]
) -> Iterator[tuple[Outcome, int]]:
    """Each outcome with what its lines are to be shifted by; raises the first damage."""
    for file, of_file in groupby(sorted(outcomes, key=_order_of), key=lambda one: one.file):
        shift = 0
        before = None
        for outcome in of_file:
            if isinstance(outcome, FailedTask):
                raise _named(outcome.error, files[file])
            part = outcome.result
            if before and outcome.number is not None:
                shift += before.last.line - part.first.line
            if not part.damage or isinstance(part.damage, NotAnEventLogError):
                yield outcome, shift
            if part.damage:
                raise _named(part.damage.shifted(shift), files[file])
            before = part


def _order_of(outcome: Outcome | FailedTask) -> tuple[int, bool, int]:
    if isinstance(outcome, FailedTask):
        return outcome.file, True, 0
    return outcome.file, outcome.number is None, outcome.number or 0


def _named(error: LTVError, file: HadoopFile) -> LTVError:
    """The same error of the file as it was given."""
    if isinstance(error, DamagedFileError):
        error.file = file.name
    elif isinstance(error, FileError) and error.path == file.local_path:
        error.path = file.name
    return error


def _is_log_of_lines(file: str, chunks: Iterator[bytes]) -> bool:
    """Whether it is JSON Lines, with an event where an event log has one. Raises LTVError."""
    reader = PartReader(file, chunks)
    units = iter(reader)
    return reader.framing == LINES and any(reader.is_event_log for _ in units)


def _without_twins(numbers: list[int], files: list[HadoopFile]) -> Iterator[list[int]]:
    """The numbers of files, in groups in which no file is twice."""
    while numbers:
        first = {files[number].uri: number for number in reversed(numbers)}
        yield sorted(first.values())
        numbers = [number for number in numbers if number not in first.values()]


def _literal(path: str) -> str:
    """A pattern that only this path matches."""
    return "".join(f"\\{one}" if one in r"\{}[]*?" else one for one in path)
